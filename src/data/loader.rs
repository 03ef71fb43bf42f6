//! Batches made ahead of time on threads of their own, so that the device never waits for pixels.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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

/// Most bytes of batches that a loader holds at once: those that wait, and those in the threads' hands.
pub const MOST_BYTES: usize = 512 << 20;

/// Threads to use, and batches that may wait for each: about `ahead` in all, at least one in each thread's hands and
/// one waiting, and no more bytes than [`MOST_BYTES`] unless a single thread's two batches exceed them.
pub fn look_ahead(threads: usize, ahead: usize, batch_bytes: usize) -> (usize, usize) {
    let most = (MOST_BYTES / batch_bytes.max(1)).max(2);
    let threads = threads.clamp(1, most / 2);
    let room = ahead.div_ceil(threads).clamp(1, most / threads - 1);
    (threads, room)
}

/// Which batches workers make, and how many of them at once.
struct Job {
    /// The first batch that is wanted.
    first: usize,
    /// Batches of the whole epoch.
    total: usize,
    ahead: usize,
    threads: usize,
    /// Bytes of the largest batch.
    bytes: usize,
}

/// Threads that make batches; batch `first + b` comes from worker `b mod threads` through a bounded channel of that
/// worker's own, so batches arrive in order and each is the same for any number of threads.
struct Workers {
    channels: Vec<Receiver<Batch>>,
    threads: Vec<Option<JoinHandle<()>>>,
    stop: Arc<AtomicBool>,
    /// Batches taken.
    next: usize,
    /// Batches to be made.
    total: usize,
}

impl Workers {
    fn start<F>(job: &Job, make: F) -> Result<Self, DataError>
    where
        F: Fn(usize, &AtomicBool) -> Batch + Send + Sync + 'static,
    {
        let &Job { first, total, ahead, threads, bytes } = job;
        let wanted = total.saturating_sub(first);
        let (threads, room) = look_ahead(threads.min(wanted), ahead, bytes);
        let (make, stop) = (Arc::new(make), Arc::new(AtomicBool::new(false)));
        let mut workers =
            Self { channels: Vec::new(), threads: Vec::new(), stop: Arc::clone(&stop), next: 0, total: wanted };
        for worker in 0..threads {
            let (sender, receiver) = bounded(room);
            let (make, stop) = (Arc::clone(&make), Arc::clone(&stop));
            let body = move || {
                for b in (first + worker..total).step_by(threads) {
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
pub enum PixelMaker {
    /// The loader's threads.
    Threads,
    /// The device, from the moves.
    Device,
}

/// How batches are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hands {
    /// Who makes the pixels.
    pub maker: PixelMaker,
    /// Batches made before they are asked for, about.
    pub ahead: usize,
    /// Threads.
    pub threads: usize,
}

/// What an epoch draws: which images make up each batch, and the seed of their augmentation. The image at place `p`
/// of batch `b` is augmented from a stream of its own, named by `(seed, b, p)`.
#[derive(Clone, Debug)]
pub struct Epoch {
    /// Indices of each batch's images.
    pub batches: Arc<[Vec<u32>]>,
    /// Names the streams.
    pub seed: u64,
}

/// The augmented batches of an epoch, in order.
pub struct TrainLoader(Workers);

impl TrainLoader {
    /// Starts making `batches` (indices into `cache`) from the first on, with these settings; see [`Epoch`].
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn new(
        cache: Arc<ImageCache>,
        batches: Vec<Vec<u32>>,
        augment: Augment,
        seed: u64,
        ahead: usize,
        threads: usize,
    ) -> Result<Self, DataError> {
        let epoch = Epoch { batches: batches.into(), seed };
        Self::starting_at(&epoch, 0, Hands { maker: PixelMaker::Threads, ahead, threads }, cache, augment)
    }

    /// Makes the batches of an epoch from `first` on; with [`PixelMaker::Device`] the moves alone are drawn. Settings hold
    /// for a loader's whole life: when they change, a new loader makes the batches from there on.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn starting_at(
        epoch: &Epoch,
        first: usize,
        hands: Hands,
        cache: Arc<ImageCache>,
        augment: Augment,
    ) -> Result<Self, DataError> {
        let Hands { maker, ahead, threads } = hands;
        let Epoch { batches, seed } = epoch.clone();
        let (height, width) = cache.size();
        let image = match maker {
            PixelMaker::Threads => 3 * height * width * size_of::<f32>(),
            PixelMaker::Device => size_of::<Moves>(),
        };
        let bytes = image * batches.iter().map(Vec::len).max().unwrap_or(0);
        let job = Job { first, total: batches.len(), ahead, threads, bytes };
        let make = move |b: usize, stop: &AtomicBool| {
            let draw = |p: usize| Moves::draw(height, width, &augment, &mut stream(seed, &[b as u64, p as u64]));
            let moves = (0..batches[b].len()).map(draw).collect();
            match maker {
                PixelMaker::Threads => fill(&cache, &batches[b], moves, stop),
                PixelMaker::Device => Batch { indices: batches[b].clone(), moves, pixels: Vec::new() },
            }
        };
        Ok(Self(Workers::start(&job, make)?))
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
        let (height, width) = cache.size();
        let bytes = 3 * height * width * size_of::<f32>() * batch;
        let job = Job { first: 0, total: indices.len().div_ceil(batch), ahead, threads, bytes };
        let make = move |b: usize, stop: &AtomicBool| {
            let part = &indices[b * batch..((b + 1) * batch).min(indices.len())];
            fill(&cache, part, vec![Moves::NONE; part.len()], stop)
        };
        Ok(Self(Workers::start(&job, make)?))
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
