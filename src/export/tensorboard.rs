//! A run as an event file of TensorBoard, which W&B, Aim and Trackio read too: scalars, histograms of the clusters,
//! parameters as text and as hyper-parameters, and, where photos are allowed, rank lists as images.
//!
//! Losses stand over the iterations since the run began; everything of an epoch over the epochs done (see
//! `docs/ARCHITECTURE.md`, "How epochs are counted").

pub mod record;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use self::record::{Message, frame};
use super::rank_sheet::{self, Photos};
use super::repeat::{change_words, differences};
use super::{ExportError, write};
use crate::method::params::{ParamKind, Value, table};
use crate::run::event::{Event, Phase, Retrieval, State};
use crate::run::{RunReader, RunView};

/// Bars of the histogram of scores.
const BARS: usize = 25;
/// The measures of an evaluation.
const METRICS: [&str; 5] = ["mAP", "rank_1", "rank_5", "rank_10", "rank_20"];
/// Queries on a rank-list image.
const QUERIES: usize = 8;

/// Writes the run as one event file into `out`; an older one of the same run is replaced. `photos` allows photos of
/// people in it.
///
/// # Errors
/// When the run cannot be read, has computed nothing yet, or the file cannot be written.
pub fn tensorboard(run: &Path, out: &Path, photos: Photos) -> Result<Vec<PathBuf>, ExportError> {
    let reader = RunReader::open(run)?;
    let view = RunView::of_folder(&reader);
    if !view.has_results() {
        return Err(ExportError::Empty { path: run.to_owned() });
    }
    let times = Times::of(&reader);
    let mut file = Events { times: &times, bytes: Vec::new() };
    file.event(times.first, 0, Message::default().data(3, "brain.Event:2"));
    file.parameters(&reader, &view);
    file.losses(&view);
    file.retrieval(&view);
    file.clusters(&view);
    if photos == Photos::Shown {
        file.rank_lists(&reader, &view)?;
    }
    file.session_end(&view);
    // The name of the run, so that a second export replaces the first instead of standing beside it.
    let path = out.join(format!("events.out.tfevents.{}.reid-workbench", times.first as u64));
    write(&path, &file.bytes)?;
    Ok(vec![path])
}

/// When things happened, in seconds since the Unix epoch; what was done anew counts as it was done last.
struct Times {
    first: f64,
    last: f64,
    steps: BTreeMap<(bool, usize, usize), f64>,
    clusters: BTreeMap<usize, f64>,
    evaluated: BTreeMap<usize, f64>,
}

impl Times {
    fn of(run: &RunReader) -> Self {
        let wall = |found: Option<&crate::run::event::Stamped>| found.map_or(0.0, |e| e.wall);
        let mut times = Self {
            first: wall(run.events.first()),
            last: wall(run.events.last()),
            steps: BTreeMap::new(),
            clusters: BTreeMap::new(),
            evaluated: BTreeMap::new(),
        };
        for stamped in &run.events {
            match &stamped.event {
                Event::Step(s) => {
                    times.steps.insert((s.phase == Phase::Adapt, s.epoch, s.iter), stamped.wall);
                }
                Event::Clustered { epoch, .. } => {
                    times.clusters.insert(*epoch, stamped.wall);
                }
                Event::Evaluated { epoch, .. } => {
                    times.evaluated.insert(*epoch, stamped.wall);
                }
                _ => {}
            }
        }
        times
    }
}

struct Events<'a> {
    times: &'a Times,
    bytes: Vec<u8>,
}

