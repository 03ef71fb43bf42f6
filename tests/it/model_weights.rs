//! Weights in and out: files of `torch.save` (written by PyTorch 2.11), safetensors, and files that are neither.

use std::path::{Path, PathBuf};

use reid_workbench::method::params::Backbone;
use reid_workbench::model::net::{Net, NetSpec};
use reid_workbench::model::weights;
use tch::{Device, Kind, Tensor};

use crate::golden::same;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/weights").join(name)
}

fn lite(seed: u64, domains: usize, attention: bool) -> Net {
    let positions = attention.then_some((1, 4));
    Net::new(&NetSpec { backbone: Backbone::Resnet50Lite, positions, domains }, Device::Cpu, seed).unwrap()
}

fn check_contents(name: &str) {
    let read = weights::read(&file(name)).unwrap();
    let values = |key: &str| Vec::<f64>::try_from(read[key].to_kind(Kind::Double).contiguous().view([-1])).unwrap();
    let count = |n: i32, scale: f64| (0..n).map(|i| f64::from(i) * scale).collect::<Vec<_>>();
    assert_eq!(read.len(), 11, "{name}: {:?}", read.keys());
    assert_eq!(read["conv1.weight"].size(), [2, 3, 2, 2]);
    assert_eq!(values("conv1.weight"), count(24, 0.125));
    assert_eq!(values("bn1.weight"), [1.5, -2.0]);
    assert_eq!(values("bn1.num_batches_tracked"), [7.0]);
    assert_eq!((read["half"].kind(), values("half")), (Kind::Half, vec![0.5, -1.25]));
    assert_eq!((read["brain"].kind(), values("brain")), (Kind::BFloat16, vec![3.0, -0.5]));
    assert_eq!(values("double"), [1e-9]);
    assert_eq!(values("flags"), [1.0, 0.0]);
    assert_eq!(read["transposed"].size(), [6, 4]);
    assert_eq!(values("transposed")[..4], [0.0, 6.0, 12.0, 18.0]);
    assert_eq!(values("shared"), [6.0, 7.0, 8.0, 9.0, 10.0, 11.0]);
    assert_eq!(values("last"), count(8, 1.0));
    assert_eq!(read["empty"].size(), [0, 3]);
}

#[test]
fn both_forms_of_torch_save_are_read() {
    check_contents("new.pth");
    check_contents("legacy.pth");
}

#[test]
fn what_a_file_contains_is_never_executed() {
    // beside the tensors stands an object whose un-pickling in Python runs `touch reid-workbench-was-executed`
    check_contents("hostile.pth");
    assert!(!Path::new("reid-workbench-was-executed").exists());
}

#[test]
fn files_that_hold_no_weights_say_why() {
    let reason = |path: &Path| weights::read(path).unwrap_err().to_string();
    assert!(reason(&file("module.pth")).contains("whole Python object (torch.nn.modules.linear.Linear)"));
    assert!(reason(&file("not-torch.pth")).contains("not one of torch.save"));
    assert!(reason(&file("absent.pth")).contains("absent.pth"));
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.pth");
    std::fs::write(&text, "hello").unwrap();
    assert!(reason(&text).contains("neither safetensors nor a file of torch.save"));
}

#[test]
fn damaged_files_are_errors_wherever_they_are_cut_or_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.pth");
    for name in ["new.pth", "legacy.pth"] {
        let whole = std::fs::read(file(name)).unwrap();
        for cut in (0..whole.len()).step_by(61) {
            std::fs::write(&path, &whole[..cut]).unwrap();
            assert!(weights::read(&path).is_err(), "{name} cut at {cut}");
        }
        for at in (0..whole.len()).step_by(3) {
            let mut changed = whole.clone();
            changed[at] ^= 0x55;
            std::fs::write(&path, &changed).unwrap();
            let _ = weights::read(&path); // an error or other numbers, but never a panic
        }
    }
}

#[test]
fn a_network_round_trips_through_safetensors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    let (first, mut second) = (lite(1, 2, true), lite(2, 2, true));
    let x = Tensor::randn([2, 3, 64, 32], (Kind::Float, Device::Cpu));
    assert!(!same(&first.extract(&x, 1).unwrap(), &second.extract(&x, 1).unwrap()));
    first.save(&path).unwrap();
    let report = second.load(&path).unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert!(same(&first.extract(&x, 1).unwrap(), &second.extract(&x, 1).unwrap()));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn what_is_for_nothing_here_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.safetensors");
    let net = lite(1, 1, false);
    let mut tensors = net.named_variables();
    for (name, _) in &mut tensors {
        *name = format!("module.{name}");
    }
    for name in ["module.fc.weight", "module.extra", "module.bn1.num_batches_tracked"] {
        tensors.push((name.to_owned(), Tensor::zeros([1], (Kind::Float, Device::Cpu))));
    }
    weights::write_safetensors(&path, &tensors).unwrap();
    let mut other = lite(2, 1, false);
    let report = other.load(&path).unwrap();
    assert_eq!((report.missing.len(), report.unexpected), (0, vec!["module.extra".to_owned()]));
    assert_eq!(report.loaded.len(), net.named_variables().len());
}

#[test]
fn weights_of_one_domain_serve_both() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("single.safetensors");
    let single = lite(1, 1, false);
    single.forward_train(&Tensor::randn([4, 3, 64, 32], (Kind::Float, Device::Cpu)), 0, 0).unwrap();
    single.save(&path).unwrap();
    let mut double = lite(2, 2, false);
    assert!(double.load(&path).unwrap().is_complete());
    let x = Tensor::randn([2, 3, 64, 32], (Kind::Float, Device::Cpu));
    let want = single.extract(&x, 0).unwrap();
    assert!(same(&double.extract(&x, 0).unwrap(), &want) && same(&double.extract(&x, 1).unwrap(), &want));
    // a network with attention lists what the file lacks
    let report = lite(3, 2, true).load(&path).unwrap();
    assert!(!report.missing.is_empty() && report.missing.iter().all(|n| n.starts_with("att_")), "{report:?}");
}

#[test]
fn a_file_of_another_network_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.safetensors");
    weights::write_safetensors(&path, &[("a".to_owned(), Tensor::zeros([1], (Kind::Float, Device::Cpu)))]).unwrap();
    let error = lite(1, 1, false).load(&path).unwrap_err().to_string();
    assert!(error.contains("no ResNet is in it"), "{error}");
}
