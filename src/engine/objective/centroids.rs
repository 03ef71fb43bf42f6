//! Cross-entropy over a classifier that each epoch makes anew from the cluster centres: the baseline without memory.

use super::{NamedLosses, NewEpoch, Objective, ObjectiveShape, StepImages};
use crate::engine::checkpoint::{Checkpoint, NamedTensors};
use crate::engine::error::EngineError;
use crate::method::labels::classes;
use crate::method::params::Params;
use crate::model::head::Classifier;
use crate::model::losses::cross_entropy_smooth;
use crate::model::memory::class_means;

/// One row of a linear classifier a cluster.
pub struct Centroids(Classifier);

impl Centroids {
    pub fn begin(epoch: &NewEpoch) -> Result<Self, EngineError> {
        let clusters = classes(&epoch.labels);
        let means = class_means(&epoch.features, &epoch.labels, clusters, true)?;
        Ok(Self(Classifier::from_centroids(&means)?))
    }

    pub fn restore(checkpoint: &mut Checkpoint, labels: &[i32], shape: &ObjectiveShape) -> Result<Self, EngineError> {
        Ok(Self(kept(checkpoint, classes(labels), shape)?))
    }
}

/// The checkpoint's classifier, which has `classes` rows at least: an epoch without a class keeps that of the one before.
pub(super) fn kept(
    checkpoint: &mut Checkpoint,
    classes: i64,
    shape: &ObjectiveShape,
) -> Result<Classifier, EngineError> {
    let Some(weight) = checkpoint.tensors.remove("classifier.weight") else {
        return Err(checkpoint.damaged("it has no classifier, which adaptation without memory needs"));
    };
    let rows = match weight.size()[..] {
        [rows, d] if rows >= classes && d == shape.dim => rows,
        ref size => {
            let what = format!("its classifier is {size:?}, [{classes}, {}] was expected", shape.dim);
            return Err(checkpoint.damaged(what));
        }
    };
    let mut head = Classifier::new(shape.dim, rows, shape.device, 0)?;
    head.set_weight(&weight)?;
    Ok(head)
}

impl Objective for Centroids {
    fn begin_epoch(&mut self, epoch: &NewEpoch, _: &Params) -> Result<(), EngineError> {
        *self = Self::begin(epoch)?;
        Ok(())
    }

    fn losses(&self, batch: &StepImages, params: &Params) -> Result<NamedLosses, EngineError> {
        let logits = self.0.logits(&batch.target.bn)?;
        Ok(vec![("target", cross_entropy_smooth(&logits, batch.labels, params.pretrain.smoothing)?)])
    }

    fn parameters(&self) -> NamedTensors {
        self.0.parameters()
    }

    fn tensors(&self) -> Result<NamedTensors, EngineError> {
        Ok(self.0.parameters())
    }
}
