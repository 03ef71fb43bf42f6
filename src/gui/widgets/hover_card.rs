//! The card beside the pointer: a photo and some lines about it.

use eframe::egui::{Color32, Pos2, Rect, Stroke, StrokeKind, Ui, pos2, vec2};

use super::thumb;
use crate::gui::panels::PanelCtx;
use crate::gui::theme::{Type, size};
use crate::run::images::Images;

/// Between the card's edge, photo and words.
const PAD: f32 = 6.0;

/// A line of a card.
#[derive(Clone, Debug, PartialEq)]
pub struct CardLine(pub String, pub Type, pub Color32);

/// Paints a card beside the pointer at `at`, so far away, within `room`, and says where it is: the photo of an image of
/// the train split, `lines` beside it.
pub fn show(
    ui: &Ui,
    cx: &PanelCtx<'_>,
    (images, image): (Option<&Images>, u32),
    (room, at, away): (Rect, Pos2, f32),
    lines: impl IntoIterator<Item = CardLine>,
) -> Rect {
    let theme = cx.theme;
    let painter = ui.painter();
    let galley = |CardLine(words, step, ink): CardLine| painter.layout_no_wrap(words, step.font(ui), ink);
    let galleys: Vec<_> = lines.into_iter().map(galley).collect();
    let words = galleys.iter().fold(vec2(0.0, 0.0), |s, g| vec2(s.x.max(g.size().x), s.y + g.size().y));
    let [width, height] = size::THUMBS[2];
    let whole = vec2(width + words.x + 3.0 * PAD, words.y.max(height) + 2.0 * PAD);
    let left = if at.x + away + whole.x <= room.right() { at.x + away } else { at.x - away - whole.x };
    let top = (at.y - whole.y / 2.0).clamp(room.top(), (room.bottom() - whole.y).max(room.top()));
    let area = Rect::from_min_size(pos2(left.max(room.left()), top), whole);
    painter.rect(area, size::RADIUS_BUTTON, theme.bg2, Stroke::new(size::STROKE, theme.line2), StrokeKind::Inside);
    let cell = Rect::from_min_size(area.min + vec2(PAD, PAD), vec2(width, height));
    thumb::paint(ui, cx.images, images, image, cell, 1.0);
    let mut y = area.top() + PAD;
    for galley in galleys {
        let height = galley.size().y;
        painter.galley(pos2(cell.right() + PAD, y), galley, theme.t1);
        y += height;
    }
    area
}

/// Small lines in the colour of all text.
pub fn small(cx: &PanelCtx<'_>, lines: Vec<String>) -> impl Iterator<Item = CardLine> {
    let ink = cx.theme.t1;
    lines.into_iter().map(move |words| CardLine(words, Type::Small, ink))
}
