//! Step 1 of the paper: the network learns the labelled source (SpCL's and OpenUnReID's source pre-training).

use std::time::Instant;

use super::checkpoint::{Checkpoint, NamedTensors, Position};
use super::draw::{Batches, Draw};
use super::error::EngineError;
use super::event::{Domain, Event, Severity, SourceBatch, Stage, State};
use super::glimpse::Glimpses;
use super::link::Link;
use super::meter::{Losses, Meter};
use super::pretrained;
use super::seeds::{self, Purpose};
use super::session::{Saves, Session};
use super::settings::Boundary;
use super::step::{step, triplet};
use crate::data::loader::Batch;
use crate::model::head::Classifier;
use crate::model::losses::cross_entropy_smooth;
use crate::model::optim::Adam;
use crate::model::schedule::warmup_multi_step;

/// Pre-training: a classifier of the source's identities on top of the network.
pub(super) struct Pretraining {
    head: Classifier,
    adam: Adam,
    glimpses: Glimpses,
    glimpse: Option<SourceBatch>,
}

impl Saves for Pretraining {
    fn tensors(&self) -> Result<NamedTensors, EngineError> {
        let mut tensors = self.head.parameters();
        tensors.extend(self.adam.state()?.into_iter().map(|(name, t)| (format!("adam.{name}"), t)));
        Ok(tensors)
    }
}

