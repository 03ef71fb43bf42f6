//! RandPerson (synthetic): one folder of images; `000017_s02_c03_f000264.jpg` = person, scene, camera, frame. All of
//! it is for training. Cameras of different scenes are different cameras.

use std::path::{Path, PathBuf};

use super::folders::read_folder;
use super::names::PATTERNS;
use super::published::{PublishedCounts, PublishedNumber, SplitFigures};
use super::{DataError, Layout, Options, Splits, listing};

/// The layout.
pub const LAYOUT: Layout = Layout {
    name: "randperson",
    title: "RandPerson",
    expects: "a folder of images with names like 000017_s02_c03_f000264.jpg",
    notice: None,
    published: &[PublishedCounts {
        form: "RandPerson, the subset",
        train: SplitFigures { ids: PublishedNumber::Hint(8_000), images: PublishedNumber::Hint(132_145) },
        query: SplitFigures { ids: PublishedNumber::Unknown, images: PublishedNumber::Unknown },
        gallery: SplitFigures { ids: PublishedNumber::Unknown, images: PublishedNumber::Unknown },
        cameras: PublishedNumber::Unknown,
    }],
    detect: |root| find(root).is_some(),
    read,
};

fn find(root: &Path) -> Option<PathBuf> {
    listing::find(root, |dir| {
        let first = listing::first_image(dir)?;
        PATTERNS[2].parse(listing::name(&first)).map(|_| dir.to_path_buf())
    })
}

fn read(root: &Path, _options: &Options) -> Result<Splits, DataError> {
    let dir = find(root).ok_or_else(|| LAYOUT.wrong(root))?;
    let mut splits = Splits { has_cameras: true, ..Splits::default() };
    splits.train = read_folder(&dir, &|name: &str| PATTERNS[2].parse(name), &mut splits)?;
    Ok(splits)
}
