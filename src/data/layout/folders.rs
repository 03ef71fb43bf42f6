//! What most layouts share: a folder for each split, pid and camera in the file names.

use std::path::{Path, PathBuf};

use super::listing::{self, Listing};
use super::names::Name;
use super::{DataError, Sample, Splits};

/// The folders of the three splits.
#[derive(Clone, Debug)]
pub struct Folders {
    /// Training.
    pub train: PathBuf,
    /// Query.
    pub query: PathBuf,
    /// Gallery.
    pub gallery: PathBuf,
}

/// The names those folders have in Market-1501 and what follows it.
pub const MARKET: [&str; 3] = ["bounding_box_train", "query", "bounding_box_test"];

impl Folders {
    /// Finds folders of these names (train, query, gallery) in `root` or up to two levels below.
    pub fn find(root: &Path, names: [&str; 3]) -> Option<Self> {
        listing::find(root, |dir| {
            let [train, query, gallery] = names.map(|n| listing::folder(dir, n));
            Some(Self { train: train?, query: query?, gallery: gallery? })
        })
    }

    /// The share of training images whose names fit; 0 when there are none.
    pub fn share(&self, fits: impl Fn(&str) -> bool) -> f64 {
        let Listing { images, .. } = listing::images(&self.train).unwrap_or_default();
        let good = images.iter().filter(|p| fits(listing::name(p))).count();
        if images.is_empty() { 0.0 } else { good as f64 / images.len() as f64 }
    }

    /// Reads the three folders with one rule for names.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn read(&self, parse: impl Fn(&str) -> Option<Name>) -> Result<Splits, DataError> {
        let mut splits = Splits { has_cameras: true, ..Splits::default() };
        splits.train = read_folder(&self.train, &parse, &mut splits.notes)?;
        splits.query = read_folder(&self.query, &parse, &mut splits.notes)?;
        splits.gallery = read_folder(&self.gallery, &parse, &mut splits.notes)?;
        Ok(splits)
    }
}

/// The images of a folder whose names `parse` understands; the others are counted in a note.
///
/// # Errors
/// When the folder cannot be read.
pub fn read_folder(
    dir: &Path,
    parse: &impl Fn(&str) -> Option<Name>,
    notes: &mut Vec<String>,
) -> Result<Vec<Sample>, DataError> {
    let Listing { images, ignored } = listing::images(dir)?;
    let mut samples = Vec::with_capacity(images.len());
    let mut strange = Vec::new();
    for path in images {
        match parse(listing::name(&path)) {
            Some(Name { pid: Some(pid), camid }) => samples.push(Sample { path, pid, camid: camid.unwrap_or(0) }),
            _ => strange.push(path),
        }
    }
    let folder = listing::name(dir);
    if let Some(first) = strange.first() {
        notes.push(format!(
            "{folder}: {} images left out, their names tell no pid or camera ({}{})",
            strange.len(),
            listing::name(first),
            if strange.len() > 1 { ", …" } else { "" }
        ));
    }
    if ignored > 0 {
        notes.push(format!("{folder}: {ignored} other files passed over"));
    }
    Ok(samples)
}
