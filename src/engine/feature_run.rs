//! A run folder made of features alone: clustered once, with nothing trained. The window shows it
//! like any other run, so features that another program extracted can be looked at too.

use std::path::{Path, PathBuf};

use super::clustering::{Formed, form};
use super::error::EngineError;
use super::event::{ClusterSummary, Event, NO_SOURCE, SnapshotPart, Split, Stage, State};
use crate::base::fs::StagedFolder;
use crate::base::tick::Tick;
use crate::data::synthetic::features::{FeatureSpec, generate};
use crate::method::label_free::label_free;
use crate::method::params::Params;
use crate::method::pipeline::Clustering;
use crate::method::rows::Rows;
use crate::run::graph::{write_features, write_graph};
use crate::run::images::{ImageRow, Images};
use crate::run::snapshot::ClusterSnapshot;
use crate::run::{Manifest, RunError, RunWriter};

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

/// Features that the program makes itself, of people who do not exist.
#[derive(Clone, Copy, Debug)]
pub struct MadeFeatures {
    /// Images.
    pub images: usize,
    /// Numbers a feature.
    pub dim: usize,
    /// The same seed gives the same bits.
    pub seed: u64,
}

impl MadeFeatures {
    /// Of the size and shape of Market-1501's training set.
    pub const MARKET: Self = Self { images: 12_936, dim: 2_048, seed: 1501 };

    /// Where their run lies below the user's data folder.
    pub fn folder(&self, data: &Path) -> PathBuf {
        data.join("examples").join(format!("features-{}x{}-{}", self.images, self.dim, self.seed))
    }
}

/// Makes these features and clusters them with the paper's parameters, as a run below the user's data folder, unless it
/// is there already; says where. Ticks count thousandths of all of it.
///
/// # Errors
/// As [`write`].
pub fn ensure_made(data: &Path, made: MadeFeatures, tick: Tick) -> Result<PathBuf, EngineError> {
    let folder = made.folder(data);
    if Manifest::path(&folder).is_file() {
        return Ok(folder);
    }
    let MadeFeatures { images, dim, seed } = made;
    let name = match images {
        12_936 => "Market-1501's size, made".to_owned(),
        n => format!("{n} images, made"),
    };
    let params = Params { seed, ..Params::default() };
    write_whole(&folder, tick, |dir, ticks| {
        let found = generate(&FeatureSpec { seed, ..FeatureSpec::market(images, dim) });
        let set = FeatureSet {
            name: &name,
            features: &found.features,
            d: dim,
            pids: Some(&found.pid),
            camids: Some(&found.camid),
            paths: None,
        };
        write(dir, &set, &params, ticks).map(drop)
    })?;
    Ok(folder)
}

/// Has a run written beside `folder` and gives it its name then, so that the folder is there whole or not at all. Ticks
/// count thousandths: a tenth until features are there, six for neighbours, three for the Jaccard distance.
///
/// # Errors
/// Those of `write`, and of the file system.
pub fn write_whole(
    folder: &Path,
    tick: Tick,
    write: impl FnOnce(&Path, [Tick; 2]) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let cannot = |source| EngineError::from(RunError::io("write", folder)(source));
    let beside = folder.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let staged = StagedFolder::begin(beside, ".making-").map_err(cannot)?;
    // A run is called as its folder is, from its first event on.
    let inside = staged.path().join(folder.file_name().unwrap_or_default());
    let share = |done: u64, total: u64, of: u64| of * done.min(total) / total.max(1);
    let knn = |done, total| tick(100 + share(done, total, 600), 1000);
    let jaccard = |done, total| tick(700 + share(done, total, 300), 1000);
    if !tick(0, 1000) {
        return Err(EngineError::Stopped);
    }
    write(&inside, [&knn, &jaccard])?;
    if !tick(1000, 1000) {
        return Err(EngineError::Stopped);
    }
    match std::fs::rename(&inside, folder) {
        Ok(()) => Ok(()),
        // Another process was faster.
        Err(_) if Manifest::path(folder).is_file() => Ok(()),
        Err(e) => Err(cannot(e)),
    }
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
    let Clustering { neighbours, index, graph, assignment } = found;
    let mut summary = assignment.summary(params, set.pids.filter(|p| p.iter().any(|&pid| pid != p[0])));
    summary.index = index;
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
