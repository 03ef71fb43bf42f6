//! Every random choice of a run from its one seed.
//!
//! Each epoch of each phase draws from streams of its own, so an epoch can be repeated or resumed without
//! storing generator states: what it draws depends on the seed, the purpose and the epoch alone.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::base::rng::{STEP, finish, mix};

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

/// A 64-bit seed for that purpose and epoch, mixed of the three numbers.
pub fn seed(run: u64, purpose: Purpose, epoch: usize) -> u64 {
    let purpose = finish(mix(run) ^ (purpose as u64).wrapping_mul(STEP));
    finish(purpose ^ (epoch as u64 + 1).wrapping_mul(STEP))
}

/// A generator for that purpose and epoch.
pub fn rng(run: u64, purpose: Purpose, epoch: usize) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed(run, purpose, epoch))
}
