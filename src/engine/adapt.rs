//! Steps 2 to 7 of the paper: epochs of clustering and training on the unlabelled target.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use tch::Tensor;

use super::checkpoint::{Checkpoint, NamedTensors, Next, Position};
use super::clustering::{cluster, report, training_labels};
use super::draw::{Batches, Draw};
use super::error::EngineError;
use super::event::{Domain, Event, Phase, Severity, SnapshotPart, Split, Stage, State};
use super::link::Link;
use super::meter::{Losses, Meter};
use super::objective::{self, NamedLosses, NewEpoch, Objective, ObjectiveShape, StepImages};
use super::recorder::Recorder;
use super::seeds::{self, Purpose};
use super::session::{Saves, Session};
use super::settings::Boundary;
use super::step::{step, to_vec, triplet};
use crate::data::loader::{Batch, TrainLoader};
use crate::method::params::FeatureSource;
use crate::model::memory::class_means;
use crate::model::optim::Adam;
use crate::model::schedule::step_lr;

/// Adaptation.
pub(super) struct Adaptation {
    adam: Adam,
    /// The classes of the newest clustering; `None` before the first.
    classes: Option<Classes>,
    /// Who looks on while an epoch trains.
    recorder: Option<Box<Recorder>>,
}

/// What a clustering gives the epoch to train with.
struct Classes {
    /// Class of each target training image, `[N]`; −1 sits out.
    labels: Vec<i32>,
    objective: Box<dyn Objective>,
}

impl Saves for Adaptation {
    fn tensors(&self) -> Result<NamedTensors, EngineError> {
        let mut tensors: NamedTensors =
            self.adam.state()?.into_iter().map(|(name, t)| (format!("adam.{name}"), t)).collect();
        if let Some(classes) = &self.classes {
            tensors.extend(classes.objective.tensors()?);
            tensors.push(("labels".to_owned(), Tensor::f_from_slice(&classes.labels)?));
        }
        Ok(tensors)
    }
}

impl Adaptation {
    /// Adaptation before its first clustering.
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn new(session: &mut Session) -> Result<Self, EngineError> {
        let step = session.position.step;
        session.position = Position { phase: Phase::Adapt, epoch: 0, iter: 0, next: Next::Cluster, step };
        Ok(Self { adam: optimiser(session, None)?, classes: None, recorder: None })
    }

    /// Adaptation as a checkpoint left it.
    ///
    /// # Errors
    /// When the checkpoint lacks something, or is of another target.
    pub fn restore(session: &Session, checkpoint: &mut Checkpoint) -> Result<Self, EngineError> {
        let labels = checkpoint.take_labels(session.setup.target.dataset.train.len())?;
        let Position { epoch, next, .. } = session.position;
        let classes = match labels.is_empty() {
            true if next != Next::Cluster || epoch > 0 => {
                return Err(checkpoint.damaged("it has no labels, and stands after a clustering"));
            }
            true => None,
            false => {
                let identities = session.setup.source.identities();
                let shape = ObjectiveShape { dim: session.setup.net.dim(), identities, device: session.setup.device };
                let objective = objective::restore(session.params(), checkpoint, &labels, &shape)?;
                Some(Classes { labels, objective })
            }
        };
        let mut adam = optimiser(session, classes.as_ref().map(|c| &*c.objective))?;
        adam.load_state(&checkpoint.take("adam.")).map_err(|e| checkpoint.damaged(e))?;
        Ok(Self { adam, classes, recorder: None })
    }

    /// All epochs that are left.
    ///
    /// # Errors
    /// [`EngineError::Stopped`] when that was asked for; else what went wrong.
    pub fn run(&mut self, session: &mut Session, link: &mut Link) -> Result<(), EngineError> {
        if session.position.next == Next::Cluster {
            // A kill may have come between the checkpoint and its second name.
            session.keep_by_rule(link);
        }
        loop {
            if session.position.next == Next::Cluster {
                session.boundary(Boundary::Epoch, self, link)?;
            }
            if session.position.epoch >= session.params().adapt.epochs {
                return Ok(());
            }
            if session.position.next == Next::Cluster {
                self.cluster_epoch(session, link)?;
            }
            if session.position.next == Next::Train {
                self.train_epoch(session, link)?;
            }
            self.finish_epoch(session, link)?;
        }
    }

