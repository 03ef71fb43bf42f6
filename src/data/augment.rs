//! Augmentation in the order of the paper's code (SpCL `spcl_train_uda.py:47`): flip, pad, crop, normalise, erase.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::method::params::Augment;

/// ImageNet's channel means, subtracted after scaling to 0..1.
pub const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// ImageNet's channel deviations.
pub const STD: [f32; 3] = [0.229, 0.224, 0.225];

/// Random erasing: least and largest share of the image's area.
const ERASE_AREA: (f64, f64) = (0.02, 0.4);
/// Random erasing: least aspect ratio; the largest is its inverse.
const ERASE_ASPECT: f64 = 0.3;
/// Random erasing gives up after so many rectangles that do not fit.
const ERASE_ATTEMPTS: usize = 100;

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rect {
    /// First row.
    pub top: usize,
    /// First column.
    pub left: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

/// One drawn augmentation; applying it is deterministic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moves {
    /// Mirror left and right.
    pub flip: bool,
    /// Black border on every side, pixels.
    pub pad: usize,
    /// First row of the crop in the padded image, 0..=2·pad.
    pub top: usize,
    /// First column of the crop in the padded image, 0..=2·pad.
    pub left: usize,
    /// The rectangle that is set to the mean after normalisation.
    pub erase: Option<Rect>,
}

impl Moves {
    /// No augmentation at all.
    pub const NONE: Self = Self { flip: false, pad: 0, top: 0, left: 0, erase: None };

    /// Draws flip, crop and erasing for an image of that size.
    pub fn draw(height: usize, width: usize, a: &Augment, rng: &mut ChaCha8Rng) -> Self {
        let flip = rng.random_bool(a.flip.clamp(0.0, 1.0));
        let top = rng.random_range(0..=2 * a.pad);
        let left = rng.random_range(0..=2 * a.pad);
        let erase = if rng.random_bool(a.erase.clamp(0.0, 1.0)) { draw_rect(height, width, rng) } else { None };
        Self { flip, pad: a.pad, top, left, erase }
    }

    /// Applies it to `[height, width, 3]` bytes; `out` is `[3, height, width]`.
    pub fn apply(&self, hwc: &[u8], height: usize, width: usize, out: &mut [f32]) {
        let scale = scales();
        let plane = height * width;
        for y in 0..height {
            let from_y = (y + self.top).checked_sub(self.pad).filter(|&v| v < height);
            for x in 0..width {
                let from_x = (x + self.left).checked_sub(self.pad).filter(|&v| v < width);
                let pixel = match (from_y, from_x) {
                    (Some(sy), Some(sx)) => {
                        let sx = if self.flip { width - 1 - sx } else { sx };
                        let at = (sy * width + sx) * 3;
                        [hwc[at], hwc[at + 1], hwc[at + 2]]
                    }
                    _ => [0; 3],
                };
                for (c, &value) in pixel.iter().enumerate() {
                    out[c * plane + y * width + x] = scale[c][value as usize];
                }
            }
        }
        if let Some(rect) = self.erase {
            erase(rect, height, width, out);
        }
    }
}

/// Writes the mean triple, as SpCL's transform does after normalisation; so an erased patch is not grey.
fn erase(rect: Rect, height: usize, width: usize, out: &mut [f32]) {
    for (c, &mean) in MEAN.iter().enumerate() {
        for y in rect.top..(rect.top + rect.height).min(height) {
            let row = (c * height + y) * width;
            out[row + rect.left..row + (rect.left + rect.width).min(width)].fill(mean);
        }
    }
}

/// SpCL `transforms.py:52`: aspect uniform, rounding half to even, strictly smaller than the image on both sides.
fn draw_rect(height: usize, width: usize, rng: &mut ChaCha8Rng) -> Option<Rect> {
    let area = (height * width) as f64;
    for _ in 0..ERASE_ATTEMPTS {
        let target = rng.random_range(ERASE_AREA.0..=ERASE_AREA.1) * area;
        let aspect = rng.random_range(ERASE_ASPECT..=1.0 / ERASE_ASPECT);
        let h = (target * aspect).sqrt().round_ties_even() as usize;
        let w = (target / aspect).sqrt().round_ties_even() as usize;
        if w < width && h < height {
            let top = rng.random_range(0..=height - h);
            let left = rng.random_range(0..=width - w);
            return Some(Rect { top, left, height: h, width: w });
        }
    }
    None
}

/// The normalised value of every byte, by channel.
fn scales() -> &'static [[f32; 256]; 3] {
    static TABLE: std::sync::OnceLock<[[f32; 256]; 3]> = std::sync::OnceLock::new();
    TABLE.get_or_init(|| std::array::from_fn(|c| std::array::from_fn(|v| (v as f32 / 255.0 - MEAN[c]) / STD[c])))
}

/// Scales `[height, width, 3]` bytes to 0..1, subtracts the mean, divides by the deviation; `out` is
/// `[3, height, width]`.
pub fn normalise_into(hwc: &[u8], height: usize, width: usize, out: &mut [f32]) {
    Moves::NONE.apply(hwc, height, width, out);
}

/// Draws an augmentation from `rng` and applies it: `[height, width, 3]` bytes to `[3, height, width]`.
pub fn augment_into(hwc: &[u8], height: usize, width: usize, a: &Augment, rng: &mut ChaCha8Rng, out: &mut [f32]) {
    Moves::draw(height, width, a, rng).apply(hwc, height, width, out);
}
