//! The images of a run: the very same ones when it goes on, and readable ones.

use std::path::Path;
use std::sync::Mutex;

use crate::base::rng::Fnv;
use crate::data::Dataset;
use crate::engine::domain::{DomainData, named};
use crate::engine::error::EngineError;
use crate::engine::event::{Split, Stage};
use crate::engine::link::Link;
use crate::run::images::{ImageRow, Images};
use crate::run::manifest::Manifest;

/// Which images a dataset has, whose they are and in which order, wherever it lies.
pub(super) fn digest(dataset: &Dataset) -> String {
    let mut hash = Fnv::new();
    for samples in [&dataset.train, &dataset.query, &dataset.gallery] {
        hash.eat_field(&(samples.len() as u64).to_le_bytes());
        for sample in samples {
            let name = sample.path.strip_prefix(&dataset.root).unwrap_or(&sample.path);
            hash.eat_field(name.as_os_str().as_encoded_bytes());
            hash.eat_field(&sample.pid.to_le_bytes());
            hash.eat_field(&sample.camid.to_le_bytes());
        }
    }
    format!("{:016x}", hash.value())
}

/// Labels, memory and snapshots name images by their rows: a run can go on with the very same list only.
pub(super) fn same_images(
    out: &Path,
    begun: &Manifest,
    (source, target): (&Dataset, &Dataset),
    now: &Images,
    match_names: bool,
) -> Result<(), EngineError> {
    let help = match match_names {
        true => "",
        false => ", find them by their names with --match-names,",
    };
    let changed = |what: String| {
        Err(EngineError::Refused(format!("{what}; bring its files back as they were{help} or begin a new run")))
    };
    if let Ok(then) = Images::read(out) {
        for split in [Split::Train, Split::Query, Split::Gallery] {
            if let Some(difference) = first_difference(then.split(split), now.split(split), &target.root, match_names) {
                return changed(format!("{} has changed since the run began: {difference}", target.name));
            }
        }
    } else if begun.target_digest.as_ref().is_some_and(|then| *then != digest(target)) {
        return changed(format!("the images of {} are others than when the run began", target.name));
    }
    if begun.source_digest.as_ref().is_some_and(|then| *then != digest(source)) {
        return changed(format!("the images of {} are others than when the run began", source.name));
    }
    Ok(())
}

fn first_difference(then: &[ImageRow], now: &[ImageRow], root: &Path, by_name: bool) -> Option<String> {
    let (a, b) = (then.len(), now.len());
    let place = |i: usize, row: &ImageRow| format!("{} image {i} was {}", name_of(row.split), row.path.display());
    for (i, (was, is)) in then.iter().zip(now).enumerate() {
        let name = is.path.strip_prefix(root).unwrap_or(&is.path);
        // A dataset may have moved as a whole.
        let same = was.path == is.path || was.path.ends_with(name);
        if !(same || by_name && was.path.file_name() == is.path.file_name()) {
            return Some(format!("{} and is {}", place(i, was), is.path.display()));
        }
        if (was.pid, was.camid) != (is.pid, is.camid) {
            return Some(format!(
                "{} of identity {}, camera {}, and has others now",
                place(i, was),
                was.pid,
                was.camid
            ));
        }
    }
    let split = then.first().or(now.first()).map_or("training", |row| name_of(row.split));
    (a != b).then(|| format!("it had {a} {split} images and has {b}"))
}

fn name_of(split: Split) -> &'static str {
    match split {
        Split::Train => "training",
        Split::Query => "query",
        Split::Gallery => "gallery",
    }
}

/// Decodes the training images on all cores, before the first epoch asks for them one by one; says which could not be
/// read.
pub(super) fn read_images(data: [&DomainData; 2], allowed: f64, link: &mut Link) -> Result<Vec<String>, EngineError> {
    let total: u64 = data.iter().map(|d| d.dataset.train.len() as u64).sum();
    let control = std::sync::Arc::clone(&link.control);
    let outbox = Mutex::new(&mut link.outbox);
    let mut before = 0;
    for domain in data {
        domain.cache(Split::Train).warm(&|done, _| {
            if let Ok(mut outbox) = outbox.try_lock() {
                outbox.progress(Stage::Prepare, before + done, total);
            }
            !control.stop_requested()
        });
        before += domain.dataset.train.len() as u64;
    }
    if control.stop_requested() {
        return Err(EngineError::Stopped);
    }
    let mut notes = Vec::new();
    for domain in data {
        let (files, all) = (domain.unreadable_in_training(), domain.dataset.train.len());
        if files.is_empty() {
            continue;
        }
        let found = format!(
            "{} of {all} training images of {} cannot be read: {}",
            files.len(),
            domain.dataset.name,
            named(&files)
        );
        if files.len() as f64 > allowed * all as f64 {
            return Err(EngineError::Refused(format!(
                "{found}; mend or remove them, or allow grey images in their place with --allow-unreadable (or image.unreadable)"
            )));
        }
        notes.push(format!("{found}; they train as grey images."));
    }
    Ok(notes)
}
