//! The figures of a run: loss, retrieval, clusters, reliability of the newest epoch and of all, Eq. 8 of some clusters,
//! the map, other values of eps and Δd, lineage, rank lists.

mod eq8;
mod lineage;
mod map;
mod strip;
mod sweep;

use std::path::{Path, PathBuf};

use super::chart::{Chart, ChartBar, ChartMark, Curve, Figure};
use super::rank_sheet::{self, Photos};
use super::style::{self, Rgb};
use super::{ExportError, draw, ticks, write};
use crate::run::event::{ClusterSummary, Phase, Retrieval};
use crate::run::snapshot::ClusterSnapshot;
use crate::run::view::{ClusterView, ParamChange};
use crate::run::{RunReader, RunView};

/// Bars of the histogram.
const BARS: usize = 25;

/// Queries on the sheet of rank lists.
const QUERIES: usize = 8;

/// Writes every figure that `run` has the data for into `out`, each as PNG and SVG (the sheet of rank lists as PNG
/// alone), and says which files. `photos` allows photos of people on that sheet.
///
/// # Errors
/// When the run cannot be read, has nothing to draw yet, or a file cannot be written.
pub fn figures(run: &Path, out: &Path, photos: Photos) -> Result<Vec<PathBuf>, ExportError> {
    let reader = RunReader::open(run)?;
    let view = RunView::of_folder(&reader);
    let figures = all(&reader, &view);
    if figures.is_empty() {
        return Err(ExportError::Empty { path: run.to_owned() });
    }
    let failed = |figure: &Figure| {
        let figure = figure.name.to_owned();
        move |reason: String| ExportError::Draw { figure, reason }
    };
    let mut files = Vec::new();
    for figure in &figures {
        style::install_fonts().map_err(failed(figure))?;
        let png = draw::png(figure).map_err(failed(figure))?;
        let svg = draw::svg(figure).map_err(failed(figure))?;
        for (ending, bytes) in [("png", png), ("svg", svg.into_bytes())] {
            let path = out.join(format!("{}.{ending}", figure.name));
            write(&path, &bytes)?;
            files.push(path);
        }
    }
    for &epoch in view.target_retrieval.keys().rev() {
        if let Some(sheet) = rank_sheet::of(&reader, epoch, QUERIES, photos)? {
            let path = out.join("rank_lists.png");
            write(&path, &rank_sheet::png(&sheet)?)?;
            files.push(path);
            break;
        }
    }
    Ok(files)
}

