//! What panels paint on: lines with gaps, marks, direct labels, the cursor and its box.

use eframe::egui::text::{LayoutJob, TextFormat, TextWrapping};
use eframe::egui::{
    Align2, Color32, CornerRadius, FontId, Id, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, Ui, pos2, vec2,
};
use egui_plot::{PlotPoint, PlotTransform};

use super::{Axes, PlotLink, ticks};
use crate::gui::theme::{Theme, Type, size};

/// A name with a value at the end of a curve.
#[derive(Clone, Debug)]
pub struct EndLabel {
    /// Where the curve ends, in plot values.
    pub y: f64,
    /// The curve's name.
    pub name: String,
    /// Its last value, written out.
    pub value: String,
    /// Colour of the name.
    pub color: Color32,
    /// Whether it is the curve that counts.
    pub hero: bool,
}

/// A plot being painted.
pub struct Canvas<'a> {
    ui: &'a Ui,
    /// The appearance shown.
    pub theme: &'static Theme,
    /// The whole plot with its margins.
    pub outer: Rect,
    /// The area of the curves.
    pub inner: Rect,
    /// Paints anywhere in the plot.
    pub painter: Painter,
    /// Paints within the area of the curves only.
    pub inside: Painter,
    /// Under the pointer, in this plot or in a linked one.
    pub cursor: Option<f64>,
    /// The x of the epoch looked at, in plots over epochs; `None` while the run is followed.
    pub epoch: Option<f64>,
    transform: PlotTransform,
    log_y: bool,
    own_cursor: bool,
    above: f32,
    mark_end: f32,
    readings: Vec<(Pos2, Color32, String)>,
    heading: String,
    notes: Vec<String>,
}

impl<'a> Canvas<'a> {
    pub(super) fn new(
        ui: &'a Ui,
        theme: &'static Theme,
        outer: Rect,
        inner: Rect,
        transform: PlotTransform,
        axes: &Axes<'_>,
    ) -> Self {
        Self {
            ui,
            theme,
            outer,
            inner,
            painter: ui.painter().with_clip_rect(outer.intersect(ui.clip_rect()).expand(1.0)),
            inside: ui.painter().with_clip_rect(inner.expand2(vec2(1.0, 2.0)).intersect(ui.clip_rect())),
            cursor: None,
            epoch: None,
            transform,
            log_y: axes.log_y,
            own_cursor: false,
            above: axes.above,
            mark_end: inner.left() - 100.0,
            readings: Vec::new(),
            heading: String::new(),
            notes: Vec::new(),
        }
    }

    /// Takes the pointer's x, or that of a linked plot.
    pub(super) fn share_cursor(&mut self, link: Option<PlotLink<'_>>, own: Id, pointer: Option<f64>) {
        self.own_cursor = pointer.is_some();
        self.cursor = link.map_or(pointer, |link| link.cursor.at(link.group, own, pointer));
    }

    /// The x that is seen.
    pub fn seen(&self) -> [f64; 2] {
        let bounds = self.transform.bounds();
        [bounds.min()[0], bounds.max()[0]]
    }

    /// Where a point of the plot is on the screen.
    pub fn at(&self, x: f64, y: f64) -> Pos2 {
        let y = if self.log_y { y.max(1e-12).log10() } else { y };
        self.transform.position_from_point(&PlotPoint::new(x, y))
    }

    /// The font of axes and captions.
    pub fn small(&self) -> FontId {
        Type::Small.font(self.ui)
    }

