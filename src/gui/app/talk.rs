//! Talking with the engine: what it says is taken in, and what is asked of it is sent.

use crossbeam_channel::TryRecvError;
use eframe::egui;

use super::{App, Selection};
use crate::engine::command::{Command, Request, RequestId};
use crate::engine::event::{Event, RunId, Severity, Stamped, State};
use crate::gui::command::UiCommand;
use crate::gui::fonts;
use crate::gui::panels::log::{LogEntry, entry_of};
use crate::gui::words::is_active;
use crate::run::folder::is_live_only;
use crate::run::requests::Posted;

/// Events taken in at most before the next frame is drawn: two milliseconds of work, were each a step with twenty
/// parts of the loss.
const EVENTS_A_FRAME: usize = 500;

/// Questions that may wait for their network; of older ones it is forgotten.
const CONSULTED: usize = 16;

/// Questions whose network has to be taken up first: by the request that takes it up, and whether that was refused.
#[derive(Default)]
pub(super) struct Consulted(Vec<(RequestId, RequestId, bool)>);

impl Consulted {
    fn note(&mut self, network: &RequestId, question: &RequestId) {
        self.0.push((network.clone(), question.clone(), false));
        let surplus = self.0.len().saturating_sub(CONSULTED);
        self.0.drain(..surplus);
    }

    /// Takes in a refusal; true where it says once more what was said of the network.
    fn is_told(&mut self, refused: &RequestId) -> bool {
        self.0.iter_mut().filter(|(network, ..)| network == refused).for_each(|(.., told)| *told = true);
        let question = self.0.iter().position(|(_, question, _)| question == refused);
        question.is_some_and(|at| self.0.remove(at).2)
    }
}

impl App {
    /// Takes in what the engine said.
    pub(super) fn drain(&mut self, ctx: &egui::Context) {
        for _ in 0..EVENTS_A_FRAME {
            match self.handle.events.try_recv() {
                Ok(stamped) => self.on_event(ctx, &stamped),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    if !self.gone && !self.leaving {
                        let text = "The run folder is whole. Close the window, open it again and resume the run.";
                        self.notify(ctx, LogEntry::now(Severity::Error, "The engine has ended", text), None);
                    }
                    self.gone = true;
                    return;
                }
            }
        }
        ctx.request_repaint(); // there is more
    }

    /// Takes in what the engine said of a run that it does not work on, but was asked about.
    pub(super) fn on_answer(&mut self, ctx: &egui::Context, stamped: &Stamped) {
        let shown =
            self.opened.as_mut().filter(|view| view.folder.as_deref().map(RunId::of).as_ref() == Some(&stamped.run));
        if let Some(view) = shown {
            // How far it is stands in the view of a run that it works on alone.
            if !matches!(stamped.event, Event::Progress { .. } | Event::Device { .. }) {
                view.fold(stamped);
            }
            self.settle(ctx, stamped);
        }
    }

    fn on_event(&mut self, ctx: &egui::Context, stamped: &Stamped) {
        let other = !stamped.run.is_empty() && stamped.run != self.live.run;
        if other && (is_live_only(&stamped.event) || matches!(stamped.event, Event::Refused { .. })) {
            return self.on_answer(ctx, stamped);
        }
        let starts = matches!(stamped.event, Event::Started { .. });
        if !starts && !stamped.run.is_empty() && !self.live.run.is_empty() && stamped.run != self.live.run {
            self.set_live_aside();
        }
        // A run on screen that is resumed goes on from what is known of it.
        if let Event::Started { folder, resumed: true, .. } = &stamped.event
            && let Some(opened) = self.opened.take_if(|opened| opened.folder.as_ref() == Some(folder))
        {
            self.live = opened;
            self.live.set_trainer(None);
        }
        self.live.fold(stamped);
        self.pace.choose(self.live.is_running() && self.live.device_name == "cpu", self.software);
        match &stamped.event {
            Event::Started { folder, .. } => {
                if !self.book.holds(folder) {
                    self.store.forget(folder);
                }
                if let Some(before) = self.opened.take().and_then(|view| view.folder)
                    && !self.book.holds(&before)
                {
                    self.store.forget(&before);
                }
                self.selection = Selection::default();
                self.sent.clear();
                self.list_runs();
            }
            Event::State { state: State::Done | State::Stopped | State::Failed(_), .. } => {
                self.sent.clear();
                self.list_runs();
            }
            _ => {}
        }
        self.on_progress(ctx, stamped);
        self.settle(ctx, stamped);
    }

    /// Another run than the live one is being prepared: what is on screen stays there, as a run that is over.
    fn set_live_aside(&mut self) {
        let mut before = std::mem::take(&mut self.live);
        if self.opened.is_none() && before.folder.is_some() {
            before.live = false;
            self.opened = Some(before);
        }
    }

    /// What an event means for what was sent, and for the log.
    pub(super) fn settle(&mut self, ctx: &egui::Context, stamped: &Stamped) {
        match &stamped.event {
            Event::ParamPending { key, value, .. } | Event::ParamApplied { key, new: value, .. } => {
                self.sent.retain(|sent, (_, to)| (sent, &*to) != (key, value));
            }
            Event::Accepted { request } | Event::Refused { request, .. } => {
                self.sent.retain(|_, (sent, _)| sent != request);
            }
            _ => {}
        }
        if let Event::Refused { request, .. } = &stamped.event
            && self.consulted.is_told(request)
        {
            return;
        }
        if let Some((entry, toast)) = entry_of(stamped) {
            let failed = matches!(stamped.event, Event::State { state: State::Failed(_), .. });
            if toast {
                let way_out = match self.shown().cure {
                    Some(_) => ("Take the way out", UiCommand::Cure),
                    None => ("New run…", UiCommand::NewRun),
                };
                self.notify(ctx, entry, failed.then_some(way_out));
            } else {
                fonts::want(ctx, &entry.title);
                fonts::want(ctx, &entry.text);
                self.log.push(entry);
            }
        }
    }

    /// Sends a request: to the engine of this window, or to the process that trains the run on screen.
    pub(super) fn request(&mut self, ctx: &egui::Context, request: Request) {
        if let Command::Likeness { query, hit } = request.command {
            let view = self.opened.as_mut().unwrap_or(&mut self.live);
            view.likeness_asked = Some((request.id.clone(), [query, hit]));
        }
        if let (Some(view), Some(steer)) = (&self.opened, request.command.steer())
            && let (Some(folder), Some(_)) = (&view.folder, &view.trainer)
        {
            return self.store.post(folder, Posted { id: request.id, steer });
        }
        if self.ask_elsewhere(ctx, &request) {
            return;
        }
        // While no run goes on, the network that is asked is that of the run on screen.
        let asks = matches!(request.command, Command::Rank(_) | Command::HeatMaps(_) | Command::Likeness { .. })
            && !is_active(&self.live);
        let network: Option<Request> =
            self.shown().folder.clone().filter(|_| asks).map(|folder| Command::Consult(folder).into());
        if let Some(network) = &network {
            self.consulted.note(&network.id, &request.id);
        }
        let mut sent = network.into_iter().chain([request]).map(|request| self.handle.commands.try_send(request));
        if sent.any(|sent| sent.is_err()) {
            let text = if self.gone { "It has ended." } else { "It has much to do; ask again in a moment." };
            self.notify(ctx, LogEntry::now(Severity::Warning, "The engine did not take the command", text), None);
        }
    }

    pub(super) fn command(&mut self, ctx: &egui::Context, command: Command) {
        self.request(ctx, command.into());
    }
}
