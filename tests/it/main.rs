//! All integration tests in one binary, a module a feature.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/golden_tensors.rs"]
mod golden;
#[path = "support/prng.rs"]
mod prng;

mod cli_cluster;
mod cli_evaluate;
mod cli_train;
mod data_check;
mod data_golden;
mod data_kit;
mod data_layouts;
mod data_loader;
mod data_registry;
mod data_sampler;
mod data_synthetic;
mod engine_parts;
mod engine_run;
mod export;
mod gui_map;
mod gui_panels;
mod gui_run;
mod gui_shell;
mod gui_theme;
mod gui_what_if;
mod layering;
mod method_cluster;
mod method_embed;
mod method_evaluate;
mod method_generator;
mod method_lineage;
mod method_properties;
mod method_refine;
mod method_rerank;
mod model_attention;
mod model_backbone;
mod model_device;
mod model_losses;
mod model_memory;
mod model_net;
mod model_optim;
mod model_speed;
mod model_weights;
mod run_folder;
mod sample_run;
mod support;
mod view_model;
mod window;
