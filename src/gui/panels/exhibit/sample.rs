//! Which clusters stand for their kind.

use serde::{Deserialize, Serialize};

use crate::base::rng;
use crate::gui::clustered::ClusterTable;

/// How sample clusters are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The best scores of the reliable ones, the worst of the others.
    #[default]
    Clear,
    /// Those next to the threshold on either side.
    Close,
    /// The largest.
    Largest,
    /// By a seed.
    Random,
}

impl How {
    /// All, in the order of the menu.
    pub const ALL: [Self; 4] = [Self::Clear, Self::Close, Self::Largest, Self::Random];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Clear => "clearest scores",
            Self::Close => "near the threshold",
            Self::Largest => "largest",
            Self::Random => "random",
        }
    }
}

/// All clusters of one kind, those that stand for it first.
pub fn sample(table: &ClusterTable, reliable: bool, how: How, seed: u64) -> Vec<u32> {
    let worst_first = || table.worst_first.iter().copied();
    let of_kind = |c: &u32| table.row(*c).is_some_and(|r| r.reliable == reliable);
    let mut found: Vec<u32> = worst_first().filter(of_kind).collect();
    let size = |c: u32| table.row(c).map_or(0, |r| r.size);
    match how {
        // Of equal scores the larger cluster says more.
        How::Clear if reliable => {
            found.sort_by(|&a, &b| score(table, b).total_cmp(&score(table, a)).then(size(b).cmp(&size(a))))
        }
        How::Clear => found.sort_by(|&a, &b| score(table, a).total_cmp(&score(table, b)).then(size(b).cmp(&size(a)))),
        How::Close if reliable => {}
        How::Close => found.sort_by(|&a, &b| score(table, b).total_cmp(&score(table, a)).then(a.cmp(&b))),
        How::Largest => found.sort_by_key(|&c| (std::cmp::Reverse(size(c)), c)),
        How::Random => found.sort_by_key(|&c| (mixed(seed, c), c)),
    }
    found
}

fn score(table: &ClusterTable, cluster: u32) -> f64 {
    table.row(cluster).map_or(f64::NAN, |r| r.score)
}

/// The same seed gives the same order.
fn mixed(seed: u64, cluster: u32) -> u64 {
    rng::finish(seed.wrapping_mul(rng::STEP).wrapping_add(u64::from(cluster) + 1))
}
