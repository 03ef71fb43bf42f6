//! Eq. 8 of one cluster as a picture: who is in it at the tight, the normal and the loose radius, what is counted
//! of that, and what the filter decided.

mod columns;
mod count;
pub mod verdict;

use std::sync::Arc;

use eframe::egui::{self, Align2, Rect, ScrollArea, Sense, Ui, pos2, vec2};
use serde::{Deserialize, Serialize};

use super::{Absence, Panel, PanelCtx, PanelDrawn, Pick};
use crate::engine::event::Split;
use crate::gui::clustered::member;
use crate::gui::clustered::{ClusterFacts, ClusterRow, ClusteringWatch, From, ScoreOrigin, ShownClustering, no_radii};
use crate::gui::job::Job;
use crate::gui::plot::{ticks, type_scale};
use crate::gui::theme::{Theme, Type, size};
use crate::gui::what_if::worker::WhatIfOutcome;
use crate::gui::widgets::thumb;
use crate::gui::widgets::{button, chip, icon, tile};
use crate::gui::words::share;
use crate::study::sets::{Fraction, ImageSets, sets};

/// State of the Eq. 8 panel that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Eq8Panel {
    #[serde(skip)]
    watch: ClusteringWatch,
    #[serde(skip)]
    drawn: Option<Drawn>,
    #[serde(skip)]
    tried: Tried,
}

/// The clusters with the parameters that are tried, made ready off the window's thread.
#[derive(Default)]
struct Tried {
    /// Shown in place of the run's.
    on: bool,
    of: Option<Arc<WhatIfOutcome>>,
    job: Job<ShownClustering>,
    shown: Option<Arc<ShownClustering>>,
}

impl Tried {
    /// What to draw instead of the run's clusters `run`, if anything is tried there and it is switched on.
    fn get(&mut self, ui: &Ui, cx: &PanelCtx<'_>, run: &ShownClustering) -> Option<Arc<ShownClustering>> {
        let here = cx.what_if.base().is_some_and(|b| b.epoch == run.epoch);
        let Some((outcome, _)) = cx.what_if.outcome().filter(|_| here && self.on) else {
            (self.of, self.shown) = (None, None);
            return None;
        };
        if !self.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, outcome)) {
            let (from, epoch, images) = (Arc::clone(outcome), run.epoch, run.images.clone());
            self.job.start("what-if table", ui.ctx(), move || {
                ShownClustering::new(epoch, ClusterFacts::of_assignment(from.assignment.clone(), &from.params), images)
            });
            self.of = Some(Arc::clone(outcome));
        }
        if let Some(shown) = self.job.poll() {
            self.shown = Some(Arc::new(shown));
        }
        self.shown.clone()
    }
}

/// The sets of the image shown; kept until it changes.
struct Drawn {
    of: Arc<ShownClustering>,
    image: u32,
    sets: ImageSets,
}

/// What is drawn: one member of one cluster of one clustering.
pub struct Eq8Picture<'a> {
    /// The clustering: the run's, or a what-if's.
    pub shown: &'a ShownClustering,
    /// The cluster.
    pub cluster: u32,
    /// Its row of the table.
    pub row: &'a ClusterRow,
    /// The member whose sets are counted.
    pub member: u32,
    /// Those sets.
    pub sets: &'a ImageSets,
}

impl Eq8Picture<'_> {
    /// What is counted: Eq. 8, or SpCL's independence where that is the score.
    pub fn fraction(&self) -> Fraction {
        match self.shown.table.kind {
            ScoreOrigin::Spcl => self.sets.indep(),
            ScoreOrigin::Eq8 | ScoreOrigin::Other | ScoreOrigin::None => self.sets.eq8(),
        }
    }
}

