//! The queue on this machine: so many trials at once, each a process of its own with its share of the cores.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, never, select};

use super::error::LaunchError;
use super::follow::is_written;
use super::job::argv;
use super::pictures;
use super::pruner::{self, OptunaPruner};
use super::sampler::OptunaSampler;
use super::sweep::{Status, Sweep};
use crate::run::TrialRow;

/// How often run folders are looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How often the study is asked for trials that others added.
const ASK: Duration = Duration::from_secs(2);

/// How the queue runs.
#[derive(Clone, Debug)]
pub struct QueueOptions {
    /// Our own program.
    pub program: PathBuf,
    /// A device for each trial that runs at once, in turn.
    pub devices: Vec<String>,
    /// Trials at once.
    pub at_once: usize,
    /// Threads of each.
    pub threads: usize,
    /// Who proposes trials beyond those that are written down.
    pub sampler: Option<OptunaSampler>,
}

impl QueueOptions {
    /// As many trials at once and threads each as asked for, but never more threads together than there are cores:
    /// threads are given first, then trials.
    pub fn within(cores: usize, at_once: Option<usize>, threads: Option<usize>) -> (usize, usize) {
        let cores = cores.max(1);
        let threads = threads.unwrap_or_else(|| cores / at_once.unwrap_or(1).clamp(1, cores)).clamp(1, cores);
        let room = cores / threads;
        (at_once.unwrap_or(room).clamp(1, room.max(1)), threads)
    }
}

/// Who is told how the sweep goes on.
pub trait SweepWatch {
    /// A trial's row has changed.
    fn on_row(&mut self, row: &TrialRow);
    /// Something to know, a sentence.
    fn on_note(&mut self, text: &str);
}

/// How a sweep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Every trial has come to its end.
    Finished,
    /// It was interrupted; trials that ran have saved checkpoints.
    Interrupted,
}

struct Ended {
    slot: usize,
    status: std::io::Result<ExitStatus>,
}

/// A trial that runs: which, and the process when it is a child of ours.
#[derive(Clone, Copy)]
struct Busy {
    entry: usize,
    pid: Option<u32>,
}

struct Queue<'a> {
    sweep: &'a mut Sweep,
    options: &'a QueueOptions,
    pruner: &'a mut Option<OptunaPruner>,
    watch: &'a mut dyn SweepWatch,
    slots: Vec<Option<Busy>>,
    tell: Sender<Ended>,
    stopping: bool,
    asked: Instant,
    sampler_failed: bool,
}

/// Runs a sweep's trials to their ends. A message on `interrupts` stops those that run, with checkpoints.
///
/// # Errors
/// When the study cannot be written or no process can be started; a trial's own failure is a row.
pub fn run(
    sweep: &mut Sweep,
    options: &QueueOptions,
    interrupts: &Receiver<()>,
    pruner: &mut Option<OptunaPruner>,
    watch: &mut dyn SweepWatch,
) -> Result<End, LaunchError> {
    let (tell, ended) = bounded(options.at_once.max(1));
    let slots = vec![None; options.at_once.max(1)];
    let asked = Instant::now();
    let mut queue = Queue { sweep, options, pruner, watch, slots, tell, stopping: false, asked, sampler_failed: false };
    queue.sweep.adopt()?;
    queue.take_up_orphans();
    let mut interrupts = interrupts.clone();
    loop {
        queue.look()?;
        if !queue.stopping {
            queue.fill()?;
        }
        if queue.slots.iter().all(Option::is_none) {
            break;
        }
        select! {
            recv(ended) -> end => if let Ok(end) = end { queue.on_end(end)? },
            recv(interrupts) -> message => match message {
                Ok(()) => queue.stop(),
                // Nobody can interrupt any more.
                Err(_) => interrupts = never(),
            },
            default(LOOK) => {}
        }
    }
    Ok(if queue.stopping { End::Interrupted } else { End::Finished })
}

