//! The tour on screen: the steps in a column, the one control below the panel.

mod control;
mod list;

use std::sync::Arc;

use eframe::egui::{
    self, Align, Frame, Layout, Margin, Rect, Role, ScrollArea, Sense, Stroke, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};

use super::stage::StageCase;
use super::words::{StepWords, TourFacts};
use super::{Sight, StepControl, Tour, TourAsk, TourStep, figure};
use crate::gui::clustered::{ClusteringWatch, ShownClustering};
use crate::gui::command::UiCommand;
use crate::gui::panels::{Pane, PanelCtx, Pick};
use crate::gui::plot::type_scale;
use crate::gui::theme::{Theme, Type, size};
use crate::gui::view_model::EpochPart;
use crate::gui::widgets::button::{ButtonLook, Push, focus_ring};
use crate::gui::widgets::icon::{self, Weight};
use crate::gui::widgets::thumb;
use crate::run::event::ImageMaps;
use crate::run::images::Images;
use crate::run::snapshot::{ClusterSnapshot, RankSnapshot};
use crate::run::training::TrainingSnapshot;

/// What the tour needs beside what panels read.
#[derive(Clone, Copy)]
pub struct TourGiven<'a> {
    /// Where somebody stands in it.
    pub tour: &'a Tour,
    /// The panel that is shown.
    pub pane: Pane,
    /// The β that is tried in the memory.
    pub beta: Option<f64>,
    /// Whether the epochs are played.
    pub playing: bool,
}

/// What was read for the tour in this frame.
struct Gathered {
    sight: Sight,
    epoch: Option<usize>,
    shown: Option<Arc<ShownClustering>>,
    labels: Option<Arc<ClusterSnapshot>>,
    training: Option<Arc<TrainingSnapshot>>,
    maps: Option<Arc<Vec<ImageMaps>>>,
    ranks: Option<(usize, Arc<RankSnapshot>)>,
    images: Option<Arc<Images>>,
}

/// The state of the column that outlives a frame.
#[derive(Default)]
pub struct TourBoard {
    watch: ClusteringWatch,
    /// The step whose example was chosen.
    primed: Option<TourStep>,
    gathered: Option<Gathered>,
    words: StepWords,
    /// Where the column was drawn, without its margin.
    inside: Option<Rect>,
}

/// Width of the column, at least and at most.
const COLUMN: [f32; 2] = [264.0, 430.0];
/// Height of the control.
const CONTROL: f32 = 104.0;

impl TourBoard {
    /// The next step chooses its own example.
    pub fn forget_example(&mut self) {
        self.primed = None;
    }

