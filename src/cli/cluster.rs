//! `reid-workbench cluster`: from features to pseudo-labels.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::error::{from_method, usage};
use super::import::unit_length;
use super::progress::{PipelineBars, Seconds, note, print_json, with_bar};
use super::tensors::{TensorReader, refuse_other_kind, write_arrays};
use crate::base::tensors::Arrays;
use crate::base::tick::Tick;
use crate::data::layout::manifest::{self, ImageList};
use crate::engine::feature_run::{self, FeatureSet};
use crate::method::cluster::{Assignment, ClusterSummary, count_clusters};
use crate::method::graph::Graph;
use crate::method::ivf::Recall;
use crate::method::label_free::label_free;
use crate::method::params::{NeighbourSearch, Params};
use crate::method::pipeline::{self, Clustering, ClusteringPlan};
use crate::method::tree::Hierarchy;
use crate::method::tree::radii::Suggested;
use crate::model::weights::WeightsFile;
use crate::run::graph::REACH;

/// Clusters features: k-NN, Jaccard distance, DBSCAN at three radii, reliability scores, refinement.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  reid-workbench cluster train.safetensors --out clusters.safetensors --set eps=0.55
  reid-workbench cluster train.safetensors --out clusters.safetensors --run runs/mine
  reid-workbench cluster million.safetensors --out clusters.safetensors --set neighbours.search=ivf")]
pub struct ClusterArgs {
    /// `features` [N, d] of any precision, and `pid` [N] where identities are known: safetensors, .npy, .npz or .pt
    pub features: PathBuf,
    /// Which images they are of, in the same order: path, and pid and camid where they are known; --run keeps them
    #[arg(long, value_name = "LIST.csv")]
    pub images: Option<PathBuf>,
    /// Where labels and scores go (safetensors)
    #[arg(long)]
    pub out: PathBuf,
    /// Also write a run folder, which the window opens with --run: the clusters of these features, to look at
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
    /// A parameter, for example eps=0.55; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Also write the Jaccard distances below 1 (CSR); at 13,000 images they take hundreds of MB
    #[arg(long)]
    pub jaccard: bool,
    /// Also print scores that need no truth, and the radii that rules of thumb propose; looks at distances up to 0.9
    #[arg(long)]
    pub scores: bool,
}

/// Runs the command: reads, clusters, writes, prints the summary.
///
/// # Errors
/// A [`super::error::UsageError`] for bad input; anything else is a failure.
pub fn run(args: &ClusterArgs) -> anyhow::Result<()> {
    let params = parameters(&args.set)?;
    refuse_other_kind(&args.out, &["pseudo_labels"])?;
    let mut seconds = Seconds::start();
    let mut file = TensorReader::open(&args.features)?;
    if let Some(images) = &args.images {
        file.arrange(manifest::read(images)?.rows.iter().map(|r| r.path.as_path()))?;
    }
    let name = file.features();
    let (mut features, d) = file.matrix(name)?;
    let n = features.len() / d;
    let list = args.images.as_deref().map(|path| listed(path, n)).transpose()?;
    let pids = match &list {
        _ if file.has("pid") => Some(file.ids("pid", n)?),
        Some(list) if list.has_pids => Some(list.rows.iter().map(|r| r.pid).collect()),
        _ => None,
    };
    let warnings = prepare(&mut features, d, &params)?;
    let camids = match &list {
        _ if file.has("camid") => Some(file.ids("camid", n)?),
        Some(list) if list.has_cameras => Some(list.rows.iter().map(|r| r.camid).collect()),
        _ => None,
    };
    let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
    let paths: Option<Vec<PathBuf>> = list.map(|l| l.rows.iter().map(|r| absolute(&r.path)).collect());
    seconds.book("read");
    if let Some(dir) = &args.run {
        let name = args.features.file_stem().map_or_else(|| "features".into(), |s| s.to_string_lossy());
        let set = FeatureSet {
            name: &name,
            features: &features,
            d,
            pids: pids.as_deref(),
            camids: camids.as_deref(),
            paths: paths.as_deref(),
        };
        with_bar("run folder", |tick| feature_run::write(dir, &set, &params, [tick, tick]))?;
        seconds.book("run");
    }
    let reach = match (args.jaccard, args.scores) {
        (true, _) => 1.0,
        (false, true) => REACH,
        (false, false) => 0.0,
    };
    let plan = ClusteringPlan { params: &params, carried: None, neighbours: 0, reach, hand: None };
    let watch = PipelineBars::new(&mut seconds);
    let found = pipeline::run_and_drop(features, d, &plan, &watch).map_err(from_method)?;
    watch.finish();
    let Clustering { graph, assignment, neighbours, index } = found;
    let mut summary = assignment.summary(&params, pids.as_deref());
    summary.index = index;
    seconds.book("refine");
    let mut suggested = None;
    if args.scores {
        summary.label_free = label_free(&assignment, graph.as_ref(), &neighbours, None);
        suggested = graph.as_ref().map(|graph| proposals(&Hierarchy::new(graph, params.min_samples)));
        seconds.book("scores");
    }
    drop(neighbours);
    write(args, &assignment, graph)?;
    seconds.book("write");
    let mut report = report(&summary, &warnings, seconds);
    if args.scores {
        report["label_free"] = json!(summary.label_free);
        report["suggested_eps"] = json!(suggested);
    }
    print_json(&report)
}

