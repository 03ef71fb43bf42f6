//! The curves of one training, point by point.

use super::Series;
use crate::run::event::{Phase, Step};

/// Parts of a loss that are kept apart; a file that names more is not one of ours.
const PARTS: usize = 32;

/// The curves of one training over its epochs: iteration `i` of epoch `e` lies at `e + i / iters`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curves {
    /// The loss that was minimised.
    pub loss: Series,
    /// Its parts, in the order they were added; at most 32.
    pub parts: Vec<(String, Series)>,
    /// Learning rate.
    pub lr: Series,
    /// Iterations a second, without the first of each epoch.
    pub rate: Option<f64>,
    /// What else is known of each point, in order.
    pub points: Vec<Point>,
}

/// One point of the curves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Epoch of the training, from 0.
    pub epoch: usize,
    /// Iteration within the epoch, from 0: the last that the point stands for.
    pub iter: usize,
    /// Iterations of the epoch.
    pub iters: usize,
    /// Iterations since the run began.
    pub step: u64,
    /// Seconds an iteration took.
    pub seconds: f64,
    /// Of those, seconds spent waiting for images.
    pub waited: f64,
    /// How many iterations the point stands for.
    pub merged: u32,
}

impl Point {
    /// Where it lies on the axis of epochs.
    pub fn x(&self) -> f64 {
        x(self.epoch, self.iter, self.iters)
    }
}

/// Where an iteration lies on the axis of epochs.
pub(super) fn x(epoch: usize, iter: usize, iters: usize) -> f64 {
    epoch as f64 + iter as f64 / iters.max(1) as f64
}

impl Curves {
    /// Adds an iteration; it lies beyond all others.
    pub(super) fn push(&mut self, step: &Step) {
        let point = Point {
            epoch: step.epoch,
            iter: step.iter,
            iters: step.iters,
            step: step.step,
            seconds: step.seconds,
            waited: step.waited,
            merged: step.merged,
        };
        let x = point.x();
        // Epochs beyond 2^53 cannot be told apart on an axis; no run gets there.
        if self.points.last().is_some_and(|last| last.x() >= x) {
            return;
        }
        self.points.push(point);
        if step.iter > 0 && step.seconds > 0.0 {
            let now = f64::from(step.merged.max(1)) / step.seconds;
            self.rate = Some(self.rate.map_or(now, |rate| 0.9 * rate + 0.1 * now));
        }
        self.loss.push(x, step.loss, step.merged);
        self.lr.push(x, step.lr, step.merged);
        for (name, value) in step.parts.iter().take(PARTS) {
            let at = self.parts.iter().position(|(n, _)| n == name).unwrap_or(self.parts.len());
            if at == self.parts.len() {
                if at == PARTS {
                    continue;
                }
                self.parts.push((name.clone(), Series::default()));
            }
            self.parts[at].1.push(x, *value, step.merged);
        }
    }

    /// Drops the points from that iteration on.
    pub(super) fn rewind(&mut self, epoch: usize, iter: usize) {
        let keep = self.points.partition_point(|p| (p.epoch, p.iter) < (epoch, iter));
        if keep == self.points.len() {
            return;
        }
        let x = self.points[keep].x();
        self.points.truncate(keep);
        self.loss.rewind(x);
        self.lr.rewind(x);
        for (_, series) in &mut self.parts {
            series.rewind(x);
        }
        self.parts.retain(|(_, series)| !series.is_empty());
        self.rate = self.rate.filter(|_| keep > 0);
    }

    /// The points of one epoch.
    pub fn points_of(&self, epoch: usize) -> &[Point] {
        &self.points[self.range_of(epoch)]
    }

    /// Which points belong to an epoch.
    pub fn range_of(&self, epoch: usize) -> std::ops::Range<usize> {
        self.points.partition_point(|p| p.epoch < epoch)..self.points.partition_point(|p| p.epoch <= epoch)
    }

    /// The epochs that have points, in order, each once.
    pub fn epochs(&self) -> impl Iterator<Item = usize> + '_ {
        let mut at = 0;
        std::iter::from_fn(move || {
            let epoch = self.points.get(at)?.epoch;
            at = self.range_of(epoch).end;
            Some(epoch)
        })
    }

    /// Every iteration as the event that told of it; parts that were not kept are not there.
    pub fn steps(&self, phase: Phase) -> impl Iterator<Item = Step> + '_ {
        let values = self.loss.points().zip(self.lr.points());
        self.points.iter().zip(values).map(move |(p, ((x, loss), (_, lr)))| Step {
            phase,
            epoch: p.epoch,
            iter: p.iter,
            iters: p.iters,
            step: p.step,
            loss,
            parts: self.parts.iter().filter_map(|(name, series)| Some((name.clone(), series.at(x)?))).collect(),
            lr,
            seconds: p.seconds,
            waited: p.waited,
            merged: p.merged,
        })
    }
}
