//! k-reciprocal neighbourhoods as sparse rows of weights: what both the Jaccard distance of the clustering
//! (docs/METHOD.md, Distance) and Zhong's re-ranking stand on. They differ in how many neighbours count and in the
//! distance.

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::ascending::Ascending;
use super::error::{MethodError, Tick};
use super::knn::Neighbours;
use super::pairs::PairLists;

/// Rows that one job takes.
const CHUNK: usize = 128;
/// Neighbours that follow a row at once where rows are gone through by nearness.
const FOLLOW: usize = 32;

/// Sparse rows `[n, n]`, columns ascending within a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sparse {
    /// `[n + 1]`: where each row begins.
    pub(crate) indptr: Vec<usize>,
    /// Column of each entry.
    pub(crate) indices: Vec<u32>,
    /// Value of each entry.
    pub(crate) values: Vec<f32>,
}

impl Sparse {
    pub(crate) fn n(&self) -> usize {
        self.indptr.len().saturating_sub(1)
    }

    pub(crate) fn row(&self, i: usize) -> (&[u32], &[f32]) {
        let range = self.indptr[i]..self.indptr[i + 1];
        (&self.indices[range.clone()], &self.values[range])
    }

    /// Rows that jobs have made, each of [`CHUNK`] of `order`: of each job its rows' lengths, and their entries.
    fn gathered(order: &[u32], parts: &[(Vec<u32>, Vec<u32>, Vec<f32>)]) -> Self {
        // Of each row the job that made it, and where it begins there.
        let mut made = vec![(0usize, 0usize); order.len()];
        let mut indptr = vec![0usize; order.len() + 1];
        for (part, (rows, (lengths, ..))) in order.chunks(CHUNK).zip(parts).enumerate() {
            let mut at = 0;
            for (&row, &length) in rows.iter().zip(lengths) {
                made[row as usize] = (part, at);
                at += length as usize;
                indptr[row as usize + 1] = length as usize;
            }
        }
        for row in 0..order.len() {
            indptr[row + 1] += indptr[row];
        }
        let total = indptr[order.len()];
        let (mut indices, mut values) = (vec![0u32; total], vec![0.0f32; total]);
        let mut jobs = Vec::with_capacity(parts.len());
        let (mut rest, mut rest_of_values) = (&mut indices[..], &mut values[..]);
        for start in (0..order.len()).step_by(CHUNK) {
            let rows = start..order.len().min(start + CHUNK);
            let own = rest.split_off_mut(..indptr[rows.end] - indptr[start]);
            jobs.extend(
                own.zip(rest_of_values.split_off_mut(..indptr[rows.end] - indptr[start])).map(|own| (rows, own)),
            );
        }
        jobs.into_par_iter().for_each(|(rows, (indices, values))| {
            let first = indptr[rows.start];
            for row in rows {
                let (part, from) = made[row];
                let to = indptr[row] - first..indptr[row + 1] - first;
                let from = from..from + to.len();
                indices[to.clone()].copy_from_slice(&parts[part].1[from.clone()]);
                // Sets have no values.
                if let Some(made) = parts[part].2.get(from) {
                    values[to].copy_from_slice(made);
                }
            }
        });
        Self { indptr, indices, values }
    }

    /// Rows and columns exchanged; rows ascend within a column because they are entered in order.
    pub(crate) fn transposed(&self) -> Self {
        let PackedColumns { indptr, entries, .. } = self.columns(|row, value| (row, value));
        let (indices, values) = entries.into_iter().unzip();
        Self { indptr, indices, values }
    }

    /// The entries by column, rows ascending: of each what `entry` makes of its row and value.
    pub(crate) fn columns<T: Copy + Default>(&self, entry: impl Fn(u32, f32) -> T) -> PackedColumns<T> {
        let n = self.n();
        let mut indptr = vec![0usize; n + 1];
        for &c in &self.indices {
            indptr[c as usize + 1] += 1;
        }
        for c in 0..n {
            indptr[c + 1] += indptr[c];
        }
        let mut next = indptr.clone();
        let mut entries = vec![T::default(); self.indices.len()];
        let mut places = Vec::with_capacity(self.indices.len());
        for i in 0..n {
            let (columns, row) = self.row(i);
            for (&c, &v) in columns.iter().zip(row) {
                let at = &mut next[c as usize];
                entries[*at] = entry(i as u32, v);
                places.push((*at - indptr[c as usize]) as u32);
                *at += 1;
            }
        }
        PackedColumns { indptr, entries, places }
    }
}

