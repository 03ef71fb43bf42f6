//! Loss: every iteration faintly, its smoothed form clearly, the parts, the learning rate, and what happened.

use std::ops::RangeInclusive;

use eframe::egui::{Color32, Id, Stroke, Ui};
use serde::{Deserialize, Serialize};

use super::{Absence, Panel, PanelCtx, PanelDrawn};
use crate::engine::event::Phase;
use crate::gui::book::Overlay;
use crate::gui::plot::epochs;
use crate::gui::plot::overlay::{self, OverlayPoint};
use crate::gui::plot::{self, Axes, Canvas, EndLabel, ticks};
use crate::gui::view_model::{Curves, Series};
use crate::gui::widgets::{button, icon};
use crate::gui::words::{is_active, is_over};

/// State of the Loss panel that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LossPanel {
    tab: Tab,
    phase: Shown,
    log: bool,
    parts: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Tab {
    #[default]
    Loss,
    Rate,
}

/// Which training is shown.
#[derive(Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Shown {
    /// The one that goes on.
    #[default]
    Newest,
    Pretrain,
    Adapt,
}

impl Panel for LossPanel {
    const TITLE: &'static str = "Loss";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        let phase = match self.phase {
            Shown::Pretrain => Phase::Pretrain,
            Shown::Adapt => Phase::Adapt,
            Shown::Newest if cx.view.adapt.loss.is_empty() => Phase::Pretrain,
            Shown::Newest => Phase::Adapt,
        };
        let curves = cx.view.curves(phase);
        let training = if phase == Phase::Pretrain { "pre-training" } else { "adaptation" };
        let several = if cx.overlays.is_empty() { String::new() } else { overlay::scope(cx.overlays) };
        let scope = match self.tab {
            Tab::Loss => format!("{training}, ema 0.90{several}"),
            Tab::Rate => training.to_owned(),
        };
        if cx.view.pretrain.loss.is_empty() && cx.view.adapt.loss.is_empty() {
            let (title, text) = if is_active(cx.view) {
                (
                    "No iteration yet",
                    "The curve begins with the first batch, once images are read and the model is made.",
                )
            } else if is_over(cx.view) {
                ("Nothing was trained", "This run ended before its first batch, or was made of features alone.")
            } else {
                ("Nothing trained yet", "Start a run: its loss is drawn here from the first batch on.")
            };
            return Err(Absence::nothing(icon::CHART, title, text));
        }
        cx.title(&scope).show(ui, |ui| self.tools(ui));
        if curves.loss.is_empty() {
            let text = format!("This run has no iteration of {training} so far.");
            return Err(Absence::nothing(icon::CHART, "Nothing to draw", text));
        }
        match self.tab {
            Tab::Loss if !cx.overlays.is_empty() => self.overlaid(ui, cx, phase),
            Tab::Loss => self.loss(ui, cx, phase, curves),
            Tab::Rate => rate(ui, cx, phase, curves),
        }
        Ok(())
    }
}

impl LossPanel {
    fn tools(&mut self, ui: &mut Ui) {
        let menu = button::icon_button(ui, icon::DOTS, "Options of the loss plot");
        eframe::egui::Popup::menu(&menu).close_behavior(eframe::egui::PopupCloseBehavior::CloseOnClickOutside).show(
            |ui| {
                ui.checkbox(&mut self.log, "Logarithmic y").on_hover_text("Equal ratios are equally far apart.");
                ui.checkbox(&mut self.parts, "Parts of the loss")
                    .on_hover_text("Each part smoothed, beside the total.");
                ui.separator();
                ui.radio_value(&mut self.phase, Shown::Newest, "The training that goes on");
                ui.radio_value(&mut self.phase, Shown::Pretrain, "Pre-training");
                ui.radio_value(&mut self.phase, Shown::Adapt, "Adaptation");
            },
        );
        button::segment(ui, &[(Tab::Loss, "loss"), (Tab::Rate, "learning rate")], &mut self.tab);
    }

