//! Runs that wait for their turn: one begins when the run before it has ended.

pub mod keep;

use std::path::Path;

use crate::engine::command::RunRequest;
use crate::gui::setting;

/// A run that waits.
#[derive(Clone, Debug, PartialEq)]
pub struct Queued {
    /// Names it among the others.
    pub number: u64,
    /// What is to be run.
    pub request: RunRequest,
}

impl Queued {
    /// What it is called until it has a folder: its method, and what differs by hand.
    pub fn name(&self) -> String {
        let params = &self.request.params;
        let method = setting::method_of(params).map_or("own", setting::title);
        match setting::by_hand_words(params) {
            by_hand if by_hand.is_empty() => method.to_owned(),
            by_hand => format!("{method}, {by_hand}"),
        }
    }
}

/// The runs that wait, the next one first.
#[derive(Debug, Default)]
pub struct RunQueue {
    runs: Vec<Queued>,
    count: u64,
    version: u64,
    /// A hand has stopped a run: those that wait begin when it says so.
    held: bool,
}

impl RunQueue {
    /// The runs that wait, the next one first.
    pub fn runs(&self) -> &[Queued] {
        &self.runs
    }

    /// Whether they wait for a hand, not for a run.
    pub fn is_held(&self) -> bool {
        self.held
    }

    /// Differs once other runs wait than before.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Puts a run at the end; how many wait then.
    pub fn push(&mut self, request: RunRequest) -> usize {
        self.count += 1;
        self.version += 1;
        self.runs.push(Queued { number: self.count, request });
        self.runs.len()
    }

    /// Takes a run out.
    pub fn remove(&mut self, number: u64) {
        self.runs.retain(|run| run.number != number);
        self.held &= !self.runs.is_empty();
        self.version += 1;
    }

    /// Takes all of them out.
    pub fn clear(&mut self) {
        self.runs.clear();
        self.held = false;
        self.version += 1;
    }

    /// What was stopped by hand is not followed by something else.
    pub fn hold(&mut self) {
        self.held = !self.runs.is_empty();
    }

    /// The next run, which is taken out.
    pub fn take_next(&mut self) -> Option<RunRequest> {
        self.held = false;
        self.version += 1;
        (!self.runs.is_empty()).then(|| self.runs.remove(0).request)
    }

    /// Whether one of them is to lie in that folder.
    pub fn wants(&self, folder: &Path) -> bool {
        self.runs.iter().any(|run| run.request.out == folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_wait_in_their_order_and_for_a_hand_after_a_stop() {
        let mut queue = RunQueue::default();
        let run = |name: &str| RunRequest::resume(name.into());
        assert_eq!([queue.push(run("a")), queue.push(run("b")), queue.push(run("c"))], [1, 2, 3]);
        assert!(queue.wants(Path::new("b")) && !queue.wants(Path::new("d")));
        queue.remove(queue.runs()[1].number);
        queue.hold();
        assert!(queue.is_held());
        assert_eq!(queue.take_next().map(|r| r.out), Some("a".into()));
        assert!(!queue.is_held(), "a hand has said so");
        assert_eq!(queue.take_next().map(|r| r.out), Some("c".into()));
        assert_eq!(queue.take_next(), None);
    }
}
