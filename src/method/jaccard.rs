//! The k-reciprocal Jaccard distance (SpCL `faiss_rerank.py:15-121`) on sparse rows.

use super::ascending::Ascending;
use super::error::{MethodError, Tick};
pub use super::graph::Graph;
use super::knn::Neighbours;
use super::pairs::{PairLists, listed_distances};
use super::reciprocal::{PackedColumns, Sparse, expand, half_of, neighbourly, sparse_rows, weights};
use super::rows::Rows;
use super::wide::{Kernel, widest};

/// Jaccard distances of at most `max` between all images (docs/METHOD.md, Distance): k-reciprocal sets of `k1`
/// neighbours, expansion, softmax weights of −(2 − 2cos), query expansion over `k2`, and
/// J = 1 − Σmin / (2 − Σmin), cut at 0, all in `f32`.
///
/// `rows` are the unit features that `nb` was computed from; `nb.k` must be at least min(k1, N). Pairs that
/// share no weight are at distance 1 and never stored, whatever `max` is. `tick` counts images, twice over.
///
/// # Errors
/// When `nb` is of other features or too short, or `tick` cancels.
pub fn jaccard(rows: Rows, nb: &Neighbours, k1: usize, k2: usize, max: f32, tick: Tick) -> Result<Graph, MethodError> {
    let n = rows.n();
    from_lists(nb, n, (k1, k2), max, |rest, order| listed_distances(rows, rest, order), tick)
}

/// [`jaccard`] of features that nobody needs afterwards: their memory is given back half way, before the weights are made.
///
/// # Errors
/// As [`jaccard`], and when they are not rows of `d`.
pub fn jaccard_and_drop(
    features: Vec<f32>,
    d: usize,
    nb: &Neighbours,
    (k1, k2): (usize, usize),
    max: f32,
    tick: Tick,
) -> Result<Graph, MethodError> {
    let n = Rows::new(&features, d)?.n();
    let squared = move |rest: &PairLists, order: &[u32]| {
        let found = Rows::new(&features, d).map(|rows| listed_distances(rows, rest, order));
        drop(features);
        found.unwrap_or_default()
    };
    from_lists(nb, n, (k1, k2), max, squared, tick)
}

/// [`jaccard`] of `n` images; `squared` gives the squared distances that no list has.
fn from_lists(
    nb: &Neighbours,
    n: usize,
    (k1, k2): (usize, usize),
    max: f32,
    squared: impl FnOnce(&PairLists, &[u32]) -> Vec<f32>,
    tick: Tick,
) -> Result<Graph, MethodError> {
    let order = neighbourly(nb.n, |i| nb.of(i));
    let (half, total) = (n as u64, 2 * n as u64);
    let v = weighted(n, nb, &order, (k1, k2), |rest| squared(rest, &order), &|done, _| tick(done, total))?;
    let upper = upper_distances(&v, &order, max, &|done, _| tick(half + done, total))?;
    drop((v, order));
    Ok(Graph::mirrored(&upper, max))
}

/// The weights of every image's k-reciprocal neighbours, expanded.
fn weighted(
    n: usize,
    nb: &Neighbours,
    order: &[u32],
    (k1, k2): (usize, usize),
    squared: impl FnOnce(&PairLists) -> Vec<f32>,
    tick: Tick,
) -> Result<Sparse, MethodError> {
    if nb.n != n {
        return Err(MethodError::shape("neighbours", format!("lists of {n} rows"), nb.n));
    }
    let k1 = k1.clamp(1, n.max(1));
    if nb.k < k1.min(n) {
        return Err(MethodError::shape("neighbours", format!("at least {k1} a row"), nb.k));
    }
    // Of unit rows, 2 − 2cos is the squared distance, which k-NN has found for most pairs.
    let v = weights(nb, order, (k1, half_of(k1) + 1), |_, squared| squared, squared, tick)?;
    expand(v, nb, order, k2.min(k1))
}

