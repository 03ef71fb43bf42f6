//! Pictures of the window or of one panel, without a display: the application's own frames, drawn by the
//! processor. A picture is taken when all that the panels wait for is there and nothing moves any more.

mod raster;
mod studio;
mod texture;

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use image::{ImageFormat, RgbImage};

use self::studio::Studio;
use super::app::still::{ShotLook, ShotTrial};
use super::datasets::Datasets;
use super::panels::{Pane, Selection};
use super::view_model::RunView;
use crate::base::fs::atomic_write;
use crate::base::time as clock;
use crate::run::images::Images;
use crate::run::{RunError, RunReader};

/// What is to be drawn.
pub struct ShotOrder {
    /// The run to show.
    pub run: Option<PathBuf>,
    /// Name of a tile, `window`, or `all`.
    pub subject: String,
    /// Width and height in pixels.
    pub size: [u32; 2],
    /// The file; for `all` the folder.
    pub out: PathBuf,
    /// Appearance, arrangement, zoom.
    pub look: ShotLook,
    /// What is selected.
    pub selection: Selection,
    /// What is tried.
    pub trial: ShotTrial,
    /// How long one picture may take.
    pub limit: Duration,
    /// Where datasets are registered.
    pub registry: Arc<dyn Datasets>,
    /// Where runs lie.
    pub runs_dir: PathBuf,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum ShotError {
    /// No panel of that name.
    #[error("there is no panel `{name}`; there are {known}, window and all")]
    NoSuchPanel {
        /// What was asked for.
        name: String,
        /// The panels.
        known: String,
    },
    /// What was to be selected is not there.
    #[error("the run has no {what}; {there}")]
    NotInRun {
        /// `epoch 9`, `query 100`.
        what: String,
        /// What there is.
        there: String,
    },
    /// Something is to be selected in nothing.
    #[error("an epoch or a selection needs a run folder to look it up in; name one before the options")]
    NoRun,
    /// Not a PNG.
    #[error("{} would hold a PNG; let its name end in .png", path.display())]
    NotPng {
        /// The file asked for.
        path: PathBuf,
    },
    /// The run folder cannot be read.
    #[error(transparent)]
    Run(#[from] RunError),
    /// It takes too long.
    #[error("the picture of {subject} was not complete after {seconds} s: {waits_for}; allow more time with --limit")]
    Incomplete {
        /// `rank-lists`, `window`.
        subject: String,
        /// The limit.
        seconds: u64,
        /// What was still missing.
        waits_for: &'static str,
    },
    /// The file cannot be written.
    #[error("could not write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl ShotError {
    /// Whether the user can mend it by asking otherwise.
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::Run(e) => e.is_bad_input(),
            Self::NoSuchPanel { .. } | Self::NotInRun { .. } | Self::NoRun | Self::NotPng { .. } => true,
            Self::Incomplete { .. } | Self::Write { .. } => false,
        }
    }
}

/// Takes the pictures; the files written, in the order of the menu.
///
/// # Errors
/// See [`ShotError`]; nothing is written in place of a picture that could not be completed.
pub fn take(order: &ShotOrder) -> Result<Vec<PathBuf>, ShotError> {
    let subjects = subjects(&order.subject)?;
    let all = order.subject == "all";
    if !all && order.out.extension().is_none_or(|e| !e.eq_ignore_ascii_case("png")) {
        return Err(ShotError::NotPng { path: order.out.clone() });
    }
    let mut selection = order.selection.clone();
    let run = match &order.run {
        Some(folder) => {
            let reader = RunReader::open(folder)?;
            clock::stop_at(reader.events.last().map_or(0.0, |event| event.wall));
            let view = RunView::of_folder(&reader);
            check(&view, &selection)?;
            let newest = view.newest_clusters().map(|(epoch, _)| epoch);
            selection.epoch = selection.epoch.filter(|epoch| Some(*epoch) != newest); // the newest is followed
            Some(view)
        }
        None if selection != Selection::default() => return Err(ShotError::NoRun),
        None => {
            clock::stop_at(0.0);
            None
        }
    };
    let mut files = Vec::new();
    for tile in subjects {
        let name = tile.map_or("window".to_owned(), name);
        let shown = run.clone().map(|view| (view, selection.clone()));
        let picture = Studio::new(order, shown).take(tile, &name)?;
        let path = if all { order.out.join(format!("{name}.png")) } else { order.out.clone() };
        write(&path, &picture)?;
        files.push(path);
    }
    Ok(files)
}

/// The name of a tile on the command line: `rank-lists`.
pub fn name(pane: Pane) -> String {
    // Its name in saved layouts too.
    match serde_json::to_value(pane) {
        Ok(serde_json::Value::String(name)) => name,
        _ => format!("{pane:?}").to_lowercase(),
    }
}

/// The tiles to draw; `None` is the window.
fn subjects(asked: &str) -> Result<Vec<Option<Pane>>, ShotError> {
    let panes = || Pane::ALL.iter().copied();
    match asked {
        "window" => Ok(vec![None]),
        "all" => Ok(panes().map(Some).chain([None]).collect()),
        _ => match panes().find(|&pane| name(pane) == asked) {
            Some(pane) => Ok(vec![Some(pane)]),
            None => {
                let known = panes().map(name).collect::<Vec<_>>().join(", ");
                Err(ShotError::NoSuchPanel { name: asked.to_owned(), known })
            }
        },
    }
}

/// Whether the run has what is to be selected.
fn check(view: &RunView, selection: &Selection) -> Result<(), ShotError> {
    let missing = |what: String, there: String| Err(ShotError::NotInRun { what, there });
    for epoch in [selection.epoch, selection.against].into_iter().flatten() {
        if !view.clusters.contains_key(&epoch) {
            let there = match view.clusters.len() {
                0 => "it was not clustered yet".to_owned(),
                1 => "it has epoch 1 alone".to_owned(),
                n => format!("it has epochs 1 to {n}"),
            };
            return missing(format!("epoch {}", epoch + 1), there);
        }
    }
    if let Some(cluster) = selection.cluster {
        let epoch = selection.epoch.or(view.newest_clusters().map(|(epoch, _)| epoch));
        let count = epoch.and_then(|e| view.clusters.get(&e)).map_or(0, |c| c.summary.cluster_size.len());
        if cluster as usize >= count {
            return missing(format!("cluster {cluster}"), format!("the epoch has {count}, counted from 0"));
        }
    }
    if selection.query.is_some() || selection.image.is_some() {
        let folder = view.folder.as_deref().unwrap_or(Path::new(""));
        let images = Images::read(folder)?;
        let query =
            selection.query.map(|index| crate::run::event::ImageRef { split: crate::run::event::Split::Query, index });
        for image in [query, selection.image].into_iter().flatten() {
            if images.get(image).is_none() {
                let count = images.split(image.split).len();
                let what = format!("{:?} image {}", image.split, image.index).to_lowercase();
                return missing(what, format!("that split has {count}, counted from 0"));
            }
        }
    }
    Ok(())
}

fn write(path: &Path, picture: &RgbImage) -> Result<(), ShotError> {
    let failed = |source| ShotError::Write { path: path.to_owned(), source };
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).map_err(|e| failed(std::io::Error::other(e)))?;
    atomic_write(path, |file| std::io::Write::write_all(file, bytes.get_ref())).map_err(failed)
}
