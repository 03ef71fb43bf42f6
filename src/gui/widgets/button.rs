//! Buttons in the design's five looks, icon buttons and the segmented choice.

use eframe::egui::{self, Color32, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2};

use super::icon::{self, Weight};
use crate::gui::theme::{Theme, Type, size};

/// How a button looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ButtonLook {
    /// Filled blue: the next sensible act. At most one on screen.
    Primary,
    /// Filled violet: Apply to the run alone.
    WhatIf,
    /// With an outline.
    Framed,
    /// Words only.
    Flat,
}

/// A button with words and perhaps an icon before them.
#[must_use = "add it to a Ui"]
pub struct Push<'a> {
    label: &'a str,
    icon: Option<(&'a str, Weight)>,
    look: ButtonLook,
    height: f32,
    min_width: f32,
    padding: f32,
    enabled: bool,
}

impl<'a> Push<'a> {
    /// A framed button that says `label`.
    pub fn new(label: &'a str) -> Self {
        Self {
            label,
            icon: None,
            look: ButtonLook::Framed,
            height: size::BUTTON,
            min_width: 0.0,
            padding: 12.0,
            enabled: true,
        }
    }

    /// With an icon before the words.
    pub fn icon(mut self, icon: &'a str, weight: Weight) -> Self {
        self.icon = Some((icon, weight));
        self
    }

    /// In that look.
    pub fn look(mut self, look: ButtonLook) -> Self {
        self.look = look;
        self
    }

    /// The low form, for toasts and rows.
    pub fn small(mut self) -> Self {
        self.height = size::BUTTON_SMALL;
        self
    }

    /// With little room around the words, for bars.
    pub fn tight(mut self) -> Self {
        self.padding = 6.0;
        self
    }

    /// At least this wide.
    pub fn min_width(mut self, width: f32) -> Self {
        self.min_width = width;
        self
    }

    /// Whether it can be pressed. Say in a tooltip why not.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }
}

impl egui::Widget for Push<'_> {
    fn ui(self, ui: &mut Ui) -> Response {
        let theme = Theme::of(ui.ctx());
        let galley = ui.painter().layout_no_wrap(self.label.to_owned(), Type::Button.font(ui), Color32::PLACEHOLDER);
        let icon_width = if self.icon.is_some() { size::ICON_BUTTON + 7.0 } else { 0.0 };
        let width = (galley.size().x + icon_width + 2.0 * self.padding).max(self.min_width);
        let sense = if self.enabled { Sense::click() } else { Sense::hover() };
        let (rect, response) = ui.allocate_exact_size(vec2(width, self.height), sense);
        let enabled = self.enabled && ui.is_enabled();
        response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, self.label));
        if ui.is_rect_visible(rect) {
            let (fill, ink, stroke) = paints(theme, self.look, enabled, &response);
            let painter = ui.painter();
            painter.rect(rect, size::RADIUS_BUTTON, fill, stroke, StrokeKind::Inside);
            let mut x = rect.center().x - (galley.size().x + icon_width) / 2.0;
            if let Some((glyph, weight)) = self.icon {
                let at = pos2(x + size::ICON_BUTTON / 2.0, rect.center().y);
                icon::paint(painter, at, glyph, weight, size::ICON_BUTTON, ink);
                x += icon_width;
            }
            painter.galley(pos2(x, rect.center().y - galley.size().y / 2.0), galley, ink);
            focus_ring(ui, &response, rect, size::RADIUS_BUTTON);
        }
        response
    }
}

fn paints(theme: &Theme, look: ButtonLook, enabled: bool, response: &Response) -> (Color32, Color32, Stroke) {
    let none = (Color32::TRANSPARENT, theme.t4, Stroke::NONE);
    if !enabled {
        return none;
    }
    let (hovered, pressed) = (response.hovered(), response.is_pointer_button_down_on());
    let level = |base: Color32| match (pressed, hovered) {
        (true, _) => theme.bg4,
        (_, true) => theme.bg3,
        _ => base,
    };
    let bright = |fill: Color32| match (pressed, hovered) {
        (true, _) => fill.lerp_to_gamma(Color32::BLACK, 0.15),
        (_, true) => fill.lerp_to_gamma(theme.t1, 0.08),
        _ => fill,
    };
    let ink = if hovered || pressed { theme.t1 } else { theme.t2 };
    match look {
        ButtonLook::Primary => (bright(theme.accent_fill), theme.accent_ink, Stroke::NONE),
        ButtonLook::WhatIf => (bright(theme.what_if), theme.what_if_ink, Stroke::NONE),
        ButtonLook::Framed => (level(theme.bg1), theme.t1, Stroke::new(size::STROKE, theme.line2)),
        ButtonLook::Flat => (level(Color32::TRANSPARENT), ink, Stroke::NONE),
    }
}

