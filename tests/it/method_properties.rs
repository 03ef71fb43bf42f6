//! Random small inputs against brute force: dense and slow, but plainly right.

use std::collections::HashSet;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use reid_workbench::method::dbscan::dbscan;
use reid_workbench::method::error::no_tick;
use reid_workbench::method::evaluate::{EvalOptions, Identities, evaluate_distances};
use reid_workbench::method::jaccard::{Graph, jaccard, shared_neighbours};
use reid_workbench::method::knn::{Neighbours, neighbours};
use reid_workbench::method::quality::quality;
use reid_workbench::method::rows::Rows;
use reid_workbench::method::score::scores;

/// Rows of small integers: every distance is exact, and many are equal.
pub fn lattice(max_rows: usize) -> impl Strategy<Value = (Vec<f32>, usize)> {
    (1..=max_rows, 1..6usize).prop_flat_map(|(n, d)| {
        (proptest::collection::vec(-2..=2i8, n * d), Just(d))
            .prop_map(|(x, d)| (x.into_iter().map(f32::from).collect(), d))
    })
}

/// Rows of unit length around a few directions.
pub fn directions(max_rows: usize) -> impl Strategy<Value = (Vec<f32>, usize)> {
    (2..=max_rows, any::<u64>()).prop_map(|(n, seed)| {
        let d = 6;
        let mut state = seed | 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
        };
        let centres: Vec<f32> = (0..5 * d).map(|_| next()).collect();
        let mut rows = Vec::with_capacity(n * d);
        for i in 0..n {
            let row: Vec<f32> = (0..d).map(|k| centres[i % 5 * d + k] + 0.35 * next()).collect();
            let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
            rows.extend(row.iter().map(|x| x / length));
        }
        (rows, d)
    })
}

fn squared(rows: Rows, i: usize, j: usize) -> f32 {
    rows.row(i).iter().zip(rows.row(j)).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// The Jaccard distance as the paper's code states it, on dense matrices in `f64`.
fn dense_jaccard(rows: Rows, nb: &Neighbours, k1: usize, k2: usize) -> Vec<Vec<f64>> {
    let (n, k1) = (rows.n(), k1.min(rows.n()));
    let reciprocal = |i: usize, k: usize| -> Vec<usize> {
        let near = |a: usize| &nb.of(a)[..k.min(nb.k)];
        near(i).iter().map(|&j| j as usize).filter(|&j| near(j).contains(&(i as u32))).collect()
    };
    let half = (k1 as f64 / 2.0).round_ties_even() as usize + 1;
    let mut v = vec![vec![0.0f64; n]; n];
    for (i, row) in v.iter_mut().enumerate() {
        let own = reciprocal(i, k1);
        let mut set: HashSet<usize> = own.iter().copied().collect();
        for &q in &own {
            let other = reciprocal(q, half);
            let inter = other.iter().filter(|j| own.contains(j)).count();
            if inter as f64 > 2.0 / 3.0 * other.len() as f64 {
                set.extend(other);
            }
        }
        let weight = |j: usize| (-f64::from(squared(rows, i, j))).exp();
        let sum: f64 = set.iter().map(|&j| weight(j)).sum();
        set.iter().for_each(|&j| row[j] = weight(j) / sum);
    }
    let k2 = k2.min(k1).max(1);
    let expanded: Vec<Vec<f64>> = (0..n)
        .map(|i| (0..n).map(|c| nb.of(i)[..k2].iter().map(|&j| v[j as usize][c]).sum::<f64>() / k2 as f64).collect())
        .collect();
    let overlap = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x.min(*y)).sum::<f64>();
    let distance = |m: f64| (1.0 - m / (2.0 - m)).max(0.0);
    expanded.iter().map(|a| expanded.iter().map(|b| distance(overlap(a, b))).collect()).collect()
}

