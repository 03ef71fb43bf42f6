//! Frames: the tile, its title row, section heads, and what an empty tile says.

use std::cell::Cell;

use eframe::egui::{
    self, Color32, CornerRadius, Frame, Layout, Margin, Rect, Response, Stroke, Ui, UiBuilder, pos2, vec2,
};

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
    TitleRow::of(&TitlePlace::new(rest, None), scope).show(&mut row, tools);
}

/// A scope that would be cut to less than this is left out.
const SCOPE_LEAST: f32 = 60.0;

/// Where the title row of a panel is laid out: the room beside its tabs.
#[derive(Debug)]
pub struct TitlePlace {
    rest: Rect,
    /// What its tools asked for when they were drawn last, in points.
    before: Option<f32>,
    asked: Cell<Option<f32>>,
}

impl TitlePlace {
    /// That room; `before` is what [`TitlePlace::asked`] said in the last frame.
    pub fn new(rest: Rect, before: Option<f32>) -> Self {
        Self { rest, before, asked: Cell::new(None) }
    }

    /// The points that the tools of the title row ask for; `None` while it has not been drawn.
    pub fn asked(&self) -> Option<f32> {
        self.asked.get()
    }
}

/// What stands in a title row behind the name: a scope, chips, and tools from the right. The frame lays it out; what does
/// not fit gives way in this order: the scope is shortened, left out; chips are left out; the tools go into a menu.
#[must_use]
pub struct TitleRow<'a> {
    place: &'a TitlePlace,
    scope: &'a str,
    chips: Vec<(&'static str, Color32, &'static str)>,
    least: f32,
}

impl<'a> TitleRow<'a> {
    /// With that scope.
    pub fn of(place: &'a TitlePlace, scope: &'a str) -> Self {
        Self { place, scope, chips: Vec::new(), least: 0.0 }
    }

    /// With a chip: words, colour, tooltip.
    pub fn chip(mut self, words: &'static str, color: Color32, tip: &'static str) -> Self {
        self.chips.push((words, color, tip));
        self
    }

    /// With the chip of everything that looks at target labels, if something does.
    pub fn truth(self, theme: &Theme, on: bool) -> Self {
        if on { self.chip(chip::TRUTH, theme.truth, chip::TRUTH_TIP) } else { self }
    }

    /// Where the tabs leave less than this, the tools get a row of their own below.
    pub fn least(mut self, width: f32) -> Self {
        self.least = width;
        self
    }

    /// Lays it out without tools.
    pub fn plain(self, ui: &mut Ui) {
        self.show(ui, |_| {});
    }

    /// Lays it out; `tools` are drawn from right to left.
    pub fn show(mut self, ui: &mut Ui, tools: impl FnOnce(&mut Ui)) {
        if self.place.rest.width() >= self.least {
            return self.lay(ui, tools);
        }
        let chips = std::mem::take(&mut self.chips);
        self.lay(ui, |_| {});
        let size = vec2(ui.available_width(), size::BUTTON_SMALL);
        ui.allocate_ui_with_layout(size, Layout::right_to_left(egui::Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            tools(ui);
            show_chips(ui, &chips);
        });
    }

    fn lay(self, ui: &mut Ui, tools: impl FnOnce(&mut Ui)) {
        let TitlePlace { rest, before, asked } = self.place;
        let (rest, known) = (*rest, before.unwrap_or_default());
        let builder =
            UiBuilder::new().id_salt("head").max_rect(rest).layout(Layout::right_to_left(egui::Align::Center));
        let mut row = ui.new_child(builder);
        row.set_clip_rect(rest.expand(2.0).intersect(ui.clip_rect().expand2(vec2(0.0, size::TILE_TITLE))));
        row.spacing_mut().item_spacing.x = 4.0;
        let folded = known > rest.width().max(0.0) && known > 26.0;
        let wanted = if folded {
            let dots = icon_button(&mut row, icon::DOTS, "More of this panel");
            let open = egui::Popup::menu(&dots).close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside);
            let measured = open.show(|ui| {
                ui.horizontal(|ui| {
                    tools(ui);
                    let width = ui.min_rect().width();
                    show_chips(ui, &self.chips);
                    width
                })
                .inner
            });
            measured.map_or(known, |m| m.inner.max(27.0))
        } else {
            tools(&mut row);
            let used = (rest.right() - row.cursor().right()).max(0.0);
            let chips: f32 = self.chips.iter().map(|(words, ..)| chip::width(&row, words)).sum();
            if used + chips <= rest.width() {
                show_chips(&mut row, &self.chips);
            }
            used
        };
        asked.set(Some(wanted));
        scope(&mut row, rest, self.scope);
    }
}

fn show_chips(ui: &mut Ui, chips: &[(&str, Color32, &str)]) {
    for (words, color, tip) in chips {
        let chip = chip::outline(ui, words, *color);
        if !tip.is_empty() {
            chip.on_hover_text(*tip);
        }
    }
}

/// The scope, in what is left of a title row.
fn scope(row: &mut Ui, rest: Rect, scope: &str) {
    if scope.is_empty() {
        return;
    }
    let theme = Theme::of(row.ctx());
    let left = row.available_rect_before_wrap();
    let words = row.painter().layout_no_wrap(scope.to_owned(), Type::Small.font(row), theme.t3).size().x;
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
