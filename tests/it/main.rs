//! All integration tests in one binary, a module a feature.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod export;
#[path = "support/golden_tensors.rs"]
mod golden;
mod gui_panels;
mod gui_shell;
mod gui_theme;
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
mod sample_run;
mod support;
mod view_model;
