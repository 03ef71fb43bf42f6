//! A tiny run: two small synthetic domains, a light network, an engine to talk to.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reid_workbench::engine::command::{Begin, Command, DeviceChoice, Handle, Request, RunRequest};
use reid_workbench::engine::event::{Event, Stamped, State, Step};
use reid_workbench::engine::worker::{Engine, Fault};
use reid_workbench::method::params::Params;

use super::datasets::tiny_domain;

/// No answer for this long means that the engine hangs.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Two tiny datasets and a place for runs; removed at the end.
pub struct Tiny {
    pub dir: tempfile::TempDir,
}

impl Tiny {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        tiny_domain(&dir.path().join("source"), "plaza", 1);
        tiny_domain(&dir.path().join("target"), "station", 2);
        Self { dir }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn request(&self, out: &str, params: Params) -> RunRequest {
        RunRequest {
            source: self.path("source").display().to_string(),
            target: self.path("target").display().to_string(),
            out: self.path(out),
            params,
            device: DeviceChoice::Cpu,
            begin: Begin::Start,
            changes: Vec::new(),
            allow_unreadable: false,
            match_names: false,
            cache: None,
        }
    }
}

/// Small enough for a second a run from the command line, beside `--preset demo`; what is set later counts.
pub const SMALL: &[&str] = &[
    "image.height=64",
    "image.width=32",
    "augment.pad=2",
    "pretrain.epochs=1",
    "pretrain.iters=2",
    "pretrain.batch=16",
    "adapt.epochs=1",
    "adapt.iters=2",
    "adapt.batch=16",
    "k1=8",
    "k2=2",
    "eps=0.7",
];

/// Small enough for a second or two a run.
pub fn tiny_params() -> Params {
    let mut p = Params::default();
    p.apply_presets("demo").unwrap();
    for assignment in [
        "image.height=64",
        "image.width=32",
        "augment.pad=2",
        "pretrain.epochs=1",
        "pretrain.iters=3",
        "pretrain.batch=16",
        "pretrain.warmup=0",
        "adapt.epochs=3",
        "adapt.iters=4",
        "adapt.batch=16",
        "k1=8",
        "k2=2",
        "eps=0.7",
        "seed=3",
    ] {
        p.assign(assignment).unwrap();
    }
    p
}

/// An engine and what it has said.
pub struct Driver {
    engine: Option<Engine>,
    handle: Handle,
    pub events: Vec<Stamped>,
}

impl Driver {
    pub fn new() -> Self {
        Self::of(Engine::spawn(Arc::new(|| {})).unwrap())
    }

    pub fn of(engine: Engine) -> Self {
        let handle = engine.handle();
        Self { engine: Some(engine), handle, events: Vec::new() }
    }

    pub fn send(&self, command: Command) {
        self.handle.commands.send(command.into()).unwrap();
    }

    pub fn request(&self, request: Request) {
        self.handle.commands.send(request).unwrap();
    }

    pub fn start(&self, request: RunRequest) {
        self.send(Command::Start(Box::new(request)));
    }

    /// Receives until an event satisfies `stop`; returns it.
    pub fn until(&mut self, what: &str, stop: impl Fn(&Event) -> bool) -> Event {
        loop {
            let stamped =
                self.handle.events.recv_timeout(PATIENCE).unwrap_or_else(|e| panic!("waiting for {what}: {e}"));
            let found = stop(&stamped.event);
            let event = stamped.event.clone();
            self.events.push(stamped);
            if found {
                return event;
            }
        }
    }

    pub fn until_state(&mut self, wanted: &State) {
        self.until(&format!("{wanted:?}"), |e| matches!(e, Event::State { state, .. } if state == wanted));
    }

    pub fn until_end(&mut self) -> State {
        let end = |e: &Event| matches!(e, Event::State { state: State::Done | State::Stopped | State::Failed(_), .. });
        match self.until("the end of the run", end) {
            Event::State { state, .. } => state,
            _ => unreachable!(),
        }
    }

    /// Whose fault the last failure was.
    pub fn fault(&self) -> Fault {
        self.engine.as_ref().unwrap().fault()
    }

    /// Runs a request to its end in one go.
    pub fn run(request: RunRequest) -> (State, Vec<Stamped>) {
        let mut driver = Self::new();
        driver.start(request);
        let end = driver.until_end();
        (end, std::mem::take(&mut driver.events))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.shut_down();
        }
    }
}

pub fn steps(events: &[Stamped]) -> Vec<Step> {
    events.iter().filter_map(|s| if let Event::Step(step) = &s.event { Some(step.clone()) } else { None }).collect()
}

/// Losses bit for bit, with their place.
pub fn losses(events: &[Stamped]) -> Vec<(u64, usize, usize, u64)> {
    steps(events).iter().map(|s| (s.step, s.epoch, s.iter, s.loss.to_bits())).collect()
}

/// Files under a folder, relative, sorted.
pub fn files(dir: &Path) -> Vec<String> {
    fn walk(dir: &Path, root: &Path, out: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, root, out);
            } else {
                out.push(path.strip_prefix(root).unwrap().display().to_string());
            }
        }
    }
    let mut out = Vec::new();
    walk(dir, dir, &mut out);
    out.sort();
    out
}
