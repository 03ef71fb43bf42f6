//! A band under the run strip while a run is being prepared: what is done, how far it is, and the photos as they come.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use eframe::egui::{self, Align, Layout, Margin, Rect, Sense, Ui, WidgetInfo, vec2};

use crate::base::text::count;
use crate::data::registry::being_drawn;
use crate::engine::command::RunRequest;
use crate::gui::datasets::{DatasetRow, short_name};
use crate::gui::job::Job;
use crate::gui::theme::{Theme, Type, size};
use crate::gui::view_model::RunView;
use crate::gui::widgets::images::{Thumbnails, Tone};
use crate::gui::widgets::photo;
use crate::run::event::Stage;

/// Photos that are shown.
const PHOTOS: usize = 60;
/// How often it is looked for new ones.
const LOOK: Duration = Duration::from_millis(600);
/// Folders of a dataset that are looked into for photos.
const FOLDERS: usize = 64;

/// A run that was asked for and has not begun.
pub struct Preparing {
    source: String,
    target: String,
    roots: Vec<Root>,
    looking: Job<Found>,
    found: Found,
    looked: Option<f64>,
}

/// Where the images of a dataset lie.
#[derive(Clone, Debug)]
struct Root {
    name: String,
    folder: PathBuf,
    /// Whether the program draws them where they are not there.
    builtin: bool,
}

/// What a look at the folders found.
#[derive(Clone, Debug, Default, PartialEq)]
struct Found {
    /// The dataset that is being drawn, if one is.
    drawn: Option<String>,
    photos: Vec<PathBuf>,
}

impl Preparing {
    /// Of a run that was just asked for.
    pub fn of(request: &RunRequest, datasets: &[DatasetRow]) -> Self {
        let root = |given: &String| {
            let row = datasets.iter().find(|row| row.name == *given);
            let folder = row.map_or_else(|| PathBuf::from(given), |row| row.root.clone());
            Root { name: short_name(given).to_owned(), folder, builtin: row.is_some_and(|row| row.builtin) }
        };
        let given: BTreeSet<&String> =
            [&request.source, &request.target].into_iter().filter(|g| !g.is_empty()).collect();
        Self {
            source: short_name(&request.source).to_owned(),
            target: short_name(&request.target).to_owned(),
            roots: given.into_iter().map(root).collect(),
            looking: Job::default(),
            found: Found::default(),
            looked: None,
        }
    }

    /// What is being done, as it is said.
    fn words(&self, live: &RunView) -> String {
        let stage = &live.stages[Stage::Prepare as usize];
        let how_far = match stage.total {
            0 | 1 => String::new(),
            total => format!(" {} of {}", count(stage.done as usize), count(total as usize)),
        };
        match &self.found.drawn {
            Some(name) => format!("Drawing the people of {name}{how_far}"),
            None if stage.total > 1 => format!("Reading the training images{how_far}"),
            None => "Looking at the datasets".to_owned(),
        }
    }

    /// Looks again where it is time.
    fn refresh(&mut self, ctx: &egui::Context) {
        if let Some(found) = self.looking.poll() {
            self.found = found;
        }
        let now = ctx.input(|i| i.time);
        if !self.looking.busy() && self.looked.is_none_or(|then| now - then >= LOOK.as_secs_f64()) {
            let roots = self.roots.clone();
            self.looking.start("photos", ctx, move || look(&roots));
            self.looked = Some(now);
        }
        ctx.request_repaint_after(LOOK);
    }

