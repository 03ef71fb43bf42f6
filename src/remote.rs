//! A run folder on another machine: a relay at its end, a mirror at this one, ssh's standard streams between them.
//!
//! ```text
//! panels ── an ordinary run folder, in the cache ── mirror ── line ══ ssh ══ relay ── the run folder
//! ```
//! Events are streamed; snapshots and pictures are brought when somebody opens them ([`crate::base::supply`]) and kept
//! within a bound. No port is opened and no password is asked for: who may log in there may do what can be done here.

pub mod address;
pub mod fetch;
pub mod frame;
pub mod hosts;
pub mod line;
pub mod mirror;
pub mod photos;
pub mod pool;
pub mod protocol;
pub mod relay;
pub mod root;
pub mod rsync;
pub mod setup;
pub mod shelf;

pub use address::Address;
