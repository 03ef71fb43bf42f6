//! The thread that forms clusters anew: it reads an epoch's graph, neighbours and features from the run folder,
//! keeps them, and answers the newest question of each kind. It uses `method` only; training never waits for it.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::Base;
use crate::base::guard::guarded;
use crate::base::tick::{Tick, no_tick};
use crate::method::cluster::{Assignment, ClusterSummary};
use crate::method::error::MethodError;
use crate::method::graph::Graph;
use crate::method::jaccard::{Overlap, shared_neighbours};
use crate::method::knn::{Neighbours, neighbours};
use crate::method::labels::LabelInput;
use crate::method::lineage::lineage;
use crate::method::params::Params;
use crate::method::pipeline::{ClusteringPlan, ClusteringStep, ClusteringWatcher, Unwatched, assign, distances};
use crate::method::rows::Rows;
use crate::method::sweep::{AtEps, KDistance, SweepCell, SweepGrid, eps_delta_table, eps_sweep, k_distance};
use crate::method::tree::Hierarchy;
use crate::method::tree::ladder::Ladder;
use crate::run::event::Split;
use crate::run::graph::{Features, REACH, features_epoch, read_features, read_graph};
use crate::run::images::Images;
use crate::run::snapshot::ClusterSnapshot;

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
    /// DBSCAN at each of these radii.
    Sweep(Box<Params>, Vec<f64>),
    /// Clusters at every pair of eps and Δd.
    Table(Box<Params>, Vec<f64>, Vec<f64>),
}

