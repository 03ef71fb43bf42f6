//! Sets of two cameras without official splits: VIPeR, PRID 2011 (single shot), GRID, CUHK01. Half of the people are
//! for training; which half is drawn from the seed, as in the literature, where figures are means of ten draws.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::folders::example;
use super::names::Name;
use super::published::{PublishedCounts, PublishedNumber, SplitFigures};
use super::{DataError, Layout, Options, Sample, Splits, listing};
use crate::base::rng::mix;

const DRAWN: &str = "people are drawn for training by the seed (seed = 0 … 9 in datasets.toml); published figures are \
                     means of ten draws";

const fn figures(
    form: &'static str,
    train: SplitFigures,
    query: SplitFigures,
    gallery: SplitFigures,
) -> PublishedCounts {
    PublishedCounts { form, train, query, gallery, cameras: PublishedNumber::Hint(2) }
}

const fn hint(ids: usize, images: usize) -> SplitFigures {
    SplitFigures { ids: PublishedNumber::Hint(ids), images: PublishedNumber::Hint(images) }
}

/// VIPeR: `cam_a/000_45.bmp`, `cam_b/000_90.bmp`.
pub const VIPER: Layout = Layout {
    name: "viper",
    title: "VIPeR",
    expects: "the folders cam_a and cam_b with names like 000_45.bmp",
    notice: Some(DRAWN),
    published: &[figures("VIPeR", hint(316, 632), hint(316, 316), hint(316, 316))],
    detect: |root| cameras(root, ["cam_a", "cam_b"]).is_some_and(|c| named(&c[0], viper)),
    read: |root, options| {
        let dirs = cameras(root, ["cam_a", "cam_b"]).ok_or_else(|| VIPER.wrong(root))?;
        halves(&seen(&dirs, viper)?, options, |people| people / 2)
    },
};

/// PRID 2011, single shot: `cam_a/person_0001.png`, `cam_b/person_0001.png`; 200 people are in both.
pub const PRID: Layout = Layout {
    name: "prid2011",
    title: "PRID 2011",
    expects: "the folders single_shot/cam_a and single_shot/cam_b with names like person_0001.png",
    notice: Some(DRAWN),
    published: &[figures("PRID 2011, single shot", hint(100, 200), hint(100, 100), hint(649, 649))],
    detect: |root| prid_dirs(root).is_some_and(|c| named(&c[0], prid)),
    read: |root, options| {
        let dirs = prid_dirs(root).ok_or_else(|| PRID.wrong(root))?;
        halves(&seen(&dirs, prid)?, options, |people| people / 2)
    },
};

/// GRID: `probe/0001_1_25004_107_32_106_221.jpeg` = person, camera, …; gallery images of person 0 are distractors.
pub const GRID: Layout = Layout {
    name: "grid",
    title: "GRID",
    expects: "the folders probe and gallery with names like 0001_1_25004_107_32_106_221.jpeg",
    notice: Some(DRAWN),
    published: &[PublishedCounts {
        form: "GRID",
        train: hint(125, 250),
        query: hint(125, 125),
        gallery: hint(125, 900),
        cameras: PublishedNumber::Hint(8),
    }],
    detect: |root| cameras(root, ["probe", "gallery"]).is_some_and(|c| named(&c[0], grid)),
    read: |root, options| {
        let dirs = cameras(root, ["probe", "gallery"]).ok_or_else(|| GRID.wrong(root))?;
        let mut both = seen(&dirs, grid)?;
        both.iter_mut().for_each(|s| s.camid = grid_camera(listing::name(&s.path)).unwrap_or(0));
        halves(&both, options, |people| people / 2)
    },
};

/// CUHK01: `campus/0001001.png` = person, image; images 1 and 2 are of the first camera, 3 and 4 of the second.
pub const CUHK01: Layout = Layout {
    name: "cuhk01",
    title: "CUHK01",
    expects: "a folder of images with names like 0001001.png",
    notice: Some(DRAWN),
    published: &[figures("CUHK01", hint(485, 1_940), hint(486, 972), hint(486, 972))],
    detect: |root| campus(root).is_some(),
    read: |root, options| {
        let dir = campus(root).ok_or_else(|| CUHK01.wrong(root))?;
        let list = listing::images(&dir)?.images.into_iter();
        let both: Vec<Sample> = list
            .filter_map(|path| {
                let (pid, image) = cuhk01(listing::name(&path))?;
                Some(Sample::new(path, pid, i32::from(image > 2)))
            })
            .collect();
        halves(&both, options, |people| people / 2)
    },
};

