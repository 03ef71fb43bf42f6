//! What the processor's wide registers do for the method, and beside `product.rs` its one file with `unsafe`.
//!
//! `unsafe` is needed for three things only: to call a function that is compiled for registers which not every processor
//! has, after asking whether this one has them; to load and store whole registers; and to fill memory that was not
//! cleared first.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::rows::Rows;

/// Rows of a panel: as many `f32` as the widest register holds.
pub(crate) const PANEL: usize = 16;
/// Panels that share one walk: with [`HALF`] rows, 24 sums, which with what they are made of fill 28 of 32 registers.
pub(crate) const GROUP: usize = 3;
/// Rows whose products with a group are made at once.
const HALF: usize = 8;

/// Work that is compiled for several widths of registers. What it computes is the same to the bit in all of them: the
/// compiler neither changes the order of sums nor rounds products less than is written.
pub(crate) trait Kernel {
    /// What comes of it.
    type Out;
    /// Does it; to be marked `#[inline(always)]`, as otherwise it keeps the width of the caller.
    fn run(self) -> Self::Out;
}

/// Does `work` with the widest registers there are.
#[allow(unsafe_code)]
pub(crate) fn widest<W: Kernel>(work: W) -> W::Out {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl")]
        fn with_512<W: Kernel>(work: W) -> W::Out {
            work.run()
        }
        #[target_feature(enable = "avx2")]
        fn with_256<W: Kernel>(work: W) -> W::Out {
            work.run()
        }
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512cd")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
        {
            // SAFETY: the processor has what the function is compiled for.
            return unsafe { with_512(work) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: as above.
            return unsafe { with_256(work) };
        }
    }
    work.run()
}

/// How the numbers of [`RowPanels`] are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// As they are.
    Whole,
    /// Rounded to bfloat16, two side by side.
    Rounded,
}

impl Kept {
    /// Whether this processor multiplies such panels: it has the registers, for rounded ones also `vdpbf16ps`.
    pub(crate) fn is_fast(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        {
            is_x86_feature_detected!("avx512f") && (self == Self::Whole || is_x86_feature_detected!("avx512bf16"))
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            false
        }
    }
}

/// One step of a panel: for each of its rows one number, or two rounded ones.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Step([u32; PANEL]);

/// Rows laid out for the kernel: sixteen rows side by side, number by number.
pub(crate) struct RowPanels {
    kept: Kept,
    /// Steps a panel.
    steps: usize,
    /// `[panels, steps]`
    data: Vec<Step>,
}

impl RowPanels {
    /// Lays out `rows`; missing rows of the last panel are 0.
    #[allow(unsafe_code)]
    pub(crate) fn new(rows: Rows, kept: Kept) -> Self {
        use rayon::prelude::*;
        let (n, d) = (rows.n(), rows.d());
        let steps = if kept == Kept::Whole { d } else { d.div_ceil(2) };
        let count = n.div_ceil(PANEL) * steps;
        let mut data = Vec::with_capacity(count);
        data.spare_capacity_mut()[..count].par_chunks_mut(steps).enumerate().for_each(|(p, panel)| {
            let own = p * PANEL..n.min((p + 1) * PANEL);
            widest(LayOut { panel, kept, row: |r: usize| own.clone().nth(r).map(|i| rows.row(i)) });
        });
        // SAFETY: every step of every panel was written.
        unsafe { data.set_len(count) };
        Self { kept, steps, data }
    }

    /// Lays out some of `rows`, in the order given, on the caller's thread alone.
    #[allow(unsafe_code)]
    pub(crate) fn gathered(rows: Rows, ids: &[u32], kept: Kept) -> Self {
        let steps = if kept == Kept::Whole { rows.d() } else { rows.d().div_ceil(2) };
        let count = ids.len().div_ceil(PANEL) * steps;
        let mut data = Vec::with_capacity(count);
        let panels = data.spare_capacity_mut()[..count].chunks_mut(steps);
        for (panel, own) in panels.zip(ids.chunks(PANEL)) {
            widest(LayOut { panel, kept, row: |r: usize| own.get(r).map(|&i| rows.row(i as usize)) });
        }
        // SAFETY: every step of every panel was written.
        unsafe { data.set_len(count) };
        Self { kept, steps, data }
    }

