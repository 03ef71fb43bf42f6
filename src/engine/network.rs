//! The network that the parameters ask for.

use std::path::Path;

use tch::Device;

use super::error::EngineError;
use super::seeds::{self, Purpose};
use crate::method::params::{Params, Pool};
use crate::model::device;
use crate::model::net::{Net, NetSpec, all_finite};
use crate::model::weights::{self, LoadReport, WeightsFile};
use crate::run::manifest::InitialWeights;

/// The network with its initial weights, and what loading them did; nothing for weights drawn at random.
///
/// # Errors
/// When the weights file is no such thing or does not fit, or the device has no room.
pub(super) fn network(params: &Params, device: Device) -> Result<(Net, Option<LoadReport>), EngineError> {
    let file = match params.weights.as_str() {
        "" => None,
        path => Some(WeightsFile::open(Path::new(path))?),
    };
    let file_was_given = file.is_some();
    let mut net = untrained(params, device)?;
    let report = file.map(|file| weights::apply(&mut net, &file)).transpose()?;
    if report.as_ref().is_some_and(|r| !r.stem_relu) {
        let text = "its stem has no ReLU (MMT): such a network can be extracted with, not trained on";
        return Err(EngineError::Refused(format!("{}: {text}", params.weights)));
    }
    if file_was_given && !all_finite(net.named_variables().iter().map(|(_, t)| t))? {
        return Err(EngineError::Refused(format!("{} holds weights that are not finite", params.weights)));
    }
    // A run trains with the pooling it asks for, from whatever pooling its weights come.
    net.set_variant(true, None);
    if let (Pool::Gem, Some(p)) = (params.net.pool, report.as_ref().and_then(|r| r.gem)) {
        net.learn_gem(p)?;
    }
    Ok((net, report))
}

/// The network that the parameters describe, with weights drawn from the seed.
///
/// # Errors
/// When the device has no room.
pub(super) fn untrained(params: &Params, device: Device) -> Result<Net, EngineError> {
    let positions = params.positions().map_err(EngineError::Refused)?;
    let domains = if params.adapt.joint { 2 } else { 1 };
    let spec = NetSpec { backbone: params.backbone, positions, domains };
    device::tune(device);
    let mut net = Net::new(&spec, device, seeds::seed(params.seed, Purpose::Weights, 0))?;
    net.set_bf16(params.device.bf16);
    if params.net.pool == Pool::Gem {
        net.learn_gem(3.0)?;
    }
    Ok(net)
}

/// bfloat16 is for GPUs that have it.
///
/// # Errors
/// When it is asked for and a GPU of this compute capability does not compute in it.
pub(super) fn refuse_bf16(params: &Params, capability: Option<(i32, i32)>) -> Result<(), EngineError> {
    match capability.and_then(device::refuses_bf16) {
        Some(why) if params.device.bf16 => Err(EngineError::Refused(format!("device.bf16: {why}"))),
        _ => Ok(()),
    }
}

/// Where the weights came from, in one line.
pub(super) fn origin(params: &Params, report: Option<&LoadReport>) -> String {
    match report {
        None => "scratch".to_owned(),
        Some(report) => format!("{}: {} ({})", params.weights, report.summary(), report.habit),
    }
}

/// What came of the weights file, for the manifest.
pub(super) fn initial(params: &Params, report: &LoadReport) -> InitialWeights {
    InitialWeights {
        file: params.weights.clone(),
        habit: report.habit.clone(),
        matched: report.loaded.clone(),
        missing: report.missing.clone(),
        unexpected: report.unexpected.clone(),
        notes: notes(report),
    }
}

/// What of the weights file is not used, and what of the network is not in it, a sentence each.
pub(super) fn notes(report: &LoadReport) -> Vec<String> {
    let mut texts = report.notes.clone();
    if report.gem.is_some() {
        texts.push("training pools as net.pool says from here on".to_owned());
    }
    if report.lacks_attention() {
        texts.push("it knows no attention blocks: they begin at random and are trained".to_owned());
    }
    if !report.unexpected.is_empty() {
        texts.push(report.summary());
    }
    texts
}
