//! What other threads found: datasets, runs, sweeps, exports.

use eframe::egui;

use super::App;
use crate::engine::event::Severity;
use crate::gui::command::UiCommand;
use crate::gui::job::Job;
use crate::gui::panels::log::LogEntry;

impl App {
    /// Takes in what other threads found.
    pub(super) fn poll(&mut self, ctx: &egui::Context) {
        for warning in self.library.poll() {
            self.notify(ctx, LogEntry::now(Severity::Warning, "Datasets", warning), None);
        }
        while let Some(update) = self.store.take() {
            self.on_update(ctx, update);
        }
        self.book.sync(
            &self.store,
            self.live.folder.as_deref(),
            self.opened.as_ref().and_then(|v| v.folder.as_deref()),
        );
        for (title, text, well) in self.sweeps.poll(ctx) {
            let severity = if well { Severity::Info } else { Severity::Warning };
            self.notify(ctx, LogEntry::now(severity, title, text), None);
        }
        let done: Vec<_> = self.sweeping.iter_mut().filter_map(Job::poll).collect();
        self.sweeping.retain(Job::busy);
        for (title, why) in done.into_iter().filter_map(Result::err) {
            self.notify(ctx, LogEntry::now(Severity::Warning, title, why), None);
        }
        if let Some(Err(why)) = self.revealing.poll() {
            self.notify(ctx, LogEntry::now(Severity::Warning, "No file manager", why), None);
        }
        self.poll_example(ctx);
        self.poll_making(ctx);
        self.poll_dropped(ctx);
        self.poll_far(ctx);
        self.poll_asked(ctx);
        self.poll_queue(ctx);
        match self.exporting.poll() {
            Some(Ok((text, out))) => {
                let button = Some(("Open folder", UiCommand::RevealRun(out)));
                self.notify(ctx, LogEntry::now(Severity::Info, "Exported", text), button);
            }
            Some(Err(reason)) => self.notify(ctx, LogEntry::now(Severity::Error, "Nothing was exported", reason), None),
            None => {}
        }
        if let Some(reason) = self.exporting.take_failure() {
            self.notify(ctx, LogEntry::now(Severity::Error, "Nothing was exported", reason), None);
        }
    }
}
