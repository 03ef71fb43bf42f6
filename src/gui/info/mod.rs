//! What stands behind the ⓘ of a panel: its equation drawn, its signs, what the paper says, what to look for, and the
//! parameter that moves it, to be tried at once where it can be.
//!
//! The texts are in [`words`]. They are short enough for labels: egui_commonmark draws no formula, holds no slider, and its
//! release for this egui needs a later Rust than this program does.

pub mod words;

use eframe::egui::{self, Align, Layout, Popup, PopupCloseBehavior, Response, ScrollArea, Ui};

use self::words::PanelInfo;
use crate::base::text::number;
use crate::gui::command::UiCommand;
use crate::gui::panels::{Pane, PanelCtx};
use crate::gui::plot::type_scale;
use crate::gui::theme::{Theme, Type};
use crate::gui::what_if::{KEYS, Try};
use crate::gui::widgets::button::{ButtonLook, Push, icon_button};
use crate::gui::widgets::formula::Formula;
use crate::gui::widgets::icon;
use crate::gui::widgets::slider::Slider;
use crate::method::params::table::{ParamKind, row};
use crate::method::params::{ParamRow, Params, Value};
use crate::run::graph::REACH;

/// Room that the button takes in a title row.
pub const ROOM: f32 = 26.0;

/// The ⓘ of a panel, and what opens from it.
pub fn button(ui: &mut Ui, cx: &PanelCtx<'_>, pane: Pane) {
    let response = icon_button(ui, icon::INFO, &format!("About {}", pane.title()));
    popup(&response, cx, pane);
}

fn popup(response: &Response, cx: &PanelCtx<'_>, pane: Pane) {
    let open = Popup::menu(response).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    open.show(|ui| {
        let k = type_scale(ui);
        let screen = ui.ctx().content_rect();
        ui.set_width((k * 350.0).min(screen.width() - 24.0));
        // Menus give half of the screen's height, and stretch lines to their width: this is text to read.
        let height = (screen.height() - 120.0).max(120.0);
        let text = Layout::top_down(Align::Min);
        ScrollArea::vertical().max_height(height).min_scrolled_height(height).show(ui, |ui| {
            ui.with_layout(text, |ui| contents(ui, cx, pane));
        });
    });
}

/// The texts of a panel.
fn contents(ui: &mut Ui, cx: &PanelCtx<'_>, pane: Pane) {
    let theme = Theme::of(ui.ctx());
    let PanelInfo { what, formulas, symbols, paper, look, keys } = words::of(pane);
    ui.spacing_mut().item_spacing.y = 5.0;
    ui.label(Type::Heading.text(pane.title(), theme.t1));
    paragraph(ui, what, theme);
    for (name, source) in formulas {
        let height = Type::Body.font(ui).size * 1.3;
        ui.horizontal(|ui| {
            ui.label(Type::Small.text(*name, theme.t3));
            ui.add_space(6.0);
            if let Ok(formula) = Formula::read(source) {
                formula.show(ui, height, theme.t1);
            }
        });
    }
    for (sign, meaning) in symbols {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            match Formula::read(sign).ok().filter(|_| sign.contains(['_', '^'])) {
                Some(formula) => drop(formula.show(ui, Type::Body.font(ui).size * 1.1, theme.t1)),
                None => drop(ui.label(Type::Title.text(*sign, theme.t1))),
            }
            ui.label(Type::Small.text(*meaning, theme.t2));
        });
    }
    head(ui, "The paper", theme);
    paragraph(ui, paper, theme);
    head(ui, "Look for", theme);
    paragraph(ui, look, theme);
    if keys.is_empty() {
        return;
    }
    head(ui, "Parameters", theme);
    let run = cx.what_if.base().map(|base| &base.params).or(cx.view.params.as_ref());
    for key in keys {
        if let Ok(row) = row(key) {
            parameter(ui, cx, row, run);
        }
    }
}

fn head(ui: &mut Ui, words: &str, theme: &Theme) {
    ui.add_space(2.0);
    ui.label(Type::Title.text(words, theme.t1));
}

