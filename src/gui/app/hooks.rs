//! What tests do to the application that no hand can.

use std::path::PathBuf;
use std::time::Duration;

use super::App;
use crate::gui::command::UiCommand;
use crate::gui::panels::Pane;
use crate::gui::panels::log::LogEntry;

impl App {
    /// Waits until datasets and runs are listed, for tests.
    pub fn wait_for_lists(&mut self, limit: Duration) {
        self.library.wait(limit);
        let ctx = self.ctx.clone();
        while self.listing.is_some()
            && let Some(update) = self.store.wait(limit)
        {
            self.on_update(&ctx, update);
        }
    }

    /// Brings a panel to the front, for tests.
    pub fn bring(&mut self, pane: Pane) {
        self.commands.send(UiCommand::ShowPane(pane));
    }

    /// Gives a panel the whole centre, for tests.
    pub fn enlarge(&mut self, pane: Pane) {
        self.alone = Some(pane);
    }

    /// Asks what becomes of the run that goes on, as closing the window does, for tests.
    pub fn ask_to_quit(&mut self) {
        self.dialogs.quit = true;
    }

    /// All messages of this session, oldest first.
    pub fn messages(&self) -> &[LogEntry] {
        self.log.entries()
    }

    /// Sweeps are run by that program, for tests.
    pub fn sweep_with(&mut self, program: PathBuf) {
        self.sweeps.run_with(program);
    }

    /// Serves studies with that program, for tests.
    pub fn serve_with(&mut self, program: PathBuf) {
        self.sweeps.serve_with(program);
    }

    /// Deletes runs into that trash, for tests.
    pub fn trash_into(&mut self, trash: PathBuf) {
        self.trash = Some(trash);
    }
}
