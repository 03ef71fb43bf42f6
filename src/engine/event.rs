//! What the engine says. The types live with the run folder, which stores them.

pub use crate::run::event::*;
