//! Named settings: overlays of `key = value` on the parameters.

use super::{ParamError, Params};

/// A named overlay.
pub struct Preset {
    /// The name, as `--preset` takes it.
    pub name: &'static str,
    /// What it shows, one sentence.
    pub help: &'static str,
    /// The keys it sets, in order.
    pub overlay: &'static [(&'static str, &'static str)],
}

/// The constants of `examples/cluster_contrast_train_usl.py`.
const CLUSTER_CONTRAST: &[(&str, &str)] = &[
    ("attention.enabled", "false"),
    ("net.pool", "gem"),
    ("refined", "false"),
    ("eps", "0.6"),
    ("k1", "30"),
    ("k2", "6"),
    ("min_samples", "4"),
    ("reliability.outliers", "drop"),
    ("memory.enabled", "true"),
    ("memory.kind", "cluster"),
    ("memory.features", "fresh"),
    ("beta", "0.2"),
    ("temperature", "0.05"),
    ("triplet.weight", "0"),
    ("adapt.joint", "false"),
    ("adapt.epochs", "50"),
    ("adapt.lr", "3.5e-4"),
    ("adapt.step", "20"),
];

/// The constants of `tools/strong_baseline/config.yaml` and, for what comes before, `tools/source_pretrain/config.yaml`.
const STRONG_BASELINE: &[(&str, &str)] = &[
    ("attention.enabled", "false"),
    ("net.pool", "gem"),
    ("refined", "false"),
    ("eps", "0.6"),
    ("k1", "30"),
    ("k2", "6"),
    ("min_samples", "4"),
    ("reliability.outliers", "drop"),
    ("memory.enabled", "false"),
    ("classifier.joint", "true"),
    ("triplet.form", "softmax"),
    ("adapt.joint", "true"),
    ("adapt.epochs", "50"),
    ("adapt.lr", "3.5e-4"),
    ("adapt.gamma", "1"),
    ("optim.restart", "true"),
];

/// All presets. They combine: `--preset demo,baseline` applies both in this order.
pub const PRESETS: &[Preset] = &[
    Preset { name: "paper", help: "The paper's setting; needs a GPU to finish.", overlay: &[] },
    Preset {
        name: "demo",
        help: "A light network on small images: the whole method in minutes on a laptop's CPU.",
        overlay: &[
            ("backbone", "resnet50-lite"),
            ("image.height", "128"),
            ("image.width", "64"),
            ("augment.pad", "5"),
            ("pretrain.epochs", "12"),
            ("pretrain.iters", "24"),
            ("pretrain.batch", "64"),
            ("pretrain.lr", "3e-3"),
            ("pretrain.warmup", "2"),
            ("pretrain.milestones", "9"),
            ("adapt.epochs", "10"),
            ("adapt.iters", "32"),
            ("adapt.batch", "64"),
            ("adapt.lr", "1e-3"),
            ("adapt.step", "7"),
            ("adapt.joint", "false"),
            ("k1", "15"),
            ("k2", "4"),
            // Of some 60 clusters few are apart by 0.02, and a tenth of them is six: so that one sees what Eq. 8 asks, and
            // the clusters come to answer it (scripts/demo-figures.py; docs/METHOD.md).
            ("delta_d", "0.05"),
            ("reliability.quantile", "0.3"),
        ],
    },
    Preset {
        name: "baseline",
        help: "Baseline + Cluster of Tables 2 and 3: plain DBSCAN clusters, no attention, no memory.",
        overlay: &[
            ("attention.enabled", "false"),
            ("refined", "false"),
            ("memory.enabled", "false"),
            ("reliability.outliers", "drop"),
        ],
    },
    Preset {
        name: "baseline+at",
        help: "Baseline + AT + Cluster of Tables 2 and 3: attention on, plain clusters, no memory.",
        overlay: &[
            ("attention.enabled", "true"),
            ("refined", "false"),
            ("memory.enabled", "false"),
            ("reliability.outliers", "drop"),
        ],
    },
    Preset {
        name: "baseline+refined",
        help: "Baseline + Refined-Cluster of Tables 2 and 3: refined clusters and the hybrid memory, no attention.",
        overlay: &[
            ("attention.enabled", "false"),
            ("refined", "true"),
            ("memory.enabled", "true"),
            ("reliability.outliers", "instance"),
        ],
    },
    Preset {
        name: "baseline+at+refined",
        help: "The whole method, last row of Tables 2 and 3.",
        overlay: &[
            ("attention.enabled", "true"),
            ("refined", "true"),
            ("memory.enabled", "true"),
            ("reliability.outliers", "instance"),
        ],
    },
    Preset {
        name: "spcl",
        help: "SpCL, which the method extends: no attention, SpCL's pair of scores, memory features, no triplet loss.",
        overlay: &[
            ("attention.enabled", "false"),
            ("reliability.score", "spcl"),
            ("memory.features", "bank"),
            ("triplet.weight", "0"),
            ("adapt.joint", "true"),
        ],
    },
    Preset {
        name: "kmeans",
        help: "The traditional framework of Fig. 1: k-means, then cross-entropy and triplet loss; no memory, no attention. Set labels.k.",
        overlay: &[
            ("attention.enabled", "false"),
            ("labels.method", "kmeans"),
            ("labels.k", "500"),
            ("memory.enabled", "false"),
            ("reliability.outliers", "drop"),
            ("adapt.joint", "false"),
        ],
    },
    Preset {
        name: "cluster-contrast",
        help: "Cluster Contrast: one DBSCAN, noise sits out, a memory of cluster means that every image moves, GeM pooling.",
        overlay: CLUSTER_CONTRAST,
    },
    Preset {
        name: "cluster-contrast-hard",
        help: "Cluster Contrast with the hardest image of a batch moving its cluster; after cluster-contrast: --preset cluster-contrast,cluster-contrast-hard.",
        overlay: &[("memory.kind", "cluster-hard")],
    },
    Preset {
        name: "strong-baseline",
        help: "OpenUnReID's strong baseline: one DBSCAN, noise sits out, one classifier over source identities and target clusters, softmax triplets over both, GeM pooling; no memory, no attention.",
        overlay: STRONG_BASELINE,
    },
    Preset {
        name: "eps-too-small",
        help: "Nearly every image is an outlier: nothing to learn from.",
        overlay: &[("eps", "0.3")],
    },
    Preset { name: "eps-too-large", help: "Everybody melts into one blob.", overlay: &[("eps", "0.85")] },
    Preset { name: "frozen-memory", help: "β = 1: the memory never changes.", overlay: &[("beta", "1.0")] },
];

/// The preset of that name.
///
/// # Errors
/// When there is none; lists the names.
pub fn preset(name: &str) -> Result<&'static Preset, ParamError> {
    PRESETS.iter().find(|p| p.name == name).ok_or_else(|| ParamError::Invalid {
        key: "preset".to_owned(),
        given: name.to_owned(),
        expected: PRESETS.iter().map(|p| p.name).collect::<Vec<_>>().join(", "),
    })
}

impl Params {
    /// Applies a preset, or several separated by commas, on top of these parameters.
    ///
    /// # Errors
    /// When a name is unknown.
    pub fn apply_presets(&mut self, names: &str) -> Result<(), ParamError> {
        for name in names.split(',').map(str::trim).filter(|n| !n.is_empty()) {
            for (key, text) in preset(name)?.overlay {
                self.set_text(key, text)?;
            }
        }
        Ok(())
    }
}
