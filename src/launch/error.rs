//! What can go wrong with a sweep as a whole; a trial that fails is a row, not an error.

use std::path::{Path, PathBuf};

/// Why a sweep could not go on.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// What was asked for cannot be done: the user's to mend.
    #[error("{0}")]
    Refused(String),
    /// The operating system refused.
    #[error("could not {what} {}: {source}", path.display())]
    Io {
        /// `write`, `read`, …
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A program that is asked for help failed.
    #[error("{program} failed: {reason}")]
    Program {
        /// `sbatch`, `optuna`, …
        program: String,
        /// What it said.
        reason: String,
    },
}

impl LaunchError {
    /// For `map_err` on a system call that concerns `path`.
    pub fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }

    /// Whether the user can mend it.
    pub fn is_bad_input(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}
