//! The tour: eight steps through the method on the run that is open. A step is done when the program has come into the
//! state that it asks for, however it got there; nothing is done by saying "next".

pub mod figure;
pub mod stage;
pub mod ui;
pub mod words;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use self::stage::StageCase;
use crate::gui::panels::Pane;
use crate::method::params::{Params, Value};
use crate::run::graph::REACH;

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TourStep {
    /// Extract, cluster, keep, remember, train.
    Loop,
    /// Points without names, joined within eps.
    Sees,
    /// Distance by shared neighbours.
    Jaccard,
    /// Three radii and Eq. 8.
    Radii,
    /// The threshold, and coarse to fine.
    Threshold,
    /// Eq. 9, Eq. 10 and β.
    Memory,
    /// The attention blocks.
    Attention,
    /// What it is all for.
    Retrieval,
}

/// The one control of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StepControl {
    /// Which epoch is looked at.
    Epochs,
    /// A parameter of the clustering, tried without training.
    Try {
        /// Its key.
        key: &'static str,
        /// Where to drag it.
        aim: f64,
    },
    /// β, tried on the memory's numbers.
    Beta {
        /// Where to drag it.
        aim: f64,
    },
    /// Another query.
    Query,
}

impl TourStep {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Loop,
        Self::Sees,
        Self::Jaccard,
        Self::Radii,
        Self::Threshold,
        Self::Memory,
        Self::Attention,
        Self::Retrieval,
    ];

    /// Its name.
    pub fn title(self) -> &'static str {
        match self {
            Self::Loop => "The loop",
            Self::Sees => "What clustering sees",
            Self::Jaccard => "Near by shared neighbours",
            Self::Radii => "What Δd does",
            Self::Threshold => "From coarse to fine",
            Self::Memory => "What is remembered",
            Self::Attention => "Where it looks",
            Self::Retrieval => "Found again",
        }
    }

    /// The panel that it shows.
    pub fn pane(self) -> Pane {
        match self {
            Self::Loop => Pane::Loop,
            Self::Sees => Pane::Map,
            Self::Jaccard => Pane::Inspector,
            Self::Radii => Pane::Eq8,
            Self::Threshold => Pane::Reliability,
            Self::Memory => Pane::Memory,
            Self::Attention => Pane::HeatMaps,
            Self::Retrieval => Pane::RankLists,
        }
    }

    /// Its place, from 0.
    pub fn place(self) -> usize {
        Self::ALL.iter().position(|step| *step == self).unwrap_or(0)
    }

    /// Its control, on a run that was clustered with these parameters.
    pub fn control(self, run: &Params) -> StepControl {
        let tried = |key, aim| StepControl::Try { key, aim };
        match self {
            Self::Loop | Self::Attention => StepControl::Epochs,
            Self::Sees => tried("eps", round((run.eps + 0.1).min(f64::from(REACH) - 0.02 - run.delta_d))),
            Self::Jaccard => tried("k1", (run.k1 as f64 / 2.0).floor().max(2.0)),
            Self::Radii => tried("delta_d", round(run.delta_d + 0.04)),
            Self::Threshold => {
                let now = run.reliability.threshold;
                tried("reliability.threshold", if now < 0.45 { 0.5 } else { round((now + 1.0) / 2.0) })
            }
            Self::Memory => StepControl::Beta { aim: 0.9 },
            Self::Retrieval => StepControl::Query,
        }
    }
}

fn round(x: f64) -> f64 {
    (x * 100.0).round() / 100.0
}

/// The state of the program that steps look at.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    /// The epoch looked at.
    pub epoch: Option<usize>,
    /// The newest epoch that was clustered.
    pub newest: Option<usize>,
    /// What the epoch was clustered with; `None` where there is nothing to try.
    pub run: Option<Params>,
    /// What is tried.
    pub draft: Params,
    /// Whether the clusters of what is tried are there.
    pub answered: bool,
    /// The β that is tried in the memory.
    pub beta: Option<f64>,
    /// The query that is chosen.
    pub query: Option<u32>,
}

/// What is asked of the tour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TourAsk {
    /// Begin it, or go on with it.
    Begin,
    /// The step after; after the last one the tour ends.
    Next,
    /// The step before.
    Back,
    /// That step.
    Go(TourStep),
    /// This step once more.
    Again,
    /// Leave the steps; the panel stays.
    Leave,
    /// Let something go wrong.
    Stage(StageCase),
    /// Put it right again.
    Cure,
}

/// Where somebody stands in the tour.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Tour {
    /// The step that is shown; `None` where the steps are only listed.
    at: Option<TourStep>,
    /// The step that was left.
    left: Option<TourStep>,
    done: BTreeSet<TourStep>,
    /// Epochs that were looked at in this step.
    #[serde(skip)]
    seen: BTreeSet<usize>,
    /// The query that was chosen as the step began.
    #[serde(skip)]
    query: Option<Option<u32>>,
    /// What goes wrong just now.
    #[serde(skip)]
    stage: Option<StageCase>,
}

impl Tour {
    /// The step that is shown.
    pub fn step(&self) -> Option<TourStep> {
        self.at
    }

    /// What goes wrong just now, by request.
    pub fn stage(&self) -> Option<StageCase> {
        self.stage
    }

    /// Whether what a step asks for was done.
    pub fn is_done(&self, step: TourStep) -> bool {
        self.done.contains(&step)
    }

    /// How many steps are done.
    pub fn done(&self) -> usize {
        self.done.len()
    }

