//! Runs on other machines: reached on a thread of their own, then followed like any other.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use eframe::egui;

use super::App;
use crate::engine::event::Severity;
use crate::gui::far;
use crate::gui::job::Job;
use crate::gui::pace::Pace;
use crate::gui::panels::log::LogEntry;
use crate::remote::address::is_remote;
use crate::remote::line::Wake;
use crate::remote::protocol::StartOrder;
use crate::remote::{Address, pool};

/// What came of an attempt.
struct Reached {
    /// What there is to show, if anything.
    folder: Option<PathBuf>,
    /// The folder of runs there.
    dir: Option<String>,
    /// Why the machine was not reached.
    why: Option<String>,
}

/// The machine that is being reached, and how the line to the run on screen was when it was last looked at.
#[derive(Default)]
pub(super) struct Reach {
    job: Job<Reached>,
    name: Option<String>,
    starting: Job<Result<String, String>>,
    last: Option<(PathBuf, bool)>,
}

impl Reach {
    /// The run that is being reached, in words.
    pub(super) fn words(&self) -> Option<String> {
        self.name.as_ref().filter(|_| self.job.busy()).map(|name| format!("reaching {name}…"))
    }
}

/// Wakes a window when a line has something new.
pub fn wake(ctx: &egui::Context) -> Wake {
    let (pace, ctx) = (Pace::of(ctx), ctx.clone());
    Arc::new(move || pace.wake(&ctx))
}

impl App {
    /// Reaches the machine on which a run lies, unless it lies here or is reached already; whether that is under way.
    pub(super) fn reach(&mut self, folder: &Path) -> bool {
        if pool::of(folder).is_some() || !(is_remote(folder) || pool::is_mirror(folder)) {
            return false;
        }
        let (given, wake) = (folder.to_owned(), wake(&self.ctx));
        self.far.name = Some(folder.display().to_string());
        self.far.job.start("line", &self.ctx, move || reached(&given, &wake));
        true
    }

    /// Takes in what came of it, and how the line to the run on screen is.
    pub(super) fn poll_far(&mut self, ctx: &egui::Context) {
        if let Some(Reached { folder, dir, why }) = self.far.job.poll() {
            if let Some(dir) = dir {
                self.saved.note_machine(&dir);
            }
            let shown = folder.is_some();
            if let Some(folder) = folder {
                self.store.follow(folder.clone());
                self.opening = Some(folder);
            }
            if let Some(why) = why {
                let (severity, title) = match shown {
                    true => (Severity::Warning, "What was mirrored earlier is shown"),
                    false => (Severity::Error, "The run was not reached"),
                };
                self.notify(ctx, LogEntry::now(severity, title, why), None);
            }
        }
        if let Some(why) = self.far.job.take_failure() {
            self.notify(ctx, LogEntry::now(Severity::Error, "The run was not reached", why), None);
        }
        match self.far.starting.poll() {
            Some(Ok(text)) => self.notify(ctx, LogEntry::now(Severity::Info, "Started there", text), None),
            Some(Err(why)) => self.notify(ctx, LogEntry::now(Severity::Error, "It was not started there", why), None),
            None => {}
        }
        self.watch_line(ctx);
    }

    /// Says when the line to the run on screen breaks, and when it is there again.
    fn watch_line(&mut self, ctx: &egui::Context) {
        let folder = self.shown().folder.clone();
        let now = far::of(folder.as_deref());
        if now.as_ref().is_some_and(|far| far.counts) {
            ctx.request_repaint_after_secs(1.0);
        }
        let now = folder.zip(now);
        let before = std::mem::replace(&mut self.far.last, now.as_ref().map(|(f, far)| (f.clone(), far.up)));
        let (Some((folder, far)), Some((then, up))) = (now, before) else { return };
        if folder != then || far.up == up {
            return;
        }
        if far.up {
            // What could not be brought meanwhile is asked for again.
            self.images.forget_failures();
            self.snapshots.forget_failures();
            self.notify(ctx, LogEntry::now(Severity::Info, "The line is there again", far.tip), None);
        } else {
            let text =
                format!("{}. The training there goes on; what is here stays. It is tried again by itself.", far.why);
            self.notify(ctx, LogEntry::now(Severity::Warning, "The line is broken", text), None);
        }
    }

    /// Goes on with a run on another machine, there; false when it lies here.
    pub(super) fn resume_there(&mut self, folder: &Path) -> bool {
        let Some(mirror) = pool::of(folder) else { return pool::is_mirror(folder) };
        self.far.starting.start("start", &self.ctx, move || {
            let order = StartOrder { resume: Some(mirror.run().to_owned()), ..StartOrder::default() };
            let (_, queued) = pool::start(mirror.line(), &order).map_err(|e| e.to_string())?;
            let words = if queued { "It goes on when the run before it has ended." } else { "It goes on in a moment." };
            Ok(words.to_owned())
        });
        true
    }
}

fn reached(given: &Path, wake: &Wake) -> Reached {
    let address: Result<Address, String> = match is_remote(given) {
        true => given.to_string_lossy().parse(),
        false => pool::origin(given).ok_or_else(|| format!("it is not known where {} came from", given.display())),
    };
    let opened = address.clone().and_then(|address| pool::open(&address, wake));
    match (opened, address) {
        (Ok(mirror), _) => Reached {
            folder: Some(mirror.folder().to_owned()),
            dir: Some(mirror.line().address().to_string()),
            why: None,
        },
        (Err(why), Ok(address)) => {
            let here = pool::folder_of(&address).ok().filter(|folder| folder.join("manifest.json").is_file());
            Reached { folder: here, dir: None, why: Some(why) }
        }
        (Err(why), Err(_)) => {
            Reached { folder: Some(given.to_owned()).filter(|f| f.is_dir()), dir: None, why: Some(why) }
        }
    }
}
