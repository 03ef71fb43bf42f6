//! The one table of parameters: key, bounds, source, meaning, and when a change takes effect.

use serde::{Deserialize, Serialize};

use super::{
    Backbone, ClusterScore, EpsRule, FeatureSource, ImageStore, LabelMethod, MemoryKind, NeighbourSearch, Outliers,
    ParamError, Params, Pool, Rule, ScoreKind, TripletForm,
};

/// When a changed value begins to count in a running training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// At once, on the clusters as they stand.
    AtOnce,
    /// With the next batch.
    NextBatch,
    /// With the next epoch's clustering.
    NextEpoch,
    /// With the next run.
    NextRun,
}

impl Effect {
    /// The words on the badge.
    pub fn label(self) -> &'static str {
        match self {
            Self::AtOnce => "at once",
            Self::NextBatch => "next batch",
            Self::NextEpoch => "next epoch",
            Self::NextRun => "next run",
        }
    }
}

/// What must be computed again when a value changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Affects(u8);

impl Affects {
    /// Nothing that is computed: how the machine is used.
    pub const NOTHING: Self = Self(0);
    /// The network after pre-training: the cache of pre-trained networks is keyed by these.
    pub const PRETRAINING: Self = Self(1);
    /// Clusters and pseudo-labels.
    pub const CLUSTERING: Self = Self(2);
    /// Adaptation's steps.
    pub const ADAPTATION: Self = Self(4);
    /// Results on test sets.
    pub const EVALUATION: Self = Self(8);

    /// Whether it touches any of `other`.
    pub fn holds(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// A parameter's value, of any type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A switch.
    Bool(bool),
    /// A count.
    Int(i64),
    /// A real number.
    Float(f64),
    /// A choice or free text.
    Text(String),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(b) => write!(f, "{b}"),
            Self::Int(i) => write!(f, "{i}"),
            Self::Float(x) => write!(f, "{x:?}"),
            Self::Text(t) => f.write_str(t),
        }
    }
}

impl Value {
    /// The value as a real number, for sliders.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(i) => Some(*i as f64),
            Self::Float(x) => Some(*x),
            Self::Bool(_) | Self::Text(_) => None,
        }
    }
}

/// Type and bounds of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParamKind {
    /// A switch.
    Bool,
    /// A whole number, bounds inclusive.
    Int {
        /// Least value.
        min: i64,
        /// Largest value.
        max: i64,
    },
    /// A real number, bounds inclusive.
    Float {
        /// Least value.
        min: f64,
        /// Largest value.
        max: f64,
        /// Decimals shown; 0 means scientific notation on a logarithmic slider.
        decimals: usize,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Any text.
    Text,
}

/// One parameter.
pub struct ParamRow {
    /// The key, the same in files, on the command line, in events and in the window.
    pub key: &'static str,
    /// The name in the window, with the paper's symbol where it has one.
    pub label: &'static str,
    /// The section head it stands under in the window.
    pub group: &'static str,
    /// Type and bounds.
    pub kind: ParamKind,
    /// Equation, section or reference line that it comes from.
    pub source: &'static str,
    /// When a change takes effect.
    pub effect: Effect,
    /// What a change touches.
    pub affects: Affects,
    /// One or two sentences on what it does.
    pub help: &'static str,
    /// Reads it.
    pub get: fn(&Params) -> Value,
    /// Writes a value that [`ParamRow::check`] has let through.
    pub set: fn(&mut Params, &Value),
}

impl ParamRow {
    /// The paper's value, or the reference code's where the paper is silent (`source` says which).
    pub fn paper(&self) -> Value {
        (self.get)(&Params::default())
    }

    /// Reads the text form of a value.
    ///
    /// # Errors
    /// When the text is not of this row's type.
    pub fn parse(&self, text: &str) -> Result<Value, ParamError> {
        let parsed = match self.kind {
            ParamKind::Bool => match text {
                "true" | "on" | "yes" | "1" => Some(Value::Bool(true)),
                "false" | "off" | "no" | "0" => Some(Value::Bool(false)),
                _ => None,
            },
            ParamKind::Int { .. } => text.parse().ok().map(Value::Int),
            ParamKind::Float { .. } => text.parse().ok().filter(|x: &f64| x.is_finite()).map(Value::Float),
            ParamKind::Choice(_) | ParamKind::Text => Some(Value::Text(text.to_owned())),
        };
        parsed.ok_or_else(|| self.invalid(text))
    }

