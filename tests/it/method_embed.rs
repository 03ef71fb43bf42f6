//! The two maps into the plane: principal components against a direct eigen-decomposition, t-SNE on lists.

use proptest::prelude::*;
use reid_workbench::method::embed::{Lists, Start, TsneOptions, aligned, pca, spiral, tsne};
use reid_workbench::method::error::{MethodError, no_tick};
use reid_workbench::method::knn::{Neighbours, neighbours};
use reid_workbench::method::rows::Rows;

use super::prng::uniforms;
use super::support::gen_features::{FeatureSpec, generate};

/// Covariance (not divided by N) of the columns.
fn scatter(data: &[f32], d: usize) -> Vec<f64> {
    let n = data.len() / d;
    let mean: Vec<f64> =
        (0..d).map(|j| data.iter().skip(j).step_by(d).map(|&x| f64::from(x)).sum::<f64>() / n as f64).collect();
    let mut c = vec![0.0; d * d];
    for row in data.chunks(d) {
        for a in 0..d {
            for b in 0..d {
                c[a * d + b] += (f64::from(row[a]) - mean[a]) * (f64::from(row[b]) - mean[b]);
            }
        }
    }
    c
}

/// The two largest eigenvalues, by power iteration with deflation in `f64`.
fn two_largest(mut c: Vec<f64>, d: usize) -> [f64; 2] {
    let mut found = [0.0; 2];
    for slot in &mut found {
        let mut v: Vec<f64> = (0..d).map(|i| 1.0 + ((i * 7 + 3) % 11) as f64).collect();
        for _ in 0..20_000 {
            let w: Vec<f64> = (0..d).map(|a| (0..d).map(|b| c[a * d + b] * v[b]).sum()).collect();
            let length = w.iter().map(|x| x * x).sum::<f64>().sqrt();
            if length < 1e-12 {
                break;
            }
            *slot = length;
            v = w.iter().map(|x| x / length).collect();
        }
        let norm = v.iter().map(|x| x * x).sum::<f64>();
        for a in 0..d {
            for b in 0..d {
                c[a * d + b] -= *slot * v[a] * v[b] / norm;
            }
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn components_are_those_of_the_covariance(seed in 0u64..1_000, n in 3usize..60, d in 2usize..16, shift in -3f32..3.0) {
        // Columns of unequal spread, not centred.
        let scale = |i: usize| if i.is_multiple_of(d) { 9.0 } else { 1.0 + (i % d) as f32 / 4.0 };
        let data: Vec<f32> =
            uniforms(seed, 1, n * d).into_iter().enumerate().map(|(i, u)| shift + u as f32 * scale(i)).collect();
        let scores = pca(Rows::new(&data, d).unwrap(), &no_tick).unwrap();
        prop_assert_eq!(scores.len(), 2 * n);
        let expected = two_largest(scatter(&data, d), d);
        for (axis, expected) in expected.into_iter().enumerate() {
            let column: Vec<f64> = scores.iter().skip(axis).step_by(2).map(|&x| f64::from(x)).collect();
            let sum: f64 = column.iter().sum();
            let energy: f64 = column.iter().map(|x| x * x).sum();
            prop_assert!(sum.abs() < 1e-3 * (1.0 + energy.sqrt()), "centred: {}", sum);
            prop_assert!((energy - expected).abs() <= 1e-3 * expected + 1e-4, "axis {}: {} for {}", axis, energy, expected);
        }
        let across: f64 = scores.chunks(2).map(|p| f64::from(p[0]) * f64::from(p[1])).sum();
        prop_assert!(across.abs() <= 1e-3 * (expected[0] + 1.0), "uncorrelated: {}", across);
    }
}

#[test]
fn components_do_not_depend_on_threads_and_have_a_sign() {
    let spec =
        FeatureSpec { seed: 3, n: 900, d: 96, r: 24, lo: 3, hi: 20, n_out: 60, A: 10, B: 8, C: 4, D: 6, n_cams: 4 };
    let features = generate(&spec).features;
    let rows = Rows::new(&features, spec.d).unwrap();
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| pca(rows, &no_tick).unwrap())
    };
    let one = with(1);
    assert_eq!(one, with(2));
    assert_eq!(one, with(5));
    let energy: Vec<f64> =
        [0, 1].map(|a| one.iter().skip(a).step_by(2).map(|&x| f64::from(x).powi(2)).sum()).into_iter().collect();
    let best = two_largest(scatter(&features, spec.d), spec.d);
    assert!(energy[0] > 0.999 * best[0] && energy[1] > 0.995 * best[1], "{energy:?} of {best:?}");
    // Mirrored features have mirrored axes, so the sign rule gives mirrored scores of the same kind.
    let mirrored: Vec<f32> = features.iter().map(|x| -x).collect();
    let other = pca(Rows::new(&mirrored, spec.d).unwrap(), &no_tick).unwrap();
    let worst = one.iter().zip(&other).map(|(a, b)| (a + b).abs()).fold(0.0f32, f32::max);
    assert!(worst < 1e-4, "{worst}");
}

