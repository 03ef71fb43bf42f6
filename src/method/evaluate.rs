//! CMC and mAP without sorting whole rows, in blocks of queries.

mod collected;
mod compared;

use serde::{Deserialize, Serialize};

use super::draws::Drawn;
use super::error::{MethodError, Tick};
use super::rows::Rows;
use collected::Collected;
use compared::{GalleryPanels, by_blocks};

/// Queries of a block.
const BLOCK: usize = 2048;

/// Retrieval quality on a test set, fractions in 0..=1. **Ground truth.**
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(non_snake_case)]
pub struct Retrieval {
    /// Mean average precision, mean of precision at each match (torchreid's form).
    pub mAP: f64,
    /// The trapezoid form of the official Market-1501 script, in which a query without a match counts as 0.
    pub mAP_trapezoid: f64,
    /// CMC at ranks 1, 5, 10 and 20.
    pub cmc: [f64; 4],
    /// Queries that have a match in the gallery; only these count.
    pub valid_queries: usize,
    /// All queries.
    pub queries: usize,
    /// Images of the test set that could not be read and were compared as grey ones.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unreadable: usize,
    /// AGW's mINP: of each query, the matches over the rank of the last one; absent in runs of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mINP: Option<f64>,
    /// Verification: the share of matching pairs accepted at each of [`super::roc::FALSE_ACCEPTS`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub true_accepts: Option<[f64; 2]>,
    /// Of test sets that tell clothes: only gallery images of the query's person in the query's clothes are matches, and
    /// those in others are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_clothes: Option<Figures>,
    /// The other way round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_clothes: Option<Figures>,
    /// After re-ranking by k-reciprocal neighbours, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reranked: Option<Figures>,
    /// Of test sets whose gallery is drawn: means over the draws.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawn: Option<Drawn>,
}

/// Figures of a part of the matches, fractions in 0..=1. **Ground truth.**
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(non_snake_case)]
pub struct Figures {
    /// Mean average precision.
    pub mAP: f64,
    /// CMC at ranks 1, 5, 10 and 20.
    pub cmc: [f64; 4],
    /// Queries that have such a match; only these count.
    pub valid_queries: usize,
}

impl Retrieval {
    /// Its mAP and CMC alone; `None` where no query has a match.
    pub fn figures(&self) -> Option<Figures> {
        let Self { mAP, cmc, valid_queries, .. } = *self;
        (valid_queries > 0).then_some(Figures { mAP, cmc, valid_queries })
    }
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// The ranks of [`Retrieval::cmc`].
pub const CMC_RANKS: [u32; 4] = [1, 5, 10, 20];

/// Who is on the images of a test set, and by which camera they were taken.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Identities<'a> {
    pub query_pid: &'a [i32],
    pub query_camid: &'a [i32],
    pub gallery_pid: &'a [i32],
    pub gallery_camid: &'a [i32],
}

/// A test set: features `[n, d]` of queries and gallery, and whose they are. Gallery rows of pid −1 are junk and
/// ignored wherever they occur; indices still count all rows given.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct EvalSet<'a> {
    pub query: Rows<'a>,
    pub gallery: Rows<'a>,
    pub query_pid: &'a [i32],
    pub query_camid: &'a [i32],
    pub gallery_pid: &'a [i32],
    pub gallery_camid: &'a [i32],
}

/// How features are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Squared Euclidean distance, 0 and up; 2 − 2cos for rows of unit length.
    Euclidean,
    /// 1 − cos, 0 to 2; a row of zeros is at distance 1 from everything.
    Cosine,
}

/// How to evaluate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EvalOptions {
    /// How features are compared.
    pub metric: Metric,
    /// Ranks to keep of each query; at most the gallery is kept.
    pub top: usize,
    /// Whether gallery images of the query's pid and camera are left out (docs/METHOD.md, Evaluation); off for datasets
    /// without cameras.
    pub same_camera_rule: bool,
}

