//! `reid-workbench evaluate`: CMC and mAP of query and gallery features.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::error::{from_method, usage};
use super::progress::{Seconds, note, print_json, with_bar};
use super::tensors::{TensorReader, refuse_other_kind, write_arrays};
use crate::base::tensors::Arrays;
use crate::data::layout::manifest::{self, ManifestRow, ManifestSplit};
use crate::data::{Sample, clothes, twins};
use crate::method::draws::{Drawn, over_draws};
use crate::method::evaluate::{
    CMC_RANKS, EvalOptions, EvalSet, Evaluation, Identities, Metric, evaluate, evaluate_distances,
};
use crate::method::rerank::{RerankOptions, evaluate_reranked};
use crate::method::roc::FALSE_ACCEPTS;
use crate::method::rows::Rows;

/// Ranks written when `--out` is given without `--ranks`.
const RANKS: usize = 50;

/// How features are compared.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum MetricArg {
    /// Squared Euclidean distance
    Euclidean,
    /// 1 − cos
    Cosine,
}

/// Measures CMC and mAP of query and gallery features.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  reid-workbench evaluate test.safetensors
  reid-workbench evaluate test.safetensors --rerank --ranks 20 --out ranks.safetensors")]
pub struct EvaluateArgs {
    /// safetensors file with `query_features`, `gallery_features` f32, and `query_pid`, `query_camid`,
    /// `gallery_pid`, `gallery_camid` i32; without camera ids the same-camera rule is off
    pub features: PathBuf,
    /// How features are compared
    #[arg(long, value_enum, default_value = "euclidean")]
    pub metric: MetricArg,
    /// Re-rank by k-reciprocal neighbours first (k1 20, k2 6, λ 0.3)
    #[arg(long)]
    pub rerank: bool,
    /// Write this many ranks of each query, 50 unless given
    #[arg(long, value_name = "K", requires = "out", value_parser = clap::value_parser!(u32).range(1..))]
    pub ranks: Option<u32>,
    /// Where ranks, per-query AP and matches go (safetensors)
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Who is on the images, where the file does not say: path, pid, camid, split (query, gallery); features, or the
    /// rows and columns of a distance matrix, in its order
    #[arg(long, value_name = "LIST.csv")]
    pub images: Option<PathBuf>,
    /// Also draw the gallery so many times from query and gallery together, one image of each person, and give the means
    /// (VehicleID's rule, of which published figures are ten)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub draws: Option<u32>,
}

/// What hits are ranked by.
enum Given {
    /// Features of queries and gallery, `d` values a row.
    Features { query: Vec<f32>, gallery: Vec<f32>, d: usize },
    /// Distances `[nq, ng]`.
    Distances { values: Vec<f32>, ng: usize },
}

/// A test set as read.
struct TestSet {
    given: Given,
    query_pid: Vec<i32>,
    query_camid: Vec<i32>,
    gallery_pid: Vec<i32>,
    gallery_camid: Vec<i32>,
    cameras: bool,
    /// Of queries and gallery, −1 where unknown; empty where the file does not say.
    clothes: [Vec<i32>; 2],
    /// The order in which all images are drawn from: rows of query, then gallery.
    order: Option<Vec<usize>>,
}

