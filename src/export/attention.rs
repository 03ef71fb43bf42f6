//! Attention maps of several people on one sheet, as in the paper's Fig. 6: photo beside photo, each with its maps.

use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage, imageops};
use plotters::backend::BitMapBackend;
use plotters::drawing::IntoDrawingArea;
use plotters::style::text_anchor::HPos;

use super::draw::ExportSheet;
use super::{ExportError, style, ticks};
use crate::base::fs::write_bytes;
use crate::run::event::AttentionMap;

/// Points around the sheet.
const MARGIN: u32 = 24;
/// Points above the people, for title, scope and the columns' names.
const HEAD: u32 = 76;
/// Points below them, for the colour bars.
const FOOT: u32 = 56;
/// Width of a photo in points; it is twice as high.
const CELL: u32 = 76;
/// Between the pictures of one person.
const GAP: u32 = 4;
/// Between people, and below a row, where their names stand.
const BETWEEN: u32 = 20;
/// Pixels of a picture's height, at least and at most; between them the largest photo decides.
const HEIGHT: [u32; 2] = [456, 1216];

/// What is to be drawn.
#[derive(Clone, Debug, Default)]
pub struct AttentionGrid {
    /// Over it all.
    pub title: String,
    /// Which run, after how many epochs, with which scale.
    pub scope: String,
    /// What stands side by side for each person.
    pub columns: Vec<String>,
    /// The people, row by row.
    pub people: Vec<PersonRow>,
    /// The colour bars below.
    pub bars: Vec<ColorBar>,
    /// How much of a map covers the photo, 0..=1.
    pub opacity: f32,
}

/// One person: a row of pictures.
#[derive(Clone, Debug, Default)]
pub struct PersonRow {
    /// The photo's file; a plain ground without.
    pub photo: Option<PathBuf>,
    /// Below the pictures.
    pub words: String,
    /// A picture for each column.
    pub cells: Vec<GridPicture>,
}

/// One picture.
#[derive(Clone, Debug)]
pub enum GridPicture {
    /// The photo alone.
    Photo,
    /// A map.
    Map {
        /// Its values.
        map: AttentionMap,
        /// The values at the ends of the colours.
        range: [f32; 2],
        /// Its colours.
        ramp: Ramp,
        /// Whether it lies over the photo: its rows and columns are those of the image.
        over: bool,
    },
    /// The run has no such map.
    Missing,
}

/// Colours of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ramp {
    /// Inferno: dark is little, bright is much.
    Attention,
    /// Violet is less, the paper's colour is 0, blue is more.
    Difference,
}

impl Ramp {
    /// The colour at `t` in 0..=1.
    pub fn color(self, t: f32) -> style::Rgb {
        let t = if t.is_finite() { t.clamp(0.0, 1.0) } else { 0.0 };
        match self {
            Self::Attention => {
                let c = colorous::INFERNO.eval_continuous(f64::from(t));
                [c.r, c.g, c.b]
            }
            Self::Difference => {
                let end = if t < 0.5 { style::WHAT_IF } else { style::ACCENT };
                mix(style::PAPER, end, (2.0 * t - 1.0).abs())
            }
        }
    }
}

/// The colours of a map with its numbers.
#[derive(Clone, Debug)]
pub struct ColorBar {
    /// Below it.
    pub words: String,
    /// At its left end.
    pub low: String,
    /// At its right end.
    pub high: String,
    /// Its colours.
    pub ramp: Ramp,
}

impl AttentionGrid {
    /// People in a row, so that the sheet is about half as wide again as high.
    pub fn per_row(&self) -> usize {
        let n = self.people.len().max(1);
        let (width, height) = (f64::from(self.width() + BETWEEN), f64::from(2 * CELL + BETWEEN));
        ((n as f64 * 1.5 * height / width).sqrt().round() as usize).clamp(1, n)
    }

    /// Width of one person in points.
    fn width(&self) -> u32 {
        let n = self.columns.len().max(1) as u32;
        n * CELL + (n - 1) * GAP
    }

    /// Size of the sheet in points.
    fn points(&self) -> [u32; 2] {
        let across = self.per_row() as u32;
        let down = self.people.len().div_ceil(across as usize).max(1) as u32;
        let width = 2 * MARGIN + across * self.width() + (across - 1) * BETWEEN;
        [width.max(360), HEAD + down * (2 * CELL + BETWEEN) + FOOT]
    }

    /// Pixels of the sheet when pictures are `height` pixels high.
    pub fn pixels(&self, height: u32) -> [u32; 2] {
        self.points().map(|n| (f64::from(n) * scale(height)).round() as u32)
    }

