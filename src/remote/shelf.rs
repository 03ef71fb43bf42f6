//! What the mirrors hold: brought files, up to a bound in bytes; what was not used for longest goes first.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use super::setup::setup;

/// Levels of folders between that of all mirrors and a file.
const DEEP: usize = 7;

/// Bytes brought since the shelf was last looked over; nothing yet at the start.
static SINCE: Mutex<Option<u64>> = Mutex::new(None);

/// Notes a file that was just brought; what is too much goes.
pub(super) fn note(path: &Path) {
    let bytes = std::fs::metadata(path).map_or(0, |m| m.len());
    let setup = setup();
    let Some(mirrors) = &setup.mirrors else { return };
    let mut since = SINCE.lock().unwrap_or_else(PoisonError::into_inner);
    let sum = since.map_or(u64::MAX, |sum| sum.saturating_add(bytes));
    // Looking all of it over costs time: a sixteenth of the bound may come in between.
    let full = sum > setup.most / 16;
    *since = Some(if full { 0 } else { sum });
    drop(since);
    if full {
        tidy(mirrors, setup.most, path);
    }
}

/// Notes that a file was used.
pub(super) fn touch(path: &Path) {
    if let Ok(file) = std::fs::File::open(path) {
        let _ = file.set_modified(SystemTime::now());
    }
}

/// Removes the files that were not used for longest, until what is left is within the bound. `newest` stays.
fn tidy(mirrors: &Path, most: u64, newest: &Path) {
    let mut found = Vec::new();
    gather(mirrors, DEEP, &mut found);
    let mut sum: u64 = found.iter().map(|(_, bytes, _)| bytes).sum();
    found.sort();
    for (_, bytes, path) in found {
        if sum <= most {
            break;
        }
        if path != newest && std::fs::remove_file(&path).is_ok() {
            sum -= bytes;
        }
    }
}

fn gather(dir: &Path, deep: usize, found: &mut Vec<(SystemTime, u64, PathBuf)>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(known) = entry.metadata() else { continue };
        if known.is_dir() && deep > 0 {
            gather(&path, deep - 1, found);
        } else if known.is_file() && is_brought(&path) {
            found.push((known.modified().unwrap_or(SystemTime::UNIX_EPOCH), known.len(), path));
        }
    }
}

/// Whether it is one of the files that can be brought again.
fn is_brought(path: &Path) -> bool {
    let below = |name: &str| path.ancestors().any(|folder| folder.file_name().is_some_and(|n| n == name));
    below("epochs") || below("photos") || path.file_name().is_some_and(|n| n == "features.safetensors")
}
