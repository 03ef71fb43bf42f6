//! The mirror of one run: a run folder in the cache that grows as the one on the other machine does.
//!
//! Manifest, parameters and events are here at once and stay up to date. What is large is brought when it is opened
//! ([`Supplier`]); checkpoints never are. An event that says that a snapshot was written anew removes the copy first.

mod names;
mod pieces;

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use self::names::{photo_name, photo_of};
pub(super) use self::pieces::Pieces;
use self::pieces::{Copied, copy};
use super::frame::DATA_MOST;
use super::line::{Line, LineError, LineListener};
use super::protocol::{Ask, PHOTOS, PIECE, Tell};
use super::root::{is_within, with_slashes};
use super::shelf;
use crate::base::fs::{read_regular, replace_unsynced};
use crate::base::supply::Supplier;
use crate::run::Manifest;
use crate::run::event::{Event, ImageRef, RankQuery, SnapshotPart, Split, Stamped};
use crate::run::folder::{events_path, params_path};
use crate::run::graph::{features_path, graph_path};
use crate::run::images::Images;
use crate::run::pulse::{BEAT_EVERY, Beat, Trainer, beat_path};
use crate::run::questions::{LIMIT, NetQuestion};
use crate::run::requests::{Posted, requests_dir};
use crate::run::snapshot::part_path;

/// How long an answer may take.
pub const ANSWER: Duration = Duration::from_secs(30);
/// How long one to a request may: a panel's thread waits for it.
const REQUEST: Duration = Duration::from_secs(5);
/// How long the first events may take.
const FIRST: Duration = Duration::from_secs(60);
/// Pieces of a file that are asked for ahead: what a slow line with long ways needs to be full.
const AHEAD: u64 = 6;
/// Bytes of a mirrored file at most.
const LARGEST: u64 = 8 << 30;
/// Bytes of a line of the log at most.
const LINE: usize = 16 << 20;
/// How often a file that changes while it is brought is begun anew.
const TRIES: usize = 5;

/// The mirror of a run.
pub struct Mirror {
    line: Arc<Line>,
    run: String,
    folder: PathBuf,
    log: Mutex<Log>,
    grown: Condvar,
    /// Files that are being brought.
    busy: Mutex<BTreeSet<PathBuf>>,
    brought: Condvar,
    /// Counts snapshots that were written anew: a copy that was begun before is not kept.
    changes: AtomicU64,
}

struct Log {
    /// Bytes of the log that are here.
    here: u64,
    /// The beginning of a line whose end has not come.
    begun: Vec<u8>,
    /// Bytes of the log there, once that is known.
    there: Option<u64>,
    trainer: Option<Trainer>,
    beat: Option<Instant>,
}

