//! Since which epoch each cluster has been there, read from the snapshots of a run.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::method::lineage::births;
use crate::run::snapshot::read_labels;

/// Births of the clusters of epochs, each with the number of the event that announced the snapshot: `[C]` the epoch,
/// from 0, since which each cluster has been there by its main origins.
pub type Known = BTreeMap<usize, (u64, Arc<Vec<usize>>)>;

/// Goes on from the last epoch whose births are known to the last of `todo`.
///
/// # Errors
/// When the labels of an epoch cannot be read.
pub fn walk(folder: &Path, todo: &[(usize, u64)], known: &Known) -> Result<Known, String> {
    let is_known = |(epoch, seq): &(usize, u64)| known.get(epoch).is_some_and(|(at, _)| at == seq);
    let first = todo.iter().take_while(|t| is_known(t)).count();
    let labels = |epoch: usize| read_labels(folder, epoch).map_err(|e| e.to_string());
    let mut found = Known::new();
    let (mut earlier, mut before) = match first.checked_sub(1).map(|at| todo[at]) {
        Some((epoch, _)) if first < todo.len() => (labels(epoch)?, known[&epoch].1.as_ref().clone()),
        _ => (Vec::new(), Vec::new()),
    };
    for &(epoch, seq) in &todo[first..] {
        let later = labels(epoch)?;
        // Before the first clustering every image was on its own.
        earlier.resize(later.len(), -1);
        before = births(&earlier, &before, &later, epoch);
        found.insert(epoch, (seq, Arc::new(before.clone())));
        earlier = later;
    }
    Ok(found)
}
