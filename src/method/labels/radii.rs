//! The paper's way: DBSCAN on Jaccard distances at eps − Δd, eps and eps + Δd.

use super::{LabelInput, Labelled, Labeller, graph_of};
use crate::base::tick::Tick;
use crate::method::cluster::three_dbscans;
use crate::method::error::MethodError;
use crate::method::params::{EpsRule, Params};

/// How far the distances go among which a rule finds eps: as far as a run keeps them.
const RULE_REACH: f32 = 0.9;

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
        let needed = (params.eps + params.delta_d) as f32;
        // A rule looks for eps among the distances there are.
        if params.eps_rule == EpsRule::Fixed { needed } else { needed.max(RULE_REACH) }
    }

    fn label(&self, given: &LabelInput<'_>, params: &Params, _: Tick) -> Result<Labelled, MethodError> {
        let graph = graph_of(given, self.reach(params))?;
        Ok(Labelled::Radii(match given.hand {
            Some(hand) => hand.three(graph, params.eps, params.delta_d, params.min_samples),
            None => three_dbscans(graph, params),
        }))
    }
}
