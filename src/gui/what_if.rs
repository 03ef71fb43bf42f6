//! What-if: an epoch's clusters formed anew with other parameters, without training. No egui types.
//!
//! The sliders' values are asked of the [`worker`]; each question has a number, and an answer to an older one is
//! dropped. Until the answer comes the old one stays, marked as old.

mod base;
mod hand;
mod wanted;
pub mod worker;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use self::base::Base;
pub use self::hand::{Tried, Try};
use self::wanted::Wanted;
use crate::gui::view_model::{EpochPart, RunView};
use crate::method::gain::HandGain;
use crate::method::hand::{Hand, HandEdit};
use crate::method::jaccard::Overlap;
use crate::method::params::{Params, Rule, Value};
use crate::method::sweep::{AtEps, KDistance, SweepCell};
use crate::method::tree::Hierarchy;
use crate::method::tree::ladder::Ladder;
use worker::{KINDS, Reply, WhatIfAnswer, WhatIfOutcome, WhatIfQuestion, Worker};

/// The parameters that can be tried, in the order of the panel.
pub const KEYS: [&str; 6] = ["eps", "delta_d", "k1", "k2", "min_samples", "reliability.threshold"];

/// An answer that takes longer is announced: the old one is shown as old.
pub const LATE: Duration = Duration::from_millis(50);

/// Clusters at every pair of eps and Δd.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The radii.
    pub eps: Vec<f64>,
    /// The steps.
    pub delta_d: Vec<f64>,
    /// `[eps][delta_d]`.
    pub cells: Arc<Vec<Vec<SweepCell>>>,
    /// How long it took.
    pub seconds: f64,
}

/// What each of some edits would change, or why it cannot be said.
pub type HandGains = Arc<Vec<Result<HandGain, String>>>;

/// What is tried, and the newest answers.
pub struct WhatIf {
    worker: Worker,
    base: Option<Base>,
    draft: Params,
    /// Images that are left out for a try.
    without: Vec<u32>,
    generation: u64,
    asked: [Option<(u64, WhatIfQuestion, Instant)>; KINDS],
    failed: [Option<String>; KINDS],
    outcome: Option<(Arc<WhatIfOutcome>, f64)>,
    curve: Option<Arc<KDistance>>,
    hierarchy: Option<Arc<Hierarchy>>,
    ladder: Option<Arc<Ladder>>,
    /// What made the distances of some pairs.
    shared: Option<Arc<Vec<Overlap>>>,
    /// What some edits by hand would change.
    gains: Option<HandGains>,
    wanted: Wanted,
    sweep: Option<(Arc<Vec<AtEps>>, f64)>,
    table: Option<Table>,
    tried: Vec<Tried>,
    noting: bool,
    /// The epoch that the draft was applied in.
    applied: Option<(usize, Params)>,
}

impl WhatIf {
    /// Nothing is tried; `wake` is called from the worker's thread with every answer.
    pub fn new(wake: impl Fn() + Send + 'static) -> Self {
        Self {
            worker: Worker::new(wake),
            base: None,
            draft: Params::default(),
            without: Vec::new(),
            generation: 0,
            asked: Default::default(),
            failed: Default::default(),
            outcome: None,
            curve: None,
            hierarchy: None,
            ladder: None,
            shared: None,
            gains: None,
            wanted: Wanted::default(),
            sweep: None,
            table: None,
            tried: Vec::new(),
            noting: false,
            applied: None,
        }
    }