#[test]
fn odd_features_are_refused_or_give_zeros() {
    assert_eq!(pca(Rows::new(&[], 4).unwrap(), &no_tick).unwrap(), Vec::<f32>::new());
    assert_eq!(pca(Rows::new(&[1.0, 2.0], 2).unwrap(), &no_tick).unwrap(), [0.0, 0.0]);
    assert_eq!(pca(Rows::new(&[0.5; 12], 3).unwrap(), &no_tick).unwrap(), [0.0; 8]);
    let bad = pca(Rows::new(&[1.0, 2.0, f32::NAN, 1.0], 2).unwrap(), &no_tick);
    assert_eq!(bad, Err(MethodError::NotFinite { row: 1, count: 1 }));
    let stopped = pca(Rows::new(&[1.0, 2.0, 3.0, 1.0], 2).unwrap(), &|_, _| false);
    assert_eq!(stopped, Err(MethodError::Cancelled));
}

/// `count` blobs of `size` points each in eight dimensions, far apart, and their lists.
fn blobs(count: usize, size: usize, k: usize) -> Neighbours {
    let centres = uniforms(11, 1, count * 8);
    let noise = uniforms(11, 2, count * size * 8);
    let value = |i: usize| (20.0 * centres[i / (8 * size) * 8 + i % 8] + noise[i]) as f32;
    let data: Vec<f32> = (0..count * size * 8).map(value).collect();
    neighbours(Rows::new(&data, 8).unwrap(), k, &no_tick).unwrap()
}

fn lists(nb: &Neighbours) -> Lists<'_> {
    Lists { index: &nb.index, dist: &nb.dist, n: nb.n, k: nb.k }
}

/// How many of the five nearest in the plane are of the same blob.
fn same_blob(layout: &[f32], size: usize) -> f64 {
    let n = layout.len() / 2;
    let near = |i: usize| {
        let mut others: Vec<usize> = (0..n).filter(|&j| j != i).collect();
        let to = |j: usize| (layout[2 * i] - layout[2 * j]).hypot(layout[2 * i + 1] - layout[2 * j + 1]);
        others.sort_by(|&a, &b| to(a).total_cmp(&to(b)));
        others.into_iter().take(5).filter(|j| j / size == i / size).count()
    };
    (0..n).map(near).sum::<usize>() as f64 / (5 * n) as f64
}

fn quick() -> TsneOptions {
    TsneOptions { iterations: 400, exaggerated: 150, ..TsneOptions::fresh() }
}

#[test]
fn neighbours_stay_near_and_the_same_start_gives_the_same_layout() {
    let nb = blobs(8, 40, 21);
    let start = spiral(nb.n);
    let run = || tsne(lists(&nb), Start::Shape(&start), quick(), &mut |_, _| true).unwrap();
    let layout = run();
    assert_eq!(layout.len(), 2 * nb.n);
    let kept = same_blob(&layout, 40);
    assert!(kept > 0.98, "{kept} of the five nearest are of the same blob");
    let spread = |l: &[f32]| l.iter().map(|x| x.abs()).fold(0.0f32, f32::max);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    assert_eq!(layout, pool.install(run), "the same on any number of threads");
    // From there, points hardly travel.
    let warm = TsneOptions { iterations: 60, ..TsneOptions::warm() };
    let next = tsne(lists(&nb), Start::Layout(&layout), warm, &mut |_, _| true).unwrap();
    let moved: f32 =
        layout.chunks(2).zip(next.chunks(2)).map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1])).sum::<f32>() / nb.n as f32;
    assert!(moved < 0.25 * spread(&layout), "{moved} of {}", spread(&layout));
    assert!(same_blob(&next, 40) > 0.98);
}

