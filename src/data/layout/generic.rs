//! Any folder with one folder a split and a pid, better also a camera, in the file names.

use std::path::{Path, PathBuf};

use super::folders::read_folder;
use super::names::{self, Name};
use super::{DataError, Layout, Options, Splits, listing};

const TRAIN: &[&str] = &["bounding_box_train", "train", "image_train"];
const QUERY: &[&str] = &["query", "probe", "image_query"];
const GALLERY: &[&str] = &["bounding_box_test", "gallery", "test", "image_test"];

/// The layout.
pub const LAYOUT: Layout = Layout {
    name: "market-style",
    title: "Market-style",
    expects: "folders for train, query and gallery (bounding_box_train or train, query or probe, bounding_box_test, \
              gallery or test) with names like 0017_c2_anything.jpg, or 0017_anything.jpg without cameras",
    notice: None,
    published: &[],
    detect: |root| Found::search(root).is_some_and(|f| f.parses()),
    read,
};

/// The folders that are there; a set with training images alone can still be adapted to.
struct Found {
    train: PathBuf,
    test: Option<(PathBuf, PathBuf)>,
}

impl Found {
    fn search(root: &Path) -> Option<Self> {
        listing::find(root, |dir| {
            let first = |names: &[&str]| names.iter().find_map(|n| listing::folder(dir, n));
            let test = first(QUERY).zip(first(GALLERY));
            Some(Self { train: first(TRAIN)?, test })
        })
    }

    fn folders(&self) -> impl Iterator<Item = &Path> {
        let test = self.test.iter().flat_map(|(q, g)| [q.as_path(), g.as_path()]);
        std::iter::once(self.train.as_path()).chain(test)
    }

    fn any(&self, parse: fn(&str) -> Option<Name>) -> bool {
        self.folders().any(|dir| {
            let images = listing::images(dir).unwrap_or_default().images;
            images.iter().any(|p| parse(listing::name(p)).is_some())
        })
    }

    fn parses(&self) -> bool {
        self.any(names::pid_cam) || self.any(names::pid_only)
    }
}

fn read(root: &Path, _options: &Options) -> Result<Splits, DataError> {
    let found = Found::search(root).filter(Found::parses).ok_or_else(|| LAYOUT.wrong(root))?;
    let has_cameras = found.any(names::pid_cam);
    let parse = if has_cameras { names::pid_cam } else { names::pid_only };
    let mut splits = Splits { has_cameras, ..Splits::default() };
    splits.train = read_folder(&found.train, &parse, &mut splits.notes)?;
    if let Some((query, gallery)) = &found.test {
        splits.query = read_folder(query, &parse, &mut splits.notes)?;
        splits.gallery = read_folder(gallery, &parse, &mut splits.notes)?;
    }
    Ok(splits)
}