impl Default for EvalOptions {
    /// Squared Euclidean, 50 ranks, same-camera rule on.
    fn default() -> Self {
        Self { metric: Metric::Euclidean, top: 50, same_camera_rule: true }
    }
}

/// What an evaluation found, in sum and for each query.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The sums.
    pub retrieval: Retrieval,
    /// `[nq]` AP, mean of precision at each match; NaN for a query without a match.
    pub ap: Vec<f64>,
    /// `[nq]` AP in trapezoid form; NaN for a query without a match.
    pub ap_trapezoid: Vec<f64>,
    /// Ranks kept a query: what was asked for, or the gallery if that is smaller.
    pub top: usize,
    /// `[nq, top]` gallery rows by (distance, index), same-camera ones of the same pid included.
    pub ranks: Vec<u32>,
    /// `[nq, top]` their distances.
    pub distances: Vec<f32>,
    /// `[nq + 1]` where the matches of each query begin.
    pub match_indptr: Vec<u32>,
    /// Gallery row of each match, nearest first.
    pub match_index: Vec<u32>,
    /// Its rank, from 1, among the gallery without the rows that the same-camera rule leaves out.
    pub match_rank: Vec<u32>,
    /// Its distance.
    pub match_distance: Vec<f32>,
}

impl Evaluation {
    /// CMC: the share of valid queries with a match among the first `rank`.
    pub fn cmc(&self, rank: u32) -> f64 {
        cmc(&self.match_indptr, &self.match_rank, self.retrieval.valid_queries, rank)
    }

    /// Measures matches in the same and in changed clothes apart (Gu et al., CVPR 2022): for the one, gallery images of
    /// the query's person in other clothes are left out, for the other, those in the same. Clothes count within a
    /// person only and are −1 where nobody knows them; such images are in neither part.
    pub fn tell_clothes(&mut self, query: &[i32], gallery: &[i32]) {
        if query.len() == self.ap.len() && query.iter().any(|&c| c >= 0) {
            self.retrieval.same_clothes = self.part(|q, g| query[q] >= 0 && query[q] == gallery[g]);
            self.retrieval.changed_clothes =
                self.part(|q, g| query[q] >= 0 && gallery[g] >= 0 && query[q] != gallery[g]);
        }
    }

    /// Figures when only some of the matches count and the others are not there.
    fn part(&self, keep: impl Fn(usize, usize) -> bool) -> Option<Figures> {
        let (mut sum, mut valid, mut hits) = (0.0, 0usize, [0usize; 4]);
        for (q, span) in self.match_indptr.windows(2).enumerate() {
            let (mut found, mut left_out, mut first, mut precision) = (0u32, 0u32, None, 0.0);
            for at in span[0] as usize..span[1] as usize {
                if !keep(q, self.match_index[at] as usize) {
                    left_out += 1;
                    continue;
                }
                // All that is left out is of the query's person, and stands among its matches.
                let rank = self.match_rank[at] - left_out;
                found += 1;
                first = first.or(Some(rank));
                precision += f64::from(found) / f64::from(rank);
            }
            if let Some(first) = first {
                valid += 1;
                sum += precision / f64::from(found);
                hits.iter_mut().zip(CMC_RANKS).for_each(|(n, rank)| *n += usize::from(first <= rank));
            }
        }
        let cmc = hits.map(|n| n as f64 / valid.max(1) as f64);
        (valid > 0).then(|| Figures { mAP: sum / valid as f64, cmc, valid_queries: valid })
    }

    /// See [`Retrieval::mINP`]; `None` where no query has a match.
    fn minp(&self) -> Option<f64> {
        let spans = self.match_indptr.windows(2).filter(|w| w[0] < w[1]);
        let one = |w: &[u32]| f64::from(w[1] - w[0]) / f64::from(self.match_rank[w[1] as usize - 1]);
        let valid = self.retrieval.valid_queries;
        (valid > 0).then(|| spans.map(one).sum::<f64>() / valid as f64)
    }
}

