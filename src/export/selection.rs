//! A selection of images as a list of files with their labels, for other programs.

use std::path::Path;

use serde::Serialize;

use super::{ExportError, write};
use crate::base::supply::is_there;
use crate::run::RunReader;
use crate::run::event::{ImageRef, SnapshotPart, Split};
use crate::run::images::Images;
use crate::run::snapshot::{ClusterSnapshot, RankSnapshot, list, part_path};

/// Which images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChosenImages {
    /// The members of a cluster.
    Cluster(u32),
    /// Training images in no cluster.
    Outliers,
    /// Queries whose nearest counted gallery image is somebody else. **Ground truth.**
    WrongQueries,
}

/// One image of the list.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Selected {
    /// `train` or `query`.
    pub split: String,
    /// Its row of the split.
    pub index: u32,
    /// Its file; empty when the run does not say.
    pub path: String,
    /// **Ground truth**: its identity.
    pub pid: Option<i32>,
    /// Its camera, 0-based.
    pub camid: Option<i32>,
    /// Its cluster at eps; −1 is noise.
    pub cluster: Option<i32>,
    /// Its label after refinement; −1 is an outlier.
    pub pseudo_label: Option<i32>,
    /// Its score, Eq. 8.
    pub score: Option<f64>,
    /// Of a query: average precision.
    pub ap: Option<f64>,
    /// Of a query: rank of its first match.
    pub first_match: Option<u32>,
}

/// Why a selection is empty or cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SelectionError {
    /// As other exports.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// There is no such epoch, cluster or evaluation in the run.
    #[error("{0}")]
    NotThere(String),
}

impl From<crate::run::RunError> for SelectionError {
    fn from(error: crate::run::RunError) -> Self {
        Self::Export(error.into())
    }
}

/// Writes the chosen images as CSV with a head line, and says how many there are. `epoch` counts from 1 as in the
/// window (0: the source-only model, which has queries only); the newest without it.
///
/// # Errors
/// When the run cannot be read or has no such epoch or cluster, or the file cannot be written.
pub fn selection(run: &Path, chosen: ChosenImages, epoch: Option<usize>, out: &Path) -> Result<usize, SelectionError> {
    RunReader::open(run)?;
    let rows = rows(run, chosen, epoch)?;
    let mut csv = csv::Writer::from_writer(Vec::new());
    let failed = |e: csv::Error| ExportError::Write { path: out.to_owned(), source: std::io::Error::other(e) };
    for row in &rows {
        csv.serialize(row).map_err(failed)?;
    }
    if rows.is_empty() {
        // An empty list says which columns it would have.
        csv.serialize(Selected::default()).map_err(failed)?;
    }
    let mut bytes = csv
        .into_inner()
        .map_err(|e| ExportError::Write { path: out.to_owned(), source: std::io::Error::other(e.to_string()) })?;
    if rows.is_empty() {
        let head = bytes.iter().position(|&b| b == b'\n').map_or(bytes.len(), |at| at + 1);
        bytes.truncate(head);
    }
    write(out, &bytes)?;
    Ok(rows.len())
}

/// The images of a selection, in their split's order.
///
/// # Errors
/// As [`selection`].
pub fn rows(run: &Path, chosen: ChosenImages, epoch: Option<usize>) -> Result<Vec<Selected>, SelectionError> {
    let images = Images::read(run).unwrap_or_default();
    match chosen {
        ChosenImages::WrongQueries => wrong_queries(run, &images, epoch),
        ChosenImages::Cluster(_) | ChosenImages::Outliers => members(run, &images, chosen, epoch),
    }
}

/// The epoch asked for among those that have the part, counted as their folders are.
fn found(run: &Path, part: SnapshotPart, folder: Option<usize>, shown: Option<usize>) -> Result<usize, SelectionError> {
    let what = if part == SnapshotPart::Ranks { "evaluation" } else { "clustering" };
    match (folder, shown) {
        (Some(epoch), _) if is_there(&part_path(run, epoch, part)) => Ok(epoch),
        (_, Some(shown)) => Err(SelectionError::NotThere(format!("the run has no {what} of epoch {shown}"))),
        (_, None) => {
            let newest = list(run).into_iter().rev().find(|(_, parts)| parts.contains(&part));
            newest.map(|(epoch, _)| epoch).ok_or_else(|| SelectionError::NotThere(format!("the run has no {what} yet")))
        }
    }
}

fn base(images: &Images, split: Split, index: u32) -> Selected {
    let row = images.get(ImageRef { split, index });
    Selected {
        split: if split == Split::Query { "query" } else { "train" }.to_owned(),
        index,
        path: row.map_or_else(String::new, |row| row.path.display().to_string()),
        pid: row.map(|row| row.pid),
        camid: row.map(|row| row.camid),
        ..Selected::default()
    }
}

fn members(
    run: &Path,
    images: &Images,
    chosen: ChosenImages,
    epoch: Option<usize>,
) -> Result<Vec<Selected>, SelectionError> {
    let at = found(run, SnapshotPart::Clusters, epoch.and_then(|e| e.checked_sub(1)), epoch)?;
    let snapshot = ClusterSnapshot::read(run, at)?;
    let count = snapshot.labels.iter().max().map_or(0, |top| (top + 1).max(0));
    let wanted = match chosen {
        ChosenImages::Cluster(cluster) if i64::from(cluster) < i64::from(count) => cluster as i32,
        ChosenImages::Cluster(cluster) => {
            let words = format!("the run has no cluster {cluster}; the epoch has {count}, counted from 0");
            return Err(SelectionError::NotThere(words));
        }
        _ => -1,
    };
    let rows = (0u32..).zip(&snapshot.labels).filter(|(_, label)| (**label).max(-1) == wanted);
    Ok(rows
        .map(|(i, label)| Selected {
            cluster: Some(*label),
            pseudo_label: snapshot.pseudo_labels.get(i as usize).copied(),
            score: snapshot.score.get(i as usize).copied(),
            ..base(images, Split::Train, i)
        })
        .collect())
}

fn wrong_queries(run: &Path, images: &Images, epoch: Option<usize>) -> Result<Vec<Selected>, SelectionError> {
    let at = found(run, SnapshotPart::Ranks, epoch, epoch)?;
    let ranks = RankSnapshot::read(run, at)?;
    let first = |q: usize| ranks.matches(q).map(|m| m.rank).min();
    let wrong = (0..ranks.queries()).filter(|&q| first(q).is_some_and(|rank| rank > 1));
    Ok(wrong
        .map(|q| Selected { ap: Some(ranks.ap[q]), first_match: first(q), ..base(images, Split::Query, q as u32) })
        .collect())
}

/// Reads `cluster=3`, `outliers` or `wrong-queries`.
///
/// # Errors
/// A sentence when it is none of them.
pub fn chosen(text: &str) -> Result<ChosenImages, String> {
    match text.split_once('=') {
        Some(("cluster", number)) => number.parse().ok().map(ChosenImages::Cluster),
        None if text == "outliers" => Some(ChosenImages::Outliers),
        None if text == "wrong-queries" => Some(ChosenImages::WrongQueries),
        _ => None,
    }
    .ok_or_else(|| "write cluster=3, outliers or wrong-queries".to_owned())
}
