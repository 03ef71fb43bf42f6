//! The histogram of cluster scores and the handle of its threshold.

use std::sync::Arc;

use eframe::egui::{
    self, Align2, Color32, CursorIcon, FontId, Galley, Key, Rect, Response, Role, Sense, Shape, Stroke, StrokeKind, Ui,
    Vec2, accesskit, pos2, vec2,
};

use crate::engine::event::ClusterSummary;
use crate::gui::plot::{ticks, type_scale};
use crate::gui::theme::{self, Theme, Type, size};
use crate::gui::widgets::button::focus_ring;
use crate::gui::widgets::icon;
use crate::gui::words::share;
use crate::study::reliability::{ThresholdSplit, split};

/// Bars between 0 and 1.
pub const BARS: usize = 25;

/// One epoch's scores and where the threshold stands.
pub struct Histogram<'a> {
    /// The clustering.
    pub summary: &'a ClusterSummary,
    /// The threshold under the hand.
    pub held: Option<f64>,
    /// The threshold that was asked for and waits for the next epoch.
    pub pending: Option<f64>,
    /// Whether the threshold can be tried out.
    pub movable: bool,
    /// Other runs, drawn as steps over it.
    pub others: &'a [Steps],
}

/// The histogram of another setting.
pub struct Steps {
    /// What it is called.
    pub name: String,
    /// Its place in the order of colours.
    pub slot: usize,
    /// Clusters in each bar, the mean over its runs.
    pub counts: [f64; BARS],
}

/// What the hand did.
pub enum HistogramHand {
    /// Nothing.
    Nothing,
    /// It holds this threshold.
    Hold(f64),
    /// It let go there.
    LetGo(f64),
    /// It gave up.
    GiveUp,
}

/// How many scores fall in each bar; the last one includes 1.
pub fn bars(scores: &[f64]) -> [usize; BARS] {
    let mut counts = [0; BARS];
    for score in scores.iter().filter(|s| s.is_finite()) {
        counts[((score.clamp(0.0, 1.0) * BARS as f64) as usize).min(BARS - 1)] += 1;
    }
    counts
}

