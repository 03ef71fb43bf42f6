//! Shortcuts, from the one table of commands.

use eframe::egui;

use super::App;
use crate::gui::command::{COMMANDS, UiCommand, pane_keys};
use crate::gui::panels::Pane;

impl App {
    /// Turns keys into commands. Bare keys count only while no widget has the keyboard.
    pub(super) fn shortcuts(&mut self, ctx: &egui::Context) {
        let d = &self.dialogs;
        let asked =
            d.new_run.is_some() || d.add_dataset.is_some() || d.open_run.is_some() || d.export.is_some() || d.quit;
        if asked || d.palette.is_some() {
            return; // a dialog has the keyboard
        }
        let typing = ctx.egui_wants_keyboard_input();
        let focused = ctx.memory(|m| m.focused()).is_some();
        let mut table: Vec<(egui::KeyboardShortcut, &UiCommand)> =
            COMMANDS.iter().filter_map(|e| Some((e.keys?, &e.command))).collect();
        // With Shift first: a shortcut without it would match too.
        table.sort_by_key(|(keys, _)| !keys.modifiers.shift);
        let mut asked = Vec::new();
        for (keys, command) in table {
            let bare = !keys.modifiers.command && !keys.modifiers.alt;
            let function = keys.logical_key == egui::Key::F1;
            if (bare && !function && (focused || with_alt(ctx, keys.logical_key)))
                || (typing && !function && conflicts(&keys))
            {
                continue;
            }
            let refused = command.refusal(&self.live, self.shown()).is_some();
            if !refused && ctx.input_mut(|i| i.consume_shortcut(&keys)) {
                asked.push(command.clone());
            }
        }
        for &pane in Pane::ALL {
            if let Some(keys) = pane_keys(pane)
                && ctx.input_mut(|i| i.consume_shortcut(&keys))
            {
                asked.push(UiCommand::ShowPane(pane));
            }
        }
        self.actions.extend(asked);
    }
}

/// Whether that key came with Alt: a bare shortcut would match it too.
fn with_alt(ctx: &egui::Context, wanted: egui::Key) -> bool {
    let alt = |e: &egui::Event| matches!(e, egui::Event::Key { key, modifiers, .. } if *key == wanted && modifiers.alt);
    ctx.input(|i| i.events.iter().any(alt))
}

fn conflicts(keys: &egui::KeyboardShortcut) -> bool {
    !keys.modifiers.command || keys.conflicts_with_text_editing()
}
