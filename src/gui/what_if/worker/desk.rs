//! Where the questions are answered: what was read and computed of one epoch, kept until another one is looked at.

use std::path::Path;
use std::sync::Arc;

use super::{NO_RADII, WhatIfAnswer, WhatIfOutcome, WhatIfQuestion, verdicts};
use crate::base::tick::Tick;
use crate::gui::what_if::Base;
use crate::method::error::MethodError;
use crate::method::gain::hand_gains;
use crate::method::graph::Graph;
use crate::method::jaccard::shared_neighbours;
use crate::method::knn::Neighbours;
use crate::method::labels::LabelInput;
use crate::method::params::Params;
use crate::method::pipeline::{
    ClusteringPlan, ClusteringStep, ClusteringWatcher, Unwatched, assign, distances, nearest,
};
use crate::method::rows::Rows;
use crate::method::sweep::{SweepGrid, eps_delta_table, eps_sweep, k_distance};
use crate::method::tree::Hierarchy;
use crate::method::tree::ladder::Ladder;
use crate::run::event::Split;
use crate::run::graph::{Features, REACH, features_epoch, read_features, read_graph};
use crate::run::images::Images;
use crate::run::snapshot::ClusterSnapshot;

/// Passes on how far the distances are.
struct Ticking<'a>(Tick<'a>);

impl ClusteringWatcher for Ticking<'_> {
    fn tick(&self, _: ClusteringStep, done: u64, total: u64) -> bool {
        (self.0)(done, total)
    }
}

/// Radii of a ladder, in fortieths.
const RUNGS: std::ops::RangeInclusive<u8> = 4..=38;

/// What the thread has read and computed of the epoch at hand.
#[derive(Default)]
pub(super) struct WhatIfDesk {
    base: Option<Base>,
    snapshot: Option<Arc<ClusterSnapshot>>,
    /// Graphs by (k1, k2): the run's own, and the last one that was tried.
    graphs: Vec<((usize, usize), Arc<Graph>)>,
    /// The newest hierarchy by (k1, k2, min_samples): it answers other radii without another DBSCAN.
    hierarchy: Option<((usize, usize, usize), Arc<Hierarchy>)>,
    neighbours: Option<Neighbours>,
    features: Option<Features>,
    pids: Option<Vec<i32>>,
}

impl WhatIfDesk {
    /// Answers one question.
    ///
    /// # Errors
    /// One sentence on what is missing.
    pub(super) fn answer(
        &mut self,
        base: &Base,
        question: &WhatIfQuestion,
        tick: Tick,
    ) -> Result<WhatIfAnswer, String> {
        if self.base.as_ref().is_none_or(|b| !b.same_place(base)) {
            *self = Self { base: Some(base.clone()), ..Self::default() };
            self.pids = pids(&base.folder);
        }
        let params = question.params();
        if !base.radii && !matches!(question, WhatIfQuestion::Curve(_)) {
            return Err(NO_RADII.to_owned());
        }
        let graph = self.graph(base, params, tick)?;
        let covered = |eps: f64| match graph.covers(eps) {
            true => Ok(()),
            false => Err(format!(
                "The distances of this epoch are kept up to {:.2}, so eps + Δd cannot go beyond. A run keeps at most {} pairs an epoch.",
                graph.max,
                crate::run::graph::MAX_PAIRS
            )),
        };
        let pids = self.pids.as_deref();
        let carried = base.carried;
        let words = |e: MethodError| e.to_string();
        Ok(match question {
            WhatIfQuestion::Clusters(params) => {
                covered(params.eps + params.delta_d)?;
                let hand = base.hand.as_ref().and_then(|hand| hand.resolved(graph.n).ok());
                let edited = hand.as_ref().map(|hand| hand.graph(&graph));
                // A forest knows no vetoes.
                let known = self
                    .hierarchy
                    .as_ref()
                    .filter(|_| hand.is_none())
                    .filter(|(of, _)| *of == (params.k1, params.k2, params.min_samples));
                let assignment = match known {
                    Some((_, known)) => known.tree.cluster(params, carried),
                    None => {
                        let given = LabelInput {
                            rows: None,
                            graph: Some(edited.as_ref().unwrap_or(&graph)),
                            hand: hand.as_ref(),
                        };
                        assign(&given, params, carried, &Unwatched).map_err(words)?
                    }
                };
                let summary = assignment.summary(params, pids);
                let verdicts = verdicts(&self.snapshot(base)?.labels, &assignment.labels);
                WhatIfAnswer::Clusters(Arc::new(WhatIfOutcome {
                    params: (**params).clone(),
                    assignment,
                    summary,
                    verdicts,
                }))
            }
            WhatIfQuestion::Curve(params) => WhatIfAnswer::Curve(Arc::new(k_distance(&graph, params.min_samples))),
            WhatIfQuestion::Hierarchy(params) => WhatIfAnswer::Hierarchy(self.all_radii(&graph, params)),
            WhatIfQuestion::Ladder(params) => {
                let all = self.all_radii(&graph, params);
                let radii: Vec<f64> =
                    RUNGS.map(|r| f64::from(r) / 40.0).filter(|r| covered(r + params.delta_d).is_ok()).collect();
                WhatIfAnswer::Ladder(Arc::new(Ladder::new(&all, &radii, params)))
            }
            WhatIfQuestion::Shared(params, pairs) => {
                let found = self.with_features(base, params, tick, |rows, nb| {
                    shared_neighbours(rows, nb, params.k1, params.k2, pairs, tick)
                })?;
                WhatIfAnswer::Shared(Arc::new(found))
            }
            WhatIfQuestion::Gains(params, before, edits) => {
                covered(params.eps + params.delta_d)?;
                WhatIfAnswer::Gains(Arc::new(hand_gains(&graph, params, carried, (before, edits, false))))
            }
            WhatIfQuestion::Sweep(params, eps) => {
                eps.iter().try_for_each(|&e| covered(e))?;
                WhatIfAnswer::Sweep(Arc::new(eps_sweep(&graph, eps, params.min_samples, pids, tick).map_err(words)?))
            }
            WhatIfQuestion::Table(params, eps, delta_d) => {
                let widest = |list: &[f64]| list.iter().copied().fold(0.0, f64::max);
                covered(widest(eps) + widest(delta_d))?;
                let grid = SweepGrid { eps, delta_d };
                WhatIfAnswer::Table(Arc::new(
                    eps_delta_table(&graph, grid, params, carried, pids, tick).map_err(words)?,
                ))
            }
        })
    }

