//! The reliability of all epochs in one figure: each epoch's scores as a column of shades, the threshold over them.

use super::{curve, scope};
use crate::base::text::share;
use crate::export::chart::{Chart, ChartCell, Figure};
use crate::export::style;
use crate::run::{RunReader, RunView};

/// Shades from score 0 to 1.
const BINS: usize = 20;

pub(super) fn strip(run: &RunReader, view: &RunView) -> Option<Figure> {
    let epochs: Vec<_> = view.clusters.iter().collect();
    let (first, last) = (*epochs.first()?.0, *epochs.last()?.0);
    let mut cells = Vec::new();
    for (epoch, clustered) in &epochs {
        let s = &clustered.summary;
        let mut counts = [0usize; BINS];
        for score in s.cluster_score.iter().filter(|x| x.is_finite()) {
            counts[((score * BINS as f64) as usize).min(BINS - 1)] += 1;
        }
        let most = counts.iter().copied().max().unwrap_or(0).max(1);
        for (bin, count) in counts.into_iter().enumerate().filter(|(_, count)| *count > 0) {
            let (from, to) = (bin as f64 / BINS as f64, (bin + 1) as f64 / BINS as f64);
            let kept = s.threshold.is_none_or(|alpha| (from + to) / 2.0 >= alpha);
            // The square root lets a single cluster be seen beside the fullest shade.
            let shade = 0.12 + 0.88 * (count as f64 / most as f64).sqrt();
            let color = if kept { style::RELIABLE } else { style::UNRELIABLE };
            let x = **epoch as f64 + 1.0;
            cells.push(ChartCell {
                x: [x - 0.46, x + 0.46],
                y: [from, to],
                color,
                opacity: shade,
                words: String::new(),
            });
        }
    }
    let threshold: Vec<(f64, f64)> = epochs
        .iter()
        .filter_map(|(e, c)| Some((**e as f64 + 1.0, c.summary.threshold?)))
        .flat_map(|(x, y)| [(x - 0.46, y), (x + 0.46, y)])
        .collect();
    let mut curves = Vec::new();
    if let Some((_, alpha)) = threshold.last().copied() {
        curves.push(curve("threshold", share(alpha), style::T1, 1.5, threshold));
    }
    let chart = Chart {
        x: [first as f64 + 0.5, last as f64 + 1.5],
        y: [0.0, 1.0],
        caption: "epoch".into(),
        cells,
        curves,
        legend: vec![("reliable".into(), style::RELIABLE), ("unreliable".into(), style::UNRELIABLE)],
        ..Chart::default()
    };
    let scope = scope(run, "score of the clusters, Eq. 8; darker: more clusters");
    Some(Figure { name: "reliability_strip", title: "Reliability over the epochs".into(), scope, charts: vec![chart] })
}
