//! Exact k nearest neighbours, in tiles: never an N×N matrix, and each product computed once for both its rows.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use super::error::{MethodError, Tick};
use super::product::inner_products;
use super::rows::Rows;

/// Rows of a block. A tile is then 4 MB, large enough for the matrix kernel to run at its full rate.
const BLOCK: usize = 1024;
/// Below this many blocks, smaller ones, so that all cores have tiles to work on.
const FEW: usize = 4;
/// Rows below which a block is not cut further.
const SMALL: usize = 256;
/// Values compared at once before any is looked at singly.
const LANES: usize = 16;

/// The nearest rows of every row.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbours {
    /// Rows, N.
    pub n: usize,
    /// Neighbours a row, the row itself included; at most N.
    pub k: usize,
    /// `[n, k]`: rows in ascending order of (distance, index), the row itself first.
    pub index: Vec<u32>,
    /// `[n, k]`: their squared Euclidean distances; 2 − 2cos for rows of unit length.
    pub dist: Vec<f32>,
}

impl Neighbours {
    /// The neighbours of row `i`, itself first.
    pub fn of(&self, i: usize) -> &[u32] {
        &self.index[i * self.k..(i + 1) * self.k]
    }

    /// The squared distances that belong to [`Neighbours::of`].
    pub fn distances_of(&self, i: usize) -> &[f32] {
        &self.dist[i * self.k..(i + 1) * self.k]
    }
}

/// The `k` nearest rows of every row by squared Euclidean distance, itself first, ties by index; `k` is clamped
/// to N. `tick` counts tiles.
///
/// The result does not depend on the number of threads.
///
/// # Errors
/// When a row is not finite, or `tick` cancels.
pub fn neighbours(rows: Rows, k: usize, tick: Tick) -> Result<Neighbours, MethodError> {
    Ok(scan(rows, k, tick)?.0)
}

/// [`neighbours`], and each row's largest squared distance to any row (re-ranking divides by it).
pub(crate) fn scan(rows: Rows, k: usize, tick: Tick) -> Result<(Neighbours, Vec<f32>), MethodError> {
    let n = rows.n();
    let k = k.clamp(1, n.max(1)).min(n);
    let norms = rows.squared_norms()?;
    let (size, count) = blocks_of(n);
    let blocks: Vec<Mutex<Block>> = (0..count).map(|b| Mutex::new(Block::new(b, size, n, k))).collect();
    let tiles: Vec<(usize, usize)> = (0..count).flat_map(|a| (a..count).map(move |b| (a, b))).collect();
    let buffers: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());
    let (done, cancelled) = (AtomicU64::new(0), AtomicBool::new(false));
    tiles.par_iter().with_max_len(1).for_each(|&(a, b)| {
        if cancelled.load(Ordering::Relaxed) {
            return;
        }
        let mut tile = lock(&buffers).pop().unwrap_or_else(|| vec![0.0; size * size]);
        let (start_a, start_b) = (start_of(a, size, n), start_of(b, size, n));
        inner_products(rows.slice(start_a, size), rows.slice(start_b, size), &mut tile);
        // Locked in ascending order, so that two tiles can never wait for each other.
        let mut first = lock(&blocks[a]);
        if a == b {
            absorb_diagonal(&mut first, &mut tile, &norms);
        } else {
            absorb(&mut first, &mut lock(&blocks[b]), &mut tile, &norms);
        }
        drop(first);
        lock(&buffers).push(tile);
        if !tick(done.fetch_add(1, Ordering::Relaxed) + 1, tiles.len() as u64) {
            cancelled.store(true, Ordering::Relaxed);
        }
    });
    if cancelled.into_inner() {
        return Err(MethodError::Cancelled);
    }
    Ok(collect(n, k, blocks))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Rows a block, and blocks, for `n` rows.
fn blocks_of(n: usize) -> (usize, usize) {
    if n == 0 {
        return (0, 0);
    }
    let count = n.div_ceil(BLOCK).max(FEW.min(n.div_ceil(SMALL)));
    let size = n.div_ceil(count);
    (size, n.div_ceil(size))
}

/// The first row of block `b`. The last block is moved back to be as long as the others rather than cut short:
/// all tiles then have one shape, and equal rows get equal products wherever they stand.
fn start_of(b: usize, size: usize, n: usize) -> usize {
    (b * size).min(n - size)
}

/// The best neighbours so far of the rows of one block.
struct Block {
    /// First row of its tiles.
    start: usize,
    /// Rows at its front that belong to the block before.
    skip: usize,
    /// Neighbours kept a row, the row itself not counted.
    k: usize,
    /// `[rows, k]` keys in ascending order: bits of the distance, then the index. Distances are not negative,
    /// so their bits sort as they do.
    keys: Vec<u64>,
    /// Distance of each row's last key: nothing farther can enter.
    bound: Vec<f32>,
    /// The largest distance each row has met.
    far: Vec<f32>,
}

