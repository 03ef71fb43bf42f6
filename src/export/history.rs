//! The events of a run sorted by what they are about.

use std::collections::BTreeMap;

use crate::method::params::{Params, Value};
use crate::run::RunReader;
use crate::run::event::{ClusterSummary, Domain, Event, Phase, Retrieval, Step};

/// What a run has computed. Work that was lost in a crash and done anew counts once, as it was done last.
pub struct History {
    /// Every iteration.
    pub steps: Vec<Step>,
    /// Clusterings by adaptation epoch, with the seconds of k-NN, Jaccard, DBSCAN and scores.
    pub clusters: BTreeMap<usize, (ClusterSummary, [f64; 4])>,
    /// Evaluations on the target's test set, by adaptation epochs done.
    pub target: BTreeMap<usize, Retrieval>,
    /// Evaluations on the source's test set.
    pub source: BTreeMap<usize, Retrieval>,
    /// Parameters that changed on the way.
    pub changes: Vec<Change>,
    /// The parameters at the start.
    pub params: Params,
}

/// A parameter that changed.
pub struct Change {
    /// Its key.
    pub key: String,
    /// The value before.
    pub old: Value,
    /// The value from then on.
    pub new: Value,
    /// Adaptation epoch from which it counts.
    pub epoch: usize,
    /// Iteration within it.
    pub iter: usize,
}

impl History {
    /// Sorts the events of a run.
    pub fn of(run: &RunReader) -> Self {
        let mut history = Self {
            steps: Vec::new(),
            clusters: BTreeMap::new(),
            target: BTreeMap::new(),
            source: BTreeMap::new(),
            changes: Vec::new(),
            params: run.params.clone(),
        };
        for stamped in &run.events {
            history.take(&stamped.event);
        }
        history
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::Step(step) => {
                let place = |s: &Step| (s.phase == Phase::Adapt, s.epoch, s.iter);
                while self.steps.last().is_some_and(|last| place(last) >= place(step)) {
                    self.steps.pop();
                }
                self.steps.push(step.clone());
            }
            Event::Clustered { epoch, summary, seconds } => {
                self.clusters.split_off(epoch);
                self.clusters.insert(*epoch, ((**summary).clone(), *seconds));
            }
            Event::Evaluated { epoch, domain, retrieval } => {
                let by_epoch = match domain {
                    Domain::Target => &mut self.target,
                    Domain::Source => &mut self.source,
                };
                by_epoch.split_off(epoch);
                by_epoch.insert(*epoch, retrieval.clone());
            }
            Event::ParamApplied { key, old, new, epoch, iter } => {
                let (key, old, new) = (key.clone(), old.clone(), new.clone());
                self.changes.push(Change { key, old, new, epoch: *epoch, iter: *iter });
            }
            _ => {}
        }
    }

    /// Whether nothing has been computed.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.clusters.is_empty() && self.target.is_empty() && self.source.is_empty()
    }

    /// The iterations of one training.
    pub fn steps_of(&self, phase: Phase) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(move |s| s.phase == phase)
    }

    /// From epoch 0 to the newest that anything is known of.
    pub fn epochs(&self) -> std::ops::RangeInclusive<usize> {
        let trained = self.steps_of(Phase::Adapt).last().map_or(0, |s| s.epoch);
        let newest = [self.clusters.keys().max(), self.target.keys().max(), self.source.keys().max()];
        0..=newest.into_iter().flatten().copied().max().unwrap_or(0).max(trained)
    }
}

/// Where an iteration lies on the axis of epochs.
pub fn x_of(step: &Step) -> f64 {
    step.epoch as f64 + step.iter as f64 / step.iters.max(1) as f64
}