    /// Draws it.
    ///
    /// # Errors
    /// When the text cannot be drawn. A photo that cannot be read is a plain ground.
    pub fn draw(&self) -> Result<RgbImage, ExportError> {
        let photos: Vec<Option<RgbImage>> = self
            .people
            .iter()
            .map(|p| p.photo.as_deref().and_then(|path| image::open(path).ok()?.into_rgb8().into()))
            .collect();
        let tallest = photos.iter().flatten().map(|p| p.height()).max().unwrap_or(0);
        let height = tallest.clamp(HEIGHT[0], HEIGHT[1]);
        let [width_px, height_px] = self.pixels(height);
        let mut sheet = RgbImage::from_pixel(width_px, height_px, Rgb(style::PAPER));
        let to_px = |points: u32| (f64::from(points) * scale(height)).round() as u32;
        let cell = [to_px(CELL), to_px(2 * CELL)];
        for (i, (person, photo)) in self.people.iter().zip(&photos).enumerate() {
            let [x, y] = self.place(i);
            let ground = Ground::of(photo.as_ref(), cell);
            for (column, content) in person.cells.iter().enumerate() {
                let left = x + column as u32 * (CELL + GAP);
                self.cell(&mut sheet, [to_px(left), to_px(y)], content, &ground);
            }
        }
        let drawn = self.words(&mut sheet, scale(height));
        drawn.map_err(|reason| ExportError::Draw { figure: self.title.clone(), reason })?;
        Ok(sheet)
    }

    /// Draws it into a PNG file; its folder is made if it is not there.
    ///
    /// # Errors
    /// As [`AttentionGrid::draw`], and those of the file system.
    pub fn save(&self, path: &Path) -> Result<(), ExportError> {
        let failed = |source: std::io::Error| ExportError::Write { path: path.to_path_buf(), source };
        let mut bytes = std::io::Cursor::new(Vec::new());
        let written = self.draw()?.write_to(&mut bytes, image::ImageFormat::Png);
        written.map_err(|e| failed(std::io::Error::other(e)))?;
        write_bytes(path, bytes.into_inner()).map_err(failed)
    }

    /// Left and upper edge of a person in points.
    fn place(&self, i: usize) -> [u32; 2] {
        let (row, column) = ((i / self.per_row()) as u32, (i % self.per_row()) as u32);
        [MARGIN + column * (self.width() + BETWEEN), HEAD + row * (2 * CELL + BETWEEN)]
    }

    fn cell(&self, sheet: &mut RgbImage, [x, y]: [u32; 2], content: &GridPicture, ground: &Ground) {
        match content {
            GridPicture::Photo => imageops::replace(sheet, &ground.photo, x.into(), y.into()),
            GridPicture::Missing => {}
            GridPicture::Map { map, range, ramp, over } => {
                let [width, height] = ground.cell;
                let (at, [w, h]) = if *over { (ground.at, ground.size) } else { ([0, 0], [width, height]) };
                if *over {
                    imageops::replace(sheet, &ground.muted, x.into(), y.into());
                }
                let opacity = if *over { self.opacity.clamp(0.0, 1.0) } else { 1.0 };
                for py in 0..h {
                    for px in 0..w {
                        let value = sample(map, (px as f32 + 0.5) / w as f32, (py as f32 + 0.5) / h as f32);
                        let color = ramp.color(place(value, *range));
                        let pixel = sheet.get_pixel_mut(x + at[0] + px, y + at[1] + py);
                        pixel.0 = mix(pixel.0, color, opacity);
                    }
                }
            }
        }
    }

    fn words(&self, sheet: &mut RgbImage, scale: f64) -> Result<(), String> {
        style::install_fonts()?;
        let (width, height) = sheet.dimensions();
        let area = BitMapBackend::with_buffer(sheet, (width, height)).into_drawing_area();
        let paper = ExportSheet { area: &area, scale };
        let left = f64::from(MARGIN);
        paper.text(&self.title, (left, 24.0), 15.0, style::T1, (HPos::Left, true))?;
        paper.text(&self.scope, (left, 42.0), 11.0, style::T3, (HPos::Left, false))?;
        for first in 0..self.per_row().min(self.people.len()) {
            let [x, y] = self.place(first);
            for (column, name) in self.columns.iter().enumerate() {
                let center = f64::from(x + column as u32 * (CELL + GAP) + CELL / 2);
                paper.text(name, (center, f64::from(y) - 9.0), 10.0, style::T2, (HPos::Center, false))?;
            }
        }
        for (i, person) in self.people.iter().enumerate() {
            let [x, y] = self.place(i);
            let at = (f64::from(x), f64::from(y + 2 * CELL) + 9.0);
            paper.text(&person.words, at, 10.0, style::T3, (HPos::Left, false))?;
        }
        self.bars(&paper)?;
        area.present().map_err(|e| e.to_string())
    }