    /// Grid, ticks and numbers.
    pub(super) fn axes(&mut self, axes: &Axes<'_>) {
        let theme = self.theme;
        let bounds = *self.transform.bounds();
        let rows = (self.inner.height() / 34.0).clamp(2.0, 5.0) as usize;
        let (low, high) = (bounds.min()[1], bounds.max()[1]);
        let values = if self.log_y {
            ticks::logarithmic(10f64.powf(low), 10f64.powf(high))
        } else {
            ticks::linear(low, high, rows)
        };
        let step = values.windows(2).map(|w| w[1] - w[0]).fold(f64::INFINITY, f64::min);
        for &value in &values {
            let y = self.painter.round_to_pixel_center(self.at(0.0, value).y);
            self.painter.hline(self.inner.x_range(), y, Stroke::new(size::STROKE, theme.line));
            let text = (axes.y_text)(value, step);
            let at = pos2(self.inner.left() - 6.0, y);
            self.painter.text(at, Align2::RIGHT_CENTER, text, self.small(), theme.t3);
        }
        let columns = (self.inner.width() / 44.0).clamp(2.0, 6.0) as usize;
        let values = ticks::epochs(bounds.min()[0], bounds.max()[0], columns);
        let step = values.windows(2).map(|w| w[1] - w[0]).fold(f64::INFINITY, f64::min);
        for &value in &values {
            let x = self.painter.round_to_pixel_center(self.at(value, 1.0).x);
            let bottom = self.inner.bottom();
            self.painter.vline(x, bottom..=bottom + 3.0, Stroke::new(size::STROKE, theme.line2));
            let text = ticks::axis(value, step);
            self.painter.text(pos2(x, bottom + 4.0), Align2::CENTER_TOP, text, self.small(), theme.t3);
        }
        if !axes.caption.is_empty() {
            let at = pos2(self.inner.center().x, self.outer.bottom());
            self.painter.text(at, Align2::CENTER_BOTTOM, axes.caption, self.small(), theme.t3);
        }
    }

    /// The epoch looked at: one line in every plot.
    pub(super) fn playhead(&self) {
        if let Some(epoch) = self.epoch {
            let x = self.painter.round_to_pixel_center(self.at(epoch, 1.0).x);
            self.inside.vline(x, self.inner.y_range(), Stroke::new(size::STROKE_CURVE, self.theme.t1));
        }
    }

    /// The point that the label of a curve speaks of: at the epoch looked at, else the last.
    pub fn spoken(&self, points: impl DoubleEndedIterator<Item = (f64, f64)>) -> Option<(f64, f64)> {
        let seen = |x: f64| self.epoch.is_none_or(|epoch| x <= epoch + 1e-9);
        points.rev().find(|(x, _)| seen(*x))
    }

    /// A curve; a value that is not finite leaves a gap.
    pub fn line(&self, points: impl IntoIterator<Item = (f64, f64)>, stroke: Stroke) {
        let mut run: Vec<Pos2> = Vec::new();
        let draw = |run: &mut Vec<Pos2>| {
            if run.len() > 1 {
                self.inside.add(Shape::line(std::mem::take(run), stroke));
            } else if let [only] = run[..] {
                self.inside.circle_filled(only, stroke.width.max(1.0), stroke.color);
            }
            run.clear();
        };
        for (x, y) in points {
            if y.is_finite() && (!self.log_y || y > 0.0) { run.push(self.at(x, y)) } else { draw(&mut run) }
        }
        draw(&mut run);
    }

    /// A dashed curve.
    pub fn dashed(&self, points: &[(f64, f64)], stroke: Stroke, dash: f32, gap: f32) {
        let path: Vec<Pos2> = points.iter().map(|(x, y)| self.at(*x, *y)).collect();
        self.inside.extend(Shape::dashed_line(&path, stroke, dash, gap));
    }

    /// A band between two curves; a value that is not finite leaves a gap.
    pub fn band(&self, points: impl IntoIterator<Item = (f64, f64, f64)>, color: Color32) {
        let mut mesh = eframe::egui::Mesh::default();
        let mut before = false;
        for (x, low, high) in points {
            let there = low.is_finite() && high.is_finite();
            if there {
                let at = mesh.vertices.len() as u32;
                mesh.colored_vertex(self.at(x, low), color);
                mesh.colored_vertex(self.at(x, high), color);
                if before {
                    mesh.add_triangle(at - 2, at - 1, at);
                    mesh.add_triangle(at - 1, at, at + 1);
                }
            }
            before = there;
        }
        self.inside.add(Shape::mesh(mesh));
    }

