//! k-reciprocal re-ranking of a test set (Zhong et al., CVPR 2017; SpCL `utils/rerank.py`), on sparse rows.
//!
//! It differs from the clustering's Jaccard distance in three ways that docs/METHOD.md (Distance, decision 22) keeps:
//! sets are of k1 + 1 neighbours, distances are squared and divided by the largest of their row, and the result is
//! mixed with them by λ.

use rayon::prelude::*;

use super::error::{MethodError, Tick};
use super::evaluate::{EvalOptions, EvalSet, Evaluation, Metric, evaluate_adjusted};
use super::jaccard::distance_of;
use super::knn::{Neighbours, scan};
use super::pairs::{PairLists, listed_distances};
use super::reciprocal::{Sparse, expand, half_of, neighbourly, weights};
use super::rows::Rows;

/// Parameters of re-ranking.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RerankOptions {
    /// Neighbours, the image itself not counted.
    pub k1: usize,
    /// Query expansion; 1 turns it off.
    pub k2: usize,
    /// λ: share of the original distance, 0 to 1.
    pub lambda: f32,
}

impl Default for RerankOptions {
    /// The published 20, 6 and 0.3.
    fn default() -> Self {
        Self { k1: 20, k2: 6, lambda: 0.3 }
    }
}

/// What re-ranking needs of all images, queries first: expanded weights, their columns, and each image's largest
/// squared distance.
struct Reranker {
    v: Sparse,
    columns: Sparse,
    far: Vec<f32>,
    queries: usize,
    lambda: f32,
}

impl Reranker {
    /// `squared` gives the squared distances of pairs.
    fn new(
        nb: &Neighbours,
        far: Vec<f32>,
        queries: usize,
        options: &RerankOptions,
        squared: impl FnOnce(&PairLists, &[u32]) -> Vec<f32>,
    ) -> Result<Self, MethodError> {
        let scaled = |i: usize, squared: f32| relative(squared, far[i]);
        let k1 = options.k1.max(1);
        let order = neighbourly(nb.n, |i| nb.of(i));
        let v = weights(
            nb,
            &order,
            (k1 + 1, half_of(k1) + 1),
            scaled,
            |rest| squared(rest, &order),
            &super::error::no_tick,
        )?;
        let v = expand(v, nb, &order, options.k2)?;
        Ok(Self { columns: v.transposed(), v, far, queries, lambda: options.lambda })
    }

    /// Turns squared distances of query `q` to the gallery into re-ranked ones: (1 − λ)·J + λ·d²/max d².
    fn adjust(&self, q: usize, gallery: &mut [f32]) {
        let mut overlap = vec![0.0f32; gallery.len()];
        let (row, weights) = self.v.row(q);
        for (&c, &w) in row.iter().zip(weights) {
            let (others, other_weights) = self.columns.row(c as usize);
            let from = others.partition_point(|&j| (j as usize) < self.queries);
            for (&j, &other) in others[from..].iter().zip(&other_weights[from..]) {
                overlap[j as usize - self.queries] += w.min(other);
            }
        }
        for (d, &m) in gallery.iter_mut().zip(&overlap) {
            *d = distance_of(m) * (1.0 - self.lambda) + relative(*d, self.far[q]) * self.lambda;
        }
    }
}

/// `d / max`; 0 where all images are at distance 0.
fn relative(d: f32, max: f32) -> f32 {
    if max > 0.0 { d / max } else { 0.0 }
}

