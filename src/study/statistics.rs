//! Whether a difference between two runs is more than chance: paired tests over queries, spread over seeds.
//!
//! Pure functions. What is drawn depends on the seed alone, not on how many threads draw.

use rayon::prelude::*;
use serde::Serialize;

use crate::base::rng::{Fnv, mix};

/// Draws of the bootstrap and of the permutation test.
pub const DRAWS: usize = 10_000;

/// Share of the draws that an interval holds.
pub const LEVEL: f64 = 0.95;

/// Largest number of pairs whose sign patterns are all tried rather than drawn.
const ALL_SIGNS: usize = 13;

/// A paired difference with what chance alone would give.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Paired {
    /// Pairs that both sides have a value for.
    pub pairs: usize,
    /// Independent units that were drawn: the pairs themselves, or the groups that they fall into.
    pub units: usize,
    /// Mean difference.
    pub mean: f64,
    /// Percentile bootstrap interval of the mean at [`LEVEL`].
    pub interval: [f64; 2],
    /// Two-sided p-value of the sign-flip permutation test of "no difference".
    pub p: f64,
    /// Sign patterns that were tried; all there are where `exact`.
    pub patterns: usize,
    /// Whether every sign pattern was tried, so that `p` has no error of its own.
    pub exact: bool,
    /// Pairs with a positive difference.
    pub won: usize,
    /// Pairs with a negative difference.
    pub lost: usize,
}

/// Tests paired differences `[n]`; a pair that is not a number is left out, and `None` is the answer where none is
/// left.
///
/// `groups` `[n]` names what each pair belongs to where pairs are not independent of one another, as the queries of
/// one person are: groups are then drawn whole, and change sign together.
///
/// The interval is that of the percentile bootstrap (Efron 1979) over [`DRAWS`] draws. The p-value counts the sign
/// patterns whose mean is at least as far from 0 as the observed one (Fisher 1935): all of them for up to 13 units,
/// else [`DRAWS`] drawn ones and the observed one itself.
pub fn paired(differences: &[f64], groups: Option<&[i32]>, seed: u64) -> Option<Paired> {
    let kept: Vec<(i32, f64)> = differences
        .iter()
        .enumerate()
        .filter(|(_, d)| d.is_finite())
        .map(|(i, &d)| (groups.and_then(|g| g.get(i)).copied().unwrap_or(i as i32), d))
        .collect();
    if kept.is_empty() {
        return None;
    }
    let units = units(&kept);
    let pairs = kept.len();
    let mean = kept.iter().map(|(_, d)| d).sum::<f64>() / pairs as f64;
    let sums: Vec<f64> = units.iter().map(|u| u.sum).collect();
    let (p, patterns, exact) = sign_flips(&sums, seed);
    Some(Paired {
        pairs,
        units: units.len(),
        mean,
        interval: bootstrap(&units, seed),
        p,
        patterns,
        exact,
        won: kept.iter().filter(|(_, d)| *d > 0.0).count(),
        lost: kept.iter().filter(|(_, d)| *d < 0.0).count(),
    })
}

/// What is drawn as one.
#[derive(Clone, Copy)]
struct Unit {
    sum: f64,
    pairs: f64,
}

fn units(kept: &[(i32, f64)]) -> Vec<Unit> {
    let mut sorted = kept.to_vec();
    sorted.sort_by_key(|(group, _)| *group);
    sorted
        .chunk_by(|a, b| a.0 == b.0)
        .map(|c| Unit { sum: c.iter().map(|(_, d)| d).sum(), pairs: c.len() as f64 })
        .collect()
}

/// The word of a draw: any draw can be made without those before it.
fn word(seed: u64, purpose: u64, draw: usize, at: usize) -> u64 {
    mix(mix(mix(seed ^ purpose).wrapping_add(draw as u64)).wrapping_add(at as u64))
}

fn bootstrap(units: &[Unit], seed: u64) -> [f64; 2] {
    let n = units.len();
    let mut means: Vec<f64> = (0..DRAWS)
        .into_par_iter()
        .map(|draw| {
            let (mut sum, mut pairs) = (0.0, 0.0);
            for half in 0..n.div_ceil(2) {
                let word = word(seed, 0xB007, draw, half);
                // Two draws a word: the upper part of a 32-bit number times n is uniform below n.
                for bits in [word >> 32, word & 0xFFFF_FFFF].into_iter().take(n - 2 * half) {
                    let unit = units[((bits * n as u64) >> 32) as usize];
                    sum += unit.sum;
                    pairs += unit.pairs;
                }
            }
            sum / pairs
        })
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    let tail = (1.0 - LEVEL) / 2.0;
    [quantile(&means, tail), quantile(&means, 1.0 - tail)]
}

