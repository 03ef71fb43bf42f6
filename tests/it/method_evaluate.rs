//! CMC and mAP against the reference's results: `tests/fixtures/golden/eval`.

use std::time::Instant;

use reid_workbench::method::error::{MethodError, no_tick};
use reid_workbench::method::evaluate::{
    EvalOptions, EvalSet, Evaluation, Identities, Metric, evaluate, evaluate_distances, evaluate_plain,
};
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

/// A small test set with clothes, ties and people who are nobody's match; and its distances.
struct Dressed {
    query: Picked,
    gallery: Picked,
    clothes: [Vec<i32>; 2],
    distances: Vec<f32>,
}

const DIM: usize = 3;

fn dressed(seed: u64) -> Dressed {
    let mut at = 0;
    let mut below = |n: u64| {
        at += 1;
        (crate::prng::word(seed, 7, at) >> 33) % n
    };
    let mut some = |n: usize| {
        let features = (0..n * DIM).map(|_| below(5) as f32 - 2.0).collect::<Vec<f32>>();
        let mut column = |from: i32, values: u64| (0..n).map(|_| from + below(values) as i32).collect::<Vec<i32>>();
        let (pid, camid, clothes) = (column(-1, 6), column(0, 3), column(-1, 4));
        (Picked { features, pid, camid }, clothes)
    };
    let ((mut query, worn), (gallery, hung)) = (some(20), some(60));
    query.pid.iter_mut().for_each(|p| *p = (*p).max(0));
    let distances = query
        .features
        .chunks(DIM)
        .flat_map(|q| {
            let to = |g: &[f32]| q.iter().zip(g).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
            gallery.features.chunks(DIM).map(to).collect::<Vec<_>>()
        })
        .collect();
    Dressed { query, gallery, clothes: [worn, hung], distances }
}

impl Dressed {
    /// mAP, rank-1 and queries that count, sorted whole; `left_out` says which gallery images are not there.
    fn figures(&self, left_out: impl Fn(usize, usize) -> bool) -> (f64, f64, usize) {
        let (ng, mut sum, mut first, mut valid) = (self.gallery.pid.len(), 0.0, 0, 0);
        for q in 0..self.query.pid.len() {
            let mut order: Vec<usize> = (0..ng).filter(|&g| self.gallery.pid[g] != -1 && !left_out(q, g)).collect();
            order.sort_by(|&a, &b| self.distances[q * ng + a].total_cmp(&self.distances[q * ng + b]).then(a.cmp(&b)));
            let hits: Vec<usize> =
                (0..order.len()).filter(|&r| self.gallery.pid[order[r]] == self.query.pid[q]).collect();
            if hits.is_empty() {
                continue;
            }
            valid += 1;
            first += usize::from(hits[0] == 0);
            sum +=
                hits.iter().enumerate().map(|(n, r)| (n + 1) as f64 / (r + 1) as f64).sum::<f64>() / hits.len() as f64;
        }
        (sum / valid as f64, first as f64 / valid as f64, valid)
    }

    fn same_person(&self, q: usize, g: usize) -> bool {
        self.query.pid[q] == self.gallery.pid[g]
    }

    fn same_camera(&self, q: usize, g: usize) -> bool {
        self.same_person(q, g) && self.query.camid[q] == self.gallery.camid[g]
    }
}

