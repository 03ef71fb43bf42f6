//! `relay`: the far end of `ssh://`, and the runs that are started from there.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::error::usage;
use crate::base::guard::guarded;
use crate::base::{device, dirs, fs, time};
use crate::data::registry::Registry;
use crate::engine::oracle::Oracle;
use crate::method::params::presets::PRESETS;
use crate::remote::protocol::{Fate, Offer, StartOrder};
use crate::remote::relay::{Desk, Then, serve};
use crate::remote::root::is_name;
use crate::run::folder::events_path;
use crate::run::pulse::Trainer;
use crate::run::questions::{NetAnswer, NetQuestion, ask_trainer};

/// Bytes of what a training said that are looked at.
const LOG: u64 = 1 << 20;

/// Arguments of `relay`.
#[derive(clap::Args, Clone, Debug)]
pub struct RelayArgs {
    /// The folder of run folders that is served; nothing outside it is, but the images that its runs name.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
}

/// Serves the line on the standard streams until it ends.
///
/// # Errors
/// When the other end speaks another language.
pub fn run(args: &RelayArgs) -> anyhow::Result<()> {
    let dir = dirs::expand(&args.dir);
    let mut here = Here::default();
    serve(&dir, std::io::stdin(), std::io::stdout(), &mut here).map_err(usage)
}

/// What this machine has to offer, and the runs that were started over this line.
#[derive(Default)]
struct Here {
    started: BTreeMap<String, Child>,
    networks: Option<Networks>,
}

/// Questions to a network that may wait.
const QUESTIONS: usize = 4;
/// A network that nobody asks for so long is let go.
const REST_AFTER: Duration = Duration::from_secs(120);

struct Errand {
    folder: PathBuf,
    question: NetQuestion,
    then: Then,
}

/// The thread that asks networks: one question after the other, so that never two of them are in memory.
struct Networks {
    ask: Option<Sender<Errand>>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Networks {
    fn begin() -> std::io::Result<Self> {
        let (ask, asked) = bounded::<Errand>(QUESTIONS);
        let (stop, stopped) = bounded(0);
        let work = move || {
            let mut oracle = Oracle::default();
            loop {
                match asked.recv_timeout(REST_AFTER) {
                    Ok(Errand { folder, question, then }) => then(answer(&mut oracle, &folder, question, &stopped)),
                    Err(RecvTimeoutError::Timeout) => oracle.rest(),
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        };
        let thread = std::thread::Builder::new().name("relay-networks".to_owned()).spawn(work)?;
        Ok(Self { ask: Some(ask), stop: Some(stop), thread: Some(thread) })
    }
}

/// Whoever trains the run is asked first; else its checkpoint.
fn answer(oracle: &mut Oracle, folder: &Path, question: NetQuestion, stop: &Receiver<()>) -> NetAnswer {
    let from = |oracle: &mut Oracle| match ask_trainer(folder, question.clone(), stop) {
        Some(answer) => answer,
        None => oracle.ask(folder, question.clone(), stop),
    };
    guarded("Asking the network", || from(oracle)).and_then(|answer| answer)
}

impl Drop for Networks {
    fn drop(&mut self) {
        // The line has ended: what is under way is broken off, or the process would end amidst it.
        drop((self.ask.take(), self.stop.take()));
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that asks networks had panicked");
        }
    }
}

impl Desk for Here {
    fn offer(&mut self) -> Offer {
        let known = Registry::load().map(|(registry, _)| registry);
        let there = |registry: &Registry| {
            let entries = registry.entries().iter().filter(|e| e.builtin || e.root.exists());
            entries.map(|e| e.name.clone()).collect()
        };
        Offer {
            host: Trainer::this().host,
            datasets: known.as_ref().map(there).unwrap_or_default(),
            devices: device::present().iter().map(ToString::to_string).collect(),
            presets: PRESETS.iter().map(|preset| preset.name.to_owned()).collect(),
        }
    }

    fn start(&mut self, dir: &Path, order: &StartOrder) -> Result<(String, bool), String> {
        let (name, train) = training(dir, order)?;
        let words = |e: std::io::Error| format!("no run can be started in {}: {e}", dir.display());
        std::fs::create_dir_all(dir).map_err(words)?;
        let lock = dir.join(".queue.lock");
        let queued = open(&lock).map_err(words)?.try_lock().is_err();
        let log = OpenOptions::new().create(true).append(true).open(log_of(dir, &name)).map_err(words)?;
        let program = std::env::current_exe().map_err(words)?;
        let mut command = Command::new(program);
        command.arg("in-turn").arg(&lock).arg("--").args(train);
        let folder = dir.parent().filter(|d| d.is_dir()).unwrap_or(dir);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).current_dir(folder);
        let child = command.spawn().map_err(words)?;
        self.started.insert(name.clone(), child);
        Ok((name, queued))
    }

    fn question(&mut self, folder: PathBuf, question: NetQuestion, then: Then) -> Result<(), String> {
        let networks = match self.networks.take() {
            Some(networks) => networks,
            None => Networks::begin().map_err(|e| e.to_string())?,
        };
        let networks = self.networks.insert(networks);
        let asked = networks.ask.as_ref().map(|ask| ask.try_send(Errand { folder, question, then }));
        match asked {
            Some(Ok(())) => Ok(()),
            _ => Err(format!("{QUESTIONS} questions wait there already; ask again in a moment")),
        }
    }

    fn fate(&mut self, dir: &Path, run: &str) -> Fate {
        let alive = self.started.get_mut(run).is_some_and(|child| matches!(child.try_wait(), Ok(None)));
        let log = fs::read_text(&log_of(dir, run), LOG).unwrap_or_default();
        let said = log.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let said: String = said.chars().filter(|c| !c.is_control()).take(400).collect();
        Fate { begun: events_path(&dir.join(run)).is_file(), alive, said }
    }
}

/// What a run's process says on stderr.
fn log_of(dir: &Path, run: &str) -> PathBuf {
    dir.join(format!("{run}.log"))
}

fn open(lock: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).open(lock)
}