    /// Some rows of what is laid out already: `of` says of each which panels, and which row of theirs; there is one at
    /// least.
    pub(crate) fn picked<'a>(count: usize, of: impl Fn(usize) -> (&'a Self, usize)) -> Self {
        let Self { kept, steps, .. } = *of(0).0;
        let mut data = vec![Step([0; PANEL]); count.div_ceil(PANEL) * steps];
        for (p, panel) in data.chunks_mut(steps).enumerate() {
            for r in 0..PANEL.min(count - p * PANEL) {
                let (from, row) = of(p * PANEL + r);
                let (own, lane) = (from.panel(row / PANEL), row % PANEL);
                panel.iter_mut().zip(own).for_each(|(step, x)| step.0[r] = x.0[lane]);
            }
        }
        Self { kept, steps, data }
    }

    fn panel(&self, p: usize) -> &[Step] {
        &self.data[p * self.steps..(p + 1) * self.steps]
    }

    /// Inner products of the rows of panels `a` with those of up to [`GROUP`] panels `b` from `first` on:
    /// `out[i * width + j]` for row `i` of the former and `j` of the latter, with `width` = [`PANEL`] · `b`.
    ///
    /// # Panics
    /// When this processor cannot ([`Kept::is_fast`]), there are no such panels, or `out` is too short: bugs of the
    /// caller.
    #[allow(unsafe_code)]
    pub(crate) fn products(&self, a: Range<usize>, other: &Self, first: usize, b: usize, out: &mut [f32]) {
        assert!(self.kept == other.kept && self.steps == other.steps && self.kept.is_fast(), "panels that go together");
        let width = b * PANEL;
        let out = &mut out[..a.len() * PANEL * width];
        #[cfg(target_arch = "x86_64")]
        for (panel, out) in a.zip(out.chunks_exact_mut(PANEL * width)) {
            let panel = self.panel(panel);
            for (half, out) in out.chunks_exact_mut(HALF * width).enumerate() {
                let at = half * HALF;
                let b = |o: usize| other.panel(first + o);
                // SAFETY: `is_fast` says that the processor has what the functions are compiled for.
                unsafe {
                    match (self.kept, width / PANEL) {
                        (Kept::Whole, 1) => x86::whole(panel, at, [b(0)], out),
                        (Kept::Whole, 2) => x86::whole(panel, at, [b(0), b(1)], out),
                        (Kept::Whole, GROUP) => x86::whole(panel, at, [b(0), b(1), b(2)], out),
                        (Kept::Rounded, 1) => x86::halves(panel, at, [b(0)], out),
                        (Kept::Rounded, 2) => x86::halves(panel, at, [b(0), b(1)], out),
                        (Kept::Rounded, GROUP) => x86::halves(panel, at, [b(0), b(1), b(2)], out),
                        _ => unreachable!("groups of one to three panels"),
                    }
                }
            }
        }
    }
}

/// Writes rows as a panel, sixteen steps of all of them at a time.
struct LayOut<'a, F> {
    panel: &'a mut [MaybeUninit<Step>],
    kept: Kept,
    /// The row at a place of the panel, where there is one.
    row: F,
}

impl<'a, F: Fn(usize) -> Option<&'a [f32]>> Kernel for LayOut<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self { panel, kept, row } = self;
        let rows: [&[f32]; PANEL] = std::array::from_fn(|r| row(r).unwrap_or_default());
        let each = if kept == Kept::Whole { 1 } else { 2 };
        for (s, out) in panel.chunks_mut(PANEL).enumerate() {
            let mut steps = [Step([0; PANEL]); PANEL];
            for (r, row) in rows.iter().enumerate() {
                let mut words = [0u32; PANEL];
                let numbers = row.get(s * PANEL * each..).unwrap_or_default();
                match kept {
                    Kept::Whole => words.iter_mut().zip(numbers).for_each(|(word, x)| *word = x.to_bits()),
                    Kept::Rounded => {
                        let mut pairs = [0.0f32; 2 * PANEL];
                        pairs.iter_mut().zip(numbers).for_each(|(pair, &x)| *pair = x);
                        for (word, pair) in words.iter_mut().zip(pairs.as_chunks::<2>().0) {
                            *word = rounded(pair[0]).to_bits() >> 16 | rounded(pair[1]).to_bits();
                        }
                    }
                }
                steps.iter_mut().zip(words).for_each(|(step, word)| step.0[r] = word);
            }
            out.iter_mut().zip(steps).for_each(|(out, step)| _ = out.write(step));
        }
    }
}

