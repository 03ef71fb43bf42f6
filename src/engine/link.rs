//! What a run needs from the outside.

use std::sync::Arc;

use super::control::Control;
use super::outbox::Outbox;
use super::rehearsal::Rehearsal;

/// What is asked, and where to answer.
pub struct Link {
    /// Commands.
    pub control: Arc<Control>,
    /// Events.
    pub outbox: Outbox,
    /// Faults to play.
    pub rehearsal: Rehearsal,
}
