//! t-SNE on neighbour lists that are there already: Barnes-Hut, or on a grid where there are many, from a given layout,
//! on one thread.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use bhtsne::{Neighbor, tSNE};

use crate::method::error::MethodError;

/// The nearest neighbours of N images, as a snapshot holds them.
#[derive(Clone, Copy, Debug)]
pub struct Lists<'a> {
    /// `[n, k]`: images by distance, itself first.
    pub index: &'a [u32],
    /// `[n, k]`: their squared distances.
    pub dist: &'a [f32],
    /// Images, N.
    pub n: usize,
    /// Neighbours an image, itself included.
    pub k: usize,
}

/// Where the points begin, `[N, 2]`.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// A layout of which only the directions count (principal components, [`spiral`]): it is drawn together to a
    /// spread of 10⁻⁴, as is usual.
    Shape(&'a [f32]),
    /// A layout of an earlier t-SNE, taken as it is, so that points travel from there.
    Layout(&'a [f32]),
}

/// How long and how exactly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TsneOptions {
    /// Iterations in all.
    pub iterations: usize,
    /// The first of them pull neighbours together twelve times as strongly; 0 from a layout that is settled.
    pub exaggerated: usize,
    /// Barnes-Hut: cells that look smaller than this are taken as one point. The grid of many images knows no such.
    pub theta: f32,
}

impl TsneOptions {
    /// From principal components or nothing.
    pub fn fresh() -> Self {
        Self { iterations: 600, exaggerated: 150, theta: 0.5 }
    }

    /// From the settled layout of another epoch.
    pub fn warm() -> Self {
        Self { iterations: 200, exaggerated: 0, theta: 0.5 }
    }
}

/// Images from which forces are interpolated on a grid (Linderman et al. 2019, FIt-SNE) rather than taken from cells of a
/// tree: half the time at 12,936 images, and it grows with their number alone. Below, the grid costs more than the tree.
const MANY: usize = 5000;

/// What unwinds out of the crate when the caller cancels.
struct Stop;

