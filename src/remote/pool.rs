//! The lines and mirrors of this process: one line for each folder of another machine, however many of its runs are
//! looked at.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::address::Address;
use super::line::{Line, LineError, LinePhase, Wake};
use super::mirror::{ANSWER, Mirror};
use super::protocol::{Ask, Fate, LISTED, Offer, RemoteRow, StartOrder, Tell};
use super::root::is_name;
use super::setup::setup;
use crate::base::fs::{read_text, write_bytes};

/// Beside the mirrors of a folder: where it lies.
const ORIGIN: &str = ".origin";

#[derive(Default)]
struct Pool {
    lines: BTreeMap<Address, Arc<Line>>,
    mirrors: BTreeMap<PathBuf, Arc<Mirror>>,
}

static POOL: Mutex<Option<Pool>> = Mutex::new(None);

/// Does `work` with the pool held: it must not wait for a line.
fn with<T>(work: impl FnOnce(&mut Pool) -> T) -> T {
    let mut pool: MutexGuard<'_, Option<Pool>> = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    work(pool.get_or_insert_with(Pool::default))
}

/// The line to a folder; it is there when this returns.
///
/// # Errors
/// Why the machine was not reached.
pub fn line(dir: &Address, wake: &Wake) -> Result<Arc<Line>, LineError> {
    let words = |e: std::io::Error| LineError::Broken(e.to_string());
    let line = with(|pool| {
        if let Some(line) = pool.lines.get(dir).filter(|line| !matches!(line.phase(), LinePhase::Ended { .. })) {
            line.again();
            return Ok(Arc::clone(line));
        }
        let line = Line::begin(dir.clone(), Arc::clone(wake)).map_err(words)?;
        pool.lines.insert(dir.clone(), Arc::clone(&line));
        Ok(line)
    })?;
    line.ready()?;
    Ok(line)
}

/// Mirrors a run; all that has happened so far is here when this returns.
///
/// # Errors
/// One sentence: the machine was not reached, there is no such run, or the cache cannot be written.
pub fn open(address: &Address, wake: &Wake) -> Result<Arc<Mirror>, String> {
    let (dir, run) = address.split()?;
    let folder = folder_of(address)?;
    if let Some(mirror) = of(&folder).filter(|mirror| !matches!(mirror.line().phase(), LinePhase::Ended { .. })) {
        mirror.line().again();
        return Ok(mirror);
    }
    let line = line(&dir, wake).map_err(|e| e.to_string())?;
    let mirror = Mirror::open(&line, &run, &folder).map_err(|e| match e {
        LineError::Refused(why) => format!("{}: {why}", dir.host),
        other => other.to_string(),
    })?;
    if let Some(parent) = folder.parent()
        && let Err(error) = write_bytes(&parent.join(ORIGIN), dir.to_string())
    {
        tracing::debug!(%error, "the mirror does not know where it came from");
    }
    with(|pool| pool.mirrors.insert(folder, Arc::clone(&mirror)));
    Ok(mirror)
}

/// Where a run is or would be mirrored.
///
/// # Errors
/// When the address names no run, or the system names no folder for caches.
pub fn folder_of(address: &Address) -> Result<PathBuf, String> {
    let (dir, run) = address.split()?;
    let mirrors = setup().mirrors.clone().ok_or("the system names no folder for caches; set REID_CACHE_DIR")?;
    Ok(dir.mirrored(&mirrors).join(run))
}

/// The mirror in that folder, where this process keeps it up to date.
pub fn of(folder: &Path) -> Option<Arc<Mirror>> {
    with(|pool| pool.mirrors.get(folder).cloned())
}

/// Whether it is a folder in which a run of another machine was mirrored.
pub fn is_mirror(folder: &Path) -> bool {
    setup().mirrors.as_ref().is_some_and(|mirrors| folder.starts_with(mirrors))
}

/// Where a mirrored folder came from.
pub fn origin(folder: &Path) -> Option<Address> {
    let parent = folder.parent().filter(|_| is_mirror(folder))?;
    let text = read_text(&parent.join(ORIGIN), 4096).ok()?;
    let dir: Address = text.trim().parse().ok()?;
    Some(dir.join(folder.file_name()?.to_str()?))
}

/// Ends all lines of this process.
pub fn end_all() {
    let lines = with(|pool| std::mem::take(pool).lines);
    lines.values().for_each(|line| line.end("the program ends"));
}

/// The runs in the line's folder.
///
/// # Errors
/// When the line is broken, or the answer makes no sense.
pub fn list(line: &Line) -> Result<Vec<RemoteRow>, LineError> {
    let (tell, data) = line.ask(Ask::List, ANSWER)?;
    let rows: Option<Vec<RemoteRow>> = serde_json::from_slice(&data).ok();
    match (tell, rows) {
        (Tell::Runs, Some(rows)) if rows.len() <= LISTED && rows.iter().all(|row| is_name(&row.run)) => Ok(rows),
        _ => Err(line.cut("no list of runs")),
    }
}

/// What a run can be started with there.
///
/// # Errors
/// As [`list`].
pub fn offer(line: &Line) -> Result<Offer, LineError> {
    match line.ask(Ask::Offer, ANSWER)? {
        (Tell::Offer(offer), _) => Ok(offer),
        _ => Err(line.cut("no offer")),
    }
}

/// Starts a run there; its name, and whether it waits for another to end.
///
/// # Errors
/// As [`list`], and what the machine has against it.
pub fn start(line: &Line, order: &StartOrder) -> Result<(String, bool), LineError> {
    match line.ask(Ask::Start(order.clone()), ANSWER)? {
        (Tell::Started { run, queued }, _) if is_name(&run) => Ok((run, queued)),
        _ => Err(line.cut("no name of a run")),
    }
}

/// What became of a run that was started there.
///
/// # Errors
/// As [`list`].
pub fn fate(line: &Line, run: &str) -> Result<Fate, LineError> {
    match line.ask(Ask::Fate { run: run.to_owned() }, ANSWER)? {
        (Tell::Fate(fate), _) => Ok(fate),
        _ => Err(line.cut("no word of a run")),
    }
}