/// The nearest bfloat16, halves to the even one; 0 in place of what is too small for the kernel, which takes it for 0.
pub(crate) fn rounded(x: f32) -> f32 {
    let bits = x.to_bits();
    let up = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) & 0xffff_0000;
    let near = f32::from_bits(up);
    if near.abs() < f32::MIN_POSITIVE { 0.0 } else { near }
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod x86 {
    use std::arch::x86_64::{
        __m512, __m512bh, __m512i, _mm512_castsi512_ps, _mm512_dpbf16_ps, _mm512_fmadd_ps, _mm512_load_si512,
        _mm512_set1_epi32, _mm512_setzero_ps, _mm512_setzero_si512, _mm512_storeu_ps,
    };

    use super::{HALF, PANEL, Step};

    /// `sum` and the products of one step of numbers.
    #[target_feature(enable = "avx512f")]
    fn add_whole(sum: __m512, x: __m512i, y: __m512i) -> __m512 {
        _mm512_fmadd_ps(_mm512_castsi512_ps(x), _mm512_castsi512_ps(y), sum)
    }

    /// `sum` and the products of one step of rounded ones, two at once.
    #[target_feature(enable = "avx512f,avx512bf16")]
    fn add_halves(sum: __m512, x: __m512i, y: __m512i) -> __m512 {
        // SAFETY: both are 512 bits without a meaning of their own.
        let pairs = |v: __m512i| unsafe { std::mem::transmute::<__m512i, __m512bh>(v) };
        _mm512_dpbf16_ps(sum, pairs(x), pairs(y))
    }

    /// One loop for both: a function is compiled for registers by its own attribute alone.
    macro_rules! sums_of_products {
        ($name:ident, $registers:literal, $add:ident) => {
            /// Sums of products of eight rows of `a`, from row `at` on, with all rows of `b`.
            #[target_feature(enable = $registers)]
            pub(super) fn $name<const W: usize>(a: &[Step], at: usize, b: [&[Step]; W], out: &mut [f32]) {
                let mut sums = [[_mm512_setzero_ps(); W]; HALF];
                let b = b.map(|b| &b[..a.len()]);
                for (s, a) in a.iter().enumerate() {
                    let mut y = [_mm512_setzero_si512(); W];
                    for w in 0..W {
                        y[w] = load(&b[w][s]);
                    }
                    let rows: &[u32; HALF] = half(a, at);
                    for r in 0..HALF {
                        let x = _mm512_set1_epi32(rows[r].cast_signed());
                        for w in 0..W {
                            sums[r][w] = $add(sums[r][w], x, y[w]);
                        }
                    }
                }
                store(&sums, out);
            }
        };
    }
    sums_of_products!(whole, "avx512f", add_whole);
    sums_of_products!(halves, "avx512f,avx512bf16", add_halves);

    #[inline(always)]
    fn half(step: &Step, at: usize) -> &[u32; HALF] {
        let (first, second) = step.0.split_at(HALF);
        let half = if at == 0 { first } else { second };
        half.try_into().unwrap_or(&[0; HALF])
    }

    #[target_feature(enable = "avx512f")]
    fn load(step: &Step) -> __m512i {
        // SAFETY: a step is 64 bytes at a multiple of 64.
        unsafe { _mm512_load_si512(std::ptr::from_ref(step).cast()) }
    }

    #[target_feature(enable = "avx512f")]
    fn store<const W: usize>(sums: &[[__m512; W]; HALF], out: &mut [f32]) {
        for (row, out) in sums.iter().zip(out.chunks_exact_mut(W * PANEL)) {
            for (sum, out) in row.iter().zip(out.chunks_exact_mut(PANEL)) {
                // SAFETY: the slice has the sixteen numbers that are written.
                unsafe { _mm512_storeu_ps(out.as_mut_ptr(), *sum) };
            }
        }
    }
}