impl Histogram<'_> {
    /// Where the handle stands: under the hand, where it is to go, or at the run's threshold.
    fn alpha(&self) -> Option<f64> {
        self.held.or(self.pending).or(self.summary.threshold)
    }

    /// Shows it.
    pub fn show(&self, ui: &mut Ui, size: Vec2) -> HistogramHand {
        let theme = Theme::of(ui.ctx());
        let (outer, frame) = ui.allocate_exact_size(size, Sense::hover());
        let k = type_scale(ui);
        let plot = Rect::from_min_max(outer.min + k * vec2(34.0, 46.0), outer.max - k * vec2(6.0, 34.0));
        let clusters = ticks::counted(self.summary.cluster_score.len(), "cluster", "clusters");
        let decided = match self.alpha() {
            Some(alpha) => {
                let ThresholdSplit { kept, dropped, .. } = self.counts(alpha);
                let (kept, dropped) = (ticks::count(kept), ticks::count(dropped));
                format!("{kept} kept and {dropped} dropped at {}", share(alpha))
            }
            None => "all kept".to_owned(),
        };
        let mut said = format!("Histogram of the scores of {clusters}, {decided}");
        for other in self.others {
            let sum: f64 = other.counts.iter().sum();
            said.push_str(&format!(
                "; beside {} {}",
                other.name.replace(icon::STAR, "★"),
                ticks::number(sum, usize::from(sum.fract() > 0.01))
            ));
        }
        frame.widget_info(|| egui::WidgetInfo::labeled(Role::Image, true, said.as_str()));
        if plot.width() < 60.0 || plot.height() < 30.0 {
            return HistogramHand::Nothing;
        }
        let counts = bars(&self.summary.cluster_score);
        let highest = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
        let highest = self.others.iter().flat_map(|other| other.counts).fold(highest, f64::max);
        let top = ticks::round_out(0.0, highest, 4)[1].max(1.0);
        let x_of = |score: f64| plot.left() + score as f32 * plot.width();
        let y_of = |count: f64| plot.bottom() - (count / top) as f32 * plot.height();
        axes(ui, theme, outer, plot, top);
        self.draw_bars(ui, theme, &counts, &x_of, &y_of);
        self.draw_others(ui, theme, plot, &x_of, &y_of);
        self.hover(ui, theme, plot, &counts);
        let Some(alpha) = self.alpha() else {
            let words = format!("no threshold: all {clusters} kept");
            let at = pos2(plot.center().x, outer.top() + 9.0);
            ui.painter().text(at, Align2::CENTER_CENTER, words, Type::Body.font(ui), theme.t2);
            return HistogramHand::Nothing;
        };
        if let (Some(run), true) = (self.summary.threshold, self.held.or(self.pending).is_some()) {
            let x = ui.painter().round_to_pixel_center(x_of(run));
            let ends = [pos2(x, plot.top()), pos2(x, plot.bottom())];
            ui.painter().extend(Shape::dashed_line(&ends, Stroke::new(size::STROKE, theme.t3), 3.0, 3.0));
            let (align, x) = if run < alpha { (Align2::RIGHT_CENTER, x - 4.0) } else { (Align2::LEFT_CENTER, x + 4.0) };
            let words = format!("was {}", share(run));
            ui.painter().text(pos2(x, plot.top() + 7.0), align, words, Type::Small.font(ui), theme.t3);
        }
        let words = self.words(ui, theme, alpha);
        // A small threshold has more figures.
        let wide = k * if share(alpha).len() > 4 { 52.0 } else { 34.0 };
        let beside = 8.0 + wide / 2.0;
        let [left, right] = words.each_ref().map(|(head, below, _)| head.size().x.max(below.size().x) + beside);
        // At the edges the box gives way to the words; its line stays at the value.
        let line = x_of(alpha);
        let x = line.min(outer.right() - right).max(outer.left() + left.min(outer.width() / 2.0));
        let handle = Rect::from_center_size(pos2(x, outer.top() + k * 11.0), vec2(wide, k * 18.0));
        for ((head, below, color), x, sign) in words
            .into_iter()
            .zip([handle.left() - 8.0, handle.right() + 8.0])
            .zip([1.0, 0.0])
            .map(|((w, x), s)| (w, x, s))
        {
            let at = pos2(x - sign * head.size().x, handle.center().y - head.size().y / 2.0);
            let under = pos2(x - sign * below.size().x, handle.bottom() + 1.0);
            ui.painter().galley(at, head, color);
            ui.painter().galley(under, below, theme.t3);
        }
        self.handle(ui, theme, handle, plot, (alpha, line))
    }

    fn draw_bars(
        &self,
        ui: &Ui,
        theme: &Theme,
        counts: &[usize; BARS],
        x_of: &impl Fn(f64) -> f32,
        y_of: &impl Fn(f64) -> f32,
    ) {
        let alpha = self.alpha();
        let painter = ui.painter();
        let bar = |from: f64, to: f64, count: usize, color: Color32| {
            if count > 0 && to > from {
                let rect =
                    Rect::from_min_max(pos2(x_of(from) + 1.0, y_of(count as f64)), pos2(x_of(to) - 1.0, y_of(0.0)));
                painter.rect_filled(rect, 1, color.gamma_multiply(0.85));
            }
        };
        for (i, &count) in counts.iter().enumerate() {
            let (from, to) = (i as f64 / BARS as f64, (i + 1) as f64 / BARS as f64);
            match alpha {
                None => bar(from, to, count, theme.t3),
                Some(alpha) if alpha <= from => bar(from, to, count, theme.reliable),
                Some(alpha) if alpha >= to && i + 1 < BARS => bar(from, to, count, theme.unreliable),
                Some(alpha) => {
                    // Cut by the threshold: two parts with their own counts.
                    let within = |s: &&f64| (**s >= from || i == 0) && (**s < to || i + 1 == BARS);
                    let scores = self.summary.cluster_score.iter().filter(within);
                    let kept = scores.filter(|s| **s >= alpha).count();
                    bar(from, alpha, count - kept.min(count), theme.unreliable);
                    bar(alpha, to, kept, theme.reliable);
                }
            }
        }
    }

    /// The other runs as steps, with their names at the left, where few clusters are.
    fn draw_others(&self, ui: &Ui, theme: &Theme, plot: Rect, x_of: &impl Fn(f64) -> f32, y_of: &impl Fn(f64) -> f32) {
        let painter = ui.painter();
        let line = Type::Small.font(ui).size + 3.0;
        let room = ((plot.height() / line) as usize).saturating_sub(1).max(1);
        for (n, other) in self.others.iter().enumerate() {
            let stroke = Stroke::new(size::STROKE_CURVE, theme.series(other.slot));
            let corners = other.counts.iter().enumerate().flat_map(|(i, &count)| {
                let y = y_of(count);
                [i, i + 1].map(|k| pos2(x_of(k as f64 / BARS as f64), y))
            });
            let path: Vec<egui::Pos2> = corners.collect();
            if other.slot < theme.series.len() {
                painter.add(Shape::line(path, stroke));
            } else {
                painter.extend(Shape::dashed_line(&path, stroke, 5.0, 3.0));
            }
            if n < room {
                let y = plot.top() + line * (n as f32 + 0.5);
                painter.hline(plot.left() + 4.0..=plot.left() + 16.0, y, stroke);
                let text = if n + 1 == room && self.others.len() > room {
                    format!("and {} more", self.others.len() - n)
                } else {
                    other.name.clone()
                };
                let galley = Type::Small.cut(ui, text, theme.t2, plot.width() * 0.45);
                painter.galley(pos2(plot.left() + 20.0, y - galley.size().y / 2.0), galley, theme.t2);
            }
        }
    }

    /// The range and count of the bar under the pointer.
    fn hover(&self, ui: &Ui, theme: &Theme, plot: Rect, counts: &[usize; BARS]) {
        let Some(pointer) = ui.input(|i| i.pointer.hover_pos()).filter(|p| plot.contains(*p)) else { return };
        if self.held.is_some() || !ui.rect_contains_pointer(plot) {
            return;
        }
        let i = (((pointer.x - plot.left()) / plot.width() * BARS as f32) as usize).min(BARS - 1);
        let digits = |k: usize| ticks::number(k as f64 / BARS as f64, 2);
        let painter = ui.painter();
        let first =
            painter.layout_no_wrap(format!("{} – {}", digits(i), digits(i + 1)), Type::Small.font(ui), theme.t3);
        let words = ticks::counted(counts[i], "cluster", "clusters");
        let second = painter.layout_no_wrap(words, Type::Small.font(ui), theme.t1);
        let width = first.size().x.max(second.size().x) + 16.0;
        let left = if pointer.x + width + 14.0 < plot.right() { pointer.x + 12.0 } else { pointer.x - 12.0 - width };
        let rect = Rect::from_min_size(pos2(left, plot.top() + 4.0), vec2(width, 38.0));
        painter.rect(rect, size::RADIUS_BUTTON, theme.bg2, Stroke::new(size::STROKE, theme.line2), StrokeKind::Inside);
        painter.galley(rect.min + vec2(8.0, 5.0), first, theme.t3);
        painter.galley(rect.min + vec2(8.0, 20.0), second, theme.t1);
    }

    /// What the run really kept, whatever rule decided; for a threshold that is tried, what it would keep.
    fn counts(&self, alpha: f64) -> ThresholdSplit {
        let s = self.summary;
        if self.held.or(self.pending).is_some() {
            return split(s, alpha);
        }
        let dropped_images = s.images.saturating_sub(s.noise[0] + s.kept);
        ThresholdSplit {
            kept: s.reliable,
            dropped: s.clusters[0].saturating_sub(s.reliable),
            kept_images: s.kept,
            dropped_images,
        }
    }

    /// What stands at the left and at the right of the handle: clusters, images, colour.
    fn words(&self, ui: &Ui, theme: &Theme, alpha: f64) -> [(Arc<Galley>, Arc<Galley>, Color32); 2] {
        let ThresholdSplit { kept, dropped, kept_images, dropped_images } = self.counts(alpha);
        let strong = FontId::new(Type::Body.font(ui).size, theme::semibold());
        let of = |clusters: usize, what: &str, images: usize, color: Color32| {
            let head = format!("{} {what}", ticks::count(clusters));
            let below = ticks::counted(images, "image", "images");
            let painter = ui.painter();
            let below = painter.layout_no_wrap(below, Type::Small.font(ui), theme.t3);
            (painter.layout_no_wrap(head, strong.clone(), color), below, color)
        };
        [of(dropped, "dropped", dropped_images, theme.unreliable), of(kept, "kept", kept_images, theme.reliable)]
    }

    fn handle(&self, ui: &mut Ui, theme: &Theme, rect: Rect, plot: Rect, (alpha, x): (f64, f32)) -> HistogramHand {
        let line = ui.painter().round_to_pixel_center(x);
        let waiting = self.held.is_none() && self.pending.is_some();
        let ink = if waiting { theme.pending } else { theme.t1 };
        let grab = Rect::from_min_max(pos2(line - 12.0, rect.top()), pos2(line + 12.0, plot.bottom()));
        let sense = if self.movable { Sense::click_and_drag() } else { Sense::hover() };
        let response = ui.interact(grab.union(rect), handle_id(ui), sense);
        response.widget_info(|| egui::WidgetInfo::slider(self.movable, alpha, "Reliability threshold"));
        ui.ctx().accesskit_node_builder(response.id, |node| {
            node.set_min_numeric_value(0.0);
            node.set_max_numeric_value(1.0);
            node.add_action(accesskit::Action::SetValue);
        });
        let painter = ui.painter();
        let stroke = Stroke::new(size::STROKE, ink);
        let neck = plot.top() - 8.0;
        painter.vline(line, plot.top()..=plot.bottom(), stroke);
        painter.vline(painter.round_to_pixel_center(rect.center().x), rect.bottom()..=neck, stroke);
        painter.line_segment([pos2(rect.center().x, neck), pos2(line, plot.top())], stroke);
        if response.dragged() || response.hovered() {
            painter.rect_filled(rect.expand(3.0), size::RADIUS_BUTTON + 2, ink.gamma_multiply(0.25));
        }
        painter.rect_filled(rect, size::RADIUS_INPUT, ink);
        let font = FontId::new(Type::Small.font(ui).size, theme::semibold());
        painter.text(rect.center(), Align2::CENTER_CENTER, share(alpha), font, theme.bg1);
        focus_ring(ui, &response, rect, size::RADIUS_INPUT);
        let at = |x: f32| f64::from((x - plot.left()) / plot.width());
        let asked = hand(ui, &response, at, alpha);
        if self.movable {
            let tip = "Drag to try another threshold: all panels about clusters follow, nothing is trained. Apply asks for \
                       it. Keys: ← → to move, Esc to go back.";
            response.on_hover_cursor(CursorIcon::ResizeHorizontal).on_hover_text(tip);
        } else {
            response
                .on_hover_text("SpCL's pair of scores also looks at single members, so no threshold is tried here.");
        }
        asked
    }
}

