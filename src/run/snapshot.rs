//! What an epoch computed: `epochs/NNNN/{clusters,ranks,reranked,heat_maps}.safetensors`.
//!
//! Each part is one file that is there whole or not at all. Epoch numbers are those of [`Event::Snapshot`]:
//! clusters of adaptation epoch e, ranks and heat maps after e epochs.
//!
//! [`Event::Snapshot`]: super::event::Event::Snapshot

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::RunError;
use super::event::{AttentionMap, Event, ImageMaps, ImageRef, SnapshotPart, Split};
use super::reader::RunReader;
use crate::base::supply::supplier;
use crate::base::tensors::{Archive, Arrays};
use crate::method::cluster::Assignment;
use crate::method::knn::Neighbours;

/// The clustering of the target's N training images; C clusters at eps, k neighbours.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterSnapshot {
    /// `[N]` labels at eps; −1 is noise.
    pub labels: Vec<i32>,
    /// `[N]` labels at eps − Δd; empty where the method has no radii.
    pub labels_tight: Vec<i32>,
    /// `[N]` labels at eps + Δd; empty where the method has no radii.
    pub labels_loose: Vec<i32>,
    /// `[N]` score of each image; empty where the method gives none.
    pub score: Vec<f64>,
    /// `[C]` score of each cluster; empty where the method gives none.
    pub cluster_score: Vec<f64>,
    /// `[C]` 1 where the cluster is reliable.
    pub reliable: Vec<u8>,
    /// `[N]` labels after refinement; −1 is an outlier.
    pub pseudo_labels: Vec<i32>,
    /// `[N, k]` nearest neighbours, itself first.
    pub knn_index: Vec<u32>,
    /// `[N, k]` their squared distances.
    pub knn_dist: Vec<f32>,
    /// Neighbours an image has.
    pub k: usize,
    /// `[N, 2]` scores on the two leading principal components; empty in runs of earlier versions.
    pub pca: Vec<f32>,
}

/// The retrieval of the target's test set: Q queries. **Ground truth.**
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RankSnapshot {
    /// `[Q]` average precision; NaN for a query without a match.
    pub ap: Vec<f64>,
    /// Ranks kept of each query.
    pub top: usize,
    /// `[Q, top]` gallery images by distance, junk of the same camera included.
    pub ranks: Vec<u32>,
    /// `[Q, top]` their distances.
    pub distances: Vec<f32>,
    /// `[Q + 1]` where each query's matches begin in the next three.
    pub match_indptr: Vec<u32>,
    /// Gallery image of each match.
    pub match_index: Vec<u32>,
    /// Its rank, from 1, junk not counted.
    pub match_rank: Vec<u32>,
    /// Its distance.
    pub match_distance: Vec<f32>,
}

/// The folder of an epoch.
pub fn epoch_dir(run: &Path, epoch: usize) -> PathBuf {
    run.join("epochs").join(format!("{epoch:04}"))
}

/// The file of one part of an epoch.
pub fn part_path(run: &Path, epoch: usize, part: SnapshotPart) -> PathBuf {
    epoch_dir(run, epoch).join(match part {
        SnapshotPart::Clusters => "clusters.safetensors",
        SnapshotPart::Ranks => "ranks.safetensors",
        SnapshotPart::Reranked => "reranked.safetensors",
        SnapshotPart::HeatMaps => "heat_maps.safetensors",
        SnapshotPart::Training => "training.safetensors",
    })
}

/// All parts that lie whole in a run folder, by epoch; temporary files of a crash and foreign names are skipped. In the
/// mirror of a run those that can be brought count.
pub fn list(run: &Path) -> Vec<(usize, Vec<SnapshotPart>)> {
    if supplier(&run.join("epochs")).is_some() {
        return told(run);
    }
    let Ok(entries) = std::fs::read_dir(run.join("epochs")) else { return Vec::new() };
    let mut found: Vec<(usize, Vec<SnapshotPart>)> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .map(|epoch| {
            use SnapshotPart::{Clusters, HeatMaps, Ranks, Reranked, Training};
            let parts = [Clusters, Ranks, Reranked, HeatMaps, Training];
            (epoch, parts.into_iter().filter(|&p| part_path(run, epoch, p).is_file()).collect())
        })
        .filter(|(_, parts): &(usize, Vec<_>)| !parts.is_empty())
        .collect();
    found.sort_by_key(|(epoch, _)| *epoch);
    found
}

