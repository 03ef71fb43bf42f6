//! Weights as the programs of the field write them, through the command line: the features are those of the same
//! weights under our names, and what does not cover the network is refused.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use reid_workbench::method::params::Backbone;
use reid_workbench::model::net::{Net, NetSpec};
use reid_workbench::model::weights::{self, WeightsFile, names};
use serde_json::Value;
use tch::{Device, Kind, Tensor};

use crate::support::datasets::tiny_domain;
use crate::support::torch_save::{self, Py, dict};

type Named = Vec<(String, Tensor)>;

const LITE: &[&str] = &["backbone=resnet50-lite", "attention.enabled=false", "image.height=64", "image.width=32"];

struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        tiny_domain(&dir.path().join("set"), "station", 2);
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn extract_with(&self, weights: &Path, set: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reid-workbench"));
        command.current_dir(self.dir.path()).env("REID_CONFIG_DIR", self.path("config"));
        command.args(["extract", "--dataset", "set", "--split", "query", "--device", "cpu", "--out", "f.safetensors"]);
        command.arg("--checkpoint").arg(weights);
        set.iter().for_each(|s| {
            command.args(["--set", s]);
        });
        command.output().unwrap()
    }

    /// Features and the report, or the sentence of the refusal.
    fn extract(&self, weights: &Path) -> Result<(Vec<f32>, Value), String> {
        let output = self.extract_with(weights, LITE);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        match output.status.code() {
            Some(0) => {
                let bytes = std::fs::read(self.path("f.safetensors")).unwrap();
                let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
                let data = file.tensor("features").unwrap().data().to_vec();
                let values = data.chunks(4).map(|c| f32::from_le_bytes(c.try_into().unwrap())).collect();
                Ok((values, serde_json::from_slice(&output.stdout).unwrap()))
            }
            Some(2) => Err(said),
            other => panic!("exit {other:?}: {said}"),
        }
    }
}

/// A network with numbers in every tensor that an untrained one does not have.
fn trained() -> Named {
    let net =
        Net::new(&NetSpec { backbone: Backbone::Resnet50Lite, positions: None, domains: 1 }, Device::Cpu, 5).unwrap();
    let _guard = tch::no_grad_guard();
    tch::manual_seed(5);
    let changed = |(name, t): (String, Tensor)| {
        let noise = Tensor::rand(t.size(), (Kind::Float, Device::Cpu));
        let t = if name.ends_with("running_var") {
            noise + 0.5
        } else if t.dim() == 1 {
            t + noise * 0.4
        } else {
            t.copy()
        };
        (name, t)
    };
    net.named_variables().into_iter().map(changed).collect()
}

fn renamed(tensors: &Named, name: impl Fn(&str) -> String) -> Named {
    tensors.iter().map(|(n, t)| (name(n), t.copy())).collect()
}

fn without_neck(tensors: &Named) -> Named {
    tensors.iter().filter(|(n, _)| !n.starts_with("feat_bn.")).map(|(n, t)| (n.clone(), t.copy())).collect()
}

/// `layer1.0.conv1` as the fifth part of an `nn.Sequential`.
fn numbered(name: &str) -> String {
    let (head, rest) = name.split_once('.').unwrap();
    let number = match head {
        "conv1" => "0",
        "bn1" => "1",
        "layer1" => "4",
        "layer2" => "5",
        "layer3" => "6",
        "layer4" => "7",
        other => other,
    };
    format!("{number}.{rest}")
}

/// The same without a ReLU in between.
fn lower(numbered: &str) -> String {
    let (head, rest) = numbered.split_once('.').unwrap();
    head.parse::<usize>().map_or(numbered.to_owned(), |n| format!("{}.{rest}", if n > 2 { n - 1 } else { n }))
}

fn noise(name: &str, shape: &[i64]) -> (String, Tensor) {
    (name.to_owned(), Tensor::rand(shape, (Kind::Float, Device::Cpu)))
}

fn py(tensors: &Named) -> Py {
    Py::Dict(tensors.iter().map(|(n, t)| (n.clone(), py_tensor(t))).collect())
}

