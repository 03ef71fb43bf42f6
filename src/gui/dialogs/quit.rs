//! Closing while a run goes on asks first.

use eframe::egui;

use super::{dialog, foot};
use crate::base::text::counted;
use crate::gui::theme::{Theme, Type};
use crate::gui::widgets::button::{ButtonLook, Push};

/// What the user answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuitAnswer {
    /// Nothing yet.
    Open,
    /// Go on training.
    Stay,
    /// Keep a checkpoint and close.
    Leave,
    /// Go on training without the window.
    Detach,
}

/// Shows the question. So many runs are `waiting` for their turn.
pub fn show(ctx: &egui::Context, sentence: &str, waiting: usize) -> QuitAnswer {
    let mut answer = QuitAnswer::Open;
    let close = dialog(ctx, "quit", "A run goes on", |ui| {
        let theme = Theme::of(ui.ctx());
        ui.label(Type::Body.text(format!("{sentence}."), theme.t1));
        let words = "Stop and close ends it after the current batch and keeps a checkpoint; Resume goes on from there. Train on without it goes on from that checkpoint in a process of its own, which the next window finds.";
        ui.label(Type::Body.text(words, theme.t2));
        if waiting > 0 {
            let runs = counted(waiting, "run waits for its turn", "runs wait for their turn");
            let words = format!("{runs}: the next window offers to begin with that.");
            ui.label(Type::Body.text(words, theme.t2));
        }
        foot(ui, |ui| {
            let stay = ui.add(Push::new("Keep training").look(ButtonLook::Primary));
            if stay.on_hover_text("The window stays open.").clicked() {
                answer = QuitAnswer::Stay;
            }
            let detach = ui.add(Push::new("Train on without it"));
            if detach.on_hover_text("Closes the window; the run goes on in the background.").clicked() {
                answer = QuitAnswer::Detach;
            }
            let leave = ui.add(Push::new("Stop and close"));
            if leave.on_hover_text("Keeps a checkpoint, then closes the window.").clicked() {
                answer = QuitAnswer::Leave;
            }
        });
    });
    if close && answer == QuitAnswer::Open { QuitAnswer::Stay } else { answer }
}
