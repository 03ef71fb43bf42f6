//! Writing a run folder.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::error::RunError;
use super::event::{Event, RunId, Stamped};
use super::lock::Lock;
use super::log::Lines;
use super::manifest::Manifest;
use super::reader::read_events;
use crate::base::fs::{append_regular, atomic_write, refuse_links, sweep_litter};
use crate::method::params::Params;

/// Where the events lie in a run folder.
pub fn events_path(dir: &Path) -> PathBuf {
    dir.join("events.jsonl")
}

/// Where the parameters at the start lie in a run folder.
pub fn params_path(dir: &Path) -> PathBuf {
    dir.join("params.toml")
}

/// The largest `params.toml` that is read, bytes.
pub const LARGEST_PARAMS: u64 = 1 << 20;

/// Where the engine's checkpoints lie in a run folder.
pub fn checkpoints_dir(dir: &Path) -> PathBuf {
    dir.join("checkpoints")
}

/// The one writer of a run folder; a lock keeps a second one out.
#[derive(Debug)]
pub struct RunWriter {
    dir: PathBuf,
    run: RunId,
    /// Which file the events are, whatever it is called.
    identity: Option<(u64, u64)>,
    lines: Lines<File>,
    next: u64,
    base: f64,
    began: Instant,
    warnings: Vec<String>,
    _lock: Lock,
}

impl RunWriter {
    /// Makes a new run folder with its manifest and parameters.
    ///
    /// # Errors
    /// When the folder holds a run already, or cannot be written.
    pub fn create(dir: &Path, manifest: &Manifest, params: &Params) -> Result<Self, RunError> {
        Self::create_with(dir, manifest, params, |_| Ok(()))
    }

