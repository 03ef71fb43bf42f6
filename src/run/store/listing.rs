//! The list of the runs in a folder, looked over again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::{LIST_EVERY, LIVE_LIST_EVERY, ListedRun};
use crate::run::folder::events_path;
use crate::run::label::{Label, label_path};
use crate::run::pulse::{Pulse, Trainer, beat_path};
use crate::run::reader::{Grown, RunReader, Tail};
use crate::run::summary::{Outcome, Summary, folders};
use crate::run::view::RunView;

/// The runs of a folder.
#[derive(Default)]
pub(super) struct Listing {
    dir: PathBuf,
    /// Runs that lie elsewhere.
    pub elsewhere: Vec<PathBuf>,
    pub due: Option<Instant>,
    /// Whether all of it is to be read again.
    pub fresh: bool,
    /// Lists that were asked for.
    pub asked: u64,
    /// The names in the folder when it was last looked over.
    names: Vec<std::ffi::OsString>,
    known: Vec<Listed>,
    /// What lies there and is no run yet.
    unknown: Vec<PathBuf>,
    pub told: Option<Vec<ListedRun>>,
}

struct Listed {
    folder: PathBuf,
    summary: Option<Summary>,
    /// When its label was written, as far as the file system knows.
    labelled: Option<SystemTime>,
    /// Bytes of its log when that was last read at rest.
    bytes: Option<u64>,
    live: Option<Live>,
    trainer: Option<Trainer>,
}

/// A run of the list that is being trained: its log is read on, without its iterations.
struct Live {
    tail: Tail,
    view: RunView,
    pulse: Pulse,
}

impl Listing {
    /// Of that folder; nothing is looked over yet.
    pub fn of(dir: PathBuf) -> Self {
        Self { dir, ..Self::default() }
    }

    /// The list, where it has changed.
    pub fn look(&mut self) -> Option<Vec<ListedRun>> {
        let entries = std::fs::read_dir(&self.dir).into_iter().flatten();
        let mut names: Vec<_> = entries.filter_map(|e| Some(e.ok()?.file_name())).collect();
        names.sort();
        // A folder is made before its log.
        let begun = || self.unknown.iter().any(|folder| events_path(folder).is_file());
        if self.fresh || names != self.names || begun() {
            (self.names, self.fresh) = (names, false);
            self.scan();
        }
        for listed in &mut self.known {
            listed.look();
        }
        let rows: Vec<ListedRun> =
            self.known.iter().filter_map(|l| Some((l.summary.clone()?, l.trainer.clone()))).collect();
        (self.told.as_ref() != Some(&rows)).then(|| {
            self.told = Some(rows.clone());
            rows
        })
    }

    pub fn pace(&self) -> Duration {
        if self.known.iter().any(|l| l.live.is_some()) { LIVE_LIST_EVERY } else { LIST_EVERY }
    }

    fn scan(&mut self) {
        let mut before: BTreeMap<PathBuf, Listed> =
            std::mem::take(&mut self.known).into_iter().map(|l| (l.folder.clone(), l)).collect();
        let listed = |folder: PathBuf| match before.remove(&folder) {
            Some(listed) if listed.live.is_some() => listed,
            _ => {
                let bytes = log_bytes(&folder);
                let summary = Summary::read(&folder).ok();
                Listed { summary, folder, labelled: None, bytes, live: None, trainer: None }
            }
        };
        let mut there = folders(&self.dir);
        let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        // The same folder may be named in two ways; it is one run.
        let mut known: BTreeSet<PathBuf> = there.iter().map(|path| whole(path)).collect();
        let others = self.elsewhere.iter().filter(|path| path.join("events.jsonl").is_file());
        there.extend(others.filter(|path| known.insert(whole(path))).cloned());
        self.known = there.into_iter().map(listed).collect();
        let all = self.names.iter().map(|name| self.dir.join(name));
        self.unknown = all.filter(|path| !self.known.iter().any(|l| l.folder == *path)).collect();
    }
}

fn log_bytes(folder: &Path) -> Option<u64> {
    std::fs::metadata(events_path(folder)).ok().map(|found| found.len())
}

impl Listed {
    fn look(&mut self) {
        self.look_at_log();
        let labelled = std::fs::metadata(label_path(&self.folder)).and_then(|m| m.modified()).ok();
        if labelled != self.labelled
            && let Some(summary) = &mut self.summary
        {
            summary.label = Label::read(&self.folder);
            self.labelled = labelled;
        }
    }

    fn look_at_log(&mut self) {
        if self.live.is_none() && !beat_path(&self.folder).exists() {
            // What is written without signs of life grows, too: clusters of features, an import, a copy under way.
            let bytes = log_bytes(&self.folder);
            if bytes != self.bytes {
                (self.bytes, self.labelled) = (bytes, None);
                self.summary = Summary::read(&self.folder).ok().or(self.summary.take());
            }
            return;
        }
        let live = match &mut self.live {
            Some(live) => live,
            None => {
                let Ok(reader) = RunReader::open_brief(&self.folder) else { return };
                let (tail, view) = (reader.tail(), RunView::of_folder(&reader));
                self.live.insert(Live { tail, view, pulse: Pulse::default() })
            }
        };
        match live.tail.poll() {
            Grown::Not => {}
            Grown::By(events) => events.iter().for_each(|e| live.view.fold(e)),
            Grown::Anew => {
                self.live = None;
                return self.look_at_log();
            }
        }
        self.trainer = live.pulse.look(&self.folder);
        let mut summary = Summary::of(&self.folder, &live.view, live.tail.bytes());
        if let Some(before) = self.summary.take() {
            (summary.label, summary.given) = (before.label, before.given);
        }
        if self.trainer.is_some() {
            summary.outcome = Outcome::Live;
        } else {
            summary.keep();
            self.live = None;
        }
        self.summary = Some(summary);
    }
}
