//! What an epoch's training left, for the panels that show it: the record itself, and the ways of its centroids.

use std::sync::Arc;

use eframe::egui::{Painter, Pos2, Rect, Shape, Stroke, pos2, vec2};

use crate::gui::panels::{Absence, PanelCtx};
use crate::gui::theme::{Theme, size};
use crate::gui::view_model::{EpochPart, Loaded};
use crate::gui::widgets::icon;
use crate::gui::words::is_over;
use crate::run::training::{MemoryRecord, TrainingSnapshot};

/// How an epoch trained.
///
/// # Errors
/// With what stands in its place.
pub fn record(cx: &PanelCtx<'_>) -> Result<(usize, Arc<TrainingSnapshot>), Absence> {
    let none = |text: &'static str| Absence::nothing(icon::STACK, "Nothing recorded", text);
    let at = cx.view.newest_snapshot(EpochPart::Training, cx.selection.epoch);
    let clustered = cx.view.newest_snapshot(EpochPart::Clusters, cx.selection.epoch);
    let Some(epoch) = at else {
        return Err(match clustered {
            _ if !cx.view.trains() => none("Nothing is trained in this run."),
            Some(_) if is_over(cx.view) => {
                none("This run is older than the record of its training. A new run keeps one.")
            }
            _ => none("The record of an epoch's training comes at the end of that epoch."),
        });
    };
    match cx.snapshots.training(cx.view, epoch) {
        Loaded::Ready(record) => Ok((epoch, record)),
        Loaded::Loading => Err(Absence::Loading("reading…")),
        Loaded::Absent => Err(none("The record of an epoch's training comes at the end of that epoch.")),
        Loaded::Failed(why) => Err(Absence::failed("The record of the training cannot be read", why)),
    }
}

/// Paints the ways of the centroids up to the iteration at place `t` into `room`; gives where they are then.
pub fn trails(
    painter: &Painter,
    room: Rect,
    memory: &MemoryRecord,
    t: usize,
    chosen: Option<usize>,
    theme: &Theme,
) -> Vec<Pos2> {
    let clusters = memory.clusters();
    let mut bounds = Rect::NOTHING;
    let all = memory.began.chunks_exact(2).chain(memory.place.chunks_exact(2));
    all.for_each(|p| bounds.extend_with(pos2(p[0], p[1])));
    let span = bounds.size().max(vec2(1e-6, 1e-6));
    let at = |[x, y]: [f32; 2]| {
        pos2(
            room.left() + (x - bounds.left()) / span.x * room.width(),
            room.bottom() - (y - bounds.top()) / span.y * room.height(),
        )
    };
    (0..clusters)
        .map(|k| {
            let on = chosen.is_none_or(|c| c == k);
            let ink = theme.series(k).gamma_multiply(if on { 1.0 } else { 0.45 });
            let way: Vec<Pos2> =
                std::iter::once(at(memory.began(k))).chain((0..=t).map(|t| at(memory.place(t, k)))).collect();
            let (first, last) = (way[0], way[way.len() - 1]);
            painter.circle_stroke(first, 3.0, Stroke::new(size::STROKE, ink));
            painter.add(Shape::line(way, Stroke::new(size::STROKE_CURVE, ink)));
            painter.circle_filled(last, if on && chosen.is_some() { 6.0 } else { 3.5 }, ink);
            last
        })
        .collect()
}
