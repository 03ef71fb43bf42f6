//! LaST (clothes change, from films): `train/ID/…`, `test/query`, `test/gallery/ID/…`; the name begins with the
//! person and ends with the clothes. There are no cameras.

use std::path::Path;

use super::folders::Folders;
use super::names::Name;
use super::published::{PublishedCounts, PublishedNumber, SplitFigures};
use super::{DataError, Layout, Options, Splits, listing};

/// The layout.
pub const LAYOUT: Layout = Layout {
    name: "last",
    title: "LaST",
    expects: "the folders train, test/query and test/gallery with names like 000001_sp1_a_01_1.jpg",
    notice: None,
    published: &[PublishedCounts {
        form: "LaST",
        train: SplitFigures { ids: PublishedNumber::Hint(5_000), images: PublishedNumber::Hint(71_248) },
        query: SplitFigures { ids: PublishedNumber::Hint(5_806), images: PublishedNumber::Hint(10_176) },
        gallery: SplitFigures { ids: PublishedNumber::Hint(5_806), images: PublishedNumber::Hint(125_353) },
        cameras: PublishedNumber::Unknown,
    }],
    detect: |root| find(root).is_some_and(|f| f.share(|n| parse(n).is_some()) > 0.5),
    read,
};

fn find(root: &Path) -> Option<Folders> {
    listing::find(root, |dir| {
        let test = listing::folder(dir, "test")?;
        let (query, gallery) = (listing::folder(&test, "query")?, listing::folder(&test, "gallery")?);
        Some(Folders { train: listing::folder(dir, "train")?, query, gallery })
    })
}

fn parse(name: &str) -> Option<Name> {
    let fields: Vec<&str> = name.split('.').next()?.split('_').collect();
    let pid = fields.first()?.parse().ok()?;
    // Names of the test set end before it.
    let clothes = fields.get(4).and_then(|c| c.parse().ok());
    Some(Name { clothes, ..Name::new(pid, None) })
}

fn read(root: &Path, _options: &Options) -> Result<Splits, DataError> {
    let mut splits = find(root).ok_or_else(|| LAYOUT.wrong(root))?.read(parse)?;
    splits.has_cameras = false;
    Ok(splits)
}
