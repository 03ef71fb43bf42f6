//! Where events leave the engine: into the run folder, and to whoever listens.
//!
//! Training never waits for a listener. While the channel is full, events wait in a backlog in which curve
//! points of one epoch melt together and only the newest progress is kept; everything else stays as it is.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Sender, TrySendError};

use super::event::{Event, Severity, Stage, Stamped, Step};
use crate::run::error::RunError;
use crate::run::folder::RunWriter;

/// Points waiting in the backlog before further ones are merged into the last.
const POINTS_BEFORE_MERGING: usize = 256;
/// Progress is told at most this often.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// What is called after each delivery, so that a window wakes up.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// The engine's mouth.
pub struct Outbox {
    to: Sender<Stamped>,
    backlog: VecDeque<Stamped>,
    wake: Waker,
    writer: Option<RunWriter>,
    last_progress: Option<Instant>,
}

impl Outbox {
    /// An outbox that talks to `to` and has no run folder yet.
    pub fn new(to: Sender<Stamped>, wake: Waker) -> Self {
        Self { to, backlog: VecDeque::new(), wake, writer: None, last_progress: None }
    }

    /// From now on, events are written to this run folder; `None` ends that.
    pub fn set_writer(&mut self, writer: Option<RunWriter>) {
        self.writer = writer;
    }

    /// The run folder being written.
    pub fn writer(&mut self) -> Option<&mut RunWriter> {
        self.writer.as_mut()
    }

    /// Writes and sends an event.
    ///
    /// # Errors
    /// When the run folder cannot be written; the event is still sent.
    pub fn emit(&mut self, event: Event) -> Result<(), RunError> {
        let (stamped, result) = match &mut self.writer {
            Some(writer) => match writer.append(event.clone()) {
                Ok(stamped) => (stamped, Ok(())),
                Err(e) => (unstamped(event), Err(e)),
            },
            None => (unstamped(event), Ok(())),
        };
        self.deliver(stamped);
        result
    }

    /// Tells how far a stage is, not more often than a reader can follow; the end is always told.
    pub fn progress(&mut self, stage: Stage, done: u64, total: u64) {
        let due = self.last_progress.is_none_or(|at| at.elapsed() >= PROGRESS_EVERY);
        if due || done == total {
            self.last_progress = Some(Instant::now());
            self.deliver(unstamped(Event::Progress { stage, done, total }));
        }
    }

    /// Tells the user something; a folder that cannot be written does not hide it.
    pub fn notice(&mut self, severity: Severity, title: &str, text: impl Into<String>) {
        let event = Event::Notice { severity, title: title.to_owned(), text: text.into() };
        if let Err(e) = self.emit(event) {
            tracing::error!("a notice could not be written to the run folder: {e}");
        }
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
        let replaced = match &stamped.event {
            Event::Progress { .. } => replace(&mut self.backlog, &stamped, |e| matches!(e, Event::Progress { .. })),
            Event::Device { .. } => replace(&mut self.backlog, &stamped, |e| matches!(e, Event::Device { .. })),
            Event::Step(step) if self.backlog.len() >= POINTS_BEFORE_MERGING => merge(&mut self.backlog, step),
            _ => false,
        };
        if !replaced {
            self.backlog.push_back(stamped);
        }
    }
}

fn unstamped(event: Event) -> Stamped {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).map(|d| d.as_secs_f64()).unwrap_or(0.0);
    Stamped { seq: 0, t: 0.0, wall, event }
}

fn replace(backlog: &mut VecDeque<Stamped>, new: &Stamped, same: impl Fn(&Event) -> bool) -> bool {
    match backlog.back_mut() {
        Some(last) if same(&last.event) => {
            *last = new.clone();
            true
        }
        _ => false,
    }
}

/// Melts a point into the newest waiting one of its epoch: losses and times become averages.
fn merge(backlog: &mut VecDeque<Stamped>, new: &Step) -> bool {
    let Some(Event::Step(last)) = backlog.back_mut().map(|s| &mut s.event) else { return false };
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
    last.merged += new.merged;
    true
}
