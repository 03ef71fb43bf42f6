//! The runs that the window follows without training them: what their folders say.

use std::path::{Path, PathBuf};

use eframe::egui;

use super::App;
use crate::engine::event::{Severity, Stamped};
use crate::gui::panels::log::Entry;
use crate::gui::view_model::ViewModel;
use crate::gui::words::is_active;
use crate::run::pulse::Trainer;
use crate::run::store::{Opened, Update};

impl App {
    /// Asks for the list of runs anew.
    pub(super) fn list_runs(&mut self) {
        self.listing = Some(self.store.list());
    }

    /// Reads a run, shows it, and follows it as it grows. The run of this window is there already.
    pub(super) fn open(&mut self, folder: PathBuf) {
        if self.live.folder.as_ref() == Some(&folder) {
            return self.show_live();
        }
        self.store.follow(folder.clone());
        self.opening = Some(folder);
    }

    /// Shows the run of this window.
    pub(super) fn show_live(&mut self) {
        if let Some(folder) = self.opened.take().and_then(|view| view.folder) {
            self.store.forget(&folder);
        }
        self.sent.clear();
    }

    /// Takes in what is new of the runs in their folders.
    pub(super) fn on_update(&mut self, ctx: &egui::Context, update: Update) {
        match update {
            Update::Listed { rows, asked } => {
                self.library.set_runs(rows);
                self.listing = self.listing.filter(|wanted| *wanted > asked);
            }
            Update::Opened(opened) => self.on_opened(ctx, *opened),
            Update::NotOpened { folder, why } => {
                if self.opening.take_if(|opening| *opening == folder).is_some() {
                    self.notify(ctx, Entry::now(Severity::Error, "The run cannot be shown", why), None);
                }
            }
            Update::Grown { folder, events } => self.on_grown(ctx, &folder, &events),
            Update::Trainer { folder, trainer } => {
                if let Some(view) = self.followed(&folder) {
                    view.set_trainer(trainer);
                    self.sent.clear();
                }
            }
            Update::NotPosted { request, why } => {
                self.sent.retain(|_, (sent, _)| *sent != request);
                self.notify(ctx, Entry::now(Severity::Warning, "The run was not reached", why), None);
            }
        }
    }

    fn followed(&mut self, folder: &Path) -> Option<&mut ViewModel> {
        self.opened.as_mut().filter(|view| view.folder.as_deref() == Some(folder))
    }

    fn on_opened(&mut self, ctx: &egui::Context, Opened { folder, view }: Opened) {
        // The run of this window under another spelling of its folder: its own engine says more than its folder.
        if view.trainer == Some(Trainer::this()) && view.run == self.live.run && is_active(&self.live) {
            self.store.forget(&folder);
            self.opening = None;
            return self.show_live();
        }
        // A file that was replaced is read anew, and what is looked at stays.
        if let Some(known) = self.followed(&folder) {
            *known = view;
        } else if self.opening.as_ref() == Some(&folder) {
            if let Some(before) = self.opened.as_ref().and_then(|view| view.folder.clone()) {
                self.store.forget(&before);
            }
            self.show_run(ctx, view);
        } else {
            return self.store.forget(&folder);
        }
        self.opening = None;
    }

    fn on_grown(&mut self, ctx: &egui::Context, folder: &Path, events: &[Stamped]) {
        for stamped in events {
            let Some(view) = self.followed(folder) else { return };
            view.fold(stamped);
            self.settle(ctx, stamped);
        }
    }
}
