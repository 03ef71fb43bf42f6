//! The one fold: events of a run into plain data. No files, no clocks, nothing to draw with.
//!
//! Window, export, list of runs and `train` read a run through [`RunView`]. A live run and a reopened folder pass
//! through the same [`RunView::fold`]; what differs is only what the folder does not hold: progress within a stage,
//! memory in use, and attention maps on request.
//!
//! A run that is taken up at a checkpoint goes back to it: what lay beyond (points, clusterings, evaluations,
//! changes, marks) was undone by the stop or the crash and is dropped here, once for all readers.

mod curves;
mod fold;
mod rewind;
mod series;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::RunReader;
use super::event::*;
use super::manifest::Parent;
use super::pulse::Trainer;
use super::requests::RequestId;
use crate::method::hand::Hand;
use crate::method::params::{Effect, Params, Value};
pub use curves::{Curves, Point};
pub use series::{Series, Span};

/// One run, folded. See the fields; none of them is ever guessed: what has not happened is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct RunView {
    /// Its name; empty before the first event that carries one.
    pub run: RunId,
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
    /// Adaptation epochs done, evaluation and all.
    pub epochs_done: usize,
    /// Iterations done in this epoch.
    pub iter: usize,
    /// Iterations of this epoch.
    pub iters: usize,
    /// The six stages, in order.
    pub stages: [StageView; 6],
    /// Seconds since the run began at the newest event; time between a stop and its resume does not count.
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
    /// What people said of single images so far.
    pub hand: Hand,
    /// Whether they ever said anything: such a run is not unsupervised.
    pub by_hand: bool,
    /// What had been said when an epoch was clustered, of the epochs that it counted in.
    pub hands: BTreeMap<usize, Arc<Hand>>,
    /// Parameters that changed on the way, in the order they took effect.
    pub changes: Vec<ParamChange>,
    /// What happened along the way, in the order it happened.
    pub marks: Vec<MarkedMoment>,
    /// The newest attention maps that came live, with the epochs done; live only.
    pub live_maps: Option<(usize, Vec<ImageMaps>)>,
    /// The newest rank lists of single images that were asked for, newest last, one of an image; live only.
    pub rankings: Vec<Arc<Ranking>>,
    /// What was asked about why two images are alike, while it has no answer: under which name, query and hit.
    pub likeness_asked: Option<(RequestId, [ImageRef; 2])>,
    /// The newest answer to why two images are alike.
    pub likeness: Option<Arc<Likeness>>,
    /// What pre-training worked on just now, until the target is clustered; live only.
    pub source_batch: Option<Arc<SourceBatch>>,
    /// The way out of the failure it ended in, if there is one.
    pub cure: Option<Cure>,
    /// The run it branched from, and after how many epochs.
    pub parent: Option<Parent>,
    /// Requests that were refused, newest last, with the reason; at most 32.
    pub refusals: Vec<(RequestId, String)>,
    /// Who trains it, where that is another process; set by who follows the folder.
    pub trainer: Option<Trainer>,
    /// Whether the engine of this window carries the run, so that it can be asked; live only.
    pub live: bool,
    /// Which snapshots there are; the value is the number of the event that said so.
    pub snapshots: BTreeMap<(usize, EpochPart), u64>,
    next_seq: u64,
    /// How the present stage keeps its time.
    clock: Clock,
    /// The newest epoch whose work has begun.
    begun: Option<(Phase, usize)>,
    /// Whether the run was taken up and has not yet said where.
    resumed: bool,
    /// What there was before an attempt to go on that has not got as far as `Started`.
    before_attempt: Option<Attempt>,
    /// What the events say that the run does, where nobody is there to do it.
    interrupted: Option<State>,
}

/// What an attempt to go on with a run replaces until it has begun.
#[derive(Clone, Debug, PartialEq)]
struct Attempt {
    state: State,
    stage: Option<Stage>,
    stages: [StageView; 6],
}

/// Where a run stood at one moment: phase, epoch of it, iterations of that epoch that were done.
pub type RunPlace = (Phase, usize, usize);

/// A parameter that changed.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamChange {
    /// Its key.
    pub key: String,
    /// The value before.
    pub old: Value,
    /// The value from then on.
    pub new: Value,
    /// In which training.
    pub phase: Phase,
    /// Epoch of that training from which it counts.
    pub epoch: usize,
    /// Iteration within it.
    pub iter: usize,
}

/// The time of a stage, pauses left out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Clock {
    /// When the stage began, in seconds since the Unix epoch, later by its pauses.
    began: f64,
    /// When the pause that lasts began.
    paused_at: f64,
    /// Seconds of this stage's pauses.
    paused: f64,
    /// Units that were done when the stage was first heard of: those of an earlier session.
    from: Option<u64>,
}

