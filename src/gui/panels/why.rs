//! Why two images are in one cluster: the chain between them whose largest step is as small as can be, as a film
//! strip, and the step without which they part.

use std::sync::Arc;

use eframe::egui::{Align2, FontId, Rect, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};
use serde::{Deserialize, Serialize};

use super::{Absence, Panel, PanelCtx, PanelDrawn, Pick};
use crate::engine::event::Split;
use crate::gui::clustered::by_hand;
use crate::gui::clustered::{ClusteringWatch, ShownClustering};
use crate::gui::plot::ticks;
use crate::gui::theme::{self, Type, size};
use crate::gui::what_if::Try;
use crate::gui::widgets::button::{ButtonLook, Push};
use crate::gui::widgets::thumb;
use crate::gui::widgets::{icon, tile};
use crate::method::jaccard::Overlap;
use crate::method::tree::Hierarchy;
use crate::method::tree::path::Path;

/// State of the Why panel that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WhyPanel {
    #[serde(skip)]
    watch: ClusteringWatch,
    /// The first image, held while the second is chosen.
    #[serde(skip)]
    held: Option<u32>,
    #[serde(skip)]
    found: Option<Found>,
}

/// The chain between two images, kept until something changes.
struct Found {
    of: Arc<Hierarchy>,
    ends: [u32; 2],
    path: Option<Path>,
}

/// Width of an arrow between two photos.
const ARROW: f32 = 64.0;

impl Panel for WhyPanel {
    const TITLE: &'static str = "Why together";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        let (run, all) = self.watch.all_radii(ui, cx)?;
        let n = all.tree.n as u32;
        let selected = cx.selection.image.filter(|i| i.split == Split::Train && i.index < n).map(|i| i.index);
        self.held = self.held.filter(|&i| i < n);
        let ends = match (&cx.selection.picked[..], self.held, selected) {
            (&[a, b], ..) if b < n => Some([a, b]),
            (_, Some(a), Some(b)) if a != b => Some([a, b]),
            // One image alone: what ties it to the heart of its cluster.
            (_, None, Some(a)) => heart(&all, &run, a).map(|b| [a, b]),
            _ => None,
        };
        let scope = format!("epoch {}, chain of the smallest largest step", run.epoch + 1);
        cx.title(&scope).plain(ui);
        ui.horizontal(|ui| {
            self.hold(ui, selected);
            if let Some(ends) = ends {
                by_hand::button(ui, cx, &ends);
                without(ui, cx, selected);
            }
        });
        let Some(ends) = ends else {
            let text = "Select an image of a cluster in any panel: the chain from it to the densest image of its cluster \
                        says why DBSCAN puts it there. Hold it here and select another for the chain between those \
                        two, or pick two on the map.";
            return Err(Absence::nothing(icon::BRANCH, "Choose two images", text));
        };
        let known = self.found.take().filter(|f| f.ends == ends && Arc::ptr_eq(&f.of, &all));
        let found =
            known.unwrap_or_else(|| Found { path: all.paths.between(ends[0], ends[1]), of: Arc::clone(&all), ends });
        match &found.path {
            Some(path) => {
                if let Some(words) = parted(cx, ends) {
                    ui.label(Type::Body.text(words, cx.theme.what_if));
                }
                show(ui, cx, &run, path);
            }
            None => {
                let text = format!(
                    "No chain of images joins them within distance {:.2}, as far as the distances of an epoch are kept.",
                    all.tree.max
                );
                tile::empty_state(ui, icon::CROSS, "Nothing joins them", &text, None);
            }
        }
        self.found = Some(found);
        Ok(())
    }

    fn exchange(&mut self, kept: &mut Self) {
        std::mem::swap(&mut self.held, &mut kept.held);
    }
}

impl WhyPanel {
    fn hold(&mut self, ui: &mut Ui, selected: Option<u32>) {
        ui.horizontal(|ui| {
            let name = |i: u32| format!("image {}", ticks::count(i as usize));
            if let Some(held) = self.held {
                let words = format!("{} held", name(held));
                let tip = "It is one end of the chain. Click to let it go.";
                if ui.add(Push::new(&words).look(ButtonLook::Framed).small()).on_hover_text(tip).clicked() {
                    self.held = None;
                }
            }
            if let Some(image) = selected.filter(|&i| self.held != Some(i)) {
                let words = format!("Hold {}", name(image));
                let tip = "Makes the selected image one end of the chain; the next one you select is the other.";
                if ui.add(Push::new(&words).look(ButtonLook::Flat).small()).on_hover_text(tip).clicked() {
                    self.held = Some(image);
                }
            }
        });
    }
}

