//! Steps 3 to 6 of the paper, once an epoch: features, clusters at three radii, Eq. 8, pseudo-labels, memory.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tch::{Kind, Tensor};

use super::checkpoint::Next;
use super::error::EngineError;
use super::event::{Event, Severity, SnapshotPart, Split, Stage, State};
use super::outbox::Outbox;
use super::session::Session;
use super::worker::Link;
use crate::base::tick::{Tick, no_tick};
use crate::method::embed::pca;
use crate::method::knn::Neighbours;
use crate::method::label_free::label_free;
use crate::method::params::{FeatureSource, Outliers, Params};
use crate::method::pipeline::{self, Found, Plan, Step, Watch};
use crate::method::rows::Rows;
use crate::model::head::Classifier;
use crate::model::knn;
use crate::model::memory::{HybridMemory, class_means};
use crate::run::graph::{REACH, write_features, write_graph};
use crate::run::snapshot::ClusterSnapshot;

/// Neighbours kept in a snapshot beyond what the distance needs: enough for the panels that list them.
const KEPT_NEIGHBOURS: usize = 20;

/// What the clustering of an epoch found.
pub(super) struct Formed {
    pub found: Found,
    pub pca: Vec<f32>,
    /// Of k-NN, Jaccard, labels, and scores with refinement.
    pub seconds: [f64; 4],
}

/// Times the steps of the pipeline, and passes on how far the first two are.
struct Timed<'a> {
    ticks: [Tick<'a>; 2],
    laps: Mutex<Vec<(Step, Instant)>>,
}

