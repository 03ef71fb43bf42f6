//! Why two images are in one cluster: the path between them whose largest step is as small as can be.

use super::Tree;
use crate::method::jaccard::Graph;

/// One step of a path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PathStep {
    /// The image it leaves.
    pub from: u32,
    /// The image it reaches.
    pub to: u32,
    /// Mutual reachability: from this radius on DBSCAN takes the step.
    pub reach: f32,
    /// J(from, to), at most `reach`.
    pub jaccard: f32,
}

/// The way from one image to another in the forest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Path {
    /// The steps in order; empty when both are one image.
    pub steps: Vec<PathStep>,
}

impl Path {
    /// The step of the largest reach, the first of equal ones: the bridge without which the two part. Its reach is
    /// the radius from which on both are core images of one cluster.
    pub fn bridge(&self) -> Option<(usize, PathStep)> {
        let later = |best: Option<(usize, PathStep)>, (at, step): (usize, &PathStep)| match best {
            Some((_, b)) if b.reach >= step.reach => best,
            _ => Some((at, *step)),
        };
        self.steps.iter().enumerate().fold(None, later)
    }
}

/// The forest as a list of neighbours, to find paths in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Paths {
    /// `[N + 1]` where each image's neighbours begin.
    start: Vec<u32>,
    /// Neighbour, reach and Jaccard distance, two entries an edge.
    next: Vec<(u32, f32, f32)>,
}

impl Paths {
    /// Makes the forest of `graph` ready.
    pub fn new(tree: &Tree, graph: &Graph) -> Self {
        let mut start = vec![0u32; tree.n + 1];
        for e in &tree.edges {
            start[e.a as usize + 1] += 1;
            start[e.b as usize + 1] += 1;
        }
        for i in 0..tree.n {
            start[i + 1] += start[i];
        }
        let mut at = start.clone();
        let mut next = vec![(0, 0.0, 0.0); 2 * tree.edges.len()];
        for e in &tree.edges {
            let jaccard = graph.distance(e.a, e.b).unwrap_or(e.reach);
            for (from, to) in [(e.a, e.b), (e.b, e.a)] {
                next[at[from as usize] as usize] = (to, e.reach, jaccard);
                at[from as usize] += 1;
            }
        }
        Self { start, next }
    }

    /// The path between two images; `None` when nothing within the graph's reach joins them, or one of them is not
    /// an image. In O(N).
    pub fn between(&self, from: u32, to: u32) -> Option<Path> {
        let n = self.start.len().saturating_sub(1);
        if from as usize >= n || to as usize >= n {
            return None;
        }
        // Searched from the end, so that the steps come out in order.
        let mut back: Vec<Option<(u32, f32, f32)>> = vec![None; n];
        let mut open = vec![to];
        while let Some(i) = open.pop() {
            if i == from {
                break;
            }
            for &(j, reach, jaccard) in &self.next[self.start[i as usize] as usize..self.start[i as usize + 1] as usize]
            {
                if j != to && back[j as usize].is_none() {
                    back[j as usize] = Some((i, reach, jaccard));
                    open.push(j);
                }
            }
        }
        let mut path = Path::default();
        let mut here = from;
        while here != to {
            let (next, reach, jaccard) = back[here as usize]?;
            path.steps.push(PathStep { from: here, to: next, reach, jaccard });
            here = next;
        }
        Some(path)
    }
}
