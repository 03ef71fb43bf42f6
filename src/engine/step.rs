//! One step of the optimiser, the same for pre-training and adaptation.

use tch::Tensor;

use super::error::EngineError;
use crate::model::losses::backward;
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
