//! Runs one after another: what is being prepared, what waits, and what a run's end means for both.

use std::collections::BTreeSet;
use std::path::PathBuf;

use eframe::egui;

use super::App;
use crate::base::text::counted;
use crate::engine::command::{Command, RunRequest};
use crate::engine::event::{Event, Severity, Stamped, State};
use crate::gui::closing::ClosingCard;
use crate::gui::command::UiCommand;
use crate::gui::panels::Pane;
use crate::gui::panels::log::LogEntry;
use crate::gui::panels::preparing::Preparing;
use crate::gui::words::is_active;
use crate::study::diagnosis::{Ailment, Remedy, diagnoses};
use crate::study::estimate;

/// What was said of the run that goes on.
#[derive(Debug, Default)]
pub(super) struct ToldAilments(BTreeSet<Ailment>);

impl App {
    /// Begins a run, and shows what its preparation does.
    pub(super) fn start(&mut self, ctx: &egui::Context, request: Box<RunRequest>) {
        self.closing = None;
        self.preparing = Some(Preparing::of(&request, self.library.datasets()));
        self.command(ctx, Command::Start(request));
    }

    /// Puts a run at the end of those that wait; it begins at once where none goes on.
    pub(super) fn queue_run(&mut self, ctx: &egui::Context, request: RunRequest) {
        if !is_active(&self.live) && self.queue.runs().is_empty() {
            return self.start(ctx, Box::new(request));
        }
        let place = self.queue.push(request);
        let text = match place {
            1 => "It begins when the run that goes on has ended.".to_owned(),
            n => format!("It begins after {} others.", n),
        };
        self.notify(ctx, LogEntry::now(Severity::Info, "The run waits for its turn", text), None);
    }

    /// Begins the next of the runs that wait.
    pub(super) fn start_queued(&mut self, ctx: &egui::Context) {
        match self.queue.take_next() {
            Some(request) => self.start(ctx, Box::new(request)),
            None => {
                let words = "No run waits for its turn.";
                self.notify(ctx, LogEntry::now(Severity::Info, "Nothing to do", words), None);
            }
        }
    }

    /// Keeps the runs that wait in that folder, and offers those that an earlier window left there.
    pub fn keep_queue_in(&mut self, folder: PathBuf) {
        let ctx = self.ctx.clone();
        if let Err(why) = self.keeper.begin(&ctx, folder) {
            self.notify(&ctx, LogEntry::now(Severity::Warning, "Runs that wait are not kept", why), None);
        }
    }

    /// Takes in what an earlier window left, and has what waits written.
    pub(super) fn poll_queue(&mut self, ctx: &egui::Context) {
        if let Some(left) = self.keeper.left() {
            for why in left.unread {
                let title = "Runs that waited could not be read";
                self.notify(ctx, LogEntry::now(Severity::Warning, title, why), None);
            }
            if !left.runs.is_empty() {
                for run in left.runs {
                    if !self.queue.wants(&run.out) {
                        self.queue.push(run);
                    }
                }
                self.queue.hold();
                self.waited = true;
            }
        }
        if let Some(why) = self.keeper.keep(ctx, &self.queue) {
            self.notify(ctx, LogEntry::now(Severity::Warning, "Runs that wait are not kept", why), None);
        }
    }

    /// What an event of the run of this window means for what is prepared, what waits, and what is said of it.
    pub(super) fn on_progress(&mut self, ctx: &egui::Context, stamped: &Stamped) {
        match &stamped.event {
            Event::Started { .. } => {
                self.preparing = None;
                self.told = ToldAilments::default();
            }
            Event::Refused { .. } if self.live.state != State::Preparing => self.preparing = None,
            Event::Clustered { .. } | Event::Evaluated { .. } => self.diagnose(ctx),
            Event::EpochDone { .. } => self.note_pace(),
            Event::State { state, .. } => self.on_state(ctx, state),
            _ => {}
        }
    }

    fn on_state(&mut self, ctx: &egui::Context, state: &State) {
        match state {
            State::Done | State::Failed(_) => {
                self.preparing = None;
                self.note_pace();
                if *state == State::Done {
                    self.closing = Some(ClosingCard::of(&self.live));
                }
                match self.queue.runs().len() {
                    0 => {}
                    _ if self.leaving => {}
                    waiting if self.queue.is_held() => {
                        let title = counted(waiting, "run waits", "runs wait");
                        let text = "They wait for a hand: a run was stopped by hand, or the window was closed.";
                        let button = Some(("Start the next", UiCommand::StartQueued));
                        self.notify(ctx, LogEntry::now(Severity::Info, title, text), button);
                    }
                    _ => self.commands.send(UiCommand::StartQueued),
                }
            }
            State::Stopped => {
                self.preparing = None;
                self.note_pace();
                self.queue.hold();
                let waiting = self.queue.runs().len();
                if waiting > 0 && !self.leaving {
                    let title = counted(waiting, "run waits", "runs wait");
                    let text = "The run before was stopped by hand, so the next one waits for a hand, too.";
                    let button = Some(("Start the next", UiCommand::StartQueued));
                    self.notify(ctx, LogEntry::now(Severity::Warning, title, text), button);
                }
            }
            _ => {}
        }
    }

    /// Says what is wrong with the run that goes on, once, with the button that mends it.
    fn diagnose(&mut self, ctx: &egui::Context) {
        for found in diagnoses(&self.live) {
            if found.ailment == Ailment::NoTruth && !self.saved.truth || !self.told.0.insert(found.ailment) {
                continue;
            }
            let button = match &found.remedy {
                Remedy::Set { changes, .. } => UiCommand::Mend(changes.clone()),
                Remedy::NewRun => UiCommand::NewRun,
                Remedy::LabelFree => UiCommand::ShowPane(Pane::Clusters),
            };
            let words = found.remedy.words().to_owned();
            let entry = LogEntry::now(Severity::Warning, found.title, found.text);
            self.notify_with(ctx, entry, Some((words, button)));
        }
    }

    /// Remembers how fast the device has been seen to work.
    pub(super) fn note_pace(&mut self) {
        if let Some(pace) = estimate::measured(&self.live) {
            self.saved.paces.insert(self.live.device_name.clone(), pace);
        }
    }
}
