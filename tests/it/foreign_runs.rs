//! Runs with what others have: data that was moved or renamed, weights that do not know everything, sets with clothes.

use std::fs;

use assert_cmd::Command;
use reid_workbench::method::params::Backbone;
use reid_workbench::model::net::{Net, NetSpec};
use serde_json::Value;

use crate::support::engine::{SMALL, Tiny};
use crate::support::window::Window;

fn program(tiny: &Tiny) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reid-workbench"));
    for folder in ["CACHE", "CONFIG", "DATA"] {
        command.env(format!("REID_{folder}_DIR"), tiny.path(&folder.to_lowercase()));
    }
    command.current_dir(tiny.dir.path());
    command
}

/// Exit code, what was said, and the JSON where there is any.
fn ran(command: &mut Command) -> (i32, String, Value) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap(), said, serde_json::from_slice(&output.stdout).unwrap_or_default())
}

fn train(tiny: &Tiny, target: &str, out: &str, more: &[&str]) -> (i32, String, Value) {
    let mut command = program(tiny);
    command
        .args(["train", "--preset", "demo", "--source", "source", "--target", target, "--out", out, "--device", "cpu"]);
    SMALL.iter().chain(more).for_each(|s| {
        command.args(["--set", s]);
    });
    ran(&mut command)
}

#[test]
fn a_run_goes_on_with_data_that_was_moved_or_renamed_and_with_no_other() {
    let tiny = Tiny::new();
    assert_eq!(train(&tiny, "target", "run", &[]).0, 0);
    let resume = |more: &[&str]| ran(program(&tiny).args(["train", "--resume", "--out", "run"]).args(more));
    fs::rename(tiny.path("target"), tiny.path("moved")).unwrap();
    let (code, said, _) = resume(&[]);
    assert_eq!(code, 2, "{said}");
    let (code, said, _) = resume(&["--target", "moved"]);
    assert_eq!(code, 0, "{said}");
    let (code, said, _) = resume(&["--target", "source"]);
    assert!(code == 2 && said.contains("has changed since the run began"), "{said}");

    // Half of the training images go into a folder of their own: their order is another one.
    let train_folder = tiny.path("moved/bounding_box_train");
    let mut names: Vec<_> = fs::read_dir(&train_folder).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.retain(|n| n.to_string_lossy().ends_with(".png") || n.to_string_lossy().ends_with(".jpg"));
    names.sort();
    fs::create_dir(train_folder.join("0first")).unwrap();
    for name in names.iter().skip(1).step_by(2) {
        fs::rename(train_folder.join(name), train_folder.join("0first").join(name)).unwrap();
    }
    let (code, said, _) = resume(&["--target", "moved"]);
    assert!(code == 2 && said.contains("training image ") && said.contains("--match-names"), "{said}");
    let (code, said, _) = resume(&["--target", "moved", "--match-names"]);
    assert!(code == 0 && said.contains("were found by their names"), "{said}");
    let before = fs::read_to_string(tiny.path("run/images.csv")).unwrap();
    assert!(before.contains("0first"), "{before}");

    // Somebody new comes, somebody old goes.
    let new = format!("0000_c1s1_000001_00.{}", names[0].to_string_lossy().rsplit('.').next().unwrap());
    fs::copy(train_folder.join(&names[0]), train_folder.join(new)).unwrap();
    let (code, said, _) = resume(&["--target", "moved", "--match-names"]);
    assert!(code == 0 && said.contains("1 that came since are left out"), "{said}");
    fs::remove_file(train_folder.join(&names[0])).unwrap();
    let (code, said, _) = resume(&["--target", "moved", "--match-names"]);
    let gone = names[0].to_string_lossy();
    assert!(code == 2 && said.contains(gone.as_ref()) && said.contains("is not among the training images"), "{said}");
    let (code, said, _) = ran(program(&tiny).args(["train", "--preset", "demo", "--out", "new", "--match-names"]));
    assert!(code == 2 && said.contains("--resume"), "{said}");
}

