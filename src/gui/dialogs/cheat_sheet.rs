//! The list of shortcuts, from the one table of commands.

use eframe::egui::{self, Align, Layout, ScrollArea};

use super::dialog;
use crate::gui::command::{COMMANDS, pane_keys};
use crate::gui::panels::Pane;
use crate::gui::theme::{Theme, Type, size};
use crate::gui::widgets::button::key_cap;

/// Shows it; false when it is to close.
pub fn show(ctx: &egui::Context) -> bool {
    let close = dialog(ctx, "cheat sheet", "Shortcuts", |ui| {
        ScrollArea::vertical().max_height(460.0).show(ui, |ui| {
            let mut group = "";
            for entry in COMMANDS {
                let Some(keys) = entry.keys else { continue };
                if entry.group != group {
                    group = entry.group;
                    head(ui, group);
                }
                line(ui, entry.title, &ui.ctx().format_shortcut(&keys));
            }
            head(ui, "Panels");
            for &pane in Pane::ALL {
                if let Some(keys) = pane_keys(pane) {
                    line(ui, pane.title(), &ui.ctx().format_shortcut(&keys));
                }
            }
        });
    });
    !close
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
