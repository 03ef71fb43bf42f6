//! A recorded run in one HTML file that needs no network: a scrubber over its epochs, the cluster map, and eps, Δd and
//! the threshold to drag. A radius is cut out of the minimum spanning forest of each epoch, which holds DBSCAN's clusters
//! at every radius ([`crate::method::tree`]); so the page gives the numbers that `cluster` gives.

mod page;

use std::io::{self, Write};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use image::{RgbImage, imageops};
use serde::Serialize;

use super::html::jpeg_address;
use super::report::{DrawnFigure, drawn};
use super::{ExportError, Photos, figures, rank_sheet, style, write};
use crate::method::cluster::Judged;
use crate::method::embed::{Lists, Start, TsneOptions, spiral, tsne};
use crate::method::tree::Tree;
use crate::run::event::Split;
use crate::run::graph::read_graph;
use crate::run::images::{ImageRow, Images};
use crate::run::snapshot::ClusterSnapshot;
use crate::run::{RunReader, RunView};
use crate::study::judged::EpochRules;

/// Images times epochs at most; of a longer run epochs are left out evenly, the first and the last stay.
const MOST: usize = 400_000;
/// Images that t-SNE lays out; more are shown on their principal components.
const TSNE_IMAGES: usize = 20_000;
/// Width and height of a photo on the sheet, in pixels.
const PHOTO: [u32; 2] = [48, 96];
/// Side of the sheet of photos at most: what browsers decode.
const SHEET: u32 = 8192;
/// The figures above the epochs' line.
const FIGURES: [&str; 3] = ["retrieval", "clusters", "loss_adaptation"];

/// What the page shows.
struct Content {
    reader: RunReader,
    view: RunView,
    figures: Vec<DrawnFigure>,
    /// Epochs that are left out.
    left_out: usize,
    /// The data of the script: base64 of a gzip archive, see [`Packed`].
    data: String,
    /// The photos on one sheet, a data address.
    photos: Option<String>,
}

/// Where an array lies among the packed bytes: offset and numbers in it.
type Place = [usize; 2];

/// What the script reads first; little-endian arrays follow it.
#[derive(Serialize)]
struct Header {
    images: usize,
    /// Width and height of a photo and photos in a row of the sheet.
    photo: [u32; 3],
    epochs: Vec<EpochData>,
}

/// One epoch of the page.
#[derive(Serialize)]
struct EpochData {
    /// From 1.
    epoch: usize,
    /// By t-SNE or by principal components.
    layout: &'static str,
    /// mAP on the target after this epoch's training. **Ground truth.**
    #[serde(rename = "mAP")]
    map: Option<f64>,
    eps: f64,
    delta_d: f64,
    judged: Judged,
    carried: Option<f64>,
    threshold: Option<f64>,
    /// Whether other radii can be tried: the method has three, the graph is kept and nobody touched the labels.
    tries: bool,
    /// How far radii can be tried.
    reach: f32,
    min_samples: usize,
    /// `[N, 2]` i16 on the map, the larger half extent is 32,767.
    at: Place,
    /// `[N]` i32 labels at eps as recorded.
    labels: Place,
    /// `[N]` i32 pseudo-labels as recorded.
    pseudo_labels: Place,
    /// `[N]` f32 score of each image as recorded; empty where the method gives none.
    score: Place,
    /// `[C]` f32 score of each cluster as recorded.
    cluster_score: Place,
    /// `[N]` f32 core distances of the forest.
    core: Place,
    /// `[E]` u32 smaller and larger image, and f32 reach, of each edge.
    edge_a: Place,
    edge_b: Place,
    edge_reach: Place,
    /// `[N, min_samples − 1]` u32 nearest others and their f32 distances.
    near: Place,
    near_distance: Place,
}

/// Arrays one after the other, each at a multiple of four bytes.
#[derive(Default)]
struct Packed(Vec<u8>);

impl Packed {
    fn add<const W: usize>(&mut self, values: impl IntoIterator<Item = [u8; W]>) -> Place {
        let at = self.0.len();
        let before = at;
        values.into_iter().for_each(|v| self.0.extend(v));
        let count = (self.0.len() - before) / W;
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        [at, count]
    }

    fn reals(&mut self, values: impl IntoIterator<Item = f32>) -> Place {
        self.add(values.into_iter().map(f32::to_le_bytes))
    }

