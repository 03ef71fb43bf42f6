//! What lets an epoch's clusters be formed anew: `epochs/NNNN/graph.safetensors`, the Jaccard distances within
//! reach, and `features.safetensors` in the run folder, the features of the newest clustering alone, since those
//! of every epoch would fill the disk (Market-1501: 106 MB each).

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, TensorInfo};

use super::atomic::atomic_write;
use super::error::RunError;
use super::snapshot::epoch_dir;
use super::tensors::{Archive, Arrays};
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
        .vector("max", &[upper.max])
        .vector("lengths", &upper.lengths)
        .vector("indices", &upper.indices)
        .vector("values", &upper.values);
    arrays.write(&graph_path(run, epoch))
}

/// Reads it.
///
/// # Errors
/// When it is missing, damaged, or its arrays do not belong together.
pub fn read_graph(run: &Path, epoch: usize) -> Result<Graph, RunError> {
    let path = graph_path(run, epoch);
    let file = Archive::read(&path)?;
    let max: Vec<f32> = file.vector("max", Some(1))?;
    let upper = Upper {
        max: max[0],
        lengths: file.vector("lengths", None)?,
        indices: file.vector("indices", None)?,
        values: file.vector("values", None)?,
    };
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
    let path = features_path(run);
    let n = features.len().checked_div(d).unwrap_or(0);
    let mut end = 0;
    let mut header = serde_json::Map::new();
    // Written piece by piece: a copy of a large target's features would cost as much memory again.
    for (name, dtype, shape) in [
        ("features", Dtype::F32, vec![n, d]),
        ("pid", Dtype::I32, vec![pids.len()]),
        ("camid", Dtype::I32, vec![camids.len()]),
        ("epoch", Dtype::U32, vec![1]),
    ] {
        let begin = end;
        end += shape.iter().product::<usize>() * 4;
        let info = TensorInfo { dtype, shape, data_offsets: (begin, end) };
        header.insert(name.to_owned(), serde_json::to_value(info).map_err(|e| RunError::damaged(&path, e))?);
    }
    let mut header = serde_json::to_vec(&header).map_err(|e| RunError::damaged(&path, e))?;
    header.resize(header.len().next_multiple_of(8), b' ');
    atomic_write(&path, |file| {
        let mut out = BufWriter::with_capacity(1 << 20, file);
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(&header)?;
        features[..n * d].iter().try_for_each(|x| out.write_all(&x.to_le_bytes()))?;
        pids.iter().chain(camids).try_for_each(|x| out.write_all(&x.to_le_bytes()))?;
        out.write_all(&(epoch as u32).to_le_bytes())?;
        out.flush()
    })
    .map_err(RunError::io("write", &path))
}

/// The epoch whose features are there, without reading them.
pub fn features_epoch(run: &Path) -> Option<usize> {
    // The last tensor of the file, four bytes.
    use std::io::{Read, Seek, SeekFrom};
    let mut file = std::fs::File::open(features_path(run)).ok()?;
    file.seek(SeekFrom::End(-4)).ok()?;
    let mut bytes = [0; 4];
    file.read_exact(&mut bytes).ok()?;
    Some(u32::from_le_bytes(bytes) as usize)
}

/// Reads them.
///
/// # Errors
/// When they are missing or damaged.
pub fn read_features(run: &Path) -> Result<Features, RunError> {
    let file = Archive::read(&features_path(run))?;
    let epoch: Vec<u32> = file.vector("epoch", Some(1))?;
    let (shape, values) = file.array("features")?;
    let [_, d] = shape[..] else {
        return Err(RunError::damaged(&features_path(run), format!("`features` is {shape:?}, [N, d] was expected")));
    };
    Ok(Features { epoch: epoch[0] as usize, d, values })
}
