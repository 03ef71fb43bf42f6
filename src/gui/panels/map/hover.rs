//! What lies under the pointer: a ring, a leader, and a box with its photograph and what is known of it.

use eframe::egui::{Pos2, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2};

use crate::gui::panels::PanelCtx;
use crate::gui::plot::colours::{Glyph, glyph};
use crate::gui::plot::ticks;
use crate::gui::theme::{Type, size};
use crate::gui::widgets::hover_card::{self, CardLine};
use crate::gui::widgets::thumb;
use crate::gui::words::share;
use crate::run::images::{ImageRow, Images};
use crate::run::snapshot::ClusterSnapshot;

const RING: f32 = 9.0;
const LEADER: f32 = 22.0;

/// The image under the pointer.
pub struct Hovered<'a> {
    /// Its row of the train split.
    pub i: usize,
    /// The target's images.
    pub images: Option<&'a Images>,
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
    let Hovered { i, images, at, room } = *hovered;
    let theme = cx.theme;
    let image = i as u32;
    let row = images.and_then(|all| all.get(thumb::train(image)));
    let mut lines = lines(cx, snapshot, row, i);
    lines.extend(tried.map(|tried| CardLine(would_be(tried, i), Type::Small, theme.what_if)));
    let area = hover_card::show(ui, cx, (images, image), (room, at, LEADER), lines);
    let painter = ui.painter();
    painter.circle_stroke(at, RING, Stroke::new(size::STROKE_CURVE, theme.t1));
    let edge = if area.left() > at.x { area.left() } else { area.right() };
    let end = pos2(edge, at.y.clamp(area.top() + 4.0, area.bottom() - 4.0));
    painter.line_segment([at + (end - at).normalized() * RING, end], Stroke::new(size::STROKE, theme.t2));
    let response = ui.interact(area, ui.scope_id().with("hovered image"), Sense::empty());
    let said = format!("Under the pointer: image {}", ticks::count(i));
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, said.as_str()));
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

fn lines(cx: &PanelCtx<'_>, snapshot: &ClusterSnapshot, row: Option<&ImageRow>, i: usize) -> Vec<CardLine> {
    let theme = cx.theme;
    let label = snapshot.labels.get(i).copied().unwrap_or(-1);
    let members = snapshot.labels.iter().filter(|l| **l == label && label >= 0).count();
    let title = match label {
        0.. => format!("cluster {label}"),
        _ => "outlier".to_owned(),
    };
    let mut out = vec![CardLine(title, Type::Title, theme.t1)];
    match glyph(snapshot, i) {
        Glyph::Disc => out.push(CardLine(format!("{members} images, reliable"), Type::Small, theme.reliable)),
        Glyph::Ring => out.push(CardLine(format!("{members} images, unreliable"), Type::Small, theme.unreliable)),
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
        out.push(CardLine(words, Type::Small, theme.t2));
    }
    let image = format!("image {}", ticks::count(i));
    match row.filter(|_| cx.truth) {
        Some(r) => {
            out.push(CardLine(image, Type::Small, theme.t3));
            out.push(CardLine(format!("identity {}", r.pid), Type::Small, theme.truth));
        }
        None => out.push(CardLine(image, Type::Small, theme.t3)),
    }
    out
}
