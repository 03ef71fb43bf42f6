//! The lists of an index: k-means on some of the rows, then every row at its nearest centre.

use rayon::prelude::*;

use super::scan::{Asks, Centres, Set};
use super::{Ivf, Progress, shuffle};
use crate::base::rng::Stream;
use crate::method::error::MethodError;
use crate::method::knn::near::distance_of;
use crate::method::labels::kmeans::fill_empty;
use crate::method::rows::Rows;

/// Rows of a list that its centre is made of, about.
const TAUGHT: usize = 64;
/// Rounds of Lloyd's iteration. Lists need no more than to be even and compact.
const ROUNDS: usize = 10;

/// Rows that k-means goes through, all rounds together.
pub(super) fn rounds(n: usize, lists: usize) -> u64 {
    (ROUNDS * n.min(TAUGHT * lists.clamp(1, n))) as u64
}

/// Rows by their nearest centre.
pub(super) struct InvertedLists {
    centres: Vec<f32>,
    /// `[lists + 1]`: where the rows of each list begin.
    indptr: Vec<usize>,
    /// All rows, list by list, ascending within each.
    rows: Vec<u32>,
}

impl InvertedLists {
    pub(super) fn made(set: &Set, ivf: Ivf, progress: &Progress) -> Result<Self, MethodError> {
        let (n, d) = (set.rows.n(), set.rows.d());
        let count = ivf.lists.clamp(1, n);
        let mut stream = Stream::new(ivf.seed, "inverted file");
        let mut taught: Vec<u32> = (0..n as u32).collect();
        shuffle(&mut taught, TAUGHT * count, &mut stream);
        taught.truncate(TAUGHT * count);
        let mut centres: Vec<f32> = Vec::with_capacity(count * d);
        taught[..count].iter().for_each(|&i| centres.extend_from_slice(set.rows.row(i as usize)));
        taught.sort_unstable();
        let mut labels = Vec::new();
        for _ in 0..ROUNDS {
            let (mut new, far) = nearest(set, &taught, &centres, progress)?;
            fill_empty(&mut new, &far, count);
            progress.done(taught.len())?;
            if new == labels {
                break;
            }
            labels = new;
            centres = means(set.rows, &taught, &labels, count);
        }
        drop(taught);
        let everyone: Vec<u32> = (0..n as u32).collect();
        let (labels, _) = nearest(set, &everyone, &centres, progress)?;
        progress.done(n)?;
        let (indptr, rows) = by_label(&everyone, &labels, count);
        Ok(Self { centres, indptr, rows })
    }

    pub(super) fn count(&self) -> usize {
        self.indptr.len() - 1
    }

    /// All rows, list by list.
    pub(super) fn all(&self) -> &[u32] {
        &self.rows
    }

    /// The rows of each list.
    pub(super) fn members(&self) -> Vec<&[u32]> {
        self.indptr.windows(2).map(|w| &self.rows[w[0]..w[1]]).collect()
    }

    /// The lists that each of `ids` is looked up in: those of its `probes` nearest centres, and of further ones until
    /// they hold `k` rows.
    pub(super) fn asked_by(
        &self,
        set: &Set,
        ids: &[u32],
        probes: usize,
        k: usize,
        progress: &Progress,
    ) -> Result<Asks, MethodError> {
        let centres = Centres::new(set, &self.centres)?;
        let size = |list: u64| self.indptr[list as u32 as usize + 1] - self.indptr[list as u32 as usize];
        let mut asked: Vec<Vec<u32>> = vec![Vec::new(); ids.len()];
        let mut short: Vec<usize> = (0..ids.len()).collect();
        let mut wanted = probes;
        while !short.is_empty() {
            let own: Vec<u32> = short.iter().map(|&at| ids[at]).collect();
            let keys = centres.nearest(set, &own, wanted, progress)?;
            let mut still = Vec::new();
            for (&at, keys) in short.iter().zip(keys.chunks_exact(wanted)) {
                let mut held = 0;
                let enough = keys.iter().enumerate().position(|(o, &list)| {
                    held += size(list);
                    held >= k && o + 1 >= probes
                });
                match enough {
                    Some(last) => asked[at] = keys[..=last].iter().map(|&key| key as u32).collect(),
                    None => still.push(at),
                }
            }
            short = still;
            // All lists together hold all rows.
            wanted = (2 * wanted).min(self.count());
        }
        Ok(Asks::new(&asked))
    }
}

/// The nearest centre of each of `ids`, the first among equals, and its squared distance.
fn nearest(set: &Set, ids: &[u32], centres: &[f32], progress: &Progress) -> Result<(Vec<i32>, Vec<f32>), MethodError> {
    let keys = Centres::new(set, centres)?.nearest(set, ids, 1, progress)?;
    Ok(keys.into_iter().map(|key| (key as u32 as i32, distance_of(key))).unzip())
}

/// Where the rows of each label begin, and the rows by label, in their order.
fn by_label(ids: &[u32], labels: &[i32], count: usize) -> (Vec<usize>, Vec<u32>) {
    let mut indptr = vec![0usize; count + 1];
    labels.iter().for_each(|&l| indptr[l as usize + 1] += 1);
    for list in 0..count {
        indptr[list + 1] += indptr[list];
    }
    let mut next = indptr.clone();
    let mut rows = vec![0u32; ids.len()];
    for (&i, &l) in ids.iter().zip(labels) {
        rows[next[l as usize]] = i;
        next[l as usize] += 1;
    }
    (indptr, rows)
}

/// The mean of the rows of each label, none of which is empty.
fn means(rows: Rows, ids: &[u32], labels: &[i32], count: usize) -> Vec<f32> {
    let d = rows.d();
    let (indptr, members) = by_label(ids, labels, count);
    let mut centres = vec![0.0f32; count * d];
    centres.par_chunks_exact_mut(d).enumerate().for_each_init(
        || vec![0.0f64; d],
        |sum, (list, centre)| {
            let own = &members[indptr[list]..indptr[list + 1]];
            sum.fill(0.0);
            for &i in own {
                sum.iter_mut().zip(rows.row(i as usize)).for_each(|(s, &x)| *s += f64::from(x));
            }
            centre.iter_mut().zip(&*sum).for_each(|(c, s)| *c = (s / own.len().max(1) as f64) as f32);
        },
    );
    centres
}