/// The quantile of ascending values, between neighbours in proportion (numpy's and R's default).
pub fn quantile(ascending: &[f64], share: f64) -> f64 {
    let at = share.clamp(0.0, 1.0) * (ascending.len().saturating_sub(1)) as f64;
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    let value = |i: usize| ascending.get(i).copied().unwrap_or(f64::NAN);
    value(low) + (at - at.floor()) * (value(high) - value(low))
}

fn sign_flips(sums: &[f64], seed: u64) -> (f64, usize, bool) {
    let observed = sums.iter().sum::<f64>().abs();
    // The same patterns summed in another order may differ in the last bits; they count as equal.
    let bound = observed - 1e-12 * sums.iter().map(|s| s.abs()).sum::<f64>();
    let reaches = |total: f64| usize::from(total.abs() >= bound);
    if sums.len() <= ALL_SIGNS {
        let all = 1usize << sums.len();
        let flipped = |pattern: usize| -> f64 {
            sums.iter().enumerate().map(|(i, s)| if pattern >> i & 1 == 1 { -s } else { *s }).sum()
        };
        let count: usize = (0..all).map(|pattern| reaches(flipped(pattern))).sum();
        return (count as f64 / all as f64, all, true);
    }
    let count: usize = (0..DRAWS)
        .into_par_iter()
        .map(|draw| {
            let mut total = 0.0;
            for (block, chunk) in sums.chunks(64).enumerate() {
                let mut bits = word(seed, 0x51C4, draw, block);
                for s in chunk {
                    total += if bits & 1 == 1 { -s } else { *s };
                    bits >>= 1;
                }
            }
            reaches(total)
        })
        .sum();
    ((count + 1) as f64 / (DRAWS + 1) as f64, DRAWS, false)
}

/// Several values of one thing, as over seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// How many.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Standard deviation with n − 1; `None` for a single value.
    pub deviation: Option<f64>,
    /// Student's t interval of the mean at [`LEVEL`]; `None` for a single value.
    pub interval: Option<[f64; 2]>,
}

/// Mean, deviation and interval of the values that are numbers; `None` where there is none.
pub fn spread(values: &[f64]) -> Option<Spread> {
    let values: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    let n = values.len();
    if n == 0 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / n as f64;
    if n == 1 {
        return Some(Spread { n, mean, deviation: None, interval: None });
    }
    let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1) as f64).sqrt();
    let half = student_quantile(0.5 + LEVEL / 2.0, (n - 1) as f64) * deviation / (n as f64).sqrt();
    Some(Spread { n, mean, deviation: Some(deviation), interval: Some([mean - half, mean + half]) })
}

/// The quantile of Student's t distribution at `share` above one half.
fn student_quantile(share: f64, freedom: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while student_below(high, freedom) < share && high < 1e12 {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if student_below(middle, freedom) < share {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// The share of Student's t distribution below `t` ≥ 0.
fn student_below(t: f64, freedom: f64) -> f64 {
    1.0 - 0.5 * incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + t * t))
}

/// The regularised incomplete beta function by Lentz's continued fraction (Abramowitz and Stegun 26.5.8).
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (1.0 - x).ln()).exp() / a;
    let small = |v: f64| if v.abs() < 1e-300 { 1e-300 } else { v };
    let (mut c, mut d) = (1.0, 1.0 / small(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for m in 1..500 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        for term in [even, odd] {
            d = 1.0 / small(1.0 + term * d);
            c = small(1.0 + term / c);
            fraction *= c * d;
        }
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    front * fraction
}

/// Logarithm of the gamma function by Lanczos' sum (g = 7, nine terms), for x > 0.
fn ln_gamma(x: f64) -> f64 {
    const TERMS: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        return (std::f64::consts::PI / (std::f64::consts::PI * x).sin()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let sum = (1..).zip(TERMS).fold(0.999_999_999_999_809_9, |sum, (i, term)| sum + term / (x + f64::from(i)));
    let t = x + 7.5;
    0.5 * std::f64::consts::TAU.ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

/// A seed that a comparison names itself: the same two runs give the same interval today and tomorrow.
pub fn seed_of(text: &str) -> u64 {
    let mut hash = Fnv::new();
    hash.eat_field(text.as_bytes());
    mix(hash.value())
}
