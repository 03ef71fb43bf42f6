//! The thread that forms clusters anew: it reads an epoch's graph, neighbours and features from the run folder,
//! keeps them, and answers the newest question of each kind. It uses `method` only; training never waits for it.

mod desk;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};

use self::desk::WhatIfDesk;
use super::Base;
use crate::base::guard::guarded;
use crate::base::tick::no_tick;
use crate::method::cluster::{Assignment, ClusterSummary};
use crate::method::gain::HandGain;
use crate::method::hand::{Hand, HandEdit};
use crate::method::jaccard::Overlap;
use crate::method::lineage::lineage;
use crate::method::params::Params;
use crate::method::sweep::{AtEps, KDistance, SweepCell};
use crate::method::tree::Hierarchy;
use crate::method::tree::ladder::Ladder;

/// What can be asked; of each kind only the newest question counts.
#[derive(Clone, Debug, PartialEq)]
pub enum WhatIfQuestion {
    /// The clusters with these parameters.
    Clusters(Box<Params>),
    /// The k-distance curve with these parameters' k1, k2 and min_samples.
    Curve(Box<Params>),
    /// All radii at once with these parameters' k1, k2 and min_samples.
    Hierarchy(Box<Params>),
    /// Clusters at many radii, with these parameters' k1, k2, min_samples and Δd.
    Ladder(Box<Params>),
    /// What made the Jaccard distances of these pairs, with these parameters' k1 and k2.
    Shared(Box<Params>, Vec<(u32, u32)>),
    /// What each of these edits would change, said beside what was said already.
    Gains(Box<Params>, Hand, Vec<HandEdit>),
    /// DBSCAN at each of these radii.
    Sweep(Box<Params>, Vec<f64>),
    /// Clusters at every pair of eps and Δd.
    Table(Box<Params>, Vec<f64>, Vec<f64>),
}

/// Kinds of questions.
pub const KINDS: usize = 8;

impl WhatIfQuestion {
    /// Its kind, below [`KINDS`].
    pub fn kind(&self) -> usize {
        match self {
            Self::Clusters(_) => 0,
            Self::Curve(_) => 1,
            Self::Sweep(..) => 2,
            Self::Table(..) => 3,
            Self::Hierarchy(_) => 4,
            Self::Shared(..) => 5,
            Self::Ladder(_) => 6,
            Self::Gains(..) => 7,
        }
    }

    fn params(&self) -> &Params {
        match self {
            Self::Clusters(p)
            | Self::Curve(p)
            | Self::Hierarchy(p)
            | Self::Ladder(p)
            | Self::Shared(p, _)
            | Self::Gains(p, ..)
            | Self::Sweep(p, _)
            | Self::Table(p, ..) => p,
        }
    }
}

/// What became of a cluster of the run with other parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterVerdict {
    /// The same images.
    Same,
    /// It goes on with so many of its images.
    Keeps(u32),
    /// It falls into so many clusters.
    Splits(u32),
    /// It becomes part of a larger one.
    Merges,
    /// All its images become noise.
    Dissolves,
}

/// The clusters with other parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct WhatIfOutcome {
    /// With which.
    pub params: Params,
    /// The clustering.
    pub assignment: Assignment,
    /// Its numbers.
    pub summary: ClusterSummary,
    /// What becomes of each of the run's clusters.
    pub verdicts: Vec<ClusterVerdict>,
}

/// What an answer holds.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum WhatIfAnswer {
    Clusters(Arc<WhatIfOutcome>),
    Curve(Arc<KDistance>),
    Hierarchy(Arc<Hierarchy>),
    Ladder(Arc<Ladder>),
    Shared(Arc<Vec<Overlap>>),
    Gains(Arc<Vec<Result<HandGain, String>>>),
    Sweep(Arc<Vec<AtEps>>),
    Table(Arc<Vec<Vec<SweepCell>>>),
}

/// An answer and what it was asked for.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The kind of the question.
    pub kind: usize,
    /// The question's number within its kind.
    pub generation: u64,
    /// The answer, or why there is none.
    pub result: Result<WhatIfAnswer, String>,
    /// Seconds it took.
    pub seconds: f64,
}

/// A question on its way.
struct Ask {
    base: Base,
    question: WhatIfQuestion,
    generation: u64,
}

#[derive(Default)]
struct Slots {
    asks: [Option<Ask>; KINDS],
    closed: bool,
}

