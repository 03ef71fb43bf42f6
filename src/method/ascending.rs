//! A set of row numbers that gives them back in ascending order: cheaper than sorting them, repeats and all.

/// Rows of 0..n, one bit each, and one bit for every word that holds any.
#[derive(Default)]
pub(crate) struct Ascending {
    words: Vec<u64>,
    held: Vec<u64>,
}

impl Ascending {
    /// An empty set of rows below `n`.
    pub(crate) fn new(n: usize) -> Self {
        let words = n.div_ceil(64);
        Self { words: vec![0; words], held: vec![0; words.div_ceil(64)] }
    }

    /// Adds `row`; panics when it is not below n, as slices do.
    pub(crate) fn insert(&mut self, row: u32) {
        let word = row as usize / 64;
        self.words[word] |= 1 << (row % 64);
        self.held[word / 64] |= 1 << (word % 64);
    }

    /// Hands out all rows in ascending order and is empty then.
    pub(crate) fn drain(&mut self, mut each: impl FnMut(u32)) {
        for (h, held) in self.held.iter_mut().enumerate() {
            let mut left = std::mem::take(held);
            while left != 0 {
                let word = h * 64 + left.trailing_zeros() as usize;
                left &= left - 1;
                let mut bits = std::mem::take(&mut self.words[word]);
                while bits != 0 {
                    each(word as u32 * 64 + bits.trailing_zeros());
                    bits &= bits - 1;
                }
            }
        }
    }
}