/// DBSCAN as textbooks state it: grow each cluster from its first core image.
fn textbook_dbscan(distance: impl Fn(usize, usize) -> f32, n: usize, eps: f32, min_samples: usize) -> Vec<i32> {
    let near = |i: usize| (0..n).filter(|&j| j == i || distance(i, j) <= eps).collect::<Vec<_>>();
    let core: Vec<bool> = (0..n).map(|i| near(i).len() >= min_samples).collect();
    let mut labels = vec![-1; n];
    let mut clusters = 0;
    for start in 0..n {
        if labels[start] >= 0 || !core[start] {
            continue;
        }
        let mut queue = vec![start];
        while let Some(i) = queue.pop() {
            if labels[i] < 0 {
                labels[i] = clusters;
                if core[i] {
                    queue.extend(near(i).into_iter().filter(|&j| labels[j] < 0));
                }
            }
        }
        clusters += 1;
    }
    labels
}

fn lookup(graph: &Graph, i: usize, j: usize) -> f32 {
    let (others, distances) = graph.row(i);
    others.binary_search(&(j as u32)).map_or(1.0, |at| distances[at])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn neighbours_are_the_nearest_by_distance_then_index((x, d) in lattice(40), k in 1..50usize) {
        let rows = Rows::new(&x, d).unwrap();
        let found = neighbours(rows, k, &no_tick).unwrap();
        prop_assert_eq!(found.k, k.min(rows.n()));
        for i in 0..rows.n() {
            let mut order: Vec<usize> = (0..rows.n()).collect();
            order.sort_by(|&a, &b| {
                (b == i).cmp(&(a == i)).then(squared(rows, i, a).total_cmp(&squared(rows, i, b))).then(a.cmp(&b))
            });
            let expected: Vec<u32> = order[..found.k].iter().map(|&j| j as u32).collect();
            prop_assert_eq!(found.of(i), &expected[..]);
            for (&j, &d) in found.of(i).iter().zip(found.distances_of(i)) {
                prop_assert_eq!(d, squared(rows, i, j as usize));
            }
        }
    }

    #[test]
    fn jaccard_equals_the_dense_one((x, d) in prop_oneof![lattice(40), directions(60)], k1 in 1..20usize, k2 in 1..8usize) {
        let rows = Rows::new(&x, d).unwrap();
        let nb = neighbours(rows, k1, &no_tick).unwrap();
        let graph = jaccard(rows, &nb, k1, k2, 1.0, &no_tick).unwrap();
        let dense = dense_jaccard(rows, &nb, k1, k2);
        for (i, expected) in dense.iter().enumerate() {
            let (others, _) = graph.row(i);
            prop_assert!(others.windows(2).all(|w| w[0] < w[1]) && !others.contains(&(i as u32)));
            for j in (0..rows.n()).filter(|&j| j != i) {
                let found = lookup(&graph, i, j);
                prop_assert!((f64::from(found) - expected[j]).abs() <= 1e-5, "J({}, {}) = {}", i, j, found);
                prop_assert_eq!(found.to_bits(), lookup(&graph, j, i).to_bits());
            }
        }
    }

    /// What made a distance gives that distance.
    #[test]
    fn shared_neighbours_explain_the_distance((x, d) in prop_oneof![lattice(30), directions(40)], k1 in 2..12usize, k2 in 1..5usize) {
        let rows = Rows::new(&x, d).unwrap();
        let nb = neighbours(rows, k1, &no_tick).unwrap();
        let graph = jaccard(rows, &nb, k1, k2, 1.0, &no_tick).unwrap();
        let n = rows.n() as u32;
        let pairs: Vec<(u32, u32)> = (0..n).flat_map(|i| (0..n).filter(move |&j| j != i).map(move |j| (i, j))).collect();
        let found = shared_neighbours(rows, &nb, k1, k2, &pairs, &no_tick).unwrap();
        for (&(i, j), s) in pairs.iter().zip(&found) {
            let expected = lookup(&graph, i as usize, j as usize);
            prop_assert!((1.0 - s.overlap / s.total - expected).abs() < 1e-5);
            prop_assert!(s.both <= s.either && (s.both > 0) == (s.overlap > 0.0));
        }
    }

    /// Features that are not of unit length, and so far apart that weights vanish, still give a sound graph.
    #[test]
    fn far_apart_rows_give_a_sound_graph((x, d) in lattice(40), scale in 1.0..60.0f32, k1 in 1..20usize, max in 0.1..1.1f32) {
        let x: Vec<f32> = x.iter().map(|v| v * scale).collect();
        let rows = Rows::new(&x, d).unwrap();
        let nb = neighbours(rows, k1, &no_tick).unwrap();
        let graph = jaccard(rows, &nb, k1, 3, max, &no_tick).unwrap();
        for i in 0..rows.n() {
            let (others, distances) = graph.row(i);
            prop_assert!(others.windows(2).all(|w| w[0] < w[1]), "{:?}", others);
            prop_assert!(distances.iter().all(|d| (0.0..=max.min(1.0)).contains(d)));
        }
    }

    /// The search that leaves out what cannot be near must lose nothing and change no bit.
    #[test]
    fn a_bounded_graph_is_the_full_one_cut((x, d) in prop_oneof![lattice(50), directions(80)], k1 in 2..25usize, k2 in 1..8usize, max in 0.0..1.0f32) {
        let rows = Rows::new(&x, d).unwrap();
        let nb = neighbours(rows, k1, &no_tick).unwrap();
        let full = jaccard(rows, &nb, k1, k2, 1.0, &no_tick).unwrap();
        let cut = jaccard(rows, &nb, k1, k2, max, &no_tick).unwrap();
        for i in 0..rows.n() {
            let (others, distances) = full.row(i);
            let expected: Vec<(u32, u32)> =
                others.iter().zip(distances).filter(|&(_, &d)| d <= max).map(|(&j, &d)| (j, d.to_bits())).collect();
            let (others, distances) = cut.row(i);
            let found: Vec<(u32, u32)> = others.iter().zip(distances).map(|(&j, &d)| (j, d.to_bits())).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn dbscan_equals_the_textbook(n in 1..40usize, seed in any::<u64>(), eps in 0.05..0.95f32, min_samples in 1..7usize) {
        // Points on a line, where images between two clusters are common.
        let place = |i: usize| {
            let mixed = (seed ^ i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            ((mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40) as f32 / (1u32 << 24) as f32 * n as f32 / 5.0
        };
        let cell = |i: usize, j: usize| (place(i) - place(j)).abs();
        let mut graph = Graph { n, max: 0.95, indptr: vec![0], ..Graph::default() };
        for i in 0..n {
            for j in (0..n).filter(|&j| j != i && cell(i, j) <= graph.max) {
                graph.indices.push(j as u32);
                graph.values.push(cell(i, j));
            }
            graph.indptr.push(graph.indices.len() as u64);
        }
        prop_assert_eq!(dbscan(&graph, f64::from(eps), min_samples), textbook_dbscan(cell, n, eps, min_samples));
    }

    #[test]
    fn scores_equal_those_of_sets(triples in proptest::collection::vec((-1..5i32, -1..5i32, -1..5i32), 0..40)) {
        let column = |pick: fn(&(i32, i32, i32)) -> i32| triples.iter().map(pick).collect::<Vec<i32>>();
        let (normal, tight, loose) = (column(|t| t.0), column(|t| t.1), column(|t| t.2));
        let found = scores(&normal, &tight, &loose);
        let set = |labels: &[i32], i: usize| -> HashSet<usize> {
            (0..labels.len()).filter(|&j| j == i || (labels[i] >= 0 && labels[j] == labels[i])).collect()
        };
        for i in 0..triples.len() {
            let (a, b, c) = (set(&normal, i), set(&tight, i), set(&loose, i));
            let share = |x: &HashSet<usize>, y: &HashSet<usize>| {
                x.intersection(y).count() as f64 / x.union(y).count() as f64
            };
            let inter = a.iter().filter(|j| b.contains(j) && c.contains(j)).count();
            let union = a.union(&b).copied().collect::<HashSet<_>>().union(&c).count();
            prop_assert_eq!((found.inter[i] as usize, found.union[i] as usize), (inter, union));
            prop_assert!((found.eq8[i] - inter as f64 / union as f64).abs() < 1e-12);
            prop_assert!((found.comp[i] - share(&a, &b)).abs() < 1e-12);
            prop_assert!((found.indep[i] - share(&a, &c)).abs() < 1e-12);
        }
    }

    #[test]
    fn quality_equals_counting_pairs(pairs in proptest::collection::vec((-1..6i32, -1..6i32), 2..40)) {
        let (labels, pids): (Vec<i32>, Vec<i32>) = pairs.into_iter().unzip();
        let found = quality(&labels, &pids);
        let together = |l: &[i32], i: usize, j: usize| l[i] >= 0 && l[i] == l[j];
        let (mut both, mut a, mut b, mut all) = (0.0f64, 0.0f64, 0.0f64, 0.0f64);
        for i in 0..labels.len() {
            for j in 0..i {
                let (x, y) = (together(&labels, i, j), together(&pids, i, j));
                all += 1.0;
                a += f64::from(u8::from(x));
                b += f64::from(u8::from(y));
                both += f64::from(u8::from(x && y));
            }
        }
        let f = if a + b == 0.0 { 1.0 } else { 2.0 * both / (a + b) };
        prop_assert!((found.pairwise_f - f).abs() < 1e-12);
        let expected = a * b / all;
        let ari = if (a + b) / 2.0 == expected { 1.0 } else { (both - expected) / ((a + b) / 2.0 - expected) };
        prop_assert!((found.ari - ari).abs() < 1e-9, "{} {}", found.ari, ari);
        prop_assert!((0.0..=1.0).contains(&found.nmi) && (0.0..=1.0).contains(&found.purity));
        prop_assert!((quality(&pids, &labels).nmi - found.nmi).abs() < 1e-12, "NMI is symmetric");
        let same = quality(&labels, &labels);
        prop_assert!((same.nmi - 1.0).abs() < 1e-12 && (same.ari - 1.0).abs() < 1e-12);
    }

    /// Few distinct distances, so that most ranks are decided by the gallery's order.
    #[test]
    fn evaluation_equals_sorting(cells in proptest::collection::vec(0..4u8, 3 * 24), pids in proptest::collection::vec(-1..4i32, 24), cams in proptest::collection::vec(0..3i32, 24), top in 0..30usize, rule in any::<bool>()) {
        let distances: Vec<f32> = cells.iter().map(|&c| f32::from(c) / 2.0 - 0.5).collect();
        let ids = Identities { query_pid: &[0, 1, 2], query_camid: &[0, 1, 2], gallery_pid: &pids, gallery_camid: &cams };
        let options = EvalOptions { top, same_camera_rule: rule, ..EvalOptions::default() };
        let rows = Rows::new(&distances, 24).unwrap();
        let found = evaluate_distances(rows, &ids, &options, &no_tick).unwrap();
        let mut precisions = Vec::new();
        for q in 0..3 {
            let mut order: Vec<usize> = (0..24).filter(|&g| pids[g] != -1).collect();
            order.sort_by(|&a, &b| rows.row(q)[a].total_cmp(&rows.row(q)[b]));
            let kept = top.min(order.len());
            let ranks: Vec<usize> = found.ranks[q * kept..(q + 1) * kept].iter().map(|&g| g as usize).collect();
            prop_assert_eq!(&ranks[..], &order[..kept]);
            let seen: Vec<usize> =
                order.into_iter().filter(|&g| !(rule && pids[g] == q as i32 && cams[g] == q as i32)).collect();
            let hits: Vec<usize> = (0..seen.len()).filter(|&r| pids[seen[r]] == q as i32).collect();
            let (from, to) = (found.match_indptr[q] as usize, found.match_indptr[q + 1] as usize);
            let ranks: Vec<usize> = found.match_rank[from..to].iter().map(|&r| r as usize - 1).collect();
            prop_assert_eq!(&ranks, &hits);
            let index: Vec<usize> = found.match_index[from..to].iter().map(|&g| g as usize).collect();
            prop_assert_eq!(index, hits.iter().map(|&r| seen[r]).collect::<Vec<_>>());
            if hits.is_empty() {
                prop_assert!(found.ap[q].is_nan());
            } else {
                let ap = hits.iter().enumerate().map(|(h, &r)| (h + 1) as f64 / (r + 1) as f64).sum::<f64>() / hits.len() as f64;
                prop_assert!((found.ap[q] - ap).abs() < 1e-12);
                precisions.push(ap);
            }
        }
        let mean = precisions.iter().sum::<f64>() / precisions.len().max(1) as f64;
        prop_assert!((found.retrieval.mAP - mean).abs() < 1e-12);
    }

    /// Another order of the images gives the same noise and joins the same core images; only a border image
    /// within reach of two clusters may change sides, since it joins the one that is numbered first.
    #[test]
    fn the_order_of_images_does_not_matter((x, d) in directions(80), shift in 1..80usize) {
        let n = x.len() / d;
        let order: Vec<usize> = (0..n).map(|i| (i + shift) % n).rev().collect();
        let moved: Vec<f32> = order.iter().flat_map(|&i| &x[i * d..(i + 1) * d]).copied().collect();
        let run = |x: &[f32]| {
            let rows = Rows::new(x, d).unwrap();
            let nb = neighbours(rows, 12, &no_tick).unwrap();
            jaccard(rows, &nb, 12, 4, 1.0, &no_tick).unwrap()
        };
        let (graph, moved) = (run(&x), run(&moved));
        for eps in [0.3f32, 0.5, 0.6] {
            // A distance at the radius may fall either way: sums in another order round otherwise.
            prop_assume!(graph.values.iter().all(|d| (d - eps).abs() > 5e-6));
            let core = |i: usize| graph.row(i).1.iter().filter(|&&d| d <= eps).count() + 1 >= 4;
            let (labels, moved) = (dbscan(&graph, f64::from(eps), 4), dbscan(&moved, f64::from(eps), 4));
            for a in 0..n {
                prop_assert_eq!(labels[order[a]] < 0, moved[a] < 0);
                for b in (0..n).filter(|&b| core(order[a]) && core(order[b])) {
                    prop_assert_eq!(labels[order[a]] == labels[order[b]], moved[a] == moved[b]);
                }
            }
        }
    }
}

/// Several blocks, the last one reaching back, and duplicates spread over them.
#[test]
fn blocks_and_threads_leave_no_trace_in_the_result() {
    let d = 5;
    let n = 2309;
    let cell = |i: usize, k: usize| (((i % 700) * 31 + k * 17) % 23) as f32 - 11.0;
    let x: Vec<f32> = (0..n).flat_map(|i| (0..d).map(move |k| cell(i, k))).collect();
    let rows = Rows::new(&x, d).unwrap();
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let nb = neighbours(rows, 9, &no_tick).unwrap();
            let graph = jaccard(rows, &nb, 9, 3, 0.7, &no_tick).unwrap();
            (nb, graph)
        })
    };
    let (one, three) = (on(1), on(3));
    assert_eq!(one.0, three.0);
    assert_eq!(one.1, three.1);
    for i in (0..n).step_by(97).chain(n - 3..n) {
        let mut order: Vec<usize> = (0..n).filter(|&j| j != i).collect();
        order.sort_by(|&a, &b| squared(rows, i, a).total_cmp(&squared(rows, i, b)));
        let expected: Vec<u32> = std::iter::once(i).chain(order).take(9).map(|j| j as u32).collect();
        assert_eq!(one.0.of(i), expected, "row {i}");
    }
}
