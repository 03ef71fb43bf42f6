//! A dataset opened for a run: its samples, and caches of its decoded images.

use std::sync::Arc;

use super::event::Split;
use crate::data::cache::ImageCache;
use crate::data::{Dataset, Sample};
use crate::method::params::ImageSize;

/// Most bytes of decoded images kept for a training split; a whole Market-1501 at 256×128 is 1.3 GB.
const TRAIN_CACHE: u64 = 4 << 30;
/// Most bytes of decoded images kept for a query or gallery split.
const TEST_CACHE: u64 = 2 << 30;

/// A dataset opened for a run.
pub struct DomainData {
    /// The samples.
    pub dataset: Dataset,
    caches: [Arc<ImageCache>; 3],
}

impl DomainData {
    /// Makes the caches; nothing is decoded yet.
    pub fn new(dataset: Dataset, size: &ImageSize) -> Self {
        let cache =
            |samples: &[Sample], bytes| Arc::new(ImageCache::new(samples.into(), size.height, size.width, bytes));
        let caches = [
            cache(&dataset.train, TRAIN_CACHE),
            cache(&dataset.query, TEST_CACHE),
            cache(&dataset.gallery, TEST_CACHE),
        ];
        Self { dataset, caches }
    }

    /// The decoded images of a split.
    pub fn cache(&self, split: Split) -> &Arc<ImageCache> {
        match split {
            Split::Train => &self.caches[0],
            Split::Query => &self.caches[1],
            Split::Gallery => &self.caches[2],
        }
    }

    /// Cameras of the training images, `[N]`.
    pub fn train_camids(&self) -> Vec<i32> {
        self.dataset.train.iter().map(|s| s.camid).collect()
    }

    /// Files that could not be read so far, as a sentence; `None` when there are none.
    pub fn unreadable(&self) -> Option<String> {
        let files: Vec<_> = self.caches.iter().flat_map(|c| c.unreadable()).collect();
        let (path, reason) = files.first()?;
        Some(format!(
            "{} of {} could not be read and are grey instead, the first {} ({reason}).",
            files.len(),
            self.dataset.name,
            path.display()
        ))
    }
}
