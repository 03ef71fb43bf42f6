//! Seeded streams of random numbers: one for each purpose, so that no draw depends on threads or order.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// One step of SplitMix64: every input bit reaches every output bit.
pub fn mix(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The stream that `seed` and a path of numbers name; streams of different paths are independent.
pub fn stream(seed: u64, path: &[u64]) -> ChaCha8Rng {
    let state = path.iter().fold(mix(seed), |s, &p| mix(s.rotate_left(23) ^ mix(p)));
    ChaCha8Rng::seed_from_u64(state)
}
