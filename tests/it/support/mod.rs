//! Helpers of the tests.

pub mod play;
