//! What most layouts share: a folder for each split, pid and camera in the file names.

use std::path::{Path, PathBuf};

use super::listing::{self, FolderListing};
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
        let FolderListing { images, .. } = listing::images(&self.train).unwrap_or_default();
        let good = images.iter().filter(|p| fits(listing::name(p))).count();
        if images.is_empty() { 0.0 } else { good as f64 / images.len() as f64 }
    }

    /// Reads the three folders with one rule for names.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn read(&self, parse: impl Fn(&str) -> Option<Name>) -> Result<Splits, DataError> {
        let mut splits = Splits { has_cameras: true, ..Splits::default() };
        splits.train = read_folder(&self.train, &parse, &mut splits)?;
        splits.query = read_folder(&self.query, &parse, &mut splits)?;
        splits.gallery = read_folder(&self.gallery, &parse, &mut splits)?;
        Ok(splits)
    }
}

/// The images of a folder whose names `parse` understands; the others are counted in a note of `told`, and the first
/// that was understood, and is no junk, is among its examples.
///
/// # Errors
/// When the folder cannot be read.
pub fn read_folder(
    dir: &Path,
    parse: &impl Fn(&str) -> Option<Name>,
    told: &mut Splits,
) -> Result<Vec<Sample>, DataError> {
    let FolderListing { images, ignored, repeated } = listing::images(dir)?;
    let mut samples = Vec::with_capacity(images.len());
    let (mut strange, mut shown) = (Vec::new(), false);
    let folder = listing::name(dir).to_owned();
    for path in images {
        match parse(listing::name(&path)) {
            Some(name @ Name { pid: Some(pid), camid, .. }) => {
                if pid >= 0 && !std::mem::replace(&mut shown, true) {
                    told.examples.push(example(&folder, &path, name));
                }
                samples.push(Sample { clothes: name.clothes, ..Sample::new(path, pid, camid.unwrap_or(0)) });
            }
            _ => strange.push(path),
        }
    }
    if let Some(first) = strange.first() {
        told.notes.push(format!(
            "{folder}: {} images left out, their names tell no pid or camera ({}{}); a name has to look like one of \
             0002_c1s1_000451_03.jpg, 0002_anything.jpg",
            strange.len(),
            first.file_name().unwrap_or_default().to_string_lossy(),
            if strange.len() > 1 { ", …" } else { "" }
        ));
    }
    told.notes.extend(passed_over(&folder, ignored, repeated));
    Ok(samples)
}

/// "train: 000_1_c1_000001.png → person 0, camera 1, clothes 1": so that a wrong reading is seen.
pub fn example(folder: &str, path: &Path, name: Name) -> String {
    let mut parts = vec![format!("person {}", name.pid.unwrap_or(-1))];
    parts.extend(name.camid.map(|c| format!("camera {}", c + 1)));
    parts.extend(name.clothes.map(|c| format!("clothes {c}")));
    format!("{folder}: {} → {}", listing::name(path), parts.join(", "))
}

/// Notes on what a listing left out.
pub fn passed_over(folder: &str, ignored: usize, repeated: usize) -> impl Iterator<Item = String> {
    let files = (ignored > 0).then(|| format!("{folder}: {ignored} other files passed over"));
    let links = (repeated > 0).then(|| {
        format!("{folder}: {repeated} links lead back to folders that are read already; each folder is read once")
    });
    files.into_iter().chain(links)
}
