//! Which images an epoch trains on, and the threads that make its batches.

use std::sync::Arc;

use super::error::EngineError;
use super::event::{Domain, Split};
use super::features::{AHEAD, loader_threads};
use super::seeds::{self, Purpose};
use super::session::Session;
use crate::data::loader::{Epoch, Hands, PixelMaker, TrainLoader};
use crate::data::sampler::{BatchStream, Source};

/// What an epoch draws from, and with which random streams.
pub(super) struct Draw<'a> {
    pub domain: Domain,
    /// Label of each training image, `[N]`; below 0 sits out.
    pub labels: &'a [i32],
    pub batch: usize,
    pub instances: usize,
    pub iters: usize,
    pub order: Purpose,
    pub images: Purpose,
}

/// The batches of an epoch.
pub(super) struct Batches {
    domain: Domain,
    epoch: Epoch,
}

impl Batches {
    /// Draws them for the epoch at which the run stands.
    pub fn draw(session: &Session, draw: &Draw) -> Self {
        let data = session.setup.domain(draw.domain);
        let camids = data.train_camids();
        let source = Source {
            labels: draw.labels,
            camids: &camids,
            has_cameras: data.dataset.has_cameras,
            instances: draw.instances,
            batch: draw.batch,
        };
        let seed = |purpose| seeds::seed(session.params().seed, purpose, session.position.epoch);
        let mut stream = BatchStream::new(source, seed(draw.order));
        let batches = (0..draw.iters).map(|_| stream.next_batch()).collect::<Vec<_>>().into();
        Self { domain: draw.domain, epoch: Epoch { batches, seed: seed(draw.images) } }
    }

    /// Makes those that are still to come, augmented by the settings as they stand.
    ///
    /// # Errors
    /// When the device has no room, or the system refuses a thread.
    pub fn loader(&self, session: &mut Session) -> Result<TrainLoader, EngineError> {
        let cache = Arc::clone(session.setup.domain(self.domain).cache(Split::Train));
        let maker = if session.setup.on_device(&cache)?.is_some() { PixelMaker::Device } else { PixelMaker::Threads };
        let hands = Hands { maker, ahead: AHEAD, threads: loader_threads() };
        let augment = session.params().augment.clone();
        Ok(TrainLoader::starting_at(&self.epoch, session.position.iter, hands, cache, augment)?)
    }
}