/// What made the Jaccard distance of two images: J = 1 − `overlap` / `total`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overlap {
    /// Images that count as neighbours of both.
    pub both: u32,
    /// Images that count as neighbours of one at least.
    pub either: u32,
    /// The numerator: Σ of the smaller of the two weights, over all images.
    pub overlap: f32,
    /// The denominator: Σ of the larger one.
    pub total: f32,
}

/// What made the Jaccard distances of some pairs: their weighted k-reciprocal neighbours after expansion. Arguments
/// as [`jaccard`]; computed for all rows, of which the pairs are looked up.
///
/// # Errors
/// As [`jaccard`], and when a pair is not of the rows.
pub fn shared_neighbours(
    rows: Rows,
    nb: &Neighbours,
    k1: usize,
    k2: usize,
    pairs: &[(u32, u32)],
    tick: Tick,
) -> Result<Vec<Overlap>, MethodError> {
    let order = neighbourly(nb.n, |i| nb.of(i));
    let v = weighted(rows.n(), nb, &order, (k1, k2), |rest| listed_distances(rows, rest, &order), tick)?;
    let one = |&(i, j): &(u32, u32)| {
        if i.max(j) as usize >= v.n() {
            return Err(MethodError::shape("pair", format!("rows below {}", v.n()), i.max(j)));
        }
        let [(a, x), (b, y)] = [i, j].map(|i| v.row(i as usize));
        let mut out = Overlap { both: 0, either: (a.len() + b.len()) as u32, overlap: 0.0, total: 0.0 };
        let mut at = 0;
        for (column, &w) in a.iter().zip(x) {
            at += b[at..].partition_point(|c| c < column);
            if b.get(at) == Some(column) {
                out.both += 1;
                out.overlap += w.min(y[at]);
            }
        }
        out.either -= out.both;
        // Both rows sum to 1.
        out.total = 2.0 - out.overlap;
        Ok(out)
    };
    pairs.iter().map(one).collect()
}

/// J of a pair whose rows overlap by Σmin = `overlap`.
pub(crate) fn distance_of(overlap: f32) -> f32 {
    (1.0 - overlap / (2.0 - overlap)).max(0.0)
}

/// The distances J(i, j) ≤ `max` with j > i.
fn upper_distances(v: &Sparse, order: &[u32], max: f32, tick: Tick) -> Result<Sparse, MethodError> {
    let least = least_overlap(max);
    let columns = if least <= 0.0 || v.n() > SMALL {
        ByColumn::Whole(v.columns(|row, weight| (row, weight)))
    } else {
        ByColumn::Small(v.columns(|row, weight| row << 16 | u32::from(enlarged(weight))))
    };
    sparse_rows(
        order,
        tick,
        || Overlaps::new(v.n()),
        |scratch, i, indices, values| {
            let start = indices.len();
            if least > 0.0 {
                scratch.candidates(v, &columns, i, least, indices);
            } else {
                scratch.all(v, &columns, i, indices);
            }
            let mut kept = start;
            for at in (start..indices.len()).step_by(ABREAST) {
                let mut some = [0u32; ABREAST];
                let count = ABREAST.min(indices.len() - at);
                some[..count].copy_from_slice(&indices[at..at + count]);
                for (&other, overlap) in some.iter().zip(scratch.overlaps(v, &some[..count])).take(count) {
                    let distance = distance_of(overlap);
                    if distance <= max {
                        indices[kept] = other;
                        kept += 1;
                        values.push(distance);
                    }
                }
            }
            indices.truncate(kept);
            scratch.forget(v, i);
        },
    )
}

/// Who stands in each column, and with what weight.
enum ByColumn {
    /// Row and weight.
    Whole(PackedColumns<(u32, f32)>),
    /// Of up to [`SMALL`] rows: the row in the upper half, the weight [`enlarged`] in the lower. Sums of such weights fit
    /// the nearest cache.
    Small(PackedColumns<u32>),
}

impl ByColumn {
    /// Later rows that share the column of entry `at`.
    fn count_after(&self, v: &Sparse, at: usize) -> usize {
        match self {
            Self::Whole(columns) => columns.count_after(v, at),
            Self::Small(columns) => columns.count_after(v, at),
        }
    }
}