fn py_tensor(t: &Tensor) -> Py {
    let shape: Vec<usize> = t.size().iter().map(|&n| n as usize).collect();
    let values = Vec::<f32>::try_from(t.to_kind(Kind::Float).contiguous().view([-1])).unwrap();
    torch_save::floats(&shape, &values)
}

fn with_prefix(prefix: &str, tensors: &Named) -> Named {
    renamed(tensors, |n| format!("{prefix}{n}"))
}

/// Backbone and neck under another program's names.
fn dressed(tensors: &Named, body: impl Fn(&str) -> String, neck: &str) -> Named {
    renamed(tensors, |n| n.strip_prefix("feat_bn.").map_or_else(|| body(n), |part| format!("{neck}.{part}")))
}

fn close(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| (x - y).abs() < 1e-6)
}

#[test]
fn every_habit_gives_the_features_of_our_own_names() {
    let bench = Bench::new();
    let plain = trained();
    let bare = without_neck(&plain);
    let file = |name: &str, tensors: &Named| {
        let path = bench.path(name);
        weights::write_safetensors(&path, tensors).unwrap();
        path
    };
    let (truth, report) = bench.extract(&file("plain.safetensors", &plain)).unwrap();
    assert_eq!(report["weights"]["missing"], serde_json::json!([]), "{report}");
    assert_eq!(report["weights"]["matched"].as_array().unwrap().len(), plain.len());
    let (pooled, report) = bench.extract(&file("imagenet.safetensors", &bare)).unwrap();
    assert!(report["weights"]["notes"].to_string().contains("no batch normalisation after pooling"), "{report}");
    assert!(!close(&truth, &pooled));

    let mut usl = with_prefix("module.", &dressed(&plain, |n| format!("base.{}", numbered(n)), "feat_bn"));
    usl.push(noise("module.classifier.weight", &[7, 512]));
    let mut bot = dressed(&plain, |n| format!("base.{n}"), "bottleneck");
    bot.push(noise("classifier.weight", &[7, 512]));
    let mut fast = dressed(&plain, |n| format!("backbone.{n}"), "heads.bottleneck.0");
    fast.extend([
        noise("heads.weight", &[7, 512]),
        noise("pixel_mean", &[1, 3, 1, 1]),
        noise("pixel_std", &[1, 3, 1, 1]),
    ]);
    for (name, tensors, program) in [
        ("usl.safetensors", usl, "SpCL"),
        ("bot.safetensors", bot, "strong baseline"),
        ("fast.safetensors", fast, "fast-reid"),
    ] {
        let (features, report) = bench.extract(&file(name, &tensors)).unwrap();
        assert!(close(&features, &truth), "{name}");
        assert!(report["weights"]["habit"].as_str().unwrap().contains(program), "{name}: {report}");
        assert_eq!(report["weights"]["unexpected"], serde_json::json!([]), "{name}");
    }
    let mut layumi = with_prefix("model.", &bare);
    layumi.extend([
        noise("model.fc.weight", &[10, 512]),
        noise("classifier.add_block.0.weight", &[512, 512]),
        noise("classifier.classifier.0.weight", &[7, 512]),
    ]);
    let (features, report) = bench.extract(&file("layumi.safetensors", &layumi)).unwrap();
    assert!(close(&features, &pooled));
    let notes = report["weights"]["notes"].to_string();
    assert!(notes.contains("classifier.add_block.0.weight") && notes.contains("last stride"), "{notes}");

    let state = || py(&with_prefix("module.", &plain));
    let best = dict([("epoch", Py::Int(90)), ("best_acc1", torch_save::floats(&[], &[76.1])), ("state_dict", state())]);
    torch_save::save(&bench.path("best.pth.tar"), &best);
    torch_save::save(&bench.path("model.pth.tar-150"), &dict([("state_dict", state()), ("epoch", Py::Int(150))]));
    torch_save::save_old(&bench.path("old.pth"), &best);
    for name in ["best.pth.tar", "model.pth.tar-150", "old.pth"] {
        assert!(close(&bench.extract(&bench.path(name)).unwrap().0, &truth), "{name}");
    }
}

