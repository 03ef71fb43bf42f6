//! What stands where: title bar, run strip, columns, panels, scrubber, log.

use eframe::egui::{self, CentralPanel, CornerRadius, Frame, Margin, Panel, Ui};

use super::act::drag_since;
use super::past::HandChange;
use super::{App, select};
use crate::engine::event::State;
use crate::gui::command::WorkLayout;
use crate::gui::fonts;
use crate::gui::panels::parameters::Knobs;
use crate::gui::panels::{Applies, Many, Pane, PanelCtx, banner, scrubber, strip, tiles, topbar, waited};
use crate::gui::plot::type_scale;
use crate::gui::theme::{Theme, size};
use crate::gui::toasts::ToastPlace;
use crate::gui::tour::ui::TourGiven;
use crate::gui::widgets::tile::TitlePlace;
use crate::gui::words::{self, answers, is_active, steered};

impl App {
    /// Draws the frame around the work, and the work.
    pub(super) fn frame(&mut self, ui: &mut Ui) {
        let theme = Theme::of(ui.ctx());
        let shown = self.shown();
        fonts::want(ui.ctx(), &shown.title);
        for row in self.library.datasets() {
            fonts::want(ui.ctx(), &row.name);
        }
        for (run, _) in self.book.rows() {
            fonts::want(ui.ctx(), &run.title);
            fonts::want(ui.ctx(), &run.label.name);
        }
        self.saved.narrow = ui.ctx().content_rect().width() < size::NARROW * type_scale(ui);
        let bar = Frame::new().fill(theme.bg1);
        let title = Panel::top("title bar").exact_size(size::TITLE_BAR).frame(bar).show_separator_line(false);
        let shown = self.opened.as_ref().unwrap_or(&self.live);
        let reaching = self.far.words().or_else(|| self.making.words());
        title.show(ui, |ui| {
            let look = (self.saved.layout, self.saved.zoom);
            let selected = select::words(&self.selection);
            topbar::ui(ui, (&self.live, shown), look, (reaching.as_deref(), selected.as_deref()), &self.commands);
        });
        let under = bar.outer_margin(Margin { top: 1, ..Margin::ZERO });
        let run = Panel::top("run strip").exact_size(size::RUN_STRIP + 1.0).frame(under).show_separator_line(false);
        let prepared = self.preparing.is_some() && self.live.state == State::Preparing;
        let told = if prepared { &self.live } else { shown };
        // In front of a class what cannot be steered is left out.
        let teach = self.saved.layout == WorkLayout::Teach;
        if !teach || is_active(told) || is_active(&self.live) {
            run.show(ui, |ui| strip::ui(ui, (&self.live, shown, told), self.saved.truth, &self.commands));
        }
        if let Some(preparing) = &mut self.preparing {
            let frame = bar.outer_margin(Margin { top: 1, ..Margin::ZERO });
            let height = size::THUMBS[1][1] + 10.0;
            let panel = Panel::top("preparing").exact_size(height).frame(frame).show_separator_line(false);
            panel.show(ui, |ui| preparing.ui(ui, &self.live, &self.images));
        }
        if self.waited {
            let frame = bar.outer_margin(Margin { top: 1, ..Margin::ZERO });
            let panel = Panel::top("runs that waited").frame(frame).show_separator_line(false);
            self.waited = panel.show(ui, |ui| waited::ui(ui, &self.queue, &self.commands)).inner;
        }
        if let Some(text) = banner::text(shown, &self.draft).filter(|text| *text != self.read) {
            let frame = bar.outer_margin(Margin { top: 1, ..Margin::ZERO });
            let panel = Panel::top("weights banner").frame(frame).show_separator_line(false);
            if panel.show(ui, |ui| banner::ui(ui, &text)).inner {
                self.read = text;
            }
        }
        let foot = bar.outer_margin(Margin { top: 1, ..Margin::ZERO });
        let log = Panel::bottom("log").exact_size(size::LOG_LINE + 1.0).frame(foot).show_separator_line(false);
        let run = steered(&self.live, shown);
        let rate = run.curves(run.phase).rate.filter(|_| run.is_running());
        if !teach || self.log_open {
            log.show(ui, |ui| self.log.line(ui, rate, (self.log_open, self.saved.truth), &self.commands));
        }
        if self.log_open {
            let before = self.saved.sizes;
            let drawer = match self.resized {
                true => Panel::bottom("log drawer").exact_size(before[2]),
                false => Panel::bottom("log drawer").default_size(before[2]).min_size(90.0),
            };
            let drawer = drawer
                .frame(bar.inner_margin(Margin::symmetric(12, 0)).outer_margin(Margin { top: 1, ..Margin::ZERO }));
            let drawn =
                drawer.resizable(true).show_separator_line(false).show(ui, |ui| self.log.drawer(ui, self.saved.truth));
            self.saved.sizes[2] = drawn.response.rect.height();
            self.note_sizes(ui.ctx(), before);
        }
        // On a low screen a step's own control has the room of the scrubber.
        let low = ui.available_height() < size::LOW * type_scale(ui);
        if !(teach && low && self.saved.tour.step().is_some()) {
            self.scrubber(ui);
        }
        self.columns(ui);
        self.resized = false;
        self.tiles(ui);
    }

