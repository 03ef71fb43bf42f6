//! What makes figures on a dataset doubtful though every count is right.

use std::collections::BTreeMap;

use image::RgbImage;
use rayon::prelude::*;

use super::{Finding, ImageLook};
use crate::base::text::count;
use crate::data::{DataError, Dataset, Sample, decode, twins};

/// Height, width and channels of the thumbnails by which near duplicates are found.
const SIZE: (usize, usize) = (16, 8);
pub(super) const THUMB: usize = SIZE.0 * SIZE.1 * 3;
/// Mean difference of two thumbnails below which two pictures are one, encoded twice; grey levels.
const NEAR: u32 = 1;
/// Examples named.
const SHOWN: usize = 5;

pub(super) fn thumb(image: &RgbImage) -> [u8; THUMB] {
    let mut out = [0; THUMB];
    let small = decode::resize(image, SIZE.0, SIZE.1);
    out.iter_mut().zip(small).for_each(|(o, s)| *o = s);
    out
}

type Looked = [Option<Result<ImageLook, DataError>>];

/// Everything that is found.
pub(super) fn of(dataset: &Dataset, looked: &Looked) -> Vec<Finding> {
    let found = [
        twins_found(dataset),
        turned(dataset, looked),
        near(dataset, looked),
        vec![one_camera(dataset), single_images(dataset)].into_iter().flatten().collect(),
    ];
    found.into_iter().flatten().filter(|f| f.count > 0).collect()
}

fn all(dataset: &Dataset) -> Vec<&Sample> {
    dataset.train.iter().chain(&dataset.query).chain(&dataset.gallery).collect()
}

fn shown<'a>(samples: impl Iterator<Item = &'a Sample>) -> Vec<String> {
    samples.take(SHOWN).map(|s| s.path.display().to_string()).collect()
}

/// Equal pictures: queries in the gallery, training images in the test set, and the rest.
fn twins_found(dataset: &Dataset) -> Vec<Finding> {
    let (all, train, test) = (all(dataset), dataset.train.len(), dataset.train.len() + dataset.query.len());
    let groups = twins::groups(&[&dataset.train, &dataset.query, &dataset.gallery]);
    let (mut own, mut leaked, mut copies, mut doubted) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for group in &groups {
        let in_gallery = group.iter().any(|&i| i >= test);
        own.extend(group.iter().copied().filter(|&i| in_gallery && (train..test).contains(&i)));
        let in_test = group.iter().any(|&i| i >= train);
        leaked.extend(group.iter().copied().filter(|&i| in_test && i < train));
        let tail = |from: usize, to: usize| group.iter().copied().filter(move |i| (from..to).contains(i)).skip(1);
        copies.extend(tail(0, train).chain(tail(train, test)).chain(tail(test, all.len())));
        let people = |from: usize, to: usize| {
            group
                .iter()
                .filter(|i| (from..to).contains(*i))
                .map(|&i| all[i].pid)
                .collect::<std::collections::BTreeSet<_>>()
        };
        if people(0, train).len() > 1 || people(train, all.len()).len() > 1 {
            doubted.push(group[0]);
        }
    }
    let finding = |kind, list: &[usize], text: String| Finding {
        kind,
        count: list.len(),
        text: format!("{} {text}", count(list.len())),
        examples: shown(list.iter().map(|&i| all[i])),
    };
    let own_hits = match dataset.has_cameras {
        true => "those of the query's own camera are no hits",
        false => "they do not count as their own hits",
    };
    vec![
        finding(
            "query-in-gallery",
            &own,
            format!("query images stand in the gallery, by path or by content; {own_hits}"),
        ),
        finding(
            "train-in-test",
            &leaked,
            "training images stand in the test set, by path or by content: its figures are too good".to_owned(),
        ),
        finding("duplicates", &copies, "images are exact copies of others of their split".to_owned()),
        finding("one-picture-two-people", &doubted, "pictures are given to more than one person".to_owned()),
    ]
}