impl Mirror {
    /// Mirrors a run into `folder`, whose name is the run's; returns once all that has happened so far is here.
    ///
    /// # Errors
    /// When the line is not there, there is no such run, or the folder cannot be written.
    pub fn open(line: &Arc<Line>, run: &str, folder: &Path) -> Result<Arc<Self>, LineError> {
        line.ready()?;
        let words = |what: &Path| {
            let what = what.display().to_string();
            move |e: io::Error| LineError::Refused(format!("{what}: {e}"))
        };
        let ask = |file: &str| line.send(Ask::Read { run: run.to_owned(), file: file.to_owned(), at: 0, most: PIECE });
        let (manifest, params) = (ask("manifest.json")?, ask("params.toml")?);
        let (_, manifest) = line.answer(&manifest, ANSWER)?;
        // A run without parameters is still one.
        let params = line.answer(&params, ANSWER).map(|(_, bytes)| bytes).unwrap_or_default();
        std::fs::create_dir_all(folder).map_err(words(folder))?;
        if read_regular(&Manifest::path(folder), u64::from(PIECE)).ok().as_ref() != Some(&manifest) {
            wipe(folder).map_err(words(folder))?;
        }
        replace_unsynced(&params_path(folder), &params).map_err(words(folder))?;
        replace_unsynced(&Manifest::path(folder), &manifest).map_err(words(folder))?;
        let here = whole_lines(&events_path(folder)).map_err(words(folder))?;
        let log = Log { here, begun: Vec::new(), there: None, trainer: None, beat: None };
        let mirror = Arc::new(Self {
            line: Arc::clone(line),
            run: run.to_owned(),
            folder: folder.to_owned(),
            log: Mutex::new(log),
            grown: Condvar::new(),
            busy: Mutex::default(),
            brought: Condvar::new(),
            changes: AtomicU64::new(0),
        });
        line.listen(run, Arc::clone(&mirror) as Arc<dyn LineListener>);
        line.ask(Ask::Follow { run: run.to_owned(), from: here }, ANSWER)?;
        mirror.wait_for_all()?;
        crate::base::supply::supply(folder, Arc::clone(&mirror) as Arc<dyn Supplier>);
        Ok(mirror)
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The line that it hangs on.
    pub fn line(&self) -> &Arc<Line> {
        &self.line
    }

    /// The run folder here.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The run's name there.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Waits until what the log held when it was first looked at is here.
    fn wait_for_all(&self) -> Result<(), LineError> {
        let begun = Instant::now();
        let mut log = self.log();
        while log.there.is_none_or(|there| log.here < there) {
            if begun.elapsed() > FIRST {
                return Err(LineError::Late { host: self.line.address().host.clone(), seconds: FIRST.as_secs() });
            }
            drop(log);
            self.line.ready()?;
            log = self.log();
            if log.there.is_none_or(|there| log.here < there) {
                log =
                    self.grown.wait_timeout(log, Duration::from_millis(100)).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
        Ok(())
    }

    /// Takes in bytes of the log.
    fn on_events(&self, at: u64, size: u64, anew: bool, data: &[u8]) -> Result<(), String> {
        let mut log = self.log();
        let path = events_path(&self.folder);
        let words = |e: io::Error| format!("{} cannot be written: {e}", path.display());
        if anew {
            wipe_snapshots(&self.folder);
            self.changes.fetch_add(1, Ordering::SeqCst);
            (log.here, log.begun) = (0, Vec::new());
            File::create(&path).map_err(words)?;
        }
        if at != log.here || size > LARGEST {
            return Err("it sent events that do not follow on those before".to_owned());
        }
        let whole = data.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        log.begun.extend_from_slice(&data[..whole]);
        if whole > 0 {
            self.forget_changed(&log.begun);
            log.begun.clear();
        }
        log.begun.extend_from_slice(&data[whole..]);
        if log.begun.len() > LINE {
            return Err("it sent a line of the log without an end".to_owned());
        }
        // Where it belongs, not at the end: another process that mirrors the same run writes the same bytes there.
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(words)?;
        file.seek(SeekFrom::Start(at)).and_then(|_| file.write_all(data)).map_err(words)?;
        log.here += data.len() as u64;
        log.there = Some(size);
        drop(log);
        self.grown.notify_all();
        Ok(())
    }

    /// Removes the copies of snapshots that these lines say were written anew.
    fn forget_changed(&self, data: &[u8]) {
        const TAG: &[u8] = b"\"type\":\"snapshot\"";
        for line in data.split(|&b| b == b'\n') {
            if !line[..line.len().min(160)].windows(TAG.len()).any(|w| w == TAG) {
                continue;
            }
            let Ok(Stamped { event: Event::Snapshot { epoch, part }, .. }) = Stamped::from_line(line) else { continue };
            let mut changed = vec![part_path(&self.folder, epoch, part)];
            if part == SnapshotPart::Clusters {
                changed.push(graph_path(&self.folder, epoch));
                changed.push(features_path(&self.folder));
            }
            self.changes.fetch_add(1, Ordering::SeqCst);
            for path in changed {
                let _ = std::fs::remove_file(path);
            }
        }
    }

    /// Holds a file for the one who brings it; `None` when another has just brought it.
    fn hold(&self, name: &Path) -> Option<Held<'_>> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        while busy.contains(name) {
            busy = self.brought.wait(busy).unwrap_or_else(PoisonError::into_inner);
        }
        if self.folder.join(name).is_file() {
            return None;
        }
        busy.insert(name.to_owned());
        Some(Held { mirror: self, name: name.to_owned() })
    }

    /// As [`Mirror::hold`], without waiting for another who brings it.
    fn hold_now(&self, name: &Path) -> Option<Held<'_>> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if busy.contains(name) || self.folder.join(name).is_file() {
            return None;
        }
        busy.insert(name.to_owned());
        Some(Held { mirror: self, name: name.to_owned() })
    }

    /// Brings a file as it is there.
    fn bring(&self, name: &Path) -> io::Result<bool> {
        let Some(file) = with_slashes(name).filter(|file| is_within(file)) else { return Ok(false) };
        let Some(_held) = self.hold(name) else { return Ok(true) };
        for _ in 0..TRIES {
            let changes = self.changes.load(Ordering::SeqCst);
            match copy(&self.line, &self.run, &file, &self.folder.join(name), changes, &self.changes) {
                Ok(Copied::Whole) => {
                    shelf::note(&self.folder.join(name));
                    return Ok(true);
                }
                Ok(Copied::Changed) => {}
                Err(LineError::Refused(_)) => return Ok(false),
                Err(error) => return Err(io::Error::other(error.to_string())),
            }
        }
        Err(io::Error::other(format!("{file} changes faster than it can be brought")))
    }

    /// The list of images, whose pictures lie in the mirror from now on.
    fn bring_images(&self) -> io::Result<bool> {
        let name = Path::new("images.csv");
        let Some(_held) = self.hold(name) else { return Ok(true) };
        let staged = self.folder.join(".there");
        std::fs::create_dir_all(&staged)?;
        let changes = self.changes.load(Ordering::SeqCst);
        let there = staged.join(name);
        match copy(&self.line, &self.run, "images.csv", &there, changes, &self.changes) {
            Ok(Copied::Whole) => {}
            Ok(Copied::Changed) => return Err(io::Error::other("images.csv has just changed; ask again")),
            Err(LineError::Refused(_)) => return Ok(false),
            Err(error) => return Err(io::Error::other(error.to_string())),
        }
        let found = Images::read(&staged);
        let _ = std::fs::remove_dir_all(&staged);
        let found = found.map_err(io::Error::other)?;
        let here = found.all().cloned().map(|mut row| {
            row.path = self.folder.join(photo_name(ImageRef { split: row.split, index: row.index }, &row.path));
            row
        });
        Images::new(here).map_err(io::Error::other)?.write(&self.folder).map_err(io::Error::other)?;
        Ok(true)
    }

    /// Brings pictures of one split; whether the first is here now.
    fn bring_photos(&self, split: Split, wanted: &[(u32, PathBuf)]) -> io::Result<bool> {
        let Some((_, first)) = wanted.first() else { return Ok(false) };
        let Some(_first) = self.hold(first) else { return Ok(true) };
        // What another thread is bringing is left to it.
        let mut held = Vec::new();
        let mut missing = vec![&wanted[0]];
        for one in &wanted[1..] {
            if missing.len() < PHOTOS
                && let Some(hold) = self.hold_now(&one.1)
            {
                held.push(hold);
                missing.push(one);
            }
        }
        let indices = missing.iter().map(|(index, _)| *index).collect();
        let told = self.line.ask(Ask::Photos { run: self.run.clone(), split, indices }, ANSWER);
        let (tell, data) = match told {
            Ok(told) => told,
            Err(LineError::Refused(_)) => return Ok(false),
            Err(error) => return Err(io::Error::other(error.to_string())),
        };
        let Tell::Photos { lengths } = tell else {
            return Err(io::Error::other(self.line.cut("no pictures").to_string()));
        };
        if lengths.len() > missing.len() || lengths.iter().map(|&n| n as usize).sum::<usize>() != data.len() {
            return Err(io::Error::other(self.line.cut("pictures of no length").to_string()));
        }
        let mut rest = &data[..];
        for ((_, name), length) in missing.iter().zip(lengths) {
            let (photo, after) = rest.split_at(length as usize);
            rest = after;
            if photo.is_empty() {
                continue;
            }
            let path = self.folder.join(name);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            replace_unsynced(&path, photo)?;
            shelf::note(&path);
        }
        Ok(self.folder.join(first).is_file())
    }
}