/// Leaves the selected image out for a try.
fn without(ui: &mut Ui, cx: &PanelCtx<'_>, selected: Option<u32>) {
    let out = cx.what_if.without().to_vec();
    for image in selected.into_iter().filter(|i| !out.contains(i)) {
        let words = format!("Without image {}", ticks::count(image as usize));
        let tip = "Forms the clusters anew without the selected image: every panel about clusters follows. Nothing is trained.";
        if ui.add(Push::new(&words).look(ButtonLook::Flat).small()).on_hover_text(tip).clicked() {
            cx.attempt(Try::Without(image));
        }
    }
    for image in out {
        let words = format!("image {} left out", ticks::count(image as usize));
        let tip = "The clusters are formed without it, for a try. Click to take it in again.";
        if ui.add(Push::new(&words).look(ButtonLook::Framed).small()).on_hover_text(tip).clicked() {
            cx.attempt(Try::Without(image));
        }
    }
}

/// What becomes of the two where images are left out for a try.
fn parted(cx: &PanelCtx<'_>, [a, b]: [u32; 2]) -> Option<String> {
    let (outcome, _) = cx.what_if.outcome().filter(|_| !cx.what_if.without().is_empty())?;
    let labels = &outcome.assignment.labels;
    let [of_a, of_b] = [a, b].map(|i| labels.get(i as usize).copied().unwrap_or(-1));
    let clusters = ticks::counted(outcome.summary.clusters[0], "cluster", "clusters");
    let left = ticks::counted(cx.what_if.without().len(), "image", "images");
    Some(match of_a >= 0 && of_a == of_b {
        true => format!("Without {left} there are {clusters}, and the two are still in one."),
        false => format!("Without {left} there are {clusters}, and the two are in none together."),
    })
}

/// The densest other image of an image's cluster.
fn heart(all: &Hierarchy, run: &ShownClustering, image: u32) -> Option<u32> {
    let cluster = run.facts.cluster_of(image)?;
    let core = |i: u32| all.tree.core[i as usize];
    let others = run.table.members(cluster).iter().copied().filter(|&i| i != image);
    others.min_by(|&a, &b| core(a).total_cmp(&core(b)).then(a.cmp(&b)))
}

