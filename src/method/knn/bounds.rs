//! How far the first pass may be from the second.

use rayon::prelude::*;

use crate::method::rows::Rows;
use crate::method::wide::{Kept, Kernel, rounded, widest};

const U: f64 = 1.0 / (1 << 24) as f64;

/// How far the two passes may lie apart.
pub(super) struct Bounds {
    /// `[n]`: E of each row, whatever the other row is.
    pub(super) error: Vec<f32>,
}

impl Bounds {
    /// With u = 2⁻²⁴, γ = m·u / (1 − m·u) for sums of m terms in any order, r and s the lengths of two rows x and y:
    ///
    /// - Products of whole numbers are wrong by at most γ·r·s.
    /// - Products of rounded numbers x', y' are wrong by |x·y − x'·y'| = |(x − x')·y + x'·(y − y')|
    ///   ≤ |x − x'|·s + |x'|·|y − y'|, and their sum by γ·|x'|·|y'|, with twice u, as the instruction's order and
    ///   rounding of the two products that it adds at once are its own. It takes what is below 2⁻¹²⁶ for 0, which is
    ///   at most 2⁻¹²⁶ a step.
    /// - A = r² + s² − 2p: the squared lengths are rounded once, the two sums once each: 4u·(r² + s²) + 2u·|2p|.
    /// - S is wrong by at most γ·(r + s)² with m of d / 64 + 9.
    ///
    /// For s, |y'| and |y − y'| the largest of any row are put in, so that each row has one bound. All of it is computed
    /// in `f64` and then enlarged by a thousandth for that computation's own rounding.
    pub(super) fn new(rows: Rows, norms: &[f32], kept: Kept) -> Self {
        let lengths = Lengths::of(rows, norms, kept);
        Self { error: (0..rows.n()).map(|i| lengths.error_to(i, &lengths)).collect() }
    }
}

/// What the bounds of some rows are made of.
pub(in crate::method) struct Lengths {
    d: usize,
    kept: Kept,
    /// Of each row its length, that of what the first pass multiplies, and that of their difference.
    of: Vec<[f64; 3]>,
    /// The largest of each.
    most: [f64; 3],
}

impl Lengths {
    pub(in crate::method) fn of(rows: Rows, norms: &[f32], kept: Kept) -> Self {
        let of: Vec<[f64; 3]> = (0..rows.n())
            .into_par_iter()
            .map(|i| {
                let own = f64::from(norms[i]).sqrt() * (1.0 + 2.0 * U) + f64::from(f32::MIN_POSITIVE);
                match kept {
                    Kept::Whole => [own, own, 0.0],
                    Kept::Rounded => {
                        let [near, off] = widest(RoundedLengths(rows.row(i)));
                        [own, near, off]
                    }
                }
            })
            .collect();
        let most = [0, 1, 2].map(|at| of.iter().map(|l| l[at]).fold(0.0, f64::max));
        Self { d: rows.d(), kept, of, most }
    }

    /// E of row `i` ([`Bounds::new`]), whichever of `others` the other row is.
    pub(in crate::method) fn error_to(&self, i: usize, others: &Self) -> f32 {
        let ([r, near, off], [s, s_near, s_off]) = (self.of[i], others.most);
        let d = self.d as f64;
        let gamma = |terms: f64, u: f64| if terms * u < 0.5 { terms * u / (1.0 - terms * u) } else { f64::INFINITY };
        let product = off * s
            + near * s_off
            + gamma(d + 2.0, if self.kept == Kept::Whole { U } else { 2.0 * U }) * near * s_near
            + (d + 2.0) * f64::from(f32::MIN_POSITIVE);
        let sums = 4.0 * U * (r * r + s * s) + 4.0 * U * r * s;
        let second = gamma(d / 64.0 + 12.0, U) * (r + s) * (r + s);
        ((2.0 * product + sums + second) * 1.001) as f32
    }
}

/// The lengths of a row when rounded, and of what rounding took off.
struct RoundedLengths<'a>(&'a [f32]);

impl Kernel for RoundedLengths<'_> {
    type Out = [f64; 2];

    #[inline(always)]
    fn run(self) -> [f64; 2] {
        const LANES: usize = 16;
        let (mut near, mut off) = ([0.0f64; LANES], [0.0f64; LANES]);
        let mut add = |lane: usize, x: f32| {
            let y = rounded(x);
            near[lane] += f64::from(y) * f64::from(y);
            off[lane] += f64::from(x - y) * f64::from(x - y);
        };
        let (head, tail) = self.0.as_chunks::<LANES>();
        for x in head {
            (0..LANES).for_each(|lane| add(lane, x[lane]));
        }
        tail.iter().enumerate().for_each(|(lane, &x)| add(lane, x));
        [near, off].map(|sums| sums.iter().sum::<f64>().sqrt())
    }
}
