//! Distances of queries to the whole gallery, some queries at a time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::collected::Collected;
use super::{EvalOptions, EvalSet, Evaluation, Metric};
use crate::method::error::{MethodError, Tick};
use crate::method::product::inner_products;
use crate::method::ranking::Ranked;
use crate::method::wide::{GROUP, Kept, Kernel, PANEL, RowPanels, widest};

/// Queries whose products with a group are made at once, by our own kernel: they stay in the second cache beside it.
const STRIP: usize = 64;
/// Gallery rows that all queries of a job go through before the next have their turn: they stay in the last cache.
const PART: usize = 8 * GROUP * PANEL;
/// Queries of a job at most.
const JOB: usize = 3 * STRIP;
/// Bytes of the distances that are held at once, by the kernel that runs everywhere.
const BLOCK_BYTES: usize = 128 << 20;
/// Queries of a block at most.
const BLOCK: usize = 2048;
/// Gallery rows of a tile at most.
const TILE: usize = 1024;

/// A test set laid out for our kernel. Each product is one sum, from the first number to the last, wherever its rows
/// stand: equal rows get equal products.
pub(super) struct GalleryPanels {
    metric: Metric,
    query: RowPanels,
    gallery: RowPanels,
    query_norms: Vec<f32>,
    gallery_norms: Vec<f32>,
}

/// What one worker needs.
#[derive(Default)]
struct Scratch {
    products: Vec<f32>,
    /// `[JOB, ng]`
    distances: Vec<f32>,
    keys: Vec<u64>,
}

impl GalleryPanels {
    /// `None` on processors that have no such registers.
    ///
    /// # Errors
    /// When features are not finite.
    pub(super) fn new(set: &EvalSet, metric: Metric) -> Result<Option<Self>, MethodError> {
        if !Kept::Whole.is_fast() {
            return Ok(None);
        }
        let (query_norms, gallery_norms) = (set.query.squared_norms()?, set.gallery.squared_norms()?);
        let [query, gallery] = [set.query, set.gallery].map(|rows| RowPanels::new(rows, Kept::Whole));
        Ok(Some(Self { metric, query, gallery, query_norms, gallery_norms }))
    }

    /// Ranks job by job, whose distances are looked at while they are in the cache.
    pub(super) fn evaluate(
        &self,
        set: &EvalSet,
        options: &EvalOptions,
        adjust: impl Fn(usize, &mut [f32]) + Sync + Send,
        tick: Tick,
    ) -> Result<Evaluation, MethodError> {
        let (nq, ng) = (set.query.n(), set.gallery.n());
        let mut out = Collected::new(&set.identities(), options, ng);
        // Few queries are shared out evenly.
        let size = (nq / (2 * rayon::current_num_threads())).next_multiple_of(PANEL).clamp(PANEL, JOB);
        let (done, idle) = (AtomicU64::new(0), Mutex::<Vec<Scratch>>::default());
        let jobs: Option<Vec<Vec<Ranked>>> = (0..nq.div_ceil(size))
            .into_par_iter()
            .map(|s| {
                let queries = s * size..nq.min((s + 1) * size);
                let mut scratch = idle.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
                self.compare(queries.clone(), &mut scratch);
                let Scratch { distances, keys, .. } = &mut scratch;
                let rank = |(q, row): (usize, &mut [f32])| {
                    adjust(q, row);
                    out.rank(q, row, keys)
                };
                let ranked: Vec<Ranked> = if ng == 0 {
                    queries.clone().map(|q| (q, &mut [][..])).map(rank).collect()
                } else {
                    queries.clone().zip(distances.chunks_exact_mut(ng)).map(rank).collect()
                };
                idle.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
                let now = done.fetch_add(queries.len() as u64, Ordering::Relaxed) + queries.len() as u64;
                tick(now, nq as u64).then_some(ranked)
            })
            .collect();
        out.extend(jobs.ok_or(MethodError::Cancelled)?.into_iter().flatten());
        Ok(out.finish())
    }