    /// The smoothed losses of the ticked runs.
    fn overlaid(&self, ui: &mut Ui, cx: &PanelCtx<'_>, phase: Phase) {
        let width = ui.available_width().max(1.0) as usize;
        let curves = |seen: [f64; 2]| -> Vec<Vec<OverlayPoint>> {
            cx.overlays.iter().map(|overlay| smoothed(overlay, phase, seen, width)).collect()
        };
        let mut axes = axes(cx, phase, "", self.log);
        let runs = overlay::count(cx.overlays);
        let name = format!("Loss of {runs}: {}", overlay::said(cx.overlays, &curves(axes.x), 2));
        axes.name = &name;
        let log = self.log;
        plot::show(
            ui,
            ui.available_size(),
            &axes,
            |seen| {
                let found = overlay::extent(&curves([*seen.start(), *seen.end()]));
                let [low, high] = found.unwrap_or([0.0, 1.0]);
                if log { [low.max(1e-4) * 0.95, high.max(1e-3) * 1.05] } else { ticks::round_out(low, high, 4) }
            },
            |canvas| {
                epochs::marks(canvas, cx.view, phase);
                let seen = canvas.seen();
                overlay::draw(canvas, cx.overlays, &curves(seen), 3, epochs::at);
            },
        );
    }

    fn loss(&self, ui: &mut Ui, cx: &PanelCtx<'_>, phase: Phase, curves: &Curves) {
        let last = curves.loss.last_smooth().map_or("–".to_owned(), |y| ticks::number(y, 2));
        let name = format!("Loss curve, last smoothed value {last}");
        let axes = axes(cx, phase, &name, self.log);
        let width = ui.available_width().max(1.0) as usize;
        plot::show(
            ui,
            ui.available_size(),
            &axes,
            |seen| y_range(&curves.loss, seen, width, self.log),
            |canvas| {
                epochs::marks(canvas, cx.view, phase);
                let color = canvas.theme.series(0);
                let mut labels = vec![curve(canvas, &curves.loss, width, color, "total", true)];
                if self.parts {
                    for (n, (name, series)) in curves.parts.iter().enumerate() {
                        labels.push(curve(canvas, series, width, canvas.theme.series(n + 1), name, false));
                    }
                }
                canvas.end_labels(labels);
                reading(canvas, &curves.loss, color, "loss");
            },
        );
    }
}

/// The smoothed loss of a setting: of several seeds the mean of their curves where each has come.
fn smoothed(overlay: &Overlay<'_>, phase: Phase, [from, to]: [f64; 2], width: usize) -> Vec<OverlayPoint> {
    let of = |n: usize| &overlay.views[n].curves(phase).loss;
    let spans = of(0).spans(from, to, width);
    if overlay.views.len() == 1 {
        let value = |min: f64, smooth: f64| if min.is_nan() { f64::NAN } else { smooth };
        return spans.iter().map(|s| OverlayPoint { x: s.x, mean: value(s.min, s.smooth), deviation: 0.0 }).collect();
    }
    let end = |n: usize| of(n).last().map_or(f64::NEG_INFINITY, |(x, _)| x);
    let ends: Vec<f64> = (0..overlay.views.len()).map(end).collect();
    let longest = (0..ends.len()).max_by(|&a, &b| ends[a].total_cmp(&ends[b])).unwrap_or(0);
    let at = |x: f64| {
        let there = (0..ends.len()).filter(|&n| x <= ends[n] + 1e-9);
        let values: Vec<f64> = there.filter_map(|n| of(n).nearest(x)).map(|(_, _, smooth)| smooth).collect();
        overlay::point(x, &values)
    };
    of(longest).spans(from, to, width.min(400)).iter().map(|s| at(s.x)).collect()
}

fn axes<'a>(cx: &PanelCtx<'a>, phase: Phase, name: &'a str, log_y: bool) -> Axes<'a> {
    let axes = epochs::axes(cx, "loss plot", name, "");
    let axes = Axes { log_y, above: 18.0, ..axes };
    if phase == Phase::Adapt {
        return axes;
    }
    let id = axes.id.with("pre-training");
    Axes { id, x: overlay::range(cx, epochs::pretraining_range), link: None, ..axes }
}

