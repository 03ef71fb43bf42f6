//! The bars, the band eps ± Δd over them, and the lines of the run's eps and the one that is tried.

use eframe::egui::{Align2, Color32, Mesh, Rect, Shape, Stroke, Ui, pos2};

use super::Picture;
use crate::gui::panels::PanelCtx;
use crate::gui::plot::ticks;
use crate::gui::theme::{Theme, Type, size};

/// Height of a bar that no radius within reach brings down.
const BEYOND: f32 = 1.0;

/// Axes: numbers on the left, the caption below the pictures.
pub fn grid(ui: &Ui, picture: &Picture<'_>) {
    let theme = Theme::of(ui.ctx());
    let (painter, plot) = (ui.painter(), picture.plot);
    let small = Type::Small.font(ui);
    for value in ticks::linear(0.0, 1.0, (plot.inner.height() / 34.0).clamp(2.0, 5.0) as usize) {
        let y = painter.round_to_pixel_center(plot.y_of(value));
        painter.hline(plot.inner.x_range(), y, Stroke::new(size::STROKE, theme.line));
        let at = pos2(plot.inner.left() - 6.0, y);
        painter.text(at, Align2::RIGHT_CENTER, ticks::number(value, 1), small.clone(), theme.t3);
    }
    let at = pos2(plot.inner.center().x, plot.outer.bottom());
    painter.text(at, Align2::CENTER_BOTTOM, plot.caption, small, theme.t3);
}

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

/// The band, and the line of eps; where another eps is tried, the run's beside it.
pub fn line(ui: &Ui, cx: &PanelCtx<'_>, picture: &Picture<'_>) {
    let theme = Theme::of(ui.ctx());
    let painter = ui.painter();
    let (plot, [tight, eps, loose]) = (picture.plot, picture.radii);
    let inner = plot.inner;
    let run = cx.what_if.base().map_or(eps, |b| b.params.eps);
    let changed = (run - eps).abs() > 1e-9;
    let color = if changed { theme.what_if } else { theme.t1 };
    let band = Rect::from_x_y_ranges(inner.x_range(), plot.y_of(loose.min(1.0))..=plot.y_of(tight.max(0.0)));
    painter.rect_filled(band, 0.0, color.gamma_multiply(0.12));
    let small = Type::Small.font(ui);
    let across = |y: f64| [pos2(inner.left(), plot.y_of(y)), pos2(inner.right(), plot.y_of(y))];
    painter.line_segment(across(eps), Stroke::new(size::STROKE_CURVE, color));
    let label = |at: f64, words: String, ink: Color32| {
        let galley = painter.layout_no_wrap(words, small.clone(), ink);
        let at = pos2(inner.left() + 4.0, plot.y_of(at) - galley.size().y - 1.0);
        painter.rect_filled(
            Rect::from_min_size(at, galley.size()).expand2(eframe::egui::vec2(3.0, 0.0)),
            2.0,
            theme.bg1,
        );
        painter.galley(at, galley, ink);
    };
    if changed {
        painter.extend(Shape::dashed_line(&across(run), Stroke::new(size::STROKE, theme.t1), 4.0, 3.0));
        if (run - eps).abs() > 0.05 {
            label(run, format!("run {}", ticks::number(run, 2)), theme.t1);
        }
    }
    let word = if changed { "what-if" } else { "eps" };
    label(loose.min(0.98), format!("{word} {} ± Δd", ticks::number(eps, 2)), color);
    if picture.all.tree.max < 1.0 {
        let words = format!("distances are kept up to {:.2}", picture.all.tree.max);
        let at = pos2(inner.right(), plot.y_of(f64::from(picture.all.tree.max)));
        painter.text(at, Align2::RIGHT_BOTTOM, words, small.clone(), theme.t3);
    }
}
