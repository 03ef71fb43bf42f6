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
    for loss in ["cross_entropy", "batch_hard_triplet", "softmax_triplet", "generalised_mean"] {
        assert!(number(&format!("/losses/{loss}")) < 1e-6, "{found}");
    }
    assert_eq!(number("/augmented_images"), 0.0);
    let found = part(&["step", "--group", "4"]);
    let parts = found["found"]["parts_ms"].as_object().unwrap();
    assert_eq!(parts.len(), 6);
    assert!(parts.values().all(|ms| ms.as_f64().unwrap() > 0.0), "{found}");
    assert!(found["found"]["images_per_second"].as_f64().unwrap() > 0.0);
    assert_eq!(part(&["extraction"])["found"]["images"], 32);
    let found = part(&["clustering"]);
    // Rows whose distances differ by less than the rounding of a product may change places.
    assert!(found["found"][0]["entries_unlike_the_cpus"].as_u64().unwrap() < 20, "{found}");
    assert!(found["found"][1]["clusters"].as_u64().unwrap() > 1, "{found}");
    assert!(part(&["evaluation"])["found"]["mAP"].as_f64().unwrap() > 0.1);
    let found = part(&["exhaustion"]);
    assert_eq!(found["found"]["ran_out"], true, "{found}");
    assert!(found["found"]["said"].as_str().unwrap().starts_with("out of memory"), "{found}");
    assert!(found["found"]["engine"]["failed"].as_str().unwrap().starts_with("out of memory"), "{found}");
    assert_eq!(found["found"]["engine"]["next"], "done");
}

#[test]
fn a_step_reads_nothing_back_from_its_device() {
    let found = part(&["profile", "--group", "4"]);
    let found = &found["found"];
    // On a GPU every such reading would make the host wait for all that was queued before it.
    assert_eq!(found["host_reads"], 0.0, "{found}");
    assert!(found["operations"].as_f64().unwrap() > 100.0, "the profiler saw the step: {found}");
    let classes = found["ms_by_class"].as_object().unwrap();
    for class in ["convolution", "batch normalisation", "product", "element by element"] {
        assert!(classes[class].as_f64().unwrap() > 0.0, "{class}: {found}");
    }
    assert_eq!(found["attention"].as_array().unwrap().len(), 2);
}

#[test]
fn devices_that_are_not_there_are_refused_in_a_sentence() {
    let found = part(&["devices"]);
    assert_eq!(found["cpu"]["device"], "cpu");
    let said = found["cuda:7"]["refused"].as_str().unwrap_or_default();
    assert!(said.starts_with("cuda:7 was asked for, but "), "{found}");
}
