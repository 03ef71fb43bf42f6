//! Nearest neighbours by an inverted file (Sivic and Zisserman 2003; Jégou et al. 2011): rows stand in lists by their
//! nearest of some k-means centres, and a row is compared with those in the lists of the centres nearest to itself, its
//! *probes*, alone.
//!
//! Which lists are looked at is the only approximation. Within them distances are those of [`super::knn`], found by the
//! same two passes, so that with as many probes as there are lists the result equals the exact one to the bit. Centres
//! are compared exactly, too, hence the result depends neither on the number of threads nor on the processor, only on
//! the seed. What the probes miss is measured by [`recall`].
//!
//! Beside the features it holds no second copy of them: rows are rounded batch by batch.

mod centres;
mod scan;

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::error::{MethodError, Tick};
use super::knn::near::distance_of;
use super::knn::{FirstPass, Neighbours};
use super::rows::Rows;
use crate::base::rng::Stream;
use centres::InvertedLists;
use scan::{Asks, Set};

/// Pairs of a row and a list that are held at once, at most; a batch has rows accordingly.
const PAIRS: usize = 1 << 22;
/// Rows of a batch: at most, so that what is found of them so far stays small, and at least, so that lists are worth
/// rounding.
const BATCH: std::ops::RangeInclusive<usize> = 4_096..=65_536;
/// Rows that are also searched among all others, to say what was missed.
pub const SAMPLE: usize = 1_000;

/// How rows are listed and looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ivf {
    /// Lists; clamped to 1..=N.
    pub lists: usize,
    /// Lists that a row is looked up in; clamped to 1..=`lists`.
    pub probes: usize,
    /// What k-means begins with is drawn by it.
    pub seed: u64,
}

impl Ivf {
    /// As many lists as 4√N, which makes finding the lists and going through a few of them cost about as much.
    pub fn of(n: usize, probes: usize, seed: u64) -> Self {
        Self { lists: (4.0 * (n as f64).sqrt()).round() as usize, probes, seed }
    }
}

/// What an index left out, measured on some of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recall {
    /// Rows that were searched exactly, too.
    pub sampled: usize,
    /// Neighbours asked for a row, itself counted.
    pub k: usize,
    /// The share of their true neighbours that was found, themselves not counted; 1 where there are none.
    pub recall: f64,
}

/// How neighbours were found by an index, and how well.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct IndexUse {
    /// Lists of the index.
    pub lists: usize,
    /// Lists that each row was looked up in.
    pub probes: usize,
    /// What that left out.
    #[serde(flatten)]
    pub measured: Recall,
}

/// The `k` nearest rows of every row among those in its probed lists, as [`super::knn::neighbours`] gives them. A row
/// whose lists hold fewer than k looks into further ones. `tick` counts rows, several times over.
///
/// # Errors
/// When a row is not finite, or `tick` cancels.
pub fn neighbours(rows: Rows, k: usize, ivf: Ivf, tick: Tick) -> Result<Neighbours, MethodError> {
    neighbours_by(FirstPass::Rounded, rows, k, ivf, tick)
}

/// [`neighbours`], by another first pass: to compare them.
///
/// # Errors
/// As [`neighbours`].
pub fn neighbours_by(pass: FirstPass, rows: Rows, k: usize, ivf: Ivf, tick: Tick) -> Result<Neighbours, MethodError> {
    let n = rows.n();
    let k = k.clamp(1, n.max(1)).min(n);
    let mut found = Neighbours { n, k, index: vec![0; n * k], dist: vec![0.0; n * k] };
    if n == 0 {
        return Ok(found);
    }
    let set = Set::new(pass, rows)?;
    let progress = Progress::new(tick, centres::rounds(n, ivf.lists) + 2 * n as u64);
    let lists = InvertedLists::made(&set, ivf, &progress)?;
    let probes = ivf.probes.clamp(1, lists.count());
    let size = (PAIRS / probes).clamp(*BATCH.start(), *BATCH.end());
    // Rows of one list after the other: they look into much the same lists.
    for batch in lists.all().chunks(size) {
        let asks = lists.asked_by(&set, batch, probes, k, &progress)?;
        let keys = scan::by_lists(&set, batch, &lists.members(), &asks, k - 1, &progress)?;
        for (&i, keys) in batch.iter().zip(&keys) {
            let at = i as usize * k;
            found.index[at] = i;
            for (o, &key) in keys.iter().enumerate() {
                (found.index[at + 1 + o], found.dist[at + 1 + o]) = (key as u32, distance_of(key));
            }
        }
        progress.done(batch.len())?;
    }
    Ok(found)
}

/// The share of true neighbours among the first `k` of `found`, by an exact search for `sample` rows that `seed` draws.
///
/// # Errors
/// As [`neighbours`], and when `found` is of other rows.
pub fn recall(
    rows: Rows,
    found: &Neighbours,
    k: usize,
    sample: usize,
    seed: u64,
    tick: Tick,
) -> Result<Recall, MethodError> {
    let n = rows.n();
    if found.n != n {
        return Err(MethodError::shape("neighbours", format!("lists of {n} rows"), found.n));
    }
    let k = k.min(found.k);
    let drawn = drawn(n, sample, &mut Stream::new(seed, "recall"));
    if k < 2 || drawn.is_empty() {
        return Ok(Recall { sampled: drawn.len(), k, recall: 1.0 });
    }
    let set = Set::new(FirstPass::Rounded, rows)?;
    let everyone: Vec<u32> = (0..n as u32).collect();
    let pieces = scan::pieces(&everyone);
    let progress = Progress::new(tick, pieces.len() as u64);
    let keys = scan::by_lists(&set, &drawn, &pieces, &Asks::all(drawn.len(), pieces.len()), k - 1, &progress)?;
    let both = |(&i, keys): (&u32, &Vec<u64>)| {
        let own = &found.of(i as usize)[1..k];
        keys.iter().filter(|&&key| own.contains(&(key as u32))).count()
    };
    let hits: usize = drawn.iter().zip(&keys).map(both).sum();
    Ok(Recall { sampled: drawn.len(), k, recall: hits as f64 / (drawn.len() * (k - 1)) as f64 })
}

/// `count` of the numbers below `n`, or all of them, ascending.
fn drawn(n: usize, count: usize, stream: &mut Stream) -> Vec<u32> {
    let mut all: Vec<u32> = (0..n as u32).collect();
    if count < n {
        shuffle(&mut all, count, stream);
        all.truncate(count);
        all.sort_unstable();
    }
    all
}

/// Puts `count` of `all`, drawn without replacement, in front.
fn shuffle(all: &mut [u32], count: usize, stream: &mut Stream) {
    for at in 0..count.min(all.len()) {
        let left = all.len() - at;
        let other = at + ((stream.uniform() * left as f64) as usize).min(left - 1);
        all.swap(at, other);
    }
}

/// How far a search is, for whoever may end it.
struct Progress<'a> {
    tick: Tick<'a>,
    done: AtomicU64,
    total: u64,
}

impl<'a> Progress<'a> {
    fn new(tick: Tick<'a>, total: u64) -> Self {
        Self { tick, done: AtomicU64::new(0), total }
    }

    /// Counts `units`.
    fn done(&self, units: usize) -> Result<(), MethodError> {
        self.done.fetch_add(units as u64, Ordering::Relaxed);
        self.goes_on().then_some(()).ok_or(MethodError::Cancelled)
    }

    /// Whether nobody gave it up.
    fn goes_on(&self) -> bool {
        (self.tick)(self.done.load(Ordering::Relaxed).min(self.total), self.total)
    }
}
