//! Any folder with one folder a split and a pid, better also a camera, in the file names.

use std::path::{Path, PathBuf};

use super::folders::read_folder;
use super::names::NamePattern;
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
    detect: |root| FoundFolders::search(root).is_some_and(|f| f.pattern().is_some()),
    read,
};

/// The folders that are there; a set with training images alone can still be adapted to, one with a test alone be
/// evaluated on.
pub(super) struct FoundFolders {
    pub(super) train: Option<PathBuf>,
    pub(super) test: Option<(PathBuf, PathBuf)>,
}

/// What a folder's name says it is for: `images_train`, `test_probe`, `bbox_test`, `trainval`.
fn purpose(folder: &Path) -> Option<&'static str> {
    let low = listing::name(folder).to_ascii_lowercase();
    let words: Vec<&str> = low.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let has = |wanted: &[&str]| words.iter().any(|w| wanted.contains(w));
    match () {
        () if has(&["query", "queries", "probe", "probes"]) => Some("query"),
        () if has(&["gallery"]) => Some("gallery"),
        () if has(&["train", "training", "trainval", "trainset"]) => Some("train"),
        () if has(&["test", "testing", "testset"]) => Some("test"),
        () => None,
    }
}

/// Whether a folder's name is that of a split, and so no person's.
pub(super) fn is_split(folder: &Path) -> bool {
    purpose(folder).is_some() || ["val", "valid", "validation"].contains(&listing::name(folder))
}

impl FoundFolders {
    pub(super) fn search(root: &Path) -> Option<Self> {
        listing::find(root, |dir| {
            let inside = std::cell::OnceCell::new();
            // By its very name, else by a word of it, where one folder alone has that.
            let folder = |names: &[&str], of: &str| {
                names.iter().find_map(|n| listing::folder(dir, n)).or_else(|| {
                    let folders = inside.get_or_init(|| listing::folders(dir));
                    let mut fit = folders.iter().filter(|f| purpose(f) == Some(of));
                    fit.next().filter(|_| fit.next().is_none()).cloned()
                })
            };
            let gallery = folder(GALLERY, "gallery").or_else(|| folder(&[], "test"));
            let test = folder(QUERY, "query").zip(gallery);
            let train = folder(TRAIN, "train");
            (train.is_some() || test.is_some()).then_some(Self { train, test })
        })
    }

    /// Training, then query and gallery where they are.
    pub(super) fn folders(&self) -> impl Iterator<Item = &Path> {
        let test = self.test.iter().flat_map(|(q, g)| [q.as_path(), g.as_path()]);
        self.train.as_deref().into_iter().chain(test)
    }

    /// Notes on folders of images beside the splits that are none of them, as `val`.
    pub(super) fn unread(&self) -> impl Iterator<Item = String> {
        let beside = self.folders().next().and_then(Path::parent).map(listing::folders).unwrap_or_default();
        let read: Vec<PathBuf> = self.folders().map(Path::to_path_buf).collect();
        let left = beside.into_iter().filter(move |dir| !read.contains(dir) && listing::first_image(dir).is_some());
        left.map(|dir| format!("the folder {} holds images too and is not read", listing::name(&dir)))
    }

    /// The one pattern for all names: a set is named in one way.
    pub(super) fn pattern(&self) -> Option<&'static NamePattern> {
        let lists: Vec<_> = self.folders().map(|dir| listing::images(dir).unwrap_or_default().images).collect();
        NamePattern::of(lists.iter().flatten().map(|p| listing::name(p)))
    }
}

fn read(root: &Path, _options: &Options) -> Result<Splits, DataError> {
    let found = FoundFolders::search(root).ok_or_else(|| LAYOUT.wrong(root))?;
    let pattern = found.pattern().ok_or_else(|| LAYOUT.wrong(root))?;
    let parse = |name: &str| pattern.parse(name);
    let mut splits = Splits { has_cameras: pattern.has_camera(), ..Splits::default() };
    splits.notes.push(format!("names are read as {} ({})", pattern.habit, pattern.example.0));
    if let Some(train) = &found.train {
        splits.train = read_folder(train, &parse, &mut splits)?;
    }
    if let Some((query, gallery)) = &found.test {
        splits.query = read_folder(query, &parse, &mut splits)?;
        splits.gallery = read_folder(gallery, &parse, &mut splits)?;
    }
    splits.notes.extend(found.unread());
    Ok(splits)
}
