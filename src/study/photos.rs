//! How photos look: dark, blurred, of an odd shape or size. Each is held against the median of its set, so that a set of
//! night shots is not called dark as a whole.

use super::worth::{WorthItem, WorthLooking};

/// A photo is dark below this share of the median light.
pub const DARK: f64 = 0.5;
/// A photo is blurred below this share of the median sharpness.
pub const BLURRED: f64 = 0.2;
/// A photo has an odd shape where height over width is so many times the median, or the median so many times it.
pub const ODD_SHAPE: f64 = 1.5;
/// A photo is small below this share of the median number of pixels.
pub const SMALL: f64 = 0.25;
/// Photos that medians are told from.
const FEW: usize = 8;
/// Entries of one kind, at most.
const OF_A_KIND: usize = 4;
/// Cells that sharpness is measured on, so that it does not depend on how many pixels a photo has: columns and rows.
const GRID: [usize; 2] = [32, 64];

/// What is measured of a photo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PhotoLook {
    /// Its row of the split.
    pub image: u32,
    /// Columns and rows.
    pub size: [u32; 2],
    /// Mean luma, 0 to 255.
    pub light: f64,
    /// Variance of the Laplacian of luma (Pech-Pacheco et al. 2000) on a grid of 32 × 64, over the squared mean luma, for
    /// half the light is a quarter of the variance. `None` for a photo of fewer pixels than the grid has cells.
    pub sharpness: Option<f64>,
}

impl PhotoLook {
    /// Of `rgb`, `width · height · 3` bytes row by row; `None` where that is not so, or there is no pixel.
    pub fn of(image: u32, [width, height]: [u32; 2], rgb: &[u8]) -> Option<Self> {
        let (w, h) = (width as usize, height as usize);
        if w == 0 || h == 0 || rgb.len() != w.checked_mul(h)?.checked_mul(3)? {
            return None;
        }
        let luma = |p: &[u8]| 0.299 * f64::from(p[0]) + 0.587 * f64::from(p[1]) + 0.114 * f64::from(p[2]);
        let light = rgb.chunks_exact(3).map(luma).sum::<f64>() / (w * h) as f64;
        let [columns, rows] = GRID;
        if w < columns || h < rows {
            return Some(Self { image, size: [width, height], light, sharpness: None });
        }
        // The mean of the pixels of each cell.
        let span = |at: usize, cells: usize, of: usize| (at * of / cells, (at + 1) * of / cells);
        let cell = |x: usize, y: usize| {
            let ((left, right), (top, bottom)) = (span(x, columns, w), span(y, rows, h));
            let line = |y: usize| rgb[3 * (y * w + left)..3 * (y * w + right)].chunks_exact(3).map(luma).sum::<f64>();
            (top..bottom).map(line).sum::<f64>() / ((right - left) * (bottom - top)) as f64
        };
        let grid: Vec<f64> =
            (0..rows).flat_map(|y| (0..columns).map(move |x| (x, y))).map(|(x, y)| cell(x, y)).collect();
        let at = |x: usize, y: usize| grid[y * columns + x];
        let edges = (1..rows - 1).flat_map(|y| (1..columns - 1).map(move |x| (x, y)));
        let edges: Vec<f64> =
            edges.map(|(x, y)| at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1) - 4.0 * at(x, y)).collect();
        let mean = edges.iter().sum::<f64>() / edges.len() as f64;
        let variance = edges.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / edges.len() as f64;
        Some(Self { image, size: [width, height], light, sharpness: Some(variance / (light * light).max(1.0)) })
    }

    fn shape(&self) -> f64 {
        f64::from(self.size[1]) / f64::from(self.size[0])
    }

    fn pixels(&self) -> f64 {
        f64::from(self.size[0]) * f64::from(self.size[1])
    }
}

/// Photos that stand out, of each kind the farthest first. Nothing for fewer than eight photos.
pub fn odd_photos(looks: &[PhotoLook]) -> Vec<WorthLooking> {
    if looks.len() < FEW {
        return Vec::new();
    }
    let median = |of: &dyn Fn(&PhotoLook) -> f64| {
        let mut values: Vec<f64> = looks.iter().map(of).collect();
        let middle = values.len() / 2;
        *values.select_nth_unstable_by(middle, f64::total_cmp).1
    };
    let light = median(&|l| l.light);
    // Where most photos are too small to be judged, none is blurred.
    let sharp = median(&|l| l.sharpness.unwrap_or(f64::INFINITY));
    let (shape, pixels) = (median(&PhotoLook::shape), median(&PhotoLook::pixels));
    let mut found = Vec::new();
    // How far a photo is beyond a threshold, 1 on it; and what to say of it.
    let mut kind = |kind: &'static str, beyond: &dyn Fn(&PhotoLook) -> f64, words: &dyn Fn(&PhotoLook) -> String| {
        let mut odd: Vec<(f64, &PhotoLook)> =
            looks.iter().map(|l| (beyond(l), l)).filter(|(far, _)| *far > 1.0).collect();
        odd.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.image.cmp(&b.1.image)));
        let count = odd.len();
        for (_, look) in odd.into_iter().take(OF_A_KIND) {
            let others = if count > OF_A_KIND { format!(" One of {count} such photos.") } else { String::new() };
            found.push(WorthLooking {
                kind,
                words: format!("Image {}: {}{others}", look.image, words(look)),
                weight: 1,
                finding: WorthItem::Image(look.image),
                truth: false,
            });
        }
    };
    kind("dark", &|l| DARK * light / l.light.max(0.1), &|l| {
        format!("mean light {:.0} of 255, less than half of the median {light:.0}.", l.light)
    });
    kind(
        "blurred",
        &|l| l.sharpness.filter(|_| sharp.is_finite()).map_or(0.0, |own| BLURRED * sharp / own.max(1e-12)),
        &|l| {
            let share = l.sharpness.unwrap_or(0.0) / sharp;
            format!("edges {share:.2} as strong as the median photo's (variance of the Laplacian), below 0.2.")
        },
    );
    let odd = |l: &PhotoLook| (l.shape() / shape).max(shape / l.shape()) / ODD_SHAPE;
    kind("odd shape", &odd, &|l| {
        format!(
            "{} × {} pixels, {:.1} times as high as wide; the median is {shape:.1}.",
            l.size[0],
            l.size[1],
            l.shape()
        )
    });
    kind("small", &|l| SMALL * pixels / l.pixels(), &|l| {
        format!("{} × {} pixels, less than a quarter of the median's.", l.size[0], l.size[1])
    });
    found
}
