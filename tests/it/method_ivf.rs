//! Nearest neighbours by an index: with all lists looked at they are the exact ones to the bit; with fewer, what is
//! missed is counted rightly.

use proptest::prelude::*;
use reid_workbench::data::synthetic::features::{FeatureSpec, generate};
use reid_workbench::method::error::{MethodError, no_tick};
use reid_workbench::method::ivf::{Ivf, Recall, neighbours, neighbours_by, recall};
use reid_workbench::method::knn::{self, FirstPass, Neighbours};
use reid_workbench::method::rows::Rows;

use crate::support::noise::{isotropic, noise};

const PASSES: [FirstPass; 3] = [FirstPass::Plain, FirstPass::Wide, FirstPass::Rounded];

/// Bits, so that equal means equal.
fn bits(found: &Neighbours) -> (usize, usize, &[u32], Vec<u32>) {
    (found.n, found.k, &found.index, found.dist.iter().map(|d| d.to_bits()).collect())
}

/// With every list looked at, by every first pass.
#[track_caller]
fn check(what: &str, data: &[f32], d: usize, k: usize, lists: usize) {
    let rows = Rows::new(data, d).unwrap();
    let exact = knn::neighbours(rows, k, &no_tick).unwrap();
    for pass in PASSES {
        let all = Ivf { lists, probes: usize::MAX, seed: 3 };
        let found = neighbours_by(pass, rows, k, all, &no_tick).unwrap();
        assert!(bits(&found) == bits(&exact), "{what}, {pass:?}");
        let measured = recall(rows, &found, k, 50, 1, &no_tick).unwrap();
        assert!(measured.recall >= 1.0, "{what}: {measured:?}");
    }
}

#[test]
fn with_all_lists_looked_at_nothing_is_missed() {
    check("isotropic", &isotropic(900, 65, 1), 65, 30, 40);
    check("one list", &isotropic(300, 12, 2), 12, 8, 1);
    check("a list for each row", &isotropic(80, 7, 3), 7, 9, 80);
    check("more lists than rows", &isotropic(9, 5, 4), 5, 30, 500);
    check("the row alone", &isotropic(60, 8, 5), 8, 1, 6);
    check("one row", &isotropic(1, 8, 6), 8, 30, 4);
    check("two rows", &isotropic(2, 3, 7), 3, 30, 0);
    check("no row", &[], 8, 30, 4);
    check("all the same", &[0.25; 1500 * 4], 4, 12, 20);
    check("all nothing", &[0.0; 200 * 5], 5, 12, 20);
    let few = isotropic(17, 33, 8);
    let mut repeats: Vec<f32> = (0..600).flat_map(|i| few[i % 17 * 33..][..33].to_vec()).collect();
    for i in (0..600).step_by(3) {
        repeats[i * 33 + i % 33] = repeats[i * 33 + i % 33].next_up();
    }
    check("repeats and last bits", &repeats, 33, 20, 24);
    let mut crowd = vec![0.5f32; 1500 * 12];
    let mut next = noise(9);
    crowd[1400 * 12..].iter_mut().for_each(|x| *x = next());
    check("1,400 repeats and a hundred others", &crowd, 12, 10, 30);
}

/// People whom the index finds nearly all of, with their true neighbours.
fn people() -> (Vec<f32>, usize, Neighbours) {
    let made = generate(&FeatureSpec {
        seed: 8,
        n: 1200,
        d: 48,
        r: 24,
        lo: 3,
        hi: 24,
        n_out: 100,
        A: 10,
        B: 8,
        C: 3,
        D: 6,
        n_cams: 4,
    });
    let exact = knn::neighbours(Rows::new(&made.features, 48).unwrap(), 20, &no_tick).unwrap();
    (made.features, 48, exact)
}

/// The share of true neighbours among those found, of all rows.
fn share(found: &Neighbours, exact: &Neighbours, k: usize) -> f64 {
    let both = |i: usize| exact.of(i)[1..k].iter().filter(|j| found.of(i)[1..k].contains(j)).count();
    (0..exact.n).map(both).sum::<usize>() as f64 / (exact.n * (k - 1)) as f64
}

