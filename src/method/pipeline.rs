//! From features to pseudo-labels, written once: k-NN → Jaccard distances → labels → scores → refinement.
//!
//! The engine, the command line and the what-if all go this way. It knows no clock: who wants times listens to
//! [`ClusteringWatcher::begin`].

use super::cluster::{Assignment, judge};
use super::error::MethodError;
use super::graph::Graph;
use super::hand::ResolvedHand;
use super::jaccard::jaccard;
use super::knn::{Neighbours, neighbours};
use super::labels::{self, LabelInput};
use super::params::{EpsRule, Params};
use super::rows::Rows;
use super::tree::radii::chosen_eps;

/// The steps, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusteringStep {
    /// The nearest neighbours of every image.
    Neighbours,
    /// Jaccard distances of their k-reciprocal sets.
    Distances,
    /// Labels.
    Labels,
    /// Scores of images and clusters, and refinement by them.
    Scores,
}

/// Who listens to a run of the pipeline.
pub trait ClusteringWatcher: Sync {
    /// A step begins; called on the caller's thread, in order. Steps that are left out do not begin.
    fn begin(&self, _step: ClusteringStep) {}

    /// Units done of a step and in all, from any thread; `false` gives it up.
    fn tick(&self, _step: ClusteringStep, _done: u64, _total: u64) -> bool {
        true
    }
}

/// Nobody listens.
pub struct Unwatched;

impl ClusteringWatcher for Unwatched {}

/// What is to be computed.
#[derive(Clone, Copy, Debug)]
pub struct ClusteringPlan<'a> {
    /// The parameters.
    pub params: &'a Params,
    /// The threshold of the first epoch, for the rule `quantile`; `None` in the first epoch.
    pub carried: Option<f64>,
    /// Neighbours to find of each image, if that is more than k1.
    pub neighbours: usize,
    /// Jaccard distances to keep, if that is more than the labels ask for.
    pub reach: f32,
    /// What people said of single images, if anything.
    pub hand: Option<&'a ResolvedHand>,
}

impl<'a> ClusteringPlan<'a> {
    /// What these parameters ask for and no more.
    pub fn of(params: &'a Params, carried: Option<f64>) -> Self {
        Self { params, carried, neighbours: 0, reach: 0.0, hand: None }
    }
}

/// What was computed.
#[derive(Clone, Debug)]
pub struct Clustering {
    /// The nearest neighbours.
    pub neighbours: Neighbours,
    /// The Jaccard distances, where the way to give labels asks for them.
    pub graph: Option<Graph>,
    /// The pseudo-labels.
    pub assignment: Assignment,
}

/// All of it, from features of unit length `[N, d]`. `known` are their neighbours where another device found them.
///
/// # Errors
/// When the features are not finite, `known` is of others or too short, or `watch` gives it up.
pub fn run(
    rows: Rows,
    known: Option<Neighbours>,
    plan: &ClusteringPlan<'_>,
    watch: &dyn ClusteringWatcher,
) -> Result<Clustering, MethodError> {
    let params = plan.params;
    let neighbours = match known {
        Some(neighbours) => neighbours,
        None => {
            watch.begin(ClusteringStep::Neighbours);
            let tick = |done, total| watch.tick(ClusteringStep::Neighbours, done, total);
            neighbours(rows, params.k1.max(plan.neighbours), &tick)?
        }
    };
    let graph = match labels::of(params).needs_graph() {
        true => Some(distances(rows, &neighbours, plan, watch)?),
        false => None,
    };
    // What was said of single images is in the distances that are kept, too.
    let graph = match plan.hand {
        Some(hand) => graph.map(|graph| hand.graph(&graph)),
        None => graph,
    };
    let given = LabelInput { rows: Some(rows), graph: graph.as_ref(), hand: plan.hand };
    let assignment = assign(&given, params, plan.carried, watch)?;
    Ok(Clustering { neighbours, graph, assignment })
}

/// The second step alone.
///
/// # Errors
/// As [`run`].
pub fn distances(
    rows: Rows,
    neighbours: &Neighbours,
    plan: &ClusteringPlan<'_>,
    watch: &dyn ClusteringWatcher,
) -> Result<Graph, MethodError> {
    watch.begin(ClusteringStep::Distances);
    let params = plan.params;
    let reach = plan.reach.max(labels::of(params).reach(params));
    let tick = |done, total| watch.tick(ClusteringStep::Distances, done, total);
    jaccard(rows, neighbours, params.k1, params.k2, reach, &tick)
}

/// The last two steps, from what is there.
///
/// # Errors
/// When what the way to give labels needs is not there, or `watch` gives it up.
pub fn assign(
    given: &LabelInput<'_>,
    params: &Params,
    carried: Option<f64>,
    watch: &dyn ClusteringWatcher,
) -> Result<Assignment, MethodError> {
    watch.begin(ClusteringStep::Labels);
    let chosen = given.graph.and_then(|graph| chosen_eps(graph, params));
    let found = chosen.map(|eps| Params { eps, eps_rule: EpsRule::Fixed, ..params.clone() });
    let params = found.as_ref().unwrap_or(params);
    let labelled =
        labels::of(params).label(given, params, &|done, total| watch.tick(ClusteringStep::Labels, done, total))?;
    watch.begin(ClusteringStep::Scores);
    Ok(Assignment { eps: chosen, ..judge(labelled, params, carried) })
}
