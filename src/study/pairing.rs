//! Two runs side by side: the same queries, the same images, and what differs.

use std::collections::BTreeMap;

use serde::Serialize;

use super::outline::Outline;
use super::statistics::{Paired, paired, seed_of};
use crate::method::lineage::lineage;
use crate::method::quality::quality;
use crate::run::event::{SnapshotPart, Split};
use crate::run::images::{ImageRow, Images};
use crate::run::snapshot::{RankSnapshot, list, read_labels};

/// People that are listed on either side.
const PEOPLE: usize = 10;

/// The difference of two runs, query by query. **Ground truth.**
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PerQuery {
    /// The run.
    pub run: String,
    /// The run it is compared with.
    pub against: String,
    /// Adaptation epochs done in either.
    pub epochs: [usize; 2],
    /// Difference of AP: each query by itself.
    pub by_query: Paired,
    /// The same where people are drawn with all their queries: the queries of one person are alike, so this is the
    /// interval to trust.
    pub by_person: Paired,
    /// The people it gained most on.
    pub gained: Vec<PersonPair>,
    /// The people it lost most on.
    pub lost: Vec<PersonPair>,
}

/// One person's queries in two runs. **Ground truth.**
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PersonPair {
    /// Identity.
    pub pid: i32,
    /// Queries.
    pub queries: usize,
    /// Mean difference of AP.
    pub difference: f64,
}

/// The clusters of two runs at their last epoch with a clustering.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClusterPair {
    /// The run.
    pub run: String,
    /// The run it is compared with.
    pub against: String,
    /// Adaptation epoch of either, counted from 1.
    pub epochs: [usize; 2],
    /// Adjusted Rand index of the labels at eps, outliers alone; 1 where they are the same.
    pub ari: f64,
    /// Normalised mutual information, likewise.
    pub nmi: f64,
    /// Clusters of the other run that are one here too, image for image or nearly.
    pub kept: usize,
    /// Clusters of the other run that are several here.
    pub split: usize,
    /// Clusters here that are several in the other run.
    pub merged: usize,
    /// Clusters here of images that are outliers in the other run.
    pub born: usize,
    /// Clusters of the other run whose images are outliers here.
    pub died: usize,
    /// Outliers of the other run that are in a cluster here.
    pub won_back: usize,
    /// Images of clusters of the other run that are outliers here.
    pub lost: usize,
}

/// A run with what its comparisons read of it again and again.
pub struct RunSide<'a> {
    /// The run.
    pub run: &'a Outline,
    /// The epochs done at which it is compared.
    pub epoch: usize,
    images: Result<Images, String>,
}

impl<'a> RunSide<'a> {
    /// The run at that many epochs done.
    pub fn new(run: &'a Outline, epoch: usize) -> Self {
        Self { run, epoch, images: Images::read(&run.dir).map_err(|e| e.to_string()) }
    }

    fn images(&self) -> Result<&Images, String> {
        self.images.as_ref().map_err(Clone::clone)
    }
}

/// Whether two lists hold the same images in the same order: folders may have moved, names and identities not.
fn same_images(a: &[ImageRow], b: &[ImageRow]) -> bool {
    let same =
        |a: &ImageRow, b: &ImageRow| a.pid == b.pid && a.camid == b.camid && a.path.file_name() == b.path.file_name();
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
}

