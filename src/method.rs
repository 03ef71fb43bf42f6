//! The paper's method as pure functions over `f32` slices. No tensors, no files, no clocks, no globals.
//!
//! The way through, as [`pipeline`] goes it: [`knn`] → [`jaccard`] → [`labels`] ([`dbscan`] at three radii) → [`score`]
//! (Eq. 8) → [`cluster`] (thresholds, refinement) → pseudo-labels; and [`evaluate`], with [`rerank`] before it, for
//! the test set.

mod ascending;
pub mod cluster;
pub mod dbscan;
pub mod draws;
pub mod embed;
pub mod error;
pub mod evaluate;
pub mod gain;
pub mod graph;
pub mod hand;
pub mod ivf;
pub mod jaccard;
pub mod knn;
pub mod label_free;
pub mod labels;
pub mod lineage;
mod pairs;
pub mod params;
pub mod pipeline;
mod product;
pub mod quality;
mod ranking;
mod reciprocal;
pub mod rerank;
pub mod roc;
pub mod rows;
pub mod score;
pub mod smooth;
pub mod sweep;
pub mod tree;
mod wide;
