//! What adaptation minimises, apart from the triplet loss: a trait, and one type for each way.

mod centroids;
mod cluster;
mod hybrid;

use tch::{Device, Tensor};

use super::checkpoint::{Checkpoint, NamedTensors};
use super::error::EngineError;
use crate::method::params::{MemoryKind, Params};
use crate::model::net::Output;

/// What an epoch begins with.
pub(super) struct NewEpoch {
    /// `[N, d]` features of the target's training images, of unit length, on the device.
    pub features: Tensor,
    /// `[N]` class of each image in this epoch, from 0; −1 sits out.
    pub labels: Vec<i64>,
    /// `[C, d]` centroids of the source's identities, where they are asked for ([`wants_source`]) and the objective has
    /// none yet.
    pub source: Option<Tensor>,
}

/// The target images of a step.
pub(super) struct TargetBatch<'a> {
    /// Which images.
    pub indices: &'a [u32],
    /// Their classes.
    pub labels: &'a [i64],
}

/// A loss over the classes of an epoch, and what it remembers.
pub(super) trait Objective {
    /// Other features and classes from now on.
    fn begin_epoch(&mut self, epoch: &NewEpoch, params: &Params) -> Result<(), EngineError>;

    /// The loss of target images, the mean over the batch.
    fn target_loss(&self, out: &Output, batch: &TargetBatch, params: &Params) -> Result<Tensor, EngineError>;

    /// The loss of source images of those identities; only asked of an objective that wants source images.
    fn source_loss(&self, out: &Output, pids: &[i64], params: &Params) -> Result<Tensor, EngineError> {
        let _ = (out, pids, params);
        Err(EngineError::Internal("this objective takes no source images".to_owned()))
    }

    /// After the optimiser's step: takes in the features that were compared.
    fn update(
        &mut self,
        target: (&Output, &TargetBatch),
        source: Option<(&Output, &[i64])>,
        params: &Params,
    ) -> Result<(), EngineError> {
        let _ = (target, source, params);
        Ok(())
    }

    /// What the optimiser trains beside the network; new tensors each epoch.
    fn parameters(&self) -> NamedTensors {
        Vec::new()
    }

    /// Whether it holds centroids of the source's identities.
    fn has_source(&self) -> bool {
        false
    }

    /// `[N, d]` rows of the target's images, where it keeps one for each: what is clustered with
    /// `memory.features = "bank"`.
    fn rows(&self) -> Result<Option<Tensor>, EngineError> {
        Ok(None)
    }

    /// For a checkpoint.
    fn tensors(&self) -> Result<NamedTensors, EngineError>;
}

/// Whether source images take part in the adaptation.
pub(super) fn wants_source(params: &Params) -> bool {
    params.memory.enabled && params.memory.kind == MemoryKind::Hybrid && params.adapt.joint
}

/// The objective that the parameters name, with the classes of its first epoch.
///
/// # Errors
/// When libtorch fails.
pub(super) fn begin(params: &Params, epoch: &NewEpoch) -> Result<Box<dyn Objective>, EngineError> {
    Ok(match (params.memory.enabled, params.memory.kind) {
        (false, _) => Box::new(centroids::Centroids::begin(epoch)?),
        (true, MemoryKind::Hybrid) => Box::new(hybrid::Hybrid::begin(epoch)?),
        (true, MemoryKind::Cluster | MemoryKind::ClusterHard) => Box::new(cluster::Clusters::begin(params, epoch)?),
    })
}

/// The objective as a checkpoint of `labels` left it.
///
/// # Errors
/// When the checkpoint does not hold what the parameters ask for, or it does not fit this run.
pub(super) fn restore(
    params: &Params,
    checkpoint: &mut Checkpoint,
    labels: &[i32],
    (dim, device): (i64, Device),
) -> Result<Box<dyn Objective>, EngineError> {
    Ok(match (params.memory.enabled, params.memory.kind) {
        (false, _) => Box::new(centroids::Centroids::restore(checkpoint, labels, dim, device)?),
        (true, MemoryKind::Hybrid) => Box::new(hybrid::Hybrid::restore(checkpoint, labels, dim, device)?),
        (true, MemoryKind::Cluster | MemoryKind::ClusterHard) => {
            Box::new(cluster::Clusters::restore(params, checkpoint, labels, dim, device)?)
        }
    })
}
