//! One event after the other into the view.

use std::sync::Arc;

use super::*;

/// Answers kept; each holds at most 50 hits and the query's matches.
const RANKINGS: usize = 32;
/// Refusals kept.
const REFUSALS: usize = 32;

impl RunView {
    /// Takes in the next event. An event that was already taken in (the same run read twice) changes nothing.
    pub fn fold(&mut self, stamped: &Stamped) {
        let outside = is_outside(stamped);
        let starts = matches!(stamped.event, Event::Started { .. });
        if !starts && !self.run.is_empty() && !stamped.run.is_empty() && self.run != stamped.run {
            return; // told of another run
        }
        if let Event::Started { folder, title, resumed, .. } = &stamped.event {
            let same = (!stamped.run.is_empty() && self.run == stamped.run)
                || self.folder.as_ref() == Some(folder)
                || (stamped.seq == self.next_seq && self.title == *title);
            if !*resumed || !same {
                // A run that was opened in its first moment lies where it was opened, whatever its process calls the
                // place, and whoever trains it still does.
                let opened = !stamped.run.is_empty() && self.run == stamped.run;
                let kept = opened.then(|| (self.folder.take(), self.trainer.take()));
                *self = Self::default();
                (self.folder, self.trainer) = kept.unwrap_or_default();
            }
        }
        if !stamped.run.is_empty() {
            self.run.clone_from(&stamped.run);
        }
        if !outside {
            if stamped.seq < self.next_seq {
                return;
            }
            self.next_seq = stamped.seq.saturating_add(1);
            self.t = self.t.max(stamped.t);
        }
        self.live |= crate::run::folder::is_live_only(&stamped.event);
        if let Event::State { state, .. } = &stamped.event
            && outside
            && self.attempt(state)
        {
            return;
        }
        if let Some(place) = self.place_of(&stamped.event)
            && (self.resumed || self.is_behind(place))
        {
            self.rewind(place);
        }
        match &stamped.event {
            Event::Started { .. } => self.started(&stamped.event),
            Event::State { state, epoch } => self.state_changed(state, *epoch, stamped.wall),
            Event::Progress { stage, done, total } => self.progress(*stage, *done, *total, stamped.wall),
            Event::StageDone { stage, seconds, .. } => self.stage_done(*stage, *seconds, stamped.wall),
            Event::Step(step) => self.step(step, stamped.wall),
            Event::Clustered { epoch, summary, seconds } => {
                self.source_batch = None;
                self.clusters.split_off(epoch);
                self.hands.split_off(epoch);
                if summary.hand.is_some() {
                    self.hands.insert(*epoch, Arc::new(self.hand.clone()));
                }
                self.clusters.insert(*epoch, ClusterView { summary: (**summary).clone(), seconds: *seconds });
            }
            Event::Evaluated { epoch, domain, retrieval } => {
                let by_epoch = match domain {
                    Domain::Source => &mut self.source_retrieval,
                    Domain::Target => &mut self.target_retrieval,
                };
                by_epoch.split_off(epoch);
                by_epoch.insert(*epoch, retrieval.clone());
            }
            Event::Snapshot { epoch, part } => {
                self.snapshots.insert((*epoch, (*part).into()), stamped.seq);
            }
            Event::EpochDone { epoch, epochs } => {
                self.epochs_done = epoch.saturating_add(1);
                if self.phase == Phase::Adapt {
                    self.epochs = *epochs;
                }
            }
            Event::ParamPending { key, value, effect } => self.param_pending(key, value, *effect),
            Event::ParamApplied { key, old, new, epoch, iter } => {
                let (key, old, new) = (key.clone(), old.clone(), new.clone());
                let phase = self.training();
                self.param_applied(ParamChange { key, old, new, phase, epoch: *epoch, iter: *iter });
            }
            Event::Hand { edit, undone } => {
                self.by_hand = true;
                match undone {
                    true => drop(self.hand.undo()),
                    false => self.hand.edits.push(edit.clone()),
                }
            }
            Event::Checkpoint { file, .. } => self.mark(MarkKind::Checkpoint { file: file.clone() }),
            Event::HeatMaps { epoch, images } => self.heat_maps(*epoch, images),
            Event::Ranked(ranking) => self.ranked(ranking),
            Event::Likeness(likeness) => {
                self.likeness_asked = None;
                self.likeness = Some(Arc::new((**likeness).clone()));
            }
            Event::SourceBatch(batch) => self.source_batch = Some(Arc::new((**batch).clone())),
            Event::Device { name, used, total, load } => {
                self.device = Some(DeviceView { name: name.clone(), used: *used, total: *total, load: *load });
            }
            Event::Accepted { .. } => {}
            Event::Cure(cure) => self.cure = Some(cure.clone()),
            Event::Refused { request, why } => {
                self.refusals.push((request.clone(), why.clone()));
                let surplus = self.refusals.len().saturating_sub(REFUSALS);
                self.refusals.drain(..surplus);
            }
            Event::Notice { severity, title, text } => self.notices.push(Notice {
                seq: stamped.seq,
                wall: stamped.wall,
                severity: *severity,
                title: title.clone(),
                text: text.clone(),
            }),
        }
    }