/// As [`Bench::extract`] without a process: the features of one picture, and what loading said.
fn features(path: &Path) -> Result<(Vec<f32>, weights::LoadReport), String> {
    let spec = NetSpec { backbone: Backbone::Resnet50Lite, positions: None, domains: 1 };
    let mut net = Net::new(&spec, Device::Cpu, 9).unwrap();
    let report = net.load(path).map_err(|e| e.to_string())?;
    let x = Tensor::linspace(-1.0, 1.0, 3 * 64 * 32, (Kind::Float, Device::Cpu)).view([1, 3, 64, 32]);
    Ok((Vec::<f32>::try_from(net.extract(&x, 0).unwrap().view([-1])).unwrap(), report))
}

#[test]
fn wrappers_twins_types_and_shards_are_seen_through() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let plain = trained();
    let other: Named = plain.iter().map(|(n, t)| (n.clone(), t * 1.5)).collect();
    // Without a ReLU after the stem, and with pooling by a power, features are others; both are computed.
    let mmt = dressed(
        &plain,
        |n| {
            let n = numbered(n);
            let (head, rest) = n.split_once('.').unwrap();
            let head: usize = head.parse().unwrap();
            format!("base.{}.{rest}", if head > 2 { head - 1 } else { head })
        },
        "feat_bn",
    );
    weights::write_safetensors(&path("mmt.safetensors"), &mmt).unwrap();
    let mut gem = plain.iter().map(|(n, t)| (n.clone(), t.copy())).collect::<Named>();
    gem.push(("gap.p".to_owned(), Tensor::from_slice(&[3.0_f32])));
    weights::write_safetensors(&path("gem.safetensors"), &gem).unwrap();
    weights::write_safetensors(&path("plain.safetensors"), &plain).unwrap();
    let truth = features(&path("plain.safetensors")).unwrap().0;
    for (name, note) in [("mmt", "no ReLU"), ("gem", "p = 3.000")] {
        let (found, report) = features(&path(&format!("{name}.safetensors"))).unwrap();
        assert!(!close(&found, &truth) && report.notes.iter().any(|n| n.contains(note)), "{name}: {report:?}");
        assert_eq!(report.unexpected, [""; 0], "{name}");
    }
    let both = |a: Named, b: Named| a.into_iter().chain(b).collect::<Named>();
    let cases: Vec<(&str, Py)> = vec![
        (
            "Lightning",
            dict([("state_dict", py(&with_prefix("model.", &plain))), ("pytorch-lightning_version", Py::None)]),
        ),
        ("Lightning's net", dict([("state_dict", py(&with_prefix("net.backbone.", &plain)))])),
        (
            "nested model",
            dict([("model", py(&plain)), ("optimizer", dict([("state", dict([("exp_avg", py(&other))]))]))]),
        ),
        ("nested net", dict([("net", py(&with_prefix("module.", &plain)))])),
        ("nested module", dict([("module", py(&plain)), ("lr", Py::Int(3))])),
        (
            "teacher",
            dict([
                ("student", py(&with_prefix("backbone.", &other))),
                ("teacher", py(&with_prefix("backbone.", &plain))),
            ]),
        ),
        ("EMA twin", dict([("state_dict", py(&other)), ("state_dict_ema", py(&plain))])),
        ("MoCo", py(&both(with_prefix("module.encoder_q.", &plain), with_prefix("module.encoder_k.", &other)))),
        ("a list of networks", dict([("models", Py::List(vec![py(&plain)]))])),
        (
            "OpenUnReID",
            dict([("state_dict", py(&dressed(&plain, |n| format!("module.backbone.{n}"), "module.head.feat_bn")))]),
        ),
        ("PPLR", {
            let mut parts = dressed(&plain, |n| format!("base.{}", numbered(n)), "bnneck");
            parts.extend([noise("bnneck0.weight", &[512]), noise("bnneck0.running_mean", &[512])]);
            parts.extend([noise("classifier.weight", &[7, 512]), noise("classifier0.weight", &[7, 512])]);
            py(&parts)
        }),
        ("numbered", py(&dressed(&plain, |n| format!("features.{}", numbered(n)), "feat_bn"))),
        (
            "a call",
            dict([
                ("hook", Py::Call("os", "system", vec![Py::Str("touch was-executed".to_owned())])),
                ("state_dict", py(&plain)),
            ]),
        ),
    ];
    for (what, value) in &cases {
        torch_save::save(&path("case.pth"), value);
        let (found, report) = features(&path("case.pth")).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert!(close(&found, &truth), "{what}: {report:?}");
        let twins = ["teacher", "EMA twin", "MoCo"].contains(what);
        assert_eq!(report.notes.iter().any(|n| n.contains("taken are the weights under")), twins, "{what}: {report:?}");
    }
    assert!(!Path::new("was-executed").exists());

    for kind in [Kind::Half, Kind::BFloat16, Kind::Double] {
        let typed: Named = plain.iter().map(|(n, t)| (n.clone(), t.to_kind(kind))).collect();
        weights::write_safetensors(&path("typed.safetensors"), &typed).unwrap();
        let found = features(&path("typed.safetensors")).unwrap().0;
        let far = found.iter().zip(&truth).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(far < if kind == Kind::Double { 1e-6 } else { 0.02 }, "{kind:?}: {far}");
    }

    let half = plain.len() / 2;
    for (name, part) in [("a-1.safetensors", &plain[..half]), ("a-2.safetensors", &plain[half..])] {
        let part: Named = part.iter().map(|(n, t)| (n.clone(), t.copy())).collect();
        weights::write_safetensors(&path(name), &part).unwrap();
    }
    let map: serde_json::Map<String, Value> = plain
        .iter()
        .enumerate()
        .map(|(i, (n, _))| (n.clone(), format!("a-{}.safetensors", 1 + usize::from(i >= half)).into()))
        .collect();
    let index = path("a.safetensors.index.json");
    std::fs::write(&index, serde_json::json!({ "metadata": {}, "weight_map": map }).to_string()).unwrap();
    assert!(close(&features(&index).unwrap().0, &truth));
    std::fs::write(&index, r#"{"weight_map":{"a":"../a-1.safetensors"}}"#).unwrap();
    assert!(features(&index).unwrap_err().contains("does not lie beside it"));
}