    /// Carries out what was asked; says whether another step, or this one anew, begins.
    pub fn ask(&mut self, asked: TourAsk) -> bool {
        self.stage = if let TourAsk::Stage(case) = asked { Some(case) } else { None };
        if matches!(asked, TourAsk::Stage(_) | TourAsk::Cure) {
            return false;
        }
        let place = self.at.map(TourStep::place);
        let to = match asked {
            TourAsk::Begin => self.at.or(self.left).or(Some(TourStep::Loop)),
            TourAsk::Next => place.map_or(Some(TourStep::Loop), |at| TourStep::ALL.get(at + 1).copied()),
            TourAsk::Back => place.map(|at| TourStep::ALL[at.saturating_sub(1)]),
            TourAsk::Go(step) => Some(step),
            TourAsk::Again => self.at.inspect(|step| {
                self.done.remove(step);
            }),
            TourAsk::Leave | TourAsk::Stage(_) | TourAsk::Cure => None,
        };
        self.left = if to.is_none() && asked == TourAsk::Leave { self.at.or(self.left) } else { None };
        self.at = to;
        self.seen.clear();
        self.query = None;
        to.is_some()
    }

    /// Takes in how the program stands; says whether the step is done just now.
    pub fn see(&mut self, sight: &Sight) -> bool {
        let Some(step) = self.at.filter(|_| self.stage.is_none()) else { return false };
        self.seen.extend(sight.epoch.or(sight.newest));
        let before = *self.query.get_or_insert(sight.query);
        let is_there = self.has_come(step, sight, before);
        is_there && self.done.insert(step)
    }

    fn has_come(&self, step: TourStep, sight: &Sight, query_before: Option<u32>) -> bool {
        let Some(newest) = sight.newest else { return false };
        let control = sight.run.as_ref().map(|run| (run, step.control(run)));
        match (step, control) {
            // Back at the first epoch, and through at least two more.
            (TourStep::Loop, _) => self.seen.contains(&0) && self.seen.len() >= 3.min(newest + 1),
            (TourStep::Attention, _) => self.seen.contains(&0) && (newest == 0 || self.seen.len() > 1),
            (TourStep::Retrieval, _) => sight.query.is_some() && sight.query != query_before,
            (_, Some((_, StepControl::Beta { aim }))) => sight.beta.is_some_and(|beta| beta >= aim - 1e-9),
            (_, Some((run, StepControl::Try { key, aim }))) => {
                let value = |params: &Params| params.get(key).ok().as_ref().and_then(Value::as_f64);
                let (Some(from), Some(now)) = (value(run), value(&sight.draft)) else { return false };
                sight.answered && if aim >= from { now >= aim - 1e-9 } else { now <= aim + 1e-9 }
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight() -> Sight {
        let params = Params::default();
        Sight { newest: Some(9), run: Some(params.clone()), draft: params, ..Sight::default() }
    }

    #[test]
    fn a_step_is_done_by_what_the_program_shows_and_not_by_going_on() {
        let mut tour = Tour::default();
        assert!(tour.ask(TourAsk::Begin) && tour.step() == Some(TourStep::Loop));
        tour.ask(TourAsk::Next);
        assert!(!tour.is_done(TourStep::Loop), "going on does nothing");
        // eps as far as is asked for, and its clusters there.
        let mut now = sight();
        let StepControl::Try { key: "eps", aim } = TourStep::Sees.control(&now.draft) else { panic!() };
        assert!(!tour.see(&now));
        now.draft.eps = aim;
        assert!(!tour.see(&now), "its clusters are not there yet");
        now.answered = true;
        assert!(tour.see(&now) && !tour.see(&now), "said once");
        assert!(tour.is_done(TourStep::Sees));
        tour.ask(TourAsk::Again);
        assert!(!tour.is_done(TourStep::Sees) && tour.step() == Some(TourStep::Sees));
    }

    #[test]
    fn every_step_can_be_done_and_the_last_one_ends_the_tour() {
        let mut tour = Tour::default();
        tour.ask(TourAsk::Begin);
        for step in TourStep::ALL {
            assert_eq!(tour.step(), Some(step));
            let mut now = sight();
            tour.see(&now);
            for epoch in [Some(0), Some(4), None] {
                now.epoch = epoch;
                tour.see(&now);
            }
            if let StepControl::Try { key, aim } = step.control(&sight().draft) {
                let whole = matches!(now.draft.get(key), Ok(Value::Int(_)));
                let value = if whole { Value::Int(aim as i64) } else { Value::Float(aim) };
                now.draft.set(key, &value).unwrap();
                assert_ne!(now.draft, sight().draft, "{key} is asked to move");
                now.answered = true;
            }
            (now.beta, now.query) = (Some(0.95), Some(3));
            tour.see(&now);
            assert!(tour.is_done(step), "{step:?}");
            tour.ask(TourAsk::Next);
        }
        assert_eq!((tour.step(), tour.done()), (None, 8));
    }

    #[test]
    fn who_leaves_finds_the_step_again() {
        let mut tour = Tour::default();
        tour.ask(TourAsk::Go(TourStep::Radii));
        assert!(!tour.ask(TourAsk::Leave) && tour.step().is_none());
        tour.ask(TourAsk::Begin);
        assert_eq!(tour.step(), Some(TourStep::Radii));
        tour.ask(TourAsk::Back);
        assert_eq!(tour.step(), Some(TourStep::Jaccard));
    }
}
