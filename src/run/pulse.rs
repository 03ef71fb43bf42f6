//! Signs of life: who trains a run, as a file that is written anew each second.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::base::fs::{read_regular, replace_unsynced};
use crate::base::time::now;

/// How often a sign of life is given.
pub const BEAT_EVERY: Duration = Duration::from_secs(1);
/// Without a sign for so long, nobody is there: a machine that computes on all cores may be late.
pub(super) const SILENCE: Duration = Duration::from_secs(5);

/// Where the sign of life lies in a run folder.
pub fn beat_path(dir: &Path) -> PathBuf {
    dir.join("heartbeat")
}

/// Who trains a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Trainer {
    /// Name of the machine.
    pub host: String,
    /// Process there.
    pub pid: u32,
}

impl Trainer {
    /// This process.
    pub fn this() -> Self {
        Self { host: host(), pid: std::process::id() }
    }
}

/// A sign of life.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beat {
    /// Who gives it.
    #[serde(flatten)]
    pub trainer: Trainer,
    /// When, in seconds since the Unix epoch, by the clock of that machine.
    pub wall: f64,
}

impl Beat {
    /// The first of this process.
    pub fn of_this_process() -> Self {
        Self { trainer: Trainer::this(), wall: now() }
    }

    /// Gives the sign. A folder that is gone is not made anew; one that is full harms nobody.
    pub fn touch(&mut self, dir: &Path) {
        self.wall = now();
        if let Ok(text) = serde_json::to_vec(self)
            && let Err(error) = replace_unsynced(&beat_path(dir), &text)
        {
            tracing::debug!("no sign of life in {}: {error}", dir.display());
        }
    }

    /// The last sign: there is none.
    pub fn end(&self, dir: &Path) {
        // Another process may have taken the run over meanwhile.
        if Self::read(dir).is_some_and(|found| found.trainer == self.trainer) {
            let _ = std::fs::remove_file(beat_path(dir));
        }
    }

    /// The one that lies in a run folder.
    pub fn read(dir: &Path) -> Option<Self> {
        serde_json::from_slice(&read_regular(&beat_path(dir), 4096).ok()?).ok()
    }
}

/// Watches the signs of life of one run. A sign counts as new when it differs from the one before, so that clocks of
/// two machines need not agree.
#[derive(Debug, Default)]
pub struct Pulse {
    last: Option<(Beat, Instant)>,
    /// Whether the first sign counts as one of now.
    distrusts_clocks: bool,
    changed: bool,
}

impl Pulse {
    /// Of a machine whose clock is not trusted: its first sign counts as one of now.
    pub fn of_another_clock() -> Self {
        Self { distrusts_clocks: true, ..Self::default() }
    }

    /// Whether a sign has come since the first look.
    pub fn has_changed(&self) -> bool {
        self.changed
    }

    /// Who trains the run just now, if anybody does.
    pub fn look(&mut self, dir: &Path) -> Option<Trainer> {
        let beat = Beat::read(dir)?;
        let seen = match &self.last {
            Some((last, seen)) if *last == beat => *seen,
            None if self.distrusts_clocks => Instant::now(),
            // The first sign may be an old one, left by a process that was killed.
            None => {
                let age = Duration::try_from_secs_f64((now() - beat.wall).max(0.0)).unwrap_or(Duration::MAX);
                Instant::now().checked_sub(age.min(SILENCE)).unwrap_or_else(Instant::now)
            }
            Some(_) => {
                self.changed = true;
                Instant::now()
            }
        };
        let alive = seen.elapsed() < SILENCE || is_running_here(&beat.trainer);
        let trainer = beat.trainer.clone();
        self.last = Some((beat, seen));
        alive.then_some(trainer)
    }
}

/// Whether another process gives signs of life in a run folder that this one is about to write. A lock that was got
/// speaks for all processes of this machine, and counts more than what one of them left when it was killed.
pub fn is_trained_by_another(dir: &Path, locked: bool) -> bool {
    let this = Trainer::this();
    Pulse::default().look(dir).is_some_and(|trainer| {
        // What a killed process of this machine left is a sign of nothing, however fresh it is.
        let here = trainer.host == this.host;
        trainer != this && !(here && (locked || !is_running_here(&trainer)))
    })
}

/// Whether it is a process of this machine that is there (perhaps halted, or starved of time).
pub(super) fn is_running_here(trainer: &Trainer) -> bool {
    if trainer.host != host() {
        return false;
    }
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{}/stat", trainer.pid)) else { return false };
    let Some((name, rest)) = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')')) else { return false };
    // One that was killed stays in the list until its parent has taken notice.
    if matches!(rest.trim_start().chars().next(), Some('Z' | 'X')) {
        return false;
    }
    // A number is given again once its process has ended: the name must be ours, which may be another than usual.
    let ours = std::fs::read_to_string("/proc/self/comm").unwrap_or_default();
    name.starts_with("reid-workbench") || name == ours.trim() || trainer.pid == std::process::id()
}

fn host() -> String {
    let file = |path: &str| std::fs::read_to_string(path).ok().map(|s| s.trim().to_owned());
    let variable = |name: &str| std::env::var(name).ok();
    file("/proc/sys/kernel/hostname")
        .or_else(|| file("/etc/hostname"))
        .or_else(|| variable("HOSTNAME"))
        .or_else(|| variable("COMPUTERNAME"))
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "this machine".to_owned())
}