    /// Once a frame: turns to the epoch looked at and takes in answers. What is tried stays tried on another
    /// epoch of the run; another run begins without.
    pub fn look_at(&mut self, view: &RunView, epoch: Option<usize>) {
        while let Some(reply) = self.worker.reply() {
            self.on_reply(reply);
        }
        if self.noting && self.asked[0].is_none() {
            self.noting = false;
            self.note();
        }
        let at = epoch.or_else(|| view.newest_snapshot(EpochPart::Clusters, None));
        let base = at.and_then(|epoch| Base::of(view, epoch));
        if base == self.base {
            return;
        }
        let same_run = matches!((&base, &self.base), (Some(a), Some(b)) if a.folder == b.folder);
        let changes = if same_run { self.changes() } else { Vec::new() };
        self.without.clear();
        if !same_run {
            self.tried.clear();
            self.applied = None;
        }
        self.base = base;
        self.forget();
        if let Some(base) = &self.base {
            self.draft = base.params.clone();
        }
        if !changes.is_empty() {
            for (key, value) in changes {
                self.put(key, &value);
            }
            self.ask();
        }
    }

    fn forget(&mut self) {
        self.asked = Default::default();
        self.failed = Default::default();
        (self.outcome, self.curve, self.sweep, self.table) = (None, None, None, None);
        (self.hierarchy, self.ladder, self.shared, self.gains) = (None, None, None, None);
        self.wanted = Wanted::default();
    }

    /// Takes in an answer; one to an older question is dropped. Public for tests.
    pub fn on_reply(&mut self, reply: Reply) {
        let kind = reply.kind;
        let Some((_, question, _)) = self.asked[kind].clone().filter(|(newest, ..)| *newest == reply.generation) else {
            return;
        };
        self.asked[kind] = None;
        self.failed[kind] = None;
        match reply.result {
            Ok(WhatIfAnswer::Clusters(outcome)) => self.outcome = Some((outcome, reply.seconds)),
            Ok(WhatIfAnswer::Curve(curve)) => self.curve = Some(curve),
            Ok(WhatIfAnswer::Hierarchy(all)) => self.hierarchy = Some(all),
            Ok(WhatIfAnswer::Ladder(ladder)) => self.ladder = Some(ladder),
            Ok(WhatIfAnswer::Shared(found)) => self.shared = Some(found),
            Ok(WhatIfAnswer::Gains(found)) => self.gains = Some(found),
            Ok(WhatIfAnswer::Sweep(rows)) => self.sweep = Some((rows, reply.seconds)),
            Ok(WhatIfAnswer::Table(cells)) => {
                if let WhatIfQuestion::Table(_, eps, delta_d) = question {
                    self.table = Some(Table { eps, delta_d, cells, seconds: reply.seconds });
                }
            }
            Err(why) => self.failed[kind] = Some(why),
        }
    }

    /// Waits for the answers that are under way, for tests and pictures.
    pub fn settle(&mut self, limit: Duration) {
        while self.is_busy() {
            let Some(reply) = self.worker.wait(limit) else { return };
            self.on_reply(reply);
        }
    }

    /// The clustering that is varied.
    pub fn base(&self) -> Option<&Base> {
        self.base.as_ref()
    }

    /// Whether the clustering that is varied has radii to vary; true while there is none.
    pub fn has_radii(&self) -> bool {
        self.base.as_ref().is_none_or(|base| base.radii)
    }

    /// The parameters that are tried.
    pub fn draft(&self) -> &Params {
        &self.draft
    }

    /// What is tried: the keys whose values are not the run's, and the values.
    pub fn changes(&self) -> Vec<(&'static str, Value)> {
        let Some(base) = &self.base else { return Vec::new() };
        let fixed = self.draft.reliability.rule != base.params.reliability.rule;
        KEYS.into_iter()
            .filter_map(|key| {
                let (now, run) = (self.draft.get(key).ok()?, base.params.get(key).ok()?);
                (now != run || (fixed && key == "reliability.threshold")).then_some((key, now))
            })
            .collect()
    }

    /// Tries a value. Where the parameters then fit together the worker is asked.
    pub fn set(&mut self, key: &str, value: &Value) {
        if self.base.is_none() || self.draft.get(key).as_ref() == Ok(value) {
            return;
        }
        self.put(key, value);
        self.ask();
    }

    fn put(&mut self, key: &str, value: &Value) {
        if let Err(error) = self.draft.set(key, value) {
            tracing::warn!(%error, "a value that cannot be tried");
        }
        // A threshold of one's own is a fixed one.
        if key == "reliability.threshold" {
            self.draft.reliability.rule = Rule::Fixed;
        }
    }

