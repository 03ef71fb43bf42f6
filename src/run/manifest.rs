//! `manifest.json`: what a run is.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::atomic::atomic_write;
use super::error::RunError;

/// The newest run format this program writes and reads.
pub const FORMAT: u32 = 1;

/// What a run is; written once, when it begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Format of the run folder.
    pub format: u32,
    /// Version of the program that began the run.
    pub crate_version: String,
    /// Name of the source dataset.
    pub source: String,
    /// Name of the target dataset.
    pub target: String,
    /// The seed.
    pub seed: u64,
    /// `cpu`, `cuda:0`.
    pub device: String,
    /// When it began, RFC 3339 in UTC.
    pub started: String,
    /// The source as it was asked for, a registered name or a folder: a resumed run opens it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_given: Option<String>,
    /// The target as it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_given: Option<String>,
    /// The run it was forked from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
}

/// Where a fork began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parent {
    /// The parent's run folder.
    pub run: PathBuf,
    /// Adaptation epochs that were done.
    pub epoch: usize,
}

impl Manifest {
    /// The manifest of a run that begins now.
    pub fn new(source: &str, target: &str, seed: u64, device: &str) -> Self {
        Self {
            format: FORMAT,
            crate_version: env!("CARGO_PKG_VERSION").to_owned(),
            source: source.to_owned(),
            target: target.to_owned(),
            seed,
            device: device.to_owned(),
            started: rfc3339(SystemTime::now()),
            source_given: None,
            target_given: None,
            parent: None,
        }
    }

    /// Where it lies in a run folder.
    pub fn path(dir: &Path) -> PathBuf {
        dir.join("manifest.json")
    }

    pub(super) fn write(&self, dir: &Path) -> Result<(), RunError> {
        let path = Self::path(dir);
        let text = serde_json::to_string_pretty(self).map_err(|e| RunError::damaged(&path, e))?;
        atomic_write(&path, |f| writeln!(f, "{text}")).map_err(RunError::io("write", &path))
    }

    /// Reads the manifest of a run folder.
    ///
    /// # Errors
    /// When there is none, it is damaged, or it is of a newer format.
    pub fn read(dir: &Path) -> Result<Self, RunError> {
        let path = Self::path(dir);
        if !path.is_file() {
            return Err(RunError::NotARun { path: dir.to_owned() });
        }
        let text = std::fs::read_to_string(&path).map_err(RunError::io("read", &path))?;
        // The format first: a newer manifest may lack what this one has.
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format } = serde_json::from_str(&text).map_err(|e| RunError::damaged(&path, e))?;
        if format > FORMAT {
            return Err(RunError::TooNew { path, found: format, known: FORMAT });
        }
        serde_json::from_str(&text).map_err(|e| RunError::damaged(&path, e))
    }
}

/// `2026-11-22T10:00:00Z`.
pub fn rfc3339(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let (year, month, day) = civil(seconds / 86_400);
    let (h, m, s) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}Z")
}

/// Year, month and day of a day counted from 1970-01-01 (Howard Hinnant's `civil_from_days`).
fn civil(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + u64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn dates_are_right_around_leap_days() {
        let at = |s| rfc3339(UNIX_EPOCH + Duration::from_secs(s));
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(at(1_709_251_199), "2024-02-29T23:59:59Z");
        assert_eq!(at(1_795_341_600), "2026-11-22T10:00:00Z");
    }
}
