//! A run folder as one small archive, for the example that comes with the program.

use std::io;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};

use super::{ExportError, write};
use crate::base::tensors::Archive;
use crate::run::event::SnapshotPart;
use crate::run::graph::{features_path, read_features, write_features};
use crate::run::images::{ImageRow, Images};
use crate::run::snapshot::{ClusterSnapshot, RankSnapshot, list, read_heat_maps, write_heat_maps};
use crate::run::training::TrainingSnapshot;
use crate::run::{Manifest, RunError, RunReader};

/// Rows of a photo at most: a thumbnail has no more.
const HEIGHT: u32 = 128;
/// Quality of the photos.
const QUALITY: u8 = 55;

/// Bits of the fraction that attention maps keep: no eye sees more.
const MAP_BITS: u32 = 8;
/// Bits of the fraction that distances and coordinates keep: more than are ever written out.
const SHOWN_BITS: u32 = 10;
/// Bits of the fraction that features keep: their distances move by less than those of neighbours differ.
const FEATURE_BITS: u32 = 12;

/// Packs what panels read of a run into `out`, a `.tar.gz`: history, snapshots, the newest features, photos made
/// small. Checkpoints are left out; maps, distances and features are rounded, labels, scores and graphs are not. The same run gives the same bytes.
///
/// # Errors
/// When the run cannot be read, a photo cannot be decoded, or the file cannot be written.
pub fn pack(run: &Path, out: &Path) -> Result<(), ExportError> {
    let reader = RunReader::open(run)?;
    let images = Images::read(&reader.dir)?;
    let staged = tempfile::tempdir().map_err(|source| ExportError::Write { path: out.to_owned(), source })?;
    round(&reader.dir, staged.path())?;
    let bytes = archive(&reader.dir, staged.path(), &images)
        .map_err(|source| ExportError::Write { path: out.to_owned(), source })?;
    write(out, &bytes)
}

fn archive(run: &Path, staged: &Path, images: &Images) -> io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
    let manifest = Manifest::path(run);
    let manifest = manifest.strip_prefix(run).map_err(io::Error::other)?.to_owned();
    let mut files = vec![manifest, PathBuf::from("params.toml"), "events.jsonl".into(), "features.safetensors".into()];
    collect(run, Path::new("epochs"), &mut files)?;
    for file in &files {
        // What was rounded takes the place of what it was made from.
        if let Some(found) = [staged.join(file), run.join(file)].into_iter().find(|path| path.is_file()) {
            add(&mut tar, file, &std::fs::read(found)?)?;
        }
    }
    let mut rows = Vec::new();
    for (i, row) in images.all().enumerate() {
        let path = PathBuf::from(format!("photos/{i:05}.jpg"));
        add(&mut tar, &path, &photo(&row.path)?)?;
        rows.push(ImageRow { path, ..row.clone() });
    }
    // The same writer as a run's, so that the same reader takes it.
    let placed = Images::new(rows).map_err(io::Error::other)?;
    placed.write(staged).map_err(io::Error::other)?;
    add(&mut tar, Path::new("images.csv"), &std::fs::read(Images::path(staged))?)?;
    tar.into_inner()?.finish()
}

/// Writes maps, distances and features of a run with fewer digits into another folder.
fn round(run: &Path, staged: &Path) -> Result<(), RunError> {
    for (epoch, parts) in list(run) {
        if parts.contains(&SnapshotPart::HeatMaps) {
            let mut images = read_heat_maps(run, epoch)?;
            let values = images.iter_mut().flat_map(|i| &mut i.maps).flat_map(|m| &mut m.values);
            values.for_each(|x| *x = rounded(*x, MAP_BITS));
            write_heat_maps(staged, epoch, &images)?;
        }
        if parts.contains(&SnapshotPart::Clusters) {
            let mut clusters = ClusterSnapshot::read(run, epoch)?;
            let values = clusters.knn_dist.iter_mut().chain(&mut clusters.pca);
            values.for_each(|x| *x = rounded(*x, SHOWN_BITS));
            clusters.write(staged, epoch)?;
        }
        if parts.contains(&SnapshotPart::Ranks) {
            let mut ranks = RankSnapshot::read(run, epoch)?;
            let values = ranks.distances.iter_mut().chain(&mut ranks.match_distance);
            values.for_each(|x| *x = rounded(*x, SHOWN_BITS));
            ranks.write(staged, epoch)?;
        }
        if parts.contains(&SnapshotPart::Training) {
            let mut training = TrainingSnapshot::read(run, epoch)?;
            let (memory, batch) = (&mut training.memory, &mut training.batch);
            let tables = [&mut memory.began, &mut memory.place, &mut memory.turned, &mut memory.length];
            let tables = tables.into_iter().chain([&mut memory.age, &mut memory.apart, &mut memory.row_turned]);
            let tables = tables.chain([&mut batch.positive_distance, &mut batch.negative_distance]);
            tables.flatten().for_each(|x| *x = rounded(*x, SHOWN_BITS));
            training.write(staged, epoch)?;
        }
    }
    if features_path(run).is_file() {
        let features = read_features(run)?;
        let ids = Archive::open(&features_path(run))?;
        let values: Vec<f32> = features.values.iter().map(|x| rounded(*x, FEATURE_BITS)).collect();
        let (pids, camids) = (ids.vector("pid", None)?, ids.vector("camid", None)?);
        write_features(staged, features.epoch, features.d, &values, &pids, &camids)?;
    }
    Ok(())
}

/// To that many bits of the fraction.
fn rounded(x: f32, bits: u32) -> f32 {
    let dropped = 23 - bits;
    let up = f32::from_bits(x.to_bits().saturating_add(1 << (dropped - 1)));
    if x.is_finite() && up.is_finite() { f32::from_bits(up.to_bits() >> dropped << dropped) } else { x }
}

/// The files below a folder, in the order of their names.
fn collect(run: &Path, folder: &Path, out: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries: Vec<_> = std::fs::read_dir(run.join(folder))?.collect::<Result<_, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            collect(run, &path, out)?;
        } else {
            out.push(path);
        }
    }
    Ok(())
}

fn add(tar: &mut tar::Builder<GzEncoder<Vec<u8>>>, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    tar.append_data(&mut header, path, bytes)
}

fn photo(path: &Path) -> io::Result<Vec<u8>> {
    let whole = image::open(path).map_err(|e| io::Error::other(format!("{}: {e}", path.display())))?.into_rgb8();
    let small = if whole.height() > HEIGHT {
        let width = (u64::from(whole.width()) * u64::from(HEIGHT) / u64::from(whole.height())).max(1) as u32;
        imageops::resize(&whole, width, HEIGHT, FilterType::CatmullRom)
    } else {
        whole
    };
    let mut bytes = Vec::new();
    small.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY)).map_err(io::Error::other)?;
    Ok(bytes)
}
