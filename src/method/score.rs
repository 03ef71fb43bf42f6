//! How independent and how compact a cluster is around each image: Eq. 8, and SpCL's pair of scores.

use super::dbscan::NOISE;

/// Scores of every image; all similarities, 1 is best. A noise image counts as a cluster of its own at each
/// radius (SpCL `spcl_train_uda.py:197-206`), so its own set is never empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// `[N]` Eq. 8: |I ∩ I_tight ∩ I_loose| / |I ∪ I_tight ∪ I_loose|.
    pub eq8: Vec<f64>,
    /// `[N]` the numerator of Eq. 8.
    pub inter: Vec<u32>,
    /// `[N]` the denominator of Eq. 8.
    pub union: Vec<u32>,
    /// `[N]` compactness, |I ∩ I_tight| / |I ∪ I_tight|: 1 − SpCL's R_comp.
    pub comp: Vec<f64>,
    /// `[N]` independence, |I ∩ I_loose| / |I ∪ I_loose|: 1 − SpCL's R_indep.
    pub indep: Vec<f64>,
}

/// Scores from the labels at eps, eps − Δd and eps + Δd, in O(N): sizes of the sets, of their pairwise and of
/// their threefold intersections are counted, and the unions follow by inclusion and exclusion.
///
/// The three must be of one length; the shortest decides.
pub fn scores(labels: &[i32], tight: &[i32], loose: &[i32]) -> Scores {
    let n = labels.len().min(tight.len()).min(loose.len());
    let [a, b, c] = [labels, tight, loose].map(|l| Groups::of_labels(&l[..n]));
    let (ab, ac, bc) = (a.meet(&b), a.meet(&c), b.meet(&c));
    let abc = ab.meet(&c);
    let mut out = Scores::default();
    for i in 0..n {
        let [a, b, c] = [&a, &b, &c].map(|g| g.size_at(i));
        let [ab, ac, bc, abc] = [&ab, &ac, &bc, &abc].map(|g| g.size_at(i));
        let union = a + b + c + abc - ab - ac - bc;
        out.inter.push(abc);
        out.union.push(union);
        out.eq8.push(f64::from(abc) / f64::from(union));
        out.comp.push(f64::from(ab) / f64::from(a + b - ab));
        out.indep.push(f64::from(ac) / f64::from(a + c - ac));
    }
    out
}

/// A partition of the images: a group number each, and the groups' sizes.
pub(crate) struct Groups {
    /// `[N]`
    pub(crate) of: Vec<u32>,
    /// Images in each group.
    pub(crate) size: Vec<u32>,
}

impl Groups {
    /// Groups of equal label, negative labels each alone; numbered as they are met.
    pub(crate) fn of_labels(labels: &[i32]) -> Self {
        let top = labels.iter().copied().max().unwrap_or(NOISE).max(NOISE);
        // Labels far larger than N (pids of a merged dataset) must not cost memory in their size.
        if top as i64 > 4 * labels.len() as i64 + 1024 {
            return Self::of_labels(&ranked(labels));
        }
        let mut number = vec![u32::MAX; (top + 1) as usize];
        let mut groups = Self { of: Vec::with_capacity(labels.len()), size: Vec::new() };
        for &label in labels {
            let fresh = groups.size.len() as u32;
            let group = match number.get_mut(label as usize) {
                Some(slot) if label >= 0 => {
                    if *slot == u32::MAX {
                        *slot = fresh;
                    }
                    *slot
                }
                _ => fresh,
            };
            groups.add(group);
        }
        groups
    }

    fn add(&mut self, group: u32) {
        if group as usize == self.size.len() {
            self.size.push(0);
        }
        self.size[group as usize] += 1;
        self.of.push(group);
    }

    pub(crate) fn size_at(&self, i: usize) -> u32 {
        self.size[self.of[i] as usize]
    }

    /// The common refinement: images together when they are together in both.
    pub(crate) fn meet(&self, other: &Self) -> Self {
        // Members of each group of `self`, one group after the other.
        let mut end: Vec<u32> = Vec::with_capacity(self.size.len());
        let mut total = 0;
        for &s in &self.size {
            end.push(total);
            total += s;
        }
        let mut members = vec![0u32; self.of.len()];
        for (i, &g) in self.of.iter().enumerate() {
            members[end[g as usize] as usize] = i as u32;
            end[g as usize] += 1;
        }
        let mut number = vec![u32::MAX; other.size.len()];
        let mut of = vec![0u32; self.of.len()];
        let mut size: Vec<u32> = Vec::new();
        let mut start = 0;
        for &end in &end {
            let group = &members[start as usize..end as usize];
            let first = size.len() as u32;
            for &i in group {
                let slot = &mut number[other.of[i as usize] as usize];
                // A number below `first` was given within an earlier group.
                if *slot == u32::MAX || *slot < first {
                    *slot = size.len() as u32;
                    size.push(0);
                }
                of[i as usize] = *slot;
                size[*slot as usize] += 1;
            }
            start = end;
        }
        Self { of, size }
    }
}

/// Labels replaced by their rank among the distinct ones; negative ones become [`NOISE`].
fn ranked(labels: &[i32]) -> Vec<i32> {
    let mut distinct: Vec<i32> = labels.iter().copied().filter(|&l| l >= 0).collect();
    distinct.sort_unstable();
    distinct.dedup();
    labels.iter().map(|l| distinct.binary_search(l).map_or(NOISE, |rank| rank as i32)).collect()
}
