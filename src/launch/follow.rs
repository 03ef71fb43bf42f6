//! A trial's run folder as it grows: how far it is, what it has found, how it ended.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::method::evaluate::Retrieval;
use crate::run::event::{Phase, State};
use crate::run::pulse::is_trained_by_another;
use crate::run::reader::Grown;
use crate::run::view::ClusterView;
use crate::run::{RunReader, RunView, Tail};

/// What is known of a trial's run.
#[derive(Debug, Default)]
pub struct Followed {
    dir: PathBuf,
    tail: Option<Tail>,
    /// The run, folded; empty before it begins.
    pub view: RunView,
    /// Adaptation epochs planned, from the run's parameters; 0 before it begins.
    pub epochs: usize,
}

impl Followed {
    /// Follows the run in that folder, which need not be there yet.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), ..Self::default() }
    }

    /// Reads what has come since the last call; whether there was anything.
    pub fn poll(&mut self) -> bool {
        let grown = match &mut self.tail {
            Some(tail) => tail.poll(),
            None => Grown::Anew,
        };
        match grown {
            Grown::Not => false,
            Grown::By(events) => {
                events.iter().for_each(|event| self.view.fold(event));
                true
            }
            Grown::Anew => {
                let Ok(reader) = RunReader::open_brief(&self.dir) else { return false };
                self.epochs = reader.params.adapt.epochs;
                self.view = RunView::of_folder(&reader);
                self.tail = Some(reader.tail());
                true
            }
        }
    }

    /// Whether the run has begun.
    pub fn has_begun(&self) -> bool {
        self.tail.is_some()
    }

    /// Whether pre-training is over, so that others can take it up.
    pub fn is_pretrained(&self) -> bool {
        self.view.phase == Phase::Adapt || !self.view.target_retrieval.is_empty() || self.is_done()
    }

    /// Whether the run has come to its end.
    pub fn is_done(&self) -> bool {
        self.view.state == State::Done
    }

    /// Whether the run was asked to stop and has.
    pub fn was_stopped(&self) -> bool {
        self.view.state == State::Stopped
    }

    /// Why it failed, where it did.
    pub fn failure(&self) -> Option<&str> {
        match &self.view.state {
            State::Failed(why) => Some(why),
            _ => None,
        }
    }

    /// Evaluations on the target's test set, by adaptation epochs done. **Ground truth.**
    pub fn target(&self) -> &BTreeMap<usize, Retrieval> {
        &self.view.target_retrieval
    }

    /// The last of them.
    pub fn last(&self) -> Option<&Retrieval> {
        self.target().values().next_back()
    }

    /// Silhouette of the newest clusters on the Jaccard graph: needs no truth.
    pub fn silhouette(&self) -> Option<f64> {
        self.view.newest_clusters().and_then(|(_, c)| c.summary.label_free.silhouette)
    }

    /// The same by adaptation epochs done before the clusters were formed.
    pub fn silhouettes(&self) -> BTreeMap<usize, f64> {
        let of = |(epoch, c): (&usize, &ClusterView)| Some((*epoch, c.summary.label_free.silhouette?));
        self.view.clusters.iter().filter_map(of).collect()
    }
}

/// Whether another process writes the run in that folder, on this machine or on another.
pub fn is_written(dir: &Path) -> bool {
    let lock = std::fs::OpenOptions::new().read(true).write(true).open(dir.join(".lock"));
    lock.is_ok_and(|file| match file.try_lock() {
        Err(std::fs::TryLockError::WouldBlock) => true,
        locked => is_trained_by_another(dir, locked.is_ok()),
    })
}
