//! Reading a run folder, whole or as it grows.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::error::RunError;
use super::event::Stamped;
use super::folder::{events_path, params_path};
use super::manifest::Manifest;
use crate::method::params::Params;

/// A run folder as it stood when it was opened.
#[derive(Debug)]
pub struct RunReader {
    /// The folder.
    pub dir: PathBuf,
    /// What the run is.
    pub manifest: Manifest,
    /// The parameters at the start.
    pub params: Params,
    /// All whole events that this program knows.
    pub events: Vec<Stamped>,
    /// What was skipped or missing, a sentence each.
    pub warnings: Vec<String>,
    good: u64,
    next_seq: u64,
}

impl RunReader {
    /// Opens a run folder, wherever it now lies, whether or not a process still writes it.
    ///
    /// # Errors
    /// When it is not a run folder or its manifest cannot be read. A torn last line, an event of a type this
    /// program does not know, or odd parameters are not errors: see [`RunReader::warnings`].
    pub fn open(dir: &Path) -> Result<Self, RunError> {
        let manifest = Manifest::read(dir)?;
        let mut read = read_events(&events_path(dir), 0, 0)?;
        let mut params = Params::default();
        let path = params_path(dir);
        let overlaid = std::fs::read_to_string(&path)
            .map_err(|e| e.to_string())
            .and_then(|text| params.overlay_toml(&text).map_err(|e| e.to_string()));
        if let Err(reason) = overlaid {
            read.warnings.push(format!("params.toml could not be used, defaults are shown: {reason}"));
        }
        if let Some(torn) = read.torn {
            read.warnings.push(torn);
        }
        let Found { events, warnings, good, next_seq, .. } = read;
        Ok(Self { dir: dir.to_owned(), manifest, params, events, warnings, good, next_seq })
    }

    /// Follows the run from where this reader stopped.
    pub fn tail(&self) -> Tail {
        Tail { path: events_path(&self.dir), good: self.good, next_seq: self.next_seq, warnings: Vec::new() }
    }
}

/// Reads what another process appends to a run.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    good: u64,
    next_seq: u64,
    warnings: Vec<String>,
}

impl Tail {
    /// The events whose lines were completed since the last call. Reads no line twice and no half line; a
    /// file that cannot be read just now gives none and a warning.
    pub fn poll(&mut self) -> Vec<Stamped> {
        let unchanged = std::fs::metadata(&self.path).is_ok_and(|m| m.len() == self.good);
        if unchanged {
            return Vec::new();
        }
        match read_events(&self.path, self.good, self.next_seq) {
            Ok(read) => {
                self.good = read.good;
                self.next_seq = read.next_seq;
                // A half line here is one that is being written, not one that a crash cut short.
                self.warnings.extend(read.warnings);
                read.events
            }
            Err(error) => {
                self.warnings.push(error.to_string());
                Vec::new()
            }
        }
    }

    /// What was found amiss since the last call, a sentence each.
    pub fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }
}

/// What one pass over the events found.
pub(super) struct Found {
    pub events: Vec<Stamped>,
    pub warnings: Vec<String>,
    /// What to say of a last line without an end.
    pub torn: Option<String>,
    /// Bytes of whole lines.
    pub good: u64,
    /// The number the next event gets.
    pub next_seq: u64,
}

/// Reads the whole lines from byte `from` on.
pub(super) fn read_events(path: &Path, from: u64, next_seq: u64) -> Result<Found, RunError> {
    let mut out = Found { events: Vec::new(), warnings: Vec::new(), torn: None, good: from, next_seq };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            out.warnings.push("events.jsonl is missing: the run has no history".to_owned());
            return Ok(out);
        }
        Err(e) => return Err(RunError::io("read", path)(e)),
    };
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(from)).map_err(RunError::io("read", path))?;
    file.read_to_end(&mut bytes).map_err(RunError::io("read", path))?;
    let whole = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
    let mut misnumbered = 0_u64;
    for line in bytes[..whole].split(|&b| b == b'\n').filter(|l| !l.is_empty()) {
        match Stamped::from_line(line) {
            Ok(mut stamped) => {
                // The place in the file is the number: one that says otherwise would hide what follows it.
                misnumbered += u64::from(stamped.seq != out.next_seq);
                stamped.seq = out.next_seq;
                out.events.push(stamped);
            }
            Err(error) => skip(&mut out.warnings, line, &error),
        }
        out.next_seq = out.next_seq.saturating_add(1);
    }
    if misnumbered > 0 {
        let text = "events.jsonl: {} events carry a number that is not their place; two programs may have written it";
        out.warnings.push(text.replace("{}", &misnumbered.to_string()));
    }
    if whole < bytes.len() {
        let rest = bytes.len() - whole;
        out.torn = Some(format!("the last line of events.jsonl was cut short after {rest} bytes; it is skipped"));
    }
    out.good += whole as u64;
    Ok(out)
}

/// Warnings about single lines; a file of garbage is told in so many, and a count.
const LINES_TOLD: usize = 20;

fn skip(warnings: &mut Vec<String>, line: &[u8], error: &serde_json::Error) {
    match warnings.len() {
        0..LINES_TOLD => warnings.push(skipped(line, error)),
        LINES_TOLD => warnings.push("further lines of events.jsonl are skipped too".to_owned()),
        _ => {}
    }
}

fn skipped(line: &[u8], error: &serde_json::Error) -> String {
    let value = serde_json::from_slice::<serde_json::Value>(line).ok();
    let field = |name: &str| value.as_ref().and_then(|v| v.get(name));
    match (field("type").and_then(|t| t.as_str()), field("seq")) {
        (Some(kind), Some(seq)) => {
            format!("event {seq} of type `{kind}` could not be understood and is skipped: {error}")
        }
        _ => format!("a line of events.jsonl is not an event and is skipped: {error}"),
    }
}
