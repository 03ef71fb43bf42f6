//! Every hyper-parameter of the method, in one struct and one table.
//!
//! [`Params`] holds the values; [`table::ROWS`] says of each key its bounds, the paper's value, where it
//! comes from and when a change takes effect. The window, `--set key=value`, TOML files and events all go
//! through [`Params::get`] and [`Params::set`], so a key means the same everywhere.
//! To add a hyper-parameter: one field here and one row in the table.

pub mod presets;
pub mod table;

use serde::{Deserialize, Serialize};

pub use table::{Effect, Kind, Row, Value};

/// Declares an enum whose variants are spelt the same in Rust, TOML, `--set` and the window.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// All spellings, in the order the window lists them.
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// The spelling used in files and on the command line.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The variant of that spelling, if there is one.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

choice! {
    /// How the reliability threshold α is found (method.md §11.1).
    Rule {
        /// α is set in the first epoch so that the worst `reliability.quantile` of the clusters fails, then kept.
        Quantile = "quantile",
        /// α is `reliability.threshold`.
        Fixed = "fixed",
        /// Every DBSCAN cluster is kept: "scores between 0 and 1 are reliable", read literally.
        PaperLiteral = "paper-literal",
    }
}
choice! {
    /// Which independence score decides (method.md §11.2).
    ScoreKind {
        /// Eq. 8: the IoU of the tight, normal and loose set at once.
        Eq8 = "eq8",
        /// SpCL's pair: 1 − R_indep for the cluster, and the members must attain the cluster's best compactness.
        Spcl = "spcl",
    }
}
choice! {
    /// How a cluster's score follows from its members' scores (method.md §11.3).
    ClusterScore {
        /// The best member (SpCL).
        Max = "max",
        /// The average member.
        Mean = "mean",
        /// The worst member.
        Min = "min",
    }
}
choice! {
    /// What happens to samples outside reliable clusters (method.md §11.5).
    Outliers {
        /// They train as classes of their own (SpCL).
        Instance = "instance",
        /// They sit out this epoch (Cluster Contrast).
        Drop = "drop",
    }
}
choice! {
    /// Which features are clustered (method.md §11.16).
    FeatureSource {
        /// Extracted anew each epoch; the memory is initialised from them (the paper's steps 3 and 4).
        Fresh = "fresh",
        /// The rows of the memory bank (SpCL).
        Bank = "bank",
    }
}
choice! {
    /// The network that extracts features.
    Backbone {
        /// ResNet-50, 2048-d features: the paper's.
        Resnet50 = "resnet50",
        /// ResNet-34, 512-d features.
        Resnet34 = "resnet34",
        /// ResNet-18, 512-d features.
        Resnet18 = "resnet18",
        /// ResNet-50's topology with one bottleneck a stage and a quarter of the width, 512-d features: for CPUs.
        Resnet50Lite = "resnet50-lite",
    }
}

/// All hyper-parameters. The default is the paper's setting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)] // table::ROWS documents every field by its key
pub struct Params {
    pub eps: f64,
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
    pub reliability: Reliability,
    pub memory: Memory,
    pub attention: Attention,
    pub image: ImageSize,
    pub augment: Augment,
    pub pretrain: Pretrain,
    pub adapt: Adapt,
    pub triplet: Triplet,
    pub optim: Optim,
    pub bn: Bn,
    pub eval: Eval,
}

/// Keys `reliability.*`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Reliability {
    pub rule: Rule,
    pub score: ScoreKind,
    pub cluster: ClusterScore,
    pub threshold: f64,
    pub quantile: f64,
    pub outliers: Outliers,
}

/// Keys `memory.*`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Memory {
    pub enabled: bool,
    pub features: FeatureSource,
}

/// Keys `attention.*`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Attention {
    pub enabled: bool,
    pub positions: String,
}

/// Keys `image.*`, pixels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ImageSize {
    pub height: usize,
    pub width: usize,
}

/// Keys `augment.*`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Augment {
    pub flip: f64,
    pub pad: usize,
    pub erase: f64,
}

/// Keys `pretrain.*`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Pretrain {
    pub epochs: usize,
    pub iters: usize,
    pub batch: usize,
    pub instances: usize,
    pub lr: f64,
    pub warmup: usize,
    pub milestones: String,
    pub smoothing: f64,
}

/// Keys `adapt.*`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Adapt {
    pub epochs: usize,
    pub iters: usize,
    pub batch: usize,
    pub instances: usize,
    pub lr: f64,
    pub step: usize,
    pub gamma: f64,
    pub joint: bool,
}

/// Keys `triplet.*`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Triplet {
    pub weight: f64,
    pub margin: f64,
}

/// Keys `optim.*`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Optim {
    pub weight_decay: f64,
}

/// Keys `bn.*`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Bn {
    pub group: usize,
}

/// Keys `eval.*`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Eval {
    pub every: usize,
    pub batch: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            eps: 0.6,
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
            reliability: Reliability::default(),
            memory: Memory::default(),
            attention: Attention::default(),
            image: ImageSize::default(),
            augment: Augment::default(),
            pretrain: Pretrain::default(),
            adapt: Adapt::default(),
            triplet: Triplet::default(),
            optim: Optim::default(),
            bn: Bn::default(),
            eval: Eval::default(),
        }
    }
}

impl Default for Reliability {
    fn default() -> Self {
        Self {
            rule: Rule::Quantile,
            score: ScoreKind::Eq8,
            cluster: ClusterScore::Max,
            threshold: 0.5,
            quantile: 0.1,
            outliers: Outliers::Instance,
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self { enabled: true, features: FeatureSource::Fresh }
    }
}

impl Default for Attention {
    fn default() -> Self {
        Self { enabled: true, positions: "layer1+layer4".to_owned() }
    }
}

impl Default for ImageSize {
    fn default() -> Self {
        Self { height: 256, width: 128 }
    }
}

impl Default for Augment {
    fn default() -> Self {
        Self { flip: 0.5, pad: 10, erase: 0.5 }
    }
}

impl Default for Pretrain {
    fn default() -> Self {
        Self {
            epochs: 50,
            iters: 200,
            batch: 128,
            instances: 4,
            lr: 3e-4,
            warmup: 10,
            milestones: "40".to_owned(),
            smoothing: 0.1,
        }
    }
}

impl Default for Adapt {
    fn default() -> Self {
        Self { epochs: 70, iters: 400, batch: 64, instances: 4, lr: 3.5e-4, step: 20, gamma: 0.1, joint: true }
    }
}

impl Default for Triplet {
    fn default() -> Self {
        Self { weight: 1.0, margin: 0.3 }
    }
}

impl Default for Optim {
    fn default() -> Self {
        Self { weight_decay: 5e-4 }
    }
}

impl Default for Bn {
    fn default() -> Self {
        Self { group: 16 }
    }
}

impl Default for Eval {
    fn default() -> Self {
        Self { every: 1, batch: 64 }
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
        let table: toml::Table = text.parse().map_err(|e: toml::de::Error| ParamError::Toml(e.to_string()))?;
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
        if let Err(message) = self.positions() {
            say("attention.positions", message);
        }
        if let Err(message) = self.milestones() {
            say("pretrain.milestones", message);
        }
        found
    }

    /// The pair of stages of Table 1 at which attention blocks stand, 1-based: the first *before* that stage,
    /// the second *after* it (method.md §11.17). `None` when attention is off.
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
