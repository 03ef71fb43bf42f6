//! What became of the clusters from each epoch to the next.

use super::{curve, scope};
use crate::export::chart::{Chart, Figure};
use crate::export::style::{self, Rgb};
use crate::export::ticks;
use crate::method::lineage::{Lineage, lineage as compare};
use crate::run::snapshot::read_labels;
use crate::run::{RunReader, RunView};

/// A curve: its name, what it counts, its colour, its width.
type Fate = (&'static str, fn(&Lineage) -> usize, Rgb, f64);

pub(super) fn lineage(run: &RunReader, view: &RunView) -> Option<Figure> {
    let labelled: Vec<(usize, Vec<i32>)> =
        view.clusters.keys().filter_map(|e| Some((*e, read_labels(&run.dir, *e).ok()?))).collect();
    let found: Vec<(f64, Lineage)> =
        labelled.windows(2).map(|w| (w[1].0 as f64 + 1.0, compare(&w[0].1, &w[1].1))).collect();
    let (first, last) = (found.first()?.0, found.last()?.0);
    let series: [Fate; 5] = [
        ("kept", |l| l.kept.len(), style::RELIABLE, 2.0),
        ("split", |l| l.split.len(), style::UNRELIABLE, 1.5),
        ("merged", |l| l.merged.len(), style::SERIES, 1.5),
        ("born", |l| l.born.len(), style::WHAT_IF, 1.5),
        ("died", |l| l.died.len(), style::OUTLIER, 1.5),
    ];
    let curves: Vec<_> = series
        .into_iter()
        .map(|(name, of, color, width)| {
            let points: Vec<(f64, f64)> = found.iter().map(|(x, l)| (*x, of(l) as f64)).collect();
            let newest = points.last().map_or(0.0, |(_, y)| *y);
            curve(name, ticks::number(newest, 0), color, width, points)
        })
        .collect();
    let high = curves.iter().flat_map(|c| &c.points).map(|(_, y)| *y).fold(1.0, f64::max);
    let chart = Chart {
        x: [first, last.max(first + 1.0)],
        y: ticks::round_out(0.0, high, 4),
        caption: "epoch, compared with the one before".into(),
        curves,
        ..Chart::default()
    };
    let scope = scope(run, "clusters by what became of them");
    Some(Figure { name: "lineage", title: "Lineage of the clusters".into(), scope, charts: vec![chart] })
}
