//! k-distance: how far each image's neighbours are, sorted, with eps as a line that can be dragged.

use eframe::egui::{self, Align2, Color32, Mesh, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};
use serde::{Deserialize, Serialize};

use super::{Absence, Panel, PanelCtx, PanelDrawn};
use crate::gui::plot::eps;
use crate::gui::plot::{Fixed, ticks, type_scale};
use crate::gui::theme::{Theme, Type, size};
use crate::gui::widgets::{icon, tile};
use crate::method::sweep::KDistance;

/// State of the k-distance panel that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct KDistancePanel {}

/// Images that are core at `eps`: those whose k-th nearest lies within.
pub fn core_images(curve: &KDistance, eps: f64) -> usize {
    curve.curve.partition_point(|&d| d <= eps as f32)
}

impl Panel for KDistancePanel {
    const TITLE: &'static str = "k-distance";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        let Some((epoch, run)) = cx.what_if.base().map(|b| (b.epoch, b.params.eps)) else {
            let text = "Once an epoch has been clustered, the distance of every image to its k-th nearest is drawn \
                        here. Where the curve bends upward is the usual hint for eps.";
            return Err(Absence::nothing(icon::CHART, "No distances yet", text));
        };
        let curve = cx.what_if.curve();
        let others = cx.what_if.draft().min_samples.saturating_sub(1);
        let scope = format!("epoch {}, Jaccard distance to the {} neighbour", epoch + 1, ordinal(others));
        cx.title(&scope).plain(ui);
        let Some(curve) = curve else {
            if let Some(why) = cx.what_if.failure(1) {
                tile::empty_state(ui, icon::WARNING, "No curve for this epoch", why, None);
            }
            return Ok(());
        };
        let k = type_scale(ui);
        let (outer, frame) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
        let inner = Rect::from_min_max(outer.min + k * vec2(34.0, 8.0), outer.max - k * vec2(22.0, 34.0));
        if inner.width() < 60.0 || inner.height() < 40.0 {
            return Ok(());
        }
        let images = curve.curve.len() + curve.beyond;
        let eps = cx.what_if.draft().eps;
        let said = format!(
            "k-distance curve of {}, {} core at eps {}",
            ticks::counted(images, "image", "images"),
            ticks::count(core_images(&curve, eps)),
            ticks::number(eps, 2)
        );
        frame.widget_info(|| WidgetInfo::labeled(Role::Image, true, said.as_str()));
        let plot = Fixed { outer, inner, x: [0.0, images.max(1) as f64], y: [0.0, 1.0], caption: "images, sorted" };
        plot.axes(ui);
        draw(ui, &plot, &curve, [run, eps]);
        lines(ui, cx, &plot, &curve, [run, eps]);
        eps::handle(ui, cx, &plot, "eps line");
        Ok(())
    }
}

