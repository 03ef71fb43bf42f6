//! Chips (one fact) and pills (the state of the run).

use eframe::egui::{Color32, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::icon::{self, Weight};
use crate::gui::theme::{Theme, Type, size};

/// A chip with an outline: something to heed (`truth`, `what_if`, `pending`).
pub fn outline(ui: &mut Ui, text: &str, color: Color32) -> Response {
    chip(ui, text, color, Color32::TRANSPARENT, Stroke::new(size::STROKE, color))
}

/// A chip with a plain fill: a neutral fact.
pub fn plain(ui: &mut Ui, text: &str) -> Response {
    let theme = Theme::of(ui.ctx());
    chip(ui, text, theme.t2, theme.bg2, Stroke::NONE)
}

/// The words of [`ground_truth`].
pub(super) const TRUTH: &str = "ground truth";
pub(super) const TRUTH_TIP: &str = "Uses the target's labels. Training never sees them; these numbers only judge it.";

/// The chip of everything that looks at target labels.
pub fn ground_truth(ui: &mut Ui) -> Response {
    let theme = Theme::of(ui.ctx());
    outline(ui, TRUTH, theme.truth).on_hover_text(TRUTH_TIP)
}

/// The room that a chip takes in a row.
pub(super) fn width(ui: &Ui, text: &str) -> f32 {
    let galley = ui.painter().layout_no_wrap(text.to_owned(), Type::Small.font(ui), Color32::PLACEHOLDER);
    galley.size().x + 12.0 + ui.spacing().item_spacing.x
}

fn chip(ui: &mut Ui, text: &str, ink: Color32, fill: Color32, stroke: Stroke) -> Response {
    let galley = ui.painter().layout_no_wrap(text.to_owned(), Type::Small.font(ui), ink);
    let height = size::CHIP.max(galley.size().y);
    let (rect, response) = ui.allocate_exact_size(vec2(galley.size().x + 12.0, height), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    ui.painter().rect(rect, size::RADIUS_CHIP, fill, stroke, StrokeKind::Inside);
    ui.painter().galley(rect.center() - galley.size() / 2.0, galley, ink);
    response
}

/// What stands before the words of a pill.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PillMark<'a> {
    /// A disc.
    Dot(Color32),
    /// An icon.
    Icon(&'a str, Color32),
}

/// The state pill.
pub fn pill(ui: &mut Ui, mark: PillMark<'_>, text: &str, ink: Color32, fill: Color32) -> Response {
    let galley = ui.painter().layout_no_wrap(text.to_owned(), Type::Button.font(ui), ink);
    let (rect, response) = ui.allocate_exact_size(vec2(galley.size().x + 36.0, size::PILL), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    let painter = ui.painter();
    painter.rect_filled(rect, size::PILL / 2.0, fill);
    let at = pos2(rect.left() + 15.0, rect.center().y);
    match mark {
        PillMark::Dot(color) => {
            painter.circle_filled(at, 3.5, color);
        }
        PillMark::Icon(glyph, color) => {
            // A filled check is a square; the others are shapes that are meant to be filled.
            let weight = if glyph == icon::CHECK { Weight::Bold } else { Weight::Fill };
            icon::paint(painter, at, glyph, weight, size::ICON_MARK + 1.0, color);
        }
    }
    painter.galley(pos2(rect.left() + 26.0, rect.center().y - galley.size().y / 2.0), galley, ink);
    response
}