impl Events<'_> {
    /// `Event { wall_time, step, … }`.
    fn event(&mut self, wall: f64, step: i64, rest: Message) {
        let head = Message::default().double(1, wall).int(2, step);
        frame(&mut self.bytes, &[head.bytes(), rest.bytes()].concat());
    }

    /// `Event { …, summary { value { tag, … } } }`.
    fn value(&mut self, at: (f64, i64), tag: &str, rest: Message) {
        let value = [Message::default().data(1, tag).bytes(), rest.bytes()].concat();
        let summary = Message::default().data(1, value);
        self.event(at.0, at.1, Message::default().message(5, &summary));
    }

    fn scalar(&mut self, at: (f64, i64), tag: &str, value: f64) {
        // TensorBoard draws a gap where there is nothing, and warns where there is no number.
        if value.is_finite() {
            self.value(at, tag, Message::default().float(2, value as f32));
        }
    }

    /// `counts[i]` values lie up to `limits[i]`, beyond the limit before.
    fn histogram(&mut self, at: (f64, i64), tag: &str, values: &[f64], limits: &[f64]) {
        let finite = || values.iter().copied().filter(|x| x.is_finite());
        if limits.is_empty() || finite().next().is_none() {
            return;
        }
        let mut counts = vec![0.0; limits.len()];
        for x in finite() {
            counts[limits.partition_point(|limit| *limit < x).min(limits.len() - 1)] += 1.0;
        }
        let histogram = Message::default()
            .double(1, finite().fold(f64::INFINITY, f64::min))
            .double(2, finite().fold(f64::NEG_INFINITY, f64::max))
            .double(3, finite().count() as f64)
            .double(4, finite().sum())
            .double(5, finite().map(|x| x * x).sum())
            .doubles(6, limits)
            .doubles(7, &counts);
        self.value(at, tag, Message::default().message(5, &histogram));
    }

    fn text(&mut self, at: (f64, i64), tag: &str, text: &str) {
        let dimension = Message::default().int(1, 1);
        let shape = Message::default().message(2, &dimension);
        const STRING: i64 = 7;
        let tensor = Message::default().int(1, STRING).message(2, &shape).data(8, text);
        let metadata = plugin("text", &[]);
        self.value(at, &format!("{tag}/text_summary"), Message::default().message(8, &tensor).message(9, &metadata));
    }

    fn losses(&mut self, view: &RunView) {
        for phase in [Phase::Pretrain, Phase::Adapt] {
            let name = if phase == Phase::Pretrain { "pretraining" } else { "adaptation" };
            for s in view.curves(phase).steps(phase) {
                let key = (phase == Phase::Adapt, s.epoch, s.iter);
                let wall = self.times.steps.get(&key).copied().unwrap_or(self.times.first);
                let at = (wall, s.step as i64);
                self.scalar(at, &format!("loss/{name}"), s.loss);
                for (part, value) in &s.parts {
                    self.scalar(at, &format!("loss_parts/{name}_{part}"), *value);
                }
                self.scalar(at, "training/lr", s.lr);
                self.scalar(at, "training/seconds_per_iteration", s.seconds);
            }
        }
    }

    fn retrieval(&mut self, view: &RunView) {
        for (name, by_epoch) in [("target", &view.target_retrieval), ("source", &view.source_retrieval)] {
            for (&epoch, r) in by_epoch {
                let wall = self.times.evaluated.get(&epoch).copied().unwrap_or(self.times.last);
                let at = (wall, epoch as i64);
                for (metric, value) in metrics(r) {
                    self.scalar(at, &format!("retrieval_{name}/{metric}"), value);
                }
            }
        }
    }

    fn clusters(&mut self, view: &RunView) {
        for (&epoch, clustered) in &view.clusters {
            let s = &clustered.summary;
            let at =
                (self.times.clusters.get(&epoch).copied().unwrap_or(self.times.last), epoch.saturating_add(1) as i64);
            for (tag, value) in [
                ("clusters", s.clusters[0] as f64),
                ("clusters_tight", s.clusters[1] as f64),
                ("clusters_loose", s.clusters[2] as f64),
                ("reliable", s.reliable as f64),
                ("outliers", s.noise[0] as f64),
                ("kept_images", s.kept as f64),
                ("threshold", s.threshold.unwrap_or(f64::NAN)),
                ("eps", s.used.eps),
            ] {
                self.scalar(at, &format!("clusters/{tag}"), value);
            }
            if let Some(q) = s.quality {
                let named = [("purity", q.purity), ("nmi", q.nmi), ("ari", q.ari), ("pairwise_f", q.pairwise_f)];
                for (tag, value) in named {
                    self.scalar(at, &format!("clusters_ground_truth/{tag}"), value);
                }
            }
            let limits: Vec<f64> = (1..=BARS).map(|i| i as f64 / BARS as f64).collect();
            self.histogram(at, "clusters/score", &s.cluster_score, &limits);
            let sizes: Vec<f64> = s.cluster_size.iter().map(|n| f64::from(*n)).collect();
            let largest = sizes.iter().copied().fold(1.0, f64::max);
            let mut limits: Vec<f64> = (1..=BARS).map(|i| (largest * i as f64 / BARS as f64).ceil()).collect();
            limits.dedup();
            self.histogram(at, "clusters/size", &sizes, &limits);
        }
    }

    fn rank_lists(&mut self, run: &RunReader, view: &RunView) -> Result<(), ExportError> {
        for &epoch in view.target_retrieval.keys() {
            let Some(sheet) = rank_sheet::of(run, epoch, QUERIES, Photos::Shown)? else { continue };
            let jpeg = rank_sheet::jpeg(&sheet)?;
            let image = Message::default()
                .int(1, i64::from(sheet.height()))
                .int(2, i64::from(sheet.width()))
                .int(3, 3)
                .data(4, jpeg);
            let wall = self.times.evaluated.get(&epoch).copied().unwrap_or(self.times.last);
            self.value((wall, epoch as i64), "rank_lists", Message::default().message(4, &image));
        }
        Ok(())
    }

    /// The parameters as text, and as what the plugin *hparams* compares runs by.
    fn parameters(&mut self, run: &RunReader, view: &RunView) {
        let at = (self.times.first, 0);
        let params = &run.params;
        self.text(at, "parameters", &format!("    {}", params.to_toml().trim_end().replace('\n', "\n    ")));
        let differs = differences(params)
            .iter()
            .map(|d| format!("| {} | {} | {} |", d.key, d.value, d.paper))
            .collect::<Vec<_>>()
            .join("\n");
        if !differs.is_empty() {
            self.text(at, "differs_from_the_paper", &format!("| key | here | paper |\n|---|---|---|\n{differs}"));
        }
        let changes: Vec<String> = view.changes.iter().map(|c| format!("- {}", change_words(c))).collect();
        if !changes.is_empty() {
            self.text(at, "changed_on_the_way", &changes.join("\n"));
        }
        let hparams = |content: Message| Message::default().message(9, &plugin("hparams", content.bytes()));
        let mut experiment = Message::default().double(3, self.times.first);
        for row in table::ROWS {
            experiment = experiment.message(4, &hparam_info(row));
        }
        for metric in METRICS {
            let name = Message::default().data(2, format!("retrieval_target/{metric}"));
            experiment = experiment.message(5, &Message::default().message(1, &name).data(3, metric));
        }
        self.value(at, "_hparams_/experiment", hparams(Message::default().int(1, 0).message(2, &experiment)));
        let mut start = Message::default();
        for row in table::ROWS {
            let entry = Message::default().data(1, row.key).message(2, &any(&(row.get)(params)));
            start = start.message(1, &entry);
        }
        start = start.data(4, run_name(run)).double(5, self.times.first);
        self.value(at, "_hparams_/session_start_info", hparams(Message::default().int(1, 0).message(3, &start)));
    }

    fn session_end(&mut self, view: &RunView) {
        let status = match &view.state {
            State::Done => 1,
            State::Failed(_) => 2,
            State::Stopped => 1,
            _ => 3,
        };
        let end = Message::default().int(1, status).double(2, self.times.last);
        let content = Message::default().int(1, 0).message(4, &end);
        let rest = Message::default().message(9, &plugin("hparams", content.bytes()));
        self.value((self.times.last, 0), "_hparams_/session_end_info", rest);
    }
}

