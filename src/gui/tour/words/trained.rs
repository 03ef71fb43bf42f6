//! The last three steps: what is remembered, where the network looks, who is found again.

use super::{StepWords, TourFacts};
use crate::base::text::{count, number, percent};
use crate::study::remembered::{row_turns, visits_to_follow};

impl TourFacts<'_> {
    pub(super) fn memory(&self) -> StepWords {
        let Some(training) = self.training.filter(|t| !t.memory.iters.is_empty()) else {
            let missing = Some(
                "This run has no record of its memory: it is older than that, or trains without one. The run that comes with the program has it.",
            );
            return StepWords { missing, ..StepWords::default() };
        };
        let mean = |values: &[f32]| f64::from(values.iter().sum::<f32>() / values.len().max(1) as f32);
        let (apart, turned) = (mean(&training.memory.apart), mean(&training.memory.row_turned));
        let beta = self.sight.beta.unwrap_or(training.beta);
        let turns = row_turns(apart, beta);
        let visits = |beta| visits_to_follow(apart, beta).map_or("more than 1,000".to_owned(), count);
        let says = vec![
            "The network trains against what it remembers: a row for each photo, and the mean of a cluster's rows as its centroid (Eq. 9). After each step the rows of the batch are renewed (Eq. 10): β of the old stays.".to_owned(),
            format!(
                "In this epoch a new feature stood {}° from its row on average; with β {} the row turned {}° of that.",
                number(apart, 1),
                number(training.beta, 2),
                number(turned, 1)
            ),
        ];
        let tried = self.sight.beta.is_some_and(|b| (b - training.beta).abs() > 1e-9);
        let found = if tried {
            format!(
                "With β {} a row turns {}° instead of {}°: after {} visits it has come nine tenths of the way, with β {} after {}.",
                number(beta, 2),
                number(turns, 1),
                number(row_turns(apart, training.beta), 1),
                visits(beta),
                number(training.beta, 2),
                visits(training.beta),
            )
        } else {
            String::new()
        };
        StepWords {
            says,
            ask: "Drag β to 0.90, a memory that is nearly frozen. How long does a row need to follow?".to_owned(),
            waits: "Waiting for the slider".to_owned(),
            found,
            numbers: vec![
                ("a row turns", format!("{}°", number(turns, 1)), tried),
                ("is left behind", format!("{}°", number(apart - turns, 1)), tried),
                ("visits to follow", visits(beta), tried),
            ],
            ..StepWords::default()
        }
    }

    pub(super) fn attention(&self) -> StepWords {
        if self.maps.is_empty() {
            let missing = Some("This run has no attention maps. The run that comes with the program has them.");
            return StepWords { missing, ..StepWords::default() };
        }
        let range = |name: &str| {
            let values = self.maps.iter().flat_map(|i| &i.maps).filter(|m| m.name == name).flat_map(|m| &m.values);
            values.fold(None, |seen: Option<[f32; 2]>, &x| {
                Some(seen.map_or([x, x], |[low, high]| [low.min(x), high.max(x)]))
            })
        };
        let mut says = vec![
            "Two blocks weigh what the network looks at, before layer1 and after layer4. Coordinate attention gives each row and each column a weight from 0 to 1 (Eq. 1 to 6); triplet attention does so on three planes and takes the mean (Eq. 7).".to_owned(),
        ];
        let mut numbers = Vec::new();
        let ranges = [("rows", range("layer1.coordinate.h")), ("columns", range("layer1.coordinate.w"))];
        for (name, [low, high]) in ranges.into_iter().filter_map(|(name, range)| Some((name, range?))) {
            numbers.push((name, format!("{} – {}", number(f64::from(low), 2), number(f64::from(high), 2)), false));
        }
        if let [Some([low, high]), ..] = ranges.map(|(_, range)| range) {
            says.push(format!(
                "On the watched photos the rows' weights before layer1 lie between {} and {} in this epoch. Where all are the same, the block has nothing to say yet.",
                number(f64::from(low), 2),
                number(f64::from(high), 2)
            ));
        }
        StepWords {
            says,
            ask: "Go to epoch 1 (Home), then back to the newest (End). Does it look at other places?".to_owned(),
            waits: "Waiting for epoch 1 and another one".to_owned(),
            found: "The same photos, two epochs: the scale beside each map says how much really changed.".to_owned(),
            numbers,
            ..StepWords::default()
        }
    }

    pub(super) fn retrieval(&self) -> StepWords {
        let Some((done, ranks)) = self.ranks.filter(|(_, r)| r.queries() > 0) else {
            let missing = Some("This run has no rank lists. The run that comes with the program has them.");
            return StepWords { missing, ..StepWords::default() };
        };
        if self.truth.is_none() {
            let missing = Some("Whether an answer is right only ground truth tells. Show it (Ctrl G) for this step.");
            return StepWords { missing, ..StepWords::default() };
        }
        let mut says =
            vec!["All of it is for one question: where else was this person? The gallery is sorted by distance to the query; right answers should come first, from other cameras.".to_owned()];
        let mut aps: Vec<f64> = ranks.ap.iter().copied().filter(|ap| !ap.is_nan()).collect();
        aps.sort_by(f64::total_cmp);
        let measured = self.view.target_retrieval.get(&done);
        if let (Some(worst), Some(best)) = (aps.first(), aps.last()) {
            let first = measured.and_then(|r| r.cmc.first()).map_or(String::new(), |c| {
                format!("For {} % of the queries the first answer is right. ", number(100.0 * c, 1))
            });
            says.push(format!(
                "{first}The best query has an average precision of {}, the median {}, the worst {}; their mean is the mAP.",
                number(*best, 2),
                number(aps[aps.len() / 2], 2),
                number(*worst, 2)
            ));
        }
        let mut numbers = Vec::new();
        if let Some(r) = measured {
            numbers.push(("mAP", percent(r.mAP, 1), false));
        }
        let mut found = String::new();
        if let Some(query) = self.sight.query.filter(|q| (*q as usize) < ranks.queries()) {
            let at: Vec<String> = ranks.matches(query as usize).take(6).map(|m| count(m.rank as usize)).collect();
            let ap = ranks.ap[query as usize];
            numbers.push(("AP of this query", if ap.is_nan() { "–".to_owned() } else { number(ap, 2) }, false));
            if !at.is_empty() {
                found = format!("Query {query}: its matches stand at {}. AP {}.", at.join(", "), number(ap, 2));
            }
        }
        StepWords {
            says,
            ask: "Choose another query: here, or by a click on its photo. Where do its matches stand?".to_owned(),
            waits: "Waiting for another query".to_owned(),
            found,
            numbers,
            ..StepWords::default()
        }
    }
}
