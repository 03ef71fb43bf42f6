//! One run in the numbers that are compared: its results by epoch, its parameters, how it ended.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::method::cluster::ClusterSummary;
use crate::method::evaluate::Retrieval;
use crate::method::params::{Params, Value};
use crate::run::event::{Phase, State};
use crate::run::{Manifest, RunError, RunReader, RunView};

/// A run without its curves.
#[derive(Clone, Debug)]
pub struct Outline {
    /// The run folder.
    pub dir: PathBuf,
    /// The folder's name.
    pub name: String,
    /// What the run is.
    pub manifest: Manifest,
    /// The parameters at the start.
    pub params: Params,
    /// Parameters that changed on the way: key, new value, adaptation epoch from which it counts.
    pub changes: Vec<(String, Value, usize)>,
    /// Evaluations on the target's test set, by adaptation epochs done. **Ground truth.**
    pub target: BTreeMap<usize, Retrieval>,
    /// Evaluations on the source's test set. **Ground truth.**
    pub source: BTreeMap<usize, Retrieval>,
    /// Clusterings, by adaptation epoch.
    pub clusters: BTreeMap<usize, ClusterSummary>,
    /// The newest state.
    pub state: State,
    /// Adaptation epochs done.
    pub epochs: usize,
    /// Seconds of work.
    pub seconds: f64,
}

impl Outline {
    /// Reads a run folder, finished or not.
    ///
    /// # Errors
    /// When it is not a run folder, or cannot be read.
    pub fn read(dir: &Path) -> Result<Self, RunError> {
        Ok(Self::of(RunReader::open_brief(dir)?))
    }

    /// The outline of a run that was read.
    pub fn of(run: RunReader) -> Self {
        let view = RunView::of_folder(&run);
        let name = run.dir.file_name().map_or_else(|| run.dir.display().to_string(), |n| n.to_string_lossy().into());
        let adapting = view.changes.into_iter().filter(|c| c.phase == Phase::Adapt);
        Self {
            name,
            dir: run.dir,
            manifest: run.manifest,
            params: run.params,
            changes: adapting.map(|c| (c.key, c.new, c.epoch)).collect(),
            target: view.target_retrieval,
            source: view.source_retrieval,
            clusters: view.clusters.into_iter().map(|(epoch, c)| (epoch, c.summary)).collect(),
            state: view.state,
            epochs: view.epochs_done,
            seconds: view.t,
        }
    }

    /// The last evaluation on the target, with the epochs done: what a run is judged by.
    pub fn last(&self) -> Option<(usize, &Retrieval)> {
        self.target.last_key_value().map(|(e, r)| (*e, r))
    }

    /// The best evaluation by the target's own test labels: an **oracle**, which nobody has in earnest.
    pub fn best_oracle(&self) -> Option<(usize, &Retrieval)> {
        let better = |a: &(usize, &Retrieval), b: &(usize, &Retrieval)| a.1.mAP.total_cmp(&b.1.mAP).then(b.0.cmp(&a.0));
        self.target.iter().map(|(e, r)| (*e, r)).max_by(better)
    }

    /// The value of a parameter with its changes: `0.6`, or `0.6, 0.55 from epoch 4` (epochs counted from 1).
    pub fn value(&self, key: &str) -> String {
        let start = self.params.get(key).map_or_else(|_| "–".to_owned(), |v| v.to_string());
        let changed = self.changes.iter().filter(|(k, ..)| k == key);
        changed.fold(start, |text, (_, new, epoch)| format!("{text}, {new} from epoch {}", epoch + 1))
    }

    /// The state as one word.
    pub fn state_word(&self) -> &'static str {
        match self.state {
            State::Done => "done",
            State::Stopped => "stopped",
            State::Failed(_) => "failed",
            State::Paused => "paused",
            State::Idle => "idle",
            _ => "running",
        }
    }
}

/// Gives runs whose folders have the same name that of the folder above as well, so that each can be told.
pub fn tell_apart(runs: &mut [Outline]) {
    let names: Vec<String> = runs.iter().map(|r| r.name.clone()).collect();
    for (at, run) in runs.iter_mut().enumerate() {
        let same = names.iter().enumerate().filter(|(i, n)| *i != at && **n == run.name).count();
        if same > 0 {
            let above = run.dir.parent().and_then(Path::file_name).map(|n| n.to_string_lossy().into_owned());
            run.name = match above.filter(|n| n != "trials") {
                Some(above) => format!("{above}/{}", run.name),
                None => run.dir.display().to_string(),
            };
        }
    }
}
