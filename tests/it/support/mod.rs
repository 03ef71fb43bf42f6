//! What several features' tests share.

pub mod bench;
pub mod datasets;
pub mod engine;
pub use reid_workbench::data::synthetic::features as gen_features;
pub mod golden;
pub mod play;
pub mod sha256;
pub mod window;
