//! The small picture of each step: what is meant, not what the run holds.

use eframe::egui::{
    Align2, Color32, Painter, Pos2, Rect, Role, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use super::TourStep;
use crate::gui::theme::{Theme, Type, size};
use crate::gui::widgets::icon::{self, Weight};

/// Draws the picture of a step, `height` points high.
pub fn show(ui: &mut Ui, step: TourStep, height: f32) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, spoken(step)));
    let pen = Pen { ui, painter: ui.painter_at(rect), theme: Theme::of(ui.ctx()), rect: rect.shrink(6.0) };
    match step {
        TourStep::Loop => pen.around(),
        TourStep::Sees => pen.points(),
        TourStep::Jaccard => pen.neighbours(),
        TourStep::Radii => pen.radii(),
        TourStep::Threshold => pen.threshold(),
        TourStep::Memory => pen.memory(),
        TourStep::Attention => pen.attention(),
        TourStep::Retrieval => pen.retrieval(),
    }
}

fn spoken(step: TourStep) -> &'static str {
    match step {
        TourStep::Loop => "Picture: extract, cluster, keep, remember, train, in a ring",
        TourStep::Sees => "Picture: points in two islands, a circle of radius eps around one of them",
        TourStep::Jaccard => "Picture: two circles of neighbours that overlap",
        TourStep::Radii => "Picture: three circles, tight, normal and loose; a good cluster has the same points in all",
        TourStep::Threshold => "Picture: bars of scores, a line keeps those to its right",
        TourStep::Memory => "Picture: an old row and a new feature; the row turns most of the way",
        TourStep::Attention => "Picture: a photo with a weight at each row and each column",
        TourStep::Retrieval => "Picture: a query and its answers in a row, right ones marked",
    }
}

struct Pen<'a> {
    ui: &'a Ui,
    painter: Painter,
    theme: &'static Theme,
    rect: Rect,
}

/// A spread of points that is the same each time.
fn spread(n: usize) -> impl Iterator<Item = (f32, f32)> {
    // The golden angle fills a disc evenly.
    (0..n).map(move |i| {
        let (r, a) = (((i as f32 + 0.5) / n as f32).sqrt(), i as f32 * 2.399_963);
        (r * a.cos(), r * a.sin())
    })
}

