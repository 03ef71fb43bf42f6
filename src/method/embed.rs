//! Features in the plane: principal components at once, t-SNE for the neighbourhoods.

mod tsne;

use rayon::prelude::*;

pub use tsne::{Lists, Start, TsneOptions, spiral, tsne};

use super::error::{MethodError, Tick};
use super::rows::Rows;
use crate::base::rng;

/// Vectors of a block.
const B: usize = 8;
/// Passes over the features. Each adds a block to the Krylov space; the last one only projects on it.
const PASSES: usize = 5;
/// Rows summed up by one task: the order of summation follows from it, not from the number of threads.
const CHUNK: usize = 256;
/// Rows that share one walk through the block.
const LANES: usize = 4;
/// A direction shorter than this, of what it was before the others were taken out of it, is rounding.
const NOTHING: f64 = 1e-5;

/// `d` vectors of a block: entry `i` of all eight side by side.
type Block = Vec<[f32; B]>;

/// Points `[N, 2]` turned about their middle, and mirrored where that is better, so that they lie as near as they can to
/// those `to` another epoch has (orthogonal Procrustes). What cannot be compared stays as it is.
pub fn aligned(points: &[f32], to: &[f32]) -> Vec<f32> {
    let finite = |p: &[f32]| p.iter().all(|x| x.is_finite());
    if points.len() != to.len() || points.len() < 4 || !finite(points) || !finite(to) {
        return points.to_vec();
    }
    let middle = |p: &[f32]| {
        let n = (p.len() / 2) as f64;
        let sum = |axis: usize| p.iter().skip(axis).step_by(2).map(|&x| f64::from(x)).sum::<f64>();
        [sum(0) / n, sum(1) / n]
    };
    let (own, other) = (middle(points), middle(to));
    // How each axis of the one goes with each of the other.
    let mut s = [[0.0f64; 2]; 2];
    for (p, q) in points.chunks_exact(2).zip(to.chunks_exact(2)) {
        for (a, row) in s.iter_mut().enumerate() {
            for (b, sum) in row.iter_mut().enumerate() {
                *sum += (f64::from(p[a]) - own[a]) * (f64::from(q[b]) - other[b]);
            }
        }
    }
    let turned = |flip: f64| (s[0][0] + flip * s[1][1], s[0][1] - flip * s[1][0]);
    let better = |flip: f64| turned(flip).0.hypot(turned(flip).1);
    let flip = if better(1.0) >= better(-1.0) { 1.0 } else { -1.0 };
    let (cos, sin) = turned(flip);
    let length = cos.hypot(sin);
    if length <= f64::MIN_POSITIVE {
        return points.to_vec();
    }
    let (cos, sin) = (cos / length, sin / length);
    let turn = |p: &[f32]| {
        let (x, y) = (f64::from(p[0]) - own[0], flip * (f64::from(p[1]) - own[1]));
        [(cos * x - sin * y + own[0]) as f32, (sin * x + cos * y + own[1]) as f32]
    };
    points.chunks_exact(2).flat_map(turn).collect()
}

/// Scores `[N, 2]` of mean-centred features on their two leading principal components, row-major.
///
/// Randomised block Krylov iteration (Musco and Musco 2015, arXiv:1504.05477) from a fixed start: five blocks of
/// eight vectors, each made from the one before in one pass over the features (y = Qᵀx, Z += x yᵀ), then the
/// eigenvectors of the covariance within the space they span. Exact when d ≤ 40. Each component is signed so that
/// its largest loading is positive. The result does not depend on the number of threads. `tick` counts rows.
///
/// # Errors
/// When a row is not finite, or `tick` cancels.
pub fn pca(rows: Rows, tick: Tick) -> Result<Vec<f32>, MethodError> {
    let (n, d) = (rows.n(), rows.d());
    if n == 0 {
        return Ok(Vec::new());
    }
    let mean = mean(rows);
    if mean.iter().any(|x| !x.is_finite()) {
        rows.squared_norms()?;
    }
    let mean: Vec<f32> = mean.iter().map(|&x| x as f32).collect();
    let mut basis: Vec<Vec<f64>> = Vec::new();
    // Which block and which of its vectors each direction of the basis is.
    let mut place: Vec<(usize, usize)> = Vec::new();
    let mut scores: Vec<Vec<[f32; B]>> = Vec::new();
    let mut next: Vec<Vec<f64>> = (0..B).map(|j| (0..d).map(|i| noise(i * B + j)).collect()).collect();
    let total = (PASSES * n) as u64;
    for pass in 0..PASSES {
        let fresh = orthonormal(next, &basis);
        if fresh.is_empty() {
            break;
        }
        let block: Block = (0..d).map(|i| std::array::from_fn(|j| fresh.get(j).map_or(0.0, |q| q[i] as f32))).collect();
        let last = pass + 1 == PASSES;
        let (y, z) = walk(rows, &mean, &block, !last, &|done| tick(pass as u64 * n as u64 + done, total))?;
        scores.push(y);
        place.extend((0..fresh.len()).map(|j| (pass, j)));
        basis.extend(fresh);
        next = z;
    }
    let found = leading(&basis, |row, k| f64::from(scores[place[k].0][row][place[k].1]), n);
    if found.iter().any(|x| !x.is_finite()) {
        rows.squared_norms()?;
        return Err(MethodError::NotFinite { row: 0, count: n });
    }
    Ok(found)
}

