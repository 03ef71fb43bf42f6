//! The run on screen: another one is shown, and the panels are given what they held of it.

use eframe::egui;

use super::App;
use crate::engine::event::{Severity, State};
use crate::gui::command::UiCommand;
use crate::gui::panels::log::LogEntry;
use crate::gui::panels::{Panels, Selection};
use crate::gui::view_model::RunView;
use crate::gui::words::sentence;

/// Runs whose zoom, filters and the like are remembered.
const VIEWS: usize = 24;

impl App {
    /// The run on screen.
    pub(super) fn shown(&self) -> &RunView {
        self.opened.as_ref().unwrap_or(&self.live)
    }

    pub(super) fn show_run(&mut self, ctx: &egui::Context, view: RunView) {
        self.selection = Selection::default();
        self.trail.clear();
        self.playing = None;
        let folder = view.folder.clone();
        self.say_shown(&view.title, &sentence(&view, false));
        if self.reopening.take_if(|reopening| Some(&*reopening) == folder.as_ref()).is_some()
            && matches!(view.state, State::Stopped | State::Failed(_))
        {
            let words = format!("{}. Resume goes on from its last checkpoint.", sentence(&view, true));
            self.notify(
                ctx,
                LogEntry::now(Severity::Info, "The run of the last session", words),
                Some(("Resume", UiCommand::Resume)),
            );
        }
        self.sent.clear();
        for notice in view.notices.iter().filter(|n| n.wall == 0.0) {
            self.toasts.push(LogEntry::of(notice), None, ctx.input(|i| i.time)); // said of the folder, not by the run
        }
        if let Some(folder) = view.folder.as_deref() {
            let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
            let here = std::path::absolute(self.library.runs_dir()).ok();
            if folder.parent() != here.as_deref() {
                self.saved.note_opened(&folder);
                self.list_elsewhere();
            }
        }
        self.introduce(ctx, &view);
        self.opened = Some(view);
    }

    /// Gives the panels what they held of the run on screen when it was there last: zoom, filters, what was opened.
    pub(super) fn turn_to_run(&mut self) {
        let Some(folder) = self.shown().folder.clone().filter(|folder| self.view_of.as_ref() != Some(folder)) else {
            return;
        };
        // The first run takes what was kept of the last session.
        let Some(before) = self.view_of.replace(folder.clone()) else { return };
        let known = self.views.iter().position(|(of, _)| *of == folder);
        let mut kept = known.map_or_else(Panels::default, |at| self.views.remove(at).1);
        self.panels.exchange(&mut kept);
        self.views.push((before, kept));
        let surplus = self.views.len().saturating_sub(VIEWS);
        self.views.drain(..surplus);
    }
}
