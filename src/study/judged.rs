//! By which parameters an epoch was clustered and judged: what it can be done again with, in the window and in what is
//! exported.

use crate::method::cluster::{ClusterSummary, Judged};
use crate::method::params::{EpsRule, Params, Rule};
use crate::run::event::Phase;
use crate::run::view::RunView;

/// The parameters of one epoch's clustering.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochRules {
    /// As they stood then; the threshold is the one that counted, and eps the one that a rule may have found.
    pub params: Params,
    /// Whether there are labels at three radii.
    pub radii: bool,
    /// Whether a rule found eps.
    pub ruled: bool,
    /// The threshold that the first epoch found, for the rule `quantile`; `None` in the first epoch.
    pub carried: Option<f64>,
}

impl EpochRules {
    /// Those of that adaptation epoch, from 0; `None` where the run has none.
    pub fn of(view: &RunView, epoch: usize) -> Option<Self> {
        let summary = &view.clusters.get(&epoch)?.summary;
        let mut params = view.params.clone()?;
        // An epoch is judged by what judged it then, not by what was changed since. Runs of earlier versions do not say;
        // there the changes made since are taken back.
        match summary.judged {
            Some(judged) => judged.apply(&mut params),
            None => take_back(&mut params, view, epoch),
        }
        let used = summary.used;
        (params.eps, params.delta_d) = (used.eps, used.delta_d);
        (params.k1, params.k2, params.min_samples) = (used.k1, used.k2, used.min_samples);
        let carried = summary.threshold.filter(|_| {
            let earlier = view.clusters.range(..epoch).map(|(_, clusters)| &clusters.summary);
            params.reliability.rule == Rule::Quantile && earlier.into_iter().any(found_threshold)
        });
        // The slider stands where the threshold is, whatever rule put it there.
        if let Some(alpha) = summary.threshold {
            params.reliability.threshold = alpha;
        }
        let radii = summary.has_radii();
        // What is tried is tried by hand.
        let ruled = std::mem::take(&mut params.eps_rule) != EpsRule::Fixed;
        Some(Self { params, radii, ruled, carried })
    }
}

/// The parameters as they stood when that epoch was clustered: what was changed later has its old value again.
fn take_back(params: &mut Params, view: &RunView, epoch: usize) {
    for change in view.changes.iter().rev().filter(|c| c.phase == Phase::Adapt && c.epoch > epoch) {
        if let Err(error) = params.set(&change.key, &change.old) {
            tracing::debug!(%error, "a change that cannot be taken back");
        }
    }
}

/// Whether an epoch left a threshold of the rule `quantile` for those after it. Runs of earlier versions do not say
/// by which rule; there the first epoch's threshold counted.
fn found_threshold(summary: &ClusterSummary) -> bool {
    let quantile = |judged: Judged| judged.refined && judged.rule == Rule::Quantile;
    summary.threshold.is_some() && summary.judged.is_none_or(quantile)
}
