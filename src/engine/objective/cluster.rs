//! Cluster Contrast's memory: a row for each cluster, and InfoNCE against all of them
//! (alibaba/cluster-contrast-reid `clustercontrast/models/cm.py`).

use tch::{Device, Tensor};

use super::{NewEpoch, Objective, TargetBatch};
use crate::engine::checkpoint::{Checkpoint, NamedTensors};
use crate::engine::error::EngineError;
use crate::method::params::{MemoryKind, Params};
use crate::model::cluster_memory::ClusterMemory;
use crate::model::net::{Output, all_finite};

/// A row for each cluster.
pub struct Clusters {
    memory: ClusterMemory,
    hard: bool,
}

impl Clusters {
    pub fn begin(params: &Params, epoch: &NewEpoch) -> Result<Self, EngineError> {
        let memory = ClusterMemory::of_means(&epoch.features, &epoch.labels)?;
        Ok(Self { memory, hard: params.memory.kind == MemoryKind::ClusterHard })
    }

    pub fn restore(
        params: &Params,
        checkpoint: &mut Checkpoint,
        labels: &[i32],
        dim: i64,
        device: Device,
    ) -> Result<Self, EngineError> {
        let Some(rows) = checkpoint.tensors.remove("memory.clusters") else {
            return Err(checkpoint.damaged("it has no `memory.clusters`, which a memory of clusters needs"));
        };
        let classes = labels.iter().max().map_or(0, |&m| i64::from(m) + 1).max(0);
        if rows.size() != [classes, dim] || !all_finite([&rows])? {
            let what = format!("its memory is {:?} or not finite, [{classes}, {dim}] was expected", rows.size());
            return Err(checkpoint.damaged(what));
        }
        let memory = ClusterMemory::from_rows(rows.f_to_device(device)?)?;
        Ok(Self { memory, hard: params.memory.kind == MemoryKind::ClusterHard })
    }
}

impl Objective for Clusters {
    fn begin_epoch(&mut self, epoch: &NewEpoch, params: &Params) -> Result<(), EngineError> {
        *self = Self::begin(params, epoch)?;
        Ok(())
    }

    fn target_loss(&self, out: &Output, batch: &TargetBatch, params: &Params) -> Result<Tensor, EngineError> {
        Ok(self.memory.loss(&out.feature, batch.labels, params.temperature)?)
    }

    fn update(
        &mut self,
        (target, batch): (&Output, &TargetBatch),
        _: Option<(&Output, &[i64])>,
        params: &Params,
    ) -> Result<(), EngineError> {
        match self.hard {
            true => self.memory.update_hard(&target.feature, batch.labels, params.beta)?,
            false => self.memory.update(&target.feature, batch.labels, params.beta)?,
        }
        Ok(())
    }

    fn tensors(&self) -> Result<NamedTensors, EngineError> {
        Ok(vec![("memory.clusters".to_owned(), self.memory.rows().shallow_clone())])
    }
}
