//! What the hand does to what is tried, the list of what was tried, and what is asked of the run.

use super::WhatIf;
use crate::gui::command::{Commands, UiCommand};
use crate::method::params::{EpsRule, Rule, Value};

/// Settings that were tried, at most.
const TRIED: usize = 30;

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

impl WhatIf {
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

    /// The hand has let go: what is tried now goes into the list once its answer is there.
    pub fn let_go(&mut self) {
        self.noting = true;
    }

    pub(super) fn note(&mut self) {
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
