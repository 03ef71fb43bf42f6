//! `reid-workbench export`: figures and tables out of a run folder.

use std::path::PathBuf;

use anyhow::Context;
use serde_json::json;

use super::error::UsageError;
use crate::export::{self, ExportError};
use crate::run::RunError;

/// Writes figures and tables of a run; prints the files as JSON.
#[derive(clap::Args, Debug)]
pub struct ExportArgs {
    /// The run folder
    pub run: PathBuf,
    /// Loss, retrieval, clusters and reliability as PNG and SVG, into this folder
    #[arg(long, value_name = "DIR")]
    pub figures: Option<PathBuf>,
    /// metrics.csv (a row an epoch), steps.csv (a row an iteration) and metrics.json, into this folder
    #[arg(long, value_name = "DIR")]
    pub csv: Option<PathBuf>,
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
    if args.figures.is_none() && args.csv.is_none() && args.network.weights.is_none() {
        return Err(
            UsageError("say what to export: --figures DIR, --csv DIR, --weights F.safetensors".to_owned()).into()
        );
    }
    let mut files = Vec::new();
    files.extend(args.network.write(&args.run)?);
    if let Some(dir) = &args.figures {
        files.extend(export::figures(&args.run, dir).map_err(sort)?);
    }
    if let Some(dir) = &args.csv {
        files.extend(export::tables(&args.run, dir).map_err(sort)?);
    }
    let text = serde_json::to_string_pretty(&json!({ "files": files })).context("the answer cannot be printed")?;
    println!("{text}");
    Ok(())
}

/// What the user can mend, told apart from what failed.
fn sort(error: ExportError) -> anyhow::Error {
    match error {
        ExportError::Empty { .. } | ExportError::Run(RunError::NotARun { .. } | RunError::TooNew { .. }) => {
            UsageError(error.to_string()).into()
        }
        other => other.into(),
    }
}
