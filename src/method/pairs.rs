//! Squared distances of pairs of rows that stand in lists: each pair once, in an order that caches like.

use std::ops::Range;

use rayon::prelude::*;

use super::rows::{Rows, squared_distance};

/// Bytes of rows that one job goes through again and again while it walks once through all others.
const KEPT_BYTES: usize = 8 << 20;
/// Rows of a job at least.
const FEWEST: usize = 16;

/// Rows that belong to each row, ascending.
#[derive(Default)]
pub(crate) struct PairLists {
    /// `[n + 1]`: where the list of each row begins.
    pub(crate) indptr: Vec<usize>,
    /// The rows listed.
    pub(crate) indices: Vec<u32>,
}

impl PairLists {
    /// The lists of some jobs, one after the other: of each job the lists' lengths, and what they hold.
    pub(crate) fn concat(parts: Vec<(Vec<u32>, Vec<u32>)>) -> Self {
        let mut all = Self { indptr: vec![0], indices: Vec::with_capacity(parts.iter().map(|p| p.1.len()).sum()) };
        let mut end = 0;
        for (lengths, indices) in parts {
            all.indptr.extend(lengths.iter().map(|&l| {
                end += l as usize;
                end
            }));
            all.indices.extend(indices);
        }
        all
    }

    fn n(&self) -> usize {
        self.indptr.len().saturating_sub(1)
    }

    /// Where in `indices` row `i` lists row `j`.
    fn find(&self, i: usize, j: u32) -> Option<usize> {
        let start = self.indptr[i];
        self.indices[start..self.indptr[i + 1]].binary_search(&j).ok().map(|at| start + at)
    }
}

/// [`squared_distance`] of every row to those it lists, as the lists stand.
pub(crate) fn listed_distances(rows: Rows, lists: &PairLists) -> Vec<f32> {
    let n = lists.n();
    let fair = n.div_ceil(4 * rayon::current_num_threads());
    let size = (KEPT_BYTES / (4 * rows.d())).min(fair).max(FEWEST);
    // What the other row of a pair computes is NaN until then: no distance is.
    let mut own = vec![f32::NAN; lists.indices.len()];
    let mut jobs: Vec<(Range<usize>, &mut [f32])> = Vec::new();
    let mut rest = &mut own[..];
    for start in (0..n).step_by(size) {
        let span = start..n.min(start + size);
        let (part, after) = rest.split_at_mut(lists.indptr[span.end] - lists.indptr[start]);
        jobs.push((span, part));
        rest = after;
    }
    jobs.into_par_iter().with_max_len(1).for_each(|(span, out)| {
        let first = lists.indptr[span.start];
        let mut pairs: Vec<(u32, u32, u32)> = Vec::with_capacity(out.len());
        for i in span {
            for at in lists.indptr[i]..lists.indptr[i + 1] {
                let j = lists.indices[at];
                if j as usize > i || lists.find(j as usize, i as u32).is_none() {
                    pairs.push((j, i as u32, (at - first) as u32));
                }
            }
        }
        pairs.sort_unstable();
        for (j, i, at) in pairs {
            out[at as usize] = squared_distance(rows.row(j as usize), rows.row(i as usize));
        }
    });
    let taken = |i: usize, at: usize| match own[at] {
        d if d.is_nan() => lists.find(lists.indices[at] as usize, i as u32).map_or(d, |at| own[at]),
        d => d,
    };
    let spans: Vec<usize> = (0..n).step_by(size).collect();
    let parts: Vec<Vec<f32>> = spans
        .par_iter()
        .map(|&start| {
            let rows = start..n.min(start + size);
            rows.flat_map(|i| (lists.indptr[i]..lists.indptr[i + 1]).map(move |at| taken(i, at))).collect()
        })
        .collect();
    parts.concat()
}
