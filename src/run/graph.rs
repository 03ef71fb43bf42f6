//! What lets an epoch's clusters be formed anew: `epochs/NNNN/graph.safetensors`, the Jaccard distances within
//! reach, and `features.safetensors` in the run folder, the features of the newest clustering alone, since those
//! of every epoch would fill the disk (Market-1501: 106 MB each).

use std::path::{Path, PathBuf};

use super::error::RunError;
use super::snapshot::epoch_dir;
use crate::base::tensors::{Archive, Arrays};
use crate::method::graph::{Graph, Upper};

/// Pairs that a stored graph holds at most: 16 MB.
pub const MAX_PAIRS: usize = 2_000_000;

/// How far a stored graph reaches, where that is not more than [`MAX_PAIRS`] pairs: eps can be tried up to this
/// much, less Δd.
pub const REACH: f32 = 0.9;

/// Where an epoch's graph lies.
pub fn graph_path(run: &Path, epoch: usize) -> PathBuf {
    epoch_dir(run, epoch).join("graph.safetensors")
}

/// Writes an epoch's graph.
///
/// # Errors
/// Those of the file system; an older file is then untouched.
pub fn write_graph(run: &Path, epoch: usize, graph: &Graph) -> Result<(), RunError> {
    let upper = graph.upper(MAX_PAIRS);
    let mut arrays = Arrays::default();
    arrays
        .vector("max", vec![upper.max])
        .vector("lengths", &upper.lengths)
        .vector("indices", &upper.indices)
        .vector("values", &upper.values);
    Ok(arrays.write(&graph_path(run, epoch))?)
}

/// Reads it.
///
/// # Errors
/// When it is missing, damaged, or its arrays do not belong together.
pub fn read_graph(run: &Path, epoch: usize) -> Result<Graph, RunError> {
    let path = graph_path(run, epoch);
    let file = Archive::open(&path)?;
    let max: Vec<f32> = file.vector("max", Some(1))?;
    let upper = Upper {
        max: max[0],
        lengths: file.vector("lengths", None)?,
        indices: file.vector("indices", None)?,
        values: file.vector("values", None)?,
    };
    if !(upper.max.is_finite() && upper.values.iter().all(|d| (0.0..=1.0).contains(d))) {
        return Err(RunError::damaged(&path, "it holds distances that are not between 0 and 1"));
    }
    Graph::try_from(upper).map_err(|e| RunError::damaged(&path, e))
}

/// The features that the newest clustering was made from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features {
    /// The adaptation epoch.
    pub epoch: usize,
    /// Numbers a feature.
    pub d: usize,
    /// `[N, d]`, unit length.
    pub values: Vec<f32>,
}

/// Where the newest features lie; `reid-workbench cluster` reads the file as it is.
pub fn features_path(run: &Path) -> PathBuf {
    run.join("features.safetensors")
}

/// Writes the features `[N, d]` of an epoch with identities and cameras `[N]`, in place of those before.
///
/// # Errors
/// Those of the file system; the older file is then untouched.
pub fn write_features(
    run: &Path,
    epoch: usize,
    d: usize,
    features: &[f32],
    pids: &[i32],
    camids: &[i32],
) -> Result<(), RunError> {
    let n = features.len().checked_div(d).unwrap_or(0);
    let mut arrays = Arrays::default();
    arrays.add("features", &[n, d], &features[..n * d]).vector("pid", pids).vector("camid", camids);
    arrays.vector("epoch", vec![epoch as u32]);
    Ok(arrays.write(&features_path(run))?)
}

/// The epoch whose features are there, without reading them.
pub fn features_epoch(run: &Path) -> Option<usize> {
    let epoch: Vec<u32> = Archive::open(&features_path(run)).ok()?.vector("epoch", Some(1)).ok()?;
    epoch.first().map(|&epoch| epoch as usize)
}

/// Reads them.
///
/// # Errors
/// When they are missing or damaged.
pub fn read_features(run: &Path) -> Result<Features, RunError> {
    let file = Archive::open(&features_path(run))?;
    let epoch: Vec<u32> = file.vector("epoch", Some(1))?;
    let (shape, values) = file.array("features")?;
    let [_, d] = shape[..] else {
        return Err(RunError::damaged(&features_path(run), format!("`features` is {shape:?}, [N, d] was expected")));
    };
    Ok(Features { epoch: epoch[0] as usize, d, values })
}
