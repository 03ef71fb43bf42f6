//! The triplet loss and one step of the optimiser, the same for pre-training and adaptation.

use tch::{Device, Kind, Tensor};

use super::error::EngineError;
use crate::method::params::{TripletForm, TripletUse};
use crate::model::losses::{backward, batch_hard_triplet, softmax_triplet};
use crate::model::optim::Adam;

/// Gradients of `loss`, then one step of Adam with this learning rate and weight decay.
///
/// # Errors
/// When libtorch fails; running out of memory is told apart.
pub(super) fn step(adam: &mut Adam, loss: &Tensor, lr: f64, weight_decay: f64) -> Result<(), EngineError> {
    adam.zero_grad()?;
    backward(loss)?;
    adam.set_lr(lr);
    adam.set_weight_decay(weight_decay);
    Ok(adam.step()?)
}

/// The triplet loss in its form, of pooled features `[B, d]` and the class of each.
///
/// # Errors
/// When libtorch fails.
pub(super) fn triplet(pooled: &Tensor, labels: &[i64], params: &TripletUse) -> Result<Tensor, EngineError> {
    Ok(match params.form {
        TripletForm::Margin => batch_hard_triplet(pooled, labels, params.margin, true)?,
        TripletForm::Softmax => softmax_triplet(pooled, labels)?,
    })
}

/// The numbers of a tensor, row by row.
///
/// # Errors
/// When libtorch fails.
pub(super) fn to_vec(t: &Tensor) -> Result<Vec<f32>, EngineError> {
    let t = t.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?;
    Ok(Vec::<f32>::try_from(t.f_view([-1])?)?)
}