impl Pen<'_> {
    fn at(&self, x: f32, y: f32) -> Pos2 {
        self.rect.min + vec2(x * self.rect.width(), y * self.rect.height())
    }

    fn word(&self, at: Pos2, anchor: Align2, words: &str, ink: Color32) {
        self.painter.text(at, anchor, words, Type::Small.font(self.ui), ink);
    }

    fn line(&self, points: [Pos2; 2], ink: Color32) {
        self.painter.line_segment(points, Stroke::new(size::STROKE_CURVE, ink));
    }

    fn arrow(&self, from: Pos2, to: Pos2, ink: Color32) {
        let stroke = Stroke::new(size::STROKE_HERO, ink);
        self.painter.line_segment([from, to], stroke);
        let back = 7.0 * (from - to).normalized();
        for side in [back + 0.6 * back.rot90(), back - 0.6 * back.rot90()] {
            self.painter.line_segment([to, to + side], stroke);
        }
    }

    fn around(&self) {
        let (center, radius) = (self.rect.center(), self.rect.height().min(self.rect.width()) / 2.0 - 16.0);
        let words = ["extract", "cluster", "keep", "remember", "train"];
        let at = |i: f32| {
            let a = std::f32::consts::TAU * (i / 5.0 - 0.25);
            center + radius * vec2(1.5 * a.cos(), a.sin())
        };
        for (i, word) in words.iter().enumerate() {
            let (from, to) = (at(i as f32 + 0.36), at(i as f32 + 0.64));
            self.arrow(from, to, self.theme.line2);
            self.word(at(i as f32), Align2::CENTER_CENTER, word, self.theme.t1);
        }
    }

    fn points(&self) {
        let r = self.rect.height() * 0.3;
        for (center, ink, n) in
            [(self.at(0.3, 0.5), self.theme.series(0), 16), (self.at(0.68, 0.5), self.theme.series(1), 13)]
        {
            for (x, y) in spread(n) {
                self.painter.circle_filled(center + r * vec2(x, y), 4.0, ink);
            }
        }
        for (x, y) in [(0.08, 0.15), (0.9, 0.12), (0.94, 0.85), (0.05, 0.85)] {
            icon::paint(&self.painter, self.at(x, y), icon::CROSS, Weight::Bold, 10.0, self.theme.outlier);
        }
        let (from, reach) = (self.at(0.3, 0.5) + vec2(r * 0.75, 0.0), self.rect.height() * 0.24);
        self.painter.circle_stroke(from, reach, Stroke::new(size::STROKE_CURVE, self.theme.accent));
        self.arrow(from, from + vec2(0.0, -reach), self.theme.accent);
        self.word(from + vec2(6.0, -reach * 0.6), Align2::LEFT_CENTER, "eps", self.theme.accent);
    }

    fn neighbours(&self) {
        let r = self.rect.height() * 0.42;
        let (a, b) = (self.at(0.5, 0.5) - vec2(r * 0.55, 0.0), self.at(0.5, 0.5) + vec2(r * 0.55, 0.0));
        for (center, ink) in [(a, self.theme.series(0)), (b, self.theme.series(1))] {
            self.painter.circle(center, r, ink.gamma_multiply(0.14), Stroke::new(size::STROKE_CURVE, ink));
        }
        for (x, y) in spread(26) {
            let at = self.at(0.5, 0.5) + vec2(1.45 * r * x, 0.85 * r * y);
            let (in_a, in_b) = ((at - a).length() < r, (at - b).length() < r);
            let ink = match (in_a, in_b) {
                (true, true) => self.theme.match_,
                (true, false) => self.theme.series(0),
                (false, true) => self.theme.series(1),
                (false, false) => continue,
            };
            self.painter.circle_filled(at, 4.0, ink);
        }
        self.word(a - vec2(r, -r * 0.95), Align2::LEFT_BOTTOM, "i", self.theme.t2);
        self.word(b + vec2(r, r * 0.95), Align2::RIGHT_BOTTOM, "j", self.theme.t2);
        self.word(self.rect.center_bottom(), Align2::CENTER_BOTTOM, "shared", self.theme.match_);
    }

    fn radii(&self) {
        let center = self.rect.center();
        let unit = (self.rect.height() / 2.0).min(self.rect.width() / 2.6) / 1.05;
        let oval = |r: f32| (0..=48).map(move |i| center + r * unit * vec2(1.25 * turn(i).0, turn(i).1)).collect();
        let (tight, normal, loose) = (0.55, 0.8, 1.0);
        let points: Vec<Pos2> = oval(tight);
        self.painter.add(Shape::convex_polygon(
            points,
            self.theme.reliable.gamma_multiply(0.16),
            Stroke::new(size::STROKE_CURVE, self.theme.reliable),
        ));
        self.painter.add(Shape::line(oval(normal), Stroke::new(size::STROKE_CURVE, self.theme.t2)));
        let dashed = Stroke::new(size::STROKE_CURVE, self.theme.unreliable);
        self.painter.extend(Shape::dashed_line(&oval(loose), dashed, 5.0, 4.0));
        for (x, y) in spread(12) {
            self.painter.circle_filled(center + 0.45 * unit * vec2(1.2 * x, y), 4.0, self.theme.reliable);
        }
        for (r, i, ink) in [
            (0.68, 4, self.theme.t2),
            (0.68, 21, self.theme.t2),
            (0.9, 11, self.theme.unreliable),
            (0.9, 40, self.theme.unreliable),
        ] {
            let at = center + r * unit * vec2(1.25 * turn(i).0, turn(i).1);
            self.painter.circle(at, 4.0, self.theme.bg1, Stroke::new(size::STROKE_CURVE, ink));
        }
        for (i, (word, ink)) in
            [("loose", self.theme.unreliable), ("normal", self.theme.t2), ("tight", self.theme.reliable)]
                .into_iter()
                .enumerate()
        {
            let line = Type::Small.font(self.ui).size + 5.0;
            self.word(self.rect.left_top() + vec2(0.0, i as f32 * line), Align2::LEFT_TOP, word, ink);
        }
    }

    fn threshold(&self) {
        let heights = [0.15, 0.08, 0.25, 0.12, 0.1, 0.3, 0.45, 0.55, 0.75, 1.0];
        let (left, right) = (self.rect.left() + 10.0, self.rect.right() - 10.0);
        let unit = (right - left) / heights.len() as f32;
        let base = self.rect.bottom() - 16.0;
        let line = left + 4.0 * unit;
        for (i, h) in heights.iter().enumerate() {
            let x = left + i as f32 * unit;
            let ink = if x < line { self.theme.unreliable } else { self.theme.reliable };
            let bar = Rect::from_min_max(
                pos2(x + 1.0, base - h * (base - self.rect.top() - 14.0)),
                pos2(x + unit - 1.0, base),
            );
            self.painter.rect_filled(bar, 1.0, ink.gamma_multiply(0.85));
        }
        self.line([pos2(line, self.rect.top()), pos2(line, base)], self.theme.t1);
        self.word(pos2(line - 6.0, self.rect.top()), Align2::RIGHT_TOP, "dropped", self.theme.unreliable);
        self.word(pos2(line + 6.0, self.rect.top()), Align2::LEFT_TOP, "kept", self.theme.reliable);
        self.word(pos2(right, self.rect.bottom()), Align2::RIGHT_BOTTOM, "score 1", self.theme.t3);
        self.word(pos2(left, self.rect.bottom()), Align2::LEFT_BOTTOM, "0", self.theme.t3);
    }

    fn memory(&self) {
        let from = self.at(0.25, 0.92);
        let length = self.rect.height() * 0.85;
        let to = |degrees: f32| from + length * vec2(1.3 * degrees.to_radians().sin(), -degrees.to_radians().cos());
        self.arrow(from, to(-8.0), self.theme.t3);
        self.arrow(from, to(62.0), self.theme.accent);
        self.arrow(from, to(48.0), self.theme.reliable);
        self.word(to(-8.0) + vec2(6.0, 2.0), Align2::LEFT_TOP, "old row", self.theme.t3);
        self.word(to(62.0) + vec2(4.0, 4.0), Align2::LEFT_TOP, "new feature", self.theme.accent);
        self.word(to(48.0) - vec2(0.0, 4.0), Align2::LEFT_BOTTOM, "row after, β = 0.2", self.theme.reliable);
    }

    fn attention(&self) {
        let height = self.rect.height() - 18.0;
        let photo = Rect::from_center_size(self.rect.center() - vec2(14.0, 6.0), vec2(height / 2.0, height));
        self.painter.rect_filled(photo, size::RADIUS_CHIP, self.theme.bg2);
        let center = photo.center();
        self.painter.circle_filled(center - vec2(0.0, height * 0.32), height * 0.08, self.theme.t3);
        let body = Rect::from_center_size(center - vec2(0.0, height * 0.04), vec2(height * 0.2, height * 0.36));
        self.painter.rect_filled(body, 4.0, self.theme.t3);
        for side in [-1.0, 1.0] {
            let leg = Rect::from_center_size(
                center + vec2(side * height * 0.055, height * 0.3),
                vec2(height * 0.07, height * 0.3),
            );
            self.painter.rect_filled(leg, 2.0, self.theme.t4);
        }
        let rows = [0.1, 0.5, 0.9, 0.95, 0.7, 0.4, 0.3, 0.15];
        let step = photo.height() / rows.len() as f32;
        for (i, weight) in rows.iter().enumerate() {
            let at = pos2(photo.right() + 6.0, photo.top() + i as f32 * step + 1.0);
            self.painter.rect_filled(Rect::from_min_size(at, vec2(12.0, step - 2.0)), 1.0, Theme::inferno(*weight));
        }
        let columns = [0.2, 0.85, 0.9, 0.25];
        let step = photo.width() / columns.len() as f32;
        for (i, weight) in columns.iter().enumerate() {
            let at = pos2(photo.left() + i as f32 * step + 1.0, photo.bottom() + 6.0);
            self.painter.rect_filled(Rect::from_min_size(at, vec2(step - 2.0, 12.0)), 1.0, Theme::inferno(*weight));
        }
        self.word(
            pos2(photo.right() + 24.0, photo.center().y),
            Align2::LEFT_CENTER,
            "a weight each row",
            self.theme.t2,
        );
        self.word(pos2(photo.left() - 6.0, photo.bottom() + 12.0), Align2::RIGHT_CENTER, "each column", self.theme.t2);
    }

    fn retrieval(&self) {
        let cells = 6;
        let width = (self.rect.width() / (cells as f32 + 0.4)).min(self.rect.height() * 0.4);
        let height = (2.0 * width).min(self.rect.height() - 8.0);
        let left = self.rect.center().x - width * (cells as f32 + 0.4) / 2.0;
        for i in 0..cells {
            let gap = if i == 0 { 0.0 } else { 0.4 * width };
            let min = pos2(left + i as f32 * width + gap, self.rect.center().y - height / 2.0);
            let cell = Rect::from_min_size(min, vec2(width - 5.0, height));
            self.painter.rect_filled(cell, size::RADIUS_CHIP, self.theme.bg2);
            let (glyph, ink) = match i {
                0 => (icon::SEARCH, self.theme.accent),
                1 | 2 | 5 => (icon::CHECK, self.theme.match_),
                _ => (icon::CROSS, self.theme.mismatch),
            };
            self.painter.rect_stroke(cell, size::RADIUS_CHIP, Stroke::new(size::STROKE_HERO, ink), StrokeKind::Inside);
            icon::paint(&self.painter, cell.center(), glyph, Weight::Bold, 14.0, ink);
        }
    }
}

fn turn(i: usize) -> (f32, f32) {
    let a = std::f32::consts::TAU * i as f32 / 48.0;
    (a.cos(), a.sin())
}