#[derive(Default)]
struct Shared {
    slots: Mutex<Slots>,
    filled: Condvar,
    newest: [AtomicU64; KINDS],
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next question, the most urgent kind first; `None` when the window is gone.
    fn next(&self) -> Option<Ask> {
        let mut slots = self.lock();
        loop {
            if slots.closed {
                return None;
            }
            if let Some(ask) = slots.asks.iter_mut().find_map(Option::take) {
                return Some(ask);
            }
            slots = self.filled.wait(slots).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

type Wake = Box<dyn Fn() + Send>;

/// The window's end of the thread.
pub struct Worker {
    shared: Arc<Shared>,
    replies: Receiver<Reply>,
    start: Option<(Sender<Reply>, Wake)>,
}

impl Worker {
    /// A worker whose thread starts with the first question; `wake` is called there with every answer.
    pub fn new(wake: impl Fn() + Send + 'static) -> Self {
        // An answer for each kind, and one more of each that a newer question has overtaken.
        let (send, replies) = bounded(2 * KINDS);
        Self { shared: Arc::default(), replies, start: Some((send, Box::new(wake))) }
    }

    /// Asks; an older question of this kind is dropped, or broken off when it is under way.
    pub fn ask(&mut self, base: &Base, question: WhatIfQuestion, generation: u64) {
        let kind = question.kind();
        self.shared.newest[kind].store(generation, Ordering::Relaxed);
        self.shared.lock().asks[kind] = Some(Ask { base: base.clone(), question, generation });
        self.shared.filled.notify_one();
        if let Some((replies, wake)) = self.start.take() {
            let shared = Arc::clone(&self.shared);
            let spawned = std::thread::Builder::new().name("what-if".to_owned()).spawn(move || {
                let mut desk = WhatIfDesk::default();
                while let Some(ask) = shared.next() {
                    let began = Instant::now();
                    let kind = ask.question.kind();
                    let current = || shared.newest[kind].load(Ordering::Relaxed) == ask.generation;
                    let answer = || desk.answer(&ask.base, &ask.question, &|_, _| current());
                    let result = guarded("Forming clusters anew", answer).unwrap_or_else(|why| {
                        desk = WhatIfDesk::default();
                        Err(why)
                    });
                    let seconds = began.elapsed().as_secs_f64();
                    if current() {
                        let reply = Reply { kind, generation: ask.generation, result, seconds };
                        if replies.send(reply).is_err() {
                            return;
                        }
                        wake();
                    }
                }
            });
            if let Err(error) = spawned {
                tracing::warn!(%error, "no thread for what-if clusterings");
            }
        }
    }

    /// An answer that has come.
    pub fn reply(&self) -> Option<Reply> {
        self.replies.try_recv().ok()
    }

    /// Waits for an answer, for tests.
    pub fn wait(&self, limit: std::time::Duration) -> Option<Reply> {
        self.replies.recv_timeout(limit).ok()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        for newest in &self.shared.newest {
            newest.store(u64::MAX, Ordering::Relaxed); // breaks off what is under way
        }
        self.shared.filled.notify_all();
    }
}

/// Why there is nothing to vary where the run's way to give labels has no radii.
pub const NO_RADII: &str =
    "This run's method gives each image its label once, so there are no three radii to compare or to vary.";

/// What becomes of each cluster of `run` in `other`: DBSCAN labels at eps, `[N]` each.
pub fn verdicts(run: &[i32], other: &[i32]) -> Vec<ClusterVerdict> {
    let family = lineage(run, other);
    let sizes = crate::method::cluster::cluster_sizes(run);
    let mut parts = vec![0u32; sizes.len()];
    for cluster in &family.clusters {
        if let Some(from) = cluster.main {
            parts[from as usize] += 1;
        }
    }
    let one = |(from, &size): (usize, &u32)| {
        let Some(heir) = family.heir.get(from).copied().flatten() else { return ClusterVerdict::Dissolves };
        let heir = &family.clusters[heir as usize];
        match parts[from] {
            2.. => ClusterVerdict::Splits(parts[from]),
            1 if heir.main == Some(from as u32) && heir.shared == size && heir.size == size => ClusterVerdict::Same,
            1 if heir.main == Some(from as u32) && heir.heirs_of.len() < 2 => ClusterVerdict::Keeps(heir.shared),
            _ => ClusterVerdict::Merges,
        }
    };
    sizes.iter().enumerate().map(one).collect()
}

/// Answers a question at once, on the caller's thread: what the worker would say.
///
/// # Errors
/// One sentence on what is missing.
pub fn answer_now(base: &Base, question: &WhatIfQuestion) -> Result<WhatIfAnswer, String> {
    WhatIfDesk::default().answer(base, question, &no_tick)
}
