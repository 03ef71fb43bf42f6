//! What the cluster panels share: an epoch's clustering, its table, and its images.

mod births;
pub mod by_hand;
pub mod member;

use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui::Ui;

pub use crate::study::clusters::ClusterFacts;
pub use crate::study::table::{ClusterRow, ClusterTable, From, ScoreOrigin};
pub use births::Births;

use super::panels::{Absence, PanelCtx};
use crate::engine::event::Split;
use crate::gui::job::Job;
use crate::gui::view_model::{EpochPart, Loaded};
use crate::gui::what_if::worker::NO_RADII;
use crate::gui::widgets::{icon, thumb};
use crate::method::tree::Hierarchy;
use crate::run::images::Images;
use crate::run::snapshot::ClusterSnapshot;

/// An epoch's clustering with everything computed from it.
#[derive(Debug, Default)]
pub struct ShownClustering {
    /// Adaptation epoch, from 0.
    pub epoch: usize,
    /// The clustering.
    pub facts: ClusterFacts,
    /// Its clusters.
    pub table: ClusterTable,
    /// The target's images, where the run lists them.
    pub images: Option<Arc<Images>>,
}

impl ShownClustering {
    /// Computes the table.
    pub fn new(epoch: usize, facts: ClusterFacts, images: Option<Arc<Images>>) -> Self {
        let table = ClusterTable::of(&facts, images.as_ref().map(|i| i.split(Split::Train)));
        Self { epoch, facts, table, images }
    }

    /// **Ground truth**: whether the image has not the identity that most of its cluster has.
    pub fn is_odd(&self, image: u32) -> bool {
        let pid = |i: u32| self.images.as_ref().and_then(|all| all.get(thumb::train(i))).map(|row| row.pid);
        let most = self.facts.cluster_of(image).and_then(|c| self.table.row(c)).and_then(|row| row.pid);
        most.is_some() && pid(image) != most
    }

    /// The camera of an image, as people count.
    pub fn camera(&self, image: u32) -> Option<i32> {
        self.images.as_ref()?.get(thumb::train(image)).map(|row| row.camid + 1)
    }

    /// The cluster chosen in `cx`, where this clustering has it.
    pub fn chosen(&self, cx: &PanelCtx<'_>) -> Option<u32> {
        cx.selection.cluster.filter(|&c| self.table.row(c).is_some())
    }
}

/// Eq. 8 has nothing to count in this run.
pub fn no_radii() -> Absence {
    Absence::nothing(icon::CIRCLE, "No radii in this run", NO_RADII)
}

fn none_yet() -> Absence {
    let text = "Each epoch of adaptation begins with a clustering; the first comes after pre-training and extraction.";
    Absence::nothing(icon::STACK, "No clusters yet", text)
}

fn unreadable(why: String) -> Absence {
    Absence::failed("The clusters cannot be read", why)
}

#[derive(Clone)]
struct Source {
    folder: Option<PathBuf>,
    epoch: usize,
    snapshot: Arc<ClusterSnapshot>,
    images: Option<Arc<Images>>,
}

impl Source {
    fn is(&self, other: &Self) -> bool {
        let same_images = match (&self.images, &other.images) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        Arc::ptr_eq(&self.snapshot, &other.snapshot) && self.epoch == other.epoch && same_images
    }
}

/// Keeps the clustering of the epoch looked at; computes its table once, off the window's thread.
#[derive(Default)]
pub struct ClusteringWatch {
    source: Option<Source>,
    job: Job<ShownClustering>,
    shown: Option<Arc<ShownClustering>>,
}

impl ClusteringWatch {
    /// The clustering of the epoch looked at. While the next one is computed the last one stays.
    ///
    /// # Errors
    /// With what to say when there is none.
    pub fn get(&mut self, ui: &Ui, cx: &PanelCtx<'_>) -> Result<Arc<ShownClustering>, Absence> {
        let view = cx.view;
        if self.source.as_ref().is_some_and(|s| s.folder != view.folder) {
            *self = Self::default();
        }
        let at = view.newest_snapshot(EpochPart::Clusters, cx.selection.epoch);
        let at = at.and_then(|epoch| Some((epoch, view.clusters.get(&epoch)?)));
        let Some((epoch, clusters)) = at else { return Err(none_yet()) };
        let snapshot = match cx.snapshots.clusters(view, epoch) {
            Loaded::Ready(snapshot) => snapshot,
            Loaded::Loading => return self.last(),
            Loaded::Absent => return Err(none_yet()),
            Loaded::Failed(why) => return Err(unreadable(why)),
        };
        let images = match cx.snapshots.images(view) {
            Loaded::Ready(images) => Some(images),
            Loaded::Absent | Loaded::Failed(_) => None,
            Loaded::Loading => return self.last(),
        };
        let source = Source { folder: view.folder.clone(), epoch, snapshot, images };
        if !self.source.as_ref().is_some_and(|s| s.is(&source)) {
            let (from, summary) = (source.clone(), clusters.summary.clone());
            self.job.start("cluster table", ui.ctx(), move || {
                ShownClustering::new(from.epoch, ClusterFacts::of_snapshot(&from.snapshot, &summary), from.images)
            });
            self.source = Some(source);
        }
        if let Some(shown) = self.job.poll() {
            self.shown = Some(Arc::new(shown));
        } else if self.job.failure().is_some() {
            // The table of another epoch would be taken for this one's.
            self.shown = None;
        }
        self.last()
    }

    /// The same with every radius at once.
    ///
    /// # Errors
    /// With what to say while it is computed, where it cannot be, or where the run has no radii.
    pub fn all_radii(&mut self, ui: &Ui, cx: &PanelCtx<'_>) -> Result<(Arc<ShownClustering>, Arc<Hierarchy>), Absence> {
        let run = self.get(ui, cx)?;
        if !run.facts.has_radii() {
            return Err(no_radii());
        }
        match cx.what_if.hierarchy().filter(|all| all.tree.n == run.facts.labels.len()) {
            Some(all) => Ok((run, all)),
            None => Err(cx.what_if.failure(4).map_or(Absence::Loading("reading all radii…"), |why| {
                Absence::failed("No hierarchy of this epoch", why.to_owned())
            })),
        }
    }

    fn last(&self) -> Result<Arc<ShownClustering>, Absence> {
        let missing = || self.job.failure().map_or(Absence::Loading("reading…"), |why| unreadable(why.to_owned()));
        self.shown.clone().ok_or_else(missing)
    }
}
