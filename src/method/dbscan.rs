//! DBSCAN on the Jaccard graph, by union of core points; the same result as scikit-learn's on the dense matrix.

use super::jaccard::Graph;

/// Label of an image that belongs to no cluster.
pub const NOISE: i32 = -1;

/// Cluster of every image at radius `eps`, or [`NOISE`]. An image is core when at least `min_samples` images,
/// itself counted, are within `eps`; distances are compared in `f32`, as the reference does. Clusters are
/// numbered by their smallest core image; a border image joins the lowest-numbered cluster that reaches it.
///
/// The graph must hold all pairs within `eps` ([`Graph::covers`]); pairs that share no weight are at distance 1,
/// so at `eps` ≥ 1 all images are near each other.
pub fn dbscan(graph: &Graph, eps: f64, min_samples: usize) -> Vec<i32> {
    let (n, eps) = (graph.n, eps as f32);
    if eps >= 1.0 {
        return vec![if n >= min_samples { 0 } else { NOISE }; n];
    }
    let near = |i: usize| {
        let (others, distances) = graph.row(i);
        others.iter().zip(distances).filter(move |&(_, &d)| d <= eps).map(|(&j, _)| j as usize)
    };
    let core: Vec<bool> = (0..n).map(|i| near(i).count() + 1 >= min_samples).collect();
    let mut sets = DisjointSets::new(n);
    for i in (0..n).filter(|&i| core[i]) {
        near(i).take_while(|&j| j < i).filter(|&j| core[j]).for_each(|j| sets.join(i, j));
    }
    let mut labels = sets.numbered(|i| core[i]);
    for i in (0..n).filter(|&i| !core[i]) {
        labels[i] = near(i).filter(|&j| core[j]).map(|j| labels[j]).min().unwrap_or(NOISE);
    }
    labels
}

/// Disjoint sets whose root is their smallest member.
pub(super) struct DisjointSets(Vec<u32>);

impl DisjointSets {
    pub(super) fn new(n: usize) -> Self {
        Self((0..n as u32).collect())
    }

    pub(super) fn root(&mut self, mut i: usize) -> usize {
        while self.0[i] as usize != i {
            let up = self.0[self.0[i] as usize];
            self.0[i] = up;
            i = up as usize;
        }
        i
    }

    pub(super) fn join(&mut self, i: usize, j: usize) {
        let (i, j) = (self.root(i), self.root(j));
        self.0[i.max(j)] = i.min(j) as u32;
    }

    /// Labels of the core points, clusters numbered by their smallest; the others are noise so far.
    pub(super) fn numbered(&mut self, is_core: impl Fn(usize) -> bool) -> Vec<i32> {
        let n = self.0.len();
        let mut labels = vec![NOISE; n];
        let mut clusters = 0;
        for i in (0..n).filter(|&i| is_core(i)) {
            // A set's root is its smallest image, so it is met, and numbered, first.
            let root = self.root(i);
            if root == i {
                labels[i] = clusters;
                clusters += 1;
            } else {
                labels[i] = labels[root];
            }
        }
        labels
    }
}
