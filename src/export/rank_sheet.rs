//! Rank lists as one picture: some queries, each with its nearest gallery images.
//!
//! Photos of people are shown only where the user asks for them; without them a cell says which image it is.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage, imageops};
use plotters::backend::BitMapBackend;
use plotters::drawing::IntoDrawingArea;
use plotters::style::text_anchor::HPos;

use super::draw::ExportSheet;
use super::{ExportError, style, ticks};
use crate::base::supply::is_there;
use crate::run::RunReader;
use crate::run::event::{ImageRef, SnapshotPart, Split};
use crate::run::images::Images;
use crate::run::snapshot::{RankSnapshot, part_path};

/// Whether photos of people may stand in what is exported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Photos {
    /// They may.
    Shown,
    /// They may not: the export is to be passed on.
    #[default]
    Hidden,
}

/// What a hit is. **Ground truth.**
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SheetVerdict {
    /// The same person in another camera.
    Right,
    /// Somebody else.
    Wrong,
    /// The same person in the same camera, or nobody who is sought: does not count.
    Junk,
}

impl SheetVerdict {
    /// One word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::Junk => "not counted",
        }
    }

    /// Its colour on paper.
    pub fn color(self) -> style::Rgb {
        match self {
            Self::Right => style::RELIABLE,
            Self::Wrong => style::UNRELIABLE,
            Self::Junk => style::LINE2,
        }
    }
}

/// A query with its nearest gallery images.
#[derive(Clone, Debug, PartialEq)]
pub struct RankRow {
    /// Row of the query split.
    pub query: u32,
    /// Average precision.
    pub ap: f64,
    /// Rank of the first right one, from 1, junk not counted; `None` where nobody matches.
    pub first: Option<u32>,
    /// Nearest first.
    pub hits: Vec<(u32, SheetVerdict)>,
}

/// Rank lists after `epoch` epochs: `count` queries spread evenly from the worst to the best, `top` hits each; empty
/// where the run has none.
///
/// # Errors
/// When the snapshot or `images.csv` is there but cannot be read.
pub fn rows(run: &Path, epoch: usize, count: usize, top: usize) -> Result<Vec<RankRow>, ExportError> {
    if !is_there(&part_path(run, epoch, SnapshotPart::Ranks)) {
        return Ok(Vec::new());
    }
    let ranks = RankSnapshot::read(run, epoch)?;
    let images = Images::read(run).unwrap_or_default();
    let mut order: Vec<usize> = (0..ranks.queries()).filter(|&q| ranks.ap[q].is_finite()).collect();
    order.sort_by(|a, b| ranks.ap[*a].total_cmp(&ranks.ap[*b]));
    Ok(spread(&order, count).into_iter().map(|q| row(&ranks, &images, q, top)).collect())
}

/// At most `count` of `all`, the first and the last among them, evenly apart.
fn spread(all: &[usize], count: usize) -> Vec<usize> {
    let count = count.min(all.len());
    let last = all.len().saturating_sub(1);
    (0..count).map(|i| all[if count == 1 { 0 } else { (i * last + (count - 1) / 2) / (count - 1) }]).collect()
}

/// The list of one query.
pub fn row(ranks: &RankSnapshot, images: &Images, query: usize, top: usize) -> RankRow {
    let matches: HashSet<u32> = ranks.matches(query).map(|m| m.index).collect();
    let of = |split, index| images.get(ImageRef { split, index });
    let sought = of(Split::Query, query as u32);
    let verdict = |gallery: u32| match (matches.contains(&gallery), of(Split::Gallery, gallery), sought) {
        (true, ..) => SheetVerdict::Right,
        (false, Some(found), Some(sought)) if found.pid == sought.pid || found.pid < 0 => SheetVerdict::Junk,
        _ => SheetVerdict::Wrong,
    };
    RankRow {
        query: query as u32,
        ap: ranks.ap.get(query).copied().unwrap_or(f64::NAN),
        first: ranks.matches(query).map(|m| m.rank).min(),
        hits: ranks.hits(query).take(top).map(|(g, _)| (g, verdict(g))).collect(),
    }
}

/// Points.
const CELL: u32 = 56;
const GAP: u32 = 8;
const MARGIN: u32 = 24;
const HEAD: u32 = 62;
const WORDS: u32 = 22;
const NAME: u32 = 96;
/// Hits of a query.
const TOP: usize = 10;
/// Pixels a point.
const SCALE: f64 = 2.0;

