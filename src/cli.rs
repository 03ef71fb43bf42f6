//! See docs/ARCHITECTURE.md.

pub mod datasets;
pub mod error;
