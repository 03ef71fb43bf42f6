//! All integration tests in one binary, a module a feature.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/golden_tensors.rs"]
mod golden;
mod gui_shell;
mod gui_theme;
#[path = "support/prng.rs"]
mod prng;

mod cli_cluster;
mod cli_evaluate;
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
mod sample_run;
mod method_lineage;
mod method_properties;
mod method_refine;
mod method_rerank;
mod support;
mod view_model;
mod model_speed;
mod model_weights;
