//! `command`: steers a run that any process trains, through its folder.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::error::usage;
use super::progress::print_json;
use crate::method::hand::HandEdit;
use crate::method::params::table;
use crate::run::event::{Event, State};
use crate::run::pulse::{Pulse, Trainer};
use crate::run::reader::Grown;
use crate::run::requests::{self, Posted, Steer};
use crate::run::{Manifest, RunReader};

/// How often the answer is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Arguments of `command`.
#[derive(clap::Args, Clone, Debug)]
pub struct CommandArgs {
    /// The run folder; ssh://HOST/PATH for one on another machine.
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    #[command(subcommand)]
    #[allow(missing_docs)]
    pub what: AskedOfRun,
    /// Seconds to wait for the answer; it comes after the batch that is being computed.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 60.0)]
    pub timeout: f64,
}

/// What is asked of the run.
#[derive(clap::Subcommand, Clone, Debug)]
pub enum AskedOfRun {
    /// Halt after the current batch.
    Pause,
    /// Go on after a pause.
    Resume,
    /// While paused: train one batch and pause again.
    Step,
    /// While paused: go on to the end of the epoch and pause again.
    StepEpoch,
    /// End the run after the current batch, with a checkpoint.
    Stop,
    /// Write a checkpoint now.
    Checkpoint,
    /// Change a parameter; it takes effect at the next batch or epoch, whichever suits it.
    Set {
        /// For example `eps=0.5`.
        #[arg(value_name = "KEY=VALUE")]
        assignment: String,
    },
    /// These images are one person; from the next clustering on they share their label. The run is marked as touched by
    /// hand.
    MustLink {
        /// Rows of the target's training images, from 0.
        #[arg(value_name = "IMAGE", required = true, num_args = 2..)]
        images: Vec<u32>,
    },
    /// These two images are different people; from the next clustering on they share no cluster.
    CannotLink {
        /// Two rows of the target's training images, from 0.
        #[arg(value_name = "IMAGE", required = true, num_args = 2)]
        images: Vec<u32>,
    },
    /// These images are not to be used; from the next clustering on they are in no cluster and in no batch.
    Exclude {
        /// Rows of the target's training images, from 0.
        #[arg(value_name = "IMAGE", required = true, num_args = 1..)]
        images: Vec<u32>,
    },
    /// Take back what was said last by must-link, cannot-link or exclude.
    UndoHand,
}

impl AskedOfRun {
    fn steer(&self) -> anyhow::Result<Steer> {
        Ok(match self {
            Self::Pause => Steer::Pause,
            Self::Resume => Steer::Resume,
            Self::Step => Steer::StepBatch,
            Self::StepEpoch => Steer::StepEpoch,
            Self::Stop => Steer::Stop,
            Self::Checkpoint => Steer::Checkpoint,
            Self::MustLink { images } => Steer::Hand(HandEdit::MustLink(images.clone())),
            Self::CannotLink { images } => match images[..] {
                [a, b] => Steer::Hand(HandEdit::CannotLink(a, b)),
                _ => return Err(usage("cannot-link takes two images")),
            },
            Self::Exclude { images } => Steer::Hand(HandEdit::Exclude(images.clone())),
            Self::UndoHand => Steer::UndoHand,
            Self::Set { assignment } => {
                let (key, text) = assignment
                    .split_once('=')
                    .ok_or_else(|| usage(format!("`{assignment}` is no assignment; write for example eps=0.5")))?;
                let row = table::row(key.trim())?;
                let value = row.check(&row.parse(text.trim())?)?;
                Steer::SetParam { key: row.key.to_owned(), value }
            }
        })
    }
}

/// Sends the request and waits for the answer.
///
/// # Errors
/// When the folder holds no run, the request makes no sense, nobody trains the run, or no answer comes.
pub fn run(args: &CommandArgs) -> anyhow::Result<ExitCode> {
    let steer = args.what.steer()?;
    let limit = Duration::try_from_secs_f64(args.timeout)
        .map_err(|_| usage(format!("{} is no number of seconds to wait", args.timeout)))?;
    let folder = super::run_folder(&args.run)?;
    Manifest::read(&folder).map_err(|e| usage(e.to_string()))?;
    let request = Posted::new(steer);
    let mut run = Followed::open(&folder, &args.run)?;
    let Some(trainer) = run.pulse.look(&folder) else { return Err(nobody(&args.run)) };
    requests::send(&folder, &request)?;
    let answer = run.answer(&request, limit, &trainer)?;
    let (word, why, code) = match answer {
        Ok(()) => ("accepted", Json::Null, ExitCode::SUCCESS),
        Err(why) => ("refused", Json::from(why), ExitCode::from(1)),
    };
    print_json(&json!({
        "run": args.run,
        "request": request.id,
        "command": request.steer,
        "answer": word,
        "why": why,
        "state": run.state,
        "host": trainer.host,
        "pid": trainer.pid,
    }))?;
    Ok(code)
}

fn nobody(run: &Path) -> anyhow::Error {
    if crate::remote::address::is_remote(run) {
        return anyhow::anyhow!("nobody is training {}", run.display());
    }
    anyhow::anyhow!(
        "nobody is training {}; go on with it by `reid-workbench train --resume --out {}`",
        run.display(),
        run.display()
    )
}

struct Followed {
    dir: PathBuf,
    /// As it was given.
    name: PathBuf,
    tail: crate::run::Tail,
    pulse: Pulse,
    state: Option<State>,
}

impl Followed {
    fn open(dir: &Path, name: &Path) -> anyhow::Result<Self> {
        let reader = RunReader::open_brief(dir)?;
        let mut run = Self {
            dir: dir.to_owned(),
            name: name.to_owned(),
            tail: reader.tail(),
            pulse: Pulse::default(),
            state: None,
        };
        reader.events.iter().for_each(|e| run.note(&e.event));
        Ok(run)
    }

    fn note(&mut self, event: &Event) {
        if let Event::State { state, .. } = event {
            self.state = Some(state.clone());
        }
    }

    /// What the run answers: why it refuses, if it does.
    fn answer(&mut self, request: &Posted, limit: Duration, trainer: &Trainer) -> anyhow::Result<Result<(), String>> {
        let began = Instant::now();
        let look = crossbeam_channel::tick(LOOK_EVERY);
        loop {
            if let Grown::By(events) = self.tail.poll() {
                let mut answer = None;
                for stamped in events {
                    self.note(&stamped.event);
                    match stamped.event {
                        Event::Accepted { request: id } if id == request.id => answer = Some(Ok(())),
                        Event::Refused { request: id, why } if id == request.id => answer = Some(Err(why)),
                        _ => {}
                    }
                }
                if let Some(answer) = answer {
                    return Ok(answer);
                }
            }
            let silent = self.pulse.look(&self.dir).is_none();
            if silent || began.elapsed() >= limit {
                let taken_back = requests::take_back(&self.dir, request);
                return Err(match (silent, taken_back) {
                    (true, true) => nobody(&self.name),
                    (true, false) => anyhow::anyhow!("the run ended before it answered"),
                    (false, true) => anyhow::anyhow!(
                        "process {} on {} did not take the request within {} s; it was taken back",
                        trainer.pid,
                        trainer.host,
                        limit.as_secs_f64()
                    ),
                    (false, false) => anyhow::anyhow!(
                        "process {} on {} took the request, and has not answered within {} s; it will after its batch",
                        trainer.pid,
                        trainer.host,
                        limit.as_secs_f64()
                    ),
                });
            }
            let _ = look.recv();
        }
    }
}