impl Pretraining {
    /// Pre-training at its beginning.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn new(session: &Session) -> Result<Self, EngineError> {
        let seed = seeds::seed(session.params().seed, Purpose::Weights, 1);
        let head =
            Classifier::new(session.setup.net.dim(), session.setup.source.identities(), session.setup.device, seed)?;
        let mut parameters = session.setup.net.parameters();
        parameters.extend(head.parameters());
        let adam = Adam::new(parameters, 0.0, session.params().optim.weight_decay)?;
        Ok(Self { head, adam, glimpses: Glimpses::default(), glimpse: None })
    }

    /// Pre-training as a checkpoint left it.
    ///
    /// # Errors
    /// When the checkpoint lacks something, or is of another source.
    pub fn restore(session: &Session, checkpoint: &mut Checkpoint) -> Result<Self, EngineError> {
        let mut stage = Self::new(session)?;
        let moments = checkpoint.take("adam.");
        let weight = checkpoint.tensors.remove("classifier.weight");
        // At its end, while the source-only model is evaluated, neither is needed any more.
        let Position { epoch, step, .. } = session.position;
        let needed = step > 0 && epoch < session.params().pretrain.epochs;
        match weight {
            Some(weight) if weight.size() == stage.head.parameters()[0].1.size() => stage.head.set_weight(&weight)?,
            Some(weight) => {
                let what = format!("its classifier is {:?}, which the source's identities are not", weight.size());
                return Err(checkpoint.damaged(what));
            }
            None if needed => return Err(checkpoint.damaged("it has no classifier, which pre-training needs")),
            None => {}
        }
        if needed && moments.is_empty() {
            return Err(checkpoint.damaged("it has nothing of the optimiser"));
        }
        stage.adam.load_state(&moments).map_err(|e| checkpoint.damaged(e))?;
        Ok(stage)
    }

    /// Trains on the source, or takes up a network that was trained so before; then evaluates the source-only model.
    ///
    /// # Errors
    /// [`EngineError::Stopped`] when that was asked for; else what went wrong.
    pub fn run(&mut self, session: &mut Session, link: &mut Link) -> Result<(), EngineError> {
        if !self.take_up_kept(session, link)? {
            self.train(session, link)?;
            self.keep(session, link);
        }
        session.start_adaptation_from_source()?;
        // Still pre-training's: a run that is stopped here evaluates the source-only model when it is resumed.
        super::evaluation::evaluate(session, Domain::Source, self, link)?;
        super::evaluation::evaluate(session, Domain::Target, self, link)?;
        session.watched_heat_maps(link)
    }

    /// Whether the network was taken from the cache.
    fn take_up_kept(&mut self, session: &mut Session, link: &mut Link) -> Result<bool, EngineError> {
        let Some(cache) = session.cache.clone().filter(|_| session.position == Position::default()) else {
            return Ok(false);
        };
        let name = pretrained::name(&session.setup.source.dataset, session.params(), session.setup.device);
        let path = cache.join("pretrained").join(&name);
        session.kept_as = Some(name);
        match pretrained::take_up(&path, &session.setup.net) {
            Ok(false) => Ok(false),
            Ok(true) => {
                let text = "Same source, model and parameters: the source is not trained on again. Delete the cache folder to force it.";
                link.outbox.notice(Severity::Info, "Pre-training taken from an earlier run", text);
                // It is not to be kept again.
                session.kept_as = None;
                session.position.epoch = session.params().pretrain.epochs;
                Ok(true)
            }
            Err(e) => {
                let text = format!("{e}. The network is trained again.");
                link.outbox.notice(Severity::Warning, "A kept pre-training cannot be used", text);
                Ok(false)
            }
        }
    }

    /// Keeps the network for later runs under the name of what it was trained with, unless that changed on the way. A
    /// cache that cannot be written costs time later, not this run.
    fn keep(&self, session: &Session, link: &mut Link) {
        let (Some(cache), Some(begun)) = (&session.cache, &session.kept_as) else { return };
        let name = pretrained::name(&session.setup.source.dataset, session.params(), session.setup.device);
        if *begun != name {
            return;
        }
        if let Err(e) = pretrained::keep(&cache.join("pretrained").join(name), &session.setup.net) {
            let title = "The pre-training could not be kept for later runs";
            link.outbox.notice(Severity::Warning, title, e.to_string());
        }
    }

    fn train(&mut self, session: &mut Session, link: &mut Link) -> Result<(), EngineError> {
        session.enter(State::Pretraining, link)?;
        let began = Instant::now();
        while session.position.epoch < session.params().pretrain.epochs {
            if session.position.iter == 0 && session.position.epoch > 0 {
                session.boundary(Boundary::Epoch, self, link)?;
            }
            self.train_epoch(session, link)?;
            session.early_heat_maps(link)?;
            session.position = Position { epoch: session.position.epoch + 1, iter: 0, ..session.position };
            session.write_checkpoint(self, link)?;
        }
        session.stage_done(Stage::Pretrain, began, link)
    }

    fn train_epoch(&mut self, session: &mut Session, link: &mut Link) -> Result<(), EngineError> {
        let p = session.params().pretrain.clone();
        let epoch = session.position.epoch;
        let labels: Vec<i32> = session.setup.source.dataset.train.iter().map(|s| s.pid).collect();
        let batches = Batches::draw(
            session,
            &Draw {
                domain: Domain::Source,
                labels: &labels,
                batch: p.batch,
                instances: p.instances,
                iters: p.iters,
                order: Purpose::PretrainOrder,
                images: Purpose::PretrainImages,
            },
        );
        let mut loader = batches.loader(session)?;
        let milestones = session.params().milestones().map_err(EngineError::Refused)?;
        let lr = warmup_multi_step(p.lr, epoch, p.warmup, &milestones);
        let mut meter = Meter::new(session.setup.device);
        for iter in session.position.iter..p.iters {
            if session.boundary(Boundary::Batch, self, link)? {
                loader = batches.loader(session)?;
            }
            let began = Instant::now();
            let Some(batch) = loader.next() else { break };
            let waited = began.elapsed().as_secs_f64();
            link.rehearsal.before_step(session.position.step)?;
            let losses = self.train_step(session, &batch, &labels, lr)?;
            let now = iter + 1 == p.iters || link.control.has_arrived();
            if let Some(reading) = meter.add(&losses, began, waited, now)? {
                session.point(reading, (iter, p.iters), lr, link)?;
            }
            if let Some(glimpse) = self.glimpse.take() {
                link.outbox.emit(Event::SourceBatch(Box::new(glimpse)))?;
            }
            session.position.step += 1;
            session.position.iter = iter + 1;
            link.outbox.progress(Stage::Pretrain, (epoch * p.iters + iter + 1) as u64, (p.epochs * p.iters) as u64);
        }
        Ok(())
    }

    fn train_step(
        &mut self,
        session: &mut Session,
        batch: &Batch,
        labels: &[i32],
        lr: f64,
    ) -> Result<Losses, EngineError> {
        let params = session.params().clone();
        let x = session.setup.pixels(batch, Domain::Source)?;
        let y: Vec<i64> = batch.indices.iter().map(|&i| i64::from(labels[i as usize])).collect();
        let out = session.setup.net.forward_train(&x, 0, 0)?;
        let id = cross_entropy_smooth(&self.head.logits(&out.bn)?, &y, params.pretrain.smoothing)?;
        let triplet = triplet(&out.pooled, &y, &params.triplet)?;
        let total = id.f_add(&triplet.f_mul_scalar(params.triplet.weight)?)?;
        step(&mut self.adam, &total, lr, params.optim.weight_decay)?;
        let pids = batch.indices.iter().map(|&i| session.setup.source.dataset.train[i as usize].pid).collect();
        self.glimpse = self.glimpses.see(&x, &out.bn, pids, (session.position.epoch, session.position.iter));
        Ok(Losses { total, parts: vec![("id", id), ("triplet", triplet)] })
    }
}
