//! Many radii side by side, a rung each: how clusters split and merge as eps moves, how Eq. 8 judges each of them
//! there, and how stable it is against the other rungs.

use rayon::prelude::*;

use super::Hierarchy;
use super::condensed::Branch;
use crate::method::cluster::{Assignment, cluster_sizes};
use crate::method::params::Params;

/// A cluster of a rung.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RungCluster {
    /// Images in it.
    pub size: u32,
    /// Its score at this radius and Δd: Eq. 8, of its best member unless `reliability.cluster` says otherwise.
    pub score: f64,
    /// SC3's stability, 0 to 1: see [`stability`].
    pub stability: f64,
    /// Mean place of its images in the order of the reachability plot.
    pub place: f32,
    /// Its densest image, the first of equals.
    pub face: u32,
}

/// The clusters at one radius.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rung {
    /// The radius.
    pub eps: f64,
    /// `[N]` labels.
    pub labels: Vec<i32>,
    /// The clusters, in the order of their labels.
    pub clusters: Vec<RungCluster>,
    /// Images in no cluster.
    pub noise: u32,
}

/// Clusters at many radii (a "clustree", Zappia and Oshlack 2018), and Eq. 8 of the branches of the condensed tree.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ladder {
    /// Ascending by radius.
    pub rungs: Vec<Rung>,
    /// `[branches][rungs]` Eq. 8 of the cluster that a branch is at a radius; NaN where it is none there.
    pub branch: Vec<Vec<f32>>,
}

impl Ladder {
    /// Cuts the forest at each radius of `eps`, ascending. Δd and how a cluster is scored are those of `params`.
    pub fn new(all: &Hierarchy, eps: &[f64], params: &Params) -> Self {
        let at = |&eps: &f64| all.tree.cluster(&Params { eps, ..params.clone() }, None);
        let found: Vec<Assignment> = eps.par_iter().map(at).collect();
        let labels: Vec<&[i32]> = found.iter().map(|f| &f.labels[..]).collect();
        let rungs = (0..found.len()).into_par_iter().map(|at| rung(all, eps[at], &found[at], &labels, at)).collect();
        let mut ladder = Self { rungs, branch: Vec::new() };
        ladder.branch = all.condensed.branches.iter().map(|b| ladder.scores_of(all, b)).collect();
        ladder
    }

    /// The rung nearest to a radius; the lower of two as near.
    pub fn nearest(&self, eps: f64) -> Option<usize> {
        let away = |at: &usize| (self.rungs[*at].eps - eps).abs();
        (0..self.rungs.len()).min_by(|a, b| away(a).total_cmp(&away(b)))
    }

    fn scores_of(&self, all: &Hierarchy, branch: &Branch) -> Vec<f32> {
        // The image in the first place leaves a branch last, so that it is core as long as the branch is there.
        let Some(&first) = all.order.image.get(branch.start as usize) else { return vec![f32::NAN; self.rungs.len()] };
        let score = |rung: &Rung| {
            let alive = rung.eps * branch.death >= 1.0 && rung.eps * branch.birth < 1.0;
            let cluster = usize::try_from(rung.labels[first as usize]).ok().filter(|_| alive);
            cluster.map_or(f32::NAN, |c| rung.clusters[c].score as f32)
        };
        self.rungs.iter().map(score).collect()
    }
}

fn rung(all: &Hierarchy, eps: f64, found: &Assignment, labels: &[&[i32]], at: usize) -> Rung {
    let own = labels[at];
    let sizes = cluster_sizes(own);
    let mut place = vec![0.0f64; sizes.len()];
    let mut face: Vec<Option<u32>> = vec![None; sizes.len()];
    let core = |i: u32| all.tree.core[i as usize];
    for (i, &label) in (0u32..).zip(own) {
        let Ok(cluster) = usize::try_from(label) else { continue };
        place[cluster] += f64::from(all.order.place[i as usize]);
        face[cluster] = Some(face[cluster].filter(|&best| core(best) <= core(i)).unwrap_or(i));
    }
    let stable = stability(labels, at);
    let clusters = sizes.iter().enumerate().map(|(c, &size)| RungCluster {
        size,
        score: found.cluster_score().get(c).copied().unwrap_or(f64::NAN),
        stability: stable[c],
        place: (place[c] / f64::from(size.max(1))) as f32,
        face: face[c].unwrap_or(0),
    });
    Rung {
        eps,
        clusters: clusters.collect(),
        noise: own.iter().filter(|&&l| l < 0).count() as u32,
        labels: own.to_vec(),
    }
}

/// `[C]` SC3's stability of each cluster of clustering `at` (Kiselev et al. 2017, as clustree's `stability.R` has it):
/// over the other clusterings, the sum of |C ∩ D| / (|D| · n²), D being the n groups there that hold images of C, noise
/// one of them; divided by the number of clusterings. 1 − 1/L at most, of L clusterings.
pub fn stability(labels: &[&[i32]], at: usize) -> Vec<f64> {
    let own = labels[at];
    let count = cluster_sizes(own).len();
    let mut sum = vec![0.0; count];
    for other in labels.iter().enumerate().filter(|&(l, _)| l != at).map(|(_, other)| other) {
        let mut sizes = vec![0u32; cluster_sizes(other).len() + 1];
        let group = |l: i32| (l + 1).max(0) as usize;
        other.iter().for_each(|&l| sizes[group(l)] += 1);
        let clustered = own.iter().zip(*other).filter(|&(&o, _)| o >= 0);
        let mut pairs: Vec<(usize, usize)> = clustered.map(|(&o, &l)| (o as usize, group(l))).collect();
        pairs.sort_unstable();
        for of_cluster in pairs.chunk_by(|a, b| a.0 == b.0) {
            let parts: Vec<&[(usize, usize)]> = of_cluster.chunk_by(|a, b| a == b).collect();
            let shares: f64 = parts.iter().map(|p| p.len() as f64 / f64::from(sizes[p[0].1])).sum();
            sum[of_cluster[0].0] += shares / (parts.len() as f64).powi(2);
        }
    }
    sum.iter().map(|s| s / labels.len() as f64).collect()
}
