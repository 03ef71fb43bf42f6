//! The rank list of one image, on request.
//!
//! A query and the gallery are only ever compared by features of the same weights. Each evaluation leaves its
//! features here, and a copy of its weights in main memory (100 MB for a ResNet-50): while the run goes on, questions
//! are answered with these, so the answer is that of the newest evaluation and training is not held up by the
//! gallery. When the run is at rest (paused, stopped or done) and has trained since, the gallery is described anew
//! with the weights as they stand. The answer says of which moment it is.

use std::sync::Arc;

use tch::{Device, Tensor};

use super::checkpoint::{Next, Position};
use super::error::EngineError;
use super::event::{ImageRef, Phase, RankQuery, Ranking, Split};
use super::features::Extraction;
use super::setup::Setup;
use crate::data::{Sample, augment, decode};
use crate::method::evaluate::{EvalOptions, EvalSet, Metric, evaluate};
use crate::method::rows::Rows;
use crate::run::snapshot::Match;

/// Ranks kept of each query.
pub(super) const TOP: usize = 50;

/// Who is on an image where that is not known: no gallery image matches it.
const NOBODY: i32 = -1;

/// Where a run stands when a question is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// Iterations trained.
    step: u64,
    /// Adaptation epochs done.
    epoch: usize,
    /// Iterations trained beyond those epochs.
    iters: usize,
    /// Whose batch normalisation counts.
    domain: usize,
}

impl Moment {
    /// Of a run that stands there; `target` is the batch normalisation of the target's images.
    pub fn of(position: &Position, evaluating: bool, target: usize) -> Self {
        let (iters, domain) = match (position.phase, position.next) {
            (Phase::Pretrain, _) if evaluating => (0, 0),
            // Before adaptation begins, the target's batch normalisation is not yet copied from the source's.
            (Phase::Pretrain, _) => (position.step as usize, 0),
            (Phase::Adapt, Next::Train) => (position.iter, target),
            (Phase::Adapt, Next::Cluster | Next::Evaluate) => (0, target),
        };
        Self { step: position.step, epoch: position.epochs_done(), iters, domain }
    }
}

/// What is asked.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    /// The image.
    pub query: &'a RankQuery,
    /// Whether no training goes on.
    pub at_rest: bool,
    /// Images in an extraction batch.
    pub batch: usize,
}

/// Features of the target's test set, and the weights that they were computed with.
struct Described {
    at: Moment,
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

/// Answers questions for rank lists.
#[derive(Default)]
pub(super) struct Ranks {
    described: Option<Described>,
}

impl Ranks {
    /// Keeps what an evaluation after `position` computed, for later questions.
    pub fn keep_evaluated(
        &mut self,
        setup: &Setup,
        position: &Position,
        domain: usize,
        (query, gallery): (Vec<f32>, Vec<f32>),
    ) -> Result<(), EngineError> {
        let at = Moment { step: position.step, epoch: position.epochs_done(), iters: 0, domain };
        self.described = Some(Described { at, query: Some(query), gallery, weights: copy_weights(setup)? });
        Ok(())
    }

