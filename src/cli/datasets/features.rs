//! `datasets features`: a feature set that the window opens without training.

use std::path::PathBuf;

use serde_json::json;

use crate::cli::error::usage;
use crate::cli::progress::{print_json, with_bar};
use crate::data::synthetic::features::{FeatureSpec, generate};
use crate::engine::feature_run::{self, FeatureSet};
use crate::method::params::Params;

/// Numbers that are made at most: 16 GB of them.
const MOST: usize = 1 << 32;

#[derive(clap::Args, Debug)]
pub struct FeaturesArgs {
    /// The run folder to make; not there yet, or empty.
    dir: PathBuf,
    /// Images; the default is Market-1501's training set.
    #[arg(long, default_value_t = 12_936)]
    images: usize,
    /// Numbers a feature.
    #[arg(long, default_value_t = 2_048)]
    dim: usize,
    /// The same seed gives the same bits.
    #[arg(long, default_value_t = 1501)]
    seed: u64,
    /// A parameter of the clustering, for example eps=0.55; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

pub fn run(args: &FeaturesArgs) -> anyhow::Result<()> {
    if args.images < 2 || args.dim < 2 {
        return Err(usage("at least two images of two numbers are needed"));
    }
    if args.images.checked_mul(args.dim).is_none_or(|n| n > MOST) {
        let (n, d) = (args.images, args.dim);
        return Err(usage(format!("{n} × {d} numbers are more than is made here: at most {MOST}")));
    }
    let mut params = Params { seed: args.seed, ..Params::default() };
    args.set.iter().try_for_each(|assignment| params.assign(assignment))?;
    if let Some(problem) = params.problems().first() {
        return Err(usage(format!("{}: {}", problem.key, problem.message)));
    }
    let made = generate(&FeatureSpec { seed: args.seed, ..FeatureSpec::market(args.images, args.dim) });
    let name = format!("{} × {} made", args.images, args.dim);
    let set = FeatureSet {
        name: &name,
        features: &made.features,
        d: args.dim,
        pids: Some(&made.pid),
        camids: Some(&made.camid),
        paths: None,
    };
    let (summary, seconds) = with_bar("cluster", |tick| {
        let (knn, jaccard) = (|done, total| tick(done, 2 * total), |done, total| tick(total + done, 2 * total));
        feature_run::write(&args.dir, &set, &params, [&knn, &jaccard])
    })?;
    let [knn, jaccard, dbscan, refine] = seconds;
    print_json(&json!({
        "run": args.dir,
        "images": summary.images,
        "clusters": summary.clusters[0],
        "reliable": summary.reliable,
        "noise": summary.noise[0],
        "quality": summary.quality,
        "seconds": { "knn": knn, "jaccard": jaccard, "dbscan": dbscan, "refine": refine },
    }))
}
