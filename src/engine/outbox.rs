//! Where events leave the engine: into the run folder, and to whoever listens.
//!
//! Training never waits for a listener. While the channel is full, events wait in a backlog in which curve points of
//! one epoch melt together and only the newest progress of a stage, memory in use and attention maps are kept, wherever
//! they stand; everything else, a few events an epoch, stays as it is.

use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Sender, TrySendError};

use super::command::{RequestId, Waker};
use super::event::{Event, RunId, Severity, Stage, Stamped, State, Step};
use crate::run::error::RunError;
use crate::run::folder::{RunWriter, is_live_only};
use crate::run::questions;
use crate::run::requests::{FoundRequests, Listener};

/// Events waiting in the backlog before further points are merged into the last of their epoch.
const BEFORE_MERGING: usize = 256;
/// Progress is told at most this often.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Writes the engine's events and sends them.
pub struct Outbox {
    to: Sender<Stamped>,
    backlog: VecDeque<Stamped>,
    wake: Waker,
    run: RunId,
    writer: Option<RunWriter>,
    /// Events that the disk has not taken, in order; they are told once it has.
    unwritten: VecDeque<Event>,
    /// Where requests from outside go, and who looks for them while a run folder is written.
    requests: Option<Sender<FoundRequests>>,
    listener: Option<Listener>,
    last_progress: Option<Instant>,
}

impl Outbox {
    /// An outbox that talks to `to` and has no run folder yet.
    pub fn new(to: Sender<Stamped>, wake: Waker) -> Self {
        Self {
            to,
            backlog: VecDeque::new(),
            wake,
            run: RunId::default(),
            writer: None,
            unwritten: VecDeque::new(),
            requests: None,
            listener: None,
            last_progress: None,
        }
    }

    /// Requests that lie in the run folder go there, as long as one is written.
    pub fn set_requests(&mut self, to: Sender<FoundRequests>) {
        self.requests = Some(to);
    }

    /// What is told from now on is told of that run, also before its folder can be written.
    pub fn set_run(&mut self, run: RunId) {
        self.run = run;
    }

    /// From now on, events are written to this run folder, and it is listened to; `None` ends that.
    pub fn set_writer(&mut self, writer: Option<RunWriter>) {
        self.listener = None;
        // What could not be written is told at least.
        while let Some(event) = self.unwritten.pop_front() {
            self.deliver(self.unstamped(event));
        }
        if let (Some(writer), Some(to)) = (&writer, &self.requests) {
            questions::tidy(writer.dir());
            match Listener::start(writer.dir(), to.clone()) {
                Ok(listener) => self.listener = Some(listener),
                Err(error) => tracing::warn!(%error, "requests from outside are not heard"),
            }
        }
        self.writer = writer;
    }

    /// The run folder being written.
    pub fn writer(&mut self) -> Option<&mut RunWriter> {
        self.writer.as_mut()
    }

    /// Writes and sends an event. One that the disk does not take waits, and those after it: see [`Outbox::owes`].
    ///
    /// # Errors
    /// When the run folder is gone or damaged; the event is still sent.
    pub fn emit(&mut self, event: Event) -> Result<(), RunError> {
        let at_once = match &mut self.writer {
            Some(writer) if is_live_only(&event) => Some(writer.append(event.clone())?),
            Some(_) => None,
            None => Some(self.unstamped(event.clone())),
        };
        if let Some(stamped) = at_once {
            self.deliver(stamped);
            return Ok(());
        }
        self.unwritten.push_back(event);
        self.write_owed()
    }

    /// Whether events wait for the disk to take them: the run should wait, too, lest more and more of them do.
    pub fn owes(&self) -> bool {
        !self.unwritten.is_empty()
    }

    /// Writes the events that wait, as far as the disk takes them.
    ///
    /// # Errors
    /// When the run folder is gone or damaged.
    pub fn write_owed(&mut self) -> Result<(), RunError> {
        while let (Some(writer), Some(event)) = (&mut self.writer, self.unwritten.front()) {
            match writer.append(event.clone()) {
                Ok(stamped) => {
                    self.unwritten.pop_front();
                    if matches!(
                        &stamped.event,
                        Event::State { state: State::Done | State::Stopped | State::Failed(_), .. }
                    ) {
                        // Whoever hears of the end finds the folder free, to go on with the run for example.
                        (self.writer, self.listener) = (None, None);
                    }
                    self.deliver(stamped);
                }
                Err(RunError::Io { source, .. }) => {
                    tracing::debug!("an event waits for the disk: {source}");
                    return Ok(());
                }
                Err(e) => {
                    if let Some(event) = self.unwritten.pop_front() {
                        self.deliver(self.unstamped(event));
                    }
                    return Err(e);
                }
            }
        }
        Ok(())
    }

