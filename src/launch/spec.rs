//! What a sweep is to try: a TOML file, expanded to trials.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::LaunchError;
use super::slurm::SlurmOptions;
use crate::base::rng::Fnv;
use crate::method::params::table::ROWS;
use crate::method::params::{Affects, Params};

/// Trials beyond which a sweep is a slip of the pen.
const MOST: usize = 100_000;

/// Keys of a trial that are no parameters.
const BESIDE: [&str; 3] = ["preset", "source", "target"];

/// Specs that come with the program, by name.
pub const SHIPPED: &[(&str, &str)] = &[
    ("table-1", include_str!("../../assets/sweeps/table-1.toml")),
    ("table-2", include_str!("../../assets/sweeps/table-2.toml")),
    ("table-3", include_str!("../../assets/sweeps/table-3.toml")),
    ("ablation-demo", include_str!("../../assets/sweeps/ablation-demo.toml")),
    ("radius", include_str!("../../assets/sweeps/radius.toml")),
    ("beta", include_str!("../../assets/sweeps/beta.toml")),
    ("neighbours", include_str!("../../assets/sweeps/neighbours.toml")),
    ("seeds", include_str!("../../assets/sweeps/seeds.toml")),
];

/// A sweep as it is written down. Trials are every row of `list` with every row of each `zip` with every point of
/// `grid`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SweepSpec {
    /// The study's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What it is for, a sentence.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// Labelled source: a registered dataset or a folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Unlabelled target: a registered dataset or a folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Presets of all trials; those of a trial come on top.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// Devices, one for each trial that runs at once; `auto` where none is named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<String>,
    /// Trials that run at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_once: Option<usize>,
    /// Threads of each trial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
    /// Trials that a sampler proposes, beside those that are written down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub propose: Option<usize>,
    /// What trials are judged by in the study, where it is to be one alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objective: Option<StudyObjective>,
    /// Optuna's pruner, `name` and what it is told: `{ name = "MedianPruner", n_startup_trials = 3 }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pruner: Option<toml::Table>,
    /// Whether the study gets pictures of each finished trial; it does where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pictures: Option<bool>,
    /// Parameters of all trials.
    #[serde(skip_serializing_if = "toml::Table::is_empty")]
    pub set: toml::Table,
    /// For each key the values that are tried, each with each.
    #[serde(skip_serializing_if = "toml::Table::is_empty")]
    pub grid: toml::Table,
    /// Rows of keys with their values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub list: Vec<toml::Table>,
    /// Keys with values that go together, first with first, second with second.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub zip: Vec<toml::Table>,
    /// For each key the range that a sampler proposes from.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub search: BTreeMap<String, Range>,
    /// How jobs are handed to Slurm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slurm: Option<SlurmOptions>,
}

/// What a study's trials are judged by, to be as large as can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StudyObjective {
    /// mAP on the target's test set. **Ground truth.**
    #[serde(rename = "mAP")]
    Map,
    /// The silhouette of the clusters on the Jaccard graph, which needs no truth.
    #[serde(rename = "silhouette")]
    Silhouette,
}

impl StudyObjective {
    /// As the study calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Map => "mAP",
            Self::Silhouette => "silhouette",
        }
    }
}

/// What a sampler may propose for one parameter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The smallest value.
    pub low: f64,
    /// The largest value.
    pub high: f64,
    /// Steps between them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<f64>,
    /// Whether small values are as likely as large ones.
    #[serde(default)]
    pub log: bool,
}

/// One run of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Its number, from 0; its folder is `trials/` with it.
    pub number: usize,
    /// What sets it apart from the others: key and value as text, `preset`, `source` and `target` among them.
    pub settings: Vec<(String, String)>,
    /// The source.
    pub source: String,
    /// The target.
    pub target: String,
    /// All parameters.
    pub params: Params,
}

impl Trial {
    /// `eps=0.55 seed=2`; the number where nothing sets it apart.
    pub fn label(&self) -> String {
        let all: Vec<String> = self.settings.iter().map(|(k, v)| format!("{k}={v}")).collect();
        if all.is_empty() { format!("trial {}", self.number) } else { all.join(" ") }
    }

    /// What a pre-training depends on: trials with the same answer can share one.
    pub fn pretraining(&self) -> String {
        let mut text = self.source.clone();
        for row in ROWS.iter().filter(|row| row.affects.holds(Affects::PRETRAINING)) {
            text.push_str(&format!("\n{}={}", row.key, (row.get)(&self.params)));
        }
        text
    }
}