    /// As [`RunWriter::create`], of a folder that `fill` puts more into before its manifest makes it a run folder.
    ///
    /// # Errors
    /// Also those of `fill`.
    pub fn create_with<E: From<RunError>>(
        dir: &Path,
        manifest: &Manifest,
        params: &Params,
        fill: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<Self, E> {
        // Without a manifest and without an event it is one whose making was broken off.
        let holds_events = std::fs::metadata(events_path(dir)).is_ok_and(|m| m.len() > 0 || !m.is_file());
        if Manifest::path(dir).exists() || holds_events {
            return Err(RunError::Exists { path: dir.to_owned() }.into());
        }
        std::fs::create_dir_all(dir).map_err(RunError::io("create", dir))?;
        refuse_links_inside(dir)?;
        let lock = Lock::take(dir)?;
        let path = params_path(dir);
        atomic_write(&path, |f| f.write_all(params.to_toml().as_bytes())).map_err(RunError::io("write", &path))?;
        let path = events_path(dir);
        let file = append_regular(&path).map_err(RunError::io("create", &path))?;
        fill(dir)?;
        // The manifest last: a folder with one is a run folder, whole.
        manifest.write(dir)?;
        Ok(Self::start(dir, file, 0, Vec::new(), lock))
    }

    /// Goes on with a run: `seq` and `t` continue after its last whole event; a torn last line is cut off.
    ///
    /// # Errors
    /// When it is not a run folder, another process writes it, or it cannot be read.
    pub fn reopen(dir: &Path) -> Result<Self, RunError> {
        Manifest::read(dir)?;
        refuse_links_inside(dir)?;
        let lock = Lock::take(dir)?;
        let path = events_path(dir);
        // What a killed writer left behind; nobody else writes here while the lock is ours.
        if let Err(error) = sweep_litter(dir, 2, Duration::ZERO) {
            tracing::debug!(%error, "temporary files of an earlier writer stay");
        }
        let file = append_regular(&path).map_err(RunError::io("read", &path))?;
        let read = read_events(&path, 0, 0, false)?;
        file.set_len(read.good).map_err(RunError::io("write", &path))?;
        let warnings = read.warnings.into_iter().chain(read.torn).collect();
        let mut writer = Self::start(dir, file, read.good, warnings, lock);
        writer.next = read.next_seq;
        writer.base = read.events.last().map_or(0.0, |e| e.t);
        Ok(writer)
    }

    fn start(dir: &Path, file: File, good: u64, warnings: Vec<String>, lock: Lock) -> Self {
        Self {
            dir: dir.to_owned(),
            run: RunId::of(dir),
            identity: file.metadata().ok().and_then(|m| identity(&m)),
            lines: Lines::new(file, good),
            next: 0,
            base: 0.0,
            began: Instant::now(),
            warnings,
            _lock: lock,
        }
    }

    /// The run folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What was found amiss when the run was reopened, a sentence each.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Seconds of work since the run first started.
    pub fn seconds(&self) -> f64 {
        self.base + self.began.elapsed().as_secs_f64()
    }

    /// Stamps `event` and writes it as one line. `Progress`, `Device`, `HeatMaps`, `Ranked` and `Likeness` are live only: they
    /// are stamped with the number of the next written event and not written.
    ///
    /// The answer is the event as it will be read back, so that a window fed live and one that opens the
    /// folder later see the same bits. A checkpoint is synced to the disk with everything before it.
    ///
    /// # Errors
    /// When the line cannot be written (the disk is full); earlier lines are whole, and a later call may succeed.
    pub fn append(&mut self, event: Event) -> Result<Stamped, RunError> {
        let run = self.run.clone();
        let stamped =
            Stamped { run: run.clone(), seq: self.next, t: millis(self.seconds()), wall: millis(wall()), event };
        if is_live_only(&stamped.event) {
            return Ok(stamped);
        }
        self.in_place()?;
        let path = events_path(&self.dir);
        let line = serde_json::to_string(&stamped).map_err(|e| RunError::damaged(&path, e))?;
        self.lines.append(&line).map_err(RunError::io("write", &path))?;
        self.next = self.next.saturating_add(1);
        if matches!(stamped.event, Event::Checkpoint { .. } | Event::State { .. }) {
            self.sync()?;
        }
        let read = Stamped::from_line(line.as_bytes()).map_err(|e| RunError::damaged(&path, e))?;
        Ok(Stamped { run, ..read })
    }

    /// Whether the folder is still where the run was begun: what is written under its name would else come to lie
    /// somewhere else than the events.
    ///
    /// # Errors
    /// [`RunError::Gone`] when it was removed or moved.
    pub fn in_place(&self) -> Result<(), RunError> {
        let now = std::fs::metadata(events_path(&self.dir)).ok().map(|m| identity(&m));
        if now == Some(self.identity) { Ok(()) } else { Err(RunError::Gone { path: self.dir.clone() }) }
    }

    /// Puts the events on the disk.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn sync(&mut self) -> Result<(), RunError> {
        self.lines.sync().map_err(RunError::io("write", &events_path(&self.dir)))
    }
}

/// Whether an event is for the live window alone.
pub fn is_live_only(event: &Event) -> bool {
    matches!(
        event,
        Event::Progress { .. }
            | Event::Device { .. }
            | Event::HeatMaps { .. }
            | Event::Ranked(_)
            | Event::Likeness(_)
            | Event::SourceBatch(_)
    )
}

/// Device and number of a file.
#[cfg(unix)]
#[allow(clippy::unnecessary_wraps)]
fn identity(file: &std::fs::Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn identity(_: &std::fs::Metadata) -> Option<(u64, u64)> {
    None
}

/// What is written must stay in the folder: through a link, a line would be cut off a file elsewhere, and snapshots
/// would land there.
fn refuse_links_inside(dir: &Path) -> Result<(), RunError> {
    let epochs = std::fs::read_dir(dir.join("epochs")).into_iter().flatten().filter_map(|e| Some(e.ok()?.path()));
    let written = ["events.jsonl", ".lock", ".lease", "epochs", "checkpoints", "commands"].map(|name| dir.join(name));
    for path in written.into_iter().chain(epochs) {
        refuse_links(dir, &path).map_err(RunError::io("write", &path))?;
    }
    Ok(())
}

fn wall() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

fn millis(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}
