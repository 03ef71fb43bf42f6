//! A sweep's trials in its study file.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::error::LaunchError;
use super::follow::Followed;
use super::journal::{Journal, Recorded, TrialState};
use super::pictures::TrialPicture;
use super::spec::{Range, StudyObjective, SweepSpec, Trial};
use crate::base::time;
use crate::method::params::table::{ParamKind, row};

/// The silhouette of a run without two clusters: the worst there is.
const NO_SILHOUETTE: f64 = -1.0;

/// Marks a trial of ours, with its number in the sweep.
const OURS: &str = "reid-workbench:trial";

/// What Optuna begins the names of artifacts with.
const ARTIFACT: &str = "artifacts:";

/// The study file of a sweep.
#[derive(Debug)]
pub struct Study {
    journal: Journal,
    id: usize,
    known: Vec<(String, Value)>,
    objectives: Vec<StudyObjective>,
}

/// A trial that others added: its id and its settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Added {
    /// Its id in the journal.
    pub id: usize,
    /// Its parameters.
    pub settings: Vec<(String, String)>,
}

impl Study {
    /// Opens the study of a sweep in its folder.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(dir: &Path, spec: &SweepSpec, trials: &[Trial]) -> Result<Self, LaunchError> {
        let path = dir.join("study.log");
        let failed = || LaunchError::io("write", &path);
        let mut journal = Journal::open(&path).map_err(failed())?;
        let fresh = !journal.studies.iter().any(|s| s.name == spec.name);
        let objectives = spec.objectives();
        let id = journal.study(&spec.name, &vec![2; objectives.len()]).map_err(failed())?;
        if journal.studies.iter().any(|s| s.id == id && s.directions.len() != objectives.len()) {
            let text =
                format!("the study in {} has other objectives than the sweep; choose another folder", path.display());
            return Err(LaunchError::Refused(text));
        }
        let names: Vec<&str> = objectives.iter().map(|o| o.name()).collect();
        let mut study = Self { journal, id, known: distributions(spec, trials), objectives };
        let mut operations = Vec::new();
        if fresh {
            operations.push((3, json!({ "study_id": id, "system_attr": { "study:metric_names": names } })));
            operations.push((2, json!({ "study_id": id, "user_attr": { "about": spec.about } })));
        }
        for trial in trials.iter().filter(|t| study.id_of(t.number).is_none()) {
            operations.push((4, study.waiting(trial)));
        }
        study.append(operations)?;
        Ok(study)
    }

    /// The study of a sweep as it lies there, to look at; `None` where there is none yet.
    pub fn peek(dir: &Path, spec: &SweepSpec) -> Option<Self> {
        let path = dir.join("study.log");
        let journal = path.is_file().then(|| Journal::open(&path).ok()).flatten()?;
        let id = journal.studies.iter().find(|s| s.name == spec.name)?.id;
        Some(Self { journal, id, known: Vec::new(), objectives: spec.objectives() })
    }

    /// Where the study file lies.
    pub fn path(&self) -> &Path {
        self.journal.path()
    }

    fn append(&mut self, operations: Vec<(u64, Value)>) -> Result<(), LaunchError> {
        let path = self.journal.path().to_owned();
        self.journal.append(operations).map_err(LaunchError::io("write", &path))
    }

    /// The trial's record.
    fn record(&self, number: usize) -> Option<&Recorded> {
        let ours =
            |t: &&Recorded| t.study == self.id && t.user_attrs.get(OURS).and_then(Value::as_u64) == Some(number as u64);
        // One that was run again has two records; the newest counts.
        self.journal.trials.iter().rfind(ours)
    }

    fn id_of(&self, number: usize) -> Option<usize> {
        self.record(number).map(|t| t.id)
    }

    /// The trial's state in the study, and why it failed where that was noted.
    pub fn state(&self, number: usize) -> Option<(TrialState, Option<String>)> {
        let why = |t: &Recorded| t.user_attrs.get("why").and_then(Value::as_str).map(str::to_owned);
        self.record(number).map(|t| (t.state, why(t)))
    }

    /// A trial that waits, as Optuna's `enqueue_trial` leaves one.
    fn waiting(&self, trial: &Trial) -> Value {
        let (mut params, mut kinds, mut fixed) = (Map::new(), Map::new(), Map::new());
        for (key, text) in &trial.settings {
            let Some((_, kind)) = self.known.iter().find(|(k, _)| k == key) else { continue };
            if let Some((internal, external)) = internal(kind, text) {
                params.insert(key.clone(), json!(internal));
                kinds.insert(key.clone(), json!(kind.to_string()));
                fixed.insert(key.clone(), external);
            }
        }
        json!({
            "study_id": self.id, "datetime_start": null, "state": TrialState::Waiting as u64,
            "value": null, "values": null, "params": params, "distributions": kinds,
            "user_attrs": { OURS: trial.number, "settings": trial.label() },
            "system_attrs": { "fixed_params": fixed }, "intermediate_values": {},
        })
    }

    /// The trial runs, in that run folder.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn started(&mut self, number: usize, run: &Path) -> Result<(), LaunchError> {
        let Some(record) = self.record(number) else { return Ok(()) };
        let run = std::path::absolute(run).unwrap_or_else(|_| run.to_owned()).display().to_string();
        let (id, fresh) = (record.id, record.state == TrialState::Waiting);
        let noted = record.user_attrs.contains_key("run");
        let mut operations = Vec::new();
        if fresh {
            operations.push((6, json!({ "trial_id": id, "state": 0, "values": null, "datetime_start": now() })));
        }
        if !noted {
            operations.push((8, json!({ "trial_id": id, "user_attr": { "run": run } })));
        }
        self.append(operations)
    }

    /// The trial's number in the study.
    pub fn number_of(&self, number: usize) -> Option<usize> {
        self.record(number).map(|t| t.number)
    }

    /// The first objective by epochs done.
    fn steps(&self, run: &Followed) -> BTreeMap<usize, f64> {
        match self.objectives.first() {
            Some(StudyObjective::Silhouette) => run.silhouettes(),
            _ => run.target().iter().map(|(epoch, r)| (*epoch, r.mAP)).collect(),
        }
    }

    /// Epochs done at the newest value of the first objective.
    pub fn newest_step(&self, run: &Followed) -> Option<usize> {
        self.steps(run).last_key_value().map(|(step, _)| *step)
    }

    /// Notes the first objective by epochs done where it is not noted yet.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn report(&mut self, number: usize, run: &Followed) -> Result<(), LaunchError> {
        let Some(record) = self.record(number).filter(|r| r.state == TrialState::Running) else { return Ok(()) };
        let new = self.steps(run).into_iter().filter(|(step, _)| !record.intermediate.contains_key(&(*step as i64)));
        let operations = new
            .map(|(step, value)| (7, json!({ "trial_id": record.id, "step": step, "intermediate_value": value })))
            .collect();
        self.append(operations)
    }

    /// Whether pictures of the trial are noted.
    pub fn has_pictures(&self, number: usize) -> bool {
        self.record(number).is_some_and(|t| t.system_attrs.keys().any(|key| key.starts_with(ARTIFACT)))
    }

    /// Notes pictures of a trial that is not over yet, as Optuna's `upload_artifact` does.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn pictured(&mut self, number: usize, pictures: &[TrialPicture]) -> Result<(), LaunchError> {
        let Some(id) = self.record(number).filter(|r| !r.state.is_finished()).map(|r| r.id) else { return Ok(()) };
        let note = |p: &TrialPicture| {
            let about = json!({
                "artifact_id": p.id, "filename": p.filename, "mimetype": "image/png", "encoding": null,
            });
            let key = format!("{ARTIFACT}{}", p.id);
            (9, json!({ "trial_id": id, "system_attr": { key: about.to_string() } }))
        };
        self.append(pictures.iter().map(note).collect())
    }

    /// The trial was not worth going on with: what it found last is its value, as Optuna has it.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn pruned(&mut self, number: usize, run: &Followed) -> Result<(), LaunchError> {
        self.report(number, run)?;
        let values = self.steps(run).into_values().next_back().map(|value| vec![value]);
        let Some(id) = self.record(number).filter(|r| !r.state.is_finished()).map(|r| r.id) else { return Ok(()) };
        let state = TrialState::Pruned as u64;
        let end = json!({ "trial_id": id, "state": state, "values": values, "datetime_complete": now() });
        self.append(vec![(6, end)])
    }

    /// The trial is over: its results, or why there are none.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn ended(&mut self, number: usize, run: &Followed, why: Option<&str>) -> Result<(), LaunchError> {
        self.report(number, run)?;
        let Some(record) = self.record(number).filter(|r| !r.state.is_finished()) else { return Ok(()) };
        let (id, mut operations) = (record.id, Vec::new());
        let mut note =
            |key: &str, value: Value| operations.push((8, json!({ "trial_id": id, "user_attr": { key: value } })));
        let best = run.target().values().map(|r| r.mAP).reduce(f64::max);
        note("rank-1", json!(run.last().map(|r| r.cmc[0])));
        note("best mAP (oracle)", json!(best));
        note("seconds", json!(run.view.t));
        note("silhouette", json!(run.silhouette()));
        let values = match (why, run.last()) {
            (None, Some(last)) => {
                let value = |objective: &StudyObjective| match objective {
                    StudyObjective::Map => last.mAP,
                    StudyObjective::Silhouette => run.silhouette().unwrap_or(NO_SILHOUETTE),
                };
                Some(self.objectives.iter().map(value).collect::<Vec<f64>>())
            }
            _ => {
                note("why", json!(why.unwrap_or("it was never evaluated on the target")));
                None
            }
        };
        let state = if values.is_some() { TrialState::Complete } else { TrialState::Fail };
        let end = json!({ "trial_id": id, "state": state as u64, "values": values, "datetime_complete": now() });
        operations.push((6, end));
        self.append(operations)
    }

    /// A failed trial is to be run again: Optuna's trials end once, so a new one takes its number.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn again(&mut self, trial: &Trial) -> Result<(), LaunchError> {
        let waiting = self.waiting(trial);
        self.append(vec![(4, waiting)])
    }

    /// Adds a trial that waits, as Optuna's `enqueue_trial` does: whoever runs the sweep takes it up.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn enqueue(&mut self, settings: &[(String, String)]) -> Result<(), LaunchError> {
        let typed = |text: &str| match text {
            "true" => json!(true),
            "false" => json!(false),
            text => match (text.parse::<i64>(), text.parse::<f64>()) {
                (Ok(whole), _) => json!(whole),
                (_, Ok(real)) if real.is_finite() => json!(real),
                _ => json!(text),
            },
        };
        let fixed: Map<String, Value> = settings.iter().map(|(key, text)| (key.clone(), typed(text))).collect();
        let waiting = json!({
            "study_id": self.id, "datetime_start": null, "state": TrialState::Waiting as u64,
            "value": null, "values": null, "params": {}, "distributions": {},
            "user_attrs": {}, "system_attrs": { "fixed_params": fixed }, "intermediate_values": {},
        });
        self.append(vec![(4, waiting)])
    }

    /// Trials that others have added since and that wait, or that a sampler has begun: they are ours from now on,
    /// with the numbers from `next` on.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn adopt(&mut self, next: usize) -> Result<Vec<(usize, Added)>, LaunchError> {
        let path = self.journal.path().to_owned();
        self.journal.sync().map_err(LaunchError::io("read", &path))?;
        let foreign = |t: &&Recorded| t.study == self.id && !t.user_attrs.contains_key(OURS);
        let waiting = self.journal.trials.iter().filter(foreign).filter(|t| t.state == TrialState::Waiting);
        let added: Vec<Added> = waiting.map(|t| Added { id: t.id, settings: t.settings() }).collect();
        self.take(added, next)
    }

    /// The trial that a sampler has begun, by its number in the study.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn adopt_asked(&mut self, asked: usize, next: usize) -> Result<Option<(usize, Added)>, LaunchError> {
        let path = self.journal.path().to_owned();
        self.journal.sync().map_err(LaunchError::io("read", &path))?;
        let found = self.journal.trials.iter().find(|t| t.study == self.id && t.number == asked);
        let added = found.map(|t| Added { id: t.id, settings: t.settings() });
        Ok(self.take(added.into_iter().collect(), next)?.pop())
    }

    fn take(&mut self, added: Vec<Added>, next: usize) -> Result<Vec<(usize, Added)>, LaunchError> {
        let numbered: Vec<(usize, Added)> = (next..).zip(added).collect();
        let mut operations = Vec::new();
        for (number, added) in &numbered {
            operations.push((8, json!({ "trial_id": added.id, "user_attr": { OURS: number } })));
            operations.extend(added.settings.iter().filter_map(|(key, text)| self.parameter(added.id, key, text)));
        }
        self.append(operations)?;
        Ok(numbered)
    }

    /// A parameter of a trial that was enqueued: Optuna notes it only when it is asked for. One that the study does
    /// not vary has no place there.
    fn parameter(&self, trial: usize, key: &str, text: &str) -> Option<(u64, Value)> {
        if self.journal.trials.get(trial)?.params.contains_key(key) {
            return None;
        }
        let (_, kind) = self.known.iter().find(|(known, _)| known == key)?;
        let (value, _) = internal(kind, text)?;
        let fields = json!({
            "trial_id": trial, "param_name": key, "param_value_internal": value, "distribution": kind.to_string(),
        });
        Some((5, fields))
    }

    /// Trials beyond those that are written down which were taken up before: number and settings.
    pub fn taken(&self, from: usize) -> Vec<(usize, Vec<(String, String)>)> {
        let ours = self.journal.trials.iter().filter(|t| t.study == self.id);
        let numbered = ours.filter_map(|t| Some((t.user_attrs.get(OURS)?.as_u64()? as usize, t.settings())));
        let found: BTreeMap<usize, _> = numbered.filter(|(number, _)| *number >= from).collect();
        found.into_iter().collect()
    }
}