/// Runs the command: reads, ranks, writes what was asked for, prints CMC and mAP.
///
/// # Errors
/// A [`super::error::UsageError`] for bad input; anything else is a failure.
pub fn run(args: &EvaluateArgs) -> anyhow::Result<()> {
    if let Some(out) = &args.out {
        refuse_other_kind(out, &["match_indptr"])?;
    }
    let mut seconds = Seconds::start();
    let read = TestSet::read(args)?;
    seconds.book("read");
    let options = EvalOptions {
        metric: match args.metric {
            MetricArg::Euclidean => Metric::Euclidean,
            MetricArg::Cosine => Metric::Cosine,
        },
        top: if args.out.is_some() { args.ranks.map_or(RANKS, |k| k as usize) } else { 0 },
        same_camera_rule: read.cameras,
    };
    let ids = Identities {
        query_pid: &read.query_pid,
        query_camid: &read.query_camid,
        gallery_pid: &read.gallery_pid,
        gallery_camid: &read.gallery_camid,
    };
    let found = match &read.given {
        Given::Features { query, gallery, d } => {
            let Identities { query_pid, query_camid, gallery_pid, gallery_camid } = ids;
            let (query, gallery) =
                (Rows::new(query, *d).map_err(from_method)?, Rows::new(gallery, *d).map_err(from_method)?);
            let set = EvalSet { query, gallery, query_pid, query_camid, gallery_pid, gallery_camid };
            with_bar("ranking", |tick| match args.rerank {
                true => evaluate_reranked(&set, &options, &RerankOptions::default(), tick),
                false => evaluate(&set, &options, tick),
            })
        }
        Given::Distances { .. } if args.rerank => {
            return Err(usage(
                "re-ranking needs the features: a distance matrix knows no distances within the gallery",
            ));
        }
        Given::Distances { values, ng } => {
            let rows = Rows::new(values, *ng).map_err(from_method)?;
            with_bar("ranking", |tick| evaluate_distances(rows, &ids, &options, tick))
        }
    };
    let mut found = found.map_err(from_method)?;
    found.tell_clothes(&read.clothes[0], &read.clothes[1]);
    if let Some(draws) = args.draws {
        found.retrieval.drawn = Some(read.drawn(draws as usize, &options)?);
    }
    seconds.book("rank");
    if found.retrieval.valid_queries == 0 {
        note("no query has a match in the gallery, so there is nothing to measure");
    }
    if let Some(out) = &args.out {
        write(out, &found)?;
        seconds.book("write");
    }
    // Without a valid query there is no mean: 0 would look like a result.
    let share = |x: f64| if found.retrieval.valid_queries == 0 { serde_json::Value::Null } else { x.into() };
    let cmc: serde_json::Map<_, _> =
        CMC_RANKS.iter().zip(found.retrieval.cmc).map(|(rank, part)| (rank.to_string(), share(part))).collect();
    print_json(&json!({
        "mAP": share(found.retrieval.mAP),
        "mINP": found.retrieval.mINP,
        "mAP_trapezoid": share(found.retrieval.mAP_trapezoid),
        "cmc": cmc,
        "true_accepts": found.retrieval.true_accepts.map(true_accepts),
        "same_clothes": found.retrieval.same_clothes,
        "changed_clothes": found.retrieval.changed_clothes,
        "drawn": found.retrieval.drawn,
        "valid_queries": found.retrieval.valid_queries,
        "queries": found.retrieval.queries,
        "gallery": read.gallery_pid.iter().filter(|&&pid| pid != -1).count(),
        "same_camera_rule": options.same_camera_rule,
        "reranked": args.rerank,
        "seconds": seconds.into_json(),
    }))
}

/// The share of matching pairs accepted, by false accept rate.
fn true_accepts(shares: [f64; 2]) -> serde_json::Value {
    let named = FALSE_ACCEPTS.iter().zip(shares).map(|(rate, share)| (format!("{rate:e}"), share.into()));
    serde_json::Value::Object(named.collect())
}

/// Rows of queries, then gallery, in the order of their files.
fn by_path(queries: &[Sample], gallery: &[Sample]) -> Vec<usize> {
    let all: Vec<&Sample> = queries.iter().chain(gallery).collect();
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by(|&a, &b| all[a].path.cmp(&all[b].path));
    order
}

/// Names that a distance matrix goes by.
const DISTANCES: [&str; 4] = ["distances", "distmat", "dist", "distance_matrix"];

impl TestSet {
    /// Means over draws of the gallery.
    fn drawn(&self, draws: usize, options: &EvalOptions) -> anyhow::Result<Drawn> {
        let Given::Features { query, gallery, d } = &self.given else {
            return Err(usage("--draws needs the features: a distance matrix knows no distances among the queries"));
        };
        let all: Vec<f32> = query.iter().chain(gallery).copied().collect();
        let pids: Vec<i32> = self.query_pid.iter().chain(&self.gallery_pid).copied().collect();
        let order = self.order.clone().unwrap_or_else(|| (0..pids.len()).collect());
        let kept: Vec<usize> = order.into_iter().filter(|&i| pids[i] != -1).collect();
        let features: Vec<f32> = kept.iter().flat_map(|&i| all[i * d..(i + 1) * d].iter().copied()).collect();
        let pids: Vec<i32> = kept.iter().map(|&i| pids[i]).collect();
        let rows = Rows::new(&features, *d).map_err(from_method)?;
        with_bar("draws", |tick| over_draws(rows, &pids, draws, options, tick)).map_err(from_method)
    }

