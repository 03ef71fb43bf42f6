//! DeepChange (clothes change): `train-set`, `test-set-query`, `test-set-gallery` with lists of image and tracklet;
//! `P16_C05_20200713_T00010_F00001_b1.jpg`.
//!
//! By its authors' rule a match may come from the query's camera but not from its tracklet, so the tracklet takes the
//! camera's place.

use std::path::{Path, PathBuf};

use super::names::PATTERNS;
use super::published::{PublishedCounts, PublishedNumber, SplitFigures};
use super::{DataError, Layout, Options, Sample, Splits, listing};
use crate::data::files;

const PARTS: [&str; 3] = ["train-set", "test-set-query", "test-set-gallery"];

const fn hint(ids: usize, images: usize) -> SplitFigures {
    SplitFigures { ids: PublishedNumber::Hint(ids), images: PublishedNumber::Hint(images) }
}

/// The layout.
pub const LAYOUT: Layout = Layout {
    name: "deepchange",
    title: "DeepChange",
    expects: "the folders train-set, test-set-query and test-set-gallery, with train-set-bbox.txt, \
              test-set-query-bbox.txt and test-set-gallery-bbox.txt beside them",
    notice: Some("DeepChange: tracklets stand in for cameras, by the rule of its authors"),
    published: &[PublishedCounts {
        form: "DeepChange",
        train: hint(450, 75_083),
        query: hint(521, 17_527),
        gallery: hint(521, 62_956),
        cameras: PublishedNumber::Unknown,
    }],
    detect: |root| find(root).is_some(),
    read,
};

fn find(root: &Path) -> Option<PathBuf> {
    listing::find(root, |dir| {
        let there = |part: &&str| dir.join(part).is_dir() && dir.join(format!("{part}-bbox.txt")).is_file();
        PARTS.iter().all(there).then(|| dir.to_path_buf())
    })
}

fn read(root: &Path, _options: &Options) -> Result<Splits, DataError> {
    let dir = find(root).ok_or_else(|| LAYOUT.wrong(root))?;
    let list = |part: &str| -> Result<Vec<Sample>, DataError> {
        let file = dir.join(format!("{part}-bbox.txt"));
        let mut samples = Vec::new();
        for (i, line) in files::text(&file)?.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
            let parsed = line.trim().split_once(',').and_then(|(name, tracklet)| {
                Some((name, PATTERNS[5].parse(name)?.pid?, tracklet.split(',').next()?.trim().parse().ok()?))
            });
            let Some((name, pid, camid)) = parsed else {
                let message = format!("`{line}` is not of the form P16_C05_20200713_T00010_F00001_b1.jpg,10");
                return Err(DataError::BadLine { path: file, line: i + 1, message });
            };
            samples.push(Sample::new(dir.join(part).join(name), pid, camid));
        }
        Ok(samples)
    };
    let [train, query, gallery] = PARTS;
    Ok(Splits {
        train: list(train)?,
        query: list(query)?,
        gallery: list(gallery)?,
        has_cameras: true,
        ..Splits::default()
    })
}
