//! Dialogs over the work: new run, add dataset, quit, palette, shortcuts.

pub mod add_dataset;
pub mod cheat_sheet;
pub mod export;
pub mod new_run;
pub mod open_run;
pub mod palette;
pub mod quit;

use std::path::PathBuf;

use eframe::egui::{self, Align, Id, Key, Layout, Modal, Popup, Ui, vec2};

use super::job::Job;
use super::theme::{Theme, Type, size};
use super::widgets::button::{Look, Push, icon_button};
use super::widgets::icon::Weight;
use super::widgets::{icon, tile};

/// A dialog frame with a title. The answer is true when the user wants it gone.
fn dialog(ctx: &egui::Context, id: &str, title: &str, body: impl FnOnce(&mut Ui)) -> bool {
    let theme = Theme::of(ctx);
    let mut close = false;
    let response = Modal::new(Id::unique(id))
        .frame(tile::floating(theme).inner_margin(egui::Margin::same(16)))
        .backdrop_color(theme.backdrop())
        .show(ctx, |ui| {
            ui.set_width(size::DIALOG);
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
            body(ui);
        });
    close || response.should_close() || ctx.input(|i| i.key_pressed(Key::Escape))
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
    let edit = egui::TextEdit::singleline(text)
        .hint_text(Type::Body.text(hint, theme.t3))
        .align(egui::Align2::LEFT_CENTER)
        .margin(egui::Margin::symmetric(8, 4))
        .desired_width(width - 16.0);
    ui.add(edit).accessible_name(label)
}

/// The reason why a dialog's button cannot be pressed.
fn problem(ui: &mut Ui, text: &str) {
    let theme = Theme::of(ui.ctx());
    ui.horizontal_top(|ui| {
        ui.label(icon::text(icon::ERROR, icon::Weight::Regular, size::ICON, theme.error));
        ui.label(Type::Body.text(text, theme.error));
    });
}

/// A button that opens the system's folder dialog on a thread of its own; the path box beside it does without.
#[derive(Default)]
struct Browse(Job<Option<PathBuf>>);

impl Browse {
    fn ui(&mut self, ui: &mut Ui, name: &str) -> Option<PathBuf> {
        let response = ui.add(Push::new("Browse…").enabled(!self.0.busy()));
        let response = response.accessible_name(name).on_hover_text("Opens the system's folder dialog.");
        if response.clicked() {
            self.0.start("folder dialog", ui.ctx(), || rfd::FileDialog::new().pick_folder());
        }
        self.0.poll().flatten()
    }
}

/// What a dialog is there for: its button, which Enter presses, too, unless something else has the keyboard. Call it
/// after the boxes: a box of text gives the keyboard back on Enter.
fn default_button(ui: &mut Ui, text: &str, icon: Option<&'static str>, ready: bool, tip: &str) -> bool {
    let mut button = Push::new(text).look(Look::Primary).enabled(ready).min_width(72.0);
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
    ui.with_layout(Layout::right_to_left(Align::Center), add);
}
