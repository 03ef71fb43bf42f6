//! The epoch clustered at many pairs of eps and Δd: clusters, reliable ones, and the share of images kept.

use super::scope;
use crate::export::chart::{Chart, ChartCell, Figure};
use crate::export::{style, ticks};
use crate::method::params::Params;
use crate::method::sweep::{SweepGrid, eps_delta_table};
use crate::run::RunReader;
use crate::run::event::ClusterParams;
use crate::run::graph::{graph_path, read_graph};

/// Steps of eps on either side of the run's.
const STEPS: i32 = 5;
const STEP: f64 = 0.05;
const DELTA_D: [f64; 6] = [0.01, 0.02, 0.03, 0.05, 0.08, 0.1];

pub(super) fn sweep(run: &RunReader, params: &Params, used: ClusterParams, epoch: usize) -> Option<Figure> {
    let path = graph_path(&run.dir, epoch);
    if !path.is_file() {
        return None;
    }
    let graph = read_graph(&run.dir, epoch).ok()?;
    let widest = DELTA_D[DELTA_D.len() - 1];
    let eps: Vec<f64> = (-STEPS..=STEPS)
        .map(|i| ((used.eps + f64::from(i) * STEP) * 1e6).round() / 1e6)
        .filter(|eps| *eps - widest > 0.0 && graph.covers(*eps + widest))
        .collect();
    let (first, last) = (*eps.first()?, *eps.last()?);
    let mut tried = params.clone();
    (tried.min_samples, tried.k1, tried.k2) = (used.min_samples, used.k1, used.k2);
    let grid = SweepGrid { eps: &eps, delta_d: &DELTA_D };
    let table = eps_delta_table(&graph, grid, &tried, None, None, &|_, _| true).ok()?;
    let n = graph.n.max(1) as f64;
    let mut cells = Vec::new();
    for (row, eps) in table.iter().zip(&eps) {
        for (column, cell) in row.iter().enumerate() {
            let opacity = 0.9 * cell.kept as f64 / n;
            let words = format!("{} of {}", ticks::count(cell.reliable), ticks::count(cell.clusters));
            let (x, y) = ([eps - STEP / 2.0, eps + STEP / 2.0], [column as f64, column as f64 + 1.0]);
            cells.push(ChartCell { x, y, color: style::SERIES, opacity, words });
        }
    }
    let chart = Chart {
        x: [first - STEP / 2.0, last + STEP / 2.0],
        y: [0.0, DELTA_D.len() as f64],
        x_words: eps.iter().map(|e| (*e, vec![ticks::number(*e, 2)])).collect(),
        y_words: DELTA_D
            .iter()
            .enumerate()
            .map(|(i, d)| (i as f64 + 0.5, format!("Δd {}", ticks::number(*d, 2))))
            .collect(),
        caption: "eps".into(),
        cells,
        legend: vec![("darker: more".into(), style::SERIES), ("images kept".into(), style::SERIES)],
        ..Chart::default()
    };
    let scope = scope(run, &format!("reliable clusters of all, epoch {}", epoch.saturating_add(1)));
    Some(Figure { name: "sweep", title: "Clusters at other eps and Δd".into(), scope, charts: vec![chart] })
}
