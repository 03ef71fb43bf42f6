//! What can be undone, and where one can go back to.

use egui_tiles::Tree;

use crate::gui::command::WorkLayout;
use crate::gui::panels::{Pane, Selection};
use crate::method::params::Value;

/// Steps kept.
const KEPT: usize = 200;

/// A change made by hand.
#[derive(Clone, Debug, PartialEq)]
pub enum HandChange {
    /// Of a parameter.
    Param {
        /// Its key.
        key: String,
        /// The value before.
        from: Value,
        /// The value after.
        to: Value,
    },
    /// Of where the panels stand: one was moved, hidden, or a splitter between them was.
    Panels {
        /// In which layout.
        layout: WorkLayout,
        /// The arrangement before.
        from: Box<Tree<Pane>>,
        /// The arrangement after.
        to: Box<Tree<Pane>>,
    },
    /// Of the widths of the columns and the height of the log, in points.
    Sizes {
        /// Those before.
        from: [f32; 3],
        /// Those after.
        to: [f32; 3],
    },
}

impl HandChange {
    /// Takes a later change of the same thing into this one; whether it was of the same thing.
    fn goes_on(&mut self, later: &Self) -> bool {
        match (self, later) {
            (Self::Param { key, to, .. }, Self::Param { key: same, to: end, .. }) if key == same => to.clone_from(end),
            (Self::Panels { layout, to, .. }, Self::Panels { layout: same, to: end, .. }) if layout == same => {
                to.clone_from(end);
            }
            (Self::Sizes { to, .. }, Self::Sizes { to: end, .. }) => *to = *end,
            _ => return false,
        }
        true
    }
}

/// Changes made by hand, for undo and redo, each with the time at which the drag that made it began, if it was one: all
/// of a drag is one step.
#[derive(Debug, Default)]
pub struct Changes {
    done: Vec<(HandChange, Option<f64>)>,
    undone: Vec<(HandChange, Option<f64>)>,
}

impl Changes {
    /// Notes a change that was just made; what was undone before cannot be redone any more.
    pub fn note(&mut self, change: HandChange, drag: Option<f64>) {
        self.undone.clear();
        if let Some((last, of)) = self.done.last_mut()
            && drag.is_some()
            && *of == drag
            && last.goes_on(&change)
        {
            return;
        }
        self.done.push((change, drag));
        let surplus = self.done.len().saturating_sub(KEPT);
        self.done.drain(..surplus);
    }

    /// The change to take back, if there is one.
    pub fn undo(&mut self) -> Option<HandChange> {
        let step = self.done.pop()?;
        self.undone.push(step.clone());
        Some(step.0)
    }

    /// The change to make again, if there is one.
    pub fn redo(&mut self) -> Option<HandChange> {
        let step = self.undone.pop()?;
        self.done.push(step.clone());
        Some(step.0)
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

    fn change(key: &str, from: i64, to: i64) -> HandChange {
        HandChange::Param { key: key.to_owned(), from: Value::Int(from), to: Value::Int(to) }
    }

    #[test]
    fn a_drag_is_one_step() {
        let mut changes = Changes::default();
        changes.note(change("k1", 30, 29), Some(1.0));
        changes.note(change("k1", 29, 25), Some(1.0));
        changes.note(HandChange::Sizes { from: [1.0; 3], to: [2.0; 3] }, Some(5.0));
        changes.note(HandChange::Sizes { from: [2.0; 3], to: [3.0; 3] }, Some(5.0));
        changes.note(change("k1", 25, 20), Some(9.0));
        assert_eq!(changes.undo(), Some(change("k1", 25, 20)));
        assert_eq!(changes.undo(), Some(HandChange::Sizes { from: [1.0; 3], to: [3.0; 3] }));
        assert_eq!(changes.undo(), Some(change("k1", 30, 25)));
        assert_eq!(changes.undo(), None);
        assert_eq!(changes.redo(), Some(change("k1", 30, 25)));
        changes.note(change("k1", 25, 7), None);
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
