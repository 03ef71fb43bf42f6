//! What may be nearest to the rows of a block, as the first pass finds it.

use super::Part;
use super::bounds::Bounds;
use crate::method::wide::{Kernel, widest};

/// Values compared at once before any is looked at singly.
const LANES: usize = 16;
/// Spare candidates of a row beside twice the wanted ones before they are thinned out.
const SPARE: usize = 32;
/// With more candidates than this a row is compared with all others instead: all of them are about as near.
const CROWD: usize = 1024;

/// The rows of one block and what may be nearest to them.
pub(in crate::method) struct RowBlock {
    pub(super) start: usize,
    /// Neighbours wanted a row, the row itself not counted.
    k: usize,
    /// Of each row the candidates: bits of the first pass's distance, then the index. Distances are not negative, so
    /// their bits sort as they do.
    near: Vec<Vec<u64>>,
    /// Candidates a row at which they are thinned out.
    limit: Vec<usize>,
    /// Nothing farther than this can be among the nearest.
    pub(in crate::method) bound: Vec<f32>,
    /// 2E of each row.
    slack: Vec<f32>,
    /// The largest distance each row has met.
    pub(super) far: Vec<f32>,
}

impl RowBlock {
    pub(super) fn new(start: usize, len: usize, k: usize, bounds: &Bounds) -> Self {
        Self { far: vec![0.0; len], ..Self::of(start, k.saturating_sub(1), &bounds.error[start..start + len]) }
    }

    /// The rows from `start` on that have these bounds E, and want `k` others each; what is farthest is not asked for.
    pub(in crate::method) fn of(start: usize, k: usize, errors: &[f32]) -> Self {
        let len = errors.len();
        Self {
            start,
            k,
            near: vec![Vec::new(); len],
            limit: vec![2 * k + SPARE; len],
            bound: vec![if k == 0 { f32::NEG_INFINITY } else { f32::INFINITY }; len],
            slack: errors.iter().map(|e| 2.0 * e).collect(),
            far: Vec::new(),
        }
    }

    /// Offers row `index` of all, at this distance, to row `r` of the block.
    pub(in crate::method) fn offer(&mut self, r: usize, distance: f32, index: u32) {
        if distance <= self.bound[r] {
            self.near[r].push(key(distance.max(0.0), index));
            if self.near[r].len() >= self.limit[r] {
                self.thin_out(r);
            }
        }
    }

    /// Of each row the candidates that are left, ascending: their numbers, and all of them.
    pub(in crate::method) fn candidates(self) -> (Vec<u32>, Vec<u32>) {
        let mut lengths = Vec::with_capacity(self.near.len());
        let mut all = Vec::new();
        for (near, bound) in self.near.into_iter().zip(self.bound) {
            let start = all.len();
            all.extend(near.iter().filter(|&&key| distance_of(key) <= bound).map(|&key| key as u32));
            all[start..].sort_unstable();
            lengths.push((all.len() - start) as u32);
        }
        (lengths, all)
    }

    #[inline(never)]
    fn thin_out(&mut self, r: usize) {
        let near = &mut self.near[r];
        let (_, last, _) = near.select_nth_unstable(self.k - 1);
        let bound = (distance_of(*last) + self.slack[r]).next_up();
        near.retain(|&key| distance_of(key) <= bound);
        self.bound[r] = bound;
        if 4 * near.len() > 3 * self.limit[r] {
            self.limit[r] *= 2;
            if self.limit[r] > CROWD.max(4 * self.k) {
                // To be compared with all.
                *near = Vec::new();
                self.bound[r] = f32::NEG_INFINITY;
            }
        }
    }
}

pub(in crate::method) fn key(distance: f32, index: u32) -> u64 {
    u64::from(distance.to_bits()) << 32 | u64::from(index)
}

pub(in crate::method) fn distance_of(key: u64) -> f32 {
    f32::from_bits((key >> 32) as u32)
}

