//! Adam against `torch.optim.Adam`, and what must survive a checkpoint.

use reid_workbench::model::optim::Adam;
use reid_workbench::model::schedule::{step_lr, warmup_multi_step};
use tch::{Device, Kind, Tensor};

use crate::golden::{fixture, max_diff, same, tensors};

/// A leaf whose gradient the next backward pass sets to `g`.
fn give_gradient(p: &Tensor, g: &Tensor) {
    (p * g).sum(Kind::Float).backward();
}

fn copy(t: &Tensor) -> Tensor {
    t.detach().copy()
}

#[test]
fn six_updates_equal_the_reference() {
    let folder = fixture("optim/adam");
    let (inputs, expected) =
        (tensors(&folder.join("inputs.safetensors")), tensors(&folder.join("expected.safetensors")));
    let p = copy(&inputs["p0"]).set_requires_grad(true);
    let mut adam = Adam::new(vec![("p".to_owned(), p.shallow_clone())], 3.5e-4, 5e-4).unwrap();
    for k in 0..6 {
        adam.set_lr(step_lr(3.5e-4, k, 2, 0.1));
        adam.zero_grad().unwrap();
        give_gradient(&p, &inputs[&format!("g{k}")]);
        adam.step().unwrap();
        let diff = max_diff(&p, &expected[&format!("p{}", k + 1)]);
        assert!(diff <= 1e-7, "update {k}: off by {diff}");
    }
}

/// Two parameters of different shape and memory order, and gradients for them.
fn pair() -> (Vec<(String, Tensor)>, Vec<Tensor>) {
    let of = |n: i64, seed: i64| ((Tensor::arange(n, (Kind::Float, Device::Cpu)) + seed) * 0.7).sin();
    let a = of(24, 1).view([2, 3, 2, 2]).permute([0, 3, 1, 2]).set_requires_grad(true);
    let b = of(5, 2).set_requires_grad(true);
    let grads = vec![of(24, 3).view([2, 2, 3, 2]), of(5, 4)];
    (vec![("a".to_owned(), a), ("b".to_owned(), b)], grads)
}

fn updates(adam: &mut Adam, params: &[(String, Tensor)], grads: &[Tensor], which: &[usize], times: usize) {
    for _ in 0..times {
        adam.zero_grad().unwrap();
        for &i in which {
            give_gradient(&params[i].1, &grads[i]);
        }
        adam.step().unwrap();
    }
}

#[test]
fn a_parameter_without_gradient_stands_still_and_its_steps_do_not_count() {
    let (params, grads) = pair();
    let before = copy(&params[1].1);
    let mut adam = Adam::new(params.iter().map(|(n, t)| (n.clone(), t.shallow_clone())).collect(), 0.01, 0.1).unwrap();
    updates(&mut adam, &params, &grads, &[0], 2);
    assert!(same(&params[1].1, &before));
    updates(&mut adam, &params, &grads, &[0, 1], 1);
    updates(&mut adam, &params, &grads, &[1], 1);
    updates(&mut adam, &params, &grads, &[0, 1], 2);
    // each alone, as often as it had a gradient
    for (i, times) in [(0, 5), (1, 4)] {
        let (alone, grads) = pair();
        let mut own = Adam::new(vec![(alone[i].0.clone(), alone[i].1.shallow_clone())], 0.01, 0.1).unwrap();
        updates(&mut own, &alone, &grads, &[i], times);
        let diff = max_diff(&alone[i].1, &params[i].1);
        assert!(diff < 1e-7, "{}: off by {diff}", alone[i].0);
    }
}

#[test]
fn together_or_alone_gives_the_same_when_all_begin_together_and_one_drops_out() {
    let (params, grads) = pair();
    let mut adam = Adam::new(params.iter().map(|(n, t)| (n.clone(), t.shallow_clone())).collect(), 0.01, 0.0).unwrap();
    updates(&mut adam, &params, &grads, &[0, 1], 2);
    updates(&mut adam, &params, &grads, &[1], 3);
    let (alone, grads) = pair();
    let mut own = Adam::new(vec![("b".to_owned(), alone[1].1.shallow_clone())], 0.01, 0.0).unwrap();
    updates(&mut own, &alone, &grads, &[1], 5);
    assert!(max_diff(&alone[1].1, &params[1].1) < 1e-7);
}

#[test]
fn the_state_goes_on_where_it_stopped() {
    let (params, grads) = pair();
    let clone = |p: &[(String, Tensor)]| p.iter().map(|(n, t)| (n.clone(), t.shallow_clone())).collect::<Vec<_>>();
    let mut adam = Adam::new(clone(&params), 0.01, 0.05).unwrap();
    updates(&mut adam, &params, &grads, &[0, 1], 3);
    let state = adam.state().unwrap();
    let names: Vec<_> = state.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(names, ["a.exp_avg", "a.exp_avg_sq", "a.step", "b.exp_avg", "b.exp_avg_sq", "b.step"]);
    assert_eq!(state[0].1.size(), params[0].1.size());

    let resumed: Vec<_> = params.iter().map(|(n, t)| (n.clone(), copy(t).set_requires_grad(true))).collect();
    let mut second = Adam::new(clone(&resumed), 0.01, 0.05).unwrap();
    second.load_state(&state).unwrap();
    assert_eq!(second.state().unwrap().len(), state.len(), "a state loaded and saved at once is whole");
    updates(&mut adam, &params, &grads, &[0, 1], 2);
    updates(&mut second, &resumed, &grads, &[0, 1], 2);
    for (a, b) in params.iter().zip(&resumed) {
        assert!(same(&a.1, &b.1), "{}", a.0);
    }
    assert!(second.load_state(&state[..2]).is_err());
}

#[test]
fn tensors_that_are_frozen_are_left_out() {
    let frozen = Tensor::ones([3], (Kind::Float, Device::Cpu));
    let adam = Adam::new(vec![("f".to_owned(), frozen)], 0.1, 0.1).unwrap();
    assert!(adam.state().unwrap().is_empty());
}

#[test]
fn schedules_are_the_papers() {
    let lr: Vec<f64> = [0, 5, 10, 39, 40, 69, 70].map(|e| warmup_multi_step(1.0, e, 10, &[40, 70])).to_vec();
    let want = [0.01, 0.505, 1.0, 1.0, 0.1, 0.1, 0.01];
    assert!(lr.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-12), "{lr:?}");
    assert_eq!(warmup_multi_step(2.0, 0, 0, &[]), 2.0);
    assert_eq!(
        [0, 19, 20, 45].map(|e| (step_lr(3.5e-4, e, 20, 0.1) * 1e9).round()),
        [350_000.0, 350_000.0, 35_000.0, 3_500.0]
    );
    assert_eq!(step_lr(0.1, 7, 0, 0.5), 0.1);
}
