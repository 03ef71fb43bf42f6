//! A matrix of features as a borrowed slice.

use rayon::prelude::*;

use super::error::MethodError;
use super::wide::{Kernel, widest};

/// Features `[n, d]`, row-major: one image a row.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    data: &'a [f32],
    d: usize,
}

impl<'a> Rows<'a> {
    /// Views `data` as rows of `d` values.
    ///
    /// # Errors
    /// When `d` is 0, does not divide the length, or there are more rows than a `u32` counts.
    pub fn new(data: &'a [f32], d: usize) -> Result<Self, MethodError> {
        if d == 0 || !data.len().is_multiple_of(d) {
            return Err(MethodError::shape(
                "features",
                format!("rows of {d} values"),
                format!("{} values", data.len()),
            ));
        }
        if u32::try_from(data.len() / d).is_err() {
            return Err(MethodError::shape("features", "fewer than 4,294,967,296 rows", data.len() / d));
        }
        Ok(Self { data, d })
    }

    /// Rows, N.
    pub fn n(&self) -> usize {
        self.data.len() / self.d
    }

    /// Values a row.
    pub fn d(&self) -> usize {
        self.d
    }

    /// Row `i`; panics when there is none, as slices do.
    pub fn row(&self, i: usize) -> &'a [f32] {
        &self.data[i * self.d..(i + 1) * self.d]
    }

    /// `len` rows from `start`; panics when they reach past the end, as slices do.
    pub fn slice(&self, start: usize, len: usize) -> Rows<'a> {
        Rows { data: &self.data[start * self.d..(start + len) * self.d], d: self.d }
    }

    /// All values.
    pub fn data(&self) -> &'a [f32] {
        self.data
    }

    /// |x|² of every row, summed in `f64`.
    ///
    /// # Errors
    /// When a row is not finite, or so long that its distances would leave `f32`.
    pub fn squared_norms(&self) -> Result<Vec<f32>, MethodError> {
        let mut norms = vec![0.0f32; self.n()];
        norms
            .par_chunks_mut(ABREAST)
            .zip(self.data.par_chunks(ABREAST * self.d))
            .for_each(|(norms, rows)| squared_lengths(rows, self.d, norms));
        let mut bad = norms.iter().enumerate().filter(|(_, x)| !x.is_finite() || **x > f32::MAX / 4.0).map(|(i, _)| i);
        match bad.next() {
            None => Ok(norms),
            Some(row) => Err(MethodError::NotFinite { row, count: 1 + bad.count() }),
        }
    }
}

/// Rows whose sums are made side by side, as each must wait for its own last addition.
const ABREAST: usize = 8;

/// |x|² of up to [`ABREAST`] rows, each summed from its first number to its last.
fn squared_lengths(rows: &[f32], d: usize, out: &mut [f32]) {
    let square = |x: f32| f64::from(x) * f64::from(x);
    if out.len() < ABREAST {
        out.iter_mut()
            .zip(rows.chunks(d))
            .for_each(|(out, row)| *out = row.iter().map(|&x| square(x)).sum::<f64>() as f32);
        return;
    }
    let rows: [&[f32]; ABREAST] = std::array::from_fn(|r| &rows[r * d..(r + 1) * d]);
    let mut sums = [0.0f64; ABREAST];
    for at in 0..d {
        for (sum, row) in sums.iter_mut().zip(&rows) {
            *sum += square(row[at]);
        }
    }
    out.iter_mut().zip(sums).for_each(|(out, sum)| *out = sum as f32);
}

/// Σ (aᵢ − bᵢ)² in `f32`, in running sums that wide registers hold: the same to the bit on every processor, and the same
/// seen from `b`.
pub(crate) fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    widest(Difference(a, b))
}

struct Difference<'a>(&'a [f32], &'a [f32]);

impl Kernel for Difference<'_> {
    type Out = f32;

    #[inline(always)]
    fn run(self) -> f32 {
        const LANES: usize = 64;
        let Self(a, b) = self;
        let (a_head, a_tail) = a.as_chunks::<LANES>();
        let (b_head, b_tail) = b.as_chunks::<LANES>();
        // New sums out of the old ones: those that are written where they stand are kept in memory, not in registers.
        let mut sums = a_head.iter().zip(b_head).fold([0.0f32; LANES], |sums, (x, y)| {
            std::array::from_fn(|lane| {
                let difference = x[lane] - y[lane];
                sums[lane] + difference * difference
            })
        });
        for (lane, (x, y)) in a_tail.iter().zip(b_tail).enumerate() {
            sums[lane] += (x - y) * (x - y);
        }
        let mut width = LANES;
        while width > 1 {
            width /= 2;
            for lane in 0..width {
                sums[lane] += sums[lane + width];
            }
        }
        sums[0]
    }
}
