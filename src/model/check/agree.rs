//! The device's results beside the CPU's: forward, backward, attention maps, batch normalisation by groups, losses, images,
//! memory. (The CPU's are held against the reference's golden cases by the tests.)

use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};

use super::{Sizes, memory, noise};
use crate::base::rng::stream;
use crate::data::augment::Moves;
use crate::method::params::Augment;
use crate::method::params::Backbone;
use crate::model::error::Result;
use crate::model::losses::{backward, batch_hard_triplet, cross_entropy_smooth, softmax_triplet, value};
use crate::model::net::{Net, NetSpec, generalised_mean};
use crate::model::pixels::DeviceImages;

/// Largest differences between `device` and the CPU: absolute for features of unit length, gates and losses,
/// relative to the largest value for gradients.
///
/// # Errors
/// When libtorch fails on either.
pub fn agreement(sizes: &Sizes, device: Device) -> Result<Value> {
    let mut backbones = serde_json::Map::new();
    let small = sizes.backbone == Backbone::Resnet50Lite;
    for name in Backbone::NAMES {
        let Some(backbone) = Backbone::from_name(name).filter(|&b| !small || b == sizes.backbone) else { continue };
        backbones.insert((*name).to_owned(), one_backbone(sizes, backbone, device)?);
    }
    Ok(json!({
        "backbones": backbones,
        "memory": three_steps(device)?,
        "losses": losses(device)?,
        "augmented_images": images(sizes, device)?,
    }))
}

fn one_backbone(sizes: &Sizes, backbone: Backbone, device: Device) -> Result<Value> {
    let spec = NetSpec { backbone, positions: Some((1, 4)), domains: 2 };
    let pair = [Net::new(&spec, Device::Cpu, 1)?, Net::new(&spec, device, 1)?];
    let x = sizes.images(8, Device::Cpu)?;
    let mut found = Vec::new();
    for net in &pair {
        let maps = net.attention_maps(&x, 1)?;
        let gates: Vec<f32> = maps.iter().flatten().flat_map(|m| m.values.iter().copied()).collect();
        let extracted = net.extract(&x, 0)?;
        let out = net.forward_train(&x, 1, 4)?;
        let weights = noise(&out.feature.size(), out.feature.device())?;
        let loss = out.feature.f_mul(&weights)?.f_sum(Kind::Float)?;
        backward(&loss)?;
        found.push((gates, extracted, out.feature, net.parameters()));
    }
    let mut gradient = 0.0f64;
    for ((_, a), (_, b)) in found[0].3.iter().zip(&found[1].3) {
        let (a, b) = (a.grad(), b.grad());
        if a.defined() && b.defined() {
            let scale = largest(&a)?.max(1e-12);
            gradient = gradient.max(apart(&a, &b)? / scale);
        }
    }
    let gates = found[0].0.iter().zip(&found[1].0).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max);
    Ok(json!({
        "extracted_feature": apart(&found[0].1, &found[1].1)?,
        "trained_feature_bn_groups_of_4": apart(&found[0].2, &found[1].2)?,
        "attention_gates": gates,
        "gradient": gradient,
    }))
}

/// The largest difference of each loss and of pooling, gradients included.
fn losses(device: Device) -> Result<Value> {
    let labels: Vec<i64> = (0..16).map(|i| i / 4).collect();
    let mut apart = serde_json::Map::new();
    let p = |x: &Tensor| Tensor::f_full([1], 3.0, (Kind::Float, x.device()));
    type Loss<'a> = &'a dyn Fn(&Tensor) -> Result<Tensor>;
    let all: [(&str, Loss); 4] = [
        ("cross_entropy", &|x| cross_entropy_smooth(x, &labels, 0.1)),
        ("batch_hard_triplet", &|x| batch_hard_triplet(x, &labels, 0.3, true)),
        ("softmax_triplet", &|x| softmax_triplet(x, &labels)),
        ("generalised_mean", &|x| Ok(generalised_mean(&x.f_view([16, 4, 4, 4])?, &p(x)?)?.f_sum(Kind::Float)?)),
    ];
    for (name, loss) in all {
        let mut found = Vec::new();
        for device in [Device::Cpu, device] {
            let x = noise(&[16, 64], device)?.set_requires_grad(true);
            let loss = loss(&x)?;
            backward(&loss)?;
            found.push((value(&loss)?, x.grad()));
        }
        let loss = (found[0].0 - found[1].0).abs();
        apart.insert(name.to_owned(), json!(loss.max(self::apart(&found[0].1, &found[1].1)?)));
    }
    Ok(Value::Object(apart))
}

/// The largest difference of images that the device augments: none is expected, a few roundings at most.
fn images(sizes: &Sizes, device: Device) -> Result<f64> {
    let [height, width] = sizes.image;
    let bytes = noise(&[8, height, width, 3], Device::Cpu)?.f_abs()?.f_mul_scalar(255.0)?.f_to_kind(Kind::Uint8)?;
    let draw = |p| Moves::draw(height as usize, width as usize, &Augment::default(), &mut stream(1, &[p]));
    let (which, moves): (Vec<u32>, Vec<Moves>) = ((0..8).collect(), (0..8).map(draw).collect());
    let made = |device| DeviceImages::of(bytes.f_to_device(device)?)?.batch(&which, &moves);
    apart(&made(Device::Cpu)?, &made(device)?)
}

/// Loss and bank of a memory over three updates.
fn three_steps(device: Device) -> Result<Value> {
    let mut pair = [memory(6, 40, 64, Device::Cpu)?, memory(6, 40, 64, device)?];
    let rows: Vec<i64> = (0..16).map(|i| 6 + 2 * i).collect();
    let (mut loss, mut bank) = (0.0f64, 0.0f64);
    for step in 0..3 {
        let feats = noise(&[16, 64], Device::Cpu)?.f_add_scalar(0.1 * f64::from(step))?;
        let feats = crate::model::net::unit_length(&feats)?;
        let mut losses = [0.0; 2];
        for (memory, loss) in pair.iter_mut().zip(&mut losses) {
            let feats = feats.f_to_device(memory.bank().device())?;
            *loss = value(&memory.loss(&feats, &rows, 0.05)?)?;
            memory.update(&feats, &rows, 0.2)?;
        }
        loss = loss.max((losses[0] - losses[1]).abs());
        bank = bank.max(apart(pair[0].bank(), pair[1].bank())?);
    }
    Ok(json!({ "loss": loss, "bank": bank }))
}

fn largest(x: &Tensor) -> Result<f64> {
    value(&x.f_detach()?.f_abs()?.f_max()?)
}

fn apart(a: &Tensor, b: &Tensor) -> Result<f64> {
    largest(&a.f_detach()?.f_to_device(Device::Cpu)?.f_sub(&b.f_detach()?.f_to_device(Device::Cpu)?)?)
}
