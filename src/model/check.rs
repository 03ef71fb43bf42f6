//! What a device does with our own operations: agreement with the CPU, speed, memory. `gpu-check` prints it; on the
//! CPU the same code runs in small, so that it is known to work before a GPU is at hand.

mod agree;
mod speed;
mod training;

use serde_json::Value;
use tch::{Device, Kind, Tensor};

use super::device;
use super::error::{ModelError, Result};
use super::memory::HybridMemory;
use super::net::{Net, NetSpec};
use crate::method::params::Backbone;

pub use agree::agreement;
pub use speed::{clustering, evaluation, extraction, profile, steps};

/// How large the parts are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The network that is timed.
    pub backbone: Backbone,
    /// Images of each domain in a step.
    pub batch: i64,
    /// Height and width of an image.
    pub image: [i64; 2],
    /// Steps that are timed, after two to warm up.
    pub steps: usize,
    /// Source classes and target images in the memory.
    pub bank: (i64, i64),
    /// Images whose features are extracted, with their mirror images.
    pub extracted: usize,
    /// Query and gallery images that are compared.
    pub compared: [usize; 2],
    /// Features and their lengths, for clustering; the lists of the first are compared with the CPU's.
    pub features: Vec<(usize, usize)>,
    /// Images of a step that no device has room for.
    pub too_many: i64,
}

impl Sizes {
    /// The paper's network at Market-1501's size.
    pub fn full() -> Self {
        Self {
            backbone: Backbone::Resnet50,
            batch: 64,
            image: [256, 128],
            steps: 20,
            bank: (751, 12_936),
            extracted: 12_936,
            compared: [3_368, 15_913],
            features: vec![(12_936, 2048), (100_000, 2048), (1_000_000, 512)],
            too_many: 4096,
        }
    }

    /// Small enough for seconds on a CPU.
    pub fn dry() -> Self {
        Self {
            backbone: Backbone::Resnet50Lite,
            batch: 8,
            image: [64, 32],
            steps: 2,
            bank: (16, 64),
            extracted: 24,
            compared: [40, 160],
            features: vec![(600, 32), (900, 16)],
            // Two petabytes of pixels: no machine lends so much.
            too_many: 1 << 36,
        }
    }

    /// Another number of images in a step; the memory has a row for each that is drawn from.
    pub fn set_batch(&mut self, batch: i64) {
        self.batch = batch;
        self.bank.1 = self.bank.1.max(4 * batch);
    }

    fn net(&self, device: Device) -> Result<Net> {
        Net::new(&NetSpec { backbone: self.backbone, positions: Some((1, 4)), domains: 2 }, device, 1)
    }

    fn images(&self, count: i64, device: Device) -> Result<Tensor> {
        noise(&[count, 3, self.image[0], self.image[1]], device)
    }
}

/// Values between −1 and 1 that are the same on every device and in every run.
fn noise(size: &[i64], device: Device) -> Result<Tensor> {
    let count: i64 = size.iter().product();
    let at = Tensor::f_arange(count, (Kind::Double, Device::Cpu))?;
    let values = at.f_mul_scalar(12.9898)?.f_sin()?.f_mul_scalar(43_758.545_3)?.f_frac()?.f_to_kind(Kind::Float)?;
    Ok(values.f_view(size)?.f_to_device(device)?)
}

/// A memory of `classes` source classes and `images` target images, every four of which share a label.
fn memory(classes: i64, images: i64, dim: i64, device: Device) -> Result<HybridMemory> {
    let bank = noise(&[classes + images, dim], device)?;
    let mut memory = HybridMemory::new(Some(&bank.f_narrow(0, 0, classes)?), &bank.f_narrow(0, classes, images)?)?;
    memory.set_labels(&(0..images).map(|i| i / 4).collect::<Vec<_>>())?;
    Ok(memory)
}

/// Runs out of memory on purpose, and says what was said and whether a small step works afterwards.
///
/// # Errors
/// When the small step does not work.
pub fn exhaustion(sizes: &Sizes, device: Device) -> Result<Value> {
    let net = sizes.net(device)?;
    let try_it = |count: i64| -> Result<()> {
        // Not of noise, which is made on the CPU.
        let x = Tensor::f_zeros([count, 3, sizes.image[0], sizes.image[1]], (Kind::Float, device))?;
        let out = net.forward_train(&x, 0, 0)?;
        device::synchronize(device);
        drop(out);
        Ok(())
    };
    let said = match try_it(sizes.too_many) {
        Err(error @ ModelError::OutOfMemory(_)) => Some(error.to_string()),
        Err(other) => return Err(other),
        Ok(()) => None,
    };
    try_it(sizes.batch)?;
    Ok(serde_json::json!({
        "batch": sizes.too_many,
        "ran_out": said.is_some(),
        "said": said,
        "a_small_step_works_afterwards": true,
    }))
}
