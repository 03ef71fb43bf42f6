//! Which clusters are shown, in which order; kept until what it depends on changes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::filter;
use crate::gui::clustered::{ClusterRow, ClusterTable, ShownClustering};
use crate::study::filter::Terms;

/// What the cards are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CardSort {
    /// Worst score first.
    #[default]
    Score,
    /// Largest first.
    Size,
    /// Fewest cameras first.
    Cameras,
    /// **Ground truth**: least pure first.
    Purity,
    /// Newest first.
    Born,
}

impl CardSort {
    /// All of them, in the order of the menu.
    pub const ALL: [Self; 5] = [Self::Score, Self::Size, Self::Cameras, Self::Purity, Self::Born];

    /// In words.
    pub fn words(self, reversed: bool) -> &'static str {
        match (self, reversed) {
            (Self::Score, false) => "score, worst first",
            (Self::Score, true) => "score, best first",
            (Self::Size, false) => "size, largest first",
            (Self::Size, true) => "size, smallest first",
            (Self::Cameras, false) => "cameras, fewest first",
            (Self::Cameras, true) => "cameras, most first",
            (Self::Purity, false) => "purity, worst first",
            (Self::Purity, true) => "purity, best first",
            (Self::Born, false) => "born, newest first",
            (Self::Born, true) => "born, oldest first",
        }
    }

    /// Sorting by this value, ascending, is the order that is not reversed.
    fn key(self, row: &ClusterRow, born: Option<usize>) -> f64 {
        match self {
            Self::Score => row.score,
            Self::Size => -f64::from(row.size),
            Self::Cameras => f64::from(row.cameras),
            Self::Purity => row.purity.unwrap_or(f64::NAN),
            Self::Born => born.map_or(f64::NAN, |epoch| -(epoch as f64)),
        }
    }
}

/// The clusters that pass, in order; what has no value stands last, equal ones by number.
pub fn order(
    table: &ClusterTable,
    births: Option<&[usize]>,
    sort: CardSort,
    reversed: bool,
    passes: impl Fn(u32, &ClusterRow, Option<usize>) -> bool,
) -> Vec<u32> {
    let born = |c: u32| births.and_then(|b| b.get(c as usize)).copied();
    let mut shown: Vec<(f64, u32)> = (0u32..)
        .zip(&table.rows)
        .filter(|&(c, row)| passes(c, row, born(c)))
        .map(|(c, row)| (sort.key(row, born(c)), c))
        .collect();
    shown.sort_by(|a, b| {
        let by_key = if reversed { b.0.total_cmp(&a.0) } else { a.0.total_cmp(&b.0) };
        a.0.is_nan().cmp(&b.0.is_nan()).then(by_key).then(a.1.cmp(&b.1))
    });
    shown.into_iter().map(|(_, c)| c).collect()
}

/// What an order depends on.
#[derive(Clone)]
pub struct Wish {
    /// The clustering.
    pub shown: Arc<ShownClustering>,
    /// Epochs of birth, where they are known.
    pub births: Option<Arc<Vec<usize>>>,
    /// What to sort by.
    pub sort: CardSort,
    /// The other way round.
    pub reversed: bool,
    /// Terms that a cluster must fulfil.
    pub terms: Terms,
    /// Whether purity may be used.
    pub truth: bool,
    /// Only clusters with one of these images.
    pub picked: Option<Arc<Vec<u32>>>,
}

impl Wish {
    fn is(&self, other: &Self) -> bool {
        fn same<T>(a: &Option<Arc<T>>, b: &Option<Arc<T>>) -> bool {
            match (a, b) {
                (Some(a), Some(b)) => Arc::ptr_eq(a, b),
                (None, None) => true,
                _ => false,
            }
        }
        Arc::ptr_eq(&self.shown, &other.shown)
            && same(&self.births, &other.births)
            && same(&self.picked, &other.picked)
            && (self.sort, self.reversed, self.truth) == (other.sort, other.reversed, other.truth)
            && self.terms == other.terms
    }
}

/// The order of the cards.
#[derive(Default)]
pub struct CardOrder {
    wish: Option<Wish>,
    /// Clusters in order.
    pub clusters: Vec<u32>,
    /// Whether the outliers have a card at the end.
    pub outliers: bool,
}

impl CardOrder {
    /// Brings it up to date.
    pub fn refresh(&mut self, wish: Wish) {
        if self.wish.as_ref().is_some_and(|w| w.is(&wish)) {
            return;
        }
        let table = &wish.shown.table;
        let mut picked = vec![wish.picked.is_none(); table.rows.len()];
        let mut loose = wish.picked.is_none();
        for &image in wish.picked.iter().flat_map(|p| p.iter()) {
            match wish.shown.facts.cluster_of(image) {
                Some(c) => picked[c as usize] = true,
                None => loose = true,
            }
        }
        let sort = if wish.sort == CardSort::Purity && !wish.truth { CardSort::Score } else { wish.sort };
        let births = wish.births.as_ref().map(|b| b.as_slice());
        let passes = |c: u32, row: &ClusterRow, born| picked[c as usize] && filter::passes(&wish.terms, c, row, born);
        self.clusters = order(table, births, sort, wish.reversed, passes);
        self.outliers = loose && wish.terms.is_empty() && !table.outliers.is_empty();
        self.wish = Some(wish);
    }
}