impl Watch for Timed<'_> {
    fn begin(&self, step: Step) {
        self.laps.lock().unwrap_or_else(PoisonError::into_inner).push((step, Instant::now()));
    }

    fn tick(&self, step: Step, done: u64, total: u64) -> bool {
        match step {
            Step::Neighbours => self.ticks[0](done, total),
            Step::Distances => self.ticks[1](done, total),
            Step::Labels | Step::Scores => true,
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
    ticks: [Tick; 2],
) -> Result<Formed, EngineError> {
    let mut seconds = [0.0; 4];
    if let Some((_, began)) = &known {
        seconds[0] = began.elapsed().as_secs_f64();
    }
    // Farther than this clustering needs, so that other radii can be tried on what is stored.
    let plan = Plan { params, carried, neighbours: KEPT_NEIGHBOURS, reach: REACH };
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

impl Session {
    /// Clusters the target and prepares the epoch's labels, memory or classifier.
    pub(super) fn cluster_epoch(&mut self, link: &mut Link) -> Result<(), EngineError> {
        let features = self.features_to_cluster(link)?;
        self.enter(State::Clustering, link)?;
        let began = Instant::now();
        let found = self.cluster(&features, link)?;
        self.report(&features, &found, link)?;
        let clustering = found.found.assignment;
        self.labels = training_labels(&clustering.pseudo_labels, self.params().reliability.outliers);
        self.threshold = clustering.carries(self.params(), self.threshold);
        self.prepare_classes(&features, link)?;
        self.position.next = Next::Train;
        self.position.iter = 0;
        self.stage_done(Stage::Cluster, began, link)
    }

    fn features_to_cluster(&mut self, link: &mut Link) -> Result<Vec<f32>, EngineError> {
        if let (FeatureSource::Bank, Some(memory)) = (self.params().memory.features, &self.memory) {
            return to_vec(&memory.target_features()?);
        }
        self.enter(State::Extracting, link)?;
        let began = Instant::now();
        let total = self.target.dataset.train.len() as u64;
        let features = self.target_features(Split::Train, (Stage::Extract, 0, total), link)?;
        self.stage_done(Stage::Extract, began, link)?;
        if let Some(text) = self.target.unreadable() {
            link.outbox.notice(Severity::Warning, "Some images could not be read", text);
        }
        Ok(features)
    }

    /// Clusters features `[N, d]`.
    fn cluster(&mut self, features: &[f32], link: &mut Link) -> Result<Formed, EngineError> {
        let params = self.params().clone();
        let rows = Rows::new(features, self.net.dim() as usize)?;
        let control = std::sync::Arc::clone(&link.control);
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
        if self.device.is_cuda() {
            let began = Instant::now();
            let k = params.k1.max(KEPT_NEIGHBOURS);
            let found = knn::neighbours(features, self.net.dim() as usize, k, self.device, &tick(0))?;
            let found = found.ok_or(EngineError::Stopped)?;
            return form(rows, Some((found, began)), &params, self.threshold, [&tick(0), &tick(1)]);
        }
        form(rows, None, &params, self.threshold, [&tick(0), &tick(1)])
    }

    fn report(&self, features: &[f32], formed: &Formed, link: &mut Link) -> Result<(), EngineError> {
        let Formed { found: Found { neighbours, graph, assignment }, pca, seconds } = formed;
        let epoch = self.position.epoch;
        // Ground truth: for the diagnosis only; nothing below this line of the epoch reads it.
        let pids: Vec<i32> = self.target.dataset.train.iter().map(|s| s.pid).collect();
        let known = pids.iter().any(|&p| p != pids[0]);
        let mut summary = assignment.summary(self.params(), known.then_some(&pids[..]));
        let before = epoch.checked_sub(1).and_then(|before| neighbours_of(&self.folder, before));
        summary.label_free = label_free(assignment, graph.as_ref(), neighbours, before.as_ref());
        let camids: Vec<i32> = self.target.dataset.train.iter().map(|s| s.camid).collect();
        write_features(&self.folder, epoch, self.net.dim() as usize, features, &pids, &camids)?;
        if let Some(graph) = graph {
            write_graph(&self.folder, epoch, graph)?;
        }
        ClusterSnapshot::new(assignment, neighbours, pca).write(&self.folder, epoch)?;
        if summary.clusters[0] == 0 {
            let text = "No image has enough neighbours within eps: this epoch trains every image as a class of its own. Raise eps, or lower min samples.";
            link.outbox.notice(Severity::Warning, "No clusters", text);
        }
        link.outbox.emit(Event::Clustered { epoch, summary: Box::new(summary), seconds: *seconds })?;
        Ok(link.outbox.emit(Event::Snapshot { epoch, part: SnapshotPart::Clusters })?)
    }

    /// Eq. 9 and the classes of this epoch: the hybrid memory, or the baseline's classifier.
    fn prepare_classes(&mut self, features: &[f32], link: &mut Link) -> Result<(), EngineError> {
        let n = self.labels.len() as i64;
        let target = Tensor::f_from_slice(features)?.f_view([n, self.net.dim()])?.f_to_device(self.device)?;
        let labels: Vec<i64> = self.labels.iter().map(|&l| i64::from(l)).collect();
        let params = self.params().clone();
        if params.memory.enabled {
            let source = self.source_rows(&params, link)?;
            if params.memory.features == FeatureSource::Fresh || self.memory.is_none() {
                self.memory = Some(HybridMemory::new(source.as_ref(), &target)?);
            }
            if let Some(memory) = &mut self.memory {
                memory.set_labels(&labels)?;
            }
            if self.adam.is_none() {
                self.adam = Some(self.new_adam()?);
            }
            return Ok(());
        }
        let classes = labels.iter().max().map_or(0, |&m| m + 1);
        if classes > 0 {
            self.head = Some(Classifier::from_centroids(&class_means(&target, &labels, classes, true)?)?);
        }
        // The classifier is a new one, and so are its moments; the network's are kept.
        let moments = match self.adam.take() {
            Some(adam) => adam.state()?,
            None => Vec::new(),
        };
        let mut adam = self.new_adam()?;
        adam.load_state(&moments.into_iter().filter(|(name, _)| !name.contains("classifier")).collect::<Vec<_>>())?;
        self.adam = Some(adam);
        Ok(())
    }

    /// Source class rows of the memory: centroids of source features at first, afterwards as they have become.
    fn source_rows(&mut self, params: &Params, link: &mut Link) -> Result<Option<Tensor>, EngineError> {
        if !params.adapt.joint {
            return Ok(None);
        }
        if let Some(memory) = &self.memory {
            return Ok(Some(memory.bank().narrow(0, 0, memory.source_classes()).copy()));
        }
        let images = std::sync::Arc::clone(self.source.cache(Split::Train));
        let n = images.len() as u64;
        let features = self.extract(&images, 0, (Stage::Extract, 0, n), link)?;
        let labels: Vec<i64> = self.source.dataset.train.iter().map(|s| i64::from(s.pid)).collect();
        let classes = labels.iter().max().map_or(0, |&m| m + 1);
        let features = Tensor::f_from_slice(&features)?.f_view([n as i64, self.net.dim()])?.f_to_device(self.device)?;
        Ok(Some(class_means(&features, &labels, classes, true)?))
    }
}

/// The neighbours that an epoch kept; `None` where it kept none, as after a part of the run was deleted.
fn neighbours_of(folder: &Path, epoch: usize) -> Option<Neighbours> {
    let snapshot = ClusterSnapshot::read(folder, epoch).ok()?;
    Some(Neighbours { n: snapshot.labels.len(), k: snapshot.k, index: snapshot.knn_index, dist: snapshot.knn_dist })
}

/// Class of each image in training, from 0: reliable clusters first, then each outlier as a class of its own,
/// or −1 when outliers sit out.
fn training_labels(pseudo_labels: &[i32], outliers: Outliers) -> Vec<i32> {
    let mut next = pseudo_labels.iter().max().map_or(0, |&m| m + 1).max(0);
    let label = |&l: &i32| match (l, outliers) {
        (0.., _) => l,
        (_, Outliers::Drop) => -1,
        (_, Outliers::Instance) => {
            next += 1;
            next - 1
        }
    };
    pseudo_labels.iter().map(label).collect()
}

fn to_vec(t: &Tensor) -> Result<Vec<f32>, EngineError> {
    let t = t.f_to_device(tch::Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?;
    Ok(Vec::<f32>::try_from(t.f_view([-1])?)?)
}
