//! The rank list of one image, on request.
//!
//! A query and the gallery are only ever compared by features of the same weights. Each evaluation leaves its
//! features here, and a copy of its weights in main memory (100 MB for a ResNet-50): while the run goes on, questions
//! are answered with these, so the answer is that of the newest evaluation and training is not held up by the
//! gallery. When the run is at rest (paused, stopped or done) and has trained since, the gallery is described anew
//! with the weights as they stand. The answer says of which moment it is.

use std::rc::Rc;
use std::sync::Arc;

use tch::{Device, Tensor};

use super::checkpoint::Next;
use super::error::EngineError;
use super::evaluation::TOP;
use super::event::{Event, ImageRef, Phase, RankQuery, Ranking, Severity, Split, Stage, State};
use super::features::Extraction;
use super::session::Session;
use super::worker::Link;
use crate::data::{Sample, augment, decode};
use crate::method::evaluate::{EvalOptions, EvalSet, Metric, evaluate};
use crate::method::rows::Rows;
use crate::run::snapshot::Match;

/// Who is on an image where that is not known: no gallery image matches it.
const NOBODY: i32 = -1;

/// Features of the target's test set, and the weights that they were computed with.
pub(super) struct Described {
    /// Iterations trained by then.
    step: u64,
    /// Adaptation epochs done by then.
    epoch: usize,
    /// Iterations trained beyond those epochs.
    iters: usize,
    /// Whose batch normalisation counted.
    domain: usize,
    /// `[Q, d]`; absent when only the gallery was described.
    query: Option<Vec<f32>>,
    /// `[G, d]`.
    gallery: Vec<f32>,
    /// In the order of [`crate::model::net::Net::named_variables`], on the CPU.
    weights: Vec<Tensor>,
}

fn copy(t: &Tensor, to: Device) -> Result<Tensor, tch::TchError> {
    t.f_detach()?.f_to_device_(to, t.kind(), false, true)
}

fn nothing_described() -> EngineError {
    EngineError::Refused("the gallery has no features; please report it".to_owned())
}

impl Session {
    /// Keeps what an evaluation computed, for later questions.
    pub(super) fn keep_evaluated(
        &mut self,
        domain: usize,
        query: Vec<f32>,
        gallery: Vec<f32>,
    ) -> Result<(), EngineError> {
        let weights = self.copy_weights()?;
        let (step, epoch) = (self.position.step, self.epochs_done());
        self.described = Some(Described { step, epoch, iters: 0, domain, query: Some(query), gallery, weights });
        Ok(())
    }

    /// The gallery ranked for this image, sent as one event; see the module for the weights that count. `at_rest`
    /// says that no training goes on. What goes wrong is told and harms no run.
    ///
    /// # Errors
    /// When the answer cannot be delivered.
    pub fn answer_rank(&mut self, query: &RankQuery, at_rest: bool, link: &mut Link) -> Result<(), EngineError> {
        match self.ranking(query, at_rest, link) {
            Ok(ranking) => link.outbox.emit(Event::Ranked(Box::new(ranking)))?,
            Err(EngineError::Stopped) => {
                let text = "The run was asked to stop first; ask again.";
                link.outbox.notice(Severity::Info, "The rank list was not computed", text);
            }
            Err(e) => link.outbox.notice(Severity::Warning, "The rank list could not be computed", e.to_string()),
        }
        Ok(())
    }

    fn ranking(&mut self, query: &RankQuery, at_rest: bool, link: &mut Link) -> Result<Ranking, EngineError> {
        if self.target.dataset.gallery.is_empty() {
            return Err(EngineError::Refused("The target has no gallery to search.".to_owned()));
        }
        let pixels = self.query_pixels(query)?;
        let step = self.position.step;
        if self.described.as_ref().is_none_or(|known| known.step != step && at_rest) {
            self.described = Some(self.describe_gallery(link)?);
        }
        let described = self.described.as_ref().ok_or_else(nothing_described)?;
        let (epoch, iters, domain, then) = (described.epoch, described.iters, described.domain, described.step);
        let d = self.net.dim() as usize;
        let known = match query {
            RankQuery::Image(ImageRef { split: Split::Gallery, index }) => Some((&described.gallery, *index)),
            RankQuery::Image(ImageRef { split: Split::Query, index }) => described.query.as_ref().map(|q| (q, *index)),
            RankQuery::Image(_) | RankQuery::File(_) => None,
        };
        let feature = match known {
            Some((features, index)) => Rows::new(features, d)?.row(index as usize).to_vec(),
            None if then == step => self.feature(&pixels, domain)?,
            None => self.with_weights_of_then(|session| session.feature(&pixels, domain))?,
        };
        let mut ranking = self.rank_one(query, &feature)?;
        (ranking.epoch, ranking.iters) = (epoch, iters);
        Ok(ranking)
    }

    /// `[height, width, 3]` bytes of the image that is asked about.
    fn query_pixels(&self, query: &RankQuery) -> Result<Arc<[u8]>, EngineError> {
        match query {
            RankQuery::Image(image) => {
                let (cache, index) = (self.target.cache(image.split), image.index as usize);
                if index >= cache.len() {
                    let text = format!("The target's split has {} images; there is no image {index}.", cache.len());
                    return Err(EngineError::Refused(text));
                }
                Ok(cache.get(index))
            }
            RankQuery::File(path) => {
                let (height, width) = self.target.cache(Split::Gallery).size();
                Ok(decode::load_resized(path, height, width)?.into())
            }
        }
    }

