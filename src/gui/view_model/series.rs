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
    /// Where values are not finite, in order.
    gaps: Vec<f64>,
    ema: Ema,
    levels: Vec<Vec<Bucket>>,
}

/// What a stretch of the curve spans.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bucket {
    min: f64,
    max: f64,
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
        let smooth = self.ema.push(y, merged);
        self.add(x, y, smooth);
    }

    fn add(&mut self, x: f64, y: f64, smooth: f64) {
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
            self.levels.push(self.level(size));
        }
    }

    fn level(&self, size: usize) -> Vec<Bucket> {
        let start = Bucket { min: f64::INFINITY, max: f64::NEG_INFINITY };
        let widen = |b: Bucket, y: &f64| Bucket { min: b.min.min(*y), max: b.max.max(*y) };
        self.y.chunks(size).map(|c| c.iter().filter(|y| y.is_finite()).fold(start, widen)).collect()
    }

    fn rewind(&mut self, x: f64) {
        let keep = self.x.partition_point(|known| *known < x);
        let (xs, ys) = (self.x[..keep].to_vec(), self.y[..keep].to_vec());
        *self = Self::default();
        for (x, y) in xs.into_iter().zip(ys) {
            self.push(x, y, 1);
        }
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
