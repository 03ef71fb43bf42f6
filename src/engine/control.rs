//! Between two batches: what was asked meanwhile, and whether to go on.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, RecvTimeoutError, TryRecvError, select};

use super::command::Command;
use super::outbox::Outbox;

/// The commands as they arrive. Shared with the callbacks of long computations, which only look for a stop.
pub struct Control {
    from: Receiver<Command>,
    queue: Mutex<VecDeque<Command>>,
    stop: AtomicBool,
    shutdown: AtomicBool,
}

impl Control {
    /// Listens to `from`.
    pub fn new(from: Receiver<Command>) -> Self {
        Self {
            from,
            queue: Mutex::new(VecDeque::new()),
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
        let waits = self.lock().iter().any(|c| matches!(c, Command::Stop | Command::Shutdown));
        self.stop.store(waits || self.shutdown_requested(), Ordering::Relaxed);
    }

    /// Whether the thread is to end.
    pub fn shutdown_requested(&self) -> bool {
        self.shutdown.load(Ordering::Relaxed)
    }

    /// Whether a command waits to be obeyed.
    pub fn has_arrived(&self) -> bool {
        self.take_arrived();
        !self.lock().is_empty()
    }

    /// The next command that has arrived, without waiting.
    pub fn next(&self) -> Option<Command> {
        self.take_arrived();
        self.lock().pop_front()
    }

    /// Waits for the next command, delivering what is left in the outbox meanwhile.
    /// `None` when nobody can send any more.
    pub fn wait(&self, outbox: &mut Outbox) -> Option<Command> {
        loop {
            if let Some(command) = self.next() {
                return Some(command);
            }
            let received = match outbox.waiting() {
                None => self.from.recv().map(Some).map_err(|_| RecvTimeoutError::Disconnected),
                Some((to, event)) => select! {
                    recv(self.from) -> command => command.map(Some).map_err(|_| RecvTimeoutError::Disconnected),
                    send(to, event) -> _ => Ok(None),
                },
            };
            match received {
                Ok(Some(command)) => self.push(command),
                Ok(None) => outbox.sent(),
                Err(_) => return None,
            }
        }
    }

    fn take_arrived(&self) {
        loop {
            match self.from.try_recv() {
                Ok(command) => self.push(command),
                Err(TryRecvError::Empty) => return,
                // The window is gone without a word: end the run as if it had asked.
                Err(TryRecvError::Disconnected) => {
                    self.stop.store(true, Ordering::Relaxed);
                    return self.shutdown.store(true, Ordering::Relaxed);
                }
            }
        }
    }

    fn push(&self, command: Command) {
        if matches!(command, Command::Stop | Command::Shutdown) {
            self.stop.store(true, Ordering::Relaxed);
        }
        if command == Command::Shutdown {
            self.shutdown.store(true, Ordering::Relaxed);
        }
        self.lock().push_back(command);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Command>> {
        self.queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
