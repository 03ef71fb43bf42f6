//! A linear classifier without bias, for source pre-training and for the baseline without memory.

use tch::{Device, Tensor};

use super::error::Result;
use super::init::Init;
use super::net::unit_length;

/// `logits = x Wᵀ`, on the feature after `feat_bn` (OpenUnReID `classifier`).
#[derive(Debug)]
pub struct Classifier {
    weight: Tensor,
}

impl Classifier {
    /// `classes` rows drawn from N(0, 0.001²) by `seed`, as SpCL and OpenUnReID do.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn new(dim: i64, classes: i64, device: Device, seed: u64) -> Result<Self> {
        let values = Init::Normal(0.001).values(seed, "classifier.weight", (dim * classes) as usize);
        let weight = Tensor::f_from_slice(&values)?.f_view([classes, dim])?.f_to_device(device)?;
        Ok(Self { weight: weight.f_set_requires_grad(true)? })
    }

    /// One class a row of `centroids` `[C, d]`, brought to unit length: the baseline without memory begins each
    /// epoch so.
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn from_centroids(centroids: &Tensor) -> Result<Self> {
        let weight = tch::no_grad(|| unit_length(&centroids.f_detach()?))?;
        Ok(Self { weight: weight.f_set_requires_grad(true)? })
    }

    /// The first `identities` rows of `source` as they are, and behind them one class a row of `centroids` `[C, d]`,
    /// brought to unit length.
    ///
    /// # Errors
    /// When the lengths differ.
    pub fn from_source_and_centroids(source: &Self, identities: i64, centroids: &Tensor) -> Result<Self> {
        let weight = tch::no_grad(|| -> Result<Tensor> {
            let kept = source.weight.f_narrow(0, 0, identities)?.f_to_device(centroids.device())?;
            Ok(Tensor::f_cat(&[kept, unit_length(&centroids.f_detach()?)?], 0)?)
        })?;
        Ok(Self { weight: weight.f_set_requires_grad(true)? })
    }

    /// `[B, d]` to `[B, C]`.
    ///
    /// # Errors
    /// When the lengths differ.
    pub fn logits(&self, x: &Tensor) -> Result<Tensor> {
        Ok(x.f_matmul(&self.weight.f_transpose(0, 1)?)?)
    }

    /// `classifier.weight`, for the optimiser and for checkpoints.
    pub fn parameters(&self) -> Vec<(String, Tensor)> {
        vec![("classifier.weight".to_owned(), self.weight.shallow_clone())]
    }

    /// Takes over a weight `[C, d]` of the same size from a checkpoint.
    ///
    /// # Errors
    /// When the sizes differ.
    pub fn set_weight(&mut self, weight: &Tensor) -> Result<()> {
        let _guard = tch::no_grad_guard();
        Ok(self.weight.f_copy_(weight)?)
    }
}
