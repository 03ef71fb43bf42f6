//! All of a run's exports in one folder, as the window writes them.

use std::path::{Path, PathBuf};

use super::{ExportError, Photos, figures, projector, replay, report, tables, tensorboard};

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// Every figure as PNG and SVG.
    pub figures: bool,
    /// Metrics as CSV, JSON, Markdown and LaTeX.
    pub tables: bool,
    /// `report.html`.
    pub report: bool,
    /// `replay.html`.
    pub replay: bool,
    /// An event file in `tensorboard`.
    pub tensorboard: bool,
    /// The newest features in `projector`.
    pub projector: bool,
    /// Whether photos of people may stand in it.
    pub photos: Photos,
}

impl Default for Bundle {
    fn default() -> Self {
        Self {
            figures: true,
            tables: true,
            report: false,
            replay: false,
            tensorboard: false,
            projector: false,
            photos: Photos::Hidden,
        }
    }
}

/// Writes it into the folder `out`, and says which files.
///
/// # Errors
/// When the run cannot be read, lacks what is asked for, or a file cannot be written; what was written before stays.
pub fn bundle(run: &Path, out: &Path, what: Bundle) -> Result<Vec<PathBuf>, ExportError> {
    let mut files = Vec::new();
    if what.figures {
        files.extend(figures(run, out, what.photos)?);
    }
    if what.tables {
        files.extend(tables(run, out)?);
    }
    if what.report {
        report(run, &out.join("report.html"), what.photos)?;
        files.push(out.join("report.html"));
    }
    if what.replay {
        replay(run, &out.join("replay.html"), what.photos)?;
        files.push(out.join("replay.html"));
    }
    if what.tensorboard {
        files.extend(tensorboard(run, &out.join("tensorboard"), what.photos)?);
    }
    if what.projector {
        files.extend(projector(run, &out.join("projector"), what.photos)?);
    }
    Ok(files)
}
