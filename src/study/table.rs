//! What is known of each cluster, computed once from a clustering.

use super::clusters::ClusterFacts;
use crate::method::score::scores;
use crate::run::images::ImageRow;

/// Which score the images of a clustering bear, told from the numbers themselves: the parameters may have changed
/// since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScoreOrigin {
    /// Eq. 8: the IoU of all three sets.
    #[default]
    Eq8,
    /// SpCL's independence: the IoU of the normal and the loose set.
    Spcl,
    /// Neither follows from the labels.
    Other,
    /// The method gives none.
    None,
}

/// How a cluster's score follows from its members', told from the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The best member's.
    Best,
    /// The worst member's.
    Worst,
    /// Between them.
    Average,
}

/// One cluster at eps.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterRow {
    /// Images in it.
    pub size: u32,
    /// Its score; NaN where the method gives none.
    pub score: f64,
    /// Whether it is kept.
    pub reliable: bool,
    /// Cameras that see it; 0 when the run lists no images.
    pub cameras: u32,
    /// Bit c: the c-th camera of the split sees it (the first 64).
    pub seen_by: u64,
    /// The member whose score is the cluster's, or nearest to it; the first of equals.
    pub member: u32,
    /// Images that share a cluster with that member at tight, normal, loose.
    pub radii: [u32; 3],
    /// How its score follows from its members'.
    pub from: From,
    /// **Ground truth**: the identity most of its images have, the smallest of equals.
    pub pid: Option<i32>,
    /// **Ground truth**: share of its images that have it.
    pub purity: Option<f64>,
}

impl ClusterRow {
    /// `reliable` or `unreliable`.
    pub fn verdict(&self) -> &'static str {
        if self.reliable { "reliable" } else { "unreliable" }
    }
}

/// All clusters of a clustering.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterTable {
    /// `[C]`
    pub rows: Vec<ClusterRow>,
    /// Cluster numbers by score, worst first, equal ones by number.
    pub worst_first: Vec<u32>,
    /// Images in no cluster, ascending.
    pub outliers: Vec<u32>,
    /// Cameras of the split; 0 when the run lists no images.
    pub cameras: u32,
    /// Which score this is.
    pub kind: ScoreOrigin,
    start: Vec<u32>,
    members: Vec<u32>,
}

impl ClusterTable {
    /// The table of a clustering; `images` are the rows of the train split, where the run lists them.
    pub fn of(facts: &ClusterFacts, images: Option<&[ImageRow]>) -> Self {
        let count = facts.reliable.len();
        let (start, members, outliers) = grouped(facts, count);
        let images = images.filter(|i| i.len() >= facts.labels.len());
        let mut cameras: Vec<i32> = images.unwrap_or_default().iter().map(|i| i.camid).collect();
        cameras.sort_unstable();
        cameras.dedup();
        let sizes = [&facts.tight, &facts.labels, &facts.loose].map(|l| sizes(l));
        let mut table = Self {
            rows: Vec::with_capacity(count),
            worst_first: (0..count as u32).collect(),
            outliers,
            cameras: cameras.len() as u32,
            kind: kind(facts),
            start,
            members,
        };
        for c in 0..count {
            let span = table.start[c] as usize..table.start[c + 1] as usize;
            let row = row(facts, c, &table.members[span.clone()], &sizes, images, &cameras);
            let with = facts.tight.get(row.member as usize).copied().unwrap_or(-1);
            table.members[span].sort_by_key(|&i| {
                let early = i == row.member || (with >= 0 && facts.tight[i as usize] == with);
                (!early, i)
            });
            table.rows.push(row);
        }
        let rows = &table.rows;
        table.worst_first.sort_by(|&a, &b| rows[a as usize].score.total_cmp(&rows[b as usize].score).then(a.cmp(&b)));
        table
    }

    /// Images of a cluster in the order of joining: first those that are together with its scoring member at the
    /// tight radius already, then those that come in at the normal one; within these by row.
    pub fn members(&self, cluster: u32) -> &[u32] {
        let at = cluster as usize;
        match (self.start.get(at), self.start.get(at + 1)) {
            (Some(&from), Some(&to)) => &self.members[from as usize..to as usize],
            _ => &[],
        }
    }

    /// A cluster.
    pub fn row(&self, cluster: u32) -> Option<&ClusterRow> {
        self.rows.get(cluster as usize)
    }