/// Rows up to which sums of [`enlarged`] weights fit 16 bits, as a row's weights sum to 1 and each is enlarged by less
/// than one: 32,000 + 32,768 < 2¹⁶.
const SMALL: usize = 1 << 15;
/// What a weight of 1 is in 16 bits.
const ONE: f32 = 32_000.0;

/// A weight of a row in 16 bits, not less than it is.
fn enlarged(weight: f32) -> u16 {
    (weight * ONE).ceil() as u16
}

/// A bound on Σmin below which no J is `max` or less, with room for rounding: J ≤ max ⇔ Σmin ≥ 2(1 − max)/(2 − max).
fn least_overlap(max: f32) -> f32 {
    let max = max.min(1.0);
    2.0 * (1.0 - max) / (2.0 - max) - 1e-4
}

/// Share of the needed overlap that may be left out of the search for candidates. More searches fewer columns
/// and lets more false candidates through.
const SKIP: f32 = 0.7;

/// Rows whose overlaps are added up side by side, as each sum must wait for its own last addition.
const ABREAST: usize = 4;

/// Scratch of one worker.
struct Overlaps {
    /// Partial Σmin of every image with the current one.
    sum: Vec<f32>,
    /// The same in 16 bits, not less than it is; as many as 16 bits can name.
    small: Box<[u16; 1 << 16]>,
    /// The images that have one: the first `count`.
    met: Vec<u32>,
    count: usize,
    /// The current image's row, dense.
    row: Vec<f32>,
    /// Of each column of the current row, what it costs: later images in it per unit of weight, as a power of two.
    dear: Vec<u8>,
    /// Those whose distance is to be computed.
    found: Ascending,
}

impl Overlaps {
    fn new(n: usize) -> Self {
        Self {
            sum: vec![0.0; n],
            small: Box::new([0; 1 << 16]),
            met: vec![0; n + 1],
            count: 0,
            row: vec![0.0; n],
            dear: Vec::new(),
            found: Ascending::new(n),
        }
    }

    /// Adds the part of Σmin that stems from the column of entry `at` to every later image.
    fn add(&mut self, v: &Sparse, columns: &ByColumn, at: usize) {
        match columns {
            ByColumn::Small(columns) => {
                let weight = enlarged(v.values[at]);
                for &entry in columns.after(v, at) {
                    let slot = &mut self.small[(entry >> 16) as usize];
                    *slot = slot.wrapping_add(weight.min(entry as u16));
                }
            }
            ByColumn::Whole(columns) => {
                let weight = v.values[at];
                // Written always, counted when new: whether an image is new is a coin toss that branches predict badly.
                let mut count = self.count;
                for &(j, other) in columns.after(v, at) {
                    let slot = &mut self.sum[j as usize];
                    self.met[count] = j;
                    count += usize::from(*slot == 0.0);
                    *slot += weight.min(other);
                }
                self.count = count;
            }
        }
    }

    /// Every later image that shares a column.
    fn all(&mut self, v: &Sparse, columns: &ByColumn, i: usize, out: &mut Vec<u32>) {
        (v.indptr[i]..v.indptr[i + 1]).for_each(|at| self.add(v, columns, at));
        self.met[..self.count].iter().for_each(|&j| self.found.insert(j));
        self.found.drain(|j| out.push(j));
    }

