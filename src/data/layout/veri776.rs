//! VeRi-776 (vehicles): `image_train`, `image_query`, `image_test`; `0001_c001_00016450_0.jpg`.

use std::path::Path;

use super::folders::Folders;
use super::published::{PublishedCounts, PublishedNumber, SplitFigures, sure};
use super::{DataError, Layout, Options, Splits, names};

const FOLDERS: [&str; 3] = ["image_train", "image_query", "image_test"];

/// The layout.
pub const LAYOUT: Layout = Layout {
    name: "veri776",
    title: "VeRi-776",
    expects: "the folders image_train, image_query and image_test with names like 0001_c001_00016450_0.jpg",
    notice: Some("VeRi-776 is given out by its authors on request only and must not be passed on"),
    published: &[PublishedCounts {
        form: "VeRi-776",
        train: SplitFigures { ids: PublishedNumber::Hint(576), images: PublishedNumber::Sure(37_778) },
        query: sure(200, 1_678),
        gallery: SplitFigures { ids: PublishedNumber::Hint(200), images: PublishedNumber::Sure(11_579) },
        cameras: PublishedNumber::Sure(20),
    }],
    detect: |root| Folders::find(root, FOLDERS).is_some(),
    read,
};

fn read(root: &Path, _options: &Options) -> Result<Splits, DataError> {
    Folders::find(root, FOLDERS).ok_or_else(|| LAYOUT.wrong(root))?.read(names::pid_cam)
}
