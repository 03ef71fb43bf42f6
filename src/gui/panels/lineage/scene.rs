//! What the flow picture shows: the largest flows one by one, the rest summed up. No egui here.

use crate::study::lineage::{Compared, LineageKind};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// What a band at the edge stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BandEnd {
    /// A cluster.
    Single(u32),
    /// Several clusters of a kind; of any kind where only one kind is looked at.
    Others(Option<LineageKind>),
    /// The outliers.
    Outliers,
}

/// A band at the left or the right edge.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it stands for.
    pub what: BandEnd,
    /// What became of it, for its colour.
    pub kind: Option<LineageKind>,
    /// Clusters in it.
    pub clusters: usize,
    /// Images in it.
    pub images: u32,
}

/// Images on their way from a left band to a right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ribbon {
    /// Place of the left band.
    pub left: usize,
    /// Place of the right band.
    pub right: usize,
    /// What they are part of.
    pub kind: Option<LineageKind>,
    /// How many.
    pub images: u32,
}

/// Bands and ribbons, from the top.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RiverScene {
    /// Of the earlier epoch.
    pub left: Vec<Node>,
    /// Of the later epoch.
    pub right: Vec<Node>,
    /// Between them, by left, then right band.
    pub ribbons: Vec<Ribbon>,
}

impl RiverScene {
    /// At most `most` clusters a side by themselves: those of the largest flows; with a `filter` of that kind alone.
    pub fn new(compared: &Compared, filter: Option<LineageKind>, most: usize) -> Self {
        let singles = singles(compared, filter, most);
        let place = |side: usize, cluster: Option<u32>| match cluster {
            None => BandEnd::Outliers,
            Some(c) if singles[side].contains(&c) => BandEnd::Single(c),
            Some(c) => {
                let kind = if side == 0 { compared.kind_of_earlier(c) } else { compared.kind_of_later(c) };
                BandEnd::Others(kind.filter(|kind| filter.is_none_or(|f| f == *kind)))
            }
        };
        let mut sums: BTreeMap<(BandEnd, BandEnd, Option<LineageKind>), u32> = BTreeMap::new();
        let mut nodes: [BTreeMap<BandEnd, (BTreeSet<u32>, u32)>; 2] = Default::default();
        for flow in &compared.flows {
            let ends = [flow.earlier, flow.later];
            let [from, to] = [place(0, ends[0]), place(1, ends[1])];
            *sums.entry((from, to, compared.kind_of(flow))).or_default() += flow.images;
            for (side, what) in [from, to].into_iter().enumerate() {
                let (clusters, images) = nodes[side].entry(what).or_default();
                clusters.extend(ends[side]);
                *images += flow.images;
            }
        }
        let [left, right] = nodes;
        let mut left = list(left, |c| compared.kind_of_earlier(c));
        left.sort_by_key(|node| (rank(node.what), Reverse(node.images)));
        let mut right = list(right, |c| compared.kind_of_later(c));
        let order = order(&right, &left, &sums);
        right.sort_by(|a, b| {
            let key = |n: &Node| (rank(n.what), order.get(&n.what).copied().unwrap_or(f64::MAX));
            let ((a_rank, a_at), (b_rank, b_at)) = (key(a), key(b));
            a_rank.cmp(&b_rank).then(a_at.total_cmp(&b_at)).then(a.what.cmp(&b.what))
        });
        let at = |nodes: &[Node], what: BandEnd| nodes.iter().position(|n| n.what == what).unwrap_or(0);
        let mut ribbons: Vec<Ribbon> = sums
            .into_iter()
            .map(|((from, to, kind), images)| Ribbon { left: at(&left, from), right: at(&right, to), kind, images })
            .collect();
        ribbons.sort_by_key(|r| (r.left, r.right, r.kind));
        Self { left, right, ribbons }
    }
}

/// The scene last shown of a comparison: it takes milliseconds, too long for every frame.
#[derive(Default)]
pub struct ShownScene(Option<(Option<LineageKind>, usize, RiverScene)>);

