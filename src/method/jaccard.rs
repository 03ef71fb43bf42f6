//! The k-reciprocal Jaccard distance (SpCL `faiss_rerank.py:15-121`) on sparse rows.

use super::error::{MethodError, Tick};
use super::knn::Neighbours;
use super::reciprocal::{Sparse, expand, half_of, sparse_rows, weights};
use super::rows::{Rows, dot};

/// Jaccard distances as a graph: symmetric CSR without the diagonal, indices ascending within a row.
/// A pair that is not stored is farther than `max`, and at distance 1 where `max` is 1 or more.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// Images, N.
    pub n: usize,
    /// The largest distance that is stored.
    pub max: f32,
    /// `[n + 1]`: where each row begins.
    pub indptr: Vec<u64>,
    /// The other image of each pair.
    pub indices: Vec<u32>,
    /// Its distance, 0 to `max`.
    pub values: Vec<f32>,
}

impl Graph {
    /// The images near image `i`, and their distances.
    pub fn row(&self, i: usize) -> (&[u32], &[f32]) {
        let range = self.indptr[i] as usize..self.indptr[i + 1] as usize;
        (&self.indices[range.clone()], &self.values[range])
    }

    /// Whether the graph holds every pair within `eps`, so that DBSCAN at that radius is exact on it.
    pub fn covers(&self, eps: f64) -> bool {
        eps as f32 <= self.max || self.max >= 1.0
    }
}

/// Jaccard distances of at most `max` between all images (method.md §1): k-reciprocal sets of `k1`
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
    if nb.n != n {
        return Err(MethodError::shape("neighbours", format!("lists of {n} rows"), nb.n));
    }
    let k1 = k1.clamp(1, n.max(1));
    if nb.k < k1.min(n) {
        return Err(MethodError::shape("neighbours", format!("at least {k1} a row"), nb.k));
    }
    let total = 2 * n as u64;
    // Squared distances of unit rows are 2 − 2cos; those that k-NN has found need not be computed again.
    let distance =
        |i: usize, j: usize, known: Option<f32>| known.unwrap_or_else(|| 2.0 - 2.0 * dot(rows.row(i), rows.row(j)));
    let v = weights(nb, k1, half_of(k1) + 1, distance, &|done, _| tick(done, total))?;
    let v = expand(v, nb, k2.min(k1))?;
    let upper = upper_distances(&v, max, &|done, _| tick(n as u64 + done, total))?;
    Ok(mirrored(&upper, max))
}

/// J of a pair whose rows overlap by Σmin = `overlap`.
pub(crate) fn distance_of(overlap: f32) -> f32 {
    (1.0 - overlap / (2.0 - overlap)).max(0.0)
}

/// The distances J(i, j) ≤ `max` with j > i.
fn upper_distances(v: &Sparse, max: f32, tick: Tick) -> Result<Sparse, MethodError> {
    let columns = v.transposed();
    let n = v.n();
    sparse_rows(
        n,
        tick,
        || (vec![0.0f32; n], Vec::<u32>::new()),
        |(overlap, met), i, indices, values| {
            met.clear();
            let (row, row_weights) = v.row(i);
            for (&c, &w) in row.iter().zip(row_weights) {
                let (others, other_weights) = columns.row(c as usize);
                let after = others.partition_point(|&j| j as usize <= i);
                for (&j, &other) in others[after..].iter().zip(&other_weights[after..]) {
                    let slot = &mut overlap[j as usize];
                    if *slot == 0.0 {
                        met.push(j);
                    }
                    *slot += w.min(other);
                }
            }
            let start = indices.len();
            indices.extend(met.iter().filter(|&&j| distance_of(overlap[j as usize]) <= max));
            indices[start..].sort_unstable();
            values.extend(indices[start..].iter().map(|&j| distance_of(overlap[j as usize])));
            met.iter().for_each(|&j| overlap[j as usize] = 0.0);
        },
    )
}

/// The graph of an upper triangle.
fn mirrored(upper: &Sparse, max: f32) -> Graph {
    let n = upper.n();
    let mut indptr = vec![0u64; n + 1];
    for i in 0..n {
        let (row, _) = upper.row(i);
        indptr[i + 1] += row.len() as u64;
        row.iter().for_each(|&j| indptr[j as usize + 1] += 1);
    }
    for i in 0..n {
        indptr[i + 1] += indptr[i];
    }
    let mut next: Vec<usize> = indptr[..n].iter().map(|&p| p as usize).collect();
    let mut indices = vec![0u32; 2 * upper.indices.len()];
    let mut values = vec![0.0f32; 2 * upper.values.len()];
    // Row i receives its smaller partners while those are visited, then its larger ones: ascending.
    for i in 0..n {
        let (row, distances) = upper.row(i);
        let own = next[i];
        indices[own..own + row.len()].copy_from_slice(row);
        values[own..own + row.len()].copy_from_slice(distances);
        for (&j, &d) in row.iter().zip(distances) {
            let at = &mut next[j as usize];
            indices[*at] = i as u32;
            values[*at] = d;
            *at += 1;
        }
    }
    Graph { n, max, indptr, indices, values }
}
