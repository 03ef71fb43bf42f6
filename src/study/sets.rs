//! The sets behind Eq. 8 for one image: who is in its cluster at the tight, the normal and the loose radius.

use crate::method::dbscan::NOISE;

/// One image that shares a cluster with the image asked about at one radius or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Row of the image.
    pub image: u32,
    /// In the cluster at eps − Δd.
    pub tight: bool,
    /// In the cluster at eps.
    pub normal: bool,
    /// In the cluster at eps + Δd.
    pub loose: bool,
}

impl Slot {
    /// Whether it is counted in the numerator of Eq. 8.
    pub fn in_all(self) -> bool {
        self.tight && self.normal && self.loose
    }

    /// Membership at tight, normal, loose.
    pub fn radii(self) -> [bool; 3] {
        [self.tight, self.normal, self.loose]
    }
}

/// Two counts and their quotient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fraction {
    /// Images in the intersection.
    pub inter: usize,
    /// Images in the union; never 0, the image itself is in it.
    pub union: usize,
}

impl Fraction {
    /// The quotient, as [`crate::method::score::scores`] computes it.
    pub fn value(self) -> f64 {
        self.inter as f64 / self.union as f64
    }
}

/// The union of the three sets of one image. Those in all three come first, then those that are tight, then those
/// that are normal, then the loose ones; within these by row. A sample's slot is its place here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageSets {
    /// Each image of the union once.
    pub slots: Vec<Slot>,
}

impl ImageSets {
    /// Eq. 8: |tight ∩ normal ∩ loose| / |tight ∪ normal ∪ loose|.
    pub fn eq8(&self) -> Fraction {
        Fraction { inter: self.count(Slot::in_all), union: self.slots.len() }
    }

    /// Compactness: |normal ∩ tight| / |normal ∪ tight|.
    pub fn comp(&self) -> Fraction {
        Fraction { inter: self.count(|s| s.normal && s.tight), union: self.count(|s| s.normal || s.tight) }
    }

    /// SpCL's independence: |normal ∩ loose| / |normal ∪ loose|.
    pub fn indep(&self) -> Fraction {
        Fraction { inter: self.count(|s| s.normal && s.loose), union: self.count(|s| s.normal || s.loose) }
    }

    /// Images at tight, normal, loose.
    pub fn sizes(&self) -> [usize; 3] {
        [self.count(|s| s.tight), self.count(|s| s.normal), self.count(|s| s.loose)]
    }

    fn count(&self, test: impl Fn(Slot) -> bool) -> usize {
        self.slots.iter().filter(|s| test(**s)).count()
    }
}

/// The sets of `image` in the labels at eps, eps − Δd and eps + Δd, in O(N). Noise is a cluster of its own, as in
/// [`crate::method::score::scores`]. The shortest slice decides; empty when `image` is beyond it.
pub fn sets(labels: &[i32], tight: &[i32], loose: &[i32], image: usize) -> ImageSets {
    let n = labels.len().min(tight.len()).min(loose.len());
    if image >= n {
        return ImageSets::default();
    }
    let together = |labels: &[i32], j: usize| j == image || (labels[j] > NOISE && labels[j] == labels[image]);
    let mut slots: Vec<Slot> = (0..n)
        .map(|j| Slot {
            image: j as u32,
            tight: together(tight, j),
            normal: together(labels, j),
            loose: together(loose, j),
        })
        .filter(|s| s.tight || s.normal || s.loose)
        .collect();
    slots.sort_by_key(|s| (!s.in_all(), !s.tight, !s.normal, !s.loose, s.image));
    ImageSets { slots }
}
