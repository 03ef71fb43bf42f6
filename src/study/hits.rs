//! What stands where in one rank list, and whether it is right.

use crate::run::event::{ImageRef, RankQuery, Ranking, Split};
use crate::run::images::Images;
use crate::run::snapshot::RankSnapshot;

/// What a hit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HitVerdict {
    /// The same person, seen by another camera.
    Match,
    /// Another person.
    Mismatch,
    /// The same person, seen by the same camera: not counted.
    Junk,
    /// The same person, farther down than what is shown.
    Missed,
    /// No match; whether it is junk cannot be told without the list of images.
    Unknown,
    /// Nobody says: the query's person is not known, or labels are not to be shown.
    Unjudged,
}

/// An image of the gallery at its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Row of the gallery.
    pub index: u32,
    /// From 1, junk not counted; `None` for junk.
    pub rank: Option<u32>,
    /// Distance to the query.
    pub distance: f32,
    /// What it is.
    pub verdict: HitVerdict,
}

/// One query's row of a ranking.
#[derive(Clone, Copy)]
pub struct HitList<'a> {
    /// The ranking of all queries.
    pub ranks: &'a RankSnapshot,
    /// Which of its rows.
    pub row: usize,
    /// Whether hits are right or wrong.
    pub judged: bool,
    /// The query's identity, where it is known.
    pub own: Option<i32>,
}

impl<'a> HitList<'a> {
    /// Row `query` of an evaluation.
    pub fn of_query(ranks: &'a RankSnapshot, query: usize, images: Option<&Images>, truth: bool) -> Self {
        let image = ImageRef { split: Split::Query, index: query as u32 };
        Self { ranks, row: query, judged: truth, own: images.and_then(|i| i.get(image)).map(|row| row.pid) }
    }

    /// An answer, made into a ranking by [`as_snapshot`].
    pub fn of_answer(ranks: &'a RankSnapshot, of: &Ranking, images: Option<&Images>, truth: bool) -> Self {
        let own = match &of.query {
            RankQuery::Image(image) if image.split != Split::Train => images.and_then(|i| i.get(*image)).map(|r| r.pid),
            RankQuery::Image(_) | RankQuery::File(_) => None,
        };
        // People of number 0 and less are in the gallery to distract: who they are is not known.
        let known = of.ap.is_some() || own.is_some_and(|pid| pid > 0);
        Self { ranks, row: 0, judged: truth && known, own }
    }

    /// True matches; none where nothing is judged.
    pub fn matches(&self) -> impl Iterator<Item = crate::run::snapshot::Match> + 'a {
        let judged = self.judged;
        self.ranks.matches(self.row).take_while(move |_| judged)
    }

    /// All hits that were kept, junk included.
    pub fn ranked(&self, images: Option<&Images>) -> Vec<Hit> {
        let matches: Vec<_> = self.matches().collect();
        let pid = |index: u32| images.and_then(|i| i.get(ImageRef { split: Split::Gallery, index })).map(|r| r.pid);
        let mut rank = 0;
        let verdict = |index: u32| match self.own {
            _ if !self.judged => HitVerdict::Unjudged,
            _ if matches.iter().any(|m| m.index == index) => HitVerdict::Match,
            None => HitVerdict::Unknown,
            own if pid(index) == own => HitVerdict::Junk,
            Some(_) => HitVerdict::Mismatch,
        };
        let hits = self.ranks.hits(self.row).map(|(index, distance)| {
            let verdict = verdict(index);
            rank += u32::from(verdict != HitVerdict::Junk);
            let rank = match verdict {
                HitVerdict::Match => matches.iter().find(|m| m.index == index).map(|m| m.rank),
                HitVerdict::Mismatch | HitVerdict::Missed | HitVerdict::Unjudged => Some(rank),
                HitVerdict::Junk | HitVerdict::Unknown => None,
            };
            Hit { index, rank, distance, verdict }
        });
        hits.collect()
    }

    /// The first `count` hits. When true matches lie farther down, the last place goes to the first of them.
    pub fn shown(&self, images: Option<&Images>, junk: bool, count: usize) -> Vec<Hit> {
        let mut all = self.ranked(images);
        all.retain(|hit| junk || hit.verdict != HitVerdict::Junk);
        all.truncate(count);
        let missing = |all: &[Hit]| self.matches().find(|m| !all.iter().any(|h| h.index == m.index));
        if count > 1 && missing(&all).is_some() {
            all.truncate(count - 1);
            let first = missing(&all);
            all.extend(first.map(|m| Hit {
                index: m.index,
                rank: Some(m.rank),
                distance: m.distance,
                verdict: HitVerdict::Missed,
            }));
        }
        all
    }

    /// Ranks of the true matches that stand nowhere among `shown` but perhaps as the first that is missed.
    pub fn missed(&self, shown: &[Hit]) -> Vec<u32> {
        let seen = |index: u32| shown.iter().any(|h| h.index == index && h.verdict == HitVerdict::Match);
        self.matches().filter(|m| !seen(m.index)).map(|m| m.rank).collect()
    }

    /// The rank that a gallery image has here; `None` where it is junk or farther down than what was kept.
    pub fn rank_of(&self, index: u32, ranked: &[Hit]) -> Option<u32> {
        let matched = self.matches().find(|m| m.index == index).map(|m| m.rank);
        matched.or_else(|| ranked.iter().find(|h| h.index == index).and_then(|h| h.rank))
    }
}

/// An answer as a ranking of one query.
pub fn as_snapshot(of: &Ranking) -> RankSnapshot {
    RankSnapshot {
        ap: vec![of.ap.unwrap_or(f64::NAN)],
        top: of.gallery.len(),
        ranks: of.gallery.clone(),
        distances: of.distances.clone(),
        match_indptr: vec![0, of.matches.len() as u32],
        match_index: of.matches.iter().map(|m| m.index).collect(),
        match_rank: of.matches.iter().map(|m| m.rank).collect(),
        match_distance: of.matches.iter().map(|m| m.distance).collect(),
    }
}
