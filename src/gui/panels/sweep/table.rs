//! The table over eps and Δd: a number and a shade a cell.

use eframe::egui::{self, Align2, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};
use serde::{Deserialize, Serialize};

use super::caption;
use crate::gui::panels::PanelCtx;
use crate::gui::plot::{ticks, type_scale};
use crate::gui::theme::{self, Theme, Type, size};
use crate::gui::what_if::{Table, Try, WhatIf};
use crate::gui::widgets::combo::Choice;
use crate::gui::words::share;
use crate::method::params::Value;
use crate::method::sweep::SweepCell;

/// The number that the cells show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum CellMetric {
    #[default]
    Reliable,
    Clusters,
    Kept,
    Purity,
    PairF,
}

impl CellMetric {
    const ALL: [Self; 5] = [Self::Reliable, Self::Clusters, Self::Kept, Self::Purity, Self::PairF];

    fn words(self) -> &'static str {
        match self {
            Self::Reliable => "reliable clusters",
            Self::Clusters => "clusters",
            Self::Kept => "images kept",
            Self::Purity => "purity",
            Self::PairF => "pairwise F",
        }
    }

    /// Whether it looks at target labels.
    pub fn is_truth(self) -> bool {
        matches!(self, Self::Purity | Self::PairF)
    }

    fn of(self, cell: &SweepCell) -> Option<f64> {
        match self {
            Self::Reliable => Some(cell.reliable as f64),
            Self::Clusters => Some(cell.clusters as f64),
            Self::Kept => Some(cell.kept as f64),
            Self::Purity => cell.quality.map(|q| q.purity),
            Self::PairF => cell.quality.map(|q| q.pairwise_f),
        }
    }

    fn decimals(self) -> usize {
        if self.is_truth() { 3 } else { 0 }
    }

    /// The menu that chooses it.
    pub fn choose(&mut self, ui: &mut Ui, truth: bool) {
        if self.is_truth() && !truth {
            *self = Self::default();
        }
        let (name, tip) = ("Number in the cells", "Which number the cells show.");
        let list = Choice { salt: "sweep metric", name, chosen: self.words(), tip, width: 118.0 };
        list.show(ui, self, Self::ALL.into_iter().filter(|m| truth || !m.is_truth()).map(|m| (m, m.words(), "")));
    }
}

