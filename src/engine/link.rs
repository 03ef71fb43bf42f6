//! What a run needs from the outside.

use std::path::Path;
use std::sync::Arc;

use super::command::RequestId;
use super::control::Control;
use super::event::Severity;
use super::outbox::Outbox;
use super::rehearsal::Rehearsal;
use crate::run::error::RunError;
use crate::run::questions::{self, NetAnswer};

/// What is asked, and where to answer.
pub struct Link {
    /// Commands.
    pub control: Arc<Control>,
    /// Events.
    pub outbox: Outbox,
    /// Faults to play.
    pub rehearsal: Rehearsal,
}

impl Link {
    /// Answers a question to the network of the run in `folder`: to whoever listens here, or by a file where it was
    /// asked from outside.
    ///
    /// # Errors
    /// When the answer cannot be told here.
    pub fn answer(&mut self, id: &RequestId, folder: &Path, answer: NetAnswer) -> Result<(), RunError> {
        if self.control.was_asked_outside(id) {
            if let Err(e) = questions::put(folder, id, &answer) {
                self.outbox.notice(Severity::Warning, "A question from outside could not be answered", e.to_string());
            }
            return Ok(());
        }
        match answer {
            Ok(event) => self.outbox.emit(event),
            Err(why) => {
                self.outbox.refuse(id, why);
                Ok(())
            }
        }
    }
}