    /// Tells the user something at once, also while events wait for the disk; it is not written.
    pub fn notice_at_once(&mut self, severity: Severity, title: &str, text: impl Into<String>) {
        let event = Event::Notice { severity, title: title.to_owned(), text: text.into() };
        self.deliver(self.unstamped(event));
    }

    /// Tells how far a stage is, not more often than a reader can follow; the end is always told.
    pub fn progress(&mut self, stage: Stage, done: u64, total: u64) {
        let due = self.last_progress.is_none_or(|at| at.elapsed() >= PROGRESS_EVERY);
        if due || done == total {
            self.last_progress = Some(Instant::now());
            self.deliver(self.unstamped(Event::Progress { stage, done, total }));
        }
    }

    /// Tells the user something; a folder that cannot be written does not hide it.
    pub fn notice(&mut self, severity: Severity, title: &str, text: impl Into<String>) {
        let event = Event::Notice { severity, title: title.to_owned(), text: text.into() };
        if let Err(e) = self.emit(event) {
            tracing::error!("a notice could not be written to the run folder: {e}");
        }
    }

    /// Says that a request was carried out, or will be at its moment.
    pub fn accept(&mut self, request: &RequestId) {
        self.answer(Event::Accepted { request: request.clone() });
    }

    /// Says why a request is not carried out; a full sentence or two.
    pub fn refuse(&mut self, request: &RequestId, why: impl Into<String>) {
        self.answer(Event::Refused { request: request.clone(), why: why.into() });
    }

    fn answer(&mut self, event: Event) {
        if let Err(e) = self.emit(event) {
            tracing::error!("an answer could not be written to the run folder: {e}");
        }
    }

    fn unstamped(&self, event: Event) -> Stamped {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map(|d| d.as_secs_f64()).unwrap_or(0.0);
        Stamped { run: self.run.clone(), seq: 0, t: 0.0, wall, event }
    }

    /// Events that wait for the listener.
    pub fn backlog(&self) -> usize {
        self.backlog.len()
    }

    /// The next event to send and the channel, when some wait: for a `select!` while the engine is idle.
    pub fn waiting(&self) -> Option<(&Sender<Stamped>, Stamped)> {
        self.backlog.front().map(|event| (&self.to, event.clone()))
    }

    /// The event of [`Outbox::waiting`] was sent.
    pub fn sent(&mut self) {
        self.backlog.pop_front();
        (self.wake)();
    }

    fn deliver(&mut self, stamped: Stamped) {
        self.backlog_push(stamped);
        while let Some(front) = self.backlog.pop_front() {
            match self.to.try_send(front) {
                Ok(()) => {}
                Err(TrySendError::Full(front)) => {
                    self.backlog.push_front(front);
                    break;
                }
                Err(TrySendError::Disconnected(_)) => self.backlog.clear(),
            }
        }
        (self.wake)();
    }

    fn backlog_push(&mut self, stamped: Stamped) {
        let same: Option<fn(&Event, &Event) -> bool> = match &stamped.event {
            Event::Progress { .. } => Some(
                |a, b| matches!((a, b), (Event::Progress { stage: a, .. }, Event::Progress { stage: b, .. }) if a == b),
            ),
            Event::Device { .. } => Some(|a, _| matches!(a, Event::Device { .. })),
            Event::HeatMaps { .. } => Some(|a, _| matches!(a, Event::HeatMaps { .. })),
            Event::SourceBatch(_) => Some(|a, _| matches!(a, Event::SourceBatch(_))),
            Event::Step(step) => {
                if self.backlog.len() >= BEFORE_MERGING && merge(&mut self.backlog, step) {
                    return;
                }
                None
            }
            _ => None,
        };
        if let Some(same) = same
            && let Some(at) = self.backlog.iter().rposition(|known| same(&known.event, &stamped.event))
        {
            self.backlog.remove(at);
        }
        self.backlog.push_back(stamped);
    }
}

/// Melts a point into the newest waiting one of its epoch: losses and times become averages.
fn merge(backlog: &mut VecDeque<Stamped>, new: &Step) -> bool {
    let newest =
        backlog.iter_mut().rev().find_map(|s| if let Event::Step(step) = &mut s.event { Some(step) } else { None });
    let Some(last) = newest else { return false };
    if last.phase != new.phase || last.epoch != new.epoch || last.parts.len() != new.parts.len() {
        return false;
    }
    let (a, b) = (f64::from(last.merged), f64::from(new.merged));
    let mean = |x: f64, y: f64| (x * a + y * b) / (a + b);
    last.loss = mean(last.loss, new.loss);
    for (part, other) in last.parts.iter_mut().zip(&new.parts) {
        part.1 = mean(part.1, other.1);
    }
    last.seconds = mean(last.seconds, new.seconds);
    last.waited = mean(last.waited, new.waited);
    (last.iter, last.step, last.lr) = (new.iter, new.step, new.lr);
    last.merged = last.merged.saturating_add(new.merged);
    true
}
