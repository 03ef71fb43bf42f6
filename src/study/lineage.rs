//! Two epochs compared: what became of each cluster, in the words that the tile shows. No egui here.

use serde::{Deserialize, Serialize};

use crate::method::cluster::cluster_sizes;
use crate::method::lineage::{Flow, Lineage, flows, lineage};
use crate::run::snapshot::ClusterSnapshot;

/// Which labels count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabelChoice {
    /// After refinement: what the epoch trained with.
    #[default]
    Refined,
    /// DBSCAN at eps, reliable or not.
    Dbscan,
}

impl LabelChoice {
    /// Those of an epoch, `[N]`, −1 for outliers.
    pub fn of(self, snapshot: &ClusterSnapshot) -> &[i32] {
        match self {
            Self::Refined => &snapshot.pseudo_labels,
            Self::Dbscan => &snapshot.labels,
        }
    }
}

/// What became of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineageKind {
    /// One cluster, later several.
    Split,
    /// Several clusters, later one.
    Merged,
    /// A cluster of what were outliers.
    Born,
    /// A cluster whose images are all outliers now.
    Died,
    /// Parts of other clusters, none of them the whole of it.
    Regrouped,
    /// One cluster, later one.
    Kept,
    /// Outliers that are in a cluster now.
    WonBack,
    /// Images of a cluster that are outliers now.
    Lost,
}

impl LineageKind {
    /// All, changes first.
    pub const ALL: [Self; 8] =
        [Self::Split, Self::Merged, Self::Born, Self::Died, Self::Regrouped, Self::Kept, Self::WonBack, Self::Lost];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Split => "split",
            Self::Merged => "merged",
            Self::Born => "born",
            Self::Died => "died",
            Self::Regrouped => "regrouped",
            Self::Kept => "kept",
            Self::WonBack => "won back",
            Self::Lost => "lost",
        }
    }

    /// What it says, for tooltips.
    pub fn help(self) -> &'static str {
        match self {
            Self::Split => "Clusters that are the main origin of more than one later cluster.",
            Self::Merged => "Clusters that took the largest part of more than one earlier cluster.",
            Self::Born => "Clusters whose images were all outliers.",
            Self::Died => "Clusters whose images are all outliers now.",
            Self::Regrouped => "Clusters made of parts of others, the largest part of none.",
            Self::Kept => "Clusters that stayed one: each other's main origin and heir.",
            Self::WonBack => "Outliers of the earlier epoch that are in a cluster now.",
            Self::Lost => "Images of earlier clusters that are outliers now.",
        }
    }

    /// Whether it counts clusters; won back and lost count images.
    pub fn of_clusters(self) -> bool {
        !matches!(self, Self::WonBack | Self::Lost)
    }
}

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What became of it.
    pub kind: LineageKind,
    /// Clusters of the earlier epoch.
    pub earlier: Vec<u32>,
    /// Clusters of the later epoch, the one with most of the images first.
    pub later: Vec<u32>,
    /// Images concerned.
    pub images: u32,
}

/// How much there is of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Clusters, a split one once, a merged one once; 0 for won back and lost.
    pub clusters: usize,
    /// Images concerned.
    pub images: usize,
}

/// Two epochs of N images, compared.
pub struct Compared {
    /// Labels of the two epochs.
    labels: [Vec<i32>; 2],
    /// What became of the clusters.
    pub lineage: Lineage,
    /// Where the images went, outliers included.
    pub flows: Vec<Flow>,
    /// Images of each cluster, earlier and later.
    pub sizes: [Vec<u32>; 2],
    /// A line for each thing that happened, changes first, then by images.
    pub items: Vec<Item>,
}

impl Compared {
    /// Compares the labels of two epochs.
    pub fn new(earlier: &[i32], later: &[i32]) -> Self {
        let n = earlier.len().min(later.len());
        let labels = [earlier[..n].to_vec(), later[..n].to_vec()];
        let lineage = lineage(&labels[0], &labels[1]);
        let flows = flows(&labels[0], &labels[1]);
        let sizes = [cluster_sizes(&labels[0]), cluster_sizes(&labels[1])];
        let mut all = Self { labels, lineage, flows, sizes, items: Vec::new() };
        all.items = all.list();
        all
    }

