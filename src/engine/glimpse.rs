//! What pre-training shows of itself while it goes on: a batch as the network sees it, and where the features of the
//! newest batches lie. Nothing is drawn at random and nothing is changed; what goes wrong here is left out.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tch::Tensor;

use super::error::EngineError;
use super::event::SourceBatch;
use super::step::to_vec;
use crate::data::augment::{MEAN, STD};
use crate::method::embed::pca;
use crate::method::rows::Rows;

/// From one glimpse to the next, at least: it costs some hundredths of a second.
const EVERY: Duration = Duration::from_millis(1500);
/// Images of the batch that are shown.
const IMAGES: i64 = 32;
/// Rows of pixels that they have at most.
const HEIGHT: i64 = 128;
/// Batches whose features are shown together.
const BATCHES: usize = 4;

/// The newest batches of pre-training.
#[derive(Default)]
pub(super) struct Glimpses {
    /// Features `[B, d]` with the identity of each row, the oldest batch first.
    batches: VecDeque<(Tensor, Vec<i32>)>,
    /// Batches seen so far.
    seen: usize,
    /// Points of the last glimpse, with the number of the first batch among them.
    before: (usize, Vec<[f32; 2]>),
    last: Option<Instant>,
}

impl Glimpses {
    /// Takes in a batch: pixels `[B, 3, H, W]`, features `[B, d]`, the identity of each; a glimpse where it is time.
    pub fn see(&mut self, x: &Tensor, features: &Tensor, pids: Vec<i32>, at: (usize, usize)) -> Option<SourceBatch> {
        self.batches.push_back((features.detach(), pids));
        self.seen += 1;
        if self.batches.len() > BATCHES {
            self.batches.pop_front();
        }
        if self.last.is_some_and(|last| last.elapsed() < EVERY) {
            return None;
        }
        let glimpse = tch::no_grad(|| self.glimpse(x, at));
        self.last = Some(Instant::now());
        glimpse.inspect_err(|error| tracing::debug!(%error, "no glimpse of pre-training")).ok()
    }

    fn glimpse(&mut self, x: &Tensor, (epoch, iter): (usize, usize)) -> Result<SourceBatch, EngineError> {
        let (_, pids) = self.batches.back().ok_or(EngineError::Stopped)?;
        let (size, pixels) = pixels(x)?;
        let pids = pids.iter().copied().take(pixels.len() / (3 * size[0] * size[1]).max(1)).collect();
        let points = self.points()?;
        let point_pids = self.batches.iter().flat_map(|(_, pids)| pids).copied().collect();
        Ok(SourceBatch { epoch, iter, size, pixels, pids, points, point_pids })
    }

    /// The features in the plane, turned so that those of the last glimpse stay about where they were.
    fn points(&mut self) -> Result<Vec<[f32; 2]>, EngineError> {
        let (mut all, mut d) = (Vec::new(), 1);
        for (features, _) in &self.batches {
            d = features.size().last().copied().unwrap_or(1).max(1) as usize;
            all.extend(to_vec(features)?);
        }
        for row in all.chunks_exact_mut(d) {
            let length = row.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
            row.iter_mut().for_each(|x| *x /= length);
        }
        let flat = pca(Rows::new(&all, d)?, &|_, _| true)?;
        let points: Vec<[f32; 2]> = flat.chunks_exact(2).map(|p| [p[0], p[1]]).collect();
        let rows = |batches: usize| self.batches.iter().take(batches).map(|(_, pids)| pids.len()).sum::<usize>();
        let first = self.seen - self.batches.len();
        let (known, old) = &self.before;
        let gone = first.saturating_sub(*known);
        let each = self.batches.front().map_or(0, |(_, pids)| pids.len());
        let shared = old.get(gone * each..).unwrap_or_default();
        let points = turned(points, &shared[..shared.len().min(rows(self.batches.len()))]);
        self.before = (first, points.clone());
        Ok(points)
    }
}

/// The points, their axes swapped and mirrored so that the first of them lie as near as they can to `old`.
fn turned(points: Vec<[f32; 2]>, old: &[[f32; 2]]) -> Vec<[f32; 2]> {
    let ways = [false, true].into_iter().flat_map(|swap| {
        [[1.0f32, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]].into_iter().map(move |sign| (swap, sign))
    });
    let turn = |[x, y]: [f32; 2], (swap, sign): (bool, [f32; 2])| {
        let [x, y] = if swap { [y, x] } else { [x, y] };
        [sign[0] * x, sign[1] * y]
    };
    let apart = |way: (bool, [f32; 2])| -> f32 {
        let pairs = points.iter().map(|p| turn(*p, way)).zip(old);
        pairs.map(|(p, q)| (p[0] - q[0]).powi(2) + (p[1] - q[1]).powi(2)).sum()
    };
    let best = ways.min_by(|a, b| apart(*a).total_cmp(&apart(*b))).unwrap_or((false, [1.0, 1.0]));
    points.iter().map(|p| turn(*p, best)).collect()
}

/// The first images of a batch as they entered the network: rows and columns, then red, green and blue of each pixel.
fn pixels(x: &Tensor) -> Result<([usize; 2], Vec<u8>), EngineError> {
    let n = x.size().first().copied().unwrap_or(0).min(IMAGES);
    let height = x.size().get(2).copied().unwrap_or(1);
    let step = (height + HEIGHT - 1) / HEIGHT;
    let small = x.f_narrow(0, 0, n)?.f_slice(2, None, None, step)?.f_slice(3, None, None, step)?;
    let size = small.size();
    let (height, width) = (size[2] as usize, size[3] as usize);
    let values = to_vec(&small.f_permute([0, 2, 3, 1])?)?;
    let byte = |(i, v): (usize, &f32)| (255.0 * (v * STD[i % 3] + MEAN[i % 3])).round().clamp(0.0, 255.0) as u8;
    Ok(([height, width], values.iter().enumerate().map(byte).collect()))
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    #[test]
    fn points_are_turned_to_those_before_and_pixels_are_colours_again() {
        let old = [[1.0, 0.0], [0.0, 2.0], [-1.0, -2.0]];
        let mirrored: Vec<[f32; 2]> = old.iter().map(|[x, y]| [*y, -*x]).collect();
        assert_eq!(turned(mirrored, &old), old);
        let x = Tensor::zeros([2, 3, 256, 8], (Kind::Float, Device::Cpu));
        let (size, bytes) = pixels(&x).unwrap();
        assert_eq!((size, bytes.len()), ([128, 4], 2 * 3 * 128 * 4));
        assert_eq!(&bytes[..3], [124, 116, 104], "zero is the mean");
    }

    #[test]
    fn a_glimpse_shows_the_batch_and_the_newest_features() {
        let mut glimpses = Glimpses::default();
        let x = Tensor::zeros([4, 3, 8, 4], (Kind::Float, Device::Cpu));
        let features = Tensor::randn([4, 6], (Kind::Float, Device::Cpu));
        let glimpse = glimpses.see(&x, &features, vec![0, 0, 1, 1], (2, 5)).unwrap();
        assert_eq!((glimpse.epoch, glimpse.iter, glimpse.size), (2, 5, [8, 4]));
        assert_eq!((glimpse.pids, glimpse.points.len()), (vec![0, 0, 1, 1], 4));
        assert!(glimpses.see(&x, &features, vec![0, 0, 1, 1], (2, 6)).is_none(), "not so soon");
        glimpses.last = None;
        let next = glimpses.see(&x, &features, vec![0, 0, 1, 1], (2, 7)).unwrap();
        assert_eq!((next.points.len(), next.point_pids.len()), (12, 12));
    }
}
