//! The run's scores and those of what is tried, together: violet bars, the run as a line, the difference below.

use std::sync::Arc;

use eframe::egui::{
    self, Align2, Color32, CursorIcon, FontId, Galley, Rect, Role, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo, pos2,
    vec2,
};

use super::histogram::{BARS, HistogramHand, bars, hand, handle_id};
use crate::engine::event::ClusterSummary;
use crate::gui::panels::PanelCtx;
use crate::gui::plot::{Fixed, ticks, type_scale};
use crate::gui::theme::{self, Theme, Type, size};
use crate::gui::what_if::Try;
use crate::gui::words::share;
use crate::method::params::Value;

/// Height of the strip with the difference.
const STRIP: f32 = 76.0;

/// Shows both histograms; dragging the threshold tries another one.
pub fn show(ui: &mut Ui, cx: &PanelCtx<'_>, run: &ClusterSummary, room: Vec2) {
    let Some((outcome, _)) = cx.what_if.outcome() else { return };
    let outcome = std::sync::Arc::clone(outcome);
    let tried = &outcome.summary;
    let theme = Theme::of(ui.ctx());
    let k = type_scale(ui);
    let (outer, frame) = ui.allocate_exact_size(room, Sense::hover());
    let strip = if room.y > 220.0 { k * STRIP } else { 0.0 };
    let upper = outer.with_max_y(outer.bottom() - strip);
    let inner = Rect::from_min_max(upper.min + k * vec2(34.0, 46.0), upper.max - k * vec2(6.0, 34.0));
    let said = format!(
        "Histogram of scores: run {}, what-if {}",
        ticks::counted(run.clusters[0], "cluster", "clusters"),
        ticks::counted(tried.clusters[0], "cluster", "clusters")
    );
    frame.widget_info(|| WidgetInfo::labeled(Role::Image, true, said.as_str()));
    if inner.width() < 60.0 || inner.height() < 30.0 {
        return;
    }
    if cx.what_if.is_late() {
        ui.set_opacity(0.5);
    }
    let [old, new] = [run, tried].map(|s| bars(&s.cluster_score));
    let highest = old.iter().chain(&new).copied().max().unwrap_or(0).max(1);
    let y = [0.0, ticks::round_out(0.0, highest as f64, 4)[1].max(1.0)];
    let caption = if strip > 0.0 { "" } else { "independence score of the cluster, Eq. 8" };
    let plot = Fixed { outer: upper, inner, x: [0.0, 1.0], y, caption };
    plot.axes(ui);
    let alpha = tried.threshold;
    for (i, &count) in new.iter().enumerate().filter(|(_, c)| **c > 0) {
        let (from, to) = (i as f64 / BARS as f64, (i + 1) as f64 / BARS as f64);
        let rect = Rect::from_min_max(
            pos2(plot.x_of(from) + 1.0, plot.y_of(count as f64)),
            pos2(plot.x_of(to) - 1.0, plot.y_of(0.0)),
        );
        let dropped = alpha.is_some_and(|a| to <= a);
        ui.painter().rect_filled(rect, 1, theme.what_if.gamma_multiply(if dropped { 0.35 } else { 0.85 }));
    }
    steps(ui, theme, &plot, &old);
    let handle = words(ui, upper, run, tried, alpha.map(|alpha| plot.x_of(alpha)));
    threshold(ui, cx, &plot, handle, (alpha, run.threshold));
    if strip > 0.0 {
        let below = Rect::from_min_max(pos2(outer.left(), upper.bottom()), outer.max);
        difference(ui, theme, &plot, below, &old, &new);
    }
}

/// The run's counts as a line over the bars.
fn steps(ui: &Ui, theme: &Theme, plot: &Fixed<'_>, counts: &[usize; BARS]) {
    let mut path = vec![plot.at(0.0, 0.0)];
    for (i, &count) in counts.iter().enumerate() {
        path.push(plot.at(i as f64 / BARS as f64, count as f64));
        path.push(plot.at((i + 1) as f64 / BARS as f64, count as f64));
    }
    path.push(plot.at(1.0, 0.0));
    ui.painter().add(Shape::line(path.clone(), Stroke::new(3.0, theme.bg1)));
    ui.painter().add(Shape::line(path, Stroke::new(size::STROKE_CURVE, theme.t1)));
}

/// Kept and dropped on either side of the threshold's box: what is tried above, the run below. Returns the box; at the
/// edges it gives way to the words.
fn words(ui: &Ui, at: Rect, run: &ClusterSummary, tried: &ClusterSummary, line: Option<f32>) -> Rect {
    let theme = Theme::of(ui.ctx());
    let k = type_scale(ui);
    let painter = ui.painter();
    let strong = FontId::new(Type::Body.font(ui).size, theme::semibold());
    let dropped = |s: &ClusterSummary| ticks::count(s.clusters[0].saturating_sub(s.reliable));
    let kept = |s: &ClusterSummary| ticks::count(s.reliable);
    let lines = |head: String, below: String| {
        let head = painter.layout_no_wrap(head, strong.clone(), theme.what_if);
        (head, painter.layout_no_wrap(format!("run {below}"), Type::Small.font(ui), theme.t3))
    };
    let left = lines(format!("{} dropped", dropped(tried)), dropped(run));
    let right = lines(format!("{} kept", kept(tried)), kept(run));
    let beside = 8.0 + k * 17.0;
    let width = |(head, below): &(Arc<Galley>, Arc<Galley>)| head.size().x.max(below.size().x) + beside;
    let x = line.unwrap_or(at.center().x).min(at.right() - width(&right)).max(at.left() + width(&left));
    let handle = Rect::from_center_size(pos2(x, at.top() + k * 11.0), k * vec2(34.0, 18.0));
    for ((head, below), x, sign) in [(left, handle.left() - 8.0, 1.0), (right, handle.right() + 8.0, 0.0)] {
        let under = pos2(x - sign * below.size().x, handle.bottom() + 1.0);
        painter.galley(pos2(x - sign * head.size().x, handle.center().y - head.size().y / 2.0), head, theme.what_if);
        painter.galley(under, below, theme.t3);
    }
    handle
}

