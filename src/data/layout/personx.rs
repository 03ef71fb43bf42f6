//! PersonX (synthetic people): Market-1501's folders; `0001_c3_01.jpg` with cameras 3, 4, 8, 10, 11 and 12.

use std::path::Path;

use super::folders::{Folders, MARKET};
use super::names::{self, Name};
use super::published::{PublishedCounts, PublishedNumber, hint_ids};
use super::{DataError, Layout, Options, Splits};

/// The cameras of the subset that SpCL and OpenUnReID use, as numbered in the file names.
const CAMERAS: [i32; 6] = [3, 4, 8, 10, 11, 12];

/// The layout.
pub const LAYOUT: Layout = Layout {
    name: "personx",
    title: "PersonX",
    expects: "the folders bounding_box_train, query and bounding_box_test with names like 0001_c3_01.jpg",
    notice: None,
    published: &[PublishedCounts {
        form: "PersonX, the subset of SpCL",
        train: hint_ids(410, 9_840),
        query: hint_ids(856, 5_136),
        gallery: hint_ids(856, 30_816),
        cameras: PublishedNumber::Sure(6),
    }],
    detect,
    read,
};

/// What a PersonX name says; its six cameras become 0..=5, any other is not PersonX.
pub fn parse(name: &str) -> Option<Name> {
    let Name { pid, camid, clothes } = names::pid_cam(name)?;
    let number = camid? + 1;
    let camid = CAMERAS.iter().position(|&c| c == number)? as i32;
    Some(Name { pid, camid: Some(camid), clothes })
}

fn detect(root: &Path) -> bool {
    // Other folders may use the cameras 3 and 4 too; the six together are PersonX's.
    let Some(folders) = Folders::find(root, MARKET) else { return false };
    let has = |camera: usize| folders.share(|n| parse(n).and_then(|p| p.camid) == Some(camera as i32)) > 0.0;
    folders.share(|n| parse(n).is_some()) > 0.99 && (0..CAMERAS.len()).all(has)
}

fn read(root: &Path, _options: &Options) -> Result<Splits, DataError> {
    Folders::find(root, MARKET).ok_or_else(|| LAYOUT.wrong(root))?.read(parse)
}