fn ordinal(n: usize) -> String {
    let ending = match (n % 10, n % 100) {
        (1, teen) if teen != 11 => "st",
        (2, teen) if teen != 12 => "nd",
        (3, teen) if teen != 13 => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}

/// The curve, and the ground below it as far as images are core.
fn draw(ui: &Ui, plot: &Fixed<'_>, curve: &KDistance, [run, eps]: [f64; 2]) {
    let theme = Theme::of(ui.ctx());
    let painter = ui.painter();
    let n = curve.curve.len();
    if n == 0 {
        let words = "no image has that many neighbours within the distances that are kept";
        painter.text(plot.inner.center(), Align2::CENTER_CENTER, words, Type::Small.font(ui), theme.t3);
        return;
    }
    // Not more points than the plot has columns of pixels.
    let steps = (plot.inner.width() as usize * 2).clamp(2, n.max(2));
    let points: Vec<egui::Pos2> = (0..steps)
        .map(|s| {
            let i = (s * (n - 1)) / (steps - 1);
            plot.at(i as f64 + 0.5, f64::from(curve.curve[i]))
        })
        .collect();
    let core = plot.x_of(core_images(curve, eps) as f64);
    let mut ground = Mesh::default();
    let fill = if (run - eps).abs() > 1e-9 { theme.what_if } else { theme.t3 }.gamma_multiply(0.14);
    for (i, p) in points.iter().enumerate().take_while(|(_, p)| p.x <= core) {
        ground.colored_vertex(*p, fill);
        ground.colored_vertex(pos2(p.x, plot.inner.bottom()), fill);
        if i > 0 {
            let v = 2 * i as u32;
            ground.add_triangle(v - 2, v - 1, v);
            ground.add_triangle(v - 1, v, v + 1);
        }
    }
    painter.add(Shape::mesh(ground));
    painter.add(Shape::line(points, Stroke::new(size::STROKE_CURVE, theme.t1)));
    if curve.beyond > 0 {
        let from = plot.x_of(n as f64);
        let words = format!("{} farther", ticks::count(curve.beyond));
        let top = plot.inner.top();
        painter.text(
            pos2(from.max(plot.inner.left() + 60.0), top),
            Align2::RIGHT_TOP,
            words,
            Type::Small.font(ui),
            theme.t3,
        );
    }
}

/// The run's eps and the one that is tried, with the images that are core at each.
fn lines(ui: &Ui, cx: &PanelCtx<'_>, plot: &Fixed<'_>, curve: &KDistance, [run, eps]: [f64; 2]) {
    let theme = Theme::of(ui.ctx());
    let painter = ui.painter();
    let small = Type::Small.font(ui);
    let changed = (run - eps).abs() > 1e-9;
    let inner = plot.inner;
    let across = |y: f64| [pos2(inner.left(), plot.y_of(y)), pos2(inner.right(), plot.y_of(y))];
    let delta = cx.what_if.draft().delta_d;
    let band = Rect::from_min_max(
        pos2(inner.left(), plot.y_of((eps + delta).min(1.0))),
        pos2(inner.right(), plot.y_of((eps - delta).max(0.0))),
    );
    let color = if changed { theme.what_if } else { theme.t1 };
    painter.rect_filled(band, 0.0, color.gamma_multiply(0.10));
    let x_of = |at: f64| painter.round_to_pixel_center(plot.x_of(core_images(curve, at) as f64));
    let drop = |at: f64, color: Color32| {
        let x = x_of(at);
        let ends = [pos2(x, plot.y_of(at)), pos2(x, inner.bottom())];
        painter.extend(Shape::dashed_line(&ends, Stroke::new(size::STROKE, color), 2.0, 3.0));
        painter.circle(pos2(x, plot.y_of(at)), 3.0, theme.bg1, Stroke::new(size::STROKE_CURVE, color));
    };
    let label = |at: f64, color: Color32, words: String, right: bool| {
        let x = x_of(at);
        let galley = painter.layout_no_wrap(words, small.clone(), color);
        let left = if right { x + 6.0 } else { x - 6.0 - galley.size().x };
        let left = left.clamp(inner.left() + 2.0, (inner.right() - galley.size().x).max(inner.left() + 2.0));
        let row = if right { 2.0 } else { 1.0 };
        let at = pos2(left, inner.bottom() - row * (galley.size().y + 3.0));
        painter.rect_filled(Rect::from_min_size(at, galley.size()).expand2(vec2(3.0, 0.0)), 2.0, theme.bg1);
        painter.galley(at, galley, color);
    };
    if changed {
        painter.extend(Shape::dashed_line(&across(run), Stroke::new(size::STROKE, theme.t1), 4.0, 3.0));
        let y = plot.y_of(run);
        let align = if run > eps { Align2::LEFT_BOTTOM } else { Align2::LEFT_TOP };
        let words = format!("run {}", ticks::number(run, 2));
        painter.text(pos2(inner.left() + 4.0, y), align, words, small.clone(), theme.t1);
    }
    painter.line_segment(across(eps), Stroke::new(size::STROKE_CURVE, color));
    let word = if changed { "what-if" } else { "eps" };
    let words = format!("{word} {} ± Δd", ticks::number(eps, 2));
    let align = if changed && run <= eps { Align2::LEFT_BOTTOM } else { Align2::LEFT_TOP };
    let edge = if align == Align2::LEFT_TOP { band.bottom() } else { band.top() };
    painter.text(pos2(inner.left() + 4.0, edge), align, words, small.clone(), color);
    // Both lines first, so that neither crosses a word.
    drop(eps, color);
    if changed {
        drop(run, theme.t2);
        label(run, theme.t2, format!("{} in the run", ticks::count(core_images(curve, run))), true);
    }
    label(eps, color, format!("{} core images", ticks::count(core_images(curve, eps))), false);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_whose_kth_nearest_lies_at_eps_is_core() {
        let curve = KDistance { curve: vec![0.1, 0.2, 0.2, 0.5], beyond: 3 };
        assert_eq!([0.05, 0.2, 0.3, 0.9].map(|eps| core_images(&curve, eps)), [0, 3, 3, 4]);
        assert_eq!([1, 2, 3, 4, 11, 12, 13, 21].map(ordinal).join(" "), "1st 2nd 3rd 4th 11th 12th 13th 21st");
    }
}
