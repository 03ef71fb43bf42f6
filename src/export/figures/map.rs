//! The cluster map: the target's images on the two leading principal components.

use super::scope;
use crate::export::chart::{Chart, Dot, Figure};
use crate::export::{style, ticks};
use crate::run::RunReader;
use crate::run::snapshot::ClusterSnapshot;

pub(super) fn map(run: &RunReader, epoch: usize, snapshot: &ClusterSnapshot) -> Option<Figure> {
    let at: Vec<(f64, f64)> = snapshot.pca.chunks_exact(2).map(|p| (f64::from(p[0]), f64::from(p[1]))).collect();
    let finite = || at.iter().filter(|(x, y)| x.is_finite() && y.is_finite());
    finite().next()?;
    let range = |of: fn(&(f64, f64)) -> f64| {
        let (low, high) = finite().map(of).fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let room = 0.04 * (high - low).max(1e-6);
        [low - room, high + room]
    };
    // Outliers first, so that clusters lie above them.
    let mut layers: [Vec<Dot>; 3] = Default::default();
    for (i, &(x, y)) in at.iter().enumerate().filter(|(_, (x, y))| x.is_finite() && y.is_finite()) {
        let label = snapshot.labels.get(i).copied().unwrap_or(-1);
        let kept = snapshot.pseudo_labels.get(i).is_some_and(|l| *l >= 0);
        let (layer, color, radius, hollow) = match (label >= 0, kept) {
            (false, _) => (0, style::OUTLIER, 1.0, false),
            (true, false) => (1, style::UNRELIABLE, 1.8, true),
            (true, true) => (2, style::RELIABLE, 1.8, false),
        };
        layers[layer].push(Dot { x, y, color, radius, hollow });
    }
    let counts = [layers[2].len(), layers[1].len(), layers[0].len()].map(ticks::count);
    let chart = Chart {
        x: range(|p| p.0),
        y: range(|p| p.1),
        caption: "leading principal components of the features".into(),
        dots: layers.into_iter().flatten().collect(),
        legend: vec![
            (format!("discs: reliable {}", counts[0]), style::RELIABLE),
            (format!("rings: unreliable {}", counts[1]), style::UNRELIABLE),
            (format!("specks: outliers {}", counts[2]), style::OUTLIER),
        ],
        ..Chart::default()
    };
    let scope = scope(run, &format!("epoch {}", epoch.saturating_add(1)));
    Some(Figure { name: "map", title: "Cluster map".into(), scope, charts: vec![chart] })
}
