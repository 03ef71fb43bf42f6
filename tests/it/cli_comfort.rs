//! What makes the command line easy: a list of parameters, hints, examples, completions, man pages.

use reid_workbench::method::params::Params;
use reid_workbench::method::params::table::ROWS;

use super::cli_cluster::{json, program, usage_error};

#[test]
fn parameters_are_listed_with_bounds_the_papers_value_and_effect() {
    let output = program().args(["params", "list"]).assert().success().get_output().stdout.clone();
    let text = String::from_utf8(output).unwrap();
    for row in ROWS {
        assert!(text.contains(&format!("  {} = ", row.key)), "{}", row.key);
    }
    assert!(text.contains("eps = 0.6   (a number from 0.05 to 0.95; takes effect next epoch)"), "{text}");
    assert!(text.contains("baseline+at+refined"));
    let listed = json(program().args(["params", "list", "--json"]));
    let rows = listed["parameters"].as_array().unwrap();
    assert_eq!(rows.len(), ROWS.len());
    let beta = rows.iter().find(|r| r["key"] == "beta").unwrap();
    assert_eq!((&beta["paper"], &beta["max"], &beta["takes_effect"]), (&0.2.into(), &1.0.into(), &"next batch".into()));
    let some = json(program().args(["params", "list", "triplet", "--json"]));
    let keys: Vec<_> = some["parameters"].as_array().unwrap().iter().map(|r| r["key"].as_str().unwrap()).collect();
    assert!(keys.contains(&"triplet.margin") && !keys.contains(&"eps"), "{keys:?}");
}

#[test]
fn a_mistyped_key_gets_the_nearest_one() {
    for (key, meant) in [
        ("epz", Some("eps")),
        ("pes", Some("eps")),
        ("betta", Some("beta")),
        ("adapt.epoch", Some("adapt.epochs")),
        ("Temperature", Some("temperature")),
        ("learning", None),
        ("xyz", None),
    ] {
        let error = Params::default().assign(&format!("{key}=1")).unwrap_err().to_string();
        match meant {
            Some(meant) => assert!(error.ends_with(&format!("did you mean `{meant}`?")), "{key}: {error}"),
            None => assert!(!error.contains("did you mean"), "{key}: {error}"),
        }
    }
    let args = ["train", "--source", "a", "--target", "b", "--out", "c", "--set", "epz=0.5"];
    let said = usage_error(program().args(args));
    assert_eq!(said.trim_end(), "there is no parameter `epz`; did you mean `eps`?");
    assert_eq!(usage_error(program().args(["params", "list", "epz"])), said, "nothing is listed, which is said");
}

#[test]
fn every_sub_command_has_examples() {
    for words in [
        &[][..],
        &["train"],
        &["extract"],
        &["cluster"],
        &["evaluate"],
        &["datasets"],
        &["params"],
        &["compare"],
        &["sweep"],
        &["export"],
        &["shot"],
    ] {
        let output = program().args(words).arg("--help").assert().success().get_output().stdout.clone();
        let text = String::from_utf8(output).unwrap();
        let examples = text.split("Example").nth(1).unwrap_or_else(|| panic!("{words:?} has none:\n{text}"));
        assert!(examples.contains("reid-workbench "), "{words:?}");
    }
}

#[test]
fn shells_and_man_get_what_they_want() {
    let output = program().args(["completions", "bash"]).assert().success().get_output().stdout.clone();
    let script = String::from_utf8(output).unwrap();
    assert!(script.contains("reid-workbench") && script.contains("--tensorboard"));
    let home = tempfile::tempdir().unwrap();
    json(program().arg("man").arg(home.path()));
    let page = std::fs::read_to_string(home.path().join("reid-workbench-export.1")).unwrap();
    assert!(page.contains("tensorboard") && page.contains("Examples"));
    let root = std::fs::read_to_string(home.path().join("reid-workbench.1")).unwrap();
    assert!(root.contains("train") && !root.contains("completions"), "hidden sub-commands stay hidden");
}

#[test]
fn demo_alone_trains_and_other_presets_ask_for_datasets() {
    let home = tempfile::tempdir().unwrap();
    let train = |args: &[&str]| {
        let mut command = program();
        for name in ["REID_CACHE_DIR", "REID_CONFIG_DIR", "REID_DATA_DIR"] {
            command.env(name, home.path());
        }
        command.current_dir(home.path()).arg("train").args(args);
        command
    };
    let said = usage_error(&mut train(&["--preset", "paper", "--out", "run"]));
    assert!(said.contains("name the datasets with --source and --target"), "{said}");
    let said = usage_error(&mut train(&["--resume"]));
    assert!(said.contains("say which run goes on: --out RUN"), "{said}");
    // Two sets of its own in place of the large built-in ones, which take longer to draw; found by name all the same.
    for (name, domain) in [("synthetic-plaza", "plaza"), ("synthetic-station", "station")] {
        crate::support::datasets::tiny_domain(&home.path().join("own").join(name), domain, 1);
    }
    let registered: String = ["synthetic-plaza", "synthetic-station"]
        .map(|n| format!("[datasets.{n}]\nroot = \"{}\"\n", home.path().join("own").join(n).display()))
        .concat();
    std::fs::write(home.path().join("datasets.toml"), registered).unwrap();
    let small = [
        "image.height=64",
        "image.width=32",
        "augment.pad=2",
        "pretrain.epochs=1",
        "pretrain.iters=1",
        "pretrain.batch=16",
        "adapt.epochs=0",
        "k1=8",
        "k2=2",
    ];
    let mut command = train(&["--preset", "demo", "--device", "cpu"]);
    small.iter().for_each(|s| {
        command.args(["--set", s]);
    });
    assert_eq!(json(&mut command)["state"], "done");
    let runs: Vec<_> = std::fs::read_dir(home.path().join("runs")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(runs.len(), 1);
    assert!(runs[0].to_str().unwrap().ends_with("_synthetic-plaza_to_synthetic-station"), "{runs:?}");
}
