//! What panels ask for while they are drawn, and the newest answers to it: each is asked for once, when it is not there.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::worker::WhatIfQuestion;
use super::{HandGains, Table, WhatIf};
use crate::method::hand::{Hand, HandEdit};
use crate::method::jaccard::Overlap;
use crate::method::params::Reliability;
use crate::method::sweep::{AtEps, KDistance};
use crate::method::tree::Hierarchy;
use crate::method::tree::ladder::Ladder;

/// k1, k2 and the pairs of images that were asked about.
type Pairs = (usize, usize, Vec<(u32, u32)>);

/// What was said, and what else might be.
type Edits = (Hand, Vec<HandEdit>);

/// k1, k2, min_samples, Δd and the score of clusters.
type LadderOf = (usize, usize, usize, f64, Reliability);

/// What whoever draws has asked for: for which values, so that it is asked once, and the questions, which are put to the
/// worker by [`WhatIf::put_questions`].
#[derive(Default)]
pub(super) struct Wanted {
    /// k1, k2 and min_samples.
    curve: Cell<Option<(usize, usize, usize)>>,
    /// k1, k2 and min_samples.
    hierarchy: Cell<Option<(usize, usize, usize)>>,
    ladder: RefCell<Option<LadderOf>>,
    shared: RefCell<Option<Pairs>>,
    gains: RefCell<Option<Edits>>,
    pub(super) questions: RefCell<Vec<WhatIfQuestion>>,
}

impl Wanted {
    fn ask(&self, question: WhatIfQuestion) {
        self.questions.borrow_mut().push(question);
    }
}

impl WhatIf {
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
}
