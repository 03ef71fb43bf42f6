//! The command line: one file a sub-command, the same parameters as the window.
//!
//! Results are JSON on stdout; progress and notes go to stderr. Exit codes: 0 done, 1 failed, 2 bad input or
//! usage ([`error::UsageError`]), 130 interrupted.

pub mod cluster;
pub mod error;
pub mod evaluate;
mod progress;
pub mod tensors;
//! See docs/ARCHITECTURE.md.

pub mod datasets;
pub mod error;
