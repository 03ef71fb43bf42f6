//! Photos that stand out by how they look, found by looking through the run's photos once, on a thread of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use eframe::egui::Ui;

use crate::data::decode::decode;
use crate::engine::event::Split;
use crate::gui::far;
use crate::gui::job::Job;
use crate::run::images::Images;
use crate::study::photos::{PhotoLook, odd_photos};
use crate::study::worth::WorthLooking;

/// Photos that are looked at; of more, every so many.
const PHOTOS: usize = 20_000;

/// What was found in the photos of a run, which stay the same from epoch to epoch.
#[derive(Default)]
pub(super) struct OddPhotos {
    of: Option<PathBuf>,
    job: Job<Vec<WorthLooking>>,
    found: Option<Arc<Vec<WorthLooking>>>,
}

impl OddPhotos {
    /// What was found; `None` while they are looked through.
    pub(super) fn of(&mut self, ui: &Ui, folder: &Path) -> Option<Arc<Vec<WorthLooking>>> {
        if let Some(found) = self.job.poll() {
            self.found = Some(Arc::new(found));
        }
        if self.job.take_failure().is_some() {
            // The list of an epoch stands without it.
            self.found = Some(Arc::default());
        }
        if far::of(Some(folder)).is_some() {
            // They would all have to be brought from another machine.
            return Some(Arc::default());
        }
        if self.of.as_deref() != Some(folder) {
            (self.of, self.found) = (Some(folder.to_owned()), None);
            let folder = folder.to_owned();
            self.job.start("look through the photos", ui.ctx(), move || look(&folder));
        }
        self.found.clone()
    }
}

/// Photos that cannot be read are passed over: other places tell of them.
fn look(folder: &Path) -> Vec<WorthLooking> {
    let Ok(images) = Images::read(folder) else { return Vec::new() };
    let rows = images.split(Split::Train);
    let step = rows.len().div_ceil(PHOTOS).max(1);
    let looks: Vec<PhotoLook> = (0u32..)
        .zip(rows)
        .step_by(step)
        .filter(|(_, row)| !row.path.as_os_str().is_empty())
        .filter_map(|(i, row)| {
            let photo = decode(&row.path).ok()?;
            PhotoLook::of(i, [photo.width(), photo.height()], photo.as_raw())
        })
        .collect();
    odd_photos(&looks)
}
