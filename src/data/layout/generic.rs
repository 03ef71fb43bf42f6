//! Any folder with one folder a split and a pid, better also a camera, in the file names.

use std::path::{Path, PathBuf};

use super::folders::read_folder;
use super::names::Pattern;
use super::{DataError, Layout, Options, Splits, listing};

const TRAIN: &[&str] = &["bounding_box_train", "train", "image_train", "training"];
const QUERY: &[&str] = &["query", "probe", "image_query", "queries"];
const GALLERY: &[&str] = &["bounding_box_test", "gallery", "test", "image_test", "testing"];

/// The layout.
pub const LAYOUT: Layout = Layout {
    name: "market-style",
    title: "Market-style",
    expects: "folders for train, query and gallery (bounding_box_train or train, query or probe, bounding_box_test, \
              gallery or test) with names like 0017_c2_anything.jpg, or 0017_anything.jpg without cameras",
    notice: None,
    published: &[],
    detect: |root| Found::search(root).is_some_and(|f| f.pattern().is_some()),
    read,
};

/// The folders that are there; a set with training images alone can still be adapted to.
pub(super) struct Found {
    pub(super) train: PathBuf,
    pub(super) test: Option<(PathBuf, PathBuf)>,
}

impl Found {
    pub(super) fn search(root: &Path) -> Option<Self> {
        listing::find(root, |dir| {
            let first = |names: &[&str]| names.iter().find_map(|n| listing::folder(dir, n));
            let test = first(QUERY).zip(first(GALLERY));
            Some(Self { train: first(TRAIN)?, test })
        })
    }

    /// Training, then query and gallery where they are.
    pub(super) fn folders(&self) -> impl Iterator<Item = &Path> {
        let test = self.test.iter().flat_map(|(q, g)| [q.as_path(), g.as_path()]);
        std::iter::once(self.train.as_path()).chain(test)
    }

    /// Notes on folders of images beside the splits that are none of them, as `val`.
    pub(super) fn unread(&self) -> impl Iterator<Item = String> {
        let beside = self.train.parent().map(listing::folders).unwrap_or_default();
        let read: Vec<PathBuf> = self.folders().map(Path::to_path_buf).collect();
        let left = beside.into_iter().filter(move |dir| !read.contains(dir) && listing::first_image(dir).is_some());
        left.map(|dir| format!("the folder {} holds images too and is not read", listing::name(&dir)))
    }

    /// The one pattern for all names: a set is named in one way.
    pub(super) fn pattern(&self) -> Option<&'static Pattern> {
        let lists: Vec<_> = self.folders().map(|dir| listing::images(dir).unwrap_or_default().images).collect();
        Pattern::of(lists.iter().flatten().map(|p| listing::name(p)))
    }
}

fn read(root: &Path, _options: &Options) -> Result<Splits, DataError> {
    let found = Found::search(root).ok_or_else(|| LAYOUT.wrong(root))?;
    let pattern = found.pattern().ok_or_else(|| LAYOUT.wrong(root))?;
    let parse = |name: &str| pattern.parse(name);
    let mut splits = Splits { has_cameras: pattern.has_camera(), ..Splits::default() };
    splits.notes.push(format!("names are read as {} ({})", pattern.habit, pattern.example.0));
    splits.train = read_folder(&found.train, &parse, &mut splits)?;
    if let Some((query, gallery)) = &found.test {
        splits.query = read_folder(query, &parse, &mut splits)?;
        splits.gallery = read_folder(gallery, &parse, &mut splits)?;
    }
    splits.notes.extend(found.unread());
    Ok(splits)
}
