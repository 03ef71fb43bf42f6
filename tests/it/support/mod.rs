//! What several features' tests share.

pub mod bench;
pub mod datasets;
pub mod dropped;
pub mod engine;
pub use reid_workbench::data::synthetic::features as gen_features;
pub mod golden;
pub mod noise;
pub mod play;
pub mod python;
pub mod sha256;
pub mod ssh;
pub mod torch_save;
pub mod window;

/// Says on the terminal itself that a test, or a part of one, was not run: what a passing test prints is hidden.
pub fn skipped(what: &str, why: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "\nSKIPPED: {what}, because {why}");
}
