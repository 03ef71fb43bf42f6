//! A curve that grows: raw values, their smoothed form, and a pyramid of minima and maxima, so that a million
//! points cost no more to draw than the picture is wide.

use crate::method::smooth::Ema;

/// Points in a bucket of the pyramid's lowest level; each level above holds twice as many.
const BASE: usize = 8;

/// Values over increasing x. A value that is not finite is a gap: it is counted, not drawn.
#[derive(Clone, Debug, Default)]
pub struct Series {
    x: Vec<f64>,
    y: Vec<f64>,
    smooth: Vec<f64>,
    /// The average after each point, so that going back costs nothing.
    averages: Vec<Ema>,
    /// Where values are not finite, in order.
    gaps: Vec<f64>,
    levels: Vec<Vec<Bucket>>,
}

/// What a stretch of the curve spans.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bucket {
    min: f64,
    max: f64,
}

const NOTHING: Bucket = Bucket { min: f64::INFINITY, max: f64::NEG_INFINITY };

fn span_of(values: &[f64]) -> Bucket {
    let widen = |b: Bucket, y: &f64| Bucket { min: b.min.min(*y), max: b.max.max(*y) };
    values.iter().filter(|y| y.is_finite()).fold(NOTHING, widen)
}

fn joined(buckets: &[Bucket]) -> Bucket {
    buckets.iter().fold(NOTHING, |a, b| Bucket { min: a.min.min(b.min), max: a.max.max(b.max) })
}

/// A stretch of the curve, ready to draw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// Where it begins.
    pub x: f64,
    /// Least and largest value; NaN when it has none.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Smoothed value at its end.
    pub smooth: f64,
}

impl PartialEq for Series {
    fn eq(&self, other: &Self) -> bool {
        let same = |a: &[f64], b: &[f64]| a.iter().map(|x| x.to_bits()).eq(b.iter().map(|x| x.to_bits()));
        same(&self.x, &other.x) && same(&self.y, &other.y) && same(&self.smooth, &other.smooth)
    }
}

impl Series {
    /// Adds a point that stands for `merged` iterations. Going back in x (a run taken up at its last
    /// checkpoint) drops what lay beyond: that work was lost and is done anew.
    pub fn push(&mut self, x: f64, y: f64, merged: u32) {
        if self.x.last().is_some_and(|last| *last >= x) {
            self.rewind(x);
        }
        let mut average = self.averages.last().copied().unwrap_or_default();
        let smooth = average.push(y, merged);
        self.averages.push(average);
        let i = self.x.len();
        self.x.push(x);
        self.y.push(y);
        self.smooth.push(smooth);
        if !y.is_finite() {
            self.gaps.push(x);
        }
        let (low, high) = if y.is_finite() { (y, y) } else { (f64::INFINITY, f64::NEG_INFINITY) };
        let mut size = BASE;
        for level in &mut self.levels {
            match level.get_mut(i / size) {
                Some(bucket) => *bucket = Bucket { min: bucket.min.min(low), max: bucket.max.max(high) },
                None => level.push(Bucket { min: low, max: high }),
            }
            size *= 2;
        }
        if i + 1 >= size {
            let level = match self.levels.last() {
                Some(below) => below.chunks(2).map(joined).collect(),
                None => self.y.chunks(size).map(span_of).collect(),
            };
            self.levels.push(level);
        }
    }

    /// Drops the points from `x` on, in time that grows with their number only.
    pub(super) fn rewind(&mut self, x: f64) {
        let keep = self.x.partition_point(|known| *known < x);
        self.x.truncate(keep);
        self.y.truncate(keep);
        self.smooth.truncate(keep);
        self.averages.truncate(keep);
        self.gaps.truncate(self.gaps.partition_point(|known| *known < x));
        let mut size = BASE;
        let mut levels = 0;
        for at in 0..self.levels.len() {
            if keep < size {
                break;
            }
            levels = at + 1;
            let count = keep.div_ceil(size);
            self.levels[at].truncate(count);
            // The last bucket held points that are gone: it is made anew of the halves below it.
            let last = (count - 1) * size;
            let rest = if at == 0 { span_of(&self.y[last..]) } else { joined(&self.levels[at - 1][2 * (count - 1)..]) };
            self.levels[at][count - 1] = rest;
            size = size.saturating_mul(2);
        }
        self.levels.truncate(levels);
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.x.len()
    }

    /// Whether there is no point.
    pub fn is_empty(&self) -> bool {
        self.x.is_empty()
    }

    /// The newest point.
    pub fn last(&self) -> Option<(f64, f64)> {
        Some((*self.x.last()?, *self.y.last()?))
    }

    /// The newest smoothed value.
    pub fn last_smooth(&self) -> Option<f64> {
        self.smooth.last().copied().filter(|y| y.is_finite())
    }

    /// All points, as they came.
    pub fn points(&self) -> impl DoubleEndedIterator<Item = (f64, f64)> + '_ {
        self.x.iter().copied().zip(self.y.iter().copied())
    }

    /// All points, smoothed.
    pub fn smoothed(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.x.iter().copied().zip(self.smooth.iter().copied())
    }

    /// The value at exactly `x`, if there is a point.
    pub fn at(&self, x: f64) -> Option<f64> {
        let i = self.x.partition_point(|known| *known < x);
        self.x.get(i).filter(|known| **known == x).map(|_| self.y[i])
    }

    /// The point nearest to `x`, raw and smoothed.
    pub fn nearest(&self, x: f64) -> Option<(f64, f64, f64)> {
        let i = self.x.partition_point(|known| *known < x);
        let i = match (i.checked_sub(1), self.x.get(i)) {
            (Some(before), Some(after)) if x - self.x[before] < after - x => before,
            (Some(before), None) => before,
            _ => i,
        };
        Some((*self.x.get(i)?, self.y[i], self.smooth[i]))
    }

    /// Where values that are not finite lie, at most `limit`, newest last.
    pub fn gaps(&self, limit: usize) -> &[f64] {
        &self.gaps[self.gaps.len().saturating_sub(limit)..]
    }

    /// The curve between `from` and `to` in at most `width` stretches (and one more at each side, so that a
    /// line runs on to the edge of the picture).
    pub fn spans(&self, from: f64, to: f64, width: usize) -> Vec<Span> {
        let first = self.x.partition_point(|x| *x < from).saturating_sub(1);
        let last = (self.x.partition_point(|x| *x <= to) + 1).min(self.x.len());
        let count = last.saturating_sub(first);
        if count <= width.max(1) {
            let raw = |i: usize| Span { x: self.x[i], min: self.y[i], max: self.y[i], smooth: self.smooth[i] };
            return (first..last).map(raw).collect();
        }
        let enough = |(k, _): &(usize, &Vec<Bucket>)| count.div_ceil(BASE << k) <= width.max(1);
        let Some((k, level)) =
            self.levels.iter().enumerate().find(enough).or(self.levels.iter().enumerate().next_back())
        else {
            return Vec::new();
        };
        let size = BASE << k;
        (first / size..last.div_ceil(size).min(level.len()))
            .map(|b| {
                let Bucket { min, max } = level[b];
                let (min, max) = if min <= max { (min, max) } else { (f64::NAN, f64::NAN) };
                let end = ((b + 1) * size).min(self.x.len()) - 1;
                Span { x: self.x[b * size], min, max, smooth: self.smooth[end] }
            })
            .collect()
    }
}
