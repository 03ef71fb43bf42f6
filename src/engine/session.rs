//! What every stage of a run shares: data and network, parameters, where it stands, and what happens between two
//! batches.

mod by_hand;
mod keeping;
mod questions;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::questions::default_watch;
use super::checkpoint::{self, Checkpoint, NamedTensors, Position};
use super::command::{Command, Request, RequestId};
use super::error::EngineError;
use super::event::{Domain, Event, ImageRef, Load, Phase, Severity, Stage, State, Step};
use super::features::Extraction;
use super::link::Link;
use super::meter::Reading;
use super::owed::{Owed, in_place};
use super::ranked::Ranks;
use super::settings::{Boundary, Settings};
use super::setup::Setup;
use crate::data::cache::ImageCache;
use crate::method::hand::Hand;
use crate::method::params::{Affects, Effect, Params, Value, table};
use crate::model::device::Gauge;

/// How often the memory in use is told.
const DEVICE_EVERY: Duration = Duration::from_secs(1);

/// How often a full disk is looked at again.
const DISK_EVERY: Duration = Duration::from_millis(500);

/// Whether to go on after the current batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Run,
    Pause,
    /// Until an iteration was done beyond that many.
    OneBatch(u64),
    OneEpoch,
}

/// What a stage adds to a checkpoint.
pub(super) trait Saves {
    /// Its tensors by name.
    ///
    /// # Errors
    /// When libtorch fails.
    fn tensors(&self) -> Result<NamedTensors, EngineError>;
}

/// What is common to all stages of a run.
pub(super) struct Session {
    pub folder: PathBuf,
    pub settings: Settings,
    pub setup: Setup,
    pub position: Position,
    /// The threshold that the rule `quantile` found in the first epoch.
    pub threshold: Option<f64>,
    pub best_map: Option<f64>,
    /// Best silhouette of a clustering so far.
    pub best_score: Option<f64>,
    /// Where pre-trained networks are kept.
    pub cache: Option<PathBuf>,
    /// The name under which the network may be kept once it is pre-trained; `None` when what it was trained with
    /// changed on the way.
    pub kept_as: Option<String>,
    /// What another version of this program wrote into the checkpoint.
    pub unknown: Vec<(String, serde_json::Value)>,
    pub ranks: Ranks,
    pub owed: Owed,
    /// What people said of single images.
    pub hand: Hand,
    state: State,
    watched: Vec<ImageRef>,
    mode: Mode,
    last_device: Option<Instant>,
    gauge: Gauge,
    unreadable_told: usize,
}

impl Session {
    /// A run at its beginning.
    pub fn new(folder: PathBuf, params: Params, setup: Setup, cache: Option<PathBuf>) -> Self {
        Self {
            folder,
            settings: Settings::new(params),
            watched: default_watch(&setup),
            unreadable_told: setup.unreadable(),
            gauge: Gauge::open(setup.device),
            setup,
            position: Position::default(),
            threshold: None,
            best_map: None,
            best_score: None,
            cache,
            kept_as: None,
            unknown: Vec::new(),
            ranks: Ranks::default(),
            owed: Owed::default(),
            hand: Hand::default(),
            state: State::Preparing,
            mode: Mode::Run,
            last_device: None,
        }
    }

    /// Takes up what a checkpoint says of all stages.
    ///
    /// # Errors
    /// When its network is not this run's.
    pub fn take_up(&mut self, checkpoint: &mut Checkpoint) -> Result<(), EngineError> {
        checkpoint.fill(&self.setup.net)?;
        let plain = &checkpoint.plain;
        self.settings = Settings::new(plain.params.clone());
        for (key, value) in &plain.pending {
            // A key that no longer exists in a newer program does not keep a run from going on.
            if let Err(reason) = self.settings.request(key, value) {
                tracing::warn!("{reason}");
            }
        }
        (self.position, self.threshold) = (plain.position, plain.threshold);
        (self.best_map, self.best_score) = (plain.best_map, plain.best_score);
        self.kept_as.clone_from(&plain.kept_as);
        self.unknown.clone_from(&plain.unknown);
        Ok(())
    }