/// What a file of arrays holds: features (true), or a network's weights (false).
///
/// # Errors
/// A [`super::error::UsageError`] where it is neither.
pub fn holds_features(file: &Path) -> anyhow::Result<bool> {
    let read = TensorReader::open(file)?;
    if read.has(read.features()) {
        return Ok(true);
    }
    if WeightsFile::open(file).is_ok_and(|weights| weights.given().iter().any(|tensor| tensor.shape.len() == 4)) {
        return Ok(false);
    }
    let name = file.display();
    Err(usage(format!("{name} holds neither features [N, d] nor the weights of a convolutional network")))
}

/// Clusters the features of a file, with identities and cameras where it has them, as a new run folder that is there
/// whole or not at all.
///
/// # Errors
/// As [`run`], and when the tick asks for an end.
pub fn write_run(features: &Path, out: &Path, params: &Params, tick: Tick) -> anyhow::Result<()> {
    check(params)?;
    let mut file = TensorReader::open(features)?;
    let name = file.features();
    let (mut values, d) = file.matrix(name)?;
    let n = values.len() / d;
    unit_length(&mut values, d)?;
    let pids = file.has("pid").then(|| file.ids("pid", n)).transpose()?;
    let camids = file.has("camid").then(|| file.ids("camid", n)).transpose()?;
    let name = features.file_stem().map_or_else(|| "features".into(), |s| s.to_string_lossy());
    let (pids, camids) = (pids.as_deref(), camids.as_deref());
    let set = FeatureSet { name: &name, features: &values, d, pids, camids, paths: None };
    feature_run::write_whole(out, tick, |dir, ticks| feature_run::write(dir, &set, params, ticks).map(drop))?;
    Ok(())
}

/// The radii that rules of thumb propose, with what each would give.
fn proposals(all: &Hierarchy) -> serde_json::Value {
    let Suggested { stable, knee, mean_smallest } = all.suggested;
    let one = |eps: Option<f64>| {
        let eps = eps?;
        let labels = all.tree.labels(eps);
        let noise = labels.iter().filter(|&&l| l < 0).count();
        Some(json!({ "eps": eps, "clusters": count_clusters(&labels), "noise": noise }))
    };
    json!({ "most_stable": one(stable), "knee": one(knee), "mean_smallest": one(mean_smallest) })
}

/// The list of the features' images.
fn listed(path: &Path, n: usize) -> anyhow::Result<ImageList> {
    let list = manifest::read(path)?;
    if list.rows.len() != n {
        let rows = list.rows.len();
        return Err(usage(format!("{} lists {rows} images, but there are {n} features", path.display())));
    }
    list.notes.iter().for_each(|text| note(text));
    Ok(list)
}

fn parameters(assignments: &[String]) -> anyhow::Result<Params> {
    let mut params = Params::default();
    for assignment in assignments {
        params.assign(assignment).map_err(|e| usage(e.to_string()))?;
    }
    check(&params)?;
    Ok(params)
}

/// Only what clustering uses can stop it.
fn check(params: &Params) -> anyhow::Result<()> {
    match params.problems().into_iter().find(|p| ["eps", "k2"].contains(&p.key)) {
        Some(problem) => Err(usage(problem.message)),
        None => Ok(()),
    }
}

