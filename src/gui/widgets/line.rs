//! A line of a list that can be clicked: a ground under the pointer or where it is chosen, a ring with the keyboard.

use eframe::egui::{Rect, Response, Role, Sense, Ui, WidgetInfo, vec2};

use super::button::focus_ring;
use crate::gui::theme::{Theme, size};

/// A line as wide as there is room and so high; `said` is what a screen reader calls it.
pub fn line(ui: &mut Ui, height: f32, role: Role, on: bool, said: &str) -> (Rect, Response) {
    let theme = Theme::of(ui.ctx());
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
    response.widget_info(|| WidgetInfo::selected(role, true, on, said));
    if on || response.hovered() {
        ui.painter().rect_filled(rect, size::RADIUS_INPUT, theme.bg2);
    }
    focus_ring(ui, &response, rect.shrink(2.0), size::RADIUS_INPUT);
    (rect, response)
}
