//! Decoded images on the device, augmented there: a training step then copies a few numbers instead of pixels.

use rayon::prelude::*;
use tch::{Device, Kind, Tensor};

use super::device::send;
use super::error::Result;
use crate::data::augment::{MEAN, Moves, STD};
use crate::data::cache::ImageCache;

/// Images that go to the device at once.
const CHUNK: usize = 1024;

/// All images of a split on a device.
#[derive(Debug)]
pub struct DeviceImages {
    /// `[N, H, W, 3]` bytes.
    bytes: Tensor,
    /// `[3 · 256]`: the normalised value of every byte, a channel after the other.
    table: Tensor,
    /// `[3]`: where the values of each channel begin in `table`.
    channel: Tensor,
    /// `[3]`: what an erased pixel is set to.
    mean: Tensor,
    height: usize,
    width: usize,
}

impl DeviceImages {
    /// Bytes that the images of a cache take.
    pub fn bytes_of(cache: &ImageCache) -> u64 {
        let (height, width) = cache.size();
        (cache.len() * height * width * 3) as u64
    }

    /// Copies all images of a cache to the device; those that are not decoded yet are decoded. `tick` hears of
    /// images done and in all, and may stop it.
    ///
    /// # Errors
    /// When the device has no room. A stop is no error: the result is then `None`.
    pub fn upload(cache: &ImageCache, device: Device, tick: impl Fn(u64, u64) -> bool) -> Result<Option<Self>> {
        let _guard = tch::no_grad_guard();
        let (height, width) = cache.size();
        let n = cache.len();
        let image = height * width * 3;
        let bytes = Tensor::f_zeros([n as i64, height as i64, width as i64, 3], (Kind::Uint8, device))?;
        let mut host = Vec::with_capacity(CHUNK.min(n) * image);
        for start in (0..n).step_by(CHUNK) {
            let end = (start + CHUNK).min(n);
            host.clear();
            let decoded: Vec<_> = (start..end).into_par_iter().map(|i| cache.get(i)).collect();
            decoded.iter().for_each(|pixels| host.extend_from_slice(pixels));
            if !tick(end as u64, n as u64) {
                return Ok(None);
            }
            let shape = [(end - start) as i64, height as i64, width as i64, 3];
            let chunk = Tensor::f_from_slice(&host)?.f_view(shape)?;
            bytes.f_narrow(0, start as i64, (end - start) as i64)?.f_copy_(&chunk)?;
        }
        Ok(Some(Self::of(bytes)?))
    }

    /// Images that lie on their device already, `[N, H, W, 3]` bytes.
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn of(bytes: Tensor) -> Result<Self> {
        let (_, height, width, _) = bytes.size4()?;
        let device = bytes.device();
        let values: Vec<f32> =
            (0..3).flat_map(|c| (0..256).map(move |v| (v as f32 / 255.0 - MEAN[c]) / STD[c])).collect();
        Ok(Self {
            bytes,
            table: Tensor::f_from_slice(&values)?.f_to_device(device)?,
            channel: Tensor::f_from_slice(&[0i64, 256, 512])?.f_to_device(device)?,
            mean: Tensor::f_from_slice(&MEAN)?.f_to_device(device)?,
            height: height as usize,
            width: width as usize,
        })
    }

    /// The batch `[B, 3, H, W]` (channels last in memory) of images `indices` under `moves`, one each: bit for bit
    /// what [`Moves::apply`] makes.
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn batch(&self, indices: &[u32], moves: &[Moves]) -> Result<Tensor> {
        let _guard = tch::no_grad_guard();
        let device = self.bytes.device();
        let (b, h, w) = (indices.len() as i64, self.height as i64, self.width as i64);
        let (rows, columns) = self.places(moves);
        let at =
            |v: &[i64], shape: [i64; 3]| -> Result<Tensor> { send(&Tensor::f_from_slice(v)?.f_view(shape)?, device) };
        let which: Vec<i64> = indices.iter().map(|&i| i64::from(i)).collect();
        let which = at(&which, [b, 1, 1])?;
        let (rows, columns) = (at(&rows, [b, h, 1])?, at(&columns, [b, 1, w])?);
        // A place outside of the image is −1: black, as the padding is.
        let inside = rows.f_ge(0)?.f_logical_and(&columns.f_ge(0)?)?.f_unsqueeze(3)?;
        let picked = [Some(which), Some(rows.f_clamp_min(0)?), Some(columns.f_clamp_min(0)?)];
        let bytes = self.bytes.f_index(&picked)?.f_mul(&inside)?;
        let slots = bytes.f_to_kind(Kind::Int64)?.f_add(&self.channel)?;
        let mut x = self.table.f_index_select(0, &slots.f_view([-1])?)?.f_view([b, h, w, 3])?;
        if let Some(erased) = self.erased(moves)? {
            x = x.f_where_self(&erased.f_logical_not()?, &self.mean)?;
        }
        Ok(x.f_permute([0, 3, 1, 2])?)
    }

    /// For every output row and column the row and column of the image, −1 in the border: `[B, H]` and `[B, W]`.
    fn places(&self, moves: &[Moves]) -> (Vec<i64>, Vec<i64>) {
        let place = |at: usize, moved: usize, pad: usize, size: usize| {
            (at + moved).checked_sub(pad).filter(|&v| v < size).map_or(-1, |v| v as i64)
        };
        let mut rows = Vec::with_capacity(moves.len() * self.height);
        let mut columns = Vec::with_capacity(moves.len() * self.width);
        for m in moves {
            rows.extend((0..self.height).map(|y| place(y, m.top, m.pad, self.height)));
            columns.extend((0..self.width).map(|x| match place(x, m.left, m.pad, self.width) {
                -1 => -1,
                x if m.flip => self.width as i64 - 1 - x,
                x => x,
            }));
        }
        (rows, columns)
    }

    /// `[B, H, W, 1]`: whether a pixel lies in its image's erased rectangle; `None` when there is none at all.
    fn erased(&self, moves: &[Moves]) -> Result<Option<Tensor>> {
        if moves.iter().all(|m| m.erase.is_none()) {
            return Ok(None);
        }
        let device = self.bytes.device();
        let (b, h, w) = (moves.len() as i64, self.height as i64, self.width as i64);
        let side = |of: fn(&crate::data::augment::Rect) -> usize| -> Result<Tensor> {
            let v: Vec<i64> = moves.iter().map(|m| m.erase.as_ref().map_or(0, |r| of(r) as i64)).collect();
            send(&Tensor::f_from_slice(&v)?.f_view([b, 1])?, device)
        };
        let range = |n: i64| Tensor::f_arange(n, (Kind::Int64, device));
        let (y, x) = (range(h)?, range(w)?);
        let within = |at: &Tensor, from: Tensor, until: Tensor| -> Result<Tensor> {
            Ok(at.f_ge_tensor(&from)?.f_logical_and(&at.f_lt_tensor(&until)?)?)
        };
        let rows = within(&y, side(|r| r.top)?, side(|r| r.top + r.height)?)?;
        let columns = within(&x, side(|r| r.left)?, side(|r| r.left + r.width)?)?;
        let mask = rows.f_unsqueeze(2)?.f_logical_and(&columns.f_unsqueeze(1)?)?;
        Ok(Some(mask.f_unsqueeze(3)?))
    }
}
