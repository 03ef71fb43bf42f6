//! Runs made of features alone, as the window asks for them; who opens the window says how they are made.

use std::path::{Path, PathBuf};

use crate::base::tick::Tick;
use crate::method::params::Params;

/// What a file of arrays holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileHolds {
    /// Features, a row an image.
    Features,
    /// A network's weights.
    Weights,
}

/// Makes runs of features. It computes and writes files: call it off the UI thread.
pub trait FeatureRuns: Send + Sync {
    /// Features of Market-1501's size and shape, made and clustered, as a run below the user's data folder `data`; it is
    /// made where it is not there. The folder is there whole or not at all.
    ///
    /// # Errors
    /// One sentence; also when the tick asked for an end.
    fn example(&self, data: &Path, tick: Tick<'_>) -> Result<PathBuf, String>;

    /// Clusters the features of a file into the new run folder `out`, which is there whole or not at all.
    ///
    /// # Errors
    /// As [`FeatureRuns::example`].
    fn cluster(&self, file: &Path, out: &Path, params: &Params, tick: Tick<'_>) -> Result<(), String>;

    /// What a file holds.
    ///
    /// # Errors
    /// One sentence where it is neither.
    fn holds(&self, file: &Path) -> Result<FileHolds, String>;
}

/// Makes none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFeatureRuns;

const NONE: &str = "No runs are made of features in this window.";

impl FeatureRuns for NoFeatureRuns {
    fn example(&self, _data: &Path, _tick: Tick<'_>) -> Result<PathBuf, String> {
        Err(NONE.to_owned())
    }

    fn cluster(&self, _file: &Path, _out: &Path, _params: &Params, _tick: Tick<'_>) -> Result<(), String> {
        Err(NONE.to_owned())
    }

    fn holds(&self, _file: &Path) -> Result<FileHolds, String> {
        Err(NONE.to_owned())
    }
}
