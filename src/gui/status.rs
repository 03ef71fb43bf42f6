//! Events folded into what the frame around the tiles shows: state, stages, time left, parameters, device.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::engine::event::{ClusterSummary, Event, Phase, Retrieval, Stage, Stamped, State};
use crate::method::params::{Effect, Params, Value};

/// A change that waits for its moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Pending {
    /// The value to come.
    pub value: Value,
    /// When it takes effect.
    pub effect: Effect,
}

/// One adaptation epoch, for the scrubber.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EpochBar {
    /// Images with a reliable cluster's label.
    pub kept: usize,
    /// Images in clusters that fail the threshold.
    pub dropped: usize,
    /// Images in no cluster.
    pub noise: usize,
}

/// A mark over the scrubber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// A checkpoint was written.
    Checkpoint,
    /// A parameter took effect.
    Param,
    /// The run was paused.
    Pause,
}

/// What the run has told so far, as the frame needs it.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// The run folder.
    pub folder: Option<PathBuf>,
    /// `SOURCE → TARGET`.
    pub title: String,
    /// Names of the datasets.
    pub source: String,
    /// Names of the datasets.
    pub target: String,
    /// Where the initial weights came from.
    pub weights: String,
    /// The state; `None` before the first event.
    pub state: Option<State>,
    /// The stage it is in, or was in when it halted.
    pub stage: Option<Stage>,
    /// Which training it is in.
    pub phase: Option<Phase>,
    /// Epoch of that training, from 0.
    pub epoch: usize,
    /// Iteration of the epoch and how many it has.
    pub iter: Option<(usize, usize)>,
    /// Share of the stage that is done.
    pub progress: f32,
    /// Units of the stage, done and in all.
    pub units: Option<(u64, u64)>,
    /// Seconds the last one of each stage took.
    pub took: BTreeMap<u8, f64>,
    /// Parameters as the run has them.
    pub params: Option<Params>,
    /// Changes that wait, by key.
    pub pending: BTreeMap<String, Pending>,
    /// Name of the device, bytes in use, bytes there are.
    pub device: Option<(String, u64, u64)>,
    /// Iterations a second, smoothed.
    pub rate: f64,
    /// The last clustering.
    pub clusters: Option<ClusterSummary>,
    /// The last evaluation on the target.
    pub retrieval: Option<Retrieval>,
    /// mAP on the target after each evaluation, fractions.
    pub curve: Vec<f64>,
    /// Adaptation epochs with a clustering.
    pub bars: BTreeMap<usize, EpochBar>,
    /// Marks by adaptation epoch.
    pub marks: Vec<(usize, Mark)>,
    began: f64,
    now: f64,
}

/// The stages of a cycle of adaptation, in order.
pub const CYCLE: [Stage; 4] = [Stage::Extract, Stage::Cluster, Stage::Adapt, Stage::Evaluate];

fn number(stage: Stage) -> u8 {
    match stage {
        Stage::Prepare => 0,
        Stage::Pretrain => 1,
        Stage::Extract => 2,
        Stage::Cluster => 3,
        Stage::Adapt => 4,
        Stage::Evaluate => 5,
    }
}

impl Status {
    /// Takes in the next event.
    pub fn fold(&mut self, stamped: &Stamped) {
        self.now = stamped.t;
        match &stamped.event {
            Event::Started { folder, title, source, target, params, device, weights, .. } => {
                let kept = std::mem::take(self);
                *self = Self {
                    folder: Some(folder.clone()),
                    title: title.clone(),
                    source: source.clone(),
                    target: target.clone(),
                    weights: weights.clone(),
                    params: Some((**params).clone()),
                    device: Some((device.clone(), 0, 0)),
                    now: stamped.t,
                    ..Self::default()
                };
                if kept.folder.as_ref() == Some(folder) {
                    self.curve = kept.curve;
                    self.bars = kept.bars; // a resume goes on with the same curve
                    self.marks = kept.marks;
                }
            }
            Event::State { state, epoch } => self.enter(state, *epoch),
            Event::Progress { stage, done, total } => {
                self.at(*stage);
                self.units = Some((*done, *total));
                self.progress = if *total == 0 { 0.0 } else { *done as f32 / *total as f32 };
            }
            Event::StageDone { stage, seconds, .. } => {
                self.took.insert(number(*stage), *seconds);
                if self.stage == Some(*stage) {
                    self.progress = 1.0;
                }
            }
            Event::Step(step) => {
                self.at(if step.phase == Phase::Pretrain { Stage::Pretrain } else { Stage::Adapt });
                self.phase = Some(step.phase);
                self.epoch = step.epoch;
                self.iter = Some((step.iter + 1, step.iters));
                self.progress = (step.iter + 1) as f32 / step.iters.max(1) as f32;
                if step.seconds > 0.0 {
                    let rate = 1.0 / step.seconds;
                    self.rate = if self.rate > 0.0 { 0.9 * self.rate + 0.1 * rate } else { rate };
                }
            }
            Event::Device { name, used, total } => self.device = Some((name.clone(), *used, *total)),
            other => self.fold_results(other),
        }
    }

