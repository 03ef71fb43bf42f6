//! One query against the gallery: its nearest rows, and the ranks of its matches by counting, not sorting.

use super::evaluate::{EvalOptions, Identities};
use super::roc::Within;
use super::wide::{Kernel, widest};

/// Matches from which sorting the distances costs less than going through them for each.
const MANY: usize = 400;

/// The gallery, prepared for ranking.
pub(crate) struct Gallery<'a> {
    ids: Identities<'a>,
    same_camera_rule: bool,
    top: usize,
    /// Rows of pid −1: never ranked.
    dropped: Vec<u32>,
    /// The other rows by (pid, row).
    by_pid: Vec<u32>,
}

/// What one query found.
pub(crate) struct Ranked {
    pub(crate) ranks: Vec<u32>,
    pub(crate) distances: Vec<f32>,
    pub(crate) match_index: Vec<u32>,
    pub(crate) match_rank: Vec<u32>,
    pub(crate) match_distance: Vec<f32>,
}

impl Ranked {
    /// AP as the mean of precision at each match (torchreid `rank.py:138`), and in the trapezoid form of
    /// Market-1501's `compute_AP.m`; NaN without a match.
    pub(crate) fn average_precision(&self) -> (f64, f64) {
        let matches = self.match_rank.len() as f64;
        let (mut sum, mut trapezoid) = (0.0, 0.0);
        for (found, &rank) in self.match_rank.iter().enumerate() {
            let (found, rank) = (found as f64, f64::from(rank));
            let precision = (found + 1.0) / rank;
            // Precision one rank earlier; the script begins with 1.
            let before = if rank == 1.0 { 1.0 } else { found / (rank - 1.0) };
            sum += precision;
            trapezoid += (before + precision) / 2.0;
        }
        (sum / matches, trapezoid / matches)
    }
}

impl<'a> Gallery<'a> {
    pub(crate) fn new(ids: Identities<'a>, options: &EvalOptions) -> Self {
        let rows = || 0..ids.gallery_pid.len() as u32;
        let mut by_pid: Vec<u32> = rows().filter(|&g| ids.gallery_pid[g as usize] != -1).collect();
        by_pid.sort_by_key(|&g| ids.gallery_pid[g as usize]);
        Self {
            ids,
            same_camera_rule: options.same_camera_rule,
            top: options.top.min(by_pid.len()),
            dropped: rows().filter(|&g| ids.gallery_pid[g as usize] == -1).collect(),
            by_pid,
        }
    }

    /// Ranks kept a query.
    pub(crate) fn top(&self) -> usize {
        self.top
    }

    /// Pairs of a query and a gallery image of somebody else.
    pub(crate) fn pairs_of_different_people(&self) -> u64 {
        self.ids.query_pid.iter().map(|&pid| (self.by_pid.len() - self.of_pid(pid).len()) as u64).sum()
    }

    /// Leaves of a query's distances those to other people; the others become infinite.
    pub(crate) fn hide_person(&self, q: usize, row: &mut [f32]) {
        self.of_pid(self.ids.query_pid[q]).iter().for_each(|&g| row[g as usize] = f32::INFINITY);
    }

    fn of_pid(&self, pid: i32) -> &[u32] {
        let pid_at = |g: &u32| self.ids.gallery_pid[*g as usize];
        let start = self.by_pid.partition_point(|g| pid_at(g) < pid);
        let len = self.by_pid[start..].partition_point(|g| pid_at(g) == pid);
        &self.by_pid[start..start + len]
    }

