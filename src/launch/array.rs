//! A sweep that Slurm runs: hand over what is due, and follow it through the queue and the run folders.

use std::collections::BTreeSet;
use std::time::Duration;

use crossbeam_channel::{Receiver, never, select};

use super::error::LaunchError;
use super::job::argv;
use super::pictures;
use super::pruner::{self, OptunaPruner};
use super::queue::{End, QueueOptions, SweepWatch};
use super::slurm::{Array, SlurmOptions, Task, TaskState, script, states, submit, submitted};
use super::sweep::{Status, Sweep};

/// Runs a sweep's trials as one job array, or goes on following the one that was handed over earlier. A message on
/// `interrupts` ends the following; the jobs stay where they are.
///
/// # Errors
/// When Slurm refuses, or a file cannot be written.
pub fn run(
    sweep: &mut Sweep,
    options: &QueueOptions,
    pause: Duration,
    interrupts: &Receiver<()>,
    pruner: &mut Option<OptunaPruner>,
    watch: &mut dyn SweepWatch,
) -> Result<End, LaunchError> {
    let array = match submitted(&sweep.dir) {
        Some(array) if states(&array)?.values().any(|s| matches!(s, TaskState::Pending | TaskState::Running)) => {
            watch.on_note(&format!("array {} is in the queue already and is followed", array.job));
            array
        }
        _ => match hand_over(sweep, options)? {
            Some(array) => {
                watch.on_note(&format!("array {} of {} tasks was handed over", array.job, array.trials.len()));
                array
            }
            None => return Ok(End::Finished),
        },
    };
    let mut interrupts = interrupts.clone();
    let mut away = false;
    let mut over = BTreeSet::new();
    loop {
        sweep.live();
        match states(&array) {
            Ok(queue) => {
                away = false;
                // A task whose node died is over for a moment, before it is queued again: what counts is what stays so.
                let before = std::mem::take(&mut over);
                over.extend((0..array.trials.len()).filter(|t| queue.get(t).is_none_or(|s| *s == TaskState::Over)));
                let state = |task| match queue.get(&task).copied().unwrap_or(TaskState::Over) {
                    TaskState::Over if !before.contains(&task) => TaskState::Running,
                    state => state,
                };
                if look(sweep, options, &array, state, pruner, watch)? == 0 {
                    let left = sweep.due().next().is_some();
                    return Ok(if left { End::Interrupted } else { End::Finished });
                }
            }
            // Controllers are restarted; the jobs do not mind.
            Err(error) if !away => {
                away = true;
                watch.on_note(&format!("{error}; it is asked again until it answers"));
            }
            Err(_) => {}
        }
        select! {
            recv(interrupts) -> message => match message {
                Ok(()) => {
                    watch.on_note("the jobs stay in the queue; `sweep DIR --launcher slurm` follows them again, `sweep DIR --cancel` stops them");
                    return Ok(End::Interrupted);
                }
                Err(_) => interrupts = never(),
            },
            default(pause) => {}
        }
    }
}

fn hand_over(sweep: &mut Sweep, options: &QueueOptions) -> Result<Option<Array>, LaunchError> {
    let device = options.devices.first().map_or("auto", String::as_str);
    let due: Vec<usize> = sweep.due().collect();
    if due.is_empty() {
        return Ok(None);
    }
    let mut tasks = Vec::new();
    for i in due {
        let entry = &sweep.entries[i];
        entry.place.prepare(&entry.trial)?;
        let argv = argv(&options.program, &entry.trial, &entry.place, device);
        tasks.push(Task { trial: entry.trial.number, argv });
    }
    let cwd = std::env::current_dir().map_err(LaunchError::io("read", std::path::Path::new(".")))?;
    let dir = sweep.dir.canonicalize().map_err(LaunchError::io("read", &sweep.dir))?;
    let slurm = SlurmOptions::with_profile(sweep.spec.slurm.as_ref())?;
    let text = script(&dir, &sweep.spec.name, &slurm, options.threads, &cwd);
    submit(&dir, &text, &tasks, sweep.spec.at_once).map(Some)
}

/// Reads run folders and takes in what Slurm says; how many tasks may still come to something.
fn look(
    sweep: &mut Sweep,
    options: &QueueOptions,
    array: &Array,
    state: impl Fn(usize) -> TaskState,
    pruner: &mut Option<OptunaPruner>,
    watch: &mut dyn SweepWatch,
) -> Result<usize, LaunchError> {
    let mut open = 0;
    for (task, number) in array.trials.iter().enumerate() {
        let Some(at) = sweep.entries.iter().position(|e| e.trial.number == *number) else { continue };
        let entry = &mut sweep.entries[at];
        if matches!(entry.status, Status::Done | Status::Failed(_) | Status::Pruned) {
            continue;
        }
        let before = (entry.status.clone(), entry.run.view.epochs_done);
        entry.run.poll();
        let slurm = state(task);
        entry.status = match slurm {
            _ if entry.run.is_done() => Status::Done,
            TaskState::Pending if entry.run.has_begun() => Status::Stopped,
            TaskState::Pending => Status::Waiting,
            TaskState::Running => Status::Running,
            _ if entry.pruned && entry.run.was_stopped() => Status::Pruned,
            TaskState::Completed | TaskState::Cancelled | TaskState::Over => match entry.run.failure() {
                Some(why) => Status::Failed(why.to_owned()),
                None if entry.run.has_begun() => Status::Stopped,
                None if slurm == TaskState::Cancelled => Status::Waiting,
                None => Status::Failed(format!(
                    "task {task} of array {} ended before its run began; see slurm-{}_{task}.log",
                    array.job, array.job
                )),
            },
        };
        let (over, why) = match &entry.status {
            Status::Done | Status::Pruned => (true, None),
            Status::Failed(why) => (true, Some(why.clone())),
            _ => (!matches!(slurm, TaskState::Pending | TaskState::Running), None),
        };
        if entry.run.has_begun() || why.is_some() {
            sweep.study.started(*number, &entry.place.run)?;
            sweep.study.report(*number, &entry.run)?;
        }
        if entry.status == Status::Done {
            pictures::draw(sweep, at, options);
        }
        let entry = &sweep.entries[at];
        match &entry.status {
            Status::Done | Status::Failed(_) => sweep.study.ended(*number, &entry.run, why.as_deref())?,
            Status::Pruned => sweep.study.pruned(*number, &entry.run)?,
            _ => {}
        }
        open += usize::from(!over);
        if before != (entry.status.clone(), entry.run.view.epochs_done) {
            watch.on_row(&entry.row());
        }
        pruner::look(pruner, sweep, at, watch);
    }
    Ok(open)
}
