//! CMC and mAP against the reference's results: `tests/fixtures/golden/eval`.

use std::time::Instant;

use reid_workbench::method::error::{MethodError, no_tick};
use reid_workbench::method::evaluate::{EvalOptions, EvalSet, Evaluation, Identities, evaluate, evaluate_distances};
use reid_workbench::method::rows::Rows;

use super::support::golden::Case;

fn close(name: &str, found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-6, "{name}: {found}, not {expected}");
}

fn compare_cmc(name: &str, found: &Evaluation, expected: &serde_json::Value) {
    for (k, e) in expected.as_array().unwrap().iter().enumerate() {
        close(&format!("{name}: CMC@{}", k + 1), found.cmc(k as u32 + 1), e.as_f64().unwrap());
    }
}

fn compare(case: &Case, found: &Evaluation, reference: &str) {
    let at = |path: &str| case.number(&format!("{reference}/{path}"));
    close("mAP", found.retrieval.mAP, at("torchreid/mAP"));
    close("trapezoid", found.retrieval.mAP_trapezoid, at("market_official_matlab/mAP_trapezoid"));
    assert_eq!(found.retrieval.valid_queries as f64, at("fastreid/valid_queries"));
    compare_cmc(&case.name, found, case.json.pointer(&format!("{reference}/torchreid/cmc")).unwrap());
}

fn compare_ap(found: &Evaluation, expected: &[f64]) {
    let valid: Vec<f64> = found.ap.iter().copied().filter(|ap| !ap.is_nan()).collect();
    assert_eq!(valid.len(), expected.len());
    for (q, (f, e)) in valid.iter().zip(expected).enumerate() {
        close(&format!("AP of valid query {q}"), *f, *e);
    }
}

/// Rows of a matrix, and values of a list, by index.
struct Picked {
    features: Vec<f32>,
    pid: Vec<i32>,
    camid: Vec<i32>,
}

fn pick(features: &[f32], d: usize, pid: &[i32], camid: &[i32], index: &[i32]) -> Picked {
    Picked {
        features: index.iter().flat_map(|&i| &features[i as usize * d..(i as usize + 1) * d]).copied().collect(),
        pid: index.iter().map(|&i| pid[i as usize]).collect(),
        camid: index.iter().map(|&i| camid[i as usize]).collect(),
    }
}

fn run(query: &Picked, gallery: &Picked, d: usize, options: &EvalOptions) -> Evaluation {
    let set = EvalSet {
        query: Rows::new(&query.features, d).unwrap(),
        gallery: Rows::new(&gallery.features, d).unwrap(),
        query_pid: &query.pid,
        query_camid: &query.camid,
        gallery_pid: &gallery.pid,
        gallery_camid: &gallery.camid,
    };
    evaluate(&set, options, &no_tick).unwrap()
}

#[test]
fn retrieval_agrees_with_the_reference() {
    for name in ["eval/small", "eval/medium"] {
        let case = Case::fixture(name);
        let (features, d) = case.features();
        let (pid, camid) = (case.input_i32("pid"), case.input_i32("camid"));
        let query = pick(&features, d, &pid, &camid, &case.input_i32("query_index"));
        let gallery = pick(&features, d, &pid, &camid, &case.input_i32("gallery_index_with_junk"));
        let found = run(&query, &gallery, d, &EvalOptions::default());
        compare(&case, &found, "");
        compare_ap(&found, &case.f64("ap"));
        for rank in found.ranks.iter().chain(&found.match_index) {
            assert_ne!(gallery.pid[*rank as usize], -1, "{name}: junk is ranked");
        }
    }
}

#[test]
fn ties_go_by_gallery_index() {
    let case = Case::fixture("eval/ties");
    let distances = case.input_f32("distmat");
    let (qp, qc, gp, gc) =
        (case.input_i32("q_pid"), case.input_i32("q_cam"), case.input_i32("g_pid"), case.input_i32("g_cam"));
    let ids = Identities { query_pid: &qp, query_camid: &qc, gallery_pid: &gp, gallery_camid: &gc };
    let rows = Rows::new(&distances, gp.len()).unwrap();
    let found = evaluate_distances(rows, &ids, &EvalOptions::default(), &no_tick).unwrap();
    compare(&case, &found, "/stable");
    compare_ap(&found, &case.f64("ap_stable"));
}