/// Every figure that the run has the data for.
pub(super) fn all(reader: &RunReader, view: &RunView) -> Vec<Figure> {
    let newest = view.newest_clusters();
    // A snapshot that cannot be read costs the figures that need it, not the others.
    let clustered = newest.and_then(|(epoch, _)| Some((epoch, ClusterSnapshot::read(&reader.dir, epoch).ok()?)));
    let clustered = clustered.as_ref();
    [
        loss(reader, view, Phase::Pretrain),
        loss(reader, view, Phase::Adapt),
        retrieval(reader, view),
        clusters(reader, view),
        reliability(reader, view),
        strip::strip(reader, view),
        clustered.and_then(|(_, snapshot)| eq8::eq8(reader, view, snapshot)),
        clustered.and_then(|(epoch, snapshot)| map::map(reader, *epoch, snapshot)),
        newest.and_then(|(epoch, c)| sweep::sweep(reader, view.params.as_ref()?, c.summary.used, epoch)),
        lineage::lineage(reader, view),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn curve(name: &str, value: String, color: Rgb, width: f64, points: Vec<(f64, f64)>) -> Curve {
    Curve { name: name.to_owned(), value, color, opacity: 1.0, width, dashed: false, points }
}

/// `SOURCE → TARGET, seed 1`.
fn scope(run: &RunReader, more: &str) -> String {
    format!("{} → {}, seed {}, {more}", run.manifest.source, run.manifest.target, run.manifest.seed)
}

fn changes(view: &RunView) -> Vec<ChartMark> {
    let iters = |epoch: usize| view.adapt.points_of(epoch).first().map_or(1, |p| p.iters.max(1));
    let mark = |c: &ParamChange| ChartMark {
        x: c.epoch as f64 + c.iter as f64 / iters(c.epoch) as f64,
        left: (String::new(), style::PENDING),
        right: (format!("{} {} → {}", c.key, c.old, c.new), style::PENDING),
        color: style::PENDING,
        dashed: true,
    };
    view.changes.iter().filter(|c| c.phase == Phase::Adapt).map(mark).collect()
}

fn epoch_range(view: &RunView) -> [f64; 2] {
    let trained = view.adapt.points.last().map_or(0.0, |p| p.x().ceil());
    let newest = [view.clusters.keys().max(), view.target_retrieval.keys().max(), view.source_retrieval.keys().max()];
    let newest = newest.into_iter().flatten().max().map_or(0.0, |e| *e as f64);
    [0.0, newest.max(trained).max(1.0)]
}

fn loss(run: &RunReader, view: &RunView, phase: Phase) -> Option<Figure> {
    let raw: Vec<(f64, f64)> = view.curves(phase).loss.points().collect();
    let smooth: Vec<(f64, f64)> = view.curves(phase).loss.smoothed().collect();
    let last = smooth.iter().rev().find(|(_, y)| y.is_finite())?.1;
    let mut sorted: Vec<f64> = raw.iter().map(|(_, y)| *y).filter(|y| y.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    // All but the wildest half per cent of the raw values set the scale.
    let high = *sorted.get(sorted.len().saturating_sub(1 + sorted.len() / 200))?;
    let y = ticks::round_out(*sorted.first()?, high.max(last), 5);
    let (name, words) = match phase {
        Phase::Pretrain => ("loss_pretraining", "Loss of pre-training"),
        Phase::Adapt => ("loss_adaptation", "Loss of adaptation"),
    };
    let faint = Curve { opacity: 0.28, ..curve("", String::new(), style::SERIES, 0.8, raw) };
    let clear = curve("total", ticks::number(last, 2), style::SERIES, 2.0, smooth);
    let x = match phase {
        Phase::Pretrain => [0.0, view.pretrain.points.last().map_or(1.0, |p| p.x().ceil().max(1.0))],
        Phase::Adapt => epoch_range(view),
    };
    let marks = if phase == Phase::Adapt { changes(view) } else { Vec::new() };
    let chart = Chart { x, y, caption: "epoch".into(), curves: vec![faint, clear], marks, ..Chart::default() };
    let scope = scope(run, "every iteration and its moving average (0.90)");
    Some(Figure { name, title: words.to_owned(), scope, charts: vec![chart] })
}

/// A curve: its name, its value, its colour, its width.
type Rank = (&'static str, fn(&Retrieval) -> f64, Rgb, f64);

fn retrieval(run: &RunReader, view: &RunView) -> Option<Figure> {
    let (newest, _) = view.target_retrieval.last_key_value()?;
    let curves: [Rank; 4] = [
        ("rank-10", |r| r.cmc[2], style::T3, 1.5),
        ("rank-5", |r| r.cmc[1], style::T3, 1.5),
        ("rank-1", |r| r.cmc[0], style::T2, 1.5),
        ("mAP", |r| r.mAP, style::SERIES, 2.0),
    ];
    let mut drawn: Vec<Curve> = Vec::new();
    if let (Some(first), true) = (view.target_retrieval.get(&0), view.target_retrieval.len() > 1) {
        let (y, [from, to]) = (100.0 * first.mAP, epoch_range(view));
        let line = curve("source only", ticks::number(y, 1), style::T3, 0.8, vec![(from, y), (to, y)]);
        drawn.push(Curve { dashed: true, ..line });
    }
    for (name, of, color, width) in curves {
        let points: Vec<(f64, f64)> = view.target_retrieval.iter().map(|(e, r)| (*e as f64, 100.0 * of(r))).collect();
        let last = points.last().map_or(f64::NAN, |(_, y)| *y);
        drawn.push(curve(name, ticks::number(last, 1), color, width, points));
    }
    let values = drawn.iter().flat_map(|c| &c.points).map(|(_, y)| *y).filter(|y| y.is_finite());
    let (low, high) = values.fold((100.0, 0.0), |(low, high): (f64, f64), y| (low.min(y), high.max(y)));
    let [low, high] = ticks::round_out(low.min(high), high, 5);
    let chart = Chart {
        x: epoch_range(view),
        y: [low.max(0.0), high.min(100.0).max(low + 1.0)],
        caption: "adaptation epochs done".into(),
        curves: drawn,
        marks: changes(view),
        ..Chart::default()
    };
    let scope = scope(run, &format!("percent on the target's test set (ground truth), epoch {newest}"));
    Some(Figure { name: "retrieval", title: "Retrieval".into(), scope, charts: vec![chart] })
}

fn clusters(run: &RunReader, view: &RunView) -> Option<Figure> {
    let (newest, ClusterView { summary: last, .. }) = view.clusters.last_key_value()?;
    let curve_of = |name: &str, of: fn(&ClusterSummary) -> usize, color: Rgb, width: f64| {
        let points = view.clusters.iter().map(|(e, c)| (*e as f64 + 1.0, of(&c.summary) as f64)).collect();
        curve(name, ticks::count(of(last)), color, width, points)
    };
    let chart = |caption: &str, curves: Vec<Curve>| {
        let high = curves.iter().flat_map(|c| &c.points).map(|(_, y)| *y).fold(1.0, f64::max);
        let (x, y) = (epoch_range(view), ticks::round_out(0.0, high, 4));
        Chart { x, y, caption: caption.to_owned(), curves, marks: changes(view), ..Chart::default() }
    };
    let charts = vec![
        chart(
            "clusters, by epoch",
            vec![
                curve_of("clusters", |s| s.clusters[0], style::T2, 1.5),
                curve_of("reliable", |s| s.reliable, style::RELIABLE, 2.0),
            ],
        ),
        chart(
            "images, by epoch",
            vec![
                curve_of("kept", |s| s.kept, style::RELIABLE, 2.0),
                curve_of("outliers", |s| s.noise[0], style::OUTLIER, 1.5),
            ],
        ),
    ];
    let scope = scope(run, &format!("{} images, epoch {}", ticks::count(last.images), newest.saturating_add(1)));
    Some(Figure { name: "clusters", title: "Clusters and outliers".into(), scope, charts })
}

fn reliability(run: &RunReader, view: &RunView) -> Option<Figure> {
    let (newest, ClusterView { summary, .. }) = view.clusters.last_key_value()?;
    let mut bars = Vec::new();
    for i in 0..BARS {
        let (from, to) = (i as f64 / BARS as f64, (i + 1) as f64 / BARS as f64);
        let within = |s: &&f64| (**s >= from || i == 0) && (**s < to || i + 1 == BARS);
        let scores: Vec<f64> = summary.cluster_score.iter().filter(within).copied().collect();
        let mut bar = |from: f64, to: f64, count: usize, color: Rgb| {
            if count > 0 {
                bars.push(ChartBar { from, to, count: count as f64, color });
            }
        };
        match summary.threshold {
            None => bar(from, to, scores.len(), style::T3),
            Some(alpha) => {
                let kept = scores.iter().filter(|s| **s >= alpha).count();
                let cut = alpha.clamp(from, to);
                // A bar cut by the threshold is drawn in two parts with their own counts.
                let cut = if kept == scores.len() {
                    from
                } else if kept == 0 {
                    to
                } else {
                    cut
                };
                bar(from, cut, scores.len() - kept, style::UNRELIABLE);
                bar(cut, to, kept, style::RELIABLE);
            }
        }
    }
    let high = bars.iter().map(|b| b.count).fold(1.0, f64::max);
    let dropped = summary.clusters[0].saturating_sub(summary.reliable);
    let mark = summary.threshold.map(|alpha| ChartMark {
        x: alpha,
        left: (format!("{} dropped", ticks::count(dropped)), style::UNRELIABLE),
        right: (format!("{} kept", ticks::count(summary.reliable)), style::RELIABLE),
        color: style::T1,
        dashed: false,
    });
    let alpha = summary.threshold.map_or("no threshold".to_owned(), |a| format!("threshold {}", ticks::number(a, 2)));
    let chart = Chart {
        x: [0.0, 1.0],
        y: ticks::round_out(0.0, high, 4),
        caption: "independence score of the cluster, Eq. 8".into(),
        bars,
        marks: mark.into_iter().collect(),
        ..Chart::default()
    };
    let count = ticks::counted(summary.cluster_score.len(), "cluster", "clusters");
    let scope = scope(run, &format!("{count}, epoch {}, {alpha}", newest.saturating_add(1)));
    Some(Figure { name: "reliability", title: "Reliability of the clusters".into(), scope, charts: vec![chart] })
}
