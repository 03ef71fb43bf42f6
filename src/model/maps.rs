//! Attention maps as plain numbers.

use tch::{Device, Kind, Tensor};

use super::error::Result;

/// One map, row-major `[height, width]`, values as the network computed them.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedMap {
    /// `layer1.…` for the block before that stage, `layer4.…` for the one after; then
    /// `input` (`Σ_c x²` of what enters the block, `[H, W]`),
    /// `coordinate` (the mean over channels of `g^h · g^w`, `[H, W]`), `coordinate.h` (`[H, 1]`) and
    /// `coordinate.w` (`[1, W]`), the gates alone; `triplet` (the mean over channels of the averaged gates,
    /// `[H, W]`), `triplet.cw` (`[C, W]`), `triplet.hc` (`[H, C]`) and `triplet.hw` (`[H, W]`), its branches;
    /// `output` (`Σ_c x²` of what leaves the block, `[H, W]`).
    pub name: String,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// `height × width` values.
    pub values: Vec<f32>,
}

/// Splits recorded `[B, height, width]` tensors by image: one list a batch row, in network order.
pub(crate) fn by_image(batch: usize, recorded: &[(String, Tensor)]) -> Result<Vec<Vec<PlacedMap>>> {
    let mut images: Vec<Vec<PlacedMap>> = (0..batch).map(|_| Vec::with_capacity(recorded.len())).collect();
    for (name, tensor) in recorded {
        let (_, height, width) = tensor.size3()?;
        let (height, width) = (height as usize, width as usize);
        let flat = tensor.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?.f_view([-1])?;
        let mut values = vec![0f32; batch * height * width];
        let count = values.len();
        flat.f_copy_data(&mut values, count)?;
        for (maps, chunk) in images.iter_mut().zip(values.chunks_exact((height * width).max(1))) {
            maps.push(PlacedMap { name: name.clone(), height, width, values: chunk.to_vec() });
        }
    }
    Ok(images)
}
