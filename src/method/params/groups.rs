//! Parameters whose keys share a prefix, with the paper's values.

use serde::{Deserialize, Serialize};

use super::choices::{
    ClusterScore, FeatureSource, ImageStore, LabelMethod, MemoryKind, NeighbourSearch, Outliers, Pool, Rule, ScoreKind,
    TripletForm,
};

/// Keys `reliability.*`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Reliability {
    pub rule: Rule,
    pub score: ScoreKind,
    pub cluster: ClusterScore,
    pub threshold: f64,
    pub quantile: f64,
    pub outliers: Outliers,
}

/// Keys `labels.*`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct LabelUse {
    pub method: LabelMethod,
    pub k: usize,
}

/// Keys `neighbours.*`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct NeighbourUse {
    pub search: NeighbourSearch,
    pub probes: usize,
}

impl Default for NeighbourUse {
    fn default() -> Self {
        Self { search: NeighbourSearch::Exact, probes: 64 }
    }
}

/// Keys `net.*`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct NetUse {
    pub pool: Pool,
}

/// Keys `classifier.*`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct ClassifierUse {
    pub joint: bool,
}

/// Keys `memory.*`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Memory {
    pub enabled: bool,
    pub kind: MemoryKind,
    pub features: FeatureSource,
}

/// Keys `attention.*`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Attention {
    pub enabled: bool,
    pub positions: String,
}

/// Keys `image.*`: pixels, and the share of images that may be unreadable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct ImageSize {
    pub height: usize,
    pub width: usize,
    pub unreadable: f64,
}

/// Keys `augment.*`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Augment {
    pub flip: f64,
    pub pad: usize,
    pub erase: f64,
}

/// Keys `pretrain.*`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
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
#[serde(default)]
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
#[serde(default)]
#[allow(missing_docs)]
pub struct TripletUse {
    pub weight: f64,
    pub margin: f64,
    pub form: TripletForm,
}

/// Keys `optim.*`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Optim {
    pub weight_decay: f64,
    pub restart: bool,
}

/// Keys `bn.*`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Bn {
    pub group: usize,
}

/// Keys `eval.*`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Eval {
    pub every: usize,
    pub batch: usize,
    pub rerank: bool,
}

/// Keys `checkpoint.*`: which checkpoints a run keeps beside its last and best ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct CheckpointUse {
    pub every: usize,
    pub keep: usize,
}

impl Default for CheckpointUse {
    fn default() -> Self {
        Self { every: 10, keep: 3 }
    }
}

/// Keys `device.*`: how the machine is used, not what is computed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct DeviceUse {
    pub images: ImageStore,
    pub bf16: bool,
    pub threads: usize,
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

impl Default for LabelUse {
    fn default() -> Self {
        Self { method: LabelMethod::Dbscan, k: 500 }
    }
}

impl Default for NetUse {
    fn default() -> Self {
        Self { pool: Pool::Avg }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self { enabled: true, kind: MemoryKind::Hybrid, features: FeatureSource::Fresh }
    }
}

impl Default for Attention {
    fn default() -> Self {
        Self { enabled: true, positions: "layer1+layer4".to_owned() }
    }
}

impl Default for ImageSize {
    fn default() -> Self {
        Self { height: 256, width: 128, unreadable: 0.01 }
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

impl Default for TripletUse {
    fn default() -> Self {
        Self { weight: 1.0, margin: 0.3, form: TripletForm::Margin }
    }
}

impl Default for Optim {
    fn default() -> Self {
        Self { weight_decay: 5e-4, restart: false }
    }
}

impl Default for Bn {
    fn default() -> Self {
        Self { group: 16 }
    }
}

impl Default for Eval {
    fn default() -> Self {
        Self { every: 1, batch: 64, rerank: false }
    }
}
