//! Coordinate and triplet attention against the reference modules.

use std::path::Path;

use reid_workbench::model::attention::{Block, Coordinate, TripletAttention};
use reid_workbench::model::layers::{LayerMaker, Pass, channels_last};
use reid_workbench::model::plane;
use tch::{Device, Kind, Tensor, nn};

use crate::golden::{assert_close, fixture, large, tensors};

type Forward = Box<dyn Fn(&Tensor, &mut Pass) -> Tensor>;

fn module(kind: &str, m: &LayerMaker, channels: i64) -> Forward {
    match kind {
        "coord" => {
            let block = Coordinate::new(m, channels).unwrap();
            Box::new(move |x, pass| block.forward(x, pass, "a").unwrap())
        }
        "block" => {
            let block = Block::new(m, channels).unwrap();
            Box::new(move |x, pass| block.forward(x, pass, "a").unwrap())
        }
        other => {
            let block = TripletAttention::new(m, other == "triplet").unwrap();
            Box::new(move |x, pass| block.forward(x, pass, "a").unwrap())
        }
    }
}

/// Evaluation, one training pass, every gradient and the running statistics after it, in both memory layouts.
fn check(kind: &str, folder: &Path) {
    let (inputs, expected) =
        (tensors(&folder.join("inputs.safetensors")), tensors(&folder.join("expected.safetensors")));
    for last in [false, true] {
        let vs = nn::VarStore::new(Device::Cpu);
        let channels = inputs["x"].size()[1];
        let forward = module(kind, &LayerMaker::new(vs.root(), 1, 1, last), channels);
        let variables = vs.variables();
        let given = inputs.keys().filter(|k| k.starts_with("w.")).count();
        assert_eq!(given, variables.len(), "every tensor of the module is given");
        tch::no_grad(|| variables.iter().for_each(|(n, t)| t.shallow_clone().copy_(&inputs[&format!("w.{n}")])));

        let x = if last { channels_last(&inputs["x"]).unwrap() } else { inputs["x"].shallow_clone() };
        let eval = tch::no_grad(|| forward(&x, &mut Pass::eval(0)));
        assert_close("y_eval", &eval, &expected["y_eval"], 1e-5);

        let x = x.detach().set_requires_grad(true);
        let y = forward(&x, &mut Pass::train(0));
        assert_close("y_train", &y, &expected["y_train"], 1e-5);
        (&y * &inputs["grad_y"]).sum(Kind::Float).backward();
        assert_close("grad_x", &x.grad(), &expected["grad_x_train"], 1e-5);
        for (name, t) in &variables {
            if let Some(grad) = expected.get(&format!("grad.{name}")) {
                if name.ends_with("conv1.bias") {
                    // it stands before a batch normalisation: its true gradient is 0, the rest is rounding
                    assert!(t.grad().abs().max().double_value(&[]) < 1e-5, "{name}");
                } else {
                    assert_close(name, &t.grad(), grad, 2e-5);
                }
            }
            if let Some(after) = expected.get(&format!("after.{name}")) {
                assert_close(name, t, after, 1e-5);
            }
        }
    }
}

#[test]
fn coordinate_attention_equals_the_reference() {
    check("coord", &fixture("attention/coord_c64"));
    check("coord", &fixture("attention/coord_c320"));
}

#[test]
fn coordinate_attention_of_2048_channels_equals_the_reference() {
    if let Some(folder) = large("attention/coord_c2048") {
        check("coord", &folder);
    }
}

#[test]
fn triplet_attention_equals_the_reference() {
    check("triplet", &fixture("attention/triplet_c64"));
    check("triplet", &fixture("attention/triplet_c7"));
    check("triplet without hw", &fixture("attention/triplet_nospatial_c16"));
}

#[test]
fn the_block_is_coordinate_then_triplet() {
    check("block", &fixture("attention/block_c64"));
}

#[test]
fn the_banded_convolution_is_the_convolution() {
    for (rows, columns, k) in [(9, 4, 7), (4, 9, 7), (1, 1, 7), (2, 30, 3), (16, 16, 7)] {
        let numbers = |seed: i64, size: &[i64]| {
            let n = size.iter().product::<i64>();
            ((Tensor::arange(n, (Kind::Double, Device::Cpu)) + seed) * 1.7).sin().view(size).set_requires_grad(true)
        };
        let (x, w) = (numbers(1, &[3, 2, rows, columns]), numbers(2, &[1, 2, k, k]));
        let (x2, w2) = (numbers(1, &[3, 2, rows, columns]), numbers(2, &[1, 2, k, k]));
        let y = plane::convolve(&x, &w).unwrap();
        let want = x2.conv2d(&w2, None::<&Tensor>, [1, 1], [k / 2, k / 2], [1, 1], 1);
        assert_close("y", &y, &want, 1e-12);
        let g = numbers(3, &[3, 1, rows, columns]).detach();
        (y * &g).sum(Kind::Double).backward();
        (want * &g).sum(Kind::Double).backward();
        assert_close("grad x", &x.grad(), &x2.grad(), 1e-12);
        assert_close("grad w", &w.grad(), &w2.grad(), 1e-12);
    }
}
