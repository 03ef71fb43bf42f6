//! Batches made ahead of time on threads of their own, so that the device never waits for pixels.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{Receiver, bounded};

use super::DataError;
use super::augment::Moves;
use super::cache::ImageCache;
use crate::base::rng::stream;
use crate::method::params::Augment;

/// The images of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Which samples they are, in order.
    pub indices: Vec<u32>,
    /// How each is augmented, `[B]`.
    pub moves: Vec<Moves>,
    /// Normalised pixels, `[B, 3, H, W]`; empty when the device makes them.
    pub pixels: Vec<f32>,
}

/// Augmentation settings that may change while batches are made. A change counts for batches that are begun after
/// it, so at most the loader's look-ahead later.
#[derive(Clone, Debug)]
pub struct SharedAugment(Arc<Mutex<Augment>>);

impl From<Augment> for SharedAugment {
    fn from(augment: Augment) -> Self {
        Self(Arc::new(Mutex::new(augment)))
    }
}

impl From<Arc<Mutex<Augment>>> for SharedAugment {
    fn from(shared: Arc<Mutex<Augment>>) -> Self {
        Self(shared)
    }
}

impl SharedAugment {
    fn get(&self) -> Augment {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Threads that make batches; batch `b` comes from worker `b mod threads` through a bounded channel of that worker's
/// own, so batches arrive in order and each is the same for any number of threads.
struct Workers {
    channels: Vec<Receiver<Batch>>,
    threads: Vec<Option<JoinHandle<()>>>,
    stop: Arc<AtomicBool>,
    next: usize,
    total: usize,
}

impl Workers {
    fn start<F>(total: usize, ahead: usize, threads: usize, make: F) -> Result<Self, DataError>
    where
        F: Fn(usize, &AtomicBool) -> Batch + Send + Sync + 'static,
    {
        let threads = threads.clamp(1, total.max(1));
        let room = ahead.div_ceil(threads).max(1);
        let (make, stop) = (Arc::new(make), Arc::new(AtomicBool::new(false)));
        let mut workers = Self { channels: Vec::new(), threads: Vec::new(), stop: Arc::clone(&stop), next: 0, total };
        for worker in 0..threads {
            let (sender, receiver) = bounded(room);
            let (make, stop) = (Arc::clone(&make), Arc::clone(&stop));
            let body = move || {
                for b in (worker..total).step_by(threads) {
                    let batch = make(b, &stop);
                    if stop.load(Ordering::Relaxed) || sender.send(batch).is_err() {
                        return;
                    }
                }
            };
            let handle = Builder::new()
                .name(format!("data-{worker}"))
                .spawn(body)
                .map_err(|e| DataError::BadSetting(format!("the system refused a thread for loading images: {e}")))?;
            workers.channels.push(receiver);
            workers.threads.push(Some(handle));
        }
        Ok(workers)
    }

    fn next(&mut self) -> Option<Batch> {
        if self.next >= self.total {
            return None;
        }
        let worker = self.next % self.channels.len();
        match self.channels[worker].recv() {
            Ok(batch) => {
                self.next += 1;
                Some(batch)
            }
            // Only a panic ends a worker early; it goes on in the caller, who can report it.
            Err(_) => match self.threads[worker].take().map(JoinHandle::join) {
                Some(Err(panic)) => std::panic::resume_unwind(panic),
                _ => None,
            },
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.channels.clear();
        for thread in self.threads.iter_mut().filter_map(Option::take) {
            // A worker that panicked after its last batch was wanted has nothing left to tell.
            let _ = thread.join();
        }
    }
}

/// Fills a batch image by image; a stop is seen between images.
fn fill(cache: &ImageCache, indices: &[u32], moves: Vec<Moves>, stop: &AtomicBool) -> Batch {
    let (height, width) = cache.size();
    let image = 3 * height * width;
    let mut pixels = vec![0.0; image * indices.len()];
    for ((&i, moves), out) in indices.iter().zip(&moves).zip(pixels.chunks_exact_mut(image)) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        moves.apply(&cache.get(i as usize), height, width, out);
    }
    Batch { indices: indices.to_vec(), moves, pixels }
}

/// Who makes the pixels of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// The loader's threads.
    Threads,
    /// The device, from the moves.
    Device,
}

/// How batches are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hands {
    /// Who makes the pixels.
    pub maker: Maker,
    /// Batches made before they are asked for, about.
    pub ahead: usize,
    /// Threads.
    pub threads: usize,
}

/// The augmented batches of an epoch, in order.
pub struct TrainLoader(Workers);

impl TrainLoader {
    /// Starts making `batches` (indices into `cache`), at most about `ahead` of them before they are asked for, on
    /// `threads` threads. The image at place `p` of batch `b` is augmented from its own stream, named by
    /// `(seed, b, p)`.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn new(
        cache: Arc<ImageCache>,
        batches: Vec<Vec<u32>>,
        augment: impl Into<SharedAugment>,
        seed: u64,
        ahead: usize,
        threads: usize,
    ) -> Result<Self, DataError> {
        Self::made_by(Hands { maker: Maker::Threads, ahead, threads }, cache, batches, augment, seed)
    }

    /// As [`TrainLoader::new`]; with [`Maker::Device`] the moves alone are drawn.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn made_by(
        hands: Hands,
        cache: Arc<ImageCache>,
        batches: Vec<Vec<u32>>,
        augment: impl Into<SharedAugment>,
        seed: u64,
    ) -> Result<Self, DataError> {
        let Hands { maker, ahead, threads } = hands;
        let augment: SharedAugment = augment.into();
        let total = batches.len();
        let make = move |b: usize, stop: &AtomicBool| {
            let settings = augment.get();
            let (height, width) = cache.size();
            let draw = |p: usize| Moves::draw(height, width, &settings, &mut stream(seed, &[b as u64, p as u64]));
            let moves = (0..batches[b].len()).map(draw).collect();
            match maker {
                Maker::Threads => fill(&cache, &batches[b], moves, stop),
                Maker::Device => Batch { indices: batches[b].clone(), moves, pixels: Vec::new() },
            }
        };
        Ok(Self(Workers::start(total, ahead, threads, make)?))
    }

    /// The next batch; waits until it is made. `None` after the last.
    ///
    /// # Panics
    /// Goes on with the panic of a worker.
    #[allow(clippy::should_implement_trait)] // an iterator would invite `collect`, which holds an epoch in memory
    pub fn next(&mut self) -> Option<Batch> {
        self.0.next()
    }
}

/// Images resized and normalised, nothing else, in order.
pub struct EvalLoader(Workers);

impl EvalLoader {
    /// Starts making batches of `batch` images out of `indices`, the last one possibly smaller.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn new(
        cache: Arc<ImageCache>,
        indices: Vec<u32>,
        batch: usize,
        ahead: usize,
        threads: usize,
    ) -> Result<Self, DataError> {
        let batch = batch.max(1);
        let total = indices.len().div_ceil(batch);
        let make = move |b: usize, stop: &AtomicBool| {
            let part = &indices[b * batch..((b + 1) * batch).min(indices.len())];
            fill(&cache, part, vec![Moves::NONE; part.len()], stop)
        };
        Ok(Self(Workers::start(total, ahead, threads, make)?))
    }

    /// The next batch; waits until it is made. `None` after the last.
    ///
    /// # Panics
    /// Goes on with the panic of a worker.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<Batch> {
        self.0.next()
    }
}
