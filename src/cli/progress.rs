//! Progress bars and notes on stderr, and times by stage.

use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Runs one stage with a bar on stderr; the bar shows only where stderr is a terminal.
pub(crate) fn with_bar<T>(name: &'static str, work: impl FnOnce(&(dyn Fn(u64, u64) -> bool + Sync)) -> T) -> T {
    let style = ProgressStyle::with_template("{prefix:>10} [{bar:32}] {percent:>3} %  {eta}");
    let bar = ProgressBar::new(1).with_prefix(name);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
    bar.enable_steady_tick(Duration::from_millis(200));
    let result = work(&|done, total| {
        bar.set_length(total);
        bar.set_position(done);
        true
    });
    bar.finish_and_clear();
    result
}

/// Tells the user something that is no error.
pub(crate) fn note(text: &str) {
    // A note that cannot be shown must not end the work.
    let _ = writeln!(std::io::stderr(), "note: {text}");
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

    /// Books the time since the last call under `stage`.
    pub(crate) fn book(&mut self, stage: &str) {
        let now = Instant::now();
        self.stages.insert(stage.to_owned(), (now - self.last).as_secs_f64().into());
        self.last = now;
    }

    pub(crate) fn into_json(mut self) -> serde_json::Value {
        self.stages.insert("total".to_owned(), self.begun.elapsed().as_secs_f64().into());
        self.stages.into()
    }
}
