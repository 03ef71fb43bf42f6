//! The left column: datasets, runs, and what the run on screen has that the baseline ★ has not.

mod against;
mod runs;

use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui::{self, Align2, Color32, Rect, Response, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};

use super::Many;
use crate::gui::command::{Commands, UiCommand};
use crate::gui::datasets::{DatasetRow, Datasets};
use crate::gui::job::Job;
use crate::gui::theme::{Theme, Type, size};
use crate::gui::view_model::RunView;
use crate::gui::widgets::button::{focus_ring, icon_button};
use crate::gui::widgets::icon::{self, Weight};
use crate::gui::widgets::tile;

/// What is known of datasets and runs; read from disk on other threads.
pub struct Library {
    registry: Arc<dyn Datasets>,
    runs_dir: PathBuf,
    datasets: Vec<DatasetRow>,
    listing: Job<(Vec<DatasetRow>, Vec<String>)>,
    listed: bool,
    /// Whether datasets whose folder is not there are listed one by one.
    absent_shown: bool,
    list: runs::RunList,
}

impl Library {
    /// Lists nothing yet; see [`Library::refresh`].
    pub fn new(registry: Arc<dyn Datasets>, runs_dir: PathBuf) -> Self {
        Self {
            registry,
            runs_dir,
            datasets: Vec::new(),
            listing: Job::default(),
            listed: false,
            absent_shown: false,
            list: runs::RunList::default(),
        }
    }

    /// Where runs are looked for.
    pub fn runs_dir(&self) -> &std::path::Path {
        &self.runs_dir
    }

    /// The datasets last listed.
    pub fn datasets(&self) -> &[DatasetRow] {
        &self.datasets
    }

    /// Where datasets are registered.
    pub fn registry(&self) -> &Arc<dyn Datasets> {
        &self.registry
    }

    /// Lists datasets anew.
    pub fn refresh(&mut self, ctx: &egui::Context) {
        let registry = Arc::clone(&self.registry);
        self.listing.start("datasets", ctx, move || registry.list());
    }

    /// Takes in what the threads found; the answers are what was odd about the registry's files.
    pub fn poll(&mut self) -> Vec<String> {
        let listed = self.listing.poll();
        let mut warnings: Vec<String> = self.listing.take_failure().into_iter().collect();
        if let Some((datasets, odd)) = listed {
            self.datasets = datasets;
            self.listed = true;
            warnings.extend(odd);
        }
        warnings
    }

    /// Waits for what the threads look up, for tests.
    pub fn wait(&mut self, limit: std::time::Duration) {
        if let Some((datasets, _)) = self.listing.wait(limit) {
            self.datasets = datasets;
            self.listed = true;
        }
    }

    /// Shows the column.
    pub fn ui(&mut self, ui: &mut Ui, shown: &RunView, many: &Many<'_>, actions: &Commands) {
        ScrollArea::vertical().auto_shrink([false; 2]).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            tile::title_row(ui, "Datasets", "", |ui| {
                if icon_button(ui, icon::PLUS, "Add dataset…").clicked() {
                    actions.send(UiCommand::AddDataset);
                }
            });
            let there = |d: &&DatasetRow| d.builtin || d.found;
            for dataset in self.datasets.iter().filter(there) {
                dataset_row(ui, dataset, shown, actions);
            }
            let absent = self.datasets.iter().filter(|d| !there(d)).count();
            if absent > 0 {
                let words = format!("{absent} more known but absent");
                let glyph = if self.absent_shown { icon::CARET_DOWN } else { icon::CARET_RIGHT };
                if fold_row(ui, &words, glyph).clicked() {
                    self.absent_shown = !self.absent_shown;
                }
            }
            for dataset in self.datasets.iter().filter(|d| self.absent_shown && !there(d)) {
                dataset_row(ui, dataset, shown, actions);
            }
            if self.datasets.is_empty() {
                let words = if self.listed { "No dataset is registered." } else { "Looking…" };
                ui.label(Type::Small.text(words, Theme::of(ui.ctx()).t3));
            }
            tile::rule(ui);
            self.list.ui(ui, shown, many, actions);
            against::ui(ui, shown, many);
        });
    }
}