    /// How many names there is room for at the ends of curves.
    pub fn label_room(&self) -> usize {
        let line = self.small().size + 2.0;
        ((self.inner.height() / line) as usize).max(1)
    }

    /// Small ticks on the x axis where values were not numbers.
    pub fn gaps(&self, xs: &[f64]) {
        for x in xs {
            let x = self.at(*x, 1.0).x;
            let bottom = self.inner.bottom();
            self.inside.vline(x, bottom - 5.0..=bottom, Stroke::new(size::STROKE_CURVE, self.theme.mismatch));
        }
    }

    /// An event: a dashed line with its words at the top, left out where they would cover the words before.
    pub fn event(&mut self, x: f64, words: &str, color: Color32, dash: f32) {
        let [from, to] = self.seen();
        if x < from || x > to {
            return;
        }
        let at = self.painter.round_to_pixel_center(self.at(x, 1.0).x);
        let top = self.inner.top() - if self.above > 10.0 { 4.0 } else { 0.0 };
        let ends = [pos2(at, top), pos2(at, self.inner.bottom())];
        self.painter.extend(Shape::dashed_line(&ends, Stroke::new(size::STROKE, color), dash, 3.0));
        if at < self.mark_end || self.above <= 10.0 {
            return;
        }
        let galley = self.painter.layout_no_wrap(words.to_owned(), self.small(), color);
        let room = self.outer.right() - 4.0 - galley.size().x;
        let left = (at + 4.0).min(room);
        self.mark_end = left + galley.size().x + 8.0;
        self.painter.galley(pos2(left, self.outer.top()), galley, color);
    }

    /// A small glyph at the top edge, for events without words.
    pub fn tick_mark(&self, x: f64, glyph: &str, color: Color32) {
        let [from, to] = self.seen();
        if x >= from && x <= to {
            let at = pos2(self.at(x, 1.0).x, self.inner.top() + 5.0);
            self.painter.text(at, Align2::CENTER_CENTER, glyph, FontId::new(9.0, crate::gui::fonts::bold()), color);
        }
    }

    /// Names and last values in the right margin, pushed apart.
    pub fn end_labels(&self, mut labels: Vec<EndLabel>) {
        labels.retain(|l| l.y.is_finite());
        let mut ys: Vec<f32> = labels.iter().map(|l| self.at(0.0, l.y).y).collect();
        let line = self.painter.layout_no_wrap("0".to_owned(), self.small(), self.theme.t2).size().y;
        push_apart(&mut ys, line, self.inner.top(), self.inner.bottom());
        let left = self.inner.right() + 8.0;
        let right = self.outer.right();
        for (label, y) in labels.iter().zip(ys) {
            let (font, ink) = if label.hero {
                (FontId::new(self.small().size, crate::gui::theme::semibold()), self.theme.t1)
            } else {
                (self.small(), self.theme.t2)
            };
            let value = self.painter.layout_no_wrap(label.value.clone(), font, ink);
            let room = right - value.size().x - 4.0 - left;
            let mut job = LayoutJob::single_section(label.name.clone(), TextFormat::simple(self.small(), label.color));
            job.wrap = TextWrapping::truncate_at_width(room.max(0.0));
            let name = self.painter.layout_job(job);
            self.painter.galley(pos2(left, y - name.size().y / 2.0), name, label.color);
            self.painter.galley(pos2(right - value.size().x, y - value.size().y / 2.0), value, ink);
        }
    }

    /// A value that the cursor's box lists, with a dot on its curve.
    pub fn reading(&mut self, x: f64, y: f64, color: Color32, text: String) {
        if y.is_finite() {
            self.readings.push((self.at(x, y), color, text));
        }
    }

