//! Steps 3 to 6 of the paper, once an epoch: features, clusters at three radii, Eq. 8, pseudo-labels.

use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::error::EngineError;
use super::event::{Event, Severity, SnapshotPart, Stage};
use super::link::Link;
use super::outbox::Outbox;
use super::session::Session;
use crate::base::tick::{Tick, no_tick};
use crate::method::embed::pca;
use crate::method::hand::ResolvedHand;
use crate::method::knn::Neighbours;
use crate::method::label_free::{label_free, spread};
use crate::method::labels::classes;
use crate::method::params::{Outliers, Params};
use crate::method::pipeline::{self, Clustering, ClusteringPlan, ClusteringStep, ClusteringWatcher};
use crate::method::rows::Rows;
use crate::model::knn;
use crate::run::graph::{REACH, write_features, write_graph};
use crate::run::snapshot::ClusterSnapshot;

/// Neighbours kept in a snapshot beyond what the distance needs: enough for the panels that list them.
const KEPT_NEIGHBOURS: usize = 20;

/// What the clustering of an epoch found.
pub(super) struct Formed {
    pub found: Clustering,
    pub pca: Vec<f32>,
    /// Of k-NN, Jaccard, labels, and scores with refinement.
    pub seconds: [f64; 4],
}

/// Times the steps of the pipeline, and passes on how far the first two are.
struct Timed<'a> {
    ticks: [Tick<'a>; 2],
    laps: Mutex<Vec<(ClusteringStep, Instant)>>,
}

impl ClusteringWatcher for Timed<'_> {
    fn begin(&self, step: ClusteringStep) {
        self.laps.lock().unwrap_or_else(PoisonError::into_inner).push((step, Instant::now()));
    }

    fn tick(&self, step: ClusteringStep, done: u64, total: u64) -> bool {
        match step {
            ClusteringStep::Neighbours => self.ticks[0](done, total),
            ClusteringStep::Distances => self.ticks[1](done, total),
            ClusteringStep::Labels | ClusteringStep::Scores => true,
        }
    }
}

/// Clusters features of unit length, whose neighbours were perhaps found since `began`; `ticks` hear of k-NN and of
/// the Jaccard distances.
pub(super) fn form(
    rows: Rows,
    known: Option<(Neighbours, Instant)>,
    params: &Params,
    carried: Option<f64>,
    hand: Option<&ResolvedHand>,
    ticks: [Tick; 2],
) -> Result<Formed, EngineError> {
    let mut seconds = [0.0; 4];
    if let Some((_, began)) = &known {
        seconds[0] = began.elapsed().as_secs_f64();
    }
    // Farther than this clustering needs, so that other radii can be tried on what is stored.
    let plan = ClusteringPlan { params, carried, neighbours: KEPT_NEIGHBOURS, reach: REACH, hand };
    let watch = Timed { ticks, laps: Mutex::default() };
    let found = pipeline::run(rows, known.map(|(neighbours, _)| neighbours), &plan, &watch)?;
    let laps = watch.laps.into_inner().unwrap_or_else(PoisonError::into_inner);
    let ends = laps.iter().skip(1).map(|(_, at)| *at).chain([Instant::now()]);
    for ((step, began), ended) in laps.iter().zip(ends) {
        seconds[*step as usize] = (ended - *began).as_secs_f64();
    }
    // For the map of the window; too short beside k-NN to be timed or stopped by itself.
    let pca = pca(rows, &no_tick)?;
    Ok(Formed { found, pca, seconds })
}

/// Clusters the target's features `[N, d]`.
///
/// # Errors
/// When they are not finite, the device fails, or a stop was asked for.
pub(super) fn cluster(session: &Session, features: &[f32], link: &mut Link) -> Result<Formed, EngineError> {
    let params = session.params();
    let rows = Rows::new(features, session.setup.dim())?;
    let hand = session.resolved_hand()?;
    let hand = hand.as_ref();
    let control = Arc::clone(&link.control);
    let outbox = Mutex::new(&mut link.outbox);
    // The two long stages share one bar: k-NN its first half.
    let tick = |half: u64| {
        let (control, outbox) = (&control, &outbox);
        move |done: u64, total: u64| {
            if let Ok(mut outbox) = outbox.try_lock() {
                let outbox: &mut Outbox = &mut outbox;
                outbox.progress(Stage::Cluster, half * total + done, 2 * total);
            }
            !control.stop_requested()
        }
    };
    if session.setup.device.is_cuda() {
        let began = Instant::now();
        let k = params.k1.max(KEPT_NEIGHBOURS);
        let found = knn::neighbours(features, session.setup.dim(), k, session.setup.device, &tick(0))?;
        let found = found.ok_or(EngineError::Stopped)?;
        return form(rows, Some((found, began)), params, session.threshold, hand, [&tick(0), &tick(1)]);
    }
    form(rows, None, params, session.threshold, hand, [&tick(0), &tick(1)])
}