/// The run's name and the arguments of its training.
fn training(dir: &Path, order: &StartOrder) -> Result<(String, Vec<OsString>), String> {
    let name = match &order.resume {
        Some(run) => run.clone(),
        None => {
            let short = |name: &str| name.trim_end_matches('/').rsplit('/').next().unwrap_or(name).to_owned();
            format!("{}_{}_to_{}", time::stamp(time::now()), short(&order.source), short(&order.target))
        }
    };
    if !is_name(&name) {
        return Err(format!("`{}` is no name of a run folder", name.escape_debug()));
    }
    let out = dir.join(&name);
    let out = std::path::absolute(&out).unwrap_or(out);
    let mut args: Vec<OsString> = vec!["train".into(), "--out".into(), out.into()];
    // One word each: what is given cannot become an option.
    let mut option = |name: &str, value: &str| args.push(format!("--{name}={value}").into());
    option("device", if order.device.is_empty() { "auto" } else { &order.device });
    if order.resume.is_none() {
        option("source", &order.source);
        option("target", &order.target);
        if !order.preset.is_empty() {
            option("preset", &order.preset);
        }
    }
    order.set.iter().for_each(|set| option("set", set));
    if order.resume.is_some() {
        args.push("--resume".into());
    }
    Ok((name, args))
}

/// Arguments of `in-turn`.
#[derive(clap::Args, Clone, Debug)]
pub struct TurnArgs {
    /// Whoever holds the lock on this file has his turn.
    #[arg(value_name = "LOCK")]
    pub lock: PathBuf,
    /// What is done then: arguments of this program.
    #[arg(last = true, required = true)]
    pub args: Vec<OsString>,
}

/// Waits for its turn, then runs this program with the arguments given, in a session of its own: the line from which it
/// was started may break.
///
/// # Errors
/// When the lock cannot be had or no process can be started.
pub fn in_turn(args: &TurnArgs) -> anyhow::Result<ExitCode> {
    // Where it is the leader of a group already, it is apart as it is.
    #[cfg(unix)]
    let _ = rustix::process::setsid();
    let lock = open(&args.lock)?;
    lock.lock()?;
    let status = Command::new(std::env::current_exe()?).args(&args.args).status()?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
