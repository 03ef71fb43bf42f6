//! The bridges whose answer would move most images: what is worth asking a person.

use super::Tree;
use super::order::Dendrogram;

/// Whether two images are one person: a bridge of the forest near eps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Doubt {
    /// One end of the bridge, on the side of more images.
    pub a: u32,
    /// The other end.
    pub b: u32,
    /// The radius from which on DBSCAN takes the bridge.
    pub reach: f32,
    /// Images on its smaller side: so many go with them, or no longer.
    pub mass: u32,
}

/// The `count` bridges between radii `from` and `to` with most images on their smaller side, heaviest first, those of
/// equal mass by radius.
pub fn doubts(tree: &Tree, [from, to]: [f64; 2], count: usize) -> Vec<Doubt> {
    let dendrogram = Dendrogram::new(tree);
    let mut side: Vec<u32> = (0..tree.n as u32).collect();
    let mut sets = super::DisjointSets::new(tree.n);
    let mut found = Vec::new();
    for (at, (edge, merge)) in tree.edges.iter().zip(&dendrogram.merges).enumerate() {
        let roots = [edge.a, edge.b].map(|i| sets.root(i as usize));
        if f64::from(edge.reach) >= from && f64::from(edge.reach) <= to {
            let (a, b) = if side[roots[0]] == merge.larger { (edge.a, edge.b) } else { (edge.b, edge.a) };
            found.push(Doubt { a, b, reach: edge.reach, mass: dendrogram.size(merge.smaller) });
        }
        sets.join(roots[0], roots[1]);
        side[roots[0].min(roots[1])] = (tree.n + at) as u32;
    }
    found.sort_by(|x, y| y.mass.cmp(&x.mass).then(x.reach.total_cmp(&y.reach)));
    found.truncate(count);
    found
}
