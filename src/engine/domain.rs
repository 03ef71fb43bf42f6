//! A dataset opened for a run: its samples, and caches of its decoded images.

use std::path::PathBuf;
use std::sync::Arc;

use super::error::EngineError;
use super::event::Split;
use crate::data::cache::ImageCache;
use crate::data::{Dataset, Sample};
use crate::method::labels::classes;
use crate::method::params::ImageSize;
use crate::run::images::{ImageRow, Images};

/// Files that a message names before it stops.
const NAMED: usize = 5;

/// Most bytes of decoded images kept for a training split; a whole Market-1501 at 256×128 is 1.3 GB.
const TRAIN_CACHE: u64 = 4 << 30;
/// Most bytes of decoded images kept for a query or gallery split.
const TEST_CACHE: u64 = 2 << 30;

/// Which file stands behind an image: training, query and gallery images, in their order.
///
/// # Errors
/// Never for splits that are counted from 0, as these are.
pub(super) fn images(splits: [&[Sample]; 3]) -> Result<Images, EngineError> {
    let names = [Split::Train, Split::Query, Split::Gallery];
    let rows = names.into_iter().zip(splits).flat_map(|(split, samples)| {
        samples.iter().enumerate().map(move |(i, s)| ImageRow {
            split,
            index: i as u32,
            path: s.path.clone(),
            pid: s.pid,
            camid: s.camid,
        })
    });
    Images::new(rows).map_err(EngineError::Refused)
}

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

    /// How many people the training images show.
    pub fn identities(&self) -> i64 {
        classes(&self.dataset.train.iter().map(|s| s.pid).collect::<Vec<i32>>())
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

    /// Training images that could not be read so far, each with the reason.
    pub fn unreadable_in_training(&self) -> Vec<(PathBuf, String)> {
        self.caches[0].unreadable()
    }

    /// How many images of query and gallery could not be read so far.
    pub fn unreadable_in_test(&self) -> usize {
        self.caches[1].unreadable().len() + self.caches[2].unreadable().len()
    }

    /// How many images of all splits could not be read so far.
    pub fn unreadable(&self) -> usize {
        self.caches.iter().map(|c| c.unreadable().len()).sum()
    }

    /// Files that could not be read so far, as a sentence; `None` when there are none.
    pub fn unreadable_sentence(&self) -> Option<String> {
        let files: Vec<_> = self.caches.iter().flat_map(|c| c.unreadable()).collect();
        (!files.is_empty()).then(|| {
            format!(
                "{} of {} could not be read and are grey instead: {}.",
                files.len(),
                self.dataset.name,
                named(&files)
            )
        })
    }
}

/// The first few files by name, the first with the reason.
pub fn named(files: &[(PathBuf, String)]) -> String {
    let mut text = String::new();
    for (i, (path, reason)) in files.iter().take(NAMED).enumerate() {
        let comma = if i > 0 { ", " } else { "" };
        let why = if i == 0 { format!(" ({reason})") } else { String::new() };
        text.push_str(&format!("{comma}{}{why}", path.display()));
    }
    if files.len() > NAMED {
        text.push_str(&format!(" and {} more", files.len() - NAMED));
    }
    text
}
