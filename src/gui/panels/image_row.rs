//! What panels share that lay the images in a row, as the hierarchy orders them: which places are seen, zoom by the wheel,
//! pan by the right button; radii from 0 to 1 as height, the line of eps with its band, and a card beside the pointer.

use eframe::egui::{Align2, Color32, PointerButton, Pos2, Rect, Response, Shape, Stroke, StrokeKind, Ui, pos2, vec2};

use super::PanelCtx;
use super::clustered::thumb;
use crate::gui::plot::{Fixed, ticks};
use crate::gui::theme::{Theme, Type, size};
use crate::gui::widgets::{button, icon};
use crate::run::images::Images;

/// The places that are seen; all of them unless somebody zoomed.
#[derive(Default)]
pub struct TreePlaces {
    seen: Option<[f64; 2]>,
}

impl TreePlaces {
    /// The range of `n` places that is seen.
    pub fn range(&self, n: usize) -> [f64; 2] {
        let whole = [0.0, n.max(1) as f64];
        self.seen.filter(|[_, to]| *to <= whole[1]).unwrap_or(whole)
    }

    /// The button that shows all, where some are out of sight.
    pub fn reset(&mut self, ui: &mut Ui) {
        if self.seen.is_some() && button::icon_button(ui, icon::RESET, "Show all images (double click)").clicked() {
            self.seen = None;
        }
    }

    /// Follows wheel, right button and double click over a plot of `n` places.
    pub fn follow(&mut self, ui: &Ui, response: &Response, plot: &Fixed<'_>, n: usize) {
        let whole = n.max(1) as f64;
        let [from, to] = plot.x;
        if let Some(pointer) = response.hover_pos() {
            let factor = ui.input(|i| f64::from((0.005 * i.smooth_scroll_delta().y).exp() * i.zoom_delta()));
            if (factor - 1.0).abs() > 1e-4 {
                let at = plot.x_at(pointer.x.clamp(plot.inner.left(), plot.inner.right()));
                let width = ((to - from) / factor).clamp(8.0f64.min(whole), whole);
                let left = (at - (at - from) * width / (to - from)).clamp(0.0, whole - width);
                self.seen = (width < whole).then_some([left, left + width]);
            }
        }
        if response.dragged_by(PointerButton::Secondary) || response.dragged_by(PointerButton::Middle) {
            let by = f64::from(response.drag_delta().x / plot.inner.width()) * (to - from);
            let left = (from - by).clamp(0.0, (whole - (to - from)).max(0.0));
            self.seen = self.seen.map(|_| [left, left + to - from]);
        }
        if response.double_clicked() {
            self.seen = None;
        }
    }
}

/// Axes: radii on the left, the caption below.
pub fn grid(ui: &Ui, plot: &Fixed<'_>) {
    let theme = Theme::of(ui.ctx());
    let painter = ui.painter();
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

/// The line of eps with its band from eps − Δd to eps + Δd; where another eps is tried, the run's beside it.
pub fn eps_line(ui: &Ui, cx: &PanelCtx<'_>, plot: &Fixed<'_>, [tight, eps, loose]: [f64; 3]) {
    let theme = Theme::of(ui.ctx());
    let painter = ui.painter();
    let inner = plot.inner;
    let run = cx.what_if.base().map_or(eps, |b| b.params.eps);
    let changed = (run - eps).abs() > 1e-9;
    let ink = if changed { theme.what_if } else { theme.t1 };
    let across = |y: f64| [pos2(inner.left(), plot.y_of(y)), pos2(inner.right(), plot.y_of(y))];
    let band = Rect::from_x_y_ranges(inner.x_range(), plot.y_of(loose.min(1.0))..=plot.y_of(tight.max(0.0)));
    painter.rect_filled(band, 0.0, ink.gamma_multiply(0.12));
    painter.line_segment(across(eps), Stroke::new(size::STROKE_CURVE, ink));
    let small = Type::Small.font(ui);
    let label = |at: f64, words: String, ink: Color32| {
        let galley = painter.layout_no_wrap(words, small.clone(), ink);
        let at = pos2(inner.left() + 4.0, plot.y_of(at) - galley.size().y - 1.0);
        painter.rect_filled(Rect::from_min_size(at, galley.size()).expand2(vec2(3.0, 0.0)), 2.0, theme.bg1);
        painter.galley(at, galley, ink);
    };
    if changed {
        painter.extend(Shape::dashed_line(&across(run), Stroke::new(size::STROKE, theme.t1), 4.0, 3.0));
        if (run - eps).abs() > 0.05 {
            label(run, format!("run {}", ticks::number(run, 2)), theme.t1);
        }
    }
    let word = if changed { "what-if" } else { "eps" };
    label(loose.min(0.98), format!("{word} {} ± Δd", ticks::number(eps, 2)), ink);
}

/// A card beside the pointer at `at`, within `room`: the photo of an image of the train split, `lines` beside it.
pub fn card(
    ui: &Ui,
    cx: &PanelCtx<'_>,
    (images, image): (Option<&Images>, u32),
    (room, at): (Rect, Pos2),
    lines: Vec<String>,
) {
    let theme = cx.theme;
    let painter = ui.painter();
    let galleys: Vec<_> =
        lines.into_iter().map(|l| painter.layout_no_wrap(l, Type::Small.font(ui), theme.t1)).collect();
    let words = galleys.iter().fold(vec2(0.0, 0.0), |s, g| vec2(s.x.max(g.size().x), s.y + g.size().y));
    let [width, height] = size::THUMBS[2];
    let pad = 6.0;
    let whole = vec2(width + words.x + 3.0 * pad, words.y.max(height) + 2.0 * pad);
    let left = if at.x + 14.0 + whole.x <= room.right() { at.x + 14.0 } else { at.x - 14.0 - whole.x };
    let top = (at.y - whole.y / 2.0).clamp(room.top(), (room.bottom() - whole.y).max(room.top()));
    let area = Rect::from_min_size(pos2(left.max(room.left()), top), whole);
    painter.rect(area, size::RADIUS_BUTTON, theme.bg2, Stroke::new(size::STROKE, theme.line2), StrokeKind::Inside);
    let cell = Rect::from_min_size(area.min + vec2(pad, pad), vec2(width, height));
    thumb::paint(ui, cx.images, images, image, cell, 1.0);
    let mut y = area.top() + pad;
    for galley in galleys {
        let height = galley.size().y;
        painter.galley(pos2(cell.right() + pad, y), galley, theme.t1);
        y += height;
    }
}
