//! The smoothed curve: an exponential moving average without the pull towards 0 at its start.

/// Share of the past in the smoothed value.
pub const SMOOTHING: f64 = 0.9;

/// A de-biased exponential moving average.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ema {
    mean: f64,
    weight: f64,
}

impl Ema {
    /// Takes in a value that stands for `merged` of its kind, and gives the average so far. What is not finite
    /// is passed over; NaN before the first finite value.
    pub fn push(&mut self, value: f64, merged: u32) -> f64 {
        if value.is_finite() {
            let keep = SMOOTHING.powi(merged.max(1) as i32);
            self.mean = keep * self.mean + (1.0 - keep) * value;
            self.weight = keep * self.weight + (1.0 - keep);
        }
        if self.weight > 0.0 { self.mean / self.weight } else { f64::NAN }
    }
}
