//! `datasets split`: a manifest with training, query and gallery out of any folder that tells who is on its images.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::json;

use crate::base::fs::write_bytes;
use crate::base::rng::mix;
use crate::cli::error::usage;
use crate::cli::progress::{note, print_json};
use crate::data::layout::folders::read_folder;
use crate::data::layout::names::NamePattern;
use crate::data::layout::{Splits, listing};
use crate::data::registry::Registry;
use crate::data::{Dataset, Sample};

#[derive(clap::Args, Debug)]
pub struct SplitArgs {
    /// A folder of images, or of a folder for each person, without a test set
    dir: PathBuf,
    /// Where the manifest goes; manifest.csv in the folder unless given
    #[arg(long, value_name = "F.csv")]
    out: Option<PathBuf>,
    /// People for training; half of them unless given
    #[arg(long, value_name = "N")]
    train_ids: Option<usize>,
    /// Query images of each person and camera; the others are the gallery
    #[arg(long, default_value_t = 1, value_name = "N")]
    query_per_camera: usize,
    /// The same seed draws the same people
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Draws the split and writes the manifest.
pub fn run(args: &SplitArgs) -> anyhow::Result<()> {
    let (samples, has_cameras) = images(&args.dir)?;
    let people: BTreeSet<i32> = samples.iter().map(|s| s.pid).collect();
    let train_ids = args.train_ids.unwrap_or(people.len() / 2);
    if train_ids < 2 || train_ids >= people.len() {
        let n = people.len();
        return Err(usage(format!("{n} people leave nobody for training or test with --train-ids {train_ids}")));
    }
    let mut drawn: Vec<i32> = people.into_iter().collect();
    drawn.sort_by_key(|&pid| mix(mix(args.seed) ^ pid as u64));
    let train: BTreeSet<i32> = drawn.into_iter().take(train_ids).collect();
    let mut seen: BTreeMap<(i32, i32), Vec<usize>> = BTreeMap::new();
    for (i, s) in samples.iter().enumerate().filter(|(_, s)| !train.contains(&s.pid)) {
        seen.entry((s.pid, s.camid)).or_default().push(i);
    }
    let mut query = BTreeSet::new();
    for mut images in seen.into_values() {
        images.sort_by_key(|&i| mix(mix(args.seed ^ 1) ^ i as u64));
        // Without cameras a person's last image must stay in the gallery to be found.
        let most = if has_cameras { images.len() } else { images.len().saturating_sub(1) };
        query.extend(images.into_iter().take(args.query_per_camera.min(most)));
    }
    let out = args.out.clone().unwrap_or_else(|| args.dir.join("manifest.csv"));
    if out.exists() {
        return Err(usage(format!("{} is there already: give another file with --out", out.display())));
    }
    let counts = write(&out, &samples, has_cameras, &train, &query)?;
    print_json(&json!({ "manifest": out, "train_ids": train_ids, "images": counts }))
}

/// All images with their people, whatever lies there.
fn images(dir: &Path) -> anyhow::Result<(Vec<Sample>, bool)> {
    if listing::first_image(dir).is_some() {
        let list = listing::images(dir)?;
        let names = || list.images.iter().map(|p| listing::name(p));
        let pattern = NamePattern::of(names()).ok_or_else(|| {
            let first = names().next().unwrap_or("").to_owned();
            usage(format!("`{first}` tells no person: a name has to look like 0002_c1_0001.jpg or 0002_0001.jpg"))
        })?;
        let mut told = Splits::default();
        let samples = read_folder(dir, &|name: &str| pattern.parse(name), &mut told)?;
        told.examples.iter().chain(&told.notes).for_each(|text| note(text));
        return Ok((samples, pattern.has_camera()));
    }
    let name = dir.to_string_lossy();
    let set: Dataset = Registry::load()?.0.open(&name, &crate::base::tick::no_tick)?;
    if !set.query.is_empty() || !set.gallery.is_empty() {
        return Err(usage(format!("{name} has a test set already: it can be used as it is")));
    }
    set.examples.iter().chain(&set.notes).for_each(|text| note(text));
    Ok((set.train, set.has_cameras))
}

fn write(
    out: &Path,
    samples: &[Sample],
    has_cameras: bool,
    train: &BTreeSet<i32>,
    query: &BTreeSet<usize>,
) -> anyhow::Result<BTreeMap<&'static str, usize>> {
    let whole = std::path::absolute(out)?;
    let folder = whole.parent().unwrap_or(Path::new("/")).to_owned();
    let mut csv = csv::Writer::from_writer(Vec::new());
    let mut counts = BTreeMap::new();
    csv.write_record(["path", "pid", "camid", "split"])?;
    for (i, s) in samples.iter().enumerate() {
        let split = match (train.contains(&s.pid), query.contains(&i)) {
            (true, _) => "train",
            (false, true) => "query",
            (false, false) => "gallery",
        };
        *counts.entry(split).or_default() += 1;
        let path = std::path::absolute(&s.path)?;
        let path = path.strip_prefix(&folder).unwrap_or(&path).to_string_lossy().into_owned();
        let camid = if has_cameras { s.camid.to_string() } else { String::new() };
        // Person 0 would count as a distractor.
        csv.write_record([path, (s.pid + 1).to_string(), camid, split.to_owned()])?;
    }
    let bytes = csv.into_inner().map_err(|e| e.into_error())?;
    write_bytes(out, bytes).with_context(|| format!("writing {}", out.display()))?;
    Ok(counts)
}
