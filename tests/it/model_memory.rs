//! The hybrid memory against SpCL's, step by step.

use reid_workbench::model::memory::{HybridMemory, class_means};
use tch::{Device, Kind, Tensor};

use crate::golden::{assert_close, fixture, json, max_diff, same, tensors};

fn integers(t: &Tensor) -> Vec<i64> {
    Vec::<i64>::try_from(t).unwrap()
}

#[test]
fn three_steps_equal_the_reference() {
    for case in ["case0", "case1", "case2"] {
        let folder = fixture("memory").join(case);
        let (inputs, expected) =
            (tensors(&folder.join("inputs.safetensors")), tensors(&folder.join("expected.safetensors")));
        let numbers = json(&folder.join("expected.json"));
        // all rows as target rows: the case's labels are then the pseudo-labels
        let mut memory = HybridMemory::new(None, &inputs["features"]).unwrap();
        memory.set_labels(&integers(&inputs["labels"])).unwrap();
        for step in 0..3 {
            let x = inputs[&format!("x{step}")].set_requires_grad(true);
            let rows = integers(&inputs[&format!("index{step}")]);
            let loss = memory.loss(&x, &rows, numbers["temp"].as_f64().unwrap()).unwrap();
            let want = numbers["losses"][step].as_f64().unwrap();
            let got = loss.double_value(&[]);
            assert!((got - want).abs() <= 1e-5 * want, "{case} step {step}: loss {got} instead of {want}");
            loss.backward();
            let diff = max_diff(&x.grad(), &expected[&format!("grad_x{step}")]);
            assert!(diff <= 1e-5, "{case} step {step}: gradient off by {diff}");
            memory.update(&x, &rows, numbers["momentum"].as_f64().unwrap()).unwrap();
            let after = &expected[&format!("features_after{step}")];
            let mut touched = rows.clone();
            touched.sort_unstable();
            touched.dedup();
            let bank = if after.size()[0] == touched.len() as i64 {
                memory.bank().index_select(0, &Tensor::from_slice(&touched))
            } else {
                memory.bank().shallow_clone()
            };
            assert!(max_diff(&bank, after) <= 1e-6, "{case} step {step}: bank off by {}", max_diff(&bank, after));
        }
    }
}

#[test]
fn a_joint_step_takes_both_gradients_against_the_bank_as_it_was() {
    let folder = fixture("memory/uda_joint");
    let (inputs, expected) =
        (tensors(&folder.join("inputs.safetensors")), tensors(&folder.join("expected.safetensors")));
    let numbers = json(&folder.join("expected.json"));
    let labels = integers(&inputs["labels"]);
    let (index_s, index_t) = (integers(&inputs["index_s"]), integers(&inputs["index_t"]));
    // source rows come first, each a class of its own
    let n_s = labels.iter().enumerate().take_while(|&(i, &l)| l == i as i64).count() as i64;
    let n_s = n_s.min(*index_t.iter().min().unwrap());
    assert!(index_s.iter().all(|&r| r < n_s));
    let bank = &inputs["features"];
    let mut memory =
        HybridMemory::new(Some(&bank.narrow(0, 0, n_s)), &bank.narrow(0, n_s, bank.size()[0] - n_s)).unwrap();
    let pseudo: Vec<i64> = labels[n_s as usize..].iter().map(|l| l - n_s).collect();
    memory.set_labels(&pseudo).unwrap();
    let (xs, xt) = (inputs["xs"].set_requires_grad(true), inputs["xt"].set_requires_grad(true));
    let (loss_s, loss_t) = (memory.loss(&xs, &index_s, 0.05).unwrap(), memory.loss(&xt, &index_t, 0.05).unwrap());
    for (loss, key) in [(&loss_s, "loss_s"), (&loss_t, "loss_t")] {
        assert!((loss.double_value(&[]) - numbers[key].as_f64().unwrap()).abs() < 1e-5, "{key}");
    }
    (loss_s + loss_t).backward();
    assert!(max_diff(&xs.grad(), &expected["grad_s_pre_update"]) <= 1e-5);
    assert!(max_diff(&xt.grad(), &expected["grad_t_pre_update"]) <= 1e-5);
    memory.update(&xs, &index_s, 0.2).unwrap();
    memory.update(&xt, &index_t, 0.2).unwrap();
    assert!(max_diff(memory.bank(), &expected["features_after"]) <= 1e-6);
}

