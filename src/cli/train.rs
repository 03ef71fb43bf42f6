//! `train`: a run without a window, through the same engine.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_channel::RecvTimeoutError;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::error::UsageError;
use super::params::{ParamArgs, device};
use crate::engine::command::{Command, DeviceChoice, RunRequest, cache_dir};
use crate::engine::event::{ClusterSummary, Domain, Event, Retrieval, Stage, State};
use crate::engine::worker::Engine;

/// Arguments of `train`.
#[derive(clap::Args, Clone, Debug)]
pub struct TrainArgs {
    /// Labelled source: a registered dataset or a folder.
    #[arg(long, value_name = "NAME|DIR", required_unless_present = "resume")]
    pub source: Option<String>,
    /// Unlabelled target: a registered dataset or a folder.
    #[arg(long, value_name = "NAME|DIR", required_unless_present = "resume")]
    pub target: Option<String>,
    /// The run folder.
    #[arg(long, value_name = "RUN")]
    pub out: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub params: ParamArgs,
    /// auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto", value_parser = device)]
    pub device: DeviceChoice,
    /// Go on from the last checkpoint of the run folder, with its datasets and parameters.
    #[arg(long)]
    pub resume: bool,
}

/// What `train` prints on stdout.
#[derive(Debug, Default, Serialize)]
struct Report {
    run: PathBuf,
    state: String,
    epochs: usize,
    seconds: f64,
    /// Target test set before adaptation.
    source_only: Option<Retrieval>,
    /// Target test set after the last epoch that was evaluated.
    last: Option<Retrieval>,
    /// Best by the target's test labels: an oracle.
    best_oracle: Option<Retrieval>,
    /// Source test set after pre-training.
    source: Option<Retrieval>,
    clusters: Option<ClusterSummaryLine>,
}

#[derive(Debug, Serialize)]
struct ClusterSummaryLine {
    clusters: usize,
    reliable: usize,
    outliers: usize,
    kept: usize,
    threshold: Option<f64>,
    purity: Option<f64>,
}

/// Runs the training; the exit code says how it ended.
///
/// # Errors
/// When the request is bad or the run failed.
pub fn run(args: &TrainArgs) -> anyhow::Result<ExitCode> {
    if args.resume && (args.params.preset.is_some() || args.params.config.is_some() || !args.params.set.is_empty()) {
        return Err(UsageError(
            "a resumed run keeps its own parameters: leave out --preset, --config and --set".to_owned(),
        )
        .into());
    }
    let request = RunRequest {
        source: args.source.clone().unwrap_or_default(),
        target: args.target.clone().unwrap_or_default(),
        out: args.out.clone(),
        params: args.params.params()?,
        device: args.device,
        resume: args.resume,
        cache: cache_dir(),
    };
    let interrupts = catch_interrupts()?;
    let engine = Engine::spawn(Arc::new(|| {}))?;
    let handle = engine.handle();
    handle.commands.send(Command::Start(Box::new(request)))?;

    let mut watcher = Watcher::new(args.out.clone());
    let mut asked_to_stop = false;
    let end = loop {
        match handle.events.recv_timeout(std::time::Duration::from_millis(200)) {
            Ok(stamped) => {
                watcher.report.seconds = stamped.t.max(watcher.report.seconds);
                if let Some(end) = watcher.take(stamped.event) {
                    break end;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break State::Failed("the engine ended without a word".to_owned()),
        }
        if interrupts.load(Ordering::Relaxed) > 0 && !asked_to_stop {
            asked_to_stop = true;
            watcher.say("stopping after this batch, with a checkpoint; interrupt again to leave at once");
            handle.commands.send(Command::Stop)?;
        }
    };
    watcher.bar.finish_and_clear();
    engine.shut_down();
    watcher.finish(end)
}

/// Ctrl-C and a polite kill: the first asks for a stop, the second ends the program.
fn catch_interrupts() -> std::io::Result<Arc<AtomicUsize>> {
    let count = Arc::new(AtomicUsize::new(0));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        let twice = Arc::new(std::sync::atomic::AtomicBool::new(false));
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&twice))?;
        signal_hook::flag::register(signal, twice)?;
        signal_hook::flag::register_usize(signal, Arc::clone(&count), 1)?;
    }
    Ok(count)
}

