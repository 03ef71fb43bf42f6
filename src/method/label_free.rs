//! How good a clustering is without any truth: shares, silhouette, DBCV, agreement with the epoch before, and SND.
//!
//! Silhouette and DBCV stand on the Jaccard graph; a pair that it does not hold counts as at distance 1.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::cluster::{Assignment, cluster_sizes};
use super::dbscan::DisjointSets;
use super::jaccard::Graph;
use super::knn::Neighbours;
use super::rows::Rows;
use super::tree::condensed::LEAST_DISTANCE;

/// Scores that need no ground truth; `None` where one has no meaning: fewer than two clusters, no images, no epoch
/// before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LabelFree {
    /// Share of the images that are in no cluster at eps.
    pub unclustered: Option<f64>,
    /// Mean of Eq. 8 over the clustered images.
    pub eq8: Option<f64>,
    /// Mean silhouette of the clustered images.
    pub silhouette: Option<f64>,
    /// Density-based clustering validity, −1 to 1.
    pub dbcv: Option<f64>,
    /// Soft neighbourhood density over the neighbours that were kept; larger is denser.
    pub snd: Option<f64>,
    /// Mean overlap (IoU) of each image's nearest with those of the epoch before.
    pub agreement: Option<f64>,
    /// How far the features lie apart, 0 to 1: see [`spread`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spread: Option<f64>,
}

/// SND's temperature (Saito et al., ICCV 2021).
pub const SND_TEMPERATURE: f64 = 0.05;

/// Nearest images that are compared between two epochs.
pub const AGREEMENT_NEIGHBOURS: usize = 20;

/// All scores of a clustering; those on the Jaccard distances only where the method has a `graph` of them. `before`
/// holds the neighbours of the epoch before.
pub fn label_free(
    found: &Assignment,
    graph: Option<&Graph>,
    nb: &Neighbours,
    before: Option<&Neighbours>,
) -> LabelFree {
    let n = found.labels.len();
    let clustered = found.labels.iter().filter(|&&l| l >= 0).count();
    let eq8 = found.radii().map(|radii| {
        let of_clustered = found.labels.iter().zip(&radii.scores.eq8).filter(|&(&l, _)| l >= 0);
        of_clustered.map(|(_, &s)| s).collect::<Vec<f64>>()
    });
    let on_graph = |score: fn(&Graph, &[i32]) -> Option<f64>| graph.and_then(|graph| score(graph, &found.labels));
    let (silhouette, dbcv) = rayon::join(|| on_graph(silhouette), || on_graph(dbcv));
    LabelFree {
        unclustered: (n > 0).then(|| (n - clustered) as f64 / n as f64),
        eq8: eq8.and_then(|scores| mean(&scores)),
        silhouette,
        dbcv,
        snd: snd(nb, SND_TEMPERATURE),
        agreement: before.and_then(|before| agreement(before, nb, AGREEMENT_NEIGHBOURS)),
        spread: None,
    }
}