/// What the hand does to a threshold that stands at `alpha`; `at` is the threshold at a place across.
pub fn hand(ui: &Ui, response: &Response, at: impl Fn(f32) -> f64, alpha: f64) -> HistogramHand {
    let round = |x: f64| (x.clamp(0.0, 1.0) * 100.0).round() / 100.0;
    if let Some(pointer) = response.interact_pointer_pos() {
        if response.dragged() {
            return HistogramHand::Hold(round(at(pointer.x)));
        }
        if response.drag_stopped() {
            return HistogramHand::LetGo(round(at(pointer.x)));
        }
    }
    if response.drag_stopped() {
        return HistogramHand::LetGo(alpha);
    }
    let set = ui.input(|i| {
        i.accesskit_action_requests(response.id, accesskit::Action::SetValue).find_map(|r| match r.data {
            Some(accesskit::ActionData::NumericValue(value)) => Some(round(value)),
            _ => None,
        })
    });
    if let Some(alpha) = set {
        return HistogramHand::LetGo(alpha);
    }
    if !response.has_focus() {
        return HistogramHand::Nothing;
    }
    let filter = egui::EventFilter { horizontal_arrows: true, escape: true, ..Default::default() };
    ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
    ui.input(|i| {
        let steps = i.num_presses(Key::ArrowRight) as f64 - i.num_presses(Key::ArrowLeft) as f64;
        match () {
            () if steps != 0.0 => HistogramHand::Hold(round(alpha + steps / 100.0)),
            () if i.key_pressed(Key::Enter) => HistogramHand::LetGo(alpha),
            () if i.key_pressed(Key::Escape) => HistogramHand::GiveUp,
            () => HistogramHand::Nothing,
        }
    })
}

