//! Retrieval on a test set: features of query and gallery, CMC, mAP, ranks.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::error::EngineError;
use super::event::{Domain, Event, SnapshotPart, Split, Stage, State};
use super::session::Session;
use super::worker::Link;
use crate::data::Sample;
use crate::method::evaluate::{EvalOptions, EvalSet, Evaluation, Metric, evaluate};
use crate::method::rows::Rows;
use crate::run::snapshot::RankSnapshot;

/// Ranks kept of each query.
pub(super) const TOP: usize = 50;

impl Session {
    /// Evaluates on the test set of that domain and says the result; the target's ranks go into a snapshot.
    pub(super) fn evaluate(&mut self, domain: Domain, link: &mut Link) -> Result<(), EngineError> {
        let data = match domain {
            Domain::Source => &self.source,
            Domain::Target => &self.target,
        };
        if data.dataset.query.is_empty() || data.dataset.gallery.is_empty() {
            return Ok(());
        }
        let (query, gallery) = (Arc::clone(data.cache(Split::Query)), Arc::clone(data.cache(Split::Gallery)));
        let bn = match domain {
            Domain::Source => 0,
            Domain::Target => self.target_domain(),
        };
        self.enter(State::Evaluating, link)?;
        let began = Instant::now();
        let total = (query.len() + gallery.len()) as u64;
        let query_features = self.extract(&query, bn, (Stage::Evaluate, 0, total), link)?;
        let gallery_features = self.extract(&gallery, bn, (Stage::Evaluate, query.len() as u64, total), link)?;
        let result = self.rank(domain, &query_features, &gallery_features, link)?;
        let epoch = self.epochs_done();
        let retrieval = result.retrieval.clone();
        if domain == Domain::Target {
            let better = self.best_map.is_none_or(|best| retrieval.mAP > best);
            snapshot(result).write(&self.folder, epoch)?;
            self.keep_evaluated(bn, query_features, gallery_features)?;
            if better {
                self.best_map = Some(retrieval.mAP);
                // Chosen by the target's test labels: an oracle, and named so.
                self.keep_checkpoint("best-oracle.safetensors")?;
            }
        }
        link.outbox.emit(Event::Evaluated { epoch, domain, retrieval })?;
        if domain == Domain::Target {
            link.outbox.emit(Event::Snapshot { epoch, part: SnapshotPart::Ranks })?;
        }
        self.stage_done(Stage::Evaluate, began, link)
    }

    fn rank(&self, domain: Domain, query: &[f32], gallery: &[f32], link: &mut Link) -> Result<Evaluation, EngineError> {
        let data = match domain {
            Domain::Source => &self.source.dataset,
            Domain::Target => &self.target.dataset,
        };
        let d = self.net.dim() as usize;
        let column = |samples: &[Sample], of: fn(&Sample) -> i32| samples.iter().map(of).collect::<Vec<i32>>();
        let (query_pid, gallery_pid) = (column(&data.query, |s| s.pid), column(&data.gallery, |s| s.pid));
        let cameras = data.evaluation_cameras();
        let set = EvalSet {
            query: Rows::new(query, d)?,
            gallery: Rows::new(gallery, d)?,
            query_pid: &query_pid,
            query_camid: &cameras.query,
            gallery_pid: &gallery_pid,
            gallery_camid: &cameras.gallery,
        };
        let options = EvalOptions { metric: Metric::Euclidean, top: TOP, same_camera_rule: cameras.rule };
        let control = Arc::clone(&link.control);
        let outbox = Mutex::new(&mut link.outbox);
        let tick = |done: u64, total: u64| {
            if let Ok(mut outbox) = outbox.try_lock() {
                outbox.progress(Stage::Evaluate, done, total);
            }
            !control.stop_requested()
        };
        Ok(evaluate(&set, &options, &tick)?)
    }
}

/// What of an evaluation is kept.
pub(super) fn snapshot(e: Evaluation) -> RankSnapshot {
    RankSnapshot {
        ap: e.ap,
        top: e.top,
        ranks: e.ranks,
        distances: e.distances,
        match_indptr: e.match_indptr,
        match_index: e.match_index,
        match_rank: e.match_rank,
        match_distance: e.match_distance,
    }
}
