//! What was looked at, one after the other: the list of queries first, then single images.

use crate::engine::event::RankQuery;

/// Images kept.
const KEPT: usize = 64;

/// A way back and forth.
#[derive(Debug, Default)]
pub struct History {
    visited: Vec<RankQuery>,
    /// How far along; 0 is the list of queries.
    at: usize,
}

impl History {
    /// The image looked at; `None` while that is the list alone.
    pub fn current(&self) -> Option<&RankQuery> {
        self.visited.get(self.at.checked_sub(1)?)
    }

    /// Looks at that image next; what lay ahead is forgotten.
    pub fn go(&mut self, query: RankQuery) {
        if self.current() == Some(&query) {
            return;
        }
        self.visited.truncate(self.at);
        self.visited.push(query);
        let surplus = self.visited.len().saturating_sub(KEPT);
        self.visited.drain(..surplus);
        self.at = self.visited.len();
    }

    /// Whether there is something before.
    pub fn has_back(&self) -> bool {
        self.at > 0
    }

    /// Whether there is something ahead.
    pub fn has_forward(&self) -> bool {
        self.at < self.visited.len()
    }

    /// One back.
    pub fn back(&mut self) {
        self.at = self.at.saturating_sub(1);
    }

    /// One forward.
    pub fn forward(&mut self) {
        self.at = (self.at + 1).min(self.visited.len());
    }

    /// To the list alone; the images stay ahead.
    pub fn home(&mut self) {
        self.at = 0;
    }
}
