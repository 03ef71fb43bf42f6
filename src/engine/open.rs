//! From a request to a run. All that can fail at a start fails before anything is written.

use std::path::Path;
use std::sync::Mutex;

use tch::Device;

use super::checkpoint::{self, Checkpoint};
use super::command::{Begin, RunRequest};
use super::domain::{DomainData, images, named};
use super::error::EngineError;
use super::event::{Event, Severity, Split, Stage, State};
use super::link::Link;
use super::matching;
use super::network::{self, network, refuse_bf16};
use super::session::Session;
use super::setup::Setup;
use super::training::Training;
use crate::base::rng::Fnv;
use crate::data::Dataset;
use crate::data::registry::Registry;
use crate::method::params::{Effect, LabelMethod, Params, table};
use crate::model::device::{self, Chosen};
use crate::run::error::RunError;
use crate::run::folder::{RunWriter, params_path};
use crate::run::images::{ImageRow, Images};
use crate::run::manifest::{InitialWeights, Manifest};

/// What is to be run: asked for, or read from the folder of a run that goes on.
struct Plan {
    source: String,
    target: String,
    params: Params,
    /// Of a run that goes on.
    begun: Option<Manifest>,
    /// Sentences for the user.
    notes: Vec<String>,
}

/// Opens everything a run needs.
///
/// # Errors
/// One sentence on what is missing or wrong; nothing was written then.
pub(super) fn open(request: &RunRequest, link: &mut Link) -> Result<Training, EngineError> {
    link.outbox.emit(Event::State { state: State::Preparing, epoch: 0 })?;
    let mut plan = plan(request)?;
    // Of a run that goes on the lock is taken before anything is read.
    let reopened = if plan.begun.is_some() { Some(RunWriter::reopen(&request.out)?) } else { None };
    let saved = match &plan.begun {
        Some(_) => saved(&request.out, &plan.params)?,
        None => None,
    };
    let Chosen { device, instead } = link.rehearsal.choose(request.device)?;
    refuse_bf16(&plan.params, link.rehearsal.capability.or_else(|| device::capability(device)))?;
    let mut notes = plan.notes;
    notes.extend(instead);
    notes.extend(set_threads(&mut plan.params, plan.begun.as_ref(), device));
    let (source, mut target) = (dataset(&plan.source, link)?, dataset(&plan.target, link)?);
    let named = match (&plan.begun, request.match_names) {
        (Some(_), true) => Some(matching::by_names(&request.out, &mut target)?),
        _ => None,
    };
    notes.extend(named);
    enough_images(&plan.params, &target)?;
    let images = images([&target.train, &target.query, &target.gallery])?;
    if let Some(begun) = &plan.begun {
        same_images(&request.out, begun, (&source, &target), &images, request.match_names)?;
    }
    let (net, report) = network(&plan.params, device)?;
    let title = format!("{} → {}", source.name, target.name);
    let weights = report.as_ref().map(|report| network::initial(&plan.params, report));
    let manifest = plan.begun.is_none().then(|| manifest(request, &plan.params, (&source, &target), device, weights));
    let dataset_notes: Vec<(String, String)> =
        [&source, &target].into_iter().flat_map(|d| d.notes.iter().map(|n| (d.name.clone(), n.clone()))).collect();
    let (source_name, target_name) = (source.name.clone(), target.name.clone());
    let size = &plan.params.image;
    let (source, target) = (DomainData::new(source, size), DomainData::new(target, size));
    let allowed = if request.allow_unreadable { 1.0 } else { size.unreadable };
    notes.extend(read_images([&source, &target], allowed, link)?);
    let setup = Setup::new(source, target, device, net, plan.params.device.images);
    let session = Session::new(request.out.clone(), plan.params.clone(), setup, request.cache.clone());
    let mut training = match saved {
        Some(checkpoint) => Training::restore(session, checkpoint)?,
        None => Training::new(session)?,
    };
    for (key, value) in &request.changes {
        let refused = |why| EngineError::Refused(format!("{key}: {why}"));
        training.session.settings.request(key, value).map_err(refused)?;
    }
    // From here on the folder is written.
    let writer = match (reopened, manifest) {
        (Some(writer), _) => writer,
        (None, Some(manifest)) => RunWriter::create(&request.out, &manifest?, &plan.params)?,
        (None, None) => return Err(EngineError::Internal("a run that is neither new nor old".to_owned())),
    };
    for warning in writer.warnings().to_vec() {
        link.outbox.notice(Severity::Warning, "The run folder was mended", warning);
    }
    link.outbox.set_writer(Some(writer));
    if Images::read(&request.out).ok().as_ref() != Some(&images) {
        images.write(&request.out)?;
    }
    for (name, note) in dataset_notes {
        link.outbox.notice(Severity::Info, &name, note);
    }
    for text in report.iter().flat_map(network::notes) {
        link.outbox.notice(Severity::Warning, "Weights", text);
    }
    for note in notes {
        link.outbox.notice(Severity::Warning, "Before the run begins", note);
    }
    link.outbox.emit(Event::Started {
        folder: request.out.clone(),
        title,
        source: source_name,
        target: target_name,
        params: Box::new(training.session.params().clone()),
        device: device::name(device),
        weights: network::origin(&plan.params, report.as_ref()),
        resumed: plan.begun.is_some(),
    })?;
    training.session.notify_pending(link)?;
    Ok(training)
}

