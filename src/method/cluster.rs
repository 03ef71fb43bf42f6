//! From a Jaccard graph to pseudo-labels, coarse to fine, and the numbers that describe the result.

use serde::{Deserialize, Serialize};

use super::dbscan::dbscan;
use super::jaccard::Graph;
use super::label_free::LabelFree;
use super::params::{ClusterScore, Params, Rule, ScoreKind};
use super::quality::{Quality, quality};
use super::score::{Scores, scores};

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
    /// Scores without truth, where they were computed; all `None` in runs of earlier versions.
    #[serde(default)]
    pub label_free: LabelFree,
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

/// DBSCAN's labels at the three radii of Eq. 8; −1 is noise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// `[N]` at eps.
    pub normal: Vec<i32>,
    /// `[N]` at eps − Δd.
    pub tight: Vec<i32>,
    /// `[N]` at eps + Δd.
    pub loose: Vec<i32>,
}

/// A clustering: labels at three radii, scores, and what refinement made of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Clustering {
    /// `[N]` DBSCAN at eps; −1 is noise.
    pub labels: Vec<i32>,
    /// `[N]` DBSCAN at eps − Δd.
    pub tight: Vec<i32>,
    /// `[N]` DBSCAN at eps + Δd.
    pub loose: Vec<i32>,
    /// Eq. 8 and SpCL's pair, every image.
    pub scores: Scores,
    /// `[N]` the score that `reliability.score` chose: Eq. 8, or SpCL's independence.
    pub score: Vec<f64>,
    /// `[C]` score of each cluster at eps: that of its best, average or worst member.
    pub cluster_score: Vec<f64>,
    /// `[C]` whether the cluster's score reaches α.
    pub reliable: Vec<bool>,
    /// `[N]` the cluster of an image that keeps it, else −1: an instance of its own. Clusters keep their
    /// numbers, so those of unreliable clusters are missing.
    pub pseudo_labels: Vec<i32>,
    /// α; `None` when every cluster is kept, or there was no cluster to find it from.
    pub threshold: Option<f64>,
}

/// Three DBSCANs on one graph, scores, refinement. `carried` is the threshold of the first epoch, for the rule
/// `quantile`; `None` in the first epoch.
pub fn cluster(graph: &Graph, params: &Params, carried: Option<f64>) -> Clustering {
    refine(three_dbscans(graph, params), params, carried)
}

/// DBSCAN at eps, eps − Δd and eps + Δd. The graph must hold all pairs within the last.
pub fn three_dbscans(graph: &Graph, params: &Params) -> Labels {
    let at = |eps| dbscan(graph, eps, params.min_samples);
    let (normal, (tight, loose)) =
        rayon::join(|| at(params.eps), || (at(params.eps - params.delta_d), at(params.eps + params.delta_d)));
    Labels { normal, tight, loose }
}

/// Scores the clusters at eps and keeps the reliable ones (method.md §3 and §11, decisions 1 to 5 and 7).
///
/// - An image's score is Eq. 8, or SpCL's independence; a cluster's is its best, average or worst member's.
/// - α is `reliability.threshold` (rule `fixed`); or, of the scores of the clusters of more than one image in
///   descending order, the one at index min(n − 1, round((1 − worst share)·n)), halves to even (rule `quantile`),
///   from then on carried. A cluster is reliable when its score is at least α.
/// - With SpCL's score a member keeps its cluster only if its compactness reaches the cluster's, taken the same
///   way: with `max`, only the members that attain the best.
/// - With rule `paper-literal`, or with `refined` off, every cluster and member is kept and there is no α.
/// - Without a cluster to find α from there is no α, no reliable cluster, and all images are instances.
pub fn refine(labels: Labels, params: &Params, carried: Option<f64>) -> Clustering {
    let Labels { normal: labels, tight, loose } = labels;
    let scores = scores(&labels, &tight, &loose);
    let spcl = params.reliability.score == ScoreKind::Spcl;
    let score = if spcl { scores.indep.clone() } else { scores.eq8.clone() };
    let sizes = cluster_sizes(&labels);
    let cluster_score = per_cluster(&labels, &sizes, &score, params.reliability.cluster);
    let keep_all = !params.refined || params.reliability.rule == Rule::PaperLiteral;
    let threshold = match params.reliability.rule {
        _ if keep_all => None,
        Rule::Fixed => Some(params.reliability.threshold),
        _ => carried.or_else(|| first_threshold(&cluster_score, &sizes, params.reliability.quantile)),
    };
    let reliable: Vec<bool> =
        cluster_score.iter().map(|&s| keep_all || threshold.is_some_and(|alpha| s >= alpha)).collect();
    let mut pseudo_labels: Vec<i32> =
        labels.iter().map(|&l| if l >= 0 && reliable[l as usize] { l } else { -1 }).collect();
    if spcl && !keep_all {
        let comp = per_cluster(&labels, &sizes, &scores.comp, params.reliability.cluster);
        for (label, &own) in pseudo_labels.iter_mut().zip(&scores.comp) {
            if *label >= 0 && own < comp[*label as usize] {
                *label = -1;
            }
        }
    }
    Clustering { labels, tight, loose, scores, score, cluster_score, reliable, pseudo_labels, threshold }
}

