//! What a first start says.

use eframe::egui;

use super::App;
use crate::engine::event::Severity;
use crate::gui::command::{UiCommand, WorkLayout};
use crate::gui::panels::log::LogEntry;
use crate::gui::view_model::RunView;
use crate::run::example;

impl App {
    /// Says of the example that comes with the program what one can do with it.
    pub(super) fn introduce(&mut self, ctx: &egui::Context, view: &RunView) {
        if view.folder.as_deref().is_some_and(example::is_example) && !std::mem::replace(&mut self.introduced, true) {
            let text = "Drag eps under Tune and see clusters merge; F2 takes you through the method in eight steps; Start trains your own.";
            let entry = LogEntry::now(Severity::Info, "This is a finished run", text);
            self.notify(ctx, entry, Some(("Drag eps", UiCommand::Layout(WorkLayout::Tune))));
        }
    }
}
