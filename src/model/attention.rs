//! Coordinate attention and triplet attention, the paper's section III-A.
//!
//! References: CoordAttention `coordatt.py:22-58` (Eq. 1–4) and triplet-attention `triplet_attention.py`
//! (Eq. 5–7). Where the paper prints less than the code does (batch normalisation, δ = h-swish, the un-pooled
//! tensor in Eq. 7), the code counts.

use tch::{Device, Kind, Tensor};

use super::error::Result;
use super::layers::{BatchNorm, Conv, LayerMaker, Pass, channels_last, mean};
use super::plane;

/// Coordinate attention: gates along the height and along the width, `y = x · g^h · g^w`.
///
/// `f = h_swish(BN(conv1([mean_W x ; mean_H x])))`, `g^h = σ(conv_h f^h)`, `g^w = σ(conv_w f^w)`, with
/// `max(8, C / 32)` channels in between. No residual.
#[derive(Debug)]
pub struct Coordinate {
    conv1: Conv,
    bn1: BatchNorm,
    conv_h: Conv,
    conv_w: Conv,
}

impl Coordinate {
    /// Names `conv1`, `bn1`, `conv_h`, `conv_w` under `m`.
    pub fn new(m: &LayerMaker, channels: i64) -> Result<Self> {
        let mid = (channels / 32).max(8);
        Ok(Self {
            conv1: Conv::plain(&m.sub("conv1"), channels, mid, 1, true)?,
            bn1: BatchNorm::new(&m.sub("bn1"), mid, BatchNorm::MOMENTUM, false)?,
            conv_h: Conv::plain(&m.sub("conv_h"), mid, channels, 1, true)?,
            conv_w: Conv::plain(&m.sub("conv_w"), mid, channels, 1, true)?,
        })
    }

    /// The gates `g^h` `[B, C, H, 1]` and `g^w` `[B, C, 1, W]` of `x` `[B, C, H, W]`.
    fn gates(&self, x: &Tensor, pass: &Pass) -> Result<(Tensor, Tensor)> {
        let (_, _, height, width) = x.size4()?;
        let rows = mean(x, &[3], true)?;
        let columns = mean(x, &[2], true)?.f_permute([0, 1, 3, 2])?;
        let both = Tensor::f_cat(&[rows, columns], 2)?;
        let mid = self.bn1.forward(&self.conv1.forward(&both, pass)?, pass)?.f_hardswish()?;
        let rows = mid.f_narrow(2, 0, height)?;
        let columns = mid.f_narrow(2, height, width)?.f_permute([0, 1, 3, 2])?;
        let gate_h = self.conv_h.forward(&rows, pass)?.f_sigmoid()?;
        let gate_w = self.conv_w.forward(&columns, pass)?.f_sigmoid()?;
        Ok((gate_h, gate_w))
    }

    /// What `x` `[B, C, H, W]` is multiplied by; `name` is what recorded maps are called.
    pub fn gate(&self, x: &Tensor, pass: &mut Pass, name: &str) -> Result<Tensor> {
        let (gate_h, gate_w) = self.gates(x, pass)?;
        // Channels innermost, as in `x`: both are small, and their product is as large as `x`.
        let gate = channels_last(&gate_h)?.f_mul(&channels_last(&gate_w)?)?;
        pass.record(|| format!("{name}.coordinate"), || channel_mean(&gate))?;
        pass.record(|| format!("{name}.coordinate.h"), || channel_mean(&gate_h))?;
        pass.record(|| format!("{name}.coordinate.w"), || channel_mean(&gate_w))?;
        Ok(gate)
    }

    /// `[B, C, H, W]` to the same shape; `name` is what recorded maps are called.
    pub fn forward(&self, x: &Tensor, pass: &mut Pass, name: &str) -> Result<Tensor> {
        Ok(x.f_mul(&self.gate(x, pass, name)?)?)
    }
}

/// The mean over channels: `[B, C, H, W]` to `[B, H, W]`.
fn channel_mean(x: &Tensor) -> Result<Tensor> {
    Ok(x.f_mean_dim([1i64].as_slice(), false, None::<Kind>)?)
}

/// One gate of triplet attention: Z-pool (maximum and mean), 7×7 convolution, batch normalisation, sigmoid.
#[derive(Debug)]
struct Gate {
    conv: Conv,
    bn: BatchNorm,
}

impl Gate {
    fn new(m: &LayerMaker) -> Result<Self> {
        let m = m.sub("conv");
        Ok(Self {
            conv: Conv::plain(&m.sub("conv"), 2, 1, 7, false)?,
            bn: BatchNorm::new(&m.sub("bn"), 1, 0.01, false)?,
        })
    }

