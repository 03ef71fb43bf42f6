//! Registers a folder of pedestrian images under a name.

use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui;

use super::{Browse, default_button, dialog, field, foot, problem, text_box};
use crate::gui::datasets::{Registry, short_name};
use crate::gui::job::Job;
use crate::gui::theme::{Theme, Type};
use crate::gui::widgets::button::{Look, Push};
use crate::gui::widgets::combo;

/// The dialog while it is open.
#[derive(Default)]
pub struct AddDataset {
    root: String,
    name: Option<String>,
    layout: String,
    browse: Browse,
    adding: Job<(String, Result<(), String>)>,
    refused: Option<String>,
}

/// What the dialog wants.
pub enum Answer {
    /// To stay.
    Open,
    /// To close.
    Close,
    /// To close: that dataset was registered.
    Added(String),
}

impl AddDataset {
    /// Shows it.
    pub fn show(&mut self, ctx: &egui::Context, registry: &Arc<dyn Registry>) -> Answer {
        if let Some((name, result)) = self.adding.poll() {
            match result {
                Ok(()) => return Answer::Added(name),
                Err(reason) => self.refused = Some(reason),
            }
        }
        let mut cancelled = false;
        let close = dialog(ctx, "add dataset", "Add dataset", |ui| {
            let theme = Theme::of(ui.ctx());
            let words = "The folder stays where it is; only its name and place are noted.";
            ui.label(Type::Body.text(words, theme.t2));
            ui.add_space(6.0);
            field(ui, "folder", |ui| {
                let response = text_box(ui, "Dataset folder", &mut self.root, "/data/Market-1501-v15.09.15", 280.0);
                response.on_hover_text("The folder that holds bounding_box_train and the like.");
                if let Some(path) = self.browse.ui(ui, "Browse for a dataset folder…") {
                    self.root = path.display().to_string();
                }
            });
            let mut name = self.name.clone().unwrap_or_else(|| short_name(self.root.trim()).to_lowercase());
            field(ui, "name", |ui| {
                let response = text_box(ui, "Dataset name", &mut name, "market-1501", 280.0);
                if response.on_hover_text("What runs and the command line call it.").changed() {
                    self.name = Some(name.clone());
                }
            });
            self.layouts(ui, registry);
            let missing = if self.root.trim().is_empty() {
                Some("Name a folder.")
            } else if name.trim().is_empty() {
                Some("Name the dataset.")
            } else {
                None
            };
            if let Some(reason) = &self.refused {
                ui.add_space(6.0);
                problem(ui, reason);
            }
            foot(ui, |ui| {
                let ready = missing.is_none() && !self.adding.busy();
                let tip = missing.unwrap_or("Looks at the folder and notes its place.");
                if default_button(ui, "Add", None, ready, tip) {
                    self.refused = None;
                    let (registry, layout) = (Arc::clone(registry), self.layout.clone());
                    let (name, root) = (name.trim().to_owned(), PathBuf::from(self.root.trim()));
                    self.adding.start("add dataset", ui.ctx(), move || {
                        let result = registry.add(&name, &layout, &root);
                        (name, result)
                    });
                }
                let cancel = ui.add(Push::new("Cancel").look(Look::Flat));
                cancelled = cancel.on_hover_text("Registers nothing.").clicked();
            });
        });
        if close || cancelled { Answer::Close } else { Answer::Open }
    }

    fn layouts(&mut self, ui: &mut egui::Ui, registry: &Arc<dyn Registry>) {
        field(ui, "layout", |ui| {
            let words = if self.layout.is_empty() { "detect" } else { &self.layout };
            let list = combo::dressed("layout", words, 160.0);
            let response = list.show_ui(ui, |ui| {
                ui.selectable_value(&mut self.layout, String::new(), "detect");
                for layout in registry.layouts() {
                    ui.selectable_value(&mut self.layout, layout.clone(), layout);
                }
            });
            response
                .response
                .accessible_name("Layout")
                .on_hover_text("How the folder names images, people and cameras.");
        });
    }
}