/// The keyboard's focus: a 2-point ring, 2 outside.
pub fn focus_ring(ui: &Ui, response: &Response, rect: Rect, radius: u8) {
    if response.has_focus() && !response.is_pointer_button_down_on() {
        let theme = Theme::of(ui.ctx());
        let stroke = Stroke::new(size::STROKE_HERO, theme.accent);
        ui.painter().rect_stroke(rect.expand(2.0), radius + 2, stroke, StrokeKind::Outside);
    }
}

/// A square button with an icon alone; `name` is its tooltip and what a screen reader says.
pub fn icon_button(ui: &mut Ui, glyph: &str, name: &str) -> Response {
    icon_button_colored(ui, glyph, name, None)
}

/// As [`icon_button`], in a colour of its own (a state that is on).
pub fn icon_button_colored(ui: &mut Ui, glyph: &str, name: &str, color: Option<Color32>) -> Response {
    let theme = Theme::of(ui.ctx());
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(22.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), name));
    if ui.is_rect_visible(rect) {
        let fill = match (response.is_pointer_button_down_on(), response.hovered()) {
            (true, _) => theme.bg4,
            (_, true) => theme.bg3,
            _ => Color32::TRANSPARENT,
        };
        let ink = color.unwrap_or(if response.hovered() { theme.t1 } else { theme.t3 });
        ui.painter().rect_filled(rect, size::RADIUS_INPUT, fill);
        icon::paint(ui.painter(), rect.center(), glyph, Weight::Regular, size::ICON, ink);
        focus_ring(ui, &response, rect, size::RADIUS_INPUT);
    }
    response.on_hover_text(name)
}

/// A row of words of which one is chosen. True when the choice changed.
pub fn segment<T: PartialEq + Copy>(ui: &mut Ui, options: &[(T, &str)], chosen: &mut T) -> bool {
    let theme = Theme::of(ui.ctx());
    let font = Type::Button.font(ui);
    let height = 22.0;
    let galleys: Vec<_> = options
        .iter()
        .map(|(_, label)| ui.painter().layout_no_wrap((*label).to_owned(), font.clone(), Color32::PLACEHOLDER))
        .collect();
    let width: f32 = galleys.iter().map(|g| g.size().x + 20.0).sum();
    let (frame, _) = ui.allocate_exact_size(vec2(width + 4.0, height), Sense::hover());
    ui.painter().rect_filled(frame, size::RADIUS_BUTTON, theme.bg2);
    let mut x = frame.left() + 2.0;
    let mut changed = false;
    for ((value, label), galley) in options.iter().zip(galleys) {
        let rect = Rect::from_min_size(pos2(x, frame.top() + 2.0), vec2(galley.size().x + 20.0, height - 4.0));
        x = rect.right();
        let response = ui.interact(rect, ui.scope_id().with(("segment", label)), Sense::click());
        let on = *value == *chosen;
        response.widget_info(|| WidgetInfo::selected(Role::RadioButton, ui.is_enabled(), on, label));
        if on {
            ui.painter().rect_filled(rect, size::RADIUS_INPUT, theme.bg4);
        } else if response.hovered() {
            ui.painter().rect_filled(rect, size::RADIUS_INPUT, theme.bg3);
        }
        let ink = if on || response.hovered() { theme.t1 } else { theme.t3 };
        ui.painter().galley(rect.center() - galley.size() / 2.0, galley, ink);
        focus_ring(ui, &response, rect, size::RADIUS_INPUT);
        if response.clicked() && !on {
            *chosen = *value;
            changed = true;
        }
    }
    changed
}

/// A small framed key, as in shortcuts.
pub fn key_cap(ui: &mut Ui, text: &str) -> Response {
    let theme = Theme::of(ui.ctx());
    let galley = ui.painter().layout_no_wrap(text.to_owned(), Type::Small.font(ui), theme.t3);
    let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(10.0, 2.0), Sense::hover());
    let stroke = Stroke::new(size::STROKE, theme.line2);
    ui.painter().rect_stroke(rect, size::RADIUS_CHIP, stroke, StrokeKind::Inside);
    ui.painter().galley(rect.center() - galley.size() / 2.0, galley, theme.t3);
    response
}
