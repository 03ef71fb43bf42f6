//! All of DBSCAN at once: the minimum spanning forest of mutual reachability over a Jaccard graph. Cut at a radius
//! it falls into the clusters of core images that [`super::dbscan::dbscan`] finds there, at every radius alike.
//!
//! [`order`] lays the images out for the reachability plot, [`condensed`] keeps what is of a size and says how
//! stable it is ([`icicle`] draws it), [`path`] says by which steps two images are joined, [`ladder`] holds many cuts side
//! by side, and [`doubts`] are the bridges that a person is best asked about.

pub mod condensed;
pub mod doubts;
pub mod icicle;
pub mod ladder;
pub mod order;
pub mod path;
pub mod radii;

use rayon::prelude::*;

use super::cluster::{Assignment, RadiiLabels, refine};
use super::dbscan::{DisjointSets, NOISE};
use super::jaccard::Graph;
use super::params::Params;
use condensed::Condensed;
use order::{Dendrogram, ReachabilityOrder};
use path::Paths;
use radii::{Suggested, suggested};

/// Two images that the forest joins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge {
    /// The smaller image.
    pub a: u32,
    /// The larger image.
    pub b: u32,
    /// Mutual reachability: the largest of J(a, b) and the core distances of both. From this radius on the two are
    /// core images of one cluster.
    pub reach: f32,
}

/// The minimum spanning forest of mutual reachability.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    /// Images, N.
    pub n: usize,
    /// Images within the radius that make an image core, itself counted.
    pub min_samples: usize,
    /// How far the graph reached: the forest ends there, and says nothing about larger radii.
    pub max: f32,
    /// `[N]` core distance: the least radius at which the image is core; infinite where that is beyond `max`,
    /// negative infinity where an image alone is core.
    pub core: Vec<f32>,
    /// At most N − 1 edges, ascending by (reach, a, b), which makes the forest unique.
    pub edges: Vec<Edge>,
    /// `[N, min_samples − 1]` the nearest others of each image, ascending by (distance, image); `u32::MAX` where
    /// the graph holds no more.
    near: Vec<(f32, u32)>,
}

/// A forest and what is made of it once, to look at any number of radii.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hierarchy {
    /// The forest.
    pub tree: Tree,
    /// The images in a row.
    pub order: ReachabilityOrder,
    /// Branches of at least `min_samples` images.
    pub condensed: Condensed,
    /// Ways between images.
    pub paths: Paths,
    /// Radii that rules of thumb propose.
    pub suggested: Suggested,
}

impl Hierarchy {
    /// All of it.
    pub fn new(graph: &Graph, min_samples: usize) -> Self {
        let tree = Tree::new(graph, min_samples);
        let dendrogram = Dendrogram::new(&tree);
        let order = ReachabilityOrder::new(&dendrogram);
        let condensed = Condensed::new(&dendrogram, &order, min_samples);
        let paths = Paths::new(&tree, graph);
        let suggested = suggested(graph, &tree, &condensed);
        Self { tree, order, condensed, paths, suggested }
    }
}

/// Shares of all pairs that are sorted at once, nearest first. Most pairs of a later share are joined by then and
/// are never sorted.
const SHARES: [f64; 5] = [1.0 / 16.0, 1.0 / 8.0, 1.0 / 4.0, 1.0 / 2.0, 1.0];
/// Pairs looked at to find the radii of these shares.
const SAMPLE: usize = 4096;
/// Rows that one job takes.
const CHUNK: usize = 256;

impl Tree {
    /// The forest of `graph`, by Kruskal's rule.
    pub fn new(graph: &Graph, min_samples: usize) -> Self {
        let n = graph.n;
        let others = min_samples.saturating_sub(1);
        let near = nearest(graph, others);
        let core: Vec<f32> = match others {
            0 => vec![f32::NEG_INFINITY; n],
            _ => near.chunks_exact(others).map(|row| row[others - 1].0).collect(),
        };
        let edges = spanning_edges(graph, &core);
        Self { n, min_samples, max: graph.max, core, edges, near }
    }

    /// DBSCAN's labels at radius `eps`: what [`super::dbscan::dbscan`] gives, border images included. The graph
    /// must have covered `eps`.
    pub fn labels(&self, eps: f64) -> Vec<i32> {
        let (n, eps) = (self.n, eps as f32);
        if eps >= 1.0 {
            return vec![if n >= self.min_samples { 0 } else { NOISE }; n];
        }
        let mut sets = DisjointSets::new(n);
        let joined = self.edges.partition_point(|e| e.reach <= eps);
        self.edges[..joined].iter().for_each(|e| sets.join(e.a as usize, e.b as usize));
        let is_core = |i: usize| self.core[i] <= eps;
        let mut labels = sets.numbered(is_core);
        // An image that is not core has fewer than min_samples − 1 others within eps, so they are all in `near`.
        let others = self.min_samples.saturating_sub(1);
        for i in (0..n).filter(|&i| !is_core(i)) {
            let row = &self.near[i * others..(i + 1) * others];
            let reached = row.iter().take_while(|(d, _)| *d <= eps).map(|&(_, j)| j as usize);
            labels[i] = reached.filter(|&j| is_core(j)).map(|j| labels[j]).min().unwrap_or(NOISE);
        }
        labels
    }