/// Mean of each column.
fn mean(rows: Rows) -> Vec<f64> {
    let sums: Vec<Vec<f64>> = rows
        .data()
        .par_chunks(CHUNK * rows.d())
        .map(|chunk| {
            let mut sum = vec![0.0; rows.d()];
            for row in chunk.chunks_exact(rows.d()) {
                sum.iter_mut().zip(row).for_each(|(s, &x)| *s += f64::from(x));
            }
            sum
        })
        .collect();
    let mut mean = added(sums, rows.d());
    mean.iter_mut().for_each(|x| *x /= rows.n() as f64);
    mean
}

fn added(parts: Vec<Vec<f64>>, len: usize) -> Vec<f64> {
    let mut sum = vec![0.0; len];
    for part in parts {
        sum.iter_mut().zip(part).for_each(|(s, x)| *s += x);
    }
    sum
}

/// One pass: y = Qᵀ(x − μ) of every row and, when asked for, Z = Σ (x − μ) yᵀ as columns.
#[allow(clippy::type_complexity)] // two parts of one answer
fn walk(
    rows: Rows,
    mean: &[f32],
    block: &Block,
    onward: bool,
    tick: &(dyn Fn(u64) -> bool + Sync),
) -> Result<(Vec<[f32; B]>, Vec<Vec<f64>>), MethodError> {
    let d = rows.d();
    let shift = project_one(mean, block);
    let parts: Vec<(Vec<[f32; B]>, Block)> = rows
        .data()
        .par_chunks(CHUNK * d)
        .enumerate()
        .map(|(i, chunk)| {
            let mut y = Vec::with_capacity(chunk.len() / d);
            let mut z = vec![[0.0; B]; if onward { d } else { 0 }];
            for group in chunk.chunks(LANES * d) {
                if let [a, b, c, e] = group.chunks_exact(d).collect::<Vec<_>>()[..] {
                    let mut four = project_four([a, b, c, e], block);
                    four.iter_mut().for_each(|row| (0..B).for_each(|j| row[j] -= shift[j]));
                    if onward {
                        gather_four([a, b, c, e], &four, &mut z);
                    }
                    y.extend(four);
                    continue;
                }
                for row in group.chunks_exact(d) {
                    let mut one = project_one(row, block);
                    (0..B).for_each(|j| one[j] -= shift[j]);
                    z.iter_mut().zip(row).for_each(|(z, &x)| (0..B).for_each(|j| z[j] += x * one[j]));
                    y.push(one);
                }
            }
            if !tick((i * CHUNK + y.len()) as u64) {
                return Err(MethodError::Cancelled);
            }
            Ok((y, z))
        })
        .collect::<Result<_, _>>()?;
    let mut y = Vec::with_capacity(rows.n());
    let mut z = vec![vec![0.0f64; d]; B];
    for (rows, part) in parts {
        y.extend(rows);
        for (i, values) in part.iter().enumerate() {
            (0..B).for_each(|j| z[j][i] += f64::from(values[j]));
        }
    }
    // Σy is zero but for rounding; what is left of it must not bring the mean back.
    for (j, column) in z.iter_mut().enumerate() {
        let rest: f64 = y.iter().map(|row| f64::from(row[j])).sum();
        column.iter_mut().zip(mean).for_each(|(z, &m)| *z -= f64::from(m) * rest);
    }
    Ok((y, z))
}

fn project_one(row: &[f32], block: &Block) -> [f32; B] {
    let mut y = [0.0; B];
    for (&x, q) in row.iter().zip(block) {
        (0..B).for_each(|j| y[j] += x * q[j]);
    }
    y
}

/// As [`project_one`], for four rows on one walk through the block, which then comes once from the cache.
fn project_four(rows: [&[f32]; LANES], block: &Block) -> [[f32; B]; LANES] {
    let mut y = [[0.0f32; B]; LANES];
    let [a, b, c, e] = rows;
    for ((((q, &a), &b), &c), &e) in block.iter().zip(a).zip(b).zip(c).zip(e) {
        for (y, x) in y.iter_mut().zip([a, b, c, e]) {
            (0..B).for_each(|j| y[j] += x * q[j]);
        }
    }
    y
}

/// Z += Σ x yᵀ over four rows.
fn gather_four(rows: [&[f32]; LANES], y: &[[f32; B]; LANES], z: &mut Block) {
    let [a, b, c, e] = rows;
    for ((((z, &a), &b), &c), &e) in z.iter_mut().zip(a).zip(b).zip(c).zip(e) {
        for j in 0..B {
            z[j] += (a * y[0][j] + b * y[1][j]) + (c * y[2][j] + e * y[3][j]);
        }
    }
}

