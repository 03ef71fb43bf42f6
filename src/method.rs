//! The paper's method as pure functions over `f32` slices. No tensors, no files, no clocks, no globals.

pub mod cluster;
pub mod evaluate;
pub mod params;
pub mod quality;
pub mod smooth;
