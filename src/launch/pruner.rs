//! Pruners are guests, too: the user's own Optuna is asked after each epoch whether a trial is worth going on with, and one
//! that is not is asked to stop as anybody would ask it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::error::LaunchError;
use super::queue::SweepWatch;
use super::sampler::OptunaSampler;
use super::sweep::{Status, Sweep};
use crate::run::requests::{Posted, RequestId, Steer, send};

const HELPER: &str = include_str!("prune.py");

/// A process of Python with the installed `optuna`, which reads the study and answers for its pruner.
pub struct OptunaPruner {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Drop for OptunaPruner {
    fn drop(&mut self) {
        // It holds nothing that would have to be saved.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl OptunaPruner {
    /// The pruner that a sweep's spec names; `None` where it names none.
    ///
    /// # Errors
    /// When there is no Optuna, or it does not know the pruner or what it is told.
    pub fn of(sweep: &Sweep) -> Result<Option<Self>, LaunchError> {
        let Some(about) = &sweep.spec.pruner else { return Ok(None) };
        let optuna = OptunaSampler::optuna(None).program;
        let failed = |reason: String| LaunchError::Program { program: "the pruner".to_owned(), reason };
        let [python, first @ ..] = &python_of(&optuna).ok_or_else(|| {
            failed(format!(
                "{} is not to be found, or not a script; install it with `pip install optuna`",
                optuna.display()
            ))
        })?[..] else {
            return Err(failed("no Python".to_owned()));
        };
        let about = serde_json::to_string(about).map_err(|e| failed(e.to_string()))?;
        let mut command = Command::new(python);
        command.args(first).args(["-c", HELPER]).arg(sweep.study.path()).args([&sweep.spec.name, &about]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|e| failed(format!("{python}: {e}")))?;
        let (Some(ask), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("it has no input or output".to_owned()));
        };
        let mut pruner = Self { child, ask, answers: BufReader::new(answers) };
        if pruner.answer().is_some() {
            return Ok(Some(pruner));
        }
        let mut said = String::new();
        if let Some(stderr) = &mut pruner.child.stderr {
            let _ = stderr.take(1 << 16).read_to_string(&mut said);
        }
        let last = said.lines().rev().find(|l| !l.trim().is_empty());
        Err(failed(last.unwrap_or("it ended without a word").to_owned()))
    }

    fn answer(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.answers.read_line(&mut line).ok()?;
        serde_json::from_str(&line).ok()
    }

    /// Whether the trial with that number in the study is to end; `None` when there is no answer any more.
    fn would_prune(&mut self, number: usize) -> Option<bool> {
        writeln!(self.ask, "{number}").ok()?;
        self.ask.flush().ok()?;
        self.answer()?.as_bool()
    }
}

/// Asks about a trial that runs and has been evaluated since; one that is pruned is asked to stop.
pub(super) fn look(pruner: &mut Option<OptunaPruner>, sweep: &mut Sweep, at: usize, watch: &mut dyn SweepWatch) {
    let Some(asked) = pruner else { return };
    let entry = &mut sweep.entries[at];
    let step = sweep.study.newest_step(&entry.run).filter(|&step| step > 0);
    if entry.pruned || entry.status != Status::Running || entry.run.is_done() || step.is_none() || step == entry.judged
    {
        return;
    }
    entry.judged = step;
    let Some(number) = sweep.study.number_of(entry.trial.number) else { return };
    match asked.would_prune(number) {
        Some(false) => {}
        Some(true) => {
            let request = Posted { id: RequestId::unique(), steer: Steer::Stop };
            let (trial, epoch) = (entry.trial.number, step.unwrap_or(0));
            match send(&entry.place.run, &request) {
                Ok(()) => {
                    entry.pruned = true;
                    watch.on_note(&format!("trial {trial} is pruned after epoch {epoch}"));
                }
                Err(error) => watch.on_note(&format!("trial {trial} could not be pruned: {error}")),
            }
        }
        None => {
            *pruner = None;
            watch.on_note("the pruner has ended; trials run to their ends");
        }
    }
}

/// The Python that a program installed by `pip` runs in: what its first line names, else the one beside it.
fn python_of(program: &Path) -> Option<Vec<String>> {
    let path = found(program)?.canonicalize().ok()?;
    let mut head = Vec::new();
    File::open(&path).ok()?.take(512).read_to_end(&mut head).ok()?;
    let head = String::from_utf8_lossy(&head);
    let first = head.lines().next().and_then(|line| line.strip_prefix("#!")).map(str::trim);
    if let Some(first) = first.filter(|f| !f.ends_with("/sh")) {
        return Some(first.split_whitespace().map(str::to_owned).collect());
    }
    let beside = ["python", "python3", "python.exe"].map(|name| path.with_file_name(name));
    beside.iter().find(|p| p.is_file()).map(|p| vec![p.display().to_string()])
}

fn found(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return Some(program.to_owned());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|p| p.is_file())
}