fn small() -> HybridMemory {
    let source = Tensor::from_slice(&[1f32, 0.0, 0.0, 1.0]).view([2, 2]);
    let target = Tensor::from_slice(&[0.6f32, 0.8, -1.0, 0.0, 0.0, -1.0, 0.8, 0.6]).view([4, 2]);
    HybridMemory::new(Some(&source), &target).unwrap()
}

#[test]
fn the_batch_moves_rows_in_order_and_beta_keeps_the_old_share() {
    let mut memory = small();
    let feats = Tensor::from_slice(&[0f32, 1.0, 1.0, 0.0, 0.0, 1.0]).view([3, 2]);
    memory.update(&feats, &[3, 2, 3], 0.2).unwrap();
    let step = |row: [f64; 2], x: [f64; 2]| {
        let mixed = [0.2 * row[0] + 0.8 * x[0], 0.2 * row[1] + 0.8 * x[1]];
        let norm = mixed[0].hypot(mixed[1]);
        [mixed[0] / norm, mixed[1] / norm]
    };
    let expected = step(step([-1.0, 0.0], [0.0, 1.0]), [0.0, 1.0]);
    for (i, want) in expected.iter().enumerate() {
        assert!((memory.bank().double_value(&[3, i as i64]) - want).abs() < 1e-6);
    }
    let before = small();
    let mut frozen = small();
    frozen.update(&feats, &[3, 2, 3], 1.0).unwrap();
    assert!(max_diff(frozen.bank(), before.bank()) < 1e-6, "β = 1 keeps the memory as it is");
}

#[test]
fn empty_classes_and_left_out_rows_do_not_count() {
    let mut memory = small();
    // class 1 of the target is empty, image 2 belongs to none
    memory.set_labels(&[0, 2, -1, 0]).unwrap();
    let feats = Tensor::from_slice(&[0f32, 1.0]).view([1, 2]);
    let got = memory.loss(&feats, &[2], 0.5).unwrap().double_value(&[]);
    let e = [0.0, 2.0, (1.6 + 1.2) / 2.0, 0.0].map(f64::exp); // two sources, class 0, class 2
    let want = -(e[2] / e.iter().sum::<f64>()).ln();
    assert!((got - want).abs() < 1e-5, "{got} instead of {want}");
    let error = memory.loss(&feats, &[4], 0.5).unwrap_err().to_string();
    assert_eq!(error, "row 4 of the memory belongs to no class");
    assert!(memory.loss(&feats, &[6], 0.5).is_err());
    assert!(memory.set_labels(&[0, 1]).is_err());
    let means = memory.centroids().unwrap();
    assert_eq!(means.size(), [5, 2]);
    assert!((means.double_value(&[2, 0]) - 0.7).abs() < 1e-6);
    assert_eq!(means.double_value(&[3, 0]), 0.0);
}

#[test]
fn the_state_round_trips() {
    let mut memory = small();
    memory.set_labels(&[0, 0, 1, -1]).unwrap();
    let again = HybridMemory::from_state(&memory.state().unwrap(), Device::Cpu).unwrap();
    let feats = Tensor::from_slice(&[0.6f32, 0.8]).view([1, 2]);
    assert!(same(memory.bank(), again.bank()));
    assert_eq!(again.source_classes(), 2);
    assert!(same(&memory.loss(&feats, &[2], 0.05).unwrap(), &again.loss(&feats, &[2], 0.05).unwrap()));
    assert!(same(&memory.target_features().unwrap(), &memory.bank().narrow(0, 2, 4)));
    assert!(HybridMemory::from_state(&memory.state().unwrap()[..2], Device::Cpu).is_err());
}

#[test]
fn class_means_are_means() {
    let x = Tensor::arange(8, (Kind::Float, Device::Cpu)).view([4, 2]);
    let means = class_means(&x, &[1, 1, -1, 0], 3, false).unwrap();
    assert_close("means", &means, &Tensor::from_slice(&[6f32, 7.0, 1.0, 2.0, 0.0, 0.0]).view([3, 2]), 1e-6);
    let unit = class_means(&x, &[1, 1, -1, 0], 2, true).unwrap();
    let norms = unit.square().sum_dim_intlist([1i64].as_slice(), false, None::<Kind>);
    assert_close("norms", &norms, &Tensor::ones([2], (Kind::Float, Device::Cpu)), 1e-6);
    assert!(class_means(&x, &[0, 3, 0, 0], 3, false).is_err());
}
