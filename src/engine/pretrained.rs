//! Pre-trained networks kept for later runs: the same source, model and parameters need no second pre-training.

use std::path::Path;
use std::time::Duration;

use tch::{Device, Tensor};

use super::checkpoint::{NamedTensors, read, write_atomically};
use super::error::EngineError;
use crate::base::fs::sweep_litter;
use crate::base::rng::Fnv;
use crate::data::Dataset;
use crate::method::params::{Affects, Params, table};
use crate::model::device;
use crate::model::net::{Net, all_finite};

/// The file name of the pre-trained network of these settings: everything that its values depend on is in it, the
/// kind of the device and the number of threads included.
pub fn name(source: &Dataset, params: &Params, device: Device) -> String {
    let mut hash = Fnv::new();
    hash.eat_field(env!("CARGO_PKG_VERSION").as_bytes());
    fingerprint(source, &mut hash);
    for row in table::ROWS.iter().filter(|r| r.affects.holds(Affects::PRETRAINING)) {
        hash.eat_field(row.key.as_bytes());
        hash.eat_field((row.get)(params).to_string().as_bytes());
    }
    if !params.weights.is_empty() {
        eat_file(Path::new(&params.weights), &mut hash);
    }
    let place = if device.is_cuda() { "cuda".to_owned() } else { format!("cpu {}", device::threads()) };
    hash.eat_field(place.as_bytes());
    format!("{}-{:016x}.safetensors", params.backbone.name(), hash.value())
}

/// Takes up the network kept under that path. `false` when none is kept, or one of another shape.
///
/// # Errors
/// One sentence when the file is there and cannot be used.
pub(super) fn take_up(path: &Path, net: &Net) -> Result<bool, EngineError> {
    if !path.is_file() {
        return Ok(false);
    }
    let saved = read(path)?;
    // The target's own batch normalisation is copied from the source's later.
    let pairs: Option<Vec<(Tensor, &Tensor)>> = of_source(net)
        .into_iter()
        .map(|(name, variable)| Some((variable, saved.get(&name)?)))
        .map(|pair| pair.filter(|(variable, saved)| variable.size() == saved.size()))
        .collect();
    let Some(pairs) = pairs else { return Ok(false) };
    if !all_finite(pairs.iter().map(|(_, saved)| *saved))? {
        return Err(EngineError::Refused(format!("{} holds values that are not finite", path.display())));
    }
    let _guard = tch::no_grad_guard();
    for (mut variable, saved) in pairs {
        variable.f_copy_(saved)?;
    }
    Ok(true)
}

/// Keeps the network under that path.
///
/// # Errors
/// When it is not finite, or the disk refuses.
pub(super) fn keep(path: &Path, net: &Net) -> Result<(), EngineError> {
    let tensors = of_source(net);
    if !all_finite(tensors.iter().map(|(_, t)| t))? {
        return Err(EngineError::Diverged("the network holds values that are not finite".to_owned()));
    }
    // What killed runs left there; a file is written in far less than an hour.
    if let Some(folder) = path.parent().filter(|folder| folder.is_dir())
        && let Err(error) = sweep_litter(folder, 0, Duration::from_secs(3600))
    {
        tracing::debug!(%error, "temporary files of earlier runs stay");
    }
    write_atomically(path, &tensors).map(|_| ())
}

fn of_source(net: &Net) -> NamedTensors {
    net.named_variables().into_iter().filter(|(name, _)| !name.contains(".target.")).collect()
}

/// Names, identities and sizes of the training images: a changed file nearly always changes its size.
fn fingerprint(dataset: &Dataset, hash: &mut Fnv) {
    for sample in &dataset.train {
        let name = sample.path.strip_prefix(&dataset.root).unwrap_or(&sample.path);
        hash.eat_field(name.as_os_str().as_encoded_bytes());
        hash.eat_field(&sample.pid.to_le_bytes());
        hash.eat_field(&std::fs::metadata(&sample.path).map_or(0, |m| m.len()).to_le_bytes());
    }
}

fn eat_file(path: &Path, hash: &mut Fnv) {
    let meta = std::fs::metadata(path);
    hash.eat_field(&meta.as_ref().map_or(0, std::fs::Metadata::len).to_le_bytes());
    let modified = meta.ok().and_then(|m| m.modified().ok()).and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
    hash.eat_field(&modified.map_or(0, |d| d.as_nanos()).to_le_bytes());
}