    /// The first line of the cursor's box.
    pub fn heading(&mut self, text: String) {
        self.heading = text;
    }

    /// Further lines of the cursor's box.
    pub fn note(&mut self, lines: Vec<String>) {
        self.notes.extend(lines);
    }

    /// Whether the cursor is within a few points of `x`.
    pub fn is_under_cursor(&self, x: f64) -> bool {
        self.cursor.is_some_and(|cursor| (self.at(cursor, 1.0).x - self.at(x, 1.0).x).abs() < 5.0)
    }

    /// The cursor on top of everything.
    pub(super) fn finish(self) {
        let Some(cursor) = self.cursor else { return };
        let x = self.painter.round_to_pixel_center(self.at(cursor, 1.0).x);
        if !self.inner.x_range().contains(x) {
            return;
        }
        self.inside.vline(x, self.inner.y_range(), Stroke::new(size::STROKE, self.theme.t3));
        for (at, color, _) in &self.readings {
            self.inside.circle(*at, 3.0, *color, Stroke::new(size::STROKE, self.theme.bg1));
        }
        if !self.own_cursor || self.readings.is_empty() {
            return;
        }
        let theme = self.theme;
        let painter = self
            .ui
            .ctx()
            .layer_painter(eframe::egui::LayerId::new(eframe::egui::Order::Tooltip, Id::unique("plot cursor")));
        let mut lines = vec![(painter.layout_no_wrap(self.heading.clone(), self.small(), theme.t3), theme.t3)];
        for (_, _, text) in &self.readings {
            lines.push((painter.layout_no_wrap(text.clone(), self.small(), theme.t1), theme.t1));
        }
        for text in &self.notes {
            lines.push((painter.layout_no_wrap(text.clone(), self.small(), theme.t2), theme.t2));
        }
        let width = lines.iter().map(|(g, _)| g.size().x).fold(0.0, f32::max) + 16.0;
        let height = lines.iter().map(|(g, _)| g.size().y + 2.0).sum::<f32>() + 10.0;
        let left = if x + 10.0 + width < self.outer.right() { x + 10.0 } else { x - 10.0 - width };
        let frame = Rect::from_min_size(pos2(left, self.inner.top() + 6.0), vec2(width, height));
        let corner = CornerRadius::same(size::RADIUS_BUTTON);
        painter.rect(frame, corner, theme.bg2, Stroke::new(size::STROKE, theme.line2), StrokeKind::Inside);
        let mut y = frame.top() + 6.0;
        for (galley, ink) in lines {
            let step = galley.size().y + 2.0;
            painter.galley(pos2(frame.left() + 8.0, y), galley, ink);
            y += step;
        }
    }
}

/// Moves positions apart until neighbours are at least `gap` from each other, within `top..=bottom` while
/// they fit; their order stays.
pub fn push_apart(ys: &mut [f32], gap: f32, top: f32, bottom: f32) {
    let mut order: Vec<usize> = (0..ys.len()).collect();
    order.sort_by(|&a, &b| ys[a].total_cmp(&ys[b]));
    let mut floor = top;
    for &i in &order {
        ys[i] = ys[i].max(floor);
        floor = ys[i] + gap;
    }
    let mut ceiling = bottom;
    for &i in order.iter().rev() {
        ys[i] = ys[i].min(ceiling);
        ceiling = ys[i] - gap;
    }
}

#[cfg(test)]
mod tests {
    use super::push_apart;

    #[test]
    fn labels_keep_their_order_and_distance() {
        let mut ys = [50.0, 52.0, 51.0, 99.0];
        push_apart(&mut ys, 11.0, 0.0, 100.0);
        assert_eq!(ys, [50.0, 72.0, 61.0, 99.0]);
        let mut ys = [98.0, 99.0, 100.0];
        push_apart(&mut ys, 11.0, 0.0, 100.0);
        assert_eq!(ys, [78.0, 89.0, 100.0]);
    }
}