    fn finish_epoch(&mut self, session: &mut Session, link: &mut Link) -> Result<(), EngineError> {
        let (epoch, epochs) = (session.position.epoch, session.params().adapt.epochs);
        // Results after this epoch carry the number of epochs done; a stop in the midst of it repeats the evaluation.
        if (epoch + 1) % session.params().eval.every == 0 || epoch + 1 == epochs {
            super::evaluation::evaluate(session, Domain::Target, self, link)?;
            session.watched_heat_maps(link)?;
        }
        session.position = Position { epoch: epoch + 1, iter: 0, next: Next::Cluster, ..session.position };
        link.outbox.emit(Event::EpochDone { epoch, epochs })?;
        session.write_checkpoint(self, link)?;
        session.keep_by_rule(link);
        Ok(())
    }

    // ---------------------------------------------------------------------------------------------- clustering

    /// Clusters the target and prepares the epoch's classes.
    fn cluster_epoch(&mut self, session: &mut Session, link: &mut Link) -> Result<(), EngineError> {
        let features: Rc<[f32]> = self.features_to_cluster(session, link)?.into();
        session.enter(State::Clustering, link)?;
        let began = Instant::now();
        let found = cluster(session, &features, link)?;
        let (pseudo_labels, score) = report(session, &features, found, link)?;
        session.keep_best(score, self, link)?;
        let hand = session.resolved_hand()?;
        let left_out = hand.as_ref().map_or(&[][..], |hand| hand.excluded());
        let labels = training_labels(&pseudo_labels, session.params().reliability.outliers, left_out);
        self.begin_classes(session, &features, labels, link)?;
        session.position.next = Next::Train;
        session.position.iter = 0;
        session.stage_done(Stage::Cluster, began, link)
    }

    fn features_to_cluster(&mut self, session: &mut Session, link: &mut Link) -> Result<Vec<f32>, EngineError> {
        if session.params().memory.features == FeatureSource::Bank
            && let Some(classes) = &self.classes
            && let Some(rows) = classes.objective.rows()?
        {
            return to_vec(&rows);
        }
        session.enter(State::Extracting, link)?;
        let began = Instant::now();
        let images = Arc::clone(session.setup.target.cache(Split::Train));
        let stage = (Stage::Extract, 0, images.len() as u64);
        let features = session.extract(&images, session.target_domain(), stage, self, link)?;
        session.stage_done(Stage::Extract, began, link)?;
        session.notify_unreadable(link);
        Ok(features)
    }

    /// Eq. 9 and the classes of this epoch.
    fn begin_classes(
        &mut self,
        session: &mut Session,
        features: &[f32],
        labels: Vec<i32>,
        link: &mut Link,
    ) -> Result<(), EngineError> {
        let params = session.params().clone();
        let known = self.classes.as_ref().is_some_and(|c| c.objective.has_source());
        let source =
            if objective::wants_centroids(&params) && !known { Some(self.source_rows(session, link)?) } else { None };
        let shape = [labels.len() as i64, session.setup.net.dim()];
        let features = Tensor::f_from_slice(features)?.f_view(shape)?.f_to_device(session.setup.device)?;
        let epoch = NewEpoch {
            features,
            labels: labels.iter().map(|&l| i64::from(l)).collect(),
            source,
            identities: session.setup.source.identities(),
            seed: seeds::seed(params.seed, Purpose::Weights, 2),
        };
        let objective = match self.classes.take() {
            Some(mut classes) => {
                classes.objective.begin_epoch(&epoch, &params)?;
                classes.objective
            }
            None => objective::begin(&params, &epoch)?,
        };
        if params.optim.restart {
            self.adam = optimiser(session, Some(&*objective))?;
        } else if !objective.parameters().is_empty() {
            // They are new ones, and so are their moments; the network's are kept.
            let own: Vec<String> = objective.parameters().into_iter().map(|(name, _)| name).collect();
            let kept = |(name, _): &(String, Tensor)| !own.iter().any(|o| name.starts_with(o.as_str()));
            let moments: NamedTensors = self.adam.state()?.into_iter().filter(kept).collect();
            self.adam = optimiser(session, Some(&*objective))?;
            self.adam.load_state(&moments)?;
        }
        self.classes = Some(Classes { labels, objective });
        Ok(())
    }

