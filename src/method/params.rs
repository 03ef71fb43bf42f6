//! Every hyper-parameter of the method, in one struct and one table.
//!
//! [`Params`] holds the values; [`table::ROWS`] says of each key its bounds, the paper's value, where it
//! comes from and when a change takes effect. The window, `--set key=value`, TOML files and events all go
//! through [`Params::get`] and [`Params::set`], so a key means the same everywhere.
//! To add a hyper-parameter: one field here and one row in the table.

mod choices;
mod groups;
pub mod presets;
pub mod table;

use serde::{Deserialize, Serialize};

pub use choices::{
    Backbone, ClusterScore, EpsRule, FeatureSource, ImageStore, LabelMethod, MemoryKind, NeighbourSearch, Outliers,
    Pool, Rule, ScoreKind, TripletForm,
};
pub use groups::{
    Adapt, Attention, Augment, Bn, CheckpointUse, ClassifierUse, DeviceUse, Eval, ImageSize, LabelUse, Memory,
    NeighbourUse, NetUse, Optim, Pretrain, Reliability, TripletUse,
};
pub use table::{Affects, Effect, ParamKind, ParamRow, Value};

/// All hyper-parameters. The default is the paper's setting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)] // table::ROWS documents every field by its key
pub struct Params {
    pub eps: f64,
    pub eps_rule: EpsRule,
    pub delta_d: f64,
    pub k1: usize,
    pub k2: usize,
    pub min_samples: usize,
    pub beta: f64,
    pub temperature: f64,
    pub refined: bool,
    pub backbone: Backbone,
    pub seed: u64,
    pub weights: String,
    pub labels: LabelUse,
    pub neighbours: NeighbourUse,
    pub reliability: Reliability,
    pub classifier: ClassifierUse,
    pub memory: Memory,
    pub net: NetUse,
    pub attention: Attention,
    pub image: ImageSize,
    pub augment: Augment,
    pub pretrain: Pretrain,
    pub adapt: Adapt,
    pub triplet: TripletUse,
    pub optim: Optim,
    pub bn: Bn,
    pub eval: Eval,
    pub checkpoint: CheckpointUse,
    pub device: DeviceUse,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            eps: 0.6,
            eps_rule: EpsRule::Fixed,
            delta_d: 0.02,
            k1: 30,
            k2: 6,
            min_samples: 4,
            beta: 0.2,
            temperature: 0.05,
            refined: true,
            backbone: Backbone::Resnet50,
            seed: 1,
            weights: String::new(),
            labels: LabelUse::default(),
            neighbours: NeighbourUse::default(),
            reliability: Reliability::default(),
            classifier: ClassifierUse::default(),
            memory: Memory::default(),
            net: NetUse::default(),
            attention: Attention::default(),
            image: ImageSize::default(),
            augment: Augment::default(),
            pretrain: Pretrain::default(),
            adapt: Adapt::default(),
            triplet: TripletUse::default(),
            optim: Optim::default(),
            bn: Bn::default(),
            eval: Eval::default(),
            checkpoint: CheckpointUse::default(),
            device: DeviceUse::default(),
        }
    }
}

/// Why a parameter could not be set.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[allow(missing_docs)]
pub enum ParamError {
    #[error("there is no parameter `{key}`{}", hint.as_ref().map(|h| format!("; did you mean `{h}`?")).unwrap_or_default())]
    UnknownKey { key: String, hint: Option<String> },
    #[error("`{key}` cannot be `{given}`: it takes {expected}")]
    Invalid { key: String, given: String, expected: String },
    #[error("`{0}` is not of the form key=value")]
    NotAnAssignment(String),
    #[error("the configuration is not valid TOML: {0}")]
    Toml(String),
}

/// A value that no single bound catches: which key to mark, and what to tell the user.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// The key at fault.
    pub key: &'static str,
    /// What is wrong and the way out, one sentence.
    pub message: String,
}

impl Params {
    /// The value of `key`.
    ///
    /// # Errors
    /// When there is no such key.
    pub fn get(&self, key: &str) -> Result<Value, ParamError> {
        Ok((table::row(key)?.get)(self))
    }

    /// Sets `key`; the old value stays when the new one is of the wrong type or out of bounds.
    ///
    /// # Errors
    /// When there is no such key, or the value does not fit it.
    pub fn set(&mut self, key: &str, value: &Value) -> Result<(), ParamError> {
        let row = table::row(key)?;
        let value = row.check(value)?;
        (row.set)(self, &value);
        Ok(())
    }

    /// Sets a key from its text form, as `--set key=value` gives it.
    ///
    /// # Errors
    /// As [`Params::set`].
    pub fn set_text(&mut self, key: &str, text: &str) -> Result<(), ParamError> {
        let value = table::row(key)?.parse(text)?;
        self.set(key, &value)
    }

    /// Applies one `key=value`.
    ///
    /// # Errors
    /// As [`Params::set`], and when there is no `=`.
    pub fn assign(&mut self, assignment: &str) -> Result<(), ParamError> {
        let (key, text) =
            assignment.split_once('=').ok_or_else(|| ParamError::NotAnAssignment(assignment.to_owned()))?;
        self.set_text(key.trim(), text.trim())
    }

    /// The parameters as a TOML document, one line a key of the table.
    pub fn to_toml(&self) -> String {
        let mut out = String::new();
        for row in table::ROWS {
            let value = (row.get)(self);
            let text = match &value {
                Value::Text(t) => toml::Value::String(t.clone()).to_string(),
                other => other.to_string(),
            };
            out.push_str(&format!("{} = {}\n", row.key, text));
        }
        out
    }

