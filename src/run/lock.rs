//! One writer a run folder: a lock of the system, or where there is none (some network file systems) a lease file and
//! signs of life. Both say who holds them.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::error::RunError;
use super::pulse::{Beat, Pulse, Trainer, is_running_here, is_trained_by_another};
use crate::base::fs::{append_regular, read_regular};
use crate::base::time::now;

/// Where the lock lies in a run folder; it stays there, empty or not, and says nothing once nobody holds it.
pub fn lock_path(dir: &Path) -> PathBuf {
    dir.join(".lock")
}

/// Where the lease lies, where there are no locks.
fn lease_path(dir: &Path) -> PathBuf {
    dir.join(".lease")
}

/// How often a lease of another machine is looked at, until its holder was silent for long enough.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// So long a run may take to read its datasets, before it gives signs of life.
const PREPARING: Duration = Duration::from_secs(15 * 60);

/// Who holds a run folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Holder {
    /// Machine and process.
    #[serde(flatten)]
    pub trainer: Trainer,
    /// Names the time since the machine was started, where the system has such a name: numbers of processes are
    /// given anew after that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<String>,
    /// Since when, in seconds since the Unix epoch, by the clock of that machine.
    pub since: f64,
}

impl Holder {
    /// This process, from now on.
    fn this() -> Self {
        Self { trainer: Trainer::this(), boot: boot(), since: now() }
    }

    fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&read_regular(path, 4096).ok()?).ok()
    }

    /// Whether it is certainly no more: a process of this machine that has ended, or of a time before its last start.
    fn is_gone(&self) -> bool {
        let this = Self::this();
        if self.trainer.host != this.trainer.host {
            return false;
        }
        let before = matches!((&self.boot, &this.boot), (Some(then), Some(now)) if then != now);
        before || !is_running_here(&self.trainer)
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} on {}", self.trainer.pid, self.trainer.host)
    }
}

/// A run folder held by this process, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
    lease: Option<(PathBuf, Holder)>,
}

impl Lock {
    /// Takes a run folder.
    ///
    /// # Errors
    /// [`RunError::Locked`] when another process holds it; those of the file system.
    pub fn take(dir: &Path) -> Result<Self, RunError> {
        let path = lock_path(dir);
        let mut file = append_regular(&path).map_err(RunError::io("create", &path))?;
        let by = || RunError::Locked { path: dir.to_owned(), by: who(dir) };
        let locked = match file.try_lock() {
            Ok(()) => true,
            Err(std::fs::TryLockError::WouldBlock) => return Err(by()),
            // Some network file systems have no locks, or only for one machine; signs of life tell there.
            Err(std::fs::TryLockError::Error(_)) => false,
        };
        let holder = Holder::this();
        let lease = if locked { None } else { Some((take_lease(dir, &holder)?, holder.clone())) };
        let lock = Self { _file: file.try_clone().map_err(RunError::io("create", &path))?, lease };
        if is_trained_by_another(dir, locked) {
            return Err(by());
        }
        // It tells others who it is; a disk that is full does not keep a run from going on.
        let text = serde_json::to_vec(&holder).unwrap_or_default();
        if let Err(error) = file.set_len(0).and_then(|()| file.write_all(&text)) {
            tracing::debug!(%error, "the lock does not say who holds it");
        }
        Ok(lock)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some((path, holder)) = &self.lease
            && Holder::read(path).as_ref() == Some(holder)
        {
            // One that stays is taken from whoever has ended.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Who holds a run folder, in words.
fn who(dir: &Path) -> String {
    let holder = Holder::read(&lease_path(dir)).or_else(|| Holder::read(&lock_path(dir)));
    holder.map_or_else(|| "another process".to_owned(), |holder| holder.to_string())
}

/// Makes the lease file, which only one of many can; one whose holder has ended is put aside first.
fn take_lease(dir: &Path, holder: &Holder) -> Result<PathBuf, RunError> {
    let path = lease_path(dir);
    let failed = || RunError::io("create", &path);
    let text = serde_json::to_vec(holder).map_err(|e| RunError::damaged(&path, e))?;
    // Whole at once: it is written beside and linked to its name, which fails where that is taken.
    let mut beside = tempfile::Builder::new().prefix(".lease.").suffix(".tmp").tempfile_in(dir).map_err(failed())?;
    beside.write_all(&text).map_err(failed())?;
    for _ in 0..3 {
        match std::fs::hard_link(beside.path(), &path) {
            Ok(()) => return Ok(path),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => put_aside(dir, &path)?,
            // No links either.
            Err(_) => match File::create_new(&path) {
                Ok(mut file) => return file.write_all(&text).map(|()| path.clone()).map_err(failed()),
                Err(e) if e.kind() == ErrorKind::AlreadyExists => put_aside(dir, &path)?,
                Err(e) => return Err(failed()(e)),
            },
        }
    }
    Err(RunError::Locked { path: dir.to_owned(), by: who(dir) })
}

/// Puts a lease aside whose holder has ended.
fn put_aside(dir: &Path, path: &Path) -> Result<(), RunError> {
    let held = Holder::read(path);
    if let Some(holder) = &held
        && !holder.is_gone()
        && lives(dir, holder)
    {
        return Err(RunError::Locked { path: dir.to_owned(), by: holder.to_string() });
    }
    let aside = tempfile::Builder::new().prefix(".lease.").suffix(".tmp").tempfile_in(dir);
    let aside = aside.map_err(RunError::io("create", path))?;
    if std::fs::rename(path, aside.path()).is_ok() && Holder::read(aside.path()) != held {
        // Another was faster, and what was put aside is its new one: it gets it back.
        let _ = std::fs::hard_link(aside.path(), path);
        return Err(RunError::Locked { path: dir.to_owned(), by: who(dir) });
    }
    Ok(())
}

/// Whether the holder of a lease is there. Of another machine that takes as long as a silence must last, since clocks
/// of two machines need not agree; while it reads its datasets it gives no signs yet.
fn lives(dir: &Path, holder: &Holder) -> bool {
    if holder.trainer.host == Trainer::this().host {
        return true;
    }
    if Beat::read(dir).is_none_or(|beat| beat.trainer != holder.trainer) {
        let written = std::fs::metadata(lease_path(dir)).and_then(|m| m.modified());
        return written.is_ok_and(|at| at.elapsed().is_ok_and(|since| since < PREPARING));
    }
    let mut pulse = Pulse::of_another_clock();
    let began = Instant::now();
    while let Some(_trainer) = pulse.look(dir) {
        if pulse.has_changed() {
            return true;
        }
        if began.elapsed() > super::pulse::SILENCE + LOOK_EVERY {
            return false;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    false
}

/// What the system calls the time since its start.
fn boot() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned()).filter(|id| !id.is_empty())
}