    /// Notes the sizes of columns and log where a splitter that is held has changed them.
    fn note_sizes(&mut self, ctx: &egui::Context, from: [f32; 3]) {
        let to = self.saved.sizes;
        let drag = drag_since(ctx).filter(|_| from.iter().zip(to).any(|(from, to)| (from - to).abs() > 0.5));
        if drag.is_some() {
            self.changes.note(HandChange::Sizes { from, to }, drag);
        }
    }

    fn scrubber(&mut self, ui: &mut Ui) {
        let theme = Theme::of(ui.ctx());
        let frame = Frame::new().fill(theme.bg1).corner_radius(CornerRadius::same(size::RADIUS_TILE));
        let panel = Panel::bottom("scrubber").exact_size(size::SCRUBBER + 2.0).frame(frame).show_separator_line(false);
        let shown = self.opened.as_ref().unwrap_or(&self.live);
        panel.show(ui, |ui| {
            let play = (self.playing.is_some(), self.saved.play_rate);
            scrubber::ui(ui, (shown, self.saved.truth), play, &self.selection, &self.commands);
        });
    }

    fn columns(&mut self, ui: &mut Ui) {
        let theme = Theme::of(ui.ctx());
        let gap = size::GAP as i8;
        let column = Frame::new()
            .fill(theme.bg1)
            .corner_radius(CornerRadius::same(size::RADIUS_TILE))
            .inner_margin(Margin { left: 12, right: 12, top: 0, bottom: 8 });
        let [min, max] = size::SIDE_RANGE;
        let mut open = *self.saved.columns();
        let shown = self.opened.as_ref().unwrap_or(&self.live);
        let many = Many {
            book: &self.book,
            live: &self.live,
            sweeps: &self.sweeps,
            queue: &self.queue,
            truth: self.saved.truth,
        };
        let widths = &mut self.saved.sizes;
        let before = *widths;
        let sized = |panel: Panel, width: f32| match self.resized {
            true => panel.exact_size(width.clamp(min, max)),
            false => panel.default_size(width).size_range(min..=max),
        };
        let left = sized(Panel::left("left column"), widths[0]);
        let left = left.frame(column.outer_margin(Margin { right: gap, top: gap, bottom: gap, left: 0 }));
        let drawn = left
            .show_separator_line(false)
            .show_collapsible(ui, &mut open.left, |ui| self.library.ui(ui, shown, &many, &self.commands));
        keep_width(&mut widths[0], drawn.map(|d| d.response.rect.width()));
        let right = sized(Panel::right("right column"), widths[1]);
        let right = right.frame(column.outer_margin(Margin { left: gap, top: gap, bottom: gap, right: 0 }));
        let run = steered(&self.live, self.opened.as_ref().unwrap_or(&self.live));
        let knobs = Knobs {
            draft: &self.draft,
            run: if is_active(run) { run.params.as_ref() } else { None },
            on_screen: shown.params.as_ref().filter(|_| !is_active(run) && shown.folder.is_some()),
            pending: &run.pending,
            sent: &self.sent,
            next_epoch: words::next_epoch(run),
        };
        let parameters = &mut self.saved.parameters;
        let drawn = right
            .show_separator_line(false)
            .show_collapsible(ui, &mut open.right, |ui| parameters.ui(ui, &knobs, &self.commands));
        keep_width(&mut widths[1], drawn.map(|d| d.response.rect.width()));
        *self.saved.columns() = open;
        self.note_sizes(ui.ctx(), before);
    }