    /// Draws column and control into the room of `ui` and gives what is left for the panel; and what recognises steps.
    pub fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>, given: TourGiven<'_>) -> (Rect, Sight) {
        let theme = Theme::of(ui.ctx());
        let k = type_scale(ui);
        let whole = ui.available_rect_before_wrap();
        self.gather(ui, cx, given);
        let width = (0.29 * whole.width()).clamp(COLUMN[0], COLUMN[1] * k).min(0.45 * whole.width());
        let column = whole.with_max_x(whole.left() + width);
        ui.painter().rect_filled(column, size::RADIUS_TEACH, theme.bg1);
        let mut rest = whole.with_min_x(column.right() + size::GAP);
        let inside = column.shrink2(vec2(14.0, 10.0));
        self.inside = Some(inside);
        let mut child = ui.new_child(UiBuilder::new().id_salt("tour").max_rect(inside));
        child.set_clip_rect(column);
        match (given.tour.stage(), given.tour.step()) {
            (Some(case), _) => self.stage(&mut child, cx, case),
            (None, Some(step)) => self.step(&mut child, cx, given, step),
            (None, None) => list::list(&mut child, cx, given.tour),
        }
        if let (None, Some(step), None) = (given.tour.stage(), given.tour.step(), self.words.missing) {
            let bar = rest.with_min_y(rest.bottom() - k * CONTROL);
            rest.max.y = bar.top() - size::GAP;
            ui.painter().rect_filled(bar, size::RADIUS_TEACH, theme.bg1);
            let stroke = Stroke::new(size::STROKE_HERO, theme.accent_fill);
            ui.painter().rect_stroke(bar, size::RADIUS_TEACH, stroke, egui::StrokeKind::Inside);
            let mut child =
                ui.new_child(UiBuilder::new().id_salt("tour control").max_rect(bar.shrink2(vec2(16.0, 8.0))));
            child.set_clip_rect(bar);
            self.control(&mut child, cx, given, step);
        }
        let sight = self.gathered.as_ref().map(|g| g.sight.clone()).unwrap_or_default();
        (rest, sight)
    }

    fn gather(&mut self, ui: &Ui, cx: &PanelCtx<'_>, given: TourGiven<'_>) {
        let shown = self.watch.get(ui, cx).ok();
        let view = cx.view;
        let newest = |part| view.newest_snapshot(part, cx.selection.epoch);
        let epoch = newest(EpochPart::Clusters);
        let step = given.tour.step();
        let wants = |which: TourStep| step == Some(which);
        let frozen = given.tour.stage() == Some(StageCase::FrozenMemory);
        let training = newest(EpochPart::Training).filter(|_| wants(TourStep::Memory) || frozen);
        let maps = newest(EpochPart::HeatMaps).filter(|_| wants(TourStep::Attention));
        let ranks = newest(EpochPart::Ranks).filter(|_| wants(TourStep::Retrieval));
        let base = cx.what_if.base().filter(|base| Some(base.epoch) == epoch && base.radii);
        let sight = Sight {
            epoch: cx.selection.epoch,
            newest: view.newest_clusters().map(|(epoch, _)| epoch),
            run: base.map(|base| base.params.clone()).or_else(|| view.params.clone()),
            draft: cx.what_if.draft().clone(),
            answered: cx.what_if.outcome().is_some() && !cx.what_if.is_waiting(0),
            beta: given.beta,
            query: cx.selection.query,
        };
        self.gathered = Some(Gathered {
            sight,
            epoch,
            labels: epoch.and_then(|e| cx.snapshots.clusters(view, e).ready().cloned()),
            training: training.and_then(|e| cx.snapshots.training(view, e).ready().cloned()),
            maps: maps.and_then(|e| cx.snapshots.heat_maps(view, e).ready().cloned()),
            ranks: ranks.and_then(|e| Some((e, cx.snapshots.ranks(view, e).ready().cloned()?))),
            images: cx.snapshots.images(view).ready().cloned(),
            shown,
        });
    }

    /// The words of a step, of what was read.
    fn read(&self, cx: &PanelCtx<'_>, step: TourStep) -> StepWords {
        let Some(g) = &self.gathered else { return StepWords::default() };
        let at = g.epoch.and_then(|e| Some((e, &cx.view.clusters.get(&e)?.summary)));
        let facts = TourFacts {
            view: cx.view,
            sight: &g.sight,
            at,
            labels: g.labels.as_deref(),
            table: g.shown.as_deref().filter(|shown| Some(shown.epoch) == g.epoch).map(|shown| &shown.table),
            cluster: cx.selection.cluster,
            outcome: cx.what_if.outcome().map(|(outcome, _)| &**outcome),
            training: g.training.as_deref(),
            maps: g.maps.as_deref().map_or(&[], Vec::as_slice),
            ranks: g.ranks.as_ref().map(|(done, ranks)| (*done, &**ranks)),
            truth: g.images.as_deref().filter(|_| cx.truth),
        };
        let words = facts.words(step);
        // While it is being read, nothing is missing.
        let reads = match step {
            TourStep::Memory => {
                cx.view.snapshots.keys().any(|(_, p)| *p == EpochPart::Training) && g.training.is_none()
            }
            TourStep::Attention => cx.view.snapshots.keys().any(|(_, p)| *p == EpochPart::HeatMaps) && g.maps.is_none(),
            TourStep::Retrieval => cx.view.snapshots.keys().any(|(_, p)| *p == EpochPart::Ranks) && g.ranks.is_none(),
            _ => false,
        };
        StepWords { missing: words.missing.filter(|_| !reads), ..words }
    }

    /// Chooses what the step talks of, once: by hand anything else can be chosen.
    fn prime(&mut self, cx: &PanelCtx<'_>, step: TourStep) {
        if self.primed == Some(step) {
            return;
        }
        let ready = self.gathered.as_ref().is_some_and(|g| g.shown.is_some());
        match step {
            TourStep::Radii | TourStep::Threshold if !ready => return,
            TourStep::Radii => cx.select(Pick::Cluster(self.words.cluster)),
            TourStep::Jaccard if cx.selection.image.is_none() => cx.select(Pick::Image(Some(thumb::train(0)))),
            _ => {}
        }
        self.primed = Some(step);
    }

    fn step(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>, given: TourGiven<'_>, step: TourStep) {
        let theme = Theme::of(ui.ctx());
        self.words = self.read(cx, step);
        self.prime(cx, step);
        let k = type_scale(ui);
        let foot = 34.0;
        let room = (ui.available_height() - foot - 8.0).max(60.0);
        let tall = room > k * 380.0;
        ScrollArea::vertical().id_salt(("tour", step)).max_height(room).auto_shrink([false, false]).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            ui.horizontal(|ui| {
                ui.label(Type::Small.text(format!("{} of {}", step.place() + 1, TourStep::ALL.len()), theme.t3));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let leave = Push::new("Leave the tour").look(ButtonLook::Flat).small().tight();
                    if ui.add(leave).on_hover_text("The steps stay in this column. Escape does the same.").clicked() {
                        cx.send(UiCommand::Tour(TourAsk::Leave));
                    }
                });
            });
            ui.label(Type::Figure.text(step.title(), theme.t1));
            if tall {
                figure::show(ui, step, k * 124.0);
            }
            // What to try comes first where the rest would hide it.
            if !tall && self.words.missing.is_none() {
                self.ask(ui, given.tour.is_done(step));
            }
            for line in &self.words.says {
                ui.add(egui::Label::new(Type::Body.text(line, theme.t2)).wrap());
            }
            if given.pane != step.pane() {
                let words = format!("Back to {}", step.pane().title());
                if ui.add(Push::new(&words).look(ButtonLook::Framed).small()).clicked() {
                    cx.send(UiCommand::ShowPane(step.pane()));
                }
            }
            if let Some(cluster) = self.words.cluster.filter(|_| step == TourStep::Threshold) {
                let words = format!("Show cluster {cluster}");
                let button = ui.add(Push::new(&words).look(ButtonLook::Framed).small());
                if button.on_hover_text("Its photos: more than one person, and stable all the same.").clicked() {
                    cx.select(Pick::Cluster(Some(cluster)));
                    cx.send(UiCommand::ShowPane(Pane::Browser));
                }
            }
            match self.words.missing {
                Some(why) => list::missing(ui, cx, why),
                None if tall => self.ask(ui, given.tour.is_done(step)),
                None => {}
            }
        });
        self.foot(ui, cx, given.tour, step);
    }

    /// What to try, and whether it was done.
    fn ask(&self, ui: &mut Ui, done: bool) {
        let theme = Theme::of(ui.ctx());
        let frame = Frame::new().fill(theme.accent_bg).corner_radius(size::RADIUS_FLOAT).inner_margin(Margin::same(10));
        frame.show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.label(Type::Title.text("Try it", theme.t1));
            ui.add(egui::Label::new(Type::Body.text(&self.words.ask, theme.t1)).wrap());
            let (glyph, words, ink) = match done {
                true => (icon::CHECK, "Done", theme.match_),
                false => (icon::CIRCLE, self.words.waits.as_str(), theme.accent),
            };
            ui.horizontal(|ui| {
                ui.label(icon::text(glyph, Weight::Bold, size::ICON_MARK, ink));
                ui.add(egui::Label::new(Type::Small.text(words, ink)).wrap());
            });
            let found = !self.words.found.is_empty() && (done || self.words.numbers.iter().any(|(.., tried)| *tried));
            if found {
                ui.add(egui::Label::new(Type::Body.text(&self.words.found, theme.t1)).wrap());
            }
        });
    }

    fn foot(&self, ui: &mut Ui, cx: &PanelCtx<'_>, tour: &Tour, step: TourStep) {
        let theme = Theme::of(ui.ctx());
        let inside = self.inside.unwrap_or_else(|| ui.max_rect());
        let rect = inside.with_min_y(inside.bottom() - 30.0);
        let mut row = ui.new_child(UiBuilder::new().max_rect(rect).layout(Layout::right_to_left(Align::Center)));
        row.spacing_mut().item_spacing.x = 6.0;
        let done = tour.is_done(step);
        let last = step.place() + 1 == TourStep::ALL.len();
        let words = match (done, last) {
            (_, true) => "Finish",
            (true, false) => "Next",
            (false, false) => "Skip",
        };
        let look = if done { ButtonLook::Primary } else { ButtonLook::Framed };
        if row.add(Push::new(words).look(look).tight()).on_hover_text("The next step: Page Down.").clicked() {
            cx.send(UiCommand::Tour(TourAsk::Next));
        }
        let back = Push::new("Back").look(ButtonLook::Framed).tight().enabled(step != TourStep::Loop);
        if row.add(back).on_hover_text("The step before: Page Up.").clicked() {
            cx.send(UiCommand::Tour(TourAsk::Back));
        }
        if done {
            let again = row.add(Push::new("Again").look(ButtonLook::Flat).tight());
            if again.on_hover_text("Puts the run's values back and waits for it once more.").clicked() {
                cx.send(UiCommand::Tour(TourAsk::Again));
            }
        }
        dots(&mut row, cx, tour, step, theme);
    }

    fn control(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>, given: TourGiven<'_>, step: TourStep) {
        let Some(run) = self.gathered.as_ref().and_then(|g| g.sight.run.clone()) else { return };
        let k = type_scale(ui);
        let rect = ui.available_rect_before_wrap();
        let numbers = (rect.width() * 0.38).clamp(0.0, k * 250.0);
        let left = rect.with_max_x(rect.right() - numbers - 20.0);
        let mut child = ui.new_child(UiBuilder::new().id_salt("control").max_rect(left));
        match step.control(&run) {
            StepControl::Epochs => control::epochs(&mut child, cx, given.playing),
            StepControl::Try { key, aim } => control::knob(&mut child, cx, key, aim, &run),
            StepControl::Beta { aim } => {
                control::beta(&mut child, cx, given.beta, (aim, self.run_beta().unwrap_or(run.beta)))
            }
            StepControl::Query => {
                let ranks = self.gathered.as_ref().and_then(|g| g.ranks.as_ref());
                control::queries(&mut child, cx, ranks.map(|(_, ranks)| &**ranks));
            }
        }
        let place = rect.with_min_x(rect.right() - numbers);
        let mut child = ui.new_child(UiBuilder::new().id_salt("numbers").max_rect(place));
        control::readouts(&mut child, &self.words.numbers);
    }

    /// The β that the epoch trained with.
    fn run_beta(&self) -> Option<f64> {
        self.gathered.as_ref()?.training.as_ref().map(|training| training.beta)
    }

    fn stage(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>, case: StageCase) {
        let theme = Theme::of(ui.ctx());
        let Some(g) = &self.gathered else { return };
        let summary = g.epoch.and_then(|e| cx.view.clusters.get(&e)).map(|c| &c.summary);
        let outcome = cx.what_if.outcome().map(|(outcome, _)| &**outcome).filter(|_| !cx.what_if.is_waiting(0));
        let words = summary.and_then(|s| case.words(s, outcome, g.training.as_deref(), cx.truth));
        let run = g.sight.run.clone().unwrap_or_default();
        ui.spacing_mut().item_spacing.y = 8.0;
        ui.label(Type::Small.text("On stage: what goes wrong", theme.t3));
        ui.label(Type::Figure.text(case.title(), theme.t1));
        let room = (ui.available_height() - 110.0).max(60.0);
        ScrollArea::vertical().id_salt("stage").max_height(room).show(ui, |ui| {
            let words = words.unwrap_or_else(|| match cx.what_if.problem() {
                Some(problem) => problem,
                None if case == StageCase::FrozenMemory && g.training.is_none() => {
                    "This run has no record of its memory: it is older than that, or trains without one.".to_owned()
                }
                None => "Clustering anew…".to_owned(),
            });
            ui.add(egui::Label::new(Type::Body.text(words, theme.t1)).wrap());
        });
        let cure = case.cure(&run);
        let button = ui.add(Push::new(&cure).icon(icon::CHECK, Weight::Bold).look(ButtonLook::Primary));
        if button.on_hover_text("The cure: puts the run's value back.").clicked() {
            cx.send(UiCommand::Tour(TourAsk::Cure));
        }
        if cx.applies == crate::gui::panels::Applies::ToRun {
            let (key, value) = case.live(&run);
            let live = ui.add(Push::new("Do it in the run").look(ButtonLook::WhatIf));
            let live = live.on_hover_text("Sends this value to the run that goes on; the cure sends the old one.");
            if live.clicked() {
                cx.send(UiCommand::Mend(vec![(key.to_owned(), value)]));
            }
        }
        if ui.add(Push::new("All steps").look(ButtonLook::Flat)).clicked() {
            cx.send(UiCommand::Tour(TourAsk::Leave));
        }
    }
}

