//! The nearest of some rows to each of some others: the two passes of `knn`, one way.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use super::Progress;
use crate::method::error::MethodError;
use crate::method::knn::FirstPass;
use crate::method::knn::bounds::Lengths;
use crate::method::knn::near::{RowBlock, key};
use crate::method::product::inner_products;
use crate::method::rows::{Rows, squared_distance};
use crate::method::wide::{GROUP, Kept, Kernel, PANEL, RowPanels, widest};

/// Rows whose products are made and looked at together: a strip of panels.
const STRIP: usize = 4 * PANEL;
/// Rows that one job compares with all centres.
const QUERIES: usize = 512;
/// Centres that a row is compared with before the next ones have a bound, twice as many each time: whole groups.
const FIRST: usize = 2 * GROUP * PANEL;
/// Rows of a list that one job goes through.
const PIECE: usize = 1152;
/// Rows that share a lock.
const SHARED: usize = 64;
/// Values compared at once before any is looked at singly.
const LANES: usize = 16;

/// Rows with what the first pass must know of them.
pub(super) struct Set<'a> {
    pub(super) rows: Rows<'a>,
    norms: Vec<f32>,
    lengths: Lengths,
    how: Option<Kept>,
}

impl<'a> Set<'a> {
    pub(super) fn new(pass: FirstPass, rows: Rows<'a>) -> Result<Self, MethodError> {
        let how = match pass {
            FirstPass::Rounded if Kept::Rounded.is_fast() => Some(Kept::Rounded),
            FirstPass::Rounded | FirstPass::Wide if Kept::Whole.is_fast() => Some(Kept::Whole),
            _ => None,
        };
        Self::multiplied(how, rows)
    }

    fn multiplied(how: Option<Kept>, rows: Rows<'a>) -> Result<Self, MethodError> {
        let norms = rows.squared_norms()?;
        let lengths = Lengths::of(rows, &norms, how.unwrap_or(Kept::Whole));
        Ok(Self { rows, norms, lengths, how })
    }

    fn laid_out(&self, ids: &[u32]) -> LaidOut {
        let norms = ids.iter().map(|&i| self.norms[i as usize]).collect();
        let rows = match self.how {
            Some(kept) => Layout::Panels(RowPanels::gathered(self.rows, ids, kept)),
            None => Layout::Plain(ids.iter().flat_map(|&i| self.rows.row(i as usize)).copied().collect()),
        };
        LaidOut { norms, rows, d: self.rows.d() }
    }
}

/// Some rows of a [`Set`], ready to be multiplied.
struct LaidOut {
    norms: Vec<f32>,
    rows: Layout,
    d: usize,
}

enum Layout {
    Plain(Vec<f32>),
    Panels(RowPanels),
}

impl LaidOut {
    /// Some rows of what is laid out by [`SHARED`] already.
    fn picked(all: &[Self], rows: &[u32]) -> Self {
        let of = |at: usize| (&all[rows[at] as usize / SHARED], rows[at] as usize % SHARED);
        let d = of(0).0.d;
        let norms = (0..rows.len()).map(|at| of(at).0.norms[of(at).1]).collect();
        let panels = |at: usize| match of(at) {
            (Self { rows: Layout::Panels(panels), .. }, row) => Some((panels, row)),
            _ => None,
        };
        let plain = |at: usize| match of(at) {
            (Self { rows: Layout::Plain(data), .. }, row) => &data[row * d..(row + 1) * d],
            _ => &[],
        };
        let rows = match panels(0) {
            Some(first) => Layout::Panels(RowPanels::picked(rows.len(), |at| panels(at).unwrap_or(first))),
            None => Layout::Plain((0..rows.len()).flat_map(plain).copied().collect()),
        };
        Self { norms, rows, d }
    }

