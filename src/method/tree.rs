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
use super::sweep::KDistance;
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

impl Edge {
    /// What edges are sorted by; reaches are not negative, so that their bits sort as they do.
    fn key(&self) -> (u32, u32, u32) {
        (self.reach.to_bits(), self.a, self.b)
    }
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

/// Rows that one job takes.
const CHUNK: usize = 256;

impl Tree {
    /// The forest of `graph`, by Borůvka's rule.
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

    /// The k-distance curve for `min_samples`: what [`super::sweep::k_distance`] gives, which the core distances are.
    pub fn k_distance(&self) -> KDistance {
        let mut curve: Vec<f32> = self.core.iter().map(|d| d.max(0.0)).filter(|d| d.is_finite()).collect();
        curve.sort_unstable_by(f32::total_cmp);
        KDistance { beyond: self.n - curve.len(), curve }
    }

    /// `[N, min_samples − 1]` the nearest others of each image, ascending by (distance, image): all that an image which
    /// is not core can reach, hence what its label follows from. Infinitely far ones stand for none.
    pub fn nearest(&self) -> &[(f32, u32)] {
        &self.near
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

/// The shortest pair of an image that leads out of its part.
#[derive(Clone, Copy)]
enum Way {
    /// Not looked for yet.
    Unknown,
    /// This one, as long as the other image is of another part.
    Out(Edge),
    /// All its pairs lie within its part, which only grows.
    Closed,
}

/// Borůvka's rule: every part takes its shortest way out, until none has one. No two pairs are equal by (reach, a, b), so
/// the forest is the one that Kruskal's rule finds, but no pair needs to be sorted.
fn spanning_edges(graph: &Graph, core: &[f32]) -> Vec<Edge> {
    let n = graph.n;
    let mut sets = DisjointSets::new(n);
    let mut part: Vec<u32> = (0..n as u32).collect();
    let mut ways = vec![Way::Unknown; n];
    let mut edges: Vec<Edge> = Vec::with_capacity(n.saturating_sub(1));
    loop {
        ways.par_iter_mut().enumerate().with_min_len(CHUNK).for_each(|(i, way)| match way {
            Way::Closed => {}
            Way::Out(e) if part[e.a as usize] != part[e.b as usize] => {}
            _ => *way = way_out(graph, core, &part, i),
        });
        let mut shortest: Vec<Option<Edge>> = vec![None; n];
        for (way, &part) in ways.iter().zip(&part) {
            if let Way::Out(e) = way {
                let best = &mut shortest[part as usize];
                if best.is_none_or(|b| e.key() < b.key()) {
                    *best = Some(*e);
                }
            }
        }
        let before = edges.len();
        for e in shortest.into_iter().flatten() {
            // Two parts may have taken the same way.
            if sets.root(e.a as usize) != sets.root(e.b as usize) {
                sets.join(e.a as usize, e.b as usize);
                edges.push(e);
            }
        }
        if edges.len() == before {
            break;
        }
        part.iter_mut().enumerate().for_each(|(i, part)| *part = sets.root(i) as u32);
    }
    edges.sort_unstable_by_key(Edge::key);
    edges
}

/// The shortest pair of image `i` whose other image is of another part.
fn way_out(graph: &Graph, core: &[f32], part: &[u32], i: usize) -> Way {
    let own = core[i];
    let (row, distances) = graph.row(i);
    // Pairs of images that are never core have infinite reach and join nothing.
    let (mut best, mut bound) = (Way::Closed, f32::INFINITY);
    for (&j, &d) in row.iter().zip(distances) {
        if d >= bound {
            continue;
        }
        let reach = d.max(own).max(core[j as usize]);
        // Rows ascend by image, so that of equal reaches the first met is the first by (a, b), too.
        if reach < bound && part[j as usize] != part[i] {
            (best, bound) = (Way::Out(Edge { a: j.min(i as u32), b: j.max(i as u32), reach }), reach);
            if reach <= own {
                break;
            }
        }
    }
    best
}
