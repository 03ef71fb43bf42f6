//! Nearest neighbours are those that brute force finds, to the bit, whatever the first pass multiplies.

use proptest::prelude::*;
use reid_workbench::method::error::{MethodError, no_tick};
use reid_workbench::method::knn::{FirstPass, neighbours, neighbours_by};
use reid_workbench::method::rows::Rows;

use crate::support::noise::{isotropic, noise};

const PASSES: [FirstPass; 3] = [FirstPass::Plain, FirstPass::Wide, FirstPass::Rounded];

/// Σ (a − b)² in the order that is promised: 64 running sums, halved until one is left.
fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 64];
    for (i, (x, y)) in a.iter().zip(b).enumerate() {
        sums[i % 64] += (x - y) * (x - y);
    }
    for width in [32, 16, 8, 4, 2, 1] {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
    }
    sums[0]
}

fn brute_force(data: &[f32], d: usize, k: usize) -> Vec<(u32, u32)> {
    let n = data.len() / d;
    let row = |i: usize| &data[i * d..(i + 1) * d];
    (0..n)
        .flat_map(|i| {
            let mut others: Vec<(u32, u32)> =
                (0..n).filter(|&j| j != i).map(|j| (squared_distance(row(i), row(j)).to_bits(), j as u32)).collect();
            others.sort_unstable();
            others.truncate(k - 1);
            std::iter::once((0, i as u32)).chain(others)
        })
        .collect()
}

#[track_caller]
fn check(what: &str, data: &[f32], d: usize, k: usize) {
    let k = k.min(data.len() / d);
    let expected = brute_force(data, d, k);
    let rows = Rows::new(data, d).unwrap();
    for pass in PASSES {
        let found = neighbours_by(pass, rows, k, &no_tick).unwrap();
        let found: Vec<(u32, u32)> = found.dist.iter().map(|d| d.to_bits()).zip(found.index).collect();
        let differ = found.iter().zip(&expected).position(|(a, b)| a != b);
        assert!(found.len() == expected.len() && differ.is_none(), "{what}, {pass:?}: {differ:?} of {}", found.len());
    }
}

fn unit(mut data: Vec<f32>, d: usize) -> Vec<f32> {
    for row in data.chunks_exact_mut(d) {
        let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        row.iter_mut().for_each(|x| *x /= length);
    }
    data
}

#[test]
fn the_first_pass_changes_nothing() {
    check("isotropic, unit length", &unit(isotropic(700, 96, 1), 96), 96, 30);
    check("isotropic, lengths that differ", &isotropic(431, 65, 2), 65, 7);
    check("one number a row", &isotropic(300, 1, 3), 1, 5);
    check("the row alone", &isotropic(50, 8, 4), 8, 1);
    check("fewer rows than neighbours", &isotropic(9, 130, 5), 130, 30);
}

#[test]
fn ties_and_near_ties_go_by_index() {
    let d = 33;
    // Each row some ten times, and again with its last bit changed.
    let few = isotropic(23, d, 6);
    let mut data: Vec<f32> = (0..500).flat_map(|i| few[i % 23 * d..][..d].to_vec()).collect();
    for i in (0..500).step_by(3) {
        data[i * d + i % d] = data[i * d + i % d].next_up();
    }
    check("repeats and last bits", &data, d, 20);
    check("all the same", &[0.25; 300 * 7], 7, 12);
    check("all nothing", &[0.0; 200 * 5], 5, 12);
    let line: Vec<f32> = (0..400).flat_map(|i| [0.6 * i as f32, 0.8 * i as f32]).collect();
    check("one direction", &line, 2, 9);
    // Closer together than rounding to eight bits can tell, far from 0.
    let mut next = noise(7);
    let cloud: Vec<f32> = (0..600 * 40).map(|i| (i % 40) as f32 + 1e-5 * next()).collect();
    check("a cloud far from nothing", &cloud, 40, 15);
}

#[test]
fn more_that_are_as_near_than_are_kept_are_compared_with_all() {
    let d = 12;
    let mut data = vec![0.5f32; 1500 * d];
    let mut next = noise(8);
    data[1400 * d..].iter_mut().for_each(|x| *x = next());
    check("1,400 repeats and a hundred others", &data, d, 10);
}

#[test]
fn very_long_and_very_short_rows_are_found_too() {
    let d = 20;
    for scale in [1e-30, 1e-22, 1e-19, 1e-4, 1e9, 1e17] {
        let data: Vec<f32> = isotropic(260, d, 9).iter().map(|x| x * scale).collect();
        check(&format!("scaled by {scale}"), &data, d, 8);
    }
    let mixed: Vec<f32> = isotropic(300, d, 10)
        .chunks_exact(d)
        .enumerate()
        .flat_map(|(i, row)| {
            let scale = 10f32.powi((i % 9) as i32 - 4);
            row.iter().map(move |x| x * scale).collect::<Vec<_>>()
        })
        .collect();
    check("lengths over nine orders", &mixed, d, 8);
}

#[test]
fn threads_do_not_matter() {
    let data = unit(isotropic(900, 64, 11), 64);
    let rows = Rows::new(&data, 64).unwrap();
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| neighbours(rows, 25, &no_tick).unwrap())
    };
    let one = with(1);
    assert!([2, 3, 7].into_iter().all(|threads| with(threads) == one));
}

#[test]
fn a_search_can_be_cancelled_and_refuses_what_is_not_finite() {
    let mut data = isotropic(500, 16, 12);
    let stopped = neighbours(Rows::new(&data, 16).unwrap(), 5, &|done, _| done < 2);
    assert_eq!(stopped, Err(MethodError::Cancelled));
    data[16 * 77] = f32::NAN;
    let refused = neighbours(Rows::new(&data, 16).unwrap(), 5, &no_tick);
    assert!(matches!(refused, Err(MethodError::NotFinite { row: 77, count: 1 })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_rows(n in 1usize..220, d in 1usize..80, k in 1usize..40, grid in 1u32..40, seed in any::<u64>()) {
        // On a coarse grid ties are the rule, on a fine one the exception.
        let mut next = noise(seed);
        let data: Vec<f32> = (0..n * d).map(|_| (next() * grid as f32).round() / grid as f32).collect();
        check("made", &data, d, k);
    }
}
