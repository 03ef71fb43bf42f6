//! A line across the window on the initial weights of a run: what of the file was left out, what of the network the file
//! does not cover, or why it was refused. It stays until it is put away: features of half a network look like any others.

use eframe::egui::{Align, Label, Layout, Margin, Ui};

use crate::engine::event::State;
use crate::gui::theme::{Theme, Type, size};
use crate::gui::view_model::RunView;
use crate::gui::widgets::button;
use crate::gui::widgets::icon::{self, Weight};
use crate::method::params::Params;

/// The title of notices on initial weights.
pub const TITLE: &str = "Weights";

/// What there is to say; `draft` are the parameters that the window begins runs with.
pub fn text(view: &RunView, draft: &Params) -> Option<String> {
    if let State::Failed(reason) = &view.state
        && !draft.weights.is_empty()
        && reason.contains(&draft.weights)
    {
        return Some(format!("The weights were refused. {reason}"));
    }
    let mut said: Vec<&str> = Vec::new();
    for notice in view.notices.iter().filter(|n| n.title == TITLE) {
        if !said.contains(&notice.text.as_str()) {
            said.push(&notice.text);
        }
    }
    (!said.is_empty()).then(|| format!("Initial weights: {}.", said.join("; ")))
}

/// Shows it; whether it is to go.
pub fn ui(ui: &mut Ui, text: &str) -> bool {
    let theme = Theme::of(ui.ctx());
    let mut close = false;
    eframe::egui::Frame::new().inner_margin(Margin::symmetric(12, 4)).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.label(icon::text(icon::WARNING, Weight::Fill, size::ICON, theme.warn));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                close = button::icon_button(ui, icon::CROSS, "Put away what is said of the weights").clicked();
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    ui.add(Label::new(Type::Body.text(text, theme.t1)).wrap());
                });
            });
        });
    });
    close
}
