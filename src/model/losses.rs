//! Losses of the training stages, after OpenUnReID's `models/losses`.

use tch::{Device, Kind, Tensor};

use super::device::send;
use super::error::{ModelError, Result};

fn labels_tensor(labels: &[i64], rows: i64, device: Device) -> Result<Tensor> {
    if labels.len() as i64 != rows {
        return Err(ModelError::Shape(format!("{} labels for {rows} rows", labels.len())));
    }
    send(&Tensor::f_from_slice(labels)?, device)
}

/// Cross-entropy with label smoothing, the mean over the batch (OpenUnReID `classification.py:13-46`):
/// `−Σ_c t_c log softmax(logits)_c` with `t = (1 − ε) · onehot + ε / C`.
///
/// `logits` `[B, C]`, `labels` `[B]` in `0..C`; a scalar.
///
/// # Errors
/// When the sizes differ or a label is out of range.
pub fn cross_entropy_smooth(logits: &Tensor, labels: &[i64], smoothing: f64) -> Result<Tensor> {
    let (rows, classes) = logits.size2()?;
    if let Some(bad) = labels.iter().find(|&&l| l < 0 || l >= classes) {
        return Err(ModelError::Shape(format!("label {bad} is not one of {classes} classes")));
    }
    let target = labels_tensor(labels, rows, logits.device())?.f_unsqueeze(1)?;
    let log_p = logits.f_log_softmax(1, None::<Kind>)?;
    let own = log_p.f_gather(1, &target, false)?.f_mean(None::<Kind>)?.f_neg()?;
    if smoothing == 0.0 {
        return Ok(own);
    }
    let all = log_p.f_mean(None::<Kind>)?.f_neg()?;
    Ok(own.f_mul_scalar(1.0 - smoothing)?.f_add(&all.f_mul_scalar(smoothing)?)?)
}

/// Further than any distance between features.
const FAR: f64 = 9_999_999.0;

/// The hardest images of an anchor: their places in the batch and their distances.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HardPair {
    /// The furthest of the same label; `None` where the anchor is alone.
    pub positive: Option<(usize, f32)>,
    /// The nearest of another label; `None` where there is no other.
    pub negative: Option<(usize, f32)>,
}

/// What the triplet loss compares of each anchor. Arguments as [`batch_hard_triplet`].
///
/// # Errors
/// When there are not as many labels as rows.
pub fn hardest_pairs(emb: &Tensor, labels: &[i64]) -> Result<Vec<HardPair>> {
    let _guard = tch::no_grad_guard();
    let hard = hardest(emb, labels)?;
    let places = |t: &Tensor| Ok::<_, ModelError>(Vec::<i64>::try_from(t.f_to_device(Device::Cpu)?)?);
    let floats = |t: &Tensor| Vec::<f32>::try_from(t.f_to_kind(Kind::Float)?.f_to_device(Device::Cpu)?);
    let (positive, negative) = (floats(&hard.positive)?, floats(&hard.negative)?);
    let (to_positive, to_negative) = (places(&hard.positive_at)?, places(&hard.negative_at)?);
    let lonely = |i: usize| labels.iter().filter(|l| **l == labels[i]).count() < 2;
    let alike = labels.iter().all(|l| *l == labels[0]);
    let pair = |i: usize| HardPair {
        positive: (!lonely(i)).then_some((to_positive[i] as usize, positive[i])),
        negative: (!alike).then_some((to_negative[i] as usize, negative[i])),
    };
    Ok((0..labels.len()).map(pair).collect())
}

/// The hardest distances of each anchor.
struct Hardest {
    /// `[B]`: to the furthest image of the same label, the anchor itself included.
    positive: Tensor,
    /// `[B]`: to the nearest image of another label; [`FAR`] when there is none.
    negative: Tensor,
    /// `[B]` places of those images.
    positive_at: Tensor,
    /// `[B]`
    negative_at: Tensor,
    /// `[B, B]` bool: the pair has one label.
    same: Tensor,
}

