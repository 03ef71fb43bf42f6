//! Features of people who do not exist, for clustering without images: to the bit those of the reference's
//! generator (`gen_features.py`), integers throughout until one square root, one division and one rounding.
//!
//! A feature is a sum of a person's, a camera's and its own Gaussian numbers in `r` dimensions, spread over `d`
//! by a fixed matrix of signs, with noise of its own in every dimension, brought to unit length.

use rayon::prelude::*;
use serde::Deserialize;

use crate::base::rng::{STEP, finish};

/// What to make; the letters are those of the reference's generator.
#[derive(Clone, Copy, Debug, Deserialize)]
#[allow(non_snake_case)]
pub struct FeatureSpec {
    /// The same seed gives the same bits.
    pub seed: u64,
    /// Images.
    pub n: usize,
    /// Numbers a feature.
    pub d: usize,
    /// Dimensions that people differ in.
    pub r: usize,
    /// Least images of a person.
    pub lo: u64,
    /// Most images of a person.
    pub hi: u64,
    /// Images of people who are seen once.
    pub n_out: usize,
    /// How far people lie apart.
    pub A: i64,
    /// How far the images of a person lie apart.
    pub B: i64,
    /// How much a camera moves all its images.
    pub C: i64,
    /// Noise of each number.
    pub D: i64,
    /// Cameras.
    pub n_cams: u64,
}

impl FeatureSpec {
    /// The reference's case at Market-1501's size, with as large a share of people seen once at other sizes.
    pub fn market(n: usize, d: usize) -> Self {
        let n_out = n * 970 / 12_936;
        Self { seed: 1501, n, d, r: 32, lo: 2, hi: 32, n_out, A: 10, B: 8, C: 4, D: 6, n_cams: 6 }
    }
}

/// Features `[n, d]` with their identities (−1: an outlier) and cameras.
pub struct Generated {
    /// `[n, d]`, unit length.
    pub features: Vec<f32>,
    /// `[n]`; −1 for an image of someone who is seen once.
    pub pid: Vec<i32>,
    /// `[n]`, 0-based.
    pub camid: Vec<i32>,
}

/// The key of a stream.
pub fn key(seed: u64, stream: u64) -> u64 {
    finish(seed.wrapping_mul(0xD134_2543_DE82_EF95).wrapping_add(stream.wrapping_mul(STEP)).wrapping_add(1))
}

/// Number `i` of a stream, 64 bits.
pub fn word(seed: u64, stream: u64, i: u64) -> u64 {
    finish(key(seed, stream).wrapping_add((i + 1).wrapping_mul(STEP)))
}

/// Number `i` of a stream of nearly Gaussian integers: twelve uniform ones of 16 bits, their mean taken off.
pub fn gauss(seed: u64, stream: u64, i: u64) -> i64 {
    let lanes = |w: u64| (w & 0xffff) + (w >> 16 & 0xffff) + (w >> 32 & 0xffff) + (w >> 48);
    (0..3).map(|o| lanes(word(seed, stream, 3 * i + o)) as i64).sum::<i64>() - 393_210
}

/// The features of `s`.
pub fn generate(s: &FeatureSpec) -> Generated {
    let n_in = s.n - s.n_out;
    let mut sorted: Vec<i32> = Vec::new();
    let mut ids = 0;
    while sorted.len() < n_in {
        let size = s.lo + word(s.seed, 6, ids as u64) % (s.hi - s.lo + 1);
        sorted.extend(std::iter::repeat_n(ids, size as usize));
        ids += 1;
    }
    sorted.truncate(n_in);
    let ids = sorted.last().map_or(0, |&top| top as usize + 1);
    let mut order: Vec<usize> = (0..s.n).collect();
    order.sort_by_key(|&i| (word(s.seed, 8, i as u64), i));
    let pid: Vec<i32> = order.iter().map(|&i| sorted.get(i).copied().unwrap_or(-1)).collect();
    let centre: Vec<usize> =
        order.iter().map(|&i| if i < n_in { sorted[i] as usize } else { ids + i - n_in }).collect();
    let camid: Vec<i32> = (0..s.n).map(|i| (word(s.seed, 7, i as u64) % s.n_cams) as i32).collect();
    let signs: Vec<f64> = (0..s.r * s.d).map(|i| if word(s.seed, 5, i as u64) & 1 == 1 { 1.0 } else { -1.0 }).collect();
    let mut features = vec![0.0f32; s.n * s.d];
    features.par_chunks_exact_mut(s.d).enumerate().for_each(|(i, row)| {
        // All of it is exact in f64: |x| stays far below 2^53.
        let mut x = vec![0.0f64; s.d];
        for j in 0..s.r {
            let at = |stream: u64, row: usize| gauss(s.seed, stream, (row * s.r + j) as u64);
            let z = (s.A * at(1, centre[i]) + s.C * at(2, camid[i] as usize) + s.B * at(3, i)) as f64;
            x.iter_mut().zip(&signs[j * s.d..]).for_each(|(x, sign)| *x += z * sign);
        }
        if s.D != 0 {
            for (k, x) in x.iter_mut().enumerate() {
                *x += (s.D * gauss(s.seed, 4, (i * s.d + k) as u64)) as f64;
            }
        }
        let length = (x.iter().map(|&x| (x as i64) * (x as i64)).sum::<i64>() as f64).sqrt();
        row.iter_mut().zip(&x).for_each(|(f, x)| *f = (x / length) as f32);
    });
    Generated { features, pid, camid }
}