// -------------------------------------------------------------------------------------------------------- the plan

fn plan(request: &RunRequest) -> Result<Plan, EngineError> {
    if request.out.to_str().is_none() {
        let text = format!("{} is not UTF-8, which a run folder must be", request.out.display());
        return Err(EngineError::Refused(text));
    }
    let holds_a_run = Manifest::path(&request.out).exists();
    let resume = match request.begin {
        Begin::Start => false,
        Begin::Resume => true,
        Begin::StartOrResume => holds_a_run,
    };
    let plan = if resume {
        resumed(request)?
    } else if holds_a_run {
        return Err(RunError::Exists { path: request.out.clone() }.into());
    } else {
        let RunRequest { source, target, params, .. } = request.clone();
        Plan { source, target, params, begun: None, notes: Vec::new() }
    };
    check(&plan.params)?;
    Ok(plan)
}

/// Of a run that goes on its own datasets and parameters count; its data may lie elsewhere by now.
fn resumed(request: &RunRequest) -> Result<Plan, EngineError> {
    let out = request.out.as_path();
    let manifest = Manifest::read(out)?;
    let path = params_path(out);
    let text = std::fs::read_to_string(&path).map_err(RunError::io("read", &path))?;
    let mut params = Params::default();
    let unknown = params.overlay_saved(&text).map_err(|e| RunError::damaged(&path, e))?;
    let notes = unknown.into_iter().map(|key| format!("This program has no parameter {key}; the run goes on without."));
    let notes = notes.collect();
    let place = |now: &str, given: &Option<String>, name: &str| match now {
        "" => given.clone().unwrap_or_else(|| name.to_owned()),
        now => now.to_owned(),
    };
    Ok(Plan {
        source: place(&request.source, &manifest.source_given, &manifest.source),
        target: place(&request.target, &manifest.target_given, &manifest.target),
        params,
        begun: Some(manifest),
        notes,
    })
}

fn check(params: &Params) -> Result<(), EngineError> {
    match params.problems().first() {
        Some(problem) => Err(EngineError::Refused(format!("{}: {}", problem.key, problem.message))),
        None => Ok(()),
    }
}