/// Checks the features and brings them to unit length, as the method expects; what the user should know.
fn prepare(features: &mut [f32], d: usize, params: &Params) -> anyhow::Result<Vec<String>> {
    let mut warnings = Vec::new();
    if unit_length(features, d)? {
        warnings.push("the features were not of unit length and have been normalised".to_owned());
    }
    let (n, k1) = (features.len() / d, params.k1);
    if n > 0 && n < 10 * k1 {
        warnings.push(format!("{n} images are few for k1 = {k1}: expect clusters even without structure"));
    }
    warnings.iter().for_each(|text| note(text));
    Ok(warnings)
}

fn write(args: &ClusterArgs, found: &Assignment, graph: Option<Graph>) -> anyhow::Result<()> {
    let reliable: Vec<u8> = found.reliable.iter().map(|&r| u8::from(r)).collect();
    let graph = graph.filter(|_| args.jaccard).map(with_diagonal);
    let mut arrays = Arrays::default();
    arrays.vector("labels", &found.labels).vector("reliable", reliable).vector("pseudo_labels", &found.pseudo_labels);
    if let Some(radii) = found.radii() {
        arrays.vector("labels_tight", &radii.tight).vector("labels_loose", &radii.loose);
    }
    if let Some(score) = &found.score {
        arrays.vector("score", &score.images).vector("cluster_score", &score.clusters);
    }
    if let Some(graph) = &graph {
        arrays
            .converted("jaccard_indptr", &[graph.indptr.len()], &graph.indptr, |at: u64| at as i64)
            .converted("jaccard_indices", &[graph.indices.len()], &graph.indices, |j: u32| j as i32)
            .vector("jaccard_values", &graph.values);
    }
    write_arrays(&args.out, &arrays)
}

/// A missing pair reads as distance 1, so each image needs its own 0.
fn with_diagonal(mut graph: Graph) -> Graph {
    let entries = graph.indices.len();
    // Exactly, since a vector that grows by itself would double these hundreds of MB.
    graph.indices.reserve_exact(graph.n);
    graph.values.reserve_exact(graph.n);
    graph.indices.resize(entries + graph.n, 0);
    graph.values.resize(entries + graph.n, 0.0);
    // From the last row to the first, so that nothing is overwritten before it has moved.
    for i in (0..graph.n).rev() {
        let (begin, end) = (graph.indptr[i] as usize, graph.indptr[i + 1] as usize);
        let at = begin + graph.indices[begin..end].partition_point(|&j| (j as usize) < i);
        graph.indices.copy_within(at..end, at + i + 1);
        graph.values.copy_within(at..end, at + i + 1);
        graph.indices.copy_within(begin..at, begin + i);
        graph.values.copy_within(begin..at, begin + i);
        graph.indices[at + i] = i as u32;
        graph.values[at + i] = 0.0;
        graph.indptr[i + 1] += i as u64 + 1;
    }
    graph
}

/// How the neighbours were found; by an index, also the share of the true ones that it found, and of how many images
/// that was counted.
fn neighbours_json(summary: &ClusterSummary) -> serde_json::Value {
    match &summary.index {
        None => json!({ "search": NeighbourSearch::Exact.name() }),
        Some(index) => {
            let mut all = json!({ "search": NeighbourSearch::Ivf.name() });
            let Recall { sampled, k, recall } = index.measured;
            for (key, value) in [("lists", index.lists), ("probes", index.probes), ("sampled", sampled), ("k", k)] {
                all[key] = value.into();
            }
            all["recall"] = recall.into();
            all
        }
    }
}

fn report(summary: &ClusterSummary, warnings: &[String], seconds: Seconds) -> serde_json::Value {
    let radii = |counts: &[usize]| {
        let named = ["normal", "tight", "loose"].into_iter().zip(counts);
        named.map(|(name, &count)| (name.to_owned(), count.into())).collect::<serde_json::Map<_, _>>()
    };
    json!({
        "images": summary.images,
        "clusters": radii(&summary.clusters),
        "noise": radii(&summary.noise),
        "reliable": summary.reliable,
        "kept": summary.kept,
        "threshold": summary.threshold,
        "quality": summary.quality,
        "parameters": summary.used,
        "neighbours": neighbours_json(summary),
        "warnings": warnings,
        "seconds": seconds.into_json(),
    })
}
