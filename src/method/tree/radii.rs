//! The radii that rules of thumb propose.

use super::Tree;
use super::condensed::Condensed;
use crate::method::jaccard::Graph;
use crate::method::params::{EpsRule, Params};
use crate::method::sweep::{KDistance, k_distance};

/// SSG's share of all pairs whose mean distance is eps (`selftraining.py`, `--rho`).
pub const SSG_SHARE: f64 = 1.6e-3;

/// Radii that rules of thumb propose; `None` where a rule finds nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Suggested {
    /// Where the most stable branches of the condensed tree are cut ([`Condensed::stable_radius`]).
    pub stable: Option<f64>,
    /// The knee of the k-distance curve for `min_samples`.
    pub knee: Option<f64>,
    /// The mean of the smallest [`SSG_SHARE`] of all distances.
    pub mean_smallest: Option<f64>,
}

/// What the rules propose for a graph, its forest and its condensed tree.
pub fn suggested(graph: &Graph, tree: &Tree, condensed: &Condensed) -> Suggested {
    Suggested {
        stable: condensed.stable_radius(tree.max),
        knee: knee(&tree.k_distance()),
        mean_smallest: mean_smallest(graph, SSG_SHARE),
    }
}

/// The knee of a k-distance curve: where it lies farthest below the line between its ends (Satopää et al. 2011).
/// `None` for fewer than three images, a curve without a rise, or one that lies below that line nowhere and so bends
/// downward only.
pub fn knee(curve: &KDistance) -> Option<f64> {
    let (first, last) = (*curve.curve.first()?, *curve.curve.last()?);
    let steps = curve.curve.len() - 1;
    if steps < 2 || last <= first {
        return None;
    }
    let below = |at: usize| at as f32 / steps as f32 - (curve.curve[at] - first) / (last - first);
    let best = (0..=steps).rev().max_by(|&a, &b| below(a).total_cmp(&below(b)))?;
    (below(best) > 0.0).then(|| f64::from(curve.curve[best]))
}

/// SSG's rule for eps: the mean of the smallest `share` of the distances of all pairs that are not 0. `None` when
/// the graph does not hold so many pairs, or the share is no pair.
pub fn mean_smallest(graph: &Graph, share: f64) -> Option<f64> {
    let pairs = graph.n as f64 * (graph.n as f64 - 1.0) / 2.0;
    let upper = |i: usize| {
        let (row, distances) = graph.row(i);
        &distances[row.partition_point(|&j| j as usize <= i)..]
    };
    let mut stored: Vec<f32> = (0..graph.n).flat_map(upper).copied().filter(|&d| d > 0.0).collect();
    let zeros = graph.indices.len() / 2 - stored.len();
    let count = (share * (pairs - zeros as f64)).round_ties_even() as usize;
    if count == 0 || count > stored.len() {
        return None;
    }
    if count < stored.len() {
        stored.select_nth_unstable_by(count, f32::total_cmp);
    }
    // In ascending order, so that the sum does not depend on how the selection left them.
    stored[..count].sort_unstable_by(f32::total_cmp);
    Some(stored[..count].iter().map(|&d| f64::from(d)).sum::<f64>() / count as f64)
}

/// The radius that `eps_rule` finds on this graph, between 2 Δd (at least 0.05) and what the graph reaches less Δd;
/// `None` where eps is fixed, or the rule finds nothing and eps stays.
pub fn chosen_eps(graph: &Graph, params: &Params) -> Option<f64> {
    let found = match params.eps_rule {
        EpsRule::Fixed => None,
        EpsRule::Knee => knee(&k_distance(graph, params.min_samples)),
        EpsRule::MeanSmallest => mean_smallest(graph, SSG_SHARE),
    }?;
    let least = (2.0 * params.delta_d).max(0.05);
    Some(found.min(f64::from(graph.max.min(1.0)) - params.delta_d).max(least))
}
