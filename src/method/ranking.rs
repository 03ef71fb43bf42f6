//! One query against the gallery: its nearest rows, and the ranks of its matches by counting, not sorting.

use super::evaluate::{EvalOptions, Identities};
use super::wide::{Kernel, widest};

/// Spare keys beside the wanted ones before the buffer is thinned out.
const SPARE: usize = 256;

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
        let (hidden, mut matches): (Vec<u32>, Vec<u32>) = self.of_pid(pid).iter().partition(|g| hidden(g));
        matches.sort_unstable_by_key(|&g| key(row[g as usize], g));
        let match_rank = matches.iter().map(|&m| {
            let d = row[m as usize];
            let before = widest(Before { row, at: m as usize });
            let own = key(d, m);
            let unseen = hidden.iter().filter(|&&g| key(row[g as usize], g) < own).count();
            (before - unseen + 1) as u32
        });
        let match_rank = match_rank.collect();
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

/// How many of a query's distances come before the one `at` by (distance, index).
struct Before<'a> {
    row: &'a [f32],
    at: usize,
}

impl Kernel for Before<'_> {
    type Out = usize;

    #[inline(always)]
    fn run(self) -> usize {
        let (head, tail) = self.row.split_at(self.at);
        let d = self.row[self.at];
        count(head, |x| x <= d) + count(tail, |x| x < d)
    }
}

/// Counted in short runs of `u32`, which the compiler turns into vector compares.
#[inline(always)]
fn count(row: &[f32], test: impl Fn(f32) -> bool) -> usize {
    let mut all = 0;
    for run in row.chunks(4096) {
        let mut found = 0u32;
        for &x in run {
            found = found.wrapping_add(u32::from(test(x)));
        }
        all += found as usize;
    }
    all
}

/// The keys of the `top` nearest, in order.
fn nearest(row: &[f32], top: usize, keys: &mut Vec<u64>) {
    keys.clear();
    if top == 0 {
        return;
    }
    let mut bound = f32::INFINITY;
    for (c, chunk) in row.chunks(16).enumerate() {
        if !chunk.iter().fold(false, |any, &d| any | (d <= bound)) {
            continue;
        }
        for (o, &d) in chunk.iter().enumerate() {
            if d <= bound && d < f32::INFINITY {
                keys.push(key(d, (c * 16 + o) as u32));
            }
        }
        if keys.len() >= 2 * top + SPARE {
            let (_, last, _) = keys.select_nth_unstable(top - 1);
            bound = row[(*last as u32) as usize];
            keys.truncate(top);
        }
    }
    keys.sort_unstable();
    keys.truncate(top);
}
