//! Images in a row, as the hierarchy orders them: which places are seen, zoom by the wheel, pan by the right button.

use eframe::egui::{PointerButton, Response, Ui};

use crate::gui::plot::Fixed;

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

    /// Whether some are out of sight.
    pub fn is_zoomed(&self) -> bool {
        self.seen.is_some()
    }

    /// Shows all.
    pub fn reset(&mut self) {
        self.seen = None;
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
