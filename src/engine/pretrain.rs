//! Step 1 of the paper: the network learns the labelled source (method.md §11.12).

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use super::checkpoint::{Next, Position};
use super::domain::DomainData;
use super::error::EngineError;
use super::event::{Domain, Event, Phase, Split, Stage, State, Step};
use super::features::{AHEAD, loader_threads};
use super::meter::{Losses, Meter, Reading};
use super::pretrained;
use super::seeds::{self, Purpose};
use super::session::Session;
use super::settings::Boundary;
use super::worker::Link;
use crate::data::loader::{Batch, Hands, Maker, TrainLoader};
use crate::data::sampler::{BatchStream, Source};
use crate::model::head::Classifier;
use crate::model::losses::{batch_hard_triplet, cross_entropy_smooth};
use crate::model::schedule::warmup_multi_step;

/// What an epoch's loader draws from, and with which random streams.
pub(super) struct Draw<'a> {
    pub domain: Domain,
    /// Label of each training image, `[N]`; below 0 sits out.
    pub labels: &'a [i32],
    pub batch: usize,
    pub instances: usize,
    pub iters: usize,
    pub order: Purpose,
    pub images: Purpose,
}

impl Session {
    /// Trains on the source, or takes up a network that was trained so before; ends at the first adaptation epoch.
    pub(super) fn pretrain(&mut self, link: &mut Link) -> Result<(), EngineError> {
        let fresh = self.position == Position::default();
        let kept = self.cache.as_deref().map(|cache| pretrained::path(cache, &self.source, self.params()));
        let reused = match &kept {
            Some(path) if fresh => self.take_up_pretrained(path, link)?,
            _ => false,
        };
        if !reused {
            self.train_on_source(link)?;
            if let Some(path) = &kept {
                self.keep_pretrained(path, link);
            }
        }
        (self.head, self.adam) = (None, None);
        self.start_adaptation_from_source()?;
        // Still pre-training's: a run that is stopped here evaluates the source-only model when it is resumed.
        self.evaluate(Domain::Source, link)?;
        self.evaluate(Domain::Target, link)?;
        self.watched_heat_maps(link)?;
        let step = self.position.step;
        self.position = Position { phase: Phase::Adapt, epoch: 0, iter: 0, next: Next::Cluster, step };
        self.write_checkpoint(link)
    }

    /// The target's batch normalisation begins as the source's.
    fn start_adaptation_from_source(&mut self) -> Result<(), EngineError> {
        let net = Rc::get_mut(&mut self.net).ok_or_else(|| {
            EngineError::Refused("the network is in use while adaptation begins; please report it".to_owned())
        })?;
        Ok(net.copy_domain(0, 1)?)
    }

    fn take_up_pretrained(&mut self, path: &Path, link: &mut Link) -> Result<bool, EngineError> {
        if !path.is_file() {
            return Ok(false);
        }
        let saved = match super::checkpoint::read(path) {
            Ok(saved) => saved,
            Err(e) => {
                let text = format!("{e}. The network is trained again.");
                link.outbox.notice(super::event::Severity::Warning, "A kept pre-training cannot be used", text);
                return Ok(false);
            }
        };
        // The target's own batch normalisation is copied from the source's later.
        let wanted = self.net.named_variables().into_iter().filter(|(name, _)| !name.contains(".target."));
        let pairs: Option<Vec<_>> = wanted
            .map(|(name, variable)| Some((variable, saved.get(&name)?)))
            .map(|pair| pair.filter(|(variable, saved)| variable.size() == saved.size()))
            .collect();
        let Some(pairs) = pairs else { return Ok(false) };
        let _guard = tch::no_grad_guard();
        for (mut variable, saved) in pairs {
            variable.f_copy_(saved)?;
        }
        let text = "Same source, model and parameters: the source is not trained on again. Delete the cache folder to force it.";
        link.outbox.notice(super::event::Severity::Info, "Pre-training taken from an earlier run", text);
        Ok(true)
    }

    /// A cache that cannot be written costs time later, not this run.
    fn keep_pretrained(&self, path: &Path, link: &mut Link) {
        let tensors: Vec<_> =
            self.net.named_variables().into_iter().filter(|(name, _)| !name.contains(".target.")).collect();
        if let Err(e) = super::checkpoint::write_atomically(path, &tensors) {
            link.outbox.notice(
                super::event::Severity::Warning,
                "The pre-training could not be kept for later runs",
                e.to_string(),
            );
        }
    }

    fn train_on_source(&mut self, link: &mut Link) -> Result<(), EngineError> {
        self.enter(State::Pretraining, link)?;
        let began = Instant::now();
        let classes = self.source.dataset.train.iter().map(|s| s.pid + 1).max().unwrap_or(0);
        if self.head.is_none() {
            let seed = seeds::seed(self.params().seed, Purpose::Weights, 1);
            self.head = Some(Classifier::new(self.net.dim(), i64::from(classes), self.device, seed)?);
        }
        if self.adam.is_none() {
            self.adam = Some(self.new_adam()?);
        }
        while self.position.epoch < self.params().pretrain.epochs {
            if self.position.iter == 0 && self.position.epoch > 0 {
                self.boundary(Boundary::Epoch, link)?;
            }
            self.pretrain_epoch(link)?;
            self.position = Position { epoch: self.position.epoch + 1, iter: 0, ..self.position };
        }
        self.stage_done(Stage::Pretrain, began, link)
    }

