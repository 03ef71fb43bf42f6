//! Clusters at many radii on the map: as hulls within hulls, or as a clustree whose discs lie where their images lie.

use std::sync::Arc;

use eframe::egui::{Color32, Pos2, Rect, Shape, Stroke, Ui, Vec2};
use serde::{Deserialize, Serialize};

use super::layouts::PlaneLayout;
use super::lens::LensPlace;
use super::outlines::{bulk, hull, members};
use crate::gui::panels::PanelCtx;
use crate::gui::plot::colours;
use crate::gui::plot::ticks;
use crate::gui::theme::{Theme, size};
use crate::method::lineage::{Flow, flows};
use crate::method::tree::ladder::{Ladder, Rung};

/// Radii that are drawn, at most.
const RADII: usize = 6;
/// A hull this small on the screen is not drawn.
const SMALL: f32 = 5.0;

/// What of the other radii is drawn over the points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MapRadii {
    /// Nothing.
    #[default]
    None,
    /// A hull around each cluster of six radii.
    Hulls,
    /// A disc in the middle of each cluster of six radii, and a line where images stay together.
    Clustree,
}

impl MapRadii {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::None, Self::Hulls, Self::Clustree];

    /// In the menu.
    pub fn words(self) -> &'static str {
        match self {
            Self::None => "one radius",
            Self::Hulls => "nested radii",
            Self::Clustree => "clustree",
        }
    }

    /// What it shows.
    pub fn help(self) -> &'static str {
        match self {
            Self::None => "The clusters at eps alone.",
            Self::Hulls => {
                "A hull around the clusters of six radii: bright at the smallest, darker outwards. A hull that stands alone \
                 lasts over many radii; one drawn around many merges them."
            }
            Self::Clustree => {
                "The clustree laid over the map: a disc in the middle of each cluster of six radii, as large as it has images, \
                 and lines from radius to radius where images stay together. A disc that stays is a cluster that lasts."
            }
        }
    }
}

/// A cluster of a radius, in the plane.
struct RadiusCluster {
    hull: Vec<Pos2>,
    middle: Pos2,
    size: u32,
    /// Whether a smaller radius has the very same images.
    known: bool,
}

/// The clusters of one radius.
struct Level {
    eps: f64,
    clusters: Vec<RadiusCluster>,
    /// To the next larger radius.
    flows: Vec<Flow>,
}

/// What was made of which ladder in which layout, for which eps.
type Made = (Arc<Ladder>, Arc<PlaneLayout>, Option<usize>, Vec<Level>);

/// The overlay, kept until something in it changes.
#[derive(Default)]
pub struct MapNested(Option<Made>);

impl MapNested {
    /// Draws it, and says what it shows; `None` while it is computed, or where there is nothing to vary.
    pub fn show(
        &mut self,
        ui: &Ui,
        cx: &PanelCtx<'_>,
        what: MapRadii,
        layout: &Arc<PlaneLayout>,
        place: LensPlace,
    ) -> Option<String> {
        if what == MapRadii::None || !cx.what_if.has_radii() {
            return None;
        }
        let ladder = cx.what_if.ladder()?;
        let middle = ladder.nearest(cx.what_if.draft().eps);
        if ladder.rungs.iter().any(|r| r.labels.len() != layout.at.len()) {
            return None;
        }
        let known = self
            .0
            .take()
            .filter(|(of, at, around, _)| Arc::ptr_eq(of, &ladder) && Arc::ptr_eq(at, layout) && *around == middle);
        let made = known.unwrap_or_else(|| {
            let levels = levels(&ladder, middle, layout);
            (ladder, Arc::clone(layout), middle, levels)
        });
        let levels = &made.3;
        match what {
            MapRadii::None => {}
            MapRadii::Hulls => hulls(ui, cx.theme, levels, place),
            MapRadii::Clustree => discs(ui, cx.theme, levels, place),
        }
        let ends = [levels.first()?.eps, levels.last()?.eps].map(|eps| ticks::number(eps, 3));
        let words = format!("{} of {} radii, {} to {}", what.words(), levels.len(), ends[0], ends[1]);
        self.0 = Some(made);
        Some(words)
    }
}

