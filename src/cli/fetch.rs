//! `fetch`: a whole run of another machine, brought here.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::error::usage;
use super::progress::{print_json, with_bar};
use crate::remote::fetch::Carrier;
use crate::remote::{Address, fetch, pool};

/// Arguments of `fetch`.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  reid-workbench fetch ssh://gpu1/data/runs/demo
  reid-workbench fetch ssh://me@gpu1:2222/~/runs/demo --out runs/theirs --no-checkpoints")]
pub struct FetchArgs {
    /// The run: ssh://[USER@]HOST[:PORT]/PATH; a path below the home folder there begins with /~/.
    #[arg(value_name = "RUN")]
    pub run: String,
    /// The folder to make; runs/NAME unless given. What was brought into it before is not brought again.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Leave the checkpoints there: nothing can be resumed or exported as weights here, then.
    #[arg(long)]
    pub no_checkpoints: bool,
    /// Who brings what is large: rsync where it is on both machines, else the relay; or one of the two alone.
    #[arg(long, value_enum, default_value = "auto")]
    pub by: CarrierWord,
}

/// Who brings what is large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum CarrierWord {
    /// rsync where it is on both machines, else the relay.
    Auto,
    /// rsync alone.
    Rsync,
    /// The relay alone.
    Relay,
}

/// Brings it.
///
/// # Errors
/// When the machine is not reached, the line breaks, or the folder cannot be written.
pub fn run(args: &FetchArgs) -> anyhow::Result<()> {
    let address: Address = args.run.parse().map_err(|e: String| usage(e))?;
    let (dir, run) = address.split().map_err(usage)?;
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(&run));
    let carrier = match args.by {
        CarrierWord::Auto => Carrier::Auto,
        CarrierWord::Rsync => Carrier::Rsync,
        CarrierWord::Relay => Carrier::Relay,
    };
    let line = pool::line(&dir, &(Arc::new(|| {}) as _))?;
    let fetched = with_bar("fetching", |tick| {
        let tick = |done, total| {
            tick(done, total);
        };
        fetch::fetch(&line, &run, &out, !args.no_checkpoints, carrier, &tick)
    });
    line.end("all of it is here");
    let fetched = fetched.map_err(anyhow::Error::msg)?;
    if let Some(note) = &fetched.note {
        eprintln!("the relay brought what rsync did not: {note}");
    }
    print_json(&json!({
        "run": args.run,
        "out": out,
        "files": fetched.files,
        "bytes": fetched.bytes,
        "brought": fetched.brought,
        "by": if fetched.by_rsync { "rsync" } else { "relay" },
    }))
}
