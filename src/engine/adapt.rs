//! Steps 2 to 7 of the paper: epochs of clustering and training on the unlabelled target.

use std::time::Instant;

use super::checkpoint::{Next, Position};
use super::error::EngineError;
use super::event::{Domain, Event, Phase, Severity, SnapshotPart, Stage, State, Step};
use super::meter::{Losses, Meter, Reading};
use super::pretrain::Draw;
use super::seeds::Purpose;
use super::session::Session;
use super::settings::Boundary;
use super::worker::Link;
use crate::data::loader::{Batch, TrainLoader};
use crate::model::losses::{batch_hard_triplet, cross_entropy_smooth};
use crate::model::schedule::step_lr;
use crate::run::snapshot::write_heat_maps;

impl Session {
    /// All adaptation epochs that are left.
    pub(super) fn adapt(&mut self, link: &mut Link) -> Result<(), EngineError> {
        loop {
            if self.position.next == Next::Cluster {
                self.boundary(Boundary::Epoch, link)?;
            }
            if self.position.epoch >= self.params().adapt.epochs {
                return Ok(());
            }
            if self.position.next == Next::Cluster {
                self.cluster_epoch(link)?;
            }
            if self.position.next == Next::Train {
                self.train_epoch(link)?;
            }
            self.finish_epoch(link)?;
        }
    }

    fn finish_epoch(&mut self, link: &mut Link) -> Result<(), EngineError> {
        let (epoch, epochs) = (self.position.epoch, self.params().adapt.epochs);
        // Results after this epoch carry the number of epochs done; a stop in the midst of it repeats the evaluation.
        if (epoch + 1) % self.params().eval.every == 0 || epoch + 1 == epochs {
            self.evaluate(Domain::Target, link)?;
            self.watched_heat_maps(link)?;
        }
        self.position = Position { epoch: epoch + 1, iter: 0, next: Next::Cluster, ..self.position };
        link.outbox.emit(Event::EpochDone { epoch, epochs })?;
        self.write_checkpoint(link)
    }

    /// Attention maps of the watched images, into the snapshot of the epochs done and to the listeners.
    pub(super) fn watched_heat_maps(&mut self, link: &mut Link) -> Result<(), EngineError> {
        let images = self.heat_maps(self.watched())?;
        if images.iter().all(|i| i.maps.is_empty()) {
            return Ok(());
        }
        let epoch = self.epochs_done();
        write_heat_maps(&self.folder, epoch, &images)?;
        link.outbox.emit(Event::HeatMaps { epoch, images })?;
        Ok(link.outbox.emit(Event::Snapshot { epoch, part: SnapshotPart::HeatMaps })?)
    }

    /// Adaptation epochs whose training is done.
    pub(super) fn epochs_done(&self) -> usize {
        match (self.position.phase, self.position.next) {
            (Phase::Pretrain, _) => 0,
            (Phase::Adapt, Next::Evaluate) => self.position.epoch + 1,
            (Phase::Adapt, Next::Cluster | Next::Train) => self.position.epoch,
        }
    }

    fn train_epoch(&mut self, link: &mut Link) -> Result<(), EngineError> {
        self.enter(State::Adapting, link)?;
        let began = Instant::now();
        let iters = self.params().adapt.iters;
        let Some(mut target) = self.target_loader(link)? else {
            self.position.next = Next::Evaluate;
            return Ok(());
        };
        let mut source = if self.params().adapt.joint { Some(self.source_loader()?) } else { None };
        let mut meter = Meter::new(self.device);
        for iter in self.position.iter..iters {
            self.boundary(Boundary::Batch, link)?;
            let lr = {
                let p = &self.params().adapt;
                step_lr(p.lr, self.position.epoch, p.step, p.gamma)
            };
            let clock = Instant::now();
            let Some(batch) = target.next() else { break };
            let beside = source.as_mut().and_then(TrainLoader::next);
            let waited = clock.elapsed().as_secs_f64();
            let losses = self.adapt_step(&batch, beside.as_ref(), lr)?;
            let (epoch, step) = (self.position.epoch, self.position.step);
            // Read before anything is obeyed or saved, so that no point is lost.
            let now = iter + 1 == iters || link.control.has_arrived();
            if let Some(Reading { loss, parts, seconds, waited, merged }) = meter.add(&losses, clock, waited, now)? {
                let phase = Phase::Adapt;
                let point = Step { phase, epoch, iter, iters, step, loss, parts, lr, seconds, waited, merged };
                link.outbox.emit(Event::Step(point))?;
            }
            self.position.step += 1;
            self.position.iter = iter + 1;
            link.outbox.progress(Stage::Adapt, (iter + 1) as u64, iters as u64);
        }
        self.position.next = Next::Evaluate;
        self.stage_done(Stage::Adapt, began, link)
    }