fn list_row(ui: &mut Ui, name: &str, on: bool) -> (Rect, Response) {
    let theme = Theme::of(ui.ctx());
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), size::LIST_ROW), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, on, name));
    let full = rect.expand2(vec2(size::TILE_MARGIN, 0.0));
    if on || response.hovered() {
        ui.painter().rect_filled(full, 0.0, theme.bg2);
    }
    focus_ring(ui, &response, rect.shrink(2.0), size::RADIUS_INPUT);
    (rect, response)
}

/// A line that folds or unfolds what follows.
fn fold_row(ui: &mut Ui, words: &str, glyph: &str) -> Response {
    let theme = Theme::of(ui.ctx());
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 24.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, words));
    let ink = if response.hovered() { theme.t1 } else { theme.t3 };
    let at = pos2(rect.left() + 8.0, rect.center().y);
    icon::paint(ui.painter(), at, glyph, Weight::Regular, size::ICON_MARK, ink);
    let at = pos2(rect.left() + 24.0, rect.center().y);
    ui.painter().text(at, Align2::LEFT_CENTER, words, Type::Small.font(ui), ink);
    focus_ring(ui, &response, rect.shrink(2.0), size::RADIUS_INPUT);
    response
}

/// Two lines of text from `x` to `right`; what does not fit ends in an ellipsis.
fn two_lines(ui: &Ui, rect: Rect, x: f32, right: f32, lines: (&str, &str), ink: (Color32, Color32)) {
    let line = |y: f32, text: &str, step: Type, ink: Color32| {
        let galley = step.cut(ui, text, ink, right - x);
        ui.painter().galley(pos2(x, rect.top() + y - galley.size().y / 2.0), galley, ink);
    };
    line(13.0, lines.0, Type::Button, ink.0);
    line(29.0, lines.1, Type::Small, ink.1);
}

fn dataset_row(ui: &mut Ui, dataset: &DatasetRow, shown: &RunView, actions: &Commands) {
    let theme = Theme::of(ui.ctx());
    let (rect, response) = list_row(ui, &dataset.name, false);
    let there = dataset.builtin || dataset.found;
    let glyph = if dataset.builtin { icon::GRID } else { icon::FOLDER };
    let ink = if there { theme.t3 } else { theme.t4 };
    icon::paint(ui.painter(), pos2(rect.left() + 8.0, rect.center().y), glyph, Weight::Regular, 16.0, ink);
    let role = match (dataset.name == shown.target, dataset.name == shown.source) {
        _ if shown.folder.is_none() => None,
        (true, _) => Some("target"),
        (_, true) => Some("source"),
        _ => None,
    };
    let second = match (dataset.builtin, dataset.found) {
        (true, _) => "built in".to_owned(),
        (_, true) => dataset.layout.clone(),
        (_, false) => "folder not found · locate…".to_owned(),
    };
    // Below the name, so that this has the whole width.
    let second = role.map_or_else(|| second.clone(), |role| format!("{role} · {second}"));
    let first = if there { theme.t1 } else { theme.t2 };
    two_lines(ui, rect, rect.left() + 24.0, rect.right(), (&dataset.name, &second), (first, theme.t3));
    let root = dataset.root.display();
    let place = match (dataset.builtin, dataset.found) {
        (true, _) => "Drawn by this program when it is first used. Click to look at it.".to_owned(),
        (_, true) => format!("{root}. Click to look at it."),
        (_, false) => format!("Expected in {root}. Put it there, or click to say where it is."),
    };
    if response.on_hover_text(place).clicked() {
        let name = dataset.name.clone();
        actions.send(if there { UiCommand::OpenDataset(name) } else { UiCommand::LocateDataset(name) });
    }
}
