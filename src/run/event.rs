//! What happened in a run, as plain data. One line of `events.jsonl` each; the live window receives the same values.
//!
//! An event that was written is never changed. Large results (labels, ranks, maps) lie in the epoch's
//! snapshot folder; [`Event::Snapshot`] says that they are there.

mod answers;

use serde::{Deserialize, Serialize};

pub use self::answers::{AttentionMap, ImageMaps, Likeness, RankQuery, Ranking};
use super::manifest::Parent;
use super::requests::RequestId;
pub use crate::method::cluster::{ClusterParams, ClusterSummary};
pub use crate::method::evaluate::Retrieval;
use crate::method::hand::HandEdit;
use crate::method::params::{Effect, Params, Value};
pub use crate::method::quality::Quality;

/// Names a run: its folder's name. Empty where no run is meant, as in a file, whose folder says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(std::sync::Arc<str>);

impl RunId {
    /// Of the run in that folder.
    pub fn of(folder: &std::path::Path) -> Self {
        Self(folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into())
    }

    /// Whether it names no run.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An event with its place in the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stamped {
    /// Which run. Not in the file: the folder says it, also when it was given another name.
    #[serde(skip)]
    pub run: RunId,
    /// Counts from 0 within a run folder, without gaps, over resumes too.
    pub seq: u64,
    /// Seconds of work since the run first started (time between a stop and its resume not counted).
    pub t: f64,
    /// Seconds since the Unix epoch.
    pub wall: f64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// The line of an iteration. There are a thousand times more of them than of all else; read so, the detour that
/// a tag makes necessary is spared.
#[derive(Deserialize)]
struct StepLine<'a> {
    #[serde(borrow, rename = "type")]
    kind: std::borrow::Cow<'a, str>,
    seq: u64,
    t: f64,
    wall: f64,
    phase: Phase,
    epoch: usize,
    iter: usize,
    iters: usize,
    step: u64,
    #[serde(with = "nan_as_null")]
    loss: f64,
    #[serde(with = "nan_as_null::named")]
    parts: Vec<(String, f64)>,
    lr: f64,
    seconds: f64,
    waited: f64,
    merged: u32,
}

/// Epochs and iterations that a run can have, with much to spare: what is beyond is damage.
pub(super) const MOST_EPOCHS: usize = 1_000_000;
const MOST_ITERS: u64 = 1 << 40;
/// Parts that a loss can have; each is a curve in the window and a column in tables.
const MOST_PARTS: usize = 64;

impl Stamped {
    /// One line of `events.jsonl`, without its line feed.
    ///
    /// # Errors
    /// When it is not an event that this program knows.
    pub fn from_line(line: &[u8]) -> serde_json::Result<Self> {
        if let Ok(l) = serde_json::from_slice::<StepLine<'_>>(line)
            && l.kind == "step"
        {
            let StepLine { phase, epoch, iter, iters, step, loss, parts, lr, seconds, waited, merged, .. } = l;
            if parts.len() > MOST_PARTS {
                let words = format!("a loss of {} parts is none of this program's", parts.len());
                return Err(serde::de::Error::custom(words));
            }
            let step = Step { phase, epoch, iter, iters, step, loss, parts, lr, seconds, waited, merged };
            return Self { run: RunId::default(), seq: l.seq, t: l.t, wall: l.wall, event: Event::Step(step) }
                .counted();
        }
        serde_json::from_slice::<Self>(line)?.counted()
    }

    /// Whether its epoch and iteration are some that a run can have: readers count on from them.
    fn counted(self) -> serde_json::Result<Self> {
        let (epoch, iters) = match &self.event {
            Event::State { epoch, .. }
            | Event::StageDone { epoch, .. }
            | Event::Clustered { epoch, .. }
            | Event::Evaluated { epoch, .. }
            | Event::Snapshot { epoch, .. }
            | Event::EpochDone { epoch, .. }
            | Event::Checkpoint { epoch, .. }
            | Event::HeatMaps { epoch, .. } => (*epoch, 0),
            Event::ParamApplied { epoch, iter, .. } => (*epoch, *iter as u64),
            Event::Step(step) => (step.epoch, step.step.max(step.iter.max(step.iters) as u64)),
            Event::Ranked(ranking) => (ranking.epoch, ranking.iters as u64),
            _ => (0, 0),
        };
        if epoch > MOST_EPOCHS || iters > MOST_ITERS {
            return Err(serde::de::Error::custom(format!("no run has an epoch {epoch} or so many iterations")));
        }
        Ok(self)
    }
}

