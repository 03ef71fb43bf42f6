//! `import`: any program's features, over one or many epochs, as a run to look at.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::error::{from_method, usage};
use super::progress::{note, print_json, with_bar};
use super::tensors::TensorReader;
use crate::data::layout::manifest::{self, ManifestSplit};
use crate::data::{Sample, twins};
use crate::engine::import::{EpochFeatures, FeatureListing, Import};
use crate::method::params::Params;
use crate::method::rows::Rows;

/// How far a feature's length may be from 1 before features are normalised.
const UNIT: f32 = 1e-3;

/// Features of any network, with an image list: clusters, Eq. 8, map, photos, lineage and rank lists in the window.
#[derive(clap::Args, Debug)]
pub struct ImportArgs {
    /// Files of features, one an epoch in this order, or folders of them (epoch-000.npy, epoch-001.npy …):
    /// safetensors, .npy, .npz or .pt with one row an image of the list
    #[arg(required = true, value_name = "FEATURES")]
    pub features: Vec<PathBuf>,
    /// The images in the features' order: path, and pid, camid, split (train, query, gallery) where they are known
    #[arg(long, value_name = "LIST.csv")]
    pub images: PathBuf,
    /// The run folder to make
    #[arg(long, value_name = "RUN")]
    pub out: PathBuf,
    /// Also rank the gallery anew by k-reciprocal neighbours (k1 20, k2 6, λ 0.3), to be seen beside the first ranking
    #[arg(long)]
    pub rerank: bool,
    /// A parameter of the clustering, for example eps=0.55; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// Runs the command: reads, clusters and ranks each epoch, writes the run folder.
///
/// # Errors
/// A [`super::error::UsageError`] for bad input; anything else is a failure.
pub fn run(args: &ImportArgs) -> anyhow::Result<()> {
    let mut params = Params::default();
    args.set.iter().try_for_each(|assignment| params.assign(assignment))?;
    params.eval.rerank |= args.rerank;
    if let Some(problem) = params.problems().first() {
        return Err(usage(format!("{}: {}", problem.key, problem.message)));
    }
    let files = files(&args.features)?;
    let list = manifest::read(&args.images)?;
    list.notes.iter().for_each(|text| note(text));
    let order = Order::of(&list);
    let name = args.images.file_stem().map_or_else(|| "features".into(), |s| s.to_string_lossy());
    let listing = order.listing(&list, &name);
    let mut epochs = Vec::new();
    // What is refused leaves no folder.
    let mut first = files.first().map(|file| order.read(file)).transpose()?;
    if first.as_ref().is_some_and(|(_, scaled)| *scaled) {
        note("the features are brought to unit length to be clustered; queries and gallery are compared as they are");
    }
    let mut import = Import::create(&args.out, &listing, &params)?;
    for file in &files {
        let (features, _) = first.take().map_or_else(|| order.read(file), Ok)?;
        let found = with_bar("import", |tick| import.epoch(&features, tick))?;
        epochs.push(json!({
            "file": file,
            "mAP": found.as_ref().filter(|r| r.valid_queries > 0).map(|r| r.mAP),
            "reranked": found.as_ref().and_then(|r| r.reranked.clone()),
            "rank1": found.as_ref().filter(|r| r.valid_queries > 0).map(|r| r.cmc[0]),
        }));
    }
    import.finish()?;
    print_json(&json!({
        "run": args.out,
        "images": { "train": order.train.len(), "query": order.query.len(), "gallery": order.gallery.len() },
        "epochs": epochs,
    }))
}

/// The files given, those of folders in the order of the numbers in their names.
fn files(given: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for path in given {
        if !path.is_dir() {
            all.push(path.clone());
            continue;
        }
        let inside = std::fs::read_dir(path).map_err(|e| usage(format!("{} cannot be read: {e}", path.display())))?;
        let kinds = ["npy", "npz", "safetensors", "pt", "pth"];
        let fits = |p: &PathBuf| p.extension().is_some_and(|e| kinds.iter().any(|k| e.eq_ignore_ascii_case(k)));
        let mut found: Vec<PathBuf> = inside.flatten().map(|e| e.path()).filter(fits).collect();
        found.sort_by_key(|p| (number(p), p.clone()));
        if found.is_empty() {
            return Err(usage(format!("{} holds no features: .npy, .npz, .safetensors or .pt", path.display())));
        }
        all.extend(found);
    }
    Ok(all)
}

/// The last number in a file's name.
fn number(path: &Path) -> u64 {
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let end = stem.trim_end_matches(|c: char| !c.is_ascii_digit());
    end[end.trim_end_matches(|c: char| c.is_ascii_digit()).len()..].parse().unwrap_or(0)
}

/// Which rows of the list are of which split.
struct Order {
    rows: usize,
    paths: Vec<PathBuf>,
    train: Vec<usize>,
    query: Vec<usize>,
    gallery: Vec<usize>,
}

impl Order {
    fn of(list: &manifest::ImageList) -> Self {
        let of = |wanted: ManifestSplit| -> Vec<usize> {
            (0..list.rows.len()).filter(|&i| list.rows[i].split.unwrap_or(ManifestSplit::Train) == wanted).collect()
        };
        let (mut train, query, gallery) =
            (of(ManifestSplit::Train), of(ManifestSplit::Query), of(ManifestSplit::Gallery));
        if train.is_empty() {
            note("the list has no training images, so those of the gallery are clustered");
            train = gallery.clone();
        }
        let paths = list.rows.iter().map(|r| r.path.clone()).collect();
        Self { rows: list.rows.len(), paths, train, query, gallery }
    }