fn viper(name: &str) -> Option<i32> {
    let (pid, angle) = name.split('.').next()?.split_once('_')?;
    angle.parse::<u32>().ok()?;
    // Person 0 would count as a distractor.
    pid.parse::<i32>().ok()?.checked_add(1)
}

fn prid(name: &str) -> Option<i32> {
    name.split('.').next()?.strip_prefix("person_")?.parse().ok()
}

fn grid(name: &str) -> Option<i32> {
    let fields: Vec<&str> = name.split('.').next()?.split('_').collect();
    if fields.len() < 4 { None } else { fields[0].parse().ok() }
}

fn grid_camera(name: &str) -> Option<i32> {
    name.split('_').nth(1)?.parse::<i32>().ok()?.checked_sub(1)
}

fn cuhk01(name: &str) -> Option<(i32, i32)> {
    let stem = name.split('.').next().filter(|s| s.len() == 7 && s.bytes().all(|b| b.is_ascii_digit()))?;
    Some((stem[..4].parse().ok()?, stem[4..].parse().ok()?))
}

fn cameras(root: &Path, names: [&str; 2]) -> Option<[PathBuf; 2]> {
    listing::find(root, |dir| {
        // With a training folder beside them it is a set of another kind.
        if listing::folder(dir, "train").or_else(|| listing::folder(dir, "bounding_box_train")).is_some() {
            return None;
        }
        Some([listing::folder(dir, names[0])?, listing::folder(dir, names[1])?])
    })
}

fn prid_dirs(root: &Path) -> Option<[PathBuf; 2]> {
    let single = listing::find(root, |dir| listing::folder(dir, "single_shot"));
    cameras(single.as_deref().unwrap_or(root), ["cam_a", "cam_b"])
}

fn named(dir: &Path, parse: fn(&str) -> Option<i32>) -> bool {
    listing::first_image(dir).is_some_and(|p| parse(listing::name(&p)).is_some())
}

fn campus(root: &Path) -> Option<PathBuf> {
    listing::find(root, |dir| {
        listing::first_image(dir).and_then(|p| cuhk01(listing::name(&p))).map(|_| dir.to_path_buf())
    })
}

/// The images of both folders; the first is camera 0.
fn seen(dirs: &[PathBuf; 2], parse: fn(&str) -> Option<i32>) -> Result<Vec<Sample>, DataError> {
    let mut both = Vec::new();
    for (camid, dir) in dirs.iter().enumerate() {
        let images = listing::images(dir)?.images.into_iter();
        both.extend(images.filter_map(|path| {
            let pid = parse(listing::name(&path))?;
            Some(Sample::new(path, pid, camid as i32))
        }));
    }
    Ok(both)
}

/// Of the people whom both sides saw, some are drawn for training; of the others the first side asks, the second
/// is the gallery, together with the people whom only it saw.
fn halves(both: &[Sample], options: &Options, share: fn(usize) -> usize) -> Result<Splits, DataError> {
    let mut sides: BTreeMap<i32, BTreeSet<i32>> = BTreeMap::new();
    for s in both {
        sides.entry(s.pid).or_default().insert(s.camid);
    }
    let seed = options.seed.unwrap_or(0);
    let mut shared: Vec<i32> = sides.iter().filter(|(p, c)| **p > 0 && c.len() > 1).map(|(p, _)| *p).collect();
    let count = share(shared.len());
    shared.sort_by_key(|&pid| mix(mix(seed ^ 0x7265_6964) ^ pid as u64));
    let train: BTreeSet<i32> = shared[..count].iter().copied().collect();
    let test: BTreeSet<i32> = shared[count..].iter().copied().collect();
    let first: BTreeMap<i32, i32> = sides.iter().filter_map(|(p, c)| Some((*p, *c.iter().next()?))).collect();
    let mut splits = Splits { has_cameras: true, ..Splits::default() };
    if let Some(s) = both.first() {
        splits.examples.push(example("images", &s.path, Name::new(s.pid, Some(s.camid))));
    }
    for s in both {
        if train.contains(&s.pid) {
            splits.train.push(s.clone());
        } else if test.contains(&s.pid) && first.get(&s.pid) == Some(&s.camid) {
            splits.query.push(s.clone());
        } else if test.contains(&s.pid) || s.camid > 0 || s.pid == 0 {
            splits.gallery.push(s.clone());
        }
    }
    Ok(splits)
}
