//! Registers a folder of pedestrian images under a name, after a look at what is in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eframe::egui::{self, Align, Grid, Label, Layout, ScrollArea, Ui, UiBuilder, vec2};

use super::probe::Probe;
use super::{Browse, default_button, dialog, field, foot, notice, text_box};
use crate::base::text::count;
use crate::data::preview::Preview;
use crate::gui::datasets::{DatasetRow, Datasets, short_name};
use crate::gui::job::Job;
use crate::gui::paths;
use crate::gui::theme::{Theme, Type, size};
use crate::gui::widgets::button::{ButtonLook, Push};
use crate::gui::widgets::combo;
use crate::gui::widgets::icon::{self, Weight};
use crate::gui::widgets::images::{Thumbnails, Tone};
use crate::gui::widgets::photo;

/// Room kept for what was found.
const FOUND: f32 = 176.0;

/// The dialog while it is open.
#[derive(Default)]
pub struct AddDataset {
    root: String,
    /// Whether the keyboard was put on the box of the folder.
    begun: bool,
    name: Option<String>,
    layout: String,
    /// The name of a known dataset whose folder is looked for.
    lost: Option<String>,
    browse: Browse,
    probe: Probe<Result<Preview, String>>,
    looking: Looking,
    adding: Job<(String, Result<(), String>)>,
    refused: Option<String>,
}

/// What the dialog wants.
pub enum AddDatasetAnswer {
    /// To stay.
    Open,
    /// To close.
    Close,
    /// To close: that dataset was registered.
    Added(String),
}

/// A look at a folder; it ends when the folder is not asked for any more.
#[derive(Default)]
struct Looking(Arc<AtomicBool>);

impl Looking {
    fn begin() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl AddDataset {
    /// For a folder that was dropped on the window.
    pub fn of_folder(root: &Path) -> Self {
        Self { root: root.display().to_string(), ..Self::default() }
    }

    /// For a dataset that is known but not where it is expected.
    pub fn locate(lost: &DatasetRow) -> Self {
        Self {
            name: Some(lost.name.clone()),
            layout: lost.layout.clone(),
            lost: Some(lost.name.clone()),
            ..Self::default()
        }
    }

    /// Shows it.
    pub fn show(&mut self, ctx: &egui::Context, registry: &Arc<dyn Datasets>, images: &Thumbnails) -> AddDatasetAnswer {
        if let Some((name, result)) = self.adding.poll() {
            match result {
                Ok(()) => return AddDatasetAnswer::Added(name),
                Err(reason) => self.refused = Some(reason),
            }
        }
        let mut cancelled = false;
        let title = if self.lost.is_some() { "Locate dataset" } else { "Add dataset" };
        let close = dialog(ctx, "add dataset", title, |ui| {
            let theme = Theme::of(ui.ctx());
            let words = "The folder stays where it is; only its name and place are noted.";
            ui.label(Type::Body.text(words, theme.t2));
            ui.add_space(6.0);
            let name = self.boxes(ui, registry);
            self.look(ui, registry);
            self.found(ui, images);
            let missing = self.missing(&name);
            let failed = self.probe.last().and_then(|found| found.as_ref().err()).cloned();
            let wrong = self.refused.as_ref().or(failed.as_ref()).filter(|_| !self.root.trim().is_empty());
            notice(ui, wrong.map(String::as_str), missing);
            foot(ui, |ui| {
                let ready = missing.is_none() && !self.adding.busy() && failed.is_none();
                let tip = missing.unwrap_or("Notes its place; runs and the command line then find it by name.");
                if default_button(ui, if self.lost.is_some() { "Use this folder" } else { "Add" }, None, ready, tip) {
                    self.add(ui.ctx(), registry, &name);
                }
                let cancel = ui.add(Push::new("Cancel").look(ButtonLook::Flat));
                cancelled = cancel.on_hover_text("Registers nothing.").clicked();
            });
        });
        if close || cancelled { AddDatasetAnswer::Close } else { AddDatasetAnswer::Open }
    }

    /// Folder, name and layout; the answer is the name.
    fn boxes(&mut self, ui: &mut Ui, registry: &Arc<dyn Datasets>) -> String {
        let before = self.root.clone();
        field(ui, "folder", |ui| {
            let width = (ui.available_width() - 100.0).max(120.0);
            let response = text_box(ui, "Dataset folder", &mut self.root, "type, browse, or drop it here", width);
            if !std::mem::replace(&mut self.begun, true) && self.root.is_empty() {
                response.request_focus();
            }
            response.on_hover_text("The folder that holds bounding_box_train and the like.");
            if let Some(path) = self.browse.ui(ui, "Browse for a dataset folder…", &self.root) {
                self.root = path.display().to_string();
            }
        });
        if let Some(path) = paths::dropped(ui.ctx()) {
            self.root = path.display().to_string();
        }
        if self.root != before {
            self.refused = None;
        }
        let typed = paths::typed(&self.root);
        let offered = || short_name(&typed.display().to_string()).to_lowercase();
        let mut name = self.name.clone().unwrap_or_else(offered);
        field(ui, "name", |ui| {
            let width = (ui.available_width() - 100.0).max(120.0);
            let enabled = self.lost.is_none();
            let response = ui.add_enabled_ui(enabled, |ui| text_box(ui, "Dataset name", &mut name, "", width)).inner;
            if response.on_hover_text("What runs and the command line call it.").changed() {
                self.name = Some(name.clone());
                self.refused = None;
            }
        });
        if self.lost.is_none() {
            self.layouts(ui, registry);
        }
        name
    }

    /// Why it cannot be added yet, if so.
    fn missing(&self, name: &str) -> Option<&'static str> {
        match () {
            () if self.root.trim().is_empty() => Some("Type a folder, browse for it, or drop it on the window."),
            () if name.trim().is_empty() => Some("Name the dataset."),
            () if self.probe.last().is_none() => Some("Looking at the folder…"),
            () => None,
        }
    }

