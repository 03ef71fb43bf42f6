//! Everything a run needs to go on where it stopped, in one file that is there whole or not at all.
//!
//! A safetensors file: the network under PyTorch's names behind `net.`, the optimiser's moments, the memory
//! bank, the labels of the epoch, and the plain values as JSON in the byte tensor `state`. The order of images
//! and their augmentation follow from seed and epoch (see [`super::seeds`]), so no generator is stored.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

use super::error::EngineError;
use super::event::{Event, Phase};
use super::session::Session;
use super::settings::Settings;
use super::worker::Link;
use crate::method::params::{Params, Value};
use crate::model::head::Classifier;
use crate::model::memory::HybridMemory;
use crate::model::net::Net;
use crate::model::optim::Adam;
use crate::run::error::RunError;
use crate::run::folder::checkpoints_dir;

/// Tensors by name, in no particular order.
pub(super) type NamedTensors = Vec<(String, Tensor)>;

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

/// The plain values of a checkpoint.
#[derive(Serialize, Deserialize)]
struct Plain {
    position: Position,
    params: Params,
    pending: Vec<(String, Value)>,
    threshold: Option<f64>,
    best_map: Option<f64>,
}

/// The newest checkpoint of a run.
pub fn last(run: &Path) -> PathBuf {
    checkpoints_dir(run).join("last.safetensors")
}

impl Session {
    /// Writes `checkpoints/last.safetensors` and says so.
    ///
    /// # Errors
    /// When the disk refuses; the checkpoint before is then untouched.
    pub(super) fn write_checkpoint(&mut self, link: &mut Link) -> Result<(), EngineError> {
        let path = last(&self.folder);
        let bytes = self.save_to(&path)?;
        let file = "checkpoints/last.safetensors".to_owned();
        Ok(link.outbox.emit(Event::Checkpoint { file, epoch: self.epoch(), bytes })?)
    }

    /// Keeps a copy of the last checkpoint's content under another name.
    pub(super) fn keep_checkpoint(&mut self, name: &str) -> Result<(), EngineError> {
        self.save_to(&checkpoints_dir(&self.folder).join(name)).map(|_| ())
    }

    fn save_to(&self, path: &Path) -> Result<u64, EngineError> {
        let _guard = tch::no_grad_guard();
        let plain = Plain {
            position: self.position,
            params: self.params().clone(),
            pending: self.settings.pending().to_vec(),
            threshold: self.threshold,
            best_map: self.best_map,
        };
        let json = serde_json::to_vec(&plain).map_err(|e| RunError::damaged(path, e))?;
        let mut tensors = vec![("state".to_owned(), Tensor::from_slice(&json))];
        tensors.extend(self.net.named_variables().into_iter().map(|(name, t)| (format!("net.{name}"), t)));
        tensors.extend(self.head.iter().flat_map(Classifier::parameters));
        if let Some(memory) = &self.memory {
            tensors.extend(memory.state()?.into_iter().map(|(name, t)| (format!("memory.{name}"), t)));
        }
        if let Some(adam) = &self.adam {
            tensors.extend(adam.state()?.into_iter().map(|(name, t)| (format!("adam.{name}"), t)));
        }
        if !self.labels.is_empty() {
            tensors.push(("labels".to_owned(), Tensor::from_slice(&self.labels)));
        }
        write_atomically(path, &tensors)
    }

    /// Takes up a checkpoint.
    ///
    /// # Errors
    /// When the file is missing, damaged, or of another network.
    pub(super) fn restore(&mut self, path: &Path) -> Result<(), EngineError> {
        let mut tensors = read(path)?;
        let plain = plain(&mut tensors, path)?;
        fill(&self.net, take_prefixed(&mut tensors, "net."), path)?;
        self.head = match tensors.remove("classifier.weight") {
            Some(weight) => {
                let (classes, dim) = weight.size2()?;
                let mut head = Classifier::new(dim, classes, self.device, 0)?;
                head.set_weight(&weight)?;
                Some(head)
            }
            None => None,
        };
        let memory = take_prefixed(&mut tensors, "memory.");
        self.memory = if memory.is_empty() { None } else { Some(HybridMemory::from_state(&memory, self.device)?) };
        self.labels = match tensors.remove("labels") {
            Some(t) => {
                Vec::<i32>::try_from(t.view([-1])).map_err(|_| RunError::damaged(path, "its `labels` are not i32"))?
            }
            None => Vec::new(),
        };
        self.settings = Settings::new(plain.params);
        for (key, value) in &plain.pending {
            // A key that no longer exists in a newer program does not keep a run from going on.
            if let Err(reason) = self.settings.request(key, value) {
                tracing::warn!("{reason}");
            }
        }
        (self.position, self.threshold, self.best_map) = (plain.position, plain.threshold, plain.best_map);
        let moments = take_prefixed(&mut tensors, "adam.");
        if !moments.is_empty() {
            let mut adam = self.new_adam()?;
            adam.load_state(&moments)?;
            self.adam = Some(adam);
        }
        Ok(())
    }

