//! The run folder: append-only, the one source for window, command line and export.

pub mod event;