    /// Notes which of `columns` of `other`, from the first of a group on, are within `bounds` of the rows of `strip`, a
    /// [`STRIP`] of these or what is left of one: `hits` are counted from the first row of the strip.
    fn look(
        &self,
        strip: Range<usize>,
        (other, columns): (&Self, Range<usize>),
        bounds: &[f32],
        buffers: &mut Buffers,
    ) {
        let Buffers { products, hits } = buffers;
        hits.clear();
        let norm = &self.norms[strip.clone()];
        match (&self.rows, &other.rows) {
            (Layout::Panels(own), Layout::Panels(theirs)) => {
                products.resize((STRIP * GROUP * PANEL).max(products.len()), 0.0);
                for first in columns.clone().step_by(GROUP * PANEL) {
                    let norms = &other.norms[first..columns.end.min(first + GROUP * PANEL)];
                    let panels = norms.len().div_ceil(PANEL);
                    let rows = strip.start / PANEL..strip.end.div_ceil(PANEL);
                    own.products(rows, theirs, first / PANEL, panels, products);
                    widest(Look { products, width: panels * PANEL, first, norm, norms, bounds, hits });
                }
            }
            (Layout::Plain(own), Layout::Plain(theirs)) => {
                let width = columns.len();
                products.resize((strip.len() * width).max(products.len()), 0.0);
                let d = self.d;
                let a = Rows::new(&own[strip.start * d..strip.end * d], d);
                let b = Rows::new(&theirs[columns.start * d..columns.end * d], d);
                if let (Ok(a), Ok(b)) = (a, b) {
                    inner_products(a, b, products);
                }
                let norms = &other.norms[columns.clone()];
                widest(Look { products, width, first: columns.start, norm, norms, bounds, hits });
            }
            _ => unreachable!("both are of one set, or of one made like it"),
        }
    }
}

#[derive(Default)]
struct Buffers {
    products: Vec<f32>,
    /// Rows of the strip, rows of the other side, distances.
    hits: Vec<(u32, u32, f32)>,
}

/// Which of |x|² + |y|² − 2x·y are within the bound of x.
struct Look<'a> {
    products: &'a [f32],
    width: usize,
    first: usize,
    norm: &'a [f32],
    norms: &'a [f32],
    bounds: &'a [f32],
    hits: &'a mut Vec<(u32, u32, f32)>,
}

impl Kernel for Look<'_> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self { products, width, first, norm, norms, bounds, hits } = self;
        for (r, products) in products.chunks_exact(width).enumerate().take(norm.len()) {
            let (norm, bound) = (norm[r], bounds[r]);
            let distance = |norm_of_other: f32, product: f32| norm + norm_of_other - 2.0 * product;
            let chunks = products[..norms.len()].chunks(LANES).zip(norms.chunks(LANES));
            for (c, (products, norms)) in chunks.enumerate() {
                let near = |o: usize| distance(norms[o], products[o]) <= bound;
                let whole = products.len() == LANES && norms.len() == LANES;
                if whole && !(0..LANES).fold(false, |any, o| any | near(o)) {
                    continue;
                }
                for o in (0..products.len()).filter(|&o| near(o)) {
                    hits.push((r as u32, (first + c * LANES + o) as u32, distance(norms[o], products[o])));
                }
            }
        }
    }
}

/// The centres of some lists.
pub(super) struct Centres<'a> {
    set: Set<'a>,
    all: LaidOut,
}

impl<'a> Centres<'a> {
    /// Of centres `[lists, d]`, to be compared with the rows of `set`.
    pub(super) fn new(set: &Set, centres: &'a [f32]) -> Result<Self, MethodError> {
        let own = Set::multiplied(set.how, Rows::new(centres, set.rows.d())?)?;
        let ids: Vec<u32> = (0..own.rows.n() as u32).collect();
        let all = own.laid_out(&ids);
        Ok(Self { set: own, all })
    }

