//! Reading a run folder, whole or as it grows.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::error::RunError;
use super::event::{RunId, Stamped};
use super::folder::{LARGEST_PARAMS, events_path, params_path};
use super::manifest::Manifest;
use crate::base::fs::{open_regular, read_text};
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
    brief: bool,
}

impl RunReader {
    /// Opens a run folder, wherever it now lies, whether or not a process still writes it.
    ///
    /// # Errors
    /// When it is not a run folder or its manifest cannot be read. A torn last line, an event of a type this
    /// program does not know, or odd parameters are not errors: see [`RunReader::warnings`].
    pub fn open(dir: &Path) -> Result<Self, RunError> {
        Self::read(dir, false, false)
    }

    /// As [`RunReader::open`], of a run that somebody trains: a half line at the end is one that is being written.
    ///
    /// # Errors
    /// Those of [`RunReader::open`].
    pub fn open_live(dir: &Path) -> Result<Self, RunError> {
        Self::read(dir, false, true)
    }

    /// As [`RunReader::open_live`], without the iterations, which are nearly all there is to read: enough for a line
    /// in a list.
    ///
    /// # Errors
    /// Those of [`RunReader::open`].
    pub fn open_brief(dir: &Path) -> Result<Self, RunError> {
        Self::read(dir, true, true)
    }

    fn read(dir: &Path, brief: bool, live: bool) -> Result<Self, RunError> {
        let manifest = Manifest::read(dir)?;
        let mut read = read_events(&events_path(dir), 0, 0, brief)?;
        let mut params = Params::default();
        let path = params_path(dir);
        let overlaid = read_text(&path, LARGEST_PARAMS)
            .map_err(|e| e.to_string())
            .and_then(|text| params.overlay_saved(&text).map_err(|e| e.to_string()));
        match overlaid {
            Ok(unknown) if unknown.is_empty() => {}
            Ok(unknown) => read.warnings.push(format!(
                "params.toml has what this program does not know, and it is left as it is: {}",
                unknown.join(", ")
            )),
            Err(reason) => {
                read.warnings.push(format!("params.toml could not be used, defaults are shown: {reason}"));
            }
        }
        if let Some(torn) = read.torn.filter(|_| !live) {
            read.warnings.push(torn);
        }
        let FoundEvents { events, warnings, good, next_seq, .. } = read;
        Ok(Self { dir: dir.to_owned(), manifest, params, events, warnings, good, next_seq, brief })
    }

    /// Follows the run from where this reader stopped.
    pub fn tail(&self) -> Tail {
        Tail {
            path: events_path(&self.dir),
            good: self.good,
            seen: self.good,
            next_seq: self.next_seq,
            brief: self.brief,
            warnings: Vec::new(),
        }
    }
}

/// Reads what another process appends to a run.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    good: u64,
    /// Length of the file when it was last read.
    seen: u64,
    next_seq: u64,
    brief: bool,
    warnings: Vec<String>,
}

/// What a run has done since it was last looked at.
#[derive(Debug, PartialEq)]
pub enum Grown {
    /// Nothing.
    Not,
    /// These lines were completed; there may be events among them that this program does not know.
    By(Vec<Stamped>),
    /// The file is shorter than it was: it is another one, and must be read from its beginning.
    Anew,
}

impl Tail {
    /// The events whose lines were completed since the last call. Reads no line twice and no half line; a
    /// file that cannot be read just now gives none and a warning.
    pub fn poll(&mut self) -> Grown {
        // Opened each time: only then does a network file system ask the server how long the file is.
        let len = match open_regular(&self.path).and_then(|file| file.metadata()) {
            Ok(found) => found.len(),
            Err(error) => return self.failed(error.to_string()),
        };
        if len < self.good {
            return Grown::Anew;
        }
        if len == self.seen {
            return Grown::Not;
        }
        match read_events(&self.path, self.good, self.next_seq, self.brief) {
            Ok(read) => {
                let grown = read.good > self.good;
                (self.good, self.seen, self.next_seq) = (read.good, len.max(read.good), read.next_seq);
                // A half line here is one that is being written, not one that a crash cut short.
                self.warnings.extend(read.warnings);
                if grown { Grown::By(read.events) } else { Grown::Not }
            }
            Err(error) => self.failed(error.to_string()),
        }
    }

    fn failed(&mut self, why: String) -> Grown {
        if self.warnings.last() != Some(&why) {
            self.warnings.push(why);
        }
        Grown::Not
    }

    /// Bytes of the whole lines that were read.
    pub fn bytes(&self) -> u64 {
        self.good
    }

    /// What was found amiss since the last call, a sentence each.
    pub fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }
}

/// What one pass over the events found.
pub(super) struct FoundEvents {
    pub events: Vec<Stamped>,
    pub warnings: Vec<String>,
    /// What to say of a last line without an end.
    pub torn: Option<String>,
    /// Bytes of whole lines.
    pub good: u64,
    /// The number the next event gets.
    pub next_seq: u64,
}

/// Reads the whole lines from byte `from` on; `brief` leaves out the iterations.
pub(super) fn read_events(path: &Path, from: u64, next_seq: u64, brief: bool) -> Result<FoundEvents, RunError> {
    let mut out = FoundEvents { events: Vec::new(), warnings: Vec::new(), torn: None, good: from, next_seq };
    let mut file = match open_regular(path) {
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
    let run = path.parent().map(RunId::of).unwrap_or_default();
    let mut misnumbered = 0_u64;
    for line in bytes[..whole].split(|&b| b == b'\n').filter(|l| !l.is_empty()) {
        if brief && is_step(line) {
            out.next_seq = out.next_seq.saturating_add(1);
            continue;
        }
        match Stamped::from_line(line) {
            Ok(mut stamped) => {
                stamped.run.clone_from(&run);
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

/// Whether a line tells of an iteration; its beginning says so.
fn is_step(line: &[u8]) -> bool {
    const TAG: &[u8] = b"\"type\":\"step\"";
    line[..line.len().min(120)].windows(TAG.len()).any(|w| w == TAG)
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