impl SweepSpec {
    /// What the study's trials are judged by. Optuna's pruners know one objective only: mAP, where none is named.
    pub fn objectives(&self) -> Vec<StudyObjective> {
        match (self.objective, &self.pruner) {
            (Some(one), _) => vec![one],
            (None, Some(_)) => vec![StudyObjective::Map],
            (None, None) => vec![StudyObjective::Map, StudyObjective::Silhouette],
        }
    }

    /// Reads a spec from TOML.
    ///
    /// # Errors
    /// A sentence when it is not one.
    pub fn parse(text: &str) -> Result<Self, LaunchError> {
        toml::from_str(text).map_err(|e| LaunchError::Refused(format!("the sweep is not valid: {e}")))
    }

    /// Reads a file, or the spec of that name that comes with the program.
    ///
    /// # Errors
    /// When there is neither.
    pub fn read(path: &Path) -> Result<Self, LaunchError> {
        let shipped = SHIPPED.iter().find(|(name, _)| path.as_os_str() == *name && !path.exists());
        let text = match shipped {
            Some((_, text)) => (*text).to_owned(),
            None => crate::base::fs::read_text(path, 16 << 20).map_err(|e| {
                let names: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
                let names = names.join(", ");
                LaunchError::Refused(format!("{} cannot be read: {e}; there are also {names}", path.display()))
            })?,
        };
        let mut spec = Self::parse(&text).map_err(|e| LaunchError::Refused(format!("{}: {e}", path.display())))?;
        if spec.name.is_empty() {
            spec.name = path.file_stem().map_or_else(|| "sweep".to_owned(), |n| n.to_string_lossy().into_owned());
        }
        Ok(spec)
    }

    /// Names source, target and weights from the root where they are files or folders, so that the sweep is the same
    /// from wherever it is gone on with.
    pub fn rooted(mut self) -> Self {
        for name in [&mut self.source, &mut self.target].into_iter().flatten() {
            *name = from_root(name);
        }
        if let Some(toml::Value::String(weights)) = self.set.get_mut("weights").filter(|w| w.as_str() != Some("")) {
            *weights = from_root(weights);
        }
        self
    }

    /// The spec as TOML.
    ///
    /// # Errors
    /// When a value has no place in TOML.
    pub fn to_toml(&self) -> Result<String, LaunchError> {
        toml::to_string(self).map_err(|e| LaunchError::Refused(format!("the sweep cannot be written: {e}")))
    }

    /// The trials, in the order in which they run. Files and folders that are there are named from the root, so that
    /// a trial finds them from anywhere.
    ///
    /// # Errors
    /// A sentence when a key or a value is not known, values do not go together, or there is nothing to try.
    pub fn trials(&self) -> Result<Vec<Trial>, LaunchError> {
        let grid = flat(&self.grid)?.into_iter().map(|(key, value)| Ok((key.clone(), each(&key, value)?)));
        let grid = grid.collect::<Result<Vec<_>, LaunchError>>()?;
        let mut rows: Vec<Vec<(String, String)>> = vec![Vec::new()];
        if !self.list.is_empty() {
            rows = self.list.iter().map(row).collect::<Result<_, _>>()?;
        }
        for table in &self.zip {
            rows = product(&rows, &zipped(table)?)?;
        }
        for (key, values) in grid {
            let values: Vec<_> = values.into_iter().map(|v| vec![(key.clone(), v)]).collect();
            rows = product(&rows, &values)?;
        }
        if rows == [Vec::new()] && !self.search.is_empty() {
            rows.clear();
        }
        rows.into_iter().enumerate().map(|(number, settings)| self.trial(number, settings)).collect()
    }

