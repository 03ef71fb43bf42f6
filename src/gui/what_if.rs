//! What-if: an epoch's clusters formed anew with other parameters, without training. No egui types.
//!
//! The sliders' values are asked of the [`worker`]; each question has a number, and an answer to an older one is
//! dropped. Until the answer comes the old one stays, marked as old.

mod base;
pub mod worker;

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use self::base::Base;
use crate::gui::command::{Commands, UiCommand};
use crate::gui::view_model::{EpochPart, RunView};
use crate::method::gain::HandGain;
use crate::method::hand::{Hand, HandEdit};
use crate::method::jaccard::Overlap;
use crate::method::params::{EpsRule, Params, Reliability, Rule, Value};
use crate::method::sweep::{AtEps, KDistance, SweepCell};
use crate::method::tree::Hierarchy;
use crate::method::tree::ladder::Ladder;
use worker::{KINDS, Reply, WhatIfAnswer, WhatIfOutcome, WhatIfQuestion, Worker};

/// The parameters that can be tried, in the order of the panel.
pub const KEYS: [&str; 6] = ["eps", "delta_d", "k1", "k2", "min_samples", "reliability.threshold"];

/// Settings that were tried, at most.
const TRIED: usize = 30;

/// An answer that takes longer is announced: the old one is shown as old.
pub const LATE: Duration = Duration::from_millis(50);

/// One setting that was tried and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// What differs from the run: key and value.
    pub changes: Vec<(&'static str, Value)>,
    /// Clusters at eps, reliable ones, outliers (noise at eps), images kept.
    pub counts: [usize; 4],
    /// **Ground truth**: purity, where it is known.
    pub purity: Option<f64>,
}

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

