//! Seeded streams of random numbers: one for each purpose, so that no draw depends on threads or order.
//!
//! What is drawn from them stands in run folders, drawn datasets and golden files: the values are fixed to the bit.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The step of SplitMix64: 2⁶⁴ divided by the golden ratio.
pub const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finaliser of SplitMix64: every input bit reaches every output bit.
pub fn finish(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// One step of SplitMix64 from the state `x`: its output.
pub fn mix(x: u64) -> u64 {
    finish(x.wrapping_add(STEP))
}

/// The top 53 bits of a word as a number in [0, 1).
pub fn unit(word: u64) -> f64 {
    (word >> 11) as f64 / (1u64 << 53) as f64
}

/// The ChaCha stream that `seed` and a path of numbers name; streams of different paths are independent.
pub fn stream(seed: u64, path: &[u64]) -> ChaCha8Rng {
    let state = path.iter().fold(mix(seed), |s, &p| mix(s.rotate_left(23) ^ mix(p)));
    ChaCha8Rng::seed_from_u64(state)
}

/// SplitMix64 in counter mode.
#[derive(Clone, Debug)]
pub struct Stream {
    state: u64,
    spare: Option<f64>,
}

impl Stream {
    /// The stream that a seed alone names.
    pub fn seeded(seed: u64) -> Self {
        Self { state: seed, spare: None }
    }

    /// The stream that a seed and a text name, such as a tensor's PyTorch name.
    pub fn new(seed: u64, name: &str) -> Self {
        let mut hash = Fnv::new();
        hash.eat(name.as_bytes());
        Self::seeded(finish(mix(seed) ^ hash.value()))
    }

    /// 64 random bits.
    pub fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        finish(self.state)
    }

    /// Uniform in [0, 1), 53 bits.
    pub fn uniform(&mut self) -> f64 {
        unit(self.word())
    }

    /// Standard normal, by Box and Muller.
    pub fn normal(&mut self) -> f64 {
        if let Some(x) = self.spare.take() {
            return x;
        }
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * self.uniform()).sin_cos();
        self.spare = Some(radius * sin);
        radius * cos
    }
}

/// FNV-1a, 64 bits: the standard library's hashes may differ between releases, names on disk must not.
#[derive(Clone, Debug)]
pub struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self::new()
    }
}

impl Fnv {
    /// Of nothing yet.
    pub fn new() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }

    /// Takes bytes in.
    pub fn eat(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }

    /// Takes a field in, its length first: neighbouring fields cannot run into each other.
    pub fn eat_field(&mut self, bytes: &[u8]) {
        self.eat(&(bytes.len() as u64).to_le_bytes());
        self.eat(bytes);
    }

    /// The hash of all that was taken in.
    pub fn value(&self) -> u64 {
        self.0
    }
}
