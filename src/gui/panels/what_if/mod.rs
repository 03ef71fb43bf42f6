//! What-if: other parameters on the epoch's clusters, without training; what would change, and "apply".

mod changes;
mod knob;

use eframe::egui::{self, Align, Align2, Color32, Layout, Rect, ScrollArea, Ui, UiBuilder, vec2};
use serde::{Deserialize, Serialize};

use super::{Absence, Applies, Panel, PanelCtx, PanelDrawn};
use crate::gui::clustered::no_radii;
use crate::gui::plot::ticks;
use crate::gui::theme::{Theme, Type, size};
use crate::gui::what_if::{KEYS, Tried, Try, WhatIf};
use crate::gui::widgets::button::{self, ButtonLook, Push};
use crate::gui::widgets::line::line;
use crate::gui::widgets::{icon, tile};
use crate::gui::words;
use crate::method::params::table::row;

/// State of the What-if panel that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WhatIfPanel {}

impl Panel for WhatIfPanel {
    const TITLE: &'static str = "What-if";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        let Some(epoch) = cx.what_if.base().map(|b| b.epoch) else {
            let text = "Once an epoch has been clustered, other values of eps, Δd, k1, k2 and the threshold can be \
                        tried here without training.";
            return Err(Absence::nothing(icon::CROSSHAIR, "Nothing to try yet", text));
        };
        if !cx.what_if.has_radii() {
            return Err(no_radii());
        }
        let changed = !cx.what_if.changes().is_empty();
        let applied = cx.what_if.is_applied();
        let scope = format!("epoch {}", epoch + 1);
        let title = match (changed, applied) {
            (false, _) => cx.title(&scope),
            (true, true) => cx.title(&scope).chip("next epoch", cx.theme.pending, ""),
            (true, false) => cx.title(&scope).chip("not applied", cx.theme.what_if, ""),
        };
        title.show(ui, |ui| {
            if changed && button::icon_button(ui, icon::RESET, "Back to the run's values").clicked() {
                cx.attempt(Try::Reset);
            }
        });
        let footer = 66.0;
        let room = (ui.available_height() - footer).max(40.0);
        let scroll = |part| ScrollArea::vertical().id_salt(part).max_height(room).auto_shrink([false, false]);
        if ui.available_width() > SIDE_BY_SIDE {
            ui.columns(2, |columns| {
                scroll("knobs").show(&mut columns[0], |ui| knobs(ui, cx));
                scroll("changes").show(&mut columns[1], |ui| {
                    changes::ui(ui, cx);
                    tried(ui, cx);
                });
            });
        } else {
            scroll("what-if").show(ui, |ui| {
                knobs(ui, cx);
                tile::rule(ui);
                changes::ui(ui, cx);
                tried(ui, cx);
            });
        }
        foot(ui, cx);
        Ok(())
    }
}

/// From this width on, what would change stands beside the sliders.
const SIDE_BY_SIDE: f32 = 560.0;

fn knobs(ui: &mut Ui, cx: &PanelCtx<'_>) {
    for key in KEYS {
        knob::show(ui, cx, key);
    }
    let epoch = cx.what_if.base().map(|base| base.epoch);
    if let Some(index) = epoch.and_then(|epoch| cx.view.clusters.get(&epoch)?.summary.index) {
        let text = format!("{}. What follows them is exact.", words::by_index(&index));
        ui.add(egui::Label::new(Type::Small.text(text, cx.theme.t3)).wrap());
    }
    if let Some(problem) = cx.what_if.problem() {
        problem_line(ui, &problem);
    }
}

fn problem_line(ui: &mut Ui, problem: &str) {
    let theme = Theme::of(ui.ctx());
    ui.horizontal_top(|ui| {
        ui.label(icon::text(icon::ERROR, icon::Weight::Regular, size::ICON_BUTTON, theme.error));
        ui.add(egui::Label::new(Type::Small.text(problem, theme.error)).wrap());
    });
}

