//! What can go wrong with a run folder, each as one sentence with the file and what to do.

use std::path::{Path, PathBuf};

use crate::base::tensors::TensorError;

/// Why a run folder could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
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
    /// A new run may not overwrite an old one.
    #[error("{} already holds a run; choose another folder, or resume it", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// No manifest: not a run folder.
    #[error("{} is not a run folder: it has no manifest.json", path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
    },
    /// Two processes must not append to one run.
    #[error("{} is being written by {by}; stop that one first, or open the run to watch it", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
        /// Who writes it, as far as that is known: `process 12 on atlas`.
        by: String,
    },
    /// The folder is no longer where the run was begun.
    #[error("{} was removed or moved while the run was writing to it", path.display())]
    Gone {
        /// The folder.
        path: PathBuf,
    },
    /// A run has no checkpoint of that kind.
    #[error("{} has {wanted}; there are: {there}", path.display())]
    NoCheckpoint {
        /// The folder.
        path: PathBuf,
        /// `no checkpoint after 7 epochs`.
        wanted: String,
        /// Those that it has, or `none`.
        there: String,
    },
    /// A file is there but does not hold what it should.
    #[error("{} cannot be used: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was expected and what was found.
        reason: String,
    },
    /// The folder was written by a newer program.
    #[error("{} has run format {found}, this program reads up to {known}; use a newer reid-workbench", path.display())]
    TooNew {
        /// The manifest.
        path: PathBuf,
        /// The format it names.
        found: u32,
        /// The newest format this program knows.
        known: u32,
    },
}

impl From<TensorError> for RunError {
    fn from(error: TensorError) -> Self {
        match error {
            TensorError::Io { what, path, source } => Self::Io { what, path, source },
            TensorError::Damaged { path, reason } => Self::Damaged { path, reason },
        }
    }
}

impl RunError {
    /// Whether what was given was at fault, and not the system: exit code 2 on the command line.
    pub fn is_bad_input(&self) -> bool {
        use std::io::ErrorKind::{FileTooLarge, InvalidData, InvalidInput};
        match self {
            Self::Gone { .. } => false,
            // A file of another kind or content. A write that meets a limit of the system fails as too large, too.
            Self::Io { what, source, .. } => {
                *what == "read" && matches!(source.kind(), InvalidInput | InvalidData | FileTooLarge)
            }
            _ => true,
        }
    }

    /// For `map_err` on a system call that concerns `path`.
    pub fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }

    /// For a file whose content is not what it should be.
    pub fn damaged(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.to_string() }
    }
}
