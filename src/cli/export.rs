//! `reid-workbench export`: figures, tables and other programs' files out of a run folder.

use std::path::PathBuf;

use anyhow::Context;
use serde_json::json;

use super::error::UsageError;
use crate::export::selection::{self, ChosenImages, SelectionError, selection};
use crate::export::{self, ExportError, Photos};
use crate::run::RunError;

const EXAMPLES: &str = "Examples:
  reid-workbench export runs/demo --figures figures --csv tables
  reid-workbench export runs/demo --report demo.html
  reid-workbench export example --replay replay.html --photos
  reid-workbench export runs/demo --tensorboard logs/demo && tensorboard --logdir logs
  reid-workbench export runs/demo --selection wrong.csv --select wrong-queries";

/// Writes figures, tables, a report or other programs' files of a run; prints the files as JSON.
///
/// Several can be asked for at once. Epochs count from 1 in all of them. Photos of people are left out unless
/// --photos is given.
#[derive(clap::Args, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct ExportArgs {
    /// The run folder, or `example`
    pub run: PathBuf,
    /// Loss, retrieval, clusters, reliability, Eq. 8, map, sweep and lineage as PNG and SVG, into this folder
    #[arg(long, value_name = "DIR")]
    pub figures: Option<PathBuf>,
    /// metrics.csv (a row an epoch), steps.csv (a row an iteration), metrics.json, .md and .tex, into this folder
    #[arg(long, value_name = "DIR")]
    pub csv: Option<PathBuf>,
    /// One HTML page with all of it, which needs no network
    #[arg(long, value_name = "F.html")]
    pub report: Option<PathBuf>,
    /// One HTML page that plays the run: epochs, map, and eps to drag; it needs no network
    #[arg(long, value_name = "F.html")]
    pub replay: Option<PathBuf>,
    /// An event file for TensorBoard (read by W&B, Aim and Trackio too), into this folder
    #[arg(long, value_name = "DIR")]
    pub tensorboard: Option<PathBuf>,
    /// The newest features for TensorBoard's projector and as .npy, into this folder
    #[arg(long, value_name = "DIR")]
    pub projector: Option<PathBuf>,
    /// A list of images with their labels; --select says which
    #[arg(long, value_name = "F.csv", requires = "select")]
    pub selection: Option<PathBuf>,
    /// Which images: cluster=3, outliers, wrong-queries
    #[arg(long, value_name = "WHAT", value_parser = selection::chosen, requires = "selection")]
    pub select: Option<ChosenImages>,
    /// The epoch of the selection, from 1; without it the newest
    #[arg(long, value_name = "N", requires = "selection")]
    pub epoch: Option<usize>,
    /// Put photos of people into report, replay, rank lists, TensorBoard and projector
    #[arg(long)]
    pub photos: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub network: super::export_weights::WeightsArgs,
}

/// Runs the command.
///
/// # Errors
/// A [`UsageError`] when the folder is no run, has nothing to export, or no output was asked for; anything else
/// is a failure.
pub fn run(args: &ExportArgs) -> anyhow::Result<()> {
    let photos = if args.photos { Photos::Shown } else { Photos::Hidden };
    let run = super::run_folder(&args.run)?;
    let run = run.as_path();
    let mut files = Vec::new();
    files.extend(args.network.write(run)?);
    if let Some(dir) = &args.figures {
        files.extend(export::figures(run, dir, photos).map_err(sort)?);
    }
    if let Some(dir) = &args.csv {
        files.extend(export::tables(run, dir).map_err(sort)?);
    }
    if let Some(file) = &args.report {
        export::report(run, file, photos).map_err(sort)?;
        files.push(file.clone());
    }
    if let Some(file) = &args.replay {
        export::replay(run, file, photos).map_err(sort)?;
        files.push(file.clone());
    }
    if let Some(dir) = &args.tensorboard {
        files.extend(export::tensorboard(run, dir, photos).map_err(sort)?);
    }
    if let Some(dir) = &args.projector {
        files.extend(export::projector(run, dir, photos).map_err(sort)?);
    }
    let mut answer = serde_json::Map::new();
    if let (Some(file), Some(chosen)) = (&args.selection, args.select) {
        let images = selection(run, chosen, args.epoch, file).map_err(|e| match e {
            SelectionError::Export(e) => sort(e),
            SelectionError::NotThere(words) => UsageError(words).into(),
        })?;
        answer.insert("selected".to_owned(), json!(images));
        files.push(file.clone());
    }
    if files.is_empty() {
        let words = "say what to export: --figures, --csv, --report, --replay, --tensorboard, --projector, --selection or --weights";
        return Err(UsageError(words.to_owned()).into());
    }
    answer.insert("files".to_owned(), json!(files));
    let text = serde_json::to_string_pretty(&answer).context("the answer cannot be printed")?;
    println!("{text}");
    Ok(())
}

/// What the user can mend, told apart from what failed.
fn sort(error: ExportError) -> anyhow::Error {
    match error {
        ExportError::Empty { .. } | ExportError::Run(RunError::NotARun { .. } | RunError::TooNew { .. }) => {
            UsageError(error.to_string()).into()
        }
        ExportError::Run(e) if e.is_bad_input() => UsageError(e.to_string()).into(),
        other => other.into(),
    }
}
