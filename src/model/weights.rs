//! Weights in and out: safetensors, and the files of `torch.save`.
//!
//! A `torch.save` file holds a pickle, which in Python may run anything. Here [`pickle`] interprets it as inert
//! data: a name of a Python function that is not among the few that describe a tensor is kept as a name and never
//! called, because there is nothing to call.

pub mod pickle;
mod torch_file;
mod zip;

use std::collections::BTreeMap;
use std::path::Path;

use tch::{Device, Tensor};

use super::error::{ModelError, Result};
use super::net::Net;

/// What loading did; names are the network's for `loaded` and `missing`, the file's for `unexpected`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Tensors taken over.
    pub loaded: Vec<String>,
    /// Tensors of the network that the file does not have; they keep their values.
    pub missing: Vec<String>,
    /// Tensors of the file that the network does not have.
    pub unexpected: Vec<String>,
    /// Tensors of both, of different shapes: a sentence each.
    pub mismatched: Vec<String>,
}

impl LoadReport {
    /// Whether every tensor of the network came from the file, and every tensor of the file was used.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.mismatched.is_empty()
    }

    /// One line for a notice: counts, and the first names of what did not fit.
    pub fn summary(&self) -> String {
        let list = |what: &str, names: &[String]| match names.len() {
            0 => String::new(),
            n => {
                let more = if n > 3 { ", …" } else { "" };
                format!("; {n} {what} ({}{more})", names.iter().take(3).cloned().collect::<Vec<_>>().join(", "))
            }
        };
        format!(
            "{} tensors loaded{}{}{}",
            self.loaded.len(),
            list("missing", &self.missing),
            list("unexpected", &self.unexpected),
            list("of another shape", &self.mismatched)
        )
    }
}

/// Every tensor of a weights file by name: safetensors, or a `.pth`/`.pt` of `torch.save` (old and new form), told
/// apart by content. Wrappings such as `{"state_dict": …}` are opened, prefixes such as `module.` dropped.
///
/// # Errors
/// When the file cannot be read or holds no tensors by name.
pub fn read(path: &Path) -> Result<BTreeMap<String, Tensor>> {
    Ok(strip_prefixes(read_tensors(path)?))
}

/// As [`read`], names as they stand in the file: for checkpoints.
///
/// # Errors
/// As [`read`].
pub fn read_tensors(path: &Path) -> Result<BTreeMap<String, Tensor>> {
    let wrong = |reason: String| ModelError::Weights { path: path.to_owned(), reason };
    let bytes = std::fs::read(path).map_err(|source| ModelError::Io { path: path.to_owned(), source })?;
    let tensors: Vec<(String, Tensor)> = if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(&[0x80]) {
        torch_file::read(&bytes).map_err(wrong)?
    } else {
        read_safetensors(&bytes).map_err(|e| {
            wrong(format!(
                "neither safetensors nor a file of torch.save ({e}); a .pth, .pt or .safetensors was expected"
            ))
        })?
    };
    if tensors.is_empty() {
        return Err(wrong("it holds no tensors by name; a state_dict was expected".to_owned()));
    }
    Ok(tensors.into_iter().collect())
}

fn read_safetensors(bytes: &[u8]) -> std::result::Result<Vec<(String, Tensor)>, String> {
    let file = safetensors::SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
    file.iter().map(|(name, view)| Ok((name.to_owned(), from_view(&view)?))).collect()
}

fn from_view(view: &safetensors::tensor::TensorView) -> std::result::Result<Tensor, String> {
    use safetensors::Dtype;
    use tch::Kind;
    let kind = match view.dtype() {
        Dtype::F32 => Kind::Float,
        Dtype::F64 => Kind::Double,
        Dtype::F16 => Kind::Half,
        Dtype::BF16 => Kind::BFloat16,
        Dtype::I64 => Kind::Int64,
        Dtype::I32 => Kind::Int,
        Dtype::U8 => Kind::Uint8,
        Dtype::BOOL => Kind::Bool,
        other => return Err(format!("tensors of type {other:?} are not read")),
    };
    let size: Vec<i64> = view.shape().iter().map(|&x| x as i64).collect();
    Tensor::f_from_data_size(view.data(), &size, kind).map_err(|e| e.to_string())
}

