//! What colour a point has: by cluster, camera, score, reliability, or true identity.

use std::sync::Arc;

use eframe::egui::{Color32, Pos2};
use serde::{Deserialize, Serialize};

use crate::gui::theme::Theme;
use crate::run::images::ImageRow;
use crate::run::snapshot::ClusterSnapshot;

/// The second code of a point, beside its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyph {
    /// In a reliable cluster.
    Disc,
    /// In an unreliable cluster.
    Ring,
    /// In no cluster.
    Cross,
}

/// A point's look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PointMark {
    /// Its colour.
    pub color: Color32,
    /// Its shape.
    pub glyph: Glyph,
}

/// What the colour says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Colouring {
    #[default]
    Cluster,
    Camera,
    Score,
    Reliability,
    /// **Ground truth.**
    Identity,
}

impl Colouring {
    /// All of them, in the order of the list.
    pub const ALL: [Self; 5] = [Self::Cluster, Self::Camera, Self::Score, Self::Reliability, Self::Identity];

    /// Those that may be shown, with their words and what they say.
    pub fn options(truth: bool) -> impl Iterator<Item = (Self, &'static str, &'static str)> {
        let shown = Self::ALL.into_iter().filter(move |by| truth || *by != Self::Identity);
        shown.map(|by| (by, by.words(), by.help()))
    }

    /// In the list.
    pub fn words(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Camera => "camera",
            Self::Score => "score",
            Self::Reliability => "outlier",
            Self::Identity => "true identity",
        }
    }

    /// What it says, for a tooltip.
    pub fn help(self) -> &'static str {
        match self {
            Self::Cluster => "Neighbouring clusters differ; a cluster keeps its colour from epoch to epoch.",
            Self::Camera => "Clusters should hold several cameras; a map that falls apart by camera has not learnt.",
            Self::Score => "Eq. 8 of each image, dark is low and bright is high.",
            Self::Reliability => "Reliable, unreliable, or in no cluster.",
            Self::Identity => "Neighbouring people differ. Uses the target's labels.",
        }
    }
}

/// The series colour of each label; labels below 0 have none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scheme {
    /// Labels of the images, dense from 0.
    pub labels: Vec<i32>,
    /// Series of each label.
    pub series: Vec<u8>,
}

/// Series colours there are.
const SERIES: usize = 7;
/// Clusters that count as neighbours in the plane.
const NEAR: usize = 8;
/// What a neighbour in the plane weighs against one among the neighbour lists.
const IN_PLANE: f32 = 64.0;

/// Colours for labels, greedily, the largest first, so that neighbours differ: those whose centres are near in the
/// plane (`at`), and, weighing less, those that share entries of the neighbour lists `[N, k]`. A label keeps the
/// colour that most of its images had in `before`, unless that is a neighbour's.
pub fn greedy(labels: &[i32], knn: &[u32], k: usize, at: Option<&[Pos2]>, before: Option<&Scheme>) -> Scheme {
    let count = labels.iter().max().map_or(0, |&m| (m + 1).max(0) as usize);
    let mut edges = shared_lists(labels, knn, k);
    if let Some(at) = at.filter(|at| at.len() == labels.len()) {
        edges.extend(near_centres(labels, at, count));
    }
    let mut near: Vec<Vec<(usize, f32)>> = vec![Vec::new(); count];
    for (a, b, weight) in edges {
        near[a].push((b, weight));
        near[b].push((a, weight));
    }
    let inherited = inherited(labels, count, before);
    let mut size = vec![0usize; count];
    labels.iter().filter(|&&l| l >= 0).for_each(|&l| size[l as usize] += 1);
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|&c| (inherited[c].is_none(), std::cmp::Reverse(size[c]), c));
    let mut series: Vec<Option<u8>> = vec![None; count];
    let mut used = [0usize; SERIES];
    for c in order {
        let mut cost = [0.0f32; SERIES];
        for &(other, weight) in &near[c] {
            if let Some(s) = series[other] {
                cost[s as usize] += weight;
            }
        }
        let least = cost.iter().copied().fold(f32::MAX, f32::min);
        let kept = inherited[c].filter(|&s| cost[s as usize] <= least.max(IN_PLANE / 2.0));
        let fresh = || (0..SERIES).filter(|&s| cost[s] <= least).min_by_key(|&s| used[s]).unwrap_or(0) as u8;
        let chosen = kept.unwrap_or_else(fresh);
        used[chosen as usize] += 1;
        series[c] = Some(chosen);
    }
    Scheme { labels: labels.to_vec(), series: series.into_iter().map(|s| s.unwrap_or(0)).collect() }
}

/// Pairs of labels, the first the smaller, and how often one lies in the other's lists.
fn shared_lists(labels: &[i32], knn: &[u32], k: usize) -> Vec<(usize, usize, f32)> {
    let mut pairs: Vec<(i32, i32)> = Vec::new();
    for (i, row) in knn.chunks_exact(k.max(1)).enumerate().take(labels.len()) {
        for &j in row {
            let (a, b) = (labels[i], labels.get(j as usize).copied().unwrap_or(-1));
            if a >= 0 && b >= 0 && a != b {
                pairs.push((a.min(b), a.max(b)));
            }
        }
    }
    pairs.sort_unstable();
    pairs.chunk_by(|a, b| a == b).map(|run| (run[0].0 as usize, run[0].1 as usize, run.len() as f32)).collect()
}

