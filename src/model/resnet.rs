//! ResNets as torchvision builds and names them, with the last stride 1 (SpCL `models/resnet.py:33`).

use tch::Tensor;

use super::attention::{self, Block};
use super::error::Result;
use super::ibn::{Ibn, Norm};
use super::layers::{BatchNorm, Conv, LayerMaker, Pass, relu};
use crate::method::params::Backbone;

/// The shape of a ResNet.
#[derive(Clone, Copy, Debug)]
struct Plan {
    /// Channels after the stem.
    stem: i64,
    /// Bottlenecks (1×1, 3×3, 1×1, output four times as wide), or basic blocks (two 3×3).
    bottleneck: bool,
    /// Blocks of each stage.
    blocks: [usize; 4],
    /// Inner width of the first stage; it doubles with each.
    width: i64,
    /// IBN-a in the first three stages.
    ibn: bool,
}

impl Plan {
    fn of(backbone: Backbone) -> Self {
        let (stem, bottleneck, blocks, width) = match backbone {
            Backbone::Resnet50 | Backbone::Resnet50Ibn => (64, true, [3, 4, 6, 3], 64),
            Backbone::Resnet34 => (64, false, [3, 4, 6, 3], 64),
            Backbone::Resnet18 => (64, false, [2, 2, 2, 2], 64),
            Backbone::Resnet50Lite => (16, true, [1, 1, 1, 1], 16),
        };
        Self { stem, bottleneck, blocks, width, ibn: backbone == Backbone::Resnet50Ibn }
    }

    fn expansion(self) -> i64 {
        if self.bottleneck { 4 } else { 1 }
    }

    /// Channels out of stage `s`, from 0.
    fn out(self, s: usize) -> i64 {
        (self.width << s) * self.expansion()
    }
}

/// A residual block: two or three convolutions with batch normalisation, added to the input.
#[derive(Debug)]
struct Residual {
    convs: Vec<(Conv, Norm)>,
    downsample: Option<(Conv, Norm)>,
}

fn conv_bn(m: &LayerMaker, names: (&str, &str), shape: (i64, i64, i64), stride: i64) -> Result<(Conv, Norm)> {
    let (input, output, kernel) = shape;
    Ok((
        Conv::backbone(&m.sub(names.0), input, output, kernel, stride)?,
        Norm::Batch(BatchNorm::new(&m.sub(names.1), output, BatchNorm::MOMENTUM, false)?),
    ))
}

impl Residual {
    fn new(m: &LayerMaker, plan: Plan, input: i64, width: i64, stride: i64) -> Result<Self> {
        let output = width * plan.expansion();
        let convs = if plan.bottleneck {
            // The last stage, the widest, keeps plain batch normalisation.
            let first = if plan.ibn && width < plan.width << 3 {
                (Conv::backbone(&m.sub("conv1"), input, width, 1, 1)?, Norm::Ibn(Ibn::new(&m.sub("bn1"), width)?))
            } else {
                conv_bn(m, ("conv1", "bn1"), (input, width, 1), 1)?
            };
            vec![
                first,
                conv_bn(m, ("conv2", "bn2"), (width, width, 3), stride)?,
                conv_bn(m, ("conv3", "bn3"), (width, output, 1), 1)?,
            ]
        } else {
            vec![
                conv_bn(m, ("conv1", "bn1"), (input, width, 3), stride)?,
                conv_bn(m, ("conv2", "bn2"), (width, width, 3), 1)?,
            ]
        };
        let downsample = if stride != 1 || input != output {
            Some(conv_bn(&m.sub("downsample"), ("0", "1"), (input, output, 1), stride)?)
        } else {
            None
        };
        Ok(Self { convs, downsample })
    }

    fn forward(&self, x: &Tensor, pass: &Pass) -> Result<Tensor> {
        let mut y = x.shallow_clone();
        for (i, (conv, bn)) in self.convs.iter().enumerate() {
            y = bn.forward(&conv.forward(&y, pass)?, pass)?;
            if i + 1 < self.convs.len() {
                y = relu(y)?;
            }
        }
        let skip = match &self.downsample {
            Some((conv, bn)) => bn.forward(&conv.forward(x, pass)?, pass)?,
            None => x.shallow_clone(),
        };
        relu(y.f_add_(&skip)?)
    }
}

/// Stem, four stages, and attention blocks at two places.
#[derive(Debug)]
pub struct ResNet {
    stem: (Conv, Norm),
    /// Off in networks that were built without a ReLU after the stem (MMT).
    pub stem_relu: bool,
    stages: Vec<Vec<Residual>>,
    /// Before the first and after the second of these stages (1-based).
    attention: Option<((usize, Block), (usize, Block))>,
    dim: i64,
}

impl ResNet {
    /// Names `conv1`, `bn1`, `layer1.0.conv1` … as torchvision; attention blocks `att_in`, `att_out`.
    /// `positions` is the pair of Table 1, 1-based: before the first stage, after the second.
    pub fn new(m: &LayerMaker, backbone: Backbone, positions: Option<(usize, usize)>) -> Result<Self> {
        let plan = Plan::of(backbone);
        let stem = conv_bn(m, ("conv1", "bn1"), (3, plan.stem, 7), 2)?;
        let mut stages = Vec::new();
        let mut input = plan.stem;
        for (s, &count) in plan.blocks.iter().enumerate() {
            let stage = m.sub(format!("layer{}", s + 1));
            // stage 1 keeps the stem's resolution; stage 4 keeps stage 3's: the "last stride 1"
            let stride = if s == 1 || s == 2 { 2 } else { 1 };
            let mut blocks = Vec::new();
            for b in 0..count {
                let stride = if b == 0 { stride } else { 1 };
                blocks.push(Residual::new(&stage.sub(b), plan, input, plan.width << s, stride)?);
                input = plan.out(s);
            }
            stages.push(blocks);
        }
        let attention = match positions {
            Some((first, second)) => {
                let before = if first <= 1 { plan.stem } else { plan.out(first - 2) };
                let after = plan.out(second.clamp(1, 4) - 1);
                Some(((first, Block::new(&m.sub("att_in"), before)?), (second, Block::new(&m.sub("att_out"), after)?)))
            }
            None => None,
        };
        Ok(Self { stem, stem_relu: true, stages, attention, dim: plan.out(3) })
    }

    /// Channels of the last stage: the length of the feature.
    pub fn dim(&self) -> i64 {
        self.dim
    }

    /// `[B, 3, H, W]` to `[B, d, H/16, W/16]`.
    pub fn forward(&self, x: &Tensor, pass: &mut Pass) -> Result<Tensor> {
        let (conv, bn) = &self.stem;
        let x = bn.forward(&conv.forward(x, pass)?, pass)?;
        let x = if self.stem_relu { relu(x)? } else { x };
        let mut x = x.f_max_pool2d([3, 3], [2, 2], [1, 1], [1, 1], false)?;
        for (s, stage) in self.stages.iter().enumerate() {
            if let Some(((first, block), _)) = &self.attention
                && *first == s + 1
            {
                x = block.forward(&x, pass, &format!("layer{first}"))?;
            }
            for residual in stage {
                x = residual.forward(&x, pass)?;
            }
            if let Some((_, (second, block))) = &self.attention
                && *second == s + 1
            {
                x = block.forward(&x, pass, &format!("layer{second}"))?;
            }
        }
        if !matches!(&self.attention, Some((_, (4, _)))) {
            pass.record(|| "layer4.output".to_owned(), || attention::energy(&x))?;
        }
        Ok(x)
    }
}
