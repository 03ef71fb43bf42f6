//! `train`: a run without a window, through the same engine.

mod watcher;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use crossbeam_channel::{never, select};

use self::watcher::Watcher;
use super::error::UsageError;
use super::params::ParamArgs;
use super::signals;
use crate::base::time;
use crate::engine::command::{At, Begin, Command, DeviceChoice, Fork, RunRequest, cache_dir};
use crate::engine::event::State;
use crate::engine::worker::Engine;
use crate::method::params::table::row;
use crate::method::params::{ParamError, Params, Value};

/// Arguments of `train`.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  reid-workbench train --preset demo
  reid-workbench train --source market1501 --target msmt17 --out runs/m2m --set eps=0.55 --device cuda:0
  reid-workbench train --resume --out runs/demo
  reid-workbench train --fork runs/demo@5 --out runs/demo-lower --set adapt.lr=1e-4")]
pub struct TrainArgs {
    /// Labelled source: a registered dataset or a folder; with the preset demo synthetic-plaza unless given.
    #[arg(long, value_name = "NAME|DIR")]
    pub source: Option<String>,
    /// Unlabelled target: a registered dataset or a folder; with the preset demo synthetic-station unless given.
    #[arg(long, value_name = "NAME|DIR")]
    pub target: Option<String>,
    /// The run folder; a new one below runs/, named after time, source and target, unless given.
    #[arg(long, value_name = "RUN")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub params: ParamArgs,
    /// auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub device: DeviceChoice,
    /// Go on from the last checkpoint of the run folder, or from its beginning when it has none, with its datasets and
    /// parameters; with --set, parameters that may change in a run take other values from there on, and --source and
    /// --target say where its data lies now, should it have moved.
    #[arg(long)]
    pub resume: bool,
    /// Start a new run, or go on with the one that the folder holds: the same command for every try of a scheduler.
    #[arg(long, conflicts_with = "resume")]
    pub start_or_resume: bool,
    /// Begin a new run from a checkpoint of another, with its datasets and its parameters as they stood there: after so
    /// many adaptation epochs, or a name that `checkpoints` lists; --set gives parameters that may change in a run other
    /// values.
    #[arg(
        long,
        value_name = "RUN@EPOCH",
        conflicts_with_all = ["resume", "start_or_resume", "source", "target", "preset", "config"]
    )]
    pub fork: Option<String>,
    /// Train whatever share of the images cannot be read, with grey ones in their place.
    #[arg(long)]
    pub allow_unreadable: bool,
    /// Of a run that goes on: find the target's images again by their files' names, wherever they lie now and in
    /// whatever order; images that came since are left out.
    #[arg(long)]
    pub match_names: bool,
}

/// Runs the training; the exit code says how it ended.
///
/// # Errors
/// When the request is bad or the run failed.
pub fn run(args: &TrainArgs) -> anyhow::Result<ExitCode> {
    if args.resume && (args.params.preset.is_some() || args.params.config.is_some()) {
        let text = "a resumed run keeps its own parameters: leave out --preset and --config; --set changes single ones";
        return Err(UsageError(text.to_owned()).into());
    }
    if args.match_names && !(args.resume || args.start_or_resume) {
        return Err(UsageError("--match-names is for a run that goes on: --resume".to_owned()).into());
    }
    let fork = args.fork.as_deref().map(fork).transpose()?;
    let (source, target) = args.datasets()?;
    let out = match &fork {
        Some(fork) => args.branch_folder(fork)?,
        None => args.folder(&source, &target)?,
    };
    let goes_on = args.resume || fork.is_some();
    let request = RunRequest {
        source,
        target,
        out: out.clone(),
        params: if goes_on { Params::default() } else { args.params.params()? },
        device: args.device,
        begin: match (fork, args.resume, args.start_or_resume) {
            (Some(fork), ..) => Begin::Fork(fork),
            (None, true, _) => Begin::Resume,
            (None, false, true) => Begin::StartOrResume,
            (None, false, false) => Begin::Start,
        },
        changes: if goes_on { changes(&args.params.set)? } else { Vec::new() },
        allow_unreadable: args.allow_unreadable,
        match_names: args.match_names,
        cache: cache_dir(),
    };
    let mut interrupts = signals::interrupts()?;
    let engine = Engine::spawn(Arc::new(|| {}))?;
    let handle = engine.handle();
    handle.commands.send(Command::Start(Box::new(request)).into())?;

    let mut watcher = Watcher::new(out);
    let end = loop {
        select! {
            recv(handle.events) -> stamped => match stamped {
                Ok(stamped) => {
                    if let Some(end) = watcher.on_event(&stamped) {
                        break end;
                    }
                }
                Err(_) => break State::Failed("the engine ended without a word".to_owned()),
            },
            recv(interrupts) -> _ => {
                interrupts = never();
                watcher.note("stopping after this batch, with a checkpoint; interrupt again in two seconds or later to leave at once");
                handle.commands.send(Command::Stop.into())?;
            }
        }
    };
    watcher.clear();
    let fault = engine.fault();
    engine.shut_down();
    watcher.finish(end, fault)
}

