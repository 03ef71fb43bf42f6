//! CMC and mAP without sorting whole rows, in blocks of queries.

use serde::{Deserialize, Serialize};

/// Retrieval quality on a test set, fractions in 0..=1. **Ground truth.**
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(non_snake_case)]
pub struct Retrieval {
    /// Mean average precision, mean of precision at each match (torchreid's form).
    pub mAP: f64,
    /// The trapezoid form of the official Market-1501 script.
    pub mAP_trapezoid: f64,
    /// CMC at ranks 1, 5, 10 and 20.
    pub cmc: [f64; 4],
    /// Queries that have a match in the gallery; only these count.
    pub valid_queries: usize,
    /// All queries.
    pub queries: usize,
}
