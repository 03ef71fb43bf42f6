//! Commands from outside: files in `RUN/commands/`, one each, written beside and renamed.
//!
//! Who may write the folder may steer the run; no port is opened. A sign of life, `RUN/heartbeat`, says who listens.
//! A request is answered by [`Event::Accepted`](super::event::Event::Accepted) or
//! [`Event::Refused`](super::event::Event::Refused) among the run's events.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use serde::{Deserialize, Serialize};

use super::event::{ImageRef, RankQuery};
use super::pulse::{BEAT_EVERY, Beat};
use crate::base::fs::{read_regular, replace_unsynced};
use crate::base::supply;
use crate::method::hand::HandEdit;
use crate::method::params::Value;

/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A request is a few hundred bytes.
const LARGEST: u64 = 1 << 20;
/// Requests taken at one look; the rest waits for the next.
const AT_ONCE: usize = 64;

/// Names a request: no two requests have the same name, whoever sends them, whatever the machine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// A name that was not given before; names sort by time.
    pub fn unique() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let micros = (crate::base::time::now() * 1e6) as u64;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(format!("{micros:016x}-{:x}-{count:08x}", std::process::id()).into())
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What can be asked of a run's network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetQuestion {
    /// Attention maps of these images.
    HeatMaps(Vec<ImageRef>),
    /// The gallery ranked for this image.
    Rank(RankQuery),
    /// What each part of two images gives to their similarity.
    Likeness {
        /// The query.
        query: ImageRef,
        /// The image it is compared with.
        hit: ImageRef,
    },
}

/// What may be asked of a run from outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Steer {
    /// Halt after the current batch.
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
    /// Ask its network; answered by a file of the request's name ([`super::questions`]), not among the events.
    Ask(NetQuestion),
    /// Say something of single images; it counts from the next clustering on.
    Hand(HandEdit),
    /// Take back what was said last.
    UndoHand,
}

/// A request as it lies in a run folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Posted {
    /// Its name, under which it is answered.
    pub id: RequestId,
    /// What is asked for.
    pub steer: Steer,
}

impl Posted {
    /// With a name of its own.
    pub fn new(steer: Steer) -> Self {
        Self { id: RequestId::unique(), steer }
    }
}

/// Where requests lie in a run folder.
pub fn requests_dir(dir: &Path) -> PathBuf {
    dir.join("commands")
}

/// Puts a request into a run folder; whoever trains the run takes it between two batches.
///
/// # Errors
/// Those of the file system.
pub fn send(dir: &Path, request: &Posted) -> std::io::Result<()> {
    // The name sorts by time: requests are taken in the order in which they were sent.
    let path = requests_dir(dir).join(format!("{}.json", request.id));
    let text = serde_json::to_vec(request).map_err(std::io::Error::other)?;
    if let Some((supplier, name)) = supply::supplier(&path) {
        return supplier.put(&name, &text);
    }
    std::fs::create_dir_all(requests_dir(dir))?;
    replace_unsynced(&path, &text)
}

/// Takes a request back that nobody has taken yet; whether that was so.
pub fn take_back(dir: &Path, request: &Posted) -> bool {
    let path = requests_dir(dir).join(format!("{}.json", request.id));
    match (supply::supplier(&path), serde_json::to_vec(request)) {
        (Some((supplier, name)), Ok(text)) => supplier.take_back(&name, &text),
        _ => std::fs::remove_file(path).is_ok(),
    }
}

/// What was found in a run folder.
#[derive(Debug, PartialEq)]
pub enum FoundRequests {
    /// A request, and whether it came before anybody listened.
    Request {
        /// The request.
        request: Posted,
        /// It lay there when listening began: what it asks for was meant for another moment.
        stale: bool,
    },
    /// A file that is no request; a sentence.
    Rubbish(String),
}

/// Listens at a run folder and gives signs of life, on a thread of its own, until it is dropped.
#[derive(Debug)]
pub struct Listener {
    stop: Option<Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Listener {
    /// Starts to listen; what is found goes to `to`.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(dir: &Path, to: Sender<FoundRequests>) -> std::io::Result<Self> {
        let (stop, stopped) = bounded(0);
        let dir = dir.to_owned();
        let work = move || listen(&dir, &to, &stopped);
        let thread = std::thread::Builder::new().name("run-listener".to_owned()).spawn(work)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that listens at the run folder had panicked");
        }
    }
}

fn listen(dir: &Path, to: &Sender<FoundRequests>, stopped: &Receiver<()>) {
    let mut beat = Beat::of_this_process();
    let mut looks = 0;
    let mut stale = true;
    let beats_of_looks = BEAT_EVERY.as_millis().div_ceil(LOOK_EVERY.as_millis());
    loop {
        if looks % beats_of_looks == 0 {
            beat.touch(dir);
        }
        looks += 1;
        if !take(dir, stale, to) {
            break;
        }
        stale = false;
        match stopped.recv_timeout(LOOK_EVERY) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    beat.end(dir);
}

/// Takes what lies there, oldest first; false when nobody wants it any more.
fn take(dir: &Path, stale: bool, to: &Sender<FoundRequests>) -> bool {
    let Ok(entries) = std::fs::read_dir(requests_dir(dir)) else { return true };
    let is_request = |path: &PathBuf| {
        path.extension().is_some_and(|e| e == "json")
            && path.file_name().is_none_or(|n| n.as_encoded_bytes()[0] != b'.')
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).filter(is_request).collect();
    paths.sort();
    for path in paths.into_iter().take(AT_ONCE) {
        let found = match read(&path) {
            Ok(request) => FoundRequests::Request { request, stale },
            Err(why) => FoundRequests::Rubbish(format!("{}: {why}", path.display())),
        };
        match to.try_send(found) {
            // Taken: it must not be carried out twice. Where it cannot be removed it is put out of the way by its name.
            Ok(()) => {
                if std::fs::remove_file(&path).is_err() && std::fs::rename(&path, path.with_extension("taken")).is_err()
                {
                    tracing::warn!("{} cannot be removed; no further request is taken", path.display());
                    return false;
                }
            }
            Err(TrySendError::Full(_)) => return true,
            Err(TrySendError::Disconnected(_)) => return false,
        }
    }
    true
}

fn read(path: &Path) -> Result<Posted, String> {
    let bytes = read_regular(path, LARGEST).map_err(|e| e.to_string())?;
    serde_json::from_slice(&bytes).map_err(|e| format!("it is no request that this program knows ({e})"))
}
