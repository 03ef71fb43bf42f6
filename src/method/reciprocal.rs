//! k-reciprocal neighbourhoods as sparse rows of weights: what both the Jaccard distance of the clustering
//! (docs/METHOD.md, Distance) and Zhong's re-ranking stand on. They differ in how many neighbours count and in the
//! distance.

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::ascending::Ascending;
use super::error::{MethodError, Tick};
use super::knn::Neighbours;

/// Rows that one job takes.
const CHUNK: usize = 128;

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

    /// Rows that jobs have made, one after the other: of each job its rows' lengths, and their entries.
    pub(crate) fn concat(parts: Vec<(Vec<u32>, Vec<u32>, Vec<f32>)>) -> Self {
        let total = parts.iter().map(|p| p.1.len()).sum();
        let mut all = Self { indptr: vec![0], indices: Vec::with_capacity(total), values: Vec::with_capacity(total) };
        let mut end = 0;
        for (lengths, indices, values) in parts {
            all.indptr.extend(lengths.iter().map(|&l| {
                end += l as usize;
                end
            }));
            all.indices.extend(indices);
            all.values.extend(values);
        }
        all
    }

    /// Rows and columns exchanged; rows ascend within a column because they are entered in order.
    pub(crate) fn transposed(&self) -> Self {
        self.transposed_with_places().0
    }

    /// [`Self::transposed`], and of each entry here how many entries stand before it in its column there.
    pub(crate) fn transposed_with_places(&self) -> (Self, Vec<u32>) {
        let n = self.n();
        let mut indptr = vec![0usize; n + 1];
        for &c in &self.indices {
            indptr[c as usize + 1] += 1;
        }
        for c in 0..n {
            indptr[c + 1] += indptr[c];
        }
        let mut next = indptr.clone();
        let mut indices = vec![0u32; self.indices.len()];
        let mut values = vec![0.0f32; self.values.len()];
        let mut places = Vec::with_capacity(self.indices.len());
        for i in 0..n {
            let (columns, row) = self.row(i);
            for (&c, &v) in columns.iter().zip(row) {
                let at = &mut next[c as usize];
                indices[*at] = i as u32;
                values[*at] = v;
                places.push((*at - indptr[c as usize]) as u32);
                *at += 1;
            }
        }
        (Self { indptr, indices, values }, places)
    }
}

/// Numpy's `around`: halves go to the even neighbour.
pub(crate) fn half_of(k: usize) -> usize {
    let floor = k / 2;
    floor + usize::from(k % 2 == 1 && floor % 2 == 1)
}

/// The rows of a job and its results: `work` is called for each row in turn and appends to both vectors.
///
/// # Errors
/// When `tick` cancels; it counts rows.
pub(crate) fn sparse_rows<S>(
    n: usize,
    tick: Tick,
    scratch: impl Fn() -> S + Sync + Send,
    work: impl Fn(&mut S, usize, &mut Vec<u32>, &mut Vec<f32>) + Sync + Send,
) -> Result<Sparse, MethodError> {
    let done = AtomicU64::new(0);
    let parts: Option<Vec<_>> = (0..n.div_ceil(CHUNK))
        .into_par_iter()
        .map_init(scratch, |scratch, chunk| {
            let rows = chunk * CHUNK..((chunk + 1) * CHUNK).min(n);
            let (mut lengths, mut indices, mut values) = (Vec::with_capacity(CHUNK), Vec::new(), Vec::new());
            for i in rows.clone() {
                let before = indices.len();
                work(scratch, i, &mut indices, &mut values);
                lengths.push((indices.len() - before) as u32);
            }
            let now = done.fetch_add(rows.len() as u64, Ordering::Relaxed) + rows.len() as u64;
            tick(now, n as u64).then_some((lengths, indices, values))
        })
        .collect();
    Ok(Sparse::concat(parts.ok_or(MethodError::Cancelled)?))
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
/// `distance(i, j, known)` gives d, where `known` is the squared distance if one of the two is in the list of the other.
pub(crate) fn weights(
    nb: &Neighbours,
    full: usize,
    half: usize,
    distance: impl Fn(usize, usize, Option<f32>) -> f32 + Sync + Send,
    tick: Tick,
) -> Result<Sparse, MethodError> {
    let (n, full, half) = (nb.n, full.min(nb.k), half.min(nb.k));
    let halves = sparse_rows(n, &super::error::no_tick, || (), |(), i, out, _| reciprocal(nb, i, half, out))?;
    let half_set = |i: usize| &halves.indices[halves.indptr[i]..halves.indptr[i + 1]];
    let scratch = || Marks {
        member: vec![u32::MAX; n],
        listed: vec![u32::MAX; n],
        distance: vec![0.0; n],
        own: Vec::with_capacity(full),
        set: Ascending::new(n),
    };
    sparse_rows(n, tick, scratch, |marks, i, indices, values| {
        let Marks { member, listed, distance: known, own, set } = marks;
        let (stamp, start) = (i as u32, values.len());
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
            values.push(-distance(i, j as usize, known));
        });
        softmax(&mut values[start..]);
        drop_zeros(indices, values, start);
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
pub(crate) fn expand(v: Sparse, nb: &Neighbours, k2: usize) -> Result<Sparse, MethodError> {
    let k2 = k2.min(nb.k);
    if k2 <= 1 {
        return Ok(v);
    }
    let scratch = || (vec![0.0f32; nb.n], Ascending::new(nb.n));
    sparse_rows(nb.n, &super::error::no_tick, scratch, |(sum, met), i, indices, values| {
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
