//! Progress bars and notes on stderr, and times by stage.

use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::method::pipeline::{ClusteringStep, ClusteringWatcher};

/// Runs one stage with a bar on stderr; the bar shows only where stderr is a terminal.
pub(crate) fn with_bar<T>(name: &'static str, work: impl FnOnce(&(dyn Fn(u64, u64) -> bool + Sync)) -> T) -> T {
    let bar = bar(name);
    let result = work(&|done, total| {
        bar.set_length(total);
        bar.set_position(done);
        true
    });
    bar.finish_and_clear();
    result
}

fn bar(name: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:>10} [{bar:32}] {percent:>3} %  {eta}");
    let bar = ProgressBar::new(1).with_prefix(name);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// A bar for each step of the pipeline, and its time.
pub(crate) struct PipelineBars<'a> {
    now: Mutex<(Option<(ProgressBar, &'static str)>, &'a mut Seconds)>,
}

impl<'a> PipelineBars<'a> {
    pub(crate) fn new(seconds: &'a mut Seconds) -> Self {
        Self { now: Mutex::new((None, seconds)) }
    }

    /// The last step is over.
    pub(crate) fn finish(self) {
        self.turn(None);
    }

    fn turn(&self, next: Option<(ProgressBar, &'static str)>) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((bar, stage)) = std::mem::replace(&mut now.0, next) {
            bar.finish_and_clear();
            now.1.book(stage);
        }
    }
}

impl ClusteringWatcher for PipelineBars<'_> {
    fn begin(&self, step: ClusteringStep) {
        let (name, stage) = match step {
            ClusteringStep::Neighbours => ("k-NN", "knn"),
            ClusteringStep::Distances => ("Jaccard", "jaccard"),
            ClusteringStep::Labels => ("labels", "dbscan"),
            ClusteringStep::Scores => ("scores", "refine"),
        };
        self.turn(Some((bar(name), stage)));
    }

    fn tick(&self, _: ClusteringStep, done: u64, total: u64) -> bool {
        if let Ok(now) = self.now.try_lock()
            && let Some((bar, _)) = &now.0
        {
            bar.set_length(total);
            bar.set_position(done);
        }
        true
    }
}

/// Tells the user something that is no error.
pub(crate) fn note(text: &str) {
    // A note that cannot be shown must not end the work.
    let _ = writeln!(std::io::stderr(), "note: {}", super::printable(text));
}

/// Prints the result, one JSON document.
pub(crate) fn print_json(value: &serde_json::Value) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)?;
    Ok(())
}

/// Seconds by stage, in the order they ran.
pub(crate) struct Seconds {
    begun: Instant,
    last: Instant,
    stages: serde_json::Map<String, serde_json::Value>,
}

impl Seconds {
    pub(crate) fn start() -> Self {
        let now = Instant::now();
        Self { begun: now, last: now, stages: serde_json::Map::new() }
    }

    /// Adds the time since the last call to that of `stage`.
    pub(crate) fn book(&mut self, stage: &str) {
        let now = Instant::now();
        let before = self.stages.get(stage).and_then(serde_json::Value::as_f64).unwrap_or(0.0);
        self.stages.insert(stage.to_owned(), (before + (now - self.last).as_secs_f64()).into());
        self.last = now;
    }

    pub(crate) fn into_json(mut self) -> serde_json::Value {
        self.stages.insert("total".to_owned(), self.begun.elapsed().as_secs_f64().into());
        self.stages.into()
    }
}
