//! What `train` shows: progress and lines on stderr while the run goes on, its result as JSON at the end.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::UsageError;
use crate::base::text::count;
use crate::cli::progress::print_json;
use crate::engine::event::{ClusterSummary, Cure, Domain, Event, Retrieval, Stage, Stamped, State};
use crate::engine::worker::Fault;
use crate::run::manifest::InitialWeights;
use crate::run::{Manifest, RunReader, RunView};

/// What `train` prints on stdout.
#[derive(Debug, Serialize)]
struct Report<'a> {
    run: PathBuf,
    state: &'static str,
    epochs: usize,
    seconds: f64,
    /// Target test set before adaptation.
    source_only: Option<&'a Retrieval>,
    /// Target test set after the last epoch that was evaluated.
    last: Option<&'a Retrieval>,
    /// Best by the target's test labels: an oracle.
    best_oracle: Option<&'a Retrieval>,
    /// Source test set after pre-training.
    source: Option<&'a Retrieval>,
    clusters: Option<ClusterLine>,
    /// What came of the file of initial weights.
    weights: Option<InitialWeights>,
}

#[derive(Debug, Serialize)]
struct ClusterLine {
    clusters: usize,
    reliable: usize,
    outliers: usize,
    kept: usize,
    threshold: Option<f64>,
    purity: Option<f64>,
}

impl ClusterLine {
    fn of(s: &ClusterSummary) -> Self {
        Self {
            clusters: s.clusters[0],
            reliable: s.reliable,
            outliers: s.images.saturating_sub(s.kept),
            kept: s.kept,
            threshold: s.threshold,
            purity: s.quality.map(|q| q.purity),
        }
    }
}

/// How often it is said how far the preparation is, where there is no bar.
const SAY_EVERY: Duration = Duration::from_secs(2);

/// Follows a run for the command line.
pub(super) struct Watcher {
    bar: ProgressBar,
    stage: Option<Stage>,
    /// When it was last said how far the preparation is, where there is no bar.
    said: Option<Instant>,
    run: PathBuf,
    view: RunView,
}

impl Watcher {
    pub(super) fn new(run: PathBuf) -> Self {
        let bar = ProgressBar::new(1);
        if let Ok(style) = ProgressStyle::with_template("{msg:<12} {bar:32} {pos}/{len} {elapsed_precise} left {eta}") {
            bar.set_style(style);
        }
        Self { bar, stage: None, said: None, run, view: RunView::default() }
    }

    /// A line on stderr. One that cannot be written (the reader is gone, the disk is full) must not end the run.
    pub(super) fn note(&self, line: &str) {
        self.bar.suspend(|| {
            let _ = writeln!(std::io::stderr(), "{line}");
        });
    }

    /// Takes the bar away.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// Notes an event; the final state, when this was it.
    pub(super) fn on_event(&mut self, stamped: &Stamped) -> Option<State> {
        self.view.fold(stamped);
        match &stamped.event {
            Event::Progress { stage, .. } => self.progress(*stage),
            Event::Started { title, device, weights, .. } => {
                self.note(&format!("{title} on {device}, weights {weights}"));
            }
            Event::Clustered { epoch, summary, seconds } => self.clustered(*epoch, summary, *seconds),
            Event::Evaluated { epoch, domain, retrieval } => self.evaluated(*epoch, *domain, retrieval),
            Event::EpochDone { epoch, epochs } => self.note(&format!("epoch {}/{epochs} done", epoch + 1)),
            Event::Notice { title, text, .. } => self.note(&format!("{title}. {text}")),
            Event::Cure(cure) => self.note(&self.way_out(cure)),
            Event::Refused { why, .. } => self.note(&format!("Not done: {why}")),
            Event::State { state, .. } => {
                return matches!(state, State::Done | State::Stopped | State::Failed(_)).then(|| state.clone());
            }
            _ => {}
        }
        None
    }

    /// A cure as a command.
    fn way_out(&self, cure: &Cure) -> String {
        let sets: Vec<String> = cure.changes.iter().map(|(key, value)| format!("--set {key}={value}")).collect();
        match cure.resume {
            true => format!("A way out: reid-workbench train --resume --out {} {}", self.run.display(), sets.join(" ")),
            false => format!("A way out: a new run with {}", sets.join(" ")),
        }
    }

