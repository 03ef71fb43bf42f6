//! What panels read of a run: the view that [`crate::run::view`] folds from its events, and snapshots read beside the
//! window.

pub mod snapshots;

pub use crate::run::view::*;
pub use snapshots::{Loaded, Snapshots};