    /// Centroids of the source's identities, `[C, d]`, from features of now.
    fn source_rows(&self, session: &mut Session, link: &mut Link) -> Result<Tensor, EngineError> {
        let images = Arc::clone(session.setup.source.cache(Split::Train));
        let n = images.len() as u64;
        let features = session.extract(&images, 0, (Stage::Extract, 0, n), self, link)?;
        let labels: Vec<i64> = session.setup.source.dataset.train.iter().map(|s| i64::from(s.pid)).collect();
        let shape = [n as i64, session.setup.net.dim()];
        let features = Tensor::f_from_slice(&features)?.f_view(shape)?.f_to_device(session.setup.device)?;
        Ok(class_means(&features, &labels, session.setup.source.identities(), true)?)
    }

    // ------------------------------------------------------------------------------------------------ training

    fn train_epoch(&mut self, session: &mut Session, link: &mut Link) -> Result<(), EngineError> {
        session.enter(State::Adapting, link)?;
        let began = Instant::now();
        let iters = session.params().adapt.iters;
        let Some(target_batches) = self.target_batches(session, link)? else {
            session.position.next = Next::Evaluate;
            return Ok(());
        };
        let source_batches = objective::wants_source(session.params()).then(|| source_batches(session));
        let loaders = |session: &mut Session| -> Result<(TrainLoader, Option<TrainLoader>), EngineError> {
            let target = target_batches.loader(session)?;
            Ok((target, source_batches.as_ref().map(|b| b.loader(session)).transpose()?))
        };
        let (mut target, mut source) = loaders(session)?;
        let mut meter = Meter::new(session.setup.device);
        let size = session.setup.target.cache(Split::Train).size();
        let recorder = Recorder::new(&self.classes()?.labels, (session.position.iter, iters), size);
        self.recorder = Some(Box::new(recorder));
        for iter in session.position.iter..iters {
            if session.boundary(Boundary::Batch, self, link)? {
                (target, source) = loaders(session)?;
            }
            let lr = {
                let p = &session.params().adapt;
                step_lr(p.lr, session.position.epoch, p.step, p.gamma)
            };
            let clock = Instant::now();
            let Some(batch) = target.next() else { break };
            let beside = source.as_mut().and_then(TrainLoader::next);
            let waited = clock.elapsed().as_secs_f64();
            link.rehearsal.before_step(session.position.step)?;
            let losses = self.train_step(session, &batch, beside.as_ref(), lr)?;
            // Read before anything is handled or saved, so that no point is lost.
            let now = iter + 1 == iters || link.control.has_arrived();
            if let Some(reading) = meter.add(&losses, clock, waited, now)? {
                session.point(reading, (iter, iters), lr, link)?;
            }
            session.position.step += 1;
            session.position.iter = iter + 1;
            link.outbox.progress(Stage::Adapt, (iter + 1) as u64, iters as u64);
        }
        self.keep_record(session, link)?;
        session.position.next = Next::Evaluate;
        session.stage_done(Stage::Adapt, began, link)
    }

    /// Writes what the recorder saw.
    fn keep_record(&mut self, session: &mut Session, link: &mut Link) -> Result<(), EngineError> {
        let Some(record) = self.recorder.take().map(|recorder| recorder.finish()).filter(|record| !record.is_empty())
        else {
            return Ok(());
        };
        let (folder, epoch) = (session.folder.clone(), session.position.epoch);
        let then = Event::Snapshot { epoch, part: SnapshotPart::Training };
        session.owed.write("record of the training", Some(then), move || Ok(record.write(&folder, epoch)?), link)
    }

    /// The epoch's target batches; `None` when no image has a label to train with.
    fn target_batches(&self, session: &Session, link: &mut Link) -> Result<Option<Batches>, EngineError> {
        let labels = &self.classes()?.labels;
        let used = labels.iter().filter(|&&l| l >= 0).count();
        if used < 2 {
            let text = "Every image is an outlier, and outliers sit out (reliability.outliers = drop). Raise eps, or keep outliers as instances.";
            link.outbox.notice(Severity::Warning, "Nothing to train on in this epoch", text);
            return Ok(None);
        }
        let streams = (Purpose::TargetOrder, Purpose::TargetImages);
        Ok(Some(batches(session, Domain::Target, labels, streams)))
    }

