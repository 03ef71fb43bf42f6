//! Frames: the tile, its title row, section heads, and what an empty tile says.

use std::fmt::Debug;
use std::hash::Hash;

use eframe::egui::{self, CornerRadius, Frame, Id, Layout, Margin, Rect, Response, Stroke, Ui, UiBuilder, pos2, vec2};

use super::button::{Look, Push};
use super::icon::{self, Weight};
use crate::gui::theme::{Theme, Type, size};

/// The frame of a tile: rounded, flat, no line.
pub fn frame(theme: &Theme) -> Frame {
    Frame::new().fill(theme.bg1).corner_radius(CornerRadius::same(size::RADIUS_TILE))
}

/// The frame of something that floats.
pub fn floating(theme: &Theme) -> Frame {
    Frame::new()
        .fill(theme.bg2)
        .stroke(Stroke::new(size::STROKE, theme.line2))
        .corner_radius(CornerRadius::same(size::RADIUS_FLOAT))
        .shadow(theme.shadow())
        .inner_margin(Margin::same(12))
}

/// The title row of a column: title, scope in small type, icons at the right.
pub fn title_row(ui: &mut Ui, title: &str, scope: &str, tools: impl FnOnce(&mut Ui)) {
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), size::TILE_TITLE));
    let theme = Theme::of(ui.ctx());
    let mut row = ui.new_child(UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(egui::Align::Center)));
    row.label(Type::Title.text(title, theme.t1));
    let rest = Rect::from_min_max(pos2(row.cursor().left(), rect.top()), rect.max);
    head(&mut row, rest, scope, tools);
}

/// How much of a long scope a title row asks room for.
const SCOPE_WANTED: f32 = 170.0;

fn asked() -> Id {
    Id::unique("room asked for by the last title row")
}

/// The width that the title row of a tile asked for when it was drawn last, beside its tabs.
pub fn wanted(ui: &Ui, tile: impl Hash + Debug) -> f32 {
    ui.data(|data| data.get_temp(Id::unique(("title row", tile))).unwrap_or(0.0))
}

/// Draws the contents of a tile and remembers what its title row asks for: [`wanted`].
pub fn watch(ui: &mut Ui, tile: impl Hash + Debug, contents: impl FnOnce(&mut Ui)) {
    let id = Id::unique(("title row", tile));
    ui.data_mut(|data| data.remove::<f32>(asked()));
    contents(ui);
    let now: f32 = ui.data(|data| data.get_temp(asked()).unwrap_or(0.0));
    let before: Option<f32> = ui.data_mut(|data| {
        let before = data.get_temp(id);
        data.insert_temp(id, now);
        before
    });
    if before.is_none_or(|before| (before - now).abs() > 1.0) {
        ui.ctx().request_discard("the tabs beside it may have to give way");
    }
}

/// Fills the rest of a title row (`rest`): scope at the left, tools from the right.
///
/// Panels call it with `cx.head`, the room that the tile's tabs leave.
pub fn head(ui: &mut Ui, rest: Rect, scope: &str, tools: impl FnOnce(&mut Ui)) {
    let theme = Theme::of(ui.ctx());
    let builder = UiBuilder::new().id_salt("head").max_rect(rest).layout(Layout::right_to_left(egui::Align::Center));
    let mut row = ui.new_child(builder);
    row.set_clip_rect(rest.expand(2.0));
    row.spacing_mut().item_spacing.x = 4.0;
    tools(&mut row);
    let left = row.available_rect_before_wrap();
    let words = row.painter().layout_no_wrap(scope.to_owned(), Type::Small.font(&row), theme.t3).size().x;
    let wanted = (rest.right() - row.cursor().right()).max(0.0) + words.min(SCOPE_WANTED);
    row.data_mut(|data| data.insert_temp(asked(), wanted));
    if !scope.is_empty() && left.width() > 24.0 {
        let builder = UiBuilder::new().max_rect(left).layout(Layout::left_to_right(egui::Align::Center));
        let mut words = row.new_child(builder);
        words.add(egui::Label::new(Type::Small.text(scope, theme.t3)).truncate());
    }
}

/// A section head inside a tile, with a small caption at the right.
pub fn section(ui: &mut Ui, title: &str, caption: &str) {
    let theme = Theme::of(ui.ctx());
    ui.horizontal(|ui| {
        ui.label(Type::Title.text(title, theme.t1));
        if !caption.is_empty() {
            ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
                ui.label(Type::Small.text(caption, theme.t3));
            });
        }
    });
}

/// A 1-point line across, on a pixel.
pub fn rule(ui: &mut Ui) {
    let theme = Theme::of(ui.ctx());
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), 9.0));
    let y = ui.painter().round_to_pixel_center(rect.center().y);
    ui.painter().hline(rect.x_range(), y, Stroke::new(size::STROKE, theme.line));
}

/// What an empty tile says: a glyph, what is missing, when it comes, and the one button that fills it.
///
/// Returns the button's response when there is one.
pub fn empty_state(ui: &mut Ui, glyph: &str, title: &str, text: &str, button: Option<&str>) -> Option<Response> {
    let theme = Theme::of(ui.ctx());
    let height = if button.is_some() { 130.0 } else { 90.0 };
    let mut clicked = None;
    ui.vertical_centered(|ui| {
        ui.add_space(((ui.available_height() - height) / 2.0).max(4.0));
        ui.label(icon::text(glyph, Weight::Regular, 24.0, theme.t4));
        ui.label(Type::Title.text(title, theme.t1));
        ui.scope(|ui| {
            ui.set_max_width(ui.available_width().min(260.0));
            ui.label(Type::Body.text(text, theme.t2));
        });
        if let Some(label) = button {
            ui.add_space(6.0);
            clicked = Some(ui.add(Push::new(label).look(Look::Framed)));
        }
    });
    clicked
}
