//! What was dropped on the window: what it is, and what is done with it.

use std::path::{Path, PathBuf};

use eframe::egui;

use super::App;
use crate::base::text::counted;
use crate::engine::event::Severity;
use crate::gui::command::UiCommand;
use crate::gui::dialogs::add_dataset::AddDataset;
use crate::gui::dialogs::new_run::NewRun;
use crate::gui::features::{FeatureRuns, FileHolds};
use crate::gui::panels::Pane;
use crate::gui::panels::log::LogEntry;
use crate::gui::paths;
use crate::gui::view_model::EpochPart;
use crate::gui::words::answers;
use crate::method::params::Params;
use crate::method::params::table::ROWS;
use crate::run::folder::events_path;
use crate::run::summary;

/// Runs of a folder that are listed at most.
const RUNS: usize = 500;
/// Bytes of a file of parameters at most.
const PARAMETERS: u64 = 1 << 20;

/// What was dropped.
pub(super) enum Dropped {
    Run(PathBuf),
    /// A folder of runs.
    Runs(PathBuf, Vec<PathBuf>),
    /// Another folder, or a list of images: perhaps a dataset.
    Dataset(PathBuf),
    Photo(PathBuf),
    Features(PathBuf),
    Weights(PathBuf),
    /// Parameters, and keys that there are not.
    Parameters(Box<Params>, Vec<String>),
    /// Nothing that there is a use for: why.
    Useless(String),
}

/// Looks at it; off the UI thread.
fn look(path: &Path, draft: &Params, with: &dyn FeatureRuns) -> Dropped {
    let owned = path.to_owned();
    if path.is_dir() {
        if is_run(path) {
            return Dropped::Run(owned);
        }
        let mut runs = summary::folders(path);
        runs.truncate(RUNS);
        return if runs.is_empty() { Dropped::Dataset(owned) } else { Dropped::Runs(owned, runs) };
    }
    let kind = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    match kind.as_str() {
        _ if paths::is_photo(path) => Dropped::Photo(owned),
        "csv" => Dropped::Dataset(owned),
        "json" | "toml" => parameters(path, &name, draft),
        "safetensors" | "npy" | "npz" | "pt" | "pth" | "tar" | "mat" => match with.holds(path) {
            Ok(FileHolds::Features) => Dropped::Features(owned),
            Ok(FileHolds::Weights) => Dropped::Weights(owned),
            Err(why) => Dropped::Useless(why),
        },
        // The parts of a run stand for it.
        "jsonl" if path.parent().is_some_and(is_run) => Dropped::Run(path.parent().unwrap_or(path).to_owned()),
        _ => Dropped::Useless(format!(
            "{name} is neither a dataset, a run, a photo, features, weights nor parameters. Features and weights are \
             .safetensors, .npy, .npz, .pt or .pth, parameters .toml or .json."
        )),
    }
}

fn is_run(folder: &Path) -> bool {
    events_path(folder).is_file()
}

/// The parameters of a file, on top of the next run's.
fn parameters(path: &Path, name: &str, draft: &Params) -> Dropped {
    let useless = |why: String| Dropped::Useless(format!("{name} holds no parameters: {why}."));
    if std::fs::metadata(path).is_ok_and(|m| m.len() > PARAMETERS) {
        return useless("it is larger than a file of parameters is".to_owned());
    }
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) => return useless(e.to_string()),
    };
    let read: Result<toml::Table, String> = match path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json")) {
        true => serde_json::from_str(&text).map_err(|e| e.to_string()),
        false => text.parse().map_err(|e: toml::de::Error| e.message().to_owned()),
    };
    let mut table = match read {
        Ok(table) => table,
        Err(why) => return useless(why),
    };
    // Reports have them under a name.
    for under in ["params", "parameters"] {
        if let Some(toml::Value::Table(inner)) = table.get(under).cloned() {
            table = inner;
        }
    }
    if !ROWS.iter().any(|row| has(&table, row.key)) {
        return useless("it names none, like eps = 0.6".to_owned());
    }
    let mut params = draft.clone();
    match params.overlay_saved(&table.to_string()) {
        Ok(unknown) => Dropped::Parameters(Box::new(params), unknown),
        Err(e) => useless(e.to_string()),
    }
}