/// What stands for the source in a run of features alone: nothing is trained in it.
pub const NO_SOURCE: &str = "no source";

/// What the engine does. The cycle is Extracting → Clustering → Adapting → Evaluating.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum State {
    Idle,
    /// Datasets are read, the model is made or loaded.
    Preparing,
    Pretraining,
    Extracting,
    Clustering,
    Adapting,
    Evaluating,
    Paused,
    Done,
    Stopped,
    /// With the reason, one sentence, and what to do.
    Failed(String),
}

/// The stages of the run strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Stage {
    Prepare,
    Pretrain,
    Extract,
    Cluster,
    Adapt,
    Evaluate,
}

/// Which training an iteration belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Phase {
    Pretrain,
    Adapt,
}

/// One training iteration. `NaN` losses travel as `null`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Which training.
    pub phase: Phase,
    /// Epoch within the phase, from 0.
    pub epoch: usize,
    /// Iteration within the epoch, from 0.
    pub iter: usize,
    /// Iterations of the epoch.
    pub iters: usize,
    /// Iterations since the run began, both phases, from 0.
    pub step: u64,
    /// The loss that was minimised.
    #[serde(with = "nan_as_null")]
    pub loss: f64,
    /// Its parts by name, in the order they were added: `source`, `target`, `triplet`, or `id`, `triplet`.
    #[serde(with = "nan_as_null::named")]
    pub parts: Vec<(String, f64)>,
    /// Learning rate.
    pub lr: f64,
    /// Seconds the step took, waiting for images included.
    pub seconds: f64,
    /// Of those, seconds spent waiting for images.
    pub waited: f64,
    /// How many iterations this point stands for: more than 1 when a slow window had points merged.
    pub merged: u32,
}

/// Which test set an evaluation used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Domain {
    Source,
    Target,
}

/// A split of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Split {
    Train,
    Query,
    Gallery,
}

/// An image of the target dataset: row `index` of `split`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ImageRef {
    pub split: Split,
    pub index: u32,
}

/// How busy and how warm a device is, where it says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Percent of the time in which it computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub utilisation: Option<u32>,
    /// Degrees Celsius.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<u32>,
}

/// How bad a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Severity {
    Info,
    Warning,
    Error,
}

