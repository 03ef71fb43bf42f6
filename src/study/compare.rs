//! Several runs in one table: results with their differences to a baseline, the parameters that differ, and what
//! chance has to do with it.

use serde::Serialize;

use super::outline::Outline;
use super::pairing::{ClusterPair, PerQuery, RunSide, clusters, per_query};
use super::statistics::{Spread, spread};
use crate::method::evaluate::Retrieval;
use crate::method::params::table::ROWS;

/// Results of one evaluation, as fractions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Metrics {
    #[serde(rename = "mAP")]
    pub map: f64,
    #[serde(rename = "rank-1")]
    pub rank1: f64,
    #[serde(rename = "rank-5")]
    pub rank5: f64,
    #[serde(rename = "rank-10")]
    pub rank10: f64,
}

impl Metrics {
    /// Their names, in the order of [`Metrics::values`].
    pub const NAMES: [&'static str; 4] = ["mAP", "rank-1", "rank-5", "rank-10"];

    /// Those of an evaluation.
    pub fn of(r: &Retrieval) -> Self {
        Self { map: r.mAP, rank1: r.cmc[0], rank5: r.cmc[1], rank10: r.cmc[2] }
    }

    /// In the order of [`Metrics::NAMES`].
    pub fn values(&self) -> [f64; 4] {
        [self.map, self.rank1, self.rank5, self.rank10]
    }

    fn minus(&self, other: &Self) -> Self {
        Self {
            map: self.map - other.map,
            rank1: self.rank1 - other.rank1,
            rank5: self.rank5 - other.rank5,
            rank10: self.rank10 - other.rank10,
        }
    }
}

/// One run's row.
#[derive(Clone, Debug, Serialize)]
pub struct RunRow {
    /// The run folder.
    pub run: std::path::PathBuf,
    /// Its name.
    pub name: String,
    /// Name of the source dataset.
    pub source: String,
    /// Name of the target dataset.
    pub target: String,
    /// The seed.
    pub seed: u64,
    /// done, stopped, failed, paused, running.
    pub state: &'static str,
    /// Adaptation epochs done at the evaluation that is shown.
    pub epoch: Option<usize>,
    /// Adaptation epochs done in all.
    pub epochs: usize,
    /// Seconds of work.
    pub seconds: f64,
    /// The results; `None` before the first evaluation.
    pub metrics: Option<Metrics>,
    /// The results less those of the baseline; `None` for the baseline itself.
    pub difference: Option<Metrics>,
    /// The best mAP over its epochs by the target's test labels, with the epochs done: an oracle.
    pub best_oracle: Option<(usize, f64)>,
    /// Results before adaptation.
    pub source_only: Option<Metrics>,
    /// Whether people said anything of single images: such a run is not unsupervised.
    pub by_hand: bool,
}

/// A parameter that is not the same in all runs.
#[derive(Clone, Debug, Serialize)]
pub struct Differing {
    /// Its key.
    pub key: &'static str,
    /// Its value in each run, in the order of the runs.
    pub values: Vec<String>,
}

/// Runs that differ in their seed alone.
#[derive(Clone, Debug, Serialize)]
pub struct Seeds {
    /// Their names.
    pub runs: Vec<String>,
    /// Their seeds.
    pub seeds: Vec<u64>,
    /// mAP over them.
    #[serde(rename = "mAP")]
    pub map: Option<Spread>,
    /// Rank-1 over them.
    #[serde(rename = "rank-1")]
    pub rank1: Option<Spread>,
}

/// Runs beside one another.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// Name of the run that the others are compared with.
    pub baseline: String,
    /// A row a run, in the order they were named.
    pub runs: Vec<RunRow>,
    /// The parameters that differ, and no others.
    pub parameters: Vec<Differing>,
    /// Each run against the baseline, query by query.
    pub per_query: Vec<PerQuery>,
    /// The clusters of each run against those of the baseline.
    pub clusters: Vec<ClusterPair>,
    /// Groups of at least two runs that differ in their seed alone.
    pub seeds: Vec<Seeds>,
    /// What stands in the way of a fair comparison, a sentence each.
    pub warnings: Vec<String>,
}

