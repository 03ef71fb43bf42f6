//! A sweep as it lies there, looked at again and again, whoever runs it.

use std::path::{Path, PathBuf};

use super::error::LaunchError;
use super::spec::SweepSpec;
use super::study::Study;
use super::sweep::{TrialEntry, entries, spec_of};
use crate::run::TrialRow;
use crate::run::pulse::{Pulse, Trainer};

/// A sweep's folder that is watched. What the trials have written before is not read again.
pub struct Watched {
    dir: PathBuf,
    spec: SweepSpec,
    written: usize,
    entries: Vec<TrialEntry>,
    pulse: Pulse,
}

/// How a sweep stands.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepStanding {
    /// Its folder.
    pub dir: PathBuf,
    /// What it is for, a sentence; empty where nobody said.
    pub about: String,
    /// Its trials.
    pub rows: Vec<TrialRow>,
    /// Who runs it just now, if anybody.
    pub runner: Option<Trainer>,
}

impl Watched {
    /// Begins to watch.
    ///
    /// # Errors
    /// When it is no sweep, or its spec cannot be read.
    pub fn open(dir: &Path) -> Result<Self, LaunchError> {
        let spec = spec_of(dir)?;
        let study = Study::peek(dir, &spec);
        let trials = spec.trials()?;
        let written = trials.len();
        let entries = entries(dir, &spec, trials, study.as_ref())?;
        Ok(Self { dir: dir.to_owned(), spec, written, entries, pulse: Pulse::default() })
    }

    /// How it stands now.
    pub fn look(&mut self) -> SweepStanding {
        let study = Study::peek(&self.dir, &self.spec);
        for (number, settings) in study.as_ref().map_or_else(Vec::new, |s| s.taken(self.written)) {
            // One that could not be run was told to the study when it came.
            if !self.entries.iter().any(|e| e.trial.number == number)
                && let Ok(trial) = self.spec.trial(number, settings)
            {
                self.entries.push(TrialEntry::new(&self.dir, trial));
            }
        }
        self.entries.iter_mut().for_each(|entry| entry.look(study.as_ref()));
        SweepStanding {
            dir: self.dir.clone(),
            about: self.spec.about.clone(),
            rows: self.entries.iter().map(TrialEntry::row).collect(),
            runner: self.pulse.look(&self.dir),
        }
    }
}

/// Asks the process that runs a sweep here to stop; each trial saves a checkpoint.
///
/// # Errors
/// A sentence when nobody runs it, or somebody on another machine.
pub fn stop(dir: &Path) -> Result<(), LaunchError> {
    let refused = |text: String| Err(LaunchError::Refused(text));
    let Some(runner) = Pulse::default().look(dir) else {
        return refused(format!("nobody runs the sweep in {}", dir.display()));
    };
    if runner.host != Trainer::this().host {
        return refused(format!("the sweep is run by process {} on {}; stop it there", runner.pid, runner.host));
    }
    super::queue::ask_to_stop(runner.pid);
    Ok(())
}

/// Has a sweep try these settings, too: a trial that waits in its study, as Optuna's `enqueue_trial` leaves one. Who
/// runs the sweep takes it up.
///
/// # Errors
/// A sentence when a key or a value is not known, or the study cannot be written.
pub fn enqueue(dir: &Path, settings: Vec<(String, String)>) -> Result<(), LaunchError> {
    let spec = spec_of(dir)?;
    if settings.is_empty() {
        return Err(LaunchError::Refused("name at least one value, as eps=0.55".to_owned()));
    }
    spec.trial(0, settings.clone())?;
    let trials = spec.trials()?;
    Study::open(dir, &spec, &trials)?.enqueue(&settings)
}

/// The folders in `dir` that hold a sweep, in the order of their names.
pub fn sweeps(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten();
    let paths = entries.filter_map(|e| Some(e.ok()?.path()));
    let mut found: Vec<PathBuf> = paths.filter(|path| super::sweep::is_sweep(path)).collect();
    found.sort();
    found
}