/// What the hand does to what is tried.
#[derive(Clone, Debug, PartialEq)]
pub enum Try {
    /// Try that value.
    Value(&'static str, Value),
    /// Try these values and the run's otherwise: a setting that was tried before.
    Again(Vec<(&'static str, Value)>),
    /// The hand has let go: the answer goes into the list of what was tried.
    LetGo,
    /// Back to the run's values.
    Reset,
    /// Leave an image out, or take it in again.
    Without(u32),
    /// Cluster at each of these radii.
    Sweep(Vec<f64>),
    /// Cluster at every pair of these radii and steps.
    Table(Vec<f64>, Vec<f64>),
    /// Ask the run for what is tried.
    Apply,
}

/// k1, k2 and the pairs of images that were asked about.
type Pairs = (usize, usize, Vec<(u32, u32)>);

/// What was said, and what else might be.
type Edits = (Hand, Vec<HandEdit>);

/// k1, k2, min_samples, Δd and the score of clusters.
type LadderOf = (usize, usize, usize, f64, Reliability);

/// What whoever draws has asked for: for which values, so that it is asked once, and the questions, which are put to the
/// worker by [`WhatIf::put_questions`].
#[derive(Default)]
struct Wanted {
    /// k1, k2 and min_samples.
    curve: Cell<Option<(usize, usize, usize)>>,
    /// k1, k2 and min_samples.
    hierarchy: Cell<Option<(usize, usize, usize)>>,
    ladder: RefCell<Option<LadderOf>>,
    shared: RefCell<Option<Pairs>>,
    gains: RefCell<Option<Edits>>,
    questions: RefCell<Vec<WhatIfQuestion>>,
}

impl Wanted {
    fn ask(&self, question: WhatIfQuestion) {
        self.questions.borrow_mut().push(question);
    }
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

    /// The k-distance curve for what is tried; asked for when it is not there. Until it comes, the one before.
    pub fn curve(&self) -> Option<Arc<KDistance>> {
        let wanted = (self.draft.k1, self.draft.k2, self.draft.min_samples);
        if self.base.is_some() && self.wanted.curve.replace(Some(wanted)) != Some(wanted) {
            self.wanted.ask(WhatIfQuestion::Curve(Box::new(self.draft.clone())));
        }
        self.curve.clone()
    }

    /// All radii at once for what is tried; asked for when it is not there. Until it comes, the one before.
    pub fn hierarchy(&self) -> Option<Arc<Hierarchy>> {
        let wanted = (self.draft.k1, self.draft.k2, self.draft.min_samples);
        if self.base.is_some() && self.wanted.hierarchy.replace(Some(wanted)) != Some(wanted) {
            self.wanted.ask(WhatIfQuestion::Hierarchy(Box::new(self.draft.clone())));
        }
        self.hierarchy.clone()
    }

    /// Clusters at many radii for what is tried; asked for when they are not there. Until they come, those before.
    pub fn ladder(&self) -> Option<Arc<Ladder>> {
        let d = &self.draft;
        let wanted = Some((d.k1, d.k2, d.min_samples, d.delta_d, d.reliability.clone()));
        if self.base.is_some() && *self.wanted.ladder.borrow() != wanted {
            self.wanted.ladder.replace(wanted);
            self.wanted.ask(WhatIfQuestion::Ladder(Box::new(self.draft.clone())));
        }
        self.ladder.clone()
    }

    /// What made the Jaccard distances of these pairs, for what is tried; asked for when it is not there. `None` until
    /// it comes, or where the features are not kept ([`WhatIf::failure`] of kind 5 says so).
    pub fn shared(&self, pairs: &[(u32, u32)]) -> Option<Arc<Vec<Overlap>>> {
        let (k1, k2) = (self.draft.k1, self.draft.k2);
        let known = self.wanted.shared.borrow().as_ref().is_some_and(|of| (of.0, of.1) == (k1, k2) && of.2 == pairs);
        if self.base.is_some() && !known {
            self.wanted.shared.replace(Some((k1, k2, pairs.to_vec())));
            self.wanted.ask(WhatIfQuestion::Shared(Box::new(self.draft.clone()), pairs.to_vec()));
            return None; // what is there is of other pairs
        }
        self.shared.clone()
    }

    /// What each of these edits would change in the run's own clusters, said beside what was said already; asked for when
    /// it is not there. `None` until it comes, or where it cannot be said ([`WhatIf::failure`] of kind 7 says so).
    pub fn gains(&self, said: &Hand, edits: &[HandEdit]) -> Option<HandGains> {
        let base = self.base.as_ref()?;
        let known = self.wanted.gains.borrow().as_ref().is_some_and(|of| of.0 == *said && of.1 == edits);
        if !known {
            self.wanted.gains.replace(Some((said.clone(), edits.to_vec())));
            self.wanted.ask(WhatIfQuestion::Gains(Box::new(base.params.clone()), said.clone(), edits.to_vec()));
            return None; // what is there is of other edits
        }
        self.gains.clone()
    }

    /// Puts what was asked for while the panels were drawn to the worker; once a frame, after them.
    pub fn put_questions(&mut self) {
        for question in self.wanted.questions.take() {
            match question {
                WhatIfQuestion::Shared(..) => self.shared = None,
                WhatIfQuestion::Gains(..) => self.gains = None,
                _ => {}
            }
            self.question(question);
        }
    }

    /// Does what the hand asked for; a value that is to be applied is sent on as a command.
    pub fn carry_out(&mut self, asked: Try, commands: &Commands) {
        match asked {
            Try::Value(key, value) => self.set(key, &value),
            Try::Again(values) => {
                self.reset();
                values.iter().for_each(|(key, value)| self.set(key, value));
            }
            Try::LetGo => self.let_go(),
            Try::Reset => self.reset(),
            Try::Without(image) => self.toggle_without(image),
            Try::Sweep(eps) => self.ask_sweep(eps),
            Try::Table(eps, delta_d) => self.ask_table(eps, delta_d),
            Try::Apply => self.apply(commands),
        }
    }

    /// Clusters each radius of `eps`, with what is tried otherwise.
    pub fn ask_sweep(&mut self, eps: Vec<f64>) {
        self.question(WhatIfQuestion::Sweep(Box::new(self.draft.clone()), eps));
    }

    /// The newest sweep and the seconds it took.
    pub fn sweep(&self) -> Option<(&Arc<Vec<AtEps>>, f64)> {
        self.sweep.as_ref().map(|(rows, seconds)| (rows, *seconds))
    }

    /// Clusters at every pair, with what is tried otherwise.
    pub fn ask_table(&mut self, eps: Vec<f64>, delta_d: Vec<f64>) {
        self.question(WhatIfQuestion::Table(Box::new(self.draft.clone()), eps, delta_d));
    }

    /// The newest table.
    pub fn table(&self) -> Option<&Table> {
        self.table.as_ref()
    }

    /// The hand has let go: what is tried now goes into the list once its answer is there.
    pub fn let_go(&mut self) {
        self.noting = true;
    }

    fn note(&mut self) {
        let Some((outcome, _)) = &self.outcome else { return };
        let changes = self.changes();
        if changes.is_empty() || self.tried.last().is_some_and(|t| t.changes == changes) {
            return;
        }
        let s = &outcome.summary;
        self.tried.retain(|t| t.changes != changes);
        self.tried.push(Tried {
            changes,
            counts: [s.clusters[0], s.reliable, s.noise[0], s.kept],
            purity: s.quality.map(|q| q.purity),
        });
        if self.tried.len() > TRIED {
            self.tried.remove(0);
        }
    }

    /// What was tried on this run, oldest first.
    pub fn tried(&self) -> &[Tried] {
        &self.tried
    }

    /// The changes for the run to take over: threshold with its rule.
    pub fn to_apply(&mut self) -> Vec<(&'static str, Value)> {
        let mut changes = self.changes();
        if changes.iter().any(|(key, _)| *key == "reliability.threshold") {
            changes.insert(0, ("reliability.rule", Value::Text(Rule::Fixed.name().to_owned())));
        }
        if self.base.as_ref().is_some_and(|b| b.ruled) && changes.iter().any(|(key, _)| *key == "eps") {
            changes.insert(0, ("eps_rule", Value::Text(EpsRule::Fixed.name().to_owned())));
        }
        self.applied = self.base.as_ref().map(|b| (b.epoch, self.draft.clone()));
        changes
    }

    /// Asks for what is tried.
    pub fn apply(&mut self, commands: &Commands) {
        for (key, value) in self.to_apply() {
            commands.send(UiCommand::SetParam { key: key.to_owned(), value });
        }
    }

    /// Whether what is tried was sent to the run and waits for its next epoch.
    pub fn is_applied(&self) -> bool {
        let epoch = self.base.as_ref().map(|b| b.epoch);
        self.applied.as_ref().is_some_and(|(at, params)| Some(*at) == epoch && *params == self.draft)
    }
}
