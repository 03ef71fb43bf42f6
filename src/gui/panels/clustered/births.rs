//! Since which epoch each cluster has been there, read from the snapshots of a run on a thread of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use eframe::egui;

use crate::gui::job::Job;
use crate::gui::view_model::{Part, ViewModel};
use crate::method::lineage::births;
use crate::run::snapshot::read_labels;

/// Births of one epoch's clusters, with the number of the event that announced the snapshot.
type Known = BTreeMap<usize, (u64, Arc<Vec<usize>>)>;

/// The epochs of birth, kept while a run is looked at.
#[derive(Default)]
pub struct Births {
    folder: Option<PathBuf>,
    known: Known,
    job: Job<(PathBuf, Result<Known, String>)>,
    failed: Option<(usize, u64)>,
}

impl Births {
    /// `[C]` the epoch, from 0, since which each cluster of `epoch` has been there by its main origins; `None`
    /// until that is known.
    pub fn get(&mut self, ctx: &egui::Context, view: &ViewModel, epoch: usize) -> Option<Arc<Vec<usize>>> {
        let folder = view.folder.as_ref()?;
        let seq = *view.snapshots.get(&(epoch, Part::Clusters))?;
        if self.folder.as_ref() != Some(folder) {
            *self = Self { folder: Some(folder.clone()), ..Self::default() };
        }
        match self.job.poll() {
            Some((of, Ok(found))) if of == *folder => self.known.extend(found),
            Some((of, Err(why))) if of == *folder => {
                tracing::warn!(%why, epoch, "the clusters' descent cannot be read");
                self.failed = Some((epoch, seq));
            }
            _ => {}
        }
        if let Some((at, births)) = self.known.get(&epoch)
            && *at == seq
        {
            return Some(Arc::clone(births));
        }
        if !self.job.busy() && self.failed != Some((epoch, seq)) {
            let todo: Vec<(usize, u64)> = view
                .snapshots
                .iter()
                .filter(|((e, part), _)| *part == Part::Clusters && *e <= epoch)
                .map(|((e, _), seq)| (*e, *seq))
                .collect();
            let (folder, known) = (folder.clone(), self.known.clone());
            self.job.start("cluster births", ctx, move || {
                let found = walk(&folder, &todo, &known);
                (folder, found)
            });
        }
        None
    }
}

/// Goes on from the last epoch whose births are known to the last of `todo`.
fn walk(folder: &Path, todo: &[(usize, u64)], known: &Known) -> Result<Known, String> {
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