    /// Overlays the keys of a TOML document, nested or dotted, on these parameters.
    ///
    /// # Errors
    /// When the text is not TOML, or a key or value does not fit; then nothing is changed.
    pub fn overlay_toml(&mut self, text: &str) -> Result<(), ParamError> {
        let table: toml::Table = text.parse().map_err(not_toml)?;
        let mut next = self.clone();
        let mut stack: Vec<(String, toml::Value)> = table.into_iter().rev().collect();
        while let Some((key, value)) = stack.pop() {
            match value {
                toml::Value::Table(inner) => {
                    stack.extend(inner.into_iter().rev().map(|(k, v)| (format!("{key}.{k}"), v)))
                }
                toml::Value::String(s) => next.set_text(&key, &s)?,
                other => next.set_text(&key, &other.to_string())?,
            }
        }
        *self = next;
        Ok(())
    }

    /// As [`Params::overlay_toml`], of a file that another version of this program may have written: keys that there
    /// are not any more are left out and returned.
    ///
    /// # Errors
    /// When the text is not TOML, or a value does not fit its key.
    pub fn overlay_saved(&mut self, text: &str) -> Result<Vec<String>, ParamError> {
        let mut table: toml::Table = text.parse().map_err(not_toml)?;
        let mut unknown = Vec::new();
        prune(&mut table, "", &mut unknown);
        self.overlay_toml(&table.to_string())?;
        Ok(unknown)
    }

    /// The keys whose values differ, in the table's order.
    pub fn differing_keys(&self, other: &Self) -> Vec<&'static str> {
        table::ROWS.iter().filter(|r| (r.get)(self) != (r.get)(other)).map(|r| r.key).collect()
    }

    /// Combinations of values that cannot run, each with the key to mark and the way out.
    pub fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut say = |key: &'static str, message: String| found.push(Problem { key, message });
        if self.delta_d >= self.eps {
            say("eps", format!("eps must exceed Δd, now {}. The paper uses 0.60.", self.delta_d));
        }
        if self.k2 > self.k1 {
            say(
                "k2",
                format!("k2 averages over the nearest of the k1 neighbours, so it cannot exceed k1, now {}.", self.k1),
            );
        }
        for (key, batch, instances) in [
            ("pretrain.instances", self.pretrain.batch, self.pretrain.instances),
            ("adapt.instances", self.adapt.batch, self.adapt.instances),
        ] {
            if instances > batch || batch % instances != 0 {
                say(key, format!("{instances} instances do not divide a batch of {batch}; the paper's code uses 4."));
            }
        }
        if self.classifier.joint && (self.memory.enabled || !self.adapt.joint) {
            let text = "a joint classifier takes the place of the memory and needs source images: memory.enabled=false, adapt.joint=true.";
            say("classifier.joint", text.to_owned());
        }
        if let Err(message) = self.positions() {
            say("attention.positions", message);
        }
        if let Err(message) = self.milestones() {
            say("pretrain.milestones", message);
        }
        found
    }

    /// The pair of stages of Table 1 at which attention blocks stand, 1-based: the first *before* that stage,
    /// the second *after* it (docs/METHOD.md, decision 17). `None` when attention is off.
    ///
    /// # Errors
    /// A sentence when `attention.positions` is not of that form.
    pub fn positions(&self) -> Result<Option<(usize, usize)>, String> {
        let stage = |s: &str| {
            s.trim().strip_prefix("layer").and_then(|d| d.parse::<usize>().ok()).filter(|d| (1..=4).contains(d))
        };
        let pair = self
            .attention
            .positions
            .split_once('+')
            .and_then(|(a, b)| Some((stage(a)?, stage(b)?)))
            .filter(|(a, b)| a < b);
        match pair {
            Some(pair) => Ok(self.attention.enabled.then_some(pair)),
            None => Err(format!(
                "`{}` is not a pair of Table 1; write for example layer1+layer4.",
                self.attention.positions
            )),
        }
    }

    /// The pre-training epochs at which the learning rate drops to a tenth.
    ///
    /// # Errors
    /// A sentence when `pretrain.milestones` is not a comma-separated list of epochs.
    pub fn milestones(&self) -> Result<Vec<usize>, String> {
        self.pretrain
            .milestones
            .split(',')
            .map(str::trim)
            .filter(|s| !s.is_empty())
            .map(|s| s.parse().map_err(|_| format!("`{s}` is not an epoch; write for example 40,70.")))
            .collect()
    }
}

/// TOML's own messages draw the line at fault; here they must be one sentence.
fn not_toml(error: toml::de::Error) -> ParamError {
    let text = error.to_string();
    let (place, reason) = (text.lines().next().unwrap_or(""), text.lines().last().unwrap_or(""));
    ParamError::Toml(if place == reason { place.to_owned() } else { format!("{place}: {}", reason.trim()) })
}

/// Removes the keys that no row has.
fn prune(table: &mut toml::Table, prefix: &str, unknown: &mut Vec<String>) {
    table.retain(|key, value| {
        let key = format!("{prefix}{key}");
        match value {
            toml::Value::Table(inner) => prune(inner, &format!("{key}."), unknown),
            _ if table::row(&key).is_err() => {
                unknown.push(key);
                return false;
            }
            _ => {}
        }
        true
    });
}
