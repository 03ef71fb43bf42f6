//! Everything a run needs to go on where it stopped, in one file that is there whole or not at all.
//!
//! A safetensors file: the network under PyTorch's names behind `net.`, the optimiser's moments, the memory
//! bank, the labels of the epoch, and the plain values as JSON in the byte tensor `state`. The order of images
//! and their augmentation follow from seed and epoch (see [`super::seeds`]), so no generator is stored.
//!
//! A file may be damaged, or may come from somebody else: what is read passes through the same checks as what a
//! user types, and is bounded by them before anything is made of it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tch::{Device, Tensor};

use super::error::EngineError;
use super::event::Phase;
use crate::base::fs::Staged;
use crate::base::tensors::{Archive, TensorError};
use crate::method::params::{Params, Value, table};
use crate::model::net::{Net, all_finite};
use crate::run::checkpoints::{LAST, path_of};
use crate::run::error::RunError;

/// Tensors by name, in no particular order.
pub(super) type NamedTensors = Vec<(String, Tensor)>;

/// More iterations than the largest run can have.
const MOST_STEPS: u64 = 2 * 1000 * 10_000;
/// More epochs than a run can have.
const MOST_EPOCHS: usize = 1000;

/// What comes next within an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Next {
    /// Extraction and clustering.
    Cluster,
    /// The iteration `iter`.
    Train,
    /// Evaluation.
    Evaluate,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Pre-training or adaptation.
    pub phase: Phase,
    /// Epoch of that phase, from 0; those before it are done.
    pub epoch: usize,
    /// Iterations of this epoch that are done.
    pub iter: usize,
    /// What comes next in this epoch.
    pub next: Next,
    /// Iterations done since the run began.
    pub step: u64,
}

impl Default for Position {
    fn default() -> Self {
        Self { phase: Phase::Pretrain, epoch: 0, iter: 0, next: Next::Train, step: 0 }
    }
}

impl Position {
    /// Adaptation epochs whose training is done.
    pub fn epochs_done(&self) -> usize {
        match (self.phase, self.next) {
            (Phase::Pretrain, _) => 0,
            (Phase::Adapt, Next::Evaluate) => self.epoch + 1,
            (Phase::Adapt, Next::Cluster | Next::Train) => self.epoch,
        }
    }

    /// Whether a run of these parameters can stand here.
    fn check(&self, params: &Params) -> Result<(), String> {
        let (epochs, iters) = match self.phase {
            Phase::Pretrain => (params.pretrain.epochs, params.pretrain.iters),
            // The number of epochs may have been lowered on the way.
            Phase::Adapt => (MOST_EPOCHS, params.adapt.iters),
        };
        let fits = self.epoch <= epochs
            && self.iter <= iters
            && self.step <= MOST_STEPS
            && (self.phase == Phase::Adapt || self.next == Next::Train);
        if fits {
            return Ok(());
        }
        Err(format!("no run of {epochs} epochs with {iters} iterations can stand at {self:?}"))
    }
}

/// The plain values of a checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Plain {
    /// Where the run stands.
    pub position: Position,
    /// The parameters that count now.
    pub params: Params,
    /// Changes that wait for their moment.
    pub pending: Vec<(String, Value)>,
    /// The threshold that the rule `quantile` found in the first epoch.
    pub threshold: Option<f64>,
    /// Best mAP on the target's test set so far.
    pub best_map: Option<f64>,
    /// Best silhouette of a clustering so far: needs no truth.
    #[serde(default)]
    pub best_score: Option<f64>,
    /// The name under which the pre-trained network may be kept for later runs.
    #[serde(default)]
    pub kept_as: Option<String>,
    /// What another version of this program wrote, by its place: kept as it is.
    #[serde(skip)]
    pub unknown: Vec<(String, Json)>,
}

/// A checkpoint as a value.
pub(super) struct Checkpoint {
    /// Where the run stands, and its parameters.
    pub plain: Plain,
    /// By name: `net.…`, `adam.…`, `memory.…`, `classifier.weight`, `labels`.
    pub tensors: HashMap<String, Tensor>,
    /// Where it was read from, for messages.
    path: PathBuf,
}

/// The newest checkpoint of a run.
pub fn last(run: &Path) -> PathBuf {
    path_of(run, LAST)
}

impl Checkpoint {
    /// A checkpoint of these values.
    pub fn new(plain: Plain, tensors: NamedTensors) -> Self {
        Self { plain, tensors: tensors.into_iter().collect(), path: PathBuf::new() }
    }