impl Panel for Eq8Panel {
    const TITLE: &'static str = "Eq. 8";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        let shown = self.watch.get(ui, cx)?;
        if !shown.facts.has_radii() && !shown.facts.labels.is_empty() {
            return Err(no_radii());
        }
        let Some(cluster) = shown.chosen(cx).or(shown.table.worst_first.first().copied()) else {
            let text = "DBSCAN found no cluster at eps, so there is nothing to score. Raise eps, or look at the \
                        k-distance plot.";
            return Err(Absence::nothing(icon::CIRCLE, "No cluster at all", text));
        };
        let mut cluster = cluster;
        let mut shown = shown;
        let tried = self.tried.get(ui, cx, &shown);
        if let (Some(tried), Some(row)) = (tried, shown.table.row(cluster)) {
            // The cluster that now holds the image whose score was the old one's.
            let Some(now) = tried.facts.cluster_of(row.member) else {
                head_of_tried(ui, cx, &mut self.tried.on, cluster);
                let text = "With the values that are tried its best member is noise: there is no cluster to score.";
                return Err(Absence::nothing(icon::CIRCLE, "It dissolves", text));
            };
            (cluster, shown) = (now, tried);
        }
        let Some(row) = shown.table.row(cluster) else { return Ok(()) };
        let member = member(cx, &shown, cluster, row);
        let known = self.drawn.take().filter(|d| d.image == member && Arc::ptr_eq(&d.of, &shown));
        let drawn = known.unwrap_or_else(|| {
            let facts = &shown.facts;
            let sets = sets(&facts.labels, &facts.tight, &facts.loose, member as usize);
            Drawn { of: Arc::clone(&shown), image: member, sets }
        });
        let picture = Eq8Picture { shown: &shown, cluster, row, member, sets: &drawn.sets };
        head(ui, cx, &picture, &mut self.tried);
        picture.show(ui, cx);
        self.drawn = Some(drawn);
        Ok(())
    }
}

/// The image selected, when it is in the cluster; else the one whose score is the cluster's.
fn member(cx: &PanelCtx<'_>, shown: &ShownClustering, cluster: u32, row: &ClusterRow) -> u32 {
    let selected = cx.selection.image.filter(|i| i.split == Split::Train).map(|i| i.index);
    selected.filter(|&i| shown.facts.cluster_of(i) == Some(cluster)).unwrap_or(row.member)
}

/// The name of the member that the cluster's score comes from.
fn title_of(row: &ClusterRow, member: u32) -> String {
    let what = match row.from {
        _ if member != row.member => "member",
        From::Best => "best member",
        From::Worst => "worst member",
        From::Average => "member nearest the average",
    };
    format!("{what}, image {}", ticks::count(member as usize))
}

/// The run's clusters, or those with the values that are tried.
fn which(ui: &mut Ui, tried: &mut bool) {
    button::segment(ui, &[(false, "run"), (true, "what-if")], tried);
}

fn head_of_tried(ui: &mut Ui, cx: &PanelCtx<'_>, on: &mut bool, cluster: u32) {
    let scope = format!("what-if, cluster {cluster}");
    cx.title(&scope).chip("not applied", cx.theme.what_if, "").show(ui, |ui| which(ui, on));
}

fn head(ui: &mut Ui, cx: &PanelCtx<'_>, picture: &Eq8Picture<'_>, tried: &mut Tried) {
    let order = &picture.shown.table.worst_first;
    let at = order.iter().position(|c| *c == picture.cluster).unwrap_or(0);
    let scope = format!(
        "cluster {}, {} of {} worst first, epoch {}",
        picture.cluster,
        ticks::count(at + 1),
        ticks::count(order.len()),
        picture.shown.epoch + 1,
    );
    let mut to = None;
    // The chip stands with the members where those are shown, else here.
    let truth = cx.truth && picture.row.pid.is_some() && !with_strip(ui);
    let there = cx.what_if.base().is_some_and(|b| b.epoch == picture.shown.epoch) && cx.what_if.outcome().is_some();
    if tried.on && tried.shown.is_some() {
        head_of_tried(ui, cx, &mut tried.on, picture.cluster);
        return;
    }
    cx.title(&scope).truth(cx.theme, truth).show(ui, |ui| {
        if there {
            which(ui, &mut tried.on);
        }
        if button::icon_button(ui, icon::CARET_RIGHT, "Next cluster, worst first").clicked() {
            to = order.get(at + 1).copied();
        }
        if button::icon_button(ui, icon::CARET_LEFT, "Previous cluster, worst first").clicked() {
            to = at.checked_sub(1).and_then(|at| order.get(at)).copied();
        }
    });
    if to.is_some() {
        cx.select(Pick::Cluster(to));
    }
}

