//! Frames: the tile, its title row, section heads, and what an empty tile says.

use std::fmt::Debug;
use std::hash::Hash;

use eframe::egui::{self, CornerRadius, Frame, Id, Layout, Margin, Rect, Response, Stroke, Ui, UiBuilder, pos2, vec2};

use super::button::{ButtonLook, Push, icon_button};
use super::chip;
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

/// A scope that would be cut to less than this is left out.
const SCOPE_LEAST: f32 = 60.0;

/// What the title row of a tile asks room for beside its tabs, in points.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HeadRoom {
    /// Buttons.
    pub tools: f32,
    /// Chips.
    pub chips: f32,
}

fn asked() -> Id {
    Id::unique("room asked for by the last title row")
}

fn of_tile(tile: impl Hash + Debug) -> Id {
    Id::unique(("title row", tile))
}

/// The tile that is being drawn: where its [`HeadRoom`] of the last frame is kept.
fn drawing() -> Id {
    Id::unique("tile being drawn")
}

/// What the title row of a tile asked for when it was drawn last.
pub fn wanted(ui: &Ui, tile: impl Hash + Debug) -> HeadRoom {
    ui.data(|data| data.get_temp(of_tile(tile)).unwrap_or_default())
}

/// Draws the contents of a tile and remembers what its title row asks for: [`wanted`].
pub fn watch(ui: &mut Ui, tile: impl Hash + Debug, contents: impl FnOnce(&mut Ui)) {
    let id = of_tile(tile);
    ui.data_mut(|data| {
        data.remove::<HeadRoom>(asked());
        data.insert_temp(drawing(), id);
    });
    contents(ui);
    let (now, before) = ui.data_mut(|data| {
        data.remove::<Id>(drawing());
        let now: HeadRoom = data.get_temp(asked()).unwrap_or_default();
        let before: Option<HeadRoom> = data.get_temp(id);
        data.insert_temp(id, now);
        (now, before)
    });
    let apart = |b: HeadRoom| (b.tools - now.tools).abs() > 1.0 || (b.chips - now.chips).abs() > 1.0;
    if before.is_none_or(apart) {
        ui.ctx().request_discard("the tabs beside it may have to give way");
    }
}

/// Fills the rest of a title row (`rest`): scope at the left, tools from the right. What does not fit gives way in
/// this order: the scope is shortened, left out; chips are left out; the tools go into a menu.
///
/// Panels call it with `cx.head`, the room that the tile's tabs leave.
pub fn head(ui: &mut Ui, rest: Rect, scope: &str, tools: impl FnOnce(&mut Ui)) {
    let theme = Theme::of(ui.ctx());
    let before: Option<HeadRoom> = ui.data(|data| data.get_temp::<Id>(drawing()).and_then(|id| data.get_temp(id)));
    let builder = UiBuilder::new().id_salt("head").max_rect(rest).layout(Layout::right_to_left(egui::Align::Center));
    let mut row = ui.new_child(builder);
    row.set_clip_rect(rest.expand(2.0).intersect(ui.clip_rect().expand2(vec2(0.0, size::TILE_TITLE))));
    row.spacing_mut().item_spacing.x = 4.0;
    let known = before.unwrap_or_default();
    let folded = before.is_some() && known.tools > rest.width().max(0.0) && known.tools > 26.0;
    let wanted = if folded {
        let dots = icon_button(&mut row, icon::DOTS, "More of this panel");
        let open = egui::Popup::menu(&dots).close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside);
        let measured = open.show(|ui| {
            ui.horizontal(|ui| {
                tools(ui);
                ui.min_rect().width()
            })
            .inner
        });
        let tools = measured.map_or(known.tools, |m| m.inner.max(27.0));
        HeadRoom { tools, chips: 0.0 }
    } else {
        let room = before.is_none_or(|b| b.tools + b.chips <= rest.width());
        chip::begin(&row, room);
        tools(&mut row);
        let (chips, shown) = chip::end(&row);
        let used = (rest.right() - row.cursor().right()).max(0.0);
        HeadRoom { tools: (used - shown).max(0.0), chips }
    };
    row.data_mut(|data| data.insert_temp(asked(), wanted));
    if scope.is_empty() {
        return;
    }
    let left = row.available_rect_before_wrap();
    let words = row.painter().layout_no_wrap(scope.to_owned(), Type::Small.font(&row), theme.t3).size().x;
    if left.width() >= words.min(SCOPE_LEAST) {
        let builder = UiBuilder::new().max_rect(left).layout(Layout::left_to_right(egui::Align::Center));
        let mut line = row.new_child(builder);
        line.add(egui::Label::new(Type::Small.text(scope, theme.t3)).truncate());
    } else {
        // Nothing is painted; a screen reader says it all the same.
        let place = Rect::from_min_size(rest.min, vec2(1.0, rest.height()));
        let response = row.interact(place, row.scope_id().with("scope"), egui::Sense::hover());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, scope));
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
            clicked = Some(ui.add(Push::new(label).look(ButtonLook::Framed)));
        }
    });
    clicked
}
