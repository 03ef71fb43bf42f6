//! What the what-if makes of the map: its labels in place of the run's, and an outline around every cluster that is not
//! one of the run's.

use std::sync::Arc;

use eframe::egui::{Align2, Pos2, Rect, Shape, Stroke, Ui};

use super::layouts::{Key, PlaneLayout};
use super::lens::LensPlace;
use super::outlines::{ClusterOutline, OutlineKind, OutlineSet};
use crate::gui::panels::PanelCtx;
use crate::gui::theme::{Type, size};
use crate::gui::what_if::worker::WhatIfOutcome;
use crate::run::snapshot::ClusterSnapshot;

/// Points that an outline keeps from its images.
const APART: f32 = 5.0;
/// Strokes and gaps of the outline around what was.
const DASHES: [f32; 2] = [4.0, 3.0];
/// An outline this small on the screen has no words.
const WORDLESS: f32 = 14.0;

/// Outlines in the plane, and of what.
type Outlines = (Arc<WhatIfOutcome>, Arc<PlaneLayout>, OutlineSet);

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

    /// What merges and splits, in words; empty where nothing is tried or nothing does.
    pub fn words(&mut self, run: &ClusterSnapshot, layout: &Arc<PlaneLayout>) -> String {
        self.outlines(run, layout).map(OutlineSet::words).unwrap_or_default()
    }

    /// Draws an outline around each cluster that is tried and is none of the run's, and a dashed one around those of the
    /// run's that merge or split.
    pub fn outline(
        &mut self,
        ui: &Ui,
        cx: &PanelCtx<'_>,
        run: &ClusterSnapshot,
        layout: &Arc<PlaneLayout>,
        place: LensPlace,
    ) {
        let theme = cx.theme;
        let Some(set) = self.outlines(run, layout) else { return };
        let painter = ui.painter().with_clip_rect(place.rect);
        let small = Type::Small.font(ui);
        for ClusterOutline { kind, hull, words } in &set.outlines {
            let corners: Vec<Pos2> = hull.iter().map(|p| place.screen(*p)).collect();
            let middle = corners.iter().fold(Pos2::ZERO, |sum, p| sum + p.to_vec2() / corners.len().max(1) as f32);
            let wider = |p: &Pos2| *p + (*p - middle).normalized() * APART;
            let wide: Vec<Pos2> = corners.iter().map(wider).collect();
            let ink = if *kind == OutlineKind::Was { theme.t2 } else { theme.what_if };
            let stroke = Stroke::new(if *kind == OutlineKind::Merged { size::STROKE_HERO } else { size::STROKE }, ink);
            match (&wide[..], kind) {
                ([], _) => {}
                ([one], _) => drop(painter.circle_stroke(*one, APART, stroke)),
                (_, OutlineKind::Was) => {
                    let closed: Vec<Pos2> = wide.iter().chain(wide.first()).copied().collect();
                    painter.extend(Shape::dashed_line(&closed, stroke, DASHES[0], DASHES[1]));
                }
                _ => drop(painter.add(Shape::closed_line(wide.clone(), stroke))),
            }
            let around = Rect::from_points(&wide);
            if let Some(words) = words.as_ref().filter(|_| around.size().max_elem() >= WORDLESS) {
                painter.text(around.center_top(), Align2::CENTER_BOTTOM, words, small.clone(), ink);
            }
        }
    }

    /// The outlines of what is tried; made anew where it, or the layout, is another one.
    fn outlines(&mut self, run: &ClusterSnapshot, layout: &Arc<PlaneLayout>) -> Option<&OutlineSet> {
        let (outcome, _) = self.snapshot.as_ref()?;
        let known =
            self.outlines.as_ref().is_some_and(|(of, at, _)| Arc::ptr_eq(of, outcome) && Arc::ptr_eq(at, layout));
        if !known {
            let set = OutlineSet::of(outcome, run, layout);
            self.outlines = Some((Arc::clone(outcome), Arc::clone(layout), set));
        }
        self.outlines.as_ref().map(|(.., set)| set)
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
