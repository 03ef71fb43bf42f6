//! `reid-workbench cluster` as a user runs it.

use std::collections::HashMap;
use std::path::Path;

use assert_cmd::Command;
use reid_workbench::run::snapshot::ClusterSnapshot;
use safetensors::tensor::{Dtype, TensorView, serialize};
use serde_json::Value;

use super::support::gen_features::{FeatureSpec, generate};
use super::support::golden::{Case, values};

pub fn program() -> Command {
    Command::new(assert_cmd::cargo::cargo_bin!("reid-workbench"))
}

pub fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

pub fn i32_bytes(values: &[i32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// Writes a safetensors file from names, types, shapes and bytes.
pub fn save(path: &Path, tensors: &[(&str, Dtype, Vec<usize>, Vec<u8>)]) {
    let views: HashMap<&str, TensorView> = tensors
        .iter()
        .map(|(name, dtype, shape, bytes)| (*name, TensorView::new(*dtype, shape.clone(), bytes).unwrap()))
        .collect();
    std::fs::write(path, serialize(views, None).unwrap()).unwrap();
}

/// stdout as JSON, of a run that succeeds.
pub fn json(command: &mut Command) -> Value {
    let output = command.assert().success().get_output().stdout.clone();
    serde_json::from_slice(&output).unwrap()
}

/// stderr of a run that ends with exit code 2: one sentence, nothing on stdout.
pub fn usage_error(command: &mut Command) -> String {
    let output = command.assert().code(2).get_output().clone();
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

fn small() -> (Vec<f32>, Vec<i32>, usize) {
    let spec =
        FeatureSpec { seed: 3, n: 120, d: 32, r: 16, lo: 6, hi: 10, n_out: 8, A: 10, B: 4, C: 1, D: 4, n_cams: 4 };
    let made = generate(&spec);
    (made.features, made.pid, spec.d)
}

#[test]
fn a_file_of_features_becomes_a_file_of_labels() {
    let folder = tempfile::tempdir().unwrap();
    let case = Case::fixture("cluster/n300_d128");
    let (features, d) = case.features();
    let (input, out) = (folder.path().join("f.safetensors"), folder.path().join("o.safetensors"));
    let n = features.len() / d;
    save(
        &input,
        &[
            ("features", Dtype::F32, vec![n, d], f32_bytes(&features)),
            ("pid", Dtype::I32, vec![n], i32_bytes(&case.i32("true_pid"))),
        ],
    );
    let report = json(program().arg("cluster").arg(&input).arg("--out").arg(&out).arg("--jaccard"));
    let written = std::fs::read(&out).unwrap();
    for (name, radius, reference) in
        [("labels", "normal", "060"), ("labels_tight", "tight", "058"), ("labels_loose", "loose", "062")]
    {
        let labels = values(&written, name, i32::from_le_bytes);
        assert_eq!(labels, case.i32(&format!("labels_eps{reference}")));
        assert_eq!(report["clusters"][radius], labels.iter().max().unwrap() + 1);
        assert_eq!(report["noise"][radius], labels.iter().filter(|&&l| l < 0).count());
    }
    let score = values(&written, "score", f64::from_le_bytes);
    assert!(score.iter().zip(case.f64("r3")).all(|(s, e)| (s - e).abs() < 1e-9));
    let (cluster_score, reliable) =
        (values(&written, "cluster_score", f64::from_le_bytes), values(&written, "reliable", u8::from_le_bytes));
    let threshold = report["threshold"].as_f64().unwrap();
    assert_eq!(cluster_score.len(), 12);
    for (s, r) in cluster_score.iter().zip(&reliable) {
        assert_eq!(*s >= threshold, *r == 1);
    }
    let kept = values(&written, "pseudo_labels", i32::from_le_bytes).iter().filter(|&&l| l >= 0).count();
    assert_eq!(report["kept"], kept);
    assert!(report["quality"]["purity"].as_f64().unwrap() > 0.0);
    for stage in ["read", "knn", "jaccard", "dbscan", "refine", "write", "total"] {
        assert!(report["seconds"][stage].as_f64().unwrap() >= 0.0, "{stage}");
    }
    let indptr = values(&written, "jaccard_indptr", i64::from_le_bytes);
    let indices = values(&written, "jaccard_indices", i32::from_le_bytes);
    let distances = values(&written, "jaccard_values", f32::from_le_bytes);
    let mut dense = vec![1.0f32; n * n];
    for i in 0..n {
        let row = indptr[i] as usize..indptr[i + 1] as usize;
        assert!(indices[row.clone()].is_sorted());
        indices[row.clone()].iter().zip(&distances[row]).for_each(|(&j, &d)| dense[i * n + j as usize] = d);
    }
    assert!(dense.iter().zip(case.f32("jaccard")).all(|(f, e)| (f - e).abs() <= 1e-5));
    let leftovers: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(leftovers.len(), 2, "no temporary file stays");
}

#[test]
fn parameters_are_set_by_key() {
    let folder = tempfile::tempdir().unwrap();
    let (features, _, d) = small();
    let (input, out) = (folder.path().join("f.safetensors"), folder.path().join("o.safetensors"));
    save(&input, &[("features", Dtype::F32, vec![features.len() / d, d], f32_bytes(&features))]);
    let run = |set: &[&str]| {
        let mut command = program();
        command.arg("cluster").arg(&input).arg("--out").arg(&out);
        set.iter().for_each(|s| {
            command.args(["--set", s]);
        });
        json(&mut command)
    };
    let plain = run(&["k1=15"]);
    assert_eq!(plain["parameters"]["k1"], 15);
    assert!(plain["clusters"]["normal"].as_i64().unwrap() > 3, "{plain}");
    assert_eq!(run(&["k1=15", "min_samples=50"])["clusters"]["normal"], 0);
    let literal = run(&["k1=15", "reliability.rule=paper-literal"]);
    assert_eq!((&literal["threshold"], &literal["reliable"]), (&Value::Null, &literal["clusters"]["normal"]));
    for (set, word) in [("epsilon=1", "epsilon"), ("eps=7", "0.05 to 0.95"), ("eps", "key=value"), ("k2=31", "k2")] {
        let said = usage_error(program().arg("cluster").arg(&input).arg("--out").arg(&out).args(["--set", set]));
        assert!(said.contains(word), "{said}");
    }
}

#[test]
fn features_of_any_length_are_normalised_and_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (features, _, d) = small();
    let (input, out) = (folder.path().join("f.safetensors"), folder.path().join("o.safetensors"));
    let n = features.len() / d;
    let labels = |features: &[f32]| {
        save(&input, &[("features", Dtype::F32, vec![n, d], f32_bytes(features))]);
        let said = program().arg("cluster").arg(&input).arg("--out").arg(&out).assert().success();
        let said = String::from_utf8(said.get_output().stderr.clone()).unwrap();
        (values(&std::fs::read(&out).unwrap(), "labels", i32::from_le_bytes), said)
    };
    let (unit, quiet) = labels(&features);
    let longer: Vec<f32> = features.iter().enumerate().map(|(i, x)| x * (2.0 + (i / d % 3) as f32)).collect();
    let (scaled, said) = labels(&longer);
    assert_eq!(unit, scaled);
    assert!(said.contains("normalised") && !quiet.contains("normalised"), "{said}");
}

#[test]
fn bad_input_is_one_sentence_and_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("f.safetensors");
    let run = |input: &Path, out: &Path| usage_error(program().arg("cluster").arg(input).arg("--out").arg(out));
    let out = folder.path().join("o.safetensors");
    assert!(run(&input, &out).contains("cannot be read"));
    for bytes in [b"abc".to_vec(), vec![255; 64], [&[9, 0, 0, 0, 0, 0, 0, 0], &b"{notjson}"[..]].concat()] {
        std::fs::write(&input, bytes).unwrap();
        assert!(run(&input, &out).contains("not a safetensors file"));
    }
    save(&input, &[("other", Dtype::F32, vec![1, 2], f32_bytes(&[0.6, 0.8]))]);
    assert!(run(&input, &out).contains("no tensor `features`"));
    save(&input, &[("features", Dtype::I64, vec![1, 1], 1i64.to_le_bytes().to_vec())]);
    assert!(run(&input, &out).contains("I64"));
    save(&input, &[("features", Dtype::F32, vec![2], f32_bytes(&[0.6, 0.8]))]);
    assert!(run(&input, &out).contains("[2]"));
    save(&input, &[("features", Dtype::F32, vec![1, 2], f32_bytes(&[f32::NAN, 0.8]))]);
    assert!(run(&input, &out).contains("row 0"));
    save(&input, &[("features", Dtype::F32, vec![2, 2], f32_bytes(&[0.6, 0.8, 0.0, 0.0]))]);
    assert!(run(&input, &out).contains("row 1 is all zeros"));
    let unit = f32_bytes(&[0.6, 0.8]);
    let pid = ("pid", Dtype::I32, vec![2], i32_bytes(&[1, 2]));
    save(&input, &[("features", Dtype::F32, vec![1, 2], unit.clone()), pid]);
    assert!(run(&input, &out).contains("`pid`"));
    save(&input, &[("features", Dtype::F32, vec![1, 2], unit.clone())]);
    assert!(run(&input, &folder.path().join("nowhere/o.safetensors")).contains("no folder"));
    let whole = std::fs::read(&input).unwrap();
    std::fs::write(&input, &whole[..whole.len() - 3]).unwrap();
    assert!(run(&input, &out).contains("does not fit"));
    assert!(!out.exists());
    usage_error(program().args(["cluster", "--out", "x"]));
}

#[test]
fn an_empty_file_of_features_gives_empty_labels() {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (folder.path().join("f.safetensors"), folder.path().join("o.safetensors"));
    save(&input, &[("features", Dtype::F32, vec![0, 8], vec![])]);
    let report =
        json(program().current_dir(folder.path()).args(["cluster", "f.safetensors", "--out", "o.safetensors"]));
    assert_eq!((&report["images"], &report["threshold"]), (&Value::from(0), &Value::Null));
    assert!(values(&std::fs::read(&out).unwrap(), "pseudo_labels", i32::from_le_bytes).is_empty());
}

#[test]
fn scores_that_need_no_truth_and_proposed_radii_are_printed_on_demand() {
    let home = tempfile::tempdir().unwrap();
    let case = Case::open(super::support::golden::fixtures().parent().unwrap(), "label_free");
    let input = home.path().join("x.safetensors");
    save(&input, &[("features", Dtype::F32, vec![320, 12], f32_bytes(&case.input_f32("features")))]);
    let out = home.path().join("o.safetensors");
    let mut command = program();
    command.arg("cluster").arg(&input).arg("--out").arg(&out).arg("--scores");
    for set in ["eps=0.55", "delta_d=0.02", "k1=20", "k2=4"] {
        command.args(["--set", set]);
    }
    let found = json(&mut command);
    for name in ["silhouette", "dbcv"] {
        let (ours, theirs) = (found["label_free"][name].as_f64().unwrap(), case.number(&format!("/{name}")));
        assert!((ours - theirs).abs() < 1e-5, "{name}: {ours}, not {theirs}");
    }
    assert_eq!(found["label_free"]["unclustered"], 16.0 / 320.0);
    assert!(found["label_free"]["agreement"].is_null(), "there is no epoch before");
    for rule in ["most_stable", "knee", "mean_smallest"] {
        let proposed = &found["suggested_eps"][rule];
        let eps = proposed["eps"].as_f64().unwrap();
        assert!(eps > 0.0 && eps < 0.9, "{rule}: {proposed}");
    }
    let eps = found["suggested_eps"]["knee"]["eps"].to_string();
    let mut command = program();
    command.arg("cluster").arg(&input).arg("--out").arg(&out);
    let eps = format!("eps={eps}");
    for set in [eps.as_str(), "delta_d=0.02", "k1=20", "k2=4"] {
        command.args(["--set", set]);
    }
    let again = json(&mut command);
    assert_eq!(again["clusters"]["normal"], found["suggested_eps"]["knee"]["clusters"]);
    assert_eq!(again["noise"]["normal"], found["suggested_eps"]["knee"]["noise"]);
}

#[test]
fn an_index_finds_neighbours_and_says_how_many_of_the_true_ones() {
    let folder = tempfile::tempdir().unwrap();
    let spec =
        FeatureSpec { seed: 6, n: 500, d: 32, r: 24, lo: 4, hi: 20, n_out: 40, A: 10, B: 7, C: 2, D: 5, n_cams: 4 };
    let made = generate(&spec);
    let (input, out) = (folder.path().join("f.safetensors"), folder.path().join("o.safetensors"));
    save(&input, &[("features", Dtype::F32, vec![500, 32], f32_bytes(&made.features))]);
    let run = |set: &[&str], folder: Option<&Path>| {
        let mut command = program();
        command.arg("cluster").arg(&input).arg("--out").arg(&out).args(["--set", "k1=20"]);
        for s in set {
            command.args(["--set", s]);
        }
        if let Some(dir) = folder {
            command.arg("--run").arg(dir);
        }
        (json(&mut command), std::fs::read(&out).unwrap())
    };
    let (plain, exact) = run(&[], None);
    assert_eq!(plain["neighbours"], serde_json::json!({ "search": "exact" }));
    let (all, same) = run(&["neighbours.search=ivf", "neighbours.probes=4096"], None);
    assert_eq!(same, exact, "all lists looked at");
    let lists = all["neighbours"]["lists"].as_u64().unwrap();
    assert_eq!((lists, &all["neighbours"]["probes"]), (89, &lists.into()), "4√500, and no more than there are");
    assert_eq!(all["neighbours"]["recall"], 1.0);

    let dir = folder.path().join("run");
    let (some, _) = run(&["neighbours.search=ivf", "neighbours.probes=2"], Some(&dir));
    let said = &some["neighbours"];
    assert_eq!(
        (&said["search"], &said["probes"], &said["sampled"], &said["k"]),
        (&"ivf".into(), &2.into(), &500.into(), &20.into())
    );
    assert!(some["clusters"]["normal"].as_u64().unwrap() > 3, "{some}");
    // Counted by hand, from what lies in the run folder.
    let kept = ClusterSnapshot::read(&dir, 0).unwrap();
    let (mut hits, mut wanted) = (0, 0);
    for i in 0..500 {
        let away = |j: usize| -> f64 {
            let pairs = made.features[i * 32..][..32].iter().zip(&made.features[j * 32..][..32]);
            pairs.map(|(a, b)| f64::from(a - b) * f64::from(a - b)).sum()
        };
        let mut others: Vec<usize> = (0..500).filter(|&j| j != i).collect();
        others.sort_by(|&a, &b| away(a).total_cmp(&away(b)));
        let found = &kept.knn_index[i * kept.k + 1..][..19];
        hits += others[..19].iter().filter(|&&j| found.contains(&(j as u32))).count();
        wanted += 19;
    }
    let recall = f64::from(hits as u32) / f64::from(wanted);
    assert!(
        (said["recall"].as_f64().unwrap() - recall).abs() < 1e-12 && (0.3..0.99).contains(&recall),
        "{said} {recall}"
    );
    let events = std::fs::read_to_string(dir.join("events.jsonl")).unwrap();
    let event = events
        .lines()
        .map(|l| serde_json::from_str::<Value>(l).unwrap())
        .find(|e| e.to_string().contains("\"lists\""))
        .unwrap();
    assert!(event.to_string().contains(&format!("\"recall\":{}", said["recall"])), "{event}");
    assert!(std::fs::read_to_string(dir.join("params.toml")).unwrap().contains("neighbours.search = \"ivf\""));
    for set in ["neighbours.search=approximate", "neighbours.probes=0", "neighbours.probes=4097"] {
        usage_error(program().arg("cluster").arg(&input).arg("--out").arg(&out).args(["--set", set]));
    }
}
