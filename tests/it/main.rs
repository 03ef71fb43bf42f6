//! All integration tests in one binary, a module a feature.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod gui_theme;
#[path = "support/golden_tensors.rs"]
mod golden;
#[path = "support/prng.rs"]
mod prng;

mod layering;
mod method_cluster;
mod method_evaluate;
mod method_generator;
mod model_attention;
mod model_backbone;
mod model_losses;
mod model_memory;
mod model_optim;
mod run_folder;
mod support;
