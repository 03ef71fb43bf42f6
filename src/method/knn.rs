//! Exact k nearest neighbours, in tiles: never an N×N matrix, and each product computed once for both its rows.
//!
//! Two passes. The first finds every squared distance with a known error, by products of whole or of rounded numbers
//! ([`FirstPass`]), and keeps for each row those that may be among its k least. The second computes these anew, each by
//! itself as Σ (aᵢ − bᵢ)² in one fixed order, and takes the k least of them. So the result is the same to the bit
//! whatever the first pass was, on every processor and with every number of threads.
//!
//! # Why nothing is lost
//!
//! For row i let A(j) be the first pass's distance to j, S(j) the second's, and E a bound with |A(j) − S(j)| ≤ E for
//! all j ([`Bounds`]). Let T be the k-th least A of any rows looked at so far. Then k rows have S ≤ T + E, so whatever
//! is among the k least, ties with the last included, has S ≤ T + E, hence A ≤ T + 2E. Only what lies beyond is left
//! out. T never grows, so it may be of fewer rows than there are.

pub(super) mod bounds;
pub(super) mod near;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use super::error::{MethodError, Tick};
use super::pairs::{PairLists, listed_distances};
use super::product::inner_products;
use super::reciprocal::neighbourly;
use super::rows::{Rows, squared_distance};
use super::wide::{GROUP, Kept, PANEL, RowPanels};
use bounds::Bounds;
use near::{Hits, RowBlock, absorb, distance_of, key};

/// Rows of a block: a multiple of a strip and of a group's rows, as far as it goes.
const BLOCK: usize = 1152;
/// Below this many blocks, smaller ones, so that all cores have tiles to work on.
const FEW: usize = 4;
/// Rows below which a block is not cut further: a strip of panels against whole groups.
const SMALL: usize = 192;
/// Panels of a strip, whose products with a group are made and looked at while they are in the nearest cache.
const STRIP: usize = 4;

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

    /// The squared distance of `i` and `j` if `j` is among the neighbours of `i`.
    pub(crate) fn distance(&self, i: usize, j: u32) -> Option<f32> {
        self.of(i).iter().position(|&other| other == j).map(|at| self.distances_of(i)[at])
    }
}

/// How the first pass multiplies. The result does not depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstPass {
    /// `f32`, by the matrix kernel that runs everywhere.
    Plain,
    /// `f32`, by our kernel for 512-bit registers; plain where there are none.
    Wide,
    /// bfloat16, two products at once (`vdpbf16ps`); the next best where the processor has no such instruction.
    Rounded,
}

/// The `k` nearest rows of every row by squared Euclidean distance, itself first, ties by index; `k` is clamped
/// to N. `tick` counts tiles.
///
/// The result depends neither on the number of threads nor on the processor.
///
/// # Errors
/// When a row is not finite, or `tick` cancels.
pub fn neighbours(rows: Rows, k: usize, tick: Tick) -> Result<Neighbours, MethodError> {
    neighbours_by(FirstPass::Rounded, rows, k, tick)
}

/// [`neighbours`], by another first pass: to compare them.
///
/// # Errors
/// As [`neighbours`].
pub fn neighbours_by(pass: FirstPass, rows: Rows, k: usize, tick: Tick) -> Result<Neighbours, MethodError> {
    Ok(search(pass, rows, k, false, tick)?.0)
}

/// [`neighbours`], and each row's largest squared distance to any row as `f32` products give it (re-ranking divides by
/// it).
pub(crate) fn scan(rows: Rows, k: usize, tick: Tick) -> Result<(Neighbours, Vec<f32>), MethodError> {
    search(FirstPass::Wide, rows, k, true, tick)
}

fn search(
    pass: FirstPass,
    rows: Rows,
    k: usize,
    wants_far: bool,
    tick: Tick,
) -> Result<(Neighbours, Vec<f32>), MethodError> {
    let n = rows.n();
    let k = k.clamp(1, n.max(1)).min(n);
    let norms = rows.squared_norms()?;
    let first = First::new(pass, rows);
    let bounds = Bounds::new(rows, &norms, first.kept());
    let (size, count) = blocks_of(n);
    let blocks: Vec<Mutex<RowBlock>> =
        (0..count).map(|b| Mutex::new(RowBlock::new(b * size, size.min(n - b * size), k, &bounds))).collect();
    // Along the diagonals, so that those who work at the same time seldom want the same block.
    let tiles: Vec<(usize, usize)> = (0..count).flat_map(|o| (0..count - o).map(move |a| (a, a + o))).collect();
    let buffers: Mutex<Vec<Buffers>> = Mutex::default();
    let (done, cancelled) = (AtomicU64::new(0), AtomicBool::new(false));
    tiles.par_iter().with_max_len(1).for_each(|&(a, b)| {
        if cancelled.load(Ordering::Relaxed) {
            return;
        }
        let mut own = lock(&buffers).pop().unwrap_or_default();
        let Buffers { products, hits } = &mut own;
        let of = |b: usize| b * size..n.min((b + 1) * size);
        first.tile(of(a), of(b), products, |part| {
            // Locked in ascending order, so that two tiles can never wait for each other.
            let mut one = lock(&blocks[a]);
            let mut other = (a != b).then(|| lock(&blocks[b]));
            absorb(&mut one, other.as_deref_mut(), &part, &norms, wants_far, hits);
        });
        lock(&buffers).push(own);
        if !tick(done.fetch_add(1, Ordering::Relaxed) + 1, tiles.len() as u64) {
            cancelled.store(true, Ordering::Relaxed);
        }
    });
    if cancelled.into_inner() {
        return Err(MethodError::Cancelled);
    }
    drop(first);
    let blocks = blocks.into_iter().map(|b| b.into_inner().unwrap_or_else(PoisonError::into_inner)).collect();
    Ok(collect(rows, k, blocks))
}

