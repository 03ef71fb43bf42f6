//! Refinement: thresholds, scores, outliers, and inputs that have little or nothing to cluster.

use reid_workbench::method::cluster::{RadiiLabels, cluster, refine};
use reid_workbench::method::dbscan::dbscan;
use reid_workbench::method::error::{MethodError, no_tick};
use reid_workbench::method::jaccard::{Graph, jaccard};
use reid_workbench::method::knn::neighbours;
use reid_workbench::method::params::{ClusterScore, Params, Rule, ScoreKind};
use reid_workbench::method::rows::Rows;

/// Ten clusters of four; cluster c's loose relative holds c + 4 images, so its Eq. 8 score is 4/(4 + c).
fn ten_clusters() -> RadiiLabels {
    let mut labels = RadiiLabels::default();
    for c in 0..10 {
        for member in 0..4 + c {
            let inside = if member < 4 { c } else { -1 };
            labels.normal.push(inside);
            labels.tight.push(inside);
            labels.loose.push(c);
        }
    }
    labels
}

fn score(c: usize) -> f64 {
    4.0 / (4.0 + c as f64)
}

#[test]
fn the_first_epoch_lets_the_worst_tenth_fail_and_later_ones_carry_its_threshold() {
    let mut params = Params::default();
    let first = refine(ten_clusters(), &params, None);
    for (c, &found) in first.cluster_score().iter().enumerate() {
        assert!((found - score(c)).abs() < 1e-12);
    }
    // SpCL's index min(n − 1, round(0.9 · 10)) = 9 is the last cluster: with ten, none fails.
    assert_eq!(first.threshold, Some(first.cluster_score()[9]));
    assert!(first.reliable.iter().all(|&r| r));
    params.reliability.quantile = 0.3;
    let stricter = refine(ten_clusters(), &params, None);
    assert_eq!(stricter.threshold, Some(stricter.cluster_score()[7]));
    assert_eq!(stricter.reliable, [true, true, true, true, true, true, true, true, false, false]);
    assert_eq!(stricter.pseudo_labels.iter().filter(|&&l| l >= 0).count(), 32);
    let carried = refine(ten_clusters(), &params, Some(score(2)));
    assert_eq!(carried.threshold, Some(score(2)));
    assert_eq!(carried.reliable.iter().filter(|&&r| r).count(), 3);
}

#[test]
fn the_rank_of_the_threshold_is_rounded_half_to_even() {
    // 0.5 · 5 = 2.5 → 2, and 0.5 · 7 = 3.5 → 4.
    let mut params = Params::default();
    params.reliability.quantile = 0.5;
    for (clusters, index) in [(5, 2), (7, 4)] {
        let all = ten_clusters();
        let keep = |l: &[i32]| l.iter().map(|&x| if x < clusters { x } else { -1 }).collect::<Vec<_>>();
        let labels = RadiiLabels { normal: keep(&all.normal), tight: keep(&all.tight), loose: keep(&all.loose) };
        let found = refine(labels, &params, None);
        assert_eq!(found.threshold, Some(score(index)), "{clusters} clusters");
    }
}

#[test]
fn the_other_rules_take_their_threshold_from_the_user_or_have_none() {
    let mut params = Params::default();
    params.reliability.rule = Rule::Fixed;
    params.reliability.threshold = 0.5;
    let fixed = refine(ten_clusters(), &params, Some(0.9));
    assert_eq!(fixed.threshold, Some(0.5));
    assert_eq!(fixed.reliable.iter().filter(|&&r| r).count(), 5, "4/8 is not below 0.5");
    params.reliability.rule = Rule::PaperLiteral;
    let literal = refine(ten_clusters(), &params, Some(0.9));
    assert_eq!(literal.threshold, None);
    assert_eq!(literal.pseudo_labels, literal.labels);
    let off = refine(ten_clusters(), &Params { refined: false, ..Params::default() }, Some(0.9));
    assert_eq!((off.threshold, &off.pseudo_labels), (None, &off.labels));
    assert!((off.score.as_ref().unwrap().images[0] - 1.0).abs() < 1e-12, "scores are computed all the same");
}

#[test]
fn spcl_keeps_only_the_members_that_attain_the_best_compactness() {
    // One cluster at eps; at the tight radius it falls into three images and one.
    let labels = RadiiLabels { normal: vec![0; 4], tight: vec![0, 0, 0, -1], loose: vec![0; 4] };
    let mut params = Params::default();
    params.reliability.score = ScoreKind::Spcl;
    let found = refine(labels.clone(), &params, None);
    assert_eq!(found.pseudo_labels, [0, 0, 0, -1]);
    assert_eq!(found.radii().unwrap().scores.comp, [0.75, 0.75, 0.75, 0.25]);
    params.reliability.cluster = ClusterScore::Min;
    assert_eq!(refine(labels.clone(), &params, None).pseudo_labels, [0; 4]);
    params.reliability.score = ScoreKind::Eq8;
    params.reliability.cluster = ClusterScore::Mean;
    let mean = refine(labels, &params, None);
    assert!((mean.cluster_score()[0] - (3.0 * 0.75 + 0.25) / 4.0).abs() < 1e-12);
}

