//! The network as a whole: domains, groups, maps, seeds.

use reid_workbench::method::params::Backbone;
use reid_workbench::model::ModelError;
use reid_workbench::model::attention::{Coordinate, TripletAttention};
use reid_workbench::model::head::Classifier;
use reid_workbench::model::layers::{LayerMaker, Pass, channels_last};
use reid_workbench::model::losses::{backward, batch_hard_triplet, cross_entropy_smooth, value};
use reid_workbench::model::net::{Net, NetSpec, Output};
use reid_workbench::model::optim::Adam;
use reid_workbench::model::weights::{read_tensors, write_safetensors};
use tch::{Device, Kind, Tensor, nn};

use crate::golden::{assert_close, max_diff, same};
use crate::prng::normals;

fn net(backbone: Backbone, positions: Option<(usize, usize)>, domains: usize) -> Net {
    Net::new(&NetSpec { backbone, positions, domains }, Device::Cpu, 7).unwrap()
}

fn lite(domains: usize) -> Net {
    net(Backbone::Resnet50Lite, Some((1, 4)), domains)
}

fn images(stream: u64, batch: i64) -> Tensor {
    let (h, w) = (64, 32);
    Tensor::from_slice(&normals(5, stream, (batch * 3 * h * w) as usize)).view([batch, 3, h, w]).to_kind(Kind::Float)
}

fn values_of(net: &Net) -> Vec<(String, Tensor)> {
    net.named_variables().into_iter().map(|(n, t)| (n, t.detach().copy())).collect()
}

#[test]
fn every_backbone_has_its_feature_length_and_unit_features() {
    for (backbone, dim) in [
        (Backbone::Resnet50Lite, 512),
        (Backbone::Resnet18, 512),
        (Backbone::Resnet34, 512),
        (Backbone::Resnet50, 2048),
    ] {
        let net = net(backbone, Some((2, 3)), 1);
        assert_eq!(net.dim(), dim);
        let out = net.forward_train(&images(1, 3), 0, 0).unwrap();
        assert_eq!(out.pooled.size(), [3, dim]);
        let norms = out.feature.square().sum_dim_intlist([1i64].as_slice(), false, None::<Kind>);
        assert_close("norms", &norms, &Tensor::ones([3], (Kind::Float, Device::Cpu)), 1e-5);
        assert_eq!(net.extract(&images(1, 2), 0).unwrap().size(), [2, dim]);
    }
}

#[test]
fn groups_are_separate_batches_to_batch_normalisation() {
    let x = images(1, 9);
    let (grouped, separate) = (lite(1), lite(1));
    let out = grouped.forward_train(&x, 0, 4).unwrap();
    // 4 and 5: the ninth image joins the second group
    let parts = [(0, 4), (4, 5)].map(|(start, n)| separate.forward_train(&x.narrow(0, start, n), 0, 0).unwrap());
    let feature = Tensor::cat(&[&parts[0].feature, &parts[1].feature], 0);
    assert!(max_diff(&out.feature, &feature) < 1e-6);
    for ((name, a), (_, b)) in values_of(&grouped).iter().zip(&values_of(&separate)) {
        assert!(max_diff(a, b) < 1e-6, "{name}");
    }
    let loss = |o: &Output| o.feature.square().sum(Kind::Float) + o.pooled.sum(Kind::Float);
    loss(&out).backward();
    (loss(&parts[0]) + loss(&parts[1])).backward();
    for ((name, a), (_, b)) in grouped.parameters().iter().zip(&separate.parameters()) {
        let scale = b.grad().abs().max().double_value(&[]).max(1.0);
        assert!(max_diff(&a.grad(), &b.grad()) < 1e-5 * scale, "gradient of {name}");
    }
    let whole = lite(1).forward_train(&x, 0, 0).unwrap();
    assert!(max_diff(&whole.feature, &feature) > 1e-3, "groups make a difference");
    assert!(matches!(lite(1).forward_train(&x.narrow(0, 0, 1), 0, 4), Err(ModelError::Shape(_))));
    assert!(matches!(lite(1).extract(&x.narrow(1, 0, 1), 0), Err(ModelError::Shape(_))));
}

#[test]
fn each_domain_has_its_own_batch_normalisation_and_nothing_else() {
    let mut net = lite(2);
    let before = values_of(&net);
    let loss = net.forward_train(&images(1, 4), 1, 0).unwrap().feature.square().sum(Kind::Float)
        + net.forward_train(&images(2, 4), 1, 0).unwrap().pooled.sum(Kind::Float);
    loss.backward();
    for ((name, old), (_, new)) in before.iter().zip(&net.named_variables()) {
        let is_target = name.contains(".target.");
        let is_statistic = name.contains("running_");
        assert_eq!(!same(old, new), is_target && is_statistic, "{name}");
        let plain_bn = !is_target && before.iter().any(|(n, _)| n == &target_name(name));
        if new.requires_grad() {
            assert_eq!(new.grad().defined(), !plain_bn, "{name}");
        }
    }
    let x = images(3, 2);
    assert!(max_diff(&net.extract(&x, 0).unwrap(), &net.extract(&x, 1).unwrap()) > 1e-4);
    let source = net.extract(&x, 0).unwrap();
    net.copy_domain(0, 1).unwrap();
    assert!(same(&net.extract(&x, 1).unwrap(), &source));
}