impl Queue<'_> {
    /// Trials that a killed sweep left behind are still running: they hold a place until they end.
    fn take_up_orphans(&mut self) {
        let running: Vec<usize> =
            (0..self.sweep.entries.len()).filter(|&i| self.sweep.entries[i].status == Status::Running).collect();
        for entry in running {
            let text = format!("trial {} still runs and is followed", self.sweep.entries[entry].trial.number);
            self.watch.on_note(&text);
            match self.slots.iter_mut().find(|s| s.is_none()) {
                Some(slot) => *slot = Some(Busy { entry, pid: None }),
                None => self.slots.push(Some(Busy { entry, pid: None })),
            }
        }
    }

    /// Reads what the trials have written since.
    fn look(&mut self) -> Result<(), LaunchError> {
        self.sweep.live();
        for slot in 0..self.slots.len() {
            let Some(busy) = self.slots[slot] else { continue };
            let entry = &mut self.sweep.entries[busy.entry];
            if entry.run.poll() {
                self.sweep.study.report(entry.trial.number, &entry.run)?;
                self.watch.on_row(&self.sweep.entries[busy.entry].row());
                pruner::look(self.pruner, self.sweep, busy.entry, self.watch);
            }
            let entry = &self.sweep.entries[busy.entry];
            if busy.pid.is_none() && !is_written(&entry.place.run) {
                self.slots[slot] = None;
                self.close(busy.entry, "it was killed".to_owned(), true)?;
            }
        }
        if self.asked.elapsed() >= ASK {
            self.asked = Instant::now();
            if self.sweep.adopt()? > 0 {
                self.watch.on_note("trials were added to the study");
            }
        }
        Ok(())
    }

    /// Starts what may start. Of trials that can share a pre-training the first makes it while the others wait.
    fn fill(&mut self) -> Result<(), LaunchError> {
        for slot in 0..self.options.at_once {
            if self.slots.get(slot).is_none_or(Option::is_some) {
                continue;
            }
            let making: Vec<&str> = self
                .slots
                .iter()
                .flatten()
                .map(|b| &self.sweep.entries[b.entry])
                .filter(|e| !e.run.is_pretrained())
                .map(|e| e.pretraining.as_str())
                .collect();
            let next = self.sweep.due().find(|&i| !making.contains(&self.sweep.entries[i].pretraining.as_str()));
            let waits = self.sweep.due().next().is_some();
            match next {
                Some(entry) => self.start(slot, entry)?,
                None if !waits && self.propose()? => {
                    let proposed = self.sweep.due().next();
                    if let Some(entry) = proposed {
                        self.start(slot, entry)?;
                    }
                }
                None => break,
            }
        }
        Ok(())
    }

    /// Asks the sampler for one more trial; whether there is one.
    fn propose(&mut self) -> Result<bool, LaunchError> {
        let Some(sampler) = &self.options.sampler else { return Ok(false) };
        let proposed = self.sweep.entries.len() - self.sweep.written;
        if self.sampler_failed || proposed >= self.sweep.spec.propose.unwrap_or(0) {
            return Ok(false);
        }
        match sampler.ask(self.sweep) {
            Ok(found) => Ok(found),
            Err(error) => {
                self.sampler_failed = true;
                self.watch.on_note(&error.to_string());
                Ok(false)
            }
        }
    }

    fn start(&mut self, slot: usize, entry: usize) -> Result<(), LaunchError> {
        let device = match self.options.devices.len() {
            0 => "auto",
            n => &self.options.devices[slot % n],
        };
        let item = &mut self.sweep.entries[entry];
        item.place.prepare(&item.trial)?;
        let argv = argv(&self.options.program, &item.trial, &item.place, device);
        let start = Start {
            slot,
            argv,
            log: item.place.log.clone(),
            threads: self.options.threads,
            cores: slot * self.options.threads..(slot + 1) * self.options.threads,
        };
        let pid = start.spawn(self.tell.clone()).map_err(LaunchError::io("start", &self.options.program))?;
        item.status = Status::Running;
        self.sweep.study.started(item.trial.number, &item.place.run)?;
        self.slots[slot] = Some(Busy { entry, pid: Some(pid) });
        self.watch.on_row(&self.sweep.entries[entry].row());
        Ok(())
    }

    fn on_end(&mut self, end: Ended) -> Result<(), LaunchError> {
        let Some(busy) = self.slots.get_mut(end.slot).and_then(Option::take) else { return Ok(()) };
        let item = &mut self.sweep.entries[busy.entry];
        item.run.poll();
        if !item.run.is_done() && is_written(&item.place.run) {
            // A killed sweep's trial that was still beginning when this one looked.
            let text = format!("trial {} is run by another process and is followed", item.trial.number);
            self.slots[end.slot] = Some(Busy { entry: busy.entry, pid: None });
            self.watch.on_note(&text);
            return Ok(());
        }
        let stopped = end.status.as_ref().is_ok_and(|s| s.code() == Some(130));
        let how = match &end.status {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        let why = last_words(&self.sweep.entries[busy.entry].place.log).unwrap_or(how);
        self.close(busy.entry, why, stopped || self.stopping)
    }

    /// Notes how a trial ended: done, stopped, or failed with what was said last.
    fn close(&mut self, entry: usize, why: String, stopped: bool) -> Result<(), LaunchError> {
        let item = &mut self.sweep.entries[entry];
        item.run.poll();
        item.status = match item.run.failure() {
            _ if item.run.is_done() => Status::Done,
            Some(reason) => Status::Failed(reason.to_owned()),
            None if item.pruned && item.run.was_stopped() => Status::Pruned,
            None if stopped || item.run.was_stopped() => Status::Stopped,
            None => Status::Failed(why),
        };
        if item.status == Status::Done {
            pictures::draw(self.sweep, entry, self.options);
        }
        let item = &self.sweep.entries[entry];
        let failed = if let Status::Failed(why) = &item.status { Some(why.as_str()) } else { None };
        if item.status == Status::Pruned {
            self.sweep.study.pruned(item.trial.number, &item.run)?;
        } else if item.status == Status::Done || failed.is_some() {
            self.sweep.study.ended(item.trial.number, &item.run, failed)?;
        } else {
            self.sweep.study.report(item.trial.number, &item.run)?;
        }
        let orphan_again = item.status == Status::Stopped && !self.stopping && item.run.was_stopped();
        self.watch.on_row(&self.sweep.entries[entry].row());
        if orphan_again {
            // Somebody stopped this one run by hand: it is not begun again behind their back.
            let number = self.sweep.entries[entry].trial.number;
            self.sweep.entries[entry].status = Status::Failed("it was stopped; --retry goes on with it".to_owned());
            self.watch.on_note(&format!("trial {number} was stopped by hand and is left alone"));
        }
        Ok(())
    }

    fn stop(&mut self) {
        if !self.stopping {
            self.stopping = true;
            self.watch.on_note("stopping: each trial saves a checkpoint");
        }
        for pid in self.slots.iter().flatten().filter_map(|b| b.pid) {
            ask_to_stop(pid);
        }
        // Those of an earlier sweep are not ours to stop.
        self.slots.iter_mut().for_each(|s| *s = s.take().filter(|b| b.pid.is_some()));
    }
}

