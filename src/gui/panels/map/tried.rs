//! What the what-if makes of the map: its labels in place of the run's, and an outline around every cluster that is not
//! one of the run's.

use std::sync::Arc;

use eframe::egui::{Painter, Pos2, Shape, Stroke};

use super::layouts::{Key, PlaneLayout};
use super::lens::LensPlace;
use crate::gui::panels::PanelCtx;
use crate::gui::theme::size;
use crate::gui::what_if::worker::{ClusterVerdict, WhatIfOutcome};
use crate::run::snapshot::ClusterSnapshot;

/// Points that an outline keeps from its images.
const APART: f32 = 5.0;
/// How many times as far as the median image one may lie from the middle of its cluster and still be outlined.
const FAR: f32 = 3.0;

/// Outlines in the plane, and of what.
type Outlines = (Arc<WhatIfOutcome>, Arc<PlaneLayout>, Vec<Vec<Pos2>>);

/// The clustering that is tried, as a snapshot, and outlines in the plane of a layout.
#[derive(Default)]
pub struct MapTried {
    snapshot: Option<(Arc<WhatIfOutcome>, Arc<ClusterSnapshot>)>,
    outlines: Option<Outlines>,
}

impl MapTried {
    /// The clusters that are tried on the clustering shown; `None` where nothing is.
    pub fn snapshot(&mut self, cx: &PanelCtx<'_>, key: &Key, run: &ClusterSnapshot) -> Option<Arc<ClusterSnapshot>> {
        let base = cx.what_if.base()?;
        let (outcome, _) = cx.what_if.outcome()?;
        let here = base.folder == key.folder && base.epoch == key.epoch && base.seq == key.seq;
        if !here || outcome.assignment.labels.len() != run.labels.len() {
            return None;
        }
        if let Some((of, snapshot)) = &self.snapshot
            && Arc::ptr_eq(of, outcome)
        {
            return Some(Arc::clone(snapshot));
        }
        let snapshot = Arc::new(snapshot_of(outcome, run));
        self.snapshot = Some((Arc::clone(outcome), Arc::clone(&snapshot)));
        Some(snapshot)
    }

    /// Draws an outline around each cluster that is tried and is none of the run's.
    pub fn outline(
        &mut self,
        painter: &Painter,
        cx: &PanelCtx<'_>,
        run: &ClusterSnapshot,
        layout: &Arc<PlaneLayout>,
        place: LensPlace,
    ) {
        let Some((outcome, _)) = &self.snapshot else { return };
        let known =
            self.outlines.as_ref().is_some_and(|(of, at, _)| Arc::ptr_eq(of, outcome) && Arc::ptr_eq(at, layout));
        if !known {
            let outlines = changed(outcome, run)
                .into_iter()
                .map(|rows| hull(bulk(rows.into_iter().filter_map(|i| layout.at.get(i as usize).copied()).collect())));
            self.outlines = Some((Arc::clone(outcome), Arc::clone(layout), outlines.collect()));
        }
        let Some((.., outlines)) = &self.outlines else { return };
        let stroke = Stroke::new(size::STROKE, cx.theme.what_if);
        for outline in outlines {
            let corners: Vec<Pos2> = outline.iter().map(|p| place.screen(*p)).collect();
            let middle = corners.iter().fold(Pos2::ZERO, |sum, p| sum + p.to_vec2() / corners.len().max(1) as f32);
            let wider = |p: &Pos2| *p + (*p - middle).normalized() * APART;
            match corners.len() {
                0 => {}
                1 => drop(painter.circle_stroke(corners[0], APART, stroke)),
                _ => drop(painter.add(Shape::closed_line(corners.iter().map(wider).collect(), stroke))),
            }
        }
    }
}

fn snapshot_of(outcome: &WhatIfOutcome, run: &ClusterSnapshot) -> ClusterSnapshot {
    let assignment = &outcome.assignment;
    let score = assignment.score.as_ref();
    ClusterSnapshot {
        labels: assignment.labels.clone(),
        pseudo_labels: assignment.pseudo_labels.clone(),
        reliable: assignment.reliable.iter().map(|&r| u8::from(r)).collect(),
        score: score.map(|s| s.images.clone()).unwrap_or_default(),
        cluster_score: score.map(|s| s.clusters.clone()).unwrap_or_default(),
        ..run.clone()
    }
}

/// The images of each cluster that is tried and is not, image for image, one of the run's.
pub fn changed(outcome: &WhatIfOutcome, run: &ClusterSnapshot) -> Vec<Vec<u32>> {
    let labels = &outcome.assignment.labels;
    let mut members: Vec<Vec<u32>> = vec![Vec::new(); outcome.assignment.reliable.len()];
    let mut same = vec![false; members.len()];
    for (i, (&now, &was)) in labels.iter().zip(&run.labels).enumerate() {
        let Some(cluster) = usize::try_from(now).ok().filter(|&c| c < members.len()) else { continue };
        members[cluster].push(i as u32);
        let verdict = usize::try_from(was).ok().and_then(|was| outcome.verdicts.get(was));
        same[cluster] |= verdict == Some(&ClusterVerdict::Same);
    }
    members.into_iter().zip(same).filter(|(rows, same)| !same && !rows.is_empty()).map(|(rows, _)| rows).collect()
}

/// The points that lie together: a single one far off in the plane would stretch the outline across the map.
fn bulk(points: Vec<Pos2>) -> Vec<Pos2> {
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