/// What one worker needs for a tile.
#[derive(Default)]
struct Buffers {
    products: Vec<f32>,
    hits: Hits,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Rows a block, whole strips against whole groups, and blocks, for `n` rows.
fn blocks_of(n: usize) -> (usize, usize) {
    if n == 0 {
        return (0, 0);
    }
    let count = n.div_ceil(BLOCK).max(FEW.min(n.div_ceil(SMALL)));
    let size = n.div_ceil(count).next_multiple_of(SMALL);
    (size, n.div_ceil(size))
}

/// What the first pass multiplies.
enum First<'a> {
    Plain(Rows<'a>),
    Panels(RowPanels, Kept),
}

/// Products of some rows with some others.
struct Part<'a> {
    /// The first of the rows, and how many.
    row: usize,
    rows: usize,
    /// The first of the others, and how many.
    column: usize,
    columns: usize,
    /// `products[i * width + j]`
    products: &'a [f32],
    width: usize,
}

impl<'a> First<'a> {
    fn new(pass: FirstPass, rows: Rows<'a>) -> Self {
        match pass {
            FirstPass::Rounded if Kept::Rounded.is_fast() => {
                Self::Panels(RowPanels::new(rows, Kept::Rounded), Kept::Rounded)
            }
            FirstPass::Rounded | FirstPass::Wide if Kept::Whole.is_fast() => {
                Self::Panels(RowPanels::new(rows, Kept::Whole), Kept::Whole)
            }
            _ => Self::Plain(rows),
        }
    }

    fn kept(&self) -> Kept {
        match self {
            Self::Plain(_) => Kept::Whole,
            Self::Panels(_, kept) => *kept,
        }
    }

    /// Gives the products of two ranges of rows to `each`, part by part. Both begin at a panel; of a tile on the
    /// diagonal, parts below it may be left out.
    fn tile(
        &self,
        a: std::ops::Range<usize>,
        b: std::ops::Range<usize>,
        products: &mut Vec<f32>,
        mut each: impl FnMut(Part),
    ) {
        match self {
            Self::Plain(rows) => {
                let (height, width) = (a.len(), b.len());
                products.resize((height * width).max(products.len()), 0.0);
                inner_products(rows.slice(a.start, height), rows.slice(b.start, width), products);
                each(Part { row: a.start, rows: height, column: b.start, columns: width, products, width });
            }
            Self::Panels(panels, _) => {
                products.resize(STRIP * PANEL * GROUP * PANEL, 0.0);
                for strip in (a.start..a.end).step_by(STRIP * PANEL) {
                    let rows = (STRIP * PANEL).min(a.end - strip);
                    for group in (b.start..b.end).step_by(GROUP * PANEL) {
                        let columns = (GROUP * PANEL).min(b.end - group);
                        if group + columns <= strip {
                            continue;
                        }
                        let count = columns.div_ceil(PANEL);
                        let strip_panels = strip / PANEL..(strip + rows).div_ceil(PANEL);
                        panels.products(strip_panels, panels, group / PANEL, count, products);
                        each(Part { row: strip, rows, column: group, columns, products, width: count * PANEL });
                    }
                }
            }
        }
    }
}

/// The second pass.
fn collect(rows: Rows, k: usize, blocks: Vec<RowBlock>) -> (Neighbours, Vec<f32>) {
    let n = rows.n();
    let far = blocks.iter().flat_map(|b| b.far.iter().copied()).collect();
    let crowded: Vec<bool> = blocks.iter().flat_map(|b| b.bound.iter().map(|&b| b == f32::NEG_INFINITY)).collect();
    let lists = PairLists::concat(blocks.into_par_iter().map(RowBlock::candidates).collect());
    let distances = listed_distances(rows, &lists, &neighbourly(n, |i| lists.of(i)));
    let (mut index, mut dist) = (vec![0u32; n * k], vec![0.0f32; n * k]);
    let places = index.par_chunks_exact_mut(k.max(1)).zip(dist.par_chunks_exact_mut(k.max(1)));
    places.enumerate().for_each_init(Vec::new, |found, (i, (index, dist))| {
        found.clear();
        if crowded[i] && k > 1 {
            let exact = |j: u32| key(squared_distance(rows.row(i), rows.row(j as usize)), j);
            found.extend((0..n as u32).filter(|&j| j as usize != i).map(exact));
        } else {
            let span = lists.indptr[i]..lists.indptr[i + 1];
            found.extend(distances[span.clone()].iter().zip(&lists.indices[span]).map(|(&d, &j)| key(d, j)));
        }
        if found.len() > k - 1 && k > 1 {
            found.select_nth_unstable(k - 2);
            found.truncate(k - 1);
        }
        found.sort_unstable();
        index[0] = i as u32;
        for ((&key, index), dist) in found.iter().zip(&mut index[1..]).zip(&mut dist[1..]) {
            *index = key as u32;
            *dist = distance_of(key);
        }
    });
    (Neighbours { n, k, index, dist }, far)
}
