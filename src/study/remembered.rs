//! What Eq. 10 does to a row of the memory, in angles.

/// How far a row turns, in degrees, towards a feature that is `apart` degrees away, `beta` of the row being kept; both are of
/// length 1, and so is the row afterwards.
pub fn row_turns(apart: f64, beta: f64) -> f64 {
    let (sin, cos) = apart.to_radians().sin_cos();
    ((1.0 - beta) * sin).atan2(beta + (1.0 - beta) * cos).to_degrees()
}

/// Visits after which less than a tenth of the way is left, each bringing the same feature; `None` where that takes more than a
/// thousand.
pub fn visits_to_follow(apart: f64, beta: f64) -> Option<usize> {
    let mut left = apart;
    (1..=1000).find(|_| {
        left -= row_turns(left, beta);
        left <= 0.1 * apart
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eq_10_turns_a_row_by_what_beta_leaves() {
        assert!((row_turns(40.0, 0.0) - 40.0).abs() < 1e-9, "all is new");
        assert!(row_turns(40.0, 1.0).abs() < 1e-9, "frozen");
        assert!((row_turns(60.0, 0.5) - 30.0).abs() < 1e-9, "half way between two of one length");
        assert_eq!(visits_to_follow(40.0, 1.0), None);
        assert!(visits_to_follow(40.0, 0.2).unwrap() < visits_to_follow(40.0, 0.9).unwrap());
    }
}
