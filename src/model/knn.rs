//! k nearest neighbours on a device: the same lists as [`crate::method::knn`], up to the order of rows whose
//! distances differ by less than the rounding of a product.

use tch::{Device, Kind, Tensor};

use super::error::Result;
use crate::method::knn::Neighbours;

/// Rows of a block of distances: at 100,000 rows a block is 0.8 GB.
const BLOCK: i64 = 2048;

/// The `k` nearest rows of every row of `features` `[N, d]` (unit length) by squared Euclidean distance, itself
/// first, ties by index; `k` is clamped to N. `tick` hears of blocks done and in all, and may cancel:
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
    let (mut index, mut dist) = (Vec::with_capacity(n * k), Vec::with_capacity(n * k));
    let blocks = (n as i64 + BLOCK - 1) / BLOCK;
    for block in 0..blocks {
        let start = block * BLOCK;
        let rows = BLOCK.min(n as i64 - start);
        let own = norms.f_narrow(0, start, rows)?.f_unsqueeze(1)?;
        let products = all.f_narrow(0, start, rows)?.f_matmul(&columns)?;
        let distances = own.f_add(&norms)?.f_sub(&products.f_mul_scalar(2.0)?)?.f_clamp_min(0.0)?;
        // Nothing is nearer than oneself, copies included.
        let diagonal = Tensor::f_arange_start(start, start + rows, (Kind::Int64, device))?.f_unsqueeze(1)?;
        let distances = distances.f_scatter_value(1, &diagonal, -1.0)?;
        let (nearest, places) = distances.f_topk(k as i64, 1, false, true)?;
        let nearest = Vec::<f32>::try_from(nearest.f_to_device(Device::Cpu)?.f_contiguous()?.f_view([-1])?)?;
        let places = Vec::<i64>::try_from(places.f_to_device(Device::Cpu)?.f_contiguous()?.f_view([-1])?)?;
        for (distances, places) in nearest.chunks_exact(k).zip(places.chunks_exact(k)) {
            let mut row: Vec<(f32, i64)> = distances.iter().copied().zip(places.iter().copied()).collect();
            row.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            index.extend(row.iter().map(|&(_, i)| i as u32));
            dist.extend(row.iter().map(|&(d, _)| d.max(0.0)));
        }
        if !tick(block as u64 + 1, blocks as u64) {
            return Ok(None);
        }
    }
    Ok(Some(Neighbours { n, k, index, dist }))
}