    /// The `k` nearest centres of each of `ids` (`k` of their keys each, ascending); there must be as many.
    pub(super) fn nearest(
        &self,
        set: &Set,
        ids: &[u32],
        k: usize,
        progress: &Progress,
    ) -> Result<Vec<u64>, MethodError> {
        let mut keys = vec![0u64; ids.len() * k];
        let jobs = ids.par_chunks(QUERIES).zip(keys.par_chunks_mut(QUERIES * k));
        let whole: Option<()> = jobs
            .map_init(Buffers::default, |buffers, (ids, keys)| {
                let errors: Vec<f32> =
                    ids.iter().map(|&i| set.lengths.error_to(i as usize, &self.set.lengths)).collect();
                let mut block = RowBlock::of(0, k, &errors);
                let own = set.laid_out(ids);
                for start in (0..ids.len()).step_by(STRIP) {
                    let strip = start..ids.len().min(start + STRIP);
                    // Few at first: until as many as are wanted were looked at, all of them are near.
                    let (mut first, mut size) = (0, FIRST);
                    while first < self.all.norms.len() {
                        let columns = first..self.all.norms.len().min(first + size);
                        let bounds = &block.bound[strip.clone()];
                        own.look(strip.clone(), (&self.all, columns.clone()), bounds, buffers);
                        buffers.hits.iter().for_each(|&(r, j, d)| block.offer(start + r as usize, d, j));
                        (first, size) = (columns.end, 2 * size);
                    }
                }
                let everyone = || 0..self.set.rows.n() as u32;
                least(set, (ids, self.set.rows), block, k, |_| everyone().collect(), keys.chunks_exact_mut(k));
                progress.goes_on().then_some(())
            })
            .collect();
        whole.map(|()| keys).ok_or(MethodError::Cancelled)
    }
}

/// The second pass: of each row's candidates, or of all that it was compared with where there are too many of them, the
/// `k` least by (distance, index).
fn least<'o>(
    set: &Set,
    (ids, others): (&[u32], Rows),
    block: RowBlock,
    k: usize,
    all: impl Fn(usize) -> Vec<u32>,
    out: impl Iterator<Item = &'o mut [u64]>,
) {
    let crowded: Vec<bool> = block.bound.iter().map(|&b| b == f32::NEG_INFINITY).collect();
    let (lengths, candidates) = block.candidates();
    let mut found = Vec::new();
    let mut at = 0;
    for (((r, &i), length), out) in ids.iter().enumerate().zip(lengths).zip(out) {
        let own = &candidates[at..at + length as usize];
        at += length as usize;
        let exact = |j: u32| key(squared_distance(set.rows.row(i as usize), others.row(j as usize)), j);
        found.clear();
        match crowded[r] && k > 0 {
            true => found.extend(all(r).into_iter().map(exact)),
            false => found.extend(own.iter().map(|&j| exact(j))),
        }
        if found.len() > k && k > 0 {
            found.select_nth_unstable(k - 1);
            found.truncate(k);
        }
        found.sort_unstable();
        out.copy_from_slice(&found);
    }
}

/// Which lists each of some rows is looked up in.
pub(super) struct Asks {
    indptr: Vec<usize>,
    lists: Vec<u32>,
}

impl Asks {
    pub(super) fn new(asked: &[Vec<u32>]) -> Self {
        let mut end = 0;
        let ends = asked.iter().map(|lists| {
            end += lists.len();
            end
        });
        Self { indptr: std::iter::once(0).chain(ends).collect(), lists: asked.concat() }
    }

    /// All rows in all lists.
    pub(super) fn all(rows: usize, lists: usize) -> Self {
        let one = 0..lists as u32;
        Self { indptr: (0..=rows).map(|r| r * lists).collect(), lists: (0..rows).flat_map(|_| one.clone()).collect() }
    }

    fn of(&self, row: usize) -> &[u32] {
        &self.lists[self.indptr[row]..self.indptr[row + 1]]
    }