impl Clustering {
    /// The numbers of this clustering. `pids` are the true identities where they are known, used for
    /// [`ClusterSummary::quality`] and nothing else.
    pub fn summary(&self, params: &Params, pids: Option<&[i32]>) -> ClusterSummary {
        let radii = [&self.labels, &self.tight, &self.loose];
        ClusterSummary {
            images: self.labels.len(),
            clusters: radii.map(|l| count_clusters(l)),
            noise: radii.map(|l| l.iter().filter(|&&l| l < 0).count()),
            reliable: self.reliable.iter().filter(|&&r| r).count(),
            kept: self.pseudo_labels.iter().filter(|&&l| l >= 0).count(),
            threshold: self.threshold,
            cluster_score: self.cluster_score.clone(),
            cluster_size: cluster_sizes(&self.labels),
            quality: pids.map(|pids| quality(&self.pseudo_labels, pids)),
            used: ClusterParams {
                eps: params.eps,
                delta_d: params.delta_d,
                k1: params.k1,
                k2: params.k2,
                min_samples: params.min_samples,
            },
            label_free: LabelFree::default(),
        }
    }
}

/// Clusters in labels that are numbered without gaps from 0.
pub fn count_clusters(labels: &[i32]) -> usize {
    labels.iter().copied().max().map_or(0, |top| (top + 1).max(0) as usize)
}

/// Images in each cluster, in cluster order.
pub fn cluster_sizes(labels: &[i32]) -> Vec<u32> {
    let mut sizes = vec![0u32; count_clusters(labels)];
    labels.iter().filter(|&&l| l >= 0).for_each(|&l| sizes[l as usize] += 1);
    sizes
}

/// The value of each cluster from its members' values.
fn per_cluster(labels: &[i32], sizes: &[u32], values: &[f64], how: ClusterScore) -> Vec<f64> {
    let start = match how {
        ClusterScore::Max => f64::NEG_INFINITY,
        ClusterScore::Mean => 0.0,
        ClusterScore::Min => f64::INFINITY,
    };
    let mut out = vec![start; sizes.len()];
    for (&label, &value) in labels.iter().zip(values).filter(|&(&l, _)| l >= 0) {
        let slot = &mut out[label as usize];
        match how {
            ClusterScore::Max => *slot = slot.max(value),
            ClusterScore::Mean => *slot += value / f64::from(sizes[label as usize]),
            ClusterScore::Min => *slot = slot.min(value),
        }
    }
    out
}

/// SpCL's rule (`spcl_train_uda.py:233-234`) in terms of similarities: lets the worst share of the clusters of
/// more than one image fail.
fn first_threshold(cluster_score: &[f64], sizes: &[u32], worst_share: f64) -> Option<f64> {
    let mut scores: Vec<f64> = cluster_score.iter().zip(sizes).filter(|&(_, &s)| s > 1).map(|(&s, _)| s).collect();
    scores.sort_unstable_by(|a, b| b.total_cmp(a));
    let at = ((1.0 - worst_share) * scores.len() as f64).round_ties_even() as usize;
    scores.get(at.min(scores.len().saturating_sub(1))).copied()
}
