//! The camera gap of each epoch, read from the snapshots of a run on a thread of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use eframe::egui;

use crate::gui::job::Job;
use crate::gui::view_model::{EpochPart, RunView};
use crate::run::event::Split;
use crate::run::graph::read_graph;
use crate::run::images::Images;
use crate::run::snapshot::ClusterSnapshot;
use crate::study::cameras::CameraGap;

/// Epochs read at once: the newest first, so that there is soon something to see.
const AT_ONCE: usize = 4;

/// Epoch and number of its snapshot's event, and what was read of it.
type Read = (usize, u64, Result<CameraGap, String>);

/// The gaps, kept while a run is looked at.
#[derive(Default)]
pub struct CameraGaps {
    folder: Option<PathBuf>,
    seq: BTreeMap<usize, u64>,
    known: BTreeMap<usize, CameraGap>,
    job: Job<(PathBuf, Vec<Read>)>,
    failed: Option<String>,
}

impl CameraGaps {
    /// Takes in what was read; what is missing is being read.
    pub fn read(&mut self, ctx: &egui::Context, view: &RunView) {
        if self.folder != view.folder {
            *self = Self { folder: view.folder.clone(), ..Self::default() };
        }
        if let Some((folder, read)) = self.job.poll()
            && Some(&folder) == self.folder.as_ref()
        {
            for (epoch, seq, gap) in read {
                self.seq.insert(epoch, seq);
                match gap {
                    Ok(gap) => drop(self.known.insert(epoch, gap)),
                    Err(why) => self.failed = Some(why),
                }
            }
        }
        if let Some(why) = self.job.take_failure() {
            self.failed = Some(why);
        }
        if let (false, Some(folder)) = (self.job.busy(), &self.folder) {
            let snapshots = view.snapshots.iter().rev().filter(|((_, part), _)| *part == EpochPart::Clusters);
            let todo: Vec<(usize, u64)> = snapshots
                .map(|((epoch, _), seq)| (*epoch, *seq))
                .filter(|(epoch, seq)| self.seq.get(epoch) != Some(seq))
                .take(AT_ONCE)
                .collect();
            if !todo.is_empty() {
                // Marked before the answer, so that what a panic broke off is not begun again.
                self.seq.extend(todo.iter().copied());
                let folder = folder.clone();
                self.job.start("camera gap", ctx, move || {
                    let images = Images::read(&folder).map_err(|e| e.to_string());
                    let read =
                        todo.into_iter().map(|(epoch, seq)| (epoch, seq, read(&folder, epoch, &images))).collect();
                    (folder, read)
                });
            }
        }
    }

    /// What is known so far.
    pub fn known(&self) -> &BTreeMap<usize, CameraGap> {
        &self.known
    }

    /// Why an epoch could not be read, if so.
    pub fn failure(&self) -> Option<&str> {
        self.failed.as_deref()
    }
}

fn read(folder: &Path, epoch: usize, images: &Result<Images, String>) -> Result<CameraGap, String> {
    let images = images.as_ref().map_err(Clone::clone)?;
    let graph = read_graph(folder, epoch).map_err(|e| e.to_string())?;
    let labels = ClusterSnapshot::read(folder, epoch).map_err(|e| e.to_string())?.labels;
    Ok(CameraGap::new(&graph, &labels, images.split(Split::Train)))
}
