//! A dataset at a glance: counts, warnings, and a contact sheet of people by camera.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eframe::egui::{self, Align2, Label, Rect, ScrollArea, Sense, Ui, pos2, vec2};

use super::add_dataset::preview_ui;
use super::{dialog, foot, notice};
use crate::data::preview::Preview;
use crate::gui::command::{Commands, UiCommand};
use crate::gui::datasets::{DatasetRow, Datasets};
use crate::gui::job::Job;
use crate::gui::theme::{Theme, Type, size};
use crate::gui::widgets::button::{ButtonLook, Push};
use crate::gui::widgets::images::{Thumbnails, Tone};
use crate::gui::widgets::photo;

/// The dialog while it is open.
pub struct DatasetDialog {
    row: DatasetRow,
    go_on: Arc<AtomicBool>,
    looking: Job<Result<Preview, String>>,
    found: Option<Result<Preview, String>>,
    removing: Job<Result<(), String>>,
    refused: Option<String>,
}

/// What the dialog wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatasetAnswer {
    /// To stay.
    Open,
    /// To close.
    Close,
    /// To close: the entry was taken out.
    Removed,
}

impl Drop for DatasetDialog {
    fn drop(&mut self) {
        self.go_on.store(false, Ordering::Relaxed);
    }
}

impl DatasetDialog {
    /// Begins to look at a registered dataset. One that the program draws itself is drawn now if it was not yet.
    pub fn of(ctx: &egui::Context, row: &DatasetRow, registry: &Arc<dyn Datasets>) -> Self {
        let (go_on, name, registry) = (Arc::new(AtomicBool::new(true)), row.name.clone(), Arc::clone(registry));
        let (mut looking, asked) = (Job::default(), Arc::clone(&go_on));
        looking.start("look at dataset", ctx, move || registry.open(&name, &asked));
        Self { row: row.clone(), go_on, looking, found: None, removing: Job::default(), refused: None }
    }

    /// Shows it.
    pub fn show(
        &mut self,
        ctx: &egui::Context,
        registry: &Arc<dyn Datasets>,
        images: &Thumbnails,
        actions: &Commands,
    ) -> DatasetAnswer {
        if let Some(found) = self.looking.poll() {
            self.found = Some(found);
        }
        match self.removing.poll() {
            Some(Ok(())) => return DatasetAnswer::Removed,
            Some(Err(why)) => self.refused = Some(why),
            None => {}
        }
        let mut gone = false;
        let close = dialog(ctx, "dataset", &self.row.name, |ui| {
            let theme = Theme::of(ui.ctx());
            ui.add(Label::new(Type::Mono.text(self.row.root.display().to_string(), theme.t3)).truncate());
            ui.add_space(4.0);
            match &self.found {
                None => {
                    let words = if self.row.builtin { "Drawing or reading…" } else { "Reading…" };
                    ui.label(Type::Body.text(words, theme.t2));
                }
                Some(Err(_)) => {}
                Some(Ok(preview)) => {
                    preview_ui(ui, preview, images);
                    ui.add_space(6.0);
                    sheet(ui, preview, images);
                }
            }
            let failed = self.found.as_ref().and_then(|found| found.as_ref().err());
            if let Some(why) = self.refused.as_ref().or(failed) {
                notice(ui, Some(why), None);
            }
            foot(ui, |ui| {
                let words = "Closes this; the dataset stays as it is.";
                gone |= ui.add(Push::new("Close").look(ButtonLook::Flat)).on_hover_text(words).clicked();
                if self.row.builtin {
                    return;
                }
                let locate = ui.add(Push::new("Locate…"));
                if locate.on_hover_text("Asks for the folder when the images have moved.").clicked() {
                    actions.send(UiCommand::LocateDataset(self.row.name.clone()));
                    gone = true;
                }
                let remove = ui.add(Push::new("Remove").enabled(!self.removing.busy()));
                if remove.on_hover_text("Takes the name out of the list. No image is deleted.").clicked() {
                    let (registry, name) = (Arc::clone(registry), self.row.name.clone());
                    self.removing.start("remove dataset", ui.ctx(), move || registry.remove(&name));
                }
            });
        });
        if close || gone { DatasetAnswer::Close } else { DatasetAnswer::Open }
    }
}

/// A row a person, a column a camera.
fn sheet(ui: &mut Ui, preview: &Preview, images: &Thumbnails) {
    let theme = Theme::of(ui.ctx());
    let [width, height] = size::THUMBS[1];
    let left = 58.0;
    let columns = preview.cameras.len();
    let step = vec2((width + 6.0).max(34.0), height + 6.0);
    let (head, _) = ui.allocate_exact_size(vec2(ui.available_width(), 18.0), Sense::hover());
    let small = Type::Small.font(ui);
    for (n, camera) in preview.cameras.iter().enumerate() {
        let at = pos2(head.left() + left + step.x * n as f32 + width / 2.0, head.center().y);
        if at.x + width / 2.0 < head.right() {
            ui.painter().text(at, Align2::CENTER_CENTER, format!("c{}", camera + 1), small.clone(), theme.t3);
        }
    }
    let room = (ui.ctx().content_rect().height() - 480.0).clamp(120.0, 320.0);
    let area = ScrollArea::both().id_salt("sheet").max_height(room).auto_shrink([false, false]);
    area.show_rows(ui, step.y - ui.spacing().item_spacing.y, preview.people.len(), |ui, range| {
        for person in &preview.people[range] {
            let size = vec2(left + step.x * columns as f32, step.y - ui.spacing().item_spacing.y);
            let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
            response.widget_info(|| {
                egui::WidgetInfo::labeled(egui::Role::Image, true, format!("Photos of person {}", person.pid))
            });
            let at = pos2(rect.left(), rect.top() + height / 2.0);
            ui.painter().text(at, Align2::LEFT_CENTER, format!("person {}", person.pid), small.clone(), theme.t3);
            for (n, path) in person.photos.iter().enumerate() {
                let at = pos2(rect.left() + left + step.x * n as f32, rect.top());
                let cell = Rect::from_min_size(at, vec2(width, height));
                match path {
                    Some(path) => {
                        photo::paint(ui, images, Some(path.as_path()), cell, Tone::Color, 1.0);
                    }
                    None => {
                        ui.painter().text(cell.center(), Align2::CENTER_CENTER, "–", small.clone(), theme.t4);
                    }
                }
            }
        }
    });
}
