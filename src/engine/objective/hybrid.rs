//! The contrastive loss against the hybrid memory, Eq. 9 and 10.

use tch::Tensor;

use super::{NamedLosses, NewEpoch, Objective, ObjectiveShape, StepImages};
use crate::engine::checkpoint::{Checkpoint, NamedTensors};
use crate::engine::error::EngineError;
use crate::method::params::{FeatureSource, Params};
use crate::model::layers::dense_copy;
use crate::model::memory::HybridMemory;
use crate::model::net::{Output, all_finite};

/// A row for each source identity and each target image.
pub struct Hybrid(HybridMemory);

impl Hybrid {
    pub fn begin(epoch: &NewEpoch) -> Result<Self, EngineError> {
        let mut memory = HybridMemory::new(epoch.source.as_ref(), &epoch.features)?;
        memory.set_labels(&epoch.labels)?;
        Ok(Self(memory))
    }

    pub fn restore(
        checkpoint: &mut Checkpoint,
        labels: &[i32],
        &ObjectiveShape { dim, device, .. }: &ObjectiveShape,
    ) -> Result<Self, EngineError> {
        let state = checkpoint.take("memory.");
        if !all_finite(state.iter().map(|(_, t)| t))? {
            return Err(checkpoint.damaged("its memory holds values that are not finite"));
        }
        let memory = HybridMemory::from_state(&state, device).map_err(|e| checkpoint.damaged(e))?;
        let (rows, d) = memory.bank().size2()?;
        let images = labels.len() as i64;
        if d != dim || rows - memory.source_classes() != images {
            let what = format!("its memory is [{rows}, {d}], which {images} images with features of {dim} are not");
            return Err(checkpoint.damaged(what));
        }
        Ok(Self(memory))
    }

    fn rows_of(&self, batch: &StepImages) -> Vec<i64> {
        batch.indices.iter().map(|&i| self.0.source_classes() + i64::from(i)).collect()
    }
}

impl Objective for Hybrid {
    fn begin_epoch(&mut self, epoch: &NewEpoch, params: &Params) -> Result<(), EngineError> {
        if params.memory.features == FeatureSource::Fresh {
            // Source rows stay as they have become.
            let classes = self.0.source_classes();
            let source = if classes > 0 { Some(dense_copy(&self.0.bank().f_narrow(0, 0, classes)?)?) } else { None };
            self.0 = HybridMemory::new(source.as_ref(), &epoch.features)?;
        }
        Ok(self.0.set_labels(&epoch.labels)?)
    }

    fn losses(&self, batch: &StepImages, params: &Params) -> Result<NamedLosses, EngineError> {
        let loss = |out: &Output, rows: &[i64]| self.0.loss(&out.feature, rows, params.temperature);
        let mut losses = vec![("target", loss(batch.target, &self.rows_of(batch))?)];
        if let Some((out, pids)) = batch.source {
            losses.push(("source", loss(out, pids)?));
        }
        Ok(losses)
    }

    fn update(&mut self, batch: &StepImages, params: &Params) -> Result<(), EngineError> {
        // Gradients were taken against the bank as it was; source and target rows are disjoint.
        if let Some((out, pids)) = batch.source {
            self.0.update(&out.feature, pids, params.beta)?;
        }
        let rows = self.rows_of(batch);
        Ok(self.0.update(&batch.target.feature, &rows, params.beta)?)
    }

    fn has_source(&self) -> bool {
        self.0.source_classes() > 0
    }

    fn rows(&self) -> Result<Option<Tensor>, EngineError> {
        Ok(Some(self.0.target_features()?))
    }

    fn centroids(&self, classes: &[i64]) -> Result<Option<Tensor>, EngineError> {
        let rows: Vec<i64> = classes.iter().map(|class| self.0.source_classes() + class).collect();
        let rows = Tensor::f_from_slice(&rows)?.f_to_device(self.0.bank().device())?;
        Ok(Some(self.0.centroids()?.f_index_select(0, &rows)?))
    }

    fn remembered(&self, batch: &StepImages) -> Result<Option<Tensor>, EngineError> {
        let rows = Tensor::f_from_slice(&self.rows_of(batch))?.f_to_device(self.0.bank().device())?;
        Ok(Some(self.0.bank().f_index_select(0, &rows)?))
    }

    fn tensors(&self) -> Result<NamedTensors, EngineError> {
        Ok(self.0.state()?.into_iter().map(|(name, t)| (format!("memory.{name}"), t)).collect())
    }
}
