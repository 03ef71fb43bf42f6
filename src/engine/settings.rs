//! The parameters of a run, and the changes that wait for their moment.

use crate::method::params::{Effect, Params, Value, table};

/// Parameters as they count now, with what is asked for later.
#[derive(Clone, Debug)]
pub struct Settings {
    now: Params,
    pending: Vec<(String, Value)>,
}

/// A change that took effect.
#[derive(Clone, Debug, PartialEq)]
pub struct AppliedChange {
    /// The key.
    pub key: String,
    /// The value before.
    pub old: Value,
    /// The value from now on.
    pub new: Value,
}

/// A moment at which changes may take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// Between two batches.
    Batch,
    /// Before an epoch's clustering.
    Epoch,
}

impl Settings {
    /// Starts from `params`, nothing pending.
    pub fn new(params: Params) -> Self {
        Self { now: params, pending: Vec::new() }
    }

    /// The parameters that count now.
    pub fn now(&self) -> &Params {
        &self.now
    }

    /// What waits, in the order it was asked for.
    pub fn pending(&self) -> &[(String, Value)] {
        &self.pending
    }

    /// Notes a change; returns when it will take effect. A second change of a key replaces the first.
    ///
    /// # Errors
    /// One sentence when there is no such key, the value does not fit it or the other values, or the
    /// parameter belongs to the run as a whole.
    pub fn request(&mut self, key: &str, value: &Value) -> Result<Effect, String> {
        let row = table::row(key).map_err(|e| e.to_string())?;
        let value = row.check(value).map_err(|e| e.to_string())?;
        if row.effect == Effect::NextRun {
            return Err(format!("`{key}` cannot change during a run; it counts from the next run on."));
        }
        let mut then = self.now.clone();
        for (k, v) in self.pending.iter().filter(|(k, _)| k != key) {
            then.set(k, v).map_err(|e| e.to_string())?;
        }
        then.set(key, &value).map_err(|e| e.to_string())?;
        if let Some(problem) = then.problems().first() {
            return Err(problem.message.clone());
        }
        self.pending.retain(|(k, _)| k != key);
        self.pending.push((key.to_owned(), value));
        Ok(row.effect)
    }

    /// Lets the changes whose moment has come take effect.
    pub fn take(&mut self, boundary: Boundary) -> Vec<AppliedChange> {
        let due = |key: &str| match table::row(key).map(|r| r.effect) {
            Ok(Effect::AtOnce | Effect::NextBatch) => true,
            Ok(Effect::NextEpoch) => boundary == Boundary::Epoch,
            Ok(Effect::NextRun) | Err(_) => false,
        };
        let (ready, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.pending).into_iter().partition(|(k, _)| due(k));
        self.pending = waiting;
        let mut changes = Vec::new();
        for (key, new) in ready {
            if let (Ok(old), Ok(())) = (self.now.get(&key), self.now.set(&key, &new))
                && old != new
            {
                changes.push(AppliedChange { key, old, new });
            }
        }
        changes
    }
}