    /// The parameters that count now.
    pub fn params(&self) -> &Params {
        self.settings.now()
    }

    /// Adaptation epochs done.
    pub fn epoch(&self) -> usize {
        match self.position.phase {
            Phase::Pretrain => 0,
            Phase::Adapt => self.position.epoch,
        }
    }

    /// The domain whose batch normalisation the target uses.
    pub fn target_domain(&self) -> usize {
        usize::from(self.params().adapt.joint)
    }

    /// Changes the watched images.
    pub fn watch(&mut self, images: Vec<ImageRef>) {
        self.watched = images;
    }

    pub fn enter(&mut self, state: State, link: &mut Link) -> Result<(), EngineError> {
        self.state = state.clone();
        Ok(link.outbox.emit(Event::State { state, epoch: self.position.epoch })?)
    }

    pub fn stage_done(&self, stage: Stage, began: Instant, link: &mut Link) -> Result<(), EngineError> {
        let seconds = began.elapsed().as_secs_f64();
        Ok(link.outbox.emit(Event::StageDone { stage, epoch: self.position.epoch, seconds })?)
    }

    // ---------------------------------------------------------------------------------------------- boundaries

    /// Between two batches: handles what was asked, waits while paused, lets parameter changes take effect, and tries
    /// again what could not be written. `true` when augmentation is another from the next batch on.
    ///
    /// # Errors
    /// [`EngineError::Stopped`] when a stop was asked for; when the run folder is gone.
    pub fn boundary(&mut self, boundary: Boundary, saves: &dyn Saves, link: &mut Link) -> Result<bool, EngineError> {
        let done = match self.mode {
            Mode::OneBatch(since) => self.position.step > since,
            Mode::OneEpoch => boundary == Boundary::Epoch,
            Mode::Run | Mode::Pause => false,
        };
        if done {
            self.mode = Mode::Pause;
        }
        in_place(link)?;
        if boundary == Boundary::Epoch {
            self.try_owed_again(link)?;
        }
        if self.owed.checkpoint_is_due(boundary == Boundary::Epoch) {
            self.write_checkpoint(saves, link)?;
            if boundary == Boundary::Epoch && self.position.phase == Phase::Adapt {
                self.keep_by_rule(link);
            }
        }
        self.handle_arrived(saves, link)?;
        let augment = self.params().augment.clone();
        for change in self.settings.take(boundary) {
            tracing::info!("{} {} → {}", change.key, change.old, change.new);
            if table::row(&change.key).is_ok_and(|r| r.affects.holds(Affects::PRETRAINING)) {
                self.kept_as = None;
            }
            let (epoch, iter) = (self.position.epoch, self.position.iter);
            link.outbox.emit(Event::ParamApplied { key: change.key, old: change.old, new: change.new, epoch, iter })?;
        }
        Ok(self.params().augment != augment)
    }

    fn try_owed_again(&mut self, link: &mut Link) -> Result<(), EngineError> {
        let mut owed = std::mem::take(&mut self.owed);
        let result = owed.try_again(link);
        self.owed = owed;
        result
    }

    /// Between two batches of a stage that no parameter change can touch: handles what was asked, and waits while
    /// paused.
    ///
    /// # Errors
    /// [`EngineError::Stopped`] when a stop was asked for.
    pub fn handle_arrived(&mut self, saves: &dyn Saves, link: &mut Link) -> Result<(), EngineError> {
        self.notify_device(link);
        self.wait_for_disk(saves, link)?;
        while let Some(request) = link.control.next(&mut link.outbox) {
            self.handle(request, saves, link)?;
        }
        if self.mode != Mode::Pause {
            return Ok(());
        }
        let epoch = self.position.epoch;
        link.outbox.emit(Event::State { state: State::Paused, epoch })?;
        while self.mode == Mode::Pause {
            let request = link.control.wait(&mut link.outbox).ok_or(EngineError::Stopped)?;
            self.handle(request, saves, link)?;
        }
        link.outbox.emit(Event::State { state: self.state.clone(), epoch })?;
        Ok(())
    }

