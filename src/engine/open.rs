//! From a request to a run. All that can fail at a start fails before anything is written.

mod same;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tch::Device;

use self::same::{digest, read_images, same_images};
use super::checkpoint::{self, Checkpoint};
use super::command::{Begin, DeviceChoice, Fork, RunRequest};
use super::domain::{DomainData, images};
use super::error::EngineError;
use super::event::{Event, Severity, Stage, State};
use super::link::Link;
use super::matching;
use super::network::{self, network, refuse_bf16, untrained};
use super::session::Session;
use super::setup::Setup;
use super::training::Training;
use crate::base::fs::read_text;
use crate::data::Dataset;
use crate::data::registry::Registry;
use crate::method::hand::Hand;
use crate::method::params::{Effect, LabelMethod, Params, table};
use crate::model::device::{self, Chosen};
use crate::run::checkpoints;
use crate::run::error::RunError;
use crate::run::folder::{LARGEST_PARAMS, RunWriter, params_path};
use crate::run::hand::{place_hand, read_hand};
use crate::run::images::Images;
use crate::run::manifest::{InitialWeights, Manifest, Parent};

/// What is to be run: asked for, or read from the folder of a run that goes on.
struct Plan {
    source: String,
    target: String,
    params: Params,
    /// Of a run that goes on.
    begun: Option<Manifest>,
    /// Of a run that branches from another.
    branch: Option<Branch>,
    /// Sentences for the user.
    notes: Vec<String>,
}

/// Where a run branches off.
struct Branch {
    /// Of the parent.
    manifest: Manifest,
    /// The parent's folder.
    run: PathBuf,
    /// The file of its checkpoint.
    file: PathBuf,
    saved: Checkpoint,
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
    let (saved, branch) = match (&plan.begun, plan.branch.take()) {
        (Some(_), _) => (saved(&request.out, &plan.params)?, None),
        (None, Some(Branch { manifest, run, file, saved })) => (Some(saved), Some((manifest, run, file))),
        (None, None) => (None, None),
    };
    // Whose images, threads and parameters count.
    let before = match (&plan.begun, &branch) {
        (Some(begun), _) => Some((request.out.clone(), begun.clone())),
        (None, Some((manifest, run, _))) => Some((run.clone(), manifest.clone())),
        (None, None) => None,
    };
    let Chosen { device, instead } = link.rehearsal.choose(request.device)?;
    refuse_bf16(&plan.params, link.rehearsal.capability.or_else(|| device::capability(device)))?;
    let mut notes = plan.notes;
    notes.extend(instead);
    notes.extend(set_threads(&mut plan.params, before.as_ref().map(|(_, m)| m), device));
    let (source, mut target) = (dataset(&plan.source, link)?, dataset(&plan.target, link)?);
    let named = match (&plan.begun, request.match_names) {
        (Some(_), true) => Some(matching::by_names(&request.out, &mut target)?),
        _ => None,
    };
    notes.extend(named);
    enough_images(&plan.params, &target)?;
    let images = images([&target.train, &target.query, &target.gallery])?;
    if let Some((folder, begun)) = &before {
        same_images(folder, begun, (&source, &target), &images, request.match_names)?;
    }
    let (net, report) = network(&plan.params, device)?;
    let title = format!("{} → {}", source.name, target.name);
    let weights = report.as_ref().map(|report| network::initial(&plan.params, report));
    let parent = match (&branch, &saved) {
        (Some((_, run, _)), Some(saved)) => {
            Some(Parent { run: run.clone(), epoch: saved.plain.position.epochs_done() })
        }
        _ => None,
    };
    let given = [&plan.source, &plan.target].map(String::as_str);
    let manifest = plan.begun.is_none().then(|| {
        let manifest = manifest(given, &plan.params, (&source, &target), device, weights)?;
        // What people said of the parent's images its weights have learnt from.
        let by_hand = branch.as_ref().is_some_and(|(parent, ..)| parent.by_hand);
        Ok::<_, EngineError>(Manifest { parent: parent.clone(), by_hand, ..manifest })
    });
    let dataset_notes: Vec<(String, String)> =
        [&source, &target].into_iter().flat_map(|d| d.notes.iter().map(|n| (d.name.clone(), n.clone()))).collect();
    let (source_name, target_name) = (source.name.clone(), target.name.clone());
    let size = &plan.params.image;
    let (source, target) = (DomainData::new(source, size), DomainData::new(target, size));
    let allowed = if request.allow_unreadable { 1.0 } else { size.unreadable };
    notes.extend(read_images([&source, &target], allowed, link)?);
    if let Some(found) = saved.as_ref().map(|s| &s.plain.unknown).filter(|found| !found.is_empty()) {
        let places: Vec<&str> = found.iter().map(|(place, _)| place.as_str()).collect();
        notes.push(format!(
            "The checkpoint says what this program does not know, and it is kept: {}.",
            places.join(", ")
        ));
    }
    let setup = Setup::new(source, target, device, net, plan.params.device.images);
    let session = Session::new(request.out.clone(), plan.params.clone(), setup, request.cache.clone());
    let mut training = match saved {
        Some(checkpoint) => Training::restore(session, checkpoint)?,
        None => Training::new(session)?,
    };
    training.session.hand = match &before {
        Some((folder, _)) => read_hand(folder)?,
        None => Hand::default(),
    };
    training.session.resolved_hand()?;
    let hand = training.session.hand.clone();
    for (key, value) in &request.changes {
        let refused = |why| EngineError::Refused(format!("{key}: {why}"));
        training.session.settings.request(key, value).map_err(refused)?;
    }
    // From here on the folder is written.
    let writer = match (reopened, manifest) {
        (Some(writer), _) => writer,
        (None, Some(manifest)) => RunWriter::create_with(&request.out, &manifest?, &plan.params, |out| {
            // What a resume goes on from lies there before the folder is a run folder.
            let Some((_, _, file)) = &branch else { return Ok(()) };
            if !hand.is_empty() {
                place_hand(out, &hand)?;
            }
            first_checkpoint(file, out)
        })?,
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
        parent,
    })?;
    // After the run began: what was said before belongs to no run.
    for text in report.iter().flat_map(network::notes) {
        link.outbox.notice(Severity::Warning, "Weights", text);
    }
    training.session.notify_pending(link)?;
    if branch.is_some() {
        for edit in hand.edits {
            link.outbox.emit(Event::Hand { edit, undone: false })?;
        }
    }
    Ok(training)
}

