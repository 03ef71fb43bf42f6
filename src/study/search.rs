//! Thousands of clusterings of one stored epoch, each judged without truth: which settings are worth a real training.

use std::collections::HashMap;
use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;

use super::outline::Outline;
use crate::base::tick::Tick;
use crate::method::cluster::{cluster_sizes, count_clusters};
use crate::method::dbscan::dbscan;
use crate::method::graph::Graph;
use crate::method::jaccard::jaccard;
use crate::method::label_free::silhouette;
use crate::method::params::Params;
use crate::method::pipeline::nearest;
use crate::method::quality::quality;
use crate::method::rows::Rows;
use crate::method::score::scores;
use crate::run::graph::{REACH, features_epoch, read_features, read_graph};
use crate::run::snapshot::read_labels;

/// The values that are tried, each with each.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Space {
    pub eps: Vec<f64>,
    pub delta_d: Vec<f64>,
    pub min_samples: Vec<usize>,
    pub threshold: Vec<f64>,
    /// Empty for those of the run.
    pub k1: Vec<usize>,
    /// Empty for those of the run.
    pub k2: Vec<usize>,
}

impl Default for Space {
    fn default() -> Self {
        Self {
            eps: (15..=42).map(|i| f64::from(2 * i) / 100.0).collect(),
            delta_d: vec![0.01, 0.02, 0.03, 0.04, 0.06],
            min_samples: vec![2, 3, 4, 6, 8],
            threshold: vec![0.0, 0.3, 0.5, 0.7, 0.9],
            k1: Vec::new(),
            k2: Vec::new(),
        }
    }
}

/// One setting with its scores, none of which knows the truth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scored {
    /// Clustering radius.
    pub eps: f64,
    /// Radius step of Eq. 8.
    pub delta_d: f64,
    /// Core density.
    pub min_samples: usize,
    /// Neighbours of the Jaccard distance.
    pub k1: usize,
    /// Query expansion.
    pub k2: usize,
    /// The least score of a cluster that is kept.
    pub threshold: f64,
    /// Clusters at eps.
    pub clusters: usize,
    /// Share of the images that are in no cluster.
    pub unclustered: f64,
    /// Share of the images that keep a cluster's label.
    pub kept: f64,
    /// Mean of Eq. 8 over the images in kept clusters.
    pub eq8: Option<f64>,
    /// Mean silhouette on the Jaccard graph.
    pub silhouette: Option<f64>,
    /// Adjusted Rand index with the clusters of the epoch before.
    pub agreement: Option<f64>,
    /// Whether no other setting keeps more images with a better Eq. 8 and a better silhouette.
    pub front: bool,
}

/// What a search found.
#[derive(Clone, Debug, Serialize)]
pub struct Search {
    /// The run folder.
    pub run: std::path::PathBuf,
    /// Adaptation epoch, from 1.
    pub epoch: usize,
    /// Images.
    pub images: usize,
    /// Every setting, in the order in which they were tried.
    pub settings: Vec<Scored>,
    /// Settings that the stored graph does not reach far enough for.
    pub beyond: usize,
    /// Seconds it took.
    pub seconds: f64,
}