/// The parts that the events of a run tell of.
fn told(run: &Path) -> Vec<(usize, Vec<SnapshotPart>)> {
    let Ok(reader) = RunReader::open_brief(run) else { return Vec::new() };
    let mut parts: BTreeMap<usize, Vec<SnapshotPart>> = BTreeMap::new();
    for stamped in &reader.events {
        if let Event::Snapshot { epoch, part } = stamped.event {
            let found = parts.entry(epoch).or_default();
            if !found.contains(&part) {
                found.push(part);
            }
        }
    }
    parts.into_iter().collect()
}

impl ClusterSnapshot {
    /// Of what was computed; `pca` as in [`ClusterSnapshot::pca`].
    pub fn new(found: &Assignment, nb: &Neighbours, pca: &[f32]) -> Self {
        let (tight, loose) = found.radii().map(|r| (r.tight.clone(), r.loose.clone())).unwrap_or_default();
        let (score, cluster_score) =
            found.score.as_ref().map(|s| (s.images.clone(), s.clusters.clone())).unwrap_or_default();
        Self {
            labels: found.labels.clone(),
            labels_tight: tight,
            labels_loose: loose,
            score,
            cluster_score,
            reliable: found.reliable.iter().map(|&r| u8::from(r)).collect(),
            pseudo_labels: found.pseudo_labels.clone(),
            knn_index: nb.index.clone(),
            knn_dist: nb.dist.clone(),
            k: nb.k,
            pca: pca.to_vec(),
        }
    }

    /// Whether there are labels at three radii.
    pub fn has_radii(&self) -> bool {
        !self.labels_tight.is_empty() || self.labels.is_empty()
    }

    /// Writes `epochs/NNNN/clusters.safetensors`.
    ///
    /// # Errors
    /// Those of the file system; an older file is then untouched.
    pub fn write(&self, run: &Path, epoch: usize) -> Result<(), RunError> {
        let n = self.labels.len();
        let mut arrays = Arrays::default();
        arrays
            .vector("labels", &self.labels)
            .vector("reliable", &self.reliable)
            .vector("pseudo_labels", &self.pseudo_labels)
            .add("knn_index", &[n, self.k], &self.knn_index)
            .add("knn_dist", &[n, self.k], &self.knn_dist);
        if self.has_radii() {
            arrays.vector("labels_tight", &self.labels_tight).vector("labels_loose", &self.labels_loose);
        }
        if self.score.len() == n {
            arrays.vector("score", &self.score).vector("cluster_score", &self.cluster_score);
        }
        if !self.pca.is_empty() {
            arrays.add("pca", &[n, 2], &self.pca);
        }
        Ok(arrays.write(&part_path(run, epoch, SnapshotPart::Clusters))?)
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it is missing, damaged, or its arrays do not belong together.
    pub fn read(run: &Path, epoch: usize) -> Result<Self, RunError> {
        let path = part_path(run, epoch, SnapshotPart::Clusters);
        let file = Archive::open(&path)?;
        let labels: Vec<i32> = file.vector("labels", None)?;
        let n = labels.len();
        let reliable: Vec<u8> = file.vector("reliable", None)?;
        let clusters = reliable.len();
        let (k, knn_index) = file.matrix("knn_index", n)?;
        let pca = match file.has("pca") {
            true => file.matrix("pca", n)?.1,
            false => Vec::new(),
        };
        // Either all radii are there or none, and either both scores or none.
        let [labels_tight, labels_loose] = match file.has("labels_tight") || file.has("labels_loose") {
            true => [file.vector("labels_tight", Some(n))?, file.vector("labels_loose", Some(n))?],
            false => [Vec::new(), Vec::new()],
        };
        let [score, cluster_score] = match file.has("score") || file.has("cluster_score") {
            true => [file.vector("score", Some(n))?, file.vector("cluster_score", Some(clusters))?],
            false => [Vec::new(), Vec::new()],
        };
        let read = Self {
            labels_tight,
            labels_loose,
            score,
            reliable,
            pseudo_labels: file.vector("pseudo_labels", Some(n))?,
            knn_dist: file.matrix("knn_dist", n)?.1,
            labels,
            cluster_score,
            knn_index,
            k,
            pca,
        };
        read.problem().map_or(Ok(read), |why| Err(RunError::damaged(&path, why)))
    }

    /// What does not hold together, in words that follow the file's name.
    fn problem(&self) -> Option<String> {
        let (n, clusters) = (self.labels.len(), self.reliable.len());
        if clusters > n {
            return Some(format!("it has {clusters} clusters of {n} images"));
        }
        let labels = [
            ("labels", &self.labels, clusters),
            ("pseudo_labels", &self.pseudo_labels, n),
            ("labels_tight", &self.labels_tight, n),
            ("labels_loose", &self.labels_loose, n),
        ];
        for (name, values, count) in labels {
            if let Some(odd) = values.iter().find(|&&l| l < -1 || l >= count as i32) {
                return Some(format!("`{name}` holds {odd}, but there are {count} clusters at most"));
            }
        }
        if let Some(odd) = self.knn_index.iter().find(|&&j| j as usize >= n) {
            return Some(format!("`knn_index` holds {odd}, but there are {n} images"));
        }
        let reals = [("score", &self.score), ("cluster_score", &self.cluster_score)];
        let odd = reals.into_iter().find(|(_, values)| values.iter().any(|x| !x.is_finite())).map(|(name, _)| name);
        let short = [("knn_dist", &self.knn_dist), ("pca", &self.pca)];
        let odd = odd.or(short.into_iter().find(|(_, v)| v.iter().any(|x| !x.is_finite())).map(|(name, _)| name));
        odd.map(|name| format!("`{name}` holds a value that is not finite"))
    }
}

/// `[N]` labels at eps alone, of an epoch's `clusters.safetensors`.
///
/// # Errors
/// When it is missing or damaged.
pub fn read_labels(run: &Path, epoch: usize) -> Result<Vec<i32>, RunError> {
    let path = part_path(run, epoch, SnapshotPart::Clusters);
    let labels: Vec<i32> = Archive::open(&path)?.vector("labels", None)?;
    match labels.iter().find(|&&l| l < -1 || l >= labels.len() as i32) {
        Some(odd) => Err(RunError::damaged(&path, format!("`labels` holds {odd}, but it has {} images", labels.len()))),
        None => Ok(labels),
    }
}

/// `[N, 2]` principal components alone, of an epoch's `clusters.safetensors`; empty where it has none.
///
/// # Errors
/// When the file is missing or damaged.
pub fn read_components(run: &Path, epoch: usize) -> Result<Vec<f32>, RunError> {
    let archive = Archive::open(&part_path(run, epoch, SnapshotPart::Clusters))?;
    if archive.has("pca") { Ok(archive.array("pca")?.1) } else { Ok(Vec::new()) }
}

/// A match that the ranking kept or not.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Match {
    /// Row of the gallery.
    pub index: u32,
    /// From 1, junk not counted.
    pub rank: u32,
    /// Distance to the query.
    pub distance: f32,
}

