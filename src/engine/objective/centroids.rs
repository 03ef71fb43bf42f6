//! Cross-entropy over a classifier that each epoch makes anew from the cluster centres: the baseline without memory.

use tch::{Device, Tensor};

use super::{NewEpoch, Objective, TargetBatch};
use crate::engine::checkpoint::{Checkpoint, NamedTensors};
use crate::engine::error::EngineError;
use crate::method::params::Params;
use crate::model::head::Classifier;
use crate::model::losses::cross_entropy_smooth;
use crate::model::memory::class_means;
use crate::model::net::Output;

/// One row of a linear classifier a cluster.
pub struct Centroids(Classifier);

impl Centroids {
    pub fn begin(epoch: &NewEpoch) -> Result<Self, EngineError> {
        let classes = epoch.labels.iter().max().map_or(0, |&m| m + 1).max(0);
        let means = class_means(&epoch.features, &epoch.labels, classes, true)?;
        Ok(Self(Classifier::from_centroids(&means)?))
    }

    pub fn restore(checkpoint: &mut Checkpoint, labels: &[i32], dim: i64, device: Device) -> Result<Self, EngineError> {
        let Some(weight) = checkpoint.tensors.remove("classifier.weight") else {
            return Err(checkpoint.damaged("it has no classifier, which adaptation without memory needs"));
        };
        let classes = labels.iter().max().map_or(0, |&m| i64::from(m) + 1).max(0);
        let rows = match weight.size()[..] {
            // An epoch without a class keeps the classifier of the one before.
            [rows, d] if rows >= classes && d == dim => rows,
            ref size => {
                let what = format!("its classifier is {size:?}, [{classes}, {dim}] was expected");
                return Err(checkpoint.damaged(what));
            }
        };
        let mut head = Classifier::new(dim, rows, device, 0)?;
        head.set_weight(&weight)?;
        Ok(Self(head))
    }
}

impl Objective for Centroids {
    fn begin_epoch(&mut self, epoch: &NewEpoch, _: &Params) -> Result<(), EngineError> {
        *self = Self::begin(epoch)?;
        Ok(())
    }

    fn target_loss(&self, out: &Output, batch: &TargetBatch, params: &Params) -> Result<Tensor, EngineError> {
        Ok(cross_entropy_smooth(&self.0.logits(&out.bn)?, batch.labels, params.pretrain.smoothing)?)
    }

    fn parameters(&self) -> NamedTensors {
        self.0.parameters()
    }

    fn tensors(&self) -> Result<NamedTensors, EngineError> {
        Ok(self.0.parameters())
    }
}
