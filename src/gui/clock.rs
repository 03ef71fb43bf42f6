//! Time of day where the user is. The standard library knows no time zones, so the system's `date` is asked
//! once for the offset, off the UI thread; without it times are UTC and say so.

use std::process::Command;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

static OFFSET: OnceLock<i64> = OnceLock::new();
static STOPPED: OnceLock<f64> = OnceLock::new();

/// Stops the clock at `wall` and shows times in UTC, for pictures that are the same wherever they are taken.
/// Once a process, before anything is shown.
pub fn stop_at(wall: f64) {
    STOPPED.get_or_init(|| wall);
    OFFSET.get_or_init(|| 0);
}

/// Begins to find out the offset from UTC.
pub fn start() {
    if OFFSET.get().is_some() {
        return;
    }
    let ask = || {
        let answer = Command::new("date").arg("+%z").output().ok()?;
        offset_of(std::str::from_utf8(&answer.stdout).ok()?.trim())
    };
    let spawned = std::thread::Builder::new().name("clock".to_owned()).spawn(move || {
        if let Some(offset) = ask() {
            OFFSET.get_or_init(|| offset);
        }
    });
    if let Err(error) = spawned {
        tracing::debug!(%error, "times are shown in UTC");
    }
}

fn offset_of(text: &str) -> Option<i64> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (h, m) = (digits.get(..2)?.parse::<i64>().ok()?, digits.get(2..4)?.parse::<i64>().ok()?);
    Some(sign * (h * 3600 + m * 60))
}

/// Seconds since the Unix epoch, now.
pub fn now() -> f64 {
    if let Some(wall) = STOPPED.get() {
        return *wall;
    }
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

fn local(wall: f64) -> (i64, &'static str) {
    match OFFSET.get() {
        Some(offset) => (wall as i64 + offset, ""),
        None => (wall as i64, " UTC"),
    }
}

/// `14:29:26`.
pub fn hms(wall: f64) -> String {
    let (s, zone) = local(wall);
    format!("{:02}:{:02}:{:02}{zone}", s.rem_euclid(86_400) / 3600, s.rem_euclid(3600) / 60, s.rem_euclid(60))
}

/// `18:25`.
pub fn hm(wall: f64) -> String {
    let (s, zone) = local(wall);
    format!("{:02}:{:02}{zone}", s.rem_euclid(86_400) / 3600, s.rem_euclid(3600) / 60)
}

/// `2026-11-22T10-00-00`, for folder names.
pub fn stamp(wall: f64) -> String {
    let s = local(wall).0;
    let (year, month, day) = civil(s.div_euclid(86_400));
    let (h, m, s) = (s.rem_euclid(86_400) / 3600, s.rem_euclid(3600) / 60, s.rem_euclid(60));
    format!("{year:04}-{month:02}-{day:02}T{h:02}-{m:02}-{s:02}")
}

/// Year, month and day of a day counted from 1970-01-01 (Howard Hinnant's `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let (era, doe) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_and_stamps_are_read_right() {
        assert_eq!(offset_of("+0000"), Some(0));
        assert_eq!(offset_of("-0330"), Some(-12_600));
        assert_eq!(offset_of("CET"), None);
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(20_779), (2026, 11, 22));
    }
}
