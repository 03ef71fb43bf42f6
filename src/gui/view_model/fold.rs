//! One event after the other into the view.

use std::sync::Arc;

use super::*;

/// Answers kept; each holds at most 50 hits and the query's matches.
const RANKINGS: usize = 32;

impl ViewModel {
    /// Takes in the next event. An event that was already taken in (the same run read twice) changes nothing.
    pub fn fold(&mut self, stamped: &Stamped) {
        if let Event::Started { folder, title, resumed, .. } = &stamped.event {
            let same = self.folder.as_ref() == Some(folder) || (stamped.seq == self.next_seq && self.title == *title);
            if !*resumed || !same {
                *self = Self::default();
            }
        }
        if !is_outside(stamped) {
            if stamped.seq < self.next_seq {
                return;
            }
            self.next_seq = stamped.seq + 1;
            self.t = self.t.max(stamped.t);
        }
        self.live |= crate::run::folder::is_live_only(&stamped.event);
        match &stamped.event {
            Event::Started { .. } => self.started(&stamped.event),
            Event::State { state, epoch } => self.state_changed(state, *epoch, stamped.wall),
            Event::Progress { stage, done, total } => self.progress(*stage, *done, *total, stamped.wall),
            Event::StageDone { stage, seconds, .. } => self.stage_done(*stage, *seconds),
            Event::Step(step) => self.step(step, stamped.wall),
            Event::Clustered { epoch, summary, seconds } => {
                self.clusters.split_off(epoch);
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
            Event::EpochDone { epochs, .. } => self.epochs = *epochs,
            Event::ParamPending { key, value, effect } => self.param_pending(key, value, *effect),
            Event::ParamApplied { key, old, new, .. } => self.param_applied(key, old, new),
            Event::Checkpoint { file, .. } => self.mark(MarkKind::Checkpoint { file: file.clone() }),
            Event::HeatMaps { epoch, images } => self.heat_maps(*epoch, images),
            Event::Ranked(ranking) => self.ranked(ranking),
            Event::Device { name, used, total } => {
                self.device = Some(DeviceView { name: name.clone(), used: *used, total: *total });
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

    fn started(&mut self, event: &Event) {
        let Event::Started { folder, title, source, target, params, device, weights, resumed } = event else { return };
        self.folder.get_or_insert_with(|| folder.clone());
        self.title.clone_from(title);
        self.source.clone_from(source);
        self.target.clone_from(target);
        self.weights.clone_from(weights);
        self.device_name.clone_from(device);
        self.epochs = if self.phase == Phase::Adapt { params.adapt.epochs } else { params.pretrain.epochs };
        self.params = Some((**params).clone());
        self.pending.clear();
        if *resumed {
            self.mark(MarkKind::Resumed);
        }
    }

    fn state_changed(&mut self, state: &State, epoch: usize, wall: f64) {
        let stage = match state {
            State::Preparing => Some(Stage::Prepare),
            State::Pretraining => Some(Stage::Pretrain),
            State::Extracting => Some(Stage::Extract),
            State::Clustering => Some(Stage::Cluster),
            State::Adapting => Some(Stage::Adapt),
            State::Evaluating => Some(Stage::Evaluate),
            State::Idle | State::Paused | State::Done | State::Stopped | State::Failed(_) => None,
        };
        let back_from_pause = self.state == State::Paused && stage.is_some() && stage == self.stage;
        if *state == State::Paused && self.state != State::Paused {
            self.mark(MarkKind::Pause);
            self.paused_at = wall;
        }
        self.state = state.clone();
        self.epoch = epoch;
        let Some(stage) = stage else { return };
        if back_from_pause {
            // The stage did not go on meanwhile: its pace is that of the time it worked.
            self.stage_began += (wall - self.paused_at).max(0.0);
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
        self.stage_began = wall;
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
        let began = self.stage_began;
        let view = &mut self.stages[stage as usize];
        (view.done, view.total) = (done, total);
        let pace = (done > 0 && wall > began && began > 0.0).then(|| (wall - began) / done as f64);
        view.left = pace.map(|pace| pace * total.saturating_sub(done) as f64);
    }

    fn stage_done(&mut self, stage: Stage, seconds: f64) {
        let view = &mut self.stages[stage as usize];
        view.progress = StageProgress::Done;
        view.seconds = Some(seconds);
        view.left = None;
    }

    fn step(&mut self, step: &Step, wall: f64) {
        let stage = match step.phase {
            Phase::Pretrain => Stage::Pretrain,
            Phase::Adapt => Stage::Adapt,
        };
        (self.phase, self.epoch) = (step.phase, step.epoch);
        (self.iter, self.iters) = (step.iter + 1, step.iters);
        self.stages[stage as usize].progress = StageProgress::Running;
        let (done, total) = match step.phase {
            Phase::Pretrain => (
                (step.epoch * step.iters + step.iter + 1) as u64,
                (self.epochs.max(step.epoch + 1) * step.iters) as u64,
            ),
            Phase::Adapt => (step.iter as u64 + 1, step.iters as u64),
        };
        self.progress(stage, done, total, wall);
        let x = step.epoch as f64 + step.iter as f64 / step.iters.max(1) as f64;
        let curves = match step.phase {
            Phase::Pretrain => &mut self.pretrain,
            Phase::Adapt => &mut self.adapt,
        };
        let before = curves.lr.last().filter(|(last, _)| *last < x).map(|(_, lr)| lr);
        curves.push(x, step);
        // Only a cut counts: warm-up rises, and a slider that is moved has its own mark.
        if let Some(factor) = before.map(|lr| step.lr / lr).filter(|f| *f > 0.0 && *f < 0.6) {
            self.marks.push(Mark { phase: step.phase, x, kind: MarkKind::LrDrop { factor } });
        }
    }

    fn param_pending(&mut self, key: &str, value: &Value, effect: Effect) {
        self.pending.retain(|(k, _, _)| k != key);
        let current = self.params.as_ref().and_then(|p| p.get(key).ok());
        if current.as_ref() != Some(value) {
            self.pending.push((key.to_owned(), value.clone(), effect));
        }
    }

    fn param_applied(&mut self, key: &str, old: &Value, new: &Value) {
        self.pending.retain(|(k, v, _)| k != key || v != new);
        if let Some(params) = &mut self.params {
            // A key of another version is not in the table; the mark still tells what happened.
            params.set(key, new).ok();
        }
        self.mark(MarkKind::Param { key: key.to_owned(), old: old.clone(), new: new.clone() });
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
        self.marks.push(Mark { phase: self.phase, x: self.epoch as f64 + within, kind });
    }
}

/// Whether an event is not part of a run folder's history: live only, or said while there is no folder that
/// could hold it (before a run is made, or when its disk is full). Such events carry neither number nor time.
fn is_outside(stamped: &Stamped) -> bool {
    let unstamped = stamped.seq == 0 && stamped.t == 0.0 && !matches!(stamped.event, Event::Started { .. });
    unstamped || crate::run::folder::is_live_only(&stamped.event)
}

impl Curves {
    fn push(&mut self, x: f64, step: &Step) {
        if step.iter > 0 && step.seconds > 0.0 {
            let now = f64::from(step.merged.max(1)) / step.seconds;
            self.rate = Some(self.rate.map_or(now, |rate| 0.9 * rate + 0.1 * now));
        }
        self.loss.push(x, step.loss, step.merged);
        self.lr.push(x, step.lr, step.merged);
        for (name, value) in &step.parts {
            match self.parts.iter_mut().find(|(n, _)| n == name) {
                Some((_, series)) => series.push(x, *value, step.merged),
                None => {
                    let mut series = Series::default();
                    series.push(x, *value, step.merged);
                    self.parts.push((name.clone(), series));
                }
            }
        }
    }
}
