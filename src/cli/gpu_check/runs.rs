//! Whole runs through the engine: one that is paused, changed, stopped and resumed, and one that has no room.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::base::device::DeviceChoice;
use crate::engine::command::{Begin, Command, Handle, RunRequest};
use crate::engine::event::{Domain, Event, State};
use crate::engine::rehearsal::Rehearsal;
use crate::engine::worker::Engine;
use crate::method::params::{Params, Value as Setting};

/// No word for this long means that the engine hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// An engine, and what it has said of the target's test set.
struct Talk {
    engine: Engine,
    handle: Handle,
    map: Vec<f64>,
}

impl Talk {
    fn begin(rehearsal: Rehearsal) -> anyhow::Result<Self> {
        let engine = Engine::rehearsing(Arc::new(|| {}), rehearsal)?;
        let handle = engine.handle();
        Ok(Self { engine, handle, map: Vec::new() })
    }

    fn say(&self, command: Command) -> anyhow::Result<()> {
        Ok(self.handle.commands.send(command.into())?)
    }

    /// Listens until an event is the one waited for; the end of the run is one always.
    fn until(&mut self, wanted: impl Fn(&Event) -> bool) -> anyhow::Result<Event> {
        loop {
            let event = self.handle.events.recv_timeout(PATIENCE).context("the engine says nothing any more")?.event;
            if let Event::Evaluated { domain: Domain::Target, retrieval, .. } = &event {
                self.map.push(retrieval.mAP);
            }
            if wanted(&event) || matches!(&event, Event::State { state, .. } if ended(state)) {
                return Ok(event);
            }
        }
    }

    /// Runs to the end.
    fn run(&mut self, request: RunRequest) -> anyhow::Result<State> {
        self.say(Command::Start(Box::new(request)))?;
        self.end()
    }

    fn end(&mut self) -> anyhow::Result<State> {
        match self.until(|_| false)? {
            Event::State { state, .. } => Ok(state),
            other => bail!("{other:?} is no end"),
        }
    }
}

fn ended(state: &State) -> bool {
    matches!(state, State::Done | State::Stopped | State::Failed(_))
}

fn request(out: &Path, device: DeviceChoice, settings: &[&str]) -> anyhow::Result<RunRequest> {
    let mut params = Params::default();
    params.apply_presets("demo")?;
    settings.iter().try_for_each(|assignment| params.assign(assignment))?;
    Ok(RunRequest {
        source: "synthetic-plaza".to_owned(),
        target: "synthetic-station".to_owned(),
        params,
        device,
        begin: Begin::Start,
        cache: None,
        ..RunRequest::resume(out.to_owned())
    })
}

/// Small images in the dry run.
fn small(dry: bool) -> &'static [&'static str] {
    if dry { &["image.height=64", "image.width=32", "augment.pad=2"] } else { &[] }
}

/// A tiny run on the device, paused, changed, stopped and resumed on its way, beside the CPU's undisturbed one.
///
/// # Errors
/// When the engine does not do what it was asked for.
pub fn whole(device: DeviceChoice, dry: bool) -> anyhow::Result<Value> {
    let folder = tempfile::tempdir()?;
    let tiny = ["pretrain.epochs=1", "pretrain.iters=4", "adapt.epochs=2", "adapt.iters=4", "eval.batch=64"];
    let settings = [&tiny[..], small(dry)].concat();
    let ours = request(&folder.path().join("device"), device, &settings)?;
    let mut talk = Talk::begin(Rehearsal::default())?;
    let began = Instant::now();
    talk.say(Command::Start(Box::new(ours.clone())))?;
    talk.until(|e| matches!(e, Event::State { state: State::Adapting, .. }))?;
    let asked = Instant::now();
    talk.say(Command::Pause)?;
    talk.until(|e| matches!(e, Event::State { state: State::Paused, .. }))?;
    let paused = asked.elapsed();
    // Features do not depend on it, so both runs are to end alike.
    talk.say(Command::SetParam { key: "eval.batch".to_owned(), value: Setting::Int(48) })?;
    talk.say(Command::Resume)?;
    let Event::ParamApplied { key, epoch, .. } = talk.until(|e| matches!(e, Event::ParamApplied { .. }))? else {
        bail!("the parameter was not changed on the way");
    };
    talk.say(Command::Stop)?;
    let stopped = talk.end()?;
    let end = talk.run(RunRequest { device, ..RunRequest::resume(ours.out) })?;
    if stopped != State::Stopped || end != State::Done {
        bail!("the run was {stopped:?} when it was stopped, and {end:?} when it was resumed");
    }
    let (device_seconds, map) = (began.elapsed().as_secs_f64(), std::mem::take(&mut talk.map));
    let began = Instant::now();
    let end = talk.run(request(&folder.path().join("cpu"), DeviceChoice::Cpu, &settings)?)?;
    if end != State::Done {
        bail!("the CPU's run is {end:?}");
    }
    let cpu_seconds = began.elapsed().as_secs_f64();
    let found = json!({
        "paused_after_ms": 1e3 * paused.as_secs_f64(),
        "changed": key, "in_epoch": epoch,
        "stopped_and_resumed": true,
        "map_device": map, "map_cpu": talk.map,
        "seconds_device": device_seconds, "seconds_cpu": cpu_seconds,
    });
    talk.engine.shut_down();
    Ok(found)
}

/// A run that the device has no room for, and a small one after it in the same engine.
///
/// # Errors
/// When the first does not fail as it should, or the second fails.
pub fn exhausted(device: DeviceChoice, dry: bool) -> anyhow::Result<Value> {
    let folder = tempfile::tempdir()?;
    let tiny = ["pretrain.epochs=1", "pretrain.iters=2", "adapt.epochs=0"];
    // As many pixels as 16,384 images of 256 × 128. The CPU would take its machine down with it, so there it is played.
    let huge = ["pretrain.batch=1024", "image.height=1024", "image.width=512", "backbone=resnet50"];
    let rehearsal = Rehearsal { full_at: dry.then_some(1), ..Rehearsal::default() };
    let settings = [&tiny[..], if dry { small(true) } else { &huge }].concat();
    let mut talk = Talk::begin(rehearsal)?;
    let State::Failed(reason) = talk.run(request(&folder.path().join("huge"), device, &settings)?)? else {
        bail!("the device had room for {settings:?}");
    };
    let next = talk.run(request(&folder.path().join("next"), device, &[&tiny[..], small(dry)].concat())?)?;
    if !reason.starts_with("out of memory") || next != State::Done {
        bail!("the first run failed with \"{reason}\"; the next is {next:?}");
    }
    talk.engine.shut_down();
    Ok(json!({ "failed": reason, "next": "done", "played": dry }))
}
