//! What file names say: pid and camera. Always matched on the file name alone, never on its folders.

use std::sync::OnceLock;

use regex_lite::Regex;

/// What a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    /// Identity; `None` when the name alone does not tell it.
    pub pid: Option<i32>,
    /// Camera, 0-based; `None` when the name has none.
    pub camid: Option<i32>,
}

/// `0002_c1s1_000451_03.jpg`, `0005_c2_f0046985.jpg`, `0001_c001_00016450_0.jpg`: pid, then camera from 1.
///
/// Anything may follow, so `.jpg.jpg` does no harm.
pub fn pid_cam(name: &str) -> Option<Name> {
    static PATTERN: OnceLock<Option<Regex>> = OnceLock::new();
    let pattern = PATTERN.get_or_init(|| Regex::new(r"(-?\d+)_[cC](\d+)").ok()).as_ref()?;
    let found = pattern.captures(name)?;
    let camera: i32 = found[2].parse().ok()?;
    Some(Name { pid: Some(found[1].parse().ok()?), camid: Some(camera - 1) })
}

/// A pid at the beginning of the name and no camera: `0017_3.png`, `0017.png`.
pub fn pid_only(name: &str) -> Option<Name> {
    static PATTERN: OnceLock<Option<Regex>> = OnceLock::new();
    let pattern = PATTERN.get_or_init(|| Regex::new(r"^(-?\d+)[_.\-]").ok()).as_ref()?;
    Some(Name { pid: Some(pattern.captures(name)?[1].parse().ok()?), camid: None })
}

/// 12936 as `12,936`.
pub fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