    /// Of each list the rows that are looked up in it, ascending.
    fn turned(&self, lists: usize) -> Vec<Vec<u32>> {
        let mut sizes = vec![0usize; lists];
        self.lists.iter().for_each(|&l| sizes[l as usize] += 1);
        let mut out: Vec<Vec<u32>> = sizes.into_iter().map(Vec::with_capacity).collect();
        for row in 0..self.indptr.len() - 1 {
            self.of(row).iter().for_each(|&l| out[l as usize].push(row as u32));
        }
        out
    }
}

/// Rows in pieces of equal size, as lists.
pub(super) fn pieces(ids: &[u32]) -> Vec<&[u32]> {
    ids.chunks(PIECE).collect()
}

/// The `k` nearest others of each of `ids` among the `lists` that it `asks`, which must hold as many: their keys,
/// ascending.
pub(super) fn by_lists(
    set: &Set,
    ids: &[u32],
    lists: &[&[u32]],
    asks: &Asks,
    k: usize,
    progress: &Progress,
) -> Result<Vec<Vec<u64>>, MethodError> {
    let blocks: Vec<Mutex<RowBlock>> = ids
        .chunks(SHARED)
        .enumerate()
        .map(|(b, ids)| {
            let errors: Vec<f32> = ids.iter().map(|&i| set.lengths.error_to(i as usize, &set.lengths)).collect();
            Mutex::new(RowBlock::of(b * SHARED, k, &errors))
        })
        .collect();
    let ours: Vec<LaidOut> = ids.par_chunks(SHARED).map(|ids| set.laid_out(ids)).collect();
    let asking = asks.turned(lists.len());
    let jobs: Vec<(&[u32], &[u32])> = lists
        .iter()
        .zip(&asking)
        .filter(|(_, asking)| !asking.is_empty())
        .flat_map(|(list, asking)| list.chunks(PIECE).map(|piece| (piece, &asking[..])))
        .collect();
    let whole: Option<()> = jobs
        .par_iter()
        .with_max_len(1)
        .map_init(Buffers::default, |buffers, &(piece, asking)| {
            let theirs = set.laid_out(piece);
            asking.chunks(STRIP).for_each(|rows| compare((ids, &ours), rows, (piece, &theirs), &blocks, buffers));
            progress.goes_on().then_some(())
        })
        .collect();
    whole.ok_or(MethodError::Cancelled)?;
    let mut keys = vec![vec![0u64; k]; ids.len()];
    blocks.into_par_iter().zip(keys.par_chunks_mut(SHARED)).zip(ids.par_chunks(SHARED)).enumerate().for_each(
        |(b, ((block, keys), own))| {
            let block = block.into_inner().unwrap_or_else(PoisonError::into_inner);
            let all = |r: usize| {
                let rows = asks.of(b * SHARED + r).iter().flat_map(|&l| lists[l as usize]).copied();
                rows.filter(|&j| j != own[r]).collect()
            };
            least(set, (own, set.rows), block, k, all, keys.iter_mut().map(|k| &mut k[..]));
        },
    );
    Ok(keys)
}

/// Compares some of `ids`, `rows` of them, with a piece of a list.
fn compare(
    (ids, ours): (&[u32], &[LaidOut]),
    rows: &[u32],
    (piece, theirs): (&[u32], &LaidOut),
    blocks: &[Mutex<RowBlock>],
    buffers: &mut Buffers,
) {
    let bounds: Vec<f32> =
        rows.iter().map(|&r| lock(&blocks[r as usize / SHARED]).bound[r as usize % SHARED]).collect();
    LaidOut::picked(ours, rows).look(0..rows.len(), (theirs, 0..piece.len()), &bounds, buffers);
    // In one go for all of a row.
    buffers.hits.sort_unstable_by_key(|&(r, j, _)| (r, j));
    for hits in buffers.hits.chunk_by(|a, b| a.0 == b.0) {
        let at = hits[0].0 as usize;
        let row = rows[at] as usize;
        let own = ids[row];
        let mut block = lock(&blocks[row / SHARED]);
        for &(_, j, distance) in hits.iter().filter(|h| piece[h.1 as usize] != own) {
            block.offer(row % SHARED, distance, piece[j as usize]);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
