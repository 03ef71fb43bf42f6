//! Numbers that look random and are the same everywhere.

/// Numbers in −1..1.
pub fn noise(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
}

/// `[n, d]` of them.
pub fn isotropic(n: usize, d: usize, seed: u64) -> Vec<f32> {
    let mut next = noise(seed);
    (0..n * d).map(|_| next()).collect()
}