#[test]
fn queries_without_a_match_do_not_count() {
    let text = std::fs::read(super::support::golden::fixtures().join("eval/tiny/case.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let list = |key: &str| serde_json::from_value::<Vec<i32>>(json[key].clone()).unwrap();
    let distances: Vec<Vec<f32>> = serde_json::from_value(json["distmat"].clone()).unwrap();
    let distances = distances.concat();
    let (qp, qc, gp, gc) = (list("q_pid"), list("q_cam"), list("g_pid"), list("g_cam"));
    let ids = Identities { query_pid: &qp, query_camid: &qc, gallery_pid: &gp, gallery_camid: &gc };
    let rows = Rows::new(&distances, gp.len()).unwrap();
    let found = evaluate_distances(rows, &ids, &EvalOptions::default(), &no_tick).unwrap();
    assert_eq!(found.retrieval.valid_queries, 1);
    assert_eq!(found.retrieval.mAP, 1.0);
    assert_eq!(found.retrieval.cmc, [1.0; 4]);
    assert_eq!(found.top, 4);
    assert!(found.ap[1].is_nan() && found.ap[2].is_nan());
    assert_eq!(found.match_indptr, [0, 1, 1, 1]);
}

#[test]
fn market_size_agrees_with_the_reference() {
    let case = Case::fixture("eval/market_3368x15913");
    let (features, d) = case.features();
    let (pid, camid) = (case.i32("pid"), case.i32("camid"));
    let query = pick(&features, d, &pid, &camid, &case.i32("query_index"));
    let gallery = pick(&features, d, &pid, &camid, &case.i32("gallery_index"));
    let started = Instant::now();
    let found = run(&query, &gallery, d, &EvalOptions::default());
    eprintln!("evaluation at Market size: {:.2?}", started.elapsed());
    close("mAP", found.retrieval.mAP, case.number("/mAP"));
    compare_cmc("Market size", &found, &case.json["cmc"]);
}

#[test]
fn empty_sides_and_unknown_queries_have_defined_results() {
    let side =
        |pid: &[i32]| Picked { features: [1.0, 0.0].repeat(pid.len()), pid: pid.to_vec(), camid: vec![0; pid.len()] };
    for (query, gallery) in [(&[][..], &[][..]), (&[1, 2], &[]), (&[], &[1]), (&[1], &[-1, -1]), (&[-1], &[-1, 3])] {
        let found = run(&side(query), &side(gallery), 2, &EvalOptions::default());
        let kept = gallery.iter().filter(|&&g| g != -1).count();
        assert_eq!((found.retrieval.valid_queries, found.retrieval.mAP, found.top), (0, 0.0, kept));
        assert_eq!(found.ranks.len(), query.len() * kept);
        assert_eq!((found.retrieval.queries, found.ap.len()), (query.len(), query.len()));
    }
}

/// Without cameras nothing is left out, so the image of the query itself counts.
#[test]
fn the_same_camera_rule_can_be_turned_off() {
    let picked = Picked { features: vec![1.0, 0.0, 0.0, 1.0], pid: vec![1, 2], camid: vec![0, 0] };
    let on = run(&picked, &picked, 2, &EvalOptions::default());
    assert_eq!(on.retrieval.valid_queries, 0);
    assert_eq!(on.ranks, [0, 1, 1, 0], "rank lists show all images");
    let off = run(&picked, &picked, 2, &EvalOptions { same_camera_rule: false, ..EvalOptions::default() });
    assert_eq!((off.retrieval.valid_queries, off.retrieval.mAP, off.retrieval.cmc), (2, 1.0, [1.0; 4]));
}

#[test]
fn parts_that_do_not_fit_together_are_named() {
    let picked = Picked { features: vec![1.0, 0.0, 0.0, 1.0], pid: vec![1, 2], camid: vec![0, 0] };
    let rows = |d| Rows::new(&picked.features, d).unwrap();
    let set = |query_d, pid| EvalSet {
        query: rows(query_d),
        gallery: rows(2),
        query_pid: pid,
        query_camid: &picked.camid,
        gallery_pid: &picked.pid,
        gallery_camid: &picked.camid,
    };
    for (set, word) in [(set(4, &[1][..]), "gallery features"), (set(2, &[1]), "query_pid")] {
        let error = evaluate(&set, &EvalOptions::default(), &no_tick).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
    let stop = evaluate(&set(2, &[1, 2]), &EvalOptions::default(), &|_, _| false);
    assert_eq!(stop.unwrap_err(), MethodError::Cancelled);
}