    /// The hierarchy of a graph, the newest one if it is that.
    fn all_radii(&mut self, graph: &Graph, params: &Params) -> Arc<Hierarchy> {
        let wanted = (params.k1, params.k2, params.min_samples);
        match &self.hierarchy {
            Some((of, known)) if *of == wanted => Arc::clone(known),
            _ => {
                let made = Arc::new(Hierarchy::new(graph, params.min_samples));
                self.hierarchy = Some((wanted, Arc::clone(&made)));
                made
            }
        }
    }

    fn snapshot(&mut self, base: &Base) -> Result<Arc<ClusterSnapshot>, String> {
        if let Some(known) = &self.snapshot {
            return Ok(Arc::clone(known));
        }
        let read = ClusterSnapshot::read(&base.folder, base.epoch).map_err(|e| e.to_string())?;
        Ok(Arc::clone(self.snapshot.insert(Arc::new(read))))
    }

    fn graph(&mut self, base: &Base, params: &Params, tick: Tick) -> Result<Arc<Graph>, String> {
        let wanted = (params.k1, params.k2);
        if let Some((_, graph)) = self.graphs.iter().find(|(k, _)| *k == wanted) {
            return Ok(Arc::clone(graph));
        }
        let own = (base.params.k1, base.params.k2);
        let graph = if wanted == own {
            let missing = |e| format!("What lets these clusters be formed anew is not in the run folder: {e}");
            let graph = read_graph(&base.folder, base.epoch).map_err(missing)?;
            let images = self.snapshot(base)?.labels.len();
            if graph.n != images {
                return Err(format!(
                    "The distances of this epoch are of {} images, its clusters of {images}.",
                    graph.n
                ));
            }
            Arc::new(graph)
        } else {
            Arc::new(self.rebuilt(base, params, tick)?)
        };
        // The run's own stays: most questions are about it.
        self.graphs.retain(|(k, _)| *k == own);
        self.graphs.push((wanted, Arc::clone(&graph)));
        Ok(graph)
    }

    /// The graph with another k1 or k2, from the features.
    fn rebuilt(&mut self, base: &Base, params: &Params, tick: Tick) -> Result<Graph, String> {
        let hand = base.hand.as_ref().and_then(|hand| hand.resolved(self.snapshot(base).ok()?.labels.len()).ok());
        let plan = ClusteringPlan { params, carried: None, neighbours: 0, reach: REACH, hand: None };
        self.with_features(base, params, tick, |rows, nb| {
            let graph = distances(rows, nb, &plan, &Ticking(tick))?;
            Ok(hand.as_ref().map_or_else(|| graph.clone(), |hand| hand.graph(&graph)))
        })
    }

    /// Does `work` with the epoch's features and their neighbours, at least k1 of each.
    fn with_features<T>(
        &mut self,
        base: &Base,
        params: &Params,
        tick: Tick,
        work: impl FnOnce(Rows, &Neighbours) -> Result<T, MethodError>,
    ) -> Result<T, String> {
        let words = |e: MethodError| e.to_string();
        if self.features.is_none() {
            match features_epoch(&base.folder) {
                Some(epoch) if epoch == base.epoch => {}
                Some(epoch) => {
                    return Err(format!(
                        "k1 and k2 need the features, and those of epoch {} alone are kept. Go there to try them.",
                        epoch + 1
                    ));
                }
                None => return Err("k1 and k2 need the features, which are not in the run folder.".to_owned()),
            }
            let features = read_features(&base.folder).map_err(|e| e.to_string())?;
            if features.epoch != base.epoch {
                return Err("A new epoch has just been clustered; try again.".to_owned());
            }
            self.features = Some(features);
        }
        let snapshot = self.snapshot(base)?;
        let Some(features) = &self.features else { return Err("the features could not be kept".to_owned()) };
        let rows = Rows::new(&features.values, features.d).map_err(words)?;
        if rows.n() != snapshot.labels.len() {
            let images = snapshot.labels.len();
            return Err(format!("The features kept are of {} images, the clusters of {images}.", rows.n()));
        }
        let nb = match self.neighbours.take() {
            Some(nb) if nb.k >= params.k1.min(nb.n) => nb,
            _ if snapshot.k >= params.k1.min(rows.n()) => Neighbours {
                n: rows.n(),
                k: snapshot.k,
                index: snapshot.knn_index.clone(),
                dist: snapshot.knn_dist.clone(),
            },
            _ => nearest(rows, 0, params, tick).map_err(words)?.0,
        };
        let done = work(rows, &nb).map_err(words);
        self.neighbours = Some(nb);
        done
    }
}

/// True identities, where the run knows any.
fn pids(folder: &Path) -> Option<Vec<i32>> {
    let images = Images::read(folder).ok()?;
    let pids: Vec<i32> = images.split(Split::Train).iter().map(|row| row.pid).collect();
    pids.iter().any(|&p| p != pids[0]).then_some(pids)
}
