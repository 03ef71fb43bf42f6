//! Where to compute.
