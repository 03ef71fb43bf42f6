//! How far a colour histogram alone gets: the yardstick that shows a set cannot be solved by clothes' colours.

use rayon::prelude::*;

use crate::data::{Dataset, Sample, decode};

/// Bins of hue, saturation and value.
const BINS: (usize, usize, usize) = (12, 4, 4);
/// Horizontal stripes that are counted apart.
const STRIPES: usize = 3;

/// mAP of ranking the gallery by the distance of HSV histograms (three stripes, 12 × 4 × 4 bins,
/// weighted towards the middle columns, Hellinger), with the
/// usual same-camera rule. 0 when there is nothing to rank.
pub fn map(dataset: &Dataset) -> f64 {
    let query: Vec<Vec<f32>> = dataset.query.par_iter().map(features).collect();
    let gallery: Vec<Vec<f32>> = dataset.gallery.par_iter().map(features).collect();
    let precisions: Vec<f64> = (0..query.len())
        .into_par_iter()
        .filter_map(|q| {
            let who = &dataset.query[q];
            let mut order: Vec<(f32, bool)> = dataset
                .gallery
                .iter()
                .zip(&gallery)
                .filter(|(g, _)| !(dataset.has_cameras && g.pid == who.pid && g.camid == who.camid))
                .map(|(g, f)| (-query[q].iter().zip(f).map(|(a, b)| a * b).sum::<f32>(), g.pid == who.pid))
                .collect();
            order.sort_by(|a, b| a.0.total_cmp(&b.0));
            average_precision(order.iter().map(|o| o.1))
        })
        .collect();
    precisions.iter().sum::<f64>() / precisions.len().max(1) as f64
}

/// Mean precision at the right ones; `None` when none is right.
fn average_precision(right: impl Iterator<Item = bool>) -> Option<f64> {
    let (mut found, mut sum) = (0.0, 0.0);
    for (rank, _) in right.enumerate().filter(|r| r.1) {
        found += 1.0;
        sum += found / (rank as f64 + 1.0);
    }
    (found > 0.0).then(|| sum / found)
}

/// Square roots of the histogram's shares, so that the inner product is the Bhattacharyya coefficient.
fn features(sample: &Sample) -> Vec<f32> {
    let mut bins = vec![0.0_f32; STRIPES * BINS.0 * BINS.1 * BINS.2];
    let (height, width) = (128, 64);
    let pixels = decode::load_resized(&sample.path, height, width).unwrap_or_else(|_| decode::grey(height, width));
    for (i, p) in pixels.chunks_exact(3).enumerate() {
        let stripe = (i / width) * STRIPES / height;
        // The person stands in the middle: pixels count less towards the sides, none at the very edge.
        let side = (i % width) as f32 / (width - 1) as f32 * 2.0 - 1.0;
        bins[stripe * BINS.0 * BINS.1 * BINS.2 + bin(p[0], p[1], p[2])] += 1.0 - side * side;
    }
    let total: f32 = bins.iter().sum();
    bins.iter().map(|b| (b / total).sqrt()).collect()
}

/// The bin of a pixel.
fn bin(r: u8, g: u8, b: u8) -> usize {
    let (r, g, b) = (f32::from(r), f32::from(g), f32::from(b));
    let (high, low) = (r.max(g).max(b), r.min(g).min(b));
    let span = high - low;
    let hue = if span <= 0.0 {
        0.0
    } else if high <= r {
        ((g - b) / span).rem_euclid(6.0)
    } else if high <= g {
        (b - r) / span + 2.0
    } else {
        (r - g) / span + 4.0
    };
    let saturation = if high > 0.0 { span / high } else { 0.0 };
    let place = |x: f32, n: usize| ((x * n as f32) as usize).min(n - 1);
    (place(hue / 6.0, BINS.0) * BINS.1 + place(saturation, BINS.1)) * BINS.2 + place(high / 255.0, BINS.2)
}
