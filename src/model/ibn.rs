//! Instance-batch normalisation (IBN-a, Pan et al., ECCV 2018): of a bottleneck's first normalisation one half of the
//! channels is normalised by each image alone, the other by the batch. ICE, OpenUnReID and the strong baselines have
//! it in the first three stages.

use tch::Tensor;

use super::error::Result;
use super::init::Init;
use super::layers::{BatchNorm, LayerMaker, Pass};

/// What stands after a convolution.
#[derive(Debug)]
pub enum Norm {
    /// Batch normalisation.
    Batch(BatchNorm),
    /// Half instance, half batch normalisation.
    Ibn(Ibn),
}

impl Norm {
    /// Same shape out as in.
    pub fn forward(&self, x: &Tensor, pass: &Pass) -> Result<Tensor> {
        match self {
            Self::Batch(bn) => bn.forward(x, pass),
            Self::Ibn(ibn) => ibn.forward(x, pass),
        }
    }
}

/// Tensors `IN.weight`, `IN.bias` and `BN.*`, as published weights name them.
#[derive(Debug)]
pub struct Ibn {
    weight: Tensor,
    bias: Tensor,
    batch: BatchNorm,
    half: i64,
}

impl Ibn {
    /// Over `channels`, of which the first half is normalised by each image alone.
    pub fn new(m: &LayerMaker, channels: i64) -> Result<Self> {
        let half = channels / 2;
        let instance = m.sub("IN");
        Ok(Self {
            weight: instance.tensor("weight", &[half], Init::Const(1.0), true)?,
            bias: instance.tensor("bias", &[half], Init::Const(0.0), true)?,
            batch: BatchNorm::new(&m.sub("BN"), channels - half, BatchNorm::MOMENTUM, false)?,
            half,
        })
    }

    /// `[B, C, H, W]` to the same.
    pub fn forward(&self, x: &Tensor, pass: &Pass) -> Result<Tensor> {
        let rest = x.size()[1] - self.half;
        let (first, second) = (x.f_narrow(1, 0, self.half)?, x.f_narrow(1, self.half, rest)?);
        // Statistics are always the image's own; there are no running ones.
        let first = first.f_instance_norm(
            Some(&self.weight),
            Some(&self.bias),
            None::<&Tensor>,
            None::<&Tensor>,
            true,
            BatchNorm::MOMENTUM,
            1e-5,
            true,
        )?;
        Ok(Tensor::f_cat(&[first, self.batch.forward(&second, pass)?], 1)?)
    }
}
