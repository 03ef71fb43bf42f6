//! A recorded run played into the window: the events of a small adaptation, with made-up numbers.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use crossbeam_channel::{Receiver, Sender, bounded};
use reid_workbench::data::preview::Preview;
use reid_workbench::engine::command::{Command, Handle, Request};
use reid_workbench::engine::event::{
    ClusterParams, ClusterSummary, Domain, Event, Phase, Quality, Retrieval, RunId, Severity, Stage, Stamped, State,
    Step,
};
use reid_workbench::gui::command::UiCommand;
use reid_workbench::gui::datasets::{DatasetRow, Datasets, UserRegistry};
use reid_workbench::method::cluster::Judged;
use reid_workbench::method::params::Params;

/// The far end of a handle: what an engine would hold.
pub struct FakeEngine {
    /// What the window asked for.
    pub commands: Receiver<Request>,
    events: Sender<Stamped>,
    seq: std::cell::Cell<u64>,
    t: std::cell::Cell<f64>,
}

impl FakeEngine {
    /// A handle for the window and its far end.
    pub fn new() -> (Handle, Self) {
        let (ask, commands) = bounded(256);
        let (events, hear) = bounded(100_000);
        let fake = Self { commands, events, seq: 0.into(), t: 0.0.into() };
        (Handle { commands: ask, events: hear }, fake)
    }

    /// Says something, a little later than the last time.
    pub fn say(&self, event: Event) {
        let (seq, t) = (self.seq.get(), self.t.get() + 0.25);
        self.seq.set(seq + 1);
        self.t.set(t);
        self.events.send(Stamped { run: Default::default(), seq, t, wall: 1_795_341_600.0 + t, event }).unwrap();
    }

    /// Says something of a run that has no folder yet.
    pub fn say_of(&self, run: &str, event: Event) {
        let run = RunId::of(Path::new(run));
        self.events.send(Stamped { run, seq: 0, t: 0.0, wall: 1_795_341_600.0, event }).unwrap();
    }

    /// Says what was recorded.
    pub fn replay(&self, events: Vec<Stamped>) {
        for stamped in events {
            self.seq.set(stamped.seq + 1);
            self.t.set(stamped.t);
            self.events.send(stamped).unwrap();
        }
    }

    /// Begins a run.
    pub fn start(&self, folder: &Path, params: &Params) {
        self.say(started(folder, params));
        self.say(Event::State { state: State::Preparing, epoch: 0 });
    }

    /// Everything that was asked since the last call.
    pub fn asked(&self) -> Vec<Command> {
        self.commands.try_iter().map(|request| request.command).collect()
    }
}

/// What was asked of the engine, without the names under which it answers.
pub fn engine_commands(actions: &[UiCommand]) -> Vec<Command> {
    let command = |a: &UiCommand| if let UiCommand::Engine(request) = a { Some(request.command.clone()) } else { None };
    actions.iter().filter_map(command).collect()
}

/// The event that begins a run.
pub fn started(folder: &Path, params: &Params) -> Event {
    Event::Started {
        folder: folder.to_path_buf(),
        title: "synthetic-plaza → synthetic-station".to_owned(),
        source: "synthetic-plaza".to_owned(),
        target: "synthetic-station".to_owned(),
        params: Box::new(params.clone()),
        device: "cpu".to_owned(),
        weights: "scratch".to_owned(),
        resumed: false,
        parent: None,
    }
}

/// One iteration of adaptation.
pub fn step(epoch: usize, iter: usize, iters: usize) -> Event {
    let done = (epoch * iters + iter) as f64;
    let loss = 1.8 + 3.0 * (-done / 400.0).exp() + 0.15 * (done * 12.9898).sin();
    Event::Step(Step {
        phase: Phase::Adapt,
        epoch,
        iter,
        iters,
        step: done as u64,
        loss,
        parts: vec![("target".to_owned(), loss * 0.7), ("triplet".to_owned(), loss * 0.3)],
        lr: 3.5e-4,
        seconds: 0.44,
        waited: 0.01,
        merged: 1,
    })
}

/// A clustering.
pub fn clustered(epoch: usize, params: &Params) -> Event {
    let clusters = 60 + 2 * epoch;
    let score = |n: usize| (0.35 + 0.63 * ((n * 37 % 100) as f64 / 100.0).sqrt()).min(1.0);
    let cluster_score: Vec<f64> = (0..clusters).map(score).collect();
    let reliable = cluster_score.iter().filter(|&&s| s >= 0.5).count();
    let noise = 360 - 20 * epoch;
    Event::Clustered {
        epoch,
        summary: Box::new(ClusterSummary {
            images: 1024,
            clusters: vec![clusters, clusters + 5, clusters - 3],
            noise: vec![noise, noise + 40, noise - 30],
            reliable,
            kept: (1024 - noise) * reliable / clusters,
            threshold: Some(0.5),
            cluster_score,
            cluster_size: vec![11; clusters],
            quality: Some(Quality { purity: 0.9, nmi: 0.92, ari: 0.6, pairwise_f: 0.63 }),
            used: ClusterParams {
                eps: params.eps,
                delta_d: params.delta_d,
                k1: params.k1,
                k2: params.k2,
                min_samples: params.min_samples,
            },
            judged: Some(Judged::of(params)),
            hand: None,
            index: None,
            label_free: Default::default(),
        }),
        seconds: [0.2, 0.9, 0.1, 0.05],
    }
}

