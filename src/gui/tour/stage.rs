//! What goes wrong, on stage: one click makes it happen in What-if, what is seen is said in numbers, and there is a cure.

use serde::{Deserialize, Serialize};

use crate::base::text::{count, counted, number};
use crate::gui::panels::Pane;
use crate::gui::what_if::worker::WhatIfOutcome;
use crate::method::cluster::ClusterSummary;
use crate::method::params::{Params, Value};
use crate::run::graph::REACH;
use crate::run::training::TrainingSnapshot;
use crate::study::remembered::{row_turns, visits_to_follow};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StageCase {
    /// eps so small that nobody has neighbours.
    AllOutliers,
    /// eps so large that all hang together.
    OneBlob,
    /// Δd of nothing: every cluster looks stable.
    NoStep,
    /// β of 1.
    FrozenMemory,
    /// A threshold of nothing.
    NoFilter,
}

impl StageCase {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::AllOutliers, Self::OneBlob, Self::NoStep, Self::FrozenMemory, Self::NoFilter];

    /// Its name.
    pub fn title(self) -> &'static str {
        match self {
            Self::AllOutliers => "All outliers",
            Self::OneBlob => "One blob",
            Self::NoStep => "Δd = 0",
            Self::FrozenMemory => "Frozen memory",
            Self::NoFilter => "No filter",
        }
    }

    /// What it does, for menus.
    pub fn help(self) -> &'static str {
        match self {
            Self::AllOutliers => "Tries an eps so small that hardly a photo has neighbours.",
            Self::OneBlob => "Tries an eps so large that nearly all photos hang together.",
            Self::NoStep => "Tries three equal radii: every cluster looks stable.",
            Self::FrozenMemory => "Tries β = 1: rows of the memory never move.",
            Self::NoFilter => "Tries a threshold of 0: every cluster is trained on.",
        }
    }

    /// The panel in which it is seen best.
    pub fn pane(self) -> Pane {
        match self {
            Self::AllOutliers | Self::OneBlob => Pane::Map,
            Self::NoStep | Self::NoFilter => Pane::Reliability,
            Self::FrozenMemory => Pane::Memory,
        }
    }

    /// The parameter and the value, on a run that was clustered with these.
    pub fn value(self, run: &Params) -> (&'static str, Value) {
        match self {
            Self::AllOutliers => ("eps", Value::Float((run.eps / 3.0 * 100.0).round() / 100.0)),
            // As far as the distances of an epoch are kept.
            Self::OneBlob => ("eps", Value::Float(((f64::from(REACH) - run.delta_d) * 100.0).floor() / 100.0)),
            Self::NoStep => ("delta_d", Value::Float(0.0)),
            Self::FrozenMemory => ("beta", Value::Float(1.0)),
            Self::NoFilter => ("reliability.threshold", Value::Float(0.0)),
        }
    }

    /// The parameter and the value that do the same to a run that goes on.
    pub fn live(self, run: &Params) -> (&'static str, Value) {
        match self {
            // A threshold of the rule would be found anew: the filter itself is switched off.
            Self::NoFilter => ("refined", Value::Bool(false)),
            _ => self.value(run),
        }
    }

    /// The cure, as a button says it.
    pub fn cure(self, run: &Params) -> String {
        match self {
            Self::AllOutliers | Self::OneBlob => format!("Back to eps {}", number(run.eps, 2)),
            Self::NoStep => format!("Back to Δd {}", number(run.delta_d, 2)),
            Self::FrozenMemory => format!("Back to β {}", number(run.beta, 2)),
            Self::NoFilter => "Back to the threshold".to_owned(),
        }
    }

    /// What goes wrong, in numbers of the run; `outcome` are the clusters of what is tried.
    pub fn words(
        self,
        run: &ClusterSummary,
        outcome: Option<&WhatIfOutcome>,
        training: Option<&TrainingSnapshot>,
        truth: bool,
    ) -> Option<String> {
        if self == Self::FrozenMemory {
            let training = training.filter(|t| !t.memory.apart.is_empty())?;
            let apart = &training.memory.apart;
            let apart = f64::from(apart.iter().sum::<f32>() / apart.len() as f32);
            let visits = visits_to_follow(apart, training.beta).map_or("many".to_owned(), count);
            return Some(format!(
                "The rows stand still: a new feature is {}° away from its row and stays so. With β {} a row turns {}° of that at its next visit and has followed after {visits}. Training now pulls features back to what the network saw at the start of the epoch.",
                number(apart, 1),
                number(training.beta, 2),
                number(row_turns(apart, training.beta), 1),
            ));
        }
        let outcome = outcome?;
        let now = &outcome.summary;
        let share = |part: usize| number(100.0 * part as f64 / now.images.max(1) as f64, 0);
        let purity = |s: &ClusterSummary| s.quality.filter(|_| truth).map(|q| q.purity);
        Some(match self {
            Self::AllOutliers => format!(
                "{} of {} photos ({} %) have too few neighbours within eps {} and are in no cluster; {} are left. Each such photo trains as a person of its own, so photos of one person are pushed apart.",
                count(now.noise[0]),
                count(now.images),
                share(now.noise[0]),
                number(outcome.params.eps, 2),
                counted(now.clusters[0], "cluster", "clusters"),
            ),
            Self::OneBlob => {
                let largest = now.cluster_size.iter().max().copied().unwrap_or(0) as usize;
                let mixed = match (purity(run), purity(now)) {
                    (Some(a), Some(b)) => format!(" Purity falls from {} to {}.", number(a, 2), number(b, 2)),
                    _ => String::new(),
                };
                format!(
                    "{} became {}; the largest holds {} photos, {} % of all. It gives one label to many people, and training makes them alike.{mixed}",
                    counted(run.clusters[0], "cluster", "clusters"),
                    count(now.clusters[0]),
                    count(largest),
                    share(largest),
                )
            }
            Self::NoStep => {
                let whole = now.cluster_score.iter().filter(|s| **s >= 1.0 - 1e-9).count();
                let before = run.cluster_score.iter().filter(|s| **s >= 1.0 - 1e-9).count();
                format!(
                    "The three radii are one, so the three sets are equal: {} of {} clusters score 1, {} did before. Eq. 8 has nothing left to compare, and nothing can be dropped for being shaky.",
                    count(whole),
                    count(now.clusters[0]),
                    count(before),
                )
            }
            Self::NoFilter => {
                let more = now.kept.saturating_sub(run.kept);
                let mut words = format!(
                    "Every cluster is kept: {} instead of {}, and {} more photos train under a label.",
                    count(now.reliable),
                    count(run.reliable),
                    count(more),
                );
                let loose: Vec<f64> =
                    run.cluster_score.iter().copied().filter(|s| *s < run.threshold.unwrap_or(0.0)).collect();
                if let Some(worst) = loose.iter().copied().min_by(f64::total_cmp) {
                    words += &format!(" The worst of them scores {}.", number(worst, 2));
                } else {
                    words +=
                        " In this epoch the threshold drops nothing, so nothing changes: go to epoch 1 and look again.";
                }
                words
            }
            Self::FrozenMemory => return None,
        })
    }
}
