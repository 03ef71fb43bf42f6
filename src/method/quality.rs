//! How well pseudo-labels agree with true identities, where those are known: purity, NMI, ARI, pairwise F.

use serde::{Deserialize, Serialize};

/// Agreement of pseudo-labels with the target's true labels. **Ground truth**: never seen by training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Share of clustered images whose pid is the majority of their cluster.
    pub purity: f64,
    /// Normalised mutual information (arithmetic mean), outliers as singletons.
    pub nmi: f64,
    /// Adjusted Rand index, outliers as singletons.
    pub ari: f64,
    /// Pairwise F1, outliers as singletons.
    pub pairwise_f: f64,
}