#[test]
fn progress_is_told_and_the_caller_can_stop() {
    let nb = blobs(4, 30, 12);
    let start = spiral(nb.n);
    let mut seen = Vec::new();
    let stopped = tsne(lists(&nb), Start::Shape(&start), quick(), &mut |i, layout| {
        assert_eq!(layout.len(), 2 * 120);
        seen.push(i);
        i < 7
    });
    assert_eq!(stopped, Err(MethodError::Cancelled));
    assert_eq!(seen, (1..=7).collect::<Vec<_>>());
}

#[test]
fn lists_that_do_not_fit_are_refused() {
    let nb = blobs(2, 10, 5);
    let start = spiral(20);
    let refused = |lists: Lists<'_>, start: &[f32]| {
        let found = tsne(lists, Start::Shape(start), quick(), &mut |_, _| true);
        assert!(matches!(found, Err(MethodError::BadShape { .. } | MethodError::NotFinite { .. })), "{found:?}");
    };
    refused(Lists { k: 6, ..lists(&nb) }, &start);
    refused(Lists { index: &[0, 1], dist: &[0.0, 0.0], n: 2, k: 1 }, &[0.0; 4]);
    refused(lists(&nb), &start[2..]);
    refused(Lists { index: &[0, 9, 1, 0], dist: &[0.0; 4], n: 2, k: 2 }, &[0.0; 4]);
    refused(Lists { index: &[0, 1, 1, 0], dist: &[0.0, f32::NAN, 0.0, 0.0], n: 2, k: 2 }, &[0.0; 4]);
    assert_eq!(
        tsne(Lists { index: &[], dist: &[], n: 0, k: 0 }, Start::Shape(&[]), quick(), &mut |_, _| true),
        Ok(vec![])
    );
    // Copies of one image lie at distance 0 of each other, and start in one place.
    let same = Lists { index: &[0, 1, 2, 1, 0, 2, 2, 0, 1], dist: &[0.0; 9], n: 3, k: 3 };
    assert!(tsne(same, Start::Shape(&[0.0; 6]), quick(), &mut |_, _| true).unwrap().iter().all(|x| x.is_finite()));
}

#[test]
#[ignore = "prints times at Market's size"]
fn times_at_market_size() {
    let spec = FeatureSpec {
        seed: 1501,
        n: 12_936,
        d: 2048,
        r: 32,
        lo: 2,
        hi: 32,
        n_out: 970,
        A: 10,
        B: 8,
        C: 4,
        D: 6,
        n_cams: 6,
    };
    let features = generate(&spec).features;
    let rows = Rows::new(&features, spec.d).unwrap();
    let mut scores = Vec::new();
    for _ in 0..3 {
        let began = std::time::Instant::now();
        scores = pca(rows, &no_tick).unwrap();
        println!("PCA of 12,936 × 2048: {:.3} s", began.elapsed().as_secs_f64());
    }
    let energy = |a: usize| scores.iter().skip(a).step_by(2).map(|&x| f64::from(x).powi(2)).sum::<f64>();
    println!("energies {:.3} {:.3}", energy(0), energy(1));
    let nb = neighbours(rows, 30, &no_tick).unwrap();
    let options = TsneOptions { iterations: 100, ..TsneOptions::fresh() };
    let began = std::time::Instant::now();
    let layout = tsne(lists(&nb), Start::Shape(&scores), options, &mut |_, _| true).unwrap();
    println!("t-SNE of {}: {:.1} ms an iteration", layout.len() / 2, began.elapsed().as_secs_f64() * 10.0);
}

#[test]
fn points_are_turned_and_mirrored_to_lie_as_those_of_another_epoch() {
    let to: Vec<f32> = [[0.0, 0.0], [2.0, 0.1], [0.3, 1.0], [-1.5, 0.4], [0.2, -2.0]].concat();
    // A quarter turn and a mirror about the middle.
    let n = to.len() / 2;
    let middle = [0, 1].map(|axis| to.iter().skip(axis).step_by(2).sum::<f32>() / n as f32);
    let turned: Vec<f32> =
        to.chunks_exact(2).flat_map(|p| [p[1] - middle[1] + middle[0], p[0] - middle[0] + middle[1]]).collect();
    let back = aligned(&turned, &to);
    assert!(back.iter().zip(&to).all(|(a, b)| (a - b).abs() < 1e-5), "{back:?}");
    assert_eq!(aligned(&to, &to[2..]), to, "other images cannot be compared");
    assert_eq!(aligned(&[1.0; 8], &to[..8]), [1.0; 8], "nor can a single place");
}
