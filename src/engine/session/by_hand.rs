//! What people say of single images.

use super::Session;
use crate::base::text::capitalised;
use crate::engine::command::RequestId;
use crate::engine::error::EngineError;
use crate::engine::event::{Event, Severity};
use crate::engine::link::Link;
use crate::method::hand::{Hand, HandEdit, ResolvedHand};
use crate::method::labels;
use crate::run::hand::write_hand;

impl Session {
    /// What follows from all that was said; `None` where nothing was.
    ///
    /// # Errors
    /// When it does not hold together for this target.
    pub fn resolved_hand(&self) -> Result<Option<ResolvedHand>, EngineError> {
        let n = self.setup.target.dataset.train.len();
        match self.hand.is_empty() {
            true => Ok(None),
            false => self.hand.resolved(n).map(Some).map_err(EngineError::Refused),
        }
    }

    /// Takes in what is said, for the next clustering.
    ///
    /// # Errors
    /// When the run folder is gone.
    pub(super) fn say(&mut self, id: &RequestId, edit: HandEdit, link: &mut Link) -> Result<(), EngineError> {
        if !labels::of(self.params()).has_radii() {
            link.outbox.refuse(id, "This run gives labels by k-means, which knows no distances to edit.");
            return Ok(());
        }
        let mut hand = self.hand.clone();
        match hand.say(edit.clone(), self.setup.target.dataset.train.len()) {
            Ok(()) => self.keep_hand(id, hand, Event::Hand { edit, undone: false }, link),
            Err(why) => {
                link.outbox.refuse(id, why);
                Ok(())
            }
        }
    }

    /// Takes back what was said last.
    ///
    /// # Errors
    /// When the run folder is gone.
    pub(super) fn unsay(&mut self, id: &RequestId, link: &mut Link) -> Result<(), EngineError> {
        let mut hand = self.hand.clone();
        match hand.undo() {
            Some(edit) => self.keep_hand(id, hand, Event::Hand { edit, undone: true }, link),
            None => {
                link.outbox.refuse(id, "Nothing was said of single images.");
                Ok(())
            }
        }
    }

    /// On the disk first: what is told of counts after a crash, too.
    fn keep_hand(&mut self, id: &RequestId, hand: Hand, event: Event, link: &mut Link) -> Result<(), EngineError> {
        if let Err(error) = write_hand(&self.folder, &hand) {
            link.outbox.refuse(id, format!("It could not be kept: {error}"));
            return Ok(());
        }
        self.hand = hand;
        if let Event::Hand { edit, undone } = &event {
            let title = if *undone { "Taken back" } else { "Said by hand" };
            let text = format!(
                "{}: it counts from the next clustering on. The run is marked as touched by hand, which is not \
                 unsupervised.",
                capitalised(&edit.words())
            );
            link.outbox.notice(Severity::Info, title, text);
        }
        link.outbox.emit(event)?;
        link.outbox.accept(id);
        Ok(())
    }
}
