//! Asks for the name of a run and a note about it.

use std::path::PathBuf;

use eframe::egui;

use super::{default_button, dialog, field, foot, text_box};
use crate::gui::command::{Commands, UiCommand};
use crate::gui::theme::{Theme, Type};
use crate::gui::widgets::button::{ButtonLook, Push};
use crate::run::label::Label;

/// The dialog while it is open.
pub struct LabelRun {
    folder: PathBuf,
    /// What it is called as long as it has no name of its own.
    called: String,
    label: Label,
    begun: bool,
}

impl LabelRun {
    /// For a run that is called so, with what was said of it before.
    pub fn of(folder: PathBuf, called: String, label: Label) -> Self {
        Self { folder, called, label, begun: false }
    }

    /// Shows it; false when it is to close.
    pub fn show(&mut self, ctx: &egui::Context, actions: &Commands) -> bool {
        let mut gone = false;
        let close = dialog(ctx, "label run", "Name and note", |ui| {
            let theme = Theme::of(ui.ctx());
            field(ui, "name", |ui| {
                let width = ui.available_width();
                let response = text_box(ui, "Name of the run", &mut self.label.name, &self.called, width);
                if !std::mem::replace(&mut self.begun, true) {
                    response.request_focus();
                }
                response.on_hover_text("Empty: the run is named by what sets it apart.");
            });
            field(ui, "note", |ui| {
                let edit = egui::TextEdit::multiline(&mut self.label.note)
                    .margin(egui::Margin::symmetric(8, 4))
                    .desired_rows(4)
                    .desired_width(ui.available_width() - 16.0);
                ui.add(edit).accessible_name("Note on the run");
            });
            let words = format!("Kept in {}.", crate::run::label::label_path(&self.folder).display());
            ui.add(egui::Label::new(Type::Small.text(words, theme.t3)).wrap());
            foot(ui, |ui| {
                if default_button(ui, "Keep", None, true, "Writes name and note into the run's folder.") {
                    let label =
                        Label { name: self.label.name.trim().to_owned(), note: self.label.note.trim().to_owned() };
                    actions.send(UiCommand::SetLabel { folder: self.folder.clone(), label });
                    gone = true;
                }
                gone |= ui.add(Push::new("Cancel").look(ButtonLook::Flat)).on_hover_text("Changes nothing.").clicked();
            });
        });
        !(close || gone)
    }
}
