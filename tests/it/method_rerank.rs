//! Re-ranking against the reference's result: `tests/fixtures/golden/rerank`.

use reid_workbench::method::error::no_tick;
use reid_workbench::method::evaluate::{EvalOptions, EvalSet, Identities, Metric, evaluate_distances};
use reid_workbench::method::rerank::{RerankOptions, evaluate_reranked, rerank_distances};
use reid_workbench::method::rows::Rows;

use super::support::gen_features::{FeatureSpec, generate};
use super::support::golden::Case;

#[test]
fn re_ranked_distances_agree_with_the_reference() {
    let case = Case::fixture("rerank/small");
    let (qg, qq, gg) = (case.input_f32("q_g"), case.input_f32("q_q"), case.input_f32("g_g"));
    let (qp, qc, gp, gc) =
        (case.input_i32("q_pid"), case.input_i32("q_cam"), case.input_i32("g_pid"), case.input_i32("g_cam"));
    let (nq, ng) = (qp.len(), gp.len());
    let found = rerank_distances(
        Rows::new(&qg, ng).unwrap(),
        Rows::new(&qq, nq).unwrap(),
        Rows::new(&gg, ng).unwrap(),
        &RerankOptions::default(),
    )
    .unwrap();
    for (at, (f, e)) in found.iter().zip(case.f32("final_dist")).enumerate() {
        assert!((f - e).abs() <= 1e-5, "entry {at}: {f}, not {e}");
    }
    let ids = Identities { query_pid: &qp, query_camid: &qc, gallery_pid: &gp, gallery_camid: &gc };
    let found = evaluate_distances(Rows::new(&found, ng).unwrap(), &ids, &EvalOptions::default(), &no_tick).unwrap();
    assert!((found.retrieval.mAP - case.number("/torchreid/mAP")).abs() <= 1e-6, "{:?}", found.retrieval);
    assert!((found.retrieval.mAP_trapezoid - case.number("/market_official_matlab/mAP_trapezoid")).abs() <= 1e-6);
}

fn distances(a: Rows, b: Rows) -> Vec<f32> {
    let one = |x: &[f32], y: &[f32]| {
        x.iter().zip(y).map(|(p, q)| (f64::from(*p) - f64::from(*q)).powi(2)).sum::<f64>().sqrt() as f32
    };
    (0..a.n()).flat_map(|i| (0..b.n()).map(move |j| one(a.row(i), b.row(j)))).collect()
}

/// From features in blocks, with junk in the gallery, and from dense distances without it: one result.
#[test]
fn re_ranking_from_features_equals_re_ranking_from_distances() {
    let spec =
        FeatureSpec { seed: 7, n: 240, d: 32, r: 16, lo: 4, hi: 9, n_out: 20, A: 10, B: 9, C: 4, D: 6, n_cams: 3 };
    let made = generate(&spec);
    let all = Rows::new(&made.features, spec.d).unwrap();
    let (query, gallery) = (all.slice(0, 40), all.slice(40, 200));
    let ids = Identities {
        query_pid: &made.pid[..40],
        query_camid: &made.camid[..40],
        gallery_pid: &made.pid[40..],
        gallery_camid: &made.camid[40..],
    };
    assert!(ids.gallery_pid.contains(&-1), "the case needs junk");
    let set = EvalSet {
        query,
        gallery,
        query_pid: ids.query_pid,
        query_camid: ids.query_camid,
        gallery_pid: ids.gallery_pid,
        gallery_camid: ids.gallery_camid,
    };
    let kept: Vec<usize> = (0..200).filter(|&g| ids.gallery_pid[g] != -1).collect();
    let clean: Vec<f32> = kept.iter().flat_map(|&g| gallery.row(g)).copied().collect();
    let clean = Rows::new(&clean, spec.d).unwrap();
    let pick = |ids: &[i32]| kept.iter().map(|&g| ids[g]).collect::<Vec<i32>>();
    let (pid, camid) = (pick(ids.gallery_pid), pick(ids.gallery_camid));
    let (qg, qq, gg) = (distances(query, clean), distances(query, query), distances(clean, clean));
    let square = |data, d| Rows::new(data, d).unwrap();
    let dense =
        rerank_distances(square(&qg, kept.len()), square(&qq, 40), square(&gg, kept.len()), &RerankOptions::default())
            .unwrap();
    let clean_ids = Identities { gallery_pid: &pid, gallery_camid: &camid, ..ids };
    let options = EvalOptions { top: 20, ..EvalOptions::default() };
    let expected = evaluate_distances(square(&dense, kept.len()), &clean_ids, &options, &no_tick).unwrap();
    for metric in [Metric::Euclidean, Metric::Cosine] {
        let options = EvalOptions { metric, ..options };
        let found = evaluate_reranked(&set, &options, &RerankOptions::default(), &no_tick).unwrap();
        assert!((found.retrieval.mAP - expected.retrieval.mAP).abs() < 1e-6, "{metric:?}");
        let rows: Vec<u32> = expected.ranks.iter().map(|&g| kept[g as usize] as u32).collect();
        assert_eq!(found.ranks, rows, "{metric:?}");
        for (f, e) in found.distances.iter().zip(&expected.distances) {
            assert!((f - e).abs() < 1e-5, "{metric:?}: {f}, not {e}");
        }
    }
}

#[test]
fn tiny_and_identical_sets_are_re_ranked_without_trouble() {
    for (nq, ng) in [(1, 1), (2, 3), (5, 30)] {
        let query = vec![1.0f32; nq * 4];
        let gallery = vec![1.0f32; ng * 4];
        let ids = |n: usize| (vec![1; n], (0..n as i32).collect::<Vec<_>>());
        let ((qp, qc), (gp, gc)) = (ids(nq), ids(ng));
        let set = EvalSet {
            query: Rows::new(&query, 4).unwrap(),
            gallery: Rows::new(&gallery, 4).unwrap(),
            query_pid: &qp,
            query_camid: &qc,
            gallery_pid: &gp,
            gallery_camid: &gc,
        };
        let found = evaluate_reranked(&set, &EvalOptions::default(), &RerankOptions::default(), &no_tick).unwrap();
        assert!(found.distances.iter().all(|d| d.is_finite()));
        assert_eq!(found.top, ng);
    }
}
