//! Shortcuts, from the one table of commands.

use eframe::egui;

use super::App;
use crate::gui::command::{COMMANDS, MORE_KEYS, UiCommand, WorkLayout, pane_keys};
use crate::gui::panels::Pane;
use crate::gui::tour::TourAsk;

impl App {
    /// Turns keys into commands. Bare keys count only while no widget has the keyboard.
    pub(super) fn shortcuts(&mut self, ctx: &egui::Context) {
        if self.dialogs.any() {
            return; // a dialog has the keyboard
        }
        let typing = ctx.egui_wants_keyboard_input();
        let focused = ctx.memory(|m| m.focused()).is_some();
        let mut table: Vec<(egui::KeyboardShortcut, &UiCommand)> =
            COMMANDS.iter().filter_map(|e| Some((e.keys?, &e.command))).collect();
        // The rank lists have a way back of their own; what they leave is taken after them.
        table.retain(|(_, command)| !matches!(command, UiCommand::Back | UiCommand::Forward));
        table.extend(MORE_KEYS.iter().map(|(keys, command)| (*keys, command)));
        // With Shift first: a shortcut without it would match too.
        table.sort_by_key(|(keys, _)| !keys.modifiers.shift);
        let mut asked = Vec::new();
        for (keys, command) in table {
            let bare = !keys.modifiers.command && !keys.modifiers.alt;
            let function = matches!(
                keys.logical_key,
                egui::Key::F1 | egui::Key::F2 | egui::Key::F11 | egui::Key::PageUp | egui::Key::PageDown
            );
            if (bare && !function && (focused || with_alt(ctx, keys.logical_key)))
                || (typing && !function && conflicts(&keys))
            {
                continue;
            }
            let steps = matches!(command, UiCommand::Tour(TourAsk::Next | TourAsk::Back));
            if steps && (self.saved.layout != WorkLayout::Teach || self.saved.tour.step().is_none()) {
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
        let free = !typing && !egui::Popup::is_any_open(ctx);
        let touring = self.saved.layout == WorkLayout::Teach
            && (self.saved.tour.step().is_some() || self.saved.tour.stage().is_some());
        if touring && free && ctx.input_mut(|i| i.consume_key(egui::Modifiers::NONE, egui::Key::Escape)) {
            asked.push(UiCommand::Tour(TourAsk::Leave));
        }
        if let Some(pane) = self.alone.filter(|_| free)
            && ctx.input_mut(|i| i.consume_key(egui::Modifiers::NONE, egui::Key::Escape))
        {
            asked.push(UiCommand::Enlarge(pane));
        }
        asked.into_iter().for_each(|command| self.commands.send(command));
    }
}

impl App {
    /// Back and forward through what was selected, unless a panel took the keys for a way of its own.
    pub(super) fn travel(&mut self, ctx: &egui::Context) {
        if self.dialogs.any() || ctx.egui_wants_keyboard_input() {
            return;
        }
        for (key, command) in [(egui::Key::ArrowLeft, UiCommand::Back), (egui::Key::ArrowRight, UiCommand::Forward)] {
            if ctx.input_mut(|i| i.consume_key(egui::Modifiers::ALT, key)) {
                self.commands.send(command);
            }
        }
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