#[test]
fn what_does_not_cover_the_network_is_refused_with_what_is_missing() {
    let bench = Bench::new();
    let plain = trained();
    let try_it = |tensors: Named| {
        let path = bench.path("w.safetensors");
        weights::write_safetensors(&path, &tensors).unwrap();
        features(&path).unwrap_err()
    };
    // through the command line: one sentence, exit 2
    let ibn = plain.iter().flat_map(|(n, t)| match n.split_once(".bn1.") {
        Some((block, part)) if !n.starts_with("layer4") => {
            let half = t.size()[0] / 2;
            let cut = |kind: &str, from: i64| (format!("{block}.bn1.{kind}.{part}"), t.narrow(0, from, half).copy());
            vec![cut("IN", 0), cut("BN", half)]
        }
        _ => vec![(n.clone(), t.copy())],
    });
    let path = bench.path("ibn.safetensors");
    weights::write_safetensors(&path, &ibn.collect::<Named>()).unwrap();
    let said = bench.extract(&path).unwrap_err();
    assert!(said.contains("IBN-a") && said.trim().lines().count() == 1, "{said}");
    let mut lacking = renamed(&plain, str::to_owned);
    lacking.retain(|(n, _)| !n.starts_with("layer3.0.bn2") && n != "layer1.0.conv2.weight");
    let path = bench.path("lacking.safetensors");
    weights::write_safetensors(&path, &lacking).unwrap();
    let said = bench.extract(&path).unwrap_err();
    assert!(said.contains("it lacks 5 of the 89 tensors of this network (layer1.0.conv2.weight, "), "{said}");

    let mut deeper = renamed(&plain, str::to_owned);
    deeper.extend(
        plain
            .iter()
            .filter(|(n, _)| n.starts_with("layer3.0."))
            .map(|(n, t)| (n.replace("layer3.0", "layer3.1"), t.copy())),
    );
    assert!(try_it(deeper).contains("20 tensors of its backbone have no place in this network (layer3.1."));
    let mut other = renamed(&plain, str::to_owned);
    other
        .iter_mut()
        .filter(|(n, _)| n == "layer2.0.bn1.bias")
        .for_each(|(_, t)| *t = Tensor::zeros([3], (Kind::Float, Device::Cpu)));
    assert!(try_it(other).contains("`layer2.0.bn1.bias` is [3] in the file and [32] here"));
    assert!(
        try_it(vec![noise("blocks.0.attn.qkv.weight", &[4, 4]), noise("cls_token", &[1])])
            .contains("vision transformer")
    );
    assert!(try_it(vec![noise("a", &[1])]).contains("no ResNet is in it"));
    let resnet18 =
        Net::new(&NetSpec { backbone: Backbone::Resnet18, positions: None, domains: 1 }, Device::Cpu, 1).unwrap();
    let said = try_it(resnet18.named_variables());
    assert!(
        said.contains("the file holds a resnet18, this network is a resnet50-lite: set backbone=resnet18"),
        "{said}"
    );
}

