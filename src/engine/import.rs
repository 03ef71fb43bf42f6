//! Features of any program as a run to look at: clusters of each epoch, and rank lists where query and gallery are
//! told. Nothing is trained; all but training and heat maps is there.

use std::path::Path;

use super::clustering::{Formed, form};
use super::domain::images;
use super::error::EngineError;
use super::evaluation::snapshot as ranks_of;
use super::event::{Domain, Event, NO_SOURCE, SnapshotPart, Stage, State};
use super::ranked::TOP;
use crate::data::{EvaluationCameras, Sample, clothes};
use crate::method::error::Tick;
use crate::method::evaluate::{EvalOptions, EvalSet, Metric, Retrieval, evaluate};
use crate::method::label_free::label_free;
use crate::method::params::Params;
use crate::method::pipeline::Clustering;
use crate::method::rerank::{RerankOptions, evaluate_reranked};
use crate::method::rows::Rows;
use crate::run::graph::{write_features, write_graph};
use crate::run::snapshot::ClusterSnapshot;
use crate::run::{Manifest, RunWriter};

/// The images whose features are imported; a person that nobody knows is −1.
pub struct FeatureListing {
    /// What they are called.
    pub name: String,
    /// Those that are clustered.
    pub train: Vec<Sample>,
    /// Those that ask.
    pub query: Vec<Sample>,
    /// Those that are searched.
    pub gallery: Vec<Sample>,
    /// The cameras by which hits are judged.
    pub cameras: EvaluationCameras,
}

/// Features of one epoch, `[n, d]`, row-major; empty where the list has none. Those that are clustered are of unit
/// length; queries and gallery are compared as they are.
#[derive(Clone, Debug, Default)]
pub struct EpochFeatures {
    /// Numbers a feature.
    pub d: usize,
    /// Of [`FeatureListing::train`].
    pub train: Vec<f32>,
    /// Of [`FeatureListing::query`].
    pub query: Vec<f32>,
    /// Of [`FeatureListing::gallery`].
    pub gallery: Vec<f32>,
}

/// Writes the run folder as epochs come in.
pub struct Import<'a> {
    run: RunWriter,
    dir: &'a Path,
    list: &'a FeatureListing,
    params: &'a Params,
    threshold: Option<f64>,
    epoch: usize,
    before: Option<crate::method::knn::Neighbours>,
}

impl<'a> Import<'a> {
    /// A new run folder for these images.
    ///
    /// # Errors
    /// When the folder holds a run already or cannot be written.
    pub fn create(dir: &'a Path, list: &'a FeatureListing, params: &'a Params) -> Result<Self, EngineError> {
        let mut run = RunWriter::create(dir, &Manifest::new(NO_SOURCE, &list.name, params.seed, "cpu"), params)?;
        images([&list.train, &list.query, &list.gallery])?.write(dir)?;
        run.append(Event::Started {
            folder: dir.to_owned(),
            title: format!("features of {}", list.name),
            source: NO_SOURCE.to_owned(),
            target: list.name.clone(),
            params: Box::new(params.clone()),
            device: "cpu".to_owned(),
            weights: "none: features alone".to_owned(),
            resumed: false,
            parent: None,
        })?;
        Ok(Self { run, dir, list, params, threshold: None, epoch: 0, before: None })
    }

    /// Clusters and ranks the features of the next epoch; returns the retrieval where there is a test set.
    ///
    /// # Errors
    /// When features are not finite, files cannot be written, or a tick cancels.
    pub fn epoch(&mut self, features: &EpochFeatures, tick: Tick) -> Result<Option<Retrieval>, EngineError> {
        let retrieval = self.rank(features, tick)?;
        if !features.train.is_empty() {
            self.cluster(features, tick)?;
        }
        self.epoch += 1;
        Ok(retrieval)
    }

    fn cluster(&mut self, features: &EpochFeatures, tick: Tick) -> Result<(), EngineError> {
        let (epoch, dir) = (self.epoch, self.dir);
        self.run.append(Event::State { state: State::Clustering, epoch })?;
        let rows = Rows::new(&features.train, features.d)?;
        let Formed { found, pca, seconds } = form(rows, None, self.params, self.threshold, None, [tick, tick])?;
        let Clustering { neighbours, index, graph, assignment } = found;
        self.threshold = assignment.carries(self.params, self.threshold);
        let column = |of: fn(&Sample) -> i32| self.list.train.iter().map(of).collect::<Vec<i32>>();
        let (pids, camids) = (column(|i| i.pid), column(|i| i.camid));
        let known = pids.iter().any(|&p| p != pids[0]);
        let mut summary = assignment.summary(self.params, known.then_some(&pids[..]));
        summary.index = index;
        summary.label_free = label_free(&assignment, graph.as_ref(), &neighbours, self.before.as_ref());
        write_features(dir, epoch, features.d, &features.train, &pids, &camids)?;
        if let Some(graph) = &graph {
            write_graph(dir, epoch, graph)?;
        }
        ClusterSnapshot::new(&assignment, &neighbours, &pca).write(dir, epoch)?;
        self.before = Some(neighbours);
        self.run.append(Event::Clustered { epoch, summary: Box::new(summary), seconds })?;
        self.run.append(Event::Snapshot { epoch, part: SnapshotPart::Clusters })?;
        self.run.append(Event::StageDone { stage: Stage::Cluster, epoch, seconds: seconds.iter().sum() })?;
        Ok(())
    }

    fn rank(&mut self, features: &EpochFeatures, tick: Tick) -> Result<Option<Retrieval>, EngineError> {
        if features.query.is_empty() || features.gallery.is_empty() {
            return Ok(None);
        }
        let pids = |images: &[Sample]| images.iter().map(|i| i.pid).collect::<Vec<i32>>();
        let (query_pid, gallery_pid) = (pids(&self.list.query), pids(&self.list.gallery));
        let set = EvalSet {
            query: Rows::new(&features.query, features.d)?,
            gallery: Rows::new(&features.gallery, features.d)?,
            query_pid: &query_pid,
            query_camid: &self.list.cameras.query,
            gallery_pid: &gallery_pid,
            gallery_camid: &self.list.cameras.gallery,
        };
        let options = EvalOptions { metric: Metric::Euclidean, top: TOP, same_camera_rule: self.list.cameras.rule };
        let mut found = evaluate(&set, &options, tick)?;
        found.tell_clothes(&clothes(&self.list.query), &clothes(&self.list.gallery));
        let reranked = match self.params.eval.rerank {
            true => Some(evaluate_reranked(&set, &options, &RerankOptions::default(), tick)?),
            false => None,
        };
        found.retrieval.reranked = reranked.as_ref().and_then(|r| r.retrieval.figures());
        let (epoch, retrieval) = (self.epoch, found.retrieval.clone());
        ranks_of(found).write(self.dir, epoch)?;
        self.run.append(Event::Evaluated { epoch, domain: Domain::Target, retrieval: retrieval.clone() })?;
        self.run.append(Event::Snapshot { epoch, part: SnapshotPart::Ranks })?;
        if let Some(reranked) = reranked {
            ranks_of(reranked).write_as(SnapshotPart::Reranked, self.dir, epoch)?;
            self.run.append(Event::Snapshot { epoch, part: SnapshotPart::Reranked })?;
        }
        Ok(Some(retrieval))
    }

    /// Says that this was all.
    ///
    /// # Errors
    /// When the events cannot be written.
    pub fn finish(mut self) -> Result<(), EngineError> {
        let epoch = self.epoch.saturating_sub(1);
        self.run.append(Event::State { state: State::Done, epoch })?;
        Ok(())
    }
}
