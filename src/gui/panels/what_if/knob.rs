//! One parameter that is tried: name, run's value, what is tried, slider.

use eframe::egui::{self, Align2, Layout, Rect, Sense, Ui, UiBuilder, pos2, vec2};

use crate::gui::panels::PanelCtx;
use crate::gui::plot::type_scale;
use crate::gui::theme::{Theme, Type, size};
use crate::gui::what_if::{Try, WhatIf};
use crate::gui::widgets::slider::Slider;
use crate::gui::words::share;
use crate::method::params::table::{ParamKind, row};
use crate::method::params::{ParamRow, Value};
use crate::run::graph::REACH;

/// What it is, in two words.
fn gloss(key: &str) -> &'static str {
    match key {
        "eps" => "clustering radius",
        "delta_d" => "radius step",
        "k1" => "neighbours",
        "k2" => "query expansion",
        "min_samples" => "core density",
        _ => "least score kept",
    }
}

/// The one value that a rule may bring close to 0.
const THRESHOLD: &str = "reliability.threshold";

/// A value as the row writes it.
pub fn written(key: &str, value: &Value) -> String {
    match (row(key).map(|r| r.kind), value) {
        (_, Value::Float(x)) if key == THRESHOLD => share(*x),
        (Ok(ParamKind::Float { decimals, .. }), Value::Float(x)) => format!("{x:.decimals$}"),
        _ => value.to_string(),
    }
}

/// Ends and step of the slider; the number box takes the full bounds.
fn range(key: &str, row: &ParamRow, what_if: &WhatIf, now: f64) -> (f64, f64, f64) {
    let (min, max, step) = match row.kind {
        ParamKind::Float { min, max, decimals } => (min, max, 10f64.powi(-(decimals as i32))),
        ParamKind::Int { min, max } => (min as f64, max as f64, 1.0),
        _ => (0.0, 1.0, 0.01),
    };
    let soft = match key {
        // As far as a stored graph reaches.
        "eps" => f64::from(REACH) - what_if.draft().delta_d,
        "delta_d" => 0.1,
        "k1" => 60.0,
        "k2" => 20.0,
        "min_samples" => 16.0,
        _ => max,
    };
    (min, soft.max(now).min(max), step)
}