/// Compares two runs query by query.
///
/// # Errors
/// A sentence that says why they cannot be paired.
pub fn per_query(side: &RunSide<'_>, against: &RunSide<'_>) -> Result<PerQuery, String> {
    let (images, others) = (side.images()?, against.images()?);
    for (split, what) in [(Split::Query, "queries"), (Split::Gallery, "gallery")] {
        if !same_images(images.split(split), others.split(split)) {
            return Err(format!(
                "{} and {} were not tested on the same {what}, so that they cannot be paired",
                side.run.name, against.run.name
            ));
        }
    }
    let ap = |side: &RunSide<'_>| {
        let read = RankSnapshot::read(&side.run.dir, side.epoch).map(|ranks| ranks.ap);
        read.map_err(|e| format!("{} has no AP by query after {} epochs: {e}", side.run.name, side.epoch))
    };
    let (now, before) = (ap(side)?, ap(against)?);
    let pids: Vec<i32> = images.split(Split::Query).iter().map(|row| row.pid).collect();
    if now.len() != before.len() || now.len() != pids.len() {
        return Err(format!("{} and {} have another number of queries", side.run.name, against.run.name));
    }
    let differences: Vec<f64> = now.iter().zip(&before).map(|(a, b)| a - b).collect();
    let seed = seed_of(&format!("{} {}", side.run.name, against.run.name));
    let none = || format!("no query of {} has a match", side.run.name);
    let (gained, lost) = people(&differences, &pids);
    Ok(PerQuery {
        run: side.run.name.clone(),
        against: against.run.name.clone(),
        epochs: [side.epoch, against.epoch],
        by_query: paired(&differences, None, seed).ok_or_else(none)?,
        by_person: paired(&differences, Some(&pids), seed).ok_or_else(none)?,
        gained,
        lost,
    })
}

/// The people with the largest gain and the largest loss, each side in that order.
fn people(differences: &[f64], pids: &[i32]) -> (Vec<PersonPair>, Vec<PersonPair>) {
    let mut sums: BTreeMap<i32, (usize, f64)> = BTreeMap::new();
    for (d, pid) in differences.iter().zip(pids).filter(|(d, _)| d.is_finite()) {
        let slot = sums.entry(*pid).or_default();
        (slot.0, slot.1) = (slot.0 + 1, slot.1 + d);
    }
    let mut all: Vec<PersonPair> = sums
        .into_iter()
        .map(|(pid, (queries, sum))| PersonPair { pid, queries, difference: sum / queries as f64 })
        .collect();
    all.sort_by(|a, b| b.difference.total_cmp(&a.difference).then(a.pid.cmp(&b.pid)));
    let gained = all.iter().take_while(|p| p.difference > 0.0).take(PEOPLE).cloned().collect();
    let lost = all.iter().rev().take_while(|p| p.difference < 0.0).take(PEOPLE).cloned().collect();
    (gained, lost)
}

/// Compares the clusters of two runs.
///
/// # Errors
/// A sentence that says why they cannot be compared.
pub fn clusters(side: &RunSide<'_>, against: &RunSide<'_>) -> Result<ClusterPair, String> {
    if !same_images(side.images()?.split(Split::Train), against.images()?.split(Split::Train)) {
        return Err(format!(
            "{} and {} did not cluster the same images, so that their clusters cannot be compared",
            side.run.name, against.run.name
        ));
    }
    let newest = |side: &RunSide<'_>| -> Result<(usize, Vec<i32>), String> {
        let known = list(&side.run.dir).into_iter().filter(|(_, parts)| parts.contains(&SnapshotPart::Clusters));
        let epoch = known.map(|(epoch, _)| epoch).max().ok_or_else(|| format!("{} has no clusters", side.run.name))?;
        Ok((epoch, read_labels(&side.run.dir, epoch).map_err(|e| e.to_string())?))
    };
    let ((epoch, here), (other_epoch, there)) = (newest(side)?, newest(against)?);
    let agreement = quality(&here, &there);
    let line = lineage(&there, &here);
    Ok(ClusterPair {
        run: side.run.name.clone(),
        against: against.run.name.clone(),
        epochs: [epoch + 1, other_epoch + 1],
        ari: agreement.ari,
        nmi: agreement.nmi,
        kept: line.kept.len(),
        split: line.split.len(),
        merged: line.merged.len(),
        born: line.born.len(),
        died: line.died.len(),
        won_back: line.won_back.len(),
        lost: line.lost.len(),
    })
}
