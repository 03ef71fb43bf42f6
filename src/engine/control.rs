//! Between two batches: what was asked meanwhile, and whether to go on.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, TryRecvError, select};

use super::command::{Command, Request, RequestId};
use super::outbox::Outbox;
use crate::run::event::Severity;
use crate::run::requests::{FoundRequests, Steer};

/// The commands as they arrive. Shared with the callbacks of long computations, which only look for a stop.
pub struct Control {
    from: Receiver<Request>,
    /// Requests that lay in the run folder.
    outside: Receiver<FoundRequests>,
    queue: Mutex<VecDeque<Request>>,
    /// What is to be answered with a word instead of being carried out.
    unwanted: Mutex<Vec<FoundRequests>>,
    /// Questions that were asked from outside and are answered there.
    questions: Mutex<Vec<RequestId>>,
    stop: AtomicBool,
    shutdown: AtomicBool,
}

impl Control {
    /// Listens to `from`, and to what comes from `outside`.
    pub fn new(from: Receiver<Request>, outside: Receiver<FoundRequests>) -> Self {
        Self {
            from,
            outside,
            queue: Mutex::new(VecDeque::new()),
            unwanted: Mutex::new(Vec::new()),
            questions: Mutex::new(Vec::new()),
            stop: AtomicBool::new(false),
            shutdown: AtomicBool::new(false),
        }
    }

    /// Whether a stop was asked for, looking at what has arrived since.
    pub fn stop_requested(&self) -> bool {
        self.take_arrived();
        self.stop.load(Ordering::Relaxed)
    }

    /// A run begins, or one has ended: a stop counts for the run that it was sent to. Only one that came after the
    /// command being carried out now, and so still waits, is meant for what follows.
    pub fn forget_stop(&self) {
        let waits = self.lock().iter().any(|r| matches!(r.command, Command::Stop | Command::Shutdown));
        self.stop.store(waits || self.shutdown_requested(), Ordering::Relaxed);
    }

    /// Whether the thread is to end.
    pub fn shutdown_requested(&self) -> bool {
        self.shutdown.load(Ordering::Relaxed)
    }

    /// Whether a command waits to be handled.
    pub fn has_arrived(&self) -> bool {
        self.take_arrived();
        !self.lock().is_empty()
    }

    /// The next command that has arrived, without waiting.
    pub fn next(&self, outbox: &mut Outbox) -> Option<Request> {
        self.take_arrived();
        for found in std::mem::take(&mut *self.unwanted.lock().unwrap_or_else(PoisonError::into_inner)) {
            match found {
                // Whoever asked has gone.
                FoundRequests::Request { request, .. } if matches!(request.steer, Steer::Ask(_)) => {}
                FoundRequests::Request { request, .. } => {
                    outbox.refuse(&request.id, "It was sent when nobody trained this run, and is not carried out now.");
                }
                FoundRequests::Rubbish(why) => outbox.notice(Severity::Warning, "A request was not understood", why),
            }
        }
        self.lock().pop_front()
    }

    /// Waits for the next command, delivering what is left in the outbox meanwhile.
    /// `None` when nobody can send any more.
    pub fn wait(&self, outbox: &mut Outbox) -> Option<Request> {
        loop {
            if let Some(request) = self.next(outbox) {
                return Some(request);
            }
            match outbox.waiting() {
                None => select! {
                    recv(self.from) -> request => self.push(request.ok()?),
                    recv(self.outside) -> found => self.push_found(found.ok()?),
                },
                Some((to, event)) => select! {
                    recv(self.from) -> request => self.push(request.ok()?),
                    recv(self.outside) -> found => self.push_found(found.ok()?),
                    send(to, event) -> _ => outbox.sent(),
                },
            }
        }
    }

    /// As [`Control::wait`], for so long at most; `None` also when nothing came.
    pub fn wait_for(&self, outbox: &mut Outbox, most: Duration) -> Option<Request> {
        if let Some(request) = self.next(outbox) {
            return Some(request);
        }
        select! {
            recv(self.from) -> request => self.push(request.ok()?),
            recv(self.outside) -> found => self.push_found(found.ok()?),
            default(most) => return None,
        }
        self.next(outbox)
    }

    /// Whether a question came from outside, where its answer is awaited; that is told once.
    pub fn was_asked_outside(&self, id: &RequestId) -> bool {
        let mut questions = self.questions.lock().unwrap_or_else(PoisonError::into_inner);
        let at = questions.iter().position(|asked| asked == id);
        at.map(|at| questions.swap_remove(at)).is_some()
    }

    fn take_arrived(&self) {
        while let Ok(found) = self.outside.try_recv() {
            self.push_found(found);
        }
        loop {
            match self.from.try_recv() {
                Ok(request) => self.push(request),
                Err(TryRecvError::Empty) => return,
                // The window is gone without a word: end the run as if it had asked.
                Err(TryRecvError::Disconnected) => {
                    self.stop.store(true, Ordering::Relaxed);
                    return self.shutdown.store(true, Ordering::Relaxed);
                }
            }
        }
    }

    fn push_found(&self, found: FoundRequests) {
        match found {
            FoundRequests::Request { request, stale: false } => {
                if matches!(request.steer, Steer::Ask(_)) {
                    self.questions.lock().unwrap_or_else(PoisonError::into_inner).push(request.id.clone());
                }
                self.push(request.into());
            }
            unwanted => self.unwanted.lock().unwrap_or_else(PoisonError::into_inner).push(unwanted),
        }
    }

    fn push(&self, request: Request) {
        if matches!(request.command, Command::Stop | Command::Shutdown) {
            self.stop.store(true, Ordering::Relaxed);
        }
        if request.command == Command::Shutdown {
            self.shutdown.store(true, Ordering::Relaxed);
        }
        self.lock().push_back(request);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Request>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
