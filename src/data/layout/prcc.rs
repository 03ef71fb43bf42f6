//! PRCC (clothes change): `rgb/train/PERSON/A_….jpg`, `rgb/test/{A,B,C}/PERSON/….jpg`; A, B and C are the cameras.
//! Gallery is A; queries are C, where the clothes have changed, or with `variant = "same"` B, where they have not.

use std::path::{Path, PathBuf};

use super::folders::{example, passed_over};
use super::names::Name;
use super::published::{PublishedCounts, PublishedNumber, SplitFigures};
use super::{DataError, Layout, Options, Sample, Splits, listing};

const CAMERAS: [&str; 3] = ["A", "B", "C"];

const fn hint(ids: usize, images: usize) -> SplitFigures {
    SplitFigures { ids: PublishedNumber::Hint(ids), images: PublishedNumber::Hint(images) }
}

/// The layout.
pub const LAYOUT: Layout = Layout {
    name: "prcc",
    title: "PRCC",
    expects: "the folders rgb/train, with a folder for each person, and rgb/test with the cameras A, B and C",
    notice: Some(
        "PRCC: queries wear other clothes than the gallery (camera C); variant = \"same\" takes camera B, \"both\" takes \
         both and measures each",
    ),
    published: &[
        PublishedCounts {
            form: "PRCC, clothes changed",
            train: hint(150, 17_896),
            query: hint(71, 3_543),
            gallery: hint(71, 3_384),
            cameras: PublishedNumber::Hint(3),
        },
        PublishedCounts {
            form: "PRCC, same clothes",
            train: hint(150, 17_896),
            query: hint(71, 3_873),
            gallery: hint(71, 3_384),
            cameras: PublishedNumber::Hint(3),
        },
    ],
    detect: |root| find(root).is_some(),
    read,
};

/// Training folder and the three cameras of the test.
fn find(root: &Path) -> Option<(PathBuf, [PathBuf; 3])> {
    listing::find(root, |dir| {
        let (train, test) = (listing::folder(dir, "train")?, listing::folder(dir, "test")?);
        let [a, b, c] = CAMERAS.map(|name| test.join(name));
        (a.is_dir() && b.is_dir() && c.is_dir()).then_some((train, [a, b, c]))
    })
}

fn people(split: &Path, camera: impl Fn(&Path) -> Option<i32>, told: &mut Splits) -> Result<Vec<Sample>, DataError> {
    let list = listing::images(split)?;
    let mut samples = Vec::new();
    for path in list.images {
        let folder = path.parent().map_or("", listing::name);
        let (Ok(pid), Some(camid)) = (folder.parse::<i32>(), camera(&path)) else { continue };
        if samples.is_empty() {
            told.examples.push(example(listing::name(split), &path, Name::new(pid, Some(camid))));
        }
        // A person wears the same before cameras A and B, and other clothes before C.
        samples.push(Sample { clothes: Some(camid / 2), ..Sample::new(path, pid, camid) });
    }
    told.notes.extend(passed_over(listing::name(split), list.ignored, list.repeated));
    Ok(samples)
}

fn read(root: &Path, options: &Options) -> Result<Splits, DataError> {
    let (train, [a, b, c]) = find(root).ok_or_else(|| LAYOUT.wrong(root))?;
    let queries = match options.variant.as_deref() {
        None | Some("changed") => vec![(c, 2)],
        Some("same") => vec![(b, 1)],
        Some("both") => vec![(b, 1), (c, 2)],
        Some(other) => {
            return Err(DataError::BadSetting(format!("PRCC has no variant `{other}`: it is changed, same or both")));
        }
    };
    let by_name = |path: &Path| CAMERAS.iter().position(|c| listing::name(path).starts_with(c)).map(|i| i as i32);
    let mut splits = Splits { has_cameras: true, ..Splits::default() };
    splits.train = people(&train, by_name, &mut splits)?;
    for (folder, camid) in queries {
        let asked = people(&folder, |_| Some(camid), &mut splits)?;
        splits.query.extend(asked);
    }
    splits.gallery = people(&a, |_| Some(0), &mut splits)?;
    Ok(splits)
}