    /// Every later image whose overlap may reach `least`, and few others. The weights left out of the sum are
    /// worth less than `least`, so an image that reaches it is met in the columns searched, with at least the
    /// difference.
    fn candidates(&mut self, v: &Sparse, columns: &ByColumn, i: usize, least: f32, out: &mut Vec<u32>) {
        // The dearest first, as far as a power of two tells.
        let span = v.indptr[i]..v.indptr[i + 1];
        let dearness = |at: usize| (columns.count_after(v, at) as f32 / v.values[at]).to_bits() >> 23;
        let mut weight_of = [0.0f32; 256];
        self.dear.clear();
        for at in span.clone() {
            let dear = dearness(at) as u8;
            weight_of[dear as usize] += v.values[at];
            self.dear.push(dear);
        }
        let (mut dear, mut left) = (255, SKIP * least);
        while dear > 0 && weight_of[dear] < left {
            left -= weight_of[dear];
            dear -= 1;
        }
        let mut skipped = 0.0;
        let dears = std::mem::take(&mut self.dear);
        for (at, &own) in span.zip(&dears) {
            let w = v.values[at];
            if own as usize > dear {
                skipped += w;
            } else if own as usize == dear && w < left {
                left -= w;
                skipped += w;
            } else {
                self.add(v, columns, at);
            }
        }
        self.dear = dears;
        let needed = least - skipped;
        match columns {
            ByColumn::Small(_) => {
                let least = ((needed * ONE) as u16).max(1);
                widest(Reached { sums: &mut self.small[..v.n()], from: i, least, out });
            }
            ByColumn::Whole(_) => {
                for &j in &self.met[..self.count] {
                    if std::mem::take(&mut self.sum[j as usize]) >= needed {
                        self.found.insert(j);
                    }
                }
                self.count = 0;
                self.found.drain(|j| out.push(j));
            }
        }
        let (row, weights) = v.row(i);
        row.iter().zip(weights).for_each(|(&c, &w)| self.row[c as usize] = w);
    }

    /// Σmin of the current row and up to [`ABREAST`] others, in ascending order of columns as the reference adds them, so
    /// that the bits agree: the sums that [`Self::all`] made that way, or after [`Self::candidates`] new ones.
    fn overlaps(&self, v: &Sparse, others: &[u32]) -> [f32; ABREAST] {
        let mut sums = [0.0f32; ABREAST];
        if self.count > 0 {
            sums.iter_mut().zip(others).for_each(|(sum, &j)| *sum = self.sum[j as usize]);
            return sums;
        }
        let mut rows = [(&[][..], &[][..]); ABREAST];
        rows.iter_mut().zip(others).for_each(|(row, &j)| *row = v.row(j as usize));
        let rows = rows.map(|(columns, weights): (&[u32], &[f32])| (columns, &weights[..columns.len()]));
        let shortest = rows.iter().map(|row| row.0.len()).min().unwrap_or(0);
        let least = |(columns, weights): (&[u32], &[f32]), at: usize| self.row[columns[at] as usize].min(weights[at]);
        for at in 0..shortest {
            for (sum, &row) in sums.iter_mut().zip(&rows) {
                *sum += least(row, at);
            }
        }
        for (sum, &row) in sums.iter_mut().zip(&rows) {
            *sum = (shortest..row.0.len()).fold(*sum, |sum, at| sum + least(row, at));
        }
        sums
    }

    /// Makes ready for the next row.
    fn forget(&mut self, v: &Sparse, i: usize) {
        self.met[..self.count].iter().for_each(|&j| self.sum[j as usize] = 0.0);
        self.count = 0;
        v.row(i).0.iter().for_each(|&c| self.row[c as usize] = 0.0);
    }
}

/// Which sums reach `least`, ascending; all of them are 0 then. Those before `from` are 0 already.
struct Reached<'a> {
    sums: &'a mut [u16],
    from: usize,
    least: u16,
    out: &'a mut Vec<u32>,
}

impl Kernel for Reached<'_> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        const LANES: usize = 32;
        let Self { sums, from, least, out } = self;
        let (head, tail) = sums.as_chunks_mut::<LANES>();
        for (c, chunk) in head.iter_mut().enumerate().skip(from / LANES) {
            if chunk.iter().fold(false, |any, &sum| any | (sum >= least)) {
                let reached = (0..LANES).filter(|&o| chunk[o] >= least);
                out.extend(reached.map(|o| (c * LANES + o) as u32));
            }
            *chunk = [0; LANES];
        }
        for (o, sum) in tail.iter_mut().enumerate() {
            if std::mem::take(sum) >= least {
                out.push((head.len() * LANES + o) as u32);
            }
        }
    }
}
