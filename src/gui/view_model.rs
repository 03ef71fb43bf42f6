//! The run as the window sees it: events folded into what panels read. No egui types, no files, no clocks.
//!
//! A live run and a reopened folder pass through the same [`ViewModel::fold`]; what differs is only what the
//! folder does not hold: progress within a stage, memory in use, and attention maps on request.

mod fold;
pub mod series;
pub mod snapshots;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::method::params::{Effect, Params, Value};
use crate::run::RunReader;
use crate::run::event::*;
pub use series::Series;
pub use snapshots::{Loaded, Snapshots};

/// One run, folded. See the fields; none of them is ever guessed: what has not happened is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewModel {
    /// The run folder, where it lies now.
    pub folder: Option<PathBuf>,
    /// `SOURCE → TARGET`; empty before the first run.
    pub title: String,
    /// Name of the source dataset.
    pub source: String,
    /// Name of the target dataset.
    pub target: String,
    /// Where the initial weights came from.
    pub weights: String,
    /// `cpu`, `cuda:0`.
    pub device_name: String,
    /// The parameters in force.
    pub params: Option<Params>,
    /// Changed parameters that wait for their moment, in the order they were changed.
    pub pending: Vec<(String, Value, Effect)>,
    /// What the engine does.
    pub state: State,
    /// The stage it is in, or was in when it paused or ended.
    pub stage: Option<Stage>,
    /// The training it is in.
    pub phase: Phase,
    /// Epoch of that phase, from 0.
    pub epoch: usize,
    /// Epochs planned in that phase.
    pub epochs: usize,
    /// Iterations done in this epoch.
    pub iter: usize,
    /// Iterations of this epoch.
    pub iters: usize,
    /// The six stages, in order.
    pub stages: [StageView; 6],
    /// Seconds of work so far, at the newest event.
    pub t: f64,
    /// Memory in use; live only.
    pub device: Option<DeviceView>,
    /// Everything the user was told, oldest first.
    pub notices: Vec<Notice>,
    /// Curves of pre-training.
    pub pretrain: Curves,
    /// Curves of adaptation.
    pub adapt: Curves,
    /// Evaluations on the target's test set, by adaptation epochs done. **Ground truth.**
    pub target_retrieval: BTreeMap<usize, Retrieval>,
    /// Evaluations on the source's test set. **Ground truth.**
    pub source_retrieval: BTreeMap<usize, Retrieval>,
    /// Clusterings, by adaptation epoch.
    pub clusters: BTreeMap<usize, ClusterView>,
    /// What happened along the way, in the order it happened.
    pub marks: Vec<Mark>,
    /// The newest attention maps that came live, with the epochs done; live only.
    pub live_maps: Option<(usize, Vec<ImageMaps>)>,
    /// The newest rank lists of single images that were asked for, newest last, one of an image; live only.
    pub rankings: Vec<Arc<Ranking>>,
    /// Whether the engine of this window carries the run, so that it can be asked; live only.
    pub live: bool,
    /// Which snapshots there are; the value is the number of the event that said so.
    pub snapshots: BTreeMap<(usize, Part), u64>,
    next_seq: u64,
    /// Seconds since the Unix epoch.
    stage_began: f64,
    paused_at: f64,
}

/// A part of an epoch's snapshot, in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Part {
    Clusters,
    Ranks,
    HeatMaps,
}

/// A stage of the run strip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StageView {
    /// Which.
    pub stage: Stage,
    /// Whether it is to come, running or done in this epoch.
    pub progress: StageProgress,
    /// Units done; live only, except in training, where units are iterations.
    pub done: u64,
    /// Units in all; 0 when not known.
    pub total: u64,
    /// Seconds it took the last time it ended: also the estimate for the next time.
    pub seconds: Option<f64>,
    /// Seconds left, at the pace so far.
    pub left: Option<f64>,
}

/// Where a stage stands in the current epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum StageProgress {
    ToCome,
    Running,
    Done,
}

/// Memory in use.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceView {
    /// `cpu`, `cuda:0`.
    pub name: String,
    /// Bytes in use.
    pub used: u64,
    /// Bytes there are.
    pub total: u64,
}

/// Something the user was told.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// The event's number.
    pub seq: u64,
    /// Seconds since the Unix epoch.
    pub wall: f64,
    /// How bad.
    pub severity: Severity,
    /// What happened.
    pub title: String,
    /// Why, and what to do.
    pub text: String,
}

/// The curves of one training phase over its epochs: iteration `i` of epoch `e` lies at `e + i / iters`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curves {
    /// The loss that was minimised.
    pub loss: Series,
    /// Its parts, in the order they were added.
    pub parts: Vec<(String, Series)>,
    /// Learning rate.
    pub lr: Series,
    /// Iterations a second, without the first of each epoch.
    pub rate: Option<f64>,
}

/// One epoch's clustering.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterView {
    /// The numbers.
    pub summary: ClusterSummary,
    /// Seconds of k-NN, Jaccard, DBSCAN, and scores with refinement.
    pub seconds: [f64; 4],
}

