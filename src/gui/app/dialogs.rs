//! The dialogs: which are open, and what comes of their answers.

use eframe::egui;

use super::App;
use crate::engine::command::Command;
use crate::engine::event::Severity;
use crate::gui::dialogs::add_dataset::{AddDataset, AddDatasetAnswer};
use crate::gui::dialogs::checkpoints::Checkpoints;
use crate::gui::dialogs::dataset::{DatasetAnswer, DatasetDialog};
use crate::gui::dialogs::export::Export;
use crate::gui::dialogs::label_run::LabelRun;
use crate::gui::dialogs::new_run::{Around, NewRun};
use crate::gui::dialogs::open_run::OpenRun;
use crate::gui::dialogs::palette::{Palette, PaletteScope};
use crate::gui::dialogs::{cheat_sheet, quit};
use crate::gui::panels::log::LogEntry;
use crate::gui::words::{is_active, sentence, steered};

/// Which dialogs are open.
#[derive(Default)]
pub(super) struct Dialogs {
    pub(super) new_run: Option<NewRun>,
    pub(super) add_dataset: Option<AddDataset>,
    pub(super) open_run: Option<OpenRun>,
    pub(super) export: Option<Export>,
    pub(super) palette: Option<Palette>,
    pub(super) dataset: Option<DatasetDialog>,
    pub(super) checkpoints: Option<Checkpoints>,
    pub(super) label: Option<LabelRun>,
    pub(super) cheat_sheet: bool,
    pub(super) quit: bool,
    /// Whether one stood in the last frame.
    stood: bool,
}

impl Dialogs {
    /// Whether any has the keyboard.
    pub(super) fn any(&self) -> bool {
        self.new_run.is_some()
            || self.add_dataset.is_some()
            || self.open_run.is_some()
            || self.export.is_some()
            || self.palette.is_some()
            || self.dataset.is_some()
            || self.checkpoints.is_some()
            || self.label.is_some()
            || self.quit
    }
}

impl App {
    /// Draws the dialogs that are open.
    pub(super) fn dialogs(&mut self, ctx: &egui::Context) {
        // A list left open by the mouse would lie above a dialog that the keyboard opened.
        if self.dialogs.any() && !self.dialogs.stood {
            egui::Popup::close_all(ctx);
        }
        self.dialogs.stood = self.dialogs.any();
        self.palette(ctx);
        if let Some(dialog) = &mut self.dialogs.new_run {
            let around = Around {
                registry: self.library.registry(),
                datasets: self.library.datasets(),
                runs_dir: self.library.runs_dir(),
                busy: is_active(&self.live) || self.preparing.is_some(),
                queue: &self.queue,
                paces: &self.saved.paces,
            };
            if !dialog.show(ctx, &mut self.saved.choice, &mut self.draft, &around, &self.commands) {
                self.dialogs.new_run = None;
            }
        }
        if let Some(dialog) = &mut self.dialogs.open_run
            && !dialog.show(ctx, &self.saved.machines, &self.commands)
        {
            self.dialogs.open_run = None;
        }
        if let Some(dialog) = &mut self.dialogs.export
            && !dialog.show(ctx, &self.commands)
        {
            self.dialogs.export = None;
        }
        if let Some(dialog) = &mut self.dialogs.checkpoints {
            let place = (self.library.runs_dir(), is_active(&self.live));
            if !dialog.show(ctx, &self.draft, place, &self.commands) {
                self.dialogs.checkpoints = None;
            }
        }
        if let Some(dialog) = &mut self.dialogs.label
            && !dialog.show(ctx, &self.commands)
        {
            self.dialogs.label = None;
        }
        if self.dialogs.cheat_sheet && !cheat_sheet::show(ctx) {
            self.dialogs.cheat_sheet = false;
        }
        self.dropped(ctx);
        self.add_dataset_dialog(ctx);
        self.dataset_dialog(ctx);
        self.quit_dialog(ctx);
    }

    fn palette(&mut self, ctx: &egui::Context) {
        let Some(mut palette) = self.dialogs.palette.take() else { return };
        let shown = self.shown();
        let known = PaletteScope {
            live: &self.live,
            shown,
            library: &self.library,
            book: &self.book,
            values: &self.values(),
            running: is_active(steered(&self.live, shown)),
            what_if: &self.what_if,
            snapshots: &self.snapshots,
            selection: &self.selection,
            truth: self.saved.truth,
        };
        if palette.show(ctx, &known, &self.commands) {
            self.dialogs.palette = Some(palette);
        }
    }

    fn add_dataset_dialog(&mut self, ctx: &egui::Context) {
        let Some(dialog) = &mut self.dialogs.add_dataset else { return };
        match dialog.show(ctx, self.library.registry(), &self.images) {
            AddDatasetAnswer::Open => {}
            AddDatasetAnswer::Close => self.dialogs.add_dataset = None,
            AddDatasetAnswer::Added(name) => {
                self.dialogs.add_dataset = None;
                self.library.refresh(ctx);
                let text = "It can be source or target of the next run.";
                self.notify(ctx, LogEntry::now(Severity::Info, format!("Dataset {name} added"), text), None);
            }
        }
    }

    fn dataset_dialog(&mut self, ctx: &egui::Context) {
        let Some(dialog) = &mut self.dialogs.dataset else { return };
        match dialog.show(ctx, self.library.registry(), &self.images, &self.commands) {
            DatasetAnswer::Open => {}
            DatasetAnswer::Close => self.dialogs.dataset = None,
            DatasetAnswer::Removed => {
                self.dialogs.dataset = None;
                self.library.refresh(ctx);
            }
        }
    }

    fn quit_dialog(&mut self, ctx: &egui::Context) {
        if !self.dialogs.quit {
            return;
        }
        let waiting = self.queue.runs().len();
        match quit::show(ctx, &sentence(&self.live, self.saved.truth), waiting) {
            quit::QuitAnswer::Open => {}
            quit::QuitAnswer::Stay => self.dialogs.quit = false,
            quit::QuitAnswer::Leave => self.leave(ctx),
            quit::QuitAnswer::Detach => {
                if let Some(folder) = self.live.folder.clone() {
                    self.ends.train_on(folder, self.live.device_name.clone());
                }
                self.leave(ctx);
            }
        }
    }

    /// Ends the run with a checkpoint; the window closes then.
    fn leave(&mut self, ctx: &egui::Context) {
        self.dialogs.quit = false;
        self.leaving = true;
        self.command(ctx, Command::Stop);
    }
}
