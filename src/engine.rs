//! Commands in, events out: the worker thread and its state machine.

pub mod command;
pub mod control;
pub mod error;
pub mod event;
pub mod feature_run;
pub mod features;
pub mod import;
pub mod link;
pub mod oracle;
pub mod outbox;
pub mod pretrained;
pub mod rehearsal;
pub mod seeds;
pub mod settings;
pub mod trained;
pub mod worker;

mod adapt;
mod checkpoint;
mod clustering;
mod cure;
mod domain;
mod draw;
mod evaluation;
mod matching;
mod meter;
mod network;
mod objective;
mod open;
mod owed;
mod pretrain;
mod ranked;
mod recorder;
mod session;
mod setup;
mod step;
mod training;