    /// The value in this row's type, if it is within bounds.
    ///
    /// # Errors
    /// When it is of another type or out of bounds.
    pub fn check(&self, value: &Value) -> Result<Value, ParamError> {
        let fits = match (self.kind, value) {
            (ParamKind::Bool, Value::Bool(_)) | (ParamKind::Text, Value::Text(_)) => true,
            (ParamKind::Int { min, max }, Value::Int(i)) => (min..=max).contains(i),
            (ParamKind::Float { min, max, .. }, Value::Float(x)) => (min..=max).contains(x),
            (ParamKind::Float { .. }, Value::Int(i)) => return self.check(&Value::Float(*i as f64)),
            (ParamKind::Choice(names), Value::Text(t)) => names.contains(&t.as_str()),
            _ => false,
        };
        if fits { Ok(value.clone()) } else { Err(self.invalid(&value.to_string())) }
    }

    /// The bounds in words: `0.1 to 0.9`, `true or false`, `a, b or c`.
    pub fn bounds(&self) -> String {
        match self.kind {
            ParamKind::Bool => "true or false".to_owned(),
            ParamKind::Int { min, max } => format!("a whole number from {min} to {max}"),
            ParamKind::Float { min, max, .. } => format!("a number from {min} to {max}"),
            ParamKind::Choice(names) => names.join(", "),
            ParamKind::Text => "text".to_owned(),
        }
    }

    fn invalid(&self, given: &str) -> ParamError {
        ParamError::Invalid { key: self.key.to_owned(), given: given.to_owned(), expected: self.bounds() }
    }
}

/// The row of `key`.
///
/// # Errors
/// When there is none; names the nearest key.
pub fn row(key: &str) -> Result<&'static ParamRow, ParamError> {
    ROWS.iter().find(|r| r.key == key).ok_or_else(|| {
        let last = |k: &str| k.rsplit('.').next().unwrap_or(k).replace(['-', '_'], "");
        let same = ROWS.iter().find(|r| last(r.key) == last(key));
        let hint = same.or_else(|| nearest(key)).map(|r| r.key.to_owned());
        ParamError::UnknownKey { key: key.to_owned(), hint }
    })
}

/// The key that was perhaps meant: few letters away, a swap of two counted as one.
fn nearest(key: &str) -> Option<&'static ParamRow> {
    let key = key.to_lowercase();
    let away = |row: &ParamRow| {
        let last = row.key.rsplit('.').next().unwrap_or(row.key);
        strsim::damerau_levenshtein(row.key, &key).min(strsim::damerau_levenshtein(last, &key))
    };
    let found = ROWS.iter().map(|row| (away(row), row)).min_by_key(|(away, _)| *away);
    found.filter(|(away, _)| 3 * away <= key.chars().count().max(3)).map(|(_, row)| row)
}