impl TrainArgs {
    /// Source and target: those given, or with the preset demo the built-in pair; nothing for a run that goes on.
    fn datasets(&self) -> Result<(String, String), UsageError> {
        let demo =
            self.params.preset.as_deref().is_some_and(|names| names.split(',').any(|name| name.trim() == "demo"));
        match (&self.source, &self.target) {
            (Some(source), Some(target)) => Ok((source.clone(), target.clone())),
            (source, target) if self.resume => {
                Ok((source.clone().unwrap_or_default(), target.clone().unwrap_or_default()))
            }
            _ if self.fork.is_some() => Ok(Default::default()),
            (source, target) if demo => {
                let or = |given: &Option<String>, name: &str| given.clone().unwrap_or_else(|| name.to_owned());
                Ok((or(source, "synthetic-plaza"), or(target, "synthetic-station")))
            }
            _ => {
                let words = "name the datasets with --source and --target; --preset demo alone takes the built-in ones";
                Err(UsageError(words.to_owned()))
            }
        }
    }

    /// The folder of a branch: the one given, or a new one beside its parent.
    fn branch_folder(&self, Fork { run, at }: &Fork) -> Result<PathBuf, UsageError> {
        if let Some(out) = &self.out {
            return Ok(out.clone());
        }
        let name = run.file_name().ok_or_else(|| UsageError("say where the branch goes: --out RUN".to_owned()))?;
        Ok(run.with_file_name(format!("{}_{}_from_{at}", time::stamp(time::now()), name.to_string_lossy())))
    }

    /// The run folder: the one given, or a new one below `runs`.
    fn folder(&self, source: &str, target: &str) -> Result<PathBuf, UsageError> {
        if let Some(out) = &self.out {
            return Ok(out.clone());
        }
        if self.resume || self.start_or_resume {
            return Err(UsageError("say which run goes on: --out RUN".to_owned()));
        }
        let short = |name: &str| name.trim_end_matches('/').rsplit('/').next().unwrap_or(name).to_owned();
        let name = format!("{}_{}_to_{}", time::stamp(time::now()), short(source), short(target));
        Ok(Path::new("runs").join(name))
    }
}

/// Where `RUN@EPOCH` branches off; an `@` within the folder's name is one of the name.
fn fork(text: &str) -> Result<Fork, UsageError> {
    let (run, at) = text.rsplit_once('@').filter(|(run, at)| !run.is_empty() && !at.is_empty()).ok_or_else(|| {
        UsageError(format!("{text} names no checkpoint of a run; write for example --fork runs/demo@10"))
    })?;
    Ok(Fork { run: crate::cli::run_folder(Path::new(run)).map_err(|e| UsageError(e.to_string()))?, at: At::parse(at) })
}

/// What `--set` changes in a run that goes on.
fn changes(assignments: &[String]) -> anyhow::Result<Vec<(String, Value)>> {
    let change = |assignment: &String| {
        let (key, text) =
            assignment.split_once('=').ok_or_else(|| ParamError::NotAnAssignment(assignment.to_owned()))?;
        Ok((key.trim().to_owned(), row(key.trim())?.parse(text.trim())?))
    };
    assignments.iter().map(change).collect::<Result<_, ParamError>>().map_err(Into::into)
}