fn target_name(name: &str) -> String {
    let (stem, last) = name.rsplit_once('.').unwrap();
    format!("{stem}.target.{last}")
}

#[test]
fn a_feature_does_not_depend_on_its_batch() {
    let net = lite(1);
    net.forward_train(&images(1, 8), 0, 0).unwrap();
    let x = images(2, 5);
    let together = net.extract(&x, 0).unwrap();
    for i in 0..5 {
        assert!(max_diff(&net.extract(&x.narrow(0, i, 1), 0).unwrap(), &together.narrow(0, i, 1)) < 1e-6);
    }
    assert!(!together.requires_grad());
}

#[test]
fn attention_maps_have_the_shapes_of_their_planes() {
    let network = lite(2);
    network.forward_train(&images(1, 8), 1, 0).unwrap();
    let x = images(2, 2);
    let maps = network.attention_maps(&x, 1).unwrap();
    assert_eq!(maps.len(), 2);
    let list: Vec<_> = maps[0].iter().map(|m| (m.name.as_str(), m.height, m.width)).collect();
    let want = |stage, c, h, w| {
        let name = move |s: &str| format!("{stage}.{s}");
        vec![
            (name("input"), h, w),
            (name("coordinate"), h, w),
            (name("coordinate.h"), h, 1),
            (name("coordinate.w"), 1, w),
            (name("triplet"), h, w),
            (name("triplet.cw"), c, w),
            (name("triplet.hc"), h, c),
            (name("triplet.hw"), h, w),
            (name("output"), h, w),
        ]
    };
    let want = [want("layer1", 16, 16, 8), want("layer4", 512, 4, 2)].concat();
    assert_eq!(list, want.iter().map(|(n, h, w)| (n.as_str(), *h, *w)).collect::<Vec<_>>());
    for map in &maps[1] {
        assert_eq!(map.values.len(), map.height * map.width);
        let gate = !map.name.ends_with("put");
        assert!(map.values.iter().all(|v| v.is_finite() && *v >= 0.0 && (!gate || *v <= 1.0)), "{}", map.name);
    }
    // an image's maps do not depend on the other images
    let alone = network.attention_maps(&x.narrow(0, 1, 1), 1).unwrap();
    for (a, b) in alone[0].iter().zip(&maps[1]) {
        let scale = b.values.iter().fold(1f32, |m, v| m.max(*v));
        assert!(a.values.iter().zip(&b.values).all(|(x, y)| (x - y).abs() < 1e-5 * scale), "{}", a.name);
    }
    let plain = net(Backbone::Resnet50Lite, None, 1).attention_maps(&x, 0).unwrap();
    assert_eq!(plain[0].iter().map(|m| m.name.as_str()).collect::<Vec<_>>(), ["layer4.output"]);
}

/// A training in progress.
struct Run {
    net: Net,
    head: Classifier,
    adam: Adam,
}

impl Run {
    fn new(seed: u64) -> Self {
        let spec = NetSpec { backbone: Backbone::Resnet50Lite, positions: Some((1, 4)), domains: 1 };
        let net = Net::new(&spec, Device::Cpu, seed).unwrap();
        let head = Classifier::new(net.dim(), 4, Device::Cpu, seed).unwrap();
        let mut parameters = net.parameters();
        parameters.extend(head.parameters());
        let adam = Adam::new(parameters, 1e-3, 5e-4).unwrap();
        Self { net, head, adam }
    }

    fn steps(&mut self, count: usize, group: usize) -> Vec<f64> {
        let labels: Vec<i64> = (0..8).map(|i| i / 2).collect();
        let mut losses = Vec::new();
        for _ in 0..count {
            self.adam.zero_grad().unwrap();
            let out = self.net.forward_train(&images(1, 8), 0, group).unwrap();
            let loss = cross_entropy_smooth(&self.head.logits(&out.bn).unwrap(), &labels, 0.1).unwrap()
                + batch_hard_triplet(&out.pooled, &labels, 0.3, true).unwrap();
            backward(&loss).unwrap();
            self.adam.step().unwrap();
            losses.push(value(&loss).unwrap());
        }
        losses
    }
}

/// Four steps of pre-training; losses, and the tensors after it.
fn train(group: usize) -> (Vec<f64>, Vec<(String, Tensor)>) {
    let mut run = Run::new(7);
    (run.steps(4, group), values_of(&run.net))
}