/// `2026-11-26T10:00:00.250000`, local time, as Python's `datetime.now().isoformat()` has it: a trial that Python began
/// within this second must not end before its beginning.
fn now() -> String {
    let wall = time::now();
    let stamp = time::stamp(wall.floor());
    match stamp.split_once('T') {
        Some((day, clock)) => format!("{day}T{}.{:06}", clock.replace('-', ":"), (wall.fract() * 1e6) as u32),
        None => stamp,
    }
}

/// Of each key that trials set its distribution: the bounds of our parameter table, or the values there are.
fn distributions(spec: &SweepSpec, trials: &[Trial]) -> Vec<(String, Value)> {
    let mut keys: Vec<String> = trials.iter().flat_map(|t| t.settings.iter().map(|(k, _)| k.clone())).collect();
    keys.extend(spec.search.keys().cloned());
    keys.sort();
    keys.dedup();
    let values = |key: &str| {
        let all = trials.iter().flat_map(|t| t.settings.iter().filter(|(k, _)| k == key).map(|(_, v)| v.clone()));
        let mut all: Vec<String> = all.collect();
        all.sort();
        all.dedup();
        all
    };
    let of = |key: String| {
        let kind = row(&key).map(|row| row.kind).ok();
        let found = match (spec.search.get(&key), kind) {
            (Some(range), kind) => ranged(range, matches!(kind, Some(ParamKind::Int { .. }))),
            (None, Some(ParamKind::Float { min, max, .. })) => {
                ranged(&Range { low: min, high: max, step: None, log: false }, false)
            }
            (None, Some(ParamKind::Int { min, max })) => {
                let range = Range { low: min as f64, high: max as f64, step: None, log: false };
                ranged(&range, true)
            }
            (None, Some(ParamKind::Bool)) => choices(vec![json!(false), json!(true)]),
            (None, Some(ParamKind::Choice(names))) => choices(names.iter().map(|n| json!(n)).collect()),
            (None, Some(ParamKind::Text) | None) => choices(values(&key).into_iter().map(Value::from).collect()),
        };
        (key, found)
    };
    keys.into_iter().map(of).collect()
}

