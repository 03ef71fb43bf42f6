//! What stands under the plot: a mark a cluster, reliable or not, and a photo where a valley is wide enough.

use std::ops::Range;

use eframe::egui::{Rect, Ui, pos2, vec2};

use super::{Labels, Picture};
use crate::gui::clustered::ShownClustering;
use crate::gui::panels::PanelCtx;
use crate::gui::plot::type_scale;
use crate::gui::theme::{Theme, size};
use crate::gui::widgets::thumb;
use crate::method::tree::Hierarchy;

/// Room for the marks, in points.
pub const MARK: f32 = 8.0;
/// A valley as wide as this gets a photo.
const WIDE: f32 = 20.0;

/// Length of a dash under an unreliable one.
const DASH: f32 = 3.0;

/// A cluster of core images at eps.
pub struct Valley {
    /// Its places.
    pub places: Range<usize>,
    /// Whether the cluster is kept.
    pub reliable: bool,
    /// The image in its densest place.
    pub face: u32,
}

/// The clusters at `eps`, by place.
pub fn of(all: &Hierarchy, labels: &Labels<'_>, eps: f64) -> Vec<Valley> {
    let core = |i: u32| all.tree.core[i as usize];
    let runs = all.order.valleys(eps, |i| core(i) <= eps as f32);
    let valley = |places: Range<usize>| {
        let images = &all.order.image[places.clone()];
        let face = images.iter().copied().min_by(|&a, &b| core(a).total_cmp(&core(b)).then(a.cmp(&b)))?;
        let (_, reliable) = labels.cluster(face)?;
        Some(Valley { places, reliable, face })
    };
    runs.into_iter().filter_map(valley).collect()
}

/// Height of the row of photos in a panel so high, where a valley is wide enough at so many points an image.
pub fn thumbs(valleys: &[Valley], height: f32, scale: f32) -> f32 {
    let wide = valleys.iter().any(|v| v.places.len() as f32 * scale >= WIDE);
    if height > 220.0 && wide { size::THUMBS[1][1] + 4.0 } else { 0.0 }
}

/// Marks and photos.
pub fn draw(ui: &Ui, cx: &PanelCtx<'_>, picture: &Picture<'_>, run: &ShownClustering) {
    let theme = Theme::of(ui.ctx());
    let plot = picture.plot;
    let k = type_scale(ui);
    let y = plot.inner.bottom() + k * MARK / 2.0;
    let scale = plot.inner.width() / (plot.x[1] - plot.x[0]).max(1.0) as f32;
    let row = thumbs(&picture.painted.valleys, plot.outer.height(), scale);
    for valley in &picture.painted.valleys {
        let [left, right] = [valley.places.start, valley.places.end].map(|at| plot.x_of(at as f64));
        if right < plot.inner.left() || left > plot.inner.right() {
            continue;
        }
        let (left, right) = (left.max(plot.inner.left()), right.min(plot.inner.right()));
        let color = if valley.reliable { theme.reliable } else { theme.unreliable };
        // Dashes tell unreliable ones apart without the colour; a narrow one is half as high.
        let (painter, height) = (ui.painter(), size::STROKE_HERO);
        let mark = |x: [f32; 2], height: f32| {
            let rect = Rect::from_x_y_ranges(x[0]..=x[1], y - height / 2.0..=y + height / 2.0);
            painter.rect_filled(rect, 0.0, color);
        };
        let end = if right - left > 3.0 { right - 1.0 } else { right };
        if valley.reliable {
            mark([left, end], height);
        } else if end - left < 2.0 * DASH {
            mark([left, end], height / 2.0);
        } else {
            let mut x = left;
            while x < end {
                mark([x, (x + DASH).min(end)], height);
                x += 1.6 * DASH;
            }
        }
        if row > 0.0 && right - left >= WIDE {
            let [width, height] = size::THUMBS[1];
            let center = pos2((left + right) / 2.0, y + k * MARK / 2.0 + 2.0 + height / 2.0);
            let cell = Rect::from_center_size(center, vec2(width.min(right - left - 2.0), height));
            thumb::paint(ui, cx.images, run.images.as_deref(), valley.face, cell, 1.0);
        }
    }
}
