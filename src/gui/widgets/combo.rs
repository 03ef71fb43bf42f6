//! The drop-down list: an input with a caret, as high as its place.

use eframe::egui::{ComboBox, Rect, Ui};

use super::icon::{self, Weight};
use crate::gui::theme::{Theme, Type, size};

/// A list in `place` that shows `chosen`; go on with `show_ui`. `ui` is a child made for it alone.
pub fn flat<'a>(ui: &mut Ui, salt: &'a str, chosen: &str, place: Rect) -> ComboBox<'a> {
    let theme = Theme::of(ui.ctx());
    ui.spacing_mut().interact_size.y = place.height();
    ui.spacing_mut().button_padding = [8.0, 1.0].into();
    dressed(salt, chosen, place.width() - 4.0).selected_text(Type::Body.text(chosen, theme.t1))
}

/// A list as wide as `width` with our caret.
pub fn dressed<'a>(salt: &'a str, chosen: &str, width: f32) -> ComboBox<'a> {
    ComboBox::from_id_salt(salt).width(width).truncate().selected_text(chosen.to_owned()).icon(
        |ui, rect, visuals, _| {
            let ink = visuals.fg_stroke.color;
            icon::paint(ui.painter(), rect.center(), icon::CARET_DOWN, Weight::Regular, size::ICON_MARK, ink);
        },
    )
}

/// A list that chooses one of some values. `salt` tells it from other lists, `name` is what a screen reader calls it.
pub struct Choice<'a> {
    /// What tells it from other lists.
    pub salt: &'a str,
    /// What it chooses, for a screen reader.
    pub name: &'a str,
    /// What the closed list shows.
    pub chosen: &'a str,
    /// The tooltip.
    pub tip: &'a str,
    /// Its width, in points.
    pub width: f32,
}

impl Choice<'_> {
    /// Shows it: each value with its words and what it says, if anything.
    pub fn show<T: PartialEq>(
        &self,
        ui: &mut Ui,
        value: &mut T,
        values: impl IntoIterator<Item = (T, &'static str, &'static str)>,
    ) {
        let list = dressed(self.salt, self.chosen, self.width).show_ui(ui, |ui| {
            for (one, words, help) in values {
                let option = ui.selectable_value(value, one, words);
                if !help.is_empty() {
                    option.on_hover_text(help);
                }
            }
        });
        list.response.accessible_name(self.name).on_hover_text(self.tip);
    }
}
