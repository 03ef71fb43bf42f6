//! The numbers of a run: `metrics.csv` a row an epoch, `steps.csv` a row an iteration, `metrics.json` all, and the
//! table that a paper has, `metrics.md` and `metrics.tex`.
//!
//! Epochs and iterations count from 1, as in the window. Epoch 3 is the third: the clustering that it began with, the
//! training, and the evaluation after it. Row 0 is the source-only model.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::{ExportError, paper, write};
use crate::method::params::table;
use crate::run::event::{Phase, Step};
use crate::run::view::{Curves, Series};
use crate::run::{RunReader, RunView};

/// One row of a table, its columns in order.
type Row = Vec<(String, Value)>;

/// Writes `metrics.csv`, `steps.csv`, `metrics.json`, `metrics.md` and `metrics.tex` into `out`, and says which files.
/// Fractions are 0..=1 in CSV and JSON, percent for reading; what was not computed, or is not a number, is empty
/// (`null` in JSON, a dash for reading).
///
/// # Errors
/// When the run cannot be read, has computed nothing yet, or a file cannot be written.
pub fn tables(run: &Path, out: &Path) -> Result<Vec<PathBuf>, ExportError> {
    let reader = RunReader::open(run)?;
    let view = RunView::of_folder(&reader);
    if !view.has_results() {
        return Err(ExportError::Empty { path: run.to_owned() });
    }
    let epochs: Vec<Row> = epochs(&view).into_iter().map(|e| epoch_row(&view, e)).collect();
    let names = part_names(&view);
    let steps = [Phase::Pretrain, Phase::Adapt].into_iter().flat_map(|phase| view.curves(phase).steps(phase));
    let steps: Vec<Row> = steps.map(|s| step_row(&names, &s)).collect();
    let json = json!({
        "manifest": &reader.manifest,
        "params": params(&reader),
        "changes": view.changes.iter().map(|c| json!({
            "key": c.key, "old": c.old, "new": c.new, "epoch": from_1(c.epoch), "iter": from_1(c.iter),
        })).collect::<Vec<_>>(),
        "epochs": epochs.iter().map(|row| Value::Object(row.iter().cloned().collect())).collect::<Vec<_>>(),
    });
    let table = paper::epochs(&view);
    let caption = format!("{} → {}, seed {}", reader.manifest.source, reader.manifest.target, reader.manifest.seed);
    let mut files = Vec::new();
    for (name, bytes) in [
        ("metrics.csv", csv(&epochs)),
        ("steps.csv", csv(&steps)),
        ("metrics.json", serde_json::to_vec_pretty(&json).map_err(std::io::Error::other)),
        ("metrics.md", Ok(paper::markdown(&table).into_bytes())),
        ("metrics.tex", Ok(paper::latex(&table, &caption).into_bytes())),
    ] {
        let path = out.join(name);
        let bytes = bytes.map_err(|source| ExportError::Write { path: path.clone(), source })?;
        write(&path, &bytes)?;
        files.push(path);
    }
    Ok(files)
}

/// Counted from 1, for people; a damaged file's number may be the largest there is.
fn from_1(from_0: usize) -> usize {
    from_0.saturating_add(1)
}

fn params(run: &RunReader) -> Map<String, Value> {
    table::ROWS.iter().map(|row| (row.key.to_owned(), json!((row.get)(&run.params)))).collect()
}

/// The source-only model, and all epochs from 1 that anything is known of.
fn epochs(view: &RunView) -> BTreeSet<usize> {
    let evaluated = view.target_retrieval.keys().chain(view.source_retrieval.keys()).copied();
    let worked = view.clusters.keys().copied().chain(view.adapt.epochs()).map(from_1);
    std::iter::once(0).chain(worked).chain(evaluated).collect()
}

