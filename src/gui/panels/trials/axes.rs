//! Parallel axes: a line a trial through all its parameters and results. A drag on an axis keeps the trials in that
//! range; a click on it lets all through again.

use std::collections::BTreeMap;

use eframe::egui::{Align2, Color32, CursorIcon, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::scatter::ScatterScale;
use super::{figure, is_truth, keys, setting};
use crate::gui::plot::ticks;
use crate::gui::theme::{Theme, Type, size};
use crate::run::TrialRow;

/// A range that was brushed on an axis.
#[derive(Clone, Debug, PartialEq)]
struct Brush {
    range: [f64; 2],
    /// Of an axis of words, those within it.
    words: Option<Vec<String>>,
}

/// The brushed ranges, by key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Brushes {
    on: BTreeMap<String, Brush>,
    /// Where the drag on an axis began.
    from: Option<(String, f64)>,
}

impl Brushes {
    /// Whether a trial is within all of them.
    pub fn hold(&self, row: &TrialRow) -> bool {
        self.on.iter().all(|(key, brush)| match &brush.words {
            Some(words) => setting(row, key).is_some_and(|own| words.iter().any(|word| word == own)),
            None => figure(row, key).is_some_and(|x| (brush.range[0]..=brush.range[1]).contains(&x)),
        })
    }
}

/// Shows them: `all` trials faintly, those `kept` clearly.
pub fn ui(ui: &mut Ui, height: f32, all: &[TrialRow], kept: &[&TrialRow], brushes: &mut Brushes, truth: bool) {
    let theme = Theme::of(ui.ctx());
    let (outer, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let rows: Vec<&TrialRow> = all.iter().collect();
    let results = ["silhouette", "rank-1", "mAP"].into_iter().filter(|name| truth || !is_truth(name));
    let names: Vec<&str> = keys(all).into_iter().chain(results).collect();
    let said = format!(
        "Parallel axes of {}, {} of {}",
        names.join(", "),
        ticks::count(kept.len()),
        ticks::counted(all.len(), "trial", "trials")
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, said.as_str()));
    let inner = Rect::from_min_max(outer.min + vec2(40.0, 22.0), outer.max - vec2(48.0, 10.0));
    if inner.width() < 60.0 || inner.height() < 40.0 || names.len() < 2 {
        return;
    }
    let scales: Vec<ScatterScale<'_>> = names.iter().map(|name| ScatterScale::of(name, &rows)).collect();
    let x = |at: usize| inner.left() + inner.width() * at as f32 / (names.len() - 1) as f32;
    let y = |scale: &ScatterScale<'_>, value: f64| {
        let share = (value - scale.range[0]) / (scale.range[1] - scale.range[0]);
        inner.bottom() - share as f32 * inner.height()
    };
    let painter = ui.painter_at(outer);
    let judge = scales.iter().zip(&names).find(|(_, name)| **name == if truth { "mAP" } else { "silhouette" });
    let line = |row: &TrialRow, color: Color32, width: f32| {
        let points = scales.iter().enumerate().filter_map(|(at, s)| Some(pos2(x(at), y(s, s.value(row)?))));
        painter.add(Shape::line(points.collect(), Stroke::new(width, color)));
    };
    let is_kept = |row: &TrialRow| kept.iter().any(|k| k.trial == row.trial);
    for row in all.iter().filter(|row| !is_kept(row)) {
        line(row, theme.line, 1.0);
    }
    for row in kept {
        let share = judge.and_then(|(s, _)| Some(((s.value(row)? - s.range[0]) / (s.range[1] - s.range[0])) as f32));
        // What found more is drawn in the stronger colour.
        let color = share.map_or(theme.t4, |share| theme.t4.lerp_to_gamma(theme.accent, share));
        line(row, color, size::STROKE_CURVE);
    }
    let small = Type::Small.font(ui);
    for (at, (scale, name)) in scales.iter().zip(&names).enumerate() {
        let left = x(at);
        painter.vline(left, inner.y_range(), Stroke::new(size::STROKE, theme.line2));
        let room = inner.width() / (names.len() - 1) as f32 - 8.0;
        let galley = Type::Small.cut(ui, *name, theme.t2, room.max(30.0));
        let head = Align2::CENTER_TOP.align_size_within_rect(
            galley.size(),
            Rect::from_center_size(pos2(left, outer.top() + 9.0), vec2(room, 16.0)),
        );
        painter.galley(head.min, galley, theme.t2);
        for (value, words) in scale.marks((inner.height() / 40.0).clamp(2.0, 5.0) as usize) {
            let place = pos2(left + 5.0, y(scale, value));
            let words: String = words.chars().take(14).collect();
            painter.text(place, Align2::LEFT_CENTER, words, small.clone(), theme.t3);
        }
        brush(ui, Rect::from_x_y_ranges(left - 9.0..=left + 9.0, inner.y_range()), name, scale, &rows, brushes);
    }
}

/// The range on one axis, and the hand on it.
fn brush(ui: &Ui, place: Rect, name: &str, scale: &ScatterScale<'_>, rows: &[&TrialRow], brushes: &mut Brushes) {
    let theme = Theme::of(ui.ctx());
    let response = ui.interact(place, ui.scope_id().with(("axis", name)), Sense::click_and_drag());
    let said = format!("Axis {name}");
    response.widget_info(|| WidgetInfo::labeled(Role::Slider, true, said.as_str()));
    let value = |at: f32| {
        let share = f64::from((place.bottom() - at) / place.height()).clamp(0.0, 1.0);
        scale.range[0] + share * (scale.range[1] - scale.range[0])
    };
    let hand = response.interact_pointer_pos().map(|at| value(at.y));
    if response.drag_started()
        && let Some(from) = ui.input(|i| i.pointer.press_origin()).map(|at| value(at.y))
    {
        brushes.from = Some((name.to_owned(), from));
    }
    if response.dragged()
        && let (Some((of, from)), Some(to)) = (&brushes.from, hand)
        && of == name
    {
        let range = [from.min(to), from.max(to)];
        let within = |row: &&&TrialRow| scale.value(row).is_some_and(|x| (range[0]..=range[1]).contains(&x));
        let words = rows.iter().filter(within).filter_map(|row| setting(row, name)).map(str::to_owned).collect();
        let of_words = rows.iter().any(|row| setting(row, name).is_some() && figure(row, name).is_none());
        brushes.on.insert(name.to_owned(), Brush { range, words: of_words.then_some(words) });
    }
    if response.clicked() {
        brushes.on.remove(name);
    }
    if let Some(brush) = brushes.on.get(name) {
        let y = |value: f64| {
            let share = (value - scale.range[0]) / (scale.range[1] - scale.range[0]);
            place.bottom() - share as f32 * place.height()
        };
        let bar = Rect::from_x_y_ranges(
            place.center().x - 5.0..=place.center().x + 5.0,
            y(brush.range[1])..=y(brush.range[0]),
        );
        ui.painter().rect_filled(bar, size::RADIUS_CHIP, theme.accent.gamma_multiply(0.35));
        ui.painter().rect_stroke(
            bar,
            size::RADIUS_CHIP,
            Stroke::new(size::STROKE, theme.accent),
            eframe::egui::StrokeKind::Inside,
        );
    }
    let tip = "Drag to keep the trials in a range; click to let all through again.";
    response.on_hover_cursor(CursorIcon::ResizeVertical).on_hover_text(tip);
}