/// Gives a file free again.
struct Held<'a> {
    mirror: &'a Mirror,
    name: PathBuf,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.mirror.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
        self.mirror.brought.notify_all();
    }
}

impl LineListener for Mirror {
    fn hear(&self, tell: Tell, data: Vec<u8>) -> Result<(), String> {
        match tell {
            Tell::Events { at, size, anew, .. } => self.on_events(at, size, anew, &data),
            Tell::Trainer { trainer, .. } => {
                if trainer.is_none() {
                    let _ = std::fs::remove_file(beat_path(&self.folder));
                }
                let mut log = self.log();
                (log.trainer, log.beat) = (trainer, None);
                drop(log);
                self.beat();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Gives signs of life for whoever trains the run there: readers here go by them. While the line is broken the last
    /// that is known goes on.
    fn beat(&self) {
        let mut log = self.log();
        if log.beat.is_some_and(|at| at.elapsed() < BEAT_EVERY) {
            return;
        }
        log.beat = Some(Instant::now());
        if let Some(trainer) = log.trainer.clone() {
            Beat { trainer, wall: 0.0 }.touch(&self.folder);
        }
    }

    fn again(&self) -> Vec<Ask> {
        vec![Ask::Follow { run: self.run.clone(), from: self.log().here }]
    }
}

impl Supplier for Mirror {
    fn fetch(&self, name: &Path) -> io::Result<bool> {
        if let Some((image, name)) = photo_of(name) {
            return self.bring_photos(image.split, &[(image.index, name)]);
        }
        let mut parts = name.components().filter_map(|part| part.as_os_str().to_str());
        match (parts.next(), parts.next(), parts.next()) {
            (Some("images.csv"), None, None) => self.bring_images(),
            (Some("features.safetensors" | "sweep.csv"), None, None) => self.bring(name),
            (Some("epochs"), Some(_), Some(_)) => self.bring(name),
            // Checkpoints never, and what is told unasked is here.
            _ => Ok(false),
        }
    }

    fn fetch_soon(&self, names: &[PathBuf]) {
        for split in [Split::Train, Split::Query, Split::Gallery] {
            let wanted: Vec<(u32, PathBuf)> = names
                .iter()
                .filter_map(|name| photo_of(name))
                .filter(|(image, _)| image.split == split)
                .map(|(image, name)| (image.index, name))
                .collect();
            if let Err(error) = self.bring_photos(split, &wanted) {
                tracing::debug!(%error, "pictures of {}", self.folder.display());
            }
        }
    }

    fn put(&self, name: &Path, bytes: &[u8]) -> io::Result<()> {
        let Some(request) = request(name, bytes) else {
            return Err(io::Error::other("only requests are put there"));
        };
        let ask = Ask::Put { run: self.run.clone(), request };
        self.line.ask(ask, REQUEST).map(drop).map_err(|e| io::Error::other(e.to_string()))
    }

    fn take_back(&self, name: &Path, bytes: &[u8]) -> bool {
        let Some(request) = request(name, bytes) else { return false };
        let told = self.line.ask(Ask::TakeBack { run: self.run.clone(), request }, REQUEST);
        matches!(told, Ok((Tell::TakenBack { taken: true }, _)))
    }

    fn ask(&self, question: &[u8]) -> io::Result<Vec<u8>> {
        let mut question: NetQuestion = serde_json::from_slice(question)?;
        let mut photo = Vec::new();
        if let NetQuestion::Rank(RankQuery::File(path)) = &mut question {
            photo = read_regular(path, u64::from(DATA_MOST))?;
            *path = path.file_name().map(PathBuf::from).unwrap_or_default();
        }
        let words = |e: LineError| io::Error::other(e.to_string());
        let ask = Ask::Question { run: self.run.clone(), question };
        match self.line.send_with(ask, &photo).and_then(|said| self.line.answer(&said, LIMIT)).map_err(words)? {
            (Tell::Answer, data) => Ok(data),
            _ => Err(words(self.line.cut("no answer of a network"))),
        }
    }

    fn used(&self, name: &Path) {
        if name.starts_with("epochs") || name.starts_with("photos") {
            shelf::touch(&self.folder.join(name));
        }
    }
}

fn request(name: &Path, bytes: &[u8]) -> Option<Posted> {
    let folder = requests_dir(Path::new(""));
    serde_json::from_slice(bytes).ok().filter(|_| name.parent() == Some(&*folder))
}

/// Bytes of the whole lines of a log that was mirrored before; a half one at its end is written anew with its rest.
fn whole_lines(path: &Path) -> io::Result<u64> {
    let bytes = match read_regular(path, LARGEST) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(e) => return Err(e),
    };
    Ok(bytes.iter().rposition(|&b| b == b'\n').map_or(0, |at| at as u64 + 1))
}

/// Removes all that was mirrored: the run there is another one.
fn wipe(folder: &Path) -> io::Result<()> {
    wipe_snapshots(folder);
    for file in [events_path(folder), beat_path(folder)] {
        if let Err(error) = std::fs::remove_file(file)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
    }
    Ok(())
}

fn wipe_snapshots(folder: &Path) {
    for dir in ["epochs", "photos", ".there"] {
        let _ = std::fs::remove_dir_all(folder.join(dir));
    }
    for file in ["images.csv", "features.safetensors", "summary.json", "sweep.csv"] {
        let _ = std::fs::remove_file(folder.join(file));
    }
}
