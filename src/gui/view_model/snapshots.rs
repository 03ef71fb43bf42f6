//! Snapshots of a run folder, read on a thread of their own and kept while they are looked at.
//!
//! Panels ask every frame and get what is there; they never wait. A live run and a reopened one are read the
//! same way: from the folder.

use std::cell::{Cell, RefCell, RefMut};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::{EpochPart, RunView};
use crate::base::guard::guarded;
use crate::method::embed::aligned;
use crate::method::graph::Graph;
use crate::run::event::{ImageMaps, SnapshotPart};
use crate::run::graph::read_graph;
use crate::run::images::Images;
use crate::run::snapshot::{ClusterSnapshot, RankSnapshot, read_components, read_heat_maps};
use crate::run::training::TrainingSnapshot;

/// How many epochs of each part stay in memory.
const KEPT: usize = 6;

/// What a panel gets when it asks.
#[derive(Debug)]
pub enum Loaded<T> {
    /// The run has no such snapshot (yet).
    Absent,
    /// It is being read.
    Loading,
    /// Here it is.
    Ready(Arc<T>),
    /// It could not be read; why.
    Failed(String),
}

impl<T> Loaded<T> {
    /// The value, if it is there.
    pub fn ready(&self) -> Option<&Arc<T>> {
        match self {
            Self::Ready(value) => Some(value),
            Self::Absent | Self::Loading | Self::Failed(_) => None,
        }
    }
}

impl<T> Clone for Loaded<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Absent => Self::Absent,
            Self::Loading => Self::Loading,
            Self::Ready(value) => Self::Ready(Arc::clone(value)),
            Self::Failed(why) => Self::Failed(why.clone()),
        }
    }
}

/// Folder, epoch, and the number of the event that announced it: a part that is written again is read again.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    folder: PathBuf,
    epoch: usize,
    seq: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    Clusters,
    Graph,
    Ranks,
    Reranked,
    HeatMaps,
    Training,
    Images,
}

enum Answer {
    Clusters(Result<Arc<ClusterSnapshot>, String>),
    Graph(Result<Arc<Graph>, String>),
    Ranks(Result<Arc<RankSnapshot>, String>),
    Reranked(Result<Arc<RankSnapshot>, String>),
    HeatMaps(Result<Arc<Vec<ImageMaps>>, String>),
    Training(Result<Arc<TrainingSnapshot>, String>),
    Images(Result<Arc<Images>, String>),
}

/// The newest few of one kind.
struct Shelf<T> {
    items: Vec<(Key, Loaded<T>)>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { items: Vec::new() }
    }
}

impl<T> Shelf<T> {
    /// What is known, moved to the end as the last one used; `None` when nobody asked before.
    fn get(&mut self, key: &Key) -> Option<Loaded<T>> {
        let at = self.items.iter().position(|(k, _)| k == key)?;
        let item = self.items.remove(at);
        let value = item.1.clone();
        self.items.push(item);
        Some(value)
    }

    fn put(&mut self, key: Key, value: Loaded<T>) {
        self.items.retain(|(k, _)| *k != key);
        self.items.push((key, value));
        if self.items.len() > KEPT {
            self.items.remove(0);
        }
    }
}

impl<T> Loaded<T> {
    fn of(result: Result<Arc<T>, String>) -> Self {
        match result {
            Ok(value) => Self::Ready(value),
            Err(why) => Self::Failed(why),
        }
    }
}

/// Questions to the thread, counted.
struct Requests {
    to: Sender<(What, Key)>,
    /// Asked and not answered.
    open: Cell<usize>,
}

impl Requests {
    fn try_send(&self, what: What, key: Key) -> Result<(), TrySendError<(What, Key)>> {
        self.to.try_send((what, key))?;
        self.open.set(self.open.get() + 1);
        Ok(())
    }
}

/// The loader. Dropping it ends its thread.
pub struct Snapshots {
    requests: Requests,
    answers: Receiver<(Key, Answer)>,
    /// Whoever draws only asks: a shared reference is enough.
    shelves: RefCell<Shelves>,
}

#[derive(Default)]
struct Shelves {
    clusters: Shelf<ClusterSnapshot>,
    graphs: Shelf<Graph>,
    ranks: Shelf<RankSnapshot>,
    reranked: Shelf<RankSnapshot>,
    heat_maps: Shelf<Vec<ImageMaps>>,
    training: Shelf<TrainingSnapshot>,
    images: Shelf<Images>,
}