/// [`super::evaluate::evaluate`] on re-ranked distances. `tick` counts queries, twice over.
///
/// Beside the memory of an evaluation this takes a copy of the features, since queries and gallery are searched
/// as one.
///
/// # Errors
/// As [`super::evaluate::evaluate`].
pub fn evaluate_reranked(
    set: &EvalSet,
    options: &EvalOptions,
    rerank: &RerankOptions,
    tick: Tick,
) -> Result<Evaluation, MethodError> {
    super::evaluate::check_set(set)?;
    // Junk must not be anyone's neighbour, so it leaves before the search.
    let kept: Vec<usize> = (0..set.gallery.n()).filter(|&g| set.gallery_pid[g] != -1).collect();
    let (nq, d) = (set.query.n(), set.query.d());
    let mut all = Vec::with_capacity((nq + kept.len()) * d);
    all.extend_from_slice(set.query.data());
    kept.iter().for_each(|&g| all.extend_from_slice(set.gallery.row(g)));
    if options.metric == Metric::Cosine {
        all.par_chunks_exact_mut(d).for_each(to_unit);
    }
    let rows = Rows::new(&all, d)?;
    let total = 2 * nq as u64;
    let searching = |done: u64, of: u64| tick((nq as f64 * done as f64 / of as f64) as u64, total);
    let (nb, far) = scan(rows, rerank.k1 + 1, &searching)?;
    let reranker = Reranker::new(&nb, far, nq, rerank, |rest, order| listed_distances(rows, rest, order))?;
    let cosine = options.metric == Metric::Cosine;
    let adjust = |q: usize, row: &mut [f32]| {
        let scale = if cosine { 2.0 } else { 1.0 };
        let mut gallery: Vec<f32> = kept.iter().map(|&g| scale * row[g]).collect();
        reranker.adjust(q, &mut gallery);
        kept.iter().zip(&gallery).for_each(|(&g, &d)| row[g] = d);
    };
    evaluate_adjusted(set, options, adjust, &|done, _| tick(nq as u64 + done, total))
}

fn to_unit(row: &mut [f32]) {
    let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        row.iter_mut().for_each(|x| *x /= length);
    }
}

/// Re-ranked distances `[nq, ng]` from Euclidean distances (not squared) between queries and gallery `[nq, ng]`,
/// among queries `[nq, nq]` and among gallery images `[ng, ng]`. For small sets: everything is held densely.
///
/// # Errors
/// When shapes do not fit, or a distance is not finite.
pub fn rerank_distances(
    query_gallery: Rows,
    query_query: Rows,
    gallery_gallery: Rows,
    options: &RerankOptions,
) -> Result<Vec<f32>, MethodError> {
    let (nq, ng) = (query_gallery.n(), query_gallery.d());
    for (what, rows, side) in
        [("distances among queries", query_query, nq), ("distances among the gallery", gallery_gallery, ng)]
    {
        if nq > 0 && (rows.n(), rows.d()) != (side, side) {
            return Err(MethodError::shape(what, format!("{side} x {side}"), format!("{} x {}", rows.n(), rows.d())));
        }
    }
    let n = if nq > 0 { nq + ng } else { 0 };
    let squared = |i: usize, j: usize| {
        let d = match (i < nq, j < nq) {
            (true, true) => query_query.row(i)[j],
            (true, false) => query_gallery.row(i)[j - nq],
            (false, true) => query_gallery.row(j)[i - nq],
            (false, false) => gallery_gallery.row(i - nq)[j - nq],
        };
        d * d
    };
    let k = (options.k1 + 1).min(n);
    let mut nb = Neighbours { n, k, index: Vec::new(), dist: Vec::new() };
    let mut far = Vec::with_capacity(n);
    for i in 0..n {
        let mut others: Vec<(f32, usize)> = (0..n).filter(|&j| j != i).map(|j| (squared(i, j), j)).collect();
        others.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let last = others.last().map_or(0.0, |o| o.0);
        if !last.is_finite() {
            return Err(MethodError::NotFinite { row: i, count: 1 });
        }
        far.push(last.max(squared(i, i)));
        nb.index.push(i as u32);
        nb.dist.push(squared(i, i));
        nb.index.extend(others[..k - 1].iter().map(|o| o.1 as u32));
        nb.dist.extend(others[..k - 1].iter().map(|o| o.0));
    }
    let listed = |rest: &PairLists, _: &[u32]| -> Vec<f32> {
        let of = |i: usize| rest.of(i).iter().map(move |&j| (i, j as usize));
        (0..n).flat_map(of).map(|(i, j)| squared(i, j)).collect()
    };
    let reranker = Reranker::new(&nb, far, nq, options, listed)?;
    let mut out: Vec<f32> = query_gallery.data().par_iter().map(|d| d * d).collect();
    out.par_chunks_exact_mut(ng).enumerate().for_each(|(q, row)| reranker.adjust(q, row));
    Ok(out)
}