/// Drops `module.`, `model.` or `backbone.` (what wrappers add) while every name has the same one.
fn strip_prefixes(mut tensors: BTreeMap<String, Tensor>) -> BTreeMap<String, Tensor> {
    while let Some(prefix) =
        ["module.", "model.", "backbone."].into_iter().find(|p| tensors.keys().all(|k| k.starts_with(p)))
    {
        tensors = tensors.into_iter().map(|(k, t)| (k[prefix.len()..].to_owned(), t)).collect();
    }
    tensors
}

/// Whether a name of a file says nothing to a feature extractor: counters, and the ImageNet classifier.
fn ignorable(name: &str) -> bool {
    name.ends_with("num_batches_tracked") || ["fc.", "classifier."].iter().any(|p| name.starts_with(p))
}

/// Takes over what `tensors` and the network have in common, in place.
///
/// # Errors
/// When libtorch fails.
pub fn apply(net: &mut Net, tensors: &BTreeMap<String, Tensor>) -> Result<LoadReport> {
    let _guard = tch::no_grad_guard();
    let mut report = LoadReport::default();
    for (name, mut target) in net.named_variables() {
        match tensors.get(&name) {
            None => report.missing.push(name),
            Some(t) if t.size() == target.size() => {
                target.f_copy_(t)?;
                report.loaded.push(name);
            }
            Some(t) => {
                report.mismatched.push(format!("{name} is {:?} in the file, {:?} here", t.size(), target.size()))
            }
        }
    }
    let known = net.vs.variables();
    report.unexpected = tensors.keys().filter(|n| !known.contains_key(*n) && !ignorable(n)).cloned().collect();
    Ok(report)
}

/// Loads a weights file into the network by name; see [`read`] for what is understood.
///
/// With two domains and a file that knows only one, the target's batch normalisation is copied from the source's
/// and then no longer counts as missing.
///
/// # Errors
/// When the file cannot be read, or no tensor of it fits the network.
pub fn load(net: &mut Net, path: &Path) -> Result<LoadReport> {
    let tensors = read(path)?;
    let mut report = apply(net, &tensors)?;
    if report.loaded.is_empty() {
        let example = tensors.keys().next().cloned().unwrap_or_default();
        return Err(ModelError::Weights {
            path: path.to_owned(),
            reason: format!("none of its {} tensors is one of this network (the first is `{example}`)", tensors.len()),
        });
    }
    if net.spec().domains > 1 && !tensors.keys().any(|k| k.contains(".target.")) {
        net.copy_domain(0, 1)?;
        report.missing.retain(|n| !n.contains(".target."));
    }
    Ok(report)
}

/// Writes tensors as safetensors, to a temporary file beside `path` that then takes its name.
///
/// # Errors
/// When the file cannot be written.
pub fn write_safetensors(path: &Path, tensors: &[(String, Tensor)]) -> Result<()> {
    let io = |source| ModelError::Io { path: path.to_owned(), source };
    let dense = tensors
        .iter()
        .map(|(n, t)| Ok((n.as_str(), t.f_detach()?.f_to_device(Device::Cpu)?.f_contiguous()?)))
        .collect::<Result<Vec<_>>>()?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
    Tensor::write_safetensors(&dense, file.path())
        .map_err(|e| ModelError::Weights { path: path.to_owned(), reason: format!("cannot be written: {e}") })?;
    file.as_file().sync_all().map_err(io)?;
    file.persist(path).map_err(|e| io(e.error))?;
    Ok(())
}

/// Writes the network's tensors under PyTorch's names, as [`Net::save`].
///
/// # Errors
/// When the file cannot be written.
pub fn export_safetensors(net: &Net, path: &Path) -> Result<()> {
    net.save(path)
}

/// Loads published backbone weights, as [`Net::load`].
///
/// # Errors
/// As [`load`].
pub fn load_backbone(net: &mut Net, path: &Path) -> Result<LoadReport> {
    load(net, path)
}
