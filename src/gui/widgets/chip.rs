//! Chips (one fact) and pills (the state of the run).

use eframe::egui::{Color32, Id, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2};

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

/// The chip of everything that looks at target labels.
pub fn ground_truth(ui: &mut Ui) -> Response {
    let theme = Theme::of(ui.ctx());
    outline(ui, "ground truth", theme.truth)
        .on_hover_text("Uses the target's labels. Training never sees them; these numbers only judge it.")
}

/// Chips of a title row while it is drawn.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    /// Whether there is room for them.
    room: bool,
    /// What they ask for.
    asked: f32,
    /// What those that are shown take.
    shown: f32,
}

fn row() -> Id {
    Id::unique("chips of the title row")
}

/// Chips drawn until [`end`] stand in a title row, which has room for them or not.
pub(super) fn begin(ui: &Ui, room: bool) {
    ui.data_mut(|data| data.insert_temp(row(), Row { room, asked: 0.0, shown: 0.0 }));
}

/// The room that the chips of the title row asked for, and what those shown took.
pub(super) fn end(ui: &Ui) -> (f32, f32) {
    let row = ui.data_mut(|data| data.remove_temp::<Row>(row()));
    row.map_or((0.0, 0.0), |row| (row.asked, row.shown))
}

/// Takes room in the title row, if it is one; whether the chip is to be shown.
fn takes(ui: &Ui, width: f32) -> bool {
    ui.data_mut(|data| {
        let Some(mut at) = data.get_temp::<Row>(row()) else { return true };
        at.asked += width;
        at.shown += if at.room { width } else { 0.0 };
        data.insert_temp(row(), at);
        at.room
    })
}

fn chip(ui: &mut Ui, text: &str, ink: Color32, fill: Color32, stroke: Stroke) -> Response {
    let galley = ui.painter().layout_no_wrap(text.to_owned(), Type::Small.font(ui), ink);
    let height = size::CHIP.max(galley.size().y);
    if !takes(ui, galley.size().x + 12.0 + ui.spacing().item_spacing.x) {
        return ui.allocate_response(Vec2::ZERO, Sense::hover());
    }
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