/// The verdict in words, then the strip.
fn show(ui: &mut Ui, cx: &PanelCtx<'_>, run: &ShownClustering, path: &Path) {
    let theme = cx.theme;
    let Some((weakest, bridge)) = path.bridge() else { return };
    let draft = cx.what_if.draft();
    let joined = draft.eps as f32 >= bridge.reach;
    let words = format!(
        "Joined from eps {:.4} on, by {}; the weakest is step {}. At eps {} they are {}.",
        bridge.reach,
        ticks::counted(path.steps.len(), "step", "steps"),
        weakest + 1,
        ticks::number(draft.eps, 2),
        if joined { "core images of one cluster" } else { "not joined by core images" }
    );
    ui.label(Type::Body.text(&words, theme.t1));
    let pairs: Vec<(u32, u32)> = path.steps.iter().map(|s| (s.from, s.to)).collect();
    let hand = cx.what_if.base().and_then(|base| base.hand.as_ref()?.resolved(run.facts.labels.len()).ok());
    let shared = cx.what_if.shared(&pairs).filter(|all| all.len() == pairs.len());
    ScrollArea::horizontal().auto_shrink([false, false]).show(ui, |ui| {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            let first = path.steps[0].from;
            photo(ui, cx, run, first);
            for (at, step) in path.steps.iter().enumerate() {
                let [_, height] = size::THUMBS[3];
                let (rect, response) = ui.allocate_exact_size(vec2(ARROW, height), Sense::hover());
                let is_bridge = at == weakest;
                // Nearness says nothing of a step that people made.
                let by_hand = hand.as_ref().is_some_and(|hand| hand.tied(step.from, step.to));
                let counts = shared.as_ref().map(|all| all[at]);
                let counted =
                    counts.map_or(String::new(), |s| format!(", {} of {} neighbours shared", s.both, s.either));
                let said = format!(
                    "step {} of {}: J {:.3}, reach {:.3}{}{counted}",
                    at + 1,
                    path.steps.len(),
                    step.jaccard,
                    step.reach,
                    match (by_hand, is_bridge) {
                        (true, _) => ", made by hand",
                        (false, true) => ", the weakest",
                        (false, false) => "",
                    }
                );
                response.widget_info(|| WidgetInfo::labeled(Role::Label, true, said.as_str()));
                let ink = if is_bridge { theme.unreliable } else { theme.t2 };
                let y = rect.center().y;
                let stroke = Stroke::new(if is_bridge { size::STROKE_HERO } else { size::STROKE_CURVE }, ink);
                let ends = [pos2(rect.left() + 6.0, y), pos2(rect.right() - 6.0, y)];
                ui.painter().line_segment(ends, stroke);
                let painter = ui.painter();
                let font = FontId::new(Type::Small.font(ui).size, theme::semibold());
                painter.text(
                    pos2(rect.center().x, y - 4.0),
                    Align2::CENTER_BOTTOM,
                    if by_hand { "by hand".to_owned() } else { format!("J {:.3}", step.jaccard) },
                    font,
                    ink,
                );
                let small = Type::Small.font(ui);
                if is_bridge {
                    painter.text(pos2(rect.center().x, y + 4.0), Align2::CENTER_TOP, "weakest", small.clone(), ink);
                }
                // Where the step waits for an image to become core, the distance alone does not say when.
                if step.reach > step.jaccard + 5e-4 {
                    let below = y + if is_bridge { 20.0 } else { 4.0 };
                    let words = format!("core {:.3}", step.reach);
                    painter.text(pos2(rect.center().x, below), Align2::CENTER_TOP, words, small.clone(), theme.t3);
                }
                if let Some(Overlap { both, either, .. }) = counts {
                    let words = format!("{both} of {either}");
                    painter.text(pos2(rect.center().x, y - 22.0), Align2::CENTER_BOTTOM, words, small, theme.t3);
                }
                let counted = match (counts, cx.what_if.failure(5)) {
                    (Some(s), _) => format!(
                        "{} of {} weighted k-reciprocal neighbours are shared: J = 1 − {:.3} / {:.3}. ",
                        s.both, s.either, s.overlap, s.total
                    ),
                    (None, Some(why)) => format!("{why} "),
                    (None, None) => String::new(),
                };
                let tip = if by_hand {
                    "People said that these two are one person: whatever their distance, they are together at every radius."
                } else {
                    "J is the Jaccard distance of the two. DBSCAN takes the step once eps reaches J and both \
                     images are core: where that comes later it is written below."
                };
                response.on_hover_text(format!("{counted}{tip}"));
                photo(ui, cx, run, step.to);
            }
        });
    });
}

fn photo(ui: &mut Ui, cx: &PanelCtx<'_>, run: &ShownClustering, image: u32) {
    let [width, height] = size::THUMBS[3];
    let (rect, response) = ui.allocate_exact_size(vec2(width, height + 34.0), Sense::click());
    response.widget_info(|| {
        WidgetInfo::labeled(Role::Button, true, format!("chain image {}", ticks::count(image as usize)))
    });
    let cell = Rect::from_min_size(rect.min, vec2(width, height));
    let at = thumb::paint(ui, cx.images, run.images.as_deref(), image, cell, 1.0);
    if cx.selection.image == Some(thumb::train(image)) {
        ui.painter().rect_stroke(
            at,
            size::RADIUS_CHIP,
            Stroke::new(size::STROKE_HERO, cx.theme.accent),
            StrokeKind::Inside,
        );
    }
    let cluster = run.facts.cluster_of(image).map_or("no cluster".to_owned(), |c| format!("cluster {c}"));
    let small = Type::Small.font(ui);
    let line = small.size + 3.0;
    for (row, words) in [ticks::count(image as usize), cluster].into_iter().enumerate() {
        let y = cell.bottom() + 2.0 + row as f32 * line;
        ui.painter().text(pos2(rect.center().x, y), Align2::CENTER_TOP, words, small.clone(), cx.theme.t2);
    }
    if response.clicked() {
        cx.select(Pick::Member(image, run.facts.cluster_of(image)));
    }
}
