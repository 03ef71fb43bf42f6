//! Cross-entropy over one classifier for both domains: a row for each identity of the source, which is kept from epoch to
//! epoch, and behind them a row for each cluster of the target, which begins each epoch as the cluster's centre
//! (OpenUnReID `apis/runner.py:150-190`, `tools/strong_baseline`).

use tch::{Device, Tensor};

use super::centroids::kept;
use super::{NamedLosses, NewEpoch, Objective, ObjectiveShape, StepImages};
use crate::engine::checkpoint::{Checkpoint, NamedTensors};
use crate::engine::error::EngineError;
use crate::method::labels::classes;
use crate::method::params::Params;
use crate::model::head::Classifier;
use crate::model::losses::cross_entropy_smooth;
use crate::model::memory::class_means;

/// The classifier, and how many of its rows are the source's.
pub struct Joint {
    head: Classifier,
    identities: i64,
}

impl Joint {
    /// The source's rows are drawn anew: pre-training's classifier does not go over, as in the reference.
    pub fn begin(epoch: &NewEpoch) -> Result<Self, EngineError> {
        let source = Classifier::new(epoch.features.size()[1], epoch.identities, Device::Cpu, epoch.seed)?;
        Self::over(&source, epoch)
    }

    pub fn restore(checkpoint: &mut Checkpoint, labels: &[i32], shape: &ObjectiveShape) -> Result<Self, EngineError> {
        let clusters = classes(labels);
        let head = kept(checkpoint, shape.identities + clusters, shape)?;
        Ok(Self { head, identities: shape.identities })
    }

    fn over(source: &Classifier, epoch: &NewEpoch) -> Result<Self, EngineError> {
        let clusters = classes(&epoch.labels);
        let centres = class_means(&epoch.features, &epoch.labels, clusters, true)?;
        let head = Classifier::from_source_and_centroids(source, epoch.identities, &centres)?;
        Ok(Self { head, identities: epoch.identities })
    }

    /// `[B]` rows of the target's images, then those of the source's.
    fn rows(&self, batch: &StepImages) -> Vec<i64> {
        let own = batch.labels.iter().map(|label| self.identities + label);
        own.chain(batch.source.iter().flat_map(|(_, pids)| pids.iter().copied())).collect()
    }
}

impl Objective for Joint {
    fn begin_epoch(&mut self, epoch: &NewEpoch, _: &Params) -> Result<(), EngineError> {
        *self = Self::over(&self.head, epoch)?;
        Ok(())
    }

    /// The mean over all images of the step, as the reference takes it over its one batch, told by domain.
    fn losses(&self, batch: &StepImages, params: &Params) -> Result<NamedLosses, EngineError> {
        let rows = self.rows(batch);
        let (own, beside) = rows.split_at(batch.labels.len());
        let mut losses = NamedLosses::new();
        let outputs = [("target", Some((batch.target, own))), ("source", batch.source.map(|(out, _)| (out, beside)))];
        for (name, (out, rows)) in outputs.into_iter().filter_map(|(name, images)| Some((name, images?))) {
            let loss = cross_entropy_smooth(&self.head.logits(&out.bn)?, rows, params.pretrain.smoothing)?;
            losses.push((name, loss.f_mul_scalar(rows.len() as f64 / (own.len() + beside.len()) as f64)?));
        }
        Ok(losses)
    }

    fn compared(&self, batch: &StepImages) -> Result<(Tensor, Vec<i64>), EngineError> {
        let pooled: Vec<&Tensor> = [Some(batch.target), batch.source.map(|(out, _)| out)]
            .into_iter()
            .flatten()
            .map(|out| &out.pooled)
            .collect();
        Ok((Tensor::f_cat(&pooled, 0)?, self.rows(batch)))
    }

    fn parameters(&self) -> NamedTensors {
        self.head.parameters()
    }

    fn tensors(&self) -> Result<NamedTensors, EngineError> {
        Ok(self.head.parameters())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::HashMap;
    use std::path::Path;

    use super::*;
    use crate::method::params::Params;
    use crate::model::losses::softmax_triplet;
    use crate::model::net::Output;

    fn tensors(file: &str) -> HashMap<String, Tensor> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden/losses/strong_baseline");
        Tensor::read_safetensors(folder.join(file)).unwrap().into_iter().collect()
    }

    fn longs(t: &Tensor) -> Vec<i64> {
        Vec::<i64>::try_from(t).unwrap()
    }

    fn off(a: &Tensor, b: &Tensor) -> f64 {
        f64::try_from((a - b).abs().max()).unwrap()
    }

    /// `benches/reference/strong_baseline.py` made the case.
    #[test]
    fn a_step_of_the_strong_baseline_equals_the_reference() {
        let (inputs, expected) = (tensors("inputs.safetensors"), tensors("expected.safetensors"));
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden/losses/strong_baseline");
        let numbers: serde_json::Value =
            serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
        let identities = numbers["identities"].as_i64().unwrap();
        let epoch = NewEpoch {
            features: inputs["features"].shallow_clone(),
            labels: longs(&inputs["labels"]),
            source: None,
            identities,
            seed: 0,
        };
        let mut joint = Joint::begin(&epoch).unwrap();
        let rows = joint.head.parameters()[0].1.size()[0];
        assert_eq!(rows, expected["weight"].size()[0]);
        tch::no_grad(|| joint.head.parameters()[0].1.narrow(0, 0, identities).copy_(&inputs["source_rows"]));
        joint.begin_epoch(&epoch, &Params::default()).unwrap();
        let weight = joint.head.parameters()[0].1.shallow_clone();
        assert!(off(&weight, &expected["weight"]) < 1e-6, "the source's rows are kept, the target's are its centres");

        let output = |name: &str| {
            let leaf = |part: &str| inputs[&format!("{name}.{part}")].copy().set_requires_grad(true);
            let (pooled, bn) = (leaf("pooled"), leaf("bn"));
            Output { feature: bn.shallow_clone(), pooled, bn }
        };
        let (target, source) = (output("target"), output("source"));
        let (labels, pids) = (longs(&inputs["target.labels"]), longs(&inputs["source.pids"]));
        let batch = StepImages { target: &target, indices: &[], labels: &labels, source: Some((&source, &pids)) };
        let losses = joint.losses(&batch, &Params::default()).unwrap();
        let cross_entropy = &losses[0].1 + &losses[1].1;
        let (pooled, classes) = joint.compared(&batch).unwrap();
        let triplet = softmax_triplet(&pooled, &classes).unwrap();
        for (name, loss) in [("cross_entropy", &cross_entropy), ("softmax_triplet", &triplet)] {
            let want = numbers[name].as_f64().unwrap();
            assert!((loss.double_value(&[]) - want).abs() < 1e-5 * want, "{name}: {loss:?} instead of {want}");
        }
        (cross_entropy + triplet).backward();
        assert!(off(&weight.grad(), &expected["weight.grad"]) < 1e-6);
        for (name, out) in [("target", &target), ("source", &source)] {
            assert!(off(&out.pooled.grad(), &expected[&format!("{name}.pooled.grad")]) < 1e-6, "{name}");
            assert!(off(&out.bn.grad(), &expected[&format!("{name}.bn.grad")]) < 1e-6, "{name}");
        }
    }
}
