//! Back to where a run was taken up: what lay beyond was undone.

use super::{MarkKind, MarkedMoment, ParamChange, RunPlace, RunView};
use crate::run::event::{Event, Phase, State};

impl RunView {
    /// Where an event says that the run stands before it; `None` when it does not say.
    pub(super) fn place_of(&self, event: &Event) -> Option<RunPlace> {
        match event {
            Event::Step(step) => Some((step.phase, step.epoch, step.iter)),
            Event::State { state: State::Extracting | State::Clustering, epoch } => Some((Phase::Adapt, *epoch, 0)),
            Event::ParamApplied { epoch, iter, .. } if self.resumed => Some((self.training(), *epoch, *iter)),
            _ => None,
        }
    }

    /// The training that comes next or goes on: once the source was evaluated it is adaptation.
    pub(super) fn training(&self) -> Phase {
        let evaluated = !self.source_retrieval.is_empty() || !self.target_retrieval.is_empty();
        if self.parent.is_some() || evaluated || !self.adapt.points.is_empty() || !self.clusters.is_empty() {
            Phase::Adapt
        } else {
            self.phase
        }
    }

    /// Goes back to a place: what was told beyond it was lost, and is done anew.
    pub(super) fn rewind(&mut self, place: RunPlace) {
        let (phase, epoch, iter) = place;
        match phase {
            Phase::Pretrain => {
                self.epochs_done = 0;
                self.pretrain.rewind(epoch, iter);
                self.adapt.rewind(0, 0);
                self.clusters.clear();
                self.hands.clear();
                self.target_retrieval.clear();
                self.source_retrieval.clear();
                self.snapshots.clear();
            }
            Phase::Adapt => {
                self.adapt.rewind(epoch, iter);
                self.epochs_done = self.epochs_done.min(epoch);
                let next = epoch.saturating_add(1);
                // The evaluation that follows epoch `e` is filed under `e + 1`.
                self.clusters.split_off(&next);
                self.hands.split_off(&next);
                self.target_retrieval.split_off(&next);
                self.source_retrieval.split_off(&next);
                self.snapshots.retain(|(of, _), _| *of <= epoch);
            }
        }
        self.undo_changes(place);
        let x = self.x_of(place);
        // The cut of the learning rate at the place itself will be told again.
        let beyond = |mark: &MarkedMoment| match mark.kind {
            MarkKind::LrDrop { .. } => (mark.phase, mark.x) >= (phase, x),
            _ => (mark.phase, mark.x) > (phase, x),
        };
        if std::mem::take(&mut self.resumed)
            && let Some(at) = self.marks.iter().rposition(|mark| mark.kind == MarkKind::Resumed)
        {
            self.marks[at] = MarkedMoment { phase, x, kind: MarkKind::Resumed };
        }
        self.marks.retain(|mark| !beyond(mark));
        self.begun = self.begun.filter(|begun| *begun <= (phase, epoch));
    }

    /// Changes that had been made beyond the place. One at the very place holds where the parameters say so.
    fn undo_changes(&mut self, place: RunPlace) {
        let params = self.params.clone();
        let mut undone = Vec::new();
        self.changes.retain(|change| {
            let at = (change.phase, change.epoch, change.iter);
            let in_force = || params.as_ref().and_then(|p| p.get(&change.key).ok()).is_none_or(|v| v == change.new);
            let keep = at < place || (at == place && in_force());
            if !keep {
                undone.push(change.clone());
            }
            keep
        });
        let is_undone = |mark: &MarkedMoment| match &mark.kind {
            MarkKind::Param { key, old, new } => undone.iter().any(|c: &ParamChange| {
                (&c.key, &c.old, &c.new) == (key, old, new) && mark.phase == c.phase && mark.x.floor() == c.epoch as f64
            }),
            _ => false,
        };
        if !undone.is_empty() {
            self.marks.retain(|mark| !is_undone(mark));
        }
    }

    /// Where a place lies on the axis of its training's epochs.
    pub(super) fn x_of(&self, (phase, epoch, iter): RunPlace) -> f64 {
        if iter == 0 {
            return epoch as f64;
        }
        let known = self.curves(phase).points.last().map(|p| p.iters);
        let planned = self.params.as_ref().map(|p| match phase {
            Phase::Pretrain => p.pretrain.iters,
            Phase::Adapt => p.adapt.iters,
        });
        let iters = if phase == self.phase && self.iters > 0 { Some(self.iters) } else { known.or(planned) };
        super::curves::x(epoch, iter, iters.unwrap_or(0).max(iter))
    }
}