fn metrics(r: &Retrieval) -> impl Iterator<Item = (&'static str, f64)> {
    METRICS.into_iter().zip([r.mAP, r.cmc[0], r.cmc[1], r.cmc[2], r.cmc[3]])
}

/// `SummaryMetadata { plugin_data { plugin_name, content } }`.
fn plugin(name: &str, content: &[u8]) -> Message {
    Message::default().message(1, &Message::default().data(1, name).data(2, content))
}

/// `HParamInfo { name, display_name, description, type, … }`.
fn hparam_info(row: &table::ParamRow) -> Message {
    let kind = match row.kind {
        ParamKind::Bool => 2,
        ParamKind::Int { .. } | ParamKind::Float { .. } => 3,
        ParamKind::Choice(_) | ParamKind::Text => 1,
    };
    Message::default().data(1, row.key).data(2, row.label).data(3, row.help).int(4, kind)
}

/// `google.protobuf.Value`.
fn any(value: &Value) -> Message {
    match value {
        Value::Bool(b) => Message::default().int(4, i64::from(*b)),
        Value::Int(i) => Message::default().double(2, *i as f64),
        Value::Float(x) => Message::default().double(2, *x),
        Value::Text(t) => Message::default().data(3, t),
    }
}

fn run_name(run: &RunReader) -> String {
    run.dir.file_name().map_or_else(|| "run".to_owned(), |n| n.to_string_lossy().into_owned())
}
