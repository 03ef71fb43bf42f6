//! The engine's thread: waits for commands, carries out runs, survives their failures.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::bounded;

use super::command::{Command, Handle, Request, RequestId, RunRequest, Waker};
use super::control::Control;
use super::error::EngineError;
use super::event::{Event, ImageRef, RankQuery, RunId, State};
use super::link::Link;
use super::open::{consult, open};
use super::outbox::Outbox;
use super::rehearsal::Rehearsal;
use super::training::Training;
use crate::model::error::ModelError;

/// Events that may wait in the channel before the outbox keeps a backlog.
const EVENTS: usize = 1024;
/// Commands that may wait; a sender meets a full channel only if the engine hangs.
const COMMANDS: usize = 256;

/// The engine: a thread that trains. Dropping it does not stop the thread; [`Engine::shut_down`] does.
pub struct Engine {
    handle: Handle,
    thread: JoinHandle<()>,
    fault: Arc<AtomicU8>,
}

/// Whose fault it was that the last run failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Fault {
    /// It has not failed.
    None = 0,
    /// The request's: a value, a dataset, a file. Exit code 2 on the command line.
    Input = 1,
    /// The disk's, the device's, the training's, or this program's. Exit code 1.
    Run = 2,
}

impl Engine {
    /// Starts the thread; `wake` is called after events were sent.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn spawn(wake: Waker) -> std::io::Result<Self> {
        Self::rehearsing(wake, Rehearsal::default())
    }

    /// As [`Engine::spawn`], with faults to be played.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn rehearsing(wake: Waker, rehearsal: Rehearsal) -> std::io::Result<Self> {
        let (commands, from) = bounded(COMMANDS);
        let (to, events) = bounded(EVENTS);
        let fault = Arc::new(AtomicU8::new(Fault::None as u8));
        let shared = Arc::clone(&fault);
        let thread = std::thread::Builder::new().name("engine".to_owned()).spawn(move || {
            let (found, outside) = bounded(COMMANDS);
            let control = Arc::new(Control::new(from, outside));
            let mut link = Link { control, outbox: Outbox::new(to, wake), rehearsal };
            link.outbox.set_requests(found);
            work(&mut link, &shared);
        })?;
        Ok(Self { handle: Handle { commands, events }, thread, fault })
    }

    /// Whose fault it was that the last run failed; known once its last state has been said.
    pub fn fault(&self) -> Fault {
        match self.fault.load(Ordering::Acquire) {
            0 => Fault::None,
            1 => Fault::Input,
            _ => Fault::Run,
        }
    }

    /// A handle to talk to it.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Ends the thread, stopping a run with a checkpoint, and waits for that.
    pub fn shut_down(self) {
        // A failed send means that the thread has ended already.
        let _ = self.handle.commands.send(Command::Shutdown.into());
        // Events that nobody reads must not keep the thread from ending.
        while self.handle.events.recv().is_ok() {}
        if self.thread.join().is_err() {
            tracing::error!("the engine's thread had panicked");
        }
    }
}