/// t-SNE (van der Maaten 2014) of N images: a layout `[N, 2]`, row-major. The perplexity follows from the lists:
/// (k − 1) / 3, as each image knows no more neighbours.
///
/// `each` is called after every iteration with its number, from 1, and the layout so far; `false` cancels. All of it
/// runs on one thread of its own: sums have one order, so the same lists and start give the same layout again (on every
/// machine below [`MANY`] images; the transforms of the grid round as the processor's registers are wide), and
/// training keeps the other cores.
///
/// # Errors
/// When the lists do not fit their shape, have no neighbours but the image itself, hold what is not finite, or
/// `each` cancels.
pub fn tsne(
    lists: Lists<'_>,
    start: Start<'_>,
    options: TsneOptions,
    each: &mut (dyn FnMut(usize, &[f32]) -> bool + Send),
) -> Result<Vec<f32>, MethodError> {
    let Lists { n, k, .. } = lists;
    let neighbours = checked(lists)?;
    let initial = placed(start, n)?;
    if n < 2 || options.iterations == 0 {
        return Ok(initial);
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .thread_name(|_| "t-SNE worker".to_owned())
        .build()
        .map_err(|e| MethodError::shape("t-SNE", "a thread", e))?;
    let found = pool.install(|| {
        let points = vec![(); n];
        let mut fit: tSNE<'_, f32, ()> = tSNE::new(&points);
        fit.perplexity((k - 1) as f32 / 3.0)
            .learning_rate(learning_rate(n))
            .epochs(options.iterations)
            .stop_lying_epoch(options.exaggerated)
            .momentum_switch_epoch(options.exaggerated)
            .initial_embedding(initial)
            .epoch_callback(|epoch, layout| {
                if !each(epoch + 1, layout) {
                    // The crate's callback cannot say stop; `resume_unwind` leaves without the panic hook.
                    resume_unwind(Box::new(Stop));
                }
            });
        let run = catch_unwind(AssertUnwindSafe(|| {
            if n < MANY {
                fit.barnes_hut_with_neighbors(options.theta, &neighbours);
            } else {
                fit.fit_sne_with_neighbors(&neighbours);
            }
        }));
        match run {
            Ok(()) => Ok(fit.embedding()),
            Err(cause) if cause.is::<Stop>() => Err(MethodError::Cancelled),
            Err(_) => Err(MethodError::shape("t-SNE", "lists and a start it can use", "a panic in the crate")),
        }
    })?;
    match found.iter().position(|x| !x.is_finite()) {
        None => Ok(found),
        Some(at) => Err(MethodError::NotFinite { row: at / 2, count: found.iter().filter(|x| !x.is_finite()).count() }),
    }
}

/// The crate's own rate (N / 48) leaves a layout of ten thousand images half grown after a thousand iterations, and
/// N / 2 tears it apart while it is exaggerated; openTSNE takes N / 12 (Belkina et al. 2019) and more iterations.
fn learning_rate(n: usize) -> f32 {
    (n as f32 / 6.0).max(50.0)
}

/// A layout for want of a better one: images on a sunflower's spiral, in their order.
pub fn spiral(n: usize) -> Vec<f32> {
    const GOLDEN: f32 = 2.399_963_2;
    let at = |i: usize| {
        let (radius, angle) = (((i as f32 + 0.5) / n as f32).sqrt(), GOLDEN * i as f32);
        [radius * angle.cos(), radius * angle.sin()]
    };
    (0..n).flat_map(at).collect()
}

/// The lists without the images themselves, distances not squared.
fn checked(lists: Lists<'_>) -> Result<Vec<Vec<Neighbor<f32>>>, MethodError> {
    let Lists { index, dist, n, k } = lists;
    if index.len() != n * k || dist.len() != n * k {
        return Err(MethodError::shape("neighbours", format!("[{n}, {k}]"), index.len().min(dist.len())));
    }
    if n >= 2 && k < 2 {
        return Err(MethodError::shape("neighbours", "at least one beside the image itself", k.saturating_sub(1)));
    }
    if let Some(&far) = index.iter().find(|&&j| j as usize >= n) {
        return Err(MethodError::shape("neighbours", format!("images below {n}"), far));
    }
    let odd = |d: &f32| !d.is_finite();
    if let Some(at) = dist.iter().position(odd) {
        return Err(MethodError::NotFinite { row: at / k, count: dist.iter().filter(|d| odd(d)).count() });
    }
    let row = |i: usize| {
        let span = i * k..(i + 1) * k;
        let others = index[span.clone()].iter().zip(&dist[span]).filter(|(j, _)| **j as usize != i);
        let mut row: Vec<_> =
            others.map(|(&j, &d)| Neighbor { index: j as usize, distance: d.max(0.0).sqrt() }).collect();
        row.truncate(k.saturating_sub(1));
        row
    };
    let rows: Vec<_> = (0..n).map(row).collect();
    match rows.iter().position(|row| row.len() + 1 != k && n >= 2) {
        None => Ok(rows),
        Some(i) => Err(MethodError::shape("neighbours", "each image once in its own list", format!("row {i}"))),
    }
}

/// The start at the scale that the iterations expect.
fn placed(start: Start<'_>, n: usize) -> Result<Vec<f32>, MethodError> {
    let (given, shape) = match start {
        Start::Shape(given) => (given, true),
        Start::Layout(given) => (given, false),
    };
    if given.len() != 2 * n {
        return Err(MethodError::shape("start", format!("[{n}, 2]"), format!("{} values", given.len())));
    }
    if let Some(at) = given.iter().position(|x| !x.is_finite()) {
        return Err(MethodError::NotFinite { row: at / 2, count: given.iter().filter(|x| !x.is_finite()).count() });
    }
    if !shape || n == 0 {
        return Ok(given.to_vec());
    }
    let mean = [0, 1].map(|a| given.iter().skip(a).step_by(2).map(|&x| f64::from(x)).sum::<f64>() / n as f64);
    let of = |i: usize| f64::from(given[i]) - mean[i % 2];
    let spread = (given.iter().enumerate().map(|(i, _)| of(i) * of(i)).sum::<f64>() / n as f64).sqrt();
    if spread <= f64::MIN_POSITIVE {
        // All in one place: no direction to begin with.
        return Ok(spiral(n).iter().map(|x| x * 1e-4).collect());
    }
    Ok((0..2 * n).map(|i| (of(i) / spread * 1e-4) as f32).collect())
}