/// The way out of a failure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cure {
    /// What would be done, one sentence.
    pub words: String,
    /// Whether the run goes on from its last checkpoint; else a new run is needed.
    pub resume: bool,
    /// Parameters that get other values.
    pub changes: Vec<(String, Value)>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Event {
    /// A run began or was resumed; everything else about it is in its manifest.
    Started {
        /// The run folder.
        folder: std::path::PathBuf,
        /// `SOURCE → TARGET`.
        title: String,
        /// Name of the source dataset.
        source: String,
        /// Name of the target dataset.
        target: String,
        /// The parameters as they stand now.
        params: Box<Params>,
        /// `cpu`, `cuda:0`.
        device: String,
        /// Where the initial weights came from: `scratch`, a file, or a cached pre-training.
        weights: String,
        /// Whether an earlier part of this run was taken up.
        resumed: bool,
        /// The run it branched from, and where.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent: Option<Parent>,
    },
    /// The engine's state changed.
    State {
        /// The new state.
        state: State,
        /// Epoch of the phase it is in, from 0.
        epoch: usize,
    },
    /// How far the current stage is. Live only: not written to the run folder.
    Progress {
        /// The stage.
        stage: Stage,
        /// Units done.
        done: u64,
        /// Units in all.
        total: u64,
    },
    /// A stage ended.
    StageDone {
        /// The stage.
        stage: Stage,
        /// Its epoch, from 0.
        epoch: usize,
        /// Seconds it took.
        seconds: f64,
    },
    /// One training iteration.
    Step(Step),
    /// The epoch's clustering is known.
    Clustered {
        /// Adaptation epoch, from 0.
        epoch: usize,
        /// The numbers.
        summary: Box<ClusterSummary>,
        /// Seconds of k-NN, Jaccard, DBSCAN (three), and scores with refinement.
        seconds: [f64; 4],
    },
    /// An evaluation ended.
    Evaluated {
        /// Adaptation epochs done; 0 is the source-only model.
        epoch: usize,
        /// Whose test set.
        domain: Domain,
        /// The numbers.
        retrieval: Retrieval,
    },
    /// `epochs/NNNN/` holds what this epoch computed.
    Snapshot {
        /// The adaptation epoch, as in the folder's name.
        epoch: usize,
        /// Which part was written.
        part: SnapshotPart,
    },
    /// An adaptation epoch ended.
    EpochDone {
        /// Adaptation epoch, from 0.
        epoch: usize,
        /// Epochs planned.
        epochs: usize,
    },
    /// A parameter was changed and waits for its moment.
    ParamPending {
        /// Its key.
        key: String,
        /// The value to come.
        value: Value,
        /// When it takes effect.
        effect: Effect,
    },
    /// A changed parameter took effect.
    ParamApplied {
        /// Its key.
        key: String,
        /// The value before.
        old: Value,
        /// The value from now on.
        new: Value,
        /// Adaptation epoch and iteration at which it begins to count.
        epoch: usize,
        /// Iteration within the epoch.
        iter: usize,
    },
    /// People said something of single images, or took it back; it counts from the next clustering on.
    Hand {
        /// What.
        edit: HandEdit,
        /// Whether it was taken back.
        undone: bool,
    },
    /// A checkpoint was written.
    Checkpoint {
        /// Path within the run folder.
        file: String,
        /// Adaptation epochs done.
        epoch: usize,
        /// Bytes.
        bytes: u64,
    },
    /// Attention maps, for the watched images after an evaluation or as the answer to a request.
    /// Written to the snapshot only, not to `events.jsonl`.
    HeatMaps {
        /// Adaptation epochs done.
        epoch: usize,
        /// The maps.
        images: Vec<ImageMaps>,
    },
    /// The answer to a question for the rank list of one image. Live only.
    Ranked(Box<Ranking>),
    /// The answer to a question why two images are alike. Live only.
    Likeness(Box<Likeness>),
    /// What pre-training works on, now and then. Live only.
    SourceBatch(Box<SourceBatch>),
    /// Memory in use. Live only.
    Device {
        /// `cpu`, `cuda:0`.
        name: String,
        /// Bytes in use by this process (CPU) or on the device.
        used: u64,
        /// Bytes there are.
        total: u64,
        /// How busy and how warm it is.
        #[serde(default)]
        load: Load,
    },
    /// A request was carried out, or will be at its moment.
    Accepted {
        /// Which.
        request: RequestId,
    },
    /// A request was not carried out.
    Refused {
        /// Which.
        request: RequestId,
        /// Why, and what to do.
        why: String,
    },
    /// The way out of the failure that is told next.
    Cure(Cure),
    /// Something the user should know.
    Notice {
        /// How bad.
        severity: Severity,
        /// What happened.
        title: String,
        /// Why, and what to do.
        text: String,
    },
}

/// A batch of pre-training as the network saw it, and where the features of the newest batches lay.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SourceBatch {
    /// Epoch of pre-training, from 0.
    pub epoch: usize,
    /// Iteration of it, from 0.
    pub iter: usize,
    /// Rows and columns of each image, pixels.
    pub size: [usize; 2],
    /// Red, green and blue of each pixel, row by row, one image after the other.
    pub pixels: Vec<u8>,
    /// Identity in the source of each of these images; those of one person follow one another.
    pub pids: Vec<i32>,
    /// The features of the newest batches in the plane of their two principal components.
    pub points: Vec<[f32; 2]>,
    /// Identity in the source of each point.
    pub point_pids: Vec<i32>,
}

/// The parts of an epoch's snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SnapshotPart {
    /// Labels at three radii, scores, reliable flags, neighbours.
    Clusters,
    /// Per-query AP and ranks.
    Ranks,
    /// The same after re-ranking by k-reciprocal neighbours, where that was asked for.
    Reranked,
    /// Attention maps of the watched images.
    HeatMaps,
    /// How the memory moved in the epoch, and one of its batches.
    Training,
}

mod nan_as_null {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(x: &f64, s: S) -> Result<S::Ok, S::Error> {
        if x.is_finite() { s.serialize_f64(*x) } else { s.serialize_none() }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<f64, D::Error> {
        Ok(Option::<f64>::deserialize(d)?.unwrap_or(f64::NAN))
    }

    /// The same for values with a name.
    pub mod named {
        use serde::{Deserialize, Deserializer, Serializer};

        pub fn serialize<S: Serializer>(parts: &[(String, f64)], s: S) -> Result<S::Ok, S::Error> {
            s.collect_seq(parts.iter().map(|(name, x)| (name, x.is_finite().then_some(*x))))
        }

        pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<(String, f64)>, D::Error> {
            let parts = Vec::<(String, Option<f64>)>::deserialize(d)?;
            Ok(parts.into_iter().map(|(name, x)| (name, x.unwrap_or(f64::NAN))).collect())
        }
    }
}