#[test]
fn attention_that_a_file_does_not_know_is_left_out_and_said() {
    let bench = Bench::new();
    let path = bench.path("plain.safetensors");
    weights::write_safetensors(&path, &trained()).unwrap();
    let truth = bench.extract(&path).unwrap().0;
    let on: Vec<&str> = LITE.iter().copied().filter(|s| !s.contains("enabled")).collect();
    let output = bench.extract_with(&path, &on);
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("knows no attention blocks, so attention is left out"), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["attention"], false);
    let bytes = std::fs::read(bench.path("f.safetensors")).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let data = file.tensor("features").unwrap().data().to_vec();
    let found: Vec<f32> = data.chunks(4).map(|c| f32::from_le_bytes(c.try_into().unwrap())).collect();
    assert!(close(&found, &truth));
}

#[test]
fn files_that_are_something_else_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let said = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        WeightsFile::open(&path).err().map_or_else(|| "read".to_owned(), |e| e.to_string())
    };
    for (name, bytes, part) in [
        ("a.h5", &b"\x89HDF\r\n\x1a\n\0\0"[..], "Keras and TensorFlow"),
        ("a.onnx", b"\x08\x07\x12\x07pytorch\x1a\x051.9", "ONNX"),
        ("saved_model.pb", b"\x08\x01\x12\x80", "TensorFlow"),
        ("a.pth", b"<!DOCTYPE html><html>", "web page"),
        ("b.pth", b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
        ("c.pth", b"", "empty"),
        ("d.npy", b"\x93NUMPY\x01\0", "NumPy"),
        ("e.pth.gz", b"\x1f\x8b\x08", "unpack"),
    ] {
        let text = said(name, bytes);
        assert!(text.contains(part), "{name}: {text}");
    }
    let script = dir.path().join("script.pt");
    torch_save::save_with(&script, &Py::None, &[("archive/constants.pkl", b"\x80\x02)."), ("archive/code/a.py", b"")]);
    assert!(WeightsFile::open(&script).err().unwrap().to_string().contains("TorchScript"));
    let optimiser = dir.path().join("optimiser.pth");
    let moments = dict([("exp_avg", torch_save::floats(&[2], &[1.0, 2.0]))]);
    torch_save::save(&optimiser, &dict([("state", dict([("0", moments)])), ("param_groups", Py::List(vec![]))]));
    assert!(features(&optimiser).unwrap_err().contains("optimiser's state"));
    assert!(features(dir.path()).unwrap_err().contains("not a file"));
}