/// How far features of unit length lie apart: 1 less the squared length of their mean, half the mean squared distance of
/// two of them. 0 where all are the same, near 1 where they point everywhere.
pub fn spread(rows: Rows) -> f64 {
    let mut sum = vec![0.0f64; rows.d()];
    for i in 0..rows.n() {
        sum.iter_mut().zip(rows.row(i)).for_each(|(sum, x)| *sum += f64::from(*x));
    }
    let n = rows.n().max(1) as f64;
    (1.0 - sum.iter().map(|s| (s / n) * (s / n)).sum::<f64>()).clamp(0.0, 1.0)
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// `[N]` silhouette of every image among its cluster and the others (Rousseeuw 1987), 0 for noise and for an image
/// alone in its cluster. All 0 for fewer than two clusters.
pub fn silhouettes(graph: &Graph, labels: &[i32]) -> Vec<f64> {
    let sizes = cluster_sizes(labels);
    if sizes.len() < 2 {
        return vec![0.0; labels.len()];
    }
    let scratch = || (vec![0.0f64; sizes.len()], Vec::<u32>::new());
    (0..labels.len())
        .into_par_iter()
        .with_min_len(256)
        .map_init(scratch, |(near, met), i| {
            let Ok(own) = usize::try_from(labels[i]) else { return 0.0 };
            // By how much each cluster is nearer than distance 1, summed over its images.
            let (others, distances) = graph.row(i);
            for (&j, &d) in others.iter().zip(distances) {
                let Ok(cluster) = usize::try_from(labels[j as usize]) else { continue };
                if near[cluster] == 0.0 {
                    met.push(cluster as u32);
                }
                near[cluster] += 1.0 - f64::from(d);
            }
            let within = std::mem::take(&mut near[own]);
            let mut between = 1.0f64;
            for cluster in met.drain(..) {
                let sum = std::mem::take(&mut near[cluster as usize]);
                between = between.min(1.0 - sum / f64::from(sizes[cluster as usize]));
            }
            if sizes[own] < 2 {
                return 0.0;
            }
            let within = 1.0 - within / f64::from(sizes[own] - 1);
            let larger = within.max(between);
            if larger > 0.0 { (between - within) / larger } else { 0.0 }
        })
        .collect()
}

/// Mean of [`silhouettes`] over the clustered images; `None` for fewer than two clusters.
pub fn silhouette(graph: &Graph, labels: &[i32]) -> Option<f64> {
    if cluster_sizes(labels).len() < 2 {
        return None;
    }
    let all = silhouettes(graph, labels);
    mean(&all.iter().zip(labels).filter(|&(_, &l)| l >= 0).map(|(&s, _)| s).collect::<Vec<_>>())
}

/// Density-based clustering validity (Moulavi et al. 2014) with distances to the power of 2, as hdbscan's default
/// for a matrix; `None` for fewer than two clusters. Of edges that weigh the same the tree within a cluster takes
/// that of the smaller images; distance 0 counts as [`LEAST_DISTANCE`].
pub fn dbcv(graph: &Graph, labels: &[i32]) -> Option<f64> {
    let sizes = cluster_sizes(labels);
    if sizes.len() < 2 {
        return None;
    }
    let n = labels.len();
    let stored = |i: usize| {
        let (others, distances) = graph.row(i);
        others.iter().zip(distances).map(|(&j, &d)| (j as usize, f64::from(d.max(LEAST_DISTANCE))))
    };
    let same = |i: usize, j: usize| labels[i] >= 0 && labels[i] == labels[j];
    let core: Vec<f64> = (0..n)
        .into_par_iter()
        .with_min_len(256)
        .map(|i| {
            let others = usize::try_from(labels[i]).map_or(0, |c| sizes[c] - 1);
            let (sum, met) = stored(i)
                .filter(|&(j, _)| same(i, j))
                .fold((0.0, 0u32), |(sum, met), (_, d)| (sum + 1.0 / (d * d), met + 1));
            if others == 0 { 0.0 } else { ((sum + f64::from(others - met)) / f64::from(others)).sqrt().recip() }
        })
        .collect();
    let reach = |i: usize, j: usize, d: f64| d.max(core[i]).max(core[j]);
    let mut edges: Vec<(f64, u32, u32)> = (0..n)
        .flat_map(|i| stored(i).filter(move |&(j, _)| j > i && same(i, j)).map(move |(j, d)| (i, j, d)))
        .map(|(i, j, d)| (reach(i, j, d), i as u32, j as u32))
        .collect();
    edges.par_sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let mut sets = DisjointSets::new(n);
    edges.retain(|&(_, a, b)| {
        let apart = sets.root(a as usize) != sets.root(b as usize);
        if apart {
            sets.join(a as usize, b as usize);
        }
        apart
    });
    let mut degree = vec![0u32; n];
    edges.iter().for_each(|&(_, a, b)| [a, b].into_iter().for_each(|i| degree[i as usize] += 1));
    let sparseness = sparseness(&edges, &degree, labels, sizes.len());
    let inner = |i: usize| labels[i] >= 0 && (degree[i] > 1 || sizes[labels[i] as usize] <= 2);
    let mut separation = vec![1.0f64; sizes.len()];
    for i in (0..n).filter(|&i| inner(i)) {
        for (j, d) in stored(i).filter(|&(j, _)| inner(j) && labels[j] != labels[i]) {
            let slot = &mut separation[labels[i] as usize];
            *slot = slot.min(reach(i, j, d));
        }
    }
    let valid = |c: usize| match separation[c].max(sparseness[c]) {
        top if top > 0.0 => (separation[c] - sparseness[c]) / top,
        _ => 0.0,
    };
    Some((0..sizes.len()).map(|c| f64::from(sizes[c]) / n as f64 * valid(c)).sum())
}

/// Of each cluster the largest edge between images that are no leaves of its tree; of all edges where every edge
/// has a leaf.
fn sparseness(edges: &[(f64, u32, u32)], degree: &[u32], labels: &[i32], clusters: usize) -> Vec<f64> {
    let (mut inner, mut all) = (vec![None::<f64>; clusters], vec![0.0f64; clusters]);
    for &(weight, a, b) in edges {
        let c = labels[a as usize] as usize;
        all[c] = all[c].max(weight);
        if degree[a as usize] > 1 && degree[b as usize] > 1 {
            inner[c] = Some(inner[c].map_or(weight, |w| w.max(weight)));
        }
    }
    inner.into_iter().zip(all).map(|(inner, all)| inner.unwrap_or(all)).collect()
}

/// Soft neighbourhood density: the mean entropy of the softmax of cosine / `temperature` over each image's
/// neighbours. The original sums over all images; those beyond the neighbours kept carry next to no weight.
pub fn snd(nb: &Neighbours, temperature: f64) -> Option<f64> {
    if nb.k < 2 {
        return None;
    }
    let entropy = |i: usize| {
        // Of unit rows the squared distance is 2 − 2cos, and a shift changes no softmax.
        let others = &nb.distances_of(i)[1..];
        let nearest = f64::from(others[0]);
        let logit = |d: f32| (nearest - f64::from(d)) / (2.0 * temperature);
        let sum: f64 = others.iter().map(|&d| logit(d).exp()).sum();
        sum.ln() - others.iter().map(|&d| logit(d).exp() * logit(d)).sum::<f64>() / sum
    };
    mean(&(0..nb.n).map(entropy).collect::<Vec<_>>())
}

/// Mean IoU of each image's `count` nearest others in two epochs; `None` when they are not of the same images.
pub fn agreement(before: &Neighbours, now: &Neighbours, count: usize) -> Option<f64> {
    let count = count.min(before.k.saturating_sub(1)).min(now.k.saturating_sub(1));
    if before.n != now.n || count == 0 {
        return None;
    }
    let overlap = |i: usize| {
        let [a, b] = [before, now].map(|nb| &nb.of(i)[1..=count]);
        let both = a.iter().filter(|j| b.contains(j)).count();
        both as f64 / (2 * count - both) as f64
    };
    mean(&(0..now.n).map(overlap).collect::<Vec<_>>())
}
