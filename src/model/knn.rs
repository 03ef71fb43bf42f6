//! k nearest neighbours on a device: the same lists as [`crate::method::knn`], up to the order of rows whose
//! distances differ by less than the rounding of a product.

use rayon::prelude::*;
use tch::{Device, Kind, Tensor};

use super::error::Result;
use crate::method::knn::Neighbours;

/// Rows of a block of distances at most.
const ROWS: i64 = 2048;
/// Distances of a block at most: 1 GiB of them, so that a million rows fit a device as well.
const BLOCK: i64 = 1 << 28;
/// Rows whose neighbours wait on the device to be fetched together: each transfer makes the host wait.
const FETCH: usize = 1 << 16;

/// Rows of a block when there are `n` in all.
fn block_rows(n: i64) -> i64 {
    (BLOCK / n.max(1)).clamp(1, ROWS)
}

/// The `k` nearest rows of every row of `features` `[N, d]` (unit length) by squared Euclidean distance, itself
/// first, ties by index; `k` is clamped to N. `tick` hears of blocks that were begun and of all, and may cancel:
/// the result is then `None`.
///
/// # Errors
/// When the device has no room.
pub fn neighbours(
    features: &[f32],
    d: usize,
    k: usize,
    device: Device,
    tick: &dyn Fn(u64, u64) -> bool,
) -> Result<Option<Neighbours>> {
    let _guard = tch::no_grad_guard();
    let n = features.len().checked_div(d).unwrap_or(0);
    let k = k.clamp(1, n.max(1)).min(n);
    let all = Tensor::f_from_slice(features)?.f_view([n as i64, d as i64])?.f_to_device(device)?;
    let norms = all.f_square()?.f_sum_dim_intlist([1i64].as_slice(), false, Kind::Float)?;
    let columns = all.f_transpose(0, 1)?;
    let mut lists = Lists { k, waiting: Vec::new(), rows: 0, index: Vec::new(), dist: Vec::new() };
    let step = block_rows(n as i64);
    let blocks = (n as i64 + step - 1) / step;
    for block in 0..blocks {
        let start = block * step;
        let rows = step.min(n as i64 - start);
        // ‖b‖² − 2 a·b in the product itself; ‖a‖² moves a whole row and is added to its k least.
        let own = all.f_narrow(0, start, rows)?.f_mul_scalar(-2.0)?;
        let mut distances = norms.f_addmm(&own, &columns)?;
        // Nothing is nearer than oneself, copies included.
        let diagonal = Tensor::f_arange_start(start, start + rows, (Kind::Int64, device))?.f_unsqueeze(1)?;
        let _ = distances.f_scatter_value_(1, &diagonal, f64::NEG_INFINITY)?;
        let (nearest, places) = distances.f_topk(k as i64, 1, false, true)?;
        let nearest = nearest.f_add(&norms.f_narrow(0, start, rows)?.f_unsqueeze(1)?)?;
        lists.add(nearest, places, block + 1 == blocks)?;
        if !tick(block as u64 + 1, blocks as u64) {
            return Ok(None);
        }
    }
    Ok(Some(Neighbours { n, k, index: lists.index, dist: lists.dist }))
}

/// Lists on their way from the device.
struct Lists {
    k: usize,
    waiting: Vec<(Tensor, Tensor)>,
    rows: usize,
    index: Vec<u32>,
    dist: Vec<f32>,
}

impl Lists {
    fn add(&mut self, nearest: Tensor, places: Tensor, last: bool) -> Result<()> {
        self.rows += nearest.size()[0] as usize;
        self.waiting.push((nearest, places));
        if self.rows < FETCH && !last {
            return Ok(());
        }
        self.rows = 0;
        let (nearest, places): (Vec<Tensor>, Vec<Tensor>) = self.waiting.drain(..).unzip();
        let flat = |parts: &[Tensor]| -> Result<Tensor> {
            Ok(Tensor::f_cat(parts, 0)?.f_to_device(Device::Cpu)?.f_contiguous()?.f_view([-1])?)
        };
        let (nearest, places) = (Vec::<f32>::try_from(flat(&nearest)?)?, Vec::<i64>::try_from(flat(&places)?)?);
        let start = self.index.len();
        self.index.resize(start + places.len(), 0);
        self.dist.resize(start + nearest.len(), 0.0);
        let to = self.index[start..].par_chunks_mut(self.k).zip(self.dist[start..].par_chunks_mut(self.k));
        to.zip(nearest.par_chunks(self.k).zip(places.par_chunks(self.k))).for_each(
            |((index, dist), (nearest, places))| {
                let mut row: Vec<(f32, i64)> = nearest.iter().copied().zip(places.iter().copied()).collect();
                row.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                for (at, (d, i)) in row.into_iter().enumerate() {
                    (index[at], dist[at]) = (i as u32, d.max(0.0));
                }
            },
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_of_distances_is_bounded_at_every_size() {
        assert_eq!(block_rows(12_936), ROWS);
        assert_eq!(block_rows(100_000), ROWS);
        for n in [200_000, 1_000_000, 20_000_000] {
            assert!(block_rows(n) * n <= BLOCK && block_rows(n) >= 1);
        }
    }
}
