//! All integration tests in one binary, a module a feature.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cli_cluster;
mod cli_evaluate;
mod layering;
mod method_cluster;
mod method_evaluate;
mod method_generator;
mod method_lineage;
mod method_properties;
mod method_refine;
mod method_rerank;
mod support;