#[cfg(unix)]
pub(super) fn ask_to_stop(pid: u32) {
    use rustix::process::{Pid, Signal, kill_process};
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It may have ended just now.
        let _ = kill_process(pid, Signal::TERM);
    }
}

#[cfg(not(unix))]
pub(super) fn ask_to_stop(_: u32) {}

/// What a trial said last on stderr.
fn last_words(log: &Path) -> Option<String> {
    let text = crate::base::fs::read_text(log, 64 << 20).ok()?;
    text.lines().rev().map(str::trim).find(|l| !l.is_empty()).map(str::to_owned)
}

/// A process to be.
struct Start {
    slot: usize,
    argv: Vec<OsString>,
    log: PathBuf,
    threads: usize,
    cores: std::ops::Range<usize>,
}

impl Start {
    /// Starts it from a thread that waits for its end; returns its process number.
    fn spawn(self, tell: Sender<Ended>) -> std::io::Result<u32> {
        let (say, said) = bounded(1);
        let name = format!("trial-{}", self.slot);
        std::thread::Builder::new().name(name).spawn(move || {
            let slot = self.slot;
            match self.command().and_then(|mut c| c.spawn()) {
                Ok(mut child) => {
                    let _ = say.send(Ok(child.id()));
                    let _ = tell.send(Ended { slot, status: child.wait() });
                }
                Err(error) => {
                    let _ = say.send(Err(error));
                }
            }
        })?;
        said.recv().unwrap_or_else(|e| Err(std::io::Error::other(e)))
    }

    fn command(&self) -> std::io::Result<Command> {
        keep_to(&self.cores);
        let log = std::fs::OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(&self.argv[0]);
        command.args(&self.argv[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        for variable in ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"] {
            command.env(variable, self.threads.to_string());
        }
        // The terminal's Ctrl-C is for the sweep, which then asks each trial once.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        Ok(command)
    }
}

/// Keeps this thread, and so the process that it starts, to its share of the cores.
#[cfg(target_os = "linux")]
fn keep_to(share: &std::ops::Range<usize>) {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let Ok(allowed) = sched_getaffinity(None) else { return };
    let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&c| allowed.is_set(c)).collect();
    if cores.len() <= share.len() || share.end > cores.len() {
        return;
    }
    let mut set = CpuSet::new();
    cores[share.clone()].iter().for_each(|&c| set.set(c));
    // Without it the trial has too many cores to choose from, no more.
    let _ = sched_setaffinity(None, &set);
}

#[cfg(not(target_os = "linux"))]
fn keep_to(_: &std::ops::Range<usize>) {}
