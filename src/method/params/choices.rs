//! Parameters that are one of a few words.

use serde::{Deserialize, Serialize};

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
    /// How the reliability threshold α is found (docs/METHOD.md, decision 1).
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
    /// How the clustering radius is found, in each epoch anew.
    #[derive(Default)]
    EpsRule {
        /// It is `eps`.
        #[default]
        Fixed = "fixed",
        /// The knee of the k-distance curve for `min_samples`.
        Knee = "knee",
        /// The mean of the smallest 1.6 ‰ of all distances (SSG `selftraining.py:288-293`, there frozen after the first
        /// epoch).
        MeanSmallest = "mean-smallest",
    }
}
choice! {
    /// How the nearest neighbours of the images are found.
    #[derive(Default)]
    NeighbourSearch {
        /// Every image is compared with every other.
        #[default]
        Exact = "exact",
        /// An image is compared with those in the lists of an inverted file that are nearest to it.
        Ivf = "ivf",
    }
}
choice! {
    /// Which independence score decides (docs/METHOD.md, decision 2).
    ScoreKind {
        /// Eq. 8: the IoU of the tight, normal and loose set at once.
        Eq8 = "eq8",
        /// SpCL's pair: 1 − R_indep for the cluster, and the members must attain the cluster's best compactness.
        Spcl = "spcl",
    }
}
choice! {
    /// How a cluster's score follows from its members' scores (docs/METHOD.md, decision 3).
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
    /// What happens to samples outside reliable clusters (docs/METHOD.md, decision 5).
    Outliers {
        /// They train as classes of their own (SpCL).
        Instance = "instance",
        /// They sit out this epoch (Cluster Contrast).
        Drop = "drop",
    }
}
choice! {
    /// How images are given labels.
    LabelMethod {
        /// The paper's: DBSCAN on Jaccard distances, at the three radii of Eq. 8.
        Dbscan = "dbscan",
        /// k-means on the features, with a number of clusters that is given.
        Kmeans = "kmeans",
    }
}
choice! {
    /// What is remembered to be compared with.
    MemoryKind {
        /// A row for each source identity and each target image (SpCL).
        Hybrid = "hybrid",
        /// A row for each cluster, moved by every image (Cluster Contrast).
        Cluster = "cluster",
        /// A row for each cluster, moved by the image of the batch that is least like it (Cluster Contrast).
        ClusterHard = "cluster-hard",
    }
}
choice! {
    /// How the last feature map becomes a feature.
    Pool {
        /// The average.
        Avg = "avg",
        /// The generalised mean, `(mean of xᵖ)^(1/p)` with a learned p that begins as 3 (Radenović et al. 2018).
        Gem = "gem",
    }
}
choice! {
    /// Which features are clustered (docs/METHOD.md, decision 16).
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
        /// ResNet-50 with instance normalisation of half the channels in its first stages (IBN-a), 2048-d features.
        Resnet50Ibn = "resnet50-ibn",
        /// ResNet-34, 512-d features.
        Resnet34 = "resnet34",
        /// ResNet-18, 512-d features.
        Resnet18 = "resnet18",
        /// ResNet-50's topology with one bottleneck a stage and a quarter of the width, 512-d features: for CPUs.
        Resnet50Lite = "resnet50-lite",
    }
}
choice! {
    /// Where decoded images wait, and where they are augmented.
    #[derive(Default)]
    ImageStore {
        #[default]
        /// On a GPU whose memory they fit, else in main memory.
        Auto = "auto",
        /// In main memory; threads of the CPU make the batches.
        Host = "host",
        /// On the device, which makes the batches itself.
        Device = "device",
    }
}
choice! {
    /// How a triplet's two distances become a loss.
    TripletForm {
        /// `max(0, margin + d⁺ − d⁻)`.
        Margin = "margin",
        /// `−log softmax(d⁺, d⁻)[1]`, which knows no margin (OpenUnReID `triplet.py:108-`).
        Softmax = "softmax",
    }
}
