//! The line of eps in plots whose height is a distance: where it stands, and the handle that tries another.

use eframe::egui::{self, Align2, Color32, CursorIcon, Rect, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::{Fixed, ticks};
use crate::gui::panels::PanelCtx;
use crate::gui::theme::{self, Theme, Type, size};
use crate::gui::what_if::Try;
use crate::gui::widgets::button::focus_ring;
use crate::method::params::Value;

/// The line of eps with its band from eps − Δd to eps + Δd; where another eps is tried, the run's beside it.
pub fn line(ui: &Ui, cx: &PanelCtx<'_>, plot: &Fixed<'_>, [tight, eps, loose]: [f64; 3]) {
    let theme = Theme::of(ui.ctx());
    let painter = ui.painter();
    let inner = plot.inner;
    let run = cx.what_if.base().map_or(eps, |b| b.params.eps);
    let changed = (run - eps).abs() > 1e-9;
    let ink = if changed { theme.what_if } else { theme.t1 };
    let across = |y: f64| [pos2(inner.left(), plot.y_of(y)), pos2(inner.right(), plot.y_of(y))];
    let band = Rect::from_x_y_ranges(inner.x_range(), plot.y_of(loose.min(1.0))..=plot.y_of(tight.max(0.0)));
    painter.rect_filled(band, 0.0, ink.gamma_multiply(0.12));
    painter.line_segment(across(eps), Stroke::new(size::STROKE_CURVE, ink));
    let small = Type::Small.font(ui);
    let label = |at: f64, words: String, ink: Color32| {
        let galley = painter.layout_no_wrap(words, small.clone(), ink);
        let at = pos2(inner.left() + 4.0, plot.y_of(at) - galley.size().y - 1.0);
        painter.rect_filled(Rect::from_min_size(at, galley.size()).expand2(vec2(3.0, 0.0)), 2.0, theme.bg1);
        painter.galley(at, galley, ink);
    };
    if changed {
        painter.extend(Shape::dashed_line(&across(run), Stroke::new(size::STROKE, theme.t1), 4.0, 3.0));
        if (run - eps).abs() > 0.05 {
            label(run, format!("run {}", ticks::number(run, 2)), theme.t1);
        }
    }
    let word = if changed { "what-if" } else { "eps" };
    label(loose.min(0.98), format!("{word} {} ± Δd", ticks::number(eps, 2)), ink);
}

/// The handle at the right end; drag, arrow keys, or a screen reader's "set value".
pub fn handle(ui: &mut Ui, cx: &PanelCtx<'_>, plot: &Fixed<'_>, name: &str) {
    let theme = Theme::of(ui.ctx());
    let eps = cx.what_if.draft().eps;
    let y = plot.y_of(eps);
    let grab = Rect::from_min_max(pos2(plot.inner.left(), y - 8.0), pos2(plot.inner.right() + 18.0, y + 8.0));
    let response = ui.interact(grab, ui.scope_id().with(name), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::slider(true, eps, name));
    let grip = Rect::from_center_size(pos2(plot.inner.right() + 10.0, y), vec2(14.0, 18.0));
    let run = cx.what_if.base().map_or(eps, |b| b.params.eps);
    let ink = if (run - eps).abs() > 1e-9 { theme.what_if } else { theme.t1 };
    if response.dragged() || response.hovered() {
        ui.painter().rect_filled(grip.expand(3.0), size::RADIUS_BUTTON, ink.gamma_multiply(0.25));
    }
    ui.painter().rect_filled(grip, size::RADIUS_INPUT, ink);
    let font = egui::FontId::new(Type::Small.font(ui).size, theme::semibold());
    ui.painter().text(grip.center(), Align2::CENTER_CENTER, "≡", font, theme.bg1);
    focus_ring(ui, &response, grip, size::RADIUS_INPUT);
    let mut to = None;
    if let Some(pointer) = response.interact_pointer_pos().filter(|_| response.dragged()) {
        to = Some(plot.y_at(pointer.y));
    } else if response.has_focus() {
        let filter = egui::EventFilter { vertical_arrows: true, ..Default::default() };
        ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
        let steps = ui.input(|i| i.num_presses(egui::Key::ArrowUp) as f64 - i.num_presses(egui::Key::ArrowDown) as f64);
        if steps != 0.0 {
            to = Some(eps + steps / 100.0);
        }
    }
    if let Some(to) = to {
        let value = (to.clamp(0.05, 0.95) * 100.0).round() / 100.0;
        cx.attempt(Try::Value("eps", Value::Float(value)));
    }
    if response.drag_stopped() {
        cx.attempt(Try::LetGo);
    }
    let tip = "Drag to try another eps: every panel about clusters follows. Nothing is trained. Keys: ↑ and ↓.";
    response.on_hover_cursor(CursorIcon::ResizeVertical).on_hover_text(tip);
}
