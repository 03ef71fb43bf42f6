//! All integration tests in one binary, a module a feature.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/golden.rs"]
mod golden;
#[path = "support/prng.rs"]
mod prng;

mod layering;
mod model_attention;
mod model_backbone;
mod model_device;
mod model_losses;
mod model_memory;
mod model_net;
mod model_optim;
mod model_speed;
mod model_weights;