/// Kinds of questions.
pub const KINDS: usize = 7;

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
        }
    }

    fn params(&self) -> &Params {
        match self {
            Self::Clusters(p)
            | Self::Curve(p)
            | Self::Hierarchy(p)
            | Self::Ladder(p)
            | Self::Shared(p, _)
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
                let mut desk = Desk::default();
                while let Some(ask) = shared.next() {
                    let began = Instant::now();
                    let kind = ask.question.kind();
                    let current = || shared.newest[kind].load(Ordering::Relaxed) == ask.generation;
                    let answer = || desk.answer(&ask.base, &ask.question, &|_, _| current());
                    let result = guarded("Forming clusters anew", answer).unwrap_or_else(|why| {
                        desk = Desk::default();
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

/// Passes on how far the distances are.
struct Ticking<'a>(Tick<'a>);

impl ClusteringWatcher for Ticking<'_> {
    fn tick(&self, _: ClusteringStep, done: u64, total: u64) -> bool {
        (self.0)(done, total)
    }
}

/// Radii of a ladder, in fortieths.
const RUNGS: std::ops::RangeInclusive<u8> = 4..=38;

/// What the thread has read and computed of the epoch at hand.
#[derive(Default)]
struct Desk {
    base: Option<Base>,
    snapshot: Option<Arc<ClusterSnapshot>>,
    /// Graphs by (k1, k2): the run's own, and the last one that was tried.
    graphs: Vec<((usize, usize), Arc<Graph>)>,
    /// The newest hierarchy by (k1, k2, min_samples): it answers other radii without another DBSCAN.
    hierarchy: Option<((usize, usize, usize), Arc<Hierarchy>)>,
    neighbours: Option<Neighbours>,
    features: Option<Features>,
    pids: Option<Vec<i32>>,
}

impl Desk {
    fn answer(&mut self, base: &Base, question: &WhatIfQuestion, tick: Tick) -> Result<WhatIfAnswer, String> {
        if self.base.as_ref().is_none_or(|b| !b.same_place(base)) {
            *self = Self { base: Some(base.clone()), ..Self::default() };
            self.pids = pids(&base.folder);
        }
        let params = question.params();
        if !base.radii && !matches!(question, WhatIfQuestion::Curve(_)) {
            return Err(NO_RADII.to_owned());
        }
        let graph = self.graph(base, params, tick)?;
        let covered = |eps: f64| match graph.covers(eps) {
            true => Ok(()),
            false => Err(format!(
                "The distances of this epoch are kept up to {:.2}, so eps + Δd cannot go beyond. A run keeps at most {} pairs an epoch.",
                graph.max,
                crate::run::graph::MAX_PAIRS
            )),
        };
        let pids = self.pids.as_deref();
        let carried = base.carried;
        let words = |e: MethodError| e.to_string();
        Ok(match question {
            WhatIfQuestion::Clusters(params) => {
                covered(params.eps + params.delta_d)?;
                let hand = base.hand.as_ref().and_then(|hand| hand.resolved(graph.n).ok());
                let edited = hand.as_ref().map(|hand| hand.graph(&graph));
                // A forest knows no vetoes.
                let known = self
                    .hierarchy
                    .as_ref()
                    .filter(|_| hand.is_none())
                    .filter(|(of, _)| *of == (params.k1, params.k2, params.min_samples));
                let assignment = match known {
                    Some((_, known)) => known.tree.cluster(params, carried),
                    None => {
                        let given = LabelInput {
                            rows: None,
                            graph: Some(edited.as_ref().unwrap_or(&graph)),
                            hand: hand.as_ref(),
                        };
                        assign(&given, params, carried, &Unwatched).map_err(words)?
                    }
                };
                let summary = assignment.summary(params, pids);
                let verdicts = verdicts(&self.snapshot(base)?.labels, &assignment.labels);
                WhatIfAnswer::Clusters(Arc::new(WhatIfOutcome {
                    params: (**params).clone(),
                    assignment,
                    summary,
                    verdicts,
                }))
            }
            WhatIfQuestion::Curve(params) => WhatIfAnswer::Curve(Arc::new(k_distance(&graph, params.min_samples))),
            WhatIfQuestion::Hierarchy(params) => WhatIfAnswer::Hierarchy(self.all_radii(&graph, params)),
            WhatIfQuestion::Ladder(params) => {
                let all = self.all_radii(&graph, params);
                let radii: Vec<f64> =
                    RUNGS.map(|r| f64::from(r) / 40.0).filter(|r| covered(r + params.delta_d).is_ok()).collect();
                WhatIfAnswer::Ladder(Arc::new(Ladder::new(&all, &radii, params)))
            }
            WhatIfQuestion::Shared(params, pairs) => {
                let found = self.with_features(base, params, tick, |rows, nb| {
                    shared_neighbours(rows, nb, params.k1, params.k2, pairs, tick)
                })?;
                WhatIfAnswer::Shared(Arc::new(found))
            }
            WhatIfQuestion::Sweep(params, eps) => {
                eps.iter().try_for_each(|&e| covered(e))?;
                WhatIfAnswer::Sweep(Arc::new(eps_sweep(&graph, eps, params.min_samples, pids, tick).map_err(words)?))
            }
            WhatIfQuestion::Table(params, eps, delta_d) => {
                let widest = |list: &[f64]| list.iter().copied().fold(0.0, f64::max);
                covered(widest(eps) + widest(delta_d))?;
                let grid = SweepGrid { eps, delta_d };
                WhatIfAnswer::Table(Arc::new(
                    eps_delta_table(&graph, grid, params, carried, pids, tick).map_err(words)?,
                ))
            }
        })
    }

    /// The hierarchy of a graph, the newest one if it is that.
    fn all_radii(&mut self, graph: &Graph, params: &Params) -> Arc<Hierarchy> {
        let wanted = (params.k1, params.k2, params.min_samples);
        match &self.hierarchy {
            Some((of, known)) if *of == wanted => Arc::clone(known),
            _ => {
                let made = Arc::new(Hierarchy::new(graph, params.min_samples));
                self.hierarchy = Some((wanted, Arc::clone(&made)));
                made
            }
        }
    }

    fn snapshot(&mut self, base: &Base) -> Result<Arc<ClusterSnapshot>, String> {
        if let Some(known) = &self.snapshot {
            return Ok(Arc::clone(known));
        }
        let read = ClusterSnapshot::read(&base.folder, base.epoch).map_err(|e| e.to_string())?;
        Ok(Arc::clone(self.snapshot.insert(Arc::new(read))))
    }

    fn graph(&mut self, base: &Base, params: &Params, tick: Tick) -> Result<Arc<Graph>, String> {
        let wanted = (params.k1, params.k2);
        if let Some((_, graph)) = self.graphs.iter().find(|(k, _)| *k == wanted) {
            return Ok(Arc::clone(graph));
        }
        let own = (base.params.k1, base.params.k2);
        let graph = if wanted == own {
            let missing = |e| format!("What lets these clusters be formed anew is not in the run folder: {e}");
            let graph = read_graph(&base.folder, base.epoch).map_err(missing)?;
            let images = self.snapshot(base)?.labels.len();
            if graph.n != images {
                return Err(format!(
                    "The distances of this epoch are of {} images, its clusters of {images}.",
                    graph.n
                ));
            }
            Arc::new(graph)
        } else {
            Arc::new(self.rebuilt(base, params, tick)?)
        };
        // The run's own stays: most questions are about it.
        self.graphs.retain(|(k, _)| *k == own);
        self.graphs.push((wanted, Arc::clone(&graph)));
        Ok(graph)
    }

    /// The graph with another k1 or k2, from the features.
    fn rebuilt(&mut self, base: &Base, params: &Params, tick: Tick) -> Result<Graph, String> {
        let hand = base.hand.as_ref().and_then(|hand| hand.resolved(self.snapshot(base).ok()?.labels.len()).ok());
        let plan = ClusteringPlan { params, carried: None, neighbours: 0, reach: REACH, hand: None };
        self.with_features(base, params, tick, |rows, nb| {
            let graph = distances(rows, nb, &plan, &Ticking(tick))?;
            Ok(hand.as_ref().map_or_else(|| graph.clone(), |hand| hand.graph(&graph)))
        })
    }

    /// Does `work` with the epoch's features and their neighbours, at least k1 of each.
    fn with_features<T>(
        &mut self,
        base: &Base,
        params: &Params,
        tick: Tick,
        work: impl FnOnce(Rows, &Neighbours) -> Result<T, MethodError>,
    ) -> Result<T, String> {
        let words = |e: MethodError| e.to_string();
        if self.features.is_none() {
            match features_epoch(&base.folder) {
                Some(epoch) if epoch == base.epoch => {}
                Some(epoch) => {
                    return Err(format!(
                        "k1 and k2 need the features, and those of epoch {} alone are kept. Go there to try them.",
                        epoch + 1
                    ));
                }
                None => return Err("k1 and k2 need the features, which are not in the run folder.".to_owned()),
            }
            let features = read_features(&base.folder).map_err(|e| e.to_string())?;
            if features.epoch != base.epoch {
                return Err("A new epoch has just been clustered; try again.".to_owned());
            }
            self.features = Some(features);
        }
        let snapshot = self.snapshot(base)?;
        let Some(features) = &self.features else { return Err("the features could not be kept".to_owned()) };
        let rows = Rows::new(&features.values, features.d).map_err(words)?;
        if rows.n() != snapshot.labels.len() {
            let images = snapshot.labels.len();
            return Err(format!("The features kept are of {} images, the clusters of {images}.", rows.n()));
        }
        let nb = match self.neighbours.take() {
            Some(nb) if nb.k >= params.k1.min(nb.n) => nb,
            _ if snapshot.k >= params.k1.min(rows.n()) => Neighbours {
                n: rows.n(),
                k: snapshot.k,
                index: snapshot.knn_index.clone(),
                dist: snapshot.knn_dist.clone(),
            },
            _ => neighbours(rows, params.k1, tick).map_err(words)?,
        };
        let done = work(rows, &nb).map_err(words);
        self.neighbours = Some(nb);
        done
    }
}

/// True identities, where the run knows any.
fn pids(folder: &Path) -> Option<Vec<i32>> {
    let images = Images::read(folder).ok()?;
    let pids: Vec<i32> = images.split(Split::Train).iter().map(|row| row.pid).collect();
    pids.iter().any(|&p| p != pids[0]).then_some(pids)
}

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
    Desk::default().answer(base, question, &no_tick)
}
