//! Asks for the folder of an earlier run.

use std::path::PathBuf;

use eframe::egui;

use super::{Browse, default_button, dialog, field, foot, text_box};
use crate::gui::command::UiCommand;
use crate::gui::widgets::button::{Look, Push};

/// The dialog while it is open.
#[derive(Default)]
pub struct OpenRun {
    folder: String,
    browse: Browse,
}

impl OpenRun {
    /// Shows it; false when it is to close.
    pub fn show(&mut self, ctx: &egui::Context, actions: &mut Vec<UiCommand>) -> bool {
        let mut gone = false;
        let close = dialog(ctx, "open run", "Open run", |ui| {
            field(ui, "run folder", |ui| {
                text_box(ui, "Folder of the run", &mut self.folder, "runs/…", 280.0)
                    .on_hover_text("A folder with events.jsonl in it.");
                if let Some(path) = self.browse.ui(ui, "Browse for a run folder…") {
                    self.folder = path.display().to_string();
                }
            });
            foot(ui, |ui| {
                let ready = !self.folder.trim().is_empty();
                if default_button(ui, "Open", None, ready, "Shows the run as it was recorded.") {
                    actions.push(UiCommand::OpenRun(PathBuf::from(self.folder.trim())));
                    gone = true;
                }
                gone |= ui.add(Push::new("Cancel").look(Look::Flat)).on_hover_text("Opens nothing.").clicked();
            });
        });
        !(close || gone)
    }
}