#[test]
fn a_training_goes_on_from_its_files_with_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let mut whole = Run::new(7);
    whole.steps(2, 4);
    whole.net.save(&file("net")).unwrap();
    write_safetensors(&file("adam"), &whole.adam.state().unwrap()).unwrap();
    write_safetensors(&file("head"), &whole.head.parameters()).unwrap();

    let mut resumed = Run::new(8);
    assert!(resumed.net.load(&file("net")).unwrap().is_complete());
    let list = |name: &str| read_tensors(&file(name)).unwrap().into_iter().collect::<Vec<_>>();
    resumed.adam.load_state(&list("adam")).unwrap();
    resumed.head.set_weight(&list("head")[0].1).unwrap();
    assert_eq!(whole.steps(2, 4), resumed.steps(2, 4));
    for ((name, a), (_, b)) in values_of(&whole.net).iter().zip(&values_of(&resumed.net)) {
        assert!(same(a, b), "{name}");
    }
}

#[test]
fn training_lowers_the_loss_and_the_same_seed_gives_the_same_bits() {
    let (losses, first) = train(0);
    assert!(losses[3] < losses[0], "{losses:?}");
    let (again, second) = train(0);
    assert_eq!(losses, again);
    for ((name, a), (_, b)) in first.iter().zip(&second) {
        assert!(same(a, b), "{name}");
    }
    let bias = first.iter().find(|(n, _)| n == "feat_bn.bias").unwrap();
    assert_eq!(bias.1.abs().max().double_value(&[]), 0.0, "the feature's bias is frozen");
    assert!(train(4).0[3].is_finite());
}

#[test]
fn weights_follow_the_seed_and_do_not_depend_on_attention() {
    let of = |seed, positions| {
        let spec = NetSpec { backbone: Backbone::Resnet50Lite, positions, domains: 1 };
        values_of(&Net::new(&spec, Device::Cpu, seed).unwrap())
    };
    let (a, b, other) = (of(1, Some((1, 4))), of(1, None), of(2, None));
    for (name, t) in &b {
        assert!(same(t, &a.iter().find(|(n, _)| n == name).unwrap().1), "{name}");
    }
    let stem = |list: &[(String, Tensor)]| list.iter().find(|(n, _)| n == "conv1.weight").unwrap().1.shallow_clone();
    assert!(!same(&stem(&b), &stem(&other)));
    // Kaiming's normal of fan-out
    let conv = &b.iter().find(|(n, _)| n == "layer4.0.conv2.weight").unwrap().1;
    let std = conv.std(true).double_value(&[]);
    let want = (2.0f64 / (128.0 * 9.0)).sqrt();
    assert!((std / want - 1.0).abs() < 0.02, "{std} instead of {want}");
}

#[test]
fn positions_that_are_no_stages_are_an_error() {
    let spec = NetSpec { backbone: Backbone::Resnet18, positions: Some((0, 5)), domains: 1 };
    assert!(Net::new(&spec, Device::Cpu, 1).unwrap_err().to_string().contains("stages go from 1 to 4"));
}

#[test]
fn gates_lie_in_memory_as_what_they_multiply() {
    // Otherwise a GPU reads one of the two, each as large as the map, with a stride.
    let vs = nn::VarStore::new(Device::Cpu);
    let maker = LayerMaker::new(vs.root(), 1, 1, true);
    let x = channels_last(&Tensor::rand([3, 32, 12, 6], (Kind::Float, Device::Cpu))).unwrap();
    let coordinate = Coordinate::new(&maker.sub("coord"), 32).unwrap().gate(&x, &mut Pass::train(0), "c").unwrap();
    let triplet =
        TripletAttention::new(&maker.sub("triplet"), true).unwrap().gate(&x, &mut Pass::train(0), "t").unwrap();
    for gate in [coordinate, triplet] {
        assert_eq!((gate.size(), gate.stride()), (x.size(), x.stride()));
    }
}

#[test]
fn bfloat16_changes_the_feature_little() {
    let mut network = lite(1);
    network.forward_train(&images(1, 8), 0, 0).unwrap();
    let x = images(2, 4);
    let exact = network.extract(&x, 0).unwrap();
    network.set_bf16(true);
    let close = network.extract(&x, 0).unwrap();
    assert_eq!(close.kind(), Kind::Float);
    assert!(max_diff(&exact, &close) < 0.02, "{}", max_diff(&exact, &close));
    let out = network.forward_train(&images(1, 8), 0, 0).unwrap();
    out.feature.narrow(1, 0, 3).sum(Kind::Float).backward();
    for (name, t) in network.parameters() {
        assert!(t.grad().defined() && t.grad().kind() == Kind::Float, "{name}");
    }
}
