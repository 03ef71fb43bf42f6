//! Asks for the folder that figures and tables go to.

use std::path::Path;

use eframe::egui;

use super::{Browse, default_button, dialog, field, foot, notice, text_box};
use crate::gui::command::{Commands, UiCommand};
use crate::gui::paths;
use crate::gui::theme::{Theme, Type};
use crate::gui::widgets::button::{ButtonLook, Push};

/// The dialog while it is open.
pub struct Export {
    folder: String,
    browse: Browse,
}

impl Export {
    /// Offers a folder inside the run's.
    pub fn of(run: &Path) -> Self {
        Self { folder: run.join("export").display().to_string(), browse: Browse::default() }
    }

    /// Shows it; false when it is to close.
    pub fn show(&mut self, ctx: &egui::Context, actions: &Commands) -> bool {
        let mut gone = false;
        let close = dialog(ctx, "export", "Export figure", |ui| {
            let words = "Writes the curves and the histogram as PNG and SVG in print colours, and the metrics as CSV \
                         and JSON. Files of the same name are replaced.";
            ui.label(Type::Body.text(words, Theme::of(ui.ctx()).t2));
            ui.add_space(6.0);
            field(ui, "folder", |ui| {
                text_box(ui, "Export folder", &mut self.folder, "runs/…/export", 280.0)
                    .on_hover_text("It is made if it is not there.");
                if let Some(path) = self.browse.ui(ui, "Browse for an export folder…", &self.folder) {
                    self.folder = path.display().to_string();
                }
            });
            let folder = paths::typed(&self.folder);
            let missing = self.folder.trim().is_empty().then_some("Name a folder.");
            notice(ui, None, missing);
            foot(ui, |ui| {
                let ready = missing.is_none();
                if default_button(ui, "Export", None, ready, "Writes the files; a message says where they are.") {
                    actions.send(UiCommand::ExportTo(folder.clone()));
                    gone = true;
                }
                gone |= ui.add(Push::new("Cancel").look(ButtonLook::Flat)).on_hover_text("Writes nothing.").clicked();
            });
        });
        !(close || gone)
    }
}