/// A run as its last checkpoint left it, to be asked and not to go on: nothing is written, and no lock is taken.
///
/// # Errors
/// One sentence on what is missing or wrong.
pub(super) fn consult(folder: &Path, link: &mut Link) -> Result<Training, EngineError> {
    let mut plan = resumed(&RunRequest::resume(folder.to_owned()))?;
    let begun = Manifest::read(folder)?;
    let nothing = || EngineError::Refused("it has no checkpoint".to_owned());
    let saved = saved(folder, &plan.params)?.ok_or_else(nothing)?;
    let Chosen { device, .. } = link.rehearsal.choose(DeviceChoice::Auto)?;
    refuse_bf16(&plan.params, link.rehearsal.capability.or_else(|| device::capability(device)))?;
    set_threads(&mut plan.params, Some(&begun), device);
    let (source, target) = (dataset(&plan.source, link)?, dataset(&plan.target, link)?);
    same_images(folder, &begun, (&source, &target), &images([&target.train, &target.query, &target.gallery])?, false)?;
    let net = untrained(&plan.params, device)?;
    let (source, target) = (DomainData::new(source, &plan.params.image), DomainData::new(target, &plan.params.image));
    let setup = Setup::new(source, target, device, net, plan.params.device.images);
    Training::restore(Session::new(folder.to_owned(), plan.params, setup, None), saved)
}

// -------------------------------------------------------------------------------------------------------- the plan

fn plan(request: &RunRequest) -> Result<Plan, EngineError> {
    if request.out.to_str().is_none() {
        let text = format!("{} is not UTF-8, which a run folder must be", request.out.display());
        return Err(EngineError::Refused(text));
    }
    let holds_a_run = Manifest::path(&request.out).exists();
    let resume = match &request.begin {
        Begin::Start | Begin::Fork(_) => false,
        Begin::Resume => true,
        Begin::StartOrResume => holds_a_run,
    };
    let plan = if resume {
        resumed(request)?
    } else if holds_a_run {
        return Err(RunError::Exists { path: request.out.clone() }.into());
    } else if let Begin::Fork(fork) = &request.begin {
        branching(fork)?
    } else {
        let RunRequest { source, target, params, .. } = request.clone();
        Plan { source, target, params, begun: None, branch: None, notes: Vec::new() }
    };
    check(&plan.params)?;
    Ok(plan)
}

