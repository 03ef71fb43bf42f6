//! Market-1501: `bounding_box_train`, `query`, `bounding_box_test`; `0002_c1s1_000451_03.jpg`.

use std::path::Path;
use std::sync::OnceLock;

use regex_lite::Regex;

use super::folders::{Folders, MARKET};
use super::published::{PublishedCounts, PublishedNumber, sure};
use super::{DataError, Layout, Options, Splits, names};

/// The layout.
pub const LAYOUT: Layout = Layout {
    name: "market1501",
    title: "Market-1501",
    expects: "the folders bounding_box_train, query and bounding_box_test with names like 0002_c1s1_000451_03.jpg",
    notice: None,
    published: &[PublishedCounts {
        form: "Market-1501",
        train: sure(751, 12_936),
        query: sure(750, 3_368),
        gallery: sure(750, 15_913),
        cameras: PublishedNumber::Sure(6),
    }],
    detect,
    read,
};

/// Whether a name is Market-1501's own: pid, camera *and sequence*, which no other dataset has.
fn is_own(name: &str) -> bool {
    static PATTERN: OnceLock<Option<Regex>> = OnceLock::new();
    let pattern = PATTERN.get_or_init(|| Regex::new(r"^-?\d+_c\ds\d+_\d+").ok());
    pattern.as_ref().is_some_and(|p| p.is_match(name))
}

fn detect(root: &Path) -> bool {
    Folders::find(root, MARKET).is_some_and(|f| f.share(is_own) > 0.5)
}

/// Reads any folder whose names have Market-1501's pid and camera.
pub(super) fn read(root: &Path, _options: &Options) -> Result<Splits, DataError> {
    Folders::find(root, MARKET).ok_or_else(|| LAYOUT.wrong(root))?.read(names::pid_cam)
}
