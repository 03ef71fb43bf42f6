//! From a Jaccard graph to pseudo-labels, coarse to fine, and the numbers that describe the result.

use serde::{Deserialize, Serialize};

use super::dbscan::dbscan;
use super::hand::HandCounts;
use super::ivf::IndexUse;
use super::jaccard::Graph;
use super::label_free::LabelFree;
use super::labels::Labelled;
use super::params::{ClusterScore, Params, Reliability, Rule, ScoreKind};
use super::quality::{Quality, quality};
use super::score::{Scores, scores};

/// The clustering of one epoch in numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterSummary {
    /// Images clustered, N.
    pub images: usize,
    /// Clusters; where the method has three radii, those at eps, at eps − Δd and at eps + Δd. Never empty.
    #[serde(deserialize_with = "one_or_three")]
    pub clusters: Vec<usize>,
    /// Noise images, as many counts as there are of clusters.
    #[serde(deserialize_with = "one_or_three")]
    pub noise: Vec<usize>,
    /// Clusters that are reliable.
    pub reliable: usize,
    /// Images in reliable clusters, those that keep a cluster's pseudo-label.
    pub kept: usize,
    /// The threshold α that was applied; `None` when every cluster is kept.
    pub threshold: Option<f64>,
    /// Score of each cluster, in cluster order; empty where the method gives none.
    pub cluster_score: Vec<f64>,
    /// Size of each cluster, in cluster order.
    pub cluster_size: Vec<u32>,
    /// **Ground truth**, where the target has labels.
    pub quality: Option<Quality>,
    /// The parameters the clustering used: eps, Δd, k1, k2, min_samples.
    pub used: ClusterParams,
    /// What the clusters were judged by; `None` in runs of earlier versions.
    #[serde(default)]
    pub judged: Option<Judged>,
    /// What people said of single images, where they did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hand: Option<HandCounts>,
    /// The index that found the neighbours and the share it found; `None` where every image was compared with all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<IndexUse>,
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

impl ClusterSummary {
    /// Whether the method has labels at three radii, which Eq. 8 compares.
    pub fn has_radii(&self) -> bool {
        self.clusters.len() == 3
    }
}

fn one_or_three<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<usize>, D::Error> {
    let counts = Vec::<usize>::deserialize(from)?;
    match counts.len() {
        1 | 3 => Ok(counts),
        n => Err(serde::de::Error::invalid_length(n, &"one count, or one of each of three radii")),
    }
}

/// What the clusters of one epoch were judged by: the parameters of the refinement.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Judged {
    pub refined: bool,
    pub rule: Rule,
    pub score: ScoreKind,
    pub cluster: ClusterScore,
    pub threshold: f64,
    pub quantile: f64,
}

impl Judged {
    /// By these parameters.
    pub fn of(params: &Params) -> Self {
        let Reliability { rule, score, cluster, threshold, quantile, .. } = params.reliability;
        Self { refined: params.refined, rule, score, cluster, threshold, quantile }
    }

    /// Puts them into parameters.
    pub fn apply(self, params: &mut Params) {
        params.refined = self.refined;
        let r = &mut params.reliability;
        (r.rule, r.score, r.cluster) = (self.rule, self.score, self.cluster);
        (r.threshold, r.quantile) = (self.threshold, self.quantile);
    }
}

/// DBSCAN's labels at the three radii of Eq. 8; −1 is noise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RadiiLabels {
    /// `[N]` at eps.
    pub normal: Vec<i32>,
    /// `[N]` at eps − Δd.
    pub tight: Vec<i32>,
    /// `[N]` at eps + Δd.
    pub loose: Vec<i32>,
}

/// Pseudo-labels of N images in C clusters, and how they came about: what every way to give labels leaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assignment {
    /// `[N]` the cluster of each image; −1 is noise.
    pub labels: Vec<i32>,
    /// `[N]` the cluster of an image that keeps it, else −1: an instance of its own. Clusters keep their
    /// numbers, so those of unreliable clusters are missing.
    pub pseudo_labels: Vec<i32>,
    /// `[C]` whether the cluster is kept.
    pub reliable: Vec<bool>,
    /// What the clusters were judged by, where the method has a score.
    pub score: Option<Score>,
    /// α; `None` when every cluster is kept, or there was no cluster to find it from.
    pub threshold: Option<f64>,
    /// What only this way to give labels has.
    pub details: Details,
    /// The radius that a rule found in place of `eps`.
    pub eps: Option<f64>,
}

/// A score of every image and of every cluster; 1 is best.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// What it is called.
    pub name: &'static str,
    /// `[N]` of each image.
    pub images: Vec<f64>,
    /// `[C]` of each cluster: that of its best, average or worst member.
    pub clusters: Vec<f64>,
}

/// What only some ways to give labels have.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Details {
    /// Labels at the other two radii of Eq. 8, and every score that follows from the three.
    Radii(Box<Radii>),
    /// Nothing else.
    #[default]
    Plain,
}

/// Labels around those of the normal radius.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Radii {
    /// `[N]` DBSCAN at eps − Δd.
    pub tight: Vec<i32>,
    /// `[N]` DBSCAN at eps + Δd.
    pub loose: Vec<i32>,
    /// Eq. 8 and SpCL's pair, every image.
    pub scores: Scores,
}

