//! The command line: the window's equal. Results are JSON on stdout, progress and logs on stderr.
//! Exit codes: 0 done, 1 failed, 2 bad input or usage, 130 interrupted with a checkpoint.

pub mod checkpoints;
pub mod cluster;
pub mod command;
pub mod compare;
pub mod datasets;
pub mod error;
pub mod evaluate;
pub mod export;
pub mod export_weights;
pub mod extract;
pub mod fetch;
pub mod gpu_check;
pub mod import;
pub mod parameters;
pub mod params;
mod progress;
pub mod relay;
pub mod shell;
pub mod shot;
pub mod signals;
pub mod sweep;
pub mod tensors;
pub mod train;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::{Parser, Subcommand};

use self::error::UsageError;
use crate::base::dirs;
use crate::data::error::DataError;
use crate::engine::error::EngineError;
use crate::method::params::ParamError;
use crate::remote;
use crate::run::{RunError, example};

/// Unsupervised cross-domain person re-identification, live in a window or headless.
#[derive(Parser)]
#[command(name = "reid-workbench", version, about, long_about = None, after_help = "Examples:
  reid-workbench                                      the window
  reid-workbench --run runs/demo                      the window on a run
  reid-workbench train --preset demo --out runs/demo  a training without a window, on the built-in datasets
  reid-workbench params list                          what can be set")]
pub struct Cli {
    /// Open the window on this run folder; `example` is a finished run that comes with the program, ssh://HOST/PATH one on
    /// another machine.
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
    /// Without a sub-command the window opens.
    #[command(subcommand)]
    pub command: Option<CliCommand>,
}

/// The sub-commands.
#[derive(Subcommand)]
pub enum CliCommand {
    /// Pre-train on the source, adapt to the target.
    Train(train::TrainArgs),
    /// Steer a run that any process trains: pause, resume, step, stop, checkpoint, set a parameter.
    Command(command::CommandArgs),
    /// What a run keeps of its network on the way, and what its folder takes on the disk.
    Checkpoints(checkpoints::CheckpointsArgs),
    /// Write the features of a split to a safetensors file.
    Extract(extract::ExtractArgs),
    /// From features to pseudo-labels: k-NN, Jaccard, three DBSCANs, Eq. 8, refinement.
    Cluster(cluster::ClusterArgs),
    /// mAP and CMC of query and gallery features.
    Evaluate(evaluate::EvaluateArgs),
    /// Any program's features, over one or many epochs, as a run to look at.
    Import(import::ImportArgs),
    /// List, check and synthesise datasets.
    Datasets(datasets::DatasetsArgs),
    /// Many runs from one file, on this machine or in Slurm.
    Sweep(Box<sweep::SweepArgs>),
    /// Runs beside one another with statistics, and among published results.
    Compare(compare::CompareArgs),
    /// The hyper-parameters: keys, bounds, the paper's values, what they do.
    Params(parameters::ParamsArgs),
    /// Figures, tables, a report and other programs' files out of a run folder.
    Export(export::ExportArgs),
    /// What a GPU does with our operations, one part a call; scripts/gpu-check.sh runs all.
    GpuCheck(gpu_check::GpuCheckArgs),
    /// Pictures of the window or of one tile, without a display.
    ///
    /// Neither a display nor a graphics card is needed. The picture is the same each time: the clock stands still
    /// at the run's last event, and times of day are UTC.
    Shot(shot::ShotArgs),
    /// A whole run of another machine, brought here over ssh.
    Fetch(fetch::FetchArgs),
    /// The far end of ssh://: serves the runs of a folder on its standard streams.
    Relay(relay::RelayArgs),
    /// Waits for a lock, then does what follows.
    #[command(hide = true)]
    InTurn(relay::TurnArgs),
    /// Completions for a shell.
    #[command(hide = true)]
    Completions(shell::CompletionsArgs),
    /// Man pages.
    #[command(hide = true)]
    Man(shell::ManArgs),
    /// A run folder as the example that comes with the program.
    #[command(hide = true)]
    PackExample {
        /// The run folder
        run: PathBuf,
        /// The archive
        out: PathBuf,
    },
}

