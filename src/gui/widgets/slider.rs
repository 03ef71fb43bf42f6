//! The slider: rail, tick at the paper's value, ghost of the run's value, halo under the hand.

use eframe::egui::{
    self, Color32, EventFilter, Key, Rect, Response, Sense, Stroke, Ui, WidgetInfo, accesskit, lerp, pos2, remap_clamp,
    vec2,
};

use super::button::focus_ring;
use crate::gui::theme::{Theme, size};

/// Of the hand's way while Shift is held.
const FINE: f64 = 0.1;

/// What a slider shows and allows.
#[derive(Clone, Debug)]
pub struct Slider<'a> {
    /// Name for screen readers and tests.
    pub name: &'a str,
    /// Least value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Values are multiples of it from `min`; 0 is continuous.
    pub step: f64,
    /// Equal ratios are equally far apart.
    pub logarithmic: bool,
    /// A 1-point tick, at the paper's value.
    pub tick: Option<f64>,
    /// A ring, at the run's value while another is tried.
    pub ghost: Option<f64>,
    /// Colour of the filled part.
    pub color: Color32,
    /// Points wide.
    pub width: f32,
}

impl Slider<'_> {
    fn at(&self, value: f64, rail: Rect) -> f32 {
        let (min, max, value) =
            if self.logarithmic { (self.min.ln(), self.max.ln(), value.ln()) } else { (self.min, self.max, value) };
        if max <= min {
            return rail.left();
        }
        lerp(rail.x_range(), ((value - min) / (max - min)).clamp(0.0, 1.0) as f32)
    }

    fn value_at(&self, t: f64) -> f64 {
        let raw = if self.logarithmic {
            (self.min.ln() + t * (self.max.ln() - self.min.ln())).exp()
        } else {
            self.min + t * (self.max - self.min)
        };
        self.snap(raw)
    }

    fn snap(&self, raw: f64) -> f64 {
        let value = if self.logarithmic && raw > 0.0 && self.step <= 0.0 {
            let unit = 10f64.powf(raw.log10().floor() - 1.0);
            let digits = (1.0 - raw.log10().floor()).max(0.0) as i32;
            round_to((raw / unit).round() * unit, digits)
        } else if self.step > 0.0 {
            let digits = (-self.step.log10()).ceil().max(0.0) as i32;
            round_to(self.min + ((raw - self.min) / self.step).round() * self.step, digits)
        } else {
            raw
        };
        value.clamp(self.min, self.max)
    }

    /// Moves the value as the hand does; with Shift a tenth of its way, from where the handle was.
    fn follow(&self, ui: &Ui, response: &Response, rail: Rect, value: &mut f64) {
        let Some(pointer) = response.interact_pointer_pos().filter(|_| response.dragged() || response.clicked()) else {
            return;
        };
        let place = |x: f32| f64::from(remap_clamp(x, rail.x_range(), 0.0..=1.0));
        if !(response.dragged() && ui.input(|i| i.modifiers.shift)) {
            ui.data_mut(|d| d.remove_temp::<f64>(response.id));
            *value = self.value_at(place(pointer.x));
            return;
        }
        // Between two frames the hand may move less than a step: what is kept is not rounded.
        let kept = if response.drag_started() { None } else { ui.data(|d| d.get_temp::<f64>(response.id)) };
        let from = kept.unwrap_or_else(|| place(self.at(*value, rail)));
        let to = (from + FINE * f64::from(response.drag_delta().x / rail.width())).clamp(0.0, 1.0);
        ui.data_mut(|d| d.insert_temp(response.id, to));
        *value = self.value_at(to);
    }

    /// Shows it; the response is `changed` when the user moved it.
    pub fn show(&self, ui: &mut Ui, value: &mut f64) -> Response {
        let (rect, mut response) =
            ui.allocate_exact_size(vec2(self.width, ui.spacing().interact_size.y.min(22.0)), Sense::click_and_drag());
        let rail = rect.shrink2(vec2(6.0, 0.0));
        let before = *value;
        self.follow(ui, &response, rail, value);
        self.keys(ui, &response, value);
        #[allow(clippy::float_cmp)] // exact: did anything write to it
        if *value != before {
            response.mark_changed();
        }
        response.widget_info(|| WidgetInfo::slider(ui.is_enabled(), *value, self.name));
        ui.ctx().accesskit_node_builder(response.id, |node| {
            node.set_min_numeric_value(self.min);
            node.set_max_numeric_value(self.max);
            node.add_action(accesskit::Action::SetValue);
            node.add_action(accesskit::Action::Increment);
            node.add_action(accesskit::Action::Decrement);
        });
        if ui.is_rect_visible(rect) {
            self.paint(ui, &response, rail, *value);
        }
        response
    }

    fn keys(&self, ui: &Ui, response: &Response, value: &mut f64) {
        let focused = response.has_focus();
        if focused {
            let filter = EventFilter { horizontal_arrows: true, ..Default::default() };
            ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
        }
        let steps = ui.input(|input| {
            let mut steps = 0.0;
            if focused {
                steps += input.num_presses(Key::ArrowRight) as f64 - input.num_presses(Key::ArrowLeft) as f64;
            }
            let asked = |action| input.num_accesskit_action_requests(response.id, action) as f64;
            steps + asked(accesskit::Action::Increment) - asked(accesskit::Action::Decrement)
        });
        if steps != 0.0 {
            *value = if self.logarithmic {
                self.snap(*value * 1.1f64.powf(steps))
            } else {
                let step = if self.step > 0.0 { self.step } else { (self.max - self.min) / 100.0 };
                self.snap(*value + steps * step)
            };
        }
        ui.input(|input| {
            for request in input.accesskit_action_requests(response.id, accesskit::Action::SetValue) {
                if let Some(accesskit::ActionData::NumericValue(asked)) = request.data {
                    *value = self.snap(asked);
                }
            }
        });
    }

    fn paint(&self, ui: &Ui, response: &Response, rail: Rect, value: f64) {
        let theme = Theme::of(ui.ctx());
        let painter = ui.painter();
        let y = rail.center().y;
        let handle = pos2(self.at(value, rail), y);
        painter.hline(rail.x_range(), y, Stroke::new(2.0, theme.bg4));
        painter.hline(rail.left()..=handle.x, y, Stroke::new(2.0, self.color));
        if let Some(tick) = self.tick {
            let x = painter.round_to_pixel_center(self.at(tick, rail));
            painter.vline(x, y - 5.0..=y + 5.0, Stroke::new(size::STROKE, theme.t3));
        }
        if let Some(ghost) = self.ghost {
            let at = pos2(self.at(ghost, rail), y);
            painter.circle(at, 4.0, theme.bg1, Stroke::new(size::STROKE, theme.t3));
        }
        if response.hovered() || response.dragged() {
            painter.circle_filled(handle, 9.0, theme.accent.gamma_multiply(0.25));
        }
        let ink = if theme.dark { theme.t1 } else { theme.bg1 };
        let rim = if theme.dark { Stroke::NONE } else { Stroke::new(1.5, self.color) };
        painter.circle(handle, 5.0, ink, rim);
        focus_ring(ui, response, Rect::from_center_size(handle, vec2(12.0, 12.0)), 6);
    }
}

fn round_to(x: f64, digits: i32) -> f64 {
    let unit = 10f64.powi(digits);
    (x * unit).round() / unit
}

/// Colour of an untouched slider's filled part.
pub fn neutral(ctx: &egui::Context) -> Color32 {
    Theme::of(ctx).accent
}