fn near_centres(labels: &[i32], at: &[Pos2], count: usize) -> Vec<(usize, usize, f32)> {
    let mut centres = vec![(0.0f32, 0.0f32, 0.0f32); count];
    for (&l, p) in labels.iter().zip(at).filter(|(l, _)| **l >= 0) {
        let c = &mut centres[l as usize];
        *c = (c.0 + p.x, c.1 + p.y, c.2 + 1.0);
    }
    let centres: Vec<Pos2> = centres.iter().map(|c| Pos2::new(c.0 / c.2.max(1.0), c.1 / c.2.max(1.0))).collect();
    let mut edges = Vec::new();
    for (a, centre) in centres.iter().enumerate() {
        let mut others: Vec<(f32, usize)> =
            centres.iter().enumerate().filter(|(b, _)| *b != a).map(|(b, p)| (p.distance_sq(*centre), b)).collect();
        if others.len() > NEAR {
            others.select_nth_unstable_by(NEAR, |x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)));
            others.truncate(NEAR);
        }
        edges.extend(others.into_iter().map(|(_, b)| (a, b, IN_PLANE)));
    }
    edges
}

/// The colour that most images of each label had.
fn inherited(labels: &[i32], count: usize, before: Option<&Scheme>) -> Vec<Option<u8>> {
    let mut votes = vec![[0u32; SERIES]; count];
    for (&now, &then) in labels.iter().zip(before.map_or(&[][..], |b| &b.labels)) {
        let series = before.and_then(|b| b.series.get(usize::try_from(then).ok()?));
        if let (0.., Some(&s)) = (now, series) {
            votes[now as usize][s as usize] += 1;
        }
    }
    let most = |v: &[u32; SERIES]| {
        let best = (0..SERIES).max_by_key(|&s| (v[s], SERIES - s)).filter(|&s| v[s] > 0);
        best.map(|s| s as u8)
    };
    votes.iter().map(most).collect()
}

/// `values` as labels without gaps; those below 0 stay −1.
pub fn dense(values: impl Iterator<Item = i32>) -> Vec<i32> {
    let values: Vec<i32> = values.collect();
    let mut known: Vec<i32> = values.iter().copied().filter(|&v| v >= 0).collect();
    known.sort_unstable();
    known.dedup();
    values.iter().map(|v| known.binary_search(v).map_or(-1, |at| at as i32)).collect()
}

/// Reliable, unreliable, or in no cluster.
pub fn glyph(snapshot: &ClusterSnapshot, i: usize) -> Glyph {
    match (snapshot.labels.get(i), snapshot.pseudo_labels.get(i)) {
        (Some(0..), Some(0..)) => Glyph::Disc,
        (Some(0..), _) => Glyph::Ring,
        _ => Glyph::Cross,
    }
}

/// The look of all points. `scheme` is for clusters and identities; `rows` are the images of the train split.
pub fn marks(
    theme: &Theme,
    by: Colouring,
    snapshot: &ClusterSnapshot,
    scheme: Option<&Scheme>,
    rows: &[ImageRow],
) -> Arc<Vec<PointMark>> {
    let of_label = |i: usize| {
        let scheme = scheme?;
        let series = scheme.series.get(usize::try_from(*scheme.labels.get(i)?).ok()?)?;
        Some(theme.series(usize::from(*series)))
    };
    let color = |i: usize, glyph: Glyph| match by {
        Colouring::Cluster if glyph == Glyph::Cross => theme.outlier,
        Colouring::Cluster | Colouring::Identity => of_label(i).unwrap_or(theme.t4),
        Colouring::Camera => rows.get(i).map_or(theme.t4, |r| theme.series(r.camid.max(0) as usize)),
        Colouring::Score => score(theme, snapshot.score.get(i).copied().unwrap_or(0.0) as f32),
        Colouring::Reliability => state(theme, glyph),
    };
    let mark = |i: usize| {
        let glyph = glyph(snapshot, i);
        PointMark { color: color(i, glyph), glyph }
    };
    Arc::new((0..snapshot.labels.len()).map(mark).collect())
}

/// The colour of a state.
pub fn state(theme: &Theme, glyph: Glyph) -> Color32 {
    match glyph {
        Glyph::Disc => theme.reliable,
        Glyph::Ring => theme.unreliable,
        Glyph::Cross => theme.outlier,
    }
}

/// The colour of a score in 0..=1, where the ramp can be seen on the ground of a panel.
pub fn score(theme: &Theme, t: f32) -> Color32 {
    let t = t.clamp(0.0, 1.0);
    Theme::inferno(if theme.dark { 0.3 + 0.7 * t } else { 0.78 * t })
}