impl RankSnapshot {
    /// Number of queries.
    pub fn queries(&self) -> usize {
        self.ap.len()
    }

    /// Gallery images and distances of one query, nearest first.
    pub fn hits(&self, query: usize) -> impl Iterator<Item = (u32, f32)> + '_ {
        let at = query.saturating_mul(self.top).min(self.ranks.len());
        let end = (at + self.top).min(self.ranks.len()).min(self.distances.len());
        let span = at..end.max(at);
        self.ranks[span.clone()].iter().copied().zip(self.distances[span].iter().copied())
    }

    /// The true matches of one query, best rank first.
    pub fn matches(&self, query: usize) -> impl Iterator<Item = Match> + '_ {
        let bound = |i: usize| self.match_indptr.get(i).map_or(self.match_index.len(), |&at| at as usize);
        (bound(query)..bound(query + 1)).filter_map(|i| {
            Some(Match {
                index: *self.match_index.get(i)?,
                rank: *self.match_rank.get(i)?,
                distance: *self.match_distance.get(i)?,
            })
        })
    }

    /// Writes `epochs/NNNN/ranks.safetensors`.
    ///
    /// # Errors
    /// Those of the file system; an older file is then untouched.
    pub fn write(&self, run: &Path, epoch: usize) -> Result<(), RunError> {
        self.write_as(SnapshotPart::Ranks, run, epoch)
    }

    /// Writes `ranks.safetensors` or `reranked.safetensors`.
    ///
    /// # Errors
    /// Those of the file system; an older file is then untouched.
    pub fn write_as(&self, part: SnapshotPart, run: &Path, epoch: usize) -> Result<(), RunError> {
        let q = self.ap.len();
        let mut arrays = Arrays::default();
        arrays
            .vector("ap", &self.ap)
            .add("ranks", &[q, self.top], &self.ranks)
            .add("distances", &[q, self.top], &self.distances)
            .vector("match_indptr", &self.match_indptr)
            .vector("match_index", &self.match_index)
            .vector("match_rank", &self.match_rank)
            .vector("match_distance", &self.match_distance);
        Ok(arrays.write(&part_path(run, epoch, part))?)
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it is missing, damaged, or its arrays do not belong together.
    pub fn read(run: &Path, epoch: usize) -> Result<Self, RunError> {
        Self::read_as(SnapshotPart::Ranks, run, epoch)
    }

    /// Reads `ranks.safetensors` or `reranked.safetensors`.
    ///
    /// # Errors
    /// When it is missing, damaged, or its arrays do not belong together.
    pub fn read_as(part: SnapshotPart, run: &Path, epoch: usize) -> Result<Self, RunError> {
        let path = part_path(run, epoch, part);
        let file = Archive::open(&path)?;
        let ap: Vec<f64> = file.vector("ap", None)?;
        let (top, ranks) = file.matrix("ranks", ap.len())?;
        let match_index: Vec<u32> = file.vector("match_index", None)?;
        let matches = Some(match_index.len());
        let match_indptr: Vec<u32> = file.vector("match_indptr", Some(ap.len() + 1))?;
        if match_indptr.last().map(|&end| end as usize) != matches || !match_indptr.is_sorted() {
            return Err(RunError::damaged(&path, "`match_indptr` does not divide the matches up"));
        }
        Ok(Self {
            distances: file.matrix("distances", ap.len())?.1,
            match_indptr,
            match_rank: file.vector("match_rank", matches)?,
            match_distance: file.vector("match_distance", matches)?,
            ap,
            top,
            ranks,
            match_index,
        })
    }
}