fn turned(dataset: &Dataset, looked: &Looked) -> Vec<Finding> {
    let all = all(dataset);
    let finding = |kind, is: fn(&ImageLook) -> bool, text: &str| {
        let fits = |look: &Option<Result<ImageLook, DataError>>| matches!(look, Some(Ok(l)) if is(l));
        let list: Vec<&Sample> = all.iter().zip(looked).filter(|(_, l)| fits(l)).map(|(s, _)| *s).collect();
        Finding {
            kind,
            count: list.len(),
            text: format!("{} {text}", count(list.len())),
            examples: shown(list.into_iter()),
        }
    };
    vec![
        finding(
            "exif-orientation",
            |l| l.turned,
            "images carry an EXIF orientation, which is not applied (as PIL does unless asked)",
        ),
        finding(
            "sixteen-bit-grey",
            |l| l.deep_grey,
            "images have 16 bits of grey, which are cut off at 255 as PIL does: most of them turn white; save them with 8",
        ),
    ]
}

/// Pictures of training and test, or of different people, that differ by less than encoding them anew would.
fn near(dataset: &Dataset, looked: &Looked) -> Vec<Finding> {
    let all = all(dataset);
    let train = dataset.train.len();
    let mut thumbs: Vec<(u32, usize, &[u8; THUMB])> = looked
        .iter()
        .enumerate()
        .filter_map(|(i, look)| match look {
            Some(Ok(ImageLook { thumb: Some(t), .. })) => Some((t.iter().map(|&x| u32::from(x)).sum(), i, t)),
            _ => None,
        })
        .collect();
    thumbs.sort_unstable_by_key(|(sum, i, _)| (*sum, *i));
    let most = NEAR * THUMB as u32;
    let suspect = |a: usize, b: usize| (a < train) != (b < train) || all[a].pid != all[b].pid;
    let pairs: Vec<(usize, usize)> = (0..thumbs.len())
        .into_par_iter()
        .flat_map_iter(|at| {
            let (sum, a, thumb) = thumbs[at];
            let after = thumbs[at + 1..].iter().take_while(move |(s, ..)| s - sum < most);
            after.filter(move |(_, b, _)| suspect(a, *b)).filter_map(move |(_, b, other)| {
                let far: u32 = thumb.iter().zip(other.iter()).map(|(x, y)| u32::from(x.abs_diff(*y))).sum();
                // A difference of nothing is a copy, which is told apart.
                (far < most && far > 0).then_some((a.min(*b), a.max(*b)))
            })
        })
        .collect();
    let examples =
        pairs.iter().take(SHOWN).map(|&(a, b)| format!("{} and {}", all[a].path.display(), all[b].path.display()));
    vec![Finding {
        kind: "near-duplicates",
        count: pairs.len(),
        text: format!(
            "pairs of images of training and test, or of different people, are nearly the same picture ({})",
            count(pairs.len())
        ),
        examples: examples.collect(),
    }]
}

fn one_camera(dataset: &Dataset) -> Option<Finding> {
    let mut cameras: BTreeMap<i32, usize> = BTreeMap::new();
    dataset.query.iter().chain(&dataset.gallery).for_each(|s| *cameras.entry(s.camid).or_default() += 1);
    let test = dataset.query.len() + dataset.gallery.len();
    let told = dataset.has_cameras && cameras.len() == 1 && !dataset.query.is_empty();
    told.then(|| Finding {
        kind: "one-camera",
        count: test,
        text: "all test images are of one camera, so that the same-camera rule leaves no query a match".to_owned(),
        examples: Vec::new(),
    })
}

/// People of the training set with one image only: nothing can be learned of them.
fn single_images(dataset: &Dataset) -> Option<Finding> {
    let mut people: BTreeMap<i32, Vec<&Sample>> = BTreeMap::new();
    dataset.train.iter().for_each(|s| people.entry(s.pid).or_default().push(s));
    let alone: Vec<&Sample> = people.into_values().filter(|v| v.len() == 1).map(|v| v[0]).collect();
    (!alone.is_empty()).then(|| Finding {
        kind: "single-images",
        count: alone.len(),
        text: format!("{} people of the training set have one image only", count(alone.len())),
        examples: shown(alone.into_iter()),
    })
}