    fn bars(&self, paper: &ExportSheet<'_, BitMapBackend<'_>>) -> Result<(), String> {
        let [width, height] = self.points().map(f64::from);
        let n = self.bars.len().max(1) as f64;
        let each = ((width - 2.0 * f64::from(MARGIN)) / n).min(200.0);
        let y = height - f64::from(FOOT) + 14.0;
        for (i, bar) in self.bars.iter().enumerate() {
            let left = f64::from(MARGIN) + each * i as f64;
            let right = left + each - 24.0;
            const STEPS: u32 = 64;
            for step in 0..STEPS {
                let at = |s: u32| left + (right - left) * f64::from(s) / f64::from(STEPS);
                let color = bar.ramp.color((step as f32 + 0.5) / STEPS as f32);
                paper.fill((at(step), y), (at(step + 1), y + 6.0), color)?;
            }
            paper.text(&bar.low, (left, y + 15.0), 10.0, style::T2, (HPos::Left, false))?;
            paper.text(&bar.high, (right, y + 15.0), 10.0, style::T2, (HPos::Right, false))?;
            paper.text(&bar.words, (left, y + 28.0), 10.0, style::T3, (HPos::Left, false))?;
        }
        Ok(())
    }
}

/// A person's photo as large as the cell allows, and where it lies in it.
struct Ground {
    cell: [u32; 2],
    at: [u32; 2],
    size: [u32; 2],
    photo: RgbImage,
    /// Three quarters of its colour taken out.
    muted: RgbImage,
}

impl Ground {
    fn of(photo: Option<&RgbImage>, cell: [u32; 2]) -> Self {
        let plain = RgbImage::from_pixel(cell[0], cell[1], Rgb(style::LINE));
        let Some(photo) = photo.filter(|p| p.width() > 0 && p.height() > 0) else {
            return Self { cell, at: [0, 0], size: cell, photo: plain.clone(), muted: plain };
        };
        let [w, h] = [photo.width(), photo.height()].map(f64::from);
        let scale = (f64::from(cell[0]) / w).min(f64::from(cell[1]) / h);
        let size = [(w * scale) as u32, (h * scale) as u32].map(|n| n.max(1));
        let size = [size[0].min(cell[0]), size[1].min(cell[1])];
        let at = [(cell[0] - size[0]) / 2, (cell[1] - size[1]) / 2];
        let fitted = imageops::resize(photo, size[0], size[1], imageops::FilterType::CatmullRom);
        let mut sheet = RgbImage::from_pixel(cell[0], cell[1], Rgb(style::PAPER));
        imageops::replace(&mut sheet, &fitted, at[0].into(), at[1].into());
        let mut muted = sheet.clone();
        for pixel in muted.pixels_mut() {
            let [r, g, b] = pixel.0.map(f32::from);
            let grey = 0.299 * r + 0.587 * g + 0.114 * b;
            pixel.0 = [r, g, b].map(|c| (0.25 * c + 0.75 * grey) as u8);
        }
        Self { cell, at, size, photo: sheet, muted }
    }
}

/// Pixels a point when pictures are `height` pixels high.
fn scale(height: u32) -> f64 {
    f64::from(height) / f64::from(2 * CELL)
}

/// Where a value lies in a range, 0..=1; in the middle of one without extent.
pub fn place(value: f32, [low, high]: [f32; 2]) -> f32 {
    if high > low { (value - low) / (high - low) } else { 0.5 }
}

/// The map at `x` and `y` in 0..=1, between its values.
fn sample(map: &AttentionMap, x: f32, y: f32) -> f32 {
    if map.values.is_empty() || map.values.len() != map.width * map.height {
        return f32::NAN;
    }
    let along = |t: f32, n: usize| {
        let at = (t * n as f32 - 0.5).clamp(0.0, (n - 1) as f32);
        (at as usize, (at as usize + 1).min(n - 1), at.fract())
    };
    let ((x0, x1, tx), (y0, y1, ty)) = (along(x, map.width), along(y, map.height));
    let value = |x: usize, y: usize| map.values[y * map.width + x];
    let row = |y: usize| value(x0, y) * (1.0 - tx) + value(x1, y) * tx;
    row(y0) * (1.0 - ty) + row(y1) * ty
}

fn mix(from: style::Rgb, to: style::Rgb, t: f32) -> style::Rgb {
    std::array::from_fn(|i| (f32::from(from[i]) + (f32::from(to[i]) - f32::from(from[i])) * t).round() as u8)
}

/// A value at the end of a colour bar.
pub fn short(value: f32) -> String {
    let value = f64::from(value);
    match value.abs() {
        0.0 => "0".to_owned(),
        x if x >= 100_000.0 => ticks::scientific(value),
        x if x >= 1000.0 => format!("{}{}", if value < 0.0 { "−" } else { "" }, ticks::count(x.round() as usize)),
        x if x >= 10.0 => ticks::number(value, 0),
        x if x >= 0.01 => ticks::number(value, 2),
        x if x >= 0.001 => ticks::number(value, 3),
        _ => ticks::scientific(value),
    }
}
