//! What-if tables on one graph: the k-distance curve, a sweep over eps, and a table over eps and Δd.

use super::cluster::{RadiiLabels, cluster_sizes, count_clusters, refine};
use super::dbscan::dbscan;
use super::error::{MethodError, Tick};
use super::jaccard::Graph;
use super::params::Params;
use super::quality::{Quality, quality};

/// Distance of every image to its k-th nearest, in ascending order: its knee is the usual hint for eps.
#[derive(Clone, Debug, PartialEq)]
pub struct KDistance {
    /// The distances that the graph holds, ascending.
    pub curve: Vec<f32>,
    /// Images whose k-th nearest is farther than the graph reaches; they would come last.
    pub beyond: usize,
}

/// The k-distance curve for `min_samples`, which counts the image itself: at radius `curve[m]` at least m + 1
/// images are core.
pub fn k_distance(graph: &Graph, min_samples: usize) -> KDistance {
    let others = min_samples.saturating_sub(1);
    let mut row = Vec::new();
    let mut curve: Vec<f32> = (0..graph.n)
        .filter_map(|i| {
            if others == 0 {
                return Some(0.0);
            }
            row.clear();
            row.extend_from_slice(graph.row(i).1);
            (row.len() >= others).then(|| *row.select_nth_unstable_by(others - 1, f32::total_cmp).1)
        })
        .collect();
    curve.sort_unstable_by(f32::total_cmp);
    KDistance { beyond: graph.n - curve.len(), curve }
}

/// DBSCAN at one radius in numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct AtEps {
    /// The radius.
    pub eps: f64,
    /// Clusters.
    pub clusters: usize,
    /// Noise images.
    pub noise: usize,
    /// Images in the largest cluster.
    pub largest: u32,
    /// **Ground truth**, where it is known.
    pub quality: Option<Quality>,
}

/// DBSCAN at each radius. `tick` counts radii.
///
/// # Errors
/// When the graph does not reach a radius, or `tick` cancels.
pub fn eps_sweep(
    graph: &Graph,
    eps: &[f64],
    min_samples: usize,
    pids: Option<&[i32]>,
    tick: Tick,
) -> Result<Vec<AtEps>, MethodError> {
    let radii = eps.len();
    let mut out = Vec::with_capacity(radii);
    for (done, &eps) in (1u64..).zip(eps) {
        let labels = labels_at(graph, eps, min_samples)?;
        out.push(AtEps {
            eps,
            clusters: count_clusters(&labels),
            noise: labels.iter().filter(|&&l| l < 0).count(),
            largest: cluster_sizes(&labels).into_iter().max().unwrap_or(0),
            quality: pids.map(|pids| quality(&labels, pids)),
        });
        progress(tick, done, radii)?;
    }
    Ok(out)
}

/// A clustering at one eps and Δd in numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepCell {
    /// Clusters at eps.
    pub clusters: usize,
    /// Of those, reliable ones.
    pub reliable: usize,
    /// Images that keep a cluster's pseudo-label.
    pub kept: usize,
    /// α.
    pub threshold: Option<f64>,
    /// **Ground truth**, where it is known, of the pseudo-labels.
    pub quality: Option<Quality>,
}

/// The pairs of eps and Δd of a table.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct SweepGrid<'a> {
    pub eps: &'a [f64],
    pub delta_d: &'a [f64],
}

/// The clustering at every pair of the grid: `[eps][delta_d]`. Each distinct radius is clustered once.
/// Other parameters are those of `params`; `carried` as in [`super::cluster::cluster`]. `tick` counts cells.
///
/// # Errors
/// When the graph does not reach a radius, or `tick` cancels.
pub fn eps_delta_table(
    graph: &Graph,
    grid: SweepGrid,
    params: &Params,
    carried: Option<f64>,
    pids: Option<&[i32]>,
    tick: Tick,
) -> Result<Vec<Vec<SweepCell>>, MethodError> {
    let mut known: Vec<(u32, Vec<i32>)> = Vec::new();
    let mut at = |radius: f64| -> Result<Vec<i32>, MethodError> {
        // Radii that are one in f32 give one clustering.
        let bits = (radius as f32).to_bits();
        if let Some((_, labels)) = known.iter().find(|(b, _)| *b == bits) {
            return Ok(labels.clone());
        }
        let labels = labels_at(graph, radius, params.min_samples)?;
        known.push((bits, labels.clone()));
        Ok(labels)
    };
    let (rows, columns) = (grid.eps.len(), grid.delta_d.len());
    let mut table = Vec::with_capacity(rows);
    for (r, &eps) in grid.eps.iter().enumerate() {
        let mut row = Vec::with_capacity(columns);
        for (c, &delta) in grid.delta_d.iter().enumerate() {
            let labels = RadiiLabels { normal: at(eps)?, tight: at(eps - delta)?, loose: at(eps + delta)? };
            let found = refine(labels, params, carried);
            row.push(SweepCell {
                clusters: found.reliable.len(),
                reliable: found.reliable.iter().filter(|&&r| r).count(),
                kept: found.pseudo_labels.iter().filter(|&&l| l >= 0).count(),
                threshold: found.threshold,
                quality: pids.map(|pids| quality(&found.pseudo_labels, pids)),
            });
            progress(tick, (r * columns + c + 1) as u64, rows * columns)?;
        }
        table.push(row);
    }
    Ok(table)
}

fn labels_at(graph: &Graph, eps: f64, min_samples: usize) -> Result<Vec<i32>, MethodError> {
    if !graph.covers(eps) {
        return Err(MethodError::shape("graph", format!("distances up to {eps}"), format!("up to {}", graph.max)));
    }
    Ok(dbscan(graph, eps, min_samples))
}

fn progress(tick: Tick, done: u64, total: usize) -> Result<(), MethodError> {
    if tick(done, total as u64) { Ok(()) } else { Err(MethodError::Cancelled) }
}
