//! Any figure of the trials against any other.

use eframe::egui::{Align2, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::{RESULTS, figure, is_truth, keys, label, setting};
use crate::gui::plot::ticks;
use crate::gui::theme::{Theme, Type, size};
use crate::gui::widgets::combo;
use crate::run::TrialRow;

/// A figure on an axis: numbers as they are, words by their place among all there are.
pub struct ScatterScale<'a> {
    key: &'a str,
    words: Vec<&'a str>,
    /// The least and the largest value.
    pub range: [f64; 2],
}

impl<'a> ScatterScale<'a> {
    /// The axis of a key over those trials.
    pub fn of(key: &'a str, rows: &[&'a TrialRow]) -> Self {
        let numeric = rows.iter().all(|row| figure(row, key).is_some() || setting(row, key).is_none());
        let mut words: Vec<&str> = Vec::new();
        if !numeric {
            for word in rows.iter().filter_map(|row| setting(row, key)) {
                if !words.contains(&word) {
                    words.push(word);
                }
            }
        }
        let mut scale = Self { key, words, range: [0.0, 1.0] };
        let values: Vec<f64> = rows.iter().filter_map(|row| scale.value(row)).collect();
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        scale.range = match high - low {
            span if span > 0.0 => [low - 0.04 * span, high + 0.04 * span],
            0.0 => [low - 0.5, high + 0.5],
            _ => [0.0, 1.0],
        };
        scale
    }

    /// Where a trial stands on it.
    pub fn value(&self, row: &TrialRow) -> Option<f64> {
        if self.words.is_empty() {
            return figure(row, self.key).filter(|x| x.is_finite());
        }
        let own = setting(row, self.key)?;
        self.words.iter().position(|word| *word == own).map(|at| at as f64)
    }

    /// Its marks with their words.
    pub fn marks(&self, count: usize) -> Vec<(f64, String)> {
        if !self.words.is_empty() {
            return self.words.iter().enumerate().map(|(at, word)| (at as f64, (*word).to_owned())).collect();
        }
        let values = ticks::linear(self.range[0], self.range[1], count);
        let step = values.windows(2).map(|w| w[1] - w[0]).fold(f64::INFINITY, f64::min);
        values.into_iter().map(|value| (value, ticks::axis(value, step))).collect()
    }
}

/// Shows it; the answer is a trial that was clicked.
pub fn ui<'a>(ui: &mut Ui, rows: &[&'a TrialRow], across: &mut [String; 2], truth: bool) -> Option<&'a TrialRow> {
    let all: Vec<&str> = keys(rows.iter().copied())
        .into_iter()
        .chain(RESULTS.iter().map(|(name, _)| *name).filter(|name| truth || !is_truth(name)))
        .collect();
    for (axis, first) in across.iter_mut().zip([all.first(), all.last()]) {
        if !all.contains(&axis.as_str()) {
            first.copied().unwrap_or_default().clone_into(axis);
        }
    }
    ui.horizontal(|ui| {
        for (axis, words) in across.iter_mut().zip(["across", "up"]) {
            ui.label(Type::Small.text(words, Theme::of(ui.ctx()).t3));
            combo::dressed(words, axis, 110.0).show_ui(ui, |ui| {
                for key in &all {
                    ui.selectable_value(axis, (*key).to_owned(), *key);
                }
            });
        }
    });
    let [x, y] = [0, 1].map(|i| ScatterScale::of(&across[i], rows));
    plot(ui, rows, &x, &y, [across[0].as_str(), across[1].as_str()])
}

fn plot<'a>(
    ui: &mut Ui,
    rows: &[&'a TrialRow],
    x: &ScatterScale<'_>,
    y: &ScatterScale<'_>,
    names: [&str; 2],
) -> Option<&'a TrialRow> {
    let theme = Theme::of(ui.ctx());
    let (outer, response) = ui.allocate_exact_size(ui.available_size(), Sense::click());
    let points: Vec<(&TrialRow, f64, f64)> =
        rows.iter().filter_map(|row| Some((*row, x.value(row)?, y.value(row)?))).collect();
    let said = format!("{} against {}: {}", names[1], names[0], ticks::counted(points.len(), "trial", "trials"));
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, said.as_str()));
    let inner = Rect::from_min_max(outer.min + vec2(44.0, 8.0), outer.max - vec2(14.0, 34.0));
    if inner.width() < 30.0 || inner.height() < 30.0 {
        return None;
    }
    let painter = ui.painter_at(outer);
    let small = Type::Small.font(ui);
    let place =
        |scale: &ScatterScale<'_>, value: f64| ((value - scale.range[0]) / (scale.range[1] - scale.range[0])) as f32;
    let at = |vx: f64, vy: f64| {
        pos2(inner.left() + place(x, vx) * inner.width(), inner.bottom() - place(y, vy) * inner.height())
    };
    for (value, words) in y.marks((inner.height() / 34.0).clamp(2.0, 6.0) as usize) {
        let at = at(x.range[0], value);
        painter.hline(inner.x_range(), at.y, Stroke::new(size::STROKE, theme.line));
        painter.text(at - vec2(6.0, 0.0), Align2::RIGHT_CENTER, words, small.clone(), theme.t3);
    }
    for (value, words) in x.marks((inner.width() / 70.0).clamp(2.0, 8.0) as usize) {
        let at = at(value, y.range[0]);
        painter.vline(at.x, inner.bottom()..=inner.bottom() + 3.0, Stroke::new(size::STROKE, theme.line2));
        painter.text(at + vec2(0.0, 4.0), Align2::CENTER_TOP, words, small.clone(), theme.t3);
    }
    painter.text(pos2(inner.center().x, outer.bottom()), Align2::CENTER_BOTTOM, names[0], small.clone(), theme.t3);
    let pointer = response.hover_pos();
    let near = pointer.and_then(|p| {
        let far = |point: &(&TrialRow, f64, f64)| at(point.1, point.2).distance(p);
        let found = points.iter().min_by(|a, b| far(a).total_cmp(&far(b)))?;
        (far(found) < 12.0).then_some(*found)
    });
    for (row, vx, vy) in &points {
        let color = if row.state == "done" { theme.series(0) } else { theme.t4 };
        painter.circle_filled(at(*vx, *vy), 3.5, color.gamma_multiply(0.85));
    }
    let (row, vx, vy) = near?;
    painter.circle(at(vx, vy), 5.5, theme.accent, Stroke::new(size::STROKE_CURVE, theme.bg1));
    let words = format!("{}\n{} {}", label(row), names[1], ticks::number(vy, 2));
    let clicked = response.clicked();
    response.on_hover_text_at_pointer(words);
    clicked.then_some(row)
}
