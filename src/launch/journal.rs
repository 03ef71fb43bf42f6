//! Optuna's journal: a study as JSON lines, which any program may append to while it holds the lock.
//!
//! Written and read as `optuna/storages/journal/_storage.py` and `_file.py` do (read at Optuna 4 and 5), so that
//! `JournalStorage(JournalFileBackend("study.log"))` and optuna-dashboard open it, beside us or later. The lock is a
//! link beside the file, which also holds on network file systems.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Map, Value, json};

use crate::base::fs::{append_regular, open_regular};
use crate::base::rng::{Fnv, mix};

/// A lock that nobody has let go for this long was left by a killed process. Optuna's own grace is as long.
const GRACE: Duration = Duration::from_secs(30);

/// A trial's state, numbered as Optuna does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TrialState {
    Running = 0,
    Complete = 1,
    Pruned = 2,
    Fail = 3,
    Waiting = 4,
}

impl TrialState {
    fn of(number: u64) -> Option<Self> {
        [Self::Running, Self::Complete, Self::Pruned, Self::Fail, Self::Waiting]
            .into_iter()
            .find(|s| *s as u64 == number)
    }

    /// Whether nothing can be added to the trial any more.
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Complete | Self::Pruned | Self::Fail)
    }
}

/// A trial as the journal tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Its place among all trials of the journal.
    pub id: usize,
    /// Its study.
    pub study: usize,
    /// Its place within the study.
    pub number: usize,
    /// Its state.
    pub state: TrialState,
    /// Parameters as Optuna keeps them: numbers, an index where there is a choice.
    pub params: BTreeMap<String, f64>,
    /// For each parameter its distribution.
    pub distributions: BTreeMap<String, Value>,
    /// What anyone noted about it.
    pub user_attrs: Map<String, Value>,
    /// What Optuna noted about it: `fixed_params` of one that was enqueued.
    pub system_attrs: Map<String, Value>,
    /// Results, one an objective.
    pub values: Option<Vec<f64>>,
    /// Results by step.
    pub intermediate: BTreeMap<i64, f64>,
}

/// A study's name and objectives.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyRecord {
    /// Its id.
    pub id: usize,
    /// Its name.
    pub name: String,
    /// 1 to minimise, 2 to maximise, one an objective.
    pub directions: Vec<u64>,
    /// What anyone noted about it.
    pub user_attrs: Map<String, Value>,
}

/// An open journal with what it holds.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    worker: String,
    read: u64,
    next_study: usize,
    /// Its studies.
    pub studies: Vec<StudyRecord>,
    /// Its trials, by id.
    pub trials: Vec<Recorded>,
    /// Lines that could not be understood.
    pub skipped: usize,
}

