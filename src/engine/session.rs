//! One run: its data, its network, where it stands, and what happens between two batches.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tch::{Device, Tensor};

use super::checkpoint::Position;
use super::command::{Command, RunRequest};
use super::domain::DomainData;
use super::error::EngineError;
use super::event::{Event, ImageMaps, ImageRef, Phase, Severity, Split, Stage, State};
use super::ranked::Described;
use super::settings::{Boundary, Settings};
use super::worker::Link;
use crate::data::cache::ImageCache;
use crate::method::params::{Augment, Effect, ImageStore, Params, Value};
use crate::model::head::Classifier;
use crate::model::memory::HybridMemory;
use crate::model::net::Net;
use crate::model::optim::Adam;
use crate::model::pixels::DeviceImages;
use crate::run::event::AttentionMap;

/// How often the memory in use is told.
const DEVICE_EVERY: Duration = Duration::from_secs(1);

/// Whether to go on after the current batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Run,
    Pause,
    OneBatch,
    OneEpoch,
}

/// One run.
pub struct Session {
    pub(super) folder: PathBuf,
    pub(super) settings: Settings,
    pub(super) source: DomainData,
    pub(super) target: DomainData,
    pub(super) device: Device,
    pub(super) net: Rc<Net>,
    /// Pre-training's classifier, or the baseline's where there is no memory.
    pub(super) head: Option<Classifier>,
    pub(super) adam: Option<Adam>,
    pub(super) memory: Option<HybridMemory>,
    /// Label of each target training image in this epoch, `[N]`; −1 sits out. Empty before the first clustering.
    pub(super) labels: Vec<i32>,
    /// The threshold found in the first epoch.
    pub(super) threshold: Option<f64>,
    pub(super) position: Position,
    /// Augmentation settings, shared with the loader's threads.
    pub(super) augment: Arc<Mutex<Augment>>,
    pub(super) best_map: Option<f64>,
    /// Where pre-trained networks are kept.
    pub(super) cache: Option<PathBuf>,
    /// Images that lie on the device, by the cache they came from; `None` where they do not fit.
    pub(super) uploaded: Vec<(Arc<ImageCache>, Option<Rc<DeviceImages>>)>,
    /// Features of the test set, from the newest evaluation or a later question.
    pub(super) described: Option<Described>,
    pub(super) state: State,
    watched: Vec<ImageRef>,
    mode: Mode,
    last_device: Option<Instant>,
}

/// What [`Session::assemble`] needs.
pub(super) struct Parts {
    pub folder: PathBuf,
    pub params: Params,
    pub source: DomainData,
    pub target: DomainData,
    pub device: Device,
    pub net: Net,
    pub cache: Option<PathBuf>,
}

impl Session {
    pub(super) fn assemble(parts: Parts) -> Self {
        let watched = default_watch(&parts.target);
        let augment = Arc::new(Mutex::new(parts.params.augment.clone()));
        Self {
            folder: parts.folder,
            settings: Settings::new(parts.params),
            source: parts.source,
            target: parts.target,
            device: parts.device,
            net: Rc::new(parts.net),
            head: None,
            adam: None,
            memory: None,
            labels: Vec::new(),
            threshold: None,
            position: Position::default(),
            augment,
            best_map: None,
            cache: parts.cache,
            uploaded: Vec::new(),
            described: None,
            state: State::Preparing,
            watched,
            mode: Mode::Run,
            last_device: None,
        }
    }

    /// The images of a cache on the device, where they are to be there; they are sent with the first question.
    pub(super) fn on_device(&mut self, cache: &Arc<ImageCache>) -> Result<Option<Rc<DeviceImages>>, EngineError> {
        if let Some((_, known)) = self.uploaded.iter().find(|(of, _)| Arc::ptr_eq(of, cache)) {
            return Ok(known.clone());
        }
        let wanted = match self.params().device.images {
            ImageStore::Host => false,
            ImageStore::Device => true,
            // A quarter of what is free leaves room for the network and for other splits.
            ImageStore::Auto => {
                self.device.is_cuda()
                    && crate::model::device::memory(self.device)
                        .is_some_and(|(used, total)| 4 * DeviceImages::bytes_of(cache) <= total.saturating_sub(used))
            }
        };
        let images = if wanted { DeviceImages::upload(cache, self.device, |_, _| true)?.map(Rc::new) } else { None };
        self.uploaded.push((Arc::clone(cache), images.clone()));
        Ok(images)
    }

