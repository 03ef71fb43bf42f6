//! `hand.json`: what people said of single images, beside the run; and the mark that it leaves in the manifest.

use std::path::{Path, PathBuf};

use super::error::RunError;
use super::manifest::Manifest;
use crate::base::fs::{read_regular, write_bytes};
use crate::method::hand::Hand;

/// The largest file that is read, bytes.
const LARGEST: u64 = 1 << 26;

/// Where it lies in a run folder.
pub fn hand_path(dir: &Path) -> PathBuf {
    dir.join("hand.json")
}

/// What was said of the images of a run; nothing where no file is.
///
/// # Errors
/// When the file cannot be read: what was said counts, so it is not passed over.
pub fn read_hand(dir: &Path) -> Result<Hand, RunError> {
    let path = hand_path(dir);
    match read_regular(&path, LARGEST) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Hand::default()),
        Err(e) => Err(RunError::io("read", &path)(e)),
        Ok(text) => serde_json::from_slice(&text).map_err(|e| RunError::damaged(&path, e)),
    }
}

/// Puts it into a run folder, and marks the run as touched by hand: for good, for epochs may have trained by it.
///
/// # Errors
/// Those of the file system.
pub fn write_hand(dir: &Path, hand: &Hand) -> Result<(), RunError> {
    let mut manifest = Manifest::read(dir)?;
    if !manifest.by_hand {
        manifest.by_hand = true;
        manifest.write(dir)?;
    }
    place_hand(dir, hand)
}

/// Puts it into a folder whose manifest is still to come.
///
/// # Errors
/// Those of the file system.
pub fn place_hand(dir: &Path, hand: &Hand) -> Result<(), RunError> {
    let path = hand_path(dir);
    let text = serde_json::to_vec_pretty(hand).map_err(|e| RunError::damaged(&path, e))?;
    write_bytes(&path, text).map_err(RunError::io("write", &path))
}