    /// The gallery ranked for an image; see the module for the weights that count. `tick` hears of the extraction and
    /// may end it.
    ///
    /// # Errors
    /// When the image cannot be read, there is no gallery, or the network fails.
    pub fn ranking(
        &mut self,
        setup: &Setup,
        now: Moment,
        Question { query, at_rest, batch }: Question,
        tick: impl FnMut(u64, u64) -> Result<(), EngineError>,
    ) -> Result<Ranking, EngineError> {
        if setup.target.dataset.gallery.is_empty() {
            return Err(EngineError::Refused("The target has no gallery to search.".to_owned()));
        }
        let pixels = query_pixels(setup, query)?;
        let stale = self.described.as_ref().is_none_or(|known| known.at.step != now.step && at_rest);
        if stale {
            self.described = Some(describe_gallery(setup, now, batch, tick)?);
        }
        let Some(described) = &self.described else {
            return Err(EngineError::Internal("the gallery has no features".to_owned()));
        };
        let d = setup.dim();
        let known = match query {
            RankQuery::Image(ImageRef { split: Split::Gallery, index }) => Some((&described.gallery, *index)),
            RankQuery::Image(ImageRef { split: Split::Query, index }) => described.query.as_ref().map(|q| (q, *index)),
            RankQuery::Image(_) | RankQuery::File(_) => None,
        };
        let at = described.at;
        let feature = match known {
            Some((features, index)) => Rows::new(features, d)?.row(index as usize).to_vec(),
            None if at.step == now.step => feature(setup, &pixels, at.domain)?,
            None => with_weights(setup, &described.weights, || feature(setup, &pixels, at.domain))?,
        };
        let ranking = rank_one(setup, &described.gallery, query, &feature)?;
        Ok(Ranking { epoch: at.epoch, iters: at.iters, ..ranking })
    }
}

/// `[height, width, 3]` bytes of the image that is asked about.
fn query_pixels(setup: &Setup, query: &RankQuery) -> Result<Arc<[u8]>, EngineError> {
    match query {
        RankQuery::Image(image) => {
            let (cache, index) = (setup.target.cache(image.split), image.index as usize);
            if index >= cache.len() {
                let text = format!("The target's split has {} images; there is no image {index}.", cache.len());
                return Err(EngineError::Refused(text));
            }
            Ok(cache.get(index))
        }
        RankQuery::File(path) => {
            let (height, width) = setup.target.cache(Split::Gallery).size();
            Ok(decode::load_resized(path, height, width)?.into())
        }
    }
}

/// Features of the gallery with the weights as they stand, with progress.
fn describe_gallery(
    setup: &Setup,
    at: Moment,
    batch: usize,
    mut tick: impl FnMut(u64, u64) -> Result<(), EngineError>,
) -> Result<Described, EngineError> {
    let images = setup.target.cache(Split::Gallery);
    let on_device = setup.already_on_device(images).flatten();
    let whole = setup.device.is_cuda();
    let on_device = on_device.as_deref();
    let extraction = Extraction { net: &setup.net, domain: at.domain, images, on_device, batch, whole };
    let total = images.len() as u64;
    let gallery = extraction.run(|done| tick(done, total))?;
    Ok(Described { at, query: None, gallery, weights: copy_weights(setup)? })
}

fn feature(setup: &Setup, pixels: &[u8], domain: usize) -> Result<Vec<f32>, EngineError> {
    let (height, width) = setup.target.cache(Split::Gallery).size();
    let mut normalised = vec![0.0; 3 * height * width];
    augment::normalise_into(pixels, height, width, &mut normalised);
    let x = setup.to_device(&normalised, [1, height, width])?;
    let f = setup.net.extract(&x, domain)?.f_to_device(Device::Cpu)?.f_contiguous()?;
    let mut feature = vec![0.0; setup.dim()];
    f.f_view([-1])?.f_copy_data(&mut feature, setup.dim())?;
    Ok(feature)
}

/// By the rules of the evaluation. The image itself is no hit; for an image whose person is not known nothing
/// is right or wrong.
fn rank_one(setup: &Setup, gallery: &[f32], query: &RankQuery, feature: &[f32]) -> Result<Ranking, EngineError> {
    let data = &setup.target.dataset;
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
    let d = setup.dim();
    let set = EvalSet {
        query: Rows::new(feature, d)?,
        gallery: Rows::new(gallery, d)?,
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

/// Every tensor of the network, in main memory.
fn copy_weights(setup: &Setup) -> Result<Vec<Tensor>, EngineError> {
    let _guard = tch::no_grad_guard();
    setup.net.named_variables().iter().map(|(_, t)| Ok(copy(t, Device::Cpu)?)).collect()
}

/// Does `work` with other weights; afterwards the network is, bit for bit, what it was.
fn with_weights<T>(
    setup: &Setup,
    weights: &[Tensor],
    work: impl FnOnce() -> Result<T, EngineError>,
) -> Result<T, EngineError> {
    let _guard = tch::no_grad_guard();
    let variables = setup.net.named_variables();
    let now: Vec<Tensor> = variables.iter().map(|(_, t)| copy(t, t.device())).collect::<Result<_, _>>()?;
    let fill = |from: &[Tensor]| -> Result<(), EngineError> {
        variables.iter().zip(from).try_for_each(|((_, t), f)| Ok(t.shallow_clone().f_copy_(f).map(|_| ())?))
    };
    let result = fill(weights).and_then(|()| work());
    fill(&now)?;
    result
}
