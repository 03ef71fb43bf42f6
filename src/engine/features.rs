//! Features of a split: extraction in evaluation mode, batch after batch.

use std::sync::Arc;

use tch::{Device, Tensor};

use super::error::EngineError;
use crate::data::augment::Moves;
use crate::data::cache::ImageCache;
use crate::data::loader::EvalLoader;
use crate::model::device::send;
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
    /// Whether the last batch is filled up, with images whose features are dropped: a GPU tries its algorithms out anew
    /// for every shape, which takes longer than those images.
    pub whole: bool,
}

/// Features that wait on the device are fetched when they are so many bytes: each transfer makes the host wait for the
/// device.
const FETCH: usize = 64 << 20;

/// Features on their way from the device.
struct Fetch {
    /// Length of a feature.
    d: usize,
    /// Bytes that may wait.
    most: usize,
    waiting: Vec<Tensor>,
    rows: usize,
    fetched: Vec<f32>,
}

impl Fetch {
    fn new(n: usize, d: usize, most: usize) -> Self {
        Self { d, most, waiting: Vec::new(), rows: 0, fetched: Vec::with_capacity(n * d) }
    }

    /// Takes `[B, d]` in; gives the number of rows so far.
    fn add(&mut self, features: Tensor) -> Result<u64, EngineError> {
        self.rows += features.size2()?.0 as usize;
        self.waiting.push(features);
        if self.rows * self.d * size_of::<f32>() >= self.most {
            self.fetch()?;
        }
        Ok((self.fetched.len() / self.d + self.rows) as u64)
    }

    fn fetch(&mut self) -> Result<(), EngineError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let all = Tensor::f_cat(&self.waiting, 0)?.f_to_device(Device::Cpu)?.f_contiguous()?;
        self.waiting.clear();
        let start = self.fetched.len();
        let count = std::mem::take(&mut self.rows) * self.d;
        self.fetched.resize(start + count, 0.0);
        Ok(all.f_view([-1])?.f_copy_data(&mut self.fetched[start..], count)?)
    }

    fn finish(mut self) -> Result<Vec<f32>, EngineError> {
        self.fetch()?;
        Ok(self.fetched)
    }
}

impl Extraction<'_> {
    /// Features `[N, d]` of unit length, row-major, in the order of the split.
    /// `between` is called after each batch with the number of images done.
    ///
    /// # Errors
    /// When the network fails, or `between` says so.
    pub fn run(&self, mut between: impl FnMut(u64) -> Result<(), EngineError>) -> Result<Vec<f32>, EngineError> {
        let n = self.images.len();
        let mut features = Fetch::new(n, self.net.dim() as usize, FETCH);
        if let Some(images) = self.on_device {
            let all: Vec<u32> = (0..n as u32).collect();
            for part in all.chunks(self.batch.max(1)) {
                let mut filled = part.to_vec();
                filled.resize(self.filled(part.len()), part[0]);
                let x = images.batch(&filled, &vec![Moves::NONE; filled.len()])?;
                between(features.add(self.of(&x, part.len())?)?)?;
            }
            return features.finish();
        }
        let (height, width) = self.images.size();
        let indices = (0..n as u32).collect();
        let mut loader = EvalLoader::new(Arc::clone(self.images), indices, self.batch, AHEAD, loader_threads())?;
        while let Some(mut batch) = loader.next() {
            let rows = batch.indices.len();
            let filled = self.filled(rows);
            batch.pixels.resize(filled * 3 * height * width, 0.0);
            let x = Tensor::f_from_slice(&batch.pixels)?.f_view([filled as i64, 3, height as i64, width as i64])?;
            between(features.add(self.of(&send(&x, self.net.device())?, rows)?)?)?;
        }
        features.finish()
    }

    /// Images that the network sees in a batch of so many.
    fn filled(&self, rows: usize) -> usize {
        if self.whole { rows.max(self.batch) } else { rows }
    }

    /// Features of the first `rows` images.
    fn of(&self, x: &Tensor, rows: usize) -> Result<Tensor, EngineError> {
        Ok(self.net.extract(x, self.domain)?.f_narrow(0, 0, rows as i64)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_fetched_together_and_in_order() {
        // 24 bytes may wait: three rows of two numbers.
        let mut fetch = Fetch::new(10, 2, 24);
        let mut waiting = Vec::new();
        for batch in 0..5i64 {
            let rows = Tensor::f_arange_start(4 * batch, 4 * batch + 4, (tch::Kind::Float, Device::Cpu)).unwrap();
            assert_eq!(fetch.add(rows.view([2, 2])).unwrap() as i64, 2 * (batch + 1));
            waiting.push(fetch.waiting.len());
        }
        assert_eq!(waiting, [1, 0, 1, 0, 1], "two batches a transfer, and what is left at the end");
        assert_eq!(fetch.finish().unwrap(), (0..20).map(|v| v as f32).collect::<Vec<_>>());
    }
}