/// The last checkpoint; `None` when the run was ended before its first one, and is begun over.
fn saved(out: &Path, params: &Params) -> Result<Option<Checkpoint>, EngineError> {
    let path = checkpoint::last(out);
    if !path.exists() {
        return Ok(None);
    }
    let not_one = || RunError::damaged(&path, "it holds no `state`, so it is not a checkpoint");
    let checkpoint = Checkpoint::read(&path)?.ok_or_else(not_one)?;
    // What belongs to a run as a whole cannot have changed in it.
    for row in table::ROWS.iter().filter(|row| row.effect == Effect::NextRun) {
        let (begun, now) = ((row.get)(params), (row.get)(&checkpoint.plain.params));
        if begun != now {
            return Err(checkpoint.damaged(format!("its {} is {now}, the run was begun with {begun}", row.key)));
        }
    }
    Ok(Some(checkpoint))
}

/// As many threads as the run was begun with: sums depend on them in their last bits. A new run on the CPU notes how
/// many it uses, beside its seed.
fn set_threads(params: &mut Params, begun: Option<&Manifest>, device: Device) -> Option<String> {
    let cores = device::all_threads();
    let wanted = match begun.and_then(|m| m.threads).unwrap_or(params.device.threads) {
        0 => cores,
        given => given,
    };
    device::set_threads(wanted);
    if begun.is_none() && !device.is_cuda() {
        params.device.threads = device::threads();
    }
    (!device.is_cuda() && wanted > cores).then(|| {
        format!(
            "The run was begun with {wanted} threads and goes on with as many, though there are {cores} cores here."
        )
    })
}

// ------------------------------------------------------------------------------------------------------ the images

fn dataset(name: &str, link: &mut Link) -> Result<Dataset, EngineError> {
    link.outbox.progress(Stage::Prepare, 0, 1);
    let control = &link.control;
    let dataset = Registry::load()?.0.open(name, &|_, _| !control.stop_requested());
    let dataset = match dataset {
        Err(_) if link.control.stop_requested() => return Err(EngineError::Stopped),
        other => other?,
    };
    if dataset.train.len() < 2 {
        return Err(EngineError::Refused(format!(
            "{} has {} training images; at least two are needed",
            dataset.name,
            dataset.train.len()
        )));
    }
    Ok(dataset)
}

/// k-means makes no more clusters than there are images.
fn enough_images(params: &Params, target: &Dataset) -> Result<(), EngineError> {
    let (k, n) = (params.labels.k, target.train.len());
    if params.labels.method == LabelMethod::Kmeans && k > n {
        let name = &target.name;
        return Err(EngineError::Refused(format!("labels.k: {k} clusters cannot be made of the {n} images of {name}")));
    }
    Ok(())
}

/// Which images a dataset has, whose they are and in which order, wherever it lies.
fn digest(dataset: &Dataset) -> String {
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
fn same_images(
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
fn read_images(data: [&DomainData; 2], allowed: f64, link: &mut Link) -> Result<Vec<String>, EngineError> {
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

// ---------------------------------------------------------------------------------------------------- the manifest

fn manifest(
    request: &RunRequest,
    params: &Params,
    (source, target): (&Dataset, &Dataset),
    device: Device,
    weights: Option<InitialWeights>,
) -> Result<Manifest, EngineError> {
    let registry = Registry::load()?.0;
    let given = |name: &str| -> Result<String, EngineError> {
        if registry.entries().iter().any(|e| e.name == name) {
            return Ok(name.to_owned());
        }
        // A folder, which a later resume may look for from elsewhere.
        let path = std::path::absolute(name).map_err(RunError::io("find", Path::new(name)))?;
        Ok(path.to_string_lossy().into_owned())
    };
    Ok(Manifest {
        source_given: Some(given(&request.source)?),
        target_given: Some(given(&request.target)?),
        source_digest: Some(digest(source)),
        target_digest: Some(digest(target)),
        threads: (!device.is_cuda()).then(device::threads),
        weights,
        ..Manifest::new(&source.name, &target.name, params.seed, &device::name(device))
    })
}