/// `vectors` made orthonormal to `basis` and to each other; those that lie in what is there are left out.
fn orthonormal(vectors: Vec<Vec<f64>>, basis: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut fresh: Vec<Vec<f64>> = Vec::with_capacity(vectors.len());
    for mut v in vectors {
        let before = dot(&v, &v).sqrt();
        // Twice is enough (Kahan and Parlett).
        for _ in 0..2 {
            for q in basis.iter().chain(&fresh) {
                let along = dot(q, &v);
                v.iter_mut().zip(q).for_each(|(v, q)| *v -= along * q);
            }
        }
        let length = dot(&v, &v).sqrt();
        if length > NOTHING * before && length.is_finite() {
            v.iter_mut().for_each(|x| *x /= length);
            fresh.push(v);
        }
    }
    fresh
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Scores on the two leading eigenvectors of the covariance within the space of `basis`; `coordinate` gives the
/// rows' coordinates in it.
fn leading(basis: &[Vec<f64>], coordinate: impl Fn(usize, usize) -> f64 + Sync, n: usize) -> Vec<f32> {
    let m = basis.len();
    let rows: Vec<usize> = (0..n).collect();
    let parts: Vec<Vec<f64>> = rows
        .par_chunks(CHUNK)
        .map(|chunk| {
            let mut part = vec![0.0; m * m];
            for &row in chunk {
                let y: Vec<f64> = (0..m).map(|k| coordinate(row, k)).collect();
                for a in 0..m {
                    (a..m).for_each(|b| part[a * m + b] += y[a] * y[b]);
                }
            }
            part
        })
        .collect();
    let mut c = added(parts, m * m);
    (0..m).for_each(|a| (0..a).for_each(|b| c[a * m + b] = c[b * m + a]));
    let (values, vectors) = jacobi(c, m);
    let mut order: Vec<usize> = (0..m).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]).then(a.cmp(&b)));
    let axes: Vec<Vec<f64>> = order.iter().take(2).map(|&k| signed(basis, &vectors, k)).collect();
    let score = |row: usize, axis: &[f64]| (0..m).map(|k| coordinate(row, k) * axis[k]).sum::<f64>() as f32;
    (0..n).flat_map(|row| [0, 1].map(|a| axes.get(a).map_or(0.0, |axis| score(row, axis)))).collect()
}

/// Eigenvector `k` in coordinates of `basis`, signed so that its largest loading is positive.
fn signed(basis: &[Vec<f64>], vectors: &[f64], k: usize) -> Vec<f64> {
    let m = basis.len();
    let axis: Vec<f64> = (0..m).map(|a| vectors[a * m + k]).collect();
    let loading = |i: usize| basis.iter().zip(&axis).map(|(q, a)| q[i] * a).sum::<f64>();
    let largest = (0..basis[0].len()).map(loading).fold(0.0f64, |best, x| if x.abs() > best.abs() { x } else { best });
    axis.iter().map(|a| if largest < 0.0 { -a } else { *a }).collect()
}

/// Eigenvalues and eigenvectors (in columns) of a symmetric `[m, m]` matrix, by cyclic Jacobi rotations.
fn jacobi(mut a: Vec<f64>, m: usize) -> (Vec<f64>, Vec<f64>) {
    let mut v = vec![0.0; m * m];
    (0..m).for_each(|i| v[i * m + i] = 1.0);
    let whole: f64 = a.iter().map(|x| x * x).sum();
    for _ in 0..60 {
        let off: f64 = (0..m).flat_map(|p| (0..p).map(move |q| (p, q))).map(|(p, q)| a[p * m + q].powi(2)).sum();
        if off <= 1e-28 * whole || !whole.is_finite() {
            break;
        }
        for p in 0..m {
            for q in p + 1..m {
                rotate(&mut a, &mut v, m, p, q);
            }
        }
    }
    ((0..m).map(|i| a[i * m + i]).collect(), v)
}

/// Turns the plane of axes `p` and `q` so that their entry of `a` becomes 0.
fn rotate(a: &mut [f64], v: &mut [f64], m: usize, p: usize, q: usize) {
    let apq = a[p * m + q];
    if apq == 0.0 {
        return;
    }
    let theta = (a[q * m + q] - a[p * m + p]) / (2.0 * apq);
    let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let c = 1.0 / (t * t + 1.0).sqrt();
    let s = t * c;
    let turn = |x: &mut [f64], i: usize, j: usize| (x[i], x[j]) = (c * x[i] - s * x[j], s * x[i] + c * x[j]);
    for k in 0..m {
        turn(a, k * m + p, k * m + q);
        turn(v, k * m + p, k * m + q);
    }
    for k in 0..m {
        turn(a, p * m + k, q * m + k);
    }
}

/// Noise in −1..1, the same on every machine.
fn noise(i: usize) -> f64 {
    2.0 * rng::unit(rng::finish((i as u64).wrapping_add(1).wrapping_mul(rng::STEP))) - 1.0
}
