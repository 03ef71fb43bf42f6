//! Verification: at how many false accepts how many true pairs are accepted, without holding all distances.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use super::wide::{Kernel, widest};

/// False accept rates at which the share of true pairs is told: of pairs of different people that share is taken for
/// one person.
pub const FALSE_ACCEPTS: [f64; 2] = [1e-3, 1e-2];

/// Spare distances beside the wanted ones before the buffer is thinned out.
const SPARE: usize = 1 << 16;

/// The nearest pairs of different people, as many as the loosest of [`FALSE_ACCEPTS`] needs: at most a hundredth of all
/// pairs, twice over.
pub(crate) struct Impostors {
    pairs: u64,
    keep: usize,
    /// Nothing farther than this is among those kept, as [`key`].
    bound: AtomicU32,
    nearest: Mutex<Vec<u32>>,
}

impl Impostors {
    /// For that many pairs of different people.
    pub(crate) fn new(pairs: u64) -> Self {
        let keep = accepted(pairs, FALSE_ACCEPTS[1]) + 1;
        Self { pairs, keep, bound: AtomicU32::new(u32::MAX), nearest: Mutex::default() }
    }

    /// Takes the distances of one query; those that are infinite are of nobody else.
    pub(crate) fn add(&self, row: &[f32]) {
        let bound = self.bound.load(Ordering::Relaxed);
        let limit = value(bound);
        let mut near: Vec<u32> = Vec::new();
        widest(Within { row, limit, each: |d: f32, _| near.push(key(d)) });
        if near.is_empty() {
            return;
        }
        let mut nearest = self.nearest.lock().unwrap_or_else(PoisonError::into_inner);
        nearest.extend(near);
        if nearest.len() >= 2 * self.keep + SPARE {
            let (_, last, _) = nearest.select_nth_unstable(self.keep - 1);
            self.bound.store(*last, Ordering::Relaxed);
            nearest.truncate(self.keep);
        }
    }

    /// The shares of true pairs, of these distances, that are accepted at each of [`FALSE_ACCEPTS`]: by the largest
    /// threshold that lets no more impostors through. `None` where there are no pairs of the one or the other kind.
    pub(crate) fn accepts(self, matches: &[f32]) -> Option<[f64; 2]> {
        let mut nearest = self.nearest.into_inner().unwrap_or_else(PoisonError::into_inner);
        if self.pairs == 0 || matches.is_empty() {
            return None;
        }
        Some(FALSE_ACCEPTS.map(|rate| {
            let at = accepted(self.pairs, rate);
            let first_refused = if at < nearest.len() { *nearest.select_nth_unstable(at).1 } else { u32::MAX };
            let hits = matches.iter().filter(|&&d| key(d) < first_refused).count();
            hits as f64 / matches.len() as f64
        }))
    }
}

/// Distances compared at once.
const LANES: usize = 16;

/// Finite distances of at most `limit`, and where they stand, in order.
pub(crate) struct Within<'a, F> {
    pub(crate) row: &'a [f32],
    pub(crate) limit: f32,
    pub(crate) each: F,
}

impl<F: FnMut(f32, usize)> Kernel for Within<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self { row, limit, mut each } = self;
        let limit = if limit < f32::MAX { limit } else { f32::MAX };
        let (head, tail) = row.as_chunks::<LANES>();
        for (c, chunk) in head.iter().enumerate() {
            // One byte each, so that the few are found by counting zeros.
            let mut left = u128::from_le_bytes(std::array::from_fn(|o| u8::from(chunk[o] <= limit)));
            while left != 0 {
                let o = left.trailing_zeros() as usize / 8;
                left &= left - 1;
                each(chunk[o], c * LANES + o);
            }
        }
        let start = head.len() * LANES;
        tail.iter().enumerate().filter(|(_, d)| **d <= limit).for_each(|(o, &d)| each(d, start + o));
    }
}

/// How many of the pairs may be accepted.
fn accepted(pairs: u64, rate: f64) -> usize {
    (pairs as f64 * rate).floor() as usize
}

/// Ordered as the distance is.
fn key(distance: f32) -> u32 {
    let bits = (distance + 0.0).to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

/// The distance behind a key; at least infinity for the largest.
fn value(key: u32) -> f32 {
    match key {
        u32::MAX => f32::INFINITY,
        _ if key >> 31 == 1 => f32::from_bits(key & !(1 << 31)),
        _ => f32::from_bits(!key),
    }
}