impl Snapshots {
    /// Starts the thread; `wake` is called there whenever something has been read.
    pub fn new(wake: impl Fn() + Send + 'static) -> Self {
        let (requests, todo) = bounded::<(What, Key)>(8);
        let (done, answers) = bounded(8);
        let thread = std::thread::Builder::new().name("snapshot-loader".to_owned()).spawn(move || {
            for (what, key) in todo {
                // A panic is answered like a file that cannot be read: the question is not asked again.
                let answer = guarded("Reading it", || read(what, &key)).unwrap_or_else(|why| failed(what, why));
                if done.send((key, answer)).is_err() {
                    break;
                }
                wake();
            }
        });
        if let Err(error) = thread {
            // The channel is closed then, and every question is answered with a failure.
            tracing::warn!(%error, "no thread to read snapshots");
        }
        Self { requests: Requests { to: requests, open: Cell::new(0) }, answers, shelves: RefCell::default() }
    }

    /// Whether something is being read.
    pub fn busy(&self) -> bool {
        drop(self.up_to_date());
        self.requests.open.get() > 0
    }

    /// How many snapshots are in memory, all kinds together.
    pub fn held(&self) -> usize {
        let shelves = self.shelves.borrow();
        let [clusters, graphs] = [shelves.clusters.items.len(), shelves.graphs.items.len()];
        let ranks = shelves.ranks.items.len() + shelves.reranked.items.len();
        let training = shelves.training.items.len();
        clusters + graphs + ranks + training + shelves.heat_maps.items.len() + shelves.images.items.len()
    }

    /// Those that could not be read may be asked for again: their machine was out of reach.
    pub fn forget_failures(&mut self) {
        fn failed<T>(shelf: &mut Shelf<T>) {
            shelf.items.retain(|(_, value)| !matches!(value, Loaded::Failed(_)));
        }
        let shelves = self.shelves.get_mut();
        failed(&mut shelves.clusters);
        failed(&mut shelves.graphs);
        failed(&mut shelves.ranks);
        failed(&mut shelves.reranked);
        failed(&mut shelves.heat_maps);
        failed(&mut shelves.training);
        failed(&mut shelves.images);
    }

    /// Labels, scores and neighbours of an adaptation epoch.
    pub fn clusters(&self, view: &RunView, epoch: usize) -> Loaded<ClusterSnapshot> {
        let Some(key) = key(view, epoch, EpochPart::Clusters) else { return Loaded::Absent };
        ask(&mut self.up_to_date().clusters, &self.requests, What::Clusters, key)
    }

    /// The Jaccard distances within reach of an adaptation epoch.
    pub fn graph(&self, view: &RunView, epoch: usize) -> Loaded<Graph> {
        let Some(key) = key(view, epoch, EpochPart::Clusters) else { return Loaded::Absent };
        ask(&mut self.up_to_date().graphs, &self.requests, What::Graph, key)
    }

    /// Rank lists after that many epochs.
    pub fn ranks(&self, view: &RunView, epoch: usize) -> Loaded<RankSnapshot> {
        let Some(key) = key(view, epoch, EpochPart::Ranks) else { return Loaded::Absent };
        ask(&mut self.up_to_date().ranks, &self.requests, What::Ranks, key)
    }

    /// The same after re-ranking.
    pub fn reranked(&self, view: &RunView, epoch: usize) -> Loaded<RankSnapshot> {
        let Some(key) = key(view, epoch, EpochPart::Reranked) else { return Loaded::Absent };
        ask(&mut self.up_to_date().reranked, &self.requests, What::Reranked, key)
    }

    /// Attention maps of the watched images after that many epochs.
    pub fn heat_maps(&self, view: &RunView, epoch: usize) -> Loaded<Vec<ImageMaps>> {
        let Some(key) = key(view, epoch, EpochPart::HeatMaps) else { return Loaded::Absent };
        ask(&mut self.up_to_date().heat_maps, &self.requests, What::HeatMaps, key)
    }

    /// How an adaptation epoch trained: its memory and one of its batches.
    pub fn training(&self, view: &RunView, epoch: usize) -> Loaded<TrainingSnapshot> {
        let Some(key) = key(view, epoch, EpochPart::Training) else { return Loaded::Absent };
        ask(&mut self.up_to_date().training, &self.requests, What::Training, key)
    }

