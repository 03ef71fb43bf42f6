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

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use super::error::{MethodError, Tick};
use super::pairs::{PairLists, listed_distances};
use super::product::inner_products;
use super::reciprocal::neighbourly;
use super::rows::{Rows, squared_distance};
use super::wide::{GROUP, Kept, Kernel, PANEL, RowPanels, rounded, widest};

/// Rows of a block: a multiple of a strip and of a group's rows, as far as it goes.
const BLOCK: usize = 1152;
/// Below this many blocks, smaller ones, so that all cores have tiles to work on.
const FEW: usize = 4;
/// Rows below which a block is not cut further: a strip of panels against whole groups.
const SMALL: usize = 192;
/// Panels of a strip, whose products with a group are made and looked at while they are in the nearest cache.
const STRIP: usize = 4;
/// Values compared at once before any is looked at singly.
const LANES: usize = 16;
/// Spare candidates of a row beside twice the wanted ones before they are thinned out.
const SPARE: usize = 32;
/// With more candidates than this a row is compared with all others instead: all of them are about as near.
const CROWD: usize = 1024;

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
    let blocks: Vec<Mutex<Block>> =
        (0..count).map(|b| Mutex::new(Block::new(b * size, size.min(n - b * size), k, &bounds))).collect();
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

/// How far the two passes may lie apart.
struct Bounds {
    /// `[n]`: E of each row, whatever the other row is.
    error: Vec<f32>,
}

impl Bounds {
    /// With u = 2⁻²⁴, γ = m·u / (1 − m·u) for sums of m terms in any order, r and s the lengths of two rows x and y:
    ///
    /// - Products of whole numbers are wrong by at most γ·r·s.
    /// - Products of rounded numbers x', y' are wrong by |x·y − x'·y'| = |(x − x')·y + x'·(y − y')|
    ///   ≤ |x − x'|·s + |x'|·|y − y'|, and their sum by γ·|x'|·|y'|, with twice u, as the instruction's order and
    ///   rounding of the two products that it adds at once are its own. It takes what is below 2⁻¹²⁶ for 0, which is
    ///   at most 2⁻¹²⁶ a step.
    /// - A = r² + s² − 2p: the squared lengths are rounded once, the two sums once each: 4u·(r² + s²) + 2u·|2p|.
    /// - S is wrong by at most γ·(r + s)² with m of d / 64 + 9.
    ///
    /// For s, |y'| and |y − y'| the largest of any row are put in, so that each row has one bound. All of it is computed
    /// in `f64` and then enlarged by a thousandth for that computation's own rounding.
    fn new(rows: Rows, norms: &[f32], kept: Kept) -> Self {
        const U: f64 = 1.0 / (1 << 24) as f64;
        let d = rows.d() as f64;
        let gamma = |terms: f64, u: f64| if terms * u < 0.5 { terms * u / (1.0 - terms * u) } else { f64::INFINITY };
        let lengths: Vec<[f64; 3]> = (0..rows.n())
            .into_par_iter()
            .map(|i| {
                let own = f64::from(norms[i]).sqrt() * (1.0 + 2.0 * U) + f64::from(f32::MIN_POSITIVE);
                match kept {
                    Kept::Whole => [own, own, 0.0],
                    Kept::Rounded => {
                        let (mut near, mut off) = (0.0f64, 0.0f64);
                        for &x in rows.row(i) {
                            let y = rounded(x);
                            near += f64::from(y) * f64::from(y);
                            off += f64::from(x - y) * f64::from(x - y);
                        }
                        [own, near.sqrt(), off.sqrt()]
                    }
                }
            })
            .collect();
        let most = |at: usize| lengths.iter().map(|l| l[at]).fold(0.0, f64::max);
        let [s, s_near, s_off] = [0, 1, 2].map(most);
        let error = |&[r, near, off]: &[f64; 3]| {
            let product = off * s
                + near * s_off
                + gamma(d + 2.0, if kept == Kept::Whole { U } else { 2.0 * U }) * near * s_near
                + (d + 2.0) * f64::from(f32::MIN_POSITIVE);
            let sums = 4.0 * U * (r * r + s * s) + 4.0 * U * r * s;
            let second = gamma(d / 64.0 + 12.0, U) * (r + s) * (r + s);
            ((2.0 * product + sums + second) * 1.001) as f32
        };
        Self { error: lengths.iter().map(error).collect() }
    }
}

/// The rows of one block and what may be nearest to them.
struct Block {
    start: usize,
    /// Neighbours wanted a row, the row itself not counted.
    k: usize,
    /// Of each row the candidates: bits of the first pass's distance, then the index. Distances are not negative, so
    /// their bits sort as they do.
    near: Vec<Vec<u64>>,
    /// Candidates a row at which they are thinned out.
    limit: Vec<usize>,
    /// Nothing farther than this can be among the nearest.
    bound: Vec<f32>,
    /// 2E of each row.
    slack: Vec<f32>,
    /// The largest distance each row has met.
    far: Vec<f32>,
}

impl Block {
    fn new(start: usize, len: usize, k: usize, bounds: &Bounds) -> Self {
        let k = k.saturating_sub(1);
        let limit = 2 * k + SPARE;
        Self {
            start,
            k,
            near: vec![Vec::new(); len],
            limit: vec![limit; len],
            bound: vec![if k == 0 { f32::NEG_INFINITY } else { f32::INFINITY }; len],
            slack: bounds.error[start..start + len].iter().map(|e| 2.0 * e).collect(),
            far: vec![0.0; len],
        }
    }

