//! Asks what of a run is to be written, and where.

use std::path::Path;

use eframe::egui;

use super::{Browse, default_button, dialog, field, foot, notice, text_box};
use crate::export::{Bundle, Photos};
use crate::gui::command::{Commands, UiCommand};
use crate::gui::paths;
use crate::gui::widgets::button::{ButtonLook, Push};

/// A part of what can be written.
type Part = (&'static str, &'static str, fn(&mut Bundle) -> &mut bool);

const PARTS: [Part; 6] = [
    ("Figures", "Curves, histogram, Eq. 8, map, lineage as PNG and SVG, in print colours.", |b| &mut b.figures),
    ("Tables", "Metrics as CSV, JSON, Markdown and LaTeX.", |b| &mut b.tables),
    ("Report", "report.html: all of it on one page that needs no network.", |b| &mut b.report),
    ("Replay", "replay.html: the epochs to play and eps to drag, in any browser, offline.", |b| &mut b.replay),
    ("TensorBoard", "An event file; W&B, Aim and Trackio read it, too.", |b| &mut b.tensorboard),
    ("Projector", "The newest features as TSV with labels, and as .npy.", |b| &mut b.projector),
];

/// The dialog while it is open.
pub struct Export {
    folder: String,
    what: Bundle,
    browse: Browse,
}

impl Export {
    /// Offers a folder inside the run's.
    pub fn of(run: &Path) -> Self {
        let folder = run.join("export").display().to_string();
        Self { folder, what: Bundle::default(), browse: Browse::default() }
    }

    /// Shows it; false when it is to close.
    pub fn show(&mut self, ctx: &egui::Context, commands: &Commands) -> bool {
        let mut gone = false;
        let close = dialog(ctx, "export", "Export the run", |ui| {
            field(ui, "what", |ui| {
                ui.vertical(|ui| {
                    for pair in PARTS.chunks(2) {
                        ui.columns(pair.len(), |columns| {
                            for (ui, (name, help, of)) in columns.iter_mut().zip(pair) {
                                ui.checkbox(of(&mut self.what), *name).on_hover_text(*help);
                            }
                        });
                    }
                });
            });
            field(ui, "photos", |ui| {
                let mut shown = self.what.photos == Photos::Shown;
                let help = "Photos of people in rank lists, report, replay and the others. Leave them out of what is passed on.";
                ui.checkbox(&mut shown, "Photos of people").on_hover_text(help);
                self.what.photos = if shown { Photos::Shown } else { Photos::Hidden };
            });
            field(ui, "folder", |ui| {
                text_box(ui, "Export folder", &mut self.folder, "runs/…/export", 280.0)
                    .on_hover_text("It is made if it is not there; files of the same name are replaced.");
                if let Some(path) = self.browse.ui(ui, "Browse for an export folder…", &self.folder) {
                    self.folder = path.display().to_string();
                }
            });
            let (out, what) = (paths::typed(&self.folder), self.what);
            let none = PARTS.iter().all(|(_, _, of)| !*of(&mut self.what));
            let no_folder = self.folder.trim().is_empty().then_some("Name a folder.");
            let missing = no_folder.or(none.then_some("Tick what is to be written."));
            notice(ui, None, missing);
            foot(ui, |ui| {
                let ready = missing.is_none();
                if default_button(ui, "Export", None, ready, "Writes the files; a message says where they are.") {
                    commands.send(UiCommand::ExportTo { out: out.clone(), what });
                    gone = true;
                }
                gone |= ui.add(Push::new("Cancel").look(ButtonLook::Flat)).on_hover_text("Writes nothing.").clicked();
            });
        });
        !(close || gone)
    }
}
