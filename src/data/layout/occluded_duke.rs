//! Occluded-Duke: DukeMTMC-reID's folders and names with occluded queries; told apart by the folder's name.

use std::path::Path;

use super::folders::{Folders, MARKET};
use super::published::{PublishedCounts, PublishedNumber, images_only, sure};
use super::{DataError, Layout, Options, Splits, dukemtmc, names};

/// The layout.
pub const LAYOUT: Layout = Layout {
    name: "occluded-duke",
    title: "Occluded-Duke",
    expects: "a folder called Occluded-Duke with bounding_box_train, query and bounding_box_test, and names like \
              0005_c2_f0046985.jpg",
    notice: dukemtmc::LAYOUT.notice,
    published: &[PublishedCounts {
        form: "Occluded-Duke",
        train: sure(702, 15_618),
        query: sure(519, 2_210),
        gallery: images_only(17_661),
        cameras: PublishedNumber::Sure(8),
    }],
    detect,
    read,
};

fn detect(root: &Path) -> bool {
    let Some(folders) = Folders::find(root, MARKET) else { return false };
    let occluded = |part: &std::ffi::OsStr| {
        let low = part.to_string_lossy().to_ascii_lowercase();
        low.contains("occluded") && low.contains("duke")
    };
    let near: Vec<_> = folders.train.iter().rev().skip(1).take(3).collect();
    near.into_iter().any(occluded) && (dukemtmc::LAYOUT.detect)(root)
}

fn read(root: &Path, _options: &Options) -> Result<Splits, DataError> {
    Folders::find(root, MARKET).ok_or_else(|| LAYOUT.wrong(root))?.read(names::pid_cam)
}
