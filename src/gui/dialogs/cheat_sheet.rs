//! The list of shortcuts, from the one table of commands.

use eframe::egui::{self, Align, Layout};

use super::dialog;
use crate::gui::command::{COMMANDS, pane_keys};
use crate::gui::panels::Pane;
use crate::gui::theme::{Theme, Type, size};
use crate::gui::widgets::button::key_cap;

/// Shows it; false when it is to close.
pub fn show(ctx: &egui::Context) -> bool {
    let close = dialog(ctx, "cheat sheet", "Shortcuts", |ui| {
        let mut group = "";
        for entry in COMMANDS {
            let Some(keys) = entry.keys else { continue };
            if entry.group != group {
                group = entry.group;
                head(ui, group);
            }
            line(ui, entry.title, &words(ui.ctx(), &keys));
        }
        head(ui, "Panels");
        for &pane in Pane::ALL {
            if let Some(keys) = pane_keys(pane) {
                line(ui, pane.title(), &words(ui.ctx(), &keys));
            }
        }
        head(ui, "Mouse");
        for (gesture, what) in GESTURES {
            line(ui, what, gesture);
        }
    });
    !close
}

/// What the mouse does beside clicking.
const GESTURES: [(&str, &str); 9] = [
    ("double click", "On a panel's name: enlarge or restore the panel"),
    ("drag", "On a panel's name: move the panel"),
    ("drag", "On eps or the threshold in a plot: try another value"),
    ("Shift+drag", "On a slider: a tenth as fast, for fine steps"),
    ("wheel", "On a map or a curve: zoom"),
    ("double click", "On a curve: see all of it again"),
    ("right click", "On a panel's name, a run or Step: more"),
    ("drag", "On the edge between panels or columns: give one more room"),
    ("drop", "A folder on the window: a run is opened, a dataset is looked at"),
];

/// The keys as they stand on the keyboard.
fn words(ctx: &egui::Context, keys: &egui::KeyboardShortcut) -> String {
    ctx.format_shortcut(keys).replace("Period", ".").replace("Plus", "plus").replace("Minus", "minus")
}

fn head(ui: &mut egui::Ui, group: &str) {
    ui.add_space(6.0);
    ui.label(Type::Title.text(group, Theme::of(ui.ctx()).t1));
}

fn line(ui: &mut egui::Ui, title: &str, keys: &str) {
    let theme = Theme::of(ui.ctx());
    ui.allocate_ui_with_layout(
        egui::vec2(ui.available_width(), size::TABLE_ROW),
        Layout::left_to_right(Align::Center),
        |ui| {
            ui.label(Type::Body.text(title, theme.t2));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.add_space(8.0);
                for key in keys.split('+').filter(|k| !k.is_empty()).rev() {
                    key_cap(ui, key);
                }
            });
        },
    );
}
