//! Curves: `egui_plot` for the axes under the hand (zoom, pan, links), the design's own lines, numbers and labels.
//!
//! A panel says what the axes are and paints on the [`Canvas`] it gets back; names and last values stand in the
//! right margin, at the ends of their curves.

mod canvas;
pub mod colours;
pub mod epochs;
pub mod eps;
mod frame;
pub mod heat;
pub mod image_row;
pub mod overlay;

use std::cell::Cell;
use std::ops::RangeInclusive;

use eframe::egui::{Id, Rect, Sense, Ui, UiBuilder, Vec2b, WidgetInfo, pos2, vec2};
use egui_plot::{Plot, PlotMemory};

pub use crate::export::ticks;
pub use canvas::{Canvas, EndLabel, push_apart};
pub use frame::Fixed;

use super::theme::{Theme, Type, size};

/// Room for the numbers on the left.
const LEFT: f32 = 34.0;
/// Room for names and last values on the right; a little more than the design's margin, for `rank-10`.
const RIGHT: f32 = size::PLOT_MARGIN + 14.0;
/// Room for the numbers below.
const BELOW: f32 = 18.0;

/// The axes of a plot.
pub struct Axes<'a> {
    /// Where zoom and pan are remembered.
    pub id: Id,
    /// What a screen reader says, and tests look for.
    pub name: &'a str,
    /// The whole range of x.
    pub x: [f64; 2],
    /// Plots of one group share x and the cursor.
    pub link: Option<PlotLink<'a>>,
    /// Whether y is logarithmic.
    pub log_y: bool,
    /// Under the x axis, in the middle.
    pub caption: &'a str,
    /// How a value of y is written.
    pub y_text: fn(f64, f64) -> String,
    /// Points above the plot, for words at event marks.
    pub above: f32,
}

/// What plots of one group share.
#[derive(Clone, Copy, Debug)]
pub struct PlotLink<'a> {
    /// The group.
    pub group: Id,
    /// The x under the pointer.
    pub cursor: &'a SharedCursor,
    /// The epoch looked at, from 0; `None` while the run is followed.
    pub epoch: Option<usize>,
}

/// The x under the pointer: whose plot has it, and of which group that is.
#[derive(Debug, Default)]
pub struct SharedCursor(Cell<Option<(Id, Id, f64)>>);

impl SharedCursor {
    /// Takes the pointer's x over plot `own` of a group, if it is there; gives the x to be shown in it.
    fn at(&self, group: Id, own: Id, pointer: Option<f64>) -> Option<f64> {
        let held = self.0.get().filter(|(of, ..)| *of == group);
        match pointer {
            Some(x) => self.0.set(Some((group, own, x))),
            None if held.is_some_and(|(_, owner, _)| owner == own) => self.0.set(None),
            None => {}
        }
        pointer.or(held.filter(|(_, owner, _)| *owner != own).map(|(.., x)| x))
    }
}

/// How much larger than drawn the type is (Teach); margins that hold words grow with it.
pub fn type_scale(ui: &Ui) -> f32 {
    Type::Small.font(ui).size / Type::Small.base().size
}

/// Shows a plot that fills `size`. `y_range` gives the range of y for the x that is seen.
pub fn show(
    ui: &mut Ui,
    size: eframe::egui::Vec2,
    axes: &Axes<'_>,
    y_range: impl FnOnce(RangeInclusive<f64>) -> [f64; 2],
    paint: impl FnOnce(&mut Canvas<'_>),
) -> Rect {
    let theme = Theme::of(ui.ctx());
    let (outer, _) = ui.allocate_exact_size(size, Sense::hover());
    let k = type_scale(ui);
    let below = k * if axes.caption.is_empty() { BELOW } else { BELOW + 14.0 };
    let inner = Rect::from_min_max(
        pos2(outer.left() + k * LEFT, outer.top() + k * axes.above.max(6.0)),
        pos2(outer.right() - k * RIGHT, outer.bottom() - below),
    );
    if inner.width() < 24.0 || inner.height() < 24.0 {
        return outer;
    }
    let seen = seen(ui, axes);
    let [low, high] = y_range(seen);
    let (low, high) = if axes.log_y { (low.max(1e-12).log10(), high.max(1e-12).log10()) } else { (low, high) };
    let mut child = ui.new_child(UiBuilder::new().id_salt(axes.id).max_rect(inner));
    let response = plot(axes, low, high).show(&mut child, |plot_ui| {
        let auto = plot_ui.auto_bounds();
        // y always follows what is seen; only x is the user's.
        plot_ui.set_auto_bounds(Vec2b::new(auto.x, true));
    });
    response.response.widget_info(|| WidgetInfo::labeled(eframe::egui::Role::Image, true, axes.name));
    let pointer = response.response.hover_pos().map(|p| response.transform.value_from_position(p).x);
    let mut canvas = Canvas::new(ui, theme, outer, inner, response.transform, axes);
    canvas.share_cursor(axes.link, axes.id, pointer);
    canvas.axes(axes);
    if let Some(link) = axes.link {
        canvas.epoch = link.epoch.map(|e| e as f64);
        canvas.playhead();
    }
    paint(&mut canvas);
    canvas.finish();
    outer
}

fn plot<'a>(axes: &Axes<'_>, low: f64, high: f64) -> Plot<'a> {
    let mut plot = Plot::new(axes.id)
        .id(axes.id)
        .show_background(false)
        .show_axes(false)
        .show_grid(false)
        .show_crosshair(false)
        .show_x(false)
        .show_y(false)
        .set_margin_fraction(vec2(0.0, 0.0))
        .allow_zoom([true, false])
        .allow_drag([true, false])
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(true)
        .include_x(axes.x[0])
        .include_x(axes.x[1])
        .include_y(low)
        .include_y(high);
    if let Some(group) = axes.link {
        plot = plot.link_axis(group.group, [true, false]);
    }
    plot
}

/// The x that the user has zoomed to, else all.
fn seen(ui: &Ui, axes: &Axes<'_>) -> RangeInclusive<f64> {
    match PlotMemory::load(ui.ctx(), axes.id) {
        Some(memory) if !memory.auto_bounds.x => memory.bounds().range_x(),
        _ => axes.x[0]..=axes.x[1],
    }
}
