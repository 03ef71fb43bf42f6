//! The application without a window system: what [`crate::gui::shot`] draws pictures of.

use eframe::egui::{self, Ui};

use super::App;
use super::saved::Saved;
use crate::gui::WindowOptions;
use crate::gui::command::Layout;
use crate::gui::panels::{Pane, Selection, sweep};
use crate::gui::theme::{Theme, size};
use crate::gui::view_model::ViewModel;
use crate::method::params::Value;

/// How a picture looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Dark appearance.
    pub dark: bool,
    /// Arrangement of the tiles.
    pub layout: Layout,
    /// Zoom factor.
    pub zoom: f32,
}

/// What is tried in the picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trial {
    /// Parameters and their values.
    pub values: Vec<(String, Value)>,
    /// Whether the epoch is clustered at many values of eps and Δd.
    pub sweep: bool,
}

impl App {
    /// An application as it starts for the first time, in that look; `shown` is the run on screen, `trial` what is
    /// tried there.
    pub fn still(
        ctx: &egui::Context,
        options: WindowOptions,
        look: Look,
        shown: Option<(ViewModel, Selection)>,
        trial: &Trial,
    ) -> Self {
        let mut saved = Saved::default();
        (saved.dark, saved.layout, saved.zoom) = (look.dark, look.layout, look.zoom);
        let mut app = Self::with(ctx, saved, options);
        if let Some((view, selection)) = shown {
            app.show_run(ctx, view);
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

    /// One frame: of the whole window, or of one tile alone.
    pub fn still_frame(&mut self, ui: &mut Ui, tile: Option<Pane>) {
        let ctx = ui.ctx().clone();
        self.take_in(&ctx);
        let Some(pane) = tile else { return self.draw(ui) };
        self.images.begin_frame(&ctx);
        let mut inside = ui.new_child(egui::UiBuilder::new().max_rect(ui.max_rect().shrink(size::GAP)));
        self.lay(&mut inside, Some(pane));
        self.act_on_all(&ctx);
    }

    /// Whether something is being read or decoded for the panels. Jobs are counted by [`crate::gui::job::Works`].
    pub fn reads(&self) -> bool {
        self.images.busy() || self.snapshots.busy() || self.what_if.is_busy()
    }

    /// What lies behind everything.
    pub fn ground(&self) -> egui::Color32 {
        if self.saved.dark { Theme::dark().bg0 } else { Theme::light().bg0 }
    }
}
