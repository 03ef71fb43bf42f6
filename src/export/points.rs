//! Points of the cluster map as a table.

use std::path::Path;

use serde::Serialize;

use super::ExportError;
use crate::base::fs::atomic_write;

/// One image of the map.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PointRow {
    /// Row of the train split.
    pub row: u32,
    /// Its file; empty when the run does not say.
    pub path: String,
    /// **Ground truth**: its identity; empty when it is not known or not to be shown.
    pub pid: Option<i32>,
    /// Its camera, 0-based; empty when the run does not say.
    pub camid: Option<i32>,
    /// Its cluster at eps; −1 is noise.
    pub cluster: i32,
    /// Its score.
    pub score: f64,
    /// Where it lies in the layout shown.
    pub x: f32,
    /// As `x`.
    pub y: f32,
}

/// Writes a CSV file of points, with a head line.
///
/// # Errors
/// Those of the file system; an older file is then untouched.
pub fn points(rows: &[PointRow], out: &Path) -> Result<(), ExportError> {
    atomic_write(out, |file| {
        let mut csv = csv::Writer::from_writer(file);
        for row in rows {
            csv.serialize(row).map_err(std::io::Error::other)?;
        }
        csv.flush()
    })
    .map_err(|source| ExportError::Write { path: out.to_owned(), source })
}