/// An evaluation on the target.
pub fn evaluated(epoch: usize) -> Event {
    let rise = 1.0 - (-(epoch as f64) / 4.0).exp();
    let at = |low: f64, high: f64| low + (high - low) * rise;
    Event::Evaluated {
        epoch,
        domain: Domain::Target,
        retrieval: Retrieval {
            mAP: at(0.28, 0.61),
            mAP_trapezoid: at(0.28, 0.61),
            cmc: [at(0.45, 0.80), at(0.66, 0.91), at(0.74, 0.94), at(0.82, 0.97)],
            valid_queries: 96,
            queries: 96,
            ..Retrieval::default()
        },
    }
}

/// A demo run up to the middle of epoch `epochs` + 1.
pub fn demo(epochs: usize) -> Vec<Event> {
    let mut params = Params::default();
    params.apply_presets("demo").unwrap();
    let done = |stage, epoch, seconds| Event::StageDone { stage, epoch, seconds };
    let state = |state, epoch| Event::State { state, epoch };
    let mut events = vec![started(&PathBuf::from("runs/demo"), &params), state(State::Preparing, 0)];
    events.push(done(Stage::Prepare, 0, 1.2));
    events.push(Event::Device { name: "cpu".to_owned(), used: 1_900 << 20, total: 16 << 30, load: Default::default() });
    events.push(evaluated(0));
    for epoch in 0..=epochs {
        events.push(state(State::Extracting, epoch));
        events.push(Event::Progress { stage: Stage::Extract, done: 1024, total: 1024 });
        events.push(done(Stage::Extract, epoch, 3.8));
        events.push(state(State::Clustering, epoch));
        events.push(clustered(epoch, &params));
        events.push(done(Stage::Cluster, epoch, 1.25));
        events.push(state(State::Adapting, epoch));
        let iters = params.adapt.iters;
        let until = if epoch == epochs { iters * 2 / 5 } else { iters };
        events.extend((0..until).map(|iter| step(epoch, iter, iters)));
        if epoch == epochs {
            break;
        }
        events.push(done(Stage::Adapt, epoch, 17.6));
        events.push(state(State::Evaluating, epoch));
        events.push(evaluated(epoch + 1));
        events.push(done(Stage::Evaluate, epoch, 2.4));
        if epoch % 3 == 2 {
            events.push(Event::Checkpoint {
                file: format!("checkpoints/{epoch:04}"),
                epoch: epoch + 1,
                bytes: 21 << 20,
            });
        }
        events.push(Event::EpochDone { epoch, epochs: params.adapt.epochs });
    }
    events.push(Event::Notice {
        severity: Severity::Warning,
        title: "35 % of the images are outliers".to_owned(),
        text: "Raise eps towards 0.60, or look at the k-distance plot.".to_owned(),
    });
    events
}

/// A registry in memory.
#[derive(Default)]
pub struct FakeRegistry {
    /// What was added.
    pub added: std::sync::Mutex<Vec<(String, PathBuf)>>,
}

impl Datasets for FakeRegistry {
    fn list(&self) -> (Vec<DatasetRow>, Vec<String>) {
        let row = |name: &str, layout: &str, builtin, found| DatasetRow {
            name: name.to_owned(),
            layout: layout.to_owned(),
            root: PathBuf::from("/data").join(name),
            builtin,
            found,
        };
        let mut rows = vec![
            row("synthetic-plaza", "market1501", true, true),
            row("synthetic-station", "market1501", true, true),
            row("market1501", "market1501", false, true),
            row("msmt17", "msmt17", false, false),
        ];
        rows.extend(self.added.lock().unwrap().iter().map(|(name, _)| row(name, "market1501", false, true)));
        (rows, Vec::new())
    }

    fn add(&self, name: &str, _layout: &str, root: &Path) -> Result<(), String> {
        if root.ends_with("empty") {
            return Err("expected bounding_box_train in the folder, found no images at all".to_owned());
        }
        self.added.lock().unwrap().push((name.to_owned(), root.to_path_buf()));
        Ok(())
    }

    fn look(&self, layout: &str, root: &Path, go_on: &AtomicBool) -> Result<Preview, String> {
        if root.ends_with("empty") {
            return Err("expected bounding_box_train in the folder, found no images at all".to_owned());
        }
        UserRegistry.look(layout, root, go_on)
    }

    fn open(&self, name: &str, go_on: &AtomicBool) -> Result<Preview, String> {
        UserRegistry.open(name, go_on)
    }

    fn fits(&self, name_or_dir: &str) -> Result<(), String> {
        let known = self.list().0.iter().any(|row| row.name == name_or_dir) || Path::new(name_or_dir).exists();
        if known { Ok(()) } else { Err(format!("there is no dataset or folder {name_or_dir}")) }
    }

    fn remove(&self, name: &str) -> Result<(), String> {
        self.added.lock().unwrap().retain(|(known, _)| known != name);
        Ok(())
    }

    fn locate(&self, name: &str, root: &Path) -> Result<(), String> {
        self.added.lock().unwrap().push((name.to_owned(), root.to_path_buf()));
        Ok(())
    }

    fn layouts(&self) -> Vec<String> {
        ["market1501", "dukemtmc", "msmt17"].map(str::to_owned).to_vec()
    }
}