macro_rules! float {
    ($key:literal, $label:literal, $group:literal, $min:literal ..= $max:literal, $decimals:literal, $($field:ident).+, $effect:ident, $($affects:ident)|+, $source:literal, $help:literal) => {
        ParamRow { key: $key, label: $label, group: $group, kind: ParamKind::Float { min: $min, max: $max, decimals: $decimals }, source: $source, effect: Effect::$effect, affects: Affects(0 $(| Affects::$affects.0)+), help: $help,
            get: |p| Value::Float(p.$($field).+),
            set: |p, v| if let Value::Float(x) = v { p.$($field).+ = *x } }
    };
}
macro_rules! int {
    ($key:literal, $label:literal, $group:literal, $min:literal ..= $max:literal, $($field:ident).+, $effect:ident, $($affects:ident)|+, $source:literal, $help:literal) => {
        ParamRow { key: $key, label: $label, group: $group, kind: ParamKind::Int { min: $min, max: $max }, source: $source, effect: Effect::$effect, affects: Affects(0 $(| Affects::$affects.0)+), help: $help,
            get: |p| Value::Int(p.$($field).+ as i64),
            set: |p, v| if let Value::Int(i) = v { p.$($field).+ = (*i).unsigned_abs() as _ } }
    };
}
macro_rules! switch {
    ($key:literal, $label:literal, $group:literal, $($field:ident).+, $effect:ident, $($affects:ident)|+, $source:literal, $help:literal) => {
        ParamRow { key: $key, label: $label, group: $group, kind: ParamKind::Bool, source: $source, effect: Effect::$effect, affects: Affects(0 $(| Affects::$affects.0)+), help: $help,
            get: |p| Value::Bool(p.$($field).+),
            set: |p, v| if let Value::Bool(b) = v { p.$($field).+ = *b } }
    };
}
macro_rules! choice {
    ($key:literal, $label:literal, $group:literal, $type:ident, $($field:ident).+, $effect:ident, $($affects:ident)|+, $source:literal, $help:literal) => {
        ParamRow { key: $key, label: $label, group: $group, kind: ParamKind::Choice($type::NAMES), source: $source, effect: Effect::$effect, affects: Affects(0 $(| Affects::$affects.0)+), help: $help,
            get: |p| Value::Text(p.$($field).+.name().to_owned()),
            set: |p, v| if let Value::Text(t) = v && let Some(c) = $type::from_name(t) { p.$($field).+ = c } }
    };
}
macro_rules! text {
    ($key:literal, $label:literal, $group:literal, $($field:ident).+, $effect:ident, $($affects:ident)|+, $source:literal, $help:literal) => {
        ParamRow { key: $key, label: $label, group: $group, kind: ParamKind::Text, source: $source, effect: Effect::$effect, affects: Affects(0 $(| Affects::$affects.0)+), help: $help,
            get: |p| Value::Text(p.$($field).+.clone()),
            set: |p, v| if let Value::Text(t) = v { p.$($field).+.clone_from(t) } }
    };
}