/// Whether a table has that key, dotted or nested.
fn has(table: &toml::Table, key: &str) -> bool {
    table.contains_key(key)
        || key.split_once('.').is_some_and(
            |(group, rest)| matches!(table.get(group), Some(toml::Value::Table(inner)) if has(inner, rest)),
        )
}

impl App {
    /// Looks at what was dropped, no dialog being there to take it. Photos over the rank lists are theirs.
    pub(super) fn dropped(&mut self, ctx: &egui::Context) {
        let Some(path) = paths::dropped(ctx).filter(|_| !self.dialogs.any()) else { return };
        let (with, draft) = (self.making.with(), self.draft.clone());
        self.looking.start("file that was dropped", ctx, move || look(&path, &draft, &*with));
    }

    /// Does what it is there for.
    pub(super) fn poll_dropped(&mut self, ctx: &egui::Context) {
        let answer = self.looking.poll();
        let failed = self.looking.take_failure().map(Dropped::Useless);
        match answer.or(failed) {
            Some(Dropped::Run(folder)) => self.open(folder),
            Some(Dropped::Runs(folder, runs)) => self.list_dropped(ctx, &folder, runs),
            Some(Dropped::Dataset(path)) => self.dialogs.add_dataset = Some(AddDataset::of_folder(&path)),
            Some(Dropped::Photo(path)) => self.search_for(ctx, path),
            Some(Dropped::Features(path)) => self.cluster_file(ctx, &path),
            Some(Dropped::Weights(path)) => {
                self.draft.weights = path.display().to_string();
                self.ask_new_run();
            }
            Some(Dropped::Parameters(params, unknown)) => {
                self.draft = *params;
                self.ask_new_run();
                if !unknown.is_empty() {
                    let text = format!("This version knows no {}.", unknown.join(", "));
                    let title = "Parameters were left out";
                    self.notify(ctx, LogEntry::now(Severity::Warning, title, text), None);
                }
            }
            Some(Dropped::Useless(why)) => {
                self.notify(ctx, LogEntry::now(Severity::Warning, "Nothing was done with it", why), None);
            }
            None => {}
        }
    }

    fn ask_new_run(&mut self) {
        self.note_pace();
        self.dialogs.new_run = Some(NewRun::begin());
    }

    fn list_dropped(&mut self, ctx: &egui::Context, folder: &Path, runs: Vec<PathBuf>) {
        let words = format!("{} of {} in the list.", counted(runs.len(), "run", "runs"), folder.display());
        self.beside.extend(runs);
        self.beside.sort();
        self.beside.dedup();
        self.list_elsewhere();
        self.saved.columns().left = true;
        self.notify(ctx, LogEntry::now(Severity::Info, "Runs are listed", words), None);
    }

    /// Asks who on the gallery is the one on a photo.
    fn search_for(&mut self, ctx: &egui::Context, photo: PathBuf) {
        let shown = self.opened.as_ref().unwrap_or(&self.live);
        let why = match () {
            () if shown.folder.is_none() => "Open a run first: its gallery is what a photo is searched for in.",
            () if shown.newest_snapshot(EpochPart::Ranks, None).is_none() => {
                "The run on screen has ranked no gallery to search in."
            }
            () if !answers(&self.live, shown) => {
                "The network of the run on screen is not at hand, and another run goes on here."
            }
            () => {
                self.panels.ask_about(photo);
                return self.commands.send(UiCommand::ShowPane(Pane::RankLists));
            }
        };
        self.notify(ctx, LogEntry::now(Severity::Warning, "The photo was not searched for", why), None);
    }
}