    fn labels(&mut self, values: &[i32]) -> Place {
        self.add(values.iter().map(|v| v.to_le_bytes()))
    }

    fn images(&mut self, values: impl IntoIterator<Item = u32>) -> Place {
        self.add(values.into_iter().map(u32::to_le_bytes))
    }

    /// Length of the header, the header, and the arrays from the next multiple of four on; as base64 of gzip.
    fn finish(self, header: &Header) -> io::Result<String> {
        let mut head = serde_json::to_vec(header)?;
        head.resize(head.len().next_multiple_of(4), b' ');
        let mut gz = GzEncoder::new(Vec::new(), Compression::best());
        gz.write_all(&(head.len() as u32).to_le_bytes())?;
        gz.write_all(&head)?;
        gz.write_all(&self.0)?;
        Ok(STANDARD.encode(gz.finish()?))
    }
}

/// Writes the replay of a run into the file `out`. Photos of people stand in it only where the user asks for them.
///
/// # Errors
/// When the run cannot be read, has clustered nothing yet, or the file cannot be written.
pub fn replay(run: &Path, out: &Path, photos: Photos) -> Result<(), ExportError> {
    let reader = RunReader::open(run)?;
    let view = RunView::of_folder(&reader);
    let images = Images::read(&reader.dir).unwrap_or_default();
    let train = images.split(Split::Train);
    let failed = |source| ExportError::Write { path: out.to_owned(), source };
    let shown: Vec<usize> = view.clusters.keys().copied().collect();
    let snapshots = |epoch: &usize| ClusterSnapshot::read(&reader.dir, *epoch).ok().map(|s| (*epoch, s));
    let Some((_, first)) = shown.iter().find_map(snapshots) else {
        return Err(ExportError::Empty { path: run.to_owned() });
    };
    let n = first.labels.len();
    let chosen = spread(&shown, (MOST / n.max(1)).max(2));
    let (mut packed, mut epochs, mut before) = (Packed::default(), Vec::new(), None);
    for &epoch in &chosen {
        // An epoch whose snapshot is lost or of other images is left out; the page says how many are.
        let Some((_, snapshot)) = snapshots(&epoch).filter(|(_, s)| s.labels.len() == n) else { continue };
        let Some(rules) = EpochRules::of(&view, epoch) else { continue };
        let layout = layout(&snapshot, &mut before);
        epochs.push(epoch_data(&mut packed, &reader, &view, (epoch, &snapshot), &rules, layout));
    }
    let sheet = match photos {
        Photos::Shown => sheet(train, n),
        Photos::Hidden => None,
    };
    let across = sheet.as_ref().map_or(0, |sheet| sheet.width() / PHOTO[0]);
    let header = Header { images: n, photo: [PHOTO[0], PHOTO[1], across], epochs };
    let photos = sheet.as_ref().map(rank_sheet::jpeg).transpose()?.map(|bytes| jpeg_address(&bytes));
    let left_out = shown.len() - header.epochs.len();
    let data = packed.finish(&header).map_err(failed)?;
    let figures = figures::all(&reader, &view);
    let figures = FIGURES.iter().filter_map(|name| figures.iter().find(|f| f.name == *name)).map(drawn);
    let figures = figures.collect::<Result<Vec<_>, _>>()?;
    let page = page::page(&Content { reader, view, figures, left_out, data, photos });
    write(out, page.into_string().as_bytes())
}

/// At most `count` of `all`, evenly, the first and the last among them.
fn spread(all: &[usize], count: usize) -> Vec<usize> {
    if all.len() <= count {
        return all.to_vec();
    }
    let last = all.len() - 1;
    (0..count).map(|i| all[i * last / (count - 1)]).collect()
}

