//! Which checkpoints a run keeps, what each is for, and what its folder takes on the disk.
//!
//! ```text
//! last.safetensors          where a resume goes on; never removed
//! best.safetensors          best clusters by a score that needs no truth (silhouette)
//! best-oracle.safetensors   best mAP on the target's test set: ground truth, so an oracle
//! epoch-0010.safetensors    after 10 epochs, by `checkpoint.every`; the oldest go beyond `checkpoint.keep`
//! kept-0003-0120.safetensors    kept by hand in epoch 4 after 120 iterations; `kept-pretrain-…` in pre-training
//! ```

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::RunError;
use super::event::Phase;
use super::folder::checkpoints_dir;
use crate::base::fs::{link_or_copy, refuse_links};
use crate::base::tensors::Archive;

const SUFFIX: &str = ".safetensors";
/// The name of the checkpoint that a resume goes on from.
pub const LAST: &str = "last";
/// The name of the one with the best score that needs no truth.
pub const BEST: &str = "best";
/// The name of the one with the best mAP on the target's test set.
pub const BEST_ORACLE: &str = "best-oracle";
/// Bytes of a checkpoint's plain values at most.
const LARGEST_STATE: usize = 1 << 20;

/// What a checkpoint is kept for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// To go on from.
    Last,
    /// The best clusters by a score that needs no truth.
    Best,
    /// The best mAP on the target's test set. **Ground truth.**
    BestOracle,
    /// Every n-th epoch.
    Every,
    /// Somebody kept it.
    Hand,
}

impl Why {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            LAST => Self::Last,
            BEST => Self::Best,
            BEST_ORACLE => Self::BestOracle,
            _ if name.starts_with("epoch-") => Self::Every,
            _ if name.starts_with("kept-") => Self::Hand,
            _ => return None,
        })
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Best => "best by silhouette",
            Self::BestOracle => "best by target mAP (oracle)",
            Self::Every => "every n epochs",
            Self::Hand => "kept by hand",
        }
    }
}

/// Where a checkpoint stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stand {
    /// Pre-training or adaptation.
    pub phase: Phase,
    /// Epochs of that phase that are done.
    pub epoch: usize,
    /// Iterations done of the next one.
    pub iter: usize,
}

impl Stand {
    /// Adaptation epochs that are done.
    pub fn epochs_done(&self) -> usize {
        if self.phase == Phase::Adapt { self.epoch } else { 0 }
    }
}

/// A checkpoint of a run folder.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FoundCheckpoint {
    /// Its name, without its ending.
    pub name: String,
    /// The file.
    #[serde(skip)]
    pub path: PathBuf,
    /// What it is kept for.
    pub why: Why,
    /// Its size.
    pub bytes: u64,
    /// Where it stands; `None` when it cannot be read.
    #[serde(flatten)]
    pub stand: Option<Stand>,
    /// Why it cannot be used, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Which checkpoint is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// The one after so many adaptation epochs.
    Epoch(usize),
    /// The one of that name.
    Name(String),
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Epoch(n) => write!(f, "{n}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl At {
    /// From `10` or `best-oracle`.
    pub fn parse(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Name(text.trim_end_matches(SUFFIX).to_owned()), Self::Epoch)
    }
}

/// The file of the checkpoint of that name.
pub fn path_of(run: &Path, name: &str) -> PathBuf {
    checkpoints_dir(run).join(format!("{name}{SUFFIX}"))
}

/// The name of the checkpoint after `epochs` adaptation epochs that is kept by rule.
pub fn every_name(epochs: usize) -> String {
    format!("epoch-{epochs:04}")
}

/// The name of one that is kept by hand where the run stands.
pub fn hand_name(stand: Stand) -> String {
    let phase = if stand.phase == Phase::Pretrain { "pretrain-" } else { "" };
    format!("kept-{phase}{:04}-{:04}", stand.epoch, stand.iter)
}

/// All checkpoints of a run, oldest stand first; only headers and plain values are read.
pub fn list(run: &Path) -> Vec<FoundCheckpoint> {
    let entries = std::fs::read_dir(checkpoints_dir(run)).into_iter().flatten().flatten();
    let mut found: Vec<FoundCheckpoint> = entries
        .filter_map(|entry| {
            let name = entry.file_name().to_str()?.strip_suffix(SUFFIX)?.to_owned();
            let (why, path) = (Why::of(&name)?, entry.path());
            let meta = std::fs::symlink_metadata(&path).ok()?;
            let (stand, problem) = match stand_of(&path) {
                Ok(stand) => (Some(stand), None),
                Err(e) => (None, Some(e.to_string())),
            };
            Some(FoundCheckpoint { name, path, why, bytes: meta.len(), stand, problem })
        })
        .collect();
    let place = |f: &FoundCheckpoint| f.stand.map(|s| (s.phase == Phase::Adapt, s.epoch, s.iter));
    found.sort_by(|a, b| (place(a), &a.name).cmp(&(place(b), &b.name)));
    found
}

/// Where a checkpoint stands.
fn stand_of(path: &Path) -> Result<Stand, RunError> {
    #[derive(Deserialize)]
    struct Position {
        phase: Phase,
        epoch: usize,
        iter: usize,
        next: String,
    }
    #[derive(Deserialize)]
    struct State {
        position: Position,
    }
    let file = Archive::open(path)?;
    let not_one = || RunError::damaged(path, "it holds no `state`, so it is not a checkpoint");
    let (_, shape) = file.info("state").ok_or_else(not_one)?;
    if shape.iter().product::<usize>() > LARGEST_STATE {
        return Err(RunError::damaged(path, "its `state` is longer than any"));
    }
    let (_, json) = file.array::<u8>("state")?;
    let State { position } = serde_json::from_slice(&json).map_err(|e| RunError::damaged(path, e))?;
    let done = position.phase == Phase::Adapt && position.next == "evaluate";
    let epoch = position.epoch.saturating_add(usize::from(done));
    Ok(Stand { phase: position.phase, epoch, iter: if done { 0 } else { position.iter } })
}

