//! Dialogs over the work: new run, add dataset, quit, palette, shortcuts.

pub mod add_dataset;
pub mod browse;
pub mod cheat_sheet;
pub mod checkpoints;
pub mod dataset;
pub mod elsewhere;
pub mod export;
pub mod label_run;
pub mod new_run;
pub mod open_run;
pub mod palette;
mod probe;
pub mod quit;

use eframe::egui::{self, Align, Id, Key, Layout, Modal, Modifiers, Order, Popup, ScrollArea, Ui, UiBuilder, vec2};

use self::browse::Browse;
use super::theme::{Theme, Type, size};
use super::widgets::button::{ButtonLook, Push, icon_button};
use super::widgets::icon::Weight;
use super::widgets::{icon, tile};

/// A dialog frame with a title. The answer is true when the user wants it gone.
///
/// It lies below every dropdown, menu and tooltip, whichever was opened first, and keeps its width whatever is in it.
fn dialog(ctx: &egui::Context, id: &str, title: &str, body: impl FnOnce(&mut Ui)) -> bool {
    let theme = Theme::of(ctx);
    let mut close = false;
    let popup = Popup::is_any_open(ctx); // before the body: Escape and a click elsewhere close it alone
    let id = Id::unique(id);
    let sight = ctx.content_rect().size();
    let response = Modal::new(id)
        .area(Modal::default_area(id).order(Order::Middle))
        .frame(tile::floating(theme).inner_margin(egui::Margin::same(16)))
        .backdrop_color(theme.backdrop())
        .show(ctx, |ui| {
            ui.set_width(size::DIALOG.min(sight.x - 56.0));
            // A dialog stands on the level of inputs: its own lie one below.
            ui.visuals_mut().text_edit_bg_color = Some(theme.bg0);
            ui.visuals_mut().widgets.inactive.weak_bg_fill = theme.bg0;
            ui.horizontal(|ui| {
                ui.label(Type::Heading.text(title, theme.t1));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    close |= icon_button(ui, icon::CROSS, "Close the dialog").clicked();
                });
            });
            ui.add_space(8.0);
            let most = sight.y - 120.0;
            let area = ScrollArea::vertical().id_salt("dialog").max_height(most).min_scrolled_height(most);
            area.auto_shrink([false, true]).show(ui, body);
        });
    close || !popup && (response.should_close() || ctx.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape)))
}

/// A labelled line of a dialog.
fn field<R>(ui: &mut Ui, label: &str, add: impl FnOnce(&mut Ui) -> R) -> R {
    let theme = Theme::of(ui.ctx());
    let inner = ui.horizontal(|ui| {
        ui.allocate_ui_with_layout(vec2(92.0, size::BUTTON), Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(92.0);
            let galley = ui.painter().layout_no_wrap(label.to_owned(), Type::Body.font(ui), theme.t2);
            let (rect, _) = ui.allocate_exact_size(vec2(92.0, size::BUTTON), egui::Sense::hover());
            ui.painter().galley(egui::pos2(rect.left(), rect.center().y - galley.size().y / 2.0), galley, theme.t2);
        });
        add(ui)
    });
    inner.inner
}

/// A box for a path or name, `label` its name for screen readers.
fn text_box(ui: &mut Ui, label: &str, text: &mut String, hint: &str, width: f32) -> egui::Response {
    let theme = Theme::of(ui.ctx());
    crate::gui::fonts::want(ui.ctx(), text);
    let edit = egui::TextEdit::singleline(text)
        .hint_text(Type::Body.text(hint, theme.t3))
        .align(egui::Align2::LEFT_CENTER)
        .margin(egui::Margin::symmetric(8, 4))
        .desired_width(width - 16.0);
    ui.add(edit).accessible_name(label)
}

/// The lines kept for what is wrong, else for what is still missing: the dialog does not change its size with them.
fn notice(ui: &mut Ui, wrong: Option<&str>, missing: Option<&str>) {
    let theme = Theme::of(ui.ctx());
    let line = Type::Body.font(ui).size + 4.0;
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 3.0 * line), egui::Sense::hover());
    let (text, ink, glyph) = match (wrong, missing) {
        (Some(text), _) => (text, theme.error, icon::ERROR),
        (None, Some(text)) => (text, theme.t3, icon::INFO),
        (None, None) => return,
    };
    let mut room = ui.new_child(UiBuilder::new().id_salt("notice").max_rect(rect));
    let say = |ui: &mut Ui| {
        ui.horizontal_top(|ui| {
            ui.label(icon::text(glyph, Weight::Regular, size::ICON, ink));
            ui.add(egui::Label::new(Type::Body.text(text, ink)).wrap());
        });
    };
    let width = rect.width() - 30.0;
    let lines = ui.painter().layout(text.to_owned(), Type::Body.font(ui), ink, width).rows.len();
    if lines <= 3 {
        say(&mut room);
    } else {
        ScrollArea::vertical().auto_shrink([false, false]).show(&mut room, say);
    }
}

/// What a dialog is there for: its button, which Enter presses, too, unless something else has the keyboard. Call it
/// after the boxes: a box of text gives the keyboard back on Enter.
fn default_button(ui: &mut Ui, text: &str, icon: Option<&'static str>, ready: bool, tip: &str) -> bool {
    let mut button = Push::new(text).look(ButtonLook::Primary).enabled(ready).min_width(72.0);
    if let Some(icon) = icon {
        button = button.icon(icon, Weight::Fill);
    }
    let clicked = ui.add(button).on_hover_text(tip).clicked();
    let free = ui.memory(|m| m.focused().is_none()) && !Popup::is_any_open(ui.ctx());
    clicked || (ready && free && ui.input(|i| i.key_pressed(Key::Enter)))
}

/// The row of buttons at the foot of a dialog, from the right.
fn foot(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    ui.add_space(12.0);
    // A row of its own height: a bare layout would take all the room there is, and the dialog with it.
    ui.allocate_ui_with_layout(vec2(ui.available_width(), size::BUTTON), Layout::right_to_left(Align::Center), add);
}
