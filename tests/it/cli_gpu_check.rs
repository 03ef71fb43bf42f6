//! The check for GPUs, in small on the CPU: every part runs, and on the CPU the device agrees with itself.

use serde_json::Value;

use crate::cli_cluster::{json, program};

fn part(words: &[&str]) -> Value {
    let mut command = program();
    command.arg("gpu-check").args(words).args(["--device", "cpu", "--dry-run"]);
    json(&mut command)
}

#[test]
fn every_part_runs_in_small_on_the_cpu() {
    let found = part(&["agreement"]);
    let number = |at: &str| found["found"].pointer(at).and_then(Value::as_f64).unwrap();
    for at in ["extracted_feature", "trained_feature_bn_groups_of_4", "attention_gates", "gradient"] {
        assert!(number(&format!("/backbones/resnet50-lite/{at}")) < 1e-5, "{found}");
    }
    assert!(number("/memory/loss") < 1e-6 && number("/memory/bank") < 1e-6, "{found}");
    let found = part(&["step", "--group", "4"]);
    let parts = found["found"]["parts_ms"].as_object().unwrap();
    assert_eq!(parts.len(), 5);
    assert!(parts.values().all(|ms| ms.as_f64().unwrap() > 0.0), "{found}");
    assert!(found["found"]["images_per_second"].as_f64().unwrap() > 0.0);
    assert_eq!(part(&["extraction"])["found"]["images"], 32);
    let found = part(&["neighbours"]);
    // Rows whose distances differ by less than the rounding of a product may change places.
    assert!(found["found"][0]["entries_unlike_the_cpus"].as_u64().unwrap() < 20, "{found}");
    let found = part(&["exhaustion"]);
    assert_eq!(found["found"]["ran_out"], true, "{found}");
    assert!(found["found"]["said"].as_str().unwrap().starts_with("out of memory"), "{found}");
}

#[test]
fn devices_that_are_not_there_are_refused_in_a_sentence() {
    let found = part(&["devices"]);
    assert_eq!(found["cpu"]["device"], "cpu");
    let said = found["cuda:7"]["refused"].as_str().unwrap_or_default();
    assert!(said.starts_with("cuda:7 was asked for, but "), "{found}");
}