    /// Labels at eps, eps − Δd and eps + Δd.
    pub fn three(&self, eps: f64, delta_d: f64) -> RadiiLabels {
        let (normal, (tight, loose)) =
            rayon::join(|| self.labels(eps), || (self.labels(eps - delta_d), self.labels(eps + delta_d)));
        RadiiLabels { normal, tight, loose }
    }

    /// The clustering at the radii of `params`, scored by Eq. 8 and refined: what
    /// [`super::cluster::cluster`] gives, without another DBSCAN.
    pub fn cluster(&self, params: &Params, carried: Option<f64>) -> Assignment {
        refine(self.three(params.eps, params.delta_d), params, carried)
    }
}

/// `[N, others]` the nearest others of each image.
fn nearest(graph: &Graph, others: usize) -> Vec<(f32, u32)> {
    let mut near = vec![(f32::INFINITY, u32::MAX); graph.n * others];
    if others == 0 {
        return near;
    }
    near.par_chunks_exact_mut(others).enumerate().with_min_len(CHUNK).for_each(|(i, best)| {
        let (row, distances) = graph.row(i);
        let mut bound = f32::INFINITY;
        for (&j, &d) in row.iter().zip(distances) {
            // Rows ascend by image, so of equal distances the first met stays first.
            if d < bound {
                let at = best.partition_point(|&(old, _)| old <= d);
                best.copy_within(at..others - 1, at + 1);
                best[at] = (d, j);
                bound = best[others - 1].0;
            }
        }
    });
    near
}

fn spanning_edges(graph: &Graph, core: &[f32]) -> Vec<Edge> {
    let n = graph.n;
    let reach = |i: usize, j: u32, d: f32| d.max(core[i]).max(core[j as usize]);
    let mut sets = DisjointSets::new(n);
    let mut edges = Vec::with_capacity(n.saturating_sub(1));
    let mut from = f32::NEG_INFINITY;
    for to in radii_of_shares(graph, &reach) {
        let root: Vec<u32> = (0..n).map(|i| sets.root(i) as u32).collect();
        let mut open: Vec<(u32, u32, u32)> = (0..n.div_ceil(CHUNK))
            .into_par_iter()
            .flat_map_iter(|chunk| {
                let mut found = Vec::new();
                for i in chunk * CHUNK..((chunk + 1) * CHUNK).min(n) {
                    if core[i] > to {
                        continue;
                    }
                    let (row, distances) = graph.row(i);
                    let upper = row.partition_point(|&j| j as usize <= i);
                    for (&j, &d) in row[upper..].iter().zip(&distances[upper..]) {
                        let w = reach(i, j, d);
                        if w > from && w <= to && root[i] != root[j as usize] {
                            // Distances are not negative, so their bits sort as they do.
                            found.push((w.to_bits(), i as u32, j));
                        }
                    }
                }
                found
            })
            .collect();
        open.par_sort_unstable();
        for (bits, a, b) in open {
            if sets.root(a as usize) != sets.root(b as usize) {
                sets.join(a as usize, b as usize);
                edges.push(Edge { a, b, reach: f32::from_bits(bits) });
            }
        }
        from = to;
    }
    edges
}

/// Radii that about [`SHARES`] of the pairs lie within, by a sample; the last is that of all.
fn radii_of_shares(graph: &Graph, reach: &impl Fn(usize, u32, f32) -> f32) -> Vec<f32> {
    let step = (graph.indices.len() / SAMPLE).max(1);
    let mut sample = Vec::with_capacity(2 * SAMPLE);
    let mut row = 0;
    for at in (0..graph.indices.len()).step_by(step) {
        while graph.indptr[row + 1] as usize <= at {
            row += 1;
        }
        sample.push(reach(row, graph.indices[at], graph.values[at]));
    }
    sample.sort_unstable_by(f32::total_cmp);
    let mut radii: Vec<f32> = SHARES[..SHARES.len() - 1]
        .iter()
        .filter_map(|share| sample.get((share * sample.len() as f64) as usize).copied())
        .filter(|r| r.is_finite())
        .collect();
    // Pairs of images that are never core have infinite reach and join nothing.
    radii.push(f32::MAX);
    radii.dedup();
    radii
}
