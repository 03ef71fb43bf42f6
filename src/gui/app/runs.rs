//! The runs that the window follows without training them: what their folders say.

use std::path::{Path, PathBuf};

use eframe::egui;

use super::App;
use crate::base::trash::Trashed;
use crate::engine::event::{Severity, Stamped};
use crate::gui::command::UiCommand;
use crate::gui::dialogs::label_run::LabelRun;
use crate::gui::dialogs::new_run::NewRun;
use crate::gui::job::Job;
use crate::gui::panels::log::LogEntry;
use crate::gui::sweeps::Launch;
use crate::gui::view_model::RunView;
use crate::gui::words::{is_active, sentence};
use crate::launch::LaunchError;
use crate::remote::address::is_remote;
use crate::run::pulse::Trainer;
use crate::run::store::{Opened, Update};

impl App {
    /// Asks for the list of runs anew.
    pub(super) fn list_runs(&mut self) {
        self.listing = Some(self.store.list());
    }

    /// The same, with the runs that lie elsewhere: those that were opened by their folder, and the marked ones.
    pub(super) fn list_elsewhere(&mut self) {
        let mut elsewhere = self.saved.opened.clone();
        let marks = &self.book.marks;
        for folder in marks.ticked.iter().chain(&marks.baseline).chain(&self.beside) {
            if !elsewhere.contains(folder) {
                elsewhere.push(folder.clone());
            }
        }
        self.listing = Some(self.store.list_also(elsewhere));
    }

    /// A run's folder as the list names it: below the folder of runs as that is named, from the root elsewhere.
    pub(super) fn named(&self, folder: &Path) -> PathBuf {
        let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        let (here, folder) = (self.library.runs_dir(), whole(folder));
        match folder.file_name() {
            Some(name) if folder.parent() == Some(&whole(here)) => here.join(name),
            _ => folder,
        }
    }

    /// Ticks a run, or takes its tick away; one that lies elsewhere is listed from now on.
    pub(super) fn tick(&mut self, folder: PathBuf) {
        let listed = self.book.row(&folder).is_some();
        self.book.tick(folder);
        if !listed {
            self.list_elsewhere();
        }
    }

    /// Reads a run, shows it, and follows it as it grows. The run of this window is there already.
    pub(super) fn open(&mut self, folder: PathBuf) {
        // Under the name that the list has for it, so that its row is lit.
        let folder = if is_remote(&folder) { folder } else { self.named(&folder) };
        if self.live.folder.as_ref() == Some(&folder) {
            return self.show_live();
        }
        if self.reach(&folder) {
            return;
        }
        self.store.follow(folder.clone());
        self.opening = Some(folder);
    }

    /// Shows the run of this window.
    pub(super) fn show_live(&mut self) {
        if let Some(folder) = self.opened.take().and_then(|view| view.folder) {
            self.let_go(&folder);
            let (title, stands) = (self.live.title.clone(), sentence(&self.live, false));
            self.say_shown(&title, &stands);
        }
        self.sent.clear();
    }

    /// The line at the foot tells of the run on screen, not of the one before.
    pub(super) fn say_shown(&mut self, title: &str, stands: &str) {
        self.log.push(LogEntry::now(Severity::Info, format!("{title} is shown"), format!("{stands}.")));
    }

    /// Follows a run no longer for the panels; the book may still want it.
    fn let_go(&mut self, folder: &Path) {
        if !self.book.holds(folder) {
            self.store.forget(folder);
        }
    }

    /// Asks for name and note of a run.
    pub(super) fn ask_label(&mut self, folder: PathBuf) {
        let label = self.book.row(&folder).map(|run| run.label.clone()).unwrap_or_default();
        let called = self.book.name(&folder);
        self.dialogs.label = Some(LabelRun::of(folder, called, label));
    }

    /// Asks for a new run with the datasets and the parameters of that one.
    pub(super) fn duplicate(&mut self, ctx: &egui::Context, folder: &Path) {
        let Some((run, params)) = self.book.row(folder).and_then(|run| Some((run, run.params.clone()?))) else {
            let words = "Its parameters are not known: its folder was not read yet, or holds none.";
            return self.notify(ctx, LogEntry::now(Severity::Warning, "The run cannot be duplicated", words), None);
        };
        let [source, target] = run.given.clone().unwrap_or_else(|| [run.source.clone(), run.target.clone()]);
        (self.saved.choice.source, self.saved.choice.target) = (source, target);
        self.draft = params;
        self.dialogs.new_run = Some(NewRun::begin());
    }

    /// Opens a run's folder in the file manager of the system.
    pub(super) fn reveal(&mut self, ctx: &egui::Context, folder: PathBuf) {
        self.revealing.start("file manager", ctx, move || {
            let program = match std::env::consts::OS {
                "macos" => "open",
                "windows" => "explorer",
                _ => "xdg-open",
            };
            let failed = |why: String| format!("{program} could not open {}: {why}", folder.display());
            let output =
                std::process::Command::new(program).arg(&folder).output().map_err(|e| failed(e.to_string()))?;
            // Explorer ends with 1 where all is well.
            let well = output.status.success() || program == "explorer";
            if well { Ok(()) } else { Err(failed(output.status.to_string())) }
        });
    }