fn work(link: &mut Link, fault: &AtomicU8) {
    crate::model::device::prepare();
    // The last run stays at hand, so that its model answers queries until the next begins.
    let mut last: Option<Training> = None;
    while let Some(Request { id, command }) = link.control.wait(&mut link.outbox) {
        match command {
            Command::Start(request) => {
                // The earlier model goes first: two of them may not fit on the device.
                drop(last.take());
                link.control.forget_stop();
                link.outbox.set_run(RunId::of(&request.out));
                last = carry_out(*request, link, fault);
                link.control.forget_stop();
                link.outbox.set_writer(None);
                if link.control.shutdown_requested() {
                    return;
                }
            }
            Command::Shutdown => return,
            Command::Consult(folder) => {
                if last.as_ref().is_some_and(|last| last.session.folder == folder) {
                    continue;
                }
                drop(last.take());
                link.control.forget_stop();
                link.outbox.set_run(RunId::of(&folder));
                match guarded(|| consult(&folder, link)) {
                    Ok(training) => last = Some(training),
                    Err(e) => link.outbox.refuse(&id, format!("The network of this run cannot be asked: {e}")),
                }
            }
            Command::HeatMaps(images) => answer(last.as_mut(), &id, link, Question::HeatMaps(&images)),
            Command::Likeness { query, hit } => answer(last.as_mut(), &id, link, Question::Likeness([query, hit])),
            Command::Rank(query) => answer(last.as_mut(), &id, link, Question::Rank(&query)),
            Command::Watch(images) => {
                if let Some(last) = &mut last {
                    last.session.watch(images);
                }
            }
            // It came too late for the run that it was meant for, which has ended anyway.
            Command::Stop => link.control.forget_stop(),
            Command::Pause
            | Command::Resume
            | Command::StepBatch
            | Command::StepEpoch
            | Command::Checkpoint
            | Command::SetParam { .. }
            | Command::Hand(_)
            | Command::UndoHand => {
                link.outbox.refuse(&id, "No run is going on; start one first.");
            }
        }
    }
}

/// What a model is asked while no run goes on.
#[derive(Clone, Copy)]
enum Question<'a> {
    HeatMaps(&'a [ImageRef]),
    Rank(&'a RankQuery),
    Likeness([ImageRef; 2]),
}

fn answer(last: Option<&mut Training>, id: &RequestId, link: &mut Link, question: Question<'_>) {
    let (plural, failed) = match question {
        Question::HeatMaps(_) => ("heat maps", "The heat maps could not be computed"),
        Question::Likeness(_) => ("similarities", "The similarity could not be taken apart"),
        Question::Rank(_) => ("rank lists", "The rank list could not be computed"),
    };
    let Some(Training { session, .. }) = last else {
        return link.outbox.refuse(id, format!("No model is loaded: {plural} can be computed once a run has started."));
    };
    let result = guarded(|| match question {
        Question::HeatMaps(images) => session.answer_heat_maps(images, id, link),
        Question::Likeness(pair) => session.answer_likeness(pair, id, link),
        Question::Rank(query) => session.answer_rank(query, id, true, link),
    });
    if let Err(e) = result {
        link.outbox.refuse(id, format!("{failed}: {e}"));
    }
}

/// Runs to the end, whatever the end is; says which in the last `State`.
fn carry_out(request: RunRequest, link: &mut Link, fault: &AtomicU8) -> Option<Training> {
    let mut training = None;
    let result = guarded(|| {
        let opened = training.insert(open(&request, link)?);
        opened.run(link)
    });
    let epoch = training.as_ref().map_or(0, |t: &Training| t.session.epoch());
    let whose = match &result {
        Ok(()) | Err(EngineError::Stopped) => Fault::None,
        Err(error) if error.is_bad_input() => Fault::Input,
        Err(_) => Fault::Run,
    };
    fault.store(whose as u8, Ordering::Release);
    if let (Err(error), Some(training)) = (&result, &training)
        && let Some(cure) = super::cure::of(error, &training.session)
        && let Err(e) = link.outbox.emit(Event::Cure(cure))
    {
        tracing::error!("the way out of a failure could not be written: {e}");
    }
    let state = match result {
        Ok(()) => State::Done,
        Err(EngineError::Stopped) => State::Stopped,
        Err(error) => State::Failed(error.to_string()),
    };
    if let Err(e) = link.outbox.emit(Event::State { state, epoch }) {
        tracing::error!("the end of the run could not be written: {e}");
    }
    training
}

/// A panic in the engine becomes an error: the window lives on.
fn guarded<T>(work: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        // An operation without a `Result` of its own panics where memory runs out: that is told, and mended, all the same.
        if let memory @ ModelError::OutOfMemory(_) = ModelError::from_text(text) {
            return Err(memory.into());
        }
        let first = text.lines().next().unwrap_or(text);
        Err(EngineError::Internal(format!("something unforeseen happened in the engine ({first})")))
    })
}