/// Takes up products between two blocks, or within one, for both rows of each pair.
pub(super) fn absorb(
    a: &mut RowBlock,
    b: Option<&mut RowBlock>,
    part: &Part,
    norms: &[f32],
    wants_far: bool,
    hits: &mut Hits,
) {
    hits.clear();
    let own = part.row - a.start..part.row - a.start + part.rows;
    let other = b.as_ref().map_or(a.start, |b| b.start);
    let theirs = part.column - other..part.column - other + part.columns;
    let norms = (&norms[part.row..part.row + part.rows], &norms[part.column..part.column + part.columns]);
    widest(Look {
        part,
        norms,
        bounds: (&a.bound[own.clone()], &b.as_ref().map_or(&a.bound, |b| &b.bound)[theirs.clone()]),
        hits,
    });
    let mut both = (a, b);
    if wants_far {
        let mut far = vec![0.0f32; part.columns];
        widest(Farthest { part, norms, far: (&mut both.0.far[own], &mut far) });
        let theirs = both.1.as_deref_mut().unwrap_or(both.0).far[theirs].iter_mut();
        theirs.zip(&far).for_each(|(f, &d)| *f = if d > *f { d } else { *f });
    }
    for &(i, j, distance) in hits.iter() {
        both.0.offer(i as usize - both.0.start, distance, j);
        let theirs = both.1.as_deref_mut().unwrap_or(both.0);
        theirs.offer(j as usize - theirs.start, distance, i);
    }
}

/// Rows, others and distances.
pub(super) type Hits = Vec<(u32, u32, f32)>;

/// Which of |x|² + |y|² − 2x·y of a part are within the bound of one of both rows. Where the part meets the diagonal,
/// pairs above it alone.
struct Look<'a> {
    part: &'a Part<'a>,
    norms: (&'a [f32], &'a [f32]),
    bounds: (&'a [f32], &'a [f32]),
    hits: &'a mut Hits,
}

impl Kernel for Look<'_> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self { part, norms, bounds, hits } = self;
        for (r, products) in part.products.chunks_exact(part.width).enumerate().take(part.rows) {
            let (norm, bound, row) = (norms.0[r], bounds.0[r], part.row + r);
            let distance = |norm_of_other: f32, product: f32| norm + norm_of_other - 2.0 * product;
            let chunks = products[..part.columns].chunks(LANES).zip(norms.1.chunks(LANES)).zip(bounds.1.chunks(LANES));
            for (c, ((products, norms), bounds)) in chunks.enumerate() {
                let start = part.column + c * LANES;
                let mut push = |o: usize| {
                    if start + o > row {
                        hits.push((row as u32, (start + o) as u32, distance(norms[o], products[o])));
                    }
                };
                let near =
                    |o: usize| distance(norms[o], products[o]) <= if bounds[o] > bound { bounds[o] } else { bound };
                if products.len() < LANES || norms.len() < LANES || bounds.len() < LANES {
                    (0..products.len()).filter(|&o| near(o)).for_each(push);
                    continue;
                }
                // One byte each, so that the few that are near are found by counting zeros.
                let mut left = u128::from_le_bytes(std::array::from_fn(|o| u8::from(near(o))));
                while left != 0 {
                    push(left.trailing_zeros() as usize / 8);
                    left &= left - 1;
                }
            }
        }
    }
}

/// The largest distance that each row of a part meets, on either side; pairs on and below the diagonal do no harm.
struct Farthest<'a> {
    part: &'a Part<'a>,
    norms: (&'a [f32], &'a [f32]),
    far: (&'a mut [f32], &'a mut [f32]),
}

impl Kernel for Farthest<'_> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self { part, norms, far } = self;
        for (r, products) in part.products.chunks_exact(part.width).enumerate().take(part.rows) {
            let mut farthest = far.0[r];
            for ((&product, &norm), far) in products.iter().zip(norms.1).zip(&mut *far.1) {
                let d = norms.0[r] + norm - 2.0 * product;
                *far = if d > *far { d } else { *far };
                farthest = if d > farthest { d } else { farthest };
            }
            far.0[r] = farthest;
        }
    }
}