    /// Looks at what was typed, off the window's thread.
    fn look(&mut self, ui: &Ui, registry: &Arc<dyn Datasets>) {
        let typed = format!("{}\n{}", self.root.trim(), self.layout);
        if self.root.trim().is_empty() {
            self.looking = Looking::default();
            self.probe = Probe::default();
            return;
        }
        if !self.probe.is_of(&typed) {
            self.looking = Looking::begin();
        }
        let go_on = Arc::clone(&self.looking.0);
        let (registry, layout, root) = (Arc::clone(registry), self.layout.clone(), paths::typed(&self.root));
        self.probe.get(ui.ctx(), &typed, move || registry.look(&layout, &root, &go_on));
    }

    fn found(&self, ui: &mut Ui, images: &Thumbnails) {
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), FOUND), egui::Sense::hover());
        let Some(Ok(preview)) = self.probe.last() else { return };
        let mut room = ui.new_child(UiBuilder::new().id_salt("found").max_rect(rect.shrink2(vec2(0.0, 4.0))));
        ScrollArea::vertical().auto_shrink([false, false]).show(&mut room, |ui| {
            preview_ui(ui, preview, images);
        });
    }

    fn add(&mut self, ctx: &egui::Context, registry: &Arc<dyn Datasets>, name: &str) {
        self.refused = None;
        let (registry, layout) = (Arc::clone(registry), self.layout.clone());
        let (name, root, lost) = (name.trim().to_owned(), paths::typed(&self.root), self.lost.clone());
        self.adding.start("add dataset", ctx, move || {
            let result = match &lost {
                Some(lost) => registry.locate(lost, &root),
                None => registry.add(&name, &layout, &root),
            };
            (name, result)
        });
    }

    fn layouts(&mut self, ui: &mut Ui, registry: &Arc<dyn Datasets>) {
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

/// What a folder holds: its layout, the verdict, counts by split, four people, and what is worth knowing.
pub fn preview_ui(ui: &mut Ui, preview: &Preview, images: &Thumbnails) {
    let theme = Theme::of(ui.ctx());
    let report = &preview.report;
    let (glyph, ink, words) = verdict(preview, theme);
    ui.horizontal(|ui| {
        ui.label(Type::Title.text(preview.title, theme.t1));
        ui.label(icon::text(glyph, Weight::Bold, size::ICON_MARK, ink));
        ui.add(Label::new(Type::Body.text(words, ink)).truncate());
    });
    ui.horizontal_top(|ui| {
        ui.vertical(|ui| {
            // The last column of a grid takes what room there is: without a bound that of the photos.
            ui.set_max_width(size::DIALOG * 0.45);
            counts(ui, preview);
        });
        ui.add_space(12.0);
        let faces: Vec<PathBuf> = preview.faces(4).into_iter().map(Path::to_path_buf).collect();
        faces_ui(ui, &faces, images, "Four photos of different people");
    });
    for text in &report.differences {
        warning(ui, text);
    }
    for finding in &report.findings {
        warning(ui, &finding.text);
    }
    if let Some(first) = report.unreadable.first() {
        let many = report.unreadable.len();
        let text = match many {
            1 => format!("{} cannot be read: {}", first.path.display(), first.reason),
            _ => format!("{} images cannot be read, the first is {}: {}", many, first.path.display(), first.reason),
        };
        warning(ui, &text);
    }
    for text in &report.notes {
        line(ui, icon::INFO, theme.t3, text);
    }
    // Hearsay comes last.
    for text in &report.remarks {
        warning(ui, text);
    }
}

fn verdict(preview: &Preview, theme: &'static Theme) -> (&'static str, egui::Color32, String) {
    let form = preview.report.published.as_deref().map(|form| format!(", {form}")).unwrap_or_default();
    match preview.is_as_published() {
        Some(true) => (icon::CHECK, theme.match_, format!("equal to the published counts{form}")),
        Some(false) => (icon::WARNING, theme.warn, format!("differs from the published counts{form}")),
        None => (icon::INFO, theme.t3, "no published counts to compare with".to_owned()),
    }
}

fn counts(ui: &mut Ui, preview: &Preview) {
    let theme = Theme::of(ui.ctx());
    Grid::new("counts").num_columns(4).spacing(vec2(14.0, 2.0)).show(ui, |ui| {
        for head in ["", "people", "images", "cameras"] {
            ui.label(Type::Small.text(head, theme.t3));
        }
        ui.end_row();
        for split in &preview.report.splits {
            ui.label(Type::Body.text(split.split, theme.t2));
            for number in [split.ids, split.images, split.cameras] {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    ui.label(Type::Body.text(count(number), theme.t1));
                });
            }
            ui.end_row();
        }
    });
}

/// Photos side by side, each 34 × 68.
pub fn faces_ui(ui: &mut Ui, faces: &[PathBuf], images: &Thumbnails, name: &str) {
    let [width, height] = size::THUMBS[2];
    let step = width + 6.0;
    let (rect, response) = ui.allocate_exact_size(vec2(step * faces.len() as f32, height), egui::Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, name));
    for (n, path) in faces.iter().enumerate() {
        let cell = egui::Rect::from_min_size(rect.min + vec2(step * n as f32, 0.0), vec2(width, height));
        photo::paint(ui, images, Some(path), cell, Tone::Color, 1.0);
    }
}

fn warning(ui: &mut Ui, text: &str) {
    line(ui, icon::WARNING, Theme::of(ui.ctx()).warn, text);
}

fn line(ui: &mut Ui, glyph: &'static str, ink: egui::Color32, text: &str) {
    let theme = Theme::of(ui.ctx());
    ui.horizontal_top(|ui| {
        ui.label(icon::text(glyph, Weight::Regular, size::ICON_MARK, ink));
        ui.add(Label::new(Type::Small.text(text, theme.t2)).wrap());
    });
}