impl Journal {
    /// Opens a journal, which is made when it is missing.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(path: &Path) -> io::Result<Self> {
        append_regular(path)?;
        let mut hash = Fnv::new();
        hash.eat(path.as_os_str().as_encoded_bytes());
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_nanos() as u64);
        let worker = format!("reid-workbench-{}-{:016x}", std::process::id(), mix(now ^ hash.value()));
        let mut journal = Self {
            // The lock is a link to the journal, and a link is read from where it lies.
            path: std::path::absolute(path)?,
            worker,
            read: 0,
            next_study: 0,
            studies: Vec::new(),
            trials: Vec::new(),
            skipped: 0,
        };
        journal.sync()?;
        Ok(journal)
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes in what others have appended.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn sync(&mut self) -> io::Result<()> {
        let mut file = open_regular(&self.path)?;
        if file.metadata()?.len() <= self.read {
            return Ok(());
        }
        file.seek(SeekFrom::Start(self.read))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        for line in bytes[..whole].split(|&b| b == b'\n').filter(|l| !l.is_empty()) {
            match parse(line) {
                Some(operation) => self.apply(&operation),
                None => self.skipped += 1,
            }
        }
        self.read += whole as u64;
        Ok(())
    }

    /// Appends operations as one piece, `op_code` and fields each, and takes them in.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn append(&mut self, operations: Vec<(u64, Value)>) -> io::Result<()> {
        if operations.is_empty() {
            return self.sync();
        }
        let mut text = String::new();
        for (code, fields) in operations {
            let mut operation = json!({ "op_code": code, "worker_id": self.worker });
            if let (Value::Object(all), Value::Object(fields)) = (&mut operation, fields) {
                all.extend(fields);
            }
            text.push_str(&operation.to_string());
            text.push('\n');
        }
        let lock = Lock::take(&self.path)?;
        let mut file = OpenOptions::new().read(true).append(true).open(&self.path)?;
        cut_torn_line(&mut file)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        drop(lock);
        self.sync()
    }

    /// The study of that name, which is made when it is missing.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn study(&mut self, name: &str, directions: &[u64]) -> io::Result<usize> {
        let find = |journal: &Self| journal.studies.iter().find(|s| s.name == name).map(|s| s.id);
        if let Some(id) = find(self) {
            return Ok(id);
        }
        self.append(vec![(0, json!({ "study_name": name, "directions": directions }))])?;
        find(self).ok_or_else(|| io::Error::other("the journal does not hold what was written to it"))
    }

    fn apply(&mut self, operation: &Value) {
        let number = |key: &str| operation.get(key).and_then(Value::as_u64).map(|n| n as usize);
        let text = |key: &str| operation.get(key).and_then(Value::as_str);
        match (number("op_code"), number("study_id"), number("trial_id")) {
            (Some(0), ..) => {
                let name = text("study_name").unwrap_or_default().to_owned();
                if self.studies.iter().any(|s| s.name == name) {
                    return;
                }
                let directions = operation["directions"].as_array().into_iter().flatten();
                let directions = directions.filter_map(Value::as_u64).collect();
                self.studies.push(StudyRecord { id: self.next_study, name, directions, user_attrs: Map::new() });
                self.next_study += 1;
            }
            (Some(1), Some(study), _) => self.studies.retain(|s| s.id != study),
            (Some(2), Some(study), _) => {
                if let Some(record) = self.studies.iter_mut().find(|s| s.id == study) {
                    merge(&mut record.user_attrs, &operation["user_attr"]);
                }
            }
            (Some(4), Some(study), _) if self.studies.iter().any(|s| s.id == study) => self.created(study, operation),
            (Some(code @ 5..=9), _, Some(trial)) => {
                if let Some(trial) = self.trials.get_mut(trial).filter(|t| !t.state.is_finished()) {
                    trial.apply(code, operation);
                }
            }
            _ => {}
        }
    }

    fn created(&mut self, study: usize, operation: &Value) {
        let state = operation.get("state").and_then(Value::as_u64).and_then(TrialState::of);
        let mut trial = Recorded {
            id: self.trials.len(),
            study,
            number: self.trials.iter().filter(|t| t.study == study).count(),
            state: state.unwrap_or(TrialState::Running),
            params: BTreeMap::new(),
            distributions: BTreeMap::new(),
            user_attrs: Map::new(),
            system_attrs: Map::new(),
            values: reals(&operation["values"]).or_else(|| operation["value"].as_f64().map(|v| vec![v])),
            intermediate: BTreeMap::new(),
        };
        for (name, value) in operation["params"].as_object().into_iter().flatten() {
            trial.params.extend(value.as_f64().map(|v| (name.clone(), v)));
        }
        for (name, value) in operation["distributions"].as_object().into_iter().flatten() {
            trial.distributions.insert(name.clone(), distribution(value));
        }
        merge(&mut trial.user_attrs, &operation["user_attrs"]);
        merge(&mut trial.system_attrs, &operation["system_attrs"]);
        self.trials.push(trial);
    }
}