/// One curve: envelope and raw values faint, the smoothed one on top.
fn curve(canvas: &Canvas<'_>, series: &Series, width: usize, color: Color32, name: &str, hero: bool) -> EndLabel {
    let [from, to] = canvas.seen();
    let spans = series.spans(from, to, width);
    if hero {
        let raw = spans.iter().flat_map(|s| {
            // One stroke down and up for each stretch: what lies between is not lost.
            let both = if s.min == s.max { [Some(s.min), None] } else { [Some(s.min), Some(s.max)] };
            both.into_iter().flatten().map(|y| (s.x, y))
        });
        canvas.line(raw, Stroke::new(0.8, epochs::faint(color)));
        canvas.gaps(series.gaps(64));
    }
    let stroke = Stroke::new(if hero { 1.8 } else { 1.2 }, color);
    canvas.line(spans.iter().map(|s| (s.x, if s.min.is_nan() { f64::NAN } else { s.smooth })), stroke);
    let there = canvas.epoch.and_then(|epoch| series.nearest(epoch)).map(|(_, _, smooth)| smooth);
    let y = there.or(series.last_smooth()).unwrap_or(f64::NAN);
    let ink = if hero { canvas.theme.t3 } else { canvas.theme.t2 };
    EndLabel { y, name: name.to_owned(), value: ticks::number(y, 2), color: ink, hero }
}

fn reading(canvas: &mut Canvas<'_>, series: &Series, color: Color32, name: &str) {
    let Some((x, raw, smooth)) = canvas.cursor.and_then(|x| series.nearest(x)) else { return };
    canvas.heading(epochs::at(x));
    let raw = if raw.is_finite() { ticks::number(raw, 3) } else { "not a number".to_owned() };
    canvas.reading(x, smooth, color, format!("{name} {} (raw {raw})", ticks::number(smooth, 3)));
}

/// All of the smoothed curve and all but the wildest of the raw one.
fn y_range(series: &Series, seen: RangeInclusive<f64>, width: usize, log: bool) -> [f64; 2] {
    let spans = series.spans(*seen.start(), *seen.end(), width);
    let mut highs: Vec<f64> = spans.iter().map(|s| s.max).filter(|y| y.is_finite()).collect();
    highs.sort_by(f64::total_cmp);
    let low = spans.iter().map(|s| s.min.min(s.smooth)).filter(|y| y.is_finite()).fold(f64::INFINITY, f64::min);
    let high = highs.get(highs.len().saturating_sub(1 + highs.len() / 50)).copied().unwrap_or(1.0);
    let high = spans.iter().map(|s| s.smooth).filter(|y| y.is_finite()).fold(high, f64::max);
    let low = if low.is_finite() { low } else { 0.0 };
    if log { [low.max(1e-4) * 0.95, high.max(1e-3) * 1.05] } else { ticks::round_out(low, high, 4) }
}

fn rate(ui: &mut Ui, cx: &PanelCtx<'_>, phase: Phase, curves: &Curves) {
    let last = curves.lr.last().map_or(f64::NAN, |(_, y)| y);
    let name = format!("Learning rate curve, now {}", ticks::scientific(last));
    let mut axes = axes(cx, phase, &name, true);
    axes.id = Id::unique(("learning rate plot", phase == Phase::Adapt));
    axes.y_text = |value, _| ticks::scientific(value);
    let width = ui.available_width().max(1.0) as usize;
    plot::show(
        ui,
        ui.available_size(),
        &axes,
        |seen| {
            let spans = curves.lr.spans(*seen.start(), *seen.end(), width);
            let low = spans.iter().map(|s| s.min).filter(|y| *y > 0.0).fold(f64::INFINITY, f64::min);
            let high = spans.iter().map(|s| s.max).filter(|y| y.is_finite()).fold(0.0, f64::max);
            if low <= high { [low / 1.6, high * 1.6] } else { [1e-5, 1e-2] }
        },
        |canvas| {
            epochs::marks(canvas, cx.view, phase);
            let [from, to] = canvas.seen();
            let color = canvas.theme.series(0);
            let spans = curves.lr.spans(from, to, width);
            canvas.line(spans.iter().flat_map(|s| [(s.x, s.min), (s.x, s.max)]), Stroke::new(1.8, color));
            let value = ticks::scientific(last);
            canvas.end_labels(vec![EndLabel { y: last, name: "lr".into(), value, color: canvas.theme.t3, hero: true }]);
            if let Some((x, y, _)) = canvas.cursor.and_then(|x| curves.lr.nearest(x)) {
                canvas.heading(epochs::at(x));
                canvas.reading(x, y, color, format!("lr {}", ticks::scientific(y)));
            }
        },
    );
}
