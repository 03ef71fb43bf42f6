//! Asks for a run to show: its folder here, or one on another machine.

use std::path::Path;

use eframe::egui;

use super::elsewhere::Elsewhere;
use super::probe::Probe;
use super::{Browse, default_button, dialog, field, foot, notice, text_box};
use crate::gui::command::{Commands, UiCommand};
use crate::gui::paths;
use crate::gui::widgets::button::{ButtonLook, Push, segment};

/// The dialog while it is open.
#[derive(Default)]
pub struct OpenRun {
    folder: String,
    /// Whether the keyboard was put on the box of the folder.
    begun: bool,
    browse: Browse,
    probe: Probe<Option<String>>,
    /// The machine that is asked, when another one is.
    elsewhere: Option<Elsewhere>,
}

impl OpenRun {
    /// Shows it; false when it is to close. `machines` are those that were reached before, newest first.
    pub fn show(&mut self, ctx: &egui::Context, machines: &[String], actions: &Commands) -> bool {
        let mut gone = false;
        let close = dialog(ctx, "open run", "Open run", |ui| {
            let mut far = self.elsewhere.is_some();
            if field(ui, "where", |ui| segment(ui, &[(false, "Here"), (true, "On another machine")], &mut far)) {
                self.elsewhere = far.then(|| Elsewhere::begin(machines));
            }
            if let Some(elsewhere) = &mut self.elsewhere {
                gone = elsewhere.ui(ui, machines, actions);
                return;
            }
            field(ui, "run folder", |ui| {
                let response = text_box(ui, "Folder of the run", &mut self.folder, "runs/…", 280.0);
                if !std::mem::replace(&mut self.begun, true) {
                    response.request_focus();
                }
                response.on_hover_text("A folder with events.jsonl in it.");
                if let Some(path) = self.browse.ui(ui, "Browse for a run folder…", &self.folder) {
                    self.folder = path.display().to_string();
                }
            });
            if let Some(path) = paths::dropped(ui.ctx()) {
                self.folder = path.display().to_string();
            }
            let folder = paths::typed(&self.folder);
            let asked = folder.clone();
            let looked = self.probe.get(ui.ctx(), &self.folder, move || wrong(&asked));
            let (known, wrong) = (looked.is_some(), looked.cloned().flatten());
            let missing =
                self.folder.trim().is_empty().then_some("Type a run's folder, browse for it, or drop it here.");
            notice(ui, wrong.as_deref(), missing);
            foot(ui, |ui| {
                let ready = missing.is_none() && known && wrong.is_none();
                if default_button(ui, "Open", None, ready, "Shows the run as it was recorded.") {
                    actions.send(UiCommand::OpenRun(folder.clone()));
                    gone = true;
                }
                gone |= ui.add(Push::new("Cancel").look(ButtonLook::Flat)).on_hover_text("Opens nothing.").clicked();
            });
        });
        !(close || gone)
    }
}

/// Why it is no run, if so.
fn wrong(folder: &Path) -> Option<String> {
    match () {
        () if folder.as_os_str().is_empty() => None,
        () if !folder.is_dir() => Some(format!("There is no folder {}.", folder.display())),
        () if !folder.join("events.jsonl").is_file() => {
            Some(format!("{} is no run: it holds no events.jsonl.", folder.display()))
        }
        () => None,
    }
}