    fn pretrain_epoch(&mut self, link: &mut Link) -> Result<(), EngineError> {
        let p = self.params().pretrain.clone();
        let epoch = self.position.epoch;
        let labels: Vec<i32> = self.source.dataset.train.iter().map(|s| s.pid).collect();
        let mut loader = self.train_loader(&Draw {
            domain: Domain::Source,
            labels: &labels,
            batch: p.batch,
            instances: p.instances,
            iters: p.iters,
            order: Purpose::PretrainOrder,
            images: Purpose::PretrainImages,
        })?;
        let lr = warmup_multi_step(p.lr, epoch, p.warmup, &self.params().milestones().map_err(EngineError::Refused)?);
        let mut meter = Meter::new(self.device);
        for iter in self.position.iter..p.iters {
            self.position.iter = iter;
            self.boundary(Boundary::Batch, link)?;
            let began = Instant::now();
            let Some(batch) = loader.next() else { break };
            let waited = began.elapsed().as_secs_f64();
            let losses = self.pretrain_step(&batch, &labels, lr)?;
            let (step, iters) = (self.position.step, p.iters);
            self.position.step += 1;
            self.position.iter = iter + 1;
            let now = iter + 1 == iters || link.control.has_arrived();
            if let Some(Reading { loss, parts, seconds, waited, merged }) = meter.add(&losses, began, waited, now)? {
                let phase = Phase::Pretrain;
                let point = Step { phase, epoch, iter, iters, step, loss, parts, lr, seconds, waited, merged };
                link.outbox.emit(Event::Step(point))?;
            }
            link.outbox.progress(Stage::Pretrain, (epoch * p.iters + iter + 1) as u64, (p.epochs * p.iters) as u64);
        }
        Ok(())
    }

    fn pretrain_step(&mut self, batch: &Batch, labels: &[i32], lr: f64) -> Result<Losses, EngineError> {
        let params = self.params().clone();
        let x = self.pixels(batch, Domain::Source)?;
        let y: Vec<i64> = batch.indices.iter().map(|&i| i64::from(labels[i as usize])).collect();
        let out = self.net.forward_train(&x, 0, 0)?;
        let (Some(head), Some(adam)) = (&self.head, &mut self.adam) else {
            return Err(EngineError::Refused("pre-training has no classifier; please report it".to_owned()));
        };
        let id = cross_entropy_smooth(&head.logits(&out.bn)?, &y, params.pretrain.smoothing)?;
        let triplet = batch_hard_triplet(&out.pooled, &y, params.triplet.margin, true)?;
        let total = id.f_add(&triplet.f_mul_scalar(params.triplet.weight)?)?;
        adam.zero_grad()?;
        total.f_backward()?;
        adam.set_lr(lr);
        adam.step()?;
        Ok(Losses { total, parts: vec![("id", id), ("triplet", triplet)] })
    }

    /// The epoch's augmented training batches. Those done already are left out; each batch keeps its own random
    /// stream.
    pub(super) fn train_loader(&mut self, draw: &Draw) -> Result<TrainLoader, EngineError> {
        let data = self.domain(draw.domain);
        let camids = data.train_camids();
        let source = Source {
            labels: draw.labels,
            camids: &camids,
            has_cameras: data.dataset.has_cameras,
            instances: draw.instances,
            batch: draw.batch,
        };
        let seed = |purpose| seeds::seed(self.params().seed, purpose, self.position.epoch);
        let mut stream = BatchStream::new(source, seed(draw.order));
        let mut batches: Vec<Vec<u32>> = (0..draw.iters).map(|_| stream.next_batch()).collect();
        let done = self.position.iter;
        batches.iter_mut().take(done).for_each(Vec::clear);
        let (cache, augment) = (Arc::clone(data.cache(Split::Train)), Arc::clone(&self.augment));
        let stream = seed(draw.images);
        let maker = if self.on_device(&cache)?.is_some() { Maker::Device } else { Maker::Threads };
        let hands = Hands { maker, ahead: AHEAD, threads: loader_threads() };
        let mut loader = TrainLoader::made_by(hands, cache, batches, augment, stream)?;
        for _ in 0..done {
            loader.next();
        }
        Ok(loader)
    }

    fn domain(&self, domain: Domain) -> &DomainData {
        match domain {
            Domain::Source => &self.source,
            Domain::Target => &self.target,
        }
    }

    /// A batch's pixels on the device.
    pub(super) fn pixels(&mut self, batch: &Batch, domain: Domain) -> Result<tch::Tensor, EngineError> {
        let cache = Arc::clone(self.domain(domain).cache(Split::Train));
        if batch.pixels.is_empty()
            && let Some(images) = self.on_device(&cache)?
        {
            return Ok(images.batch(&batch.indices, &batch.moves)?);
        }
        let (height, width) = cache.size();
        self.to_device(&batch.pixels, [batch.indices.len(), height, width])
    }
}
