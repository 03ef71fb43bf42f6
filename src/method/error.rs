//! Why a computation of the method could not be done.

pub use crate::base::tick::{Tick, no_tick};

/// Why a computation of the method could not be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MethodError {
    /// Two inputs do not fit together, or one is malformed.
    #[error("{what}: expected {expected}, found {found}")]
    BadShape {
        /// Which input.
        what: &'static str,
        /// What it should have been.
        expected: String,
        /// What it was.
        found: String,
    },
    /// Features hold NaN or infinity, or values whose squares leave `f32`.
    #[error("{count} feature rows hold NaN, infinite or overflowing values, the first is row {row}")]
    NotFinite {
        /// The first such row, from 0.
        row: usize,
        /// How many rows there are.
        count: usize,
    },
    /// The caller's tick said stop.
    #[error("cancelled")]
    Cancelled,
}

impl MethodError {
    /// A [`MethodError::BadShape`] from anything that prints.
    pub(crate) fn shape(what: &'static str, expected: impl ToString, found: impl ToString) -> Self {
        Self::BadShape { what, expected: expected.to_string(), found: found.to_string() }
    }
}
