//! Work that must not block the window: disk, dialogs of the system.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::{Receiver, TryRecvError, bounded};
use eframe::egui;

use super::pace::Pace;
use crate::base::guard::guarded;

/// How many works of a window were begun, and how many of them ended.
#[derive(Clone, Default)]
pub struct Works(Arc<[AtomicU64; 2]>);

impl Works {
    /// Those of `ctx`.
    pub fn of(ctx: &egui::Context) -> Self {
        ctx.data_mut(|data| data.get_temp_mut_or_default::<Self>(egui::Id::unique("works")).clone())
    }

    /// Begun and ended so far.
    pub fn counts(&self) -> [u64; 2] {
        [0, 1].map(|i| self.0[i].load(Ordering::SeqCst))
    }
}

/// A work under way, for as long as this lives: who waits for a whole picture waits for it. Let it go after the
/// answer was sent; that wakes the window.
pub struct Work {
    works: Works,
    ctx: egui::Context,
}

impl Work {
    /// Begins one; on the UI thread, before the thread that does it.
    pub fn begin(ctx: &egui::Context) -> Self {
        let works = Works::of(ctx);
        works.0[0].fetch_add(1, Ordering::SeqCst);
        Self { works, ctx: ctx.clone() }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.works.0[1].fetch_add(1, Ordering::SeqCst);
        Pace::of(&self.ctx).wake(&self.ctx);
    }
}

/// One piece of work on a thread of its own; its answer wakes the window.
pub struct Job<T> {
    answer: Option<Receiver<Result<T, String>>>,
    failure: Option<String>,
}

impl<T> Default for Job<T> {
    fn default() -> Self {
        Self { answer: None, failure: None }
    }
}

impl<T: Send + 'static> Job<T> {
    /// Begins `work`; an earlier one that is still under way is forgotten. A panic in it is its [`Job::failure`].
    pub fn start(&mut self, name: &str, ctx: &egui::Context, work: impl FnOnce() -> T + Send + 'static) {
        let (answer, answers) = bounded(1);
        self.failure = None;
        let what = format!("The {name}");
        let under_way = Work::begin(ctx);
        let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            // The receiver is gone when a newer job took this one's place: then nobody waits.
            let _ = answer.send(guarded(&what, work));
            drop(under_way);
        });
        match spawned {
            Ok(_) => self.answer = Some(answers),
            Err(error) => self.failure = Some(format!("No thread could be started for it: {error}.")),
        }
    }

    /// The answer, once.
    pub fn poll(&mut self) -> Option<T> {
        match self.answer.as_ref()?.try_recv() {
            Err(TryRecvError::Empty) => None,
            Ok(answer) => self.take_in(answer),
            Err(TryRecvError::Disconnected) => {
                self.answer = None;
                None
            }
        }
    }

    fn take_in(&mut self, answer: Result<T, String>) -> Option<T> {
        self.answer = None;
        answer.map_err(|why| self.failure = Some(why)).ok()
    }

    /// Why the newest work has no answer, if so: one sentence. It would fail again, so it is not begun again for the
    /// same input.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// The failure, once.
    pub fn take_failure(&mut self) -> Option<String> {
        self.failure.take()
    }

    /// Whether it is under way.
    pub fn busy(&self) -> bool {
        self.answer.is_some()
    }

    /// Waits for the answer, for tests.
    pub fn wait(&mut self, limit: std::time::Duration) -> Option<T> {
        let answer = self.answer.take()?.recv_timeout(limit).ok()?;
        self.take_in(answer)
    }
}