/// Compares runs; `baseline` is the place of the one that the others are compared with. `epoch` asks for the
/// evaluation after that many adaptation epochs, else each run's last counts.
pub fn compare(runs: &[Outline], baseline: usize, epoch: Option<usize>) -> Comparison {
    let chosen = |run: &Outline| -> Option<(usize, Retrieval)> {
        match epoch {
            Some(epoch) => run.target.get(&epoch).map(|r| (epoch, r.clone())),
            None => run.last().map(|(e, r)| (e, r.clone())),
        }
    };
    let results: Vec<Option<(usize, Retrieval)>> = runs.iter().map(chosen).collect();
    let base = results.get(baseline).cloned().flatten().map(|(_, r)| Metrics::of(&r));
    let rows = runs.iter().zip(&results).enumerate();
    let rows: Vec<RunRow> =
        rows.map(|(i, (run, result))| row(run, result.as_ref(), base.filter(|_| i != baseline))).collect();
    let mut warnings = warnings(runs, &results, epoch);
    let (mut queries, mut formed) = (Vec::new(), Vec::new());
    let sides: Vec<RunSide<'_>> =
        runs.iter().zip(&results).map(|(run, r)| RunSide::new(run, r.as_ref().map_or(0, |(e, _)| *e))).collect();
    if let Some(base) = sides.get(baseline) {
        for (i, side) in sides.iter().enumerate().filter(|(i, _)| *i != baseline) {
            if results[i].is_some() && results[baseline].is_some() {
                sort(per_query(side, base), &mut queries, &mut warnings);
            }
            if !side.run.clusters.is_empty() && !base.run.clusters.is_empty() {
                sort(clusters(side, base), &mut formed, &mut warnings);
            }
        }
    }
    Comparison {
        baseline: runs.get(baseline).map_or_else(String::new, |r| r.name.clone()),
        runs: rows,
        parameters: differing(runs),
        per_query: queries,
        clusters: formed,
        seeds: seeds(runs, &results),
        warnings,
    }
}

fn sort<T>(result: Result<T, String>, good: &mut Vec<T>, warnings: &mut Vec<String>) {
    match result {
        Ok(value) => good.push(value),
        Err(warning) => {
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
    }
}

fn row(run: &Outline, result: Option<&(usize, Retrieval)>, base: Option<Metrics>) -> RunRow {
    let metrics = result.map(|(_, r)| Metrics::of(r));
    RunRow {
        run: run.dir.clone(),
        name: run.name.clone(),
        source: run.manifest.source.clone(),
        target: run.manifest.target.clone(),
        seed: run.manifest.seed,
        state: run.state_word(),
        epoch: result.map(|(e, _)| *e),
        epochs: run.epochs,
        seconds: run.seconds,
        difference: metrics.zip(base).map(|(m, b)| m.minus(&b)),
        metrics,
        best_oracle: run.best_oracle().map(|(e, r)| (e, r.mAP)),
        source_only: run.target.get(&0).map(Metrics::of),
        by_hand: run.manifest.by_hand,
    }
}

/// The parameters that differ between the runs, in the table's order, changes on the way included.
pub fn differing(runs: &[Outline]) -> Vec<Differing> {
    let all =
        ROWS.iter().map(|row| Differing { key: row.key, values: runs.iter().map(|r| r.value(row.key)).collect() });
    all.filter(|d| d.values.windows(2).any(|pair| pair[0] != pair[1])).collect()
}

fn seeds(runs: &[Outline], results: &[Option<(usize, Retrieval)>]) -> Vec<Seeds> {
    let same = |a: &Outline, b: &Outline| {
        let alike = ROWS.iter().filter(|row| row.key != "seed").all(|row| a.value(row.key) == b.value(row.key));
        alike && a.manifest.source == b.manifest.source && a.manifest.target == b.manifest.target
    };
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (i, run) in runs.iter().enumerate() {
        match groups.iter_mut().find(|g| same(&runs[g[0]], run)) {
            Some(group) => group.push(i),
            None => groups.push(vec![i]),
        }
    }
    let value = |group: &[usize], pick: fn(&Retrieval) -> f64| {
        spread(&group.iter().filter_map(|&i| results[i].as_ref().map(|(_, r)| pick(r))).collect::<Vec<_>>())
    };
    groups
        .into_iter()
        .filter(|g| g.len() > 1)
        .map(|g| Seeds {
            runs: g.iter().map(|&i| runs[i].name.clone()).collect(),
            seeds: g.iter().map(|&i| runs[i].manifest.seed).collect(),
            map: value(&g, |r| r.mAP),
            rank1: value(&g, |r| r.cmc[0]),
        })
        .collect()
}

fn warnings(runs: &[Outline], results: &[Option<(usize, Retrieval)>], epoch: Option<usize>) -> Vec<String> {
    let mut found = Vec::new();
    for (run, result) in runs.iter().zip(results) {
        match (result, epoch) {
            (None, Some(epoch)) => found.push(format!("{} was not evaluated after {epoch} epochs", run.name)),
            (None, None) => found.push(format!("{} was not evaluated on its target yet", run.name)),
            _ => {}
        }
        if run.state_word() != "done" {
            found.push(format!("{} is {}: its last evaluation may not be its end", run.name, run.state_word()));
        }
    }
    let mut differ = |what: &str, of: &dyn Fn(&Outline) -> String| {
        let mut values: Vec<String> = runs.iter().map(of).collect();
        values.sort();
        values.dedup();
        if values.len() > 1 {
            found.push(format!("the runs have not the same {what}: {}", values.join(", ")));
        }
    };
    differ("target", &|r| r.manifest.target.clone());
    differ("source", &|r| r.manifest.source.clone());
    let epochs: Vec<usize> = results.iter().flatten().map(|(e, _)| *e).collect();
    if epochs.windows(2).any(|pair| pair[0] != pair[1]) {
        let text = epochs.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
        found.push(format!("the runs are compared after another number of epochs: {text}"));
    }
    found
}
