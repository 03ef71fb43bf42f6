//! Is a dataset on disk what was published? Counts beside counts, and the images that cannot be read.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rayon::prelude::*;
use serde::Serialize;

use super::layout::{self, PublishedCounts, PublishedNumber, SplitFigures};
use super::synthetic;
use super::{DataError, Dataset, Sample, Tick, decode, no_tick};
use crate::base::text;

mod findings;

/// How closely images are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Their headers: finds files that are missing, empty or no images.
    Headers,
    /// Every pixel: finds files that are cut off, too.
    Pixels,
}

/// The result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckVerdict {
    /// Every published count is met.
    Equal,
    /// Some are not.
    Differs,
    /// Nothing is published to compare with.
    NothingPublished,
}

/// Counts of one split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SplitReport {
    /// `train`, `query` or `gallery`.
    pub split: &'static str,
    /// Identities, distractors not counted.
    pub ids: usize,
    /// Images, distractors counted.
    pub images: usize,
    /// Cameras.
    pub cameras: usize,
    /// Gallery images of pid 0, which match no query.
    pub distractors: usize,
    /// Images of each camera, in the order of their numbers.
    pub images_by_camera: Vec<usize>,
    /// The published number of identities.
    pub published_ids: Option<usize>,
    /// The published number of images.
    pub published_images: Option<usize>,
}

/// A file that is no readable image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The dataset.
    pub name: String,
    /// Its layout's name.
    pub layout: String,
    /// Its folder.
    pub root: PathBuf,
    /// The published form it was compared with.
    pub published: Option<String>,
    /// The three splits.
    pub splits: Vec<SplitReport>,
    /// Cameras over all splits.
    pub cameras: usize,
    /// Whether names carry cameras.
    pub has_cameras: bool,
    /// The result.
    pub verdict: CheckVerdict,
    /// What differs, a sentence each.
    pub differences: Vec<String>,
    /// Differences from figures that are only hearsay.
    pub remarks: Vec<String>,
    /// Images that cannot be read.
    pub unreadable: Vec<Unreadable>,
    /// What makes figures on it doubtful, a sentence each with how often it was found.
    pub findings: Vec<Finding>,
    /// What the loader had to say.
    pub notes: Vec<String>,
}

/// Something doubtful.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is, in one word: `query-in-gallery`, `train-in-test`, `duplicates`, `near-duplicates`, `one-camera`,
    /// `single-images`, `exif-orientation`, `sixteen-bit-grey`.
    pub kind: &'static str,
    /// How many images or people.
    pub count: usize,
    /// The sentence.
    pub text: String,
    /// The first few of them.
    pub examples: Vec<String>,
}

impl Report {
    /// Whether the folder is not what it should be: something cannot be read, or differs from published counts.
    pub fn is_at_fault(&self) -> bool {
        !self.unreadable.is_empty() || self.verdict == CheckVerdict::Differs
    }
}

/// Checks counts and the headers of all images.
pub fn check(dataset: &Dataset) -> Report {
    check_with(dataset, Depth::Headers, &no_tick)
}

/// Checks counts and images; when `tick` asks to stop, images not yet looked at count as readable.
pub fn check_with(dataset: &Dataset, depth: Depth, tick: Tick) -> Report {
    let known = published(dataset);
    let compared = known.iter().map(|p| (compare(dataset, p), p)).min_by_key(|(c, _)| c.0.len() * 100 + c.1.len());
    let form = compared.as_ref().map(|(_, p)| **p);
    let sure = |p: &PublishedCounts| {
        let all = [p.train, p.query, p.gallery].into_iter().flat_map(|s| [s.ids, s.images]);
        all.chain([p.cameras]).any(|f| matches!(f, PublishedNumber::Sure(_)))
    };
    let verdict = match &compared {
        None => CheckVerdict::NothingPublished,
        // Hearsay alone neither confirms nor refutes.
        Some((_, published)) if !sure(published) => CheckVerdict::NothingPublished,
        Some(((differences, _), _)) if differences.is_empty() => CheckVerdict::Equal,
        Some(_) => CheckVerdict::Differs,
    };
    let (differences, remarks) = compared.map(|(c, _)| c).unwrap_or_default();
    let figures = |pick: fn(&PublishedCounts) -> SplitFigures| form.as_ref().map(pick);
    let looked = look(dataset, depth, tick);
    Report {
        name: dataset.name.clone(),
        layout: dataset.layout.to_owned(),
        root: dataset.root.clone(),
        published: form.map(|p| p.form.to_owned()),
        splits: vec![
            split("train", &dataset.train, false, figures(|p| p.train)),
            split("query", &dataset.query, false, figures(|p| p.query)),
            split("gallery", &dataset.gallery, has_distractors(dataset), figures(|p| p.gallery)),
        ],
        cameras: cameras(dataset),
        has_cameras: dataset.has_cameras,
        verdict,
        differences,
        remarks,
        findings: findings::of(dataset, &looked),
        unreadable: unreadable(dataset, looked),
        notes: dataset.examples.iter().chain(&dataset.notes).cloned().collect(),
    }
}