/// Three DBSCANs on one graph, scores, refinement. `carried` is the threshold of the first epoch, for the rule
/// `quantile`; `None` in the first epoch.
pub fn cluster(graph: &Graph, params: &Params, carried: Option<f64>) -> Assignment {
    refine(three_dbscans(graph, params), params, carried)
}

/// DBSCAN at eps, eps − Δd and eps + Δd. The graph must hold all pairs within the last.
pub fn three_dbscans(graph: &Graph, params: &Params) -> RadiiLabels {
    let at = |eps| dbscan(graph, eps, params.min_samples);
    let (normal, (tight, loose)) =
        rayon::join(|| at(params.eps), || (at(params.eps - params.delta_d), at(params.eps + params.delta_d)));
    RadiiLabels { normal, tight, loose }
}

/// Judges what a way to give labels found: see [`refine`] for labels at three radii; plain ones are all kept.
pub fn judge(labelled: Labelled, params: &Params, carried: Option<f64>) -> Assignment {
    match labelled {
        Labelled::Radii(labels) => refine(labels, params, carried),
        Labelled::Plain(labels) => Assignment {
            pseudo_labels: labels.clone(),
            reliable: vec![true; count_clusters(&labels)],
            labels,
            ..Assignment::default()
        },
    }
}

/// Scores the clusters at eps and keeps the reliable ones (docs/METHOD.md, Reliability, decisions 1 to 5 and 7).
///
/// - An image's score is Eq. 8, or SpCL's independence; a cluster's is its best, average or worst member's.
/// - α is `reliability.threshold` (rule `fixed`, which looks at no carried one); or, of the scores of the clusters of
///   more than one image in descending order, the one at index min(n − 1, round((1 − worst share)·n)), halves to even
///   (rule `quantile`), from then on carried. A cluster is reliable when its score is at least α.
/// - With SpCL's score a member keeps its cluster only if its compactness reaches the cluster's, taken the same
///   way: with `max`, only the members that attain the best.
/// - With rule `paper-literal`, or with `refined` off, every cluster and member is kept and there is no α.
/// - Without a cluster to find α from there is no α, no reliable cluster, and all images are instances.
pub fn refine(labels: RadiiLabels, params: &Params, carried: Option<f64>) -> Assignment {
    let RadiiLabels { normal: labels, tight, loose } = labels;
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
    let name = if spcl { "independence" } else { "Eq. 8" };
    Assignment {
        labels,
        pseudo_labels,
        reliable,
        score: Some(Score { name, images: score, clusters: cluster_score }),
        threshold,
        details: Details::Radii(Box::new(Radii { tight, loose, scores })),
        eps: None,
    }
}

impl Assignment {
    /// What follows from labels at three radii, where the method has them.
    pub fn radii(&self) -> Option<&Radii> {
        match &self.details {
            Details::Radii(radii) => Some(radii),
            Details::Plain => None,
        }
    }

    /// The threshold that the next epoch is to go by: the one of the first epoch that found one by the rule
    /// `quantile`. A fixed threshold is carried nowhere.
    pub fn carries(&self, params: &Params, before: Option<f64>) -> Option<f64> {
        match params.reliability.rule {
            Rule::Quantile => before.or(self.threshold),
            Rule::Fixed | Rule::PaperLiteral => before,
        }
    }

    /// `[N]` labels at eps, eps − Δd and eps + Δd; the first alone where the method has no others.
    pub fn all_labels(&self) -> Vec<&[i32]> {
        let others = self.radii().map(|r| [&r.tight[..], &r.loose[..]]);
        std::iter::once(&self.labels[..]).chain(others.into_iter().flatten()).collect()
    }

    /// `[C]` score of each cluster; empty where the method gives none.
    pub fn cluster_score(&self) -> &[f64] {
        self.score.as_ref().map_or(&[], |score| &score.clusters)
    }

    /// The numbers of this clustering. `pids` are the true identities where they are known, used for
    /// [`ClusterSummary::quality`] and nothing else.
    pub fn summary(&self, params: &Params, pids: Option<&[i32]>) -> ClusterSummary {
        let labels = self.all_labels();
        ClusterSummary {
            images: self.labels.len(),
            clusters: labels.iter().map(|l| count_clusters(l)).collect(),
            noise: labels.iter().map(|l| l.iter().filter(|&&l| l < 0).count()).collect(),
            reliable: self.reliable.iter().filter(|&&r| r).count(),
            kept: self.pseudo_labels.iter().filter(|&&l| l >= 0).count(),
            threshold: self.threshold,
            cluster_score: self.cluster_score().to_vec(),
            cluster_size: cluster_sizes(&self.labels),
            quality: pids.map(|pids| quality(&self.pseudo_labels, pids)),
            used: ClusterParams {
                eps: self.eps.unwrap_or(params.eps),
                delta_d: params.delta_d,
                k1: params.k1,
                k2: params.k2,
                min_samples: params.min_samples,
            },
            judged: Some(Judged::of(params)),
            hand: None,
            index: None,
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
