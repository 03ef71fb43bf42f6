//! CUHK03 under the new protocol, as ready-made folders: `detected` and `labeled`, each like Market-1501.

use std::path::Path;

use super::folders::{Folders, MARKET};
use super::names::{self, Name};
use super::published::{PublishedCounts, PublishedNumber, SplitFigures, sure};
use super::{DataError, Layout, Options, Splits, listing};

const VARIANTS: [&str; 2] = ["detected", "labeled"];

/// The layout.
pub const LAYOUT: Layout = Layout {
    name: "cuhk03-np",
    title: "CUHK03-NP",
    expects: "the folders detected and labeled, each with bounding_box_train, query and bounding_box_test",
    notice: None,
    published: &[
        PublishedCounts {
            form: "CUHK03-NP, detected",
            train: sure(767, 7_365),
            query: sure(700, 1_400),
            gallery: SplitFigures { ids: PublishedNumber::Hint(700), images: PublishedNumber::Sure(5_332) },
            cameras: PublishedNumber::Sure(2),
        },
        PublishedCounts {
            form: "CUHK03-NP, labeled",
            train: sure(767, 7_368),
            query: sure(700, 1_400),
            gallery: SplitFigures { ids: PublishedNumber::Hint(700), images: PublishedNumber::Sure(5_328) },
            cameras: PublishedNumber::Sure(2),
        },
    ],
    detect,
    read,
};

/// `1_001_2_01.png`, as torchreid extracts them: camera pair, person in the pair, view, image. The name tells the
/// view (the camera); the identity is the protocol's to number.
pub fn parse_extracted(name: &str) -> Option<Name> {
    extracted(name).map(|(_, _, view)| Name { camid: Some(view - 1), ..Name::default() })
}

/// Pair, person and view of an extracted name.
fn extracted(name: &str) -> Option<(i32, i32, i32)> {
    let stem = name.split('.').next()?;
    let fields: Vec<i32> = stem.split('_').map(|f| f.parse().ok()).collect::<Option<_>>()?;
    match fields[..] {
        [pair @ 1..=5, person, view @ 1..=2, _] => Some((pair, person, view)),
        _ => None,
    }
}

/// Market-style names, or extracted ones; there a pair and the person in it make an identity.
fn parse(name: &str) -> Option<Name> {
    let own = extracted(name).map(|(pair, person, view)| (pair * 10_000 + person, view));
    own.map(|(pid, view)| Name::new(pid, Some(view - 1))).or_else(|| names::pid_cam(name))
}

fn variant_folder(root: &Path, variant: &str) -> Option<Folders> {
    let inside = listing::find(root, |dir| listing::folder(dir, variant))?;
    Folders::find(&inside, MARKET)
}

fn detect(root: &Path) -> bool {
    let own = VARIANTS.iter().any(|v| listing::name(root).eq_ignore_ascii_case(v));
    VARIANTS.iter().any(|v| variant_folder(root, v).is_some()) || (own && Folders::find(root, MARKET).is_some())
}

fn read(root: &Path, options: &Options) -> Result<Splits, DataError> {
    let wanted = options.variant.as_deref().unwrap_or(VARIANTS[0]);
    if !VARIANTS.contains(&wanted) {
        return Err(DataError::BadSetting(format!("CUHK03-NP has no variant `{wanted}`: it is detected or labeled")));
    }
    // The root may be one of the two folders itself.
    let (folders, note) = match variant_folder(root, wanted) {
        Some(folders) => (folders, format!("boxes: {wanted}")),
        None if options.variant.is_none() || listing::name(root).eq_ignore_ascii_case(wanted) => {
            let folders = Folders::find(root, MARKET).ok_or_else(|| LAYOUT.wrong(root))?;
            (folders, "boxes: those of the folder given".to_owned())
        }
        None => return Err(LAYOUT.wrong(root)),
    };
    let mut splits = folders.read(parse)?;
    splits.notes.push(note);
    Ok(splits)
}