    fn progress(&mut self, stage: Stage) {
        if self.stage != Some(stage) {
            self.stage = Some(stage);
            self.bar.reset();
            self.bar.set_message(format!("{stage:?}").to_lowercase());
        }
        let view = &self.view.stages[stage as usize];
        self.bar.set_length(view.total);
        self.bar.set_position(view.done);
        // Before there is a folder, whoever started it elsewhere has these lines alone.
        let due = self.said.is_none_or(|then| then.elapsed() >= SAY_EVERY);
        if stage == Stage::Prepare && view.total > 1 && self.bar.is_hidden() && due {
            self.said = Some(Instant::now());
            self.note(&format!("preparing, {} of {} images", count(view.done as usize), count(view.total as usize)));
        }
    }

    fn clustered(&self, epoch: usize, s: &ClusterSummary, seconds: [f64; 4]) {
        let line = ClusterLine::of(s);
        self.note(&format!(
            "epoch {} clustered in {:.2} s: {} clusters, {} reliable, {} of {} images kept",
            epoch + 1,
            seconds.iter().sum::<f64>(),
            line.clusters,
            line.reliable,
            line.kept,
            s.images
        ));
    }

    fn evaluated(&self, epoch: usize, domain: Domain, r: &Retrieval) {
        let name = match domain {
            Domain::Source => "source test",
            Domain::Target => "target test",
        };
        self.note(&format!(
            "{name} after {epoch} epochs: mAP {:.1} %, rank-1 {:.1} %, rank-5 {:.1} %, rank-10 {:.1} %",
            r.mAP * 100.0,
            r.cmc[0] * 100.0,
            r.cmc[1] * 100.0,
            r.cmc[2] * 100.0
        ));
    }

    /// Prints the result and says which exit code goes with the end.
    pub(super) fn finish(self, end: State, fault: Fault) -> anyhow::Result<ExitCode> {
        let (state, code) = match end {
            State::Failed(reason) if fault == Fault::Input => return Err(UsageError(reason).into()),
            State::Failed(reason) => return Err(anyhow::anyhow!(reason)),
            State::Stopped => ("stopped", ExitCode::from(130)),
            _ => ("done", ExitCode::SUCCESS),
        };
        // The folder knows more than this session where the run was taken up.
        let whole = RunReader::open(&self.run).map(|reader| RunView::of_folder(&reader));
        let mut report = serde_json::to_value(report(&self.run, state, whole.as_ref().unwrap_or(&self.view)))?;
        for figures in ["source_only", "last", "best_oracle", "source"] {
            nothing_measured(&mut report[figures]);
        }
        if let Err(error) = print_json(&report) {
            self.note(&format!(
                "the run is {state}, but its result could not be written to stdout: {error:#}; it stands in {}",
                self.run.display()
            ));
        }
        Ok(code)
    }
}

/// Without a query that has a match there is no mean: 0 would look like a result.
fn nothing_measured(retrieval: &mut serde_json::Value) {
    if retrieval["valid_queries"] == 0 {
        for mean in ["mAP", "mAP_trapezoid", "cmc"] {
            retrieval[mean] = serde_json::Value::Null;
        }
    }
}

fn report<'a>(run: &std::path::Path, state: &'static str, view: &'a RunView) -> Report<'a> {
    let adapted = || view.target_retrieval.range(1..).map(|(_, r)| r);
    Report {
        run: run.to_owned(),
        state,
        epochs: view.epochs_done,
        seconds: view.t,
        source_only: view.target_retrieval.get(&0),
        last: adapted().next_back(),
        best_oracle: adapted().reduce(|best, r| if r.mAP > best.mAP { r } else { best }),
        source: view.source_retrieval.values().next_back(),
        clusters: view.newest_clusters().map(|(_, c)| ClusterLine::of(&c.summary)),
        weights: Manifest::read(run).ok().and_then(|m| m.weights),
    }
}