    fn listing(&self, list: &manifest::ImageList, name: &str) -> FeatureListing {
        let pick = |rows: &[usize]| -> Vec<Sample> {
            let listed = |&i: &usize| {
                let row = &list.rows[i];
                Sample { clothes: row.clothes, ..Sample::new(absolute(&row.path), row.pid, row.camid) }
            };
            rows.iter().map(listed).collect()
        };
        let (query, gallery) = (pick(&self.query), pick(&self.gallery));
        let cameras = twins::cameras(&query, &gallery, list.has_cameras);
        FeatureListing { name: name.to_owned(), train: pick(&self.train), query, gallery, cameras }
    }

    /// The features of one file, in the list's splits, and whether those to be clustered were brought to unit length.
    fn read(&self, path: &Path) -> anyhow::Result<(EpochFeatures, bool)> {
        let mut features = self.read_rows(path)?;
        let scaled = unit_length(&mut features.train, features.d)?;
        Ok((features, scaled))
    }

    fn read_rows(&self, path: &Path) -> anyhow::Result<EpochFeatures> {
        let mut file = TensorReader::open(path)?;
        file.arrange(self.paths.iter().map(PathBuf::as_path))?;
        let shown = path.display();
        if file.has("query_features") && file.has("gallery_features") {
            let (query, d) = matrix(&mut file, "query_features", self.query.len())?;
            let (gallery, _) = matrix(&mut file, "gallery_features", self.gallery.len())?;
            let train = match ["features", "train_features"].into_iter().find(|n| file.has(n)) {
                Some(name) => matrix(&mut file, name, self.train.len())?.0,
                None => gallery.clone(),
            };
            if train.len() != self.train.len() * d {
                return Err(usage(format!("{shown} has no features of the {} images to cluster", self.train.len())));
            }
            return Ok(EpochFeatures { d, train, query, gallery });
        }
        let name = file.features();
        let (all, d) = matrix(&mut file, name, self.rows)?;
        let pick = |rows: &[usize]| rows.iter().flat_map(|&i| all[i * d..(i + 1) * d].iter().copied()).collect();
        Ok(EpochFeatures { d, train: pick(&self.train), query: pick(&self.query), gallery: pick(&self.gallery) })
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// A matrix with as many rows as the list has images.
fn matrix(file: &mut TensorReader, name: &str, rows: usize) -> anyhow::Result<(Vec<f32>, usize)> {
    let (values, d) = file.matrix(name)?;
    if values.len() != rows * d {
        let found = values.len() / d;
        return Err(usage(format!(
            "`{name}` has {found} rows, and the list {rows} images: one row an image is needed"
        )));
    }
    Ok((values, d))
}

/// Brings features to unit length where they are not, as the method expects; says whether they were not.
///
/// # Errors
/// A [`super::error::UsageError`] for a row that is not finite or all zeros.
pub(super) fn unit_length(features: &mut [f32], d: usize) -> anyhow::Result<bool> {
    let norms = Rows::new(features, d).and_then(|rows| rows.squared_norms()).map_err(from_method)?;
    if norms.iter().all(|norm| (norm.sqrt() - 1.0).abs() <= UNIT) {
        return Ok(false);
    }
    if let Some(row) = norms.iter().position(|&norm| norm == 0.0) {
        return Err(usage(format!("feature row {row} is all zeros, so it has no direction to compare")));
    }
    for (row, norm) in features.chunks_exact_mut(d).zip(&norms) {
        let length = norm.sqrt();
        row.iter_mut().for_each(|x| *x /= length);
    }
    Ok(true)
}
