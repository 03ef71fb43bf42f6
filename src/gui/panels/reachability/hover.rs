//! The image under the pointer: its photo, its cluster, the radius that joins it to the one before.

use eframe::egui::{Pos2, Stroke, Ui};

use super::{Labels, Picture};
use crate::gui::clustered::ShownClustering;
use crate::gui::panels::PanelCtx;
use crate::gui::plot::ticks;
use crate::gui::theme::size;
use crate::gui::widgets::hover_card;

/// Paints it beside the pointer.
pub fn show(ui: &Ui, cx: &PanelCtx<'_>, picture: &Picture<'_>, run: &ShownClustering, image: u32, at: Pos2) {
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
    let painter = ui.painter();
    let x = painter.round_to_pixel_center(at.x);
    painter.vline(x, picture.plot.inner.y_range(), Stroke::new(size::STROKE, cx.theme.t2));
    hover_card::show(
        ui,
        cx,
        (run.images.as_deref(), image),
        (picture.plot.outer, at, 14.0),
        hover_card::small(cx, lines),
    );
}
