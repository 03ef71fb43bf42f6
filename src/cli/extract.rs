//! `extract`: features of a split with a trained network.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use indicatif::ProgressBar;
use serde_json::json;

use super::error::UsageError;
use super::progress::note;
use super::tensors::refuse_other_kind;
use crate::base::fs::write_bytes;
use crate::base::tensors::Arrays;
use crate::data::cache::ImageCache;
use crate::data::{Dataset, Sample, clothes, registry};
use crate::engine::command::DeviceChoice;
use crate::engine::features::Extraction;
use crate::engine::trained::Trained;

/// Unreadable images that are named.
const SHOWN: usize = 5;

/// Arguments of `extract`.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Example:
  reid-workbench extract --dataset synthetic-station --split test --checkpoint runs/demo --out test.safetensors")]
pub struct ExtractArgs {
    /// A registered dataset or a folder.
    #[arg(long, value_name = "NAME|DIR")]
    pub dataset: String,
    /// Which split; `test` writes query and gallery into one file, as `evaluate` reads it.
    #[arg(long, value_enum)]
    pub split: SplitArg,
    /// A run folder, one of its checkpoints, or a weights file with PyTorch's names.
    #[arg(long, value_name = "RUN|FILE")]
    pub checkpoint: PathBuf,
    /// The file to write.
    #[arg(long, value_name = "F.safetensors")]
    pub out: PathBuf,
    /// One parameter, for example --set backbone=resnet50; on top of the checkpoint's own.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub device: DeviceChoice,
    /// Write features although more than one image in a hundred cannot be read; those are taken as grey.
    #[arg(long)]
    pub allow_unreadable: bool,
}

/// Splits of `extract`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[allow(missing_docs)]
pub enum SplitArg {
    Train,
    Query,
    Gallery,
    Test,
}

/// Writes the features.
///
/// # Errors
/// When the dataset or checkpoint cannot be used, or the file cannot be written.
pub fn run(args: &ExtractArgs) -> anyhow::Result<()> {
    let began = Instant::now();
    refuse_other_kind(&args.out, &["features", "query_features"])?;
    let trained = Trained::open(&args.checkpoint, &args.set, args.device)?;
    if let Some(report) = &trained.weights {
        report.notes.iter().for_each(|text| note(&format!("weights: {text}")));
        note(&format!("weights: {} ({})", report.summary(), report.habit));
    }
    let dataset = registry::open(&args.dataset)?;
    let mut arrays = Arrays::default();
    let parts: &[(&str, &[Sample])] = match args.split {
        SplitArg::Train => &[("", &dataset.train)],
        SplitArg::Query => &[("", &dataset.query)],
        SplitArg::Gallery => &[("", &dataset.gallery)],
        SplitArg::Test => &[("query_", &dataset.query), ("gallery_", &dataset.gallery)],
    };
    let (mut images, mut unreadable) = (0, 0);
    for (prefix, samples) in parts {
        unreadable += add(&trained, &dataset, prefix, samples, &mut arrays)?;
        images += samples.len();
    }
    if unreadable * 100 > images && !args.allow_unreadable {
        let text = format!(
            "{unreadable} of {images} images cannot be read, so the features would mean little; --allow-unreadable writes them"
        );
        return Err(UsageError(text).into());
    }
    arrays.write(&args.out)?;
    let list = write_list(&args.out, args.split, parts)?;
    let report = json!({
        "out": args.out, "list": list, "images": images, "unreadable": unreadable, "dimension": trained.net.dim(), "dataset": dataset.name,
        "weights": trained.weights, "attention": trained.params.attention.enabled,
        "seconds": began.elapsed().as_secs_f64(),
    });
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

/// Writes which image each row is of beside the features, as `cluster`, `evaluate` and `import` read it.
fn write_list(out: &Path, whole: SplitArg, parts: &[(&str, &[Sample])]) -> anyhow::Result<PathBuf> {
    let path = out.with_extension("images.csv");
    let mut csv = csv::Writer::from_writer(Vec::new());
    let dressed = parts.iter().any(|(_, samples)| samples.iter().any(|s| s.clothes.is_some()));
    let columns = if dressed { 5 } else { 4 };
    csv.write_record(&["path", "pid", "camid", "split", "clothes"][..columns])?;
    for (prefix, samples) in parts {
        let split = match (*prefix, whole) {
            ("query_", _) | (_, SplitArg::Query) => "query",
            ("gallery_", _) | (_, SplitArg::Gallery) => "gallery",
            _ => "train",
        };
        for s in *samples {
            let clothes = s.clothes.map_or(String::new(), |c| c.to_string());
            let (path, pid, camid) = (s.path.to_string_lossy(), s.pid.to_string(), s.camid.to_string());
            csv.write_record(&[path.as_ref(), &pid, &camid, split, &clothes][..columns])?;
        }
    }
    let bytes = csv.into_inner().map_err(|e| e.into_error())?;
    write_bytes(&path, bytes).with_context(|| format!("writing {}", path.display()))?;
    Ok(path)
}

fn add(
    trained: &Trained,
    dataset: &Dataset,
    prefix: &str,
    samples: &[Sample],
    arrays: &mut Arrays<'_>,
) -> anyhow::Result<usize> {
    if samples.is_empty() {
        return Err(UsageError(format!("{} has no images in that split", dataset.name)).into());
    }
    let size = &trained.params.image;
    // Each image is read once: nothing is gained by keeping it.
    let images = Arc::new(ImageCache::new(samples.into(), size.height, size.width, 0));
    let bar = ProgressBar::new(samples.len() as u64);
    let extraction = Extraction {
        on_device: None,
        net: &trained.net,
        domain: trained.target_domain(),
        images: &images,
        batch: trained.params.eval.batch,
        whole: trained.net.device().is_cuda(),
    };
    let features = extraction.run(|done| {
        bar.set_position(done);
        Ok(())
    })?;
    bar.finish_and_clear();
    if let Some(at) = features.iter().position(|x| !x.is_finite()) {
        let path = samples[at / (trained.net.dim() as usize)].path.display();
        return Err(
            UsageError(format!("the network gives no finite feature for {path}: its weights are damaged")).into()
        );
    }
    let unreadable = images.unreadable();
    for (_, reason) in unreadable.iter().take(SHOWN) {
        note(&format!("{reason}; it is grey instead"));
    }
    if unreadable.len() > SHOWN {
        note(&format!("{} more images are grey instead", unreadable.len() - SHOWN));
    }
    let column = |of: fn(&Sample) -> i32| samples.iter().map(of).collect::<Vec<i32>>();
    let d = trained.net.dim() as usize;
    arrays.add(format!("{prefix}features"), &[samples.len(), d], features);
    arrays.vector(&format!("{prefix}pid"), column(|s| s.pid));
    // Without cameras no hit may count as "same camera", but the query's own picture.
    let camid = match prefix {
        "query_" => dataset.evaluation_cameras().query.clone(),
        "gallery_" => dataset.evaluation_cameras().gallery.clone(),
        _ => column(|s| s.camid),
    };
    arrays.vector(&format!("{prefix}camid"), camid);
    if samples.iter().any(|s| s.clothes.is_some()) {
        arrays.vector(&format!("{prefix}clothes"), clothes(samples));
    }
    Ok(unreadable.len())
}