    /// Whether an iteration was told before, with others after it.
    fn is_behind(&self, place: RunPlace) -> bool {
        let last = |phase: Phase| self.curves(phase).points.last().map(|p| (phase, p.epoch, p.iter));
        last(Phase::Adapt).or_else(|| last(Phase::Pretrain)).is_some_and(|last| place <= last)
    }

    /// An attempt to go on with a run is told before its folder can be written. One that fails leaves what is known
    /// of the run as it was; the answer is whether the event is dealt with.
    fn attempt(&mut self, state: &State) -> bool {
        match state {
            State::Preparing if !self.is_empty() => {
                let before = Attempt { state: self.state.clone(), stage: self.stage, stages: self.stages };
                self.before_attempt.get_or_insert(before);
                (self.state, self.stage) = (State::Preparing, Some(Stage::Prepare));
                true
            }
            State::Failed(_) => match self.before_attempt.take() {
                Some(Attempt { state, stage, stages }) => {
                    (self.state, self.stage, self.stages) = (state, stage, stages);
                    true
                }
                None => false,
            },
            _ => false,
        }
    }

    fn started(&mut self, event: &Event) {
        let Event::Started { folder, title, source, target, params, device, weights, resumed, parent } = event else {
            return;
        };
        self.folder.get_or_insert_with(|| folder.clone());
        self.title.clone_from(title);
        self.source.clone_from(source);
        self.target.clone_from(target);
        self.weights.clone_from(weights);
        self.device_name.clone_from(device);
        self.cure = None;
        if let (Some(parent), false) = (parent, *resumed) {
            // Its curves begin where it branched off.
            (self.phase, self.epoch, self.epochs_done) = (Phase::Adapt, parent.epoch, parent.epoch);
            self.parent = Some(parent.clone());
        }
        self.epochs = if self.phase == Phase::Adapt { params.adapt.epochs } else { params.pretrain.epochs };
        self.params = Some((**params).clone());
        self.pending.clear();
        self.before_attempt = None;
        self.begun = None;
        self.resumed = *resumed;
        if *resumed {
            self.mark(MarkKind::Resumed);
        }
    }

    fn state_changed(&mut self, state: &State, epoch: usize, wall: f64) {
        self.interrupted = None;
        let stage = match state {
            State::Preparing => Some(Stage::Prepare),
            State::Pretraining => Some(Stage::Pretrain),
            State::Extracting => Some(Stage::Extract),
            State::Clustering => Some(Stage::Cluster),
            State::Adapting => Some(Stage::Adapt),
            State::Evaluating => Some(Stage::Evaluate),
            State::Idle | State::Paused | State::Done | State::Stopped | State::Failed(_) => None,
        };
        let over = matches!(state, State::Done | State::Stopped | State::Failed(_));
        let back_from_pause = self.state == State::Paused && stage.is_some() && stage == self.stage;
        // The end is told in epochs of adaptation, also where pre-training was not over.
        if epoch != self.epoch && !(over && self.phase == Phase::Pretrain) {
            (self.epoch, self.iter, self.iters) = (epoch, 0, 0);
        }
        if self.state == State::Paused {
            // The stage did not go on meanwhile: its pace is that of the time it worked.
            let pause = (wall - self.clock.paused_at).max(0.0);
            self.clock.began += pause;
            self.clock.paused += pause;
        }
        if *state == State::Paused {
            if self.state != State::Paused {
                self.mark(MarkKind::Pause);
            }
            self.clock.paused_at = wall;
        }
        self.state = state.clone();
        let Some(stage) = stage else { return };
        if back_from_pause {
            return;
        }
        let phase = match stage {
            Stage::Prepare | Stage::Pretrain => Phase::Pretrain,
            Stage::Extract | Stage::Cluster | Stage::Adapt => Phase::Adapt,
            Stage::Evaluate => self.phase,
        };
        if let Some(params) = &self.params {
            self.epochs = if phase == Phase::Adapt { params.adapt.epochs } else { params.pretrain.epochs };
        }
        if phase != self.phase || self.stage > Some(stage) {
            (self.iter, self.iters) = (0, 0);
        }
        self.phase = phase;
        self.stage = Some(stage);
        self.clock = Clock { began: wall, ..Clock::default() };
        if !matches!(stage, Stage::Prepare | Stage::Evaluate) {
            self.begun = Some((phase, epoch));
        }
        for view in &mut self.stages {
            view.progress = match view.stage.cmp(&stage) {
                std::cmp::Ordering::Less if view.seconds.is_some() => StageProgress::Done,
                std::cmp::Ordering::Less | std::cmp::Ordering::Greater => StageProgress::ToCome,
                std::cmp::Ordering::Equal => StageProgress::Running,
            };
            if view.stage >= stage {
                (view.done, view.total, view.left) = (0, 0, None);
            }
        }
    }

