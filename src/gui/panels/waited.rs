//! A line across the window on runs that waited when an earlier window was closed: begin with them, or let them go.

use eframe::egui::{Align, Frame, Label, Layout, Margin, Ui};

use crate::base::text::counted;
use crate::gui::command::{Commands, UiCommand};
use crate::gui::queue::{Queued, RunQueue};
use crate::gui::theme::{Theme, Type, size};
use crate::gui::widgets::button::{ButtonLook, Push, icon_button};
use crate::gui::widgets::icon::{self, Weight};

/// Shows it; whether it stays.
pub fn ui(ui: &mut Ui, queue: &RunQueue, actions: &Commands) -> bool {
    let theme = Theme::of(ui.ctx());
    let runs = queue.runs();
    let mut stays = !runs.is_empty() && queue.is_held();
    let names: Vec<String> = runs.iter().map(Queued::name).collect();
    let waited = counted(runs.len(), "run", "runs");
    let text = format!("{waited} waited when the window was closed: {}.", names.join("; "));
    Frame::new().inner_margin(Margin::symmetric(12, 4)).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.label(icon::text(icon::INFO, Weight::Fill, size::ICON, theme.accent));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                stays &= !icon_button(ui, icon::CROSS, "Put the line away; the runs wait in the list").clicked();
                let discard = ui.add(Push::new("Discard").look(ButtonLook::Flat).small());
                if discard.on_hover_text("They are not run. Nothing was written for them yet.").clicked() {
                    actions.send(UiCommand::DiscardQueued);
                    stays = false;
                }
                let words = if runs.len() == 1 { "Start it" } else { "Start them" };
                let start = ui.add(Push::new(words).look(ButtonLook::Framed).small());
                if start.on_hover_text("Begins with the first of them; the others follow by themselves.").clicked() {
                    actions.send(UiCommand::StartQueued);
                    stays = false;
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    ui.add(Label::new(Type::Body.text(&text, theme.t1)).truncate()).on_hover_text(&text);
                });
            });
        });
    });
    stays
}
