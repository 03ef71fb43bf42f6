//! All integration tests in one binary, a module a feature.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod export;
mod gui_panels;
mod gui_theme;
mod layering;
mod run_folder;
mod sample_run;
mod view_model;