#[test]
fn clothes_are_told_apart_as_when_the_others_are_not_there() {
    for seed in 1..20 {
        let set = dressed(seed);
        let mut found = run(&set.query, &set.gallery, DIM, &EvalOptions::default());
        found.tell_clothes(&set.clothes[0], &set.clothes[1]);
        let worn = |q: usize, g: usize| (set.clothes[0][q], set.clothes[1][g]);
        let same = |q, g| matches!(worn(q, g), (a, b) if a >= 0 && a == b);
        let changed = |q, g| matches!(worn(q, g), (a, b) if a >= 0 && b >= 0 && a != b);
        let part = |keep: &dyn Fn(usize, usize) -> bool| {
            set.figures(|q, g| set.same_camera(q, g) || set.same_person(q, g) && !keep(q, g))
        };
        let all = set.figures(|q, g| set.same_camera(q, g));
        close("all", found.retrieval.mAP, all.0);
        for (name, figures, expected) in [
            ("same", &found.retrieval.same_clothes, part(&same)),
            ("changed", &found.retrieval.changed_clothes, part(&changed)),
        ] {
            let figures = figures.as_ref().unwrap();
            close(name, figures.mAP, expected.0);
            close(name, figures.cmc[0], expected.1);
            assert_eq!(figures.valid_queries, expected.2, "{name}");
        }
    }
    let set = dressed(1);
    let mut found = run(&set.query, &set.gallery, DIM, &EvalOptions::default());
    found.tell_clothes(&[-1; 20], &[-1; 60]);
    assert_eq!((found.retrieval.same_clothes, found.retrieval.changed_clothes), (None, None));
}

/// On a grid no product is rounded, so that both kernels must agree to the bit, with each other and with a whole sort.
#[test]
fn both_kernels_rank_as_a_whole_sort_does() {
    let mut at = 0;
    let mut below = |n: u64| {
        at += 1;
        (crate::prng::word(5, 11, at) >> 33) % n
    };
    // Sizes that fill no panel, group, strip or job; few people, so that some have more matches than are counted singly.
    for (nq, ng, d, people) in [(1, 1, 1, 1), (70, 131, 37, 9), (30, 1300, 20, 2), (430, 90, 3, 4)] {
        let mut grid = |n: usize| (0..n * d).map(|_| below(5) as f32 - 2.0).collect::<Vec<f32>>();
        let (query, gallery) = (grid(nq), grid(ng));
        let mut ids = |n: usize, values: u64| (0..n).map(|_| below(values) as i32).collect::<Vec<i32>>();
        let (qp, gp, qc, gc) = (ids(nq, people), ids(ng, people), ids(nq, 3), ids(ng, 3));
        let set = EvalSet {
            query: Rows::new(&query, d).unwrap(),
            gallery: Rows::new(&gallery, d).unwrap(),
            query_pid: &qp,
            query_camid: &qc,
            gallery_pid: &gp,
            gallery_camid: &gc,
        };
        for (metric, rule) in [(Metric::Euclidean, true), (Metric::Euclidean, false), (Metric::Cosine, true)] {
            let options = EvalOptions { metric, top: 20, same_camera_rule: rule };
            let ours = evaluate(&set, &options, &no_tick).unwrap();
            let plain = evaluate_plain(&set, &options, &no_tick).unwrap();
            assert_eq!((&ours.ranks, &ours.distances), (&plain.ranks, &plain.distances));
            assert_eq!((&ours.match_index, &ours.match_rank), (&plain.match_index, &plain.match_rank));
            assert_eq!(ours.retrieval, plain.retrieval);
            if metric == Metric::Cosine {
                continue;
            }
            for q in 0..nq {
                let to = |g: usize| -> f32 {
                    set.query.row(q).iter().zip(set.gallery.row(g)).map(|(a, b)| (a - b) * (a - b)).sum()
                };
                let mut order: Vec<usize> = (0..ng).collect();
                order.sort_by(|&a, &b| to(a).total_cmp(&to(b)).then(a.cmp(&b)));
                let top: Vec<usize> =
                    ours.ranks[q * ours.top..(q + 1) * ours.top].iter().map(|&g| g as usize).collect();
                assert_eq!(top, order[..ours.top]);
                order.retain(|&g| !(rule && gp[g] == qp[q] && gc[g] == qc[q]));
                let expected: Vec<(u32, u32)> = (0..order.len())
                    .filter(|&r| gp[order[r]] == qp[q])
                    .map(|r| (order[r] as u32, r as u32 + 1))
                    .collect();
                let span = ours.match_indptr[q] as usize..ours.match_indptr[q + 1] as usize;
                let found: Vec<(u32, u32)> =
                    ours.match_index[span.clone()].iter().copied().zip(ours.match_rank[span].iter().copied()).collect();
                assert_eq!(found, expected, "query {q} of {nq}");
            }
        }
    }
}

