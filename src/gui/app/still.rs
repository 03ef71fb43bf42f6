//! The application without a window system: what [`crate::gui::shot`] draws pictures of.

use std::path::PathBuf;

use eframe::egui::{self, Rect, Ui};
use egui_tiles::Tree;

use super::App;
use super::saved::Saved;
use crate::gui::WindowOptions;
use crate::gui::command::WorkLayout;
use crate::gui::panels::map::MapRadii;
use crate::gui::panels::{Pane, Panels, Selection, sweep};
use crate::gui::theme::{Theme, size};
use crate::gui::tour::{TourAsk, TourStep};
use crate::gui::view_model::RunView;
use crate::method::params::Value;

/// How a picture looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShotLook {
    /// Dark appearance.
    pub dark: bool,
    /// Arrangement of the panels.
    pub layout: WorkLayout,
    /// Zoom factor.
    pub zoom: f32,
}

/// What is tried in the picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShotTrial {
    /// Parameters and their values.
    pub values: Vec<(String, Value)>,
    /// Whether the epoch is clustered at many values of eps and Δd.
    pub sweep: bool,
    /// What of the other radii lies over the map.
    pub radii: MapRadii,
    /// Runs that are ticked; the one on screen is their baseline.
    pub ticked: Vec<PathBuf>,
    /// The step of the tour, from 0.
    pub step: Option<usize>,
}

/// What is kept in memory for the panels; none of it grows with the length of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Snapshots of epochs, all kinds together.
    pub snapshots: usize,
    /// Layouts of t-SNE.
    pub layouts: usize,
    /// Rank lists of single images that were asked for.
    pub rankings: usize,
    /// Settings that were tried in What-if.
    pub tried: usize,
    /// Lines of the log.
    pub lines: usize,
    /// Bytes of all textures, photos and heat maps among them.
    pub textures: usize,
}

impl App {
    /// An application as it starts for the first time, in that look; `shown` is the run on screen, `trial` what is
    /// tried there.
    pub fn still(
        ctx: &egui::Context,
        options: WindowOptions,
        look: ShotLook,
        shown: Option<(RunView, Selection)>,
        trial: &ShotTrial,
    ) -> Self {
        let mut saved = Saved::default();
        (saved.dark, saved.layout, saved.zoom) = (look.dark, look.layout, look.zoom);
        let mut app = Self::with(ctx, saved, options);
        app.panels.lay_over_map(trial.radii);
        if let Some((view, selection)) = shown {
            let mut view = view;
            view.folder = view.folder.map(|folder| app.named(&folder));
            app.book.marks.ticked = trial.ticked.iter().map(|folder| app.named(folder)).collect();
            app.book.marks.baseline = view.folder.clone().filter(|_| !trial.ticked.is_empty());
            app.introduced |= trial.step.is_some();
            app.show_run(ctx, view);
            app.list_elsewhere();
            if let Some(step) = trial.step.and_then(|at| TourStep::ALL.get(at)) {
                app.tour(ctx, TourAsk::Go(*step));
            }
            app.selection = selection;
            app.what_if.look_at(app.opened.as_ref().unwrap_or(&app.live), app.selection.epoch);
            for (key, value) in &trial.values {
                app.what_if.set(key, value);
            }
            app.what_if.let_go();
            if let Some(base) = app.what_if.base().filter(|_| trial.sweep).map(|b| b.params.clone()) {
                let (eps, delta_d) = sweep::grid(&base);
                app.what_if.ask_table(eps, delta_d);
                app.what_if.ask_sweep(sweep::radii(&base));
            }
        }
        app
    }

    /// One frame: of the whole window, or of one panel alone.
    pub fn still_frame(&mut self, ui: &mut Ui, tile: Option<Pane>) {
        let ctx = ui.ctx().clone();
        self.take_in(&ctx);
        let Some(pane) = tile else { return self.draw(ui) };
        self.images.begin_frame(&ctx);
        let mut inside = ui.new_child(egui::UiBuilder::new().max_rect(ui.max_rect().shrink(size::GAP)));
        self.lay(&mut inside, Some(pane), false);
        self.act_on_all(&ctx);
    }

    /// Puts other panels in force than the layout's, in that state; for measurements.
    pub fn arrange(&mut self, tree: Tree<Pane>, panels: Panels) {
        *self.saved.tree() = tree;
        self.panels = panels;
    }

    /// Where a tile was drawn last; `None` when it is behind another.
    pub fn tile_at(&mut self, pane: Pane) -> Option<Rect> {
        if let Some(alone) = self.alone_now() {
            let title = size::TILE_TITLE;
            return (alone == pane).then(|| self.centre.with_min_y(self.centre.top() + title));
        }
        let tiles = match self.small.drawn() {
            Some(tree) => &tree.tiles,
            None => &self.saved.tree().tiles,
        };
        tiles.find_pane(&pane).and_then(|id| tiles.rect(id))
    }

    /// Whether something is being read or decoded for the panels. Jobs are counted by [`crate::gui::job::Works`].
    pub fn reads(&self) -> bool {
        let reads = self.opening.is_some() || self.listing.is_some() || self.store.busy();
        reads
            || self.book.busy()
            || self.sweeps.busy()
            || self.images.busy()
            || self.snapshots.busy()
            || self.what_if.is_busy()
    }

    /// What is kept in memory just now.
    pub fn held(&self, ctx: &egui::Context) -> Held {
        Held {
            snapshots: self.snapshots.held(),
            layouts: self.panels.map().held(),
            rankings: self.shown().rankings.len(),
            tried: self.what_if.tried().len(),
            lines: self.log.entries().len(),
            textures: ctx.tex_manager().read().allocated().map(|(_, texture)| texture.bytes_used()).sum(),
        }
    }

    /// What lies behind everything.
    pub fn ground(&self) -> egui::Color32 {
        if self.saved.dark { Theme::dark().bg0 } else { Theme::light().bg0 }
    }
}