/// Something that happened at one moment of a training.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// In which phase.
    pub phase: Phase,
    /// Where on its epoch axis.
    pub x: f64,
    /// What.
    pub kind: MarkKind,
}

/// What a mark stands for.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum MarkKind {
    Checkpoint { file: String },
    Param { key: String, old: Value, new: Value },
    Pause,
    Resumed,
    LrDrop { factor: f64 },
}

impl Default for ViewModel {
    fn default() -> Self {
        Self {
            folder: None,
            title: String::new(),
            source: String::new(),
            target: String::new(),
            weights: String::new(),
            device_name: String::new(),
            params: None,
            pending: Vec::new(),
            state: State::Idle,
            stage: None,
            phase: Phase::Pretrain,
            epoch: 0,
            epochs: 0,
            iter: 0,
            iters: 0,
            stages: STAGES.map(|stage| StageView {
                stage,
                progress: StageProgress::ToCome,
                done: 0,
                total: 0,
                seconds: None,
                left: None,
            }),
            t: 0.0,
            device: None,
            notices: Vec::new(),
            pretrain: Curves::default(),
            adapt: Curves::default(),
            target_retrieval: BTreeMap::new(),
            source_retrieval: BTreeMap::new(),
            clusters: BTreeMap::new(),
            marks: Vec::new(),
            live_maps: None,
            rankings: Vec::new(),
            live: false,
            snapshots: BTreeMap::new(),
            next_seq: 0,
            stage_began: 0.0,
            paused_at: 0.0,
        }
    }
}

/// The stages in their order.
pub const STAGES: [Stage; 6] =
    [Stage::Prepare, Stage::Pretrain, Stage::Extract, Stage::Cluster, Stage::Adapt, Stage::Evaluate];

impl ViewModel {
    /// The view of a run folder as it lies there; go on with [`RunReader::tail`] and [`ViewModel::fold`].
    pub fn of_folder(reader: &RunReader) -> Self {
        let mut view = Self::default();
        for event in &reader.events {
            view.fold(event);
        }
        view.folder = Some(reader.dir.clone());
        if view.title.is_empty() {
            view.title = format!("{} → {}", reader.manifest.source, reader.manifest.target);
            view.source.clone_from(&reader.manifest.source);
            view.target.clone_from(&reader.manifest.target);
            view.device_name.clone_from(&reader.manifest.device);
            view.params = Some(reader.params.clone());
        }
        for text in &reader.warnings {
            let title = "The run folder is not quite whole".to_owned();
            let notice =
                Notice { seq: view.next_seq, wall: 0.0, severity: Severity::Warning, title, text: text.clone() };
            view.notices.push(notice);
        }
        view
    }

    /// The same run without what only a live window knows.
    pub fn without_live(&self) -> Self {
        let mut view = self.clone();
        view.device = None;
        view.live_maps = None;
        view.rankings.clear();
        view.live = false;
        for stage in &mut view.stages {
            if !matches!(stage.stage, Stage::Pretrain | Stage::Adapt) {
                (stage.done, stage.total, stage.left) = (0, 0, None);
            }
        }
        view
    }

    /// The curves of a phase.
    pub fn curves(&self, phase: Phase) -> &Curves {
        match phase {
            Phase::Pretrain => &self.pretrain,
            Phase::Adapt => &self.adapt,
        }
    }

    /// Whether the engine works on this run just now (a paused one does not).
    pub fn is_running(&self) -> bool {
        !matches!(self.state, State::Idle | State::Paused | State::Done | State::Stopped | State::Failed(_))
    }

    /// The newest clustering, with its epoch.
    pub fn newest_clusters(&self) -> Option<(usize, &ClusterView)> {
        self.clusters.last_key_value().map(|(e, c)| (*e, c))
    }

    /// The newest epoch with that part of a snapshot, not after `epoch` where that is given.
    pub fn newest_snapshot(&self, part: Part, epoch: Option<usize>) -> Option<usize> {
        let until = epoch.unwrap_or(usize::MAX);
        self.snapshots.keys().filter(|(e, p)| *p == part && *e <= until).map(|(e, _)| *e).max()
    }

    /// Seconds until the run ends at the pace of its newest epochs; `None` before one is done.
    pub fn run_left(&self) -> Option<f64> {
        if self.phase != Phase::Adapt || self.epochs == 0 {
            return None;
        }
        let cycle = &self.stages[2..];
        let whole: f64 = cycle.iter().map(|s| s.seconds).sum::<Option<f64>>()?;
        let rest: f64 = cycle
            .iter()
            .map(|s| match s.progress {
                StageProgress::Done => 0.0,
                StageProgress::Running => s.left.or(s.seconds).unwrap_or(0.0),
                StageProgress::ToCome => s.seconds.unwrap_or(0.0),
            })
            .sum();
        Some(rest + whole * self.epochs.saturating_sub(self.epoch + 1) as f64)
    }
}

impl From<SnapshotPart> for Part {
    fn from(part: SnapshotPart) -> Self {
        match part {
            SnapshotPart::Clusters => Self::Clusters,
            SnapshotPart::Ranks => Self::Ranks,
            SnapshotPart::HeatMaps => Self::HeatMaps,
        }
    }
}
