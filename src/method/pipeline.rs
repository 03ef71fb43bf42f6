//! From features to pseudo-labels, written once: k-NN → Jaccard distances → labels → scores → refinement.
//!
//! The engine, the command line and the what-if all go this way. It knows no clock: who wants times listens to
//! [`ClusteringWatcher::begin`].

use super::cluster::{Assignment, judge};
use super::error::{MethodError, Tick};
use super::graph::Graph;
use super::hand::ResolvedHand;
use super::ivf::{self, IndexUse, Ivf};
use super::jaccard::{jaccard, jaccard_and_drop};
use super::knn::{self, Neighbours};
use super::labels::{self, LabelInput};
use super::params::{EpsRule, NeighbourSearch, Params};
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

    /// The largest Jaccard distance that is kept.
    fn reach(&self) -> f32 {
        self.reach.max(labels::of(self.params).reach(self.params))
    }
}

/// What was computed.
#[derive(Clone, Debug)]
pub struct Clustering {
    /// The nearest neighbours.
    pub neighbours: Neighbours,
    /// The index that found them, and how well; `None` where each image was compared with all others.
    pub index: Option<IndexUse>,
    /// The Jaccard distances, where the way to give labels asks for them.
    pub graph: Option<Graph>,
    /// The pseudo-labels.
    pub assignment: Assignment,
}

/// All of it, from features of unit length `[N, d]`. `known` are their neighbours where another device compared all of
/// them.
///
/// # Errors
/// When the features are not finite, `known` is of others or too short, or `watch` gives it up.
pub fn run(
    rows: Rows,
    known: Option<Neighbours>,
    plan: &ClusteringPlan<'_>,
    watch: &dyn ClusteringWatcher,
) -> Result<Clustering, MethodError> {
    let (neighbours, index) = match known {
        Some(neighbours) => (neighbours, None),
        None => first(rows, plan, watch)?,
    };
    let graph = match labels::of(plan.params).needs_graph() {
        true => Some(distances(rows, &neighbours, plan, watch)?),
        false => None,
    };
    rest(Some(rows), graph, (neighbours, index), plan, watch)
}

/// [`run`] of features that nobody needs afterwards: their memory is given back as soon as no step does either.
///
/// # Errors
/// As [`run`], and when they are not rows of `d`.
pub fn run_and_drop(
    features: Vec<f32>,
    d: usize,
    plan: &ClusteringPlan<'_>,
    watch: &dyn ClusteringWatcher,
) -> Result<Clustering, MethodError> {
    let rows = Rows::new(&features, d)?;
    if !labels::of(plan.params).needs_graph() {
        return run(rows, None, plan, watch);
    }
    let (neighbours, index) = first(rows, plan, watch)?;
    watch.begin(ClusteringStep::Distances);
    let tick = |done, total| watch.tick(ClusteringStep::Distances, done, total);
    let sizes = (plan.params.k1, plan.params.k2);
    let graph = jaccard_and_drop(features, d, &neighbours, sizes, plan.reach(), &tick)?;
    rest(None, Some(graph), (neighbours, index), plan, watch)
}

fn first(
    rows: Rows,
    plan: &ClusteringPlan<'_>,
    watch: &dyn ClusteringWatcher,
) -> Result<(Neighbours, Option<IndexUse>), MethodError> {
    watch.begin(ClusteringStep::Neighbours);
    let tick = |done, total| watch.tick(ClusteringStep::Neighbours, done, total);
    nearest(rows, plan.neighbours, plan.params, &tick)
}

/// The first step alone: the k1 nearest neighbours of each image, or `more`, found as the parameters say.
///
/// # Errors
/// When the features are not finite, or `tick` cancels.
pub fn nearest(
    rows: Rows,
    more: usize,
    params: &Params,
    tick: Tick,
) -> Result<(Neighbours, Option<IndexUse>), MethodError> {
    let k = params.k1.max(more);
    match params.neighbours.search {
        NeighbourSearch::Exact => Ok((knn::neighbours(rows, k, tick)?, None)),
        NeighbourSearch::Ivf => {
            let ivf = Ivf::of(rows.n(), params.neighbours.probes, params.seed);
            let found = ivf::neighbours(rows, k, ivf, tick)?;
            let measured = ivf::recall(rows, &found, params.k1, ivf::SAMPLE, params.seed, tick)?;
            Ok((found, Some(IndexUse { lists: ivf.lists, probes: ivf.probes.min(ivf.lists), measured })))
        }
    }
}

/// What follows the distances.
fn rest(
    rows: Option<Rows>,
    graph: Option<Graph>,
    (neighbours, index): (Neighbours, Option<IndexUse>),
    plan: &ClusteringPlan<'_>,
    watch: &dyn ClusteringWatcher,
) -> Result<Clustering, MethodError> {
    // What was said of single images is in the distances that are kept, too.
    let graph = match plan.hand {
        Some(hand) => graph.map(|graph| hand.graph(&graph)),
        None => graph,
    };
    let given = LabelInput { rows, graph: graph.as_ref(), hand: plan.hand };
    let assignment = assign(&given, plan.params, plan.carried, watch)?;
    Ok(Clustering { neighbours, index, graph, assignment })
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
    let tick = |done, total| watch.tick(ClusteringStep::Distances, done, total);
    jaccard(rows, neighbours, params.k1, params.k2, plan.reach(), &tick)
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