    /// The same with tensors of its own, which training does not change.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn own(mut self) -> Result<Self, EngineError> {
        let _guard = tch::no_grad_guard();
        for t in self.tensors.values_mut() {
            *t = t.f_detach()?.f_to_device_(Device::Cpu, t.f_kind()?, false, true)?;
        }
        Ok(self)
    }

    /// Reads a checkpoint; `None` when the file is a safetensors file of another kind.
    ///
    /// # Errors
    /// When the file is not there, damaged, or says what cannot be.
    pub fn read(path: &Path) -> Result<Option<Self>, EngineError> {
        // The header tells, and is bounded: a file of another kind is not read.
        if !header(path)?.has("state") {
            return Ok(None);
        }
        let mut tensors = read(path)?;
        let Some(state) = tensors.remove("state") else { return Ok(None) };
        let damaged = |what: String| EngineError::Run(RunError::damaged(path, what));
        let json = Vec::<u8>::try_from(state.f_view([-1])?)
            .map_err(|_| damaged("its `state` is not a byte tensor".to_owned()))?;
        let unread = |e: serde_json::Error| damaged(format!("its `state` cannot be read ({e})"));
        let mut plain: Plain = serde_json::from_slice(&json).map_err(unread)?;
        let known = serde_json::to_value(&plain).map_err(unread)?;
        unknown(&serde_json::from_slice(&json).map_err(unread)?, &known, "", &mut plain.unknown);
        check(&plain).map_err(damaged)?;
        Ok(Some(Self { plain, tensors, path: path.to_owned() }))
    }

    /// Writes it, whole or not at all. Returns the bytes of the file.
    ///
    /// # Errors
    /// When the disk refuses; the file before is then untouched.
    pub fn write(&self, path: &Path) -> Result<u64, EngineError> {
        let mut json = serde_json::to_value(&self.plain).map_err(|e| RunError::damaged(path, e))?;
        self.plain.unknown.iter().for_each(|(place, value)| put(&mut json, place, value));
        let json = serde_json::to_vec(&json).map_err(|e| RunError::damaged(path, e))?;
        let mut tensors = vec![("state".to_owned(), Tensor::f_from_slice(&json)?)];
        tensors.extend(self.tensors.iter().map(|(name, t)| (name.clone(), t.shallow_clone())));
        // A map's order is not the same twice; a file's is.
        tensors.sort_by(|a, b| a.0.cmp(&b.0));
        write_atomically(path, &tensors)
    }

    /// Removes the tensors whose names begin with `prefix`, and cuts it off.
    pub fn take(&mut self, prefix: &str) -> NamedTensors {
        let names: Vec<String> = self.tensors.keys().filter(|name| name.starts_with(prefix)).cloned().collect();
        let cut = |name: String| Some((name[prefix.len()..].to_owned(), self.tensors.remove(&name)?));
        names.into_iter().filter_map(cut).collect()
    }

    /// The labels of the epoch, `[N]`, each −1 or below N; empty when there are none.
    ///
    /// # Errors
    /// When they are not of `n` images.
    pub fn take_labels(&mut self, n: usize) -> Result<Vec<i32>, EngineError> {
        let Some(tensor) = self.tensors.remove("labels") else { return Ok(Vec::new()) };
        let labels =
            Vec::<i32>::try_from(tensor.f_view([-1])?).map_err(|_| self.damaged("its `labels` are not i32"))?;
        if labels.len() != n {
            return Err(self.damaged(format!("it has labels of {} images, the target has {n}", labels.len())));
        }
        match labels.iter().find(|&&l| l < -1 || l >= n as i32) {
            Some(bad) => Err(self.damaged(format!("its label {bad} is none of {n} images"))),
            None => Ok(labels),
        }
    }

    /// Copies the network's tensors into a network; all of them must be there and finite.
    ///
    /// # Errors
    /// When one is missing, of another shape, or not finite.
    pub fn fill(&mut self, net: &Net) -> Result<(), EngineError> {
        let tensors = self.take("net.");
        if !all_finite(tensors.iter().map(|(_, t)| t))? {
            return Err(self.damaged("its network holds values that are not finite: its training had diverged"));
        }
        let _guard = tch::no_grad_guard();
        let mut tensors: HashMap<String, Tensor> = tensors.into_iter().collect();
        for (name, mut variable) in net.named_variables() {
            let saved = tensors.remove(&name).filter(|t| t.size() == variable.size());
            let saved = saved.ok_or_else(|| self.damaged(format!("it has no `{name}` of the network's shape")))?;
            variable.f_copy_(&saved)?;
        }
        Ok(())
    }

    /// The error for content that cannot be used.
    pub fn damaged(&self, what: impl std::fmt::Display) -> EngineError {
        EngineError::Run(RunError::damaged(&self.path, what))
    }
}