fn paragraph(ui: &mut Ui, words: &str, theme: &Theme) {
    ui.add(egui::Label::new(Type::Body.text(words, theme.t2)).wrap());
}

/// A value as its row writes it.
fn written(row: &ParamRow, value: &Value) -> String {
    match (row.kind, value) {
        (ParamKind::Float { decimals, .. }, Value::Float(x)) if decimals > 0 => number(*x, decimals),
        _ => value.to_string(),
    }
}

/// A parameter: the run's value, the paper's, and a slider where it can be tried.
fn parameter(ui: &mut Ui, cx: &PanelCtx<'_>, row: &'static ParamRow, run: Option<&Params>) {
    let theme = Theme::of(ui.ctx());
    let paper = row.paper();
    ui.horizontal(|ui| {
        ui.label(Type::Body.text(row.label, theme.t1));
        let mut words = format!("paper or its code {}", written(row, &paper));
        if let Some(value) = run.map(row.get) {
            words = format!("this run {} · {words}", written(row, &value));
        }
        ui.label(Type::Small.text(words, theme.t3));
        let change = Push::new("Change").look(ButtonLook::Flat).small().tight();
        let change = ui.add(change).accessible_name(format!("Change {}", row.label));
        if change.on_hover_text(format!("{} Opens its row among the parameters.", row.help)).clicked() {
            cx.send(UiCommand::FocusParam(row.key.to_owned()));
        }
    });
    let Some(base) = cx.what_if.base().filter(|base| base.radii && KEYS.contains(&row.key)) else { return };
    let now = |params: &Params| (row.get)(params).as_f64();
    let (Some(from), Some(mut at)) = (now(&base.params), now(cx.what_if.draft())) else { return };
    let (min, max, step) = match row.kind {
        ParamKind::Float { min, max, decimals } => (min, max, 10f64.powi(-(decimals as i32))),
        ParamKind::Int { min, max } => (min as f64, max as f64, 1.0),
        _ => return,
    };
    let most = match row.key {
        "eps" => f64::from(REACH) - base.params.delta_d,
        "delta_d" => 0.1,
        "k1" => 60.0,
        "k2" => 20.0,
        "min_samples" => 16.0,
        _ => max,
    };
    let tried = (at - from).abs() > 1e-9;
    let name = format!("Try {} here", row.label);
    let slider = Slider {
        name: &name,
        min,
        max: most.max(from).min(max),
        step,
        logarithmic: false,
        tick: paper.as_f64(),
        ghost: tried.then_some(from),
        color: if tried { theme.what_if } else { theme.t3 },
        width: ui.available_width() - 60.0,
    };
    ui.horizontal(|ui| {
        let response = slider.show(ui, &mut at);
        let whole = matches!(row.kind, ParamKind::Int { .. });
        let value = if whole { Value::Int(at.round() as i64) } else { Value::Float(at) };
        ui.label(Type::Body.text(written(row, &value), if tried { theme.what_if } else { theme.t2 }));
        if response.changed() {
            cx.attempt(Try::Value(row.key, value));
        }
        if response.drag_stopped() || (response.changed() && !response.dragged()) {
            cx.attempt(Try::LetGo);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_panel_is_explained_and_what_it_names_is_there() {
        for &pane in Pane::ALL {
            let info = words::of(pane);
            for (name, text) in [("what", info.what), ("paper", info.paper), ("look", info.look)] {
                assert!(text.len() > 12 && text.ends_with(['.', '”', '…']), "{pane:?}, {name}: {text}");
            }
            for (name, source) in info.formulas {
                assert!(Formula::read(source).is_ok(), "{pane:?}, {name}: {source}");
            }
            for (sign, _) in info.symbols {
                assert!(!sign.contains(['_', '^']) || Formula::read(sign).is_ok(), "{pane:?}: {sign}");
            }
            for key in info.keys {
                assert!(row(key).is_ok(), "{pane:?} names {key}");
            }
        }
    }
}