/// Announces what was found, leaves it in the run folder, and carries the threshold on; gives the pseudo-labels, and
/// the silhouette where the method has distances to judge by.
///
/// # Errors
/// When the run folder is gone, or the event cannot be written.
pub(super) fn report(
    session: &mut Session,
    features: &Rc<[f32]>,
    formed: Formed,
    link: &mut Link,
) -> Result<(Vec<i32>, Option<f64>), EngineError> {
    let Formed { found: Clustering { neighbours, index, graph, assignment }, pca, seconds } = formed;
    let epoch = session.position.epoch;
    // Ground truth: for the diagnosis only; nothing below this line of the epoch reads it.
    let pids: Vec<i32> = session.setup.target.dataset.train.iter().map(|s| s.pid).collect();
    let known = pids.iter().any(|&p| p != pids[0]);
    let mut summary = assignment.summary(session.params(), known.then_some(&pids[..]));
    let before = epoch.checked_sub(1).and_then(|before| neighbours_of(&session.folder, before));
    summary.label_free = label_free(&assignment, graph.as_ref(), &neighbours, before.as_ref());
    summary.label_free.spread = Some(spread(Rows::new(features, session.setup.dim())?));
    summary.index = index;
    summary.hand = session.resolved_hand()?.map(|hand| hand.counts());
    let score = summary.label_free.silhouette;
    let camids = session.setup.target.train_camids();
    session.threshold = assignment.carries(session.params(), session.threshold);
    if summary.clusters[0] == 0 {
        let text = "No image has enough neighbours within eps: this epoch trains every image as a class of its own. Raise eps, or lower min samples.";
        link.outbox.notice(Severity::Warning, "No clusters", text);
    }
    let (folder, dim, features) = (session.folder.clone(), session.setup.dim(), Rc::clone(features));
    let write = move || Ok(write_features(&folder, epoch, dim, &features, &pids, &camids)?);
    session.owed.write("features", None, write, link)?;
    if let Some(graph) = graph {
        let folder = session.folder.clone();
        session.owed.write("graph", None, move || Ok(write_graph(&folder, epoch, &graph)?), link)?;
    }
    link.outbox.emit(Event::Clustered { epoch, summary: Box::new(summary), seconds })?;
    let (folder, snapshot) = (session.folder.clone(), ClusterSnapshot::new(&assignment, &neighbours, &pca));
    let then = Event::Snapshot { epoch, part: SnapshotPart::Clusters };
    session.owed.write("clusters", Some(then), move || Ok(snapshot.write(&folder, epoch)?), link)?;
    Ok((assignment.pseudo_labels, score))
}

/// The neighbours that an epoch kept; `None` where it kept none, as after a part of the run was deleted.
fn neighbours_of(folder: &Path, epoch: usize) -> Option<Neighbours> {
    let snapshot = ClusterSnapshot::read(folder, epoch).ok()?;
    Some(Neighbours { n: snapshot.labels.len(), k: snapshot.k, index: snapshot.knn_index, dist: snapshot.knn_dist })
}

/// Class of each image in training, from 0: reliable clusters first, then each outlier as a class of its own,
/// or −1 when outliers sit out. Those `left_out` by hand sit out always; it is empty where nobody is.
pub(super) fn training_labels(pseudo_labels: &[i32], outliers: Outliers, left_out: &[bool]) -> Vec<i32> {
    let mut next = classes(pseudo_labels) as i32;
    let is_out = |i: usize| left_out.get(i).is_some_and(|&out| out);
    let label = |(i, &l): (usize, &i32)| match (l, outliers) {
        (0.., _) => l,
        _ if is_out(i) => -1,
        (_, Outliers::Drop) => -1,
        (_, Outliers::Instance) => {
            next += 1;
            next - 1
        }
    };
    pseudo_labels.iter().enumerate().map(label).collect()
}
