//! From a Jaccard graph to pseudo-labels, and the numbers that describe the result.

use serde::{Deserialize, Serialize};

use super::quality::Quality;

/// The clustering of one epoch in numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterSummary {
    /// Images clustered, N.
    pub images: usize,
    /// Clusters at eps, eps − Δd, eps + Δd.
    pub clusters: [usize; 3],
    /// Noise images at eps, eps − Δd, eps + Δd.
    pub noise: [usize; 3],
    /// Clusters at eps that are reliable.
    pub reliable: usize,
    /// Images in reliable clusters, those that keep a cluster's pseudo-label.
    pub kept: usize,
    /// The threshold α that was applied; `None` when every cluster is kept.
    pub threshold: Option<f64>,
    /// Score of each cluster, in cluster order.
    pub cluster_score: Vec<f64>,
    /// Size of each cluster, in cluster order.
    pub cluster_size: Vec<u32>,
    /// **Ground truth**, where the target has labels.
    pub quality: Option<Quality>,
    /// The parameters the clustering used: eps, Δd, k1, k2, min_samples.
    pub used: ClusterParams,
}

/// The parameters of one clustering.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClusterParams {
    pub eps: f64,
    pub delta_d: f64,
    pub k1: usize,
    pub k2: usize,
    pub min_samples: usize,
}