    /// Shows it.
    pub fn ui(&mut self, ui: &mut Ui, live: &RunView, images: &Thumbnails) {
        self.refresh(ui.ctx());
        let theme = Theme::of(ui.ctx());
        let words = self.words(live);
        let stage = &live.stages[Stage::Prepare as usize];
        let share = if stage.total > 1 { stage.done as f32 / stage.total as f32 } else { 0.0 };
        egui::Frame::new().inner_margin(Margin::symmetric(12, 4)).show(ui, |ui| {
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.vertical(|ui| {
                    ui.set_width(300.0_f32.min(ui.available_width()));
                    ui.add_space(4.0);
                    let title = match self.source.is_empty() {
                        true => "A run is being taken up again".to_owned(),
                        false => format!("{} → {}", self.source, self.target),
                    };
                    ui.add(egui::Label::new(Type::Title.text(title, theme.t1)).truncate());
                    ui.add(egui::Label::new(Type::Body.text(words, theme.t2)).truncate());
                    let (bar, response) = ui.allocate_exact_size(vec2(ui.available_width(), 6.0), Sense::hover());
                    response.widget_info(|| WidgetInfo::labeled(egui::Role::ProgressIndicator, true, "Preparing"));
                    let bar = Rect::from_center_size(bar.center(), vec2(bar.width(), 3.0));
                    ui.painter().rect_filled(bar, 1.5, theme.bg3);
                    let done = Rect::from_min_size(bar.min, vec2(bar.width() * share, bar.height()));
                    ui.painter().rect_filled(done, 1.5, theme.accent);
                });
                ui.add_space(12.0);
                self.photos(ui, images);
            });
        });
    }

    fn photos(&self, ui: &mut Ui, images: &Thumbnails) {
        let [width, height] = size::THUMBS[1];
        ui.spacing_mut().item_spacing.x = 3.0;
        for path in &self.found.photos {
            if ui.available_width() < width {
                return;
            }
            let (cell, response) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
            response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, "A photo of the run's data"));
            photo::paint(ui, images, Some(path), cell, Tone::Color, 1.0);
        }
    }
}

/// The newest photos of the dataset that is being drawn; else some of each.
fn look(roots: &[Root]) -> Found {
    match roots.iter().find(|root| root.builtin && !root.folder.exists()) {
        Some(root) => {
            let mut photos = being_drawn(&root.folder).map(|folder| photos(&folder)).unwrap_or_default();
            let when = |path: &PathBuf| path.metadata().and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
            photos.sort_by_cached_key(|path| std::cmp::Reverse(when(path)));
            // The very newest may be half written.
            Found { drawn: Some(root.name.clone()), photos: photos.into_iter().skip(2).take(PHOTOS).collect() }
        }
        None => {
            let each = PHOTOS / roots.len().max(1);
            let of = |root: &Root| {
                let all = photos(&root.folder);
                let step = (all.len() / each).max(1);
                all.into_iter().step_by(step).take(each)
            };
            Found { drawn: None, photos: roots.iter().flat_map(of).collect() }
        }
    }
}

/// The pictures of a dataset's folders, in the order of their names.
fn photos(root: &Path) -> Vec<PathBuf> {
    let mut folders = vec![root.to_path_buf()];
    let mut found = Vec::new();
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        seen += 1;
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.filter_map(Result::ok) {
            let path = entry.path();
            let is = |ending: &str| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending));
            if is("jpg") || is("jpeg") || is("png") {
                found.push(path);
            } else if seen + folders.len() < FOLDERS && path.is_dir() {
                folders.push(path);
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_being_drawn_comes_first_and_its_newest_photos_at_the_front() {
        let home = tempfile::tempdir().unwrap();
        let root = |name: &str| Root { name: name.to_owned(), folder: home.path().join(name), builtin: true };
        let roots = [root("there"), root("new")];
        let drawn = home.path().join(".drawing-123");
        for (folder, photos) in [(roots[0].folder.clone(), 2 * PHOTOS), (drawn.clone(), 5)] {
            std::fs::create_dir_all(folder.join("bounding_box_train")).unwrap();
            (0..photos).for_each(|i| {
                std::fs::write(folder.join(format!("bounding_box_train/{i:04}.jpg")), "").unwrap();
            });
        }
        let found = look(&roots[..1]);
        assert_eq!((found.drawn, found.photos.len()), (None, PHOTOS));
        let found = look(&roots);
        assert_eq!((found.drawn.as_deref(), found.photos.len()), (Some("new"), 3));
        assert!(found.photos.iter().all(|path| path.starts_with(&drawn)));
    }
}