    /// Ranks the gallery for query `q`, whose distances to all its rows are `row`. `keys` is scratch.
    pub(crate) fn rank(&self, q: usize, row: &mut [f32], keys: &mut Vec<u64>) -> Ranked {
        self.dropped.iter().for_each(|&g| row[g as usize] = f32::INFINITY);
        let (pid, camid) = (self.ids.query_pid[q], self.ids.query_camid[q]);
        let hidden = |g: &u32| self.same_camera_rule && self.ids.gallery_camid[*g as usize] == camid;
        let (mut hidden, mut matches): (Vec<u32>, Vec<u32>) = self.of_pid(pid).iter().partition(|g| hidden(g));
        let by_distance = |g: &u32| key(row[*g as usize], *g);
        hidden.sort_unstable_by_key(by_distance);
        matches.sort_unstable_by_key(by_distance);
        let mut match_rank = vec![1u32; matches.len()];
        if matches.len() < MANY {
            widest(Before { row, matches: &matches, counts: &mut match_rank });
        } else {
            before_sorted(row, &matches, &mut match_rank);
        }
        let mut unseen = 0;
        for (rank, &m) in match_rank.iter_mut().zip(&matches) {
            let own = by_distance(&m);
            unseen += hidden[unseen..].iter().take_while(|g| by_distance(g) < own).count();
            *rank -= unseen as u32;
        }
        nearest(row, self.top, keys);
        Ranked {
            ranks: keys.iter().map(|&k| k as u32).collect(),
            distances: keys.iter().map(|&k| row[(k as u32) as usize]).collect(),
            match_distance: matches.iter().map(|&m| row[m as usize]).collect(),
            match_index: matches,
            match_rank,
        }
    }
}

/// Sorts by (distance, index): the sign bit is turned so that negative distances come first.
fn key(distance: f32, index: u32) -> u64 {
    let bits = (distance + 0.0).to_bits();
    let ordered = if bits >> 31 == 1 { !bits } else { bits | 1 << 31 };
    u64::from(ordered) << 32 | u64::from(index)
}

/// Adds to the count of each match how many of a query's distances come before its own by (distance, index).
struct Before<'a> {
    row: &'a [f32],
    matches: &'a [u32],
    counts: &'a mut [u32],
}

impl Kernel for Before<'_> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self { row, matches, counts } = self;
        // All matches look at one run, which is in the nearest cache then.
        for (r, run) in row.chunks(RUN).enumerate() {
            for (&m, count) in matches.iter().zip(&mut *counts) {
                let (before, after) = run.split_at((m as usize).saturating_sub(r * RUN).min(run.len()));
                let d = row[m as usize];
                *count += counted(before, |x| x <= d) + counted(after, |x| x < d);
            }
        }
    }
}

/// What [`Before`] does, for many matches.
fn before_sorted(row: &[f32], matches: &[u32], counts: &mut [u32]) {
    let order = |d: f32| (key(d, 0) >> 32) as u32;
    let mut sorted: Vec<u32> = row.iter().map(|&d| order(d)).collect();
    sorted.sort_unstable();
    for (&m, count) in matches.iter().zip(counts) {
        let d = row[m as usize];
        let nearer = sorted.partition_point(|&other| other < order(d));
        let tied = sorted.get(nearer + 1) == Some(&order(d));
        *count += nearer as u32 + if tied { row[..m as usize].iter().filter(|&&x| x == d).count() as u32 } else { 0 };
    }
}

/// Distances of a run.
const RUN: usize = 4096;

/// Summed up in `u32`, which the compiler turns into vector compares.
#[inline(always)]
fn counted(run: &[f32], test: impl Fn(f32) -> bool) -> u32 {
    run.iter().fold(0, |found: u32, &x| found.wrapping_add(u32::from(test(x))))
}

/// The keys of the `top` nearest, in order.
fn nearest(row: &[f32], top: usize, keys: &mut Vec<u64>) {
    keys.clear();
    if top == 0 {
        return;
    }
    let mut least = widest(Least(row));
    let limit =
        if least.len() < top { f32::INFINITY } else { *least.select_nth_unstable_by(top - 1, f32::total_cmp).1 };
    widest(Within { row, limit, each: |d: f32, at: usize| keys.push(key(d, at as u32)) });
    if keys.len() > top {
        keys.select_nth_unstable(top - 1);
        keys.truncate(top);
    }
    keys.sort_unstable();
}

/// The least distance of each of many parts: as many distances are no farther than the n-th of them as n says.
struct Least<'a>(&'a [f32]);

impl Kernel for Least<'_> {
    type Out = Vec<f32>;

    #[inline(always)]
    fn run(self) -> Vec<f32> {
        const LANES: usize = 16;
        const PART: usize = 16;
        let mut all = Vec::with_capacity(self.0.len() / PART + 1);
        for parts in self.0.as_chunks::<{ LANES * PART }>().0 {
            let least = parts.as_chunks::<LANES>().0.iter().fold([f32::INFINITY; LANES], |least, values| {
                std::array::from_fn(|lane| if values[lane] < least[lane] { values[lane] } else { least[lane] })
            });
            all.extend(least);
        }
        all
    }
}