    /// Opens datasets, model and run folder; on resume, takes up the last checkpoint.
    ///
    /// # Errors
    /// One sentence on what is missing or wrong.
    pub fn open(request: &RunRequest, link: &mut Link) -> Result<Self, EngineError> {
        super::open::open(request, link)
    }

    /// Carries the run to its end.
    ///
    /// # Errors
    /// [`EngineError::Stopped`] when that was asked for; a checkpoint is then written. Else what went wrong.
    pub fn run(&mut self, link: &mut Link) -> Result<(), EngineError> {
        let result = self.phases(link);
        if matches!(result, Err(EngineError::Stopped)) {
            self.write_checkpoint(link)?;
        }
        result
    }

    fn phases(&mut self, link: &mut Link) -> Result<(), EngineError> {
        if self.position.phase == Phase::Pretrain {
            self.pretrain(link)?;
        }
        self.adapt(link)
    }

    /// Adaptation epochs done.
    pub fn epoch(&self) -> usize {
        match self.position.phase {
            Phase::Pretrain => 0,
            Phase::Adapt => self.position.epoch,
        }
    }

    /// The parameters that count now.
    pub fn params(&self) -> &Params {
        self.settings.now()
    }

    /// The domain whose batch normalisation the target uses.
    pub(super) fn target_domain(&self) -> usize {
        usize::from(self.params().adapt.joint)
    }

    /// Changes the watched images.
    pub fn watch(&mut self, images: Vec<ImageRef>) {
        self.watched = images;
    }

    /// The watched images.
    pub(super) fn watched(&self) -> &[ImageRef] {
        &self.watched
    }

    pub(super) fn enter(&mut self, state: State, link: &mut Link) -> Result<(), EngineError> {
        self.state = state.clone();
        Ok(link.outbox.emit(Event::State { state, epoch: self.position.epoch })?)
    }

    pub(super) fn stage_done(&self, stage: Stage, began: Instant, link: &mut Link) -> Result<(), EngineError> {
        let seconds = began.elapsed().as_secs_f64();
        Ok(link.outbox.emit(Event::StageDone { stage, epoch: self.position.epoch, seconds })?)
    }

    /// Between two batches: obeys what was asked, waits while paused, lets parameter changes take effect.
    ///
    /// # Errors
    /// [`EngineError::Stopped`] when a stop was asked for.
    pub(super) fn boundary(&mut self, boundary: Boundary, link: &mut Link) -> Result<(), EngineError> {
        if self.mode == Mode::OneBatch || (self.mode == Mode::OneEpoch && boundary == Boundary::Epoch) {
            self.mode = Mode::Pause;
        }
        self.breathe(link)?;
        for change in self.settings.take(boundary) {
            tracing::info!("{} {} → {}", change.key, change.old, change.new);
            let (epoch, iter) = (self.position.epoch, self.position.iter);
            link.outbox.emit(Event::ParamApplied { key: change.key, old: change.old, new: change.new, epoch, iter })?;
        }
        *self.augment.lock().unwrap_or_else(PoisonError::into_inner) = self.params().augment.clone();
        Ok(())
    }

    /// Between two batches of a stage that no parameter change can touch: obeys, and waits while paused.
    ///
    /// # Errors
    /// [`EngineError::Stopped`] when a stop was asked for.
    pub(super) fn breathe(&mut self, link: &mut Link) -> Result<(), EngineError> {
        self.tell_device(link);
        while let Some(command) = link.control.next() {
            self.obey(command, link)?;
        }
        if self.mode != Mode::Pause {
            return Ok(());
        }
        let epoch = self.position.epoch;
        link.outbox.emit(Event::State { state: State::Paused, epoch })?;
        while self.mode == Mode::Pause {
            let command = link.control.wait(&mut link.outbox).ok_or(EngineError::Stopped)?;
            self.obey(command, link)?;
        }
        link.outbox.emit(Event::State { state: self.state.clone(), epoch })?;
        Ok(())
    }

