//! The features of the newest clustering for TensorBoard's projector (`projector.tensorflow.org` reads the same
//! files) and for numpy.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use image::{RgbImage, imageops};

use super::rank_sheet::{self, Photos};
use super::{ExportError, write};
use crate::base::supply::is_there;
use crate::run::RunReader;
use crate::run::event::Split;
use crate::run::graph::{features_path, read_features};
use crate::run::images::{ImageRow, Images};
use crate::run::snapshot::ClusterSnapshot;

/// Pixels of a photo in the sprite, which the projector wants in a square of at most 8,192 pixels.
const SPRITE: u32 = 64;
const SPRITE_SIDE: u32 = 8192;

/// Writes `features.tsv`, `metadata.tsv` (file, camera, cluster, pseudo-label, score, identity), `features.npy` and
/// `projector_config.pbtxt` into `out`; with photos a `sprite.png` too.
///
/// # Errors
/// When the run has no features yet, or a file cannot be read or written.
pub fn projector(run: &Path, out: &Path, photos: Photos) -> Result<Vec<PathBuf>, ExportError> {
    RunReader::open(run)?;
    if !is_there(&features_path(run)) {
        return Err(ExportError::Empty { path: run.to_owned() });
    }
    let features = read_features(run)?;
    let clusters = ClusterSnapshot::read(run, features.epoch).ok();
    let images = Images::read(run).unwrap_or_default();
    let train = images.split(Split::Train);
    let rows = features.values.len().checked_div(features.d).unwrap_or(0);
    let mut config = "embeddings {\n  tensor_name: \"features\"\n  tensor_path: \"features.tsv\"\n  \
                      metadata_path: \"metadata.tsv\"\n"
        .to_owned();
    let mut files = vec![
        (out.join("features.tsv"), tsv(&features.values, features.d).into_bytes()),
        (out.join("metadata.tsv"), metadata(rows, train, clusters.as_ref()).into_bytes()),
        (out.join("features.npy"), npy(&features.values, features.d)),
    ];
    if let (Photos::Shown, Some((sprite, size))) = (photos, sprite(train)) {
        files.push((out.join("sprite.png"), rank_sheet::png(&sprite)?));
        let _ = writeln!(
            config,
            "  sprite {{\n    image_path: \"sprite.png\"\n    single_image_dim: {size}\n    single_image_dim: {size}\n  }}"
        );
    }
    config.push_str("}\n");
    files.push((out.join("projector_config.pbtxt"), config.into_bytes()));
    for (path, bytes) in &files {
        write(path, bytes)?;
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

fn tsv(values: &[f32], d: usize) -> String {
    let mut text = String::with_capacity(values.len() * 10);
    for row in values.chunks_exact(d.max(1)) {
        for (i, x) in row.iter().enumerate() {
            // Writing into a string does not fail.
            let _ = write!(text, "{}{x}", if i > 0 { "\t" } else { "" });
        }
        text.push('\n');
    }
    text
}

fn metadata(rows: usize, train: &[ImageRow], clusters: Option<&ClusterSnapshot>) -> String {
    let mut text = "row\tfile\tcamera\tcluster\tpseudo_label\tscore\tpid_ground_truth\n".to_owned();
    for i in 0..rows {
        let image = train.get(i);
        let file = image.and_then(|row| row.path.file_name()).map(|n| n.to_string_lossy().replace(['\t', '\n'], " "));
        let of = |labels: fn(&ClusterSnapshot) -> &[i32]| {
            clusters.and_then(|c| labels(c).get(i)).map_or_else(String::new, ToString::to_string)
        };
        let score = clusters.and_then(|c| c.score.get(i)).map_or_else(String::new, ToString::to_string);
        let number = |n: Option<i32>| n.map_or_else(String::new, |n| n.to_string());
        let _ = writeln!(
            text,
            "{i}\t{}\t{}\t{}\t{}\t{score}\t{}",
            file.unwrap_or_default(),
            number(image.map(|row| row.camid)),
            of(|c| &c.labels),
            of(|c| &c.pseudo_labels),
            number(image.map(|row| row.pid)),
        );
    }
    text
}

/// A numpy file, version 1.0: float32 `[N, d]` in C order.
pub fn npy(values: &[f32], d: usize) -> Vec<u8> {
    let n = values.len().checked_div(d).unwrap_or(0);
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({n}, {d}), }}");
    // Magic, version, length and header together fill whole blocks of 64 bytes; a line feed ends them.
    let whole = (10 + header.len() + 1).next_multiple_of(64);
    header.push_str(&" ".repeat(whole - 10 - header.len() - 1));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    values[..n * d].iter().for_each(|x| bytes.extend_from_slice(&x.to_le_bytes()));
    bytes
}

/// All photos in a square, row by row, and the side of each; `None` where no photo can be read.
fn sprite(train: &[ImageRow]) -> Option<(RgbImage, u32)> {
    let across = (train.len() as f64).sqrt().ceil().max(1.0) as u32;
    let size = (SPRITE_SIDE / across).min(SPRITE);
    if size < 8 {
        return None;
    }
    let mut sheet = RgbImage::new(across * size, across * size);
    let mut any = false;
    for (i, row) in (0u32..).zip(train) {
        let Ok(photo) = image::open(&row.path) else { continue };
        any = true;
        let small = imageops::thumbnail(&photo.into_rgb8(), size / 2, size);
        imageops::replace(&mut sheet, &small, i64::from(i % across * size + size / 4), i64::from(i / across * size));
    }
    any.then_some((sheet, size))
}