#[test]
fn recall_is_what_counting_gives_and_grows_with_the_probes() {
    let (data, d, exact) = people();
    let rows = Rows::new(&data, d).unwrap();
    let mut shares = Vec::new();
    for probes in [1, 2, 4, 8, 32, 139] {
        let found = neighbours(rows, 20, Ivf { probes, ..Ivf::of(1200, probes, 1) }, &no_tick).unwrap();
        for i in 0..1200 {
            assert!(found.of(i)[0] == i as u32 && found.distances_of(i)[0] == 0.0);
            assert!(found.distances_of(i).is_sorted(), "row {i}");
            // Where it found what is right, the distance is the exact one.
            for (j, d) in found.of(i).iter().zip(found.distances_of(i)) {
                let at = exact.of(i).iter().position(|x| x == j);
                assert!(at.is_none_or(|at| exact.distances_of(i)[at].to_bits() == d.to_bits()));
            }
        }
        for k in [5, 20] {
            let all = recall(rows, &found, k, 1200, 7, &no_tick).unwrap();
            assert_eq!(all, Recall { sampled: 1200, k, recall: share(&found, &exact, k) });
        }
        let some = recall(rows, &found, 20, 300, 7, &no_tick).unwrap();
        assert_eq!((some.sampled, some), (300, recall(rows, &found, 20, 300, 7, &no_tick).unwrap()));
        let all = share(&found, &exact, 20);
        assert!((some.recall - all).abs() < 0.05, "{some:?} {all}");
        shares.push(all);
    }
    assert!(shares.is_sorted() && shares[0] < 0.8 && shares[3] > 0.8, "{shares:?}");
    assert!(*shares.last().unwrap() >= 1.0, "4√1200 lists are 139");
}

#[test]
fn a_row_whose_lists_are_too_short_looks_further() {
    // Lists of a few rows each, and far more neighbours wanted than one holds.
    let data = isotropic(300, 6, 10);
    let rows = Rows::new(&data, 6).unwrap();
    let found = neighbours(rows, 60, Ivf { lists: 100, probes: 1, seed: 1 }, &no_tick).unwrap();
    assert_eq!(found.k, 60);
    for i in 0..300 {
        let mut own = found.of(i).to_vec();
        own.sort_unstable();
        own.dedup();
        assert_eq!(own.len(), 60, "row {i}");
    }
}

#[test]
fn the_seed_decides_and_threads_do_not() {
    let (data, d, _) = people();
    let rows = Rows::new(&data, d).unwrap();
    let with = |threads: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| neighbours(rows, 20, Ivf::of(1200, 3, seed), &no_tick).unwrap())
    };
    let one = with(1, 5);
    assert!([2, 3, 7].into_iter().all(|threads| with(threads, 5) == one));
    assert!(with(2, 6) != one, "another seed makes other lists");
    let passes = PASSES.map(|pass| neighbours_by(pass, rows, 20, Ivf::of(1200, 3, 5), &no_tick).unwrap());
    assert!(passes.iter().all(|found| *found == one), "whatever the first pass multiplies");
}

#[test]
fn a_search_can_be_cancelled_and_refuses_what_is_not_finite() {
    let mut data = isotropic(500, 16, 12);
    let all = Ivf::of(500, 4, 1);
    for last in [0, 600, 1600] {
        let stopped = neighbours(Rows::new(&data, 16).unwrap(), 5, all, &|done, _| done < last);
        assert!(stopped == Err(MethodError::Cancelled), "{last}");
    }
    data[16 * 77] = f32::NAN;
    let refused = neighbours(Rows::new(&data, 16).unwrap(), 5, all, &no_tick);
    assert!(matches!(refused, Err(MethodError::NotFinite { row: 77, count: 1 })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn any_rows(n in 1usize..220, d in 1usize..80, k in 1usize..40, lists in 1usize..60, grid in 1u32..40, seed in any::<u64>()) {
        // On a coarse grid ties are the rule, on a fine one the exception.
        let mut next = noise(seed);
        let data: Vec<f32> = (0..n * d).map(|_| (next() * grid as f32).round() / grid as f32).collect();
        check("made", &data, d, k, lists);
    }
}
