//! Axes of plots that are not zoomed: a histogram, a curve with a handle.

use eframe::egui::{Align2, Painter, Pos2, Rect, Stroke, Ui, pos2};

use super::ticks;
use crate::gui::theme::{Theme, Type, size};

/// A plot area with fixed ranges.
pub struct Fixed<'a> {
    /// With its numbers and captions.
    pub outer: Rect,
    /// The area of the data.
    pub inner: Rect,
    /// Least and largest x.
    pub x: [f64; 2],
    /// Least and largest y.
    pub y: [f64; 2],
    /// Under the x axis.
    pub caption: &'a str,
}

impl Fixed<'_> {
    /// Where a point is.
    pub fn at(&self, x: f64, y: f64) -> Pos2 {
        pos2(self.x_of(x), self.y_of(y))
    }

    /// Where an x is.
    pub fn x_of(&self, x: f64) -> f32 {
        self.inner.left() + ((x - self.x[0]) / (self.x[1] - self.x[0]).max(1e-12)) as f32 * self.inner.width()
    }

    /// Where a y is.
    pub fn y_of(&self, y: f64) -> f32 {
        self.inner.bottom() - ((y - self.y[0]) / (self.y[1] - self.y[0]).max(1e-12)) as f32 * self.inner.height()
    }

    /// Which y is at a height on the screen.
    pub fn y_at(&self, y: f32) -> f64 {
        self.y[0] + f64::from((self.inner.bottom() - y) / self.inner.height()) * (self.y[1] - self.y[0])
    }

    /// Which x is at a place on the screen.
    pub fn x_at(&self, x: f32) -> f64 {
        self.x[0] + f64::from((x - self.inner.left()) / self.inner.width()) * (self.x[1] - self.x[0])
    }

    /// Draws grid, ticks, numbers and caption.
    pub fn axes(&self, ui: &Ui) {
        let theme = Theme::of(ui.ctx());
        let painter = ui.painter();
        let small = Type::Small.font(ui);
        let rows = (self.inner.height() / 34.0).clamp(2.0, 5.0) as usize;
        let values = ticks::linear(self.y[0], self.y[1], rows);
        let step = gap(&values);
        for value in values {
            let y = painter.round_to_pixel_center(self.y_of(value));
            painter.hline(self.inner.x_range(), y, Stroke::new(size::STROKE, theme.line));
            let at = pos2(self.inner.left() - 6.0, y);
            painter.text(at, Align2::RIGHT_CENTER, ticks::axis(value, step), small.clone(), theme.t3);
        }
        let columns = (self.inner.width() / 64.0).clamp(2.0, 6.0) as usize;
        let values = ticks::linear(self.x[0], self.x[1], columns);
        let step = gap(&values);
        for value in values {
            let x = self.x_of(value);
            self.stub(painter, theme, x);
            let at = pos2(x, self.inner.bottom() + 4.0);
            painter.text(at, Align2::CENTER_TOP, ticks::axis(value, step), small.clone(), theme.t3);
        }
        let at = pos2(self.inner.center().x, self.outer.bottom());
        painter.text(at, Align2::CENTER_BOTTOM, self.caption, small, theme.t3);
    }

    fn stub(&self, painter: &Painter, theme: &Theme, x: f32) {
        let x = painter.round_to_pixel_center(x);
        let bottom = self.inner.bottom();
        painter.vline(x, bottom..=bottom + 3.0, Stroke::new(size::STROKE, theme.line2));
    }
}

fn gap(values: &[f64]) -> f64 {
    values.windows(2).map(|w| w[1] - w[0]).fold(f64::INFINITY, f64::min)
}
