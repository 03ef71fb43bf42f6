//! `reid-workbench evaluate`: CMC and mAP of query and gallery features.

use std::path::PathBuf;

use serde_json::json;

use super::error::{from_method, usage};
use super::progress::{Seconds, note, print_json, with_bar};
use super::tensors::{TensorReader, Values, write_tensors};
use crate::method::evaluate::{CMC_RANKS, EvalOptions, EvalSet, Evaluation, Metric, evaluate};
use crate::method::rerank::{RerankOptions, evaluate_reranked};
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
}

/// A test set as read.
struct TestSet {
    query: Vec<f32>,
    gallery: Vec<f32>,
    d: usize,
    query_pid: Vec<i32>,
    query_camid: Vec<i32>,
    gallery_pid: Vec<i32>,
    gallery_camid: Vec<i32>,
    cameras: bool,
}

/// Runs the command: reads, ranks, writes what was asked for, prints CMC and mAP.
///
/// # Errors
/// A [`super::error::UsageError`] for bad input; anything else is a failure.
pub fn run(args: &EvaluateArgs) -> anyhow::Result<()> {
    let mut seconds = Seconds::start();
    let read = TestSet::read(args)?;
    seconds.book("read");
    let set = EvalSet {
        query: Rows::new(&read.query, read.d).map_err(from_method)?,
        gallery: Rows::new(&read.gallery, read.d).map_err(from_method)?,
        query_pid: &read.query_pid,
        query_camid: &read.query_camid,
        gallery_pid: &read.gallery_pid,
        gallery_camid: &read.gallery_camid,
    };
    let options = EvalOptions {
        metric: match args.metric {
            MetricArg::Euclidean => Metric::Euclidean,
            MetricArg::Cosine => Metric::Cosine,
        },
        top: if args.out.is_some() { args.ranks.map_or(RANKS, |k| k as usize) } else { 0 },
        same_camera_rule: read.cameras,
    };
    let found = with_bar("ranking", |tick| match args.rerank {
        true => evaluate_reranked(&set, &options, &RerankOptions::default(), tick),
        false => evaluate(&set, &options, tick),
    });
    let found = found.map_err(from_method)?;
    seconds.book("rank");
    if found.retrieval.valid_queries == 0 {
        note("no query has a match in the gallery, so there is nothing to measure");
    }
    if let Some(out) = &args.out {
        write(out, &found)?;
        seconds.book("write");
    }
    let cmc: serde_json::Map<_, _> =
        CMC_RANKS.iter().zip(found.retrieval.cmc).map(|(rank, share)| (rank.to_string(), share.into())).collect();
    print_json(&json!({
        "mAP": found.retrieval.mAP,
        "mAP_trapezoid": found.retrieval.mAP_trapezoid,
        "cmc": cmc,
        "valid_queries": found.retrieval.valid_queries,
        "queries": found.retrieval.queries,
        "gallery": set.gallery_pid.iter().filter(|&&pid| pid != -1).count(),
        "same_camera_rule": options.same_camera_rule,
        "reranked": args.rerank,
        "seconds": seconds.into_json(),
    }))
}

impl TestSet {
    fn read(args: &EvaluateArgs) -> anyhow::Result<Self> {
        let mut file = TensorReader::open(&args.features)?;
        let (query, d) = file.matrix("query_features")?;
        let (gallery, gallery_d) = file.matrix("gallery_features")?;
        if d != gallery_d {
            return Err(usage(format!(
                "{}: `query_features` have {d} values a row, `gallery_features` {gallery_d}; they must be of one network",
                args.features.display()
            )));
        }
        let (nq, ng) = (query.len() / d, gallery.len() / d);
        let cameras = file.has("query_camid") || file.has("gallery_camid");
        if !cameras {
            note("there are no camera ids, so the same-camera rule is off");
        }
        let mut camid = |name, n| if cameras { file.ids(name, n) } else { Ok(vec![0; n]) };
        let (query_camid, gallery_camid) = (camid("query_camid", nq)?, camid("gallery_camid", ng)?);
        let (query_pid, gallery_pid) = (file.ids("query_pid", nq)?, file.ids("gallery_pid", ng)?);
        Ok(Self { query, gallery, d, query_pid, query_camid, gallery_pid, gallery_camid, cameras })
    }
}

fn write(out: &std::path::Path, found: &Evaluation) -> anyhow::Result<()> {
    let (nq, matches) = (found.ap.len(), found.match_index.len());
    write_tensors(
        out,
        vec![
            ("ap", vec![nq], Values::F64(&found.ap)),
            ("ap_trapezoid", vec![nq], Values::F64(&found.ap_trapezoid)),
            ("ranks", vec![nq, found.top], Values::Index(&found.ranks)),
            ("distances", vec![nq, found.top], Values::F32(&found.distances)),
            ("match_indptr", vec![nq + 1], Values::Index(&found.match_indptr)),
            ("match_index", vec![matches], Values::Index(&found.match_index)),
            ("match_rank", vec![matches], Values::Index(&found.match_rank)),
            ("match_distance", vec![matches], Values::F32(&found.match_distance)),
        ],
    )
}