#[test]
fn each_row_of_the_table_reads_its_own_example() {
    for row in names::HABITS {
        let (there, here) = row.example;
        let own = |name: &str| match row.body {
            names::Body::Named => name.to_owned(),
            names::Body::Numbered => numbered(name),
            names::Body::NoRelu => lower(&numbered(name)),
        };
        let prefix = match here.strip_prefix("feat_bn.") {
            Some(part) => {
                let above = there.strip_suffix(&format!("{}.{part}", row.neck)).unwrap();
                if row.wrapper.is_empty() { above.to_owned() } else { format!("{above}{}.", row.wrapper) }
            }
            None => there.strip_suffix(&own(here)).unwrap_or_else(|| panic!("{row:?}")).to_owned(),
        };
        let body = ["conv1.weight", "layer1.0.conv1.weight", "layer4.0.bn3.weight"];
        let mut list: BTreeSet<String> = body.iter().map(|n| format!("{prefix}{}", own(n))).collect();
        if !row.neck.is_empty() {
            let above = prefix.strip_suffix(&format!("{}.", row.wrapper)).unwrap_or(&prefix);
            list.extend(["weight", "running_mean", "running_var"].iter().map(|p| format!("{above}{}.{p}", row.neck)));
        }
        list.insert(there.to_owned());
        let shape = |name: &str| match name {
            n if n == format!("{prefix}{}", own("conv1.weight")) => vec![64, 3, 7, 7],
            n if n.contains("conv") => vec![64, 64, 1, 1],
            _ => vec![64],
        };
        let given: Vec<names::FileTensor> =
            list.iter().map(|n| names::FileTensor { name: n.clone(), shape: shape(n), dict: 0 }).collect();
        let plan = names::plan(&given, 1).unwrap_or_else(|e| panic!("{}: {e}", row.program));
        let found = plan.pairs.get(here).map(|&at| given[at].name.as_str());
        assert_eq!(found, Some(there), "{}: {plan:?}", row.program);
        assert_eq!(plan.habit, row.program, "{there}");
    }
}

#[test]
fn a_run_s_weights_go_out_under_other_names_and_come_back() {
    let bench = Bench::new();
    let net =
        Net::new(&NetSpec { backbone: Backbone::Resnet50Lite, positions: None, domains: 2 }, Device::Cpu, 3).unwrap();
    tch::no_grad(|| {
        for (name, mut t) in net.named_variables() {
            if name.contains(".target.") {
                let _ = t.f_add_scalar_(0.25).unwrap();
            }
        }
    });
    let x = Tensor::linspace(-1.0, 1.0, 3 * 64 * 32, (Kind::Float, Device::Cpu)).view([1, 3, 64, 32]);
    let want = Vec::<f32>::try_from(net.extract(&x, 1).unwrap().view([-1])).unwrap();
    for (style, there) in [
        (names::Style::Torchvision, "layer1.0.conv1.weight"),
        (names::Style::Torchreid, "layer4.0.bn3.running_var"),
        (names::Style::Spcl, "base.7.0.conv3.weight"),
        (names::Style::FastReid, "heads.bottleneck.0.running_mean"),
    ] {
        let path = bench.path("out.safetensors");
        assert_eq!(weights::export(&net, &path, style).unwrap(), [""; 0]);
        let file = WeightsFile::open(&path).unwrap();
        assert!(file.given().iter().any(|g| g.name == there), "{style:?}");
        assert!(file.given().iter().all(|g| !g.name.contains("target")), "{style:?}");
        assert!(close(&features(&path).unwrap().0, &want), "{style:?}: the target's normalisation goes out");
    }
    let mut net =
        Net::new(&NetSpec { backbone: Backbone::Resnet50Lite, positions: None, domains: 1 }, Device::Cpu, 3).unwrap();
    net.learn_gem(2.5).unwrap();
    let want = Vec::<f32>::try_from(net.extract(&x, 0).unwrap().view([-1])).unwrap();
    for style in [names::Style::Spcl, names::Style::FastReid] {
        let path = bench.path("gem.safetensors");
        weights::export(&net, &path, style).unwrap();
        let (found, report) = features(&path).unwrap();
        assert!(close(&found, &want), "{style:?}");
        assert!(report.gem == Some(2.5) && report.unexpected.is_empty(), "{report:?}");
    }
}