/// Euclidean distances `√max(d², 1e−12)` of `emb` `[B, d]` to its own detached copy, and the hardest of each row
/// (OpenUnReID `triplet.py:12-60`). Since the second operand is detached, the gradient reaches anchors only.
fn hardest(emb: &Tensor, labels: &[i64]) -> Result<Hardest> {
    let (rows, _) = emb.size2()?;
    let labels = labels_tensor(labels, rows, emb.device())?;
    let others = emb.f_detach()?;
    let squared = |x: &Tensor| x.f_square()?.f_sum_dim_intlist([1i64].as_slice(), true, None::<Kind>);
    let dot = emb.f_matmul(&others.f_transpose(0, 1)?)?;
    let norms = squared(emb)?.f_add(&squared(&others)?.f_transpose(0, 1)?)?;
    let dist = norms.f_sub(&dot.f_mul_scalar(2.0)?)?.f_clamp_min(1e-12)?.f_sqrt()?;
    let same = labels.f_unsqueeze(1)?.f_eq_tensor(&labels.f_unsqueeze(0)?)?;
    // the index forms, as the reference: the gradient goes to one element of a tie
    let (positive, positive_at) = dist.f_masked_fill(&same.f_logical_not()?, -FAR)?.f_max_dim(1, false)?;
    let (negative, negative_at) = dist.f_masked_fill(&same, FAR)?.f_min_dim(1, false)?;
    Ok(Hardest { positive, negative, positive_at, negative_at, same })
}

/// Batch-hard triplet loss (OpenUnReID `triplet.py:32-105`): the mean over anchors of
/// `max(0, margin + d(a, hardest positive) − d(a, hardest negative))`.
///
/// `emb` `[B, d]` is the pooled feature before `feat_bn`, `labels` `[B]` ids of any numbering; a scalar. With
/// `skip_lonely` an anchor without another image of its label does not count (docs/METHOD.md, decision 12), and a batch
/// of such anchors alone gives 0.
///
/// # Errors
/// When there are not as many labels as rows.
pub fn batch_hard_triplet(emb: &Tensor, labels: &[i64], margin: f64, skip_lonely: bool) -> Result<Tensor> {
    let hard = hardest(emb, labels)?;
    let loss = hard.positive.f_sub(&hard.negative)?.f_add_scalar(margin)?.f_relu()?;
    if !skip_lonely {
        return Ok(loss.f_mean(None::<Kind>)?);
    }
    let kind = loss.f_kind()?;
    let counts = hard.same.f_sum_dim_intlist([1i64].as_slice(), false, Kind::Int64)?.f_gt(1)?.f_to_kind(kind)?;
    let total = counts.f_sum(None::<Kind>)?.f_clamp_min(1.0)?;
    Ok(loss.f_mul(&counts)?.f_sum(None::<Kind>)?.f_div(&total)?)
}

/// Softmax-triplet loss with margin 0 (OpenUnReID `triplet.py:108-`): the mean over anchors of
/// `−log softmax(d⁺, d⁻)[1] = softplus(d⁺ − d⁻)`, on the same hardest pairs. Arguments as [`batch_hard_triplet`].
///
/// # Errors
/// When there are not as many labels as rows.
pub fn softmax_triplet(emb: &Tensor, labels: &[i64]) -> Result<Tensor> {
    let hard = hardest(emb, labels)?;
    Ok(hard.positive.f_sub(&hard.negative)?.f_softplus()?.f_mean(None::<Kind>)?)
}

/// The gradients of a scalar loss, into every tensor that it depends on.
///
/// # Errors
/// When libtorch fails; running out of memory is told apart.
pub fn backward(loss: &Tensor) -> Result<()> {
    Ok(loss.f_backward()?)
}

/// The number in a scalar. On a GPU this waits for everything queued before it: ask at the curve's rate only.
///
/// # Errors
/// When it is not a scalar.
pub fn value(loss: &Tensor) -> Result<f64> {
    Ok(loss.f_double_value(&[])?)
}