    fn fold_results(&mut self, event: &Event) {
        match event {
            Event::Clustered { epoch, summary, .. } => {
                let noise = summary.noise[0];
                let dropped = summary.images.saturating_sub(noise + summary.kept);
                self.bars.insert(*epoch, EpochBar { kept: summary.kept, dropped, noise });
                self.clusters = Some((**summary).clone());
            }
            Event::Evaluated { domain: crate::engine::event::Domain::Target, retrieval, .. } => {
                self.curve.push(retrieval.mAP);
                self.retrieval = Some(retrieval.clone());
            }
            Event::ParamPending { key, value, effect } => {
                self.pending.insert(key.clone(), Pending { value: value.clone(), effect: *effect });
            }
            Event::ParamApplied { key, new, epoch, .. } => {
                self.pending.remove(key);
                if let Some(params) = &mut self.params
                    && let Err(error) = params.set(key, new)
                {
                    tracing::warn!(%error, "a parameter of the run is not known here");
                }
                self.marks.push((*epoch, Mark::Param));
            }
            Event::Checkpoint { epoch, .. } => self.marks.push((*epoch, Mark::Checkpoint)),
            Event::EpochDone { epoch, .. } => self.epoch = *epoch,
            _ => {}
        }
    }

    fn enter(&mut self, state: &State, epoch: usize) {
        if let Some(stage) = stage_of(state) {
            self.at(stage);
            match stage {
                Stage::Prepare | Stage::Pretrain => self.phase = Some(Phase::Pretrain),
                Stage::Extract | Stage::Cluster | Stage::Adapt => self.phase = Some(Phase::Adapt),
                Stage::Evaluate => {}
            }
            self.epoch = epoch;
        }
        if *state == State::Paused && self.phase == Some(Phase::Adapt) {
            self.marks.push((self.epoch, Mark::Pause));
        }
        self.state = Some(state.clone());
    }

    fn at(&mut self, stage: Stage) {
        if self.stage != Some(stage) {
            self.stage = Some(stage);
            self.began = self.now;
            self.progress = 0.0;
            self.units = None;
            if !matches!(stage, Stage::Adapt | Stage::Pretrain) {
                self.iter = None;
            }
        }
    }

    /// A few words for the list of runs.
    pub fn brief(&self) -> String {
        let state = match &self.state {
            Some(State::Paused) => "paused",
            Some(State::Done) => "done",
            Some(State::Stopped) => "stopped",
            Some(State::Failed(_)) => "failed",
            _ => "live",
        };
        match self.bars.len() {
            0 => state.to_owned(),
            n => format!("{state} · epoch {n}"),
        }
    }

    /// Whether a run goes on, paused or not.
    pub fn active(&self) -> bool {
        !matches!(self.state, None | Some(State::Idle | State::Done | State::Stopped | State::Failed(_)))
    }

    /// Whether it computes right now.
    pub fn running(&self) -> bool {
        self.active() && self.state != Some(State::Paused)
    }

    /// Epochs planned in the training it is in.
    pub fn epochs(&self) -> Option<usize> {
        let params = self.params.as_ref()?;
        Some(if self.phase == Some(Phase::Pretrain) { params.pretrain.epochs } else { params.adapt.epochs })
    }

    /// Seconds a stage took last time.
    pub fn took(&self, stage: Stage) -> Option<f64> {
        self.took.get(&number(stage)).copied()
    }

