//! Eq. 8 of some clusters as bars: how many images the best member has around it at each radius.

use super::scope;
use crate::base::text::share;
use crate::export::chart::{Chart, ChartBar, Figure};
use crate::export::{style, ticks};
use crate::method::score::scores;
use crate::run::snapshot::ClusterSnapshot;
use crate::run::{RunReader, RunView};

/// Clusters in the figure, from the least to the most reliable.
const CLUSTERS: usize = 8;

pub(super) fn eq8(run: &RunReader, view: &RunView, snapshot: &ClusterSnapshot) -> Option<Figure> {
    let (epoch, clustered) = view.newest_clusters()?;
    let found = scores(&snapshot.labels, &snapshot.labels_tight, &snapshot.labels_loose);
    if found.eq8.len() != snapshot.labels.len() {
        return None; // the method has no radii
    }
    // Of each cluster the member that Eq. 8 favours most.
    let mut best: Vec<Option<usize>> = vec![None; snapshot.cluster_score.len()];
    for (i, label) in snapshot.labels.iter().enumerate() {
        if let Some(slot) = usize::try_from(*label).ok().and_then(|l| best.get_mut(l))
            && slot.is_none_or(|b| found.eq8[i] > found.eq8[b])
        {
            *slot = Some(i);
        }
    }
    let mut order: Vec<(usize, usize)> = best.iter().enumerate().filter_map(|(c, i)| Some((c, (*i)?))).collect();
    order.sort_by(|a, b| found.eq8[a.1].total_cmp(&found.eq8[b.1]).then(a.0.cmp(&b.0)));
    let count = order.len().min(CLUSTERS);
    let last = order.len().checked_sub(1)?;
    let chosen = (0..count).map(|i| order[if count == 1 { 0 } else { i * last / (count - 1) }]);
    let (mut bars, mut words) = (Vec::new(), Vec::new());
    for (at, (cluster, member)) in chosen.enumerate() {
        let sizes = [&snapshot.labels_tight, &snapshot.labels, &snapshot.labels_loose].map(|l| around(l, member));
        let (inter, union) = (found.inter[member], found.union[member]);
        let reliable = snapshot.reliable.get(cluster).is_some_and(|r| *r == 1);
        let counts = [sizes[0], sizes[1], sizes[2], inter, union];
        let colors = [style::SERIES, style::SERIES, style::SERIES, style::RELIABLE, style::OUTLIER];
        for (i, (count, color)) in counts.into_iter().zip(colors).enumerate() {
            let from = at as f64 + 0.1 + 0.16 * i as f64;
            bars.push(ChartBar { from, to: from + 0.15, count: f64::from(count), color });
        }
        let score = f64::from(inter) / f64::from(union.max(1));
        let verdict = if reliable { "kept" } else { "dropped" };
        let lines =
            vec![format!("cluster {cluster}"), format!("{inter} / {union} = {}", share(score)), verdict.to_owned()];
        words.push((at as f64 + 0.5, lines));
    }
    let high = bars.iter().map(|b| b.count).fold(1.0, f64::max);
    let chart = Chart {
        x: [0.0, count.max(1) as f64],
        y: ticks::round_out(0.0, high, 4),
        bars,
        x_words: words,
        legend: vec![
            ("1–3 tight, eps, loose".into(), style::SERIES),
            ("4 in all three".into(), style::RELIABLE),
            ("5 in any".into(), style::OUTLIER),
        ],
        ..Chart::default()
    };
    let used = clustered.summary.used;
    let what = format!(
        "images around the best member at eps {} ± {}, epoch {}",
        ticks::number(used.eps, 2),
        ticks::number(used.delta_d, 3),
        epoch.saturating_add(1)
    );
    Some(Figure { name: "eq8", title: "Eq. 8 of some clusters".into(), scope: scope(run, &what), charts: vec![chart] })
}

/// Images in the cluster of image `i`, itself counted; noise is alone.
fn around(labels: &[i32], i: usize) -> u32 {
    match labels.get(i) {
        Some(&label) if label >= 0 => labels.iter().filter(|l| **l == label).count() as u32,
        _ => 1,
    }
}
