//! Pictures that occur twice: a query that stands in the gallery finds itself, a training image among the test
//! images was learned by heart.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hasher};
use std::path::Path;

use rayon::prelude::*;

use super::{EvaluationCameras, Sample};
use crate::base::fs;

/// Pictures beyond this are not compared by content.
const LARGEST: u64 = 256 << 20;

/// What is known at once, from the paths alone.
pub(super) fn notes(train: &[Sample], query: &[Sample], gallery: &[Sample]) -> Vec<String> {
    let paths = |samples: &'_ [Sample]| -> HashSet<_> { samples.iter().map(|s| s.path.clone()).collect() };
    let both = |a: &[Sample], b: &HashSet<_>| -> Vec<String> {
        a.iter().filter(|s| b.contains(&s.path)).map(|s| s.path.display().to_string()).collect()
    };
    let in_gallery = both(query, &paths(gallery));
    let test: HashSet<_> = query.iter().chain(gallery).map(|s| s.path.clone()).collect();
    let in_test = both(train, &test);
    let mut notes = Vec::new();
    if let Some(first) = in_gallery.first() {
        let n = in_gallery.len();
        notes.push(format!("{n} query images stand in the gallery too ({first}); they do not count as their own hits"));
    }
    if let Some(first) = in_test.first() {
        let n = in_test.len();
        notes.push(format!("{n} training images stand in the test set too ({first}): its figures are too good"));
    }
    notes
}

/// The cameras by which queries and gallery are evaluated; see [`super::Dataset::evaluation_cameras`].
pub fn cameras(queries: &[Sample], images: &[Sample], has_cameras: bool) -> EvaluationCameras {
    if has_cameras {
        // A picture that stands in both is of the same camera in both: the rule leaves it out.
        let column = |samples: &[Sample]| samples.iter().map(|s| s.camid).collect::<Vec<i32>>();
        return EvaluationCameras { query: column(queries), gallery: column(images), rule: true };
    }
    let groups = groups(&[queries, images]);
    let of_gallery: HashSet<usize> = groups.iter().flatten().copied().filter(|&i| i >= queries.len()).collect();
    let (mut query, mut gallery) = (vec![0; queries.len()], vec![1; images.len()]);
    let mut own = false;
    for (number, group) in (2..).zip(groups.iter().filter(|g| g.iter().any(|i| of_gallery.contains(i)))) {
        for &i in group {
            if i < query.len() {
                query[i] = number;
                own = true;
            } else {
                gallery[i - query.len()] = number;
            }
        }
    }
    EvaluationCameras { query, gallery, rule: own }
}

/// The images, counted through the lists, that are the same picture: of one path, or of equal bytes. Groups of two
/// and more, each sorted.
pub fn groups(lists: &[&[Sample]]) -> Vec<Vec<usize>> {
    let all: Vec<&Sample> = lists.iter().flat_map(|l| l.iter()).collect();
    let mut by_path: HashMap<&Path, Vec<usize>> = HashMap::new();
    for (i, sample) in all.iter().enumerate() {
        by_path.entry(&sample.path).or_default().push(i);
    }
    let paths: Vec<&Path> = by_path.keys().copied().collect();
    let length = |path: &Path| std::fs::metadata(path).ok().filter(|m| m.is_file()).map(|m| m.len());
    let lengths: Vec<Option<u64>> = paths.par_iter().map(|p| length(p)).collect();
    let mut of_length: HashMap<u64, usize> = HashMap::new();
    lengths.iter().flatten().for_each(|&n| *of_length.entry(n).or_default() += 1);
    // Only files of equal length can be equal.
    let contents: Vec<(&Path, (u64, u64))> = paths
        .par_iter()
        .zip(&lengths)
        .filter_map(|(path, length)| {
            let length = length.filter(|n| *n > 0 && of_length[n] > 1)?;
            let mut hasher = DefaultHasher::new();
            hasher.write(&fs::read_regular(path, LARGEST).ok()?);
            Some((*path, (length, hasher.finish())))
        })
        .collect();
    let mut by_content: HashMap<(u64, u64), Vec<&Path>> = HashMap::new();
    for (path, content) in contents {
        by_content.entry(content).or_default().push(path);
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut taken: HashSet<&Path> = HashSet::new();
    let mut add = |members: Vec<usize>| {
        if members.len() > 1 {
            groups.insert(members[0], members);
        }
    };
    for equal in by_content.into_values().filter(|p| p.len() > 1) {
        let mut members: Vec<usize> = equal.iter().flat_map(|p| by_path[p].iter().copied()).collect();
        members.sort_unstable();
        taken.extend(equal);
        add(members);
    }
    for (path, members) in &by_path {
        if !taken.contains(path) {
            add(members.clone());
        }
    }
    groups.into_values().collect()
}
