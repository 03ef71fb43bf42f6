//! The histogram of every epoch as a column of shades, with each epoch's threshold.

use eframe::egui::{self, Align2, Color32, Mesh, Rect, Role, Sense, Shape, Stroke, Ui, Vec2, pos2, vec2};

use super::histogram::{BARS, bars};
use crate::gui::plot::{ticks, type_scale};
use crate::gui::theme::{Theme, Type, size};
use crate::gui::view_model::RunView;
use crate::gui::words::epoch_words;

/// Shows it; the answer is the epoch that was clicked.
pub fn show(ui: &mut Ui, view: &RunView, size: Vec2, chosen: usize) -> Option<usize> {
    let theme = Theme::of(ui.ctx());
    let (outer, _) = ui.allocate_exact_size(size, Sense::hover());
    let k = type_scale(ui);
    let plot = Rect::from_min_max(outer.min + k * vec2(34.0, 4.0), outer.max - k * vec2(6.0, 18.0));
    let (first, last) = (view.clusters.keys().next().copied()?, view.clusters.keys().next_back().copied()?);
    if plot.height() < 20.0 || plot.width() < 40.0 {
        return None;
    }
    let columns = last - first + 1;
    let width = plot.width() / columns as f32;
    let x_of = |epoch: usize| plot.left() + width * (epoch - first) as f32;
    let gap = if width > 6.0 { 1.0 } else { 0.0 };
    let mut mesh = Mesh::default();
    let mut lines = Vec::new();
    for (&epoch, clusters) in &view.clusters {
        let counts = bars(&clusters.summary.cluster_score);
        let most = counts.iter().copied().max().unwrap_or(0).max(1);
        let alpha = clusters.summary.threshold;
        for (i, &count) in counts.iter().enumerate().filter(|(_, c)| **c > 0) {
            let (from, to) = (i as f32 / BARS as f32, (i + 1) as f32 / BARS as f32);
            let y = |t: f32| plot.bottom() - t * plot.height();
            let rect = Rect::from_min_max(pos2(x_of(epoch), y(to)), pos2(x_of(epoch) + width - gap, y(from)));
            let color = match alpha {
                None => theme.t3,
                Some(alpha) if alpha > f64::from((from + to) / 2.0) => theme.unreliable,
                Some(_) => theme.reliable,
            };
            mesh.add_colored_rect(rect, shade(theme, color, count as f32 / most as f32));
        }
        if let Some(alpha) = alpha {
            let y = plot.bottom() - alpha as f32 * plot.height();
            lines.push([pos2(x_of(epoch), y), pos2(x_of(epoch) + width, y)]);
        }
    }
    let painter = ui.painter();
    painter.rect_filled(plot, 0, theme.bg0);
    painter.add(Shape::mesh(mesh));
    for line in lines {
        painter.line_segment(line, Stroke::new(size::STROKE, theme.t1));
    }
    let frame =
        Rect::from_min_size(pos2(x_of(chosen.clamp(first, last)), plot.top()), vec2(width - gap, plot.height()));
    painter.rect_stroke(frame, 0, Stroke::new(size::STROKE, theme.accent), egui::StrokeKind::Outside);
    labels(ui, theme, plot, first, last, &|epoch| x_of(epoch) + width / 2.0);
    let response = ui.interact(plot, ui.scope_id().with("strip"), Sense::click());
    let words = format!("Scores by epoch, {}", ticks::counted(view.clusters.len(), "epoch", "epochs"));
    response.widget_info(|| egui::WidgetInfo::labeled(Role::Image, true, words.as_str()));
    let under = response.hover_pos().map(|p| first + (((p.x - plot.left()) / width) as usize).min(columns - 1));
    let clicked = response.clicked().then_some(under).flatten().filter(|e| view.clusters.contains_key(e));
    if let Some((epoch, clusters)) = under.and_then(|e| view.clusters.get_key_value(&e)) {
        let s = &clusters.summary;
        let unreliable = s.clusters[0].saturating_sub(s.reliable);
        let words = format!(
            "{}: {} reliable, {} unreliable. Click to look at it.",
            epoch_words(*epoch),
            ticks::count(s.reliable),
            ticks::count(unreliable)
        );
        response.on_hover_text_at_pointer(words);
    }
    clicked
}

fn shade(theme: &Theme, color: Color32, share: f32) -> Color32 {
    theme.bg1.lerp_to_gamma(color, 0.05 + 0.9 * share.clamp(0.0, 1.0))
}

fn labels(ui: &Ui, theme: &Theme, plot: Rect, first: usize, last: usize, center: &dyn Fn(usize) -> f32) {
    let painter = ui.painter();
    let small = Type::Small.font(ui);
    for t in [0.0, 0.5, 1.0] {
        let y = plot.bottom() - t * plot.height();
        let at = pos2(plot.left() - 6.0, y.clamp(plot.top() + 5.0, plot.bottom() - 4.0));
        painter.text(at, Align2::RIGHT_CENTER, ticks::number(f64::from(t), 1), small.clone(), theme.t3);
    }
    let count = (plot.width() / 44.0).clamp(1.0, 6.0) as usize;
    // Counted from 1, as people do.
    let (from, to) = (first as f64 + 1.0, last as f64 + 1.0);
    let marks = if first == last { vec![from] } else { ticks::epochs(from, to, count) };
    for epoch in marks.into_iter().filter(|e| e.fract() == 0.0 && *e >= 1.0) {
        let at = pos2(center(epoch as usize - 1), plot.bottom() + 3.0);
        painter.text(at, Align2::CENTER_TOP, ticks::number(epoch, 0), small.clone(), theme.t3);
    }
}
