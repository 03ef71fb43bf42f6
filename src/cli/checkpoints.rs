//! `checkpoints`: what a run keeps, and what its folder takes on the disk.

use std::path::PathBuf;

use serde_json::json;

use super::error::usage;
use super::progress::print_json;
use super::run_folder;
use crate::run::Manifest;
use crate::run::checkpoints::{self, LAST, Usage, Why};

/// Lists the checkpoints of a run and the bytes that its folder takes, as JSON; removes those named.
///
/// A run keeps its last checkpoint, the best by a score that needs no truth, the best by the target's mAP (an oracle),
/// one every `checkpoint.every` epochs, of which the newest `checkpoint.keep` stay, and those kept by hand
/// (`command RUN checkpoint`, or Ctrl S in the window).
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  reid-workbench checkpoints runs/demo
  reid-workbench checkpoints runs/demo --remove epoch-0010 --remove best-oracle
  reid-workbench train --fork runs/demo@10 --out runs/from-10 --set adapt.lr=1e-4")]
pub struct CheckpointsArgs {
    /// The run folder
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Remove the checkpoint of that name; the last one stays
    #[arg(long, value_name = "NAME")]
    pub remove: Vec<String>,
}

/// Carries it out.
///
/// # Errors
/// When the folder holds no run, there is no checkpoint of a name, or the file system refuses.
pub fn run(args: &CheckpointsArgs) -> anyhow::Result<()> {
    let run = run_folder(&args.run)?;
    Manifest::read(&run)?;
    if args.remove.iter().any(|name| name.trim_end_matches(".safetensors") == LAST) {
        return Err(usage("the last checkpoint is what the run goes on from: it is removed with the run alone"));
    }
    for name in &args.remove {
        checkpoints::remove(&run, name)?;
    }
    let usage = Usage::of(&run);
    let oracle = |why: Why| why == Why::BestOracle;
    let list: Vec<_> = checkpoints::list(&run)
        .into_iter()
        .map(|found| {
            let mut row = json!(found);
            row["oracle"] = oracle(found.why).into();
            row
        })
        .collect();
    print_json(&json!({
        "run": run,
        "bytes": {
            "total": usage.total(),
            "checkpoints": usage.checkpoints,
            "epochs": usage.epochs,
            "features": usage.features,
            "events": usage.events,
            "other": usage.other,
        },
        "checkpoints": list,
    }))
}