/// All parameters, in the order of the window's groups.
#[rustfmt::skip]
pub const ROWS: &[ParamRow] = &[
    float!("eps", "eps", "Clustering", 0.05..=0.95, 2, eps, NextEpoch, CLUSTERING, "section IV", "Clustering radius: the largest Jaccard distance at which two images are neighbours in DBSCAN. Larger joins more, smaller leaves more outliers."),
    choice!("eps_rule", "eps rule", "Clustering", EpsRule, eps_rule, NextEpoch, CLUSTERING, "SSG selftraining.py:288-293 (the paper fixes eps)", "How eps is found in each epoch: fixed by hand, at the knee of the k-distance curve, or as the mean of the smallest 1.6 ‰ of all distances."),
    float!("delta_d", "Δd", "Clustering", 0.0..=0.3, 3, delta_d, NextEpoch, CLUSTERING, "section IV, Eq. 8", "Radius step: clusters are built at eps − Δd, eps and eps + Δd. A larger step asks for more stable clusters, so fewer are kept."),
    int!("k1", "k1", "Clustering", 2..=100, k1, NextEpoch, CLUSTERING, "section IV", "Neighbours, the image itself included, from which the k-reciprocal sets of the Jaccard distance are built."),
    choice!("neighbours.search", "neighbours by", "Clustering", NeighbourSearch, neighbours.search, NextEpoch, CLUSTERING, "ours (the paper compares all)", "Compare each image with all others (exact), or with those in the nearest lists of an index (ivf), which misses some: for sets of several 100,000 images. The share that it finds is measured on 1,000 images and shown. A GPU compares all."),
    int!("neighbours.probes", "probes", "Clustering", 1..=4096, neighbours.probes, NextEpoch, CLUSTERING, "ours", "Lists of the index that each image is looked up in, of about four times the root of the number of images. More find more neighbours and take longer; all of them find every one."),
    int!("k2", "k2", "Clustering", 1..=50, k2, NextEpoch, CLUSTERING, "section IV", "Query expansion: each image's weights become the mean over its k2 nearest. 1 turns it off."),
    int!("min_samples", "min samples", "Clustering", 1..=50, min_samples, NextEpoch, CLUSTERING, "SpCL spcl_train_uda.py:184 (the paper gives none)", "Core density: images within eps, the image itself counted, that make it a core of a cluster."),
    choice!("labels.method", "labels by", "Clustering", LabelMethod, labels.method, NextEpoch, CLUSTERING, "section III-B; Fig. 1", "DBSCAN on Jaccard distances at the three radii of Eq. 8, or k-means on the features, which knows no noise and no radii and keeps every cluster."),
    int!("labels.k", "k", "Clustering", 2..=100000, labels.k, NextEpoch, CLUSTERING, "MMT (500 to 900 for Market-1501 and DukeMTMC-reID)", "Number of clusters that k-means makes."),
    switch!("refined", "refined", "Reliability", refined, NextEpoch, CLUSTERING, "section III-B", "Keeps only reliable clusters. Off: every DBSCAN cluster gives pseudo-labels."),
    choice!("reliability.rule", "rule", "Reliability", Rule, reliability.rule, NextEpoch, CLUSTERING, "section III-B; SpCL spcl_train_uda.py:233", "How the threshold is found: so that a share of the first epoch's clusters fails, fixed by hand, or none (every cluster is kept)."),
    float!("reliability.threshold", "threshold", "Reliability", 0.0..=1.0, 2, reliability.threshold, NextEpoch, CLUSTERING, "section III-B (the paper gives none)", "The least score at which a cluster is reliable, when the rule is `fixed`."),
    float!("reliability.quantile", "worst share", "Reliability", 0.0..=1.0, 2, reliability.quantile, NextRun, CLUSTERING, "SpCL spcl_train_uda.py:233", "The share of the first epoch's clusters that the rule `quantile` lets fail; the score found there stays the threshold."),
    choice!("reliability.score", "score", "Reliability", ScoreKind, reliability.score, NextEpoch, CLUSTERING, "Eq. 8; SpCL spcl_train_uda.py:218", "Eq. 8's one three-way IoU, or SpCL's pair of two-way ones with its per-member cut."),
    choice!("reliability.cluster", "cluster score", "Reliability", ClusterScore, reliability.cluster, NextEpoch, CLUSTERING, "SpCL spcl_train_uda.py:230", "A cluster's score is that of its best, average or worst member."),
    choice!("reliability.outliers", "outliers", "Reliability", Outliers, reliability.outliers, NextEpoch, CLUSTERING, "section IV-D; SpCL and Cluster Contrast", "Images outside reliable clusters train as classes of their own, or sit this epoch out."),
    switch!("memory.enabled", "hybrid memory", "Memory", memory.enabled, NextRun, ADAPTATION, "section III-C", "Classify against the hybrid memory. Off: a classifier made from the cluster centres of each epoch, as in the baseline."),
    choice!("memory.kind", "memory", "Memory", MemoryKind, memory.kind, NextRun, ADAPTATION, "section III-C; Cluster Contrast cm.py", "The hybrid memory of images and source identities; or one of cluster means, moved by every image of a cluster or by its hardest."),
    switch!("classifier.joint", "joint classifier", "Memory", classifier.joint, NextRun, ADAPTATION, "OpenUnReID strong_baseline", "Without memory and with source beside target: one classifier over the source's identities and the target's clusters, and triplets over the images of both."),
    float!("beta", "β", "Memory", 0.0..=1.0, 2, beta, NextBatch, ADAPTATION, "Eq. 10", "Share of a memory row that survives an update; 1 freezes the memory."),
    float!("temperature", "temperature", "Memory", 0.01..=1.0, 3, temperature, NextBatch, ADAPTATION, "SpCL hm.py (the paper gives none)", "τ divides the similarities before the softmax; smaller is sharper."),
    choice!("memory.features", "cluster on", "Memory", FeatureSource, memory.features, NextEpoch, CLUSTERING|ADAPTATION, "steps 3 and 4; SpCL spcl_train_uda.py:174", "Cluster features extracted anew each epoch, or the memory's own rows."),
    float!("adapt.lr", "lr", "Training", 0.000001..=0.1, 0, adapt.lr, NextBatch, ADAPTATION, "section IV", "Learning rate of Adam in adaptation, before its steps."),
    float!("triplet.weight", "triplet weight", "Training", 0.0..=10.0, 2, triplet.weight, NextBatch, PRETRAINING|ADAPTATION, "section III (no value given)", "Weight of the batch-hard triplet loss; 0 gives SpCL."),
    float!("triplet.margin", "triplet margin", "Training", 0.0..=2.0, 2, triplet.margin, NextBatch, PRETRAINING|ADAPTATION, "OpenUnReID triplet.py", "How much farther the hardest negative must be than the hardest positive."),
    choice!("triplet.form", "triplet form", "Training", TripletForm, triplet.form, NextBatch, PRETRAINING|ADAPTATION, "OpenUnReID triplet.py", "The hardest pair of each anchor by a margin, or by a softmax over its two distances."),
    int!("adapt.epochs", "epochs", "Training", 0..=1000, adapt.epochs, NextEpoch, ADAPTATION, "section IV", "Adaptation epochs; each begins with a clustering."),
    int!("adapt.iters", "iterations", "Training", 1..=10000, adapt.iters, NextEpoch, ADAPTATION, "SpCL spcl_train_uda.py:327 (the paper gives none)", "Batches in an adaptation epoch."),
    int!("adapt.batch", "batch", "Training", 2..=1024, adapt.batch, NextEpoch, ADAPTATION, "section IV", "Target images in a batch; with source data as many source images beside them."),
    int!("adapt.instances", "instances", "Training", 1..=64, adapt.instances, NextEpoch, ADAPTATION, "SpCL spcl_train_uda.py:301", "Images of one pseudo-label in a batch, from different cameras first."),
    int!("adapt.step", "lr step", "Training", 1..=1000, adapt.step, NextEpoch, ADAPTATION, "SpCL spcl_train_uda.py:166", "Epochs between drops of the learning rate."),
    float!("adapt.gamma", "lr factor", "Training", 0.01..=1.0, 2, adapt.gamma, NextEpoch, ADAPTATION, "SpCL spcl_train_uda.py:166", "Factor of each drop."),
    switch!("adapt.joint", "source beside target", "Training", adapt.joint, NextRun, ADAPTATION, "SpCL; section III-C stores source classes", "Train on source and target batches together, each domain with its own batch normalisation."),
    float!("optim.weight_decay", "weight decay", "Training", 0.0..=0.1, 0, optim.weight_decay, NextBatch, PRETRAINING|ADAPTATION, "SpCL spcl_train_uda.py:164", "Coupled L2 decay of Adam."),
    switch!("optim.restart", "restart Adam", "Training", optim.restart, NextEpoch, ADAPTATION, "OpenUnReID runner.py:172", "Begins each epoch of adaptation with empty moments, since its classes are new ones."),
    float!("augment.flip", "flip", "Images", 0.0..=1.0, 2, augment.flip, NextBatch, PRETRAINING|ADAPTATION, "section IV; SpCL spcl_train_uda.py:47", "Probability of a horizontal flip."),
    int!("augment.pad", "pad", "Images", 0..=64, augment.pad, NextBatch, PRETRAINING|ADAPTATION, "SpCL spcl_train_uda.py:47", "Black border before the random crop, pixels."),
    float!("augment.erase", "erase", "Images", 0.0..=1.0, 2, augment.erase, NextBatch, PRETRAINING|ADAPTATION, "section IV; SpCL transforms.py:52", "Probability that a rectangle is erased."),
    int!("image.height", "height", "Images", 32..=1024, image.height, NextRun, PRETRAINING|ADAPTATION, "section IV", "Input height, pixels."),
    int!("image.width", "width", "Images", 16..=1024, image.width, NextRun, PRETRAINING|ADAPTATION, "section IV", "Input width, pixels."),
    float!("image.unreadable", "unreadable", "Images", 0.0..=1.0, 2, image.unreadable, NextRun, NOTHING, "ours", "The largest share of a training set that may be unreadable; such pictures train as grey ones. Beyond it a run does not start."),
    choice!("backbone", "backbone", "Model", Backbone, backbone, NextRun, PRETRAINING|ADAPTATION, "section III", "The network that extracts features; resnet50-lite is for CPUs."),
    choice!("net.pool", "pooling", "Model", Pool, net.pool, NextRun, PRETRAINING|ADAPTATION, "section III; Cluster Contrast pooling.py", "The feature is the average of the last map, or its generalised mean with a learned exponent."),
    switch!("attention.enabled", "attention", "Model", attention.enabled, NextRun, PRETRAINING|ADAPTATION, "section III-A", "Coordinate attention, then triplet attention, at two places of the backbone."),
    text!("attention.positions", "positions", "Model", attention.positions, NextRun, PRETRAINING|ADAPTATION, "Table 1", "The pair of stages: before the first, after the second."),
    text!("weights", "initial weights", "Model", weights, NextRun, PRETRAINING, "section III (ImageNet)", "A file of backbone weights with PyTorch's names; empty starts from scratch."),
    int!("bn.group", "BN group", "Model", 0..=1024, bn.group, NextRun, ADAPTATION, "SpCL issue 31 (16 images a GPU)", "Images of one domain that share batch statistics; 0 is the whole batch."),
    int!("pretrain.epochs", "epochs", "Pre-training", 0..=1000, pretrain.epochs, NextRun, PRETRAINING, "section IV", "Epochs on the labelled source."),
    int!("pretrain.iters", "iterations", "Pre-training", 1..=10000, pretrain.iters, NextRun, PRETRAINING, "OpenUnReID source_pretrain", "Batches in a pre-training epoch."),
    int!("pretrain.batch", "batch", "Pre-training", 2..=1024, pretrain.batch, NextRun, PRETRAINING, "section IV", "Images in a pre-training batch."),
    int!("pretrain.instances", "instances", "Pre-training", 1..=64, pretrain.instances, NextRun, PRETRAINING, "OpenUnReID source_pretrain", "Images of one pid in a batch."),
    float!("pretrain.lr", "lr", "Pre-training", 0.000001..=0.1, 0, pretrain.lr, NextRun, PRETRAINING, "section IV", "Learning rate of Adam in pre-training, before warm-up and drops."),
    int!("pretrain.warmup", "warm-up", "Pre-training", 0..=1000, pretrain.warmup, NextRun, PRETRAINING, "OpenUnReID source_pretrain", "Epochs over which the learning rate rises linearly from a hundredth."),
    text!("pretrain.milestones", "lr drops", "Pre-training", pretrain.milestones, NextRun, PRETRAINING, "OpenUnReID source_pretrain", "Epochs, separated by commas, at which the learning rate drops to a tenth."),
    float!("pretrain.smoothing", "label smoothing", "Pre-training", 0.0..=0.5, 2, pretrain.smoothing, NextRun, PRETRAINING, "OpenUnReID classification.py", "Share of the target probability spread over all classes."),
    int!("eval.every", "evaluate every", "Evaluation", 1..=1000, eval.every, NextEpoch, EVALUATION, "SpCL evaluates every 10", "Epochs between evaluations on the target test set; the last epoch is always evaluated."),
    int!("eval.batch", "batch", "Evaluation", 1..=1024, eval.batch, NextEpoch, EVALUATION, "SpCL", "Images in one extraction batch; the result does not depend on it."),
    switch!("eval.rerank", "re-rank", "Evaluation", eval.rerank, NextEpoch, EVALUATION, "Zhong et al., CVPR 2017: k1 20, k2 6, λ 0.3", "Also ranks the gallery anew by k-reciprocal neighbours after each evaluation: figures and rank lists before and after. Takes as long as one more search of query and gallery."),
    int!("checkpoint.every", "keep every", "Checkpoints", 0..=1000, checkpoint.every, NextEpoch, NOTHING, "ours", "Keeps a checkpoint after every so many epochs, beside the last and the best ones; 0 keeps none of them."),
    int!("checkpoint.keep", "keep at most", "Checkpoints", 1..=1000, checkpoint.keep, NextEpoch, NOTHING, "ours", "How many of those kept by rule stay: the oldest is removed when another comes. Those kept by hand stay."),
    choice!("device.images", "images on", "Device", ImageStore, device.images, NextRun, NOTHING, "ours: the result is the same to the bit", "Where decoded images wait and are augmented: on a GPU whose memory they fit the training never waits for the CPU."),
    switch!("device.bf16", "bfloat16", "Device", device.bf16, NextRun, PRETRAINING|ADAPTATION, "ours (the paper gives none)", "Convolutions in bfloat16, for GPUs: faster, with three digits; weights, losses and the memory stay in float32."),
    int!("device.threads", "threads", "Device", 0..=1024, device.threads, NextRun, NOTHING, "ours", "Threads of one operation on the CPU; 0 is one a core. Sums depend on it in their last bits, so a seed's run repeats with the same number only; the run folder records it."),
    int!("seed", "seed", "Run", 0..=9007199254740991, seed, NextRun, PRETRAINING|ADAPTATION, "ours", "Seeds every random choice; the same seed on the same CPU gives the same run."),
];
