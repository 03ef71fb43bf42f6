//! Numbers and states in words, the same wherever they are said.

use super::plot::ticks;
use super::view_model::RunView;
use crate::base::text;
pub use crate::base::text::share;
use crate::method::ivf::IndexUse;
use crate::run::event::{Phase, Stage, State};
use crate::run::questions::is_asked_elsewhere;

/// Whether a run goes on, paused or not.
pub fn is_active(view: &RunView) -> bool {
    view.is_running() || view.state == State::Paused
}

/// The run that transport, parameters and shortcuts steer: the one on screen where another process trains it, else that
/// of this window.
pub fn steered<'a>(live: &'a RunView, shown: &'a RunView) -> &'a RunView {
    if shown.trainer.is_some() { shown } else { live }
}

/// Whether a network can be asked about the run on screen: the engine works on it or is free to take up what it left,
/// another process trains it, or it lies on another machine.
pub fn answers(live: &RunView, shown: &RunView) -> bool {
    match live.folder == shown.folder {
        true => shown.live,
        false => shown.folder.as_deref().is_some_and(|folder| {
            is_asked_elsewhere(folder, shown.trainer.is_some()) || is_over(shown) && !is_active(live)
        }),
    }
}

/// Whether the run is over: what it has not brought will not come.
pub fn is_over(view: &RunView) -> bool {
    matches!(view.state, State::Done | State::Stopped | State::Failed(_))
}

/// How neighbours were found where an index found them, and how many of the true ones it found.
pub fn by_index(index: &IndexUse) -> String {
    let IndexUse { lists, probes, measured } = index;
    let [probes, lists, images] = [*probes, *lists, measured.sampled].map(ticks::count);
    // Cut, not rounded: only what is whole reads 100 %.
    let found = (1e3 * measured.recall).floor() / 10.0;
    format!(
        "Neighbours by an index, {probes} of {lists} lists: {} % of the {} true ones, counted on {images} images",
        ticks::number(found, 1),
        measured.k.saturating_sub(1)
    )
}

/// Words for the state pill.
pub fn sentence(view: &RunView, truth: bool) -> String {
    let epoch = if view.epochs > 0 { format!(" · epoch {}/{}", view.epoch + 1, view.epochs) } else { String::new() };
    let iter = match view.stage {
        Some(Stage::Adapt | Stage::Pretrain) if view.iters > 0 => format!(" · iteration {}/{}", view.iter, view.iters),
        _ => String::new(),
    };
    let units = view.stage.map(|s| view.stages[s as usize]).filter(|s| s.total > 1);
    let units = units
        .map(|s| format!(" · {}/{}", text::count(s.done as usize), text::count(s.total as usize)))
        .unwrap_or_default();
    match &view.state {
        State::Idle => "Idle".to_owned(),
        State::Preparing => format!("Preparing{units}"),
        State::Pretraining => format!("Pre-training{epoch}{iter}"),
        State::Extracting => format!("Extracting{epoch}{units}"),
        State::Clustering => format!("Clustering{epoch}"),
        State::Adapting => format!("Adapting{epoch}{iter}"),
        State::Evaluating => format!("Evaluating{units}"),
        State::Paused => format!("Paused{epoch}{iter}"),
        State::Stopped => format!("Stopped{epoch}"),
        State::Done => match view.target_retrieval.last_key_value().filter(|_| truth) {
            Some((_, r)) => format!("Done · mAP {:.1}", 100.0 * r.mAP),
            None => "Done".to_owned(),
        },
        State::Failed(reason) => format!("Failed · {}", short(reason)),
    }
}

/// A few words for the list of runs.
pub fn brief(view: &RunView) -> String {
    let state = match &view.state {
        State::Paused => "paused",
        State::Done => "done",
        State::Stopped => "stopped",
        State::Failed(_) => "failed",
        _ => "live",
    };
    match view.phase {
        Phase::Pretrain if view.clusters.is_empty() => format!("{state} · pre-training"),
        _ => format!("{state} · epoch {}", view.clusters.len()),
    }
}

/// Seconds left: of the run once a cycle of it was timed (true), of pre-training before that (false).
pub fn time_left(view: &RunView) -> Option<(f64, bool)> {
    if view.phase == Phase::Pretrain {
        return view.stages[Stage::Pretrain as usize].left.map(|left| (left, false));
    }
    view.run_left().map(|left| (left, true))
}

fn short(reason: &str) -> String {
    let first = reason.split(['.', '\n']).next().unwrap_or(reason);
    let mut cut: String = first.chars().take(60).collect();
    if cut.len() < first.len() {
        cut.push('…');
    }
    cut
}

/// The clustering and training of epoch `e`, counted from 0, as people count.
pub fn epoch_words(e: usize) -> String {
    format!("epoch {}", e.saturating_add(1))
}

/// When a change that waits for an epoch takes effect.
pub fn next_epoch(view: &RunView) -> String {
    match view.next_epoch() {
        (Phase::Pretrain, epoch) => format!("pre-training {}", epoch_words(epoch)),
        (Phase::Adapt, epoch) => epoch_words(epoch),
    }
}

/// What was evaluated once `e` epochs of adaptation were done.
pub fn after_words(e: usize) -> String {
    match e {
        0 => "source only".to_owned(),
        1 => "after 1 epoch".to_owned(),
        _ => format!("after {} epochs", text::count(e)),
    }
}

/// The same of a run, where nothing may be trained: what was imported is no model of the source.
pub fn measured_words(view: &RunView, e: usize) -> String {
    match view.target_retrieval.len() {
        _ if view.trains() => after_words(e),
        0 | 1 => "as imported".to_owned(),
        _ => format!("imported set {}", e.saturating_add(1)),
    }
}

/// What is compared with: `against 3 epochs`.
pub fn against_words(e: usize) -> String {
    format!("against {}", after_words(e).trim_start_matches("after "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_that_is_not_nothing_does_not_look_so() {
        assert_eq!([0.636, 1.0 / 1146.0, 0.0, 1.0, 0.004].map(share), ["0.64", "0.0009", "0.00", "1.00", "0.004"]);
    }

    #[test]
    fn epochs_count_from_one_and_evaluations_from_the_source_only_model() {
        assert_eq!([epoch_words(0), epoch_words(11)], ["epoch 1", "epoch 12"]);
        assert_eq!([0, 1, 12].map(after_words), ["source only", "after 1 epoch", "after 12 epochs"]);
    }
}