    /// The distances of some queries, the first of which begins a panel.
    fn compare(&self, queries: std::ops::Range<usize>, scratch: &mut Scratch) {
        let Scratch { products, distances, .. } = scratch;
        let ng = self.gallery_norms.len();
        products.resize(STRIP * GROUP * PANEL, 0.0);
        distances.resize(queries.len() * ng, 0.0);
        for part in (0..ng).step_by(PART) {
            for strip in (0..queries.len()).step_by(STRIP) {
                let own = queries.start + strip..queries.end.min(queries.start + strip + STRIP);
                for group in (part..ng.min(part + PART)).step_by(GROUP * PANEL) {
                    let columns = group..ng.min(group + GROUP * PANEL);
                    let count = columns.len().div_ceil(PANEL);
                    let panels = own.start / PANEL..own.end.div_ceil(PANEL);
                    self.query.products(panels, &self.gallery, group / PANEL, count, products);
                    let rows = distances.chunks_exact_mut(ng).skip(strip).zip(products.chunks_exact(count * PANEL));
                    widest(ToDistances {
                        metric: self.metric,
                        rows: rows.map(|(row, products)| (&mut row[columns.clone()], products)),
                        norms: (&self.query_norms[own.clone()], &self.gallery_norms[columns.clone()]),
                    });
                }
            }
        }
    }
}

/// Ranks block by block of queries.
pub(super) fn by_blocks(
    set: &EvalSet,
    options: &EvalOptions,
    adjust: impl Fn(usize, &mut [f32]) + Sync + Send,
    tick: Tick,
) -> Result<Evaluation, MethodError> {
    let (query, gallery, ids) = (set.query, set.gallery, set.identities());
    let (query_norms, gallery_norms) = (query.squared_norms()?, gallery.squared_norms()?);
    let (nq, ng) = (query.n(), gallery.n());
    let (block, tile) = (even(nq, BLOCK.min(BLOCK_BYTES / 4 / ng.max(1)).max(64)), even(ng, TILE));
    let tiles = if tile == 0 { 0 } else { ng.div_ceil(tile) };
    let mut products = vec![0.0f32; tiles * tile * block];
    let mut out = Collected::new(&ids, options, ng);
    for start in (0..nq).step_by(block.max(1)) {
        // All blocks and tiles have one shape, the last ones reaching back, so that equal rows get equal products.
        let first = start.min(nq - block);
        products.par_chunks_mut((tile * block).max(1)).enumerate().for_each(|(t, part)| {
            inner_products(query.slice(first, block), gallery.slice((t * tile).min(ng - tile), tile), part);
        });
        let fill = |q: usize, row: &mut [f32]| {
            for t in 0..tiles {
                let (from, at) = ((t * tile).min(ng - tile), t * tile);
                let part = &products[(t * block + (q - first)) * tile..][at - from..tile];
                let (row, norms) = (&mut row[at..], &gallery_norms[at..]);
                let rows = std::iter::once((row, part));
                widest(ToDistances { metric: options.metric, rows, norms: (&query_norms[q..=q], norms) });
            }
            adjust(q, row);
        };
        out.add(start..(start + block).min(nq), fill);
        if !tick((start + block).min(nq) as u64, nq as u64) {
            return Err(MethodError::Cancelled);
        }
    }
    Ok(out.finish())
}

/// Distances of queries to gallery images, from products; cancellation below 0 is cut off.
struct ToDistances<'a, I> {
    metric: Metric,
    /// Of each query what is written, and its products.
    rows: I,
    /// Squared lengths of the queries and of the gallery images.
    norms: (&'a [f32], &'a [f32]),
}

impl<'a, I: Iterator<Item = (&'a mut [f32], &'a [f32])>> Kernel for ToDistances<'_, I> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self { metric, rows, norms } = self;
        let cut = |d: f32| if d > 0.0 { d } else { 0.0 };
        for ((row, products), &q) in rows.zip(norms.0) {
            let each = row.iter_mut().zip(products).zip(norms.1);
            match metric {
                Metric::Euclidean => each.for_each(|((d, &p), &g)| *d = cut(q + g - 2.0 * p)),
                Metric::Cosine if q > 0.0 => each.for_each(|((d, &p), &g)| {
                    let cosine = p / (q.sqrt() * g.sqrt());
                    *d = cut(if g > 0.0 { 1.0 - cosine } else { 1.0 });
                }),
                Metric::Cosine => each.for_each(|((d, _), _)| *d = 1.0),
            }
        }
    }
}

/// The size of the fewest parts of at most `most` that `n` falls into evenly.
fn even(n: usize, most: usize) -> usize {
    if n == 0 { 0 } else { n.div_ceil(n.div_ceil(most)) }
}