impl ShownScene {
    /// As [`RiverScene::new`], unless it was the last one.
    pub fn get(&mut self, compared: &Compared, filter: Option<LineageKind>, most: usize) -> &RiverScene {
        let known = self.0.take().filter(|(f, m, _)| (*f, *m) == (filter, most));
        &self.0.insert(known.unwrap_or_else(|| (filter, most, RiverScene::new(compared, filter, most)))).2
    }
}

/// Single clusters first, then sums, the outliers last.
fn rank(what: BandEnd) -> (u8, Option<LineageKind>) {
    match what {
        BandEnd::Single(_) => (0, None),
        BandEnd::Others(Some(kind)) => (1, Some(kind)),
        BandEnd::Others(None) => (2, None),
        BandEnd::Outliers => (3, None),
    }
}

/// The clusters that are drawn by themselves, on both sides.
fn singles(compared: &Compared, filter: Option<LineageKind>, most: usize) -> [BTreeSet<u32>; 2] {
    let wanted = |kind: Option<LineageKind>, from: Option<u32>, to: Option<u32>| match filter {
        None => kind.is_some_and(|k| k.of_clusters() && k != LineageKind::Regrouped),
        Some(LineageKind::WonBack) => from.is_none() && to.is_some(),
        Some(LineageKind::Lost) => from.is_some() && to.is_none(),
        Some(filter) => kind == Some(filter),
    };
    let mut flows: Vec<_> = compared.flows.iter().filter(|f| wanted(compared.kind_of(f), f.earlier, f.later)).collect();
    flows.sort_by_key(|f| (Reverse(f.images), f.earlier, f.later));
    let mut singles: [BTreeSet<u32>; 2] = Default::default();
    for flow in flows {
        let ends = [flow.earlier, flow.later];
        let fits = |side: usize| ends[side].is_none_or(|c| singles[side].contains(&c) || singles[side].len() < most);
        if fits(0) && fits(1) {
            (0..2).for_each(|side| singles[side].extend(ends[side]));
        }
    }
    singles
}

fn list(nodes: BTreeMap<BandEnd, (BTreeSet<u32>, u32)>, kind_of: impl Fn(u32) -> Option<LineageKind>) -> Vec<Node> {
    let node = |(what, (clusters, images)): (BandEnd, (BTreeSet<u32>, u32))| Node {
        what,
        kind: match what {
            BandEnd::Single(cluster) => kind_of(cluster),
            BandEnd::Others(kind) => kind,
            BandEnd::Outliers => None,
        },
        clusters: clusters.len(),
        images,
    };
    nodes.into_iter().map(node).collect()
}

/// Where the images of each right band come from on average, so that ribbons cross little.
fn order(
    right: &[Node],
    left: &[Node],
    sums: &BTreeMap<(BandEnd, BandEnd, Option<LineageKind>), u32>,
) -> BTreeMap<BandEnd, f64> {
    let place: BTreeMap<BandEnd, usize> = left.iter().enumerate().map(|(i, n)| (n.what, i)).collect();
    let mut mean: BTreeMap<BandEnd, f64> = BTreeMap::new();
    for ((from, to, _), images) in sums {
        *mean.entry(*to).or_default() += place[from] as f64 * f64::from(*images);
    }
    right.iter().map(|n| (n.what, mean.get(&n.what).copied().unwrap_or(0.0) / f64::from(n.images.max(1)))).collect()
}

