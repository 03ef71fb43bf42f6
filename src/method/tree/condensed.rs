//! The condensed tree (Campello et al. 2013; McInnes and Healy 2017): branches of a least size, how stable each is,
//! when each image leaves its branch, and how much of an outlier that makes it (GLOSH).

use super::order::{Dendrogram, ReachabilityOrder};

/// Distances below this count as this, so that λ of duplicates stays finite.
pub const LEAST_DISTANCE: f32 = 1e-3;

/// λ of a distance: 1 / distance, the density at which it is the radius.
pub fn lambda(distance: f32) -> f64 {
    1.0 / f64::from(distance.max(LEAST_DISTANCE))
}

/// A cluster that lasts over a range of radii.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Branch {
    /// The branch it split off from; `None` for the first, which holds all images.
    pub parent: Option<u32>,
    /// λ at which it begins; 0 for the first.
    pub birth: f64,
    /// λ at which it splits, or the last images leave it.
    pub death: f64,
    /// Images in it at birth.
    pub size: u32,
    /// Its first place in the order; it takes `size` places.
    pub start: u32,
    /// Excess of mass: the sum over its images of λ at which they leave, less λ at birth.
    pub stability: f64,
    /// Whether it is among the most stable branches that do not overlap. Never the first.
    pub chosen: bool,
}

/// Branches of at least so many images.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Condensed {
    /// The least size.
    pub least: usize,
    /// All images first; a branch comes after its parent.
    pub branches: Vec<Branch>,
    /// `[N]` the last branch that each image is in.
    pub branch: Vec<u32>,
    /// `[N]` λ at which it leaves that branch.
    pub lambda: Vec<f64>,
    /// `[N]` GLOSH: 0 in the core of a cluster, towards 1 for an outlier.
    pub outlier: Vec<f64>,
}

impl Condensed {
    /// Condenses a dendrogram to branches of at least `least` images (at least 2). Parts that the graph does not
    /// join count as joined at distance 1.
    pub fn new(dendrogram: &Dendrogram, order: &ReachabilityOrder, least: usize) -> Self {
        let n = dendrogram.n;
        let least = least.max(2);
        let first =
            Branch { parent: None, birth: 0.0, death: 0.0, size: n as u32, start: 0, stability: 0.0, chosen: false };
        let mut out =
            Self { least, branches: vec![first], branch: vec![0; n], lambda: vec![0.0; n], outlier: vec![0.0; n] };
        let is_large = |part: u32| dendrogram.size(part) as usize >= least;
        let apart = lambda(1.0);
        let large: Vec<u32> = dendrogram.roots.iter().copied().filter(|&p| is_large(p)).collect();
        dendrogram.roots.iter().filter(|&&p| !is_large(p)).for_each(|&p| out.leave(dendrogram, order, p, 0, apart));
        let mut open = match large[..] {
            [only] => vec![(only, 0)],
            _ => large.iter().map(|&p| (p, out.split(dendrogram, order, p, 0, apart))).collect(),
        };
        while let Some((part, branch)) = open.pop() {
            let Some(merge) = dendrogram.merge(part) else { continue };
            let at = lambda(merge.reach);
            let parts = [merge.larger, merge.smaller];
            match parts.map(is_large) {
                [true, true] => {
                    open.extend(parts.map(|p| (p, out.split(dendrogram, order, p, branch, at))));
                }
                [true, false] => {
                    out.leave(dendrogram, order, merge.smaller, branch, at);
                    open.push((merge.larger, branch));
                }
                _ => parts.into_iter().for_each(|p| out.leave(dendrogram, order, p, branch, at)),
            }
        }
        out.choose();
        out.find_outliers();
        out
    }

    /// The images of a part leave a branch.
    fn leave(&mut self, dendrogram: &Dendrogram, order: &ReachabilityOrder, part: u32, branch: u32, at: f64) {
        let (start, size) = (order.start[part as usize] as usize, dendrogram.size(part) as usize);
        for &i in &order.image[start..start + size] {
            self.branch[i as usize] = branch;
            self.lambda[i as usize] = at;
        }
        self.book(branch, size, at);
    }

