//! The image under the pointer: its photo, its cluster, the radius that joins it to the one before.

use eframe::egui::{Pos2, Rect, Stroke, StrokeKind, Ui, pos2, vec2};

use super::{Labels, Picture};
use crate::gui::panels::PanelCtx;
use crate::gui::panels::clustered::{ShownClustering, thumb};
use crate::gui::plot::ticks;
use crate::gui::theme::{Type, size};

/// Paints it beside the pointer.
pub fn show(ui: &Ui, cx: &mut PanelCtx<'_>, picture: &Picture<'_>, run: &ShownClustering, image: u32, at: Pos2) {
    let theme = cx.theme;
    let all = picture.all;
    let labels = Labels::of(run, picture.painted.tried.as_deref());
    let bar = all.order.reach[all.order.place[image as usize] as usize];
    let title = match labels.cluster(image) {
        Some((cluster, true)) => format!("cluster {cluster}, reliable"),
        Some((cluster, false)) => format!("cluster {cluster}, unreliable"),
        None => "in no cluster".to_owned(),
    };
    let joined = if bar.is_finite() {
        format!("joined to the one before at {bar:.3}")
    } else {
        format!("not joined within {:.2}", all.tree.max)
    };
    let core = all.tree.core[image as usize];
    let dense = if core.is_finite() { format!("core from {core:.3}") } else { "never core".to_owned() };
    let mut lines = vec![title, format!("image {}", ticks::count(image as usize)), joined, dense];
    lines.push(format!("outlier score {:.2}", all.condensed.outlier[image as usize]));
    if let Some(camera) = run.camera(image) {
        lines.push(format!("camera {camera}"));
    }
    let galleys: Vec<_> =
        lines.into_iter().map(|l| ui.painter().layout_no_wrap(l, Type::Small.font(ui), theme.t1)).collect();
    let words = galleys.iter().fold(vec2(0.0, 0.0), |s, g| vec2(s.x.max(g.size().x), s.y + g.size().y));
    let [width, height] = size::THUMBS[2];
    let pad = 6.0;
    let whole = vec2(width + words.x + 3.0 * pad, words.y.max(height) + 2.0 * pad);
    let room = picture.plot.outer;
    let left = if at.x + 14.0 + whole.x <= room.right() { at.x + 14.0 } else { at.x - 14.0 - whole.x };
    let top = (at.y - whole.y / 2.0).clamp(room.top(), (room.bottom() - whole.y).max(room.top()));
    let area = Rect::from_min_size(pos2(left.max(room.left()), top), whole);
    let painter = ui.painter();
    let x = painter.round_to_pixel_center(at.x);
    painter.vline(x, picture.plot.inner.y_range(), Stroke::new(size::STROKE, theme.t2));
    painter.rect(area, size::RADIUS_BUTTON, theme.bg2, Stroke::new(size::STROKE, theme.line2), StrokeKind::Inside);
    let cell = Rect::from_min_size(area.min + vec2(pad, pad), vec2(width, height));
    thumb::paint(ui, cx.images, run.images.as_deref(), image, cell, 1.0);
    let mut y = area.top() + pad;
    for galley in galleys {
        let height = galley.size().y;
        ui.painter().galley(pos2(cell.right() + pad, y), galley, theme.t1);
        y += height;
    }
}
