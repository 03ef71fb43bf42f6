//! What is asked of a relay and what it answers. The version of this language goes before everything else.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use crate::run::event::Split;
use crate::run::pulse::Trainer;
use crate::run::questions::NetQuestion;
use crate::run::requests::Posted;
use crate::run::summary::Outcome;

/// Version of the language; another one is not spoken.
pub const PROTOCOL: u32 = 3;
/// Bytes of a file asked for at once, at most.
pub const PIECE: u32 = 256 << 10;
/// Pictures asked for at once, at most.
pub const PHOTOS: usize = 64;
/// Runs followed on one line, at most.
pub const FOLLOWED: usize = 64;
/// Runs listed at most, newest first.
pub const LISTED: usize = 2_000;
/// Files of a run listed at most.
pub const FILES: usize = 20_000;

const GREETING: &str = "reid-workbench relay ";
/// Bytes of what a shell may say before the greeting: many say something at each login.
const NOISE: usize = 64 << 10;
/// Bytes of the greeting at most.
const LONGEST: usize = 200;

/// Says who speaks.
///
/// # Errors
/// Those of the line.
pub fn greet(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{GREETING}{PROTOCOL} {}", env!("CARGO_PKG_VERSION"))?;
    out.flush()
}

/// Waits for the other end's greeting; what comes before it, up to a bound, is passed over.
///
/// # Errors
/// One sentence: nobody greets, or another version of the language is spoken.
pub fn greeted(input: &mut impl Read) -> Result<(), String> {
    let mut line = Vec::new();
    let mut before = String::new();
    for _ in 0..NOISE {
        let mut byte = [0];
        match input.read(&mut byte) {
            Ok(0) => break,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e.to_string()),
            Ok(_) if byte[0] != b'\n' => line.push(byte[0]),
            Ok(_) => {
                let text = String::from_utf8_lossy(&line).into_owned();
                if let Some(rest) = text.strip_prefix(GREETING).filter(|_| line.len() < LONGEST) {
                    return version(rest);
                }
                before = if text.trim().is_empty() { before } else { text };
                line.clear();
            }
        }
    }
    let last = if line.is_empty() { before } else { String::from_utf8_lossy(&line).into_owned() };
    let last: String = last.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    Err(if last.is_empty() {
        "nobody answered as a relay".to_owned()
    } else {
        format!("it is no relay that says `{last}`")
    })
}

fn version(rest: &str) -> Result<(), String> {
    let (protocol, program) = rest.split_once(' ').unwrap_or((rest, "of no version"));
    let program: String = program.chars().filter(|c| !c.is_control()).take(40).collect();
    match protocol.parse::<u32>() {
        Ok(PROTOCOL) => Ok(()),
        Ok(other) => Err(format!(
            "there is reid-workbench {program}, which speaks version {other} of the relay's language; this one, {}, speaks \
             version {PROTOCOL}: use the same reid-workbench on both machines",
            env!("CARGO_PKG_VERSION")
        )),
        Err(_) => Err("its greeting makes no sense".to_owned()),
    }
}

/// A question and its number; numbers begin with 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AskedFrame {
    /// Under which it is answered.
    pub id: u64,
    /// What is asked for.
    pub ask: Ask,
}

/// What can be asked of a relay. Runs are named by their folder within the relay's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Ask {
    /// A sign of life.
    Ping,
    /// The runs there are.
    List,
    /// The events of a run from byte `from` on, now and as they come, and who trains it.
    Follow { run: String, from: u64 },
    /// No longer.
    Forget { run: String },
    /// A piece of a file of a run.
    Read { run: String, file: String, at: u64, most: u32 },
    /// Pictures of the target, in a size for a screen.
    Photos { run: String, split: Split, indices: Vec<u32> },
    /// The files of a run, with their lengths.
    Files { run: String },
    /// Puts a request into a run folder.
    Put { run: String, request: Posted },
    /// Takes one back that nobody has taken yet.
    TakeBack { run: String, request: Posted },
    /// Asks a run's network: that of the process that trains it, else that of its last checkpoint. A picture from
    /// elsewhere goes along in the data, and its path is a name only. Answered when the answer is there.
    Question { run: String, question: NetQuestion },
    /// Where a run lies there, for those who copy it by other means.
    Place { run: String },
    /// What a run can be started with.
    Offer,
    /// Starts a run.
    Start(StartOrder),
    /// What became of a run that was started.
    Fate { run: String },
}

/// An answer and the number of its question; 0 for what is told unasked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Of the question.
    pub id: u64,
    /// The answer.
    pub tell: Tell,
}

/// What a relay tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Tell {
    /// Done, as asked.
    Done,
    /// It cannot be done; one sentence.
    Refused { why: String },
    /// The runs, as JSON of [`RemoteRow`]s in the data.
    Runs,
    /// A piece of a file, which has `size` bytes and is as it was while `stamp` is the same.
    Piece { size: u64, stamp: u64 },
    /// Pictures, one after the other in the data: bytes of each, 0 for one that cannot be read. There may be fewer
    /// than were asked for.
    Photos { lengths: Vec<u32> },
    /// The files, as JSON of [`FileEntry`]s in the data.
    Files,
    /// Events of a followed run from byte `at` on, in the data; its log has `size` bytes just now. `anew` when the log
    /// is another one than before.
    Events { run: String, at: u64, size: u64, anew: bool },
    /// Who trains a followed run.
    Trainer { run: String, trainer: Option<Trainer> },
    /// Whether a request was taken back.
    TakenBack { taken: bool },
    /// The answer of a run's network, as JSON of an event in the data.
    Answer,
    /// Where a run lies, and whether rsync is there to copy it.
    Place { folder: String, rsync: bool },
    /// What a run can be started with.
    Offer(Offer),
    /// A run was started.
    Started { run: String, queued: bool },
    /// What became of it.
    Fate(Fate),
}

/// A run of the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RemoteRow {
    /// Its folder's name.
    pub run: String,
    /// `SOURCE → TARGET`.
    pub title: String,
    /// How it stands.
    pub outcome: Outcome,
    /// Adaptation epochs done.
    pub epochs: usize,
    /// Adaptation epochs planned; 0 when that is not known.
    pub planned: usize,
    /// The last mAP on the target. **Ground truth.**
    pub mean_ap: Option<f64>,
    /// Who trains it, if anybody.
    pub trainer: Option<Trainer>,
}

/// A file of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its path within the run folder, with `/`.
    pub file: String,
    /// Bytes.
    pub size: u64,
    /// Changes when the file does.
    pub stamp: u64,
}

/// What a run can be started with on that machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// Name of the machine.
    pub host: String,
    /// Datasets that are there.
    pub datasets: Vec<String>,
    /// Devices, the best first.
    pub devices: Vec<String>,
    /// Presets.
    pub presets: Vec<String>,
}

/// A run to start, or to go on with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StartOrder {
    /// The folder of the run that goes on; a new run when there is none.
    pub resume: Option<String>,
    /// Source, a dataset that is registered there or a folder there.
    pub source: String,
    /// Target.
    pub target: String,
    /// Presets, separated by commas; may be empty.
    pub preset: String,
    /// Parameters beside them, `KEY=VALUE`.
    pub set: Vec<String>,
    /// `auto`, `cpu`, `cuda:0`.
    pub device: String,
}

/// What became of a run that was started.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fate {
    /// Its folder holds a run.
    pub begun: bool,
    /// Its process goes on, perhaps waiting for its turn.
    pub alive: bool,
    /// What it said last.
    pub said: String,
}
