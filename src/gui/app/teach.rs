//! The tour, what goes wrong on stage, and the recorded run that both can be taken on.

use eframe::egui;

use super::App;
use crate::base::dirs;
use crate::engine::event::Severity;
use crate::gui::command::WorkLayout;
use crate::gui::panels::log::LogEntry;
use crate::gui::panels::{Pane, Pick};
use crate::gui::tour::TourAsk;
use crate::gui::tour::stage::StageCase;
use crate::gui::words::{is_active, steered};
use crate::method::params::Params;
use crate::run::example;

impl App {
    /// The panel that has the centre for itself just now: in Teach one always has.
    pub(super) fn alone_now(&self) -> Option<Pane> {
        if self.saved.layout == WorkLayout::Teach { Some(self.saved.teach) } else { self.alone }
    }

    /// Goes through the tour.
    pub(super) fn tour(&mut self, ctx: &egui::Context, asked: TourAsk) {
        let was_on_stage = self.saved.tour.stage();
        let begins = self.saved.tour.ask(asked);
        self.board.forget_example();
        self.playing = None;
        self.toasts.clear_infos();
        self.what_if.reset();
        self.panels.try_beta(None);
        self.selection.change(Pick::Nothing);
        if let (TourAsk::Cure, Some(case)) = (asked, was_on_stage) {
            return self.cure(ctx, case);
        }
        if self.saved.layout != WorkLayout::Teach {
            self.alone = None;
            self.change_look(ctx, |saved| saved.layout = WorkLayout::Teach);
        }
        if let Some(case) = self.saved.tour.stage() {
            return self.on_stage(case);
        }
        if let (true, Some(step)) = (begins, self.saved.tour.step()) {
            self.selection.epoch = None;
            self.saved.teach = step.pane();
        }
    }

    /// What the epoch looked at was clustered with.
    fn clustered_with(&self) -> Option<Params> {
        self.what_if.base().map(|base| base.params.clone()).or_else(|| self.shown().params.clone())
    }

    /// Makes it happen, in What-if.
    fn on_stage(&mut self, case: StageCase) {
        self.saved.teach = case.pane();
        let Some(run) = self.clustered_with() else { return };
        let (key, value) = case.value(&run);
        if case == StageCase::FrozenMemory {
            self.panels.try_beta(value.as_f64());
        } else {
            self.what_if.set(key, &value);
            self.what_if.let_go();
        }
    }

    /// Puts it right again, also in the run that goes on, where it was done there.
    fn cure(&mut self, ctx: &egui::Context, case: StageCase) {
        let Some(run) = self.clustered_with().filter(|_| is_active(steered(&self.live, self.shown()))) else { return };
        let (key, wrong) = case.live(&run);
        if self.value_of(key).as_ref() == Some(&wrong)
            && let Ok(right) = run.get(key)
            && right != wrong
        {
            self.set_param(ctx, key, &right);
        }
    }

    /// Shows the run that comes with the program; it is unpacked where it was not.
    pub(super) fn open_example(&mut self, ctx: &egui::Context) {
        self.unpacking.start("example", ctx, || {
            let data = dirs::data().ok_or("The system names no folder for data; set REID_DATA_DIR.")?;
            example::ensure(&data).map_err(|e| format!("It cannot be unpacked into {}: {e}.", data.display()))
        });
    }

    /// Shows it once it is there.
    pub(super) fn poll_example(&mut self, ctx: &egui::Context) {
        let failed = self.unpacking.take_failure();
        let why = match self.unpacking.poll() {
            Some(Ok(folder)) => return self.open(folder),
            Some(Err(why)) => Some(why),
            None => failed,
        };
        if let Some(why) = why {
            self.notify(ctx, LogEntry::now(Severity::Error, "No recorded run", why), None);
        }
    }
}
