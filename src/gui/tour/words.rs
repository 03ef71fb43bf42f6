//! What a step says: its numbers are those of the run that is open.

mod trained;

use super::{Sight, StepControl, TourStep};
use crate::base::text::{count, counted, number, share};
use crate::gui::what_if::worker::{ClusterVerdict, WhatIfOutcome};
use crate::method::cluster::ClusterSummary;
use crate::method::params::table::row;
use crate::method::params::{Params, Value};
use crate::run::event::ImageMaps;
use crate::run::images::Images;
use crate::run::snapshot::{ClusterSnapshot, RankSnapshot};
use crate::run::training::TrainingSnapshot;
use crate::run::view::RunView;
use crate::study::table::ClusterTable;

/// What the numbers come from; what is not there is not said.
pub struct TourFacts<'a> {
    /// The run.
    pub view: &'a RunView,
    /// What recognises the steps.
    pub sight: &'a Sight,
    /// The epoch that is looked at, and its clustering in numbers.
    pub at: Option<(usize, &'a ClusterSummary)>,
    /// The same in labels.
    pub labels: Option<&'a ClusterSnapshot>,
    /// Its clusters.
    pub table: Option<&'a ClusterTable>,
    /// The cluster that is chosen.
    pub cluster: Option<u32>,
    /// The clusters of what is tried.
    pub outcome: Option<&'a WhatIfOutcome>,
    /// How the epoch trained.
    pub training: Option<&'a TrainingSnapshot>,
    /// Attention maps.
    pub maps: &'a [ImageMaps],
    /// Rank lists, and after how many epochs they were made.
    pub ranks: Option<(usize, &'a RankSnapshot)>,
    /// The target's images; `None` while ground truth is hidden.
    pub truth: Option<&'a Images>,
}

/// A step in words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepWords {
    /// Short paragraphs.
    pub says: Vec<String>,
    /// What to try.
    pub ask: String,
    /// What is waited for.
    pub waits: String,
    /// What came of it; said while there is something to say.
    pub found: String,
    /// Numbers beside the control: name, value, and whether it is one that is tried.
    pub numbers: Vec<(&'static str, String, bool)>,
    /// Why the step cannot be taken on this run.
    pub missing: Option<&'static str>,
    /// A cluster that shows it.
    pub cluster: Option<u32>,
}

/// A stable cluster that holds more than one person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StableNotPure {
    /// Which.
    pub cluster: u32,
    /// Its score.
    pub score: f64,
    /// Its images.
    pub size: usize,
    /// People in it.
    pub people: usize,
    /// Images of the one most of them show.
    pub most: usize,
}

/// **Ground truth**: the kept cluster with the highest score that is least pure, the larger of equals.
pub fn stable_not_pure(table: &ClusterTable, images: &Images) -> Option<StableNotPure> {
    let pid = |image: &u32| images.get(crate::gui::widgets::thumb::train(*image)).map(|row| row.pid);
    let one = |cluster: u32| {
        let row = table.row(cluster).filter(|row| row.reliable && row.score >= 0.9)?;
        let mut people = std::collections::BTreeMap::<i32, usize>::new();
        table.members(cluster).iter().filter_map(pid).for_each(|pid| *people.entry(pid).or_default() += 1);
        let most = people.values().copied().max()?;
        let size = row.size as usize;
        (people.len() > 1).then_some(StableNotPure { cluster, score: row.score, size, people: people.len(), most })
    };
    let all = (0..table.rows.len() as u32).filter_map(one);
    all.min_by(|a, b| {
        let purity = |s: &StableNotPure| s.most as f64 / s.size.max(1) as f64;
        b.score.total_cmp(&a.score).then(purity(a).total_cmp(&purity(b))).then(b.size.cmp(&a.size))
    })
}

/// A parameter's value as its row writes it.
fn written(params: &Params, key: &str) -> String {
    params.get(key).map_or(String::new(), |value| match (row(key).map(|r| r.kind), &value) {
        (Ok(crate::method::params::table::ParamKind::Float { decimals, .. }), Value::Float(x)) => number(*x, decimals),
        _ => value.to_string(),
    })
}

