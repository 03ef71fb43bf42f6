//! Faults that the machine at hand cannot show, played where they would occur: a GPU that is full, too old, or not there.
//! Tests and `gpu-check --dry-run` ask for them; an engine plays none of itself.

use tch::TchError;

use super::error::EngineError;
use crate::base::device::DeviceChoice;
use crate::model::device::{self, Chosen, Machine};
use crate::model::error::ModelError;

/// What CUDA's allocator says of a full device.
const FULL: &str = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.19 GiB of which \
    1.20 GiB is free. Including non-PyTorch memory, this process has 77.98 GiB memory in use.";

/// Which faults are to be played.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rehearsal {
    /// The device is full when so many training steps were done; once.
    pub full_at: Option<u64>,
    /// The machine has one GPU, and computing on it fails with these words.
    pub broken_gpu: Option<String>,
    /// The compute capability of the device.
    pub capability: Option<(i32, i32)>,
}

impl Rehearsal {
    /// As [`device::choose`].
    pub(super) fn choose(&self, request: DeviceChoice) -> Result<Chosen, ModelError> {
        match &self.broken_gpu {
            Some(words) => device::choose_on(request, &Machine { devices: Ok(1), try_out: &|_| Err(words.clone()) }),
            None => device::choose(request),
        }
    }

    /// Before the training step that follows so many others.
    pub(super) fn before_step(&mut self, step: u64) -> Result<(), EngineError> {
        match self.full_at.take_if(|at| *at == step) {
            Some(_) => Err(TchError::Torch(FULL.to_owned()).into()),
            None => Ok(()),
        }
    }
}
