//! The camera gap, the compass without truth, and what is worth a look, each against what it says it is.

use std::collections::BTreeMap;

use reid_workbench::method::cluster::cluster;
use reid_workbench::method::evaluate::Retrieval;
use reid_workbench::method::label_free::LabelFree;
use reid_workbench::method::params::Params;
use reid_workbench::run::event::Split;
use reid_workbench::run::images::ImageRow;
use reid_workbench::run::snapshot::{ClusterSnapshot, RankSnapshot};
use reid_workbench::study::cameras::{CameraGap, precision};
use reid_workbench::study::compass::{Compass, spearman};
use reid_workbench::study::photos::{PhotoLook, odd_photos};
use reid_workbench::study::worth::{WorthEvidence, WorthItem, worth_looking};

use super::method_tree::golden;

fn rows(split: Split, n: u32, pid: impl Fn(u32) -> i32, camid: impl Fn(u32) -> i32) -> Vec<ImageRow> {
    let row = |index| ImageRow { split, index, path: Default::default(), pid: pid(index), camid: camid(index) };
    (0..n).map(row).collect()
}

#[test]
fn the_gap_counts_every_pair_once() {
    let graph = golden("n300_d128");
    let rows = rows(Split::Train, 300, |i| (i / 7) as i32, |i| (i % 7 % 3) as i32);
    let labels = cluster(&graph, &Params::default(), None).labels;
    let gap = CameraGap::new(&graph, &labels, &rows);
    let (mut counts, mut sums) = ([[0u64; 2]; 2], [[0.0f64; 2]; 2]);
    let c = gap.distance.cameras.len();
    assert_eq!(c, 3);
    let (mut of_cell, mut together) = (vec![(0u64, 0.0f64); c * c], vec![0u64; c * c]);
    for i in 0..300usize {
        for j in i + 1..300 {
            let (a, b) = (&rows[i], &rows[j]);
            let d = f64::from(graph.distance(i as u32, j as u32).unwrap_or(1.0));
            let at = [usize::from(a.camid != b.camid), usize::from(a.pid != b.pid)];
            counts[at[0]][at[1]] += 1;
            sums[at[0]][at[1]] += d;
            let (a, b) = (a.camid as usize, b.camid as usize);
            for cell in [Some(a * c + b), (a != b).then_some(b * c + a)].into_iter().flatten() {
                of_cell[cell].0 += 1;
                of_cell[cell].1 += d;
                together[cell] += u64::from(labels[i] >= 0 && labels[i] == labels[j]);
            }
        }
    }
    for (one_camera, row) in [true, false].into_iter().zip(counts.iter().zip(&sums)) {
        for (one_person, (&count, sum)) in [true, false].into_iter().zip(row.0.iter().zip(row.1)) {
            let pairs = gap.of(one_person, one_camera);
            assert_eq!(pairs.count, count, "{one_person} {one_camera}");
            assert!((pairs.mean().unwrap() - sum / count as f64).abs() < 1e-9);
        }
    }
    let all: u64 = (0..c).flat_map(|a| (a..c).map(move |b| a * c + b)).map(|cell| together[cell]).sum();
    let pairs = 300.0 * 299.0 / 2.0;
    for (cell, (&(count, sum), &together)) in of_cell.iter().zip(&together).enumerate() {
        assert!((gap.distance.values[cell] - sum / count as f64).abs() < 1e-9);
        let even = together as f64 / all as f64 / (count as f64 / pairs);
        assert!((gap.mixing.values[cell] - even).abs() < 1e-9);
    }
}

#[test]
fn precision_at_the_matches_is_ap_by_camera() {
    // Two queries: matches of the first at ranks 1 (camera 1) and 4 (camera 2), of the second at rank 2 (camera 0).
    let ranks = RankSnapshot {
        match_indptr: vec![0, 2, 3],
        match_index: vec![5, 2, 0],
        match_rank: vec![4, 1, 2],
        ..RankSnapshot::default()
    };
    let query = rows(Split::Query, 2, |_| 0, |i| i as i32);
    let gallery = rows(Split::Gallery, 6, |_| 0, |i| [0, 0, 1, 0, 0, 2][i as usize]);
    let found = precision(&ranks, &query, &gallery);
    assert_eq!(found.cameras, [0, 1, 2]);
    assert_eq!([found.at(0, 1), found.at(0, 2), found.at(1, 0)], [1.0, 0.5, 0.5]);
    assert!(found.at(2, 2).is_nan());
}

