//! The run folder: append-only, the one source for window, command line and export.
//!
//! ```text
//! manifest.json   what the run is            params.toml   its parameters at the start
//! events.jsonl    one event a line           images.csv    the target's images, by split and index
//! epochs/NNNN/    what an epoch computed     checkpoints/  the engine's
//! features.safetensors   of the newest clustering
//! commands/       requests from outside      heartbeat     who trains it just now
//! answers/        to questions among them, until whoever asked has read them
//! summary.json    a few numbers for lists, made anew when the log has grown
//! label.json      what people call the run, and what they noted about it
//! hand.json       what people said of single images, where they did
//! ```
//! Whole files are written to a temporary file, synced and renamed ([`crate::base::fs::atomic_write`]); `events.jsonl`
//! only grows, and a line cut short by a crash is noticed, reported and skipped.

pub mod checkpoints;
pub mod error;
pub mod event;
pub mod example;
pub mod folder;
pub mod graph;
pub mod hand;
pub mod images;
pub mod label;
pub mod lock;
pub mod log;
pub mod manifest;
pub mod pulse;
pub mod questions;
pub mod reader;
pub mod requests;
pub mod snapshot;
pub mod store;
pub mod summary;
pub mod training;
pub mod trial;
pub mod view;

pub use error::RunError;
pub use folder::RunWriter;
pub use manifest::Manifest;
pub use reader::{RunReader, Tail};
pub use trial::TrialRow;
pub use view::RunView;