/// The radii that are drawn: of those that have clusters, none of them with half of all images, six evenly, and that of eps.
fn levels(ladder: &Ladder, middle: Option<usize>, layout: &PlaneLayout) -> Vec<Level> {
    // Where half of the images are one cluster its hull and its lines would cover all others.
    let tells = |rung: &Rung| {
        let largest = rung.clusters.iter().map(|c| c.size).max().unwrap_or(0);
        largest > 0 && 2 * largest as usize <= rung.labels.len()
    };
    let some: Vec<usize> = (0..ladder.rungs.len()).filter(|&r| tells(&ladder.rungs[r]) || middle == Some(r)).collect();
    let count = some.len().min(RADII);
    let mut picked: Vec<usize> = (0..count).map(|at| at * (some.len() - 1) / (count - 1).max(1)).collect();
    if let Some(own) = middle.and_then(|m| some.iter().position(|&r| r == m))
        && let Some(nearest) = picked.iter_mut().min_by_key(|p| p.abs_diff(own))
    {
        *nearest = own;
    }
    let rungs: Vec<&Rung> = picked.into_iter().map(|at| &ladder.rungs[some[at]]).collect();
    let mut levels: Vec<Level> = Vec::with_capacity(rungs.len());
    for (at, rung) in rungs.iter().enumerate() {
        // All images of a smaller radius' cluster, and no others: nothing happened between the two radii.
        let mut known = vec![false; rung.clusters.len()];
        if let Some(before) = at.checked_sub(1) {
            for f in &levels[before].flows {
                let Some((from, to)) = f.earlier.zip(f.later) else { continue };
                let sizes = [rungs[before].clusters[from as usize].size, rung.clusters[to as usize].size];
                known[to as usize] |= sizes == [f.images; 2];
            }
        }
        let clusters = members(&rung.labels).into_iter().zip(known).map(|(rows, known)| {
            let points: Vec<Pos2> = rows.iter().map(|&i| layout.at[i as usize]).collect();
            let sum = points.iter().fold(Vec2::ZERO, |sum, p| sum + p.to_vec2());
            RadiusCluster {
                middle: (sum / points.len().max(1) as f32).to_pos2(),
                size: points.len() as u32,
                known,
                hull: hull(bulk(points)),
            }
        });
        let clusters: Vec<RadiusCluster> = clusters.collect();
        let flows = rungs.get(at + 1).map_or_else(Vec::new, |next| flows(&rung.labels, &next.labels));
        levels.push(Level { eps: rung.eps, clusters, flows });
    }
    levels
}

/// Bright at the smallest radius.
fn ink(theme: &Theme, at: usize, of: usize) -> Color32 {
    let share = at as f32 / of.saturating_sub(1).max(1) as f32;
    colours::score(theme, 1.0 - 0.8 * share)
}

fn hulls(ui: &Ui, theme: &Theme, levels: &[Level], place: LensPlace) {
    let painter = ui.painter().with_clip_rect(place.rect);
    // The largest radius first, so that the small ones lie above.
    for (at, level) in levels.iter().enumerate().rev() {
        let stroke = Stroke::new(size::STROKE, ink(theme, at, levels.len()));
        for cluster in level.clusters.iter().filter(|c| !c.known) {
            let corners: Vec<Pos2> = cluster.hull.iter().map(|p| place.screen(*p)).collect();
            let around = Rect::from_points(&corners);
            if corners.len() < 2 || around.size().max_elem() < SMALL || !around.intersects(place.rect) {
                continue;
            }
            // A little wider at each radius, so that hulls of the same images do not lie on each other.
            let (middle, apart) = (around.center(), 2.0 + 1.5 * at as f32);
            let wider = |p: &Pos2| *p + (*p - middle).normalized() * apart;
            painter.add(Shape::closed_line(corners.iter().map(wider).collect(), stroke));
        }
    }
}

fn discs(ui: &Ui, theme: &Theme, levels: &[Level], place: LensPlace) {
    let painter = ui.painter().with_clip_rect(place.rect);
    let most = levels.iter().flat_map(|l| &l.clusters).map(|c| c.size).max().unwrap_or(1);
    let radius = |size: u32| (12.0 * (size as f32 / most as f32).sqrt()).max(1.5);
    for pair in levels.windows(2) {
        for flow in &pair[0].flows {
            let ends = flow.earlier.zip(flow.later).and_then(|(from, to)| {
                Some((pair[0].clusters.get(from as usize)?, pair[1].clusters.get(to as usize)?))
            });
            let Some((from, to)) = ends else { continue };
            let kept = flow.images as f32 / from.size.max(1) as f32;
            let stroke = Stroke::new((3.0 * kept).max(0.6), theme.t3.gamma_multiply(0.25 + 0.55 * kept));
            painter.line_segment([place.screen(from.middle), place.screen(to.middle)], stroke);
        }
    }
    for (at, level) in levels.iter().enumerate().rev() {
        let (fill, edge) = (ink(theme, at, levels.len()), Stroke::new(size::STROKE, theme.bg1));
        for cluster in &level.clusters {
            painter.circle(place.screen(cluster.middle), radius(cluster.size), fill, edge);
        }
    }
}
