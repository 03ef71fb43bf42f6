//! Every random choice of a run from its one seed.
//!
//! Each epoch of each phase draws from streams of its own, so an epoch can be repeated or resumed without
//! storing generator states: what it draws depends on the seed, the purpose and the epoch alone.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What random numbers are for; each purpose has its own stream.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// Initial weights.
    Weights = 1,
    /// Order of source images.
    SourceOrder = 2,
    /// Order of target images.
    TargetOrder = 3,
    /// Augmentation of source images.
    SourceImages = 4,
    /// Augmentation of target images.
    TargetImages = 5,
    /// Pre-training order.
    PretrainOrder = 6,
    /// Pre-training augmentation.
    PretrainImages = 7,
}

/// A 64-bit seed for that purpose and epoch: SplitMix64's finaliser over the three numbers.
pub fn seed(run: u64, purpose: Purpose, epoch: usize) -> u64 {
    let mix = |z: u64| {
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    let step = 0x9E37_79B9_7F4A_7C15_u64;
    let run = mix(run.wrapping_add(step));
    let purpose = mix(run ^ (purpose as u64).wrapping_mul(step));
    mix(purpose ^ (epoch as u64 + 1).wrapping_mul(step))
}

/// A generator for that purpose and epoch.
pub fn rng(run: u64, purpose: Purpose, epoch: usize) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed(run, purpose, epoch))
}
