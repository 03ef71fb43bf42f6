//! Learning rates by epoch, as pure functions.

/// Pre-training (OpenUnReID `WarmupMultiStepLR`): over the first `warmup` epochs linearly from 0.01 × `lr` to `lr`,
/// then a tenth at each of `milestones`. `epoch` counts from 0.
pub fn warmup_multi_step(lr: f64, epoch: usize, warmup: usize, milestones: &[usize]) -> f64 {
    let drops = milestones.iter().filter(|&&m| epoch >= m).count();
    let ramp = if epoch < warmup {
        let share = epoch as f64 / warmup as f64;
        0.01 * (1.0 - share) + share
    } else {
        1.0
    };
    lr * ramp * 0.1f64.powi(drops as i32)
}

/// Adaptation (SpCL, `StepLR`): times `gamma` every `step` epochs; `step` 0 keeps `lr`.
pub fn step_lr(lr: f64, epoch: usize, step: usize, gamma: f64) -> f64 {
    lr * gamma.powi(epoch.checked_div(step).unwrap_or(0) as i32)
}
