//! The sheet on screen as a picture in print colours, drawn and written on a thread of its own.

use std::path::{Path, PathBuf};

use eframe::egui::{self, Popup, PopupCloseBehavior, Response, Ui};

use super::PanelCtx;
use super::maps::Scale;
use super::sheet::{ColumnShown, Derived, MapSheet};
use super::strips::short_name;
use crate::export::attention::{AttentionGrid, ColorBar, GridPicture, PersonRow, Ramp, short};
use crate::gui::job::Job;
use crate::gui::theme::{Theme, Type};
use crate::gui::widgets::button::{ButtonLook, Push};

/// The popup that asks where the picture is to go.
#[derive(Default)]
pub struct Saving {
    path: String,
    /// What was offered; replaced when it is no longer right, unless the user typed something else.
    offered: String,
    browse: Job<Option<PathBuf>>,
    writing: Job<Result<PathBuf, String>>,
    said: Option<Result<PathBuf, String>>,
}

impl Saving {
    /// Opens under `button`; `sheet` is composed once it is asked for.
    pub fn popup(&mut self, button: &Response, offer: &Path, sheet: impl FnOnce() -> AttentionGrid) {
        if let Some(path) = self.browse.poll().flatten() {
            self.path = path.display().to_string();
        }
        if let Some(answer) = self.writing.poll().or_else(|| self.writing.take_failure().map(Err)) {
            self.said = Some(answer);
        }
        let offer = offer.display().to_string();
        if self.path == self.offered || self.path.is_empty() {
            self.path.clone_from(&offer);
        }
        self.offered = offer;
        let popup = Popup::menu(button).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        popup.show(|ui| self.ui(ui, sheet));
    }

    fn ui(&mut self, ui: &mut Ui, sheet: impl FnOnce() -> AttentionGrid) {
        let theme = Theme::of(ui.ctx());
        ui.set_width(360.0);
        // A popup stands on the level of inputs: its own lie one below.
        ui.visuals_mut().text_edit_bg_color = Some(theme.bg0);
        let words = "Writes what the panel shows as PNG: all watched images, photos at full size, print colours.";
        ui.label(Type::Body.text(words, theme.t2));
        ui.horizontal(|ui| {
            let edit = egui::TextEdit::singleline(&mut self.path).desired_width(234.0);
            let edit = edit.margin(egui::Margin::symmetric(8, 4));
            let edit = ui.add(edit).accessible_name("Picture file");
            edit.on_hover_text("The folder is made if it is not there; a file of that name is replaced.");
            let browse = ui.add(Push::new("Browse…").small().enabled(!self.browse.busy()));
            if browse.on_hover_text("Opens the system's file dialog.").clicked() {
                let at = PathBuf::from(&self.path);
                self.browse.start("file dialog", ui.ctx(), move || {
                    let dialog = rfd::FileDialog::new().add_filter("PNG", &["png"]);
                    let dialog = match at.parent().filter(|folder| folder.is_dir()) {
                        Some(folder) => dialog.set_directory(folder),
                        None => dialog,
                    };
                    let name = at.file_name().map_or("heat_maps.png".into(), |n| n.to_string_lossy());
                    dialog.set_file_name(name).save_file()
                });
            }
        });
        ui.horizontal(|ui| {
            let ready = !self.path.trim().is_empty() && !self.writing.busy();
            let save = ui.add(Push::new("Save picture").look(ButtonLook::Framed).small().enabled(ready));
            if save.on_hover_text("Draws and writes it in the background.").clicked() {
                let (sheet, path) = (sheet(), PathBuf::from(self.path.trim()));
                self.said = None;
                self.writing.start("heat map picture", ui.ctx(), move || {
                    sheet.save(&path).map(|()| path).map_err(|e| e.to_string())
                });
            }
            match &self.said {
                _ if self.writing.busy() => ui.label(Type::Small.text("writing…", theme.t3)),
                Some(Ok(path)) => {
                    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
                    let words = Type::Small.text(format!("Saved {name}"), theme.t1);
                    ui.add(egui::Label::new(words).truncate()).on_hover_text(path.display().to_string())
                }
                Some(Err(why)) => ui.add(egui::Label::new(Type::Small.text(why, theme.error)).wrap()),
                None => ui.label(""),
            }
        });
    }
}

/// The sheet with everything that drawing it needs: maps are copied, photos named.
pub fn compose(
    cx: &PanelCtx<'_>,
    sheet: &MapSheet<'_>,
    derived: &Derived,
    (scale, clip, opacity): (Scale, f64, f32),
    words: String,
) -> AttentionGrid {
    let images = cx.snapshots.images(cx.view);
    let people = sheet.people.iter().enumerate().map(|(i, (of, _))| {
        let row = images.ready().and_then(|list| list.get(of.image));
        let cell = |column: &super::sheet::Column| match derived.map(sheet, i, column) {
            _ if column.what == ColumnShown::Photo => GridPicture::Photo,
            None => GridPicture::Missing,
            Some(map) => GridPicture::Map {
                map: map.clone(),
                range: derived.range(scale, i, column.bar),
                ramp: sheet.bars.get(column.bar).map_or(Ramp::Attention, |bar| bar.ramp),
                over: column.kind.is_spatial(),
            },
        };
        let camera = row.map(|row| format!(" · c{}", row.camid + 1)).unwrap_or_default();
        PersonRow {
            photo: row.map(|row| row.path.clone()),
            words: format!("{}{camera}", short_name(of.image)),
            cells: sheet.columns.iter().map(cell).collect(),
        }
    });
    let clipped = if clip < 100.0 { format!(", {}", clip_words(clip)) } else { String::new() };
    let bars = sheet.bars.iter().enumerate().map(|(i, bar)| {
        let [low, high] = ends(derived, scale, i, bar.ramp);
        ColorBar { words: format!("{}{clipped}", bar.title), low, high, ramp: bar.ramp }
    });
    AttentionGrid {
        title: "Attention maps".to_owned(),
        scope: if cx.view.title.is_empty() { words } else { format!("{}, {words}", cx.view.title) },
        columns: sheet.columns.iter().map(|c| c.title.clone()).collect(),
        people: people.collect(),
        bars: bars.collect(),
        opacity,
    }
}

/// `clipped at 99 %`.
pub fn clip_words(clip: f64) -> String {
    format!("clipped at {} %", percent_words(clip))
}

/// `99`, `99.5`.
pub fn percent_words(percent: f64) -> String {
    let text = format!("{percent:.1}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

/// Numbers at the ends of a colour bar; words where each image has its own.
pub fn ends(derived: &Derived, scale: Scale, bar: usize, ramp: Ramp) -> [String; 2] {
    match (scale, ramp) {
        (Scale::Shared, _) => derived.range(scale, 0, bar).map(short),
        (Scale::PerImage, Ramp::Attention) => ["least".to_owned(), "most".to_owned()],
        (Scale::PerImage, Ramp::Difference) => ["less".to_owned(), "more".to_owned()],
    }
}
