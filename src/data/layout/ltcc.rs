//! LTCC (clothes change): `train`, `query`, `test`; `000_1_c1_000001.png` = person, clothes, camera, image.

use std::path::Path;

use super::folders::Folders;
use super::names::PATTERNS;
use super::published::{PublishedCounts, PublishedNumber, SplitFigures};
use super::{DataError, Layout, Options, Splits};

const FOLDERS: [&str; 3] = ["train", "query", "test"];

/// The layout.
pub const LAYOUT: Layout = Layout {
    name: "ltcc",
    title: "LTCC",
    expects: "the folders train, query and test with names like 000_1_c1_000001.png",
    notice: None,
    published: &[PublishedCounts {
        form: "LTCC",
        train: hint(77, 9_576),
        query: hint(75, 493),
        gallery: hint(75, 7_050),
        cameras: PublishedNumber::Hint(12),
    }],
    detect: |root| Folders::find(root, FOLDERS).is_some_and(|f| f.share(|n| PATTERNS[1].parse(n).is_some()) > 0.5),
    read,
};

const fn hint(ids: usize, images: usize) -> SplitFigures {
    SplitFigures { ids: PublishedNumber::Hint(ids), images: PublishedNumber::Hint(images) }
}

fn read(root: &Path, _options: &Options) -> Result<Splits, DataError> {
    let folders = Folders::find(root, FOLDERS).ok_or_else(|| LAYOUT.wrong(root))?;
    folders.read(|name| PATTERNS[1].parse(name))
}
