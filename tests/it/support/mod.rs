//! What several features' tests share.

pub mod datasets;
pub mod engine;
pub mod gen_features;
pub mod golden;
pub mod play;
pub mod sha256;
