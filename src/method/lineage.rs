//! What became of the clusters from one epoch to the next: kept, split, merged, born, died.

use super::cluster::count_clusters;

/// Where a cluster of the later epoch comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descent {
    /// Images in it.
    pub size: u32,
    /// The earlier cluster that most of its once clustered images come from, the smallest number on a tie;
    /// `None` when they were all outliers.
    pub main: Option<u32>,
    /// Images that come from `main`.
    pub shared: u32,
    /// Earlier clusters that passed the largest part of their images to it, ascending.
    pub heirs_of: Vec<u32>,
}

/// How clusters passed from one epoch to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lineage {
    /// Each later cluster, in cluster order.
    pub clusters: Vec<Descent>,
    /// For each earlier cluster the later one that took the largest part of it, the smallest number on a tie;
    /// `None` when all its images are outliers now.
    pub heir: Vec<Option<u32>>,
    /// Earlier clusters that are the main origin of more than one later cluster, ascending.
    pub split: Vec<u32>,
    /// Later clusters that are heir to more than one earlier cluster, ascending.
    pub merged: Vec<u32>,
    /// Later clusters of images that were all outliers, ascending.
    pub born: Vec<u32>,
    /// Earlier clusters whose images are all outliers now, ascending.
    pub died: Vec<u32>,
    /// Pairs (earlier, later) that are each other's heir and main origin, with neither split nor merged.
    pub kept: Vec<(u32, u32)>,
    /// Outliers of the earlier epoch that are in a cluster now, ascending.
    pub won_back: Vec<u32>,
    /// Images of earlier clusters that are outliers now, ascending.
    pub lost: Vec<u32>,
}

/// Compares the labels of two epochs, −1 for outliers, image by image; the shorter slice decides. Numbers need
/// not be without gaps; a number that no image bears counts as neither born nor died.
pub fn lineage(earlier: &[i32], later: &[i32]) -> Lineage {
    let n = earlier.len().min(later.len());
    let (earlier, later) = (&earlier[..n], &later[..n]);
    let overlaps = overlaps(earlier, later);
    let best_of = |count: usize, from: fn(&Overlap) -> u32, to: fn(&Overlap) -> u32| {
        let mut best: Vec<Option<(u32, u32)>> = vec![None; count];
        for o in &overlaps {
            let slot = &mut best[from(o) as usize];
            let better =
                slot.is_none_or(|(to_now, images)| o.images > images || (o.images == images && to(o) < to_now));
            if better {
                *slot = Some((to(o), o.images));
            }
        }
        best
    };
    let heirs = best_of(count_clusters(earlier), |o| o.earlier, |o| o.later);
    let mains = best_of(count_clusters(later), |o| o.later, |o| o.earlier);
    let sizes = [earlier, later].map(super::cluster::cluster_sizes);
    let mut out = Lineage { heir: heirs.iter().map(|h| h.map(|(to, _)| to)).collect(), ..Lineage::default() };
    out.clusters = mains
        .iter()
        .zip(&sizes[1])
        .map(|(main, &size)| Descent {
            size,
            main: main.map(|(from, _)| from),
            shared: main.map_or(0, |(_, images)| images),
            heirs_of: Vec::new(),
        })
        .collect();
    let mut children = vec![0u32; heirs.len()];
    out.clusters.iter().filter_map(|c| c.main).for_each(|from| children[from as usize] += 1);
    for (from, heir) in (0u32..).zip(&out.heir) {
        match heir {
            Some(to) => out.clusters[*to as usize].heirs_of.push(from),
            None if sizes[0][from as usize] > 0 => out.died.push(from),
            None => (),
        }
    }
    out.split = (0u32..).zip(&children).filter(|&(_, &c)| c > 1).map(|(from, _)| from).collect();
    for (to, cluster) in (0u32..).zip(&out.clusters) {
        match (cluster.main, &cluster.heirs_of[..]) {
            (_, [_, _, ..]) => out.merged.push(to),
            (Some(main), [only]) if main == *only && children[main as usize] == 1 => out.kept.push((main, to)),
            (None, _) if cluster.size > 0 => out.born.push(to),
            _ => (),
        }
    }
    let images = |test: fn(i32, i32) -> bool| {
        (0u32..).zip(earlier.iter().zip(later)).filter(|&(_, (&a, &b))| test(a, b)).map(|(i, _)| i).collect()
    };
    out.won_back = images(|a, b| a < 0 && b >= 0);
    out.lost = images(|a, b| a >= 0 && b < 0);
    out
}

/// The later cluster that took the largest part of one earlier cluster, the smallest number on a tie; `None` when
/// all its images are outliers now. As [`Lineage::heir`], without the rest of it.
pub fn heir(earlier: &[i32], later: &[i32], cluster: u32) -> Option<u32> {
    let mut taken = vec![0u32; count_clusters(later)];
    for (_, &to) in earlier.iter().zip(later).filter(|(from, _)| u32::try_from(**from) == Ok(cluster)) {
        if let Some(images) = usize::try_from(to).ok().and_then(|to| taken.get_mut(to)) {
            *images += 1;
        }
    }
    let most = (0u32..).zip(taken).max_by_key(|&(to, images)| (images, std::cmp::Reverse(to)));
    most.filter(|&(_, images)| images > 0).map(|(to, _)| to)
}

/// Images that were together and are together still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flow {
    /// Their cluster in the earlier epoch; `None` for outliers.
    pub earlier: Option<u32>,
    /// Their cluster in the later epoch; `None` for outliers.
    pub later: Option<u32>,
    /// How many.
    pub images: u32,
}

/// How many images went from where to where, outliers included, ascending; the shorter slice decides.
pub fn flows(earlier: &[i32], later: &[i32]) -> Vec<Flow> {
    let cluster = |label: i32| u32::try_from(label).ok();
    let mut pairs: Vec<_> = earlier.iter().zip(later).map(|(&a, &b)| (cluster(a), cluster(b))).collect();
    pairs.sort_unstable();
    pairs
        .chunk_by(|a, b| a == b)
        .map(|run| Flow { earlier: run[0].0, later: run[0].1, images: run.len() as u32 })
        .collect()
}

/// Images that two clusters share.
struct Overlap {
    earlier: u32,
    later: u32,
    images: u32,
}

fn overlaps(earlier: &[i32], later: &[i32]) -> Vec<Overlap> {
    let between = |f: Flow| Some(Overlap { earlier: f.earlier?, later: f.later?, images: f.images });
    flows(earlier, later).into_iter().filter_map(between).collect()
}

/// The epoch from which each later cluster descends without being new: that of its main origin, `epoch` where it
/// has none. `before` holds the same of the earlier clusters; a cluster missing there counts as born in `epoch`.
pub fn births(earlier: &[i32], before: &[usize], later: &[i32], epoch: usize) -> Vec<usize> {
    let born = |main: Option<u32>| main.and_then(|c| before.get(c as usize).copied()).unwrap_or(epoch);
    lineage(earlier, later).clusters.iter().map(|c| born(c.main)).collect()
}