/// Writes `epochs/NNNN/heat_maps.safetensors`.
///
/// # Errors
/// Those of the file system; an older file is then untouched.
pub fn write_heat_maps(run: &Path, epoch: usize, images: &[ImageMaps]) -> Result<(), RunError> {
    let mut arrays = Arrays::default();
    for (i, image) in images.iter().enumerate() {
        let split = split_name(image.image.split);
        // Numbers in the names keep the order: a safetensors file has none of its own.
        arrays.vector(&format!("{i:04}/{split}/{}", image.image.index), vec![image.maps.len() as u32]);
        for (j, map) in image.maps.iter().enumerate() {
            let name = format!("{i:04}/{split}/{}/{j:03}/{}", image.image.index, map.name);
            arrays.add(name, &[map.height, map.width], &map.values);
        }
    }
    Ok(arrays.write(&part_path(run, epoch, SnapshotPart::HeatMaps))?)
}

/// Reads it.
///
/// # Errors
/// When it is missing or damaged.
pub fn read_heat_maps(run: &Path, epoch: usize) -> Result<Vec<ImageMaps>, RunError> {
    let path = part_path(run, epoch, SnapshotPart::HeatMaps);
    let file = Archive::open(&path)?;
    let mut images: Vec<ImageMaps> = Vec::new();
    for name in file.names() {
        let odd = || RunError::damaged(&path, format!("`{name}` is not the name of a map"));
        let mut pieces = name.splitn(5, '/');
        let split = pieces.nth(1).and_then(split_of).ok_or_else(odd)?;
        let index = pieces.next().and_then(|i| i.parse().ok()).ok_or_else(odd)?;
        match (pieces.next(), pieces.next()) {
            (None, _) => images.push(ImageMaps { image: ImageRef { split, index }, maps: Vec::new() }),
            (Some(_), Some(map)) => {
                let (shape, values) = file.array::<f32>(name)?;
                let [height, width] = shape[..] else { return Err(odd()) };
                let image = images.last_mut().ok_or_else(odd)?;
                image.maps.push(AttentionMap { name: map.to_owned(), height, width, values });
            }
            (Some(_), None) => return Err(odd()),
        }
    }
    Ok(images)
}

fn split_name(split: Split) -> &'static str {
    match split {
        Split::Train => "train",
        Split::Query => "query",
        Split::Gallery => "gallery",
    }
}

fn split_of(name: &str) -> Option<Split> {
    [Split::Train, Split::Query, Split::Gallery].into_iter().find(|&s| split_name(s) == name)
}