/// Sparse rows by column.
pub(crate) struct PackedColumns<T> {
    /// `[n + 1]`: where each column begins.
    pub(crate) indptr: Vec<usize>,
    /// Of each entry what is kept of its row and value.
    pub(crate) entries: Vec<T>,
    /// Of each entry of the rows, in their order, how many stand before it in its column.
    pub(crate) places: Vec<u32>,
}

impl<T> PackedColumns<T> {
    /// What stands behind the entry `at` of the rows in its column: entries of later rows.
    pub(crate) fn after(&self, v: &Sparse, at: usize) -> &[T] {
        let column = v.indices[at] as usize;
        &self.entries[self.indptr[column] + self.places[at] as usize + 1..self.indptr[column + 1]]
    }

    /// How many there are.
    pub(crate) fn count_after(&self, v: &Sparse, at: usize) -> usize {
        let column = v.indices[at] as usize;
        self.indptr[column + 1] - self.indptr[column] - self.places[at] as usize - 1
    }
}

/// Numpy's `around`: halves go to the even neighbour.
pub(crate) fn half_of(k: usize) -> usize {
    let floor = k / 2;
    floor + usize::from(k % 2 == 1 && floor % 2 == 1)
}

/// Rows 0..n, each followed by the first of `near` it that did not come yet: who goes through them in this order finds
/// in the cache what neighbours share.
pub(crate) fn neighbourly<'a>(n: usize, near: impl Fn(usize) -> &'a [u32]) -> Vec<u32> {
    let mut came = vec![false; n];
    let mut order = Vec::with_capacity(n);
    let mut come = |j: usize| {
        if !std::mem::replace(&mut came[j], true) {
            order.push(j as u32);
        }
    };
    for i in 0..n {
        come(i);
        near(i).iter().take(FOLLOW).for_each(|&j| come(j as usize));
    }
    order
}

/// Rows in which `work` is called for each row in turn and appends to both vectors; the rows are gone through in `order`,
/// which the result does not depend on.
///
/// # Errors
/// When `tick` cancels; it counts rows.
pub(crate) fn sparse_rows<S>(
    order: &[u32],
    tick: Tick,
    scratch: impl Fn() -> S + Sync + Send,
    work: impl Fn(&mut S, usize, &mut Vec<u32>, &mut Vec<f32>) + Sync + Send,
) -> Result<Sparse, MethodError> {
    let done = AtomicU64::new(0);
    let parts: Option<Vec<_>> = order
        .par_chunks(CHUNK)
        .map_init(scratch, |scratch, rows| {
            let (mut lengths, mut indices, mut values) = (Vec::with_capacity(CHUNK), Vec::new(), Vec::new());
            for &i in rows {
                let before = indices.len();
                work(scratch, i as usize, &mut indices, &mut values);
                lengths.push((indices.len() - before) as u32);
            }
            let now = done.fetch_add(rows.len() as u64, Ordering::Relaxed) + rows.len() as u64;
            tick(now, order.len() as u64).then_some((lengths, indices, values))
        })
        .collect();
    Ok(Sparse::gathered(order, &parts.ok_or(MethodError::Cancelled)?))
}

/// R(i, columns): those of the first `columns` neighbours of `i` that have `i` among theirs, nearest first.
fn reciprocal(nb: &Neighbours, i: usize, columns: usize, out: &mut Vec<u32>) {
    let back = |j: u32| nb.of(j as usize)[..columns].contains(&(i as u32));
    out.extend(nb.of(i)[..columns].iter().copied().filter(|&j| back(j)));
}

/// Scratch of one worker: for every row, when it was last met and at what distance.
struct Marks {
    member: Vec<u32>,
    listed: Vec<u32>,
    distance: Vec<f32>,
    own: Vec<u32>,
    set: Ascending,
}

