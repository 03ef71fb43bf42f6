//! The bars, with the line of eps and its band over them.

use eframe::egui::{Align2, Color32, Mesh, Rect, Shape, Ui, pos2};

use super::Picture;
use crate::gui::panels::PanelCtx;
use crate::gui::plot::eps;
use crate::gui::theme::{Theme, Type};

/// Height of a bar that no radius within reach brings down.
const BEYOND: f32 = 1.0;

/// One column of the picture: the images that share it.
#[derive(Clone, Copy)]
struct Column {
    /// Lowest and highest bar.
    low: f32,
    high: f32,
    /// The highest wall within the band, if there is one.
    wall: Option<f32>,
    /// Height and colour of the image of the lowest bar.
    fill: f32,
    color: Color32,
}

/// The bars: one a image, or one a column of pixels with its lowest and highest image where there are more.
pub fn draw(ui: &Ui, picture: &Picture<'_>) {
    let theme = Theme::of(ui.ctx());
    let Picture { plot, all, radii, .. } = picture;
    let n = all.tree.n;
    let (from, to) = (plot.x[0].floor() as usize, (plot.x[1].ceil() as usize).min(n));
    if from >= to {
        return;
    }
    let pixels = (plot.inner.width() * ui.pixels_per_point()).max(1.0) as usize;
    let columns = pixels.min(to - from);
    let mut mesh = Mesh::default();
    let mut bar = |x: [f32; 2], y: [f32; 2], color: Color32| {
        let (top, bottom) = (plot.y_of(f64::from(y[1])), plot.y_of(f64::from(y[0])));
        mesh.add_colored_rect(Rect::from_x_y_ranges(x[0]..=x[1], top..=bottom), color);
    };
    for c in 0..columns {
        let [a, b] = [c, c + 1].map(|c| from + c * (to - from) / columns);
        let column = column(picture, a..b);
        let x = [a, b].map(|at| plot.x_of(at as f64).clamp(plot.inner.left(), plot.inner.right()));
        // A gap between bars as soon as there is room for one.
        let gap = if x[1] - x[0] > 4.0 { 1.0 } else { 0.0 };
        let x = [x[0], x[1] - gap];
        bar(x, [0.0, column.fill], column.color);
        if column.low > column.fill {
            bar(x, [column.fill, column.low], column.color.gamma_multiply(0.25));
        }
        if column.high > column.low {
            bar(x, [column.low.max(column.fill), column.high], theme.t4.gamma_multiply(0.35));
        }
        if let Some(wall) = column.wall {
            bar(x, [radii[0] as f32, wall], theme.unreliable);
        }
    }
    ui.painter().with_clip_rect(plot.inner).add(Shape::mesh(mesh));
}

fn column(picture: &Picture<'_>, places: std::ops::Range<usize>) -> Column {
    let Picture { all, painted, radii, .. } = picture;
    let [tight, eps, loose] = radii.map(|r| r as f32);
    let mut out = Column { low: f32::INFINITY, high: 0.0, wall: None, fill: 0.0, color: painted.colours[places.start] };
    for at in places {
        let bar = all.order.reach[at].min(BEYOND);
        let core = all.tree.core[all.order.image[at] as usize];
        // The first image of a valley stands at its wall; its own height is its core distance.
        let fill = if bar > eps && core <= eps { core.max(0.0) } else { bar };
        if bar > tight && bar <= loose {
            out.wall = Some(out.wall.map_or(bar, |w: f32| w.max(bar)));
        }
        out.high = out.high.max(bar);
        if fill < out.low {
            (out.low, out.color) = (fill, painted.colours[at]);
            out.fill = if core <= eps { fill } else { 0.0 };
        }
    }
    out
}

/// The line of eps with its band, and how far distances are kept.
pub fn line(ui: &Ui, cx: &PanelCtx<'_>, picture: &Picture<'_>) {
    let plot = picture.plot;
    eps::line(ui, cx, plot, picture.radii);
    if picture.all.tree.max < 1.0 {
        let words = format!("distances are kept up to {:.2}", picture.all.tree.max);
        let at = pos2(plot.inner.right(), plot.y_of(f64::from(picture.all.tree.max)));
        ui.painter().text(at, Align2::RIGHT_BOTTOM, words, Type::Small.font(ui), cx.theme.t3);
    }
}
