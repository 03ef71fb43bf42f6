//! The trials of a sweep as a table: those that differ in their seed alone are one line, beside the paper's where it
//! has the same row.

use std::collections::BTreeMap;

use serde::Serialize;

use super::published::{self, PublishedResult};
use super::statistics::{Spread, spread};
use crate::run::TrialRow;

/// One setting over its seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SettingLine {
    /// Key and value, without the seed.
    pub settings: BTreeMap<String, String>,
    /// Its trials.
    pub trials: Vec<usize>,
    /// How many of them are done; the figures are over those.
    pub done: usize,
    /// mAP, fractions.
    #[serde(rename = "mAP")]
    pub map: Option<Spread>,
    /// Rank-1.
    #[serde(rename = "rank-1")]
    pub rank1: Option<Spread>,
    /// Rank-5.
    #[serde(rename = "rank-5")]
    pub rank5: Option<Spread>,
    /// Rank-10.
    #[serde(rename = "rank-10")]
    pub rank10: Option<Spread>,
    /// Silhouette.
    pub silhouette: Option<Spread>,
    /// Seconds of work.
    pub seconds: Option<Spread>,
    /// The same row in the paper.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paper: Vec<Paper>,
}

/// A row of the paper.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Paper {
    /// `Table 2`.
    pub table: String,
    /// The source dataset.
    pub source: String,
    /// The target dataset.
    pub target: String,
    /// mAP, a fraction.
    #[serde(rename = "mAP")]
    pub map: f64,
    /// Rank-1.
    #[serde(rename = "rank-1")]
    pub rank1: Option<f64>,
}

/// Settings without the seed, and the trials that have them.
type Group<'a> = (Vec<(String, String)>, Vec<&'a TrialRow>);

/// The table, in the order in which settings first occur.
pub fn table<'a>(trials: impl IntoIterator<Item = &'a TrialRow>) -> Vec<SettingLine> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for trial in trials {
        let settings: Vec<_> = trial.settings.iter().filter(|(k, _)| k != "seed").cloned().collect();
        match groups.iter_mut().find(|(known, _)| *known == settings) {
            Some((_, group)) => group.push(trial),
            None => groups.push((settings, vec![trial])),
        }
    }
    let published = published::all().unwrap_or_default();
    groups.iter().map(|(settings, group)| line(settings, group, &published)).collect()
}

fn line(settings: &[(String, String)], group: &[&TrialRow], published: &[PublishedResult]) -> SettingLine {
    let done: Vec<&&TrialRow> = group.iter().filter(|t| t.state == "done").collect();
    let over =
        |pick: &dyn Fn(&TrialRow) -> Option<f64>| spread(&done.iter().filter_map(|t| pick(t)).collect::<Vec<_>>());
    let own = |key: &str| settings.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
    let same = |p: &&PublishedResult| {
        let (preset, stages) = (own("preset"), own("attention.positions"));
        p.group == "ablation"
            && ((preset.is_some() && p.preset.as_deref() == preset)
                || (stages.is_some() && p.stages.as_deref() == stages))
    };
    let paper = published.iter().filter(same).map(|p| Paper {
        table: p.table.clone(),
        source: p.source.clone(),
        target: p.target.clone(),
        map: p.map / 100.0,
        rank1: p.rank1.map(|r| r / 100.0),
    });
    SettingLine {
        settings: settings.iter().cloned().collect(),
        trials: group.iter().map(|t| t.trial).collect(),
        done: done.len(),
        map: over(&|t| t.map),
        rank1: over(&|t| t.rank1),
        rank5: over(&|t| t.rank5),
        rank10: over(&|t| t.rank10),
        silhouette: over(&|t| t.silhouette),
        seconds: over(&|t| Some(t.seconds)),
        paper: paper.collect(),
    }
}