    /// A part becomes a branch of its own.
    fn split(&mut self, dendrogram: &Dendrogram, order: &ReachabilityOrder, part: u32, branch: u32, at: f64) -> u32 {
        let size = dendrogram.size(part);
        self.book(branch, size as usize, at);
        self.branches.push(Branch {
            parent: Some(branch),
            birth: at,
            death: at,
            size,
            start: order.start[part as usize],
            stability: 0.0,
            chosen: false,
        });
        (self.branches.len() - 1) as u32
    }

    fn book(&mut self, branch: u32, size: usize, at: f64) {
        let b = &mut self.branches[branch as usize];
        b.stability += (at - b.birth) * size as f64;
        b.death = b.death.max(at);
    }

    /// From the leaves up: a branch is chosen unless those below it are together more stable.
    fn choose(&mut self) {
        let mut below = vec![0.0; self.branches.len()];
        let mut best = vec![false; self.branches.len()];
        for at in (1..self.branches.len()).rev() {
            let b = &self.branches[at];
            best[at] = b.stability >= below[at];
            if let Some(parent) = b.parent {
                below[parent as usize] += b.stability.max(below[at]);
            }
        }
        let mut covered = vec![false; self.branches.len()];
        for at in 1..self.branches.len() {
            let under = self.branches[at].parent.is_some_and(|p| covered[p as usize]);
            self.branches[at].chosen = best[at] && !under;
            covered[at] = under || best[at];
        }
    }

    /// GLOSH: how far below the densest point of its branch an image leaves.
    fn find_outliers(&mut self) {
        let mut densest: Vec<f64> = self.branches.iter().map(|b| b.death).collect();
        for at in (1..self.branches.len()).rev() {
            if let Some(parent) = self.branches[at].parent {
                densest[parent as usize] = densest[parent as usize].max(densest[at]);
            }
        }
        for ((score, &branch), &left) in self.outlier.iter_mut().zip(&self.branch).zip(&self.lambda) {
            let top = densest[branch as usize];
            *score = if top > 0.0 { (top - left) / top } else { 0.0 };
        }
    }

    /// `[N]` the chosen branch that each image is in, numbered in order of place; −1 for none.
    pub fn labels(&self) -> Vec<i32> {
        let mut chosen: Vec<usize> = (0..self.branches.len()).filter(|&b| self.branches[b].chosen).collect();
        chosen.sort_unstable_by_key(|&b| self.branches[b].start);
        let mut number = vec![-1; self.branches.len()];
        (0i32..).zip(&chosen).for_each(|(label, &b)| number[b] = label);
        for at in 1..self.branches.len() {
            if let (-1, Some(parent)) = (number[at], self.branches[at].parent) {
                number[at] = number[parent as usize];
            }
        }
        self.branch.iter().map(|&b| number[b as usize]).collect()
    }

    /// The radius up to `max` that cuts the most lasting branches: the middle of the range in which the branches cut
    /// weigh the most, each by its images times the range of radii it lasts over. (Stability by λ = 1 / distance
    /// would favour the smallest radii.) `None` without a branch.
    pub fn stable_radius(&self, max: f32) -> Option<f64> {
        let top = f64::from(max.min(1.0));
        let mut turns: Vec<(f64, f64)> = Vec::new();
        for b in self.branches.iter().skip(1).filter(|b| 1.0 / b.death < top) {
            let (from, to) = (1.0 / b.death, (1.0 / b.birth).min(top));
            let weight = f64::from(b.size) * (to - from);
            turns.push((from, weight));
            turns.push((to, -weight));
        }
        turns.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
        let (mut sum, mut best) = (0.0, (0.0, None));
        for (at, turn) in turns.iter().enumerate() {
            sum += turn.1;
            let Some(next) = turns.get(at + 1).filter(|next| next.0 > turn.0) else { continue };
            if sum > best.0 {
                best = (sum, Some((turn.0 + next.0) / 2.0));
            }
        }
        best.1
    }
}
