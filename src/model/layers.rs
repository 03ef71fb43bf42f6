//! Convolution and batch normalisation under PyTorch's names, and what a forward pass carries along.

use tch::{Kind, Tensor, nn};

use super::error::Result;
use super::init::Init;

/// Where a layer puts its tensors, and how they begin.
#[derive(Clone)]
pub struct LayerMaker<'a> {
    path: nn::Path<'a>,
    seed: u64,
    domains: usize,
    channels_last: bool,
}

impl<'a> LayerMaker<'a> {
    /// Tensors go under `path`; every batch normalisation is made `domains` times; weights of convolutions lie
    /// channels-last in memory when asked (the values and the shape are the same).
    pub fn new(path: nn::Path<'a>, seed: u64, domains: usize, channels_last: bool) -> Self {
        Self { path, seed, domains: domains.max(1), channels_last }
    }

    /// One level down.
    pub fn sub(&self, name: impl ToString) -> Self {
        Self { path: self.path.sub(name), ..self.clone() }
    }

    /// A new tensor under this name.
    pub(super) fn tensor(&self, name: &str, dims: &[i64], init: Init, trainable: bool) -> Result<Tensor> {
        let count = dims.iter().product::<i64>() as usize;
        let values = init.values(self.seed, &self.path.path(name), count);
        let mut t = Tensor::f_from_slice(&values)?.f_view(dims)?;
        if self.channels_last {
            t = channels_last(&t)?;
        }
        let t = t.f_to_device(self.path.device())?;
        Ok(self.path.add(name, t, trainable))
    }
}

/// The same tensor with its channels innermost in memory, for 4-d tensors; others as they are.
///
/// oneDNN and cuDNN then run without reordering, and pooling and batch normalisation read whole cache lines.
pub fn channels_last(x: &Tensor) -> Result<Tensor> {
    if x.dim() != 4 {
        return Ok(x.shallow_clone());
    }
    Ok(x.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_permute([0, 3, 1, 2])?)
}

/// A copy with memory of its own, dense in the usual order, without gradients.
pub fn dense_copy(x: &Tensor) -> Result<Tensor> {
    let mut copy = Tensor::f_empty(x.size(), (x.f_kind()?, x.device()))?;
    copy.f_copy_(&x.f_detach()?)?;
    Ok(copy)
}

/// What one forward pass carries through the layers.
#[derive(Debug, Default)]
pub struct Pass {
    /// Batch statistics, and gradients; otherwise running statistics.
    pub train: bool,
    /// Whose batch normalisation: 0 source, 1 target.
    pub domain: usize,
    /// `(start, length)` of the groups of images that share batch statistics; empty where all do.
    pub groups: Vec<(i64, i64)>,
    /// Convolutions and activations in bfloat16; weights, statistics and the feature stay in float32.
    pub bf16: bool,
    /// When set, attention blocks and the last stage leave their maps here.
    pub recorded: Option<Vec<(String, Tensor)>>,
}

impl Pass {
    /// A pass with running statistics.
    pub fn eval(domain: usize) -> Self {
        Self { domain, ..Self::default() }
    }

    /// A pass with batch statistics.
    pub fn train(domain: usize) -> Self {
        Self { train: true, domain, ..Self::default() }
    }

    /// Keeps a map `[B, height, width]` if somebody asked for maps.
    pub fn record(&mut self, name: impl FnOnce() -> String, map: impl FnOnce() -> Result<Tensor>) -> Result<()> {
        if let Some(list) = &mut self.recorded {
            list.push((name(), map()?));
        }
        Ok(())
    }
}

/// A convolution over `[B, in, H, W]`, square kernel.
#[derive(Debug)]
pub struct Conv {
    weight: Tensor,
    bias: Option<Tensor>,
    stride: i64,
    padding: i64,
}

impl Conv {
    /// Without bias and with Kaiming's normal initialisation: the backbone's (torchvision, SpCL).
    pub fn backbone(m: &LayerMaker, input: i64, output: i64, kernel: i64, stride: i64) -> Result<Self> {
        let dims = [output, input, kernel, kernel];
        let weight = m.tensor("weight", &dims, Init::kaiming_fan_out(&dims), true)?;
        Ok(Self { weight, bias: None, stride, padding: kernel / 2 })
    }

    /// With PyTorch's default initialisation: the attention blocks'.
    pub fn plain(m: &LayerMaker, input: i64, output: i64, kernel: i64, bias: bool) -> Result<Self> {
        let dims = [output, input, kernel, kernel];
        let init = Init::torch_default(&dims);
        let weight = m.tensor("weight", &dims, init, true)?;
        let bias = if bias { Some(m.tensor("bias", &[output], init, true)?) } else { None };
        Ok(Self { weight, bias, stride: 1, padding: kernel / 2 })
    }

