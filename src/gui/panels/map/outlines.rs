//! Outlines around clusters on the map: around those that are tried and are none of the run's, and, where several became
//! one or one became several, around what they were.

use eframe::egui::Pos2;

use super::layouts::PlaneLayout;
use crate::gui::what_if::worker::{ClusterVerdict, WhatIfOutcome};
use crate::method::lineage::lineage;
use crate::run::snapshot::ClusterSnapshot;

/// How many times as far as the median image one may lie from the middle of its cluster and still be outlined.
const FAR: f32 = 3.0;

/// What an outline is around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutlineKind {
    /// A cluster of the run that is tried to be part of a larger one, or is tried to fall apart.
    Was,
    /// A cluster that several of the run's became.
    Merged,
    /// One of several that a cluster of the run became.
    Part,
    /// Another cluster that is none of the run's.
    Other,
}

/// An outline in the plane.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterOutline {
    /// What it is around.
    pub kind: OutlineKind,
    /// Its corners.
    pub hull: Vec<Pos2>,
    /// What became of it: `2 → 1`, said once for each that merges or splits.
    pub words: Option<String>,
}

/// The outlines of what is tried, and how many clusters merge and split.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OutlineSet {
    /// What was comes first, so that what is lies over it.
    pub outlines: Vec<ClusterOutline>,
    /// Clusters that several of the run's became.
    pub merged: usize,
    /// Clusters of the run that became several.
    pub split: usize,
}

impl OutlineSet {
    /// Of what is tried in place of the run's clusters.
    pub fn of(outcome: &WhatIfOutcome, run: &ClusterSnapshot, layout: &PlaneLayout) -> Self {
        let now = &outcome.assignment.labels;
        let family = lineage(&run.labels, now);
        let (were, are) = (members(&run.labels), members(now));
        let around = |kind: OutlineKind, rows: &[u32], words: Option<String>| ClusterOutline {
            kind,
            hull: hull(bulk(rows.iter().filter_map(|&i| layout.at.get(i as usize).copied()).collect())),
            words,
        };
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let mut told = vec![false; are.len()];
        for &to in &family.merged {
            let from = &family.clusters[to as usize].heirs_of;
            before.extend(from.iter().map(|&f| around(OutlineKind::Was, &were[f as usize], None)));
            after.push(around(OutlineKind::Merged, &are[to as usize], Some(format!("{} → 1", from.len()))));
            told[to as usize] = true;
        }
        for &from in &family.split {
            let parts: Vec<usize> = (0..are.len()).filter(|&to| family.clusters[to].main == Some(from)).collect();
            before.push(around(OutlineKind::Was, &were[from as usize], Some(format!("1 → {}", parts.len()))));
            for to in parts {
                if !told[to] {
                    after.push(around(OutlineKind::Part, &are[to], None));
                    told[to] = true;
                }
            }
        }
        for to in changed(outcome, run).into_iter().filter(|&to| !told[to]) {
            after.push(around(OutlineKind::Other, &are[to], None));
        }
        before.append(&mut after);
        Self { outlines: before, merged: family.merged.len(), split: family.split.len() }
    }

    /// What merges and splits, in words; empty where nothing does.
    pub fn words(&self) -> String {
        let several = |n: usize, one: &str, more: &str| match n {
            0 => None,
            1 => Some(format!("1 {one}")),
            n => Some(format!("{n} {more}")),
        };
        let said = [several(self.merged, "merges", "merge"), several(self.split, "splits", "split")];
        said.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// The images of each cluster, ascending.
pub fn members(labels: &[i32]) -> Vec<Vec<u32>> {
    let mut members = vec![Vec::new(); crate::method::cluster::count_clusters(labels)];
    for (i, &label) in (0u32..).zip(labels) {
        if let Ok(cluster) = usize::try_from(label) {
            members[cluster].push(i);
        }
    }
    members
}

/// Clusters that are tried and are not, image for image, one of the run's.
fn changed(outcome: &WhatIfOutcome, run: &ClusterSnapshot) -> Vec<usize> {
    let labels = &outcome.assignment.labels;
    let mut same: Vec<Option<bool>> = vec![None; outcome.assignment.reliable.len()];
    for (&now, &was) in labels.iter().zip(&run.labels) {
        let Some(same) = usize::try_from(now).ok().and_then(|now| same.get_mut(now)) else { continue };
        let verdict = usize::try_from(was).ok().and_then(|was| outcome.verdicts.get(was));
        *same = Some(same.unwrap_or(false) || verdict == Some(&ClusterVerdict::Same));
    }
    (0..same.len()).filter(|&c| same[c] == Some(false)).collect()
}

/// The points that lie together: a single one far off in the plane would stretch the outline across the map.
pub fn bulk(points: Vec<Pos2>) -> Vec<Pos2> {
    let median = |mut values: Vec<f32>| {
        let middle = values.len() / 2;
        if values.is_empty() { 0.0 } else { *values.select_nth_unstable_by(middle, f32::total_cmp).1 }
    };
    let x = median(points.iter().map(|p| p.x).collect());
    let y = median(points.iter().map(|p| p.y).collect());
    let away = |p: &Pos2| p.distance(Pos2::new(x, y));
    let usual = median(points.iter().map(away).collect());
    points.into_iter().filter(|p| away(p) <= FAR * usual).collect()
}

/// The convex hull of points, counter-clockwise (Andrew's monotone chain).
pub fn hull(mut points: Vec<Pos2>) -> Vec<Pos2> {
    points.retain(|p| p.is_finite());
    points.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    points.dedup();
    if points.len() < 3 {
        return points;
    }
    let half = |points: &mut dyn Iterator<Item = Pos2>| {
        let mut chain: Vec<Pos2> = Vec::new();
        for p in points {
            while let [.., a, b] = chain[..]
                && (b - a).x * (p - a).y - (b - a).y * (p - a).x <= 0.0
            {
                chain.pop();
            }
            chain.push(p);
        }
        chain.pop();
        chain
    };
    let mut lower = half(&mut points.iter().copied());
    lower.extend(half(&mut points.iter().rev().copied()));
    lower
}

#[cfg(test)]
mod tests {
    use eframe::egui::pos2;

    use super::{bulk, hull};

    #[test]
    fn a_hull_holds_every_point_and_only_corners() {
        let mut points: Vec<_> = (0..7).flat_map(|x| (0..5).map(move |y| pos2(x as f32, y as f32))).collect();
        points.extend([pos2(3.0, 9.0), pos2(3.0, 9.0)]);
        assert_eq!(hull(points), [(0.0, 0.0), (6.0, 0.0), (6.0, 4.0), (3.0, 9.0), (0.0, 4.0)].map(|(x, y)| pos2(x, y)));
        let line: Vec<_> = (0..9).map(|i| pos2(i as f32, 2.0 * i as f32)).collect();
        assert_eq!(hull(line), [pos2(0.0, 0.0), pos2(8.0, 16.0)]);
        assert_eq!(hull(vec![pos2(f32::NAN, 0.0)]), []);
    }

    #[test]
    fn a_stray_image_does_not_stretch_the_outline() {
        let near: Vec<_> = (0..20).map(|i| pos2((i % 5) as f32, (i / 5) as f32)).collect();
        let mut all = near.clone();
        all.push(pos2(500.0, 0.0));
        assert_eq!(bulk(all), near);
        let same = vec![pos2(1.0, 1.0); 4];
        assert_eq!(bulk(same.clone()), same);
        assert_eq!(bulk(Vec::new()), []);
    }
}