#[test]
fn the_compass_says_what_an_honest_choice_costs() {
    // scipy.stats.spearmanr([1, 2, 3, 4, 5], [5, 6, 7, 8, 7]) and of ([1, 2, 2, 3], [4, 1, 3, 3]).
    assert!(
        (spearman(&[1.0, 2.0, 3.0, 4.0, 5.0], &[5.0, 6.0, 7.0, 8.0, 7.0]).unwrap() - 0.820_782_681_668_123).abs()
            < 1e-12
    );
    assert!((spearman(&[1.0, 2.0, 2.0, 3.0], &[4.0, 1.0, 3.0, 3.0]).unwrap() + 0.5).abs() < 1e-9);
    assert_eq!(spearman(&[1.0, 2.0], &[1.0, 2.0]), None);
    assert_eq!(spearman(&[1.0, 1.0, 1.0], &[1.0, 2.0, 3.0]), None);
    let scores: Vec<LabelFree> = [(0.1, 0.5), (0.4, 0.2), (0.3, 0.1), (0.2, 0.3)]
        .map(|(silhouette, unclustered)| LabelFree {
            silhouette: Some(silhouette),
            unclustered: Some(unclustered),
            ..LabelFree::default()
        })
        .to_vec();
    let retrieval = |map: f64| Retrieval { mAP: map, ..Retrieval::default() };
    let maps: BTreeMap<usize, Retrieval> =
        [(0, 0.2), (1, 0.4), (2, 0.5), (4, 0.9)].map(|(e, m)| (e, retrieval(m))).into();
    let compass = Compass::new(scores.iter().enumerate(), &maps);
    assert_eq!((compass.epochs.as_slice(), compass.best), (&[0, 1, 2, 3][..], Some(2)));
    let by = |name: &str| compass.needles.iter().find(|n| n.name == name).unwrap();
    let silhouette = by("silhouette");
    assert_eq!(silhouette.chosen, Some(1));
    assert!((silhouette.cost.unwrap() + 0.1).abs() < 1e-12 && (silhouette.correlation.unwrap() - 0.5).abs() < 1e-12);
    let unclustered = by("un-clustered");
    assert_eq!((unclustered.chosen, unclustered.cost), (Some(2), Some(0.0)));
    assert!((unclustered.correlation.unwrap() - 1.0).abs() < 1e-12);
    assert_eq!((by("SND").chosen, by("SND").cost), (None, None));
}

#[test]
fn what_is_worth_a_look_is_there() {
    let graph = golden("n300_d128");
    let params = Params::default();
    let labels = cluster(&graph, &params, None).labels;
    let of = |labels: Vec<i32>| ClusterSnapshot {
        knn_index: (0..300).flat_map(|i| [i, (i + 1) % 300]).collect(),
        knn_dist: (0..300).flat_map(|i| [0.0, if i == 42 { 1e-6 } else { 0.3 }]).collect(),
        k: 2,
        labels,
        ..ClusterSnapshot::default()
    };
    // Image 10 is in another cluster each time.
    let history: Vec<ClusterSnapshot> = (0..4)
        .map(|epoch| {
            let mut labels = labels.clone();
            labels[10] = if epoch % 2 == 0 { -1 } else { labels[200].max(0) };
            of(labels)
        })
        .collect();
    let rows = rows(Split::Train, 300, |_| 0, |i| (labels[i as usize] != 0) as i32 * (1 + (i % 2) as i32));
    let aps = vec![vec![0.9, 0.1, f64::NAN], vec![0.1, 0.05, f64::NAN]];
    let evidence = WorthEvidence { clusterings: &history, graph: &graph, params: &params, rows: &rows, aps: &aps };
    let found = worth_looking(&evidence);
    assert!(found.windows(2).all(|w| w[0].weight >= w[1].weight));
    let has = |kind: &str, finding: &WorthItem| found.iter().any(|w| w.kind == kind && w.finding == *finding);
    assert!(has("likely copies", &WorthItem::Pair(42, 43)), "{found:#?}");
    assert!(has("restless", &WorthItem::Image(10)), "{found:#?}");
    assert!(has("fails always", &WorthItem::Query(1)) && !has("fails always", &WorthItem::Query(0)), "{found:#?}");
    assert!(found.iter().any(|w| w.kind == "a bridge"), "{found:#?}");
    assert!(found.iter().filter(|w| w.truth).all(|w| w.kind == "fails always"));
}

#[test]
fn photos_stand_out_by_how_they_look() {
    let looks = |size: [u32; 2], seed: u32, paint: &dyn Fn(u32, u32, u8) -> u8| {
        let grain = |x: u32, y: u32| (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503) ^ seed) % 97;
        let pixel = |x: u32, y: u32| [paint(x, y, 60 + grain(x / 2, y / 2) as u8); 3];
        let rgb: Vec<u8> = (0..size[1]).flat_map(|y| (0..size[0]).flat_map(move |x| pixel(x, y))).collect();
        PhotoLook::of(seed, size, &rgb).unwrap()
    };
    let plain = |_: u32, _: u32, v: u8| v;
    let mut all: Vec<PhotoLook> = (0..20).map(|seed| looks([64, 128], seed, &plain)).collect();
    assert!(odd_photos(&all).is_empty(), "{:?}", odd_photos(&all));
    all.push(looks([64, 128], 20, &|_, _, v| v / 4));
    all.push(looks([64, 128], 21, &|x, y, _| (60 + x / 2 + y / 4) as u8));
    all.push(looks([128, 64], 22, &plain));
    all.push(looks([20, 40], 23, &plain));
    let found: Vec<(&str, WorthItem)> = odd_photos(&all).into_iter().map(|w| (w.kind, w.finding)).collect();
    // Light alone does not make a photo blurred, nor size alone of an odd shape.
    let expected = [("dark", 20), ("blurred", 21), ("odd shape", 22), ("small", 23)];
    assert_eq!(found, expected.map(|(kind, image)| (kind, WorthItem::Image(image))));
    assert_eq!(PhotoLook::of(0, [2, 2], &[0; 11]), None);
}
