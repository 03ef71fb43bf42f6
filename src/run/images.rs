//! `images.csv`: which file stands behind an [`ImageRef`].

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::RunError;
use super::event::{ImageRef, Split};
use crate::base::fs::{atomic_write, open_regular};

/// One image of the target dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRow {
    /// Its split.
    pub split: Split,
    /// Its row within the split.
    pub index: u32,
    /// The file, as the dataset's loader found it.
    pub path: PathBuf,
    /// **Ground truth**: its identity.
    pub pid: i32,
    /// Its camera, 0-based.
    pub camid: i32,
}

/// The images of a run's target dataset, by split and index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Images {
    splits: [Vec<ImageRow>; 3],
}

impl Images {
    /// Sorts the rows into their splits.
    ///
    /// # Errors
    /// When a split's indices are not 0, 1, 2, … in this order.
    pub fn new(rows: impl IntoIterator<Item = ImageRow>) -> Result<Self, String> {
        let mut images = Self::default();
        for row in rows {
            let split = &mut images.splits[slot(row.split)];
            if row.index as usize != split.len() {
                return Err(format!("{:?} image {} stands where {} was expected", row.split, row.index, split.len()));
            }
            split.push(row);
        }
        Ok(images)
    }

    /// All images of a split, in index order.
    pub fn split(&self, split: Split) -> &[ImageRow] {
        &self.splits[slot(split)]
    }

    /// All images, split by split.
    pub fn all(&self) -> impl Iterator<Item = &ImageRow> {
        self.splits.iter().flatten()
    }

    /// One image.
    pub fn get(&self, image: ImageRef) -> Option<&ImageRow> {
        self.split(image.split).get(image.index as usize)
    }

    /// Where they lie in a run folder.
    pub fn path(dir: &Path) -> PathBuf {
        dir.join("images.csv")
    }

    /// Writes `images.csv`.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&self, dir: &Path) -> Result<(), RunError> {
        let path = Self::path(dir);
        atomic_write(&path, |file| {
            let mut csv = csv::Writer::from_writer(file);
            for row in self.splits.iter().flatten() {
                csv.serialize(row).map_err(std::io::Error::other)?;
            }
            csv.flush()
        })
        .map_err(RunError::io("write", &path))
    }

    /// Reads `images.csv`.
    ///
    /// # Errors
    /// When it is missing or not what [`Images::write`] writes.
    pub fn read(dir: &Path) -> Result<Self, RunError> {
        let path = Self::path(dir);
        let file = open_regular(&path).map_err(RunError::io("read", &path))?;
        let rows: Result<Vec<ImageRow>, _> = csv::Reader::from_reader(file).deserialize().collect();
        Self::new(rows.map_err(|e| RunError::damaged(&path, e))?).map_err(|e| RunError::damaged(&path, e))
    }
}

fn slot(split: Split) -> usize {
    match split {
        Split::Train => 0,
        Split::Query => 1,
        Split::Gallery => 2,
    }
}
