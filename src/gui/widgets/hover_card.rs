//! The card beside the pointer: a photo and some lines about it.

use eframe::egui::{Pos2, Rect, Stroke, StrokeKind, Ui, pos2, vec2};

use super::thumb;
use crate::gui::panels::PanelCtx;
use crate::gui::theme::{Type, size};
use crate::run::images::Images;

/// A card beside the pointer at `at`, within `room`: the photo of an image of the train split, `lines` beside it.
pub fn show(
    ui: &Ui,
    cx: &PanelCtx<'_>,
    (images, image): (Option<&Images>, u32),
    (room, at): (Rect, Pos2),
    lines: Vec<String>,
) {
    let theme = cx.theme;
    let painter = ui.painter();
    let galleys: Vec<_> =
        lines.into_iter().map(|l| painter.layout_no_wrap(l, Type::Small.font(ui), theme.t1)).collect();
    let words = galleys.iter().fold(vec2(0.0, 0.0), |s, g| vec2(s.x.max(g.size().x), s.y + g.size().y));
    let [width, height] = size::THUMBS[2];
    let pad = 6.0;
    let whole = vec2(width + words.x + 3.0 * pad, words.y.max(height) + 2.0 * pad);
    let left = if at.x + 14.0 + whole.x <= room.right() { at.x + 14.0 } else { at.x - 14.0 - whole.x };
    let top = (at.y - whole.y / 2.0).clamp(room.top(), (room.bottom() - whole.y).max(room.top()));
    let area = Rect::from_min_size(pos2(left.max(room.left()), top), whole);
    painter.rect(area, size::RADIUS_BUTTON, theme.bg2, Stroke::new(size::STROKE, theme.line2), StrokeKind::Inside);
    let cell = Rect::from_min_size(area.min + vec2(pad, pad), vec2(width, height));
    thumb::paint(ui, cx.images, images, image, cell, 1.0);
    let mut y = area.top() + pad;
    for galley in galleys {
        let height = galley.size().y;
        painter.galley(pos2(cell.right() + pad, y), galley, theme.t1);
        y += height;
    }
}
