//! `manifest.json`: what a run is.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::RunError;
use crate::base::fs::{atomic_write, read_text};
use crate::base::time;

/// The newest run format this program writes and reads.
pub const FORMAT: u32 = 1;

/// The largest manifest that is read, bytes.
const LARGEST: u64 = 1 << 20;

/// What a run is; written when it begins, and once more when a hand first touches its labels.
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
    /// Stands for the source's images, their identities and their order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_digest: Option<String>,
    /// Stands for the target's images, their identities and their order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_digest: Option<String>,
    /// Threads of one operation, on the CPU: sums depend on them in their last bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
    /// What came of the file of initial weights, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<InitialWeights>,
    /// The run it was forked from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// Whether people said anything of single images: such a run is not unsupervised.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_hand: bool,
}

/// What came of a file of initial weights.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct InitialWeights {
    /// The file.
    pub file: String,
    /// Whose names it uses.
    pub habit: String,
    /// Tensors of the network that came from it.
    pub matched: Vec<String>,
    /// Tensors of the network that it does not have: they begin as the seed draws them.
    pub missing: Vec<String>,
    /// Its tensors that the network has no place for.
    pub unexpected: Vec<String>,
    /// What the user should know, a sentence each.
    pub notes: Vec<String>,
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
            started: time::utc(time::now()),
            source_given: None,
            target_given: None,
            source_digest: None,
            target_digest: None,
            threads: None,
            weights: None,
            parent: None,
            by_hand: false,
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
        let text = read_text(&path, LARGEST).map_err(|e| match e.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => RunError::NotARun { path: dir.to_owned() },
            _ => RunError::io("read", &path)(e),
        })?;
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
