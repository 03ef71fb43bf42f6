//! Which queries are listed, and in which order.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::filter::Terms;
use super::hits::HitList;
use super::query_filter::QueryFacts;
use crate::run::event::{ImageRef, Split};
use crate::run::images::Images;
use crate::run::snapshot::RankSnapshot;

/// The order of the queries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuerySort {
    /// The best, the one in the middle, the worst, then the next of each: what a run does, at one look.
    #[default]
    Mixed,
    /// By AP, the least first.
    Worst,
    /// By AP, the largest first.
    Best,
    /// By number.
    Number,
    /// By the change of AP, the largest loss first.
    Lost,
    /// By the change of AP, the largest gain first.
    Gained,
}

impl QuerySort {
    /// Those that need no second epoch come first.
    pub const ALL: [Self; 6] = [Self::Mixed, Self::Worst, Self::Best, Self::Number, Self::Lost, Self::Gained];

    /// As the menu says it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Mixed => "mixed",
            Self::Worst => "worst first",
            Self::Best => "best first",
            Self::Number => "by number",
            Self::Lost => "AP lost first",
            Self::Gained => "AP gained first",
        }
    }

    /// Whether it compares two epochs.
    pub fn compares(self) -> bool {
        matches!(self, Self::Lost | Self::Gained)
    }
}

/// What is asked of the list.
#[derive(Clone, Copy)]
pub struct WantedQueries<'a> {
    /// The epoch looked at.
    pub ranks: &'a Arc<RankSnapshot>,
    /// The epoch it is compared with.
    pub against: Option<&'a Arc<RankSnapshot>>,
    /// The target's images.
    pub images: Option<&'a Arc<Images>>,
    /// In which order.
    pub sort: QuerySort,
    /// Only queries whose first hit is wrong.
    pub wrong_only: bool,
    /// Only queries that it lets pass.
    pub filter: &'a Terms,
    /// Text of that filter.
    pub text: &'a str,
    /// Whether labels may be used; without them all queries stand in their order.
    pub truth: bool,
    /// Whether rows show junk, and how many hits.
    pub shown: (bool, usize),
}

/// The list, kept until something that it depends on changes.
#[derive(Default)]
pub struct QueryOrder {
    of: Option<Of>,
    /// Rows of the query split.
    pub queries: Vec<u32>,
}

/// What a list depends on.
struct Of {
    ranks: Arc<RankSnapshot>,
    against: Option<Arc<RankSnapshot>>,
    images: bool,
    sort: QuerySort,
    wrong_only: bool,
    truth: bool,
    text: String,
    /// Where the filter asks for what a row does not show.
    shown: Option<(bool, usize)>,
}

impl Of {
    fn new(wanted: &WantedQueries<'_>) -> Self {
        Self {
            ranks: Arc::clone(wanted.ranks),
            against: wanted.against.cloned(),
            images: wanted.images.is_some(),
            sort: wanted.sort,
            wrong_only: wanted.wrong_only,
            truth: wanted.truth,
            text: wanted.text.to_owned(),
            shown: wanted.filter.asks("missed").then_some(wanted.shown),
        }
    }

    fn is(&self, other: &Self) -> bool {
        let against = match (&self.against, &other.against) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        Arc::ptr_eq(&self.ranks, &other.ranks)
            && against
            && (self.images, self.sort, self.wrong_only, self.truth, self.shown)
                == (other.images, other.sort, other.wrong_only, other.truth, other.shown)
            && self.text == other.text
    }
}

impl QueryOrder {
    /// Makes the list anew where that is needed.
    pub fn refresh(&mut self, wanted: &WantedQueries<'_>) {
        let of = Of::new(wanted);
        if !self.of.as_ref().is_some_and(|known| known.is(&of)) {
            self.queries = arrange(wanted);
            self.of = Some(of);
        }
    }
}