/// The sheet of `queries` queries after `epoch` epochs; `None` where the run has no rank lists of that epoch.
///
/// # Errors
/// As [`rows`], and when text cannot be drawn. A photo that cannot be read is a plain ground.
pub fn of(run: &RunReader, epoch: usize, queries: usize, photos: Photos) -> Result<Option<RgbImage>, ExportError> {
    let rows = rows(&run.dir, epoch, queries, TOP)?;
    if rows.is_empty() {
        return Ok(None);
    }
    let images = Images::read(&run.dir).unwrap_or_default();
    let scope = format!(
        "{} → {}, after {}, from the worst to the best query (ground truth)",
        run.manifest.source,
        run.manifest.target,
        ticks::counted(epoch, "epoch", "epochs")
    );
    let width = MARGIN + NAME + (CELL + GAP) * (1 + TOP as u32) + GAP + MARGIN;
    let height = HEAD + rows.len() as u32 * (2 * CELL + WORDS + GAP) + MARGIN / 2;
    let px = |points: u32| (f64::from(points) * SCALE).round() as u32;
    let mut sheet = RgbImage::from_pixel(px(width), px(height), Rgb(style::PAPER));
    for (i, row) in rows.iter().enumerate() {
        let y = HEAD + i as u32 * (2 * CELL + WORDS + GAP);
        let query = ImageRef { split: Split::Query, index: row.query };
        let hits = row.hits.iter().map(|(g, v)| (ImageRef { split: Split::Gallery, index: *g }, v.color()));
        let cells = std::iter::once((query, style::T1)).chain(hits);
        for (column, (image, color)) in cells.enumerate() {
            let x = left(column);
            let frame = RgbImage::from_pixel(px(CELL), px(2 * CELL), Rgb(color));
            imageops::replace(&mut sheet, &frame, px(x).into(), px(y).into());
            let path = images.get(image).filter(|_| photos == Photos::Shown).map(|row| &row.path);
            let inside = photo(path, [px(CELL) - 8, px(2 * CELL) - 8]);
            imageops::replace(&mut sheet, &inside, i64::from(px(x)) + 4, i64::from(px(y)) + 4);
        }
    }
    let drawn = words(&mut sheet, &rows, &scope, photos);
    drawn.map_err(|reason| ExportError::Draw { figure: "rank_lists".to_owned(), reason })?;
    Ok(Some(sheet))
}

/// Left edge of a column in points; the first is the query, a gap sets the hits apart.
fn left(column: usize) -> u32 {
    MARGIN + NAME + column as u32 * (CELL + GAP) + if column > 0 { GAP } else { 0 }
}

/// A photo in the middle of a plain ground.
fn photo(path: Option<&PathBuf>, [width, height]: [u32; 2]) -> RgbImage {
    let mut ground = RgbImage::from_pixel(width, height, Rgb(style::LINE));
    let Some(photo) = path.and_then(|path| image::open(path).ok()).map(image::DynamicImage::into_rgb8) else {
        return ground;
    };
    let [w, h] = [photo.width().max(1), photo.height().max(1)].map(f64::from);
    let scale = (f64::from(width) / w).min(f64::from(height) / h);
    let size = [w, h].map(|n| ((n * scale).round() as u32).max(1));
    let fitted = imageops::resize(&photo, size[0], size[1], imageops::FilterType::CatmullRom);
    let at = [(width.saturating_sub(size[0])) / 2, (height.saturating_sub(size[1])) / 2];
    imageops::replace(&mut ground, &fitted, at[0].into(), at[1].into());
    ground
}

fn words(sheet: &mut RgbImage, rows: &[RankRow], scope: &str, photos: Photos) -> Result<(), String> {
    style::install_fonts()?;
    let (width, height) = sheet.dimensions();
    let area = BitMapBackend::with_buffer(sheet, (width, height)).into_drawing_area();
    let paper = ExportSheet { area: &area, scale: SCALE };
    let margin = f64::from(MARGIN);
    paper.text("Rank lists", (margin, 24.0), 15.0, style::T1, (HPos::Left, true))?;
    paper.text(scope, (margin, 42.0), 11.0, style::T3, (HPos::Left, false))?;
    for (i, row) in rows.iter().enumerate() {
        let y = f64::from(HEAD + i as u32 * (2 * CELL + WORDS + GAP));
        let name = format!("query {}", row.query);
        paper.text(&name, (margin, y + 12.0), 11.0, style::T1, (HPos::Left, true))?;
        let ap = format!("AP {}", ticks::number(100.0 * row.ap, 1));
        paper.text(&ap, (margin, y + 28.0), 11.0, style::T2, (HPos::Left, false))?;
        let first =
            row.first.map_or_else(|| "no match".to_owned(), |r| format!("first at {}", ticks::count(r as usize)));
        paper.text(&first, (margin, y + 44.0), 11.0, style::T2, (HPos::Left, false))?;
        for (column, (gallery, verdict)) in row.hits.iter().enumerate() {
            let center = f64::from(left(column + 1) + CELL / 2);
            let below = y + f64::from(2 * CELL) + 9.0;
            let ink = if *verdict == SheetVerdict::Junk { style::T3 } else { verdict.color() };
            paper.text(verdict.word(), (center, below), 9.0, ink, (HPos::Center, false))?;
            if photos == Photos::Hidden {
                let at = (center, y + f64::from(CELL));
                paper.text(&gallery.to_string(), at, 10.0, style::T2, (HPos::Center, false))?;
            }
        }
    }
    area.present().map_err(|e| e.to_string())
}

/// As a JPEG file's bytes: a sheet of photos is a sixth as large as in PNG.
///
/// # Errors
/// When it cannot be encoded.
pub fn jpeg(sheet: &RgbImage) -> Result<Vec<u8>, ExportError> {
    let mut bytes = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 85);
    let failed = |e: image::ImageError| ExportError::Draw { figure: "rank_lists".to_owned(), reason: e.to_string() };
    sheet.write_with_encoder(encoder).map_err(failed)?;
    Ok(bytes)
}

/// As a PNG file's bytes.
///
/// # Errors
/// When it cannot be encoded.
pub fn png(sheet: &RgbImage) -> Result<Vec<u8>, ExportError> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let failed = |e: image::ImageError| ExportError::Draw { figure: "rank_lists".to_owned(), reason: e.to_string() };
    sheet.write_to(&mut bytes, image::ImageFormat::Png).map_err(failed)?;
    Ok(bytes.into_inner())
}
