//! Slurm: one job array for all trials of a sweep. Only `sbatch`, `squeue`, `sacct` and `scancel` are called.
//!
//! Two minutes before a job's time is up, or when it is to make room, Slurm sends it USR1: the script asks the trial to
//! save a checkpoint and queues the job again, which then goes on there (submitit does the same).

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use super::error::LaunchError;
use super::job::{quoted, write_argv};
use crate::base::dirs;
use crate::base::fs::{read_text, write_bytes};

/// How jobs are handed to Slurm; what is not named is left to the cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SlurmOptions {
    /// `--partition`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,
    /// `--account`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// `--time`, for each trial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// `--gres`, such as `gpu:1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gres: Option<String>,
    /// `--mem`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mem: Option<String>,
    /// Further options, each as `#SBATCH` takes it: `--constraint=a100`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extra: Vec<String>,
    /// Lines of shell before the trial: `module load cuda`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub setup: Vec<String>,
}

impl SlurmOptions {
    /// What the spec says, on top of the profile `slurm.toml` in the user's folder of settings.
    ///
    /// # Errors
    /// When there is a profile that cannot be read.
    pub fn with_profile(spec: Option<&Self>) -> Result<Self, LaunchError> {
        let own = spec.cloned().unwrap_or_default();
        let Some(path) = dirs::config().map(|dir| dir.join("slurm.toml")).filter(|path| path.exists()) else {
            return Ok(own);
        };
        let text = read_text(&path, 1 << 20).map_err(LaunchError::io("read", &path))?;
        let mut all: Self =
            toml::from_str(&text).map_err(|e| LaunchError::Refused(format!("{}: {e}", path.display())))?;
        for (profile, own) in [
            (&mut all.partition, own.partition),
            (&mut all.account, own.account),
            (&mut all.time, own.time),
            (&mut all.gres, own.gres),
            (&mut all.mem, own.mem),
        ] {
            if own.is_some() {
                *profile = own;
            }
        }
        all.extra.extend(own.extra);
        all.setup.extend(own.setup);
        Ok(all)
    }
}

/// The array that was handed over, kept in `slurm.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Array {
    /// Its job number.
    pub job: String,
    /// The cluster, where Slurm named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Of each task of the array the trial's number.
    pub trials: Vec<usize>,
}

/// What Slurm says of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// It waits, perhaps for the second time.
    Pending,
    /// It runs or is just ending.
    Running,
    /// It ended well.
    Completed,
    /// Somebody took it out of the queue.
    Cancelled,
    /// It was taken away: out of time, out of memory, its node died, its program failed.
    Over,
}

impl TaskState {
    /// Slurm's word for it, as `squeue` and `sacct` write it.
    pub fn of(word: &str) -> Self {
        match word.split_whitespace().next().unwrap_or_default() {
            "PENDING" | "REQUEUED" | "REQUEUE_FED" | "REQUEUE_HOLD" | "SPECIAL_EXIT" | "RESV_DEL_HOLD" => Self::Pending,
            "RUNNING" | "CONFIGURING" | "COMPLETING" | "STAGE_OUT" | "SIGNALING" | "SUSPENDED" | "STOPPED"
            | "RESIZING" => Self::Running,
            "COMPLETED" => Self::Completed,
            "CANCELLED" => Self::Cancelled,
            _ => Self::Over,
        }
    }
}

/// What a job of the array is to do: the trial's number and its command.
pub struct Task {
    /// The trial's number.
    pub trial: usize,
    /// Its command.
    pub argv: Vec<OsString>,
}

/// The script of the array. Each task reads its command from `tasks/N`, one argument a line.
pub fn script(dir: &Path, name: &str, options: &SlurmOptions, threads: usize, cwd: &Path) -> String {
    let mut out = String::from("#!/bin/bash\n");
    let mut line = |option: String| {
        let _ = writeln!(out, "#SBATCH {option}");
    };
    line(format!("--job-name={}", name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "-")));
    line(format!("--cpus-per-task={threads}"));
    line("--requeue".to_owned());
    line("--open-mode=append".to_owned());
    line("--signal=B:USR1@120".to_owned());
    line(format!("--output={}", quoted(dir.join("slurm-%A_%a.log").as_os_str())));
    for (option, value) in [
        ("partition", &options.partition),
        ("account", &options.account),
        ("time", &options.time),
        ("gres", &options.gres),
        ("mem", &options.mem),
    ] {
        if let Some(value) = value {
            line(format!("--{option}={value}"));
        }
    }
    options.extra.iter().for_each(|extra| line(extra.clone()));
    let tasks = quoted(dir.join("tasks").as_os_str());
    let cwd = quoted(cwd.as_os_str());
    let setup: String = options.setup.iter().map(|l| format!("{l}\n")).collect();
    let _ = write!(
        out,
        r#"
# From the first line on: a signal that comes while the lines of setup run must not end the job.
asked= ended= trial=
trap 'asked=1; [ -z "$trial" ] || kill -TERM "$trial"' USR1
trap 'ended=1; [ -z "$trial" ] || kill -TERM "$trial"' TERM
cd {cwd} || exit 1
{setup}mapfile -t argv < {tasks}/"$SLURM_ARRAY_TASK_ID"
export OMP_NUM_THREADS={threads} MKL_NUM_THREADS={threads} RAYON_NUM_THREADS={threads}
code=130
if [ -z "$asked$ended" ]; then
    "${{argv[@]}}" &
    trial=$!
    [ -z "$asked$ended" ] || kill -TERM "$trial"
    # The first wait is broken off by a signal; those after it are for the checkpoint.
    wait "$trial"; code=$?
    while kill -0 "$trial" 2>/dev/null; do wait "$trial"; code=$?; done
    if [ -n "$asked$ended" ]; then wait "$trial"; code=$?; fi
fi
if [ -n "$asked" ] && [ "$code" -eq 130 ]; then
    scontrol requeue "${{SLURM_ARRAY_JOB_ID}}_${{SLURM_ARRAY_TASK_ID}}"
fi
exit "$code"
"#
    );
    out
}