    fn tiles(&mut self, ui: &mut Ui) {
        let gap = size::GAP as i8;
        let open = *self.saved.columns();
        let sides = Margin {
            left: if open.left { 0 } else { gap },
            right: if open.right { 0 } else { gap },
            top: gap,
            bottom: gap,
        };
        let frame = Frame::new().inner_margin(sides); // the ground was cleared to its colour
        let (alone, teach) = (self.alone_now(), self.saved.layout == WorkLayout::Teach);
        CentralPanel::no_frame().frame(frame).show(ui, |ui| self.lay(ui, alone, teach));
    }

    /// The panels as they are arranged, or one alone; beside it the tour, in Teach.
    pub(super) fn lay(&mut self, ui: &mut Ui, alone: Option<Pane>, teach: bool) {
        let view = self.opened.as_ref().unwrap_or(&self.live);
        let applies = match (is_active(steered(&self.live, view)), self.opened.is_some(), view.trainer.is_some()) {
            (true, false, _) | (true, _, true) => Applies::ToRun,
            (true, true, false) => Applies::Not,
            (false, ..) => Applies::ToNextRun,
        };
        self.what_if.look_at(view, self.selection.epoch);
        self.follow.update(view, &mut self.selection, &self.snapshots);
        let many = Many {
            book: &self.book,
            live: &self.live,
            sweeps: &self.sweeps,
            queue: &self.queue,
            truth: self.saved.truth,
        };
        let overlays = many.overlays(view);
        let nowhere = TitlePlace::new(egui::Rect::NOTHING, None);
        let cx = PanelCtx {
            view,
            many,
            overlays: &overlays,
            theme: Theme::of(ui.ctx()),
            commands: &self.commands,
            images: &self.images,
            snapshots: &self.snapshots,
            what_if: &self.what_if,
            answers: answers(&self.live, view),
            applies,
            selection: &self.selection,
            truth: self.saved.truth,
            cursor: &self.cursor,
            head: &nowhere,
        };
        self.under = None;
        self.centre = ui.available_rect_before_wrap();
        if teach {
            let (pane, playing) = (self.saved.teach, self.playing.is_some());
            let given = TourGiven { tour: &self.saved.tour, pane, beta: self.panels.beta(), playing };
            let (rest, sight) = self.board.ui(ui, &cx, given);
            self.centre = rest;
            if self.saved.tour.see(&sight) {
                ui.ctx().request_repaint();
            }
        }
        let centre = tiles::Centre {
            panels: &mut self.panels,
            alone,
            back: !teach,
            under: &mut self.under,
            rooms: &mut self.rooms,
        };
        if teach {
            let mut room = ui.new_child(egui::UiBuilder::new().id_salt("taught").max_rect(self.centre));
            tiles::ui(&mut room, self.saved.tree(), &mut self.small, centre, &cx);
            return;
        }
        // The arrangement before the hand moves a tab or a splitter.
        let held = alone.is_none() && ui.input(|i| i.pointer.any_down() || i.pointer.any_released());
        let before = held.then(|| Box::new(self.saved.tree().clone()));
        let moved = tiles::ui(ui, self.saved.tree(), &mut self.small, centre, &cx);
        if let Some(before) = before.filter(|_| moved) {
            self.note_panels(before, drag_since(ui.ctx()));
        }
    }

    /// Messages lie over the end of the left column, as wide as that; where it is folded, over the panels beside it. The
    /// scrubber, the parameters and what is below them stay free.
    pub(super) fn toast_place(&mut self, ctx: &egui::Context) -> ToastPlace {
        let column = if self.saved.columns().left { Some(self.saved.sizes[0] - size::GAP) } else { None };
        let margins = 2.0 * size::TILE_MARGIN + 2.0;
        let room = column.map_or(ctx.content_rect().width() - 24.0, |width| width - 8.0) - margins;
        let log = if self.log_open { self.saved.sizes[2] } else { 0.0 };
        let bottom = size::LOG_LINE + log + size::SCRUBBER + 2.0 * size::GAP + 6.0;
        ToastPlace { left: if column.is_some() { 4.0 } else { 12.0 }, bottom, width: room.min(size::TOAST) }
    }
}

/// Remembers the width of a column that is fully open.
fn keep_width(kept: &mut f32, drawn: Option<f32>) {
    let [min, max] = size::SIDE_RANGE;
    if let Some(width) = drawn.filter(|width| (min..=max + size::GAP).contains(width)) {
        *kept = width;
    }
}
