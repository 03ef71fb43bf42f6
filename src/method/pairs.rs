//! Squared distances of pairs of rows that stand in lists: each pair once.

use rayon::prelude::*;

use super::rows::{Rows, squared_distance};

/// Bytes of rows that one job goes through again and again while it walks once through all others.
const KEPT_BYTES: usize = 4 << 20;
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

    /// Rows that have lists.
    pub(crate) fn n(&self) -> usize {
        self.indptr.len().saturating_sub(1)
    }

    /// The rows that row `i` lists.
    pub(crate) fn of(&self, i: usize) -> &[u32] {
        &self.indices[self.indptr[i]..self.indptr[i + 1]]
    }

    /// Where in `indices` row `i` lists row `j`.
    fn find(&self, i: usize, j: u32) -> Option<usize> {
        self.of(i).binary_search(&j).ok().map(|at| self.indptr[i] + at)
    }
}

/// [`squared_distance`] of every row to those it lists, as the lists stand; the rows are gone through in `order`, which
/// the result does not depend on.
pub(crate) fn listed_distances(rows: Rows, lists: &PairLists, order: &[u32]) -> Vec<f32> {
    let fair = order.len().div_ceil(4 * rayon::current_num_threads());
    let size = (KEPT_BYTES / (4 * rows.d())).min(fair).max(FEWEST);
    let computed: Vec<Vec<(usize, f32)>> = order
        .par_chunks(size)
        .map(|own| {
            // By the other row, which then comes once for all of these.
            let mut pairs: Vec<(u32, u32, usize)> = Vec::new();
            for &i in own {
                let others = lists.of(i as usize).iter().zip(lists.indptr[i as usize]..);
                let ours = |j: u32| j > i || lists.find(j as usize, i).is_none();
                pairs.extend(others.filter(|&(&j, _)| ours(j)).map(|(&j, at)| (j, i, at)));
            }
            pairs.sort_unstable();
            let one = |(j, i, at)| (at, squared_distance(rows.row(i as usize), rows.row(j as usize)));
            pairs.into_iter().map(one).collect()
        })
        .collect();
    // What the other row of a pair computes is NaN until then: no distance is.
    let mut own = vec![f32::NAN; lists.indices.len()];
    computed.into_iter().flatten().for_each(|(at, d)| own[at] = d);
    let taken = |i: usize, at: usize| match own[at] {
        d if d.is_nan() => lists.find(lists.indices[at] as usize, i as u32).map_or(d, |at| own[at]),
        d => d,
    };
    let of = |i: usize| (lists.indptr[i]..lists.indptr[i + 1]).map(move |at| (i, at));
    let parts: Vec<Vec<f32>> = (0..lists.n().div_ceil(1024))
        .into_par_iter()
        .map(|p| (p * 1024..lists.n().min((p + 1) * 1024)).flat_map(of).map(|(i, at)| taken(i, at)).collect())
        .collect();
    parts.concat()
}