/// The space that a sampler searches: `{"eps": {"name": …, "attributes": …}}`.
pub fn search_space(spec: &SweepSpec) -> Value {
    let whole = |key: &str| row(key).is_ok_and(|row| matches!(row.kind, ParamKind::Int { .. }));
    let space: Map<String, Value> = spec.search.iter().map(|(k, r)| (k.clone(), ranged(r, whole(k)))).collect();
    Value::Object(space)
}

fn ranged(range: &Range, whole: bool) -> Value {
    if whole {
        let (low, high, step) = (range.low as i64, range.high as i64, range.step.unwrap_or(1.0) as i64);
        json!({ "name": "IntDistribution", "attributes": { "log": range.log, "step": step, "low": low, "high": high } })
    } else {
        let attributes = json!({ "step": range.step, "low": range.low, "high": range.high, "log": range.log });
        json!({ "name": "FloatDistribution", "attributes": attributes })
    }
}

fn choices(values: Vec<Value>) -> Value {
    json!({ "name": "CategoricalDistribution", "attributes": { "choices": values } })
}

/// A value as Optuna keeps it and as it shows it; `None` where it is not among the choices.
fn internal(kind: &Value, text: &str) -> Option<(f64, Value)> {
    if let Some(choices) = kind["attributes"]["choices"].as_array() {
        let shown = |choice: &Value| choice.as_str().map_or_else(|| choice.to_string(), str::to_owned);
        let same = |choice: &Value| shown(choice) == text;
        let at = choices.iter().position(same)?;
        return Some((at as f64, choices[at].clone()));
    }
    let value: f64 = text.parse().ok()?;
    let shown = if kind["name"] == "IntDistribution" { json!(value as i64) } else { json!(value) };
    Some((value, shown))
}
