//! The adaptation step as the engine runs it, on made images that lie on the device.

use tch::{Device, Kind, Tensor};

use super::{Sizes, memory};
use crate::base::rng::stream;
use crate::data::augment::Moves;
use crate::method::params::Augment;
use crate::model::error::Result;
use crate::model::losses::{backward, batch_hard_triplet};
use crate::model::memory::HybridMemory;
use crate::model::net::Net;
use crate::model::optim::Adam;
use crate::model::pixels::DeviceImages;

/// Batches whose augmentation is drawn beforehand, as the loader's threads do.
const DRAWN: usize = 4;

/// The parts of a step, in order.
pub const PARTS: [&str; 6] = ["images", "forward", "losses", "backward", "optimiser", "memory"];

/// A network in training.
pub struct CheckTraining {
    net: Net,
    memory: HybridMemory,
    adam: Adam,
    images: DeviceImages,
    /// Images and their moves, of the target and of the source.
    batches: Vec<[(Vec<u32>, Vec<Moves>); 2]>,
    classes: i64,
    group: usize,
    /// The sum of all losses: the curve reads it at its own rate.
    sum: Tensor,
}

impl CheckTraining {
    /// `sizes.batch` images of each domain, batch statistics over `group` of them (0: over all).
    ///
    /// # Errors
    /// When the device has no room.
    pub fn new(sizes: &Sizes, device: Device, group: usize, bf16: bool) -> Result<Self> {
        let mut net = sizes.net(device)?;
        net.set_bf16(bf16);
        let (classes, images) = sizes.bank;
        let memory = memory(classes, images, net.dim(), device)?;
        let adam = Adam::new(net.parameters(), 3.5e-4, 5e-4)?;
        let [height, width] = sizes.image;
        let stock = 4 * sizes.batch;
        let bytes =
            Tensor::f_randint(256, [stock, height, width, 3], (Kind::Uint8, Device::Cpu))?.f_to_device(device)?;
        let augment = Augment::default();
        let batch = |b: u64, domain: u64| {
            let indices: Vec<u32> = (0..sizes.batch).map(|i| ((i + 3 * b as i64) % stock) as u32).collect();
            let draw = |p| Moves::draw(height as usize, width as usize, &augment, &mut stream(domain, &[b, p as u64]));
            (indices, (0..sizes.batch).map(draw).collect())
        };
        let batches = (0..DRAWN as u64).map(|b| [batch(b, 1), batch(b, 0)]).collect();
        let sum = Tensor::f_zeros([1], (Kind::Double, device))?;
        Ok(Self { net, memory, adam, images: DeviceImages::of(bytes)?, batches, classes, group, sum })
    }

    /// One step; `after` hears of each part of it that has been handed to the device.
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn step(&mut self, step: usize, mut after: impl FnMut(usize)) -> Result<()> {
        let [target, source] = &self.batches[step % DRAWN];
        let rows = [
            target.0.iter().map(|&i| self.classes + i64::from(i)).collect::<Vec<i64>>(),
            source.0.iter().map(|&i| i64::from(i) % self.classes).collect::<Vec<i64>>(),
        ];
        let labels: Vec<i64> = (0..rows[0].len() as i64).map(|i| i / 4).collect();
        let x = [self.images.batch(&target.0, &target.1)?, self.images.batch(&source.0, &source.1)?];
        after(0);
        let target = self.net.forward_train(&x[0], 1, self.group)?;
        let source = self.net.forward_train(&x[1], 0, self.group)?;
        after(1);
        let loss = self.memory.loss(&target.feature, &rows[0], 0.05)?;
        let loss = loss.f_add(&self.memory.loss(&source.feature, &rows[1], 0.05)?)?;
        let loss = loss.f_add(&batch_hard_triplet(&target.pooled, &labels, 0.3, true)?)?;
        after(2);
        self.adam.zero_grad()?;
        backward(&loss)?;
        after(3);
        self.adam.step()?;
        after(4);
        self.memory.update(&source.feature, &rows[1], 0.2)?;
        self.memory.update(&target.feature, &rows[0], 0.2)?;
        let _guard = tch::no_grad_guard();
        self.sum = self.sum.f_add(&loss.f_detach()?.f_to_kind(Kind::Double)?)?;
        after(5);
        Ok(())
    }

    /// The network.
    pub fn net(&self) -> &Net {
        &self.net
    }
}
