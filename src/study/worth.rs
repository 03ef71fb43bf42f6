//! What is worth a look in a clustering: the few things a person would find by looking at all of it, heaviest first.

use crate::base::text::count;
use crate::method::cluster::cluster_sizes;
use crate::method::graph::Graph;
use crate::method::label_free::silhouettes;
use crate::method::params::Params;
use crate::method::tree::Tree;
use crate::method::tree::doubts::doubts;
use crate::run::images::ImageRow;
use crate::run::snapshot::ClusterSnapshot;

/// What is to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorthItem {
    /// A cluster of the epoch.
    Cluster(u32),
    /// Two images of the train split: are they one person?
    Pair(u32, u32),
    /// An image of the train split.
    Image(u32),
    /// A query.
    Query(u32),
}

/// One thing that is worth a look.
#[derive(Clone, Debug, PartialEq)]
pub struct WorthLooking {
    /// What kind of thing, for a heading.
    pub kind: &'static str,
    /// What is to be seen, one sentence.
    pub words: String,
    /// Images, or epochs, that hang on it: what the list is sorted by.
    pub weight: u32,
    /// Where it is.
    pub finding: WorthItem,
    /// Whether target labels were used. **Ground truth.**
    pub truth: bool,
}

/// What the list is made from.
pub struct WorthEvidence<'a> {
    /// The clusterings up to the epoch looked at, in order; never empty.
    pub clusterings: &'a [ClusterSnapshot],
    /// The distances of the epoch.
    pub graph: &'a Graph,
    /// What it was clustered with.
    pub params: &'a Params,
    /// Images of the train split, where the run lists them.
    pub rows: &'a [ImageRow],
    /// **Ground truth**: `[evaluations][Q]` AP of each query, in order.
    pub aps: &'a [Vec<f64>],
}

/// Entries of one kind, at most.
const OF_A_KIND: usize = 4;
/// Two images nearer than this (squared distance of unit features) are likely copies of each other.
const COPY: f32 = 1e-4;
/// A bridge may lie so far within a cluster.
const DEEP: f64 = 0.1;
/// A query fails when its AP is below this.
const FAILS: f64 = 0.2;

/// The list, heaviest first.
pub fn worth_looking(of: &WorthEvidence<'_>) -> Vec<WorthLooking> {
    let Some(now) = of.clusterings.last() else { return Vec::new() };
    let mut all = Vec::new();
    for mut kind in [impure(of, now), one_camera(of, now), bridges(of), copies(now), restless(of), failing(of)] {
        kind.sort_by_key(|w| std::cmp::Reverse(w.weight));
        kind.truncate(OF_A_KIND);
        all.append(&mut kind);
    }
    all.sort_by_key(|w| std::cmp::Reverse(w.weight));
    all
}

/// Clusters of which many images are nearer to another one.
fn impure(of: &WorthEvidence<'_>, now: &ClusterSnapshot) -> Vec<WorthLooking> {
    let sizes = cluster_sizes(&now.labels);
    let mut nearer = vec![0u32; sizes.len()];
    for (&label, s) in now.labels.iter().zip(silhouettes(of.graph, &now.labels)) {
        if let (Ok(cluster), true) = (usize::try_from(label), s < 0.0) {
            nearer[cluster] += 1;
        }
    }
    let entry = |(cluster, (&n, &size)): (usize, (&u32, &u32))| WorthLooking {
        kind: "looks impure",
        words: format!("Cluster {cluster}: {n} of its {size} images are nearer to another cluster."),
        weight: n,
        finding: WorthItem::Cluster(cluster as u32),
        truth: false,
    };
    nearer.iter().zip(&sizes).enumerate().filter(|(_, (n, _))| **n > 1).map(entry).collect()
}

/// Large clusters that one camera alone sees.
fn one_camera(of: &WorthEvidence<'_>, now: &ClusterSnapshot) -> Vec<WorthLooking> {
    let Some(first) = of.rows.first() else { return Vec::new() };
    if of.rows.len() < now.labels.len() || of.rows.iter().all(|r| r.camid == first.camid) {
        return Vec::new();
    }
    let sizes = cluster_sizes(&now.labels);
    let mut seen: Vec<Option<Option<i32>>> = vec![None; sizes.len()];
    for (&label, row) in now.labels.iter().zip(of.rows) {
        let Ok(cluster) = usize::try_from(label) else { continue };
        seen[cluster] = Some(match seen[cluster] {
            None => Some(row.camid),
            Some(known) => known.filter(|&camera| camera == row.camid),
        });
    }
    let usual = sizes.iter().sum::<u32>() / sizes.len().max(1) as u32;
    let found = seen.into_iter().zip(&sizes).enumerate();
    found
        .filter_map(|(cluster, (camera, &size))| {
            let camera = camera.flatten().filter(|_| size >= usual.max(4))?;
            Some(WorthLooking {
                kind: "one camera",
                words: format!("Cluster {cluster}: all {size} images are of camera {}.", camera + 1),
                weight: size,
                finding: WorthItem::Cluster(cluster as u32),
                truth: false,
            })
        })
        .collect()
}

