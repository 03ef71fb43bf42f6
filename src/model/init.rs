//! Initial weights from a seed.
//!
//! Every tensor has a stream of its own, from the run's seed and its name: so the same seed gives the same
//! weights on every device, whatever else draws random numbers at the time, and the backbone's weights do not
//! change when attention is switched on. libtorch's global generator is not used.

/// A stream of random numbers: SplitMix64 in counter mode.
pub struct Stream {
    state: u64,
    spare: Option<f64>,
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Stream {
    /// The stream of one tensor; `name` is its PyTorch name.
    pub fn new(seed: u64, name: &str) -> Self {
        // FNV-1a over the name
        let hash =
            name.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01B3));
        Self { state: mix(mix(seed.wrapping_add(GOLDEN)) ^ hash), spare: None }
    }

    fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// Uniform in [0, 1), 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1u64 << 53) as f64
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

/// How a tensor begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// All the same.
    Const(f64),
    /// N(0, std²).
    Normal(f64),
    /// U(−bound, bound).
    Uniform(f64),
}

impl Init {
    /// Kaiming's normal of fan-out for ReLU, `std = √(2 / (out · kh · kw))`: torchvision's convolutions.
    pub fn kaiming_fan_out(dims: &[i64]) -> Self {
        let fan: i64 = dims.first().copied().unwrap_or(1) * dims.iter().skip(2).product::<i64>();
        Self::Normal((2.0 / fan.max(1) as f64).sqrt())
    }

    /// PyTorch's default of a convolution and of its bias, `bound = 1 / √(in · kh · kw)`.
    pub fn torch_default(weight_dims: &[i64]) -> Self {
        let fan: i64 = weight_dims.iter().skip(1).product();
        Self::Uniform(1.0 / (fan.max(1) as f64).sqrt())
    }

    /// `count` values of the tensor called `name`.
    pub fn values(self, seed: u64, name: &str, count: usize) -> Vec<f32> {
        let mut stream = Stream::new(seed, name);
        match self {
            Self::Const(x) => vec![x as f32; count],
            Self::Normal(std) => (0..count).map(|_| (stream.normal() * std) as f32).collect(),
            Self::Uniform(bound) => (0..count).map(|_| ((2.0 * stream.uniform() - 1.0) * bound) as f32).collect(),
        }
    }
}