    /// Features of the gallery with the weights as they stand, with progress, until a stop is asked for.
    fn describe_gallery(&self, link: &mut Link) -> Result<Described, EngineError> {
        // Before adaptation begins, the target's batch normalisation is not yet copied from the source's.
        let domain = if self.position.phase == Phase::Pretrain { 0 } else { self.target_domain() };
        let (net, images) = (Rc::clone(&self.net), Arc::clone(self.target.cache(Split::Gallery)));
        let on_device =
            self.uploaded.iter().find(|(of, _)| Arc::ptr_eq(of, &images)).and_then(|(_, known)| known.as_deref());
        let extraction = Extraction { net: &net, domain, images: &images, on_device, batch: self.params().eval.batch };
        let total = images.len() as u64;
        let gallery = extraction.run(|done| {
            link.outbox.progress(Stage::Evaluate, done, total);
            // No other command is obeyed here: this may itself be the answer to one, within a pause.
            if link.control.stop_requested() { Err(EngineError::Stopped) } else { Ok(()) }
        })?;
        let iters = match (self.position.phase, self.position.next) {
            (Phase::Pretrain, _) if self.state == State::Evaluating => 0,
            (Phase::Pretrain, _) => self.position.step as usize,
            (Phase::Adapt, Next::Train) => self.position.iter,
            (Phase::Adapt, Next::Cluster | Next::Evaluate) => 0,
        };
        Ok(Described {
            step: self.position.step,
            epoch: self.epochs_done(),
            iters,
            domain,
            query: None,
            gallery,
            weights: self.copy_weights()?,
        })
    }

    fn feature(&self, pixels: &[u8], domain: usize) -> Result<Vec<f32>, EngineError> {
        let (height, width) = self.target.cache(Split::Gallery).size();
        let mut normalised = vec![0.0; 3 * height * width];
        augment::normalise_into(pixels, height, width, &mut normalised);
        let x = self.to_device(&normalised, [1, height, width])?;
        let f = self.net.extract(&x, domain)?.to_device(Device::Cpu).contiguous();
        let mut feature = vec![0.0; self.net.dim() as usize];
        f.f_view([-1])?.f_copy_data(&mut feature, self.net.dim() as usize)?;
        Ok(feature)
    }

    /// By the rules of the evaluation. The image itself is no hit; for an image whose person is not known nothing
    /// is right or wrong.
    fn rank_one(&self, query: &RankQuery, feature: &[f32]) -> Result<Ranking, EngineError> {
        let data = &self.target.dataset;
        let described = self.described.as_ref().ok_or_else(nothing_described)?;
        let mut gallery_pid: Vec<i32> = data.gallery.iter().map(|s| s.pid).collect();
        let cameras = data.evaluation_cameras();
        let sample = match query {
            RankQuery::Image(image) => match image.split {
                // Training identities are numbered on their own, and nobody of them is in the test set.
                Split::Train => None,
                Split::Query => data.query.get(image.index as usize),
                Split::Gallery => {
                    gallery_pid[image.index as usize] = NOBODY;
                    data.gallery.get(image.index as usize)
                }
            },
            RankQuery::File(_) => None,
        };
        // 0 stands for all the people who are in the gallery to distract, unless somebody asks for them.
        let known = |pid: i32| pid > 0 || (pid == 0 && data.query.iter().any(|s| s.pid == 0));
        let camera = |s: &Sample| match query {
            RankQuery::Image(ImageRef { split: Split::Query, index }) => cameras.query[*index as usize],
            _ => s.camid,
        };
        let (pid, camid) = sample.filter(|s| known(s.pid)).map_or((NOBODY, NOBODY), |s| (s.pid, camera(s)));
        let d = self.net.dim() as usize;
        let set = EvalSet {
            query: Rows::new(feature, d)?,
            gallery: Rows::new(&described.gallery, d)?,
            query_pid: &[pid],
            query_camid: &[camid],
            gallery_pid: &gallery_pid,
            gallery_camid: &cameras.gallery,
        };
        let options = EvalOptions { metric: Metric::Euclidean, top: TOP, same_camera_rule: cameras.rule };
        let e = evaluate(&set, &options, &|_, _| true)?;
        let matches = e.match_index.iter().zip(&e.match_rank).zip(&e.match_distance);
        Ok(Ranking {
            query: query.clone(),
            epoch: 0,
            iters: 0,
            ap: e.ap.first().copied().filter(|ap| ap.is_finite()),
            matches: matches.map(|((&index, &rank), &distance)| Match { index, rank, distance }).collect(),
            gallery: e.ranks,
            distances: e.distances,
        })
    }

    /// Of every tensor of the network, in main memory.
    fn copy_weights(&self) -> Result<Vec<Tensor>, EngineError> {
        let _guard = tch::no_grad_guard();
        self.net.named_variables().iter().map(|(_, t)| Ok(copy(t, Device::Cpu)?)).collect()
    }

    /// Does `work` with the weights that described the gallery; afterwards the network is, bit for bit, what it was.
    fn with_weights_of_then<T>(&self, work: impl FnOnce(&Self) -> Result<T, EngineError>) -> Result<T, EngineError> {
        let _guard = tch::no_grad_guard();
        let then = self.described.as_ref().map_or(&[][..], |d| &d.weights);
        let variables = self.net.named_variables();
        let now: Vec<Tensor> = variables.iter().map(|(_, t)| copy(t, t.device())).collect::<Result<_, _>>()?;
        let fill = |from: &[Tensor]| -> Result<(), EngineError> {
            variables.iter().zip(from).try_for_each(|((_, t), f)| Ok(t.shallow_clone().f_copy_(f).map(|_| ())?))
        };
        let result = fill(then).and_then(|()| work(self));
        fill(&now)?;
        result
    }
}
