//! What one can ask of the engine, and the handle to ask with.

use std::path::PathBuf;

use crossbeam_channel::{Receiver, Sender};

use super::event::{ImageRef, RankQuery, Stamped};
pub use crate::base::device::DeviceChoice;
pub use crate::base::dirs::cache as cache_dir;
use crate::method::params::{Params, Value};

/// What is expected of the run folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Begin {
    /// A new run; refused where one is already.
    #[default]
    Start,
    /// A run that is there goes on from its last checkpoint, or from its beginning when it has none.
    Resume,
    /// Whichever of the two fits: what a scheduler calls, however often.
    StartOrResume,
}

/// A run to start.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRequest {
    /// Source dataset: a registered name or a folder.
    pub source: String,
    /// Target dataset: a registered name or a folder.
    pub target: String,
    /// The run folder to create, or to go on with; `begin` says which.
    pub out: PathBuf,
    /// Hyper-parameters; ignored on resume, where the run's own count.
    pub params: Params,
    /// Where to compute.
    pub device: DeviceChoice,
    /// A new run, or one that goes on.
    pub begin: Begin,
    /// Changes that wait for their moment from the beginning on: how a run that goes on gets other values.
    pub changes: Vec<(String, Value)>,
    /// Train whatever share of the images cannot be read, with grey ones in their place.
    pub allow_unreadable: bool,
    /// Where pre-trained networks are kept for later runs; `None` keeps none. Usually [`cache_dir`].
    pub cache: Option<PathBuf>,
}

/// A request to the engine. None of them blocks the sender.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Begin a run; refused with a notice while one is going on.
    Start(Box<RunRequest>),
    /// Halt after the current batch; queries are still answered.
    Pause,
    /// Go on after a pause.
    Resume,
    /// While paused: one batch, then pause again.
    StepBatch,
    /// While paused: to the end of the epoch, then pause again.
    StepEpoch,
    /// End the run after the current batch, with a checkpoint.
    Stop,
    /// Write a checkpoint now.
    Checkpoint,
    /// Change a parameter at its boundary.
    SetParam {
        /// Its key.
        key: String,
        /// The new value.
        value: Value,
    },
    /// Attention maps of these images now, with the weights as they stand.
    HeatMaps(Vec<ImageRef>),
    /// The gallery ranked for this image. Answered by [`super::event::Event::Ranked`] with the features of the newest
    /// evaluation; while no training goes on, with the weights as they stand.
    Rank(RankQuery),
    /// The images whose attention maps come with every evaluation.
    Watch(Vec<ImageRef>),
    /// End the engine's thread; a run going on is stopped first.
    Shutdown,
}

/// One end of the engine: what the window and the command line hold.
#[derive(Clone, Debug)]
pub struct Handle {
    /// Commands in; bounded.
    pub commands: Sender<Command>,
    /// Events out; bounded.
    pub events: Receiver<Stamped>,
}