    /// The kernel `[out, in, k, k]`, in the pass's precision.
    pub fn kernel(&self, pass: &Pass) -> Result<Tensor> {
        Ok(if pass.bf16 { self.weight.f_to_kind(Kind::BFloat16)? } else { self.weight.shallow_clone() })
    }

    /// `[B, in, H, W]` to `[B, out, H/stride, W/stride]`.
    pub fn forward(&self, x: &Tensor, pass: &Pass) -> Result<Tensor> {
        let (s, p) = ([self.stride; 2], [self.padding; 2]);
        let bias = match &self.bias {
            Some(b) if pass.bf16 => Some(b.f_to_kind(Kind::BFloat16)?),
            other => other.as_ref().map(Tensor::shallow_clone),
        };
        Ok(x.f_conv2d(&self.kernel(pass)?, bias.as_ref(), s, p, [1, 1], 1)?)
    }
}

/// The tensors of one domain's batch normalisation, each `[C]`.
#[derive(Debug)]
struct BnSet {
    weight: Tensor,
    bias: Tensor,
    mean: Tensor,
    var: Tensor,
}

impl BnSet {
    fn new(m: &LayerMaker, channels: i64, frozen_bias: bool) -> Result<Self> {
        Ok(Self {
            weight: m.tensor("weight", &[channels], Init::Const(1.0), true)?,
            bias: m.tensor("bias", &[channels], Init::Const(0.0), !frozen_bias)?,
            mean: m.tensor("running_mean", &[channels], Init::Const(0.0), false)?,
            var: m.tensor("running_var", &[channels], Init::Const(1.0), false)?,
        })
    }
}

/// Batch normalisation over `[B, C]` or `[B, C, H, W]`, one set of tensors a domain (SpCL `models/dsbn.py`).
///
/// Domain 0 has PyTorch's names (`bn1.weight`), so that published weights load; domain 1 stands below it
/// (`bn1.target.weight`).
#[derive(Debug)]
pub struct BatchNorm {
    sets: Vec<BnSet>,
    momentum: f64,
}

impl BatchNorm {
    /// PyTorch's default momentum.
    pub const MOMENTUM: f64 = 0.1;

    /// γ = 1, β = 0; `frozen_bias` keeps β there (the feature's normalisation, SpCL `models/resnet.py:58`).
    pub fn new(m: &LayerMaker, channels: i64, momentum: f64, frozen_bias: bool) -> Result<Self> {
        let mut sets = vec![BnSet::new(m, channels, frozen_bias)?];
        for _ in 1..m.domains {
            sets.push(BnSet::new(&m.sub("target"), channels, frozen_bias)?);
        }
        Ok(Self { sets, momentum })
    }

    /// Same shape out as in. A training pass moves the running statistics of its domain, once a group.
    ///
    /// Groups are cut out of the batch here alone: everything else of the network sees the whole batch, which keeps a
    /// GPU busy where a pass for each group of 16 images would not. In channels-last order a group is one piece of
    /// memory.
    pub fn forward(&self, x: &Tensor, pass: &Pass) -> Result<Tensor> {
        if !pass.train || pass.groups.len() < 2 {
            return self.normalised(x, pass);
        }
        // One split: backwards it joins the groups' gradients, where a slice each would be filled up to the whole batch.
        let lengths: Vec<i64> = pass.groups.iter().map(|&(_, length)| length).collect();
        let groups = x.f_split_with_sizes(lengths.as_slice(), 0)?;
        let parts: Result<Vec<Tensor>> = groups.iter().map(|group| self.normalised(group, pass)).collect();
        Ok(Tensor::f_cat(&parts?, 0)?)
    }

    fn normalised(&self, x: &Tensor, pass: &Pass) -> Result<Tensor> {
        let set = &self.sets[pass.domain.min(self.sets.len() - 1)];
        Ok(x.f_batch_norm(
            Some(&set.weight),
            Some(&set.bias),
            Some(&set.mean),
            Some(&set.var),
            pass.train,
            self.momentum,
            1e-5,
            true,
        )?)
    }
}

/// The mean over `dims`. The factor is applied to the small result, so that the gradient is a broadcast view instead
/// of a large quotient.
pub fn mean(x: &Tensor, dims: &[i64], keepdim: bool) -> Result<Tensor> {
    let size = x.size();
    let count: i64 = dims.iter().map(|&d| size[d as usize]).product();
    Ok(x.f_sum_dim_intlist(dims, keepdim, None::<Kind>)?.f_mul_scalar(1.0 / count.max(1) as f64)?)
}

/// ReLU in place: what comes before it (batch normalisation, addition) does not need its output for gradients.
pub fn relu(mut x: Tensor) -> Result<Tensor> {
    Ok(x.f_relu_()?)
}