impl Block {
    fn new(b: usize, size: usize, n: usize, k: usize) -> Self {
        let start = start_of(b, size, n);
        let k = k.saturating_sub(1);
        Self {
            start,
            skip: b * size - start,
            k,
            keys: vec![key(f32::INFINITY, u32::MAX); size * k],
            bound: vec![if k == 0 { f32::NEG_INFINITY } else { f32::INFINITY }; size],
            far: vec![0.0; size],
        }
    }

    /// Offers `index` at `distance` to row `r` of the block.
    fn offer(&mut self, r: usize, distance: f32, index: usize) {
        let keys = &mut self.keys[r * self.k..(r + 1) * self.k];
        let new = key(distance, index as u32);
        let last = keys.len() - 1;
        if new < keys[last] {
            let at = keys.partition_point(|&old| old < new);
            keys.copy_within(at..last, at + 1);
            keys[at] = new;
            self.bound[r] = distance_of(keys[last]);
        }
    }

    /// Offers a row of distances, of which the first belongs to row `first` of all.
    fn offer_row(&mut self, r: usize, first: usize, distances: &[f32]) {
        let mut far = self.far[r];
        for (c, chunk) in distances.chunks(LANES).enumerate() {
            let bound = self.bound[r];
            far = chunk.iter().fold(far, |m, &d| if d > m { d } else { m });
            if chunk.iter().fold(false, |any, &d| any | (d <= bound)) {
                for (o, &d) in chunk.iter().enumerate() {
                    if d <= self.bound[r] {
                        self.offer(r, d, first + c * LANES + o);
                    }
                }
            }
        }
        self.far[r] = far;
    }

    /// Offers row `index` of all to the rows of the block from `from` on, at these distances.
    fn offer_column(&mut self, from: usize, index: usize, distances: &[f32]) {
        for (f, &d) in self.far[from..].iter_mut().zip(distances) {
            *f = if d > *f { d } else { *f };
        }
        for (c, chunk) in distances.chunks(LANES).enumerate() {
            let at = from + c * LANES;
            let bounds = &self.bound[at..at + chunk.len()];
            if chunk.iter().zip(bounds).fold(false, |any, (&d, &bound)| any | (d <= bound)) {
                for (o, &d) in chunk.iter().enumerate() {
                    if d <= self.bound[at + o] {
                        self.offer(at + o, d, index);
                    }
                }
            }
        }
    }
}

fn key(distance: f32, index: u32) -> u64 {
    u64::from(distance.to_bits()) << 32 | u64::from(index)
}

fn distance_of(key: u64) -> f32 {
    f32::from_bits((key >> 32) as u32)
}

/// |x|² + |y|² − 2x·y, in place; cancellation below 0 is cut off.
fn to_distances(products: &mut [f32], norm: f32, norms: &[f32]) {
    for (p, &other) in products.iter_mut().zip(norms) {
        let d = norm + other - 2.0 * *p;
        *p = if d > 0.0 { d } else { 0.0 };
    }
}

/// Takes up a tile of products between two different blocks, for the rows of both.
fn absorb(a: &mut Block, b: &mut Block, tile: &mut [f32], norms: &[f32]) {
    let size = a.bound.len();
    let norms_b = &norms[b.start..b.start + size];
    for (r, products) in tile.chunks_exact_mut(size).enumerate().take(size).skip(a.skip) {
        let row = a.start + r;
        to_distances(products, norms[row], norms_b);
        let distances = &products[b.skip..];
        a.offer_row(r, b.start + b.skip, distances);
        b.offer_column(b.skip, row, distances);
    }
}

/// Takes up a tile of products within one block: the half above the diagonal, for both rows of each pair.
fn absorb_diagonal(block: &mut Block, tile: &mut [f32], norms: &[f32]) {
    let size = block.bound.len();
    let norms = &norms[block.start..block.start + size];
    for (r, products) in tile.chunks_exact_mut(size).enumerate().take(size).skip(block.skip) {
        to_distances(&mut products[r + 1..], norms[r], &norms[r + 1..]);
        let distances = &products[r + 1..];
        block.offer_row(r, block.start + r + 1, distances);
        block.offer_column(r + 1, block.start + r, distances);
    }
}

fn collect(n: usize, k: usize, blocks: Vec<Mutex<Block>>) -> (Neighbours, Vec<f32>) {
    let mut index = Vec::with_capacity(n * k);
    let mut dist = Vec::with_capacity(n * k);
    let mut far = Vec::with_capacity(n);
    for block in blocks {
        let block = block.into_inner().unwrap_or_else(PoisonError::into_inner);
        for r in block.skip..block.bound.len() {
            index.push((block.start + r) as u32);
            dist.push(0.0);
            far.push(block.far[r]);
            for &key in &block.keys[r * block.k..(r + 1) * block.k] {
                index.push(key as u32);
                dist.push(distance_of(key));
            }
        }
    }
    (Neighbours { n, k, index, dist }, far)
}