    /// Pools `dim` of `x` away; `turn` permutes the pooled `[B, ., ., .]` to `[B, 1, rows, columns]`, on which the
    /// convolution runs, and back (each of the permutations used is its own inverse).
    fn forward(&self, x: &Tensor, dim: i64, turn: [i64; 4], pass: &Pass) -> Result<Tensor> {
        // the index form of the maximum, as the reference: the gradient goes to one element
        let (max, _) = x.f_max_dim(dim, true)?;
        let mean = mean(x, &[dim], true)?;
        let pooled = Tensor::f_cat(&[max.f_permute(turn)?, mean.f_permute(turn)?], 1)?;
        let answer = match x.device() {
            Device::Cpu => plane::convolve(&pooled, &self.conv.kernel(pass)?)?,
            _ => self.conv.forward(&pooled, pass)?,
        };
        let gate = self.bn.forward(&answer, pass)?.f_sigmoid()?;
        Ok(gate.f_permute(turn)?)
    }
}

/// Triplet attention: `y = x · (a + b + c) / 3` with one gate each over the planes C×W, H×C and H×W.
///
/// The reference rotates the tensor, multiplies and rotates back three times; the gates are the same, so we add
/// them first and multiply once.
#[derive(Debug)]
pub struct TripletAttention {
    cw: Gate,
    hc: Gate,
    hw: Option<Gate>,
}

impl TripletAttention {
    /// Names `cw`, `hc`, `hw` under `m`; without `spatial` there is no `hw`, and two gates are averaged.
    pub fn new(m: &LayerMaker, spatial: bool) -> Result<Self> {
        Ok(Self {
            cw: Gate::new(&m.sub("cw"))?,
            hc: Gate::new(&m.sub("hc"))?,
            hw: if spatial { Some(Gate::new(&m.sub("hw"))?) } else { None },
        })
    }

    /// What `x` `[B, C, H, W]` is multiplied by; `name` is what recorded maps are called.
    pub fn gate(&self, x: &Tensor, pass: &mut Pass, name: &str) -> Result<Tensor> {
        let cw = self.cw.forward(x, 2, [0, 2, 1, 3], pass)?; // [B, C, 1, W]
        let hc = self.hc.forward(x, 3, [0, 3, 2, 1], pass)?; // [B, C, H, 1]
        // As above.
        let mut gate = channels_last(&hc)?.f_add(&channels_last(&cw)?)?;
        let mut branches = 2.0;
        let hw = self.hw.as_ref().map(|g| g.forward(x, 1, [0, 1, 2, 3], pass)).transpose()?; // [B, 1, H, W]
        if let Some(hw) = &hw {
            gate = gate.f_add_(hw)?;
            branches = 3.0;
        }
        let gate = gate.f_mul_scalar_(1.0 / branches)?;
        pass.record(|| format!("{name}.triplet"), || channel_mean(&gate))?;
        pass.record(|| format!("{name}.triplet.cw"), || Ok(cw.f_squeeze_dim(2)?))?;
        pass.record(|| format!("{name}.triplet.hc"), || Ok(hc.f_squeeze_dim(3)?.f_transpose(1, 2)?))?;
        if let Some(hw) = &hw {
            pass.record(|| format!("{name}.triplet.hw"), || Ok(hw.f_squeeze_dim(1)?))?;
        }
        Ok(gate)
    }

    /// `[B, C, H, W]` to the same shape; `name` is what recorded maps are called.
    pub fn forward(&self, x: &Tensor, pass: &mut Pass, name: &str) -> Result<Tensor> {
        Ok(x.f_mul(&self.gate(x, pass, name)?)?)
    }
}

/// Coordinate attention, then triplet attention.
///
/// At initialisation the block multiplies by about 1/8 (two sigmoids, then one): batch statistics absorb that,
/// running statistics only once they have been re-estimated, so features are worth nothing before training.
#[derive(Debug)]
pub struct Block {
    coord: Coordinate,
    triplet: TripletAttention,
}

impl Block {
    /// Names `coord`, `triplet` under `m`.
    pub fn new(m: &LayerMaker, channels: i64) -> Result<Self> {
        Ok(Self {
            coord: Coordinate::new(&m.sub("coord"), channels)?,
            triplet: TripletAttention::new(&m.sub("triplet"), true)?,
        })
    }

    /// `[B, C, H, W]` to the same shape; `name` is what recorded maps are called.
    pub fn forward(&self, x: &Tensor, pass: &mut Pass, name: &str) -> Result<Tensor> {
        pass.record(|| format!("{name}.input"), || energy(x))?;
        let x = self.coord.forward(x, pass, name)?;
        let x = self.triplet.forward(&x, pass, name)?;
        pass.record(|| format!("{name}.output"), || energy(&x))?;
        Ok(x)
    }
}

/// `Σ_c x²`: `[B, C, H, W]` to `[B, H, W]`, how strongly each place answers.
pub fn energy(x: &Tensor) -> Result<Tensor> {
    Ok(x.f_to_kind(Kind::Float)?.f_square()?.f_sum_dim_intlist([1i64].as_slice(), false, None::<Kind>)?)
}