/// What was tried, newest first; a click tries it again.
fn tried(ui: &mut Ui, cx: &PanelCtx<'_>) {
    if cx.what_if.tried().is_empty() {
        return;
    }
    let theme = Theme::of(ui.ctx());
    tile::rule(ui);
    let truth = cx.truth && cx.what_if.tried().iter().any(|t| t.purity.is_some());
    let cells = |ui: &Ui, rect: Rect, first: (&str, Color32), cells: &[(String, Color32)], step: Type| {
        let width = 62.0;
        let left = step.cut(ui, first.0, first.1, rect.width() - width * cells.len() as f32);
        ui.painter().galley(Align2::LEFT_CENTER.align_size_within_rect(left.size(), rect).min, left, first.1);
        for (i, (text, color)) in cells.iter().rev().enumerate() {
            let at = egui::pos2(rect.right() - width * i as f32, rect.center().y);
            ui.painter().text(at, Align2::RIGHT_CENTER, text, step.font(ui), *color);
        }
    };
    let mut heads = vec![("reliable".to_owned(), theme.t3), ("outliers".to_owned(), theme.t3)];
    if truth {
        heads.push(("purity".to_owned(), theme.truth));
    }
    let (_, head) = ui.allocate_space(vec2(ui.available_width(), 18.0));
    cells(ui, head, ("Tried", theme.t1), &heads, Type::Small);
    let mut again: Option<Tried> = None;
    for one in cx.what_if.tried().iter().rev() {
        let mut found = vec![(ticks::count(one.counts[1]), theme.t2), (ticks::count(one.counts[2]), theme.t2)];
        if truth {
            found.push((one.purity.map_or("–".to_owned(), |p| ticks::number(p, 3)), theme.truth));
        }
        let words = in_words(one);
        let (rect, response) = line(ui, 18.0, egui::Role::Button, false, &format!("Try again {words}"));
        cells(ui, rect, (&words, theme.t2), &found, Type::Body);
        if response.on_hover_text("Click to try it again.").clicked() {
            again = Some(one.clone());
        }
    }
    if let Some(one) = again {
        cx.attempt(Try::Again(one.changes));
    }
}

fn in_words(one: &Tried) -> String {
    let words: Vec<String> = one
        .changes
        .iter()
        .map(|(key, value)| format!("{} {}", row(key).map_or(*key, |r| r.label), knob::written(key, value)))
        .collect();
    words.join(", ")
}

/// How long it took and when it would take effect; apply and discard.
fn foot(ui: &mut Ui, cx: &PanelCtx<'_>) {
    let theme = Theme::of(ui.ctx());
    let rect =
        egui::Rect::from_min_max(egui::pos2(ui.max_rect().left(), ui.max_rect().bottom() - 58.0), ui.max_rect().max);
    let mut child = ui.new_child(UiBuilder::new().max_rect(rect).layout(Layout::top_down(Align::Min)));
    let changed = !cx.what_if.changes().is_empty();
    let words = sentence(cx.what_if, cx.applies, &words::next_epoch(cx.view));
    child.add(egui::Label::new(Type::Small.text(words, theme.t3)).wrap());
    child.add_space(4.0);
    child.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        let (label, why) = match cx.applies {
            Applies::ToRun => {
                ("Apply to the run", "Sends these values to the run; they count from its next clustering on.")
            }
            Applies::ToNextRun => {
                ("Apply to the next run", "This run has ended: the values become those of the next run.")
            }
            Applies::Not => ("Apply to the run", "Another run is going on; go back to it to change its parameters."),
        };
        let able = changed && !cx.what_if.is_applied() && cx.what_if.problem().is_none() && cx.applies != Applies::Not;
        let wide = (ui.available_width() - 88.0).clamp(60.0, 260.0);
        let label = if wide < 150.0 { "Apply" } else { label };
        let look = if able { ButtonLook::WhatIf } else { ButtonLook::Framed };
        let apply = ui.add(Push::new(label).look(look).min_width(wide).enabled(able));
        if apply.on_hover_text(if changed { why } else { "Try another value first." }).clicked() {
            cx.attempt(Try::Apply);
        }
        if ui.add(Push::new("Discard").enabled(changed)).on_hover_text("Back to the run's values.").clicked() {
            cx.attempt(Try::Reset);
        }
    });
}

/// Milliseconds below a second.
fn brief(seconds: f64) -> String {
    if seconds < 0.0005 {
        return "less than 1 ms".to_owned();
    }
    if seconds < 1.0 { format!("{} ms", ticks::number(1e3 * seconds, 0)) } else { ticks::duration(seconds) }
}

fn sentence(what_if: &WhatIf, applies: Applies, next_epoch: &str) -> String {
    let Some((_, seconds)) = what_if.outcome() else {
        return "Move a slider: the clusters are formed anew, nothing is trained.".to_owned();
    };
    let took = format!("Re-clustered in {}.", brief(seconds));
    match applies {
        _ if what_if.is_applied() && applies == Applies::ToRun => {
            format!("{took} Sent; takes effect at {next_epoch}.")
        }
        Applies::ToRun => format!("{took} Would take effect at {next_epoch}."),
        Applies::ToNextRun | Applies::Not => took,
    }
}