    fn classes(&self) -> Result<&Classes, EngineError> {
        self.classes.as_ref().ok_or_else(unclustered)
    }

    /// One step: the target's loss, plus the source's when it takes part, plus the triplet loss.
    fn train_step(
        &mut self,
        session: &mut Session,
        target: &Batch,
        source: Option<&Batch>,
        lr: f64,
    ) -> Result<Losses, EngineError> {
        let params = session.params().clone();
        let x = session.setup.pixels(target, Domain::Target)?;
        let source = match source {
            Some(batch) => Some((session.setup.pixels(batch, Domain::Source)?, source_pids(session, batch))),
            None => None,
        };
        let Some(classes) = &mut self.classes else { return Err(unclustered()) };
        let y: Vec<i64> = target.indices.iter().map(|&i| i64::from(classes.labels[i as usize])).collect();
        let out = session.setup.net.forward_train(&x, session.target_domain(), params.bn.group)?;
        let beside = match source {
            Some((x, pids)) => Some((session.setup.net.forward_train(&x, 0, params.bn.group)?, pids)),
            None => None,
        };
        let source = beside.as_ref().map(|(out, pids)| (out, &pids[..]));
        let batch = StepImages { target: &out, indices: &target.indices, labels: &y, source };
        let iter = session.position.iter;
        let seen = match &mut self.recorder {
            Some(recorder) => recorder.before(iter, target, &batch, &*classes.objective)?,
            None => None,
        };
        let mut parts = classes.objective.losses(&batch, &params)?;
        let mut total = sum(&parts)?;
        if params.triplet.weight > 0.0 {
            let (pooled, labels) = classes.objective.compared(&batch)?;
            let loss = triplet(&pooled, &labels, &params.triplet)?;
            total = total.f_add(&loss.f_mul_scalar(params.triplet.weight)?)?;
            parts.push(("triplet", loss));
        }
        step(&mut self.adam, &total, lr, params.optim.weight_decay)?;
        classes.objective.update(&batch, &params)?;
        if let Some(recorder) = &mut self.recorder {
            recorder.after(iter, seen, &batch, (&*classes.objective, params.beta))?;
        }
        Ok(Losses { total, parts })
    }
}

fn unclustered() -> EngineError {
    EngineError::Internal("an epoch trains without a clustering".to_owned())
}

/// The sum of losses of which there is one at least.
fn sum(parts: &NamedLosses) -> Result<Tensor, EngineError> {
    let (_, first) = parts.first().ok_or_else(|| EngineError::Internal("an objective without a loss".to_owned()))?;
    parts[1..].iter().try_fold(first.shallow_clone(), |sum, (_, loss)| Ok(sum.f_add(loss)?))
}

/// An optimiser over the network and what the objective trains beside it.
fn optimiser(session: &Session, objective: Option<&dyn Objective>) -> Result<Adam, EngineError> {
    let mut parameters = session.setup.net.parameters();
    parameters.extend(objective.into_iter().flat_map(Objective::parameters));
    Ok(Adam::new(parameters, 0.0, session.params().optim.weight_decay)?)
}

fn source_batches(session: &Session) -> Batches {
    let labels: Vec<i32> = session.setup.source.dataset.train.iter().map(|s| s.pid).collect();
    batches(session, Domain::Source, &labels, (Purpose::SourceOrder, Purpose::SourceImages))
}

fn batches(session: &Session, domain: Domain, labels: &[i32], (order, images): (Purpose, Purpose)) -> Batches {
    let p = &session.params().adapt;
    let draw = Draw { domain, labels, batch: p.batch, instances: p.instances, iters: p.iters, order, images };
    Batches::draw(session, &draw)
}

fn source_pids(session: &Session, batch: &Batch) -> Vec<i64> {
    batch.indices.iter().map(|&i| i64::from(session.setup.source.dataset.train[i as usize].pid)).collect()
}
