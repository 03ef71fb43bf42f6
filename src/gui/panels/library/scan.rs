//! What run folders there are, read quickly: of the events only those that name state and mAP.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::engine::event::{Domain, Event, Stamped, State};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// In this window.
    Live,
    /// To its last epoch.
    Done,
    /// By the user, or cut short.
    Stopped,
    /// With an error.
    Failed,
}

/// A run as the list shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    /// Its folder.
    pub folder: PathBuf,
    /// `SOURCE → TARGET`.
    pub title: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Adaptation epochs done.
    pub epochs: usize,
    /// mAP on the target after each evaluation, fractions.
    pub curve: Vec<f64>,
    /// The last of them.
    pub mean_ap: Option<f64>,
}

impl RunRow {
    /// The second line.
    pub fn line(&self) -> String {
        let word = if self.epochs == 1 { "epoch" } else { "epochs" };
        match self.outcome {
            Outcome::Live => "live".to_owned(),
            Outcome::Done => format!("{} {word}", self.epochs),
            Outcome::Stopped => format!("stopped, {} {word}", self.epochs),
            Outcome::Failed => format!("failed, {} {word}", self.epochs),
        }
    }
}

/// The run folders in `dir`, newest first. A folder that cannot be read is left out.
pub fn scan(dir: &Path) -> Vec<RunRow> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut folders: Vec<PathBuf> =
        entries.filter_map(|e| Some(e.ok()?.path())).filter(|p| p.join("events.jsonl").is_file()).collect();
    folders.sort();
    folders.iter().rev().filter_map(|folder| read(folder)).collect()
}

fn read(folder: &Path) -> Option<RunRow> {
    let file = File::open(folder.join("events.jsonl")).ok()?;
    let name = folder.file_name()?.to_string_lossy().into_owned();
    let mut row = RunRow {
        folder: folder.to_path_buf(),
        title: name,
        outcome: Outcome::Stopped,
        epochs: 0,
        curve: Vec::new(),
        mean_ap: None,
    };
    const WANTED: [&str; 4] =
        ["\"type\":\"started\"", "\"type\":\"state\"", "\"type\":\"evaluated\"", "\"type\":\"epoch-done\""];
    for line in BufReader::new(file).lines() {
        let Ok(line) = line else { break };
        if !WANTED.iter().any(|w| line.contains(w)) {
            continue;
        }
        let Ok(stamped) = serde_json::from_str::<Stamped>(&line) else { continue };
        match stamped.event {
            Event::Started { title, .. } => row.title = title,
            Event::State { state: State::Done, .. } => row.outcome = Outcome::Done,
            Event::State { state: State::Failed(_), .. } => row.outcome = Outcome::Failed,
            Event::State { .. } => row.outcome = Outcome::Stopped,
            Event::EpochDone { epoch, .. } => row.epochs = row.epochs.max(epoch + 1),
            Event::Evaluated { domain: Domain::Target, retrieval, .. } => {
                row.curve.push(retrieval.mAP);
                row.mean_ap = Some(retrieval.mAP);
            }
            _ => {}
        }
    }
    Some(row)
}
