//! What the plots over epochs have in common: one x axis, one cursor, the marks of the run.

use eframe::egui::{Color32, Id};

use crate::engine::event::Phase;
use crate::gui::panels::PanelCtx;
use crate::gui::plot::{Axes, Canvas, PlotLink, overlay, ticks};
use crate::gui::view_model::{MarkKind, MarkedMoment, RunView};
use crate::gui::widgets::icon;
use crate::gui::words::epoch_words;

/// The plots over adaptation epochs share x and the cursor, in each run its own.
pub fn link<'a>(cx: &PanelCtx<'a>) -> PlotLink<'a> {
    let group = Id::unique(("plots over adaptation epochs", &cx.view.folder));
    PlotLink { group, cursor: cx.cursor, epoch: cx.selection.epoch }
}

/// Axes over the adaptation epochs of the run on screen, and of those drawn with it; each run keeps its own zoom.
pub fn axes<'a>(cx: &PanelCtx<'a>, plot: &str, name: &'a str, caption: &'a str) -> Axes<'a> {
    Axes {
        id: Id::unique((plot, &cx.view.folder)),
        name,
        x: overlay::range(cx, adaptation_range),
        link: Some(link(cx)),
        log_y: false,
        caption,
        y_text: ticks::axis,
        above: 8.0,
    }
}

/// From the source-only model to the newest thing known: an epoch is at one x in every plot.
pub fn adaptation_range(view: &RunView) -> [f64; 2] {
    let last = view.adapt.loss.last().map_or(0.0, |(x, _)| x);
    let newest = [&view.target_retrieval, &view.source_retrieval].iter().filter_map(|r| r.keys().max()).max();
    // The clusters of an epoch hold until its end.
    let clustered = view.clusters.keys().max().map_or(0.0, |e| (*e + 1) as f64);
    let most = newest.map_or(0.0, |e| *e as f64).max(clustered).max(last.ceil());
    [0.0, most.max(1.0)]
}

/// The range of pre-training.
pub fn pretraining_range(view: &RunView) -> [f64; 2] {
    [0.0, view.pretrain.loss.last().map_or(1.0, |(x, _)| x.ceil().max(1.0))]
}

/// The marks of a phase: parameter changes and rate drops with their words, small glyphs for pauses.
/// Checkpoints come with every epoch; they belong to the scrubber.
pub fn marks(canvas: &mut Canvas<'_>, view: &RunView, phase: Phase) {
    let theme = canvas.theme;
    let mut near = Vec::new();
    for mark in view.marks.iter().filter(|m| m.phase == phase) {
        match &mark.kind {
            MarkKind::Param { .. } => canvas.event(mark.x, &words(mark), theme.pending, 2.0),
            MarkKind::LrDrop { .. } => canvas.event(mark.x, &words(mark), theme.t3, 2.0),
            MarkKind::Pause => canvas.tick_mark(mark.x, icon::PAUSE, theme.t3),
            MarkKind::Resumed => canvas.tick_mark(mark.x, icon::PLAY, theme.t3),
            MarkKind::Checkpoint { .. } => continue,
        }
        if canvas.is_under_cursor(mark.x) {
            near.push(words(mark));
        }
    }
    canvas.note(near);
}

/// A mark in words.
pub fn words(mark: &MarkedMoment) -> String {
    match &mark.kind {
        MarkKind::Checkpoint { .. } => "checkpoint".to_owned(),
        MarkKind::Param { key, old, new } => format!("{key} {old} → {new}"),
        MarkKind::Pause => "paused".to_owned(),
        MarkKind::Resumed => "resumed".to_owned(),
        MarkKind::LrDrop { factor } => rate_words(*factor),
    }
}

/// What becomes of the learning rate: `lr ÷ 10`.
pub fn rate_words(factor: f64) -> String {
    if (1.0 / factor).round() >= 2.0 { format!("lr ÷ {:.0}", 1.0 / factor) } else { format!("lr × {factor:.2}") }
}

/// `epoch 12 · 25 %`: the epoch that a place on the axis of epochs done lies in, and how much of it is done.
pub fn at(x: f64) -> String {
    let done = x.max(0.0).floor();
    format!("{} · {} %", epoch_words(done as usize), ticks::number(100.0 * (x.max(0.0) - done), 0))
}

/// A raw curve: faint, a fifth of what it says.
pub fn faint(color: Color32) -> Color32 {
    color.gamma_multiply(0.28)
}
