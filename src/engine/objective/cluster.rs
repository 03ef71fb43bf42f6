//! Cluster Contrast's memory: a row for each cluster, and InfoNCE against all of them
//! (alibaba/cluster-contrast-reid `clustercontrast/models/cm.py`).

use tch::Tensor;

use super::{NamedLosses, NewEpoch, Objective, ObjectiveShape, StepImages};
use crate::engine::checkpoint::{Checkpoint, NamedTensors};
use crate::engine::error::EngineError;
use crate::method::labels::classes;
use crate::method::params::{MemoryKind, Params};
use crate::model::cluster_memory::ClusterMemory;
use crate::model::net::all_finite;

/// A row for each cluster.
pub struct ClusterObjective {
    memory: ClusterMemory,
    hard: bool,
}

impl ClusterObjective {
    pub fn begin(params: &Params, epoch: &NewEpoch) -> Result<Self, EngineError> {
        let memory = ClusterMemory::of_means(&epoch.features, &epoch.labels)?;
        Ok(Self { memory, hard: params.memory.kind == MemoryKind::ClusterHard })
    }

    pub fn restore(
        params: &Params,
        checkpoint: &mut Checkpoint,
        labels: &[i32],
        &ObjectiveShape { dim, device, .. }: &ObjectiveShape,
    ) -> Result<Self, EngineError> {
        let Some(rows) = checkpoint.tensors.remove("memory.clusters") else {
            return Err(checkpoint.damaged("it has no `memory.clusters`, which a memory of clusters needs"));
        };
        let clusters = classes(labels);
        if rows.size() != [clusters, dim] || !all_finite([&rows])? {
            let what = format!("its memory is {:?} or not finite, [{clusters}, {dim}] was expected", rows.size());
            return Err(checkpoint.damaged(what));
        }
        let memory = ClusterMemory::from_rows(rows.f_to_device(device)?)?;
        Ok(Self { memory, hard: params.memory.kind == MemoryKind::ClusterHard })
    }
}

impl Objective for ClusterObjective {
    fn begin_epoch(&mut self, epoch: &NewEpoch, params: &Params) -> Result<(), EngineError> {
        *self = Self::begin(params, epoch)?;
        Ok(())
    }

    fn losses(&self, batch: &StepImages, params: &Params) -> Result<NamedLosses, EngineError> {
        Ok(vec![("target", self.memory.loss(&batch.target.feature, batch.labels, params.temperature)?)])
    }

    fn update(&mut self, batch: &StepImages, params: &Params) -> Result<(), EngineError> {
        match self.hard {
            true => self.memory.update_hard(&batch.target.feature, batch.labels, params.beta)?,
            false => self.memory.update(&batch.target.feature, batch.labels, params.beta)?,
        }
        Ok(())
    }

    fn centroids(&self, classes: &[i64]) -> Result<Option<Tensor>, EngineError> {
        let rows = Tensor::f_from_slice(classes)?.f_to_device(self.memory.rows().device())?;
        Ok(Some(self.memory.rows().f_index_select(0, &rows)?))
    }

    fn remembered(&self, batch: &StepImages) -> Result<Option<Tensor>, EngineError> {
        self.centroids(batch.labels)
    }

    fn tensors(&self) -> Result<NamedTensors, EngineError> {
        Ok(vec![("memory.clusters".to_owned(), self.memory.rows().shallow_clone())])
    }
}
