//! A tick box and a star that stand in rows.

use eframe::egui::{Color32, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo};
use std::fmt::Debug;
use std::hash::Hash;

use super::button::focus_ring;
use super::icon::{self, Weight};
use crate::gui::theme::{Theme, size};

/// A tick box in its place, filled with `color` when it is on; `name` is what a screen reader says.
pub fn tick(ui: &Ui, rect: Rect, salt: impl Hash + Debug, name: &str, on: bool, color: Color32) -> Response {
    let theme = Theme::of(ui.ctx());
    let response = ui.interact(rect.expand(3.0), ui.scope_id().with(("tick", salt)), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, on, name));
    if on {
        ui.painter().rect_filled(rect, size::RADIUS_CHIP, color);
        icon::paint(ui.painter(), rect.center(), icon::CHECK, Weight::Bold, size::ICON_MARK, theme.corner_ink);
    } else {
        let ink = if response.hovered() { theme.t2 } else { theme.line2 };
        ui.painter().rect_stroke(rect, size::RADIUS_CHIP, Stroke::new(size::STROKE, ink), StrokeKind::Inside);
    }
    focus_ring(ui, &response, rect, size::RADIUS_CHIP);
    response
}

/// A star in its place.
pub fn star(ui: &Ui, rect: Rect, salt: impl Hash + Debug, name: &str, on: bool) -> Response {
    let theme = Theme::of(ui.ctx());
    let response = ui.interact(rect, ui.scope_id().with(("star", salt)), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, on, name));
    let (weight, ink) = match (on, response.hovered()) {
        (true, _) => (Weight::Fill, theme.pending),
        (false, true) => (Weight::Regular, theme.t1),
        (false, false) => (Weight::Regular, theme.line2),
    };
    icon::paint(ui.painter(), rect.center(), icon::STAR, weight, size::ICON, ink);
    focus_ring(ui, &response, rect, size::RADIUS_CHIP);
    response
}