    /// While the disk takes no events, the run waits; it can be stopped meanwhile.
    fn wait_for_disk(&mut self, saves: &dyn Saves, link: &mut Link) -> Result<(), EngineError> {
        if !link.outbox.owes() {
            return Ok(());
        }
        let text =
            "The run folder takes nothing more, so the run waits. Make room on its disk, and it goes on; or stop it.";
        link.outbox.notice_at_once(Severity::Error, "The disk is full or fails", text);
        loop {
            link.outbox.write_owed()?;
            if !link.outbox.owes() {
                return Ok(());
            }
            match link.control.wait_for(&mut link.outbox, DISK_EVERY) {
                Some(request) => self.handle(request, saves, link)?,
                // Nobody is there any more who could ask for an end.
                None if link.control.shutdown_requested() => return Err(EngineError::Stopped),
                None => {}
            }
        }
    }

    fn handle(
        &mut self,
        Request { id, command }: Request,
        saves: &dyn Saves,
        link: &mut Link,
    ) -> Result<(), EngineError> {
        match command {
            Command::Stop | Command::Shutdown => {
                link.outbox.accept(&id);
                return Err(EngineError::Stopped);
            }
            Command::Pause => self.mode = Mode::Pause,
            Command::Resume => self.mode = Mode::Run,
            Command::StepBatch => self.mode = Mode::OneBatch(self.position.step),
            Command::StepEpoch => self.mode = Mode::OneEpoch,
            Command::Checkpoint => {
                self.write_checkpoint(saves, link)?;
                self.keep_by_hand(link);
            }
            // These answer for themselves.
            Command::SetParam { key, value } => return self.set_param(&id, key, value, link),
            Command::Hand(edit) => return self.say(&id, edit, link),
            Command::UndoHand => return self.unsay(&id, link),
            Command::HeatMaps(images) => return self.answer_heat_maps(&images, &id, link),
            Command::Likeness { query, hit } => return self.answer_likeness([query, hit], &id, link),
            Command::Rank(query) => return self.answer_rank(&query, &id, self.mode == Mode::Pause, link),
            Command::Watch(images) => {
                self.watched = images;
                return Ok(());
            }
            Command::Consult(_) => {
                link.outbox.refuse(&id, "A run goes on here; networks of other runs are asked once it has ended.");
                return Ok(());
            }
            Command::Start(_) => {
                link.outbox.refuse(&id, "A run is going on; stop it before you start another.");
                return Ok(());
            }
        }
        link.outbox.accept(&id);
        Ok(())
    }

    fn set_param(&mut self, id: &RequestId, key: String, value: Value, link: &mut Link) -> Result<(), EngineError> {
        match self.settings.request(&key, &value) {
            Ok(effect) => {
                link.outbox.emit(Event::ParamPending { key, value, effect })?;
                link.outbox.accept(id);
            }
            Err(reason) => link.outbox.refuse(id, reason),
        }
        Ok(())
    }

    fn notify_device(&mut self, link: &mut Link) {
        if self.last_device.is_some_and(|at| at.elapsed() < DEVICE_EVERY) {
            return;
        }
        self.last_device = Some(Instant::now());
        let device = self.setup.device;
        if let Some((used, total)) = crate::model::device::memory(device) {
            let (utilisation, temperature) = self.gauge.read();
            let load = Load { utilisation, temperature };
            let event = Event::Device { name: crate::model::device::name(device), used, total, load };
            if let Err(e) = link.outbox.emit(event) {
                tracing::error!("{e}");
            }
        }
    }

