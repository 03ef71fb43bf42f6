//! Commands in, events out: the worker thread and its state machine.

pub mod command;
pub mod event;
