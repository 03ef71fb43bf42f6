//! What can be undone, and where one can go back to.

use crate::gui::panels::Selection;
use crate::method::params::Value;

/// Steps kept.
const KEPT: usize = 200;

/// A change of a parameter by hand.
#[derive(Clone, Debug, PartialEq)]
pub struct HandChange {
    /// Its key.
    pub key: String,
    /// The value before.
    pub from: Value,
    /// The value after.
    pub to: Value,
    /// When the drag that made it began, if it was one: all of a drag is one step.
    pub drag: Option<f64>,
}

/// Changes of parameters, for undo and redo.
#[derive(Debug, Default)]
pub struct Changes {
    done: Vec<HandChange>,
    undone: Vec<HandChange>,
}

impl Changes {
    /// Notes a change that was just made; what was undone before cannot be redone any more.
    pub fn note(&mut self, change: HandChange) {
        self.undone.clear();
        match self.done.last_mut() {
            Some(last) if last.key == change.key && last.drag.is_some() && last.drag == change.drag => {
                last.to = change.to;
            }
            _ => self.done.push(change),
        }
        let surplus = self.done.len().saturating_sub(KEPT);
        self.done.drain(..surplus);
    }

    /// The change to take back, if there is one.
    pub fn undo(&mut self) -> Option<HandChange> {
        let change = self.done.pop()?;
        self.undone.push(change.clone());
        Some(change)
    }

    /// The change to make again, if there is one.
    pub fn redo(&mut self) -> Option<HandChange> {
        let change = self.undone.pop()?;
        self.done.push(change.clone());
        Some(change)
    }
}

/// What was selected, one thing after the other.
#[derive(Debug, Default)]
pub struct Trail {
    now: Selection,
    behind: Vec<Selection>,
    ahead: Vec<Selection>,
}

fn is_empty(selection: &Selection) -> bool {
    selection.cluster.is_none() && selection.query.is_none() && selection.image.is_none() && selection.picked.is_empty()
}

impl Trail {
    /// Takes note of what is selected in this frame. Moving through the epochs is no step: the cluster selected
    /// goes along under other numbers, and is unknown while they are being read.
    pub fn see(&mut self, selection: &Selection) {
        let reading =
            Selection { cluster: None, ..self.now.clone() } == Selection { epoch: self.now.epoch, ..selection.clone() };
        if self.now == *selection || (reading && selection.cluster.is_none() && self.now.cluster.is_some()) {
            return;
        }
        if self.now.epoch == selection.epoch && self.now.against == selection.against && !is_empty(&self.now) {
            self.behind.push(self.now.clone());
            self.ahead.clear();
            let surplus = self.behind.len().saturating_sub(KEPT);
            self.behind.drain(..surplus);
        }
        self.now = selection.clone();
    }

    /// What was selected before.
    pub fn back(&mut self) -> Option<Selection> {
        let before = self.behind.pop()?;
        self.ahead.push(std::mem::replace(&mut self.now, before));
        Some(self.now.clone())
    }

    /// What was selected before going back.
    pub fn forward(&mut self) -> Option<Selection> {
        let next = self.ahead.pop()?;
        self.behind.push(std::mem::replace(&mut self.now, next));
        Some(self.now.clone())
    }

    /// Forgets all of it: another run is on screen.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(from: i64, to: i64, drag: Option<f64>) -> HandChange {
        HandChange { key: "k1".to_owned(), from: Value::Int(from), to: Value::Int(to), drag }
    }

    #[test]
    fn a_drag_is_one_step() {
        let mut changes = Changes::default();
        changes.note(change(30, 29, Some(1.0)));
        changes.note(change(29, 25, Some(1.0)));
        changes.note(change(25, 20, Some(9.0)));
        let undone: Vec<Value> = std::iter::from_fn(|| changes.undo()).map(|c| c.from).collect();
        assert_eq!(undone, [Value::Int(25), Value::Int(30)]);
        assert_eq!(changes.redo().map(|c| c.to), Some(Value::Int(25)));
        changes.note(change(25, 7, None));
        assert!(changes.redo().is_none(), "a new change leaves nothing to redo");
    }

    #[test]
    fn back_and_forward_lead_through_what_was_selected() {
        let mut trail = Trail::default();
        let at = |cluster, epoch| Selection { cluster, epoch, ..Selection::default() };
        for selection in
            [at(Some(1), None), at(Some(2), None), at(None, Some(0)), at(Some(5), Some(0)), at(Some(6), Some(0))]
        {
            trail.see(&selection);
        }
        assert_eq!(trail.back().and_then(|s| s.cluster), Some(5), "the heir of cluster 2 in the other epoch");
        assert_eq!(trail.back(), Some(at(Some(1), None)));
        assert_eq!(trail.back(), None);
        assert_eq!(trail.forward().and_then(|s| s.cluster), Some(5));
    }
}