impl Eq8Picture<'_> {
    /// Draws it into the room there is.
    pub fn show(&self, ui: &mut Ui, cx: &PanelCtx<'_>) {
        let room = ui.available_height();
        let strip = if with_strip(ui) { strip_height(ui) } else { 0.0 };
        let count = count::height(ui, room);
        let above = (room - strip - count - 8.0).max(60.0);
        columns::show(ui, cx, self, above);
        if strip > 0.0 {
            self.strip(ui, cx);
        }
        tile::rule(ui);
        count::show(ui, self, room);
    }

    /// The members with their scores; a click counts that member's sets.
    fn strip(&self, ui: &mut Ui, cx: &PanelCtx<'_>) {
        let k = type_scale(ui);
        let members = self.shown.table.members(self.cluster);
        let cell = k * vec2(17.0, 34.0);
        // The smallest score has the most figures.
        let scores = members.iter().filter_map(|&m| self.shown.facts.score.get(m as usize)).filter(|s| **s > 0.0);
        let least = share(scores.copied().fold(1.0, f64::min));
        let wide = ui.painter().layout_no_wrap(least, Type::Small.font(ui), cx.theme.t3).size().x + 8.0;
        let (step, height) = (wide.max(k * 34.0), strip_height(ui) - ui.spacing().interact_size.y - 8.0);
        let at = members.iter().position(|m| *m == self.member).unwrap_or(0);
        let mut to = None;
        let words = title_of(self.row, self.member);
        ui.horizontal(|ui| {
            ui.label(Type::Small.text(words, cx.theme.t3));
            if cx.truth && self.row.pid.is_some() {
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), chip::ground_truth);
            }
        });
        ui.allocate_ui_with_layout(
            vec2(ui.available_width(), height),
            egui::Layout::left_to_right(egui::Align::Center),
            |ui| {
                ui.spacing_mut().item_spacing.x = 4.0;
                if button::icon_button(ui, icon::CARET_LEFT, "Previous member").clicked() {
                    to = at.checked_sub(1);
                }
                if button::icon_button(ui, icon::CARET_RIGHT, "Next member").clicked() {
                    to = Some(at + 1);
                }
                let area = ScrollArea::horizontal().id_salt(("eq8 members", self.cluster)).auto_shrink([false, true]);
                area.show_viewport(ui, |ui, sight| {
                    let size = vec2(step * members.len() as f32, height);
                    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
                    let from = ((sight.left() / step).floor().max(0.0) as usize).min(members.len());
                    let until = ((sight.right() / step).ceil().max(0.0) as usize).clamp(from, members.len());
                    for (i, &image) in members.iter().enumerate().take(until).skip(from) {
                        let left = rect.left() + step * i as f32 + (step - cell.x) / 2.0;
                        self.strip_member(ui, cx, image, Rect::from_min_size(pos2(left, rect.top() + 3.0), cell));
                    }
                });
            },
        );
        if let Some(&image) = to.and_then(|at| members.get(at)) {
            cx.select(Pick::Member(image, Some(self.cluster)));
        }
    }

    fn strip_member(&self, ui: &Ui, cx: &PanelCtx<'_>, image: u32, cell: Rect) {
        let theme = Theme::of(ui.ctx());
        thumb::paint(ui, cx.images, self.shown.images.as_deref(), image, cell, 1.0);
        let on = image == self.member;
        if on {
            let stroke = egui::Stroke::new(size::STROKE_CURVE, theme.accent);
            ui.painter().rect_stroke(cell.expand(1.5), size::RADIUS_CHIP, stroke, egui::StrokeKind::Middle);
        }
        let score = self.shown.facts.score.get(image as usize).map_or("–".to_owned(), |s| share(*s));
        let ink = if on { theme.t1 } else { theme.t3 };
        let at = pos2(cell.center().x, cell.bottom() + 2.0);
        ui.painter().text(at, Align2::CENTER_TOP, score, Type::Small.font(ui), ink);
        if member::pick(ui, cx, self.shown, image, cell) {
            cx.select(Pick::Cluster(Some(self.cluster)));
        }
    }
}

/// Whether there is room for the members.
fn with_strip(ui: &Ui) -> bool {
    let least = if count::is_wide(ui) { 300.0 } else { 360.0 };
    ui.available_height() > least * type_scale(ui)
}

fn strip_height(ui: &Ui) -> f32 {
    type_scale(ui) * 34.0 + Type::Small.font(ui).size + ui.spacing().interact_size.y + 18.0
}