    fn progress(&mut self, stage: Stage, done: u64, total: u64, wall: f64) {
        let Clock { began, from, .. } = self.clock;
        let view = &mut self.stages[stage as usize];
        (view.done, view.total) = (done, total);
        let worked = done.saturating_sub(from.unwrap_or(0));
        let pace = (worked > 0 && wall > began && began > 0.0).then(|| (wall - began) / worked as f64);
        view.left = pace.map(|pace| pace * total.saturating_sub(done) as f64);
    }

    fn stage_done(&mut self, stage: Stage, seconds: f64, wall: f64) {
        let Clock { began, paused, .. } = self.clock;
        // The engine's own clock runs on through a pause.
        let worked =
            if paused > 0.0 && self.stage == Some(stage) { seconds.min((wall - began).max(0.0)) } else { seconds };
        let view = &mut self.stages[stage as usize];
        view.progress = StageProgress::Done;
        view.seconds = Some(worked);
        view.left = None;
    }

    fn step(&mut self, step: &Step, wall: f64) {
        let stage = match step.phase {
            Phase::Pretrain => Stage::Pretrain,
            Phase::Adapt => Stage::Adapt,
        };
        (self.phase, self.epoch) = (step.phase, step.epoch);
        (self.iter, self.iters) = (step.iter.saturating_add(1), step.iters);
        self.begun = Some((step.phase, step.epoch));
        self.stages[stage as usize].progress = StageProgress::Running;
        let count = |epochs: usize, iters: usize| {
            (epochs as u64).saturating_mul(step.iters as u64).saturating_add(iters as u64)
        };
        let (done, total) = match step.phase {
            Phase::Pretrain => (count(step.epoch, self.iter), count(self.epochs.max(step.epoch.saturating_add(1)), 0)),
            Phase::Adapt => (self.iter as u64, step.iters as u64),
        };
        self.clock.from.get_or_insert(done.saturating_sub(u64::from(step.merged.max(1))));
        self.progress(stage, done, total, wall);
        let curves = match step.phase {
            Phase::Pretrain => &mut self.pretrain,
            Phase::Adapt => &mut self.adapt,
        };
        let before = curves.lr.last().map(|(_, lr)| lr);
        curves.push(step);
        // Only a cut counts: warm-up rises, and a slider that is moved has its own mark.
        if let Some(factor) = before.map(|lr| step.lr / lr).filter(|f| *f > 0.0 && *f < 0.6) {
            let x = super::curves::x(step.epoch, step.iter, step.iters);
            self.marks.push(MarkedMoment { phase: step.phase, x, kind: MarkKind::LrDrop { factor } });
        }
    }

    fn param_pending(&mut self, key: &str, value: &Value, effect: Effect) {
        self.pending.retain(|(k, _, _)| k != key);
        let current = self.params.as_ref().and_then(|p| p.get(key).ok());
        if current.as_ref() != Some(value) {
            self.pending.push((key.to_owned(), value.clone(), effect));
        }
    }

    fn param_applied(&mut self, change: ParamChange) {
        let ParamChange { key, old, new, phase, epoch, iter } = &change;
        self.pending.retain(|(k, v, _)| k != key || v != new);
        if let Some(params) = &mut self.params {
            // A key of another version is not in the table; the mark still tells what happened.
            params.set(key, new).ok();
        }
        let (x, kind) = (
            self.x_of((*phase, *epoch, *iter)),
            MarkKind::Param { key: key.clone(), old: old.clone(), new: new.clone() },
        );
        self.marks.push(MarkedMoment { phase: *phase, x, kind });
        self.changes.push(change);
    }

    fn heat_maps(&mut self, epoch: usize, images: &[ImageMaps]) {
        let known = match &mut self.live_maps {
            Some((at, known)) if *at == epoch => known,
            other => &mut other.insert((epoch, Vec::new())).1,
        };
        for image in images {
            match known.iter_mut().find(|k| k.image == image.image) {
                Some(old) => *old = image.clone(),
                None => known.push(image.clone()),
            }
        }
    }

    fn ranked(&mut self, ranking: &Ranking) {
        self.rankings.retain(|known| known.query != ranking.query);
        self.rankings.push(Arc::new(ranking.clone()));
        let surplus = self.rankings.len().saturating_sub(RANKINGS);
        self.rankings.drain(..surplus);
    }

    fn mark(&mut self, kind: MarkKind) {
        let within = if self.iters > 0 { self.iter as f64 / self.iters as f64 } else { 0.0 };
        self.marks.push(MarkedMoment { phase: self.phase, x: self.epoch as f64 + within, kind });
    }
}

/// Whether an event is not part of a run folder's history: live only, or said while there is no folder that
/// could hold it (before a run is made, or when its disk is full). Such events carry neither number nor time.
fn is_outside(stamped: &Stamped) -> bool {
    let unstamped = stamped.seq == 0 && stamped.t == 0.0 && !matches!(stamped.event, Event::Started { .. });
    unstamped || crate::run::folder::is_live_only(&stamped.event)
}
