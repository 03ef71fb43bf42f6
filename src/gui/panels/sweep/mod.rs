//! Sweeps on the epoch's distances: clusters at twenty values of eps, and over a table of eps and Δd.

mod curve;
mod table;

use eframe::egui::{self, Ui};
use serde::{Deserialize, Serialize};

use super::{Absence, Panel, PanelCtx, PanelDrawn};
use crate::gui::clustered::no_radii;
use crate::gui::plot::ticks;
use crate::gui::theme::Theme;
use crate::gui::what_if::Try;
use crate::gui::widgets::{button, icon, tile};
use crate::method::params::Params;
use crate::run::graph::REACH;

/// Which of the two is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Shown {
    #[default]
    Table,
    Curve,
}

/// State of the eps × Δd panel that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SweepPanel {
    shown: Shown,
    metric: table::CellMetric,
}

/// Values of the table around the run's own: eps in steps of 0.02, Δd of 0.01.
pub fn grid(params: &Params) -> (Vec<f64>, Vec<f64>) {
    let round = |x: f64| (x * 1000.0).round() / 1000.0;
    let delta_d: Vec<f64> = (1..=6).map(|i| round(0.01 * f64::from(i))).collect();
    let eps = (-5..=5)
        .map(|i| round(params.eps + 0.02 * f64::from(i)))
        .filter(|&e| e > 0.07 && e + 0.06 <= f64::from(REACH) + 1e-9)
        .collect();
    (eps, delta_d)
}

/// Twenty radii around the run's own, in steps of 0.02, moved down where the stored distances end.
pub fn radii(params: &Params) -> Vec<f64> {
    let round = |x: f64| (x * 100.0).round() / 100.0;
    let top = round(params.eps + 0.2).min(f64::from(REACH));
    (0..20).rev().map(|i| round(top - 0.02 * f64::from(i))).filter(|&e| e >= 0.05).collect()
}

impl Panel for SweepPanel {
    const TITLE: &'static str = "eps × Δd";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        let Some(epoch) = cx.what_if.base().map(|b| b.epoch) else {
            let text = "Once an epoch has been clustered, one click clusters it at many values of eps and Δd.";
            return Err(Absence::nothing(icon::GRID, "Nothing to sweep yet", text));
        };
        if !cx.what_if.has_radii() {
            return Err(no_radii());
        }
        let (kind, there) = match self.shown {
            Shown::Table => (3, cx.what_if.table().is_some()),
            Shown::Curve => (2, cx.what_if.sweep().is_some()),
        };
        let waiting = cx.what_if.is_waiting(kind);
        let mut again = false;
        let mut copy = false;
        let least = if there { 330.0 } else { 270.0 };
        let truth = cx.truth && self.shown == Shown::Table && self.metric.is_truth();
        let scope = format!("epoch {}", epoch + 1);
        cx.title(&scope).truth(cx.theme, truth).least(least).show(ui, |ui| {
            if there {
                copy = button::icon_button(ui, icon::COPY, "Copy as CSV").clicked();
                again = button::icon_button(ui, icon::RESET, "Sweep again with what is tried now").clicked();
            }
            if self.shown == Shown::Table {
                self.metric.choose(ui, cx.truth);
            }
            button::segment(ui, &[(Shown::Table, "eps × Δd"), (Shown::Curve, "eps")], &mut self.shown);
        });
        if again {
            ask(self.shown, cx);
        }
        if copy {
            let text = match self.shown {
                Shown::Table => table::csv(cx.what_if, cx.truth),
                Shown::Curve => curve::csv(cx.what_if, cx.truth),
            };
            ui.ctx().copy_text(text);
        }
        if !there {
            if let Some(why) = cx.what_if.failure(kind).map(str::to_owned) {
                return Err(Absence::failed("This epoch cannot be swept", why));
            }
            if waiting {
                return Err(Absence::nothing(icon::GRID, "Clustering", ""));
            }
            let (title, text, label) = match self.shown {
                Shown::Table => (
                    "eps and Δd at once",
                    "Clusters this epoch at 66 pairs of eps and Δd: less than a second for Market-1501.",
                    "Sweep eps × Δd",
                ),
                Shown::Curve => {
                    ("Twenty values of eps", "Clusters this epoch at twenty radii, in a moment.", "Sweep eps")
                }
            };
            if tile::empty_state(ui, icon::GRID, title, text, Some(label)).is_some_and(|r| r.clicked()) {
                ask(self.shown, cx);
            }
            return Ok(());
        }
        ui.scope(|ui| {
            if waiting {
                ui.set_opacity(0.5);
            }
            match self.shown {
                Shown::Table => table::ui(ui, cx, self.metric),
                Shown::Curve => curve::ui(ui, cx),
            }
        });
        Ok(())
    }
}

fn ask(shown: Shown, cx: &PanelCtx<'_>) {
    let Some(base) = cx.what_if.base() else { return };
    cx.attempt(match shown {
        Shown::Table => {
            let (eps, delta_d) = grid(&base.params);
            Try::Table(eps, delta_d)
        }
        Shown::Curve => Try::Sweep(radii(&base.params)),
    });
}

/// What stands under both: how many settings, how long, what a click does.
fn caption(ui: &Ui, rect: egui::Rect, settings: usize, seconds: f64) {
    let theme = Theme::of(ui.ctx());
    let words = format!("{} settings, {}. Click one to try it.", ticks::count(settings), ticks::duration(seconds));
    let font = crate::gui::theme::Type::Small.font(ui);
    ui.painter().text(rect.left_bottom(), egui::Align2::LEFT_BOTTOM, words, font, theme.t3);
}
