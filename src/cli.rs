//! The command line: one file a sub-command, the same parameters as the window.

pub mod error;
pub mod export;