impl Cli {
    /// Whether a network will be computed with: in the window, which may train, and by three commands.
    pub fn uses_network(&self) -> bool {
        matches!(&self.command, None | Some(CliCommand::Train(_) | CliCommand::Extract(_) | CliCommand::GpuCheck(_)))
    }
}

impl CliCommand {
    /// Carries the sub-command out and says how it went; `shoot` takes pictures, for which a window is needed.
    pub fn run(&self, shoot: impl FnOnce(&shot::ShotArgs) -> anyhow::Result<Vec<PathBuf>>) -> ExitCode {
        let result = match self {
            Self::Train(args) => return train::run(args).unwrap_or_else(|e| fail(&e)),
            Self::Command(args) => return command::run(args).unwrap_or_else(|e| fail(&e)),
            Self::Checkpoints(args) => checkpoints::run(args),
            Self::Extract(args) => extract::run(args),
            Self::Cluster(args) => cluster::run(args),
            Self::Evaluate(args) => evaluate::run(args),
            Self::Import(args) => import::run(args),
            Self::Datasets(args) => datasets::run(args),
            Self::Sweep(args) => return sweep::run(args).unwrap_or_else(|e| fail(&e)),
            Self::Compare(args) => compare::run(args),
            Self::Params(args) => parameters::run(args),
            Self::Export(args) => export::run(args),
            Self::Fetch(args) => fetch::run(args),
            Self::Relay(args) => relay::run(args),
            Self::InTurn(args) => return relay::in_turn(args).unwrap_or_else(|e| fail(&e)),
            Self::Completions(args) => shell::completions(args),
            Self::Man(args) => shell::man(args),
            Self::GpuCheck(args) => gpu_check::run(args),
            Self::PackExample { run, out } => crate::export::pack_example(run, out).map_err(Into::into),
            Self::Shot(args) => shoot(args).and_then(|files| shot::report(&files)),
        };
        result.map_or_else(|e| fail(&e), |()| ExitCode::SUCCESS)
    }
}

/// Bytes of a message at most: it may quote a file that was made to do harm.
const LONGEST: usize = 2_000;

/// One line without control characters: names in files may hold what a terminal obeys.
pub(crate) fn printable(text: &str) -> String {
    let plain = text.trim_end().chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut out: String = plain.take(LONGEST).collect();
    if text.trim_end().chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    out
}

/// The run folder that is meant: the word `example` stands for the finished run that comes with the program, which is
/// unpacked on first use, unless there is a folder of that name; ssh://HOST/PATH for one on another machine, which is
/// mirrored and kept up to date while this process lives.
///
/// # Errors
/// When it cannot be unpacked, or the machine is not reached.
pub fn run_folder(given: &Path) -> anyhow::Result<PathBuf> {
    if remote::address::is_remote(given) {
        let address: remote::Address = given.to_string_lossy().parse().map_err(|e: String| error::usage(e))?;
        let mirror = remote::pool::open(&address, &(Arc::new(|| {}) as _)).map_err(anyhow::Error::msg)?;
        return Ok(mirror.folder().to_owned());
    }
    if given != Path::new(example::NAME) || given.exists() {
        return Ok(given.to_owned());
    }
    let data = dirs::data().ok_or_else(|| anyhow::anyhow!("the system names no folder for data; set REID_DATA_DIR"))?;
    example::ensure(&data).with_context(|| format!("the example cannot be unpacked into {}", data.display()))
}

/// An error and its causes, each said once: many a message holds its cause already.
pub fn sentence(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// One clear sentence on stderr, and the exit code that goes with it.
pub fn fail(error: &anyhow::Error) -> ExitCode {
    // Where stderr cannot be written the exit code still tells.
    let _ = writeln!(std::io::stderr(), "{}", printable(&sentence(error)));
    let bad_input = error.chain().any(|e| {
        e.is::<UsageError>()
            || e.is::<ParamError>()
            || e.is::<DataError>()
            || e.downcast_ref::<RunError>().is_some_and(RunError::is_bad_input)
            || e.downcast_ref::<EngineError>().is_some_and(EngineError::is_bad_input)
    });
    ExitCode::from(if bad_input { 2 } else { 1 })
}
