//! From a request to a session: datasets, device, network, run folder, checkpoint.

use std::path::Path;

use super::checkpoint;
use super::command::{DeviceChoice, RunRequest};
use super::domain::DomainData;
use super::error::EngineError;
use super::event::{Event, Severity, Split, Stage, State};
use super::seeds::{self, Purpose};
use super::session::{Parts, Session};
use super::worker::Link;
use crate::data::Dataset;
use crate::method::params::Params;
use crate::model::device::{self, DeviceRequest};
use crate::model::net::{Net, NetSpec};
use crate::model::weights::{self, LoadReport, WeightsFile};
use crate::run::folder::{RunWriter, params_path};
use crate::run::images::{ImageRow, Images};
use crate::run::manifest::Manifest;

/// Opens everything a run needs.
pub(super) fn open(request: &RunRequest, link: &mut Link) -> Result<Session, EngineError> {
    link.outbox.emit(Event::State { state: State::Preparing, epoch: 0 })?;
    let request = if request.resume { resumed(request)? } else { request.clone() };
    check(&request.params)?;
    let device = device::choose(device_request(request.device))?;
    let source = dataset(&request.source, link)?;
    let target = dataset(&request.target, link)?;
    let writer = if request.resume {
        RunWriter::reopen(&request.out)?
    } else {
        let manifest = Manifest::new(&source.name, &target.name, request.params.seed, &device::name(device));
        let manifest = Manifest {
            source_given: Some(request.source.clone()),
            target_given: Some(request.target.clone()),
            ..manifest
        };
        RunWriter::create(&request.out, &manifest, &request.params)?
    };
    for warning in writer.warnings().to_vec() {
        link.outbox.notice(Severity::Warning, "The run folder was mended", warning);
    }
    link.outbox.set_writer(Some(writer));
    if !request.resume {
        images(&target).and_then(|images| Ok(images.write(&request.out)?))?;
    }
    let (net, report) = network(&request.params, device)?;
    if let Some(report) = &report {
        tell_weights(report, link);
    }
    let size = request.params.image.clone();
    let title = format!("{} → {}", source.name, target.name);
    let (source_name, target_name) = (source.name.clone(), target.name.clone());
    let mut session = Session::assemble(Parts {
        folder: request.out.clone(),
        params: request.params.clone(),
        source: DomainData::new(source, &size),
        target: DomainData::new(target, &size),
        device,
        net,
        cache: request.cache.clone(),
    });
    if request.resume {
        session.restore(&checkpoint::last(&request.out))?;
    }
    link.outbox.emit(Event::Started {
        folder: request.out.clone(),
        title,
        source: source_name,
        target: target_name,
        params: Box::new(session.params().clone()),
        device: device::name(device),
        weights: origin(&request.params, report.as_ref()),
        resumed: request.resume,
    })?;
    session.tell_pending(link)?;
    warm(&session, link);
    Ok(session)
}

/// The model's word for the same wish.
pub(super) fn device_request(choice: DeviceChoice) -> DeviceRequest {
    match choice {
        DeviceChoice::Auto => DeviceRequest::Auto,
        DeviceChoice::Cpu => DeviceRequest::Cpu,
        DeviceChoice::Cuda(n) => DeviceRequest::Cuda(n),
    }
}

/// On resume the run's own datasets and parameters count.
fn resumed(request: &RunRequest) -> Result<RunRequest, EngineError> {
    let manifest = Manifest::read(&request.out)?;
    let path = params_path(&request.out);
    let text = std::fs::read_to_string(&path).map_err(crate::run::error::RunError::io("read", &path))?;
    let mut params = Params::default();
    params.overlay_toml(&text).map_err(|e| EngineError::Refused(format!("{}: {e}", path.display())))?;
    Ok(RunRequest {
        source: manifest.source_given.unwrap_or(manifest.source),
        target: manifest.target_given.unwrap_or(manifest.target),
        params,
        ..request.clone()
    })
}

fn check(params: &Params) -> Result<(), EngineError> {
    match params.problems().first() {
        Some(problem) => Err(EngineError::Refused(format!("{}: {}", problem.key, problem.message))),
        None => Ok(()),
    }
}

