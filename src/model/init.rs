//! Initial weights from a seed.
//!
//! Every tensor has a stream of its own, from the run's seed and its name: so the same seed gives the same
//! weights on every device, whatever else draws random numbers at the time, and the backbone's weights do not
//! change when attention is switched on. libtorch's global generator is not used.

use crate::base::rng::Stream;

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
