//! A clustering as the cluster tiles draw it, whether the run made it or a what-if did.

use crate::method::cluster::{Assignment, ClusterSummary, Score};
use crate::method::params::Params;
use crate::run::snapshot::ClusterSnapshot;

/// A clustering of N images into C clusters at eps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterFacts {
    /// `[N]` labels at eps; −1 is noise.
    pub labels: Vec<i32>,
    /// `[N]` labels at eps − Δd; empty where the method has no radii.
    pub tight: Vec<i32>,
    /// `[N]` labels at eps + Δd; empty where the method has no radii.
    pub loose: Vec<i32>,
    /// `[N]` score of each image; empty where the method gives none.
    pub score: Vec<f64>,
    /// `[C]` score of each cluster; empty where the method gives none.
    pub cluster_score: Vec<f64>,
    /// `[C]` whether the cluster is kept.
    pub reliable: Vec<bool>,
    /// `[N]` labels after refinement; −1 is an instance of its own.
    pub pseudo_labels: Vec<i32>,
    /// α; `None` when every cluster is kept, or there was none to find it from.
    pub threshold: Option<f64>,
    /// The normal radius.
    pub eps: f64,
    /// Distance of the tight and the loose radius from it.
    pub delta_d: f64,
    /// `[N, 2]` where the images lie on a map; empty where that is not known.
    pub points: Vec<f32>,
}

impl ClusterFacts {
    /// What a run recorded of an epoch.
    pub fn of_snapshot(snapshot: &ClusterSnapshot, summary: &ClusterSummary) -> Self {
        Self {
            labels: snapshot.labels.clone(),
            tight: snapshot.labels_tight.clone(),
            loose: snapshot.labels_loose.clone(),
            score: snapshot.score.clone(),
            cluster_score: snapshot.cluster_score.clone(),
            reliable: snapshot.reliable.iter().map(|&r| r == 1).collect(),
            pseudo_labels: snapshot.pseudo_labels.clone(),
            threshold: summary.threshold,
            eps: summary.used.eps,
            delta_d: summary.used.delta_d,
            points: snapshot.pca.clone(),
        }
    }

    /// What a clustering found with `params`, without a run.
    pub fn of_assignment(found: Assignment, params: &Params) -> Self {
        let (tight, loose) = found.radii().map(|r| (r.tight.clone(), r.loose.clone())).unwrap_or_default();
        let (score, cluster_score) = match found.score {
            Some(Score { images, clusters, .. }) => (images, clusters),
            None => (Vec::new(), Vec::new()),
        };
        Self {
            labels: found.labels,
            tight,
            loose,
            score,
            cluster_score,
            reliable: found.reliable,
            pseudo_labels: found.pseudo_labels,
            threshold: found.threshold,
            eps: params.eps,
            delta_d: params.delta_d,
            points: Vec::new(),
        }
    }

    /// The cluster of an image; `None` for noise.
    pub fn cluster_of(&self, image: u32) -> Option<u32> {
        let label = u32::try_from(*self.labels.get(image as usize)?).ok()?;
        ((label as usize) < self.reliable.len()).then_some(label)
    }

    /// Whether there are labels at three radii, which Eq. 8 counts.
    pub fn has_radii(&self) -> bool {
        !self.tight.is_empty()
    }

    /// Whether the image keeps its cluster's label in training.
    pub fn keeps(&self, image: u32) -> bool {
        self.pseudo_labels.get(image as usize).is_some_and(|&l| l >= 0)
    }

    /// The radii tight, normal, loose.
    pub fn radii(&self) -> [f64; 3] {
        [self.eps - self.delta_d, self.eps, self.eps + self.delta_d]
    }
}