    /// The epoch's target batches; `None` when no image has a label to train with.
    fn target_loader(&mut self, link: &mut Link) -> Result<Option<TrainLoader>, EngineError> {
        let used = self.labels.iter().filter(|&&l| l >= 0).count();
        if used < 2 {
            let text = "Every image is an outlier, and outliers sit out (reliability.outliers = drop). Raise eps, or keep outliers as instances.";
            link.outbox.notice(Severity::Warning, "Nothing to train on in this epoch", text);
            return Ok(None);
        }
        let streams = (Purpose::TargetOrder, Purpose::TargetImages);
        let labels = self.labels.clone();
        Ok(Some(self.adapt_loader(Domain::Target, &labels, streams)?))
    }

    fn source_loader(&mut self) -> Result<TrainLoader, EngineError> {
        let labels: Vec<i32> = self.source.dataset.train.iter().map(|s| s.pid).collect();
        self.adapt_loader(Domain::Source, &labels, (Purpose::SourceOrder, Purpose::SourceImages))
    }

    fn adapt_loader(
        &mut self,
        domain: Domain,
        labels: &[i32],
        (order, images): (Purpose, Purpose),
    ) -> Result<TrainLoader, EngineError> {
        let p = self.params().adapt.clone();
        self.train_loader(&Draw {
            domain,
            labels,
            batch: p.batch,
            instances: p.instances,
            iters: p.iters,
            order,
            images,
        })
    }

    /// One step: the target's loss, plus the source's when it takes part, plus the triplet loss (method.md §11.12).
    fn adapt_step(&mut self, target: &Batch, source: Option<&Batch>, lr: f64) -> Result<Losses, EngineError> {
        let params = self.params().clone();
        let y: Vec<i64> = target.indices.iter().map(|&i| i64::from(self.labels[i as usize])).collect();
        let x = self.pixels(target, Domain::Target)?;
        let beside = match source {
            Some(batch) => Some(self.pixels(batch, Domain::Source)?),
            None => None,
        };
        let out = self.net.forward_train(&x, self.target_domain(), params.bn.group)?;
        let mut parts = Vec::new();
        let (target_loss, target_rows) = match (&self.memory, &self.head) {
            (Some(memory), _) => {
                let first = memory.source_classes();
                let rows: Vec<i64> = target.indices.iter().map(|&i| first + i64::from(i)).collect();
                (memory.loss(&out.feature, &rows, params.temperature)?, rows)
            }
            (None, Some(head)) => {
                (cross_entropy_smooth(&head.logits(&out.bn)?, &y, params.pretrain.smoothing)?, Vec::new())
            }
            (None, None) => {
                return Err(EngineError::Refused(
                    "there is neither memory nor classifier; please report it".to_owned(),
                ));
            }
        };
        let mut total = target_loss.shallow_clone();
        parts.push(("target", target_loss));
        let source_out = match (source.zip(beside), &self.memory) {
            (Some((batch, x)), Some(memory)) => {
                let out = self.net.forward_train(&x, 0, params.bn.group)?;
                let rows: Vec<i64> =
                    batch.indices.iter().map(|&i| i64::from(self.source.dataset.train[i as usize].pid)).collect();
                let loss = memory.loss(&out.feature, &rows, params.temperature)?;
                total = total.f_add(&loss)?;
                parts.push(("source", loss));
                Some((out.feature, rows))
            }
            _ => None,
        };
        if params.triplet.weight > 0.0 {
            let loss = batch_hard_triplet(&out.pooled, &y, params.triplet.margin, true)?;
            total = total.f_add(&loss.f_mul_scalar(params.triplet.weight)?)?;
            parts.push(("triplet", loss));
        }
        self.descend(&total, lr)?;
        if let Some(memory) = &mut self.memory {
            // Gradients were taken against the bank as it was; source and target rows are disjoint.
            if let Some((features, rows)) = &source_out {
                memory.update(features, rows, params.beta)?;
            }
            memory.update(&out.feature, &target_rows, params.beta)?;
        }
        Ok(Losses { total, parts })
    }

    fn descend(&mut self, loss: &tch::Tensor, lr: f64) -> Result<(), EngineError> {
        let weight_decay = self.params().optim.weight_decay;
        let adam = self
            .adam
            .as_mut()
            .ok_or_else(|| EngineError::Refused("there is no optimiser; please report it".to_owned()))?;
        adam.zero_grad()?;
        loss.f_backward()?;
        adam.set_lr(lr);
        adam.set_weight_decay(weight_decay);
        Ok(adam.step()?)
    }
}
