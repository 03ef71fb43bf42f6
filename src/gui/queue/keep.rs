//! The runs that wait, as a file: they outlive the window that they were queued in.
//!
//! Each window has a file of its own in the folder, and locks a second one beside it for as long as it lives. What lies
//! there unlocked was left by a window that is gone, and is taken over by the next one.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use eframe::egui;
use serde::{Deserialize, Serialize};

use crate::base::fs::{append_regular, read_text, write_bytes};
use crate::base::time;
use crate::engine::command::{Begin, RunRequest, cache_dir};
use crate::gui::job::Job;
use crate::gui::queue::RunQueue;
use crate::method::params::Params;

/// So much is read of a file at most.
const LIMIT: u64 = 4 << 20;

/// A run as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct KeptRun {
    source: String,
    target: String,
    out: PathBuf,
    /// As TOML.
    params: String,
    device: String,
}

impl KeptRun {
    /// Paths are kept from the root: the next window may be started elsewhere.
    fn of(request: &RunRequest) -> Self {
        let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let place = |text: &str| match Path::new(text) {
            path if path.components().count() > 1 => whole(path).display().to_string(),
            _ => text.to_owned(),
        };
        Self {
            source: place(&request.source),
            target: place(&request.target),
            out: whole(&request.out),
            params: request.params.to_toml(),
            device: request.device.to_string(),
        }
    }

    fn request(self) -> Result<RunRequest, String> {
        let mut params = Params::default();
        params.overlay_saved(&self.params).map_err(|e| e.to_string())?;
        if let Some(problem) = params.problems().into_iter().next() {
            return Err(problem.message);
        }
        Ok(RunRequest {
            source: self.source,
            target: self.target,
            out: self.out,
            params,
            device: self.device.parse().map_err(|e: crate::base::device::UnknownDevice| e.to_string())?,
            begin: Begin::Start,
            changes: Vec::new(),
            match_names: false,
            allow_unreadable: false,
            cache: cache_dir(),
        })
    }
}

/// What windows that are gone have left.
#[derive(Debug, Default)]
pub struct LeftRuns {
    /// The runs, the next one first.
    pub runs: Vec<RunRequest>,
    /// What could not be read, a sentence each.
    pub unread: Vec<String>,
    files: Vec<PathBuf>,
}

/// A window's file.
struct Place {
    file: PathBuf,
    lock: PathBuf,
    _held: Option<File>,
}

impl Place {
    fn in_folder(folder: &Path) -> Result<Self, String> {
        let name = format!("{}-{}", time::stamp(time::now()), std::process::id());
        let named = |n: usize, kind: &str| folder.join(format!("{name}-{n}.{kind}"));
        std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        // Two windows of one process, as tests have them, do not share a name.
        let free = |n: &usize| ["lock", "json"].iter().all(|kind| !named(*n, kind).exists());
        let n = (0..1000).find(free).unwrap_or_default();
        let (file, lock) = (named(n, "json"), named(n, "lock"));
        let held = append_regular(&lock).map_err(|e| format!("{}: {e}", lock.display()))?;
        // Where there are no locks, two windows at a time may both offer what waits.
        let _ = held.try_lock();
        Ok(Self { file, lock, _held: Some(held) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self._held = None;
        let _ = std::fs::remove_file(&self.lock);
    }
}

/// Keeps the runs that wait. Without a folder it keeps nothing.
#[derive(Default)]
pub struct QueueKeeper {
    place: Option<Place>,
    looking: Job<LeftRuns>,
    writing: Job<Result<(), String>>,
    /// The state of the queue that is on the disk or on its way there.
    kept: u64,
    /// Files of windows that are gone, to go once their runs are in ours.
    taken: Vec<PathBuf>,
}

impl QueueKeeper {
    /// Keeps them in that folder from now on, and looks for what is left there.
    ///
    /// # Errors
    /// When nothing can be written there: one sentence.
    pub fn begin(&mut self, ctx: &egui::Context, folder: PathBuf) -> Result<(), String> {
        self.place = Some(Place::in_folder(&folder)?);
        self.looking.start("runs that waited", ctx, move || left_in(&folder));
        Ok(())
    }

    /// What was left by windows that are gone, once.
    pub fn left(&mut self) -> Option<LeftRuns> {
        let left = self.looking.poll()?;
        self.taken.clone_from(&left.files);
        Some(left)
    }

    /// Has the queue written where it has changed; a failure, once.
    pub fn keep(&mut self, ctx: &egui::Context, queue: &RunQueue) -> Option<String> {
        let failed = self.writing.poll().and_then(Result::err).or_else(|| self.writing.take_failure());
        if let Some(place) = &self.place
            && self.kept != queue.version()
            && !self.writing.busy()
            && !self.looking.busy()
        {
            self.kept = queue.version();
            let (file, runs, taken) = (place.file.clone(), kept(queue), std::mem::take(&mut self.taken));
            self.writing.start("runs that wait", ctx, move || write(&file, &runs, &taken));
        }
        failed
    }

    /// Writes what is not written yet; the window is gone.
    pub fn end(&mut self, queue: &RunQueue) {
        let written = self.writing.wait(Duration::from_secs(2)).is_none_or(|result| result.is_ok());
        if let Some(place) = &self.place
            && (self.kept != queue.version() || !written)
            && let Err(error) = write(&place.file, &kept(queue), &self.taken)
        {
            tracing::warn!("the runs that wait were not kept: {error}");
        }
    }
}

fn kept(queue: &RunQueue) -> Vec<KeptRun> {
    queue.runs().iter().map(|run| KeptRun::of(&run.request)).collect()
}

fn write(file: &Path, runs: &[KeptRun], taken: &[PathBuf]) -> Result<(), String> {
    let failed = |e: &dyn std::fmt::Display| format!("{}: {e}.", file.display());
    if runs.is_empty() {
        match std::fs::remove_file(file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(failed(&e)),
            _ => {}
        }
    } else {
        let text = serde_json::to_vec_pretty(runs).map_err(|e| failed(&e))?;
        write_bytes(file, text).map_err(|e| failed(&e))?;
    }
    // What lay there before is in ours by now.
    for old in taken {
        let _ = std::fs::remove_file(old);
        let _ = std::fs::remove_file(old.with_extension("lock"));
    }
    Ok(())
}

/// What windows that are gone have left in a folder, the oldest first.
fn left_in(folder: &Path) -> LeftRuns {
    let mut left = LeftRuns::default();
    let Ok(entries) = std::fs::read_dir(folder) else { return left };
    let mut files: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|kind| kind == "json") && !is_held(&path.with_extension("lock")));
    files.sort();
    for path in files {
        match read(&path) {
            Ok(runs) => {
                // A window that ended between writing its own file and removing an older one left both.
                for run in runs {
                    if !left.runs.iter().any(|known| known.out == run.out) {
                        left.runs.push(run);
                    }
                }
                left.files.push(path);
            }
            Err(why) => {
                left.unread.push(format!("{}: {why}", path.display()));
                let _ = std::fs::rename(&path, path.with_extension("unreadable"));
            }
        }
    }
    left
}

fn read(path: &Path) -> Result<Vec<RunRequest>, String> {
    let text = read_text(path, LIMIT).map_err(|e| e.to_string())?;
    let kept: Vec<KeptRun> = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    kept.into_iter().map(KeptRun::request).collect()
}

/// Whether the window of that lock is there.
fn is_held(lock: &Path) -> bool {
    let Ok(file) = File::open(lock) else { return false };
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}