impl Recorded {
    fn apply(&mut self, code: usize, operation: &Value) {
        match code {
            5 => {
                let Some(name) = operation["param_name"].as_str() else { return };
                let Some(value) = operation["param_value_internal"].as_f64() else { return };
                self.params.insert(name.to_owned(), value);
                self.distributions.insert(name.to_owned(), distribution(&operation["distribution"]));
            }
            6 => {
                let Some(state) = operation["state"].as_u64().and_then(TrialState::of) else { return };
                self.state = state;
                if let Some(values) = reals(&operation["values"]) {
                    self.values = Some(values);
                }
            }
            7 => {
                if let (Some(step), Some(value)) =
                    (operation["step"].as_i64(), operation["intermediate_value"].as_f64())
                {
                    self.intermediate.insert(step, value);
                }
            }
            8 => merge(&mut self.user_attrs, &operation["user_attr"]),
            _ => merge(&mut self.system_attrs, &operation["system_attr"]),
        }
    }

    /// Every parameter by name as a person writes it: those that were enqueued as they were, the others as a sampler
    /// chose them.
    pub fn settings(&self) -> Vec<(String, String)> {
        let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let chosen = self.params.iter().map(|(name, &value)| {
            let kind = self.distributions.get(name).unwrap_or(&Value::Null);
            let text = match kind["attributes"]["choices"].get(value.max(0.0) as usize) {
                Some(choice) => plain(choice),
                None if kind["name"] == "IntDistribution" => format!("{value:.0}"),
                None => value.to_string(),
            };
            (name.clone(), text)
        });
        let mut all: BTreeMap<String, String> = chosen.collect();
        let fixed = self.system_attrs.get("fixed_params").and_then(Value::as_object);
        all.extend(fixed.into_iter().flatten().map(|(k, v)| (k.clone(), plain(v))));
        all.into_iter().collect()
    }
}

fn merge(into: &mut Map<String, Value>, from: &Value) {
    for (key, value) in from.as_object().into_iter().flatten() {
        into.insert(key.clone(), value.clone());
    }
}

fn reals(value: &Value) -> Option<Vec<f64>> {
    Some(value.as_array()?.iter().filter_map(Value::as_f64).collect())
}

/// A distribution is JSON within JSON.
fn distribution(value: &Value) -> Value {
    value.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null)
}

/// Python writes what is not a number as `NaN` and `Infinity`, which JSON does not know.
fn parse(line: &[u8]) -> Option<Value> {
    if let Ok(value) = serde_json::from_slice(line) {
        return Some(value);
    }
    let mut text = String::from_utf8_lossy(line).into_owned();
    for word in ["-Infinity", "Infinity", "NaN"] {
        text = text.replace(word, "null");
    }
    serde_json::from_str(&text).ok()
}

/// A line that a killed writer left half written would keep every reader out.
fn cut_torn_line(file: &mut File) -> io::Result<()> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    let whole = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
    if whole < bytes.len() { file.set_len(whole as u64) } else { Ok(()) }
}

/// The lock of a journal, held until it is dropped.
struct Lock {
    path: PathBuf,
}

impl Lock {
    fn take(journal: &Path) -> io::Result<Self> {
        let mut name = journal.as_os_str().to_owned();
        name.push(".lock");
        let path = PathBuf::from(name);
        let mut pause = Duration::from_millis(1);
        let (mut seen, mut since) = (None, Instant::now());
        loop {
            match make(journal, &path) {
                Ok(()) => return Ok(Self { path }),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
            }
            // As long as somebody appends, somebody is at work; whose clock the file system has does not matter.
            let touched = std::fs::metadata(journal).and_then(|m| m.modified()).ok();
            if touched != seen {
                (seen, since) = (touched, Instant::now());
            }
            if since.elapsed() > GRACE {
                // Renamed first: of several that find it stale only one takes it away.
                remove(&path);
                since = Instant::now();
                continue;
            }
            // Optuna's protocol has nothing to wait on but time.
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(200));
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

#[cfg(unix)]
fn make(journal: &Path, lock: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(journal, lock)
}

#[cfg(not(unix))]
fn make(_: &Path, lock: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(lock).map(|_| ())
}

fn remove(lock: &Path) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    let mut name = lock.as_os_str().to_owned();
    name.push(format!("{}-{now}.rename", std::process::id()));
    if std::fs::rename(lock, &name).is_ok() {
        let _ = std::fs::remove_file(&name);
    }
}
