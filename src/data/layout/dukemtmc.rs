//! DukeMTMC-reID: Market-1501's folders; `0005_c2_f0046985.jpg`.

use std::path::Path;
use std::sync::OnceLock;

use regex_lite::Regex;

use super::folders::{Folders, MARKET};
use super::published::{PublishedCounts, PublishedNumber, images_only, sure};
use super::{DataError, Layout, Options, Splits, names};

/// The layout.
pub const LAYOUT: Layout = Layout {
    name: "dukemtmcreid",
    title: "DukeMTMC-reID",
    expects: "the folders bounding_box_train, query and bounding_box_test with names like 0005_c2_f0046985.jpg",
    notice: Some(
        "DukeMTMC-reID was withdrawn by its authors in 2019 over consent and privacy; use it only if you lawfully \
         hold it, and consider another dataset for new work",
    ),
    published: &[PublishedCounts {
        form: "DukeMTMC-reID",
        train: sure(702, 16_522),
        query: sure(702, 2_228),
        gallery: images_only(17_661),
        cameras: PublishedNumber::Sure(8),
    }],
    detect,
    read,
};

fn is_own(name: &str) -> bool {
    static PATTERN: OnceLock<Option<Regex>> = OnceLock::new();
    let pattern = PATTERN.get_or_init(|| Regex::new(r"^\d+_c\d+_f\d+").ok());
    pattern.as_ref().is_some_and(|p| p.is_match(name))
}

fn detect(root: &Path) -> bool {
    Folders::find(root, MARKET).is_some_and(|f| f.share(is_own) > 0.5)
}

fn read(root: &Path, _options: &Options) -> Result<Splits, DataError> {
    Folders::find(root, MARKET).ok_or_else(|| LAYOUT.wrong(root))?.read(names::pid_cam)
}
