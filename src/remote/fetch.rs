//! A whole run, brought here: every file of it, checkpoints too. What was brought before is not brought again.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::line::{Line, LineError};
use super::mirror::{ANSWER, Pieces};
use super::protocol::{Ask, FILES, FileEntry, Tell};
use super::root::is_within;
use super::rsync;
use crate::base::fs::{read_regular, refuse_links, replace_unsynced};

/// Who brings the files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Carrier {
    /// rsync where it is on both machines, else the relay.
    #[default]
    Auto,
    /// rsync alone; what it does not bring is an error.
    Rsync,
    /// The relay alone.
    Relay,
}

/// What is brought, and how far it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Files of the run.
    pub files: usize,
    /// Bytes of the run.
    pub bytes: u64,
    /// Bytes that came over the line this time.
    pub brought: u64,
    /// Whether rsync brought what is large.
    pub by_rsync: bool,
    /// Why rsync did not, where it was tried; one sentence.
    pub note: Option<String>,
}

/// Where it is noted which files are here: their stamps there.
const NOTES: &str = ".fetched.json";
/// Bytes of those notes at most.
const LARGEST: u64 = 16 << 20;
/// What lies in a run folder for the moment only.
const OF_THE_MOMENT: [&str; 4] = ["heartbeat", "summary.json", "commands", "answers"];

/// Brings a run into `out`; `checkpoints` too, unless they are not wanted. `tick` is told the bytes that are here and
/// those in all.
///
/// # Errors
/// One sentence; what is here by then is not brought again by the next call.
pub fn fetch(
    line: &Line,
    run: &str,
    out: &Path,
    checkpoints: bool,
    carrier: Carrier,
    tick: &dyn Fn(u64, u64),
) -> Result<Fetched, String> {
    let mut entries = list(line, run).map_err(|e| e.to_string())?;
    entries.retain(|entry| {
        let first = entry.file.split('/').next().unwrap_or_default();
        !OF_THE_MOMENT.contains(&first) && (checkpoints || first != "checkpoints")
    });
    // Events first: what they tell of is then there. The manifest last: a folder with one is a run, whole.
    entries.sort_by_key(|entry| match entry.file.as_str() {
        "events.jsonl" => 0,
        "manifest.json" => 2,
        _ => 1,
    });
    let words = |e: io::Error| format!("{} cannot be written: {e}", out.display());
    std::fs::create_dir_all(out).map_err(words)?;
    let notes = out.join(NOTES);
    let mut known: BTreeMap<String, u64> =
        read_regular(&notes, LARGEST).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    if known.is_empty() && out.join("manifest.json").exists() {
        return Err(format!("{} holds a run already; name another folder", out.display()));
    }
    let total = entries.iter().map(|entry| entry.size).sum();
    let mut fetched = Fetched { files: entries.len(), bytes: total, ..Fetched::default() };
    let (mut here, mut tried) = (0, carrier == Carrier::Relay);
    for (n, entry) in entries.iter().enumerate() {
        if !tried && entry.file != "events.jsonl" {
            tried = true;
            match by_rsync(line, run, out, checkpoints, &|done| tick((here + done).min(total), total)) {
                Ok(Some(bytes)) => {
                    fetched.brought += bytes;
                    fetched.by_rsync = true;
                    // What it brought is here as it was listed, or the relay brings it below.
                    for entry in &entries[n..] {
                        take_over(out, entry, &mut known);
                    }
                }
                Ok(None) if carrier == Carrier::Auto => {}
                Ok(None) => return Err("rsync is not on both machines; the relay brings the run without it".to_owned()),
                Err(why) if carrier == Carrier::Rsync => return Err(why),
                Err(why) => fetched.note = Some(why),
            }
        }
        let path: PathBuf = out.join(entry.file.split('/').collect::<PathBuf>());
        refuse_links(out, &path).map_err(|e| e.to_string())?;
        let size = std::fs::symlink_metadata(&path).map(|m| m.len());
        if known.get(&entry.file) != Some(&entry.stamp) || size.ok() != Some(entry.size) {
            fetched.brought += bring(line, run, entry, &path, &|done| tick(here + done, total))?;
            known.insert(entry.file.clone(), entry.stamp);
            let text = serde_json::to_vec(&known).map_err(|e| e.to_string())?;
            replace_unsynced(&notes, &text).map_err(words)?;
        }
        here += entry.size;
        tick(here, total);
    }
    Ok(fetched)
}