#[test]
fn what_weights_do_not_cover_is_listed_by_train_kept_in_the_run_and_stands_across_the_window() {
    let tiny = Tiny::new();
    let spec = NetSpec { backbone: Backbone::Resnet50Lite, positions: None, domains: 1 };
    let net = Net::new(&spec, tch::Device::Cpu, 1).unwrap();
    net.save(&tiny.path("plain.safetensors")).unwrap();
    let weights = format!("weights={}", tiny.path("plain.safetensors").display());
    let on = ["backbone=resnet50-lite", "attention.enabled=true", weights.as_str()];
    let (code, said, report) = train(&tiny, "target", "run", &on);
    assert_eq!(code, 0, "{said}");
    let list = |what: &str| report["weights"][what].as_array().unwrap().clone();
    assert!(list("matched").contains(&"layer1.0.conv1.weight".into()), "{report}");
    assert!(!list("missing").is_empty() && list("missing").iter().all(|n| n.as_str().unwrap().starts_with("att_")));
    assert_eq!(list("unexpected"), Vec::<Value>::new());
    let manifest: Value = serde_json::from_slice(&fs::read(tiny.path("run/manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["weights"], report["weights"]);

    let mut window = Window::on(&tiny.path("run"));
    window.until("Put away what is said of the weights");
    assert!(window.shows("it knows no attention blocks: they begin at random and are trained"));
    window.click("Put away what is said of the weights");
    assert!(!window.shows("Put away what is said of the weights"));
}

#[test]
fn a_run_on_a_set_with_clothes_measures_both_and_so_do_its_features() {
    let tiny = Tiny::new();
    // Of each test person the query wears 1, and of the gallery's images some wear 1, some 2.
    crate::support::datasets::manifest_with(&tiny.path("target"), &tiny.path("plain.csv"), |i| i / 6);
    let plain = fs::read_to_string(tiny.path("plain.csv")).unwrap();
    let dressed: Vec<String> = plain
        .lines()
        .enumerate()
        .map(|(i, line)| match i {
            0 => format!("{line},clothes_id"),
            _ if line.ends_with("gallery") => format!("{line},{}", 1 + i % 2),
            _ => format!("{line},1"),
        })
        .collect();
    fs::write(tiny.path("dressed.csv"), dressed.join("\n")).unwrap();
    let (code, said, report) = train(&tiny, "dressed.csv", "run", &[]);
    assert_eq!(code, 0, "{said}");
    for part in ["same_clothes", "changed_clothes"] {
        assert!(report["last"][part]["valid_queries"].as_u64().unwrap() > 0, "{report}");
    }
    assert!(report["last"]["mINP"].is_f64() && report["last"]["true_accepts"].is_array(), "{report}");
    #[rustfmt::skip]
    let extract = ["extract", "--dataset", "dressed.csv", "--split", "test", "--checkpoint", "run", "--out", "f.safetensors"];
    let (code, said, written) = ran(program(&tiny).args(extract));
    assert_eq!(code, 0, "{said}");
    let list = written["list"].as_str().unwrap();
    let head = fs::read_to_string(tiny.path(list)).unwrap();
    assert!(head.starts_with("path,pid,camid,split,clothes\n"), "{head}");
    let (_, _, found) = ran(program(&tiny).args(["evaluate", "f.safetensors", "--draws", "3"]));
    for part in ["same_clothes", "changed_clothes"] {
        assert_eq!(found[part]["valid_queries"], report["last"][part]["valid_queries"]);
        let close = |a: &Value, b: &Value| (a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 1e-9;
        assert!(close(&found[part]["mAP"], &report["last"][part]["mAP"]), "{found} {report}");
    }
    assert_eq!(found["drawn"]["draws"], 3, "{found}");
    assert!(found["true_accepts"]["1e-3"].is_f64(), "{found}");
}
