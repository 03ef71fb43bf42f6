//! Work that must not block the window: disk, dialogs of the system.

use crossbeam_channel::{Receiver, TryRecvError, bounded};
use eframe::egui;

/// One piece of work on a thread of its own; its answer wakes the window.
pub struct Job<T>(Option<Receiver<T>>);

impl<T> Default for Job<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Send + 'static> Job<T> {
    /// Begins `work`; an earlier one that is still under way is forgotten.
    pub fn start(&mut self, name: &str, ctx: &egui::Context, work: impl FnOnce() -> T + Send + 'static) {
        let (answer, answers) = bounded(1);
        let ctx = ctx.clone();
        let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            // The receiver is gone when a newer job took this one's place: then nobody waits.
            if answer.send(work()).is_ok() {
                ctx.request_repaint();
            }
        });
        match spawned {
            Ok(_) => self.0 = Some(answers),
            Err(error) => tracing::error!(%error, name, "no thread could be started"),
        }
    }

    /// The answer, once.
    pub fn poll(&mut self) -> Option<T> {
        match self.0.as_ref()?.try_recv() {
            Ok(answer) => {
                self.0 = None;
                Some(answer)
            }
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                self.0 = None;
                None
            }
        }
    }

    /// Whether it is under way.
    pub fn busy(&self) -> bool {
        self.0.is_some()
    }

    /// Waits for the answer, for tests.
    pub fn wait(&mut self, limit: std::time::Duration) -> Option<T> {
        self.0.take()?.recv_timeout(limit).ok()
    }
}
