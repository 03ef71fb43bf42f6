//! The images nearest to one, by features and by Jaccard distance.

use crate::method::graph::Graph;
use crate::run::snapshot::ClusterSnapshot;

/// The `count` nearest images by Euclidean distance, nearest first, itself left out; fewer where fewer are stored.
pub fn by_features(snapshot: &ClusterSnapshot, i: usize, count: usize) -> Vec<(u32, f32)> {
    let span = i * snapshot.k..(i + 1) * snapshot.k;
    let (Some(index), Some(dist)) = (snapshot.knn_index.get(span.clone()), snapshot.knn_dist.get(span)) else {
        return Vec::new();
    };
    let others = index.iter().zip(dist).filter(|(j, _)| **j as usize != i);
    others.map(|(&j, &d)| (j, d.max(0.0).sqrt())).take(count).collect()
}

/// The `count` nearest images by Jaccard distance, nearest first, equal ones by row; fewer where fewer lie within
/// the graph's reach, none where it has no such image.
pub fn by_jaccard(graph: &Graph, i: usize, count: usize) -> Vec<(u32, f32)> {
    if i < graph.n { graph.nearest(i, count) } else { Vec::new() }
}