#[test]
fn ibn_is_its_own_backbone() {
    let dir = tempfile::tempdir().unwrap();
    let spec = |backbone| NetSpec { backbone, positions: None, domains: 1 };
    let ibn = Net::new(&spec(Backbone::Resnet50Ibn), Device::Cpu, 1).unwrap();
    let names: Vec<String> = ibn.named_variables().into_iter().map(|(n, _)| n).collect();
    assert!(names.iter().any(|n| n == "layer3.5.bn1.IN.weight") && names.iter().any(|n| n == "layer4.0.bn1.weight"));
    let path = dir.path().join("ibn.safetensors");
    weights::export(&ibn, &path, names::Style::FastReid).unwrap();
    let mut back = Net::new(&spec(Backbone::Resnet50Ibn), Device::Cpu, 2).unwrap();
    assert!(back.load(&path).unwrap().is_complete());
    let x = Tensor::linspace(-1.0, 1.0, 3 * 64 * 32, (Kind::Float, Device::Cpu)).view([1, 3, 64, 32]);
    let of = |net: &Net| Vec::<f32>::try_from(net.extract(&x, 0).unwrap().view([-1])).unwrap();
    assert!(close(&of(&back), &of(&ibn)));
    let said = Net::new(&spec(Backbone::Resnet50), Device::Cpu, 2).unwrap().load(&path).unwrap_err().to_string();
    assert!(said.contains("IBN-a") && said.ends_with("set backbone=resnet50-ibn"), "{said}");
}

/// Fills a network with the numbers that `tests/fixtures/pytorch/make.py` gives the tensors of that name.
fn filled(backbone: Backbone, order: &Value, seed: u64) -> Net {
    let mut net = Net::new(&NetSpec { backbone, positions: None, domains: 1 }, Device::Cpu, 1).unwrap();
    net.vs.set_kind(Kind::Double);
    let order = order.as_array().unwrap();
    let variables = net.named_variables();
    assert_eq!(variables.len(), order.len(), "as many tensors as PyTorch's network has");
    for (stream, row) in (1000..).zip(order) {
        let (name, rule) = (row[0].as_str().unwrap(), row[2].as_str().unwrap());
        let size: Vec<i64> = row[1].as_array().unwrap().iter().map(|n| n.as_i64().unwrap()).collect();
        let count = size.iter().product::<i64>() as usize;
        let z = || crate::prng::normals(seed, stream, count).into_iter();
        let values: Vec<f64> = match rule {
            "conv" => {
                let std = (2.0 / (size[0] * size[2] * size[3]) as f64).sqrt();
                z().map(|z| z * std).collect()
            }
            "bnw" => z().map(|z| 1.0 + z / 10.0).collect(),
            "var" => crate::prng::uniforms(seed, stream, count).iter().map(|u| 1.0 + u / 4.0).collect(),
            _ => z().map(|z| z / 10.0).collect(),
        };
        let (_, target) = variables.iter().find(|(n, _)| n == name).unwrap_or_else(|| panic!("there is no {name}"));
        assert_eq!(target.size(), size, "{name}");
        tch::no_grad(|| target.shallow_clone().copy_(&Tensor::from_slice(&values).view(size.as_slice())));
    }
    net
}

#[test]
fn ibn_and_gem_are_as_pytorch_computes_them() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pytorch/expected.json");
    let expected: Value = serde_json::from_slice(&std::fs::read(fixture).unwrap()).unwrap();
    let seed = expected["seed"].as_u64().unwrap();
    let [b, h, w] = ["batch", "height", "width"].map(|k| expected[k].as_i64().unwrap());
    let x = Tensor::from_slice(&crate::prng::normals(seed, 1, (b * 3 * h * w) as usize)).view([b, 3, h, w]);
    for (name, backbone, gem) in
        [("ibn", Backbone::Resnet50Ibn, None), ("gem", Backbone::Resnet50, expected["p"].as_f64())]
    {
        let mut net = filled(backbone, &expected[name]["order"], seed);
        net.set_variant(true, gem);
        let found = net.extract(&x, 0).unwrap();
        for (row, want) in expected[name]["features"].as_array().unwrap().iter().enumerate() {
            for (i, want) in want.as_array().unwrap().iter().enumerate() {
                let found = found.double_value(&[row as i64, 16 * i as i64]);
                assert!((found - want.as_f64().unwrap()).abs() < 1e-6, "{name} {row} {i}: {found}, not {want}");
            }
        }
    }
}