/// Everything known of one epoch, from 1: its clustering, its training, and the evaluation after it.
fn epoch_row(view: &RunView, epoch: usize) -> Row {
    let mut row = Row::new();
    let mut put = |key: &str, value: Value| row.push((key.to_owned(), value));
    put("epoch", json!(epoch));
    for (prefix, by_epoch) in [("target", &view.target_retrieval), ("source", &view.source_retrieval)] {
        let r = by_epoch.get(&epoch);
        put(&format!("{prefix}_mAP"), json!(r.map(|r| r.mAP)));
        put(&format!("{prefix}_mAP_trapezoid"), json!(r.map(|r| r.mAP_trapezoid)));
        for (i, rank) in [1, 5, 10, 20].into_iter().enumerate() {
            put(&format!("{prefix}_rank{rank}"), json!(r.map(|r| r.cmc[i])));
        }
        put(&format!("{prefix}_valid_queries"), json!(r.map(|r| r.valid_queries)));
    }
    let index = epoch.checked_sub(1);
    let clustered = index.and_then(|e| view.clusters.get(&e));
    let s = clustered.map(|c| &c.summary);
    put("images", json!(s.map(|s| s.images)));
    for (i, radius) in ["", "_tight", "_loose"].into_iter().enumerate() {
        put(&format!("clusters{radius}"), json!(s.and_then(|s| s.clusters.get(i))));
        put(&format!("outliers{radius}"), json!(s.and_then(|s| s.noise.get(i))));
    }
    put("reliable", json!(s.map(|s| s.reliable)));
    put("kept_images", json!(s.map(|s| s.kept)));
    put("threshold", json!(s.and_then(|s| s.threshold)));
    put("eps", json!(s.map(|s| s.used.eps)));
    put("delta_d", json!(s.map(|s| s.used.delta_d)));
    put("k1", json!(s.map(|s| s.used.k1)));
    put("k2", json!(s.map(|s| s.used.k2)));
    put("min_samples", json!(s.map(|s| s.used.min_samples)));
    let quality = s.and_then(|s| s.quality);
    put("purity", json!(quality.map(|q| q.purity)));
    put("nmi", json!(quality.map(|q| q.nmi)));
    put("ari", json!(quality.map(|q| q.ari)));
    put("pairwise_f", json!(quality.map(|q| q.pairwise_f)));
    for (i, part) in ["knn", "jaccard", "dbscan", "scores"].into_iter().enumerate() {
        put(&format!("seconds_{part}"), json!(clustered.map(|c| c.seconds[i])));
    }
    let of = index.map_or(0..0, |e| view.adapt.range_of(e));
    let points = |curve: &Series| curve.points().skip(of.start).take(of.len()).map(|(_, y)| y).collect::<Vec<f64>>();
    let (losses, rates) = (points(&view.adapt.loss), points(&view.adapt.lr));
    let finite = || losses.iter().zip(&rates).filter(|(loss, _)| loss.is_finite());
    let count = finite().count();
    put("mean_loss", json!((count > 0).then(|| finite().map(|(loss, _)| loss).sum::<f64>() / count as f64)));
    put("lr", json!(finite().next_back().map(|(_, lr)| *lr)));
    row
}

fn step_row(names: &[&str], step: &Step) -> Row {
    let mut row = Row::new();
    let mut put = |key: &str, value: Value| row.push((key.to_owned(), value));
    put("phase", json!(step.phase));
    put("epoch", json!(from_1(step.epoch)));
    put("iter", json!(from_1(step.iter)));
    put("iters", json!(step.iters));
    put("step", json!(step.step));
    put("loss", json!(step.loss));
    for name in names {
        let value = step.parts.iter().find(|(n, _)| n == name).map(|(_, v)| *v);
        put(&format!("loss_{name}"), json!(value));
    }
    put("lr", json!(step.lr));
    put("seconds", json!(step.seconds));
    put("waited", json!(step.waited));
    put("merged", json!(step.merged));
    row
}

/// The parts that any iteration has, in the order they first occur.
fn part_names(view: &RunView) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in [&view.pretrain, &view.adapt].into_iter().flat_map(|curves: &Curves| &curves.parts) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names
}

fn csv(rows: &[Row]) -> std::io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if let Some(first) = rows.first() {
        writer.write_record(first.iter().map(|(key, _)| key))?;
    }
    for row in rows {
        writer.write_record(row.iter().map(|(_, value)| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }))?;
    }
    writer.into_inner().map_err(|e| std::io::Error::other(e.to_string()))
}
