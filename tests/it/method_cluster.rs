//! Clustering against the reference's results: `tests/fixtures/golden/cluster`.

use std::collections::HashMap;
use std::time::Instant;

use reid_workbench::method::cluster::{Assignment, cluster};
use reid_workbench::method::error::no_tick;
use reid_workbench::method::jaccard::{Graph, jaccard};
use reid_workbench::method::knn::{Neighbours, neighbours};
use reid_workbench::method::params::{Params, ScoreKind};
use reid_workbench::method::quality::quality;
use reid_workbench::method::rows::Rows;

use super::support::golden::{Case, full_folder};

/// Largest difference of a Jaccard distance from the reference's.
const TOLERANCE: f32 = 1e-5;

struct Run {
    neighbours: Neighbours,
    graph: Graph,
    params: Params,
}

/// k-NN and Jaccard of a case, all distances below 1.
fn run(case: &Case, max: f32) -> Run {
    let (features, d) = case.features();
    let rows = Rows::new(&features, d).unwrap();
    let params = Params { k1: case.number("/k1") as usize, k2: case.number("/k2") as usize, ..Params::default() };
    let started = Instant::now();
    let neighbours = neighbours(rows, params.k1, &no_tick).unwrap();
    let found = started.elapsed();
    let graph = jaccard(rows, &neighbours, params.k1, params.k2, max, &no_tick).unwrap();
    eprintln!("{}: k-NN {found:.2?}, Jaccard {:.2?}", case.name, started.elapsed() - found);
    Run { neighbours, graph, params }
}

fn dense_row(graph: &Graph, i: usize) -> Vec<f32> {
    let mut row = vec![1.0; graph.n];
    row[i] = 0.0;
    let (others, distances) = graph.row(i);
    others.iter().zip(distances).for_each(|(&j, &d)| row[j as usize] = d);
    row
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
}

/// Each label replaced by the first image that has it; negative ones by the image itself.
fn canonical(labels: &[i32]) -> Vec<usize> {
    let mut first = HashMap::new();
    labels.iter().enumerate().map(|(i, &l)| if l < 0 { i } else { *first.entry(l).or_insert(i) }).collect()
}

fn compare_distances(case: &Case, graph: &Graph) {
    let n = graph.n;
    let (index, expected) = match case.has("jaccard") {
        true => ((0..n as i32).collect(), case.f32("jaccard")),
        false => (case.i32("row_index"), case.f32("jaccard_rows")),
    };
    for (&i, row) in index.iter().zip(expected.chunks_exact(n)) {
        let off = largest_difference(&dense_row(graph, i as usize), row);
        assert!(off <= TOLERANCE, "{}: row {i} is off by {off}", case.name);
    }
}

fn compare_labels(case: &Case, clustering: &Assignment, numbers: bool) {
    let radii = clustering.radii().unwrap();
    let found = [&radii.tight, &clustering.labels, &radii.loose];
    for (name, found) in ["labels_eps058", "labels_eps060", "labels_eps062"].into_iter().zip(found) {
        let expected = case.i32(name);
        assert_eq!(canonical(found), canonical(&expected), "{}: {name} as partition", case.name);
        if numbers {
            assert_eq!(found, &expected, "{}: {name} by number", case.name);
        }
    }
}

fn compare_scores(case: &Case, clustering: &Assignment) {
    let counts = |x: &[u32]| x.iter().map(|&c| c as i32).collect::<Vec<_>>();
    let scores = &clustering.radii().unwrap().scores;
    assert_eq!(counts(&scores.inter), case.i32("r3_inter"), "{}", case.name);
    assert_eq!(counts(&scores.union), case.i32("r3_union"), "{}", case.name);
    let mean = scores.eq8.iter().sum::<f64>() / scores.eq8.len() as f64;
    assert!((mean - case.number("/r3_mean")).abs() < 1e-9, "{}: mean {mean}", case.name);
    let least = scores.eq8.iter().copied().fold(f64::INFINITY, f64::min);
    assert!((least - case.number("/r3_min")).abs() < 1e-12, "{}: least {least}", case.name);
    let close = |name: &str, found: &[f64], expected: Vec<f64>, bar: f64| {
        assert_eq!(found.len(), expected.len(), "{}: {name}", case.name);
        for (i, (f, e)) in found.iter().zip(&expected).enumerate() {
            assert!((f - e).abs() <= bar, "{}: {name}[{i}] is {f}, not {e}", case.name);
        }
    };
    if case.has("r3") {
        close("r3", &scores.eq8, case.f64("r3"), 1e-9);
    }
    if case.has("spcl_R_comp") {
        let similarity = |name: &str| case.f32(name).iter().map(|&d| 1.0 - f64::from(d)).collect::<Vec<_>>();
        close("R_comp", &scores.comp, similarity("spcl_R_comp"), 1e-6);
        close("R_indep", &scores.indep, similarity("spcl_R_indep"), 1e-6);
    }
}

