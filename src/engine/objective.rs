//! What adaptation minimises, apart from the triplet loss: a trait, and one type for each way.

mod centroids;
mod cluster;
mod hybrid;
mod joint;

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
    /// `[C, d]` centroids of the source's identities, where they are asked for ([`wants_centroids`]) and the objective has
    /// none yet.
    pub source: Option<Tensor>,
    /// How many identities the source has.
    pub identities: i64,
    /// For what is drawn at random.
    pub seed: u64,
}

/// What the network made of the images of a step.
pub(super) struct StepImages<'a> {
    /// Of the target's images.
    pub target: &'a Output,
    /// Which images of the target.
    pub indices: &'a [u32],
    /// Their classes.
    pub labels: &'a [i64],
    /// Of the source images beside them, with their identities.
    pub source: Option<(&'a Output, &'a [i64])>,
}

/// Scalars by the name of their curve.
pub(super) type NamedLosses = Vec<(&'static str, Tensor)>;

/// What a checkpoint's objective has to fit.
pub(super) struct ObjectiveShape {
    /// Length of a feature.
    pub dim: i64,
    /// Identities of the source.
    pub identities: i64,
    /// Where it is to lie.
    pub device: Device,
}

/// A loss over the classes of an epoch, and what it remembers.
pub(super) trait Objective {
    /// Other features and classes from now on.
    fn begin_epoch(&mut self, epoch: &NewEpoch, params: &Params) -> Result<(), EngineError>;

    /// The losses of a step's target images and of the source images beside them, by name; the step minimises their
    /// sum.
    fn losses(&self, batch: &StepImages, params: &Params) -> Result<NamedLosses, EngineError>;

    /// What the triplet loss compares: pooled features `[B, d]` and the class of each; the target's images.
    fn compared(&self, batch: &StepImages) -> Result<(Tensor, Vec<i64>), EngineError> {
        Ok((batch.target.pooled.shallow_clone(), batch.labels.to_vec()))
    }

    /// After the optimiser's step: takes in the features that were compared.
    fn update(&mut self, batch: &StepImages, params: &Params) -> Result<(), EngineError> {
        let _ = (batch, params);
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

    /// `[K, d]` centroids of these classes (Eq. 9), where it remembers any.
    fn centroids(&self, classes: &[i64]) -> Result<Option<Tensor>, EngineError> {
        let _ = classes;
        Ok(None)
    }

    /// `[B, d]` rows that stand for the target's images of a step: those that [`Objective::update`] moves.
    fn remembered(&self, batch: &StepImages) -> Result<Option<Tensor>, EngineError> {
        let _ = batch;
        Ok(None)
    }

    /// For a checkpoint.
    fn tensors(&self) -> Result<NamedTensors, EngineError>;
}

/// Whether source images take part in the adaptation.
pub(super) fn wants_source(params: &Params) -> bool {
    params.adapt.joint
        && match params.memory.enabled {
            true => params.memory.kind == MemoryKind::Hybrid,
            false => params.classifier.joint,
        }
}

/// Whether the objective begins with centroids of the source's identities.
pub(super) fn wants_centroids(params: &Params) -> bool {
    params.memory.enabled && wants_source(params)
}

/// The objective that the parameters name, with the classes of its first epoch.
///
/// # Errors
/// When libtorch fails.
pub(super) fn begin(params: &Params, epoch: &NewEpoch) -> Result<Box<dyn Objective>, EngineError> {
    Ok(match (params.memory.enabled, params.memory.kind) {
        (false, _) if wants_source(params) => Box::new(joint::Joint::begin(epoch)?),
        (false, _) => Box::new(centroids::Centroids::begin(epoch)?),
        (true, MemoryKind::Hybrid) => Box::new(hybrid::Hybrid::begin(epoch)?),
        (true, MemoryKind::Cluster | MemoryKind::ClusterHard) => {
            Box::new(cluster::ClusterObjective::begin(params, epoch)?)
        }
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
    shape: &ObjectiveShape,
) -> Result<Box<dyn Objective>, EngineError> {
    Ok(match (params.memory.enabled, params.memory.kind) {
        (false, _) if wants_source(params) => Box::new(joint::Joint::restore(checkpoint, labels, shape)?),
        (false, _) => Box::new(centroids::Centroids::restore(checkpoint, labels, shape)?),
        (true, MemoryKind::Hybrid) => Box::new(hybrid::Hybrid::restore(checkpoint, labels, shape)?),
        (true, MemoryKind::Cluster | MemoryKind::ClusterHard) => {
            Box::new(cluster::ClusterObjective::restore(params, checkpoint, labels, shape)?)
        }
    })
}
