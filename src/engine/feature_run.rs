//! A run folder made of features alone: clustered once, with nothing trained. The window shows it
//! like any other run, so features that another program extracted can be looked at too.

use std::path::{Path, PathBuf};

use super::clustering::{Formed, form};
use super::error::EngineError;
use super::event::{ClusterSummary, Event, NO_SOURCE, SnapshotPart, Split, Stage, State};
use crate::base::tick::Tick;
use crate::method::label_free::label_free;
use crate::method::params::Params;
use crate::method::pipeline::Clustering;
use crate::method::rows::Rows;
use crate::run::graph::{write_features, write_graph};
use crate::run::images::{ImageRow, Images};
use crate::run::snapshot::ClusterSnapshot;
use crate::run::{Manifest, RunWriter};

/// Features to cluster.
pub struct FeatureSet<'a> {
    /// What they are called.
    pub name: &'a str,
    /// `[N, d]`, unit length.
    pub features: &'a [f32],
    /// Numbers a feature.
    pub d: usize,
    /// `[N]` identities, where they are known. **Ground truth.**
    pub pids: Option<&'a [i32]>,
    /// `[N]` cameras, 0-based, where they are known.
    pub camids: Option<&'a [i32]>,
    /// `[N]` files of the images, where they are known.
    pub paths: Option<&'a [PathBuf]>,
}

/// Clusters the features and writes a new run folder; seconds are of k-NN, Jaccard, the three DBSCANs, and
/// scores with refinement.
///
/// # Errors
/// When the folder holds a run already or cannot be written, the features are not finite, or a tick cancels.
pub fn write(
    dir: &Path,
    set: &FeatureSet<'_>,
    params: &Params,
    ticks: [Tick; 2],
) -> Result<(ClusterSummary, [f64; 4]), EngineError> {
    let rows = Rows::new(set.features, set.d)?;
    let n = rows.n();
    let mut run = RunWriter::create(dir, &Manifest::new(NO_SOURCE, set.name, params.seed, "cpu"), params)?;
    let unknown = vec![-1; n];
    let pids = set.pids.unwrap_or(&unknown);
    let nowhere = vec![0; n];
    let camids = set.camids.unwrap_or(&nowhere);
    let row = |i: usize| ImageRow {
        split: Split::Train,
        index: i as u32,
        path: set.paths.and_then(|p| p.get(i)).cloned().unwrap_or_default(),
        pid: pids.get(i).copied().unwrap_or(-1),
        camid: camids.get(i).copied().unwrap_or(0),
    };
    Images::new((0..n).map(row)).map_err(EngineError::Refused)?.write(dir)?;
    run.append(Event::Started {
        folder: dir.to_owned(),
        title: format!("features of {}", set.name),
        source: NO_SOURCE.to_owned(),
        target: set.name.to_owned(),
        params: Box::new(params.clone()),
        device: "cpu".to_owned(),
        weights: "none: features alone".to_owned(),
        resumed: false,
        parent: None,
    })?;
    run.append(Event::State { state: State::Clustering, epoch: 0 })?;
    let Formed { found, pca, seconds } = form(rows, None, params, None, None, ticks)?;
    let Clustering { neighbours, graph, assignment } = found;
    let mut summary = assignment.summary(params, set.pids.filter(|p| p.iter().any(|&pid| pid != p[0])));
    summary.label_free = label_free(&assignment, graph.as_ref(), &neighbours, None);
    write_features(dir, 0, set.d, set.features, pids, camids)?;
    if let Some(graph) = &graph {
        write_graph(dir, 0, graph)?;
    }
    ClusterSnapshot::new(&assignment, &neighbours, &pca).write(dir, 0)?;
    run.append(Event::Clustered { epoch: 0, summary: Box::new(summary.clone()), seconds })?;
    run.append(Event::Snapshot { epoch: 0, part: SnapshotPart::Clusters })?;
    run.append(Event::StageDone { stage: Stage::Cluster, epoch: 0, seconds: seconds.iter().sum() })?;
    run.append(Event::State { state: State::Done, epoch: 0 })?;
    Ok((summary, seconds))
}
