//! How well pseudo-labels agree with true identities, where those are known: purity, NMI, ARI, pairwise F.

use serde::{Deserialize, Serialize};

use super::score::Groups;

/// Agreement of pseudo-labels with the target's true labels. **Ground truth**: never seen by training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Share of clustered images whose pid is the majority of their cluster; 0 when none is clustered.
    pub purity: f64,
    /// Normalised mutual information (arithmetic mean), outliers as singletons.
    pub nmi: f64,
    /// Adjusted Rand index, outliers as singletons.
    pub ari: f64,
    /// Pairwise F1, outliers as singletons.
    pub pairwise_f: f64,
}

/// Compares clusters with identities, in O(N). A negative label is an outlier, alone in its cluster; a negative
/// pid is an unknown identity, alone with it. Two partitions into single images agree fully (1), as in
/// scikit-learn. The shorter of the two slices decides.
pub fn quality(labels: &[i32], pids: &[i32]) -> Quality {
    let n = labels.len().min(pids.len());
    let (labels, pids) = (&labels[..n], &pids[..n]);
    let (a, b) = (Groups::of_labels(labels), Groups::of_labels(pids));
    let ab = a.meet(&b);
    let pairs = |g: &Groups| g.size.iter().map(|&s| f64::from(s) * (f64::from(s) - 1.0) / 2.0).sum::<f64>();
    let (in_a, in_b, in_both) = (pairs(&a), pairs(&b), pairs(&ab));
    let all = n as f64 * (n as f64 - 1.0) / 2.0;
    Quality {
        purity: purity(labels, &a, &ab),
        nmi: nmi(n, &a, &b, &ab),
        ari: ari(in_a, in_b, in_both, all),
        pairwise_f: if in_a + in_b == 0.0 { 1.0 } else { 2.0 * in_both / (in_a + in_b) },
    }
}

fn purity(labels: &[i32], a: &Groups, ab: &Groups) -> f64 {
    let mut majority = vec![0u32; a.size.len()];
    let mut clustered = 0u32;
    for (i, _) in labels.iter().enumerate().filter(|&(_, &l)| l >= 0) {
        clustered += 1;
        let best = &mut majority[a.of[i] as usize];
        *best = (*best).max(ab.size_at(i));
    }
    // Outliers are alone in their groups and were never entered, so their majority is 0.
    let right: u32 = majority.iter().sum();
    if clustered == 0 { 0.0 } else { f64::from(right) / f64::from(clustered) }
}

fn nmi(n: usize, a: &Groups, b: &Groups, ab: &Groups) -> f64 {
    let share = |s: u32| f64::from(s) / n as f64;
    let entropy = |g: &Groups| -g.size.iter().map(|&s| share(s) * share(s).ln()).sum::<f64>();
    let mean = (entropy(a) + entropy(b)) / 2.0;
    if mean <= 0.0 {
        return 1.0;
    }
    let mut information = 0.0;
    let mut seen = vec![false; ab.size.len()];
    for i in 0..n {
        if !std::mem::replace(&mut seen[ab.of[i] as usize], true) {
            let joint = share(ab.size_at(i));
            information += joint * (joint / (share(a.size_at(i)) * share(b.size_at(i)))).ln();
        }
    }
    (information / mean).clamp(0.0, 1.0)
}

fn ari(in_a: f64, in_b: f64, in_both: f64, all: f64) -> f64 {
    let expected = if all == 0.0 { 0.0 } else { in_a * in_b / all };
    let most = (in_a + in_b) / 2.0;
    if most == expected { 1.0 } else { (in_both - expected) / (most - expected) }
}
