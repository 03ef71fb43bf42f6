//! `reid-workbench sweep`: many runs from one file, and thousands of clusterings without any.

mod report;
mod what_if;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;
use serde_json::{Value, json};

use self::report::{SweepBars, summary};
use super::error::usage;
use super::progress::{note, print_json};
use super::signals::interrupts;
use crate::base::device::DeviceChoice;
use crate::launch::pruner::OptunaPruner;
use crate::launch::queue::{End, QueueOptions};
use crate::launch::sampler::OptunaSampler;
use crate::launch::spec::SHIPPED;
use crate::launch::sweep::{Sweep, is_sweep, rows_of, spec_of};
use crate::launch::template::LaunchTemplate;
use crate::launch::{LaunchError, SweepSpec, array, job, queue, slurm};

/// Runs many trainings from one file: every point of a grid, every row of a list, several at once, each in a run folder
/// of its own. Called again, it goes on where it stopped.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  reid-workbench sweep ablation-demo --out sweeps/ablation
  reid-workbench sweep sweeps/ablation --status
  reid-workbench sweep spec.toml --out sweeps/a --at-once 2 --device cuda:0,cuda:1
  reid-workbench sweep --what-if runs/demo@5 --survivors next.toml")]
pub struct SweepArgs {
    /// A TOML file, the name of a spec that comes with the program (see --list), or the folder of a sweep to go on with
    #[arg(value_name = "SPEC.toml|DIR", required_unless_present_any = ["list", "what_if"])]
    pub spec: Option<PathBuf>,
    /// The sweep's folder
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Say how far the sweep is, and no more
    #[arg(long)]
    pub status: bool,
    /// List the specs that come with the program
    #[arg(long)]
    pub list: bool,
    /// local: here; slurm: as one job array; print: only say what would be run, a line a trial
    #[arg(long, value_enum, default_value = "local")]
    pub launcher: Launcher,
    /// With --launcher print, the whole sweep for another queue: bodies for Ray Jobs, a task of SkyPilot, an indexed Job of
    /// Kubernetes
    #[arg(long, value_enum)]
    pub template: Option<QueueTemplate>,
    /// Labelled source, in place of the spec's
    #[arg(long, value_name = "NAME|DIR")]
    pub source: Option<String>,
    /// Unlabelled target, in place of the spec's
    #[arg(long, value_name = "NAME|DIR")]
    pub target: Option<String>,
    /// A preset for all trials, on top of the spec's
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,
    /// A parameter for all trials; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// auto, cpu, cuda or cuda:N; several, separated by commas, for trials that run at once
    #[arg(long, value_delimiter = ',', value_name = "DEVICE")]
    pub device: Vec<String>,
    /// Trials at once; never more threads together than there are cores
    #[arg(long, value_name = "N")]
    pub at_once: Option<usize>,
    /// Threads of each trial
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Run failed trials again
    #[arg(long)]
    pub retry: bool,
    /// Have trials proposed by the installed Optuna: optuna, or optuna:TPESampler
    #[arg(long, value_name = "optuna[:SAMPLER]")]
    pub sampler: Option<String>,
    /// How many trials the sampler proposes
    #[arg(long, value_name = "N")]
    pub propose: Option<usize>,
    /// Stop the sweep's jobs in Slurm, with checkpoints
    #[arg(long)]
    pub cancel: bool,
    /// Train nothing: judge thousands of settings on the stored graph of one epoch, without truth
    #[arg(long, value_name = "RUN@EPOCH", conflicts_with_all = ["spec", "out", "status", "cancel", "sampler"])]
    pub what_if: Option<String>,
    /// With --what-if, the values of one key: eps, delta_d, min_samples, k1, k2 or threshold; may be repeated
    #[arg(long = "grid", value_name = "KEY=V1,V2,…", requires = "what_if")]
    pub grid: Vec<String>,
    /// With --what-if, a spec of the best settings of the front, to train in earnest
    #[arg(long, value_name = "F.toml", requires = "what_if")]
    pub survivors: Option<PathBuf>,
    /// How many settings --survivors keeps
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub keep: usize,
    /// With --what-if, csv has a row a setting
    #[arg(long, value_enum, default_value = "json")]
    pub format: SweepFormat,
}