/// The handle's place in the tree of controls: the same whether the run's threshold or one that is tried stands there,
/// so that a drag goes on when the answer comes.
pub fn handle_id(ui: &Ui) -> egui::Id {
    ui.scope_id().with("threshold")
}

fn axes(ui: &Ui, theme: &Theme, outer: Rect, plot: Rect, top: f64) {
    let painter = ui.painter();
    let small = Type::Small.font(ui);
    let values = ticks::linear(0.0, top, (plot.height() / 34.0).clamp(2.0, 4.0) as usize);
    let step = values.windows(2).map(|w| w[1] - w[0]).fold(f64::INFINITY, f64::min);
    for value in values {
        let y = painter.round_to_pixel_center(plot.bottom() - (value / top) as f32 * plot.height());
        painter.hline(plot.x_range(), y, Stroke::new(size::STROKE, theme.line));
        let at = pos2(plot.left() - 6.0, y);
        painter.text(at, Align2::RIGHT_CENTER, ticks::axis(value, step), small.clone(), theme.t3);
    }
    for i in 0..=5 {
        let x = plot.left() + plot.width() * i as f32 / 5.0;
        let stub = painter.round_to_pixel_center(x);
        painter.vline(stub, plot.bottom()..=plot.bottom() + 3.0, Stroke::new(size::STROKE, theme.line2));
        let words = ticks::number(f64::from(i) / 5.0, 1);
        painter.text(pos2(x, plot.bottom() + 4.0), Align2::CENTER_TOP, words, small.clone(), theme.t3);
    }
    let at = pos2(plot.center().x, outer.bottom());
    painter.text(at, Align2::CENTER_BOTTOM, "independence score of the cluster, Eq. 8", small, theme.t3);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_belong_to_the_bar_above_and_one_to_the_last() {
        let counts = bars(&[0.0, 0.039, 0.04, 0.5, 1.0, 1.0, f64::NAN]);
        assert_eq!((counts[0], counts[1], counts[12], counts[24]), (2, 1, 1, 2));
        assert_eq!(counts.iter().sum::<usize>(), 6);
    }
}