    fn obey(&mut self, command: Command, link: &mut Link) -> Result<(), EngineError> {
        match command {
            Command::Stop | Command::Shutdown => return Err(EngineError::Stopped),
            Command::Pause => self.mode = Mode::Pause,
            Command::Resume => self.mode = Mode::Run,
            Command::StepBatch => self.mode = Mode::OneBatch,
            Command::StepEpoch => self.mode = Mode::OneEpoch,
            Command::Checkpoint => self.write_checkpoint(link)?,
            Command::SetParam { key, value } => self.set_param(key, value, link)?,
            Command::HeatMaps(images) => self.answer_heat_maps(&images, link)?,
            Command::Rank(query) => self.answer_rank(&query, self.mode == Mode::Pause, link)?,
            Command::Watch(images) => self.watched = images,
            Command::Start(_) => {
                link.outbox.notice(Severity::Warning, "A run is going on", "Stop it before you start another.");
            }
        }
        Ok(())
    }

    fn set_param(&mut self, key: String, value: Value, link: &mut Link) -> Result<(), EngineError> {
        match self.settings.request(&key, &value) {
            Ok(effect) => link.outbox.emit(Event::ParamPending { key, value, effect })?,
            Err(reason) => link.outbox.notice(Severity::Warning, "The parameter was not changed", reason),
        }
        Ok(())
    }

    /// Attention maps of these images with the weights as they stand, sent as one event.
    ///
    /// # Errors
    /// When the network fails.
    pub fn answer_heat_maps(&mut self, images: &[ImageRef], link: &mut Link) -> Result<(), EngineError> {
        let images = self.heat_maps(images)?;
        Ok(link.outbox.emit(Event::HeatMaps { epoch: self.epoch(), images })?)
    }

    /// Attention maps of these images; images that the target does not have are left out.
    pub(super) fn heat_maps(&self, images: &[ImageRef]) -> Result<Vec<ImageMaps>, EngineError> {
        let mut answers = Vec::new();
        for &image in images {
            let cache = self.target.cache(image.split);
            if image.index as usize >= cache.len() {
                continue;
            }
            let (height, width) = cache.size();
            let mut pixels = vec![0.0; 3 * height * width];
            crate::data::augment::normalise_into(&cache.get(image.index as usize), height, width, &mut pixels);
            let x = self.to_device(&pixels, [1, height, width])?;
            let maps = self.net.attention_maps(&x, self.target_domain())?.pop().unwrap_or_default();
            let maps = maps.into_iter().map(|m| AttentionMap {
                name: m.name,
                height: m.height,
                width: m.width,
                values: m.values,
            });
            answers.push(ImageMaps { image, maps: maps.collect() });
        }
        Ok(answers)
    }

    /// Pixels `[B, 3, H, W]` on the device.
    ///
    /// # Errors
    /// When the device has no room.
    pub(super) fn to_device(&self, pixels: &[f32], [batch, height, width]: [usize; 3]) -> Result<Tensor, EngineError> {
        let host = Tensor::f_from_slice(pixels)?.f_view([batch as i64, 3, height as i64, width as i64])?;
        Ok(crate::model::device::send(&host, self.device)?)
    }

    fn tell_device(&mut self, link: &mut Link) {
        if self.last_device.is_some_and(|at| at.elapsed() < DEVICE_EVERY) {
            return;
        }
        self.last_device = Some(Instant::now());
        if let Some((used, total)) = crate::model::device::memory(self.device) {
            let event = Event::Device { name: crate::model::device::name(self.device), used, total };
            if let Err(e) = link.outbox.emit(event) {
                tracing::error!("{e}");
            }
        }
    }

    /// Says once more what is still to come: for a listener that joins a resumed run.
    pub(super) fn tell_pending(&self, link: &mut Link) -> Result<(), EngineError> {
        for (key, value) in self.settings.pending() {
            let effect = crate::method::params::table::row(key).map_or(Effect::NextEpoch, |r| r.effect);
            link.outbox.emit(Event::ParamPending { key: key.clone(), value: value.clone(), effect })?;
        }
        Ok(())
    }
}

/// The first query of each of three people: enough to see whether attention finds the person.
fn default_watch(target: &DomainData) -> Vec<ImageRef> {
    let mut seen = Vec::new();
    let queries = target.dataset.query.iter().enumerate();
    queries
        .filter(|(_, s)| {
            let new = !seen.contains(&s.pid);
            seen.push(s.pid);
            new
        })
        .take(3)
        .map(|(i, _)| ImageRef { split: Split::Query, index: i as u32 })
        .collect()
}