/// Who runs the trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Launcher {
    Local,
    Slurm,
    Print,
}

/// Whose queue a template is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum QueueTemplate {
    Ray,
    Skypilot,
    Kubernetes,
}

/// How settings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum SweepFormat {
    Json,
    Csv,
}

/// Runs the command; 0 when every trial has come to an end and not all failed.
///
/// # Errors
/// When the spec is bad, or the sweep as a whole cannot go on; a trial that fails is a row.
pub fn run(args: &SweepArgs) -> anyhow::Result<ExitCode> {
    if args.list {
        let about = |text: &str| SweepSpec::parse(text).map(|s| s.about).unwrap_or_default();
        let all: Vec<Value> = SHIPPED.iter().map(|(n, text)| json!({ "name": n, "about": about(text) })).collect();
        return print_json(&json!(all)).map(|()| ExitCode::SUCCESS);
    }
    if let Some(at) = &args.what_if {
        return what_if::run(args, at).map(|()| ExitCode::SUCCESS);
    }
    let Some(named) = &args.spec else { return Err(usage("name a spec or the folder of a sweep")) };
    let (dir, spec) = asked(args, named).map_err(sort)?;
    if args.status {
        return print_json(&summary(&dir, &rows_of(&dir).map_err(sort)?, "as it lies there"))
            .map(|()| ExitCode::SUCCESS);
    }
    if args.cancel {
        let array = slurm::submitted(&dir).ok_or_else(|| usage(format!("{} has no jobs in Slurm", dir.display())))?;
        slurm::cancel(&array).map_err(sort)?;
        return print_json(&json!({ "cancelled": array.job })).map(|()| ExitCode::SUCCESS);
    }
    if args.template.is_some() && args.launcher != Launcher::Print {
        return Err(usage("--template goes with --launcher print"));
    }
    let mut sweep = Sweep::open(&dir, spec).map_err(sort)?;
    if args.retry {
        sweep.retry_failed().map_err(sort)?;
    }
    let options = options(args, &sweep.spec)?;
    if let Some(template) = args.template {
        let template = match template {
            QueueTemplate::Ray => LaunchTemplate::Ray,
            QueueTemplate::Skypilot => LaunchTemplate::Skypilot,
            QueueTemplate::Kubernetes => LaunchTemplate::Kubernetes,
        };
        let text = template.fill(&sweep, &options).map_err(sort)?;
        std::io::stdout().lock().write_all(text.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    match args.launcher {
        Launcher::Print => print_commands(&sweep, &options).map(|()| ExitCode::SUCCESS),
        Launcher::Local | Launcher::Slurm => carry_out(args, &mut sweep, &options),
    }
}

/// The sweep's folder, and its spec with what the command line says on top.
fn asked(args: &SweepArgs, named: &Path) -> Result<(PathBuf, SweepSpec), LaunchError> {
    let refused = |text: &str| LaunchError::Refused(text.to_owned());
    let (dir, mut spec) = if args.status || args.cancel {
        let dir = args.out.as_deref().unwrap_or(named);
        (dir.to_owned(), spec_of(dir)?)
    } else if is_sweep(named) {
        if args.out.as_ref().is_some_and(|out| out != named) {
            return Err(refused("name the folder of a sweep, or a spec with --out, not both"));
        }
        (named.to_owned(), spec_of(named)?)
    } else {
        let out = args.out.clone().ok_or_else(|| refused("say where the runs go: --out DIR"))?;
        (out, SweepSpec::read(named)?)
    };
    let take = |own: &Option<String>, of: &mut Option<String>| {
        if own.is_some() {
            of.clone_from(own);
        }
    };
    take(&args.source, &mut spec.source);
    take(&args.target, &mut spec.target);
    if let Some(more) = &args.preset {
        spec.preset = Some(spec.preset.map_or_else(|| more.clone(), |own| format!("{own},{more}")));
    }
    for assignment in &args.set {
        let (key, value) = assignment.split_once('=').ok_or_else(|| refused("--set takes KEY=VALUE"))?;
        spec.set.insert(key.trim().to_owned(), toml::Value::String(value.trim().to_owned()));
    }
    if !args.device.is_empty() {
        spec.devices.clone_from(&args.device);
    }
    spec.at_once = args.at_once.or(spec.at_once);
    spec.threads = args.threads.or(spec.threads);
    spec.propose = args.propose.or(spec.propose);
    Ok((dir, spec.rooted()))
}

fn options(args: &SweepArgs, spec: &SweepSpec) -> anyhow::Result<QueueOptions> {
    for name in &spec.devices {
        name.parse::<DeviceChoice>().map_err(|e| usage(e.to_string()))?;
    }
    let sampler = match args.sampler.as_deref().map(|s| s.split_once(':').unwrap_or((s, ""))) {
        None => None,
        Some(("optuna", name)) => Some(OptunaSampler::optuna((!name.is_empty()).then(|| name.to_owned()))),
        Some((other, _)) => return Err(usage(format!("there is no sampler `{other}`; there is optuna"))),
    };
    if sampler.is_some() && (spec.search.is_empty() || spec.propose.is_none()) {
        return Err(usage("a sampler needs [search] in the spec, and propose = N or --propose N"));
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (at_once, threads) = match args.launcher {
        Launcher::Local => QueueOptions::within(cores, spec.at_once, spec.threads),
        // The cluster's cores are not this machine's.
        _ => (spec.at_once.unwrap_or(1), spec.threads.unwrap_or(4)),
    };
    if args.launcher == Launcher::Local && spec.at_once.is_some_and(|wanted| wanted > at_once) {
        note(&format!("{at_once} at once with {threads} threads each: there are {cores} cores"));
    }
    let program = std::env::current_exe()?;
    Ok(QueueOptions { program, devices: spec.devices.clone(), at_once, threads, sampler })
}

fn print_commands(sweep: &Sweep, options: &QueueOptions) -> anyhow::Result<()> {
    let device = options.devices.first().map_or("auto", String::as_str);
    let mut out = std::io::stdout().lock();
    for (trial, place) in sweep.to_run() {
        place.prepare(trial).map_err(sort)?;
        writeln!(out, "{}", job::line(&job::argv(&options.program, trial, place, device)))?;
    }
    Ok(())
}

fn carry_out(args: &SweepArgs, sweep: &mut Sweep, options: &QueueOptions) -> anyhow::Result<ExitCode> {
    let interrupts = interrupts()?;
    let mut pruner = OptunaPruner::of(sweep).map_err(sort)?;
    let mut bars = SweepBars::new(&sweep.rows());
    let end = if args.launcher == Launcher::Slurm {
        let seconds = std::env::var("REID_SLURM_POLL").ok().and_then(|s| s.parse().ok()).unwrap_or(5.0f64);
        let pause = Duration::from_secs_f64(seconds.clamp(0.05, 3600.0));
        array::run(sweep, options, pause, &interrupts, &mut pruner, &mut bars)
    } else {
        queue::run(sweep, options, &interrupts, &mut pruner, &mut bars)
    };
    bars.clear();
    let end = end.map_err(sort)?;
    let rows = sweep.rows();
    let word = if end == End::Finished { "finished" } else { "interrupted" };
    print_json(&summary(&sweep.dir, &rows, word))?;
    let failed = rows.iter().filter(|r| r.state == "failed").count();
    Ok(match end {
        End::Interrupted => ExitCode::from(130),
        End::Finished if failed > 0 && failed == rows.len() => ExitCode::from(1),
        End::Finished => ExitCode::SUCCESS,
    })
}

/// What the user can mend, told apart from what failed.
fn sort(error: LaunchError) -> anyhow::Error {
    if error.is_bad_input() { usage(error.to_string()) } else { error.into() }
}