/// Judges every setting of `space` on the graph of adaptation epoch `epoch` (from 0) of a run. `tick` counts settings
/// of the clustering itself.
///
/// # Errors
/// A sentence when the run kept no graph of that epoch, or k1 or k2 need features that it did not keep.
pub fn search(run: &Outline, epoch: usize, space: &Space, tick: Tick<'_>) -> Result<Search, String> {
    let begun = std::time::Instant::now();
    let used = run.clusters.get(&epoch).map(|c| c.used);
    let used = used.ok_or_else(|| format!("{} has no clustering of epoch {}", run.name, epoch + 1))?;
    let before = epoch.checked_sub(1).and_then(|e| read_labels(&run.dir, e).ok());
    let or = |values: &[usize], own: usize| if values.is_empty() { vec![own] } else { values.to_vec() };
    let (k1s, k2s) = (or(&space.k1, used.k1), or(&space.k2, used.k2));
    let pairs: Vec<(usize, usize)> = k1s.iter().flat_map(|&k1| k2s.iter().map(move |&k2| (k1, k2))).collect();
    let mut found =
        Search { run: run.dir.clone(), epoch: epoch + 1, images: 0, settings: Vec::new(), beyond: 0, seconds: 0.0 };
    let each = (space.eps.len() * space.min_samples.len()) as u64;
    for (i, &(k1, k2)) in pairs.iter().enumerate() {
        let graph = graph_of((&run.dir, &run.params), epoch, (k1, k2), (used.k1, used.k2))?;
        found.images = graph.n;
        let at = |done: u64, _: u64| tick(i as u64 * each + done, pairs.len() as u64 * each);
        let sweep = Sweep { graph: &graph, before: before.as_deref(), k1, k2 };
        sweep.all(space, &at, &mut found)?;
    }
    mark_front(&mut found.settings);
    found.seconds = begun.elapsed().as_secs_f64();
    Ok(found)
}

fn graph_of(
    (dir, params): (&Path, &Params),
    epoch: usize,
    wanted: (usize, usize),
    used: (usize, usize),
) -> Result<Graph, String> {
    if wanted == used {
        return read_graph(dir, epoch).map_err(|e| e.to_string());
    }
    if features_epoch(dir) != Some(epoch) {
        return Err("another k1 or k2 needs features, which a run keeps of its newest clustering alone".to_owned());
    }
    let features = read_features(dir).map_err(|e| e.to_string())?;
    let words = |e: crate::method::error::MethodError| e.to_string();
    let rows = Rows::new(&features.values, features.d).map_err(words)?;
    let none = |_: u64, _: u64| true;
    // Found as the run found its own.
    let (nb, _) = nearest(rows, 0, &Params { k1: wanted.0, ..params.clone() }, &none).map_err(words)?;
    jaccard(rows, &nb, wanted.0, wanted.1, REACH, &none).map_err(words)
}

/// All settings of one graph.
struct Sweep<'a> {
    graph: &'a Graph,
    before: Option<&'a [i32]>,
    k1: usize,
    k2: usize,
}

/// A radius as a key: settings meet at the same radius from several sides.
fn key(eps: f64) -> u64 {
    (eps * 1e9).round() as u64
}

