//! Weights in and out: safetensors, and the files of `torch.save`.
//!
//! A `torch.save` file holds a pickle, which in Python may run anything. Here [`pickle`] interprets it as inert
//! data: a name of a Python function that is not among the few that describe a tensor is kept as a name and never
//! called, because there is nothing to call.

mod file;
pub mod names;
pub mod pickle;
mod torch_file;
mod value;
mod zip;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tch::{Device, Tensor};

use super::error::{ModelError, Result};
use super::net::Net;
use crate::base::fs::Staged;
pub use file::WeightsFile;

/// What loading did; names are the network's for `loaded` and `missing`, the file's for `unexpected`.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct LoadReport {
    /// Tensors taken over.
    #[serde(rename = "matched")]
    pub loaded: Vec<String>,
    /// Tensors of the network that the file does not have; they keep their values.
    pub missing: Vec<String>,
    /// Tensors of the file that the network does not have.
    pub unexpected: Vec<String>,
    /// Whose names the file uses.
    pub habit: String,
    /// What stands there before the backbone's names.
    pub prefix: String,
    /// What the user should know, a sentence each.
    pub notes: Vec<String>,
    /// Whether a ReLU follows the stem of the file's network.
    pub stem_relu: bool,
    /// The power by which the file's network pools, where it is learned (GeM).
    pub gem: Option<f64>,
}

impl LoadReport {
    /// Whether every tensor of the network came from the file, and every tensor of the file was used.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty()
    }

    /// Whether the attention blocks of the network are not in the file.
    pub fn lacks_attention(&self) -> bool {
        self.missing.iter().any(|n| is_attention(n))
    }

    /// One line for a notice: counts, and the first names of what did not fit.
    pub fn summary(&self) -> String {
        let list = |what: &str, names: &[String]| match names.len() {
            0 => String::new(),
            n => format!("; {n} {what} ({})", first_three(names)),
        };
        format!(
            "{} tensors loaded{}{}",
            self.loaded.len(),
            list("missing", &self.missing),
            list("unexpected", &self.unexpected),
        )
    }
}

fn first_three(names: &[String]) -> String {
    let more = if names.len() > 3 { ", …" } else { "" };
    format!("{}{more}", names.iter().take(3).cloned().collect::<Vec<_>>().join(", "))
}

fn is_attention(name: &str) -> bool {
    name.starts_with("att_in.") || name.starts_with("att_out.")
}

/// Whether the network works without a trained tensor of that name: its attention blocks begin anew, and its last
/// batch normalisation then changes nothing.
fn is_optional(name: &str) -> bool {
    is_attention(name) || name.starts_with("feat_bn.") || name == "gap.p"
}

/// Every tensor of a weights file by name: safetensors, or a `.pth`/`.pt` of `torch.save` (old and new form), told
/// apart by content. Of dictionaries in dictionaries the one with the most tensors counts; a prefix that all names
/// have is dropped.
///
/// # Errors
/// When the file cannot be read or holds no tensors by name.
pub fn read(path: &Path) -> Result<BTreeMap<String, Tensor>> {
    let file = WeightsFile::open(path)?;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    file.given().iter().for_each(|g| *counts.entry(&g.name[..g.dict]).or_default() += 1);
    let dict = counts.iter().max_by_key(|(_, n)| **n).map_or("", |(d, _)| d).to_owned();
    let all = file.all()?;
    Ok(strip_prefixes(all.into_iter().filter_map(|(n, t)| Some((n.strip_prefix(&dict)?.to_owned(), t))).collect()))
}

