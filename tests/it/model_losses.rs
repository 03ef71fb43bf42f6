//! Losses against OpenUnReID's.

use reid_workbench::model::losses::{batch_hard_triplet, cross_entropy_smooth, softmax_triplet};
use tch::{Device, Kind, Tensor};

use crate::golden::{fixture, json, max_diff, tensors};

#[test]
fn losses_and_gradients_equal_the_reference() {
    let folder = fixture("losses/batch_hard_and_ce");
    let (case, numbers) = (tensors(&folder.join("case.safetensors")), json(&folder.join("expected.json")));
    let targets = Vec::<i64>::try_from(&case["targets"]).unwrap();
    type Loss<'a> = Box<dyn Fn(&Tensor) -> Tensor + 'a>;
    let losses: [(&str, Loss); 5] = [
        ("triplet_margin0.3", Box::new(|x| batch_hard_triplet(x, &targets, 0.3, false).unwrap())),
        ("triplet_margin0.3_unit", Box::new(|x| batch_hard_triplet(x, &targets, 0.3, false).unwrap())),
        ("softmax_triplet_margin0", Box::new(|x| softmax_triplet(x, &targets).unwrap())),
        ("ce_smooth0.1", Box::new(|x| cross_entropy_smooth(x, &targets, 0.1).unwrap())),
        ("ce_smooth0", Box::new(|x| cross_entropy_smooth(x, &targets, 0.0).unwrap())),
    ];
    for (name, loss) in losses {
        let x = case[&format!("in_{name}")].set_requires_grad(true);
        let value = loss(&x);
        let want = numbers[name].as_f64().unwrap();
        assert!((value.double_value(&[]) - want).abs() <= 1e-5 * want, "{name}: {}", value.double_value(&[]));
        value.backward();
        let diff = max_diff(&x.grad(), &case[&format!("grad_{name}")]);
        assert!(diff <= 1e-5, "{name}: gradient off by {diff}");
    }
}

#[test]
fn lonely_anchors_are_skipped_on_request() {
    // ids 7, 7, 9: the third image has no partner
    let x = Tensor::from_slice(&[0f32, 0.0, 3.0, 0.0, 1.0, 0.0]).view([3, 2]);
    let all = batch_hard_triplet(&x, &[7, 7, 9], 0.5, false).unwrap().double_value(&[]);
    let paired = batch_hard_triplet(&x, &[7, 7, 9], 0.5, true).unwrap().double_value(&[]);
    // anchors: 3 − 1 + .5, 3 − 2 + .5, max(0, 0 − 1 + .5)
    assert!((paired - (2.5 + 1.5) / 2.0).abs() < 1e-5, "{paired}");
    assert!((all - (2.5 + 1.5) / 3.0).abs() < 1e-5, "{all}");
    let x = x.set_requires_grad(true);
    let none = batch_hard_triplet(&x, &[1, 2, 3], 0.5, true).unwrap();
    assert_eq!(none.double_value(&[]), 0.0);
    none.backward();
    assert!(x.grad().isfinite().all().int64_value(&[]) == 1);
}

#[test]
fn a_batch_of_one_identity_gives_a_finite_loss() {
    let x = Tensor::from_slice(&[0f32, 1.0, 1.0, 0.0]).view([2, 2]);
    assert_eq!(batch_hard_triplet(&x, &[4, 4], 0.3, true).unwrap().double_value(&[]), 0.0);
}

#[test]
fn wrong_labels_are_an_error() {
    let logits = Tensor::zeros([2, 3], (Kind::Float, Device::Cpu));
    assert!(cross_entropy_smooth(&logits, &[0, 3], 0.1).unwrap_err().to_string().contains("label 3"));
    assert!(cross_entropy_smooth(&logits, &[0], 0.1).is_err());
    assert!(batch_hard_triplet(&logits, &[0], 0.3, true).is_err());
}
