//! What one thing said by hand changes in a clustering at once: images that move, and scores that need no truth.

use super::cluster::{Assignment, refine};
use super::graph::Graph;
use super::hand::{Hand, HandEdit};
use super::label_free::silhouette;
use super::lineage::lineage;
use super::params::Params;

/// A clustering without and with one thing said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HandGain {
    /// Images that are no longer in the cluster that they were in.
    pub moved: usize,
    /// Clusters at eps, without and with it.
    pub clusters: [usize; 2],
    /// Images that keep a cluster's pseudo-label.
    pub kept: [usize; 2],
    /// Mean silhouette of the clustered images, over the distances as the graph has them, so that a distance that is said
    /// to be 0 does not count for itself.
    pub silhouette: [Option<f64>; 2],
    /// Mean of Eq. 8 over the clustered images.
    pub eq8: [Option<f64>; 2],
}

/// The gain of each of `edits` on what `before` says: each alone, or where `chained` one after the other. A sentence where
/// one does not hold together with what was said.
pub fn hand_gains(
    graph: &Graph,
    params: &Params,
    carried: Option<f64>,
    (before, edits, chained): (&Hand, &[HandEdit], bool),
) -> Vec<Result<HandGain, String>> {
    let clustered = |hand: &Hand| -> Result<Assignment, String> {
        let hand = hand.resolved(graph.n)?;
        let edited = hand.graph(graph);
        Ok(refine(hand.three(&edited, params.eps, params.delta_d, params.min_samples), params, carried))
    };
    let mut hand = before.clone();
    let mut without = clustered(&hand);
    let mut gains = Vec::with_capacity(edits.len());
    for edit in edits {
        hand.edits.push(edit.clone());
        let with = clustered(&hand);
        gains.push(match (&without, &with) {
            (Ok(without), Ok(with)) => Ok(gain(graph, without, with)),
            (Err(why), _) | (_, Err(why)) => Err(why.clone()),
        });
        if chained && with.is_ok() {
            without = with;
        } else {
            hand.edits.pop();
        }
    }
    gains
}

fn gain(graph: &Graph, without: &Assignment, with: &Assignment) -> HandGain {
    let family = lineage(&without.labels, &with.labels);
    // A cluster goes on in the one that took most of it, where most of that came from it: of two that merge the larger.
    let stays = |(&was, &is): (&i32, &i32)| match (u32::try_from(was), u32::try_from(is)) {
        (Ok(was), Ok(is)) => family.heir[was as usize] == Some(is) && family.clusters[is as usize].main == Some(was),
        (was, is) => was.is_err() && is.is_err(),
    };
    let both = [without, with];
    let eq8 = |found: &Assignment| {
        let scores = &found.radii()?.scores.eq8;
        let of_clustered: Vec<f64> =
            found.labels.iter().zip(scores).filter(|&(&l, _)| l >= 0).map(|(_, &s)| s).collect();
        (!of_clustered.is_empty()).then(|| of_clustered.iter().sum::<f64>() / of_clustered.len() as f64)
    };
    HandGain {
        moved: without.labels.iter().zip(&with.labels).filter(|&pair| !stays(pair)).count(),
        clusters: both.map(|found| found.reliable.len()),
        kept: both.map(|found| found.pseudo_labels.iter().filter(|&&l| l >= 0).count()),
        silhouette: both.map(|found| silhouette(graph, &found.labels)),
        eq8: both.map(eq8),
    }
}