impl<'a> EvalSet<'a> {
    /// The ids without the features.
    pub fn identities(&self) -> Identities<'a> {
        Identities {
            query_pid: self.query_pid,
            query_camid: self.query_camid,
            gallery_pid: self.gallery_pid,
            gallery_camid: self.gallery_camid,
        }
    }
}

/// Ranks the gallery for every query and measures CMC and mAP. Ties go by gallery index. `tick` counts queries.
///
/// Memory beside the features: a copy of them laid out for our kernel and the distances of 192 queries a thread, or, on
/// processors without 512-bit registers, at most 128 MB of distances (more only where 64 queries need it); and what is
/// returned.
///
/// # Errors
/// When shapes do not fit, features are not finite, or `tick` cancels.
pub fn evaluate(set: &EvalSet, options: &EvalOptions, tick: Tick) -> Result<Evaluation, MethodError> {
    evaluate_adjusted(set, options, |_, _| (), tick)
}

/// [`evaluate`] with a last word on each query's distances to the whole gallery.
pub(crate) fn evaluate_adjusted(
    set: &EvalSet,
    options: &EvalOptions,
    adjust: impl Fn(usize, &mut [f32]) + Sync + Send,
    tick: Tick,
) -> Result<Evaluation, MethodError> {
    check_set(set)?;
    match GalleryPanels::new(set, options.metric)? {
        Some(panels) => panels.evaluate(set, options, adjust, tick),
        None => by_blocks(set, options, adjust, tick),
    }
}

/// [`evaluate`] by the matrix kernel that runs everywhere, whose sums round otherwise: to compare them.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_plain(set: &EvalSet, options: &EvalOptions, tick: Tick) -> Result<Evaluation, MethodError> {
    check_set(set)?;
    by_blocks(set, options, |_, _| (), tick)
}

/// [`evaluate`] from distances `[nq, ng]` that are there already; [`EvalOptions::metric`] plays no part.
/// Distances may be of any kind whose smaller values are nearer, also negative.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_distances(
    distances: Rows,
    ids: &Identities,
    options: &EvalOptions,
    tick: Tick,
) -> Result<Evaluation, MethodError> {
    let (nq, ng) = (distances.n(), distances.d());
    check(ids, nq, ng)?;
    if let Some(at) = distances.data().iter().position(|d| !d.is_finite()) {
        return Err(MethodError::NotFinite { row: at / ng, count: 1 });
    }
    let mut out = Collected::new(ids, options, ng);
    for start in (0..nq).step_by(BLOCK) {
        let end = (start + BLOCK).min(nq);
        out.add(start..end, |q, row| row.copy_from_slice(distances.row(q)));
        if !tick(end as u64, nq as u64) {
            return Err(MethodError::Cancelled);
        }
    }
    Ok(out.finish())
}

/// Whether the parts of a test set fit together.
pub(crate) fn check_set(set: &EvalSet) -> Result<(), MethodError> {
    if set.query.d() != set.gallery.d() {
        let expected = format!("rows of {} values, as the queries", set.query.d());
        return Err(MethodError::shape("gallery features", expected, set.gallery.d()));
    }
    check(&set.identities(), set.query.n(), set.gallery.n())
}

fn check(ids: &Identities, nq: usize, ng: usize) -> Result<(), MethodError> {
    for (what, expected, found) in [
        ("query_pid", nq, ids.query_pid.len()),
        ("query_camid", nq, ids.query_camid.len()),
        ("gallery_pid", ng, ids.gallery_pid.len()),
        ("gallery_camid", ng, ids.gallery_camid.len()),
    ] {
        if expected != found {
            return Err(MethodError::shape(what, format!("{expected} values"), found));
        }
    }
    Ok(())
}

fn cmc(indptr: &[u32], ranks: &[u32], valid: usize, rank: u32) -> f64 {
    let hits = indptr.windows(2).filter(|w| w[0] < w[1] && ranks[w[0] as usize] <= rank).count();
    if valid == 0 { 0.0 } else { hits as f64 / valid as f64 }
}
