//! A sweep's folder: its trials and where each of them stands.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::error::LaunchError;
use super::follow::{Followed, is_written};
use super::job::TrialPlace;
use super::journal::TrialState;
use super::spec::{SweepSpec, Trial};
use super::study::Study;
use crate::base::fs::write_bytes;
use crate::run::TrialRow;
use crate::run::pulse::Beat;

/// Where a trial stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Status {
    Waiting,
    Running,
    Done,
    /// Stopped before its end; it goes on with the sweep.
    Stopped,
    /// A pruner had it stopped.
    Pruned,
    /// With the reason.
    Failed(String),
}

impl Status {
    /// As one word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Stopped => "stopped",
            Self::Pruned => "pruned",
            Self::Failed(_) => "failed",
        }
    }
}

/// A trial with all that is known of it.
pub(super) struct TrialEntry {
    pub trial: Trial,
    pub place: TrialPlace,
    pub run: Followed,
    pub status: Status,
    /// What its pre-training depends on.
    pub pretraining: String,
    /// The step after which the pruner was asked last.
    pub judged: Option<usize>,
    /// The pruner has had it stopped.
    pub pruned: bool,
}

impl TrialEntry {
    pub fn new(dir: &Path, trial: Trial) -> Self {
        let place = TrialPlace::of(dir, trial.number);
        let run = Followed::new(&place.run);
        let pretraining = trial.pretraining();
        Self { pretraining, place, run, status: Status::Waiting, trial, judged: None, pruned: false }
    }

    /// Looks at run folder and study.
    pub fn look(&mut self, study: Option<&Study>) {
        self.run.poll();
        let noted = study.and_then(|s| s.state(self.trial.number));
        self.status = match (noted, self.run.failure()) {
            _ if self.run.is_done() => Status::Done,
            _ if is_written(&self.place.run) => Status::Running,
            (Some((TrialState::Pruned, _)), _) => Status::Pruned,
            (Some((TrialState::Fail, why)), _) => Status::Failed(why.unwrap_or_else(|| "it failed".to_owned())),
            (_, Some(why)) => Status::Failed(why.to_owned()),
            _ if !self.run.has_begun() => Status::Waiting,
            _ => Status::Stopped,
        };
    }

    pub fn row(&self) -> TrialRow {
        let last = self.run.last();
        let rank = |i: usize| last.map(|r| r.cmc[i]);
        TrialRow {
            trial: self.trial.number,
            settings: self.trial.settings.clone(),
            run: self.place.run.clone(),
            state: self.status.word(),
            why: if let Status::Failed(why) = &self.status { Some(why.clone()) } else { None },
            epoch: self.run.view.epochs_done,
            epochs: if self.run.epochs > 0 { self.run.epochs } else { self.trial.params.adapt.epochs },
            map: last.map(|r| r.mAP),
            rank1: rank(0),
            rank5: rank(1),
            rank10: rank(2),
            best_oracle: self.run.target().values().map(|r| r.mAP).reduce(f64::max),
            silhouette: self.run.silhouette(),
            seconds: self.run.view.t,
        }
    }
}

/// A sweep that is this process's to run.
pub struct Sweep {
    /// Its folder.
    pub dir: PathBuf,
    /// What was asked for.
    pub spec: SweepSpec,
    /// Its study file.
    pub study: Study,
    pub(super) entries: Vec<TrialEntry>,
    /// Trials that are written down.
    pub(super) written: usize,
    beat: Beat,
    beaten: Instant,
    _lock: File,
}

impl Drop for Sweep {
    fn drop(&mut self) {
        self.beat.end(&self.dir);
    }
}

fn spec_path(dir: &Path) -> PathBuf {
    dir.join("spec.toml")
}

/// Whether a folder holds a sweep.
pub fn is_sweep(dir: &Path) -> bool {
    spec_path(dir).is_file()
}

/// The spec of a sweep's folder.
///
/// # Errors
/// When there is none.
pub fn spec_of(dir: &Path) -> Result<SweepSpec, LaunchError> {
    if !is_sweep(dir) {
        let text = format!("{} is no sweep: it has no spec.toml", dir.display());
        return Err(LaunchError::Refused(text));
    }
    SweepSpec::read(&spec_path(dir))
}

/// The rows of a sweep as it lies there, whoever runs it.
///
/// # Errors
/// When there is none, or its spec cannot be read.
pub fn rows_of(dir: &Path) -> Result<Vec<TrialRow>, LaunchError> {
    let spec = spec_of(dir)?;
    let study = Study::peek(dir, &spec);
    let mut entries = entries(dir, &spec, spec.trials()?, study.as_ref())?;
    entries.iter_mut().for_each(|e| e.look(study.as_ref()));
    Ok(entries.iter().map(TrialEntry::row).collect())
}