/// Heights of bands that fill `room` with `gap` between them: to scale, but none lower than its least height.
pub fn heights(nodes: &[(f32, f32)], room: f32, gap: f32) -> Vec<f32> {
    let room = (room - gap * nodes.len().saturating_sub(1) as f32).max(0.0);
    let least: f32 = nodes.iter().map(|(_, least)| least).sum();
    if least >= room {
        let share = if least > 0.0 { room / least } else { 0.0 };
        return nodes.iter().map(|(_, least)| least * share).collect();
    }
    let total: f32 = nodes.iter().map(|(images, _)| images).sum();
    let fill = |scale: f32| nodes.iter().map(|(images, least)| (images * scale).max(*least)).sum::<f32>();
    let (mut low, mut high) = (0.0, room / total.max(1.0));
    for _ in 0..40 {
        let middle = (low + high) / 2.0;
        if fill(middle) > room { high = middle } else { low = middle }
    }
    nodes.iter().map(|(images, least)| (images * low).max(*least)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_image_is_in_one_ribbon_and_sums_have_their_counts() {
        // 20 kept clusters of 5, 4 split in two, 6 that died, 8 born, 10 images that stay outliers.
        let (mut earlier, mut later) = (Vec::new(), Vec::new());
        let mut add = |a: i32, b: i32, n: usize| {
            earlier.extend(vec![a; n]);
            later.extend(vec![b; n]);
        };
        (0..20).for_each(|c| add(c, c, 5));
        (0..4).for_each(|c| {
            add(20 + c, 20 + 2 * c, 6);
            add(20 + c, 21 + 2 * c, 2);
        });
        (0..6).for_each(|c| add(24 + c, -1, 3));
        (0..8).for_each(|c| add(-1, 28 + c, 3));
        add(-1, -1, 10);
        let compared = Compared::new(&earlier, &later);
        for (filter, most) in
            [(None, 0), (None, 5), (None, 100), (Some(LineageKind::Split), 100), (Some(LineageKind::Lost), 2)]
        {
            let scene = RiverScene::new(&compared, filter, most);
            let all = earlier.len() as u32;
            let sum = |nodes: &[Node]| nodes.iter().map(|n| n.images).sum::<u32>();
            assert_eq!([sum(&scene.left), sum(&scene.right)], [all; 2]);
            assert_eq!(scene.ribbons.iter().map(|r| r.images).sum::<u32>(), all);
            for side in [&scene.left, &scene.right] {
                assert!(side.iter().filter(|n| matches!(n.what, BandEnd::Single(_))).count() <= most);
                assert_eq!(side.last().unwrap().what, BandEnd::Outliers);
            }
        }
        let scene = RiverScene::new(&compared, None, 0);
        let others = |nodes: &[Node], kind| {
            nodes.iter().find(|n| n.what == BandEnd::Others(Some(kind))).map(|n| (n.clusters, n.images))
        };
        assert_eq!(others(&scene.left, LineageKind::Kept), Some((20, 100)));
        assert_eq!(others(&scene.left, LineageKind::Split), Some((4, 32)));
        assert_eq!(others(&scene.right, LineageKind::Split), Some((8, 32)));
        assert_eq!(others(&scene.left, LineageKind::Died), Some((6, 18)));
        assert_eq!(others(&scene.right, LineageKind::Born), Some((8, 24)));
        let scene = RiverScene::new(&compared, Some(LineageKind::Split), 100);
        assert_eq!(scene.left.iter().filter(|n| n.kind == Some(LineageKind::Split)).count(), 4);
        assert_eq!(scene.left.iter().find(|n| n.what == BandEnd::Others(None)).unwrap().clusters, 26);
    }

    #[test]
    fn bands_fill_the_room_and_none_is_too_low() {
        let made = heights(&[(100.0, 3.0), (1.0, 12.0), (50.0, 3.0)], 170.0, 4.0);
        assert!((made.iter().sum::<f32>() - 162.0).abs() < 0.1);
        assert!(made[1] == 12.0 && (made[0] / made[2] - 2.0).abs() < 0.01);
        let tight = heights(&[(1.0, 10.0), (1.0, 10.0)], 14.0, 4.0);
        assert!(tight.iter().all(|h| (h - 5.0).abs() < 1e-4));
        assert!(heights(&[], 10.0, 4.0).is_empty());
    }
}
