//! `reid-workbench evaluate` as a user runs it.

use std::path::{Path, PathBuf};

use safetensors::tensor::Dtype;

use super::cli_cluster::{f32_bytes, i32_bytes, json, program, save, usage_error};
use super::support::golden::{Case, values};

/// The golden case `eval/small` as an input file, with or without cameras.
fn input(folder: &Path, cameras: bool) -> (Case, PathBuf) {
    let case = Case::fixture("eval/small");
    let (features, d) = case.features();
    let (pid, camid) = (case.input_i32("pid"), case.input_i32("camid"));
    let mut tensors = Vec::new();
    for (side, index) in [("query", "query_index"), ("gallery", "gallery_index_with_junk")] {
        let index: Vec<usize> = case.input_i32(index).iter().map(|&i| i as usize).collect();
        let rows: Vec<f32> = index.iter().flat_map(|&i| &features[i * d..(i + 1) * d]).copied().collect();
        let pick = |from: &[i32]| i32_bytes(&index.iter().map(|&i| from[i]).collect::<Vec<_>>());
        tensors.push((format!("{side}_features"), Dtype::F32, vec![index.len(), d], f32_bytes(&rows)));
        tensors.push((format!("{side}_pid"), Dtype::I32, vec![index.len()], pick(&pid)));
        if cameras {
            tensors.push((format!("{side}_camid"), Dtype::I32, vec![index.len()], pick(&camid)));
        }
    }
    let tensors: Vec<_> = tensors.iter().map(|(n, t, s, b)| (n.as_str(), *t, s.clone(), b.clone())).collect();
    let path = folder.join("test.safetensors");
    save(&path, &tensors);
    (case, path)
}

#[test]
fn a_test_set_is_measured_and_its_ranks_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let (case, path) = input(folder.path(), true);
    let out = folder.path().join("ranks.safetensors");
    for metric in ["euclidean", "cosine"] {
        let mut command = program();
        command.arg("evaluate").arg(&path).args(["--metric", metric, "--ranks", "7", "--out"]).arg(&out);
        let report = json(&mut command);
        let close = |found: &serde_json::Value, expected: f64| {
            assert!((found.as_f64().unwrap() - expected).abs() <= 1e-6, "{found}, not {expected}");
        };
        close(&report["mAP"], case.number("/torchreid/mAP"));
        close(&report["mAP_trapezoid"], case.number("/market_official_matlab/mAP_trapezoid"));
        for (rank, at) in [("1", 0), ("5", 4), ("10", 9), ("20", 19)] {
            close(&report["cmc"][rank], case.number(&format!("/torchreid/cmc/{at}")));
        }
        assert_eq!((&report["valid_queries"], &report["queries"]), (&59.into(), &60.into()));
        assert_eq!(report["gallery"], case.json["n_gallery"]);
        let written = std::fs::read(&out).unwrap();
        let ranks = values(&written, "ranks", i32::from_le_bytes);
        assert_eq!(ranks.len(), 60 * 7);
        let distances = values(&written, "distances", f32::from_le_bytes);
        assert!(distances.chunks_exact(7).all(|row| row.is_sorted()));
        let ap = values(&written, "ap", f64::from_le_bytes);
        let valid: Vec<f64> = ap.into_iter().filter(|ap| !ap.is_nan()).collect();
        assert!(valid.iter().zip(case.f64("ap")).all(|(f, e)| (f - e).abs() <= 1e-6));
        let indptr = values(&written, "match_indptr", i32::from_le_bytes);
        assert_eq!(indptr.len(), 61);
        assert_eq!(values(&written, "match_rank", i32::from_le_bytes).len(), indptr[60] as usize);
    }
}

#[test]
fn re_ranking_changes_the_measure() {
    let folder = tempfile::tempdir().unwrap();
    let (case, path) = input(folder.path(), true);
    let report = json(program().arg("evaluate").arg(&path).arg("--rerank"));
    assert_eq!(report["reranked"], true);
    let gain = report["mAP"].as_f64().unwrap() - case.number("/torchreid/mAP");
    assert!(gain.abs() > 1e-3, "re-ranking left mAP as it was");
}

#[test]
fn without_cameras_the_same_camera_rule_is_off_and_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (_, path) = input(folder.path(), false);
    let output = program().arg("evaluate").arg(&path).assert().success().get_output().clone();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["same_camera_rule"], false);
    assert!(String::from_utf8(output.stderr).unwrap().contains("same-camera rule is off"));
}

#[test]
fn bad_input_is_one_sentence_and_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.safetensors");
    let run = || usage_error(program().arg("evaluate").arg(&path));
    let query = ("query_features", Dtype::F32, vec![1, 2], f32_bytes(&[1.0, 0.0]));
    let ids = |name| (name, Dtype::I32, vec![1], i32_bytes(&[1]));
    save(&path, std::slice::from_ref(&query));
    assert!(run().contains("`gallery_features`"));
    let wide = ("gallery_features", Dtype::F32, vec![1, 3], f32_bytes(&[1.0, 0.0, 0.0]));
    save(&path, &[query.clone(), wide, ids("query_pid"), ids("gallery_pid")]);
    assert!(run().contains("one network"));
    let gallery = ("gallery_features", Dtype::F32, vec![1, 2], f32_bytes(&[0.0, f32::INFINITY]));
    save(&path, &[query.clone(), gallery, ids("query_pid"), ids("gallery_pid")]);
    assert!(run().contains("infinite"));
    let gallery = ("gallery_features", Dtype::F32, vec![1, 2], f32_bytes(&[0.0, 1.0]));
    save(&path, &[query.clone(), gallery.clone(), ids("gallery_pid")]);
    assert!(run().contains("`query_pid`"));
    save(&path, &[query, gallery, ids("query_pid"), ids("gallery_pid"), ids("query_camid")]);
    assert!(run().contains("`gallery_camid`"));
    usage_error(program().arg("evaluate").arg(&path).args(["--metric", "manhattan"]));
    usage_error(program().arg("evaluate").arg(&path).args(["--ranks", "5"]));
}