    /// Announces once more what is still to come: for a listener that joins a resumed run.
    pub fn notify_pending(&self, link: &mut Link) -> Result<(), EngineError> {
        for (key, value) in self.settings.pending() {
            let effect = table::row(key).map_or(Effect::NextEpoch, |r| r.effect);
            link.outbox.emit(Event::ParamPending { key: key.clone(), value: value.clone(), effect })?;
        }
        Ok(())
    }

    /// Announces images that could not be read since the last time; they are grey.
    pub fn notify_unreadable(&mut self, link: &mut Link) {
        let now = self.setup.unreadable();
        if now > std::mem::replace(&mut self.unreadable_told, now) {
            for text in [&self.setup.source, &self.setup.target].into_iter().filter_map(|d| d.unreadable_sentence()) {
                link.outbox.notice(Severity::Warning, "Some images could not be read", text);
            }
        }
    }

    // -------------------------------------------------------------------------------------------------- points

    /// Writes a point of the curve.
    ///
    /// # Errors
    /// [`EngineError::Diverged`] when the loss is no number any more, with the way out.
    pub fn point(
        &self,
        reading: Reading,
        (iter, iters): (usize, usize),
        lr: f64,
        link: &mut Link,
    ) -> Result<(), EngineError> {
        let Reading { loss, parts, seconds, waited, merged } = reading;
        let Position { phase, epoch, step, .. } = self.position;
        let point = Step { phase, epoch, iter, iters, step, loss, parts, lr, seconds, waited, merged };
        link.outbox.emit(Event::Step(point))?;
        if loss.is_finite() {
            Ok(())
        } else {
            Err(self.diverged(&format!("the loss is {loss} at iteration {}", iter + 1)))
        }
    }

    fn diverged(&self, what: &str) -> EngineError {
        let Position { phase, epoch, .. } = self.position;
        let (stage, key) = match phase {
            Phase::Pretrain => ("pre-training epoch", "pretrain.lr"),
            Phase::Adapt => ("epoch", "adapt.lr"),
        };
        let last = checkpoint::last(&self.folder).is_file();
        let cure = match (phase, last) {
            (Phase::Adapt, true) => format!("go on from the last checkpoint with a lower {key}"),
            _ => format!("start anew with a lower {key}"),
        };
        EngineError::Diverged(format!(
            "the training has diverged: {what} of {stage} {}; {cure} (no checkpoint was written since)",
            epoch + 1
        ))
    }

    // ------------------------------------------------------------------------------------------------ features

    /// Features `[N, d]` of images by the batch normalisation of `domain`, with progress, pauses and stops in
    /// between. `before` and `total` place the images within a stage of several.
    pub fn extract(
        &mut self,
        images: &Arc<ImageCache>,
        domain: usize,
        (stage, before, total): (Stage, u64, u64),
        saves: &dyn Saves,
        link: &mut Link,
    ) -> Result<Vec<f32>, EngineError> {
        let net = std::rc::Rc::clone(&self.setup.net);
        let uploaded = self.setup.on_device(images)?;
        let on_device = uploaded.as_deref();
        let (batch, whole) = (self.params().eval.batch, net.device().is_cuda());
        let extraction = Extraction { net: &net, domain, images, on_device, batch, whole };
        extraction.run(|done| {
            link.outbox.progress(stage, before + done, total);
            self.handle_arrived(saves, link)
        })
    }

    /// The target's batch normalisation begins as the source's.
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn start_adaptation_from_source(&mut self) -> Result<(), EngineError> {
        let net = std::rc::Rc::get_mut(&mut self.setup.net)
            .ok_or_else(|| EngineError::Internal("the network is in use while adaptation begins".to_owned()))?;
        Ok(net.copy_domain(0, 1)?)
    }

    /// The batch normalisation of a domain's images.
    pub fn bn_of(&self, domain: Domain) -> usize {
        match domain {
            Domain::Source => 0,
            Domain::Target => self.target_domain(),
        }
    }
}
