//! What one can ask of the engine, and the handle to ask with.

use std::path::PathBuf;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};

use super::event::{ImageRef, RankQuery, Stamped};
pub use crate::base::device::DeviceChoice;
pub use crate::base::dirs::cache as cache_dir;
use crate::method::hand::HandEdit;
use crate::method::params::{Params, Value};
pub use crate::run::checkpoints::At;
use crate::run::questions::NetQuestion;
pub use crate::run::requests::RequestId;
use crate::run::requests::{Posted, Steer};

/// What is expected of the run folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Begin {
    /// A new run; refused where one is already.
    #[default]
    Start,
    /// A run that is there goes on from its last checkpoint, or from its beginning when it has none.
    Resume,
    /// Whichever of the two fits: what a scheduler calls, however often.
    StartOrResume,
    /// A new run that branches from a checkpoint of another: with its datasets, and its parameters as they stood there.
    Fork(Fork),
}

/// Where a run branches off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    /// The parent's run folder.
    pub run: PathBuf,
    /// Which of its checkpoints.
    pub at: At,
}

/// A run to start.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRequest {
    /// Source dataset: a registered name or a folder; of a run that goes on empty, or where its data lies now.
    pub source: String,
    /// Target dataset, likewise.
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
    /// Of a run that goes on: find the target's images again by their files' names, wherever they lie now and in
    /// whatever order.
    pub match_names: bool,
    /// Where pre-trained networks are kept for later runs; `None` keeps none. Usually [`cache_dir`].
    pub cache: Option<PathBuf>,
}

impl RunRequest {
    /// To go on with a run, with its own datasets and parameters.
    pub fn resume(folder: PathBuf) -> Self {
        Self {
            source: String::new(),
            target: String::new(),
            out: folder,
            params: Params::default(),
            device: DeviceChoice::Auto,
            begin: Begin::Resume,
            changes: Vec::new(),
            allow_unreadable: false,
            match_names: false,
            cache: cache_dir(),
        }
    }
}

/// A request to the engine. None of them blocks the sender.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Begin a run; refused while one is going on.
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
    /// Say something of single images; it counts from the next clustering on.
    Hand(HandEdit),
    /// Take back what was said last.
    UndoHand,
    /// Attention maps of these images now, with the weights as they stand.
    HeatMaps(Vec<ImageRef>),
    /// The gallery ranked for this image. Answered by [`super::event::Event::Ranked`] with the features of the newest
    /// evaluation; while no training goes on, with the weights as they stand.
    Rank(RankQuery),
    /// What each position of two images of the target gives to their similarity, with the weights as they stand. Answered
    /// by [`super::event::Event::Likeness`].
    Likeness {
        /// The query.
        query: ImageRef,
        /// The image it is compared with.
        hit: ImageRef,
    },
    /// Take up the network that the run of this folder left in its last checkpoint, to answer [`Command::HeatMaps`] and
    /// [`Command::Rank`] while no run goes on. Nothing is written. Nothing is done where it is at hand already.
    Consult(PathBuf),
    /// The images whose attention maps come with every evaluation.
    Watch(Vec<ImageRef>),
    /// End the engine's thread; a run going on is stopped first.
    Shutdown,
}

/// A command with the name under which it is answered: by [`super::event::Event::Accepted`] or
/// [`super::event::Event::Refused`].
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Its name.
    pub id: RequestId,
    /// What is asked for.
    pub command: Command,
}

impl From<Command> for Request {
    fn from(command: Command) -> Self {
        Self { id: RequestId::unique(), command }
    }
}

impl From<Posted> for Request {
    fn from(Posted { id, steer }: Posted) -> Self {
        let command = match steer {
            Steer::Pause => Command::Pause,
            Steer::Resume => Command::Resume,
            Steer::StepBatch => Command::StepBatch,
            Steer::StepEpoch => Command::StepEpoch,
            Steer::Stop => Command::Stop,
            Steer::Checkpoint => Command::Checkpoint,
            Steer::SetParam { key, value } => Command::SetParam { key, value },
            Steer::Ask(NetQuestion::HeatMaps(images)) => Command::HeatMaps(images),
            Steer::Ask(NetQuestion::Rank(query)) => Command::Rank(query),
            Steer::Ask(NetQuestion::Likeness { query, hit }) => Command::Likeness { query, hit },
            Steer::Hand(edit) => Command::Hand(edit),
            Steer::UndoHand => Command::UndoHand,
        };
        Self { id, command }
    }
}

impl Command {
    /// The same for a run that another process trains; `None` for what only the engine of this one can do, and for what
    /// is answered to the asker alone ([`Command::question`]).
    pub fn steer(&self) -> Option<Steer> {
        Some(match self {
            Self::Pause => Steer::Pause,
            Self::Resume => Steer::Resume,
            Self::StepBatch => Steer::StepBatch,
            Self::StepEpoch => Steer::StepEpoch,
            Self::Stop => Steer::Stop,
            Self::Checkpoint => Steer::Checkpoint,
            Self::SetParam { key, value } => Steer::SetParam { key: key.clone(), value: value.clone() },
            Self::Hand(edit) => Steer::Hand(edit.clone()),
            Self::UndoHand => Steer::UndoHand,
            Self::Start(_)
            | Self::Likeness { .. }
            | Self::HeatMaps(_)
            | Self::Rank(_)
            | Self::Watch(_)
            | Self::Consult(_)
            | Self::Shutdown => {
                return None;
            }
        })
    }
}

/// Wakes whoever waits for the engine, called after each event; from any thread, as often as one likes.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

impl Command {
    /// The question to a network that it asks, if it asks one.
    pub fn question(&self) -> Option<NetQuestion> {
        match self {
            Self::HeatMaps(images) => Some(NetQuestion::HeatMaps(images.clone())),
            Self::Rank(query) => Some(NetQuestion::Rank(query.clone())),
            Self::Likeness { query, hit } => Some(NetQuestion::Likeness { query: *query, hit: *hit }),
            _ => None,
        }
    }
}

/// One end of the engine: what the window and the command line hold.
#[derive(Clone, Debug)]
pub struct Handle {
    /// Requests in; bounded.
    pub commands: Sender<Request>,
    /// Events out; bounded.
    pub events: Receiver<Stamped>,
}