/// The queries that count, worst AP first, equal ones in their order; perhaps only those whose first hit is wrong.
pub fn worst_first(ranks: &RankSnapshot, wrong_only: bool) -> Vec<u32> {
    let ranks = Arc::new(ranks.clone());
    arrange(&WantedQueries {
        ranks: &ranks,
        against: None,
        images: None,
        sort: QuerySort::Worst,
        wrong_only,
        filter: &Terms::default(),
        text: "",
        truth: true,
        shown: (true, 0),
    })
}

/// The queries as wanted. Where labels count, those without a match are left out: they have no AP.
pub fn arrange(wanted: &WantedQueries<'_>) -> Vec<u32> {
    let ranks = wanted.ranks;
    let wrong = |q: usize| ranks.matches(q).all(|m| m.rank != 1);
    let counts = |q: usize| !wanted.truth || (ranks.ap[q].is_finite() && (!wanted.wrong_only || wrong(q)));
    let passes = |q: usize| wanted.filter.is_empty() || facts(wanted, q).pass(wanted.filter);
    let mut queries: Vec<u32> = (0..ranks.queries()).filter(|&q| counts(q) && passes(q)).map(|q| q as u32).collect();
    if !wanted.truth {
        return queries;
    }
    let ap = |q: u32| ranks.ap[q as usize];
    let change = |q: u32| wanted.against.and_then(|b| b.ap.get(q as usize)).map_or(0.0, |b| ap(q) - b);
    match wanted.sort {
        QuerySort::Worst => queries.sort_by(|&a, &b| ap(a).total_cmp(&ap(b))),
        QuerySort::Best => queries.sort_by(|&a, &b| ap(b).total_cmp(&ap(a))),
        QuerySort::Mixed => {
            queries.sort_by(|&a, &b| ap(b).total_cmp(&ap(a)));
            queries = mixed(&queries);
        }
        QuerySort::Number => {}
        QuerySort::Lost => queries.sort_by(|&a, &b| change(a).total_cmp(&change(b))),
        QuerySort::Gained => queries.sort_by(|&a, &b| change(b).total_cmp(&change(a))),
    }
    queries
}

/// Of a list from the best to the worst: the first, the middle, the last, then the next of each.
fn mixed(sorted: &[u32]) -> Vec<u32> {
    let third = sorted.len().div_ceil(3);
    let (best, rest) = sorted.split_at(third);
    let (middle, worst) = rest.split_at(rest.len() / 2);
    // From the middle outwards, so that the first of them is the median.
    let half = middle.len() / 2;
    let from_half = (0..middle.len()).map(|i| if i % 2 == 0 { half + i / 2 } else { half - i.div_ceil(2) });
    let middle: Vec<u32> = from_half.filter_map(|at| middle.get(at).copied()).collect();
    let row = |i: usize| [best.get(i), middle.get(i), worst.iter().rev().nth(i)].into_iter().flatten().copied();
    (0..third).flat_map(row).collect()
}

fn facts(wanted: &WantedQueries<'_>, query: usize) -> QueryFacts {
    let images = wanted.images.map(|i| &**i);
    let list = HitList::of_query(wanted.ranks, query, images, wanted.truth);
    let info = images.and_then(|i| i.get(ImageRef { split: Split::Query, index: query as u32 }));
    let (junk, count) = wanted.shown;
    let missed = if wanted.filter.asks("missed") { list.missed(&list.shown(images, junk, count)).len() } else { 0 };
    QueryFacts {
        query: query as u32,
        ap: Some(wanted.ranks.ap[query]).filter(|ap| ap.is_finite()),
        pid: info.map(|row| row.pid),
        cam: info.map(|row| row.camid + 1),
        missed,
        matches: list.matches().count(),
        first: list.matches().next().map(|m| m.rank),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mixed_order_begins_with_the_best_the_median_and_the_worst_and_loses_none() {
        for n in 0..20u32 {
            let sorted: Vec<u32> = (0..n).collect();
            let mut found = mixed(&sorted);
            if n >= 3 {
                assert_eq!((found[0], found[2]), (0, n - 1));
                assert!(found[1].abs_diff(n / 2) <= 1, "{n}: {found:?}");
            }
            found.sort_unstable();
            assert_eq!(found, sorted);
        }
    }
}