/// Shows one parameter.
pub fn show(ui: &mut Ui, cx: &PanelCtx<'_>, key: &'static str) {
    let what_if = cx.what_if;
    let Ok(row) = row(key) else { return };
    let Some(run) = what_if.base().and_then(|b| b.params.get(key).ok()) else { return };
    let Ok(value) = what_if.draft().get(key) else { return };
    let (Some(run_at), Some(mut at)) = (run.as_f64(), value.as_f64()) else { return };
    if let (true, Some(alpha)) = (key == THRESHOLD, what_if.threshold()) {
        at = alpha;
    }
    let theme = Theme::of(ui.ctx());
    let k = type_scale(ui);
    // What the rule moves by itself is shown as moved, too.
    let by_rule = what_if.moved_by_rule().filter(|_| key == THRESHOLD);
    let changed = by_rule.is_some() || what_if.changes().iter().any(|(changed, _)| *changed == key);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), k * 44.0), Sense::hover());
    if ui.rect_contains_pointer(rect) {
        ui.painter().rect_filled(rect.expand2(vec2(6.0, 0.0)), size::RADIUS_BUTTON, theme.bg2);
    }
    let y = rect.top() + k * 13.0;
    let painter = ui.painter_at(rect.expand(2.0));
    let name = painter.text(pos2(rect.left(), y), Align2::LEFT_CENTER, row.label, Type::Body.font(ui), theme.t1);
    let small = Type::Small.font(ui);
    let box_at = Rect::from_min_max(pos2(rect.right() - k * 52.0, y - k * 10.0), pos2(rect.right(), y + k * 10.0));
    if changed {
        let words = format!("{} →", written(key, &run));
        painter.text(pos2(box_at.left() - 6.0, y), Align2::RIGHT_CENTER, words, small.clone(), theme.t3);
    }
    let room = box_at.left() - if changed { 44.0 * k } else { 0.0 } - name.right() - 12.0;
    let words = by_rule.as_deref().unwrap_or(gloss(key));
    let gloss = painter.layout_no_wrap(words.to_owned(), small, theme.t3);
    let gloss_ink = if by_rule.is_some() { theme.what_if } else { theme.t3 };
    if gloss.size().x <= room {
        painter.galley_with_override_text_color(pos2(name.right() + 8.0, y - gloss.size().y / 2.0), gloss, gloss_ink);
    }
    if let Some(words) = &by_rule {
        let said = format!(
            "The rule moves the threshold, {} → {}: {words}",
            written(key, &run),
            written(key, &Value::Float(at))
        );
        let response = ui.interact(name.expand(4.0), ui.scope_id().with("moved by the rule"), Sense::hover());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, said.as_str()));
        response.on_hover_text(&said);
    }
    let before = at;
    let (min, max, step) = range(key, row, what_if, at);
    let typed = number(ui, row, &mut at, box_at, changed);
    let rail = Rect::from_min_max(pos2(rect.left() - 2.0, rect.top() + k * 23.0), pos2(rect.right(), rect.bottom()));
    let label = format!("Try {}", row.label);
    let slider = Slider {
        name: &label,
        min,
        max,
        step,
        logarithmic: false,
        tick: row.paper().as_f64(),
        ghost: changed.then_some(run_at),
        color: if changed { theme.what_if } else { theme.t3 },
        width: rail.width(),
    };
    let mut child = ui.new_child(UiBuilder::new().max_rect(rail).layout(Layout::left_to_right(egui::Align::Center)));
    let slid = slider.show(&mut child, &mut at);
    #[allow(clippy::float_cmp)] // exact: did anything write to it
    if at != before {
        let value =
            if matches!(row.kind, ParamKind::Int { .. }) { Value::Int(at.round() as i64) } else { Value::Float(at) };
        cx.attempt(Try::Value(key, value));
    }
    if slid.drag_stopped() || (slid.changed() && !slid.dragged()) || typed {
        cx.attempt(Try::LetGo);
    }
    if slid.dragged() {
        return; // nothing lies over what the hand is about to change
    }
    slid.on_hover_text(format!("{} The tick is the paper's value, the ring the run's. Nothing is trained.", row.help));
}

/// The number box; whether a value was typed or dragged to its end.
fn number(ui: &mut Ui, row: &ParamRow, at: &mut f64, place: Rect, changed: bool) -> bool {
    let theme = Theme::of(ui.ctx());
    let (min, max, decimals, speed) = match row.kind {
        ParamKind::Float { min, max, decimals } => (min, max, decimals, 10f64.powi(-(decimals as i32)) / 2.0),
        ParamKind::Int { min, max } => (min as f64, max as f64, 0, 0.1),
        _ => return false,
    };
    let mut child = ui.new_child(
        UiBuilder::new().max_rect(place).layout(Layout::centered_and_justified(egui::Direction::LeftToRight)),
    );
    child.spacing_mut().interact_size = place.size();
    let visuals = &mut child.visuals_mut().widgets;
    let ink = if changed { theme.what_if } else { theme.t1 };
    for state in [&mut visuals.inactive, &mut visuals.hovered, &mut visuals.active] {
        state.fg_stroke.color = ink;
        if changed {
            state.bg_stroke = egui::Stroke::new(size::STROKE, theme.what_if);
        }
    }
    let mut value =
        egui::DragValue::new(at).range(min..=max).fixed_decimals(decimals).speed(speed).update_while_editing(false);
    if row.key == THRESHOLD {
        value = value.custom_formatter(|x, _| share(x));
    }
    let response = child.add(value).accessible_name(format!("Try {}, number", row.label));
    response.drag_stopped() || (response.changed() && !response.dragged())
}