    /// Offers row `index` of all, at this distance, to row `r` of the block.
    fn offer(&mut self, r: usize, distance: f32, index: u32) {
        if distance <= self.bound[r] {
            self.near[r].push(key(distance.max(0.0), index));
            if self.near[r].len() >= self.limit[r] {
                self.thin_out(r);
            }
        }
    }

    /// Of each row the candidates that are left, ascending: their numbers, and all of them.
    fn candidates(self) -> (Vec<u32>, Vec<u32>) {
        let mut lengths = Vec::with_capacity(self.near.len());
        let mut all = Vec::new();
        for (near, bound) in self.near.into_iter().zip(self.bound) {
            let start = all.len();
            all.extend(near.iter().filter(|&&key| distance_of(key) <= bound).map(|&key| key as u32));
            all[start..].sort_unstable();
            lengths.push((all.len() - start) as u32);
        }
        (lengths, all)
    }

    #[inline(never)]
    fn thin_out(&mut self, r: usize) {
        let near = &mut self.near[r];
        let (_, last, _) = near.select_nth_unstable(self.k - 1);
        let bound = (distance_of(*last) + self.slack[r]).next_up();
        near.retain(|&key| distance_of(key) <= bound);
        self.bound[r] = bound;
        if 4 * near.len() > 3 * self.limit[r] {
            self.limit[r] *= 2;
            if self.limit[r] > CROWD.max(4 * self.k) {
                // To be compared with all.
                *near = Vec::new();
                self.bound[r] = f32::NEG_INFINITY;
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

/// Takes up products between two blocks, or within one, for both rows of each pair.
fn absorb(a: &mut Block, b: Option<&mut Block>, part: &Part, norms: &[f32], wants_far: bool, hits: &mut Hits) {
    hits.clear();
    let own = part.row - a.start..part.row - a.start + part.rows;
    let other = b.as_ref().map_or(a.start, |b| b.start);
    let theirs = part.column - other..part.column - other + part.columns;
    let norms = (&norms[part.row..part.row + part.rows], &norms[part.column..part.column + part.columns]);
    widest(Look {
        part,
        norms,
        bounds: (&a.bound[own.clone()], &b.as_ref().map_or(&a.bound, |b| &b.bound)[theirs.clone()]),
        hits,
    });
    let mut both = (a, b);
    if wants_far {
        let mut far = vec![0.0f32; part.columns];
        widest(Farthest { part, norms, far: (&mut both.0.far[own], &mut far) });
        let theirs = both.1.as_deref_mut().unwrap_or(both.0).far[theirs].iter_mut();
        theirs.zip(&far).for_each(|(f, &d)| *f = if d > *f { d } else { *f });
    }
    for &(i, j, distance) in hits.iter() {
        both.0.offer(i as usize - both.0.start, distance, j);
        let theirs = both.1.as_deref_mut().unwrap_or(both.0);
        theirs.offer(j as usize - theirs.start, distance, i);
    }
}

/// Rows, others and distances.
type Hits = Vec<(u32, u32, f32)>;

/// Which of |x|² + |y|² − 2x·y of a part are within the bound of one of both rows. Where the part meets the diagonal,
/// pairs above it alone.
struct Look<'a> {
    part: &'a Part<'a>,
    norms: (&'a [f32], &'a [f32]),
    bounds: (&'a [f32], &'a [f32]),
    hits: &'a mut Hits,
}

impl Kernel for Look<'_> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self { part, norms, bounds, hits } = self;
        for (r, products) in part.products.chunks_exact(part.width).enumerate().take(part.rows) {
            let (norm, bound, row) = (norms.0[r], bounds.0[r], part.row + r);
            let distance = |norm_of_other: f32, product: f32| norm + norm_of_other - 2.0 * product;
            let chunks = products[..part.columns].chunks(LANES).zip(norms.1.chunks(LANES)).zip(bounds.1.chunks(LANES));
            for (c, ((products, norms), bounds)) in chunks.enumerate() {
                let near = |o: usize| {
                    let d = distance(norms[o], products[o]);
                    (d <= bound) | (d <= bounds[o])
                };
                let whole = products.len() == LANES && norms.len() == LANES && bounds.len() == LANES;
                if whole && !(0..LANES).fold(false, |any, o| any | near(o)) {
                    continue;
                }
                for o in (0..products.len()).filter(|&o| near(o)) {
                    let column = part.column + c * LANES + o;
                    if column > row {
                        hits.push((row as u32, column as u32, distance(norms[o], products[o])));
                    }
                }
            }
        }
    }
}

/// The largest distance that each row of a part meets, on either side; pairs on and below the diagonal do no harm.
struct Farthest<'a> {
    part: &'a Part<'a>,
    norms: (&'a [f32], &'a [f32]),
    far: (&'a mut [f32], &'a mut [f32]),
}

impl Kernel for Farthest<'_> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self { part, norms, far } = self;
        for (r, products) in part.products.chunks_exact(part.width).enumerate().take(part.rows) {
            let mut farthest = far.0[r];
            for ((&product, &norm), far) in products.iter().zip(norms.1).zip(&mut *far.1) {
                let d = norms.0[r] + norm - 2.0 * product;
                *far = if d > *far { d } else { *far };
                farthest = if d > farthest { d } else { farthest };
            }
            far.0[r] = farthest;
        }
    }
}

/// The second pass.
fn collect(rows: Rows, k: usize, blocks: Vec<Block>) -> (Neighbours, Vec<f32>) {
    let n = rows.n();
    let far = blocks.iter().flat_map(|b| b.far.iter().copied()).collect();
    let crowded: Vec<bool> = blocks.iter().flat_map(|b| b.bound.iter().map(|&b| b == f32::NEG_INFINITY)).collect();
    let lists = PairLists::concat(blocks.into_par_iter().map(Block::candidates).collect());
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
