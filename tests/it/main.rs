//! All integration tests in one binary, a module a feature.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod layering;
mod method_cluster;
mod method_evaluate;
mod method_generator;
mod support;
