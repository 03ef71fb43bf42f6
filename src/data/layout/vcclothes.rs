//! VC-Clothes (synthetic, clothes change): `train`, `query`, `gallery`; `0001-01-01-01.jpg` = person, camera, clothes, image.

use std::path::Path;

use super::folders::Folders;
use super::names::PATTERNS;
use super::published::{PublishedCounts, PublishedNumber, SplitFigures};
use super::{DataError, Layout, Options, Splits};

const FOLDERS: [&str; 3] = ["train", "query", "gallery"];

/// The layout.
pub const LAYOUT: Layout = Layout {
    name: "vcclothes",
    title: "VC-Clothes",
    expects: "the folders train, query and gallery with names like 0001-01-01-01.jpg",
    notice: None,
    published: &[PublishedCounts {
        form: "VC-Clothes",
        train: hint(256, 9_449),
        query: hint(256, 1_020),
        gallery: hint(256, 8_591),
        cameras: PublishedNumber::Hint(4),
    }],
    detect: |root| Folders::find(root, FOLDERS).is_some_and(|f| f.share(|n| PATTERNS[3].parse(n).is_some()) > 0.5),
    read,
};

const fn hint(ids: usize, images: usize) -> SplitFigures {
    SplitFigures { ids: PublishedNumber::Hint(ids), images: PublishedNumber::Hint(images) }
}

fn read(root: &Path, _options: &Options) -> Result<Splits, DataError> {
    let folders = Folders::find(root, FOLDERS).ok_or_else(|| LAYOUT.wrong(root))?;
    folders.read(|name| PATTERNS[3].parse(name))
}
