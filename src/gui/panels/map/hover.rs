//! What lies under the pointer: a ring, a leader, and a box with its photograph and what is known of it.

use std::sync::Arc;

use eframe::egui::{Color32, Galley, Pos2, Rect, Stroke, StrokeKind, Ui, pos2, vec2};

use crate::gui::panels::PanelCtx;
use crate::gui::plot::colours::{Glyph, glyph};
use crate::gui::plot::ticks;
use crate::gui::theme::{Type, size};
use crate::gui::widgets::images::Tone;
use crate::gui::widgets::photo;
use crate::gui::words::share;
use crate::run::images::ImageRow;
use crate::run::snapshot::ClusterSnapshot;

const RING: f32 = 9.0;
const LEADER: f32 = 22.0;

/// The image under the pointer.
pub struct Hovered<'a> {
    /// Its row of the train split.
    pub i: usize,
    /// What the run says of it.
    pub row: Option<&'a ImageRow>,
    /// Where it lies on the screen.
    pub at: Pos2,
    /// Where the box must stay.
    pub room: Rect,
}

/// Paints what is known of it.
pub fn show(
    ui: &Ui,
    cx: &PanelCtx<'_>,
    (snapshot, tried): (&ClusterSnapshot, Option<&ClusterSnapshot>),
    hovered: &Hovered<'_>,
) {
    let Hovered { i, row, at, room } = *hovered;
    let theme = cx.theme;
    let mut lines = lines(ui, cx, snapshot, row, i);
    lines.extend(
        tried.map(|tried| ui.painter().layout_no_wrap(would_be(tried, i), Type::Small.font(ui), theme.what_if)),
    );
    let [width, height] = size::THUMBS[1];
    let pad = 6.0;
    let words = lines.iter().fold(vec2(0.0, 0.0), |s, g| vec2(s.x.max(g.size().x), s.y + g.size().y + 1.0));
    let size_of_box = vec2(width + words.x + 3.0 * pad, height.max(words.y) + 2.0 * pad);
    let right = at.x + LEADER + size_of_box.x <= room.right();
    let left = if right { at.x + LEADER } else { (at.x - LEADER - size_of_box.x).max(room.left()) };
    let top = (at.y - LEADER - size_of_box.y / 2.0).clamp(room.top(), (room.bottom() - size_of_box.y).max(room.top()));
    let area = Rect::from_min_size(pos2(left, top), size_of_box);
    let painter = ui.painter();
    let ink = Stroke::new(size::STROKE_CURVE, theme.t1);
    painter.circle_stroke(at, RING, ink);
    let end = pos2(if right { area.left() } else { area.right() }, at.y.clamp(area.top() + 4.0, area.bottom() - 4.0));
    let way = (end - at).normalized() * RING;
    painter.line_segment([at + way, end], Stroke::new(size::STROKE, theme.t2));
    painter.rect(area, size::RADIUS_BUTTON, theme.bg2, Stroke::new(size::STROKE, theme.line2), StrokeKind::Inside);
    let cell = Rect::from_min_size(area.min + vec2(pad, pad), vec2(width, height));
    photo::paint(ui, cx.images, row.map(|r| r.path.as_path()), cell, Tone::Color, 1.0);
    let mut y = area.top() + pad;
    for galley in lines {
        let height = galley.size().y;
        ui.painter().galley(pos2(cell.right() + pad, y), galley, theme.t2);
        y += height + 1.0;
    }
    let response = ui.interact(area, ui.scope_id().with("hovered image"), eframe::egui::Sense::empty());
    response.widget_info(|| {
        eframe::egui::WidgetInfo::labeled(
            eframe::egui::Role::Label,
            true,
            format!("Under the pointer: image {}", ticks::count(i)),
        )
    });
}

/// What the image is among the clusters that are tried.
fn would_be(tried: &ClusterSnapshot, i: usize) -> String {
    let label = tried.labels.get(i).copied().unwrap_or(-1);
    let members = tried.labels.iter().filter(|l| **l == label).count();
    match glyph(tried, i) {
        Glyph::Disc => format!("what-if: one of {members}, reliable"),
        Glyph::Ring => format!("what-if: one of {members}, unreliable"),
        Glyph::Cross => "what-if: an outlier".to_owned(),
    }
}

fn lines(ui: &Ui, cx: &PanelCtx<'_>, snapshot: &ClusterSnapshot, row: Option<&ImageRow>, i: usize) -> Vec<Arc<Galley>> {
    let theme = cx.theme;
    let label = snapshot.labels.get(i).copied().unwrap_or(-1);
    let members = snapshot.labels.iter().filter(|l| **l == label && label >= 0).count();
    let say = |words: String, step: Type, color: Color32| ui.painter().layout_no_wrap(words, step.font(ui), color);
    let title = match label {
        0.. => format!("cluster {label}"),
        _ => "outlier".to_owned(),
    };
    let mut out = vec![say(title, Type::Title, theme.t1)];
    match glyph(snapshot, i) {
        Glyph::Disc => out.push(say(format!("{members} images, reliable"), Type::Small, theme.reliable)),
        Glyph::Ring => out.push(say(format!("{members} images, unreliable"), Type::Small, theme.unreliable)),
        Glyph::Cross => {}
    }
    let score = snapshot.score.get(i).copied().unwrap_or(f64::NAN);
    let camera = row.map_or(String::new(), |r| format!("camera {} · ", r.camid + 1));
    // An outlier is in no cluster: it has no score.
    let words = match label {
        0.. => format!("{camera}score {}", share(score)),
        _ => camera.trim_end_matches(" · ").to_owned(),
    };
    if !words.is_empty() {
        out.push(say(words, Type::Small, theme.t2));
    }
    let image = format!("image {}", ticks::count(i));
    match row.filter(|_| cx.truth) {
        Some(r) => {
            out.push(say(image, Type::Small, theme.t3));
            out.push(say(format!("identity {}", r.pid), Type::Small, theme.truth));
        }
        None => out.push(say(image, Type::Small, theme.t3)),
    }
    out
}