/// As [`read`], names as they stand in the file: for checkpoints.
///
/// # Errors
/// As [`read`].
pub fn read_tensors(path: &Path) -> Result<BTreeMap<String, Tensor>> {
    WeightsFile::open(path)?.all()
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

/// Takes over what the file and the network have in common, in place; see [`names`] for whose names are understood.
///
/// The backbone must be covered whole, in both directions: a network of which a part stays random, and a file of
/// which a part of the backbone is not used, give features that are wrong without looking so.
///
/// With two domains and a file that knows only one, the target's batch normalisation is copied from the source's
/// and then no longer counts as missing.
///
/// # Errors
/// When the file does not cover the backbone, or libtorch fails.
pub fn apply(net: &mut Net, file: &WeightsFile) -> Result<LoadReport> {
    let _guard = tch::no_grad_guard();
    let wrong = |reason: String| ModelError::Weights { path: file.path().to_owned(), reason };
    let domains = net.spec().domains;
    let plan = file.plan(domains)?;
    let one_domain = domains > 1 && !plan.pairs.keys().any(|k| k.contains(".target."));
    let ours = net.spec().backbone.name();
    let hint = match plan.body {
        Some(body) if body != ours => format!(
            "; the file holds a {body}, this network is a {ours}{}",
            match body {
                "resnet50" | "resnet50-ibn" | "resnet34" | "resnet18" | "resnet50-lite" =>
                    format!(": set backbone={body}"),
                _ => String::new(),
            }
        ),
        _ => String::new(),
    };
    let variables = net.named_variables();
    let shape = |name: &str| plan.pairs.get(name).map(|&at| &file.given()[at].shape);
    let in_file = plan.pairs.keys().find(|n| n.contains(".bn1.IN."));
    if let Some(name) = in_file.filter(|n| variables.iter().all(|(own, _)| own != *n)) {
        let name = &file.given()[plan.pairs[name]].name;
        return Err(wrong(format!("it is a ResNet with instance normalisation (IBN-a, `{name}`), not a {ours}{hint}")));
    }
    let differs = variables.iter().find(|(n, t)| shape(n).is_some_and(|s| *s != t.size()));
    if let Some((name, t)) = differs {
        let there = shape(name).cloned().unwrap_or_default();
        return Err(wrong(format!("`{name}` is {there:?} in the file and {:?} here{hint}", t.size())));
    }
    let known: BTreeSet<&str> = variables.iter().map(|(n, _)| n.as_str()).collect();
    let stray: Vec<String> = plan.pairs.keys().filter(|n| !known.contains(n.as_str())).cloned().collect();
    let (stray_attention, stray): (Vec<String>, Vec<String>) = stray.into_iter().partition(|n| is_attention(n));
    if !stray.is_empty() {
        let (n, first) = (stray.len(), first_three(&stray));
        return Err(wrong(format!("{n} tensors of its backbone have no place in this network ({first}){hint}")));
    }
    let missing: Vec<String> = variables
        .iter()
        .map(|(n, _)| n.clone())
        .filter(|n| !(plan.pairs.contains_key(n) || one_domain && n.contains(".target.")))
        .collect();
    let uncovered: Vec<String> = missing.iter().filter(|n| !is_optional(n)).cloned().collect();
    if !uncovered.is_empty() {
        let (n, of, first) = (uncovered.len(), variables.len(), first_three(&uncovered));
        return Err(wrong(format!("it lacks {n} of the {of} tensors of this network ({first}){hint}")));
    }
    let mut report = LoadReport {
        missing,
        unexpected: plan.unexpected,
        habit: plan.habit,
        prefix: plan.prefix,
        notes: plan.notes,
        stem_relu: plan.stem_relu,
        gem: plan
            .gem
            .map(|at| -> Result<f64> { Ok(file.tensor(at)?.f_mean(tch::Kind::Double)?.f_double_value(&[])?) })
            .transpose()?,
        ..LoadReport::default()
    };
    if let Some(p) = report.gem {
        report.missing.retain(|name| name != "gap.p");
        report.notes.push(format!("it pools by a learned power (GeM, p = {p:.3})"));
    }
    if !stray_attention.is_empty() {
        report
            .notes
            .push("it has attention blocks, which this network leaves out: attention.enabled is off".to_owned());
        report.unexpected.extend(stray_attention);
    }
    for (name, mut target) in variables {
        if let Some(&at) = plan.pairs.get(&name) {
            target.f_copy_(&file.tensor(at)?)?;
            report.loaded.push(name);
        }
    }
    if one_domain {
        net.copy_domain(0, 1)?;
    }
    net.set_variant(report.stem_relu, report.gem);
    Ok(report)
}

/// Loads a weights file into the network by name: [`WeightsFile::open`] and [`apply`].
///
/// # Errors
/// As those.
pub fn load(net: &mut Net, path: &Path) -> Result<LoadReport> {
    apply(net, &WeightsFile::open(path)?)
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
    let staged = Staged::beside(path).map_err(io)?;
    Tensor::write_safetensors(&dense, staged.path())
        .map_err(|e| ModelError::Weights { path: path.to_owned(), reason: format!("cannot be written: {e}") })?;
    staged.keep().map_err(io)?;
    Ok(())
}

/// Writes the network under another program's names; of two domains the target's batch normalisation. Returns the
/// names of tensors that have no place there: those of attention blocks, which are written all the same.
///
/// # Errors
/// When the file cannot be written.
pub fn export(net: &Net, path: &Path, style: names::Style) -> Result<Vec<String>> {
    let two = net.spec().domains > 1;
    let variables = net.named_variables();
    let known: BTreeSet<&str> = variables.iter().map(|(n, _)| n.as_str()).collect();
    let target = |name: &str| name.rsplit_once('.').map(|(stem, last)| format!("{stem}.target.{last}"));
    let of_source = |name: &str| two && target(name).is_some_and(|t| known.contains(t.as_str()));
    let kept = variables.iter().filter(|(n, _)| !of_source(n));
    let named: Vec<(String, Tensor)> =
        kept.map(|(n, t)| (style.name(&n.replace(".target.", ".")), t.shallow_clone())).collect();
    write_safetensors(path, &named)?;
    Ok(named.into_iter().map(|(n, _)| n).filter(|n| n.contains("att_in.") || n.contains("att_out.")).collect())
}
