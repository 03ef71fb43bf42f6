//! Events folded into what the tiles read.

use crate::engine::event::Stamped;

/// What the run has told so far, as the tiles need it.
#[derive(Default)]
pub struct ViewModel {}

impl ViewModel {
    /// Takes in the next event.
    pub fn fold(&mut self, _stamped: &Stamped) {}
}
