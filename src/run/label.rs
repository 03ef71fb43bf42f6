//! What people call a run, and what they noted about it: beside the run, so that it goes where the run goes.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::fs::{read_regular, write_bytes};

/// Name and note of a run; both empty where nobody gave any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Label {
    /// The name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The note.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// Where it lies in a run folder.
pub fn label_path(dir: &Path) -> PathBuf {
    dir.join("label.json")
}

impl Label {
    /// That of a run folder; one that cannot be read counts as none, for it says nothing that a run depends on.
    pub fn read(dir: &Path) -> Self {
        let text = read_regular(&label_path(dir), 1 << 20).ok();
        text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    /// Puts it into a run folder; an empty one is taken away.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        let path = label_path(dir);
        if *self == Self::default() {
            return match std::fs::remove_file(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
                _ => Ok(()),
            };
        }
        write_bytes(&path, serde_json::to_vec_pretty(self)?)
    }
}
