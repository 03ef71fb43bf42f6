//! Figures and tables out of a run folder, for paper and for other programs.
//!
//! Figures are PNG and SVG in the light print colours, whatever the window shows; tables are CSV and JSON with
//! every digit, Markdown and LaTeX for reading. All of it is read from the run folder, so a live run, a finished one
//! and a copied one give the same.

pub mod attention;
mod bundle;
mod chart;
mod draw;
mod example;
mod figures;
mod html;
pub mod paper;
mod points;
mod projector;
pub mod rank_sheet;
pub mod repeat;
mod replay;
mod report;
pub mod selection;
pub mod style;
mod tables;
pub mod tensorboard;
pub mod ticks;

use std::path::{Path, PathBuf};

use crate::base::fs::write_bytes;
use crate::run::RunError;

pub use bundle::{Bundle, bundle};
pub use example::pack as pack_example;
pub use figures::figures;
pub use points::{PointRow, points};
pub use projector::{npy, projector};
pub use rank_sheet::Photos;
pub use replay::replay;
pub use report::report;
pub use tables::tables;
pub use tensorboard::tensorboard;

/// Writes a file whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> Result<(), ExportError> {
    write_bytes(path, bytes).map_err(|source| ExportError::Write { path: path.to_owned(), source })
}

/// Why nothing was exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The run folder cannot be read.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A file cannot be written.
    #[error("could not write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A figure cannot be drawn.
    #[error("the figure `{figure}` could not be drawn: {reason}")]
    Draw {
        /// Its name.
        figure: String,
        /// What the drawing library said.
        reason: String,
    },
    /// The run has not computed anything yet.
    #[error("{} has nothing to export yet: no iteration, no clustering, no evaluation", path.display())]
    Empty {
        /// The run folder.
        path: PathBuf,
    },
}