/// Of a run that goes on its own datasets and parameters count; its data may lie elsewhere by now.
fn resumed(request: &RunRequest) -> Result<Plan, EngineError> {
    let out = request.out.as_path();
    let manifest = Manifest::read(out)?;
    let path = params_path(out);
    let text = read_text(&path, LARGEST_PARAMS).map_err(RunError::io("read", &path))?;
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
        branch: None,
        notes,
    })
}

/// Of a run that branches off, its parent's datasets count, and the parameters as they stood there.
fn branching(Fork { run, at }: &Fork) -> Result<Plan, EngineError> {
    let manifest = Manifest::read(run)?;
    let found = checkpoints::find(run, at)?;
    let saved = branch_point(&found.path)?;
    let run = std::path::absolute(run).map_err(RunError::io("find", run))?;
    Ok(Plan {
        source: manifest.source_given.clone().unwrap_or_else(|| manifest.source.clone()),
        target: manifest.target_given.clone().unwrap_or_else(|| manifest.target.clone()),
        params: saved.plain.params.clone(),
        begun: None,
        branch: Some(Branch { manifest, run, file: found.path, saved }),
        notes: Vec::new(),
    })
}

/// A checkpoint as the beginning of another run, which has no best ones yet.
fn branch_point(file: &Path) -> Result<Checkpoint, EngineError> {
    let not_one = || RunError::damaged(file, "it holds no `state`, so it is not a checkpoint");
    let mut saved = Checkpoint::read(file)?.ok_or_else(not_one)?;
    (saved.plain.best_map, saved.plain.best_score, saved.plain.kept_as) = (None, None, None);
    Ok(saved)
}

fn first_checkpoint(file: &Path, out: &Path) -> Result<(), EngineError> {
    branch_point(file)?.write(&checkpoint::last(out)).map(|_| ())
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
    let not_one = || RunError::damaged(&path, "it holds no `state`, so it is not a checkpoint").into();
    let checkpoint = Checkpoint::read(&path).and_then(|c| c.ok_or_else(not_one)).map_err(|e| with_others(out, e))?;
    // What belongs to a run as a whole cannot have changed in it.
    for row in table::ROWS.iter().filter(|row| row.effect == Effect::NextRun) {
        let (begun, now) = ((row.get)(params), (row.get)(&checkpoint.plain.params));
        if begun != now {
            return Err(checkpoint.damaged(format!("its {} is {now}, the run was begun with {begun}", row.key)));
        }
    }
    Ok(Some(checkpoint))
}

/// The error of a checkpoint that cannot be used, with those that lie beside it and can.
fn with_others(out: &Path, error: EngineError) -> EngineError {
    let EngineError::Run(RunError::Damaged { path, reason }) = error else { return error };
    let usable =
        |f: &checkpoints::FoundCheckpoint| f.stand.filter(|_| f.name != checkpoints::LAST).map(|s| (f.name.clone(), s));
    let Some((name, stand)) = checkpoints::list(out).iter().filter_map(usable).next_back() else {
        return RunError::Damaged { path, reason }.into();
    };
    let way_out =
        format!("{reason}; another run can branch from {}: --fork {}@{name}", checkpoints::words(stand), out.display());
    RunError::Damaged { path, reason: way_out }.into()
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
    let registry = Registry::load()?.0;
    let control = Arc::clone(&link.control);
    let outbox = Mutex::new(&mut link.outbox);
    // A built-in set that is drawn first tells how far it is.
    let dataset = registry.open(name, &|done, total| {
        if let Ok(mut outbox) = outbox.try_lock() {
            outbox.progress(Stage::Prepare, done, total);
        }
        !control.stop_requested()
    });
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

// ---------------------------------------------------------------------------------------------------- the manifest

fn manifest(
    [source_given, target_given]: [&str; 2],
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
        source_given: Some(given(source_given)?),
        target_given: Some(given(target_given)?),
        source_digest: Some(digest(source)),
        target_digest: Some(digest(target)),
        threads: (!device.is_cuda()).then(device::threads),
        weights,
        ..Manifest::new(&source.name, &target.name, params.seed, &device::name(device))
    })
}