    fn read(args: &EvaluateArgs) -> anyhow::Result<Self> {
        let mut file = TensorReader::open(&args.features)?;
        if let Some(images) = &args.images {
            return Self::listed(&mut file, images);
        }
        let distances = DISTANCES.into_iter().find(|n| file.has(n)).filter(|_| !file.has("query_features"));
        let (given, nq, ng) = match distances {
            Some(name) => {
                let (values, ng) = file.matrix(name)?;
                let nq = values.len() / ng;
                (Given::Distances { values, ng }, nq, ng)
            }
            None => {
                let (query, d) = file.matrix("query_features")?;
                let (gallery, gallery_d) = file.matrix("gallery_features")?;
                if d != gallery_d {
                    return Err(usage(format!(
                        "{}: `query_features` have {d} values a row, `gallery_features` {gallery_d}; they must be of one network",
                        args.features.display()
                    )));
                }
                let (nq, ng) = (query.len() / d, gallery.len() / d);
                (Given::Features { query, gallery, d }, nq, ng)
            }
        };
        let cameras = file.has("query_camid") || file.has("gallery_camid");
        if !cameras {
            note("there are no camera ids, so the same-camera rule is off");
        }
        let mut camid = |name, n| if cameras { file.ids(name, n) } else { Ok(vec![0; n]) };
        let (query_camid, gallery_camid) = (camid("query_camid", nq)?, camid("gallery_camid", ng)?);
        let (query_pid, gallery_pid) = (file.ids("query_pid", nq)?, file.ids("gallery_pid", ng)?);
        let clothes = match file.has("query_clothes") && file.has("gallery_clothes") {
            true => [file.ids("query_clothes", nq)?, file.ids("gallery_clothes", ng)?],
            false => Default::default(),
        };
        Ok(Self { given, query_pid, query_camid, gallery_pid, gallery_camid, cameras, clothes, order: None })
    }

    /// Features or distances in the order of a list of images.
    fn listed(file: &mut TensorReader, images: &Path) -> anyhow::Result<Self> {
        let list = manifest::read(images)?;
        list.notes.iter().for_each(|text| note(text));
        let shown = images.display();
        if !list.has_pids {
            return Err(usage(format!("{shown} has no column `pid`, so nothing can be right or wrong")));
        }
        let of = |wanted| (0..list.rows.len()).filter(|&i| list.rows[i].split == Some(wanted)).collect::<Vec<_>>();
        let (query, gallery) = (of(ManifestSplit::Query), of(ManifestSplit::Gallery));
        if query.is_empty() || gallery.is_empty() {
            return Err(usage(format!("{shown} names no query or no gallery in its column `split`")));
        }
        let samples = |rows: &[usize]| -> Vec<Sample> {
            let sample = |r: &ManifestRow| Sample { clothes: r.clothes, ..Sample::new(r.path.clone(), r.pid, r.camid) };
            rows.iter().map(|&i| sample(&list.rows[i])).collect()
        };
        let (queries, found) = (samples(&query), samples(&gallery));
        let cameras = twins::cameras(&queries, &found, list.has_cameras);
        if !list.has_cameras {
            note("there are no camera ids, so the same-camera rule is off");
        }
        file.arrange(list.rows.iter().map(|r| r.path.as_path()))?;
        let name = DISTANCES.into_iter().find(|n| file.has(n)).unwrap_or(file.features());
        let (values, d) = file.matrix(name)?;
        let n = values.len() / d;
        let pick = |rows: &[usize]| -> Vec<f32> {
            rows.iter().flat_map(|&i| values[i * d..(i + 1) * d].iter().copied()).collect()
        };
        let test = query.len() + gallery.len();
        let given = if n == query.len() && d == gallery.len() {
            Given::Distances { values, ng: d }
        } else if n == list.rows.len() {
            Given::Features { query: pick(&query), gallery: pick(&gallery), d }
        } else if n == test {
            // The list's training images have no features: those of the test stand in the list's order.
            let mut order: Vec<usize> = query.iter().chain(&gallery).copied().collect();
            order.sort_unstable();
            let place = |rows: &[usize]| rows.iter().filter_map(|i| order.binary_search(i).ok()).collect::<Vec<_>>();
            Given::Features { query: pick(&place(&query)), gallery: pick(&place(&gallery)), d }
        } else {
            return Err(usage(format!(
                "`{name}` is [{n}, {d}], and {shown} has {} images, {} queries and {} of the gallery: neither one row an \
                 image nor a distance for each query and gallery image",
                list.rows.len(),
                query.len(),
                gallery.len()
            )));
        };
        let pids = |samples: &[Sample]| samples.iter().map(|s| s.pid).collect();
        Ok(Self {
            given,
            query_pid: pids(&queries),
            gallery_pid: pids(&found),
            query_camid: cameras.query,
            gallery_camid: cameras.gallery,
            cameras: cameras.rule,
            clothes: [clothes(&queries), clothes(&found)],
            order: Some(by_path(&queries, &found)),
        })
    }
}

fn write(out: &Path, found: &Evaluation) -> anyhow::Result<()> {
    let (nq, matches) = (found.ap.len(), found.match_index.len());
    let mut arrays = Arrays::default();
    let index = |x: u32| x as i32;
    arrays
        .vector("ap", &found.ap)
        .vector("ap_trapezoid", &found.ap_trapezoid)
        .converted("ranks", &[nq, found.top], &found.ranks, index)
        .add("distances", &[nq, found.top], &found.distances)
        .converted("match_indptr", &[nq + 1], &found.match_indptr, index)
        .converted("match_index", &[matches], &found.match_index, index)
        .converted("match_rank", &[matches], &found.match_rank, index)
        .vector("match_distance", &found.match_distance);
    write_arrays(out, &arrays)
}