#[test]
fn without_clusters_every_image_is_an_instance_and_there_is_no_threshold() {
    let noise = RadiiLabels { normal: vec![-1; 6], tight: vec![-1; 6], loose: vec![-1; 6] };
    let found = refine(noise, &Params::default(), None);
    assert_eq!((found.threshold, found.pseudo_labels.as_slice()), (None, [-1; 6].as_slice()));
    assert_eq!(found.score.as_ref().unwrap().images, [1.0; 6], "alone in all three sets");
    let summary = found.summary(&Params::default(), Some(&[1, 1, 2, 2, 3, 3]));
    assert_eq!((summary.clusters, summary.noise, summary.kept), (vec![0; 3], vec![6; 3], 0));
    assert_eq!(summary.quality.unwrap().purity, 0.0);
}

fn clustered(features: &[f32], d: usize, params: &Params) -> Result<Vec<i32>, MethodError> {
    let rows = Rows::new(features, d)?;
    let found = neighbours(rows, params.k1, &no_tick)?;
    let graph = jaccard(rows, &found, params.k1, params.k2, 0.62, &no_tick)?;
    let clustering = cluster(&graph, params, None);
    let _ = clustering.summary(params, Some(&vec![0; rows.n()]));
    Ok(clustering.pseudo_labels)
}

#[test]
fn empty_and_tiny_inputs_have_defined_results() {
    let params = Params::default();
    assert_eq!(clustered(&[], 8, &params), Ok(vec![]));
    assert_eq!(clustered(&[1.0, 0.0], 2, &params), Ok(vec![-1]));
    assert_eq!(clustered(&[1.0, 0.0, 0.0, 1.0], 2, &params), Ok(vec![-1, -1]));
    let same = [0.6f32, 0.8].repeat(50);
    assert_eq!(clustered(&same, 2, &params).unwrap(), vec![0; 50]);
    let alone = Params { min_samples: 1, ..Params::default() };
    assert_eq!(clustered(&[1.0, 0.0], 2, &alone), Ok(vec![-1]), "a cluster of one sets no threshold");
}

#[test]
fn bad_features_are_named() {
    let mut features = vec![0.5f32; 40];
    features[9] = f32::NAN;
    features[33] = f32::INFINITY;
    let error = clustered(&features, 4, &Params::default()).unwrap_err();
    assert_eq!(error, MethodError::NotFinite { row: 2, count: 2 });
    assert!(error.to_string().contains("row 2"), "{error}");
    assert_eq!(clustered(&[1e30; 8], 4, &Params::default()), Err(MethodError::NotFinite { row: 0, count: 2 }));
    assert!(matches!(Rows::new(&[1.0; 7], 2), Err(MethodError::BadShape { .. })));
    assert!(matches!(Rows::new(&[], 0), Err(MethodError::BadShape { .. })));
    let rows = Rows::new(&[1.0, 0.0, 0.0, 1.0, 0.6, 0.8], 2).unwrap();
    let few = neighbours(rows, 2, &no_tick).unwrap();
    assert!(matches!(jaccard(rows, &few, 3, 1, 1.0, &no_tick), Err(MethodError::BadShape { .. })));
    assert!(matches!(jaccard(rows.slice(0, 2), &few, 2, 1, 1.0, &no_tick), Err(MethodError::BadShape { .. })));
}

#[test]
fn a_tick_that_says_stop_is_obeyed() {
    let features: Vec<f32> = (0..600 * 8).map(|i| ((i * 37 % 101) as f32).sin()).collect();
    let rows = Rows::new(&features, 8).unwrap();
    assert_eq!(neighbours(rows, 10, &|_, _| false), Err(MethodError::Cancelled));
    let found = neighbours(rows, 10, &no_tick).unwrap();
    assert_eq!(jaccard(rows, &found, 10, 3, 0.6, &|_, _| false), Err(MethodError::Cancelled));
    let seen = std::sync::Mutex::new((0, 0));
    jaccard(rows, &found, 10, 3, 0.6, &|done, total| {
        let mut seen = seen.lock().unwrap();
        *seen = (seen.0.max(done), total);
        true
    })
    .unwrap();
    let (done, total) = seen.into_inner().unwrap();
    assert_eq!(done, total, "progress reaches its end");
}

#[test]
fn at_radius_one_and_beyond_all_images_are_near() {
    let graph = Graph { n: 5, max: 1.0, indptr: vec![0; 6], ..Graph::default() };
    assert_eq!(dbscan(&graph, 1.0, 4), [0; 5]);
    assert_eq!(dbscan(&graph, 1.2, 6), [-1; 5]);
    assert_eq!(dbscan(&graph, 0.99, 4), [-1; 5]);
    assert_eq!(dbscan(&graph, 0.5, 1), [0, 1, 2, 3, 4]);
    assert!(graph.covers(1.3));
}
