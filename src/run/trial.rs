//! One trial of a sweep as a row: what lists, tables and plots of many runs are made of.

use std::path::PathBuf;

use serde::Serialize;

/// One trial's row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrialRow {
    /// Its number.
    pub trial: usize,
    /// What sets it apart: key and value.
    pub settings: Vec<(String, String)>,
    /// Its run folder.
    pub run: PathBuf,
    /// Where it stands.
    pub state: &'static str,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Adaptation epochs done.
    pub epoch: usize,
    /// Adaptation epochs planned.
    pub epochs: usize,
    /// mAP at its last evaluation, as a fraction. **Ground truth.**
    #[serde(rename = "mAP")]
    pub map: Option<f64>,
    /// Rank-1 likewise.
    #[serde(rename = "rank-1")]
    pub rank1: Option<f64>,
    /// Rank-5 likewise.
    #[serde(rename = "rank-5")]
    pub rank5: Option<f64>,
    /// Rank-10 likewise.
    #[serde(rename = "rank-10")]
    pub rank10: Option<f64>,
    /// The best mAP over its epochs by the target's test labels: an oracle.
    pub best_oracle: Option<f64>,
    /// Silhouette of its last clusters on the Jaccard graph: needs no truth.
    pub silhouette: Option<f64>,
    /// Seconds of work.
    pub seconds: f64,
}
