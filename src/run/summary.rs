//! What a list of runs shows of one: a few numbers, kept beside the log so that two hundred runs are listed at once.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::RunError;
use super::event::State;
use super::folder::events_path;
use super::label::Label;
use super::manifest::Manifest;
use super::reader::RunReader;
use super::view::RunView;
use crate::base::fs::{read_regular, replace_unsynced};
use crate::method::params::Params;
use crate::method::params::table::row;

/// Version of the file; another one is made anew.
const FORMAT: u32 = 2;

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is being trained.
    Live,
    /// To its last epoch.
    Done,
    /// By the user, or cut short.
    Stopped,
    /// With an error.
    Failed,
}

/// A run in a few numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    format: u32,
    /// Bytes of `events.jsonl` that were read for it.
    bytes: u64,
    /// Its folder, where it lies now.
    #[serde(skip)]
    pub folder: PathBuf,
    /// What people call it; beside the log, not in it.
    #[serde(skip)]
    pub label: Label,
    /// `SOURCE → TARGET`.
    pub title: String,
    /// Name of the source dataset.
    pub source: String,
    /// Name of the target dataset.
    pub target: String,
    /// Source and target as they were asked for, where that is known.
    pub given: Option<[String; 2]>,
    /// The parameters at its start.
    pub params: Option<Params>,
    /// Keys that were changed on the way, with the value in force; `touched by hand` where people said something of
    /// single images.
    pub changed: Vec<(String, String)>,
    /// How it ended; of a run that a crash cut short, stopped.
    pub outcome: Outcome,
    /// Adaptation epochs done.
    pub epochs: usize,
    /// Adaptation epochs planned; 0 when that is not known.
    pub planned: usize,
    /// mAP on the target after each evaluation, fractions. **Ground truth.**
    pub curve: Vec<f64>,
    /// Rank-1 of the last of them. **Ground truth.**
    pub rank1: Option<f64>,
    /// Clusters and outliers of the newest clustering.
    pub clusters: Option<[usize; 2]>,
    /// Seconds from its first start to its newest event, without the time between stops and resumes.
    pub seconds: f64,
}

/// Where it lies in a run folder.
pub fn summary_path(dir: &Path) -> PathBuf {
    dir.join("summary.json")
}

impl Summary {
    /// Of a run as it was folded; `bytes` of its log went into that.
    pub fn of(dir: &Path, view: &RunView, bytes: u64) -> Self {
        let outcome = match view.state {
            State::Done => Outcome::Done,
            State::Failed(_) => Outcome::Failed,
            _ => Outcome::Stopped,
        };
        let name = || dir.file_name().unwrap_or(dir.as_os_str()).to_string_lossy().into_owned();
        let mut params = view.params.clone();
        let mut changed: Vec<(String, String)> = Vec::new();
        for change in view.changes.iter().rev() {
            if !changed.iter().any(|(key, _)| *key == change.key) {
                changed.push((change.key.clone(), change.new.to_string()));
            }
            // Combinations were judged when they came.
            if let Some((params, row)) = params.as_mut().zip(row(&change.key).ok()) {
                (row.set)(params, &change.old);
            }
        }
        if view.by_hand {
            changed.push(("touched by hand".to_owned(), "yes".to_owned()));
        }
        Self {
            format: FORMAT,
            bytes,
            folder: dir.to_owned(),
            label: Label::default(),
            source: view.source.clone(),
            given: None,
            target: view.target.clone(),
            params,
            changed,
            rank1: view.target_retrieval.values().next_back().map(|r| r.cmc[0]),
            clusters: view.newest_clusters().map(|(_, c)| [c.summary.clusters[0], c.summary.noise[0]]),
            title: if view.title.is_empty() { name() } else { view.title.clone() },
            outcome,
            epochs: view.epochs_done,
            planned: view.params.as_ref().map_or(0, |p| p.adapt.epochs),
            curve: view.target_retrieval.values().map(|r| r.mAP).collect(),
            seconds: view.t,
        }
    }

    /// With the datasets as they were asked for.
    pub(super) fn given_by(mut self, manifest: &Manifest) -> Self {
        self.given = manifest.source_given.clone().zip(manifest.target_given.clone()).map(|(s, t)| [s, t]);
        self
    }

    /// The best mAP over its epochs by the target's own labels: an oracle. **Ground truth.**
    pub fn best_oracle(&self) -> Option<f64> {
        self.curve.iter().copied().filter(|v| v.is_finite()).reduce(f64::max)
    }

    /// A parameter as text, the value in force where it was changed on the way; `None` where nothing is known of it.
    pub fn value(&self, key: &str) -> Option<String> {
        let changed = self.changed.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone());
        changed.or_else(|| self.params.as_ref()?.get(key).ok().map(|value| value.to_string()))
    }

    /// The last mAP.
    pub fn mean_ap(&self) -> Option<f64> {
        self.curve.last().copied()
    }

    /// Of a run folder: what lies beside the log where that is up to date, else read anew and kept there. A folder
    /// that cannot be written is read anew each time.
    ///
    /// # Errors
    /// When it is not a run folder, or cannot be read.
    pub fn read(dir: &Path) -> Result<Self, RunError> {
        let path = events_path(dir);
        let bytes = std::fs::metadata(&path).map_err(RunError::io("read", &path))?.len();
        let kept = read_regular(&summary_path(dir), 1 << 20).ok();
        let kept = kept.and_then(|text| serde_json::from_slice::<Self>(&text).ok());
        if let Some(kept) = kept.filter(|kept| (kept.format, kept.bytes) == (FORMAT, bytes)) {
            return Ok(Self { folder: dir.to_owned(), label: Label::read(dir), ..kept });
        }
        let reader = RunReader::open_brief(dir)?;
        let summary = Self::of(dir, &RunView::of_folder(&reader), bytes).given_by(&reader.manifest);
        summary.keep();
        Ok(Self { label: Label::read(dir), ..summary })
    }

    /// Puts it beside the log; a folder that cannot be written costs time later, nothing else.
    pub fn keep(&self) {
        if let Ok(text) = serde_json::to_vec(self)
            && let Err(error) = replace_unsynced(&summary_path(&self.folder), &text)
        {
            tracing::debug!("no summary in {}: {error}", self.folder.display());
        }
    }
}

/// The run folders in `dir`, newest name first. A folder that cannot be read is left out.
pub fn list(dir: &Path) -> Vec<Summary> {
    folders(dir).iter().filter_map(|folder| Summary::read(folder).ok()).collect()
}

/// The run in `dir` whose events changed last; `None` where there is no run.
pub fn latest(dir: &Path) -> Option<PathBuf> {
    let changed = |folder: &PathBuf| std::fs::metadata(events_path(folder)).and_then(|m| m.modified()).ok();
    folders(dir).into_iter().max_by_key(changed)
}

/// The folders in `dir` that hold a run, newest name first.
pub fn folders(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut folders: Vec<PathBuf> =
        entries.filter_map(|e| Some(e.ok()?.path())).filter(|p| events_path(p).is_file()).collect();
    folders.sort();
    folders.reverse();
    folders
}
