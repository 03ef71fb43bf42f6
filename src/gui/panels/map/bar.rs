//! The bar under a selection: how many, into a file, over to the cluster cards.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use eframe::egui::{Align, Label, Layout as Arrange, Rect, Sense, TextEdit, Ui, UiBuilder, Vec2};

use crate::export::{PointRow, points};
use crate::gui::clustered::by_hand;
use crate::gui::command::UiCommand;
use crate::gui::job::Job;
use crate::gui::panels::{Pane, PanelCtx, Pick};
use crate::gui::plot::ticks;
use crate::gui::theme::{Type, size};
use crate::gui::view_model::Loaded;
use crate::gui::widgets::button::{ButtonLook, Push, icon_button};
use crate::gui::widgets::icon;

/// What the bar remembers.
#[derive(Default)]
pub struct MapBar {
    /// The path box, while it is open.
    file: Option<String>,
    browse: Job<Option<PathBuf>>,
    writing: Job<Result<String, String>>,
    /// What became of the last file.
    said: Option<Result<String, String>>,
}

impl MapBar {
    /// Shows it in `area`. `rows` makes the table's rows when they are asked for; `offered` is the file offered.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &PanelCtx<'_>,
        area: Rect,
        offered: &Path,
        rows: impl FnOnce(&PanelCtx<'_>) -> Vec<PointRow>,
    ) {
        if let Some(end) = self.writing.poll().or_else(|| self.writing.take_failure().map(Err)) {
            self.said = Some(end);
            self.file = None;
        }
        if let (Some(path), Some(file)) = (self.browse.poll().flatten(), &mut self.file) {
            *file = path.display().to_string();
        }
        // What lies under the bar is not to be clicked through it.
        ui.interact(area, ui.scope_id().with("selection bar"), Sense::click_and_drag());
        ui.painter().rect_filled(area, size::RADIUS_BUTTON, cx.theme.bg2);
        let inner = area.shrink2(Vec2::new(8.0, 0.0));
        let builder = UiBuilder::new().id_salt("selection bar").max_rect(inner);
        let mut row = ui.new_child(builder.layout(Arrange::right_to_left(Align::Center)));
        row.spacing_mut().item_spacing.x = 4.0;
        if icon_button(&mut row, icon::CROSS, "Clear the selection").clicked() {
            cx.select(Pick::Images(Vec::new()));
            *self = Self::default();
            return;
        }
        match self.file.take() {
            Some(file) => self.path_row(&mut row, cx, file, rows),
            None => self.words(&mut row, cx, offered),
        }
    }

    fn words(&mut self, row: &mut Ui, cx: &PanelCtx<'_>, offered: &Path) {
        let show = row.add(Push::new("Show in Clusters").look(ButtonLook::Flat).small());
        if show.on_hover_text("Brings the cluster cards to the front, with these images.").clicked() {
            cx.send(UiCommand::ShowPane(Pane::Browser));
        }
        let picked = Arc::clone(&cx.selection.picked);
        by_hand::button(row, cx, &picked);
        // Without the list of images the table would lack their files.
        let listed = !matches!(cx.snapshots.images(cx.view), Loaded::Loading);
        let csv = row.add(Push::new("To CSV…").look(ButtonLook::Flat).small().enabled(listed));
        if csv.on_hover_text("Writes file, camera, cluster, score and place of these images as a table.").clicked() {
            self.file = Some(offered.display().to_string());
            self.said = None;
        }
        let picked = ticks::counted(cx.selection.picked.len(), "image", "images");
        let (words, ink) = match &self.said {
            None => (format!("{picked} selected"), cx.theme.t1),
            Some(Ok(text)) => (text.clone(), cx.theme.t2),
            Some(Err(text)) => (text.clone(), cx.theme.error),
        };
        row.with_layout(Arrange::left_to_right(Align::Center), |ui| {
            ui.add(Label::new(Type::Body.text(&words, ink)).truncate()).on_hover_text(words);
        });
    }

    fn path_row(
        &mut self,
        row: &mut Ui,
        cx: &PanelCtx<'_>,
        mut file: String,
        rows: impl FnOnce(&PanelCtx<'_>) -> Vec<PointRow>,
    ) {
        let back = row.add(Push::new("Back").look(ButtonLook::Flat).small()).on_hover_text("Writes nothing.").clicked();
        let ready = !file.trim().is_empty() && !self.writing.busy();
        let write = row.add(Push::new("Write").small().enabled(ready));
        let write = write.on_hover_text("Writes the table; a file of that name is replaced.").clicked();
        let browse = row.add(Push::new("Browse…").look(ButtonLook::Flat).small().enabled(!self.browse.busy()));
        if browse.on_hover_text("Opens the system's file dialog.").clicked() {
            let offered = PathBuf::from(file.trim());
            self.browse.start("file dialog", row.ctx(), move || {
                let dialog = rfd::FileDialog::new().add_filter("CSV", &["csv"]);
                let name = offered.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
                dialog.set_file_name(name).save_file()
            });
        }
        let width = (row.available_width() - 20.0).max(40.0);
        let edit = TextEdit::singleline(&mut file).desired_width(width).background_color(cx.theme.bg0);
        row.add(edit).accessible_name("CSV file").on_hover_text("Where the table goes. Its folder is made if needed.");
        if write {
            let (rows, out) = (rows(cx), PathBuf::from(file.trim()));
            self.writing.start("write points", row.ctx(), move || {
                points(&rows, &out).map_err(|e| e.to_string())?;
                Ok(format!("{} written to {}", ticks::counted(rows.len(), "image", "images"), out.display()))
            });
        }
        if !back {
            self.file = Some(file);
        }
    }
}
