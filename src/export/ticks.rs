//! Round numbers for axes, and how numbers are written.

pub use crate::base::text::{count, counted, duration, number, scientific, signed};

/// Round values from `min` to `max`, about `count` of them, ends included when they are round themselves.
pub fn linear(min: f64, max: f64, count: usize) -> Vec<f64> {
    let step = step(min, max, count);
    if !step.is_finite() || step <= 0.0 {
        return Vec::new();
    }
    let first = (min / step - 1e-6).ceil() as i64;
    let last = (max / step + 1e-6).floor() as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

/// As [`linear`], for epochs: 1, 2, 5, 10, … apart, and finer only where less than two of them are seen.
pub fn epochs(min: f64, max: f64, count: usize) -> Vec<f64> {
    let raw = (max - min) / count.max(1) as f64;
    if !raw.is_finite() || max - min < 2.0 {
        return linear(min, max, count);
    }
    let unit = 10f64.powf(raw.max(1.0).log10().floor());
    let step = [1.0, 2.0, 5.0].into_iter().map(|m| m * unit).find(|s| *s >= raw).unwrap_or(10.0 * unit);
    ((min / step - 1e-6).ceil() as i64..=(max / step + 1e-6).floor() as i64).map(|i| i as f64 * step).collect()
}

/// 1, 2 and 5 times the powers of ten within `min..=max`; when those are few, the finer ones too.
pub fn logarithmic(min: f64, max: f64) -> Vec<f64> {
    if min <= 0.0 || max <= min {
        return Vec::new();
    }
    let decades = min.log10().floor() as i32..=max.log10().ceil() as i32;
    let of = |digits: &[f64]| -> Vec<f64> {
        decades
            .clone()
            .flat_map(|d| digits.iter().map(move |m| m * 10f64.powi(d)))
            .filter(|v| (min * 0.999..=max * 1.001).contains(v))
            .collect()
    };
    [&[1.0][..], &[1.0, 3.0], &[1.0, 2.0, 5.0], &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0]]
        .into_iter()
        .map(of)
        .find(|ticks| ticks.len() >= 4)
        .unwrap_or_else(|| linear(min, max, 4).into_iter().filter(|v| *v > 0.0).collect())
}

/// `min` and `max` moved out to round numbers, so that the first and the last line of the grid are edges.
pub fn round_out(min: f64, max: f64, count: usize) -> [f64; 2] {
    let (min, max) = if max - min > f64::EPSILON * max.abs().max(1.0) { (min, max) } else { (min - 0.5, max + 0.5) };
    let step = step(min, max, count);
    [(min / step + 1e-6).floor() * step, (max / step - 1e-6).ceil() * step]
}

fn step(min: f64, max: f64, count: usize) -> f64 {
    let raw = (max - min) / count.max(1) as f64;
    let unit = 10f64.powf(raw.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|m| m * unit).find(|s| *s >= raw * 0.999).unwrap_or(raw)
}

/// A value on an axis whose lines are `step` apart: as many decimals as they need, thousands grouped. A line that is alone
/// has no `step` (it is infinite), and as many decimals as it needs itself.
pub fn axis(value: f64, step: f64) -> String {
    let step = if step.is_finite() { step } else { value };
    if value != 0.0 && !(1e-3..1e7).contains(&value.abs()) {
        return scientific(value);
    }
    let decimals = (0..6).find(|d| {
        let scaled = step * 10f64.powi(*d);
        (scaled - scaled.round()).abs() < 1e-6 * scaled.abs().max(1.0)
    });
    number(value, decimals.unwrap_or(6) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(linear(0.0, 100.0, 5), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(epochs(0.0, 2.0, 5), [0.0, 1.0, 2.0]);
        assert_eq!(epochs(0.0, 12.0, 5), [0.0, 5.0, 10.0]);
        assert_eq!(epochs(0.0, 12.0, 6), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0]);
        assert_eq!(epochs(3.2, 3.6, 4), [3.2, 3.3000000000000003, 3.4000000000000004, 3.5, 3.6]);
        assert_eq!(logarithmic(0.9, 6.0), [1.0, 1.5, 2.0, 3.0, 5.0]);
        assert_eq!(round_out(1.13, 4.9, 4), [1.0, 5.0]);
        assert!(linear(1.0, 1.0, 5).is_empty() && linear(f64::NAN, 1.0, 5).is_empty());
        let [low, high] = round_out(2.0, 2.0, 4);
        assert!(low < 2.0 && high > 2.0);
        assert_eq!([axis(0.25, 0.25), axis(2000.0, 500.0), axis(0.6, 0.2)], ["0.25", "2,000", "0.6"]);
        let alone = f64::INFINITY;
        assert_eq!([axis(50.0, alone), axis(0.0, alone), axis(0.25, alone)], ["50", "0", "0.25"]);
    }
}
