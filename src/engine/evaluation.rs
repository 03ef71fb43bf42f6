//! Retrieval on a test set: features of query and gallery, CMC, mAP, ranks.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::error::EngineError;
use super::event::{Domain, Event, SnapshotPart, Split, Stage, State};
use super::link::Link;
use super::ranked::TOP;
use super::session::{Saves, Session};
use crate::base::tick::no_tick;
use crate::data::{Dataset, Sample, clothes};
use crate::method::draws::{DRAWS, Drawn, over_draws};
use crate::method::evaluate::{EvalOptions, EvalSet, Evaluation, Metric, Retrieval, evaluate as compare};
use crate::method::rerank::{RerankOptions, evaluate_reranked};
use crate::method::rows::Rows;
use crate::run::checkpoints::BEST_ORACLE;
use crate::run::snapshot::RankSnapshot;

/// Evaluates on the test set of that domain and announces the result; the target's ranks go into a snapshot.
///
/// # Errors
/// [`EngineError::Stopped`] when that was asked for; else what went wrong.
pub(super) fn evaluate(
    session: &mut Session,
    domain: Domain,
    saves: &dyn Saves,
    link: &mut Link,
) -> Result<(), EngineError> {
    let data = session.setup.domain(domain);
    if data.dataset.query.is_empty() || data.dataset.gallery.is_empty() {
        return Ok(());
    }
    let (query, gallery) = (Arc::clone(data.cache(Split::Query)), Arc::clone(data.cache(Split::Gallery)));
    let bn = session.bn_of(domain);
    session.enter(State::Evaluating, link)?;
    let began = Instant::now();
    let total = (query.len() + gallery.len()) as u64;
    let query_features = session.extract(&query, bn, (Stage::Evaluate, 0, total), saves, link)?;
    let before = query.len() as u64;
    let gallery_features = session.extract(&gallery, bn, (Stage::Evaluate, before, total), saves, link)?;
    session.notify_unreadable(link);
    let data = session.setup.domain(domain);
    let again = session.params().eval.rerank && domain == Domain::Target;
    let test = (&query_features[..], &gallery_features[..], session.setup.dim());
    let (result, reranked) = rank(&data.dataset, test, again, link)?;
    let retrieval = Retrieval { unreadable: data.unreadable_in_test(), ..result.retrieval.clone() };
    let epoch = session.position.epochs_done();
    if domain == Domain::Source {
        link.outbox.emit(Event::Evaluated { epoch, domain, retrieval })?;
        return session.stage_done(Stage::Evaluate, began, link);
    }
    session.ranks.keep_evaluated(&session.setup, &session.position, bn, (query_features, gallery_features))?;
    if session.best_map.is_none_or(|best| retrieval.mAP > best) {
        session.best_map = Some(retrieval.mAP);
        // Chosen by the target's test labels: an oracle, and named so.
        session.keep_checkpoint(BEST_ORACLE, saves, link)?;
    }
    link.outbox.emit(Event::Evaluated { epoch, domain, retrieval })?;
    let (folder, ranks) = (session.folder.clone(), snapshot(result));
    let then = Event::Snapshot { epoch, part: SnapshotPart::Ranks };
    session.owed.write("ranks", Some(then), move || Ok(ranks.write(&folder, epoch)?), link)?;
    if let Some(reranked) = reranked {
        let (folder, ranks) = (session.folder.clone(), snapshot(reranked));
        let write = move || Ok(ranks.write_as(SnapshotPart::Reranked, &folder, epoch)?);
        let then = Event::Snapshot { epoch, part: SnapshotPart::Reranked };
        session.owed.write("re-ranked lists", Some(then), write, link)?;
    }
    session.stage_done(Stage::Evaluate, began, link)
}

/// The test set ranked, and ranked anew where that is wanted.
fn rank(
    data: &Dataset,
    (query, gallery, d): (&[f32], &[f32], usize),
    again: bool,
    link: &mut Link,
) -> Result<(Evaluation, Option<Evaluation>), EngineError> {
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
    let drawn = data.drawn.then(|| drawn(data, (query, gallery), d)).transpose()?;
    let control = Arc::clone(&link.control);
    let outbox = Mutex::new(&mut link.outbox);
    let tick = |done: u64, total: u64| {
        if let Ok(mut outbox) = outbox.try_lock() {
            outbox.progress(Stage::Evaluate, done, total);
        }
        !control.stop_requested()
    };
    let mut found = compare(&set, &options, &tick)?;
    found.tell_clothes(&clothes(&data.query), &clothes(&data.gallery));
    found.retrieval.drawn = drawn;
    let reranked = again.then(|| evaluate_reranked(&set, &options, &RerankOptions::default(), &tick)).transpose()?;
    found.retrieval.reranked = reranked.as_ref().and_then(|r| r.retrieval.figures());
    Ok((found, reranked))
}

/// Means over draws of the gallery, from the features of all test images.
fn drawn(data: &Dataset, (query, gallery): (&[f32], &[f32]), d: usize) -> Result<Drawn, EngineError> {
    let all = || data.query.iter().chain(&data.gallery);
    // In the order of their files, so that the first draw is that of seed 0.
    let mut order: Vec<(&Path, usize)> = all().enumerate().map(|(i, s)| (s.path.as_path(), i)).collect();
    order.sort_unstable();
    let row = |i: usize| if i * d < query.len() { &query[i * d..][..d] } else { &gallery[i * d - query.len()..][..d] };
    let features: Vec<f32> = order.iter().flat_map(|&(_, i)| row(i).iter().copied()).collect();
    let pids: Vec<i32> = all().map(|s| s.pid).collect();
    let pids: Vec<i32> = order.iter().map(|&(_, i)| pids[i]).collect();
    Ok(over_draws(Rows::new(&features, d)?, &pids, DRAWS, &EvalOptions::default(), &no_tick)?)
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