/// The figures to compare with: the layout's, or for drawn pedestrians those of their specification.
fn published(dataset: &Dataset) -> Vec<PublishedCounts> {
    let Ok(layout) = layout::by_name(dataset.layout) else { return Vec::new() };
    if layout.name != layout::synthetic::LAYOUT.name {
        return layout.published.to_vec();
    }
    let Some(spec) = synthetic::mark(&dataset.root).map(|m| m.spec) else { return Vec::new() };
    let shots = spec.test_ids * spec.cameras;
    let sure = |ids, images| SplitFigures { ids: PublishedNumber::Sure(ids), images: PublishedNumber::Sure(images) };
    vec![PublishedCounts {
        form: "its own synthetic.json",
        train: sure(spec.train_ids, spec.train_ids * spec.cameras * spec.per_camera),
        query: sure(spec.test_ids, shots),
        gallery: sure(
            if spec.per_camera > 1 { spec.test_ids } else { 0 },
            shots * (spec.per_camera - 1) + spec.distractors,
        ),
        cameras: PublishedNumber::Sure(spec.cameras),
    }]
}

/// Pid 0 in a gallery is nobody, unless a query asks for it.
fn has_distractors(dataset: &Dataset) -> bool {
    !dataset.query.iter().any(|s| s.pid == 0)
}

fn ids(samples: &[Sample], distractors: bool) -> usize {
    samples.iter().map(|s| s.pid).filter(|&p| !(distractors && p == 0)).collect::<BTreeSet<_>>().len()
}

fn cameras(dataset: &Dataset) -> usize {
    let all = dataset.train.iter().chain(&dataset.query).chain(&dataset.gallery);
    all.map(|s| s.camid).collect::<BTreeSet<_>>().len()
}

fn split(name: &'static str, samples: &[Sample], distractors: bool, figures: Option<SplitFigures>) -> SplitReport {
    let seen: BTreeSet<i32> = samples.iter().map(|s| s.camid).collect();
    let count = |camera: i32| samples.iter().filter(|s| s.camid == camera).count();
    SplitReport {
        split: name,
        ids: ids(samples, distractors),
        images: samples.len(),
        cameras: seen.len(),
        distractors: if distractors { samples.iter().filter(|s| s.pid == 0).count() } else { 0 },
        images_by_camera: seen.into_iter().map(count).collect(),
        published_ids: figures.and_then(|f| f.ids.value()),
        published_images: figures.and_then(|f| f.images.value()),
    }
}

/// Differences from sure figures, then from hearsay.
fn compare(dataset: &Dataset, published: &PublishedCounts) -> (Vec<String>, Vec<String>) {
    let (mut differences, mut remarks) = (Vec::new(), Vec::new());
    let mut one = |what: String, here: usize, figure: PublishedNumber| {
        let sentence = |n: usize| {
            let (off, how) = (text::count(here.abs_diff(n)), if here > n { "too many" } else { "missing" });
            format!("{what}: {} here, {} published ({off} {how})", text::count(here), text::count(n))
        };
        match figure {
            PublishedNumber::Sure(n) if n != here => differences.push(sentence(n)),
            PublishedNumber::Hint(n) if n != here => remarks.push(sentence(n)),
            _ => {}
        }
    };
    let distractors = has_distractors(dataset);
    for (name, samples, figures, nobody) in [
        ("train", &dataset.train, published.train, false),
        ("query", &dataset.query, published.query, false),
        ("gallery", &dataset.gallery, published.gallery, distractors),
    ] {
        one(format!("{name} ids"), ids(samples, nobody), figures.ids);
        one(format!("{name} images"), samples.len(), figures.images);
    }
    one("cameras".to_owned(), cameras(dataset), published.cameras);
    (differences, remarks)
}

/// What looking at an image gave: whether its camera was turned, and at full depth a thumbnail.
pub(super) struct ImageLook {
    turned: bool,
    deep_grey: bool,
    thumb: Option<[u8; findings::THUMB]>,
}

/// Looks at all images: training, query, gallery. Those not looked at, because `tick` asked to stop, give nothing.
fn look(dataset: &Dataset, depth: Depth, tick: Tick) -> Vec<Option<Result<ImageLook, DataError>>> {
    let all: Vec<&Sample> = dataset.train.iter().chain(&dataset.query).chain(&dataset.gallery).collect();
    let (done, stop, total) = (AtomicU64::new(0), AtomicBool::new(false), all.len() as u64);
    all.par_iter()
        .map(|sample| {
            if stop.load(Ordering::Relaxed) {
                return None;
            }
            let looked = decode::header(&sample.path).and_then(|header| {
                let thumb = match depth {
                    Depth::Headers => None,
                    Depth::Pixels => Some(findings::thumb(&decode::decode(&sample.path)?)),
                };
                Ok(ImageLook { turned: header.turned, deep_grey: header.deep_grey, thumb })
            });
            if !tick(done.fetch_add(1, Ordering::Relaxed) + 1, total) {
                stop.store(true, Ordering::Relaxed);
            }
            Some(looked)
        })
        .collect()
}

fn unreadable(dataset: &Dataset, looked: Vec<Option<Result<ImageLook, DataError>>>) -> Vec<Unreadable> {
    let all = dataset.train.iter().chain(&dataset.query).chain(&dataset.gallery);
    let error = |look: Option<Result<ImageLook, DataError>>| look.and_then(Result::err);
    all.zip(looked)
        .filter_map(|(s, look)| error(look).map(|e| Unreadable { path: s.path.clone(), reason: e.to_string() }))
        .collect()
}
