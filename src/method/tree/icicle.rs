//! The condensed tree as a picture: each branch from the radius at which it splits off down to the one at which its last
//! images leave it, as wide as it has images.

use super::condensed::Condensed;
use super::order::ReachabilityOrder;

/// A piece of a branch within which no image leaves it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BranchPiece {
    /// The branch.
    pub branch: u32,
    /// Its first place in the order.
    pub start: u32,
    /// Images still in it: so many places from `start` on.
    pub count: u32,
    /// The larger radius.
    pub top: f32,
    /// The smaller radius, less than `top`.
    pub bottom: f32,
}

/// The pieces of all branches, a branch after its parent and each from its top down. Radii beyond 1 count as 1.
pub fn pieces(condensed: &Condensed, order: &ReachabilityOrder) -> Vec<BranchPiece> {
    let radius = |lambda: f64| if lambda > 1.0 { (1.0 / lambda) as f32 } else { 1.0 };
    let mut leaves: Vec<Vec<f32>> = vec![Vec::new(); condensed.branches.len()];
    for &image in &order.image {
        leaves[condensed.branch[image as usize] as usize].push(radius(condensed.lambda[image as usize]));
    }
    let mut out = Vec::new();
    for (at, (branch, mut left)) in (0u32..).zip(condensed.branches.iter().zip(leaves)) {
        // Who leaves first is the one of the largest radius.
        left.sort_unstable_by(|a, b| b.total_cmp(a));
        let (mut top, mut count) = (radius(branch.birth), branch.size);
        let mut add = |top: f32, bottom: f32, count: u32| {
            if bottom < top && count > 0 {
                out.push(BranchPiece { branch: at, start: branch.start, count, top, bottom });
            }
        };
        for together in left.chunk_by(|a, b| a == b) {
            add(top, together[0], count);
            (top, count) = (together[0].min(top), count.saturating_sub(together.len() as u32));
        }
        // What remains splits into branches of its own.
        add(top, radius(branch.death), count);
    }
    out
}