fn dataset(name: &str, link: &mut Link) -> Result<Dataset, EngineError> {
    link.outbox.progress(Stage::Prepare, 0, 1);
    let dataset = crate::data::registry::open(name)?;
    if dataset.train.len() < 2 {
        return Err(EngineError::Refused(format!(
            "{} has {} training images; at least two are needed",
            dataset.name,
            dataset.train.len()
        )));
    }
    for note in &dataset.notes {
        link.outbox.notice(Severity::Info, &dataset.name, note.clone());
    }
    Ok(dataset)
}

fn images(target: &Dataset) -> Result<Images, EngineError> {
    let splits = [(Split::Train, &target.train), (Split::Query, &target.query), (Split::Gallery, &target.gallery)];
    let rows = splits.into_iter().flat_map(|(split, samples)| {
        samples.iter().enumerate().map(move |(i, s)| ImageRow {
            split,
            index: i as u32,
            path: s.path.clone(),
            pid: s.pid,
            camid: s.camid,
        })
    });
    Images::new(rows).map_err(EngineError::Refused)
}

/// The network with its initial weights, and what loading them did; nothing for weights drawn at random.
pub(super) fn network(params: &Params, device: tch::Device) -> Result<(Net, Option<LoadReport>), EngineError> {
    let file = match params.weights.as_str() {
        "" => None,
        path => Some(WeightsFile::open(Path::new(path))?),
    };
    let mut net = untrained(params, device)?;
    let report = file.map(|file| weights::apply(&mut net, &file)).transpose()?;
    if report.as_ref().is_some_and(|r| !r.stem_relu) {
        let text = "its stem has no ReLU (MMT): such a network can be extracted with, not trained on";
        return Err(EngineError::Refused(format!("{}: {text}", params.weights)));
    }
    // A run trains with averages, from whatever pooling its weights come.
    net.set_variant(true, None);
    Ok((net, report))
}

/// The network that the parameters describe, with weights drawn from the seed.
pub(super) fn untrained(params: &Params, device: tch::Device) -> Result<Net, EngineError> {
    let positions = params.positions().map_err(EngineError::Refused)?;
    let domains = if params.adapt.joint { 2 } else { 1 };
    let spec = NetSpec { backbone: params.backbone, positions, domains };
    device::tune(device);
    let mut net = Net::new(&spec, device, seeds::seed(params.seed, Purpose::Weights, 0))?;
    net.set_bf16(params.device.bf16);
    Ok(net)
}

/// Where the weights came from, in one line.
fn origin(params: &Params, report: Option<&LoadReport>) -> String {
    match report {
        None => "scratch".to_owned(),
        Some(report) => format!("{}: {} ({})", params.weights, report.summary(), report.habit),
    }
}

/// Says what of the weights file is not used, and what of the network is not in it.
fn tell_weights(report: &LoadReport, link: &mut Link) {
    let mut texts = report.notes.clone();
    if report.gem.is_some() {
        texts.push("training pools by averages from here on".to_owned());
    }
    if report.lacks_attention() {
        texts.push("it knows no attention blocks: they begin at random and are trained".to_owned());
    }
    if !report.unexpected.is_empty() {
        texts.push(report.summary());
    }
    for text in texts {
        link.outbox.notice(Severity::Warning, "Weights", text);
    }
}

/// Decodes the training images on all cores before the first epoch asks for them one by one.
fn warm(session: &Session, link: &mut Link) {
    let (a, b) = (session.source.cache(Split::Train), session.target.cache(Split::Train));
    let total = (a.len() + b.len()) as u64;
    let control = std::sync::Arc::clone(&link.control);
    let outbox = std::sync::Mutex::new(&mut link.outbox);
    for (cache, before) in [(a, 0), (b, a.len() as u64)] {
        cache.warm(&|done, _| {
            if let Ok(mut outbox) = outbox.try_lock() {
                outbox.progress(Stage::Prepare, before + done, total);
            }
            !control.stop_requested()
        });
    }
}
