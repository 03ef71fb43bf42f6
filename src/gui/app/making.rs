//! Runs that are being made of features: the second example, and files that were dropped on the window.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use eframe::egui;

use super::App;
use crate::base::{dirs, time};
use crate::engine::event::Severity;
use crate::gui::command::{UiCommand, WorkLayout};
use crate::gui::features::{FeatureRuns, NoFeatureRuns};
use crate::gui::job::Job;
use crate::gui::panels::log::LogEntry;

/// Between two frames that show how far it is.
const LOOK: Duration = Duration::from_millis(150);

/// A run that is being made.
pub(super) struct Making {
    with: Arc<dyn FeatureRuns>,
    job: Job<Result<PathBuf, String>>,
    /// What it is made of.
    of: String,
    /// How far it is, in thousandths.
    far: Arc<AtomicU64>,
    /// Becomes false with the window: what is half made is then given up, and removed.
    goes_on: Arc<AtomicBool>,
}

impl Default for Making {
    fn default() -> Self {
        Self {
            with: Arc::new(NoFeatureRuns),
            job: Job::default(),
            of: String::new(),
            far: Arc::default(),
            goes_on: Arc::new(AtomicBool::new(true)),
        }
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        self.goes_on.store(false, Ordering::SeqCst);
    }
}

impl Making {
    /// What is under way, in words.
    pub(super) fn words(&self) -> Option<String> {
        let percent = self.far.load(Ordering::Relaxed) / 10;
        self.job.busy().then(|| format!("clustering {}… {percent} %", self.of))
    }

    /// Who makes them.
    pub(super) fn with(&self) -> Arc<dyn FeatureRuns> {
        Arc::clone(&self.with)
    }
}

impl App {
    /// The same, which makes runs of features by these means.
    pub fn making(mut self, with: Arc<dyn FeatureRuns>) -> Self {
        self.making.with = with;
        self
    }

    /// Shows the features that are made by the program itself; on first use they are made.
    pub(super) fn open_made(&mut self, ctx: &egui::Context) {
        let Some(data) = dirs::data() else {
            let words = "The system names no folder for data; set REID_DATA_DIR.";
            return self.notify(ctx, LogEntry::now(Severity::Error, "Nothing was made", words), None);
        };
        self.make(ctx, "features of Market-1501's size", move |with, tick| with.example(&data, tick));
    }

    /// Clusters the features of a file with the next run's parameters, as a new run beside the others.
    pub(super) fn cluster_file(&mut self, ctx: &egui::Context, file: &Path) {
        let name = file.file_stem().map_or_else(|| "features".into(), |stem| stem.to_string_lossy());
        let out = self.library.runs_dir().join(format!("{}_{name}", time::stamp(time::now())));
        let (file, params) = (file.to_owned(), self.draft.clone());
        let of = format!("the features of {name}");
        self.make(ctx, &of, move |with, tick| with.cluster(&file, &out, &params, tick).map(|()| out));
    }

    fn make(
        &mut self,
        ctx: &egui::Context,
        of: &str,
        work: impl FnOnce(&dyn FeatureRuns, &(dyn Fn(u64, u64) -> bool + Sync)) -> Result<PathBuf, String> + Send + 'static,
    ) {
        if let Some(words) = self.making.words() {
            let title = "One run is made of features already";
            return self.notify(ctx, LogEntry::now(Severity::Warning, title, format!("Wait for it: {words}.")), None);
        }
        let (with, far, goes_on) = (self.making.with(), Arc::default(), Arc::clone(&self.making.goes_on));
        (self.making.of, self.making.far) = (of.to_owned(), Arc::clone(&far));
        self.making.job.start("run of features", ctx, move || {
            let tick = |done: u64, total: u64| {
                far.fetch_max(1000 * done / total.max(1), Ordering::Relaxed);
                goes_on.load(Ordering::SeqCst)
            };
            work(&*with, &tick)
        });
    }

    /// Shows the run once it is there.
    pub(super) fn poll_making(&mut self, ctx: &egui::Context) {
        let answer = self.making.job.poll();
        let failed = self.making.job.take_failure();
        match answer {
            Some(Ok(folder)) => {
                self.open(folder);
                // Half of Research has nothing to show of a run without training.
                if self.saved.layout == WorkLayout::Research {
                    self.commands.send(UiCommand::Layout(WorkLayout::Tune));
                }
                self.list_runs();
            }
            Some(Err(why)) => self.notify(ctx, LogEntry::now(Severity::Error, "Nothing was made", why), None),
            None => {}
        }
        if let Some(why) = failed {
            self.notify(ctx, LogEntry::now(Severity::Error, "Nothing was made", why), None);
        }
        if self.making.job.busy() {
            ctx.request_repaint_after(LOOK);
        }
    }
}
