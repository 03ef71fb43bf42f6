//! The paper's way: DBSCAN on Jaccard distances at eps − Δd, eps and eps + Δd.

use super::{Given, Labelled, Labeller, graph_of};
use crate::base::tick::Tick;
use crate::method::cluster::three_dbscans;
use crate::method::error::MethodError;
use crate::method::params::Params;

/// Three DBSCANs on one graph.
pub struct ThreeRadii;

impl Labeller for ThreeRadii {
    fn needs_graph(&self) -> bool {
        true
    }

    fn has_radii(&self) -> bool {
        true
    }

    fn reach(&self, params: &Params) -> f32 {
        (params.eps + params.delta_d) as f32
    }

    fn label(&self, given: &Given<'_>, params: &Params, _: Tick) -> Result<Labelled, MethodError> {
        let graph = graph_of(given, self.reach(params))?;
        Ok(Labelled::Radii(three_dbscans(graph, params)))
    }
}