/// What a checkpoint says passes through the same checks as what a user types.
fn check(plain: &Plain) -> Result<(), String> {
    for row in table::ROWS {
        row.check(&(row.get)(&plain.params)).map_err(|e| e.to_string())?;
    }
    if let Some(problem) = plain.params.problems().first() {
        return Err(format!("{}: {}", problem.key, problem.message));
    }
    plain.position.check(&plain.params)?;
    let share = |x: &Option<f64>| x.is_none_or(|x| (0.0..=1.0).contains(&x));
    if !share(&plain.threshold) || !share(&plain.best_map) {
        return Err("its threshold or best mAP is not a share".to_owned());
    }
    if plain.best_score.is_some_and(|s| !(-1.0..=1.0).contains(&s)) {
        return Err("its best silhouette is none".to_owned());
    }
    Ok(())
}

/// What of `read` is not in `known`, by its place: `params.adapt.momentum`.
fn unknown(read: &Json, known: &Json, place: &str, found: &mut Vec<(String, Json)>) {
    let (Json::Object(read), Json::Object(known)) = (read, known) else { return };
    for (key, value) in read {
        let place = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
        match known.get(key) {
            Some(known) => unknown(value, known, &place, found),
            None => found.push((place, value.clone())),
        }
    }
}

/// Puts a value where it was found.
fn put(json: &mut Json, place: &str, value: &Json) {
    let mut at = json;
    for key in place.split('.') {
        let Json::Object(map) = at else { return };
        at = map.entry(key).or_insert(Json::Null);
    }
    *at = value.clone();
}

/// What a safetensors file says it holds, checked against its length.
fn header(path: &Path) -> Result<Archive, EngineError> {
    if !path.is_file() {
        let text = format!("{} is not there, so there is nothing to go on from", path.display());
        return Err(EngineError::Refused(text));
    }
    Archive::open(path).map_err(|e| match e {
        TensorError::Io { source, .. } => RunError::io("read", path)(source).into(),
        TensorError::Damaged { reason, .. } => RunError::damaged(path, reason).into(),
    })
}

/// All tensors of a safetensors file, by name, on the CPU.
pub(super) fn read(path: &Path) -> Result<HashMap<String, Tensor>, EngineError> {
    header(path)?;
    let tensors = Tensor::read_safetensors(path).map_err(|e| {
        let said = e.to_string();
        RunError::damaged(
            path,
            format!("it is not a whole safetensors file ({})", said.lines().next().unwrap_or(&said)),
        )
    })?;
    tensors.into_iter().map(|(name, t)| Ok((name, t.f_to_device(Device::Cpu)?))).collect()
}

/// Writes beside the target under a name of its own, puts it on the disk, renames it. Returns its size.
pub(super) fn write_atomically(path: &Path, tensors: &[(String, Tensor)]) -> Result<u64, EngineError> {
    let _guard = tch::no_grad_guard();
    let io = |e: std::io::Error| EngineError::from(RunError::io("write", path)(e));
    // Convolutions may lie channels-last in memory; the file format knows row-major only.
    let tensors: Vec<(&str, Tensor)> =
        tensors.iter().map(|(name, t)| Ok((name.as_str(), t.f_contiguous()?))).collect::<Result<_, EngineError>>()?;
    let staged = Staged::beside(path).map_err(io)?;
    Tensor::write_safetensors(&tensors, staged.path()).map_err(|e| disk(path, &e))?;
    staged.keep().map_err(io)
}

/// What the writer of safetensors says when the system refuses, in the words of the run folder.
fn disk(path: &Path, error: &tch::TchError) -> EngineError {
    let said = error.to_string();
    match said.split("code: ").nth(1).and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()) {
        Some(code) => RunError::io("write", path)(std::io::Error::from_raw_os_error(code)).into(),
        None => EngineError::Internal(said.lines().next().unwrap_or(&said).to_owned()),
    }
}
