//! k-means on the features: the traditional framework of Fig. 1, with a number of clusters that is given.

use rayon::prelude::*;

use super::{LabelInput, Labelled, Labeller};
use crate::base::rng::Stream;
use crate::base::tick::Tick;
use crate::method::error::MethodError;
use crate::method::params::Params;
use crate::method::product::inner_products;
use crate::method::rows::Rows;

/// Rounds of Lloyd's iteration before it is given up, as scikit-learn's default.
const ROUNDS: usize = 300;
/// Rows compared with the centres at once.
const BLOCK: usize = 256;

/// Lloyd's iteration from a k-means++ start.
pub struct KMeans;

impl Labeller for KMeans {
    fn needs_graph(&self) -> bool {
        false
    }

    fn has_radii(&self) -> bool {
        false
    }

    fn reach(&self, _: &Params) -> f32 {
        0.0
    }

    fn label(&self, given: &LabelInput<'_>, params: &Params, tick: Tick) -> Result<Labelled, MethodError> {
        let rows = given.rows.ok_or_else(|| MethodError::shape("rows", "features", "none"))?;
        let k = params.labels.k;
        if k > rows.n() {
            return Err(MethodError::shape("labels.k", format!("at most as many as the {} images", rows.n()), k));
        }
        let centres = plus_plus(rows, k, params.seed, tick)?;
        Ok(Labelled::Plain(lloyd(rows, centres, tick)?))
    }
}

/// k centres `[k, d]` by k-means++ (Arthur and Vassilvitskii 2007): the first image at random, each further one with a
/// probability in proportion to its squared distance from the nearest centre so far.
fn plus_plus(rows: Rows, k: usize, seed: u64, tick: Tick) -> Result<Vec<f32>, MethodError> {
    let (n, d) = (rows.n(), rows.d());
    let mut stream = Stream::new(seed, "k-means++");
    let norms = rows.squared_norms()?;
    let mut nearest = vec![f64::INFINITY; n];
    let mut centres = Vec::with_capacity(k * d);
    let mut next = ((stream.uniform() * n as f64) as usize).min(n - 1);
    for made in 1..=k {
        centres.extend_from_slice(rows.row(next));
        let to_new = distances(rows, Rows::new(rows.row(next), d)?, &norms)?;
        nearest.iter_mut().zip(&to_new).for_each(|(own, &new)| *own = own.min(f64::from(new)));
        nearest[next] = 0.0;
        let total: f64 = nearest.iter().sum();
        let mut left = stream.uniform() * total;
        // Where all images lie on centres, any will do.
        next = nearest
            .iter()
            .position(|&w| {
                left -= w;
                w > 0.0 && left < 0.0
            })
            .unwrap_or(made % n);
        if !tick(made as u64, (k + ROUNDS) as u64) {
            return Err(MethodError::Cancelled);
        }
    }
    Ok(centres)
}

/// Squared Euclidean distances of all rows to one centre.
fn distances(rows: Rows, centre: Rows, norms: &[f32]) -> Result<Vec<f32>, MethodError> {
    let own = centre.squared_norms()?[0];
    let mut out = vec![0.0; rows.n()];
    out.par_chunks_mut(BLOCK).enumerate().for_each(|(block, out)| {
        inner_products(rows.slice(block * BLOCK, out.len()), centre, out);
        let norms = &norms[block * BLOCK..];
        out.iter_mut().zip(norms).for_each(|(x, norm)| *x = (norm + own - 2.0 * *x).max(0.0));
    });
    Ok(out)
}

/// Lloyd's iteration from `centres` `[k, d]` until no image changes its cluster: `[N]` labels, every one of 0..k used. A
/// cluster that loses all its images takes the one that lies farthest from its own centre.
///
/// # Errors
/// When values are not finite, or `tick` cancels.
pub fn lloyd(rows: Rows, mut centres: Vec<f32>, tick: Tick) -> Result<Vec<i32>, MethodError> {
    let (n, d) = (rows.n(), rows.d());
    let k = centres.len() / d;
    let mut labels = Vec::new();
    for round in 0..ROUNDS {
        let (mut new, far) = assign(rows, Rows::new(&centres, d)?)?;
        fill_empty(&mut new, &far, k);
        if new == labels {
            break;
        }
        labels = new;
        centres = means(rows, &labels, k);
        if !tick((k + round) as u64, (k + ROUNDS) as u64) {
            return Err(MethodError::Cancelled);
        }
    }
    debug_assert_eq!(labels.len(), n);
    Ok(labels)
}

/// The nearest centre of each row, the first among equals, and the squared distance but for the row's own norm.
fn assign(rows: Rows, centres: Rows) -> Result<(Vec<i32>, Vec<f32>), MethodError> {
    let norms = centres.squared_norms()?;
    let own = rows.squared_norms()?;
    let (mut labels, mut far) = (vec![0i32; rows.n()], vec![0f32; rows.n()]);
    let blocks = labels.par_chunks_mut(BLOCK).zip(far.par_chunks_mut(BLOCK)).enumerate();
    blocks.for_each(|(block, (labels, far))| {
        let mut products = vec![0.0; labels.len() * centres.n()];
        inner_products(rows.slice(block * BLOCK, labels.len()), centres, &mut products);
        for (i, products) in products.chunks_exact(centres.n()).enumerate() {
            let mut best = (f32::INFINITY, 0);
            for (c, (product, norm)) in products.iter().zip(&norms).enumerate() {
                let distance = norm - 2.0 * product;
                if distance < best.0 {
                    best = (distance, c as i32);
                }
            }
            (far[i], labels[i]) = (best.0 + own[block * BLOCK + i], best.1);
        }
    });
    Ok((labels, far))
}

/// Gives each of `k` clusters that has no image the one that lies farthest from its own centre.
pub(crate) fn fill_empty(labels: &mut [i32], far: &[f32], k: usize) {
    let mut sizes = vec![0usize; k];
    labels.iter().for_each(|&l| sizes[l as usize] += 1);
    for empty in (0..k).filter(|&c| sizes[c] == 0).collect::<Vec<_>>() {
        let movable = (0..labels.len()).filter(|&i| sizes[labels[i] as usize] > 1);
        let Some(farthest) = movable.max_by(|&a, &b| far[a].total_cmp(&far[b]).then(b.cmp(&a))) else { return };
        sizes[labels[farthest] as usize] -= 1;
        sizes[empty] = 1;
        labels[farthest] = empty as i32;
    }
}

fn means(rows: Rows, labels: &[i32], k: usize) -> Vec<f32> {
    let d = rows.d();
    let mut sums = vec![0f64; k * d];
    let mut sizes = vec![0f64; k];
    for (i, &label) in labels.iter().enumerate() {
        let label = label as usize;
        sizes[label] += 1.0;
        let sum = &mut sums[label * d..(label + 1) * d];
        sum.iter_mut().zip(rows.row(i)).for_each(|(s, &x)| *s += f64::from(x));
    }
    sums.chunks_exact(d)
        .zip(&sizes)
        .flat_map(|(sum, size)| sum.iter().map(move |s| (s / size.max(1.0)) as f32))
        .collect()
}