/// V: each row's softmax weights over its expanded k-reciprocal set, `exp(−d)` divided by their sum.
///
/// `full` and `half` are the columns of the neighbour lists that make the set and its half-sized relative;
/// both are cut to what the lists hold. A candidate's half set joins when more than 2/3 of it is in the set.
/// `scaled(i, squared)` gives d for row `i`, and `squared` the squared distances that are in no list, as the lists that it
/// is given stand.
pub(crate) fn weights(
    nb: &Neighbours,
    order: &[u32],
    (full, half): (usize, usize),
    scaled: impl Fn(usize, f32) -> f32 + Sync + Send,
    squared: impl FnOnce(&PairLists) -> Vec<f32>,
    tick: Tick,
) -> Result<Sparse, MethodError> {
    let sets = expanded(nb, order, full.min(nb.k), half.min(nb.k), tick)?;
    let mut rest = PairLists { indptr: Vec::with_capacity(nb.n + 1), indices: Vec::new() };
    rest.indptr.push(0);
    for i in 0..nb.n {
        let (columns, known) = sets.row(i);
        rest.indices.extend(columns.iter().zip(known).filter(|(_, d)| d.is_nan()).map(|(&j, _)| j));
        rest.indptr.push(rest.indices.len());
    }
    let found = squared(&rest);
    sparse_rows(
        order,
        &super::error::no_tick,
        || (),
        |(), i, indices, values| {
            let start = values.len();
            let (columns, known) = sets.row(i);
            indices.extend_from_slice(columns);
            let mut found = found[rest.indptr[i]..rest.indptr[i + 1]].iter();
            values.extend(known.iter().map(|&d| {
                let d = if d.is_nan() { found.next().copied().unwrap_or(d) } else { d };
                -scaled(i, d)
            }));
            softmax(&mut values[start..]);
            drop_zeros(indices, values, start);
        },
    )
}

/// Each row's expanded k-reciprocal set, with the squared distances that the lists know; the others are NaN.
fn expanded(nb: &Neighbours, order: &[u32], full: usize, half: usize, tick: Tick) -> Result<Sparse, MethodError> {
    let n = nb.n;
    let halves = sparse_rows(order, &super::error::no_tick, || (), |(), i, out, _| reciprocal(nb, i, half, out))?;
    let half_set = |i: usize| &halves.indices[halves.indptr[i]..halves.indptr[i + 1]];
    let scratch = || Marks {
        member: vec![u32::MAX; n],
        listed: vec![u32::MAX; n],
        distance: vec![0.0; n],
        own: Vec::with_capacity(full),
        set: Ascending::new(n),
    };
    sparse_rows(order, tick, scratch, |marks, i, indices, values| {
        let Marks { member, listed, distance: known, own, set } = marks;
        let stamp = i as u32;
        own.clear();
        reciprocal(nb, i, full, own);
        for &j in own.iter() {
            member[j as usize] = stamp;
            set.insert(j);
        }
        for &candidate in own.iter() {
            let half = half_set(candidate as usize);
            let inter = half.iter().filter(|&&j| member[j as usize] == stamp).count();
            if 3 * inter > 2 * half.len() {
                half.iter().for_each(|&j| set.insert(j));
            }
        }
        for (&j, &d) in nb.of(i).iter().zip(nb.distances_of(i)) {
            listed[j as usize] = stamp;
            known[j as usize] = d;
        }
        set.drain(|j| {
            let listed = listed[j as usize] == stamp;
            // A distance is the same seen from either side.
            let known = if listed { Some(known[j as usize]) } else { nb.distance(j as usize, stamp) };
            indices.push(j);
            values.push(known.unwrap_or(f32::NAN));
        });
    })
}

fn softmax(x: &mut [f32]) {
    let max = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    x.iter_mut().for_each(|v| *v = (*v - max).exp());
    let sum: f32 = x.iter().sum();
    x.iter_mut().for_each(|v| *v /= sum);
}

/// Removes entries of weight 0 from the tail that begins at `start`. Far apart rows that are not of unit length
/// have such weights; an entry that is there counts as met.
fn drop_zeros(indices: &mut Vec<u32>, values: &mut Vec<f32>, start: usize) {
    let mut end = start;
    for at in start..values.len() {
        if values[at] > 0.0 {
            (indices[end], values[end]) = (indices[at], values[at]);
            end += 1;
        }
    }
    indices.truncate(end);
    values.truncate(end);
}

/// Local query expansion: each row becomes the mean of the rows of its `k2` nearest, itself included.
/// `k2` ≤ 1 leaves it as it is.
pub(crate) fn expand(v: Sparse, nb: &Neighbours, order: &[u32], k2: usize) -> Result<Sparse, MethodError> {
    let k2 = k2.min(nb.k);
    if k2 <= 1 {
        return Ok(v);
    }
    let scratch = || (vec![0.0f32; nb.n], Ascending::new(nb.n));
    sparse_rows(order, &super::error::no_tick, scratch, |(sum, met), i, indices, values| {
        // In rank order, as numpy's mean over rows adds them.
        for &j in &nb.of(i)[..k2] {
            let (columns, row) = v.row(j as usize);
            for (&c, &w) in columns.iter().zip(row) {
                met.insert(c);
                sum[c as usize] += w;
            }
        }
        let start = values.len();
        met.drain(|c| {
            indices.push(c);
            values.push(std::mem::take(&mut sum[c as usize]) / k2 as f32);
        });
        drop_zeros(indices, values, start);
    })
}
