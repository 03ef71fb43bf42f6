//! The engine's thread: waits for commands, carries out runs, survives their failures.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::bounded;

use super::command::{Command, Handle, RunRequest};
use super::control::Control;
use super::error::EngineError;
use super::event::{Event, ImageRef, RankQuery, Severity, State};
use super::outbox::{Outbox, Waker};
use super::session::Session;

/// Events that may wait in the channel before the outbox keeps a backlog.
const EVENTS: usize = 1024;
/// Commands that may wait; a sender meets a full channel only if the engine hangs.
const COMMANDS: usize = 256;

/// The engine: a thread that trains. Dropping it does not stop the thread; [`Engine::shut_down`] does.
pub struct Engine {
    handle: Handle,
    thread: JoinHandle<()>,
}

/// What a session needs from the outside: what is asked, and where to answer.
pub struct Link {
    /// Commands.
    pub control: Arc<Control>,
    /// Events.
    pub outbox: Outbox,
}

impl Engine {
    /// Starts the thread; `wake` is called after events were sent.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn spawn(wake: Waker) -> std::io::Result<Self> {
        let (commands, from) = bounded(COMMANDS);
        let (to, events) = bounded(EVENTS);
        let thread = std::thread::Builder::new().name("engine".to_owned()).spawn(move || {
            let mut link = Link { control: Arc::new(Control::new(from)), outbox: Outbox::new(to, wake) };
            work(&mut link);
        })?;
        Ok(Self { handle: Handle { commands, events }, thread })
    }

    /// A handle to talk to it.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Ends the thread, stopping a run with a checkpoint, and waits for that.
    pub fn shut_down(self) {
        // A failed send means that the thread has ended already.
        let _ = self.handle.commands.send(Command::Shutdown);
        // Events that nobody reads must not keep the thread from ending.
        while self.handle.events.recv().is_ok() {}
        if self.thread.join().is_err() {
            tracing::error!("the engine's thread had panicked");
        }
    }
}

fn work(link: &mut Link) {
    crate::model::device::prepare();
    // The last run stays at hand, so that its model answers queries until the next begins.
    let mut last: Option<Session> = None;
    while let Some(command) = link.control.wait(&mut link.outbox) {
        match command {
            Command::Start(request) => {
                // The earlier model goes first: two of them may not fit on the device.
                drop(last.take());
                last = carry_out(*request, link);
                link.control.clear_stop();
                link.outbox.set_writer(None);
                if link.control.shutdown_requested() {
                    return;
                }
            }
            Command::Shutdown => return,
            Command::HeatMaps(images) => answer(last.as_mut(), link, Question::HeatMaps(&images)),
            Command::Rank(query) => answer(last.as_mut(), link, Question::Rank(&query)),
            Command::Watch(images) => {
                if let Some(session) = &mut last {
                    session.watch(images);
                }
            }
            Command::Pause
            | Command::Resume
            | Command::StepBatch
            | Command::StepEpoch
            | Command::Stop
            | Command::Checkpoint
            | Command::SetParam { .. } => {
                link.outbox.notice(Severity::Info, "No run is going on", "Start one first.");
            }
        }
    }
}

/// What a model is asked while no run goes on.
#[derive(Clone, Copy)]
enum Question<'a> {
    HeatMaps(&'a [ImageRef]),
    Rank(&'a RankQuery),
}

fn answer(session: Option<&mut Session>, link: &mut Link, question: Question<'_>) {
    let (plural, failed) = match question {
        Question::HeatMaps(_) => ("Heat maps", "The heat maps could not be computed"),
        Question::Rank(_) => ("Rank lists", "The rank list could not be computed"),
    };
    let Some(session) = session else {
        let text = format!("{plural} can be computed once a run has started.");
        return link.outbox.notice(Severity::Info, "No model is loaded", text);
    };
    let result = guarded(|| match question {
        Question::HeatMaps(images) => session.answer_heat_maps(images, link),
        Question::Rank(query) => session.answer_rank(query, true, link),
    });
    if let Err(e) = result {
        link.outbox.notice(Severity::Error, failed, e.to_string());
    }
}

/// Runs to the end, whatever the end is; says which in the last `State`.
fn carry_out(request: RunRequest, link: &mut Link) -> Option<Session> {
    let mut session = None;
    let result = guarded(|| {
        let opened = session.insert(Session::open(&request, link)?);
        opened.run(link)
    });
    let epoch = session.as_ref().map_or(0, Session::epoch);
    let state = match result {
        Ok(()) => State::Done,
        Err(EngineError::Stopped) => State::Stopped,
        Err(error) => State::Failed(error.to_string()),
    };
    if let Err(e) = link.outbox.emit(Event::State { state, epoch }) {
        tracing::error!("the end of the run could not be written: {e}");
    }
    session
}

/// A panic in the engine becomes an error: the window lives on.
fn guarded<T>(work: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        let first = text.lines().next().unwrap_or(text);
        Err(EngineError::Refused(format!("something unforeseen happened in the engine ({first}); please report it")))
    })
}
