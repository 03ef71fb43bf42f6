//! All integration tests in one binary, a module a feature.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/golden_tensors.rs"]
mod golden;
#[path = "support/prng.rs"]
mod prng;

mod gui_theme;
mod layering;
mod method_cluster;
mod method_evaluate;
mod method_generator;
mod model_attention;
mod model_backbone;
mod model_device;
mod model_losses;
mod model_memory;
mod model_net;
mod model_optim;
mod run_folder;
mod support;
mod sample_run;
mod view_model;
mod model_speed;
mod model_weights;