struct Watcher {
    bar: ProgressBar,
    stage: Option<Stage>,
    report: Report,
    started: bool,
}

impl Watcher {
    fn new(run: PathBuf) -> Self {
        let bar = ProgressBar::new(1);
        if let Ok(style) = ProgressStyle::with_template("{msg:<12} {bar:32} {pos}/{len} {elapsed_precise} left {eta}") {
            bar.set_style(style);
        }
        Self { bar, stage: None, report: Report { run, ..Report::default() }, started: false }
    }

    fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }

    /// Notes an event; the final state, when this was it.
    fn take(&mut self, event: Event) -> Option<State> {
        match event {
            Event::Progress { stage, done, total } => self.progress(stage, done, total),
            Event::Started { title, device, weights, .. } => {
                self.started = true;
                self.say(&format!("{title} on {device}, weights {weights}"));
            }
            Event::Clustered { epoch, summary, seconds } => self.clustered(epoch, &summary, seconds),
            Event::Evaluated { epoch, domain, retrieval } => self.evaluated(epoch, domain, retrieval),
            Event::EpochDone { epoch, epochs } => {
                self.report.epochs = epoch + 1;
                self.say(&format!("epoch {}/{epochs} done", epoch + 1));
            }
            Event::Notice { title, text, .. } => self.say(&format!("{title}. {text}")),
            Event::State { state, .. } => {
                return matches!(state, State::Done | State::Stopped | State::Failed(_)).then_some(state);
            }
            _ => {}
        }
        None
    }

    fn progress(&mut self, stage: Stage, done: u64, total: u64) {
        if self.stage != Some(stage) {
            self.stage = Some(stage);
            self.bar.reset();
            self.bar.set_message(format!("{stage:?}").to_lowercase());
        }
        self.bar.set_length(total);
        self.bar.set_position(done);
    }

    fn clustered(&mut self, epoch: usize, s: &ClusterSummary, seconds: [f64; 4]) {
        let line = ClusterSummaryLine {
            clusters: s.clusters[0],
            reliable: s.reliable,
            outliers: s.images - s.kept,
            kept: s.kept,
            threshold: s.threshold,
            purity: s.quality.map(|q| q.purity),
        };
        self.say(&format!(
            "epoch {} clustered in {:.2} s: {} clusters, {} reliable, {} of {} images kept",
            epoch + 1,
            seconds.iter().sum::<f64>(),
            line.clusters,
            line.reliable,
            line.kept,
            s.images
        ));
        self.report.clusters = Some(line);
    }

    fn evaluated(&mut self, epoch: usize, domain: Domain, r: Retrieval) {
        let name = match domain {
            Domain::Source => "source test",
            Domain::Target => "target test",
        };
        self.say(&format!(
            "{name} after {epoch} epochs: mAP {:.1} %, rank-1 {:.1} %, rank-5 {:.1} %, rank-10 {:.1} %",
            r.mAP * 100.0,
            r.cmc[0] * 100.0,
            r.cmc[1] * 100.0,
            r.cmc[2] * 100.0
        ));
        match (domain, epoch) {
            (Domain::Source, _) => self.report.source = Some(r),
            (Domain::Target, 0) => self.report.source_only = Some(r),
            (Domain::Target, _) => {
                if self.report.best_oracle.as_ref().is_none_or(|best| r.mAP > best.mAP) {
                    self.report.best_oracle = Some(r.clone());
                }
                self.report.last = Some(r);
            }
        }
    }

    fn finish(mut self, end: State) -> anyhow::Result<ExitCode> {
        let (name, code) = match end {
            // What keeps a run from starting is the request's fault: a dataset, a folder, a device, a value.
            State::Failed(reason) if !self.started => return Err(UsageError(reason).into()),
            State::Failed(reason) => return Err(anyhow::anyhow!(reason)),
            State::Stopped => ("stopped", ExitCode::from(130)),
            _ => ("done", ExitCode::SUCCESS),
        };
        name.clone_into(&mut self.report.state);
        println!("{}", serde_json::to_string_pretty(&self.report)?);
        Ok(code)
    }
}