/// A part of an epoch's snapshot, in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum EpochPart {
    Clusters,
    Ranks,
    Reranked,
    HeatMaps,
    Training,
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
    /// How busy and how warm it is.
    pub load: Load,
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
pub struct MarkedMoment {
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

impl Default for RunView {
    fn default() -> Self {
        Self {
            run: RunId::default(),
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
            epochs_done: 0,
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
            hand: Hand::default(),
            by_hand: false,
            hands: BTreeMap::new(),
            changes: Vec::new(),
            marks: Vec::new(),
            live_maps: None,
            rankings: Vec::new(),
            likeness_asked: None,
            likeness: None,
            source_batch: None,
            cure: None,
            parent: None,
            refusals: Vec::new(),
            trainer: None,
            live: false,
            snapshots: BTreeMap::new(),
            next_seq: 0,
            clock: Clock::default(),
            begun: None,
            resumed: false,
            before_attempt: None,
            interrupted: None,
        }
    }
}

/// The stages in their order.
pub const STAGES: [Stage; 6] =
    [Stage::Prepare, Stage::Pretrain, Stage::Extract, Stage::Cluster, Stage::Adapt, Stage::Evaluate];

impl RunView {
    /// The view of a run folder as it lies there; go on with [`RunReader::tail`] and [`RunView::fold`].
    pub fn of_folder(reader: &RunReader) -> Self {
        let mut view = Self::default();
        for event in &reader.events {
            view.fold(event);
        }
        view.folder = Some(reader.dir.clone());
        view.run = RunId::of(&reader.dir);
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
        view.source_batch = None;
        view.rankings.clear();
        view.trainer = None;
        view.live = false;
        for stage in &mut view.stages {
            if !matches!(stage.stage, Stage::Pretrain | Stage::Adapt) {
                (stage.done, stage.total, stage.left) = (0, 0, None);
            }
        }
        view
    }

    /// Takes over the answers that an older reading of the same run holds: no folder has them.
    pub fn keep_answers(&mut self, of: &Self) {
        self.live_maps.clone_from(&of.live_maps);
        self.rankings.clone_from(&of.rankings);
        self.likeness.clone_from(&of.likeness);
        self.refusals.clone_from(&of.refusals);
    }

    /// Notes who trains the run just now. One that nobody trains does not go on, whatever its last event said: it was
    /// cut short, and can be taken up.
    pub fn set_trainer(&mut self, trainer: Option<Trainer>) {
        let over = matches!(self.state, State::Idle | State::Done | State::Stopped | State::Failed(_));
        if trainer.is_none() && !over {
            self.interrupted = Some(std::mem::replace(&mut self.state, State::Stopped));
        } else if let (Some(_), Some(state)) = (&trainer, self.interrupted.take()) {
            self.state = state;
        }
        self.trainer = trainer;
    }

    /// Why a request was refused, if it was.
    pub fn refusal(&self, request: &RequestId) -> Option<&str> {
        self.refusals.iter().find(|(id, _)| id == request).map(|(_, why)| why.as_str())
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

    /// Whether anything is trained in it; a run of features alone has clusters and rank lists only.
    pub fn trains(&self) -> bool {
        self.source != NO_SOURCE
    }

    /// The training and its epoch, from 0, at whose beginning a change that waits for an epoch takes effect.
    pub fn next_epoch(&self) -> (Phase, usize) {
        // A run that waits between two epochs takes the change with the first step of the second.
        match self.begun.filter(|(phase, epoch)| *phase == self.phase && *epoch >= self.epoch) {
            Some((Phase::Pretrain, epoch)) if self.epochs > 0 && epoch.saturating_add(1) >= self.epochs => {
                (Phase::Adapt, 0)
            }
            Some((phase, epoch)) => (phase, epoch.saturating_add(1)),
            None => (self.phase, self.epoch),
        }
    }

    /// Whether no event of a run was taken in, or none that says more than that it failed to begin.
    pub fn is_empty(&self) -> bool {
        self.title.is_empty()
    }

    /// Whether anything was computed: an iteration, a clustering, an evaluation.
    pub fn has_results(&self) -> bool {
        let trained = !self.pretrain.points.is_empty() || !self.adapt.points.is_empty();
        let evaluated = !self.target_retrieval.is_empty() || !self.source_retrieval.is_empty();
        trained || evaluated || !self.clusters.is_empty()
    }

    /// The newest clustering, with its epoch.
    pub fn newest_clusters(&self) -> Option<(usize, &ClusterView)> {
        self.clusters.last_key_value().map(|(e, c)| (*e, c))
    }

    /// The newest epoch with that part of a snapshot, not after `epoch` where that is given.
    pub fn newest_snapshot(&self, part: EpochPart, epoch: Option<usize>) -> Option<usize> {
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

impl From<SnapshotPart> for EpochPart {
    fn from(part: SnapshotPart) -> Self {
        match part {
            SnapshotPart::Clusters => Self::Clusters,
            SnapshotPart::Ranks => Self::Ranks,
            SnapshotPart::Reranked => Self::Reranked,
            SnapshotPart::HeatMaps => Self::HeatMaps,
            SnapshotPart::Training => Self::Training,
        }
    }
}
