//! Datasets: registry, layouts, synthetic pedestrians, decoding, augmentation, sampling.

use std::path::PathBuf;
use std::sync::OnceLock;

pub mod augment;
pub mod builtin;
pub mod cache;
pub mod check;
pub mod decode;
pub mod error;
pub mod files;
pub mod layout;
pub mod loader;
pub mod preview;
pub mod registry;
pub mod resample;
pub mod sampler;
pub mod synthetic;
pub mod twins;

pub use crate::base::tick::{Tick, no_tick};
pub use error::DataError;
pub use registry::open;

/// One image of a split.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// The file.
    pub path: PathBuf,
    /// Identity. Train: 0-based, relabelled in sorted order. Query and gallery: as in the file name; 0 is a distractor.
    pub pid: i32,
    /// Camera, 0-based; 0 everywhere when the dataset has none.
    pub camid: i32,
    /// Clothes, where the set tells them: numbers that count within a person only.
    pub clothes: Option<i32>,
}

impl Sample {
    /// A person, seen by a camera (0-based), in clothes that nobody tells.
    pub fn new(path: PathBuf, pid: i32, camid: i32) -> Self {
        Self { path, pid, camid, clothes: None }
    }
}

/// The clothes of images, −1 where they are not known.
pub fn clothes(samples: &[Sample]) -> Vec<i32> {
    samples.iter().map(|s| s.clothes.unwrap_or(-1)).collect()
}

/// A dataset as the loader read it; junk (pid −1) is already dropped, every split sorted by file.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Registered name, or the folder's name.
    pub name: String,
    /// The layout's name, as in `datasets.toml`.
    pub layout: &'static str,
    /// The data root.
    pub root: PathBuf,
    /// Training images.
    pub train: Vec<Sample>,
    /// Query images.
    pub query: Vec<Sample>,
    /// Gallery images.
    pub gallery: Vec<Sample>,
    /// Whether the test is drawn, one gallery image of each identity (VehicleID): figures are then told as means over
    /// draws, too.
    pub drawn: bool,
    /// Whether file names carry cameras. Without them the same-camera rule of the evaluation is off.
    pub has_cameras: bool,
    /// What was made of one name of each split: "train: 0002_c1s1_000451_03.jpg → person 2, camera 1".
    pub examples: Vec<String>,
    /// What the loader had to say: dropped junk, ignored files, notices of the layout.
    pub notes: Vec<String>,
    /// See [`Dataset::evaluation_cameras`].
    cameras: OnceLock<EvaluationCameras>,
}

/// The cameras by which a test set is evaluated: a gallery image of the query's person *and* camera is no hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvaluationCameras {
    /// `[nq]`.
    pub query: Vec<i32>,
    /// `[ng]`.
    pub gallery: Vec<i32>,
    /// Whether the rule is on.
    pub rule: bool,
}

impl Dataset {
    /// The cameras for the evaluation. Where names carry none, no image may count as of the query's camera, except
    /// the query's own picture: it must not find itself. Found once, from the files where need be.
    pub fn evaluation_cameras(&self) -> &EvaluationCameras {
        self.cameras.get_or_init(|| twins::cameras(&self.query, &self.gallery, self.has_cameras))
    }
}
