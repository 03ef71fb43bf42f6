//! Decoded and resized images in memory, as long as they fit a bound.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rayon::prelude::*;

use super::{Sample, Tick, decode};

/// The images of one list of samples at one size, shared by threads.
///
/// An image is decoded when it is first asked for and kept while the bound allows; past it, images are decoded
/// anew each time. Nothing is evicted: training visits images in random order, so an old image is worth as much as
/// a new one.
pub struct ImageCache {
    samples: Arc<[Sample]>,
    height: usize,
    width: usize,
    max_bytes: u64,
    used: AtomicU64,
    slots: Vec<OnceLock<Arc<[u8]>>>,
    unreadable: Mutex<BTreeMap<usize, String>>,
}

impl ImageCache {
    /// An empty cache for `samples` at that size, which keeps at most `max_bytes` of pixels.
    pub fn new(samples: Arc<[Sample]>, height: usize, width: usize, max_bytes: u64) -> Self {
        let slots = (0..samples.len()).map(|_| OnceLock::new()).collect();
        let (used, unreadable) = (AtomicU64::new(0), Mutex::default());
        Self { samples, height, width, max_bytes, used, slots, unreadable }
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// The samples, in index order.
    pub fn samples(&self) -> &Arc<[Sample]> {
        &self.samples
    }

    /// Height and width of every image, pixels.
    pub fn size(&self) -> (usize, usize) {
        (self.height, self.width)
    }

    /// Image `i` as `[height, width, 3]` bytes. A file that cannot be read gives a mid-grey image and is recorded
    /// once.
    ///
    /// # Panics
    /// When `i` is not below [`ImageCache::len`].
    pub fn get(&self, i: usize) -> Arc<[u8]> {
        if let Some(pixels) = self.slots[i].get() {
            return Arc::clone(pixels);
        }
        let loaded = decode::load_resized(&self.samples[i].path, self.height, self.width);
        let pixels: Arc<[u8]> = match loaded {
            Ok(pixels) => pixels.into(),
            Err(error) => {
                let mut unreadable = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
                unreadable.entry(i).or_insert_with(|| error.to_string());
                decode::grey(self.height, self.width).into()
            }
        };
        self.keep(i, &pixels);
        pixels
    }

    fn keep(&self, i: usize, pixels: &Arc<[u8]>) {
        let size = pixels.len() as u64;
        let before = self.used.fetch_add(size, Ordering::Relaxed);
        let kept = before + size <= self.max_bytes && self.slots[i].set(Arc::clone(pixels)).is_ok();
        if !kept {
            self.used.fetch_sub(size, Ordering::Relaxed);
        }
    }

    /// Decodes all images in parallel, so that those that cannot be read are known, and keeps what the bound lets it
    /// keep; stops early when `tick` says so.
    pub fn warm(&self, tick: Tick) {
        let (done, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        let total = self.len() as u64;
        (0..self.len()).into_par_iter().for_each(|i| {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            self.get(i);
            if !tick(done.fetch_add(1, Ordering::Relaxed) + 1, total) {
                stop.store(true, Ordering::Relaxed);
            }
        });
    }

    /// The files that could not be read so far, each with the reason, in index order.
    pub fn unreadable(&self) -> Vec<(PathBuf, String)> {
        let unreadable = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        unreadable.iter().map(|(&i, reason)| (self.samples[i].path.clone(), reason.clone())).collect()
    }

    /// Bytes of pixels held.
    pub fn bytes(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }
}
