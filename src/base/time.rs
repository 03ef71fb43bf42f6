//! The time of day where the user is.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::TimeZone;

static STOPPED: OnceLock<f64> = OnceLock::new();

/// Stops the clock at `wall` and shows times in UTC, for pictures that are the same wherever they are taken.
/// Once a process, before anything is shown.
pub fn stop_at(wall: f64) {
    STOPPED.get_or_init(|| wall);
}

/// Seconds since the Unix epoch, now.
pub fn now() -> f64 {
    match STOPPED.get() {
        Some(wall) => *wall,
        None => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64()),
    }
}

/// `14:29:26`.
pub fn hms(wall: f64) -> String {
    written("%H:%M:%S", wall, &zone())
}

/// `18:25`.
pub fn hm(wall: f64) -> String {
    written("%H:%M", wall, &zone())
}

/// `2026-11-22 18:25`.
pub fn day_hm(wall: f64) -> String {
    written("%Y-%m-%d %H:%M", wall, &zone())
}

/// `2026-11-22T10-00-00`, for folder names: they sort by time, and no file system minds them.
pub fn stamp(wall: f64) -> String {
    stamp_in(wall, &zone())
}

/// As [`stamp`], in that time zone.
pub fn stamp_in(wall: f64, zone: &TimeZone) -> String {
    written("%Y-%m-%dT%H-%M-%S", wall, zone)
}

/// `2026-11-22T10:00:00Z`, for files that are read elsewhere.
pub fn utc(wall: f64) -> String {
    written("%Y-%m-%dT%H:%M:%SZ", wall, &TimeZone::UTC)
}

fn zone() -> TimeZone {
    if STOPPED.get().is_some() { TimeZone::UTC } else { TimeZone::system() }
}

fn written(format: &str, wall: f64, zone: &TimeZone) -> String {
    // A time that no calendar holds, out of a damaged file, is shown as the epoch rather than refused.
    let at = Timestamp::from_second(wall.floor() as i64).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned_datetime(zone.clone()).strftime(format).to_string()
}