impl Sweep<'_> {
    fn all(&self, space: &Space, tick: Tick<'_>, found: &mut Search) -> Result<(), String> {
        let mut radii: Vec<f64> = space.eps.clone();
        for step in &space.delta_d {
            radii.extend(space.eps.iter().flat_map(|eps| [eps - step, eps + step]));
        }
        radii.retain(|&r| r > 0.0 && self.graph.covers(r));
        radii.sort_by(f64::total_cmp);
        radii.dedup_by_key(|r| key(*r));
        let mut done = 0;
        for &min_samples in &space.min_samples {
            let labels: HashMap<u64, Vec<i32>> =
                radii.par_iter().map(|&r| (key(r), dbscan(self.graph, r, min_samples))).collect();
            for &eps in &space.eps {
                done += 1;
                if !tick(done, (space.min_samples.len() * space.eps.len()) as u64) {
                    return Err("it was cancelled".to_owned());
                }
                self.at((eps, min_samples), &labels, space, found);
            }
        }
        Ok(())
    }

    /// The settings of one radius and core density; those whose radii are not there lie beyond the graph.
    fn at(&self, at: (f64, usize), labels: &HashMap<u64, Vec<i32>>, space: &Space, found: &mut Search) {
        let (eps, min_samples) = at;
        let Some(normal) = labels.get(&key(eps)) else {
            found.beyond += space.delta_d.len() * space.threshold.len();
            return;
        };
        let n = normal.len().max(1) as f64;
        let sizes = cluster_sizes(normal);
        let clustered: u32 = sizes.iter().sum();
        let silhouette = silhouette(self.graph, normal);
        let agreement = self.before.filter(|b| b.len() == normal.len()).map(|b| quality(normal, b).ari);
        for &delta_d in &space.delta_d {
            let near = (labels.get(&key(eps - delta_d)), labels.get(&key(eps + delta_d)));
            let (Some(tight), Some(loose)) = near else {
                found.beyond += space.threshold.len();
                continue;
            };
            let eq8 = scores(normal, tight, loose).eq8;
            // A cluster is as reliable as its best member.
            let mut best = vec![0.0f64; sizes.len()];
            let members = || normal.iter().zip(&eq8).filter_map(|(&l, &s)| Some((usize::try_from(l).ok()?, s)));
            members().for_each(|(c, s)| best[c] = best[c].max(s));
            for &threshold in &space.threshold {
                let (mut kept, mut sum) = (0usize, 0.0);
                for (_, s) in members().filter(|(c, _)| best[*c] >= threshold) {
                    (kept, sum) = (kept + 1, sum + s);
                }
                found.settings.push(Scored {
                    eps,
                    delta_d,
                    min_samples,
                    k1: self.k1,
                    k2: self.k2,
                    threshold,
                    clusters: count_clusters(normal),
                    unclustered: 1.0 - f64::from(clustered) / n,
                    kept: kept as f64 / n,
                    eq8: (kept > 0).then(|| sum / kept as f64),
                    silhouette,
                    agreement,
                    front: false,
                });
            }
        }
    }
}

/// What the front is made of, each to be as large as can be; `None` where a setting has no two clusters.
fn goals(s: &Scored) -> Option<[f64; 3]> {
    Some([s.kept, s.eq8?, s.silhouette?])
}

fn mark_front(settings: &mut [Scored]) {
    let all: Vec<Option<[f64; 3]>> = settings.iter().map(goals).collect();
    let mut order: Vec<[f64; 3]> = all.iter().flatten().copied().collect();
    order.sort_by(|a, b| b.partial_cmp(a).unwrap_or(std::cmp::Ordering::Equal));
    // Whoever is beaten is beaten by someone with as large a first goal, who came before.
    let mut front: Vec<[f64; 3]> = Vec::new();
    for point in order {
        let beaten = front.iter().any(|f| *f != point && f.iter().zip(&point).all(|(a, b)| a >= b));
        if !beaten && front.last() != Some(&point) {
            front.push(point);
        }
    }
    for (setting, goal) in settings.iter_mut().zip(all) {
        setting.front = goal.is_some_and(|g| front.contains(&g));
    }
}

/// The settings of the front that are best in all three goals together: by the sum of their places, one of each
/// clustering, at most `count`.
pub fn survivors(search: &Search, count: usize) -> Vec<&Scored> {
    let front: Vec<(&Scored, [f64; 3])> =
        search.settings.iter().filter(|s| s.front).filter_map(|s| Some((s, goals(s)?))).collect();
    let place = |goal: usize, value: f64| front.iter().filter(|(_, g)| g[goal] > value).count();
    let mut ranked: Vec<(usize, &Scored)> =
        front.iter().map(|(s, g)| ((0..3).map(|i| place(i, g[i])).sum(), *s)).collect();
    ranked.sort_by_key(|(places, _)| *places);
    let mut seen = Vec::new();
    let fresh = |s: &Scored, seen: &mut Vec<[u64; 3]>| {
        let clustering = [key(s.eps), s.min_samples as u64, (s.k1 * 1000 + s.k2) as u64];
        let new = !seen.contains(&clustering);
        seen.push(clustering);
        new
    };
    ranked.into_iter().map(|(_, s)| s).filter(|s| fresh(s, &mut seen)).take(count).collect()
}