/// The trials that are written down and those that were added later.
pub(super) fn entries(
    dir: &Path,
    spec: &SweepSpec,
    written: Vec<Trial>,
    study: Option<&Study>,
) -> Result<Vec<TrialEntry>, LaunchError> {
    let from = written.len();
    let mut all: Vec<TrialEntry> = written.into_iter().map(|t| TrialEntry::new(dir, t)).collect();
    for (number, settings) in study.map_or_else(Vec::new, |s| s.taken(from)) {
        // One that could not be run was told to the study when it came.
        match spec.trial(number, settings) {
            Ok(trial) => all.push(TrialEntry::new(dir, trial)),
            Err(LaunchError::Refused(_)) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(all)
}

impl Sweep {
    /// Begins a sweep in a folder, or goes on with the one that is there.
    ///
    /// # Errors
    /// When the folder holds another sweep, another process runs it, or it cannot be written.
    pub fn open(dir: &Path, spec: SweepSpec) -> Result<Self, LaunchError> {
        let trials = spec.trials()?;
        if trials.is_empty() && spec.search.is_empty() {
            return Err(LaunchError::Refused("the sweep has no trial".to_owned()));
        }
        if is_sweep(dir) && spec_of(dir)?.digest()? != spec.digest()? {
            let text = format!("{} holds another sweep; choose another folder", dir.display());
            return Err(LaunchError::Refused(text));
        }
        std::fs::create_dir_all(dir.join("trials")).map_err(LaunchError::io("create", dir))?;
        let lock = lock(dir)?;
        let path = spec_path(dir);
        write_bytes(&path, spec.to_toml()?).map_err(LaunchError::io("write", &path))?;
        let study = Study::open(dir, &spec, &trials)?;
        let written = trials.len();
        let mut entries = entries(dir, &spec, trials, Some(&study))?;
        entries.iter_mut().for_each(|e| e.look(Some(&study)));
        let mut beat = Beat::of_this_process();
        beat.touch(dir);
        let (dir, beaten) = (dir.to_owned(), Instant::now());
        let mut sweep = Self { dir, spec, study, entries, written, beat, beaten, _lock: lock };
        sweep.settle()?;
        Ok(sweep)
    }

    /// The study learns what it missed while no sweep was there to tell it.
    fn settle(&mut self) -> Result<(), LaunchError> {
        for entry in &self.entries {
            let why = if let Status::Failed(why) = &entry.status { Some(why.as_str()) } else { None };
            if entry.status == Status::Done || why.is_some() {
                self.study.started(entry.trial.number, &entry.place.run)?;
                self.study.ended(entry.trial.number, &entry.run, why)?;
            }
        }
        Ok(())
    }

    /// Gives a sign of life each second, for those who look at the sweep.
    pub(super) fn live(&mut self) {
        if self.beaten.elapsed() >= Duration::from_secs(1) {
            self.beaten = Instant::now();
            self.beat.touch(&self.dir);
        }
    }

    /// The trials that still have to run, with the places of their files.
    pub fn to_run(&self) -> impl Iterator<Item = (&Trial, &TrialPlace)> {
        self.due().map(|i| (&self.entries[i].trial, &self.entries[i].place))
    }

    /// Its rows.
    pub fn rows(&self) -> Vec<TrialRow> {
        self.entries.iter().map(TrialEntry::row).collect()
    }

    /// Lets failed trials wait again.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn retry_failed(&mut self) -> Result<usize, LaunchError> {
        let failed: Vec<usize> =
            (0..self.entries.len()).filter(|&i| matches!(self.entries[i].status, Status::Failed(_))).collect();
        for &i in &failed {
            self.study.again(&self.entries[i].trial)?;
            self.entries[i].status = Status::Stopped;
        }
        Ok(failed.len())
    }

    /// Takes up trials that others have added to the study. One that cannot be run is told to the study as failed.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn adopt(&mut self) -> Result<usize, LaunchError> {
        let found = self.study.adopt(self.next_number())?;
        let count = found.len();
        for (number, added) in found {
            self.add(number, added.settings)?;
        }
        Ok(count)
    }

    pub(super) fn next_number(&self) -> usize {
        let taken = self.study.taken(self.written);
        let numbers = self.entries.iter().map(|e| e.trial.number).chain(taken.into_iter().map(|(number, _)| number));
        numbers.map(|number| number + 1).max().unwrap_or(0)
    }

    pub(super) fn add(&mut self, number: usize, settings: Vec<(String, String)>) -> Result<(), LaunchError> {
        match self.spec.trial(number, settings) {
            Ok(trial) => self.entries.push(TrialEntry::new(&self.dir, trial)),
            Err(LaunchError::Refused(why)) => {
                let nothing = Followed::default();
                self.study.started(number, &TrialPlace::of(&self.dir, number).run)?;
                self.study.ended(number, &nothing, Some(&why))?;
            }
            Err(other) => return Err(other),
        }
        Ok(())
    }

    /// Those that still have to run, lowest number first.
    pub(super) fn due(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.entries.len()).filter(|&i| matches!(self.entries[i].status, Status::Waiting | Status::Stopped))
    }
}

fn lock(dir: &Path) -> Result<File, LaunchError> {
    let path = dir.join(".lock");
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).open(&path).map_err(LaunchError::io("write", &path))?;
    match file.try_lock() {
        Err(std::fs::TryLockError::WouldBlock) => {
            let text = format!("another process runs the sweep in {}; look at it with --status", dir.display());
            Err(LaunchError::Refused(text))
        }
        // Some network file systems have no locks.
        _ => Ok(file),
    }
}
