//! Ways to give images labels: one file each in `labels/`, one row in [`of`].

use super::cluster::RadiiLabels;
use super::error::MethodError;
use super::graph::Graph;
use super::hand::ResolvedHand;
use super::params::{LabelMethod, Params};
use super::rows::Rows;
use crate::base::tick::Tick;

pub mod kmeans;
mod radii;

/// What labels can be made from.
#[derive(Clone, Copy, Debug, Default)]
pub struct LabelInput<'a> {
    /// The features `[N, d]`, unit length; absent where a clustering is formed anew from its graph.
    pub rows: Option<Rows<'a>>,
    /// The Jaccard distances; absent where the way does not ask for them.
    pub graph: Option<&'a Graph>,
    /// What people said of single images, the graph edited by it already.
    pub hand: Option<&'a ResolvedHand>,
}

/// What a way to give labels found; −1 is noise, clusters are numbered from 0 without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Labelled {
    /// At the three radii of Eq. 8, which then judges the clusters.
    Radii(RadiiLabels),
    /// `[N]` once: every cluster is kept.
    Plain(Vec<i32>),
}

/// How many classes labels name that are numbered from 0; negative ones are none.
pub fn classes<T: Copy + Into<i64>>(labels: &[T]) -> i64 {
    labels.iter().map(|&l| l.into()).max().map_or(0, |most| (most + 1).max(0))
}

/// A way to give images labels.
pub trait Labeller: Sync {
    /// Whether it needs the Jaccard distances.
    fn needs_graph(&self) -> bool;

    /// Whether it gives labels at three radii, so that Eq. 8 can judge them.
    fn has_radii(&self) -> bool;

    /// The largest Jaccard distance that it asks for.
    fn reach(&self, params: &Params) -> f32;

    /// Gives the labels.
    ///
    /// # Errors
    /// When what it needs is not there or does not hold together, or `tick` cancels.
    fn label(&self, given: &LabelInput<'_>, params: &Params, tick: Tick) -> Result<Labelled, MethodError>;
}

/// The way that the parameters name.
pub fn of(params: &Params) -> &'static dyn Labeller {
    match params.labels.method {
        LabelMethod::Dbscan => &radii::ThreeRadii,
        LabelMethod::Kmeans => &kmeans::KMeans,
    }
}

/// The graph, where a way needs one.
fn graph_of<'a>(given: &LabelInput<'a>, reach: f32) -> Result<&'a Graph, MethodError> {
    let graph = given.graph.ok_or_else(|| MethodError::shape("graph", "Jaccard distances", "none"))?;
    match graph.covers(f64::from(reach)) {
        true => Ok(graph),
        false => Err(MethodError::shape("graph", format!("distances up to {reach}"), format!("up to {}", graph.max))),
    }
}
