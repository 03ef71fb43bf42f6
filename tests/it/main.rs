//! All integration tests in one binary, a module a feature.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod data_check;
mod data_golden;
mod data_kit;
mod data_layouts;
mod data_loader;
mod data_registry;
mod data_sampler;
mod data_synthetic;
mod layering;