/// Bridges whose answer would move most images.
fn bridges(of: &WorthEvidence<'_>) -> Vec<WorthLooking> {
    let tree = Tree::new(of.graph, of.params.min_samples);
    let (from, to) = (of.params.eps - DEEP, of.params.eps + of.params.delta_d);
    let found = doubts(&tree, [from, to], 2 * OF_A_KIND);
    let entry = |d: crate::method::tree::doubts::Doubt| WorthLooking {
        kind: "a bridge",
        words: format!(
            "{} images hang on {} and {}, {} at {:.3}: one person?",
            count(d.mass as usize),
            count(d.a as usize),
            count(d.b as usize),
            if f64::from(d.reach) <= of.params.eps { "joined" } else { "to be joined" },
            d.reach
        ),
        weight: d.mass,
        finding: WorthItem::Pair(d.a, d.b),
        truth: false,
    };
    found.into_iter().filter(|d| d.mass > 1).map(entry).collect()
}

/// Pairs of images that are likely copies.
fn copies(now: &ClusterSnapshot) -> Vec<WorthLooking> {
    let mut found = Vec::new();
    for (i, (near, dist)) in
        (0u32..).zip(now.knn_index.chunks_exact(now.k.max(1)).zip(now.knn_dist.chunks_exact(now.k.max(1))))
    {
        let other = near.iter().zip(dist).find(|&(&j, &d)| j > i && d < COPY);
        if let Some((&j, &d)) = other {
            found.push(WorthLooking {
                kind: "likely copies",
                words: format!("Images {i} and {j} have nearly the same features (squared distance {d:.1e})."),
                weight: 2,
                finding: WorthItem::Pair(i, j),
                truth: false,
            });
        }
    }
    found
}

/// Images whose company changes in nearly every epoch.
fn restless(of: &WorthEvidence<'_>) -> Vec<WorthLooking> {
    let steps = of.clusterings.len() - 1;
    if steps < 2 {
        return Vec::new();
    }
    let n = of.clusterings.iter().map(|c| c.labels.len()).min().unwrap_or(0);
    let mut changes = vec![0u32; n];
    for pair in of.clusterings.windows(2) {
        let [a, b] = [&pair[0].labels[..n], &pair[1].labels[..n]];
        let (before, after) = (cluster_sizes(a), cluster_sizes(b));
        let mut pairs: Vec<(i32, i32, usize)> = (0..n).map(|i| (a[i], b[i], i)).collect();
        pairs.sort_unstable();
        for same in pairs.chunk_by(|x, y| (x.0, x.1) == (y.0, y.1)) {
            let (was, is, _) = same[0];
            // Outliers stay outliers without company.
            let stays = match (usize::try_from(was), usize::try_from(is)) {
                (Err(_), Err(_)) => true,
                (Ok(was), Ok(is)) => {
                    let both = same.len() as f64;
                    both / (f64::from(before[was]) + f64::from(after[is]) - both) >= 0.5
                }
                _ => false,
            };
            if !stays {
                same.iter().for_each(|&(.., i)| changes[i] += 1);
            }
        }
    }
    let entry = |(image, &count): (usize, &u32)| WorthLooking {
        kind: "restless",
        words: format!("Image {image} changed its company in {count} of the last {steps} epochs."),
        weight: count,
        finding: WorthItem::Image(image as u32),
        truth: false,
    };
    changes.iter().enumerate().filter(|(_, c)| **c as usize * 4 >= steps * 3 && **c > 1).map(entry).collect()
}

/// Queries that fail at every evaluation that is looked at.
fn failing(of: &WorthEvidence<'_>) -> Vec<WorthLooking> {
    let Some(last) = of.aps.last().filter(|_| of.aps.len() > 1) else { return Vec::new() };
    let fails = |q: usize| of.aps.iter().all(|aps| aps.get(q).is_some_and(|&ap| ap < FAILS));
    let mut found: Vec<usize> = (0..last.len()).filter(|&q| fails(q)).collect();
    found.sort_by(|&a, &b| last[a].total_cmp(&last[b]));
    let entry = |q: usize| WorthLooking {
        kind: "fails always",
        words: format!("Query {q}: AP {:.2} at the last of {} evaluations, all below {FAILS}.", last[q], of.aps.len()),
        weight: of.aps.len() as u32,
        finding: WorthItem::Query(q as u32),
        truth: true,
    };
    found.into_iter().take(OF_A_KIND).map(entry).collect()
}