/// SpCL's own filter: its threshold, and its final labels with their singletons.
fn compare_spcl(case: &Case, run: &Run) {
    let mut params = run.params.clone();
    params.reliability.score = ScoreKind::Spcl;
    let clustering = cluster(&run.graph, &params, None);
    match case.json["spcl_indep_thres_distance"].as_f64() {
        Some(expected) => {
            let found = 1.0 - clustering.threshold.unwrap();
            assert!((found - expected).abs() <= 1e-6, "{}: threshold {found}, not {expected}", case.name);
        }
        None => assert_eq!(clustering.threshold, None, "{}", case.name),
    }
    let expected = case.i32("spcl_final_labels");
    assert_eq!(canonical(&clustering.pseudo_labels), canonical(&expected), "{}: SpCL's final labels", case.name);
}

fn check(name: &str, numbers: bool) {
    let case = Case::fixture(&format!("cluster/{name}"));
    let run = run(&case, 1.0);
    if numbers {
        let index: Vec<i32> = run.neighbours.index.iter().map(|&j| j as i32).collect();
        let expected = case.i32("initial_rank");
        let differing = index.iter().zip(&expected).filter(|(a, b)| a != b).count();
        // The reference's own f32 order differs from the exact one in a row or two of near ties.
        assert!(differing <= 4, "{name}: {differing} neighbours differ");
    }
    compare_distances(&case, &run.graph);
    let clustering = cluster(&run.graph, &run.params, None);
    compare_labels(&case, &clustering, numbers);
    compare_scores(&case, &clustering);
    compare_spcl(&case, &run);
}

#[test]
fn clusters_agree_with_the_reference() {
    for name in ["n300_d128", "n300_d128_k20", "n300_d128_k1_25", "n2000_d256"] {
        check(name, true);
    }
}

#[test]
fn degenerate_inputs_agree_with_the_reference() {
    for name in ["n1", "n2", "n3", "n4", "n5", "n_lt_k1", "one_cluster", "isotropic", "all_noise"] {
        check(&format!("degenerate_{name}"), true);
    }
}

#[test]
fn duplicates_agree_with_the_reference_as_partitions() {
    for name in ["degenerate_duplicates", "degenerate_all_identical"] {
        let case = Case::fixture(&format!("cluster/{name}"));
        let run = run(&case, 1.0);
        let clustering = cluster(&run.graph, &run.params, None);
        compare_labels(&case, &clustering, false);
        compare_scores(&case, &clustering);
        compare_spcl(&case, &run);
    }
}

#[test]
fn market_size_agrees_with_the_reference() {
    let case = Case::fixture("cluster/market_12936x2048");
    let run = run(&case, 0.62);
    let started = Instant::now();
    let clustering = cluster(&run.graph, &run.params, None);
    eprintln!("three DBSCANs, scores, refinement: {:.2?}", started.elapsed());
    compare_labels(&case, &clustering, true);
    compare_scores(&case, &clustering);
    compare_spcl(&case, &run);
    let truth = quality(&clustering.pseudo_labels, &case.i32("true_pid"));
    assert!(truth.purity > 0.5 && truth.nmi > 0.5, "{truth:?}");
    if let Some(root) = full_folder("Jaccard rows at Market size") {
        let full = Case::open(&root, "cluster/market_12936x2048");
        for (&i, row) in full.i32("row_index").iter().zip(full.f32("jaccard_rows").chunks_exact(run.graph.n)) {
            let near = |row: &[f32]| row.iter().map(|&d| if d > 0.62 { 1.0 } else { d }).collect::<Vec<_>>();
            let off = largest_difference(&dense_row(&run.graph, i as usize), &near(row));
            assert!(off <= TOLERANCE, "row {i} is off by {off}");
        }
    }
}