    /// The trial with these settings on top of what all trials share.
    ///
    /// # Errors
    /// A sentence when a key or a value is not known, or values do not go together.
    pub fn trial(&self, number: usize, settings: Vec<(String, String)>) -> Result<Trial, LaunchError> {
        let label: Vec<String> = settings.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let label = label.join(" ");
        let refused = |e: &dyn std::fmt::Display| match label.as_str() {
            "" => LaunchError::Refused(e.to_string()),
            label => LaunchError::Refused(format!("trial `{label}`: {e}")),
        };
        let own = |key: &str| settings.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone());
        let mut params = Params::default();
        for presets in [self.preset.clone(), own("preset")].into_iter().flatten() {
            params.apply_presets(&presets).map_err(|e| refused(&e))?;
        }
        for (key, value) in flat(&self.set)? {
            params.set_text(&key, &text_of(&key, &value)?).map_err(|e| refused(&e))?;
        }
        for (key, value) in settings.iter().filter(|(k, _)| !BESIDE.contains(&k.as_str())) {
            params.set_text(key, value).map_err(|e| refused(&e))?;
        }
        if !params.weights.is_empty() {
            params.weights = from_root(&params.weights);
        }
        if let Some(problem) = params.problems().first() {
            return Err(refused(&format!("{}: {}", problem.key, problem.message)));
        }
        let domain = |key: &str, shared: &Option<String>| {
            let named = own(key).or_else(|| shared.clone());
            named.map(|n| from_root(&n)).ok_or_else(|| refused(&format!("no {key} is named; say --{key} NAME|DIR")))
        };
        let (source, target) = (domain("source", &self.source)?, domain("target", &self.target)?);
        Ok(Trial { number, settings, source, target, params })
    }

    /// A number that stands for the trials, whatever they run on.
    ///
    /// # Errors
    /// As [`SweepSpec::trials`].
    pub fn digest(&self) -> Result<u64, LaunchError> {
        let mut hash = Fnv::new();
        for trial in self.trials()? {
            for text in [&trial.source, &trial.target, &trial.params.to_toml()] {
                hash.eat_field(text.as_bytes());
            }
        }
        Ok(hash.value())
    }
}

/// What is there is named from the root; a name that is no file stays a name.
fn from_root(name: &str) -> String {
    match Path::new(name).canonicalize() {
        Ok(path) => path.display().to_string(),
        Err(_) => name.to_owned(),
    }
}

/// Keys with dots, whether they were written so or as tables in tables.
fn flat(table: &toml::Table) -> Result<Vec<(String, toml::Value)>, LaunchError> {
    let mut out = Vec::new();
    for (key, value) in table {
        match value {
            toml::Value::Table(inner) => {
                out.extend(flat(inner)?.into_iter().map(|(k, v)| (format!("{key}.{k}"), v)));
            }
            other => out.push((key.clone(), other.clone())),
        }
    }
    Ok(out)
}

fn text_of(key: &str, value: &toml::Value) -> Result<String, LaunchError> {
    match value {
        toml::Value::String(s) => Ok(s.clone()),
        toml::Value::Integer(_) | toml::Value::Float(_) | toml::Value::Boolean(_) => Ok(value.to_string()),
        _ => Err(LaunchError::Refused(format!("`{key}` is {value}, one value was expected"))),
    }
}

fn each(key: &str, value: toml::Value) -> Result<Vec<String>, LaunchError> {
    match value {
        toml::Value::Array(values) if !values.is_empty() => values.iter().map(|v| text_of(key, v)).collect(),
        other => Err(LaunchError::Refused(format!("`{key}` is {other}, a list of values was expected"))),
    }
}

fn row(table: &toml::Table) -> Result<Vec<(String, String)>, LaunchError> {
    flat(table)?.iter().map(|(key, value)| Ok((key.clone(), text_of(key, value)?))).collect()
}

fn zipped(table: &toml::Table) -> Result<Vec<Vec<(String, String)>>, LaunchError> {
    let columns: Vec<(String, Vec<String>)> =
        flat(table)?.into_iter().map(|(k, v)| Ok((k.clone(), each(&k, v)?))).collect::<Result<_, LaunchError>>()?;
    let lengths: Vec<usize> = columns.iter().map(|(_, v)| v.len()).collect();
    if lengths.windows(2).any(|pair| pair[0] != pair[1]) {
        let names: Vec<String> = columns.iter().map(|(k, v)| format!("{k} has {}", v.len())).collect();
        return Err(LaunchError::Refused(format!("a zip needs as many values of each key: {}", names.join(", "))));
    }
    let count = lengths.first().copied().unwrap_or(0);
    Ok((0..count).map(|i| columns.iter().map(|(k, v)| (k.clone(), v[i].clone())).collect()).collect())
}

type Rows = Vec<Vec<(String, String)>>;

fn product(rows: &Rows, more: &Rows) -> Result<Rows, LaunchError> {
    if rows.len().saturating_mul(more.len()) > MOST {
        return Err(LaunchError::Refused(format!("the sweep has more than {MOST} trials")));
    }
    let pair = |row: &Vec<(String, String)>, with: &Vec<(String, String)>| row.iter().chain(with).cloned().collect();
    Ok(rows.iter().flat_map(|row| more.iter().map(move |with| pair(row, with))).collect())
}
