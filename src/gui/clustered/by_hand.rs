//! What people say of single images, as entries of a menu: one person, two people, left out; and taking it back.

use eframe::egui::{Popup, Ui};

use crate::engine::command::{Command, Request};
use crate::gui::command::UiCommand;
use crate::gui::panels::{Applies, PanelCtx};
use crate::gui::plot::ticks;
use crate::gui::theme::Type;
use crate::gui::widgets::button::{ButtonLook, Push};
use crate::method::hand::HandEdit;

/// Why nothing can be said.
const REST: &str = "A run takes this while it goes on, paused or not; it counts from its next clustering.";

fn ask(cx: &PanelCtx<'_>, command: Command) {
    cx.send(UiCommand::Engine(Request::from(command)));
}

/// A button that opens the entries for these images.
pub fn button(ui: &mut Ui, cx: &PanelCtx<'_>, images: &[u32]) {
    let response = ui.add(Push::new("By hand").look(ButtonLook::Flat).small());
    let response = response.on_hover_text("Say that these images are one person or two, or leave them out.");
    Popup::menu(&response).show(|ui| entries(ui, cx, images));
}

/// The entries for these images.
pub fn entries(ui: &mut Ui, cx: &PanelCtx<'_>, images: &[u32]) {
    let on = cx.applies == Applies::ToRun;
    let counted = ticks::counted(images.len(), "image", "images");
    let mut choices = Vec::new();
    if images.len() > 1 {
        let tip = "They share their label at every radius, from the next clustering on.";
        choices.push(("One person", tip, Command::Hand(HandEdit::MustLink(images.to_vec()))));
    }
    if let &[a, b] = images {
        let tip = "They share no cluster at any radius, from the next clustering on.";
        choices.push(("Two people", tip, Command::Hand(HandEdit::CannotLink(a, b))));
    }
    if !images.is_empty() {
        let tip = "In no cluster and in no batch, from the next clustering on.";
        choices.push(("Leave out", tip, Command::Hand(HandEdit::Exclude(images.to_vec()))));
    }
    ui.label(Type::Small.text(&counted, cx.theme.t3));
    for (words, tip, command) in choices {
        let tip =
            if on { format!("{tip} The run is then no longer unsupervised, and says so.") } else { REST.to_owned() };
        let response = ui.add_enabled(on, eframe::egui::Button::new(words));
        if response.on_hover_text(&tip).on_disabled_hover_text(&tip).clicked() {
            ask(cx, command);
            ui.close();
        }
    }
    if let Some(last) = cx.view.hand.edits.last() {
        let words = format!("Take back: {}", last.words());
        let response = ui.add_enabled(on, eframe::egui::Button::new(words));
        if response.on_hover_text("It no longer counts, from the next clustering on.").clicked() {
            ask(cx, Command::UndoHand);
            ui.close();
        }
    }
    if !on {
        ui.label(Type::Small.text(REST, cx.theme.t3));
    }
}