    /// Images in clusters of that kind.
    pub fn images(&self, reliable: bool) -> usize {
        self.rows.iter().filter(|r| r.reliable == reliable).map(|r| r.size as usize).sum()
    }
}

/// Members of each cluster one cluster after the other, where each begins, and the images in none.
fn grouped(facts: &ClusterFacts, count: usize) -> (Vec<u32>, Vec<u32>, Vec<u32>) {
    let mut start = vec![0u32; count + 1];
    let mut outliers = Vec::new();
    for i in 0..facts.labels.len() as u32 {
        match facts.cluster_of(i) {
            Some(c) => start[c as usize + 1] += 1,
            None => outliers.push(i),
        }
    }
    for c in 0..count {
        start[c + 1] += start[c];
    }
    let mut next = start.clone();
    let mut members = vec![0u32; start[count] as usize];
    for i in 0..facts.labels.len() as u32 {
        if let Some(c) = facts.cluster_of(i) {
            members[next[c as usize] as usize] = i;
            next[c as usize] += 1;
        }
    }
    (start, members, outliers)
}

fn row(
    facts: &ClusterFacts,
    cluster: usize,
    members: &[u32],
    sizes: &[Vec<u32>; 3],
    images: Option<&[ImageRow]>,
    cameras: &[i32],
) -> ClusterRow {
    let score = facts.cluster_score.get(cluster).copied().unwrap_or(f64::NAN);
    let own = |i: u32| facts.score.get(i as usize).copied().unwrap_or(f64::NAN);
    let away = |i: u32| (own(i) - score).abs();
    let member = members.iter().copied().min_by(|&a, &b| away(a).total_cmp(&away(b)).then(a.cmp(&b))).unwrap_or(0);
    let best = members.iter().map(|&i| own(i)).fold(f64::NEG_INFINITY, f64::max);
    let worst = members.iter().map(|&i| own(i)).fold(f64::INFINITY, f64::min);
    let from = match () {
        () if score >= best => From::Best,
        () if score <= worst => From::Worst,
        () => From::Average,
    };
    let at = |labels: &[i32], sizes: &[u32]| match labels.get(member as usize) {
        Some(&label) if label >= 0 => sizes.get(label as usize).copied().unwrap_or(1),
        _ => 1,
    };
    let radii = [at(&facts.tight, &sizes[0]), at(&facts.labels, &sizes[1]), at(&facts.loose, &sizes[2])];
    let of = |f: fn(&ImageRow) -> i32| -> Vec<i32> {
        let mut all: Vec<i32> =
            images.map_or_else(Vec::new, |rows| members.iter().map(|&i| f(&rows[i as usize])).collect());
        all.sort_unstable();
        all
    };
    let pids = of(|row| row.pid);
    let most = pids.chunk_by(|a, b| a == b).max_by_key(|run| (run.len(), std::cmp::Reverse(run[0])));
    let mut seen = of(|row| row.camid);
    seen.dedup();
    let bits = seen.iter().filter_map(|c| cameras.binary_search(c).ok()).filter(|&rank| rank < 64);
    ClusterRow {
        size: members.len() as u32,
        score,
        reliable: facts.reliable.get(cluster).copied().unwrap_or(false),
        cameras: seen.len() as u32,
        seen_by: bits.fold(0, |all, rank| all | 1 << rank),
        member,
        radii,
        from,
        pid: most.map(|run| run[0]),
        purity: most.map(|run| run.len() as f64 / members.len() as f64),
    }
}

/// Sizes by label; labels far beyond N do not occur in a clustering and count as 1.
fn sizes(labels: &[i32]) -> Vec<u32> {
    let mut sizes = vec![0u32; labels.len()];
    for &label in labels {
        if let Some(slot) = usize::try_from(label).ok().and_then(|l| sizes.get_mut(l)) {
            *slot += 1;
        }
    }
    sizes
}

fn kind(facts: &ClusterFacts) -> ScoreOrigin {
    let all = scores(&facts.labels, &facts.tight, &facts.loose);
    let is =
        |of: &[f64]| of.len() == facts.score.len() && of.iter().zip(&facts.score).all(|(a, b)| (a - b).abs() < 1e-9);
    match () {
        () if facts.score.is_empty() => ScoreOrigin::None,
        () if is(&all.eq8) => ScoreOrigin::Eq8,
        () if is(&all.indep) => ScoreOrigin::Spcl,
        () => ScoreOrigin::Other,
    }
}