/// `[N, 2]` and how it came about; t-SNE goes on from the layout of the epoch before.
fn layout(snapshot: &ClusterSnapshot, before: &mut Option<Vec<f32>>) -> (Vec<f32>, &'static str) {
    let n = snapshot.labels.len();
    let lists = Lists { index: &snapshot.knn_index, dist: &snapshot.knn_dist, n, k: snapshot.k };
    let whole = snapshot.pca.len() == 2 * n;
    let found = (n <= TSNE_IMAGES).then(|| {
        let shape = if whole { snapshot.pca.clone() } else { spiral(n) };
        let (start, options) = match before.as_deref() {
            Some(before) => (Start::Layout(before), TsneOptions::warm()),
            None => (Start::Shape(&shape), TsneOptions::fresh()),
        };
        tsne(lists, start, options, &mut |_, _| true)
    });
    match found {
        Some(Ok(at)) => {
            *before = Some(at.clone());
            (at, "t-SNE")
        }
        _ if whole => (snapshot.pca.clone(), "PCA"),
        _ => (spiral(n), "no"),
    }
}

fn epoch_data(
    packed: &mut Packed,
    reader: &RunReader,
    view: &RunView,
    (epoch, snapshot): (usize, &ClusterSnapshot),
    rules: &EpochRules,
    (at, layout): (Vec<f32>, &'static str),
) -> EpochData {
    let params = &rules.params;
    let touched = view.hands.contains_key(&epoch);
    let graph = (rules.radii && !touched).then(|| read_graph(&reader.dir, epoch).ok()).flatten();
    let tree = graph.filter(|g| g.n == snapshot.labels.len()).map(|graph| Tree::new(&graph, params.min_samples));
    let tries = tree.is_some();
    let tree = tree.unwrap_or_default();
    EpochData {
        epoch: epoch + 1,
        layout,
        map: view.target_retrieval.get(&(epoch + 1)).map(|r| r.mAP),
        eps: params.eps,
        delta_d: params.delta_d,
        judged: Judged::of(params),
        carried: rules.carried,
        threshold: view.clusters.get(&epoch).and_then(|c| c.summary.threshold),
        tries,
        reach: tree.max,
        min_samples: params.min_samples,
        at: packed.add(on_grid(&at).into_iter().map(i16::to_le_bytes)),
        labels: packed.labels(&snapshot.labels),
        pseudo_labels: packed.labels(&snapshot.pseudo_labels),
        score: packed.reals(snapshot.score.iter().map(|&s| s as f32)),
        cluster_score: packed.reals(snapshot.cluster_score.iter().map(|&s| s as f32)),
        core: packed.reals(tree.core.iter().copied()),
        edge_a: packed.images(tree.edges.iter().map(|e| e.a)),
        edge_b: packed.images(tree.edges.iter().map(|e| e.b)),
        edge_reach: packed.reals(tree.edges.iter().map(|e| e.reach)),
        near: packed.images(tree.nearest().iter().map(|&(_, j)| j)),
        near_distance: packed.reals(tree.nearest().iter().map(|&(d, _)| d)),
    }
}

/// Points centred, the larger half extent 32,767.
fn on_grid(at: &[f32]) -> Vec<i16> {
    let axis = |axis: usize| at.iter().skip(axis).step_by(2).copied().filter(|x| x.is_finite());
    let range = |a: usize| axis(a).fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), x| (l.min(x), h.max(x)));
    let ranges = [range(0), range(1)];
    let half = ranges.iter().map(|(l, h)| (h - l) / 2.0).fold(f32::MIN_POSITIVE, f32::max);
    let place = |(i, x): (usize, &f32)| {
        let (low, high) = ranges[i % 2];
        // A saturating cast: what is not finite stands in the middle.
        ((x - f32::midpoint(low, high)) / half * f32::from(i16::MAX)) as i16
    };
    at.iter().enumerate().map(place).collect()
}

/// The photos of the training images on one sheet; none where no photo is there or they are too many.
fn sheet(train: &[ImageRow], n: usize) -> Option<RgbImage> {
    let [width, height] = PHOTO;
    let (rows, across) = (train.get(..n)?, SHEET / width);
    let across = across.min(rows.len() as u32).max(1);
    let down = (rows.len() as u32).div_ceil(across);
    if down * height > SHEET {
        return None;
    }
    let mut sheet = RgbImage::from_pixel(across * width, down * height, image::Rgb(style::LINE));
    let mut any = false;
    for (i, row) in (0u32..).zip(rows) {
        let Ok(photo) = image::open(&row.path) else { continue };
        any = true;
        let small = imageops::thumbnail(&photo.into_rgb8(), width, height);
        imageops::replace(&mut sheet, &small, i64::from(i % across * width), i64::from(i / across * height));
    }
    any.then_some(sheet)
}