fn clusters(n: usize) -> String {
    counted(n, "cluster", "clusters")
}

impl TourFacts<'_> {
    /// The words of a step.
    pub fn words(&self, step: TourStep) -> StepWords {
        let words = match step {
            TourStep::Loop => self.around(),
            TourStep::Sees => self.sees(),
            TourStep::Jaccard => self.jaccard(),
            TourStep::Radii => self.radii(),
            TourStep::Threshold => self.threshold(),
            TourStep::Memory => self.memory(),
            TourStep::Attention => self.attention(),
            TourStep::Retrieval => self.retrieval(),
        };
        let missing = words.missing.or(match (self.at, step) {
            (None, _) => Some("This run has no clustering yet. The run that comes with the program has all of it."),
            _ => None,
        });
        StepWords { missing, ..words }
    }

    /// "Drag it from … to …."
    fn drag(&self, step: TourStep) -> Option<(String, String, String)> {
        let run = self.sight.run.as_ref()?;
        let StepControl::Try { key, aim } = step.control(run) else { return None };
        let label = row(key).ok()?.label.to_owned();
        let mut to = run.clone();
        let whole = matches!(run.get(key), Ok(Value::Int(_)));
        let value = if whole { Value::Int(aim as i64) } else { Value::Float(aim) };
        to.set(key, &value).ok()?;
        Some((label, written(run, key), written(&to, key)))
    }

    fn around(&self) -> StepWords {
        let view = self.view;
        let mut says = vec![
            "Nobody says who is on a photo of the target. So the method goes round: extract features, cluster them, keep what is reliable, remember it, train on it. Then again, with better features.".to_owned(),
        ];
        let noise = |c: &ClusterSummary| c.images.saturating_sub(c.kept);
        if let (Some((_, first)), Some((last, newest))) =
            (view.clusters.first_key_value(), view.clusters.last_key_value())
        {
            let (a, b) = (noise(&first.summary), noise(&newest.summary));
            let fell = if b < a { "fell" } else { "went" };
            let mut line = format!("This run went round {}. ", counted(last + 1, "time", "times"));
            line += &format!("Photos outside reliable clusters {fell} from {} to {}", count(a), count(b));
            let map = |r: Option<(&usize, &crate::run::event::Retrieval)>| r.map(|(_, r)| 100.0 * r.mAP);
            let (before, after) =
                (map(view.target_retrieval.first_key_value()), map(view.target_retrieval.last_key_value()));
            match (before, after, self.truth) {
                (Some(x), Some(y), Some(_)) => {
                    line += &format!("; mAP went from {} (source only) to {}.", number(x, 1), number(y, 1));
                }
                _ => line += ".",
            }
            says.push(line);
        }
        let mut numbers = Vec::new();
        if let Some((epoch, summary)) = self.at {
            numbers.push(("epoch", format!("{} of {}", epoch + 1, view.clusters.len().max(epoch + 1)), false));
            numbers.push(("clusters", count(summary.clusters[0]), false));
            numbers.push(("not in a reliable one", count(noise(summary)), false));
        }
        StepWords {
            says,
            ask: "Go to epoch 1 and play: ▶ below, or Home and K. Watch the boxes.".to_owned(),
            waits: "Waiting for epoch 1 and two more".to_owned(),
            found: "You went round: the same boxes, each time with better features.".to_owned(),
            numbers,
            ..StepWords::default()
        }
    }

    /// Clusters, outliers and purity: the run's, or what is tried.
    fn counts(&self) -> Vec<(&'static str, String, bool)> {
        let Some((_, run)) = self.at else { return Vec::new() };
        let shown = self.outcome.map_or(run, |o| &o.summary);
        let tried = self.outcome.is_some();
        let mut numbers =
            vec![("clusters", count(shown.clusters[0]), tried), ("photos in none", count(shown.noise[0]), tried)];
        if let (Some(q), Some(_)) = (shown.quality, self.truth) {
            numbers.push(("purity", number(q.purity, 3), tried));
        }
        numbers
    }

    fn sees(&self) -> StepWords {
        let images = self.at.map_or(0, |(_, s)| s.images);
        let drag = self.drag(TourStep::Sees);
        let mut found = String::new();
        if let (Some((_, run)), Some(outcome)) = (self.at, self.outcome) {
            let of = |v: fn(&ClusterVerdict) -> bool| outcome.verdicts.iter().filter(|x| v(x)).count();
            let merged = of(|v| matches!(v, ClusterVerdict::Merges));
            let split = of(|v| matches!(v, ClusterVerdict::Splits(_) | ClusterVerdict::Dissolves));
            found = format!("{} became {}", clusters(run.clusters[0]), count(outcome.summary.clusters[0]));
            if merged > 0 {
                found += &format!("; {} went up in larger ones", count(merged));
            }
            if split > 0 {
                found += &format!("; {} fell apart", count(split));
            }
            found += ".";
            if let (Some(a), Some(b), Some(_)) = (run.quality, outcome.summary.quality, self.truth) {
                found += &format!(" Purity went from {} to {}.", number(a.purity, 3), number(b.purity, 3));
            }
        }
        StepWords {
            says: vec![
                format!("To clustering, {} are points, and nothing else: near each other where the network finds them alike. A colour is a cluster, not a name.", counted(images, "photo", "photos")),
                "Two points are joined where they are no farther apart than eps. Whoever hangs together by such steps is one cluster; who has too few neighbours is in none.".to_owned(),
            ],
            ask: drag.as_ref().map_or(String::new(), |(label, from, to)| {
                format!("Drag {label} from {from} to {to}. What becomes of the islands?")
            }),
            waits: "Waiting for the slider".to_owned(),
            found,
            numbers: self.counts(),
            ..StepWords::default()
        }
    }

    fn jaccard(&self) -> StepWords {
        let mut says = vec![
            "Plain distance is fooled by strangers in the same coat. The Jaccard distance asks something else: do the two have the same neighbours? Only neighbours that name each other count.".to_owned(),
        ];
        if let (Some(labels), Some(images)) = (self.labels.filter(|l| l.k > 1), self.truth) {
            let pid = |i: usize| images.get(crate::gui::widgets::thumb::train(i as u32)).map(|row| row.pid);
            let n = labels.labels.len();
            let wrong = (0..n).filter(|&i| pid(i) != pid(labels.knn_index[i * labels.k + 1] as usize)).count();
            says.push(format!("Here the nearest other photo shows somebody else for {} of {} photos. k1 is how many neighbours are asked.", count(wrong), count(n)));
        }
        let drag = self.drag(TourStep::Jaccard);
        let mut found = String::new();
        if let (Some((_, run)), Some(outcome)) = (self.at, self.outcome) {
            let now = &outcome.summary;
            found = format!(
                "{} became {}; photos in none went from {} to {}.",
                clusters(run.clusters[0]),
                count(now.clusters[0]),
                count(run.noise[0]),
                count(now.noise[0])
            );
            if self.sight.run.as_ref().is_some_and(|run| self.sight.draft.k1 < run.k1) {
                found += " Fewer neighbours are asked, so chance decides more.";
            }
        }
        StepWords {
            says,
            ask: drag.as_ref().map_or(String::new(), |(label, from, to)| {
                format!("Drag {label} from {from} down to {to} and look at the counts.")
            }),
            waits: "Waiting for the slider".to_owned(),
            found,
            numbers: self.counts(),
            missing: self.no_radii(),
            ..StepWords::default()
        }
    }

    fn no_radii(&self) -> Option<&'static str> {
        let (_, summary) = self.at?;
        (!summary.has_radii())
            .then_some("This run was clustered without radii (k-means). The run that comes with the program has them.")
    }

    /// Kept, dropped and outliers: the run's, or what is tried.
    fn kept(&self) -> Vec<(&'static str, String, bool)> {
        let Some((_, run)) = self.at else { return Vec::new() };
        let shown = self.outcome.map_or(run, |o| &o.summary);
        let tried = self.outcome.is_some();
        vec![
            ("clusters kept", count(shown.reliable), tried),
            ("clusters dropped", count(shown.clusters[0].saturating_sub(shown.reliable)), tried),
            ("photos outside", count(shown.images.saturating_sub(shown.kept)), tried),
        ]
    }

    fn radii(&self) -> StepWords {
        let mut says = vec![
            "We cluster three times: at eps, a little tighter and a little looser. Δd is that little step.".to_owned(),
            "A good cluster keeps its members at all three radii. One that swallows strangers as soon as the radius grows is not to be trusted. The score is the share that never changes: members in all three, divided by members in any (Eq. 8).".to_owned(),
        ];
        let shaky = self.table.and_then(|table| table.worst_first.first().map(|c| (table, *c)));
        let cluster = shaky.map(|(_, cluster)| cluster);
        let chosen = self.table.and_then(|table| Some((table, self.cluster.or(cluster)?)));
        if let Some((row, cluster)) = chosen.and_then(|(table, c)| Some((table.row(c)?, c))) {
            let [tight, normal, loose] = row.radii;
            says.push(format!(
                "Cluster {cluster} here: {tight} at the tight, {normal} at the normal, {loose} at the loose radius. Score {}.",
                share(row.score)
            ));
        }
        let mut found = String::new();
        if let (Some((_, run)), Some(outcome)) = (self.at, self.outcome) {
            found = format!(
                "Of {} {} were kept; now it is {} of {}.",
                clusters(run.clusters[0]),
                count(run.reliable),
                count(outcome.summary.reliable),
                count(outcome.summary.clusters[0])
            );
        }
        StepWords {
            says,
            ask: self.drag(TourStep::Radii).map_or(String::new(), |(label, from, to)| {
                format!("Drag {label} from {from} to {to}. How many clusters fall below the threshold?")
            }),
            waits: "Waiting for the slider".to_owned(),
            found,
            numbers: self.kept(),
            missing: self.no_radii(),
            cluster,
        }
    }

    fn threshold(&self) -> StepWords {
        let mut says = vec![
            "Clusters that score below the threshold are no people in this epoch: each of their photos is a class of its own. They try again in the next one, with better features: from coarse to fine.".to_owned(),
            "Whether that pays is another question: on the drawn people of the demo the filter alone wins no mAP, the memory does (docs/METHOD.md).".to_owned(),
        ];
        let example = self.table.zip(self.truth).and_then(|(table, images)| stable_not_pure(table, images));
        match (example, self.truth) {
            (Some(e), _) => says.push(format!(
                "Stable is not pure. Cluster {} scores {}, yet its {} show {} people; the most frequent one is on {} of them. Eq. 8 sees that nothing changes, not that it is right.",
                e.cluster,
                share(e.score),
                counted(e.size, "photo", "photos"),
                count(e.people),
                count(e.most),
            )),
            (None, Some(_)) => says.push("Stable is not pure: Eq. 8 sees that a cluster does not change, not that it is right. In this epoch every stable cluster happens to be one person.".to_owned()),
            (None, None) => says.push("Stable is not pure: Eq. 8 sees that a cluster does not change, not that it is right. Show ground truth (Ctrl G) for an example.".to_owned()),
        }
        let mut found = String::new();
        if let (Some((_, run)), Some(outcome)) = (self.at, self.outcome) {
            found = format!("Photos that keep a label: {} became {}.", count(run.kept), count(outcome.summary.kept));
            if let (Some(a), Some(b), Some(_)) = (run.quality, outcome.summary.quality, self.truth) {
                let [before, after] = [a.purity, b.purity].map(|purity| number(100.0 * purity, 1));
                found += &format!(" Of those, {before} % had the right one, now {after} %.");
            }
        }
        StepWords {
            says,
            ask: self.drag(TourStep::Threshold).map_or(String::new(), |(_, from, to)| {
                format!("Drag the threshold from {from} to {to}. What is lost, what is won?")
            }),
            waits: "Waiting for the slider".to_owned(),
            found,
            numbers: self.kept(),
            missing: self.no_radii(),
            cluster: example.map(|e| e.cluster),
        }
    }
}
