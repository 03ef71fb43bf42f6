//! The images in a row, so that the cluster of every radius is a run of neighbours: the reachability plot.

use super::Tree;
use crate::method::dbscan::DisjointSets;

/// Where two parts of the forest become one. A part is an image (its number), or an earlier merge (N + its place).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Merge {
    /// The part with more images; of equal ones that with the smallest image.
    pub larger: u32,
    /// The other part.
    pub smaller: u32,
    /// The radius that joins them.
    pub reach: f32,
    /// Images in both.
    pub size: u32,
    /// The smallest image in both.
    pub first: u32,
}

/// The merges of the forest in ascending order of radius: the single-linkage dendrogram.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dendrogram {
    /// Images, N.
    pub n: usize,
    /// One merge an edge of the forest, in the order of its edges.
    pub merges: Vec<Merge>,
    /// The parts that nothing joins, those of more images first, equal ones by their smallest image.
    pub roots: Vec<u32>,
}

impl Dendrogram {
    /// The dendrogram of a forest.
    pub fn new(tree: &Tree) -> Self {
        let n = tree.n;
        let mut sets = DisjointSets::new(n);
        let mut part: Vec<u32> = (0..n as u32).collect();
        let mut all = Self { n, merges: Vec::with_capacity(tree.edges.len()), roots: Vec::new() };
        for e in &tree.edges {
            let roots = [sets.root(e.a as usize), sets.root(e.b as usize)];
            let [a, b] = roots.map(|r| part[r]);
            let key = |p: u32| (std::cmp::Reverse(all.size(p)), all.first(p));
            let (larger, smaller) = if key(a) <= key(b) { (a, b) } else { (b, a) };
            let merge = Merge {
                larger,
                smaller,
                reach: e.reach,
                size: all.size(a) + all.size(b),
                first: all.first(a).min(all.first(b)),
            };
            sets.join(roots[0], roots[1]);
            part[roots[0].min(roots[1])] = (n + all.merges.len()) as u32;
            all.merges.push(merge);
        }
        let mut roots: Vec<u32> = (0..n).filter(|&i| sets.root(i) == i).map(|i| part[i]).collect();
        roots.sort_unstable_by_key(|&p| (std::cmp::Reverse(all.size(p)), all.first(p)));
        all.roots = roots;
        all
    }

    /// The merge that made a part; `None` for a single image.
    pub fn merge(&self, part: u32) -> Option<&Merge> {
        self.merges.get((part as usize).checked_sub(self.n)?)
    }

    /// Images in a part.
    pub fn size(&self, part: u32) -> u32 {
        self.merge(part).map_or(1, |m| m.size)
    }

    /// The smallest image of a part.
    pub fn first(&self, part: u32) -> u32 {
        self.merge(part).map_or(part, |m| m.first)
    }
}

/// The images in a row: those of every cluster of core images, at whatever radius, side by side.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReachabilityOrder {
    /// `[N]` the image at each place.
    pub image: Vec<u32>,
    /// `[N]` the place of each image.
    pub place: Vec<u32>,
    /// `[N]` the radius from which the image at this place is in one cluster with the one before it, and with all
    /// between which no bar is higher; infinite where no radius within reach joins them.
    pub reach: Vec<f32>,
    /// Where each part of the dendrogram begins; it takes as many places as it has images.
    pub start: Vec<u32>,
}

impl ReachabilityOrder {
    /// Lays the parts of a dendrogram side by side, the larger one first, so that stragglers come last.
    pub fn new(dendrogram: &Dendrogram) -> Self {
        let n = dendrogram.n;
        let mut out = Self {
            image: Vec::with_capacity(n),
            place: vec![0; n],
            reach: Vec::with_capacity(n),
            start: vec![0; n + dendrogram.merges.len()],
        };
        let mut open: Vec<(u32, f32)> = dendrogram.roots.iter().rev().map(|&root| (root, f32::INFINITY)).collect();
        while let Some((part, bar)) = open.pop() {
            out.start[part as usize] = out.image.len() as u32;
            match dendrogram.merge(part) {
                None => {
                    out.place[part as usize] = out.image.len() as u32;
                    out.image.push(part);
                    out.reach.push(bar);
                }
                Some(merge) => {
                    open.push((merge.smaller, merge.reach));
                    open.push((merge.larger, bar));
                }
            }
        }
        out
    }

    /// The runs of places that are one cluster of core images at `eps`, single images left out unless
    /// `alone` says that they are core there.
    pub fn valleys(&self, eps: f64, alone: impl Fn(u32) -> bool) -> Vec<std::ops::Range<usize>> {
        let eps = eps as f32;
        let mut runs = Vec::new();
        let mut start = 0;
        for at in 1..=self.reach.len() {
            if at == self.reach.len() || self.reach[at] > eps {
                if at - start > 1 || alone(self.image[start]) {
                    runs.push(start..at);
                }
                start = at;
            }
        }
        runs
    }
}
