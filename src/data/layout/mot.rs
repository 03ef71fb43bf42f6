//! Crops of multiple-object tracking: a folder a sequence with a folder a track (`train/MOT17-02/0001/000012.jpg`), or the
//! patches of BoT-SORT and its kin (`bounding_box_train/0000001_MOT17-02-FRCNN_0000012_acc_data.bmp`).
//!
//! A track is a person; nobody is in two sequences. Of the test each track's first crop asks and its others are the
//! gallery: sequences are no cameras, since a rule that leaves out the query's own would leave no match.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::folders::{example, passed_over};
use super::names::Name;
use super::{DataError, Layout, Options, Sample, Splits, listing};

/// The layout.
pub const LAYOUT: Layout = Layout {
    name: "mot",
    title: "MOT crops",
    expects: "folders of sequences (MOT17-02, dancetrack0001, …) with a folder for each track, in one root or below train \
              and test, or bounding_box_train with names like 0000001_MOT17-02-FRCNN_0000012_acc_data.bmp",
    notice: None,
    published: &[],
    detect: |root| find(root).is_some(),
    read,
};

const TRAIN: &[&str] = &["train", "bounding_box_train", "training"];
const TEST: &[&str] = &["test", "bounding_box_test", "val", "testing"];
const SEQUENCES: &[&str] =
    &["mot1", "mot2", "mots", "dancetrack", "snmot", "kitti", "visdrone", "uav", "seq", "sequence", "video", "clip"];

/// Training and test, each in whichever way it lies.
struct Found {
    train: PathBuf,
    test: Option<PathBuf>,
}

fn find(root: &Path) -> Option<Found> {
    listing::find(root, |dir| {
        let first = |names: &[&str]| names.iter().find_map(|n| listing::folder(dir, n)).filter(|d| is_one(d));
        match first(TRAIN) {
            Some(train) => Some(Found { train, test: first(TEST) }),
            None if is_sequences(dir) => Some(Found { train: dir.to_path_buf(), test: None }),
            None => None,
        }
    })
}

fn is_one(dir: &Path) -> bool {
    listing::first_image(dir).is_some_and(|p| patch(listing::name(&p)).is_some()) || is_sequences(dir)
}

/// Whether all folders are named as sequences are, and hold folders of images, named by numbers.
fn is_sequences(dir: &Path) -> bool {
    let sequence = |p: &PathBuf| {
        let low = listing::name(p).to_ascii_lowercase();
        SEQUENCES.iter().any(|s| low.starts_with(s)) && low.contains(|c: char| c.is_ascii_digit())
    };
    let inside = listing::folders(dir);
    let tracked = |p: &PathBuf| {
        let tracks = listing::folders(p);
        !tracks.is_empty() && tracks.iter().all(|t| track(listing::name(t)).is_some())
    };
    !inside.is_empty() && inside.iter().all(|p| sequence(p) && tracked(p))
}

/// The number of a track's folder: `7`, `0007`, `track_7`, `id-7`.
fn track(name: &str) -> Option<u32> {
    let digits = name.trim_start_matches(|c: char| c.is_ascii_alphabetic()).trim_start_matches(['_', '-']);
    digits.parse().ok()
}

/// The person of `0000001_MOT17-02-FRCNN_0000012_acc_data.bmp`.
fn patch(name: &str) -> Option<i32> {
    let stem = name.split('.').next()?;
    stem.ends_with("_acc_data").then(|| stem.split('_').next()?.parse().ok()).flatten()
}

/// The crops of a split by track, in the order of their files: first the tracks' names, where folders tell them.
fn crops(dir: &Path, told: &mut Splits) -> Result<BTreeMap<(String, i32), Vec<PathBuf>>, DataError> {
    let list = listing::images(dir)?;
    let split = listing::name(dir);
    let (mut tracks, mut strange) = (BTreeMap::<_, Vec<PathBuf>>::new(), Vec::new());
    for path in list.images {
        let parts: Vec<&str> = path.strip_prefix(dir).into_iter().flatten().filter_map(|p| p.to_str()).collect();
        let known = match parts[..] {
            [sequence, folder, _] => track(folder).map(|t| (sequence.to_owned(), t as i32)),
            [name] => patch(name).map(|pid| (String::new(), pid)),
            _ => None,
        };
        match known {
            Some(key) => tracks.entry(key).or_default().push(path),
            None => strange.push(path),
        }
    }
    if let Some(first) = strange.first() {
        let (n, first) = (strange.len(), first.display());
        told.notes.push(format!("{split}: {n} images left out, they lie in no track's folder ({first})"));
    }
    told.notes.extend(passed_over(split, list.ignored, list.repeated));
    Ok(tracks)
}

fn read(root: &Path, _options: &Options) -> Result<Splits, DataError> {
    let Found { train, test } = find(root).ok_or_else(|| LAYOUT.wrong(root))?;
    let mut splits = Splits::default();
    let learned = crops(&train, &mut splits)?;
    let asked = test.as_deref().map(|dir| crops(dir, &mut splits)).transpose()?.unwrap_or_default();
    // Tracks of different sequences may have the same number.
    let all: BTreeSet<&(String, i32)> = learned.keys().chain(asked.keys()).collect();
    let number = |key: &(String, i32)| match key.0.as_str() {
        "" => key.1,
        _ => all.iter().take_while(|known| **known < key).count() as i32 + 1,
    };
    for (key, paths) in &learned {
        splits.train.extend(paths.iter().map(|path| Sample::new(path.clone(), number(key), 0)));
    }
    splits.examples.extend(splits.train.first().map(|s| shown(&train, s)));
    for (key, paths) in &asked {
        let mut samples = paths.iter().map(|path| Sample::new(path.clone(), number(key), 0));
        splits.query.extend(samples.next());
        splits.gallery.extend(samples);
    }
    if let (Some(dir), Some(first)) = (&test, splits.query.first()) {
        splits.examples.push(shown(dir, first));
        splits.notes.push("of the test each track's first crop asks; its others are the gallery".to_owned());
    }
    if learned.keys().any(|(sequence, _)| !sequence.is_empty()) {
        let sequences: BTreeSet<&String> = all.iter().map(|(s, _)| s).collect();
        let (tracks, sequences) = (all.len(), sequences.len());
        splits.notes.push(format!("each of {tracks} tracks in {sequences} sequences counts as a person of its own"));
    }
    Ok(splits)
}

fn shown(dir: &Path, sample: &Sample) -> String {
    let path = sample.path.strip_prefix(dir).unwrap_or(&sample.path).display().to_string();
    let text = example(listing::name(dir), &sample.path, Name::new(sample.pid, None));
    text.replace(listing::name(&sample.path), &path)
}