    /// An optimiser over the network and the classifier, if there is one.
    pub(super) fn new_adam(&self) -> Result<Adam, EngineError> {
        let mut parameters = self.net.parameters();
        parameters.extend(self.head.iter().flat_map(Classifier::parameters));
        Ok(Adam::new(parameters, 0.0, self.params().optim.weight_decay)?)
    }
}

/// The plain values of a checkpoint's tensors.
fn plain(tensors: &mut HashMap<String, Tensor>, path: &Path) -> Result<Plain, EngineError> {
    let damaged = |what: String| EngineError::Run(RunError::damaged(path, what));
    let state =
        tensors.remove("state").ok_or_else(|| damaged("it holds no `state`, so it is not a checkpoint".to_owned()))?;
    let json =
        Vec::<u8>::try_from(state.view([-1])).map_err(|_| damaged("its `state` is not a byte tensor".to_owned()))?;
    serde_json::from_slice(&json).map_err(|e| damaged(format!("its `state` cannot be read ({e})")))
}

/// The parameters and network tensors of a checkpoint; `None` when the file is not a checkpoint.
pub(super) fn read_network(path: &Path) -> Result<Option<(Params, NamedTensors)>, EngineError> {
    if path.extension().is_none_or(|e| e != "safetensors") {
        return Ok(None);
    }
    let mut tensors = read(path)?;
    if !tensors.contains_key("state") {
        return Ok(None);
    }
    let plain = plain(&mut tensors, path)?;
    Ok(Some((plain.params, take_prefixed(&mut tensors, "net."))))
}

/// Copies tensors by name into a network; all of them must be there.
pub(super) fn fill(net: &Net, tensors: Vec<(String, Tensor)>, path: &Path) -> Result<(), EngineError> {
    let _guard = tch::no_grad_guard();
    let mut tensors: HashMap<String, Tensor> = tensors.into_iter().collect();
    for (name, mut variable) in net.named_variables() {
        let saved = tensors.remove(&name).filter(|t| t.size() == variable.size());
        let saved =
            saved.ok_or_else(|| RunError::damaged(path, format!("it has no `{name}` of the network's shape")))?;
        variable.f_copy_(&saved)?;
    }
    Ok(())
}

/// Removes the tensors whose names begin with `prefix`, and cuts it off.
fn take_prefixed(tensors: &mut HashMap<String, Tensor>, prefix: &str) -> Vec<(String, Tensor)> {
    let names: Vec<String> = tensors.keys().filter(|name| name.starts_with(prefix)).cloned().collect();
    names.into_iter().filter_map(|name| Some((name[prefix.len()..].to_owned(), tensors.remove(&name)?))).collect()
}

/// All tensors of a safetensors file, by name.
pub(super) fn read(path: &Path) -> Result<HashMap<String, Tensor>, EngineError> {
    if !path.is_file() {
        return Err(EngineError::Refused(format!(
            "{} is not there, so there is nothing to go on from; start the run anew",
            path.display()
        )));
    }
    let tensors = Tensor::read_safetensors(path).map_err(|e| {
        RunError::damaged(path, format!("it is not a whole safetensors file ({})", first_line(&e.to_string())))
    })?;
    Ok(tensors.into_iter().map(|(name, t)| (name, t.to_device(Device::Cpu))).collect())
}

/// Writes beside the target, puts it on the disk, renames it. Returns its size.
pub(super) fn write_atomically(path: &Path, tensors: &[(String, Tensor)]) -> Result<u64, EngineError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir).map_err(RunError::io("create", dir))?;
    let temporary = path.with_extension("tmp");
    // Convolutions may lie channels-last in memory; the file format knows row-major only.
    let tensors: Vec<(&str, Tensor)> = tensors.iter().map(|(name, t)| (name.as_str(), t.contiguous())).collect();
    let written = Tensor::write_safetensors(&tensors, &temporary).map_err(EngineError::from).and_then(|()| {
        let file = File::open(&temporary).map_err(RunError::io("open", &temporary))?;
        file.sync_all().map_err(RunError::io("write", &temporary))?;
        let bytes = file.metadata().map_err(RunError::io("read", &temporary))?.len();
        std::fs::rename(&temporary, path).map_err(RunError::io("write", path))?;
        Ok(bytes)
    });
    if written.is_err() {
        // Half a checkpoint is worth nothing, and the disk may be full.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text)
}