    fn list(&self) -> Vec<Item> {
        let l = &self.lineage;
        let [before, after] = &self.sizes;
        let item = |kind, earlier, later, images| Item { kind, earlier, later, images };
        let one = |cluster: &u32| vec![*cluster];
        let mut items = Vec::new();
        for &a in &l.split {
            let mut children: Vec<u32> =
                (0u32..).zip(&l.clusters).filter(|(_, c)| c.main == Some(a)).map(|(b, _)| b).collect();
            children.sort_by_key(|&b| std::cmp::Reverse(l.clusters[b as usize].shared));
            items.push(item(LineageKind::Split, vec![a], children, before[a as usize]));
        }
        let descent = |b: u32| &l.clusters[b as usize];
        items.extend(
            l.merged
                .iter()
                .map(|b| item(LineageKind::Merged, descent(*b).heirs_of.clone(), one(b), after[*b as usize])),
        );
        items.extend(l.born.iter().map(|b| item(LineageKind::Born, Vec::new(), one(b), after[*b as usize])));
        items.extend(l.died.iter().map(|a| item(LineageKind::Died, one(a), Vec::new(), before[*a as usize])));
        for (b, cluster) in (0u32..).zip(&l.clusters) {
            if self.kind_of_later(b) == Some(LineageKind::Regrouped) {
                let from = self.flows.iter().filter(|f| f.later == Some(b)).filter_map(|f| f.earlier).collect();
                items.push(item(LineageKind::Regrouped, from, vec![b], cluster.size));
            }
        }
        items.extend(l.kept.iter().map(|(a, b)| item(LineageKind::Kept, one(a), one(b), descent(*b).shared)));
        for flow in &self.flows {
            match (flow.earlier, flow.later) {
                (None, Some(b)) => items.push(item(LineageKind::WonBack, Vec::new(), vec![b], flow.images)),
                (Some(a), None) => items.push(item(LineageKind::Lost, vec![a], Vec::new(), flow.images)),
                _ => {}
            }
        }
        items.sort_by_key(|i| (i.kind, std::cmp::Reverse(i.images))); // stable: then by number
        items
    }

    /// How much there is of a kind.
    pub fn count(&self, kind: LineageKind) -> Count {
        let of = self.items.iter().filter(|i| i.kind == kind);
        let images = of.clone().map(|i| i.images as usize).sum();
        Count { clusters: if kind.of_clusters() { of.count() } else { 0 }, images }
    }

    /// What became of an earlier cluster; `None` when no image bears its number.
    pub fn kind_of_earlier(&self, a: u32) -> Option<LineageKind> {
        let l = &self.lineage;
        let heir = match l.heir.get(a as usize)? {
            Some(heir) => *heir,
            None => return l.died.binary_search(&a).is_ok().then_some(LineageKind::Died),
        };
        Some(match () {
            () if l.split.binary_search(&a).is_ok() => LineageKind::Split,
            () if l.merged.binary_search(&heir).is_ok() => LineageKind::Merged,
            () if l.clusters[heir as usize].main == Some(a) => LineageKind::Kept,
            () => LineageKind::Regrouped,
        })
    }

    /// Where a later cluster comes from; `None` when no image bears its number.
    pub fn kind_of_later(&self, b: u32) -> Option<LineageKind> {
        let l = &self.lineage;
        let cluster = l.clusters.get(b as usize).filter(|c| c.size > 0)?;
        let Some(main) = cluster.main else { return Some(LineageKind::Born) };
        Some(match () {
            () if l.merged.binary_search(&b).is_ok() => LineageKind::Merged,
            () if l.split.binary_search(&main).is_ok() => LineageKind::Split,
            () if cluster.heirs_of == [main] => LineageKind::Kept,
            () => LineageKind::Regrouped,
        })
    }

    /// What a flow is part of; `None` for what stayed outlier.
    pub fn kind_of(&self, flow: &Flow) -> Option<LineageKind> {
        let l = &self.lineage;
        match (flow.earlier, flow.later) {
            (None, None) => None,
            (None, Some(b)) if l.clusters[b as usize].main.is_none() => Some(LineageKind::Born),
            (None, Some(_)) => Some(LineageKind::WonBack),
            (Some(a), None) if l.heir[a as usize].is_none() => Some(LineageKind::Died),
            (Some(_), None) => Some(LineageKind::Lost),
            (Some(a), Some(b)) => {
                let (heir, main) = (l.heir[a as usize] == Some(b), l.clusters[b as usize].main == Some(a));
                Some(match () {
                    () if heir && l.merged.binary_search(&b).is_ok() => LineageKind::Merged,
                    () if main && l.split.binary_search(&a).is_ok() => LineageKind::Split,
                    () if heir && main => LineageKind::Kept,
                    () => LineageKind::Regrouped,
                })
            }
        }
    }

    /// The images of an item, ascending.
    pub fn images_of(&self, item: &Item) -> Vec<u32> {
        let (a, b) = (item.earlier.first().copied(), item.later.first().copied());
        match item.kind {
            LineageKind::Split | LineageKind::Died => self.images(Some(a), None),
            LineageKind::Merged | LineageKind::Born | LineageKind::Regrouped => self.images(None, Some(b)),
            LineageKind::Kept => self.images(Some(a), Some(b)),
            LineageKind::WonBack => self.images(Some(None), Some(b)),
            LineageKind::Lost => self.images(Some(a), Some(None)),
        }
    }

    /// The images that were in `earlier` and are in `later`, ascending. `None` is anywhere, `Some(None)` the
    /// outliers.
    pub fn images(&self, earlier: Option<Option<u32>>, later: Option<Option<u32>>) -> Vec<u32> {
        let is = |asked: Option<Option<u32>>, label: i32| asked.is_none_or(|c| c == u32::try_from(label).ok());
        let [before, after] = &self.labels;
        let rows = (0u32..).zip(before.iter().zip(after));
        rows.filter(|&(_, (&a, &b))| is(earlier, a) && is(later, b)).map(|(row, _)| row).collect()
    }
}