/// The checkpoint that is meant. Of several after the same epoch the one that stands between two epochs is taken.
///
/// # Errors
/// When there is none: with those that there are.
pub fn find(run: &Path, at: &At) -> Result<FoundCheckpoint, RunError> {
    let all = list(run);
    let fits = |f: &&FoundCheckpoint| match at {
        At::Epoch(n) => f.stand.is_some_and(|s| s.phase == Phase::Adapt && s.epoch == *n && s.iter == 0),
        At::Name(name) => f.name == *name,
    };
    if let Some(found) = all.iter().find(fits) {
        return match &found.problem {
            None => Ok(found.clone()),
            Some(problem) => Err(RunError::damaged(&found.path, problem)),
        };
    }
    let there: Vec<String> = all.iter().filter_map(|f| Some(format!("{} ({})", f.name, words(f.stand?)))).collect();
    let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
    let wanted = match at {
        At::Epoch(n) => format!("no checkpoint after {n} epochs"),
        At::Name(name) => format!("no checkpoint `{name}`"),
    };
    Err(RunError::NoCheckpoint { path: run.to_owned(), wanted, there })
}

/// Where a checkpoint stands, in words.
pub fn words(stand: Stand) -> String {
    let of = if stand.phase == Phase::Pretrain { " of pre-training" } else { "" };
    match (stand.phase, stand.epoch, stand.iter) {
        (Phase::Adapt, 0, 0) => "source only".to_owned(),
        (_, 1, 0) => format!("after 1 epoch{of}"),
        (_, n, 0) => format!("after {n} epochs{of}"),
        (_, n, i) => format!("in epoch {}{of}, iteration {i}", n + 1),
    }
}

/// Keeps the newest checkpoint under another name: a link of the file system, which costs nothing until the run goes
/// on, or a copy.
///
/// # Errors
/// Those of the file system.
pub fn keep_last_as(run: &Path, name: &str) -> Result<(), RunError> {
    let (from, to) = (path_of(run, LAST), path_of(run, name));
    refuse_links(run, &to).map_err(RunError::io("write", &to))?;
    link_or_copy(&from, &to).map_err(RunError::io("write", &to))
}

/// Removes the oldest of those kept every n epochs, beyond `most`.
///
/// # Errors
/// Those of the file system.
pub fn prune(run: &Path, most: usize) -> Result<(), RunError> {
    let mut every: Vec<FoundCheckpoint> = list(run).into_iter().filter(|f| f.why == Why::Every).collect();
    every.sort_by(|a, b| a.name.cmp(&b.name));
    let surplus = every.len().saturating_sub(most);
    for old in every.drain(..surplus) {
        std::fs::remove_file(&old.path).map_err(RunError::io("remove", &old.path))?;
    }
    Ok(())
}

/// Removes a checkpoint by hand; the last, without which the run could not go on, stays.
///
/// # Errors
/// When there is none of that name, or the file system refuses.
pub fn remove(run: &Path, name: &str) -> Result<(), RunError> {
    let name = name.trim_end_matches(SUFFIX);
    match list(run).into_iter().find(|f| f.name == name && f.why != Why::Last) {
        Some(found) => std::fs::remove_file(&found.path).map_err(RunError::io("remove", &found.path)),
        None => find(run, &At::Name(name.to_owned())).map(|_| ()),
    }
}

/// What a run folder takes on the disk, bytes. Links are not followed; a file with two names counts once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Checkpoints.
    pub checkpoints: u64,
    /// What the epochs computed.
    pub epochs: u64,
    /// Features of the newest clustering.
    pub features: u64,
    /// The log of events.
    pub events: u64,
    /// Everything else.
    pub other: u64,
}

impl Usage {
    /// Of a run folder.
    pub fn of(run: &Path) -> Self {
        let mut usage = Self::default();
        let mut seen = std::collections::BTreeSet::new();
        usage.add(run, &mut seen, |usage, path| match path.file_name().and_then(|n| n.to_str()) {
            Some("checkpoints") => &mut usage.checkpoints,
            Some("epochs") => &mut usage.epochs,
            Some("features.safetensors") => &mut usage.features,
            Some("events.jsonl") => &mut usage.events,
            _ => &mut usage.other,
        });
        usage
    }

    /// Altogether.
    pub fn total(&self) -> u64 {
        self.checkpoints + self.epochs + self.features + self.events + self.other
    }

    fn add(
        &mut self,
        run: &Path,
        seen: &mut std::collections::BTreeSet<(u64, u64)>,
        slot: for<'a> fn(&'a mut Self, &Path) -> &'a mut u64,
    ) {
        for entry in std::fs::read_dir(run).into_iter().flatten().flatten() {
            let bytes = size(&entry.path(), seen, 0);
            *slot(self, &entry.path()) += bytes;
        }
    }
}

fn size(path: &Path, seen: &mut std::collections::BTreeSet<(u64, u64)>, depth: usize) -> u64 {
    let Ok(meta) = std::fs::symlink_metadata(path) else { return 0 };
    if meta.is_dir() && depth < 8 {
        let inside = std::fs::read_dir(path).into_iter().flatten().flatten();
        return inside.map(|entry| size(&entry.path(), seen, depth + 1)).sum();
    }
    if !meta.is_file() {
        return 0;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if meta.nlink() > 1 && !seen.insert((meta.dev(), meta.ino())) {
            return 0;
        }
    }
    meta.len()
}