fn path_of(dir: &Path) -> PathBuf {
    dir.join("slurm.json")
}

/// The array that was handed over earlier, if there is one.
pub fn submitted(dir: &Path) -> Option<Array> {
    serde_json::from_str(&std::fs::read_to_string(path_of(dir)).ok()?).ok()
}

/// Hands the tasks over as one array, of which at most `at_once` run at a time.
///
/// # Errors
/// When a file cannot be written, or `sbatch` refuses.
pub fn submit(dir: &Path, script: &str, tasks: &[Task], at_once: Option<usize>) -> Result<Array, LaunchError> {
    for (i, task) in tasks.iter().enumerate() {
        write_argv(&dir.join("tasks"), i, &task.argv)?;
    }
    let file = dir.join("array.sh");
    write_bytes(&file, script).map_err(LaunchError::io("write", &file))?;
    let bound = at_once.map_or_else(String::new, |n| format!("%{n}"));
    let range = format!("--array=0-{}{bound}", tasks.len().saturating_sub(1));
    let said = ask("sbatch", Command::new("sbatch").args(["--parsable", &range]).arg(&file))?;
    // `JOB` or `JOB;CLUSTER`.
    let mut words = said.trim().split(';').map(str::to_owned);
    let job = words.next().filter(|j| !j.is_empty() && j.chars().all(|c| c.is_ascii_digit()));
    let job = job.ok_or_else(|| LaunchError::Program {
        program: "sbatch".to_owned(),
        reason: format!("it said `{}`, a job number was expected", said.trim()),
    })?;
    let array = Array { job, cluster: words.next(), trials: tasks.iter().map(|t| t.trial).collect() };
    let path = path_of(dir);
    let text = serde_json::to_string_pretty(&array).unwrap_or_default();
    write_bytes(&path, text).map_err(LaunchError::io("write", &path))?;
    Ok(array)
}

/// The state of each task by its place in the array. Tasks that have left the queue are asked of `sacct`; where there
/// is no accounting they are over as far as Slurm knows, and the run folders tell how they ended.
///
/// # Errors
/// When `squeue` cannot be asked.
pub fn states(array: &Array) -> Result<BTreeMap<usize, TaskState>, LaunchError> {
    let (mut found, mut rest) = (BTreeMap::new(), None);
    let mut take = |said: &str| {
        for (task, state) in said.lines().filter_map(|line| state_line(&array.job, line)) {
            match task {
                Some(task) => drop(found.entry(task).or_insert(state)),
                None => rest = Some(state),
            }
        }
        (0..array.trials.len()).all(|task| found.contains_key(&task))
    };
    let cluster = array.cluster.as_ref().map(|c| format!("--clusters={c}"));
    let mut command = Command::new("squeue");
    command.args(["--noheader", "--array", "--format=%i|%T", "--states=all", "--jobs", &array.job]).args(&cluster);
    let all = match ask("squeue", &mut command) {
        Ok(said) => take(&said),
        // An array that is long over is no longer known to the queue.
        Err(LaunchError::Program { reason, .. }) if reason.contains("Invalid job id") => false,
        Err(error) => return Err(error),
    };
    if !all {
        let mut command = Command::new("sacct");
        command.args(["--noheader", "--parsable2", "--allocations", "--format=JobID,State", "--jobs", &array.job]);
        if let Ok(said) = ask("sacct", command.args(&cluster)) {
            take(&said);
        }
    }
    let rest = rest.unwrap_or(TaskState::Over);
    (0..array.trials.len()).for_each(|task| {
        found.entry(task).or_insert(rest);
    });
    Ok(found)
}

/// `123_4|RUNNING` → (4, Running). Tasks that never began are one line for all of them: `123|CANCELLED` of `squeue`,
/// `123_[4-7]|CANCELLED by 0` of `sacct`.
fn state_line(job: &str, line: &str) -> Option<(Option<usize>, TaskState)> {
    let (id, word) = line.trim().split_once('|')?;
    let state = TaskState::of(word);
    match id.strip_prefix(job)? {
        "" => Some((None, state)),
        task if task.starts_with("_[") => Some((None, state)),
        task => Some((Some(task.strip_prefix('_')?.parse().ok()?), state)),
    }
}

/// Takes the whole array out of the queue; running tasks save checkpoints first. Those that wait go first: they would
/// begin in the room that the others leave.
///
/// # Errors
/// When `scancel` refuses and tasks still wait or run.
pub fn cancel(array: &Array) -> Result<(), LaunchError> {
    let scancel = |options: &[&str]| ask("scancel", Command::new("scancel").args(options).arg(&array.job));
    let mut last = Ok(());
    // It complains of tasks that came to their end meanwhile, and leaves those that began meanwhile.
    for _ in 0..3 {
        let waiting = scancel(&["--state=PENDING"]);
        let running = scancel(&["--state=RUNNING", "--signal=TERM", "--full"]);
        last = waiting.and(running).map(drop);
        let open = |state: &TaskState| matches!(state, TaskState::Pending | TaskState::Running);
        if last.is_ok() || !states(array)?.values().any(open) {
            return Ok(());
        }
    }
    last
}

fn ask(program: &str, command: &mut Command) -> Result<String, LaunchError> {
    let failed = |reason: String| LaunchError::Program { program: program.to_owned(), reason };
    let output = command.output().map_err(|e| failed(e.to_string()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(failed(if said.is_empty() { output.status.to_string() } else { said }))
}
