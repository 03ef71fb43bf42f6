//! Features of a split: extraction in evaluation mode, batch after batch.

use std::sync::Arc;

use tch::{Device, Tensor};

use super::error::EngineError;
use crate::data::augment::Moves;
use crate::data::cache::ImageCache;
use crate::data::loader::EvalLoader;
use crate::model::net::Net;
use crate::model::pixels::DeviceImages;

/// Batches made ahead of the network.
pub(super) const AHEAD: usize = 4;

/// Threads that decode and augment: all but one, which feeds the network.
pub(super) fn loader_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get().saturating_sub(1)).max(1)
}

/// What to extract.
pub struct Extraction<'a> {
    /// The network.
    pub net: &'a Net,
    /// Whose batch normalisation counts: 0 source, 1 target where there are two.
    pub domain: usize,
    /// The images.
    pub images: &'a Arc<ImageCache>,
    /// The images on the network's device, where they lie there.
    pub on_device: Option<&'a DeviceImages>,
    /// Images in a batch.
    pub batch: usize,
}

impl Extraction<'_> {
    /// Features `[N, d]` of unit length, row-major, in the order of the split.
    /// `between` is called after each batch with the number of images done.
    ///
    /// # Errors
    /// When the network fails, or `between` says so.
    pub fn run(&self, mut between: impl FnMut(u64) -> Result<(), EngineError>) -> Result<Vec<f32>, EngineError> {
        let n = self.images.len();
        let d = self.net.dim() as usize;
        let (height, width) = self.images.size();
        let mut features = Vec::with_capacity(n * d);
        if let Some(images) = self.on_device {
            let all: Vec<u32> = (0..n as u32).collect();
            for part in all.chunks(self.batch.max(1)) {
                let x = images.batch(part, &vec![Moves::NONE; part.len()])?;
                self.append(&x, part.len(), &mut features)?;
                between((features.len() / d) as u64)?;
            }
            return Ok(features);
        }
        let indices = (0..n as u32).collect();
        let mut loader = EvalLoader::new(Arc::clone(self.images), indices, self.batch, AHEAD, loader_threads())?;
        while let Some(batch) = loader.next() {
            let rows = batch.indices.len();
            let x = Tensor::f_from_slice(&batch.pixels)?.f_view([rows as i64, 3, height as i64, width as i64])?;
            self.append(&x, rows, &mut features)?;
            between((features.len() / d) as u64)?;
        }
        Ok(features)
    }

    fn append(&self, x: &Tensor, rows: usize, features: &mut Vec<f32>) -> Result<(), EngineError> {
        let f = self.net.extract(x, self.domain)?.f_to_device(Device::Cpu)?.f_contiguous()?;
        let start = features.len();
        let count = rows * self.net.dim() as usize;
        features.resize(start + count, 0.0);
        Ok(f.f_view([-1])?.f_copy_data(&mut features[start..], count)?)
    }
}