fn threshold(ui: &mut Ui, cx: &PanelCtx<'_>, plot: &Fixed<'_>, handle: Rect, (alpha, run): (Option<f64>, Option<f64>)) {
    let theme = Theme::of(ui.ctx());
    let Some(alpha) = alpha else { return };
    let by_rule = cx.what_if.moved_by_rule();
    let x = ui.painter().round_to_pixel_center(plot.x_of(alpha));
    let grab = Rect::from_min_max(pos2(x - 12.0, handle.top()), pos2(x + 12.0, plot.inner.bottom())).union(handle);
    let response = ui.interact(grab, handle_id(ui), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::slider(true, alpha, "What-if threshold"));
    let painter = ui.painter();
    // A threshold that is not the run's is tried, whether a hand or the rule has moved it.
    let ink = if run.is_some_and(|run| (run - alpha).abs() > 0.005) { theme.what_if } else { theme.t1 };
    if let Some(run) = run.filter(|run| (run - alpha).abs() > 0.005) {
        let was = painter.round_to_pixel_center(plot.x_of(run));
        let ends = [pos2(was, plot.inner.top()), pos2(was, plot.inner.bottom())];
        painter.extend(Shape::dashed_line(&ends, Stroke::new(size::STROKE, theme.t3), 3.0, 3.0));
    }
    let line = Stroke::new(size::STROKE, ink);
    painter.line_segment([handle.center_bottom(), pos2(x, plot.inner.top())], line);
    painter.vline(x, plot.inner.y_range(), line);
    if response.hovered() || response.dragged() {
        painter.rect_filled(handle.expand(3.0), size::RADIUS_BUTTON + 2, ink.gamma_multiply(0.25));
    }
    painter.rect_filled(handle, size::RADIUS_INPUT, ink);
    let font = FontId::new(Type::Small.font(ui).size, theme::semibold());
    painter.text(handle.center(), Align2::CENTER_CENTER, share(alpha), font, theme.bg1);
    match hand(ui, &response, |x| plot.x_at(x), alpha) {
        HistogramHand::Nothing => {}
        HistogramHand::Hold(to) => cx.attempt(Try::Value("reliability.threshold", Value::Float(to))),
        HistogramHand::LetGo(to) => {
            cx.attempt(Try::Value("reliability.threshold", Value::Float(to)));
            cx.attempt(Try::LetGo);
        }
        HistogramHand::GiveUp => cx.attempt(Try::Reset),
    }
    let tip = match (by_rule, run) {
        (Some(words), Some(run)) => {
            format!("{} → {}: {words}. Drag to try another threshold.", share(run), share(alpha))
        }
        _ => "Drag to try another threshold.".to_owned(),
    };
    response.on_hover_cursor(CursorIcon::ResizeHorizontal).on_hover_text(tip);
}

/// What is tried minus the run, bar by bar.
fn difference(ui: &Ui, theme: &Theme, above: &Fixed<'_>, area: Rect, old: &[usize; BARS], new: &[usize; BARS]) {
    let k = type_scale(ui);
    let small = Type::Small.font(ui);
    let painter = ui.painter();
    painter.text(area.left_top(), Align2::LEFT_TOP, "Difference", small.clone(), theme.t2);
    let inner = Rect::from_x_y_ranges(above.inner.x_range(), area.top() + k * 22.0..=area.bottom() - k * 20.0);
    let most = old.iter().zip(new).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0).max(1) as f64;
    let plot = Fixed { outer: area, inner, x: [0.0, 1.0], y: [-most, most], caption: "" };
    let zero = painter.round_to_pixel_center(plot.y_of(0.0));
    painter.hline(inner.x_range(), zero, Stroke::new(size::STROKE, theme.line2));
    for (at, words) in [(inner.top(), format!("+{most}")), (inner.bottom(), format!("−{most}"))] {
        painter.text(pos2(inner.left() - 6.0, at), Align2::RIGHT_CENTER, words, small.clone(), theme.t3);
    }
    for i in 0..BARS {
        let change = new[i] as f64 - old[i] as f64;
        if change != 0.0 {
            let (from, to) = (i as f64 / BARS as f64, (i + 1) as f64 / BARS as f64);
            let rect = Rect::from_two_pos(
                pos2(plot.x_of(from) + 1.0, plot.y_of(change)),
                pos2(plot.x_of(to) - 1.0, plot.y_of(0.0)),
            );
            let color: Color32 = if change > 0.0 { theme.what_if } else { theme.t3 };
            painter.rect_filled(rect, 1, color.gamma_multiply(0.85));
        }
    }
    let at = egui::pos2(inner.center().x, area.bottom());
    painter.text(at, Align2::CENTER_BOTTOM, "independence score of the cluster, Eq. 8", small, theme.t3);
}