    /// Seconds left of the current stage, once enough of it is done to tell.
    pub fn stage_left(&self) -> Option<f64> {
        if let (Some((iter, iters)), true) = (self.iter, self.rate > 0.0) {
            return Some(iters.saturating_sub(iter) as f64 / self.rate);
        }
        let elapsed = self.now - self.began;
        if self.progress > 0.02 && elapsed > 0.5 {
            let share = f64::from(self.progress);
            return Some(elapsed / share * (1.0 - share));
        }
        None
    }

    /// Seconds left of the run, once one cycle of it has been timed.
    pub fn run_left(&self) -> Option<f64> {
        let params = self.params.as_ref()?;
        let stage = self.stage?;
        if !CYCLE.contains(&stage) {
            let (iter, iters) = self.iter?;
            let epochs = params.pretrain.epochs.saturating_sub(self.epoch + 1);
            let left = (iters.saturating_sub(iter) + epochs * iters) as f64 / self.rate.max(1e-9);
            return (self.rate > 0.0).then_some(left); // of pre-training alone: the rest is not known yet
        }
        let adapt = params.adapt.iters as f64 / self.rate.max(1e-9);
        let cycle = CYCLE.map(|s| self.took(s).or((s == Stage::Adapt && self.rate > 0.0).then_some(adapt)));
        let after = CYCLE.iter().position(|&s| s == stage)? + 1;
        let rest: Option<f64> = cycle[after..].iter().copied().sum();
        let whole: Option<f64> = cycle.iter().copied().sum();
        let epochs = params.adapt.epochs.saturating_sub(self.epoch + 1) as f64;
        Some(self.stage_left().unwrap_or(0.0) + rest? + epochs * whole?)
    }

    /// Words for the state pill.
    pub fn sentence(&self) -> String {
        let Some(state) = &self.state else { return "Idle".to_owned() };
        let epoch = match self.epochs() {
            Some(n) if n > 0 && self.stage != Some(Stage::Prepare) => format!(" · epoch {}/{n}", self.epoch + 1),
            _ => String::new(),
        };
        let iter = match (self.iter, self.stage) {
            (Some((i, n)), Some(Stage::Adapt | Stage::Pretrain)) => format!(" · iteration {i}/{n}"),
            _ => String::new(),
        };
        let units = match self.units {
            Some((done, total)) if total > 1 => format!(" · {}/{}", thousands(done), thousands(total)),
            _ => String::new(),
        };
        match state {
            State::Idle => "Idle".to_owned(),
            State::Preparing => format!("Preparing{units}"),
            State::Pretraining => format!("Pre-training{epoch}{iter}"),
            State::Extracting => format!("Extracting{epoch}{units}"),
            State::Clustering => format!("Clustering{epoch}"),
            State::Adapting => format!("Adapting{epoch}{iter}"),
            State::Evaluating => format!("Evaluating{units}"),
            State::Paused => format!("Paused{epoch}{iter}"),
            State::Stopped => format!("Stopped{epoch}"),
            State::Done => match &self.retrieval {
                Some(r) => format!("Done · mAP {:.1}", 100.0 * r.mAP),
                None => "Done".to_owned(),
            },
            State::Failed(reason) => format!("Failed · {}", short(reason)),
        }
    }
}

fn short(reason: &str) -> String {
    let first = reason.split(['.', '\n']).next().unwrap_or(reason);
    let mut cut: String = first.chars().take(60).collect();
    if cut.len() < first.len() {
        cut.push('…');
    }
    cut
}

fn stage_of(state: &State) -> Option<Stage> {
    match state {
        State::Preparing => Some(Stage::Prepare),
        State::Pretraining => Some(Stage::Pretrain),
        State::Extracting => Some(Stage::Extract),
        State::Clustering => Some(Stage::Cluster),
        State::Adapting => Some(Stage::Adapt),
        State::Evaluating => Some(Stage::Evaluate),
        State::Idle | State::Paused | State::Done | State::Stopped | State::Failed(_) => None,
    }
}

/// `12936` → `12,936`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `38 s`, `1 min 52 s`, `3 h 54 min`.
pub fn duration(seconds: f64) -> String {
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    let s = seconds.round() as u64;
    match (s / 3600, s / 60 % 60, s % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}
