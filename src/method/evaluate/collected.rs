//! What queries found, summed up.

use rayon::prelude::*;

use super::{CMC_RANKS, EvalOptions, Evaluation, Identities, Retrieval, cmc};
use crate::method::ranking::{Gallery, Ranked};
use crate::method::roc::Impostors;

/// Results of the queries so far.
pub(super) struct Collected<'a> {
    gallery: Gallery<'a>,
    impostors: Impostors,
    width: usize,
    queries: Vec<Ranked>,
}

impl<'a> Collected<'a> {
    /// `width` is the gallery with its junk.
    pub(super) fn new(ids: &Identities<'a>, options: &EvalOptions, width: usize) -> Self {
        let gallery = Gallery::new(*ids, options);
        let impostors = Impostors::new(gallery.pairs_of_different_people());
        Self { gallery, impostors, width, queries: Vec::with_capacity(ids.query_pid.len()) }
    }

    /// Ranks these queries; `fill` writes the distances of one to the whole gallery.
    pub(super) fn add(&mut self, queries: std::ops::Range<usize>, fill: impl Fn(usize, &mut [f32]) + Sync + Send) {
        let (gallery, impostors, width) = (&self.gallery, &self.impostors, self.width);
        self.queries.par_extend(queries.into_par_iter().map_init(
            || (vec![0.0f32; width], Vec::new()),
            |(row, keys), q| {
                fill(q, row);
                rank(gallery, impostors, q, row, keys)
            },
        ));
    }

    /// Ranks one query, whose distances to the whole gallery are `row`; [`Self::extend`] is to take it. `keys` is scratch.
    pub(super) fn rank(&self, q: usize, row: &mut [f32], keys: &mut Vec<u64>) -> Ranked {
        rank(&self.gallery, &self.impostors, q, row, keys)
    }

    /// Takes the next queries, in their order.
    pub(super) fn extend(&mut self, ranked: impl Iterator<Item = Ranked>) {
        self.queries.extend(ranked);
    }

    pub(super) fn finish(self) -> Evaluation {
        let queries = self.queries.len();
        let mut out = Evaluation {
            retrieval: Retrieval::default(),
            ap: Vec::with_capacity(queries),
            ap_trapezoid: Vec::with_capacity(queries),
            top: self.gallery.top(),
            ranks: Vec::with_capacity(queries * self.gallery.top()),
            distances: Vec::with_capacity(queries * self.gallery.top()),
            match_indptr: vec![0],
            match_index: Vec::new(),
            match_rank: Vec::new(),
            match_distance: Vec::new(),
        };
        let (mut sum, mut sum_trapezoid, mut valid) = (0.0, 0.0, 0usize);
        for ranked in self.queries {
            let (ap, trapezoid) = ranked.average_precision();
            if !ap.is_nan() {
                sum += ap;
                sum_trapezoid += trapezoid;
                valid += 1;
            }
            out.ap.push(ap);
            out.ap_trapezoid.push(trapezoid);
            out.ranks.extend(ranked.ranks);
            out.distances.extend(ranked.distances);
            out.match_index.extend(ranked.match_index);
            out.match_rank.extend(ranked.match_rank);
            out.match_distance.extend(ranked.match_distance);
            out.match_indptr.push(out.match_index.len() as u32);
        }
        out.retrieval = Retrieval {
            mAP: sum / valid.max(1) as f64,
            mAP_trapezoid: sum_trapezoid / queries.max(1) as f64,
            cmc: CMC_RANKS.map(|rank| cmc(&out.match_indptr, &out.match_rank, valid, rank)),
            valid_queries: valid,
            queries,
            true_accepts: self.impostors.accepts(&out.match_distance),
            ..Retrieval::default()
        };
        out.retrieval.mINP = out.minp();
        out
    }
}

fn rank(gallery: &Gallery, impostors: &Impostors, q: usize, row: &mut [f32], keys: &mut Vec<u64>) -> Ranked {
    let ranked = gallery.rank(q, row, keys);
    gallery.hide_person(q, row);
    impostors.add(row);
    ranked
}
