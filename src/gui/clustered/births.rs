//! Since which epoch each cluster has been there, read from the snapshots of a run on a thread of its own.

use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui;

use crate::gui::job::Job;
use crate::gui::view_model::{EpochPart, RunView};
use crate::study::births::{Known, walk};

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
    pub fn get(&mut self, ctx: &egui::Context, view: &RunView, epoch: usize) -> Option<Arc<Vec<usize>>> {
        let folder = view.folder.as_ref()?;
        let seq = *view.snapshots.get(&(epoch, EpochPart::Clusters))?;
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
        if let Some(why) = self.job.take_failure() {
            tracing::warn!(%why, epoch, "the clusters' descent cannot be told");
            self.failed = Some((epoch, seq));
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
                .filter(|((e, part), _)| *part == EpochPart::Clusters && *e <= epoch)
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
