//! Whether two runs are the same to the bit.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reid_workbench::run::event::{Event, Phase};
use reid_workbench::run::{RunReader, RunView};

use super::bench::files;

/// A run that nobody disturbed.
pub struct Whole {
    /// How long it took.
    pub took: Duration,
    /// Bytes of all its files.
    pub bytes: u64,
    /// Everything that was computed, by file.
    computed: BTreeMap<PathBuf, Vec<u8>>,
    told: Vec<String>,
}

impl Whole {
    /// Reads it.
    pub fn read(run: &Path, took: Duration) -> Self {
        let bytes = files(run).iter().filter_map(|f| Some(fs::metadata(run.join(f)).ok()?.len())).sum();
        Self { took, bytes, computed: computed(run), told: told(run) }
    }

    /// Whether another run is the same: every checkpoint, snapshot and feature to the bit, the history as told without
    /// its times, no event lost or told twice, nothing left behind.
    pub fn equals(&self, run: &Path) -> Result<(), String> {
        self.compare(run, false)
    }

    /// The same of a run some of whose writes were refused: what it can do without may be missing, and the best
    /// checkpoints may be those of an earlier epoch. Its last checkpoint and its history are the same nevertheless.
    pub fn equals_in_essence(&self, run: &Path) -> Result<(), String> {
        self.compare(run, true)
    }

    fn compare(&self, run: &Path, in_essence: bool) -> Result<(), String> {
        let mine = computed(run);
        for (name, bytes) in &self.computed {
            let text = name.to_string_lossy();
            let best = text.contains("best");
            match mine.get(name) {
                None if in_essence && !text.contains("last") => {}
                Some(_) if in_essence && best => {}
                None => return Err(format!("{} is missing", name.display())),
                Some(other) if other != bytes => return Err(format!("{} differs", name.display())),
                Some(_) => {}
            }
        }
        let kept = |name: &PathBuf| name.to_string_lossy().contains("epoch-");
        if let Some(more) =
            mine.keys().filter(|name| !in_essence || !kept(name)).find(|name| !self.computed.contains_key(*name))
        {
            return Err(format!("{} is one too many", more.display()));
        }
        if let Some(litter) = files(run).iter().find(|f| f.to_string_lossy().ends_with(".tmp")) {
            return Err(format!("{} was left behind", litter.display()));
        }
        let told = told(run);
        if let Some((a, b)) = self.told.iter().zip(&told).find(|(a, b)| a != b) {
            return Err(format!("the history differs: {a} and {b}"));
        }
        if self.told.len() != told.len() {
            return Err(format!("the history has {} points, not {}", told.len(), self.told.len()));
        }
        let reader = RunReader::open(run).map_err(|e| e.to_string())?;
        match reader.events.iter().enumerate().find(|(i, e)| *i as u64 != e.seq) {
            None => Ok(()),
            Some((i, e)) => Err(format!("event {i} has the number {}", e.seq)),
        }
    }
}

fn computed(run: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let is_computed = |f: &PathBuf| f.extension().is_some_and(|e| e == "safetensors");
    let read = |f: PathBuf| fs::read(run.join(&f)).ok().map(|bytes| (f, bytes));
    files(run).into_iter().filter(is_computed).filter_map(read).collect()
}

/// The curves, clusterings and evaluations as a reader sees them, without their times.
fn told(run: &Path) -> Vec<String> {
    let Ok(reader) = RunReader::open(run) else { return Vec::new() };
    let view = RunView::of_folder(&reader);
    let mut told = Vec::new();
    for phase in [Phase::Pretrain, Phase::Adapt] {
        for step in view.curves(phase).steps(phase) {
            told.push(format!("{phase:?} {}/{}: {:x} {:?}", step.epoch, step.iter, step.loss.to_bits(), step.lr));
        }
    }
    told.extend(view.clusters.iter().map(|(epoch, c)| format!("clusters {epoch}: {:?}", c.summary)));
    told.extend(view.target_retrieval.iter().map(|(epoch, r)| format!("target {epoch}: {r:?}")));
    told.extend(view.source_retrieval.iter().map(|(epoch, r)| format!("source {epoch}: {r:?}")));
    told
}

/// What a run folder said last that it does.
pub fn stage_of(run: &Path) -> String {
    let Ok(reader) = RunReader::open(run) else {
        return if run.exists() { "making folder".to_owned() } else { "before folder".to_owned() };
    };
    let state = |e: &Event| if let Event::State { state, .. } = e { Some(format!("{state:?}")) } else { None };
    let last = reader.events.iter().rev().find_map(|e| state(&e.event));
    last.unwrap_or_else(|| "begun".to_owned())
}
