//! What is wrong with something typed, looked up on disk off the window's thread as it changes.

use eframe::egui;

use crate::gui::job::Job;

/// The answer for what was typed last.
pub struct Probe<T> {
    of: Option<String>,
    job: Job<T>,
    found: Option<T>,
}

impl<T> Default for Probe<T> {
    fn default() -> Self {
        Self { of: None, job: Job::default(), found: None }
    }
}

impl<T: Send + 'static> Probe<T> {
    /// What `look` found for `typed`; `None` while it is looking. It is asked once for each text.
    pub fn get(&mut self, ctx: &egui::Context, typed: &str, look: impl FnOnce() -> T + Send + 'static) -> Option<&T> {
        if self.of.as_deref() != Some(typed) {
            self.of = Some(typed.to_owned());
            self.found = None;
            self.job.start("look", ctx, look);
        }
        if let Some(found) = self.job.poll() {
            self.found = Some(found);
        }
        self.found.as_ref()
    }

    /// Whether it was that text that was looked up last.
    pub fn is_of(&self, typed: &str) -> bool {
        self.of.as_deref() == Some(typed)
    }

    /// What was found for what was typed last.
    pub fn last(&self) -> Option<&T> {
        self.found.as_ref()
    }
}
