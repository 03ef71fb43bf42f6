//! What a network answers about single images: attention maps, rank lists, and why two images are alike.

use serde::{Deserialize, Serialize};

use super::ImageRef;
use crate::run::snapshot::Match;

/// One attention map, row-major `[height, width]`, values as the network computed them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttentionMap {
    /// `layer1.coordinate`, `layer1.triplet`, `layer1.output`, `layer4.…`, with `.h`, `.w` for the
    /// coordinate gates alone and `.hc`, `.cw`, `.hw` for the triplet branches.
    pub name: String,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// `height × width` values.
    pub values: Vec<f32>,
}

/// All attention maps of one image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageMaps {
    /// Which image.
    pub image: ImageRef,
    /// Its maps, in network order.
    pub maps: Vec<AttentionMap>,
}

/// What the gallery can be ranked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RankQuery {
    /// An image of the target dataset.
    Image(ImageRef),
    /// An image file from anywhere; who is on it is not known.
    File(std::path::PathBuf),
}

/// The gallery ranked for one image by squared Euclidean distance; query and gallery were described by the same
/// weights. The image itself is no hit; same-camera images of the same pid are among the hits, as in
/// [`crate::run::snapshot::RankSnapshot`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// What was asked for.
    pub query: RankQuery,
    /// Adaptation epochs done when the features were computed; 0 is the source-only model.
    pub epoch: usize,
    /// Iterations trained beyond those epochs (with `epoch` 0 perhaps of pre-training); 0 right after an evaluation.
    pub iters: usize,
    /// The nearest gallery rows, at most 50.
    pub gallery: Vec<u32>,
    /// Their distances.
    pub distances: Vec<f32>,
    /// **Ground truth**: average precision; `None` where nobody is known to match.
    pub ap: Option<f64>,
    /// **Ground truth**: the true matches, best rank first.
    pub matches: Vec<Match>,
}

/// Why a query finds a hit: what each position of either image gives to their cosine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Likeness {
    /// The query.
    pub query: ImageRef,
    /// The image it is compared with.
    pub hit: ImageRef,
    /// Adaptation epochs done.
    pub epoch: usize,
    /// The cosine of their features.
    pub similarity: f64,
    /// Of the query and of the hit; the values of each sum to the cosine.
    pub maps: [AttentionMap; 2],
}
