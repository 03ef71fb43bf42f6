//! Reliability: how the clusters score by Eq. 8, the threshold that keeps or drops them, and both by epoch.
//!
//! Dragging the threshold tries another one, as everywhere; *Apply* asks for it as a fixed threshold, which counts from the
//! next epoch on.

mod histogram;
mod strip;
mod what_if;

use eframe::egui::{Ui, vec2};
use serde::{Deserialize, Serialize};

use super::{Absence, Applies, Panel, PanelCtx, PanelDrawn, Pick};
use crate::engine::event::ClusterSummary;
use crate::gui::clustered::no_radii;
use crate::gui::command::UiCommand;
use crate::gui::plot::ticks;
use crate::gui::view_model::RunView;
use crate::gui::what_if::Try;
use crate::gui::widgets::button::{ButtonLook, Push};
use crate::gui::widgets::{button, icon, tile};
use crate::gui::words::{epoch_words, share};
use crate::method::params::{Rule, ScoreKind, Value};

/// State of the Reliability panel that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReliabilityPanel {
    /// The threshold under the hand, until it is let go.
    #[serde(skip)]
    held: Option<f64>,
}

/// The threshold that is on its way, when one was asked for and has not taken effect.
fn pending(view: &RunView) -> Option<f64> {
    view.pending.iter().find(|(key, ..)| key == "reliability.threshold").and_then(|(_, value, _)| value.as_f64())
}

impl Panel for ReliabilityPanel {
    const TITLE: &'static str = "Reliability";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        let view = cx.view;
        let shown = match cx.selection.epoch {
            Some(epoch) => view.clusters.get_key_value(&epoch).map(|(e, c)| (*e, c)),
            None => view.newest_clusters(),
        };
        let Some((epoch, clusters)) = shown else {
            let text = "Every epoch clusters the target at three radii and scores each cluster by how little it \
                        changes; the scores and the threshold are drawn here.";
            return Err(Absence::nothing(icon::BARS, "No scores yet", text));
        };
        let summary = &clusters.summary;
        if !summary.has_radii() {
            return Err(no_radii());
        }
        let scope =
            format!("{}, {}", ticks::counted(summary.cluster_score.len(), "cluster", "clusters"), epoch_words(epoch));
        let here = cx.what_if.base().is_some_and(|b| b.epoch == epoch);
        let tried = here && cx.what_if.outcome().is_some();
        if tried {
            self.held = None; // the answer is there
        }
        let mut asked = None;
        let (moved, able) = (tried || self.held.is_some(), cx.applies != Applies::Not);
        cx.title(&scope).show(ui, |ui| {
            if !moved {
                return;
            }
            if button::icon_button(ui, icon::RESET, "Discard what is tried").clicked() {
                asked = Some(false);
            }
            let apply = Push::new("Apply").look(ButtonLook::WhatIf).small().tight().enabled(able);
            if ui.add(apply).on_hover_text(apply_words(cx.applies)).clicked() {
                asked = Some(true);
            }
        });
        match asked {
            Some(true) => self.apply(cx),
            Some(false) => {
                self.held = None;
                cx.attempt(Try::Reset);
            }
            None => {}
        }
        let strip = if ui.available_height() > 300.0 { 132.0 } else { 0.0 };
        let size = vec2(ui.available_width(), (ui.available_height() - strip - 4.0).max(80.0));
        if tried && cx.what_if.outcome().is_some() {
            what_if::show(ui, cx, summary, vec2(ui.available_width(), ui.available_height()));
            return Ok(());
        }
        let others = others(cx);
        let shape = histogram::Histogram {
            summary,
            held: self.held,
            pending: pending(view),
            // SpCL's pair also looks at single members: the counts by cluster score alone would not be its own.
            movable: view.params.as_ref().is_none_or(|p| p.reliability.score == ScoreKind::Eq8),
            others: &others,
        };
        match shape.show(ui, size) {
            histogram::HistogramHand::Nothing => {}
            histogram::HistogramHand::Hold(alpha) => {
                self.held = Some(alpha);
                cx.attempt(Try::Value("reliability.threshold", Value::Float(alpha)));
            }
            histogram::HistogramHand::LetGo(alpha) => {
                self.held = Some(alpha);
                cx.attempt(Try::Value("reliability.threshold", Value::Float(alpha)));
                cx.attempt(Try::LetGo);
            }
            histogram::HistogramHand::GiveUp => {
                self.held = None;
                cx.attempt(Try::Reset);
            }
        }
        if strip > 0.0 {
            let caption = rule_in_words(view, summary);
            tile::section(ui, "By epoch", &caption);
            let size = vec2(ui.available_width(), ui.available_height());
            if let Some(epoch) = strip::show(ui, view, size, epoch) {
                cx.select(Pick::Epoch((Some(epoch) != view.newest_clusters().map(|(e, _)| e)).then_some(epoch)));
            }
        }
        Ok(())
    }
}

impl ReliabilityPanel {
    /// Asks for what is tried: all of it where the epoch's clusters could be formed anew, else the threshold alone.
    fn apply(&mut self, cx: &PanelCtx<'_>) {
        if cx.what_if.outcome().is_some() {
            return cx.attempt(Try::Apply);
        }
        let Some(alpha) = self.held.take() else { return };
        let fixed = Value::Text(Rule::Fixed.name().to_owned());
        let alpha = Value::Float(alpha);
        cx.send(UiCommand::SetParam { key: "reliability.rule".to_owned(), value: fixed });
        cx.send(UiCommand::SetParam { key: "reliability.threshold".to_owned(), value: alpha });
    }
}

fn apply_words(applies: Applies) -> &'static str {
    match applies {
        Applies::ToRun => "Sends what is tried to the run; it counts from its next clustering on.",
        Applies::ToNextRun => "This run has ended: what is tried becomes the next run's.",
        Applies::Not => "Another run is going on; go back to it to change its parameters.",
    }
}

/// The other ticked runs at the epoch looked at, or at their newest; of a setting's runs the mean.
fn others(cx: &PanelCtx<'_>) -> Vec<histogram::Steps> {
    let at = |view: &RunView| match cx.selection.epoch {
        Some(epoch) => view.clusters.get(&epoch).map(|c| histogram::bars(&c.summary.cluster_score)),
        None => view.newest_clusters().map(|(_, c)| histogram::bars(&c.summary.cluster_score)),
    };
    let on_screen = |view: &&RunView| std::ptr::eq(*view, cx.view);
    let steps = cx.overlays.iter().filter_map(|overlay| {
        let all: Vec<_> = overlay.views.iter().filter(|v| !on_screen(v)).filter_map(|v| at(v)).collect();
        let mean = |i: usize| all.iter().map(|counts| counts[i] as f64).sum::<f64>() / all.len() as f64;
        let counts = std::array::from_fn(mean);
        (!all.is_empty()).then(|| histogram::Steps { name: overlay.title(), slot: overlay.slot, counts })
    });
    steps.collect()
}

fn rule_in_words(view: &RunView, summary: &ClusterSummary) -> String {
    let Some(params) = &view.params else { return String::new() };
    match (params.refined, params.reliability.rule) {
        (false, _) => "not refined: every cluster is kept".to_owned(),
        (true, Rule::PaperLiteral) => "every cluster is kept".to_owned(),
        (true, Rule::Fixed) => match summary.threshold {
            Some(alpha) => format!("threshold fixed at {}", share(alpha)),
            None => "threshold fixed".to_owned(),
        },
        (true, Rule::Quantile) => {
            format!("threshold set in epoch 1, worst {} %", ticks::number(100.0 * params.reliability.quantile, 0))
        }
    }
}
