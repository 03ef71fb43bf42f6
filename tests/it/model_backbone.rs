//! The whole ResNet-50, with and without attention, against torchvision's with portable weights.

use std::collections::HashMap;

use reid_workbench::method::params::Backbone;
use reid_workbench::model::net::{Net, NetSpec};
use tch::{Device, Kind, Tensor};

use crate::golden::{assert_close, fixture, json, max_diff, tensors};
use crate::prng::{normals, uniforms};

fn shape(value: &serde_json::Value) -> Vec<i64> {
    value.as_array().unwrap().iter().map(|x| x.as_i64().unwrap()).collect()
}

/// Fills the network as `expected.json:order` says: tensor k from streams 1000 + k.
fn fill(net: &Net, order: &[serde_json::Value], seed: u64) {
    let variables: HashMap<String, Tensor> = net.named_variables().into_iter().collect();
    assert_eq!(variables.len(), order.len(), "the network has the tensors of the reference, and no more");
    for (k, row) in order.iter().enumerate() {
        let (name, size, rule) = (row[0].as_str().unwrap(), shape(&row[1]), row[2].as_str().unwrap());
        let (stream, count) = (1000 + k as u64, size.iter().product::<i64>() as usize);
        let z = || normals(seed, stream, count);
        let values: Vec<f64> = match rule.split(':').next().unwrap() {
            "conv" => {
                let std = (2.0 / (size[0] * size[2] * size[3]) as f64).sqrt();
                z().iter().map(|z| z * std).collect()
            }
            "convbias" => z().iter().map(|z| z / 20.0).collect(),
            "bnw" => z().iter().map(|z| 1.0 + z / 10.0).collect(),
            "bnb" | "mean" => z().iter().map(|z| z / 10.0).collect(),
            "var" => uniforms(seed, stream, count).iter().map(|u| 1.0 + u / 4.0).collect(),
            other => panic!("unknown rule {other}"),
        };
        let target = variables.get(name).unwrap_or_else(|| panic!("the network has no {name}"));
        assert_eq!(target.size(), size, "{name}");
        tch::no_grad(|| target.shallow_clone().copy_(&Tensor::from_slice(&values).view(size.as_slice())));
    }
}

struct Tolerance {
    eval: f64,
    train: f64,
    /// Largest relative error of a gradient's L2 norm, and the median over all tensors.
    grad: f64,
    grad_median: f64,
}

fn check(case: &str, positions: Option<(usize, usize)>, kind: Kind, tolerance: Tolerance) {
    let folder = fixture("backbone").join(case);
    let (numbers, expected) = (json(&folder.join("expected.json")), tensors(&folder.join("expected.safetensors")));
    let spec = NetSpec { backbone: Backbone::Resnet50, positions, domains: 1 };
    let mut net = Net::new(&spec, Device::Cpu, 1).unwrap();
    net.vs.set_kind(kind);
    let seed = numbers["seed"].as_u64().unwrap();
    fill(&net, numbers["order"].as_array().unwrap(), seed);
    let [b, h, w] = ["batch", "height", "width"].map(|k| numbers[k].as_i64().unwrap());
    let x = Tensor::from_slice(&normals(seed, 1, (b * 3 * h * w) as usize)).view([b, 3, h, w]).to_kind(kind);
    let eval = net.extract(&x, 0).unwrap();
    assert!(
        max_diff(&eval, &expected["feat_eval"]) <= tolerance.eval,
        "eval: {}",
        max_diff(&eval, &expected["feat_eval"])
    );
    let out = net.forward_train(&x, 0, 0).unwrap();
    assert_close("pool_train", &out.pooled, &expected["pool_train"], tolerance.train);
    let diff = max_diff(&out.feature, &expected["feat_train"]);
    assert!(diff <= tolerance.train, "train: {diff}");
    let weight = Tensor::from_slice(&normals(seed, 2, (b * net.dim()) as usize)).view([b, net.dim()]).to_kind(kind);
    (&out.feature * weight).sum(kind).backward();
    let grads = numbers["grads"].as_object().unwrap();
    let parameters: HashMap<String, Tensor> = net.parameters().into_iter().collect();
    // in single precision the gradients of single numbers are sums that nearly cancel: double precision checks them
    let mut errors = Vec::new();
    let smallest = if kind == Kind::Float { 8 } else { 1 };
    for (name, stats) in grads.iter().filter(|(n, _)| !n.ends_with("coord.conv1.bias") && *n != "feat_bn.bias") {
        let grad = parameters[name].grad().to_kind(Kind::Double);
        if grad.numel() < smallest {
            continue;
        }
        let l2 = grad.square().sum(Kind::Double).sqrt().double_value(&[]);
        let want = stats["l2"].as_f64().unwrap();
        assert!((l2 - want).abs() <= tolerance.grad * want, "{name}: gradient of norm {l2} instead of {want}");
        errors.push((l2 - want).abs() / want);
        let first =
            Vec::<f64>::try_from(grad.contiguous().view([-1]).narrow(0, 0, grad.numel().min(3) as i64)).unwrap();
        let typical = want / (grad.numel() as f64).sqrt();
        for (a, b) in first.iter().zip(stats["first"].as_array().unwrap()) {
            let b = b.as_f64().unwrap();
            assert!((a - b).abs() <= 10.0 * tolerance.grad * (typical + b.abs()), "{name}: {a} instead of {b}");
        }
    }
    errors.sort_by(f64::total_cmp);
    let median = errors[errors.len() / 2];
    assert!(median <= tolerance.grad_median, "gradients: {median} off in the median");
}

#[test]
fn resnet50_equals_torchvision_in_double_precision() {
    let tolerance = || Tolerance { eval: 1e-10, train: 1e-9, grad: 1e-7, grad_median: 1e-8 };
    check("resnet50", None, Kind::Double, tolerance());
    check("resnet50_att", Some((1, 4)), Kind::Double, tolerance());
}

#[test]
fn resnet50_in_single_precision_is_as_close_as_the_reference_is() {
    let tolerance = || Tolerance { eval: 1e-5, train: 1e-3, grad: 0.06, grad_median: 0.015 };
    check("resnet50", None, Kind::Float, tolerance());
    check("resnet50_att", Some((1, 4)), Kind::Float, tolerance());
}