/// A dot a step; a click goes there.
fn dots(row: &mut Ui, cx: &PanelCtx<'_>, tour: &Tour, at: TourStep, theme: &Theme) {
    let room = row.available_rect_before_wrap();
    let mut x = room.left();
    // Beside three buttons there is less room: all of them or none.
    let whole = 13.0 * (TourStep::ALL.len() - 1) as f32 + 23.0;
    let k = (room.width() / whole).min(1.0);
    if k < 0.5 {
        return;
    }
    for step in TourStep::ALL {
        let here = step == at;
        let width = k * if here { 18.0 } else { 8.0 };
        let place = Rect::from_min_size(pos2(x, room.center().y - 4.0), vec2(width, 8.0));
        x += width + k * 5.0;
        let response = row.interact(place.expand(2.0), row.scope_id().with(("dot", step.place())), Sense::click());
        response
            .widget_info(|| WidgetInfo::selected(Role::Tab, true, here, format!("Go to step {}", step.place() + 1)));
        let ink = match (here, tour.is_done(step)) {
            (true, _) => theme.accent_fill,
            (_, true) => theme.match_,
            _ => theme.bg4,
        };
        row.painter().rect_filled(place, 4.0, ink);
        focus_ring(row, &response, place, 4);
        if response.on_hover_text(step.title()).clicked() {
            cx.send(UiCommand::Tour(TourAsk::Go(step)));
        }
    }
}