    /// Begins a sweep, or goes on with it, as a process of its own.
    pub(super) fn begin_sweep(&mut self, ctx: &egui::Context, launch: &Launch) {
        match self.sweeps.launch(ctx, launch) {
            Ok(()) => {
                let text = "It is a process of its own: it goes on when this window is closed.";
                let title = format!("The sweep in {} runs", launch.dir.display());
                self.notify(ctx, LogEntry::now(Severity::Info, title, text), None);
            }
            Err(why) => self.notify(ctx, LogEntry::now(Severity::Error, "No sweep was begun", why), None),
        }
    }

    /// Does something with a sweep's files, off the UI thread.
    pub(super) fn with_sweep(
        &mut self,
        ctx: &egui::Context,
        failed: &'static str,
        work: impl FnOnce() -> Result<(), LaunchError> + Send + 'static,
    ) {
        let work = move || work().map_err(|error| (failed, error.to_string()));
        let mut job = Job::default();
        job.start("sweep", ctx, work);
        self.sweeping.push(job);
    }

    /// Puts a run into the trash.
    pub(super) fn discard(&mut self, ctx: &egui::Context, folder: &Path) {
        match self.trash.clone() {
            Some(home) => self.store.trash(folder, home),
            None => {
                let words = format!("No trash is known on this system; delete {} by hand.", folder.display());
                self.notify(ctx, LogEntry::now(Severity::Warning, "The run was not deleted", words), None);
            }
        }
    }

    fn on_trashed(&mut self, ctx: &egui::Context, folder: &Path, trashed: Trashed) {
        let name = self.book.name(folder);
        self.book.forget(folder);
        if self.followed(folder).is_some() {
            self.show_live();
        }
        let title = format!("{} is in the trash", name);
        let text = format!("It lies in {}.", trashed.at.display());
        let button = Some(("Put back", UiCommand::PutBack(trashed)));
        self.notify(ctx, LogEntry::now(Severity::Warning, title, text), button);
        self.list_runs();
    }

    /// Takes in what is new of the runs in their folders.
    pub(super) fn on_update(&mut self, ctx: &egui::Context, update: Update) {
        match update {
            Update::Listed { rows, asked } => {
                self.book.set_runs(rows);
                self.listing = self.listing.filter(|wanted| *wanted > asked);
            }
            Update::Opened(opened) => self.on_opened(ctx, *opened),
            Update::NotOpened { folder, why } => {
                let booked = self.book.on_not_opened(&folder);
                if self.opening.take_if(|opening| *opening == folder).is_some() {
                    self.notify(ctx, LogEntry::now(Severity::Error, "The run cannot be shown", why), None);
                } else if booked {
                    // Nobody asked for it just now: runs go, and their ticks with them.
                    self.log.push(LogEntry::now(Severity::Info, "A run is ticked no longer", why));
                }
            }
            Update::Grown { folder, events } => self.on_grown(ctx, &folder, &events),
            Update::Trainer { folder, trainer } => {
                self.book.change(&folder, |view| view.set_trainer(trainer.clone()));
                if let Some(view) = self.followed(&folder) {
                    view.set_trainer(trainer);
                    self.sent.clear();
                }
            }
            Update::Trashed { folder, trashed } => self.on_trashed(ctx, &folder, trashed),
            Update::NotDone { what, why } => {
                self.notify(ctx, LogEntry::now(Severity::Warning, what, why), None);
            }
            Update::NotPosted { request, why } => {
                self.sent.retain(|_, (sent, _)| *sent != request);
                self.notify(ctx, LogEntry::now(Severity::Warning, "The run was not reached", why), None);
            }
        }
    }

    fn followed(&mut self, folder: &Path) -> Option<&mut RunView> {
        self.opened.as_mut().filter(|view| view.folder.as_deref() == Some(folder))
    }

    fn on_opened(&mut self, ctx: &egui::Context, Opened { folder, view }: Opened) {
        let booked = self.book.on_opened(&folder, &view);
        // The run of this window under another spelling of its folder: its own engine says more than its folder.
        if view.trainer == Some(Trainer::this()) && view.run == self.live.run && is_active(&self.live) {
            self.let_go(&folder);
            self.opening = None;
            return self.show_live();
        }
        // A file that was replaced is read anew, and what is looked at stays.
        if let Some(known) = self.followed(&folder) {
            let mut view = view;
            view.keep_answers(known);
            *known = view;
        } else if self.opening.as_ref() == Some(&folder) {
            if let Some(before) = self.opened.as_ref().and_then(|view| view.folder.clone()) {
                self.let_go(&before);
            }
            self.show_run(ctx, view);
        } else if booked {
            return;
        } else {
            return self.store.forget(&folder);
        }
        self.opening = None;
    }

    fn on_grown(&mut self, ctx: &egui::Context, folder: &Path, events: &[Stamped]) {
        self.book.change(folder, |view| events.iter().for_each(|stamped| view.fold(stamped)));
        for stamped in events {
            let Some(view) = self.followed(folder) else { return };
            view.fold(stamped);
            self.settle(ctx, stamped);
        }
    }
}