    /// The target's images.
    pub fn images(&self, view: &RunView) -> Loaded<Images> {
        // The list is written once, before the first snapshot and the first maps of pre-training.
        let seq = view.snapshots.values().min().copied().or(view.live_maps.as_ref().map(|_| 0));
        let (Some(folder), Some(seq)) = (view.folder.clone(), seq) else {
            return Loaded::Absent;
        };
        ask(&mut self.up_to_date().images, &self.requests, What::Images, Key { folder, epoch: 0, seq })
    }

    /// The shelves with all that was read until now.
    fn up_to_date(&self) -> RefMut<'_, Shelves> {
        let mut shelves = self.shelves.borrow_mut();
        while let Ok((key, answer)) = self.answers.try_recv() {
            self.requests.open.set(self.requests.open.get().saturating_sub(1));
            match answer {
                Answer::Clusters(result) => shelves.clusters.put(key, Loaded::of(result)),
                Answer::Graph(result) => shelves.graphs.put(key, Loaded::of(result)),
                Answer::Ranks(result) => shelves.ranks.put(key, Loaded::of(result)),
                Answer::Reranked(result) => shelves.reranked.put(key, Loaded::of(result)),
                Answer::HeatMaps(result) => shelves.heat_maps.put(key, Loaded::of(result)),
                Answer::Training(result) => shelves.training.put(key, Loaded::of(result)),
                Answer::Images(result) => shelves.images.put(key, Loaded::of(result)),
            }
        }
        shelves
    }
}

fn key(view: &RunView, epoch: usize, part: EpochPart) -> Option<Key> {
    let seq = *view.snapshots.get(&(epoch, part))?;
    Some(Key { folder: view.folder.clone()?, epoch, seq })
}

fn ask<T>(shelf: &mut Shelf<T>, requests: &Requests, what: What, key: Key) -> Loaded<T> {
    if let Some(known) = shelf.get(&key) {
        return known;
    }
    match requests.try_send(what, key.clone()) {
        Ok(()) => {
            shelf.put(key, Loaded::Loading);
            Loaded::Loading
        }
        // Asked again with the next frame.
        Err(TrySendError::Full(_)) => Loaded::Loading,
        Err(TrySendError::Disconnected(_)) => Loaded::Failed("the thread that reads snapshots has ended".to_owned()),
    }
}

fn failed(what: What, why: String) -> Answer {
    match what {
        What::Clusters => Answer::Clusters(Err(why)),
        What::Graph => Answer::Graph(Err(why)),
        What::Ranks => Answer::Ranks(Err(why)),
        What::Reranked => Answer::Reranked(Err(why)),
        What::HeatMaps => Answer::HeatMaps(Err(why)),
        What::Training => Answer::Training(Err(why)),
        What::Images => Answer::Images(Err(why)),
    }
}

/// The clusters of an epoch; its principal components are turned as those of the first epoch are, for components have
/// no sign and no order of their own, and a map that flips from epoch to epoch tells nothing.
fn read_clusters(folder: &Path, epoch: usize) -> Result<ClusterSnapshot, crate::run::RunError> {
    let mut snapshot = ClusterSnapshot::read(folder, epoch)?;
    if let (1.., Ok(first)) = (epoch, read_components(folder, 0)) {
        snapshot.pca = aligned(&snapshot.pca, &first);
    }
    Ok(snapshot)
}

fn read(what: What, key: &Key) -> Answer {
    let Key { folder, epoch, .. } = key;
    fn shared<T>(result: Result<T, crate::run::RunError>) -> Result<Arc<T>, String> {
        result.map(Arc::new).map_err(|e| e.to_string())
    }
    match what {
        What::Clusters => Answer::Clusters(shared(read_clusters(folder, *epoch))),
        What::Graph => Answer::Graph(shared(read_graph(folder, *epoch))),
        What::Ranks => Answer::Ranks(shared(RankSnapshot::read(folder, *epoch))),
        What::Reranked => Answer::Reranked(shared(RankSnapshot::read_as(SnapshotPart::Reranked, folder, *epoch))),
        What::HeatMaps => Answer::HeatMaps(shared(read_heat_maps(folder, *epoch))),
        What::Training => Answer::Training(shared(TrainingSnapshot::read(folder, *epoch))),
        What::Images => Answer::Images(shared(Images::read(folder))),
    }
}
