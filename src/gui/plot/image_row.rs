//! What panels share that lay the images in a row, as the hierarchy orders them: which places are seen, zoom by the wheel,
//! pan by the right button; radii from 0 to 1 as height, the line of eps with its band, and a card beside the pointer.

use eframe::egui::{Align2, PointerButton, Response, Stroke, Ui, pos2};

use crate::gui::plot::{Fixed, ticks};
use crate::gui::theme::{Theme, Type, size};
use crate::gui::widgets::{button, icon};

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
