//! The table of habits: to read another program's weights, add one row with an example; a test reads each of them.

/// How the parts of a backbone are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Body {
    /// `conv1`, `bn1`, `layer1` … as torchvision.
    Named,
    /// `0`, `1`, `4` … `7`: the places in an `nn.Sequential(conv1, bn1, relu, maxpool, layer1, …)`.
    Numbered,
    /// `0`, `1`, `3` … `6`: the same without the ReLU, which is then not computed either.
    NoRelu,
}

impl Body {
    /// What a part of the backbone is called.
    pub(super) fn part(self, own: &'static str) -> &'static str {
        let at = |numbers: [&'static str; 6]| PARTS.iter().position(|n| *n == own).map(|i| numbers[i]);
        match self {
            Self::Named => None,
            Self::Numbered => at(["0", "1", "4", "5", "6", "7"]),
            Self::NoRelu => at(["0", "1", "3", "4", "5", "6"]),
        }
        .unwrap_or(own)
    }
}

/// The parts of a backbone that have tensors.
pub(super) const PARTS: [&str; 6] = ["conv1", "bn1", "layer1", "layer2", "layer3", "layer4"];

/// One program's habit.
#[derive(Clone, Copy, Debug)]
pub struct Habit {
    /// Whose it is.
    pub program: &'static str,
    /// How the backbone's parts are called.
    pub body: Body,
    /// The last part of the prefix before the backbone; empty where there is none.
    pub wrapper: &'static str,
    /// What the batch normalisation after pooling is called; empty where there is none.
    pub neck: &'static str,
    /// A name as it stands in such a file, and the same tensor's name here.
    pub example: (&'static str, &'static str),
    /// What features of that program have that ours do not.
    pub remark: &'static str,
}

const LAST_STRIDE: &str = "the last stride is 1 here; with last stride 2, its default there, features differ";

const fn row(program: &'static str, body: Body, wrapper: &'static str, neck: &'static str) -> Habit {
    Habit { program, body, wrapper, neck, example: ("", ""), remark: "" }
}

/// The habits, the first that fits names the file. A prefix that no row knows is read all the same.
pub const HABITS: &[Habit] = &[
    Habit {
        example: ("layer1.0.bn1.weight", "layer1.0.bn1.weight"),
        ..row("reid-workbench", Body::Named, "", "feat_bn")
    },
    Habit {
        example: ("module.base.4.0.conv1.weight", "layer1.0.conv1.weight"),
        ..row("SpCL, Cluster-Contrast, ICE, CAP", Body::Numbered, "base", "feat_bn")
    },
    Habit {
        example: ("base.3.0.conv1.weight", "layer1.0.conv1.weight"),
        remark: "its stem has no ReLU, and is computed so",
        ..row("MMT, ABMT", Body::NoRelu, "base", "feat_bn")
    },
    Habit {
        example: ("module.bnneck.running_var", "feat_bn.running_var"),
        ..row("PPLR and kin", Body::Numbered, "base", "bnneck")
    },
    Habit {
        example: ("base.layer4.0.downsample.1.bias", "layer4.0.downsample.1.bias"),
        ..row("strong baseline (bag of tricks), AGW and kin", Body::Named, "base", "bottleneck")
    },
    Habit {
        example: ("backbone.layer4.0.downsample.0.weight", "layer4.0.downsample.0.weight"),
        ..row("fast-reid", Body::Named, "backbone", "heads.bottleneck.0")
    },
    Habit {
        example: ("heads.bnneck.weight", "feat_bn.weight"),
        ..row("fast-reid 0.x", Body::Named, "backbone", "heads.bnneck")
    },
    Habit {
        example: ("module.backbone.layer1.0.conv1.weight", "layer1.0.conv1.weight"),
        ..row("OpenUnReID", Body::Named, "backbone", "head.feat_bn")
    },
    Habit {
        example: ("model.layer2.0.conv3.weight", "layer2.0.conv3.weight"),
        remark: LAST_STRIDE,
        ..row("layumi's baseline, or PyTorch Lightning", Body::Named, "model", "")
    },
    Habit {
        example: ("net.layer2.0.conv3.weight", "layer2.0.conv3.weight"),
        ..row("PyTorch Lightning", Body::Named, "net", "")
    },
    Habit {
        example: ("module.encoder_q.conv1.weight", "conv1.weight"),
        ..row("MoCo, LUPerson", Body::Named, "encoder_q", "")
    },
    Habit {
        example: ("teacher.backbone.conv1.weight", "conv1.weight"),
        ..row("DINO and kin, MoCo v3, BYOL", Body::Named, "backbone", "")
    },
    Habit {
        example: ("module.layer1.0.conv1.weight", "layer1.0.conv1.weight"),
        remark: LAST_STRIDE,
        ..row("torchvision, torchreid, PyTorch's ImageNet example", Body::Named, "", "")
    },
    Habit {
        example: ("features.4.0.conv1.weight", "layer1.0.conv1.weight"),
        ..row("a numbered nn.Sequential of a ResNet", Body::Numbered, "", "")
    },
];

/// Names of the batch normalisation after pooling, tried beside the backbone and above it. Those of [`HABITS`] come
/// first.
pub(super) const MORE_NECKS: &[&str] = &[
    "bnneck",
    "bn_neck",
    "bottleneck",
    "head.bnneck",
    "head.bottleneck",
    "classifier.bn",
    "neck.bn",
    "bottleneck.0",
    "bn",
    "neck_bn",
    "feature_bn",
    "last_bn",
    "bn_last",
    "batch_norm",
    "neck",
];

/// Parts of a prefix that mark a twin, and how much it is wanted: a mean teacher is what such programs evaluate,
/// MoCo's query encoder what its users take.
pub(super) const TWINS: &[(&str, i32)] = &[
    ("teacher", 2),
    ("ema", 2),
    ("mean_net", 2),
    ("model_ema", 2),
    ("ema_state_dict", 2),
    ("swa_model", 2),
    ("averaged_model", 2),
    ("state_dict_ema", 2),
    ("net_ema", 2),
    ("ema_model", 2),
    ("encoder_q", 1),
    ("online", 1),
    ("online_encoder", 1),
    ("student", -1),
    ("encoder_k", -1),
    ("target_encoder", -1),
    ("momentum_encoder", -1),
];