#[test]
fn true_pairs_are_accepted_below_the_first_impostor_too_many() {
    for seed in 1..20 {
        let set = dressed(seed);
        let found = run(&set.query, &set.gallery, DIM, &EvalOptions::default()).retrieval;
        let (mut genuine, mut others) = (Vec::new(), Vec::new());
        for (at, &d) in set.distances.iter().enumerate() {
            let (q, g) = (at / 60, at % 60);
            if set.gallery.pid[g] == -1 || set.same_camera(q, g) {
                continue;
            }
            if set.same_person(q, g) { genuine.push(d) } else { others.push(d) }
        }
        // The largest threshold of all there are that lets through no more than it may.
        let expected = [1e-3, 1e-2].map(|rate| {
            let most = (others.len() as f64 * rate).floor() as usize;
            let fits = |t: &f32| others.iter().filter(|d| *d <= t).count() <= most;
            let t = genuine.iter().copied().filter(fits).fold(f32::NEG_INFINITY, f32::max);
            genuine.iter().filter(|d| **d <= t).count() as f64 / genuine.len() as f64
        });
        let accepted = found.true_accepts.unwrap();
        (0..2).for_each(|i| close(&format!("{seed}, {i}"), accepted[i], expected[i]));
        // mINP by its definition: matches over the rank of the last.
        assert!(found.mINP.unwrap() <= found.mAP && found.mINP.unwrap() > 0.0);
    }
    // Two queries: matches at ranks 1 and 3, and at rank 2.
    let matrix = [0.1, 0.2, 0.3, 0.9, 0.5, 0.9, 0.8, 0.4_f32];
    let ids = Identities {
        query_pid: &[1, 2],
        query_camid: &[0, 0],
        gallery_pid: &[1, 3, 1, 2],
        gallery_camid: &[1, 1, 1, 1],
    };
    let rows = Rows::new(&matrix, 4).unwrap();
    let found = evaluate_distances(rows, &ids, &EvalOptions::default(), &no_tick).unwrap();
    close("mINP", found.retrieval.mINP.unwrap(), (2.0 / 3.0 + 1.0) / 2.0);
}

#[test]
fn a_drawn_gallery_has_one_image_of_each_and_the_mean_is_that_of_its_draws() {
    use reid_workbench::method::draws::{one_of_each, over_draws};
    let set = dressed(3);
    let pids: Vec<i32> = set.gallery.pid.iter().map(|p| p + 2).collect();
    let rows = Rows::new(&set.gallery.features, DIM).unwrap();
    let drawn = over_draws(rows, &pids, 10, &EvalOptions::default(), &no_tick).unwrap();
    let maps: Vec<f64> = (0..10)
        .map(|seed| {
            let (query, gallery) = one_of_each(&pids, seed);
            let of = |rows: &[usize]| rows.iter().map(|&i| pids[i]).collect::<Vec<i32>>();
            let mut people = of(&gallery);
            people.dedup();
            assert_eq!((people.len(), query.len() + gallery.len()), (gallery.len(), 60));
            let index = |rows: &[usize]| rows.iter().map(|&i| i as i32).collect::<Vec<_>>();
            let pick = |rows: &[usize]| pick(&set.gallery.features, DIM, &pids, &pids, &index(rows));
            let options = EvalOptions { same_camera_rule: false, ..EvalOptions::default() };
            run(&pick(&query), &pick(&gallery), DIM, &options).retrieval.mAP
        })
        .collect();
    close("mean", drawn.mAP, maps.iter().sum::<f64>() / 10.0);
    assert!(maps.iter().any(|m| *m != maps[0]) && drawn.mAP_deviation > 0.0);
}