/// Shows the table.
pub fn ui(ui: &mut Ui, cx: &PanelCtx<'_>, metric: CellMetric) {
    let theme = Theme::of(ui.ctx());
    let Some(Table { eps, delta_d, cells, seconds }) = cx.what_if.table() else { return };
    let k = type_scale(ui);
    let (outer, _) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
    let inner = Rect::from_min_max(outer.min + k * vec2(38.0, 30.0), outer.max - k * vec2(4.0, 48.0));
    if inner.width() < 80.0 || inner.height() < 40.0 || eps.is_empty() {
        return;
    }
    let (columns, rows) = (eps.len() as f32, delta_d.len() as f32);
    let cell_size = vec2(inner.width() / columns, (inner.height() / rows).min(48.0));
    let values: Vec<Option<f64>> = cells.iter().flatten().map(|c| metric.of(c)).collect();
    let (low, high) =
        values.iter().flatten().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &v| (low.min(v), high.max(v)));
    let small = Type::Small.font(ui);
    let width = |text: String| ui.painter().layout_no_wrap(text, small.clone(), theme.t1).size().x;
    let widest = values.iter().flatten().map(|&v| width(ticks::number(v, metric.decimals()))).fold(0.0, f32::max);
    let fits = widest + 4.0 <= cell_size.x;
    let run = cx.what_if.base().map(|b| (b.params.eps, b.params.delta_d));
    let draft = (cx.what_if.draft().eps, cx.what_if.draft().delta_d);
    let same = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0).abs() < 1e-6 && (a.1 - b.1).abs() < 1e-6;
    let mut chosen = None;
    let (mut run_cell, mut draft_cell) = (None, None);
    ui.painter().text(pos2(outer.left(), inner.top() - 14.0), Align2::LEFT_CENTER, "Δd", small.clone(), theme.t3);
    for (c, &e) in eps.iter().enumerate() {
        for (r, &d) in delta_d.iter().enumerate() {
            let min = inner.min + vec2(cell_size.x * c as f32, cell_size.y * r as f32);
            let rect = Rect::from_min_size(min, cell_size).shrink(1.0);
            let value = metric.of(&cells[c][r]);
            let t = value.map_or(0.0, |v| if high > low { (v - low) / (high - low) } else { 0.5 });
            ui.painter().rect_filled(rect, size::RADIUS_CHIP, theme.ramp(t as f32));
            let text = value.map_or("–".to_owned(), |v| ticks::number(v, metric.decimals()));
            if fits {
                ui.painter().text(rect.center(), Align2::CENTER_CENTER, &text, small.clone(), theme.t1);
            }
            let response = ui.interact(rect, ui.scope_id().with(("cell", c, r)), Sense::click());
            let name = format!("eps {} Δd {}: {text} {}", ticks::number(e, 2), ticks::number(d, 2), metric.words());
            response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name.as_str()));
            if response.hovered() {
                let stroke = Stroke::new(size::STROKE, theme.t2);
                ui.painter().rect_stroke(rect, size::RADIUS_CHIP, stroke, StrokeKind::Inside);
            }
            if response.clicked() {
                chosen = Some((e, d));
            }
            response.on_hover_ui(|ui| tip(ui, &cells[c][r], [e, d], cx.truth));
            if run.is_some_and(|run| same(run, (e, d))) {
                run_cell = Some(rect);
            }
            if same(draft, (e, d)) {
                draft_cell = Some(rect);
            }
        }
        let at = pos2(inner.left() + cell_size.x * (c as f32 + 0.5), inner.top() + cell_size.y * rows + 4.0);
        if cell_size.x > 24.0 || c % 2 == 0 {
            let words = ticks::number(e, 2);
            ui.painter().text(at, Align2::CENTER_TOP, words.trim_start_matches('0'), small.clone(), theme.t3);
        }
    }
    for (r, &d) in delta_d.iter().enumerate() {
        let at = pos2(inner.left() - 8.0, inner.top() + cell_size.y * (r as f32 + 0.5));
        ui.painter().text(at, Align2::RIGHT_CENTER, ticks::number(d, 2), small.clone(), theme.t3);
    }
    let under = pos2(inner.center().x, inner.top() + cell_size.y * rows + k * 18.0);
    ui.painter().text(under, Align2::CENTER_TOP, "eps", small.clone(), theme.t3);
    let strong = egui::FontId::new(small.size, theme::medium());
    let mark = |rect: Option<Rect>, word: &str, color: egui::Color32| {
        let Some(rect) = rect else { return };
        ui.painter().rect_stroke(rect, size::RADIUS_CHIP, Stroke::new(size::STROKE_HERO, color), StrokeKind::Outside);
        let x = rect.center().x;
        ui.painter().text(pos2(x, inner.top() - 16.0), Align2::CENTER_CENTER, word, strong.clone(), color);
        ui.painter().vline(x, inner.top() - 8.0..=inner.top() - 2.0, Stroke::new(size::STROKE, color));
    };
    mark(run_cell, "run", theme.t1);
    if draft_cell != run_cell {
        mark(draft_cell, "what-if", theme.what_if);
    }
    caption(ui, outer, cells.iter().map(Vec::len).sum(), *seconds);
    if let Some((e, d)) = chosen {
        cx.attempt(Try::Value("eps", Value::Float(e)));
        cx.attempt(Try::Value("delta_d", Value::Float(d)));
        cx.attempt(Try::LetGo);
    }
}

fn tip(ui: &mut Ui, cell: &SweepCell, [eps, delta_d]: [f64; 2], truth: bool) {
    let theme = Theme::of(ui.ctx());
    ui.label(Type::Title.text(format!("eps {} ± {}", ticks::number(eps, 2), ticks::number(delta_d, 2)), theme.t1));
    let (clusters, reliable, kept) =
        (ticks::count(cell.clusters), ticks::count(cell.reliable), ticks::count(cell.kept));
    ui.label(format!("{clusters} clusters, {reliable} reliable; {kept} images kept."));
    if let Some(alpha) = cell.threshold {
        ui.label(Type::Small.text(format!("threshold {}", share(alpha)), theme.t3));
    }
    if let Some(q) = cell.quality.filter(|_| truth) {
        let words = format!("purity {} · NMI {}", ticks::number(q.purity, 3), ticks::number(q.nmi, 3));
        ui.label(Type::Small.text(words, theme.truth));
    }
}

/// The table as CSV, a line a cell; agreement with the truth where that may be shown.
pub fn csv(what_if: &WhatIf, truth: bool) -> String {
    let Some(Table { eps, delta_d, cells, .. }) = what_if.table() else { return String::new() };
    let mut out = "eps,delta_d,clusters,reliable,kept,threshold,purity,nmi,ari,pairwise_f\n".to_owned();
    for (e, row) in eps.iter().zip(cells.iter()) {
        for (d, cell) in delta_d.iter().zip(row) {
            let alpha = cell.threshold.map_or(String::new(), |t| t.to_string());
            let quality = cell
                .quality
                .filter(|_| truth)
                .map_or(",,,".to_owned(), |q| format!("{},{},{},{}", q.purity, q.nmi, q.ari, q.pairwise_f));
            out += &format!("{e},{d},{},{},{},{alpha},{quality}\n", cell.clusters, cell.reliable, cell.kept);
        }
    }
    out
}