    /// The images that are left out for a try.
    pub fn without(&self) -> &[u32] {
        &self.without
    }

    /// Leaves an image out for a try, or takes it in again.
    pub fn toggle_without(&mut self, image: u32) {
        match self.without.iter().position(|&i| i == image) {
            Some(at) => {
                self.without.remove(at);
            }
            None => self.without.push(image),
        }
        self.ask();
    }

    /// Back to the run's values.
    pub fn reset(&mut self) {
        self.without.clear();
        if let Some(base) = &self.base {
            self.draft = base.params.clone();
        }
        self.asked[0] = None;
        self.failed[0] = None;
        self.outcome = None;
        self.applied = None;
    }

    /// Why the values do not fit together, if so.
    pub fn problem(&self) -> Option<String> {
        let ours = self.draft.problems().into_iter().find(|p| KEYS.contains(&p.key)).map(|p| p.message);
        ours.or_else(|| self.failed[0].clone())
    }

    fn ask(&mut self) {
        if self.changes().is_empty() && self.without.is_empty() {
            (self.outcome, self.asked[0], self.failed[0]) = (None, None, None);
        } else if !self.draft.problems().iter().any(|p| KEYS.contains(&p.key)) {
            self.question(WhatIfQuestion::Clusters(Box::new(self.draft.clone())));
        }
    }

    fn question(&mut self, question: WhatIfQuestion) {
        let Some(base) = &self.base else { return };
        self.generation += 1;
        let mut base = base.clone();
        if question.kind() == 0 && !self.without.is_empty() {
            let mut hand = base.hand.map_or_else(Hand::default, |hand| (*hand).clone());
            hand.edits.push(HandEdit::Exclude(self.without.clone()));
            base.hand = Some(Arc::new(hand));
        }
        self.worker.ask(&base, question.clone(), self.generation);
        let kind = question.kind();
        self.failed[kind] = None;
        self.asked[kind] = Some((self.generation, question, Instant::now()));
    }

    /// The newest clusters with other parameters, and the seconds they took; perhaps of older values, see
    /// [`WhatIf::is_late`].
    pub fn outcome(&self) -> Option<(&Arc<WhatIfOutcome>, f64)> {
        self.outcome.as_ref().map(|(outcome, seconds)| (outcome, *seconds))
    }

    /// The threshold that counts: the rule's own, which follows the clusters in the first epoch, or the one that
    /// is tried.
    pub fn threshold(&self) -> Option<f64> {
        let tried = self.outcome.as_ref().and_then(|(outcome, _)| outcome.summary.threshold);
        if self.draft.reliability.rule == Rule::Fixed { None } else { tried }
    }

    /// What moved the threshold, where the rule did: `worst 10 % of the new clusters`.
    pub fn moved_by_rule(&self) -> Option<String> {
        let (alpha, run) = (self.threshold()?, self.base.as_ref()?.params.reliability.threshold);
        let moved = (alpha - run).abs() > 0.005;
        let share = crate::base::text::number(100.0 * self.draft.reliability.quantile, 0);
        moved.then(|| format!("worst {share} % of the new clusters"))
    }

    /// Whether the answer to the newest question has been under way for a while.
    pub fn is_late(&self) -> bool {
        self.asked[0].as_ref().is_some_and(|(.., since)| since.elapsed() >= LATE)
    }

    /// Whether an answer of that kind is under way.
    pub fn is_waiting(&self, kind: usize) -> bool {
        self.asked[kind].is_some() || self.wanted.questions.borrow().iter().any(|question| question.kind() == kind)
    }

    /// Whether any answer is under way.
    pub fn is_busy(&self) -> bool {
        self.asked.iter().any(Option::is_some)
    }

    /// Why there is no answer of that kind, if so.
    pub fn failure(&self, kind: usize) -> Option<&str> {
        self.failed[kind].as_deref()
    }
}