/// All but events and manifest by rsync; the bytes that came, `None` where it is missing on one of the two machines.
fn by_rsync(line: &Line, run: &str, out: &Path, checkpoints: bool, tick: &dyn Fn(u64)) -> Result<Option<u64>, String> {
    if !rsync::is_here() {
        return Ok(None);
    }
    let Ok((Tell::Place { folder, rsync: true }, _)) = line.ask(Ask::Place { run: run.to_owned() }, ANSWER) else {
        return Ok(None);
    };
    // Anything else would be a module of a server of rsync.
    if !folder.starts_with('/') || folder.chars().any(char::is_control) {
        return Err(line.cut("no folder").to_string());
    }
    let mut leave = OF_THE_MOMENT.to_vec();
    leave.extend(["events.jsonl", "manifest.json"]);
    if !checkpoints {
        leave.push("checkpoints");
    }
    rsync::bring(line.address(), &folder, out, &leave, tick).map(Some)
}

/// Notes a file that rsync brought as one that is here.
fn take_over(out: &Path, entry: &FileEntry, known: &mut BTreeMap<String, u64>) {
    let path: PathBuf = out.join(entry.file.split('/').collect::<PathBuf>());
    let found = std::fs::symlink_metadata(&path);
    if entry.file != "manifest.json" && found.is_ok_and(|m| m.is_file() && m.len() == entry.size) {
        known.insert(entry.file.clone(), entry.stamp);
        let _ = std::fs::remove_file(part_of(&path, entry));
    }
}

/// Where the part of a file lies that the relay has brought so far.
fn part_of(path: &Path, entry: &FileEntry) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{:016x}.part", entry.stamp))
}

fn list(line: &Line, run: &str) -> Result<Vec<FileEntry>, LineError> {
    let (tell, data) = line.ask(Ask::Files { run: run.to_owned() }, ANSWER)?;
    let entries: Option<Vec<FileEntry>> = serde_json::from_slice(&data).ok();
    match (tell, entries) {
        (Tell::Files, Some(entries)) if entries.len() <= FILES && entries.iter().all(|e| is_within(&e.file)) => {
            Ok(entries)
        }
        _ => Err(line.cut("no list of files")),
    }
}

/// Brings one file; the bytes that came.
fn bring(line: &Line, run: &str, entry: &FileEntry, path: &Path, tick: &dyn Fn(u64)) -> Result<u64, String> {
    let words = |e: io::Error| format!("{} cannot be written: {e}", path.display());
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(words)?;
    // The log only grows: what is here of it stays. Of another file the part that is here counts while it is the same.
    let log = entry.file == "events.jsonl";
    let part = if log { path.to_owned() } else { part_of(path, entry) };
    let had = std::fs::symlink_metadata(&part).map_or(0, |m| m.len());
    let from = if had > entry.size { 0 } else { had };
    let mut file = OpenOptions::new().create(true).append(true).open(&part).map_err(words)?;
    file.set_len(from).map_err(words)?;
    let mut done = from;
    if from < entry.size || entry.size == 0 {
        let mut pieces = Pieces::of(line, run, &entry.file, from, log).map_err(|e| e.to_string())?;
        while let Some(bytes) = pieces.next().map_err(|e| e.to_string())? {
            let Some(mut bytes) = bytes else {
                let _ = std::fs::remove_file(&part);
                return Err(format!("{} was written anew while it was brought; fetch the run again", entry.file));
            };
            bytes.truncate((entry.size - done) as usize);
            file.write_all(&bytes).map_err(words)?;
            done += bytes.len() as u64;
            tick(done);
            if done >= entry.size {
                break;
            }
        }
    }
    file.sync_all().map_err(words)?;
    if !log {
        std::fs::rename(&part, path).map_err(words)?;
    }
    Ok(done - from)
}
