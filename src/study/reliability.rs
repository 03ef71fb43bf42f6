//! What a threshold keeps, from the scores as they stand.

use crate::method::cluster::ClusterSummary;

/// What a threshold keeps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ThresholdSplit {
    /// Clusters at or above it.
    pub kept: usize,
    /// Clusters below.
    pub dropped: usize,
    /// Images of the kept clusters.
    pub kept_images: usize,
    /// Images of the dropped clusters.
    pub dropped_images: usize,
}

/// What threshold `alpha` keeps of these clusters: those whose score is at least `alpha`.
pub fn split(summary: &ClusterSummary, alpha: f64) -> ThresholdSplit {
    let mut split = ThresholdSplit { kept: 0, dropped: 0, kept_images: 0, dropped_images: 0 };
    for (i, score) in summary.cluster_score.iter().enumerate() {
        let images = summary.cluster_size.get(i).map_or(0, |n| *n as usize);
        if *score >= alpha {
            split.kept += 1;
            split.kept_images += images;
        } else {
            split.dropped += 1;
            split.dropped_images += images;
        }
    }
    split
}
