//! Carries out what the user asked for.

use std::path::PathBuf;

use eframe::egui;
use egui_tiles::Tree;

use super::App;
use super::past::HandChange;
use super::saved::Saved;
use crate::base::text::counted;
use crate::engine::command::{Command, Request, RunRequest};
use crate::engine::event::Severity;
use crate::export;
use crate::gui::command::{UiCommand, WorkLayout, ZOOMS};
use crate::gui::dialogs::add_dataset::AddDataset;
use crate::gui::dialogs::checkpoints::Checkpoints;
use crate::gui::dialogs::dataset::DatasetDialog;
use crate::gui::dialogs::export::Export;
use crate::gui::dialogs::new_run::NewRun;
use crate::gui::panels::Pane;
use crate::gui::panels::log::LogEntry;
use crate::gui::panels::tiles::{hide_pane, show_pane};
use crate::gui::setting;
use crate::gui::view_model::RunView;
use crate::gui::words::{is_active, steered};
use crate::launch::watch;
use crate::method::params::presets::preset;
use crate::method::params::table::{ROWS, row};
use crate::method::params::{Effect, Params, Value};

impl App {
    /// Carries out one command; what cannot be done now is said.
    pub(super) fn act(&mut self, ctx: &egui::Context, action: UiCommand) {
        if let Some(reason) = action.refusal(&self.live, self.shown()) {
            self.notify(ctx, LogEntry::now(Severity::Warning, "That cannot be done now", reason), None);
            return;
        }
        match action {
            UiCommand::Start(request) => self.start(ctx, request),
            UiCommand::QueueRun(request) => self.queue_run(ctx, *request),
            UiCommand::Unqueue(number) => self.queue.remove(number),
            UiCommand::StartQueued => self.start_queued(ctx),
            UiCommand::DiscardQueued => self.queue.clear(),
            UiCommand::Mend(changes) => {
                changes.iter().for_each(|(key, value)| self.set_param(ctx, key, value));
            }
            UiCommand::Pause => self.command(ctx, Command::Pause),
            UiCommand::Resume => self.resume(ctx),
            UiCommand::StepBatch => self.command(ctx, Command::StepBatch),
            UiCommand::StepEpoch => self.command(ctx, Command::StepEpoch),
            UiCommand::Stop => self.command(ctx, Command::Stop),
            UiCommand::Checkpoint => self.command(ctx, Command::Checkpoint),
            UiCommand::Checkpoints => {
                self.dialogs.checkpoints = Checkpoints::of(ctx, self.shown(), self.selection.epoch);
            }
            UiCommand::Cure => self.take_way_out(ctx),
            UiCommand::Engine(request) => self.request(ctx, request),
            UiCommand::SetParam { key, value } => self.set_param(ctx, &key, &value),
            UiCommand::ResetParam(key) => self.reset_param(ctx, &key),
            UiCommand::UndoPending => self.undo_pending(ctx),
            UiCommand::Preset(name) => self.preset(ctx, &name),
            UiCommand::Tour(asked) => self.tour(ctx, asked),
            UiCommand::TryBeta(beta) => self.panels.try_beta(beta),
            UiCommand::OpenExample => self.open_example(ctx),
            UiCommand::OpenMade => self.open_made(ctx),
            UiCommand::PointerRing => self.presenter.ring ^= true,
            UiCommand::Spotlight => self.presenter.spotlight ^= true,
            UiCommand::OpenRun(folder) => self.open(folder),
            UiCommand::ShowLive => self.show_live(),
            UiCommand::ExportTo { out, what } => self.export(ctx, out, what),
            UiCommand::EpochBack => self.move_epoch(-1),
            UiCommand::EpochOn => self.move_epoch(1),
            UiCommand::EpochLive => self.selection.epoch = None,
            UiCommand::EpochFirst => self.move_epoch(isize::MIN),
            UiCommand::Undo => self.redo(ctx, true),
            UiCommand::Redo => self.redo(ctx, false),
            UiCommand::Back => self.selection = self.trail.back().unwrap_or_else(|| self.selection.clone()),
            UiCommand::Forward => self.selection = self.trail.forward().unwrap_or_else(|| self.selection.clone()),
            UiCommand::PlayEpochs => self.toggle_play(ctx),
            UiCommand::PlayRate(rate) => self.saved.play_rate = rate,
            UiCommand::Select(pick) => self.selection.change(pick),
            UiCommand::Try(asked) => self.what_if.carry_out(asked, &self.commands),
            UiCommand::Quit => ctx.send_viewport_cmd(egui::ViewportCommand::Close),
            UiCommand::NewRun => {
                self.note_pace();
                self.dialogs.new_run = Some(NewRun::begin());
            }
            UiCommand::AskOpenRun => self.dialogs.open_run = Some(Default::default()),
            UiCommand::AskExport => self.dialogs.export = self.shown().folder.as_deref().map(Export::of),
            UiCommand::TickRun(folder) => self.tick(folder),
            UiCommand::Compare => {
                let shown = self.opened.as_ref().unwrap_or(&self.live);
                if let Some(folder) = &shown.folder {
                    self.book.tick_beside(folder, &shown.title);
                }
                self.commands.send(UiCommand::ShowPane(Pane::Compare));
            }
            UiCommand::UntickRuns => self.book.marks.ticked.clear(),
            UiCommand::StarRun(folder) => self.book.star(folder),
            UiCommand::LabelRun(folder) => self.ask_label(folder),
            UiCommand::SetLabel { folder, label } => self.store.label(&folder, label),
            UiCommand::DuplicateRun(folder) => self.duplicate(ctx, &folder),
            UiCommand::RevealRun(folder) => self.reveal(ctx, folder),
            UiCommand::TrashRun(folder) => self.discard(ctx, &folder),
            UiCommand::PutBack(trashed) => self.store.put_back(trashed),
            UiCommand::ChooseSweep(dir) => self.sweeps.choose(dir),
            UiCommand::BeginSweep(launch) => self.begin_sweep(ctx, &launch),
            UiCommand::StopSweep(dir) => self.with_sweep(ctx, "The sweep was not stopped", move || watch::stop(&dir)),
            UiCommand::Enqueue { dir, settings } => {
                self.with_sweep(ctx, "Nothing was enqueued", move || watch::enqueue(&dir, settings));
            }
            UiCommand::Dashboard(dir) => self.sweeps.open_dashboard(ctx, &dir),
            UiCommand::CopyText(text) => ctx.copy_text(text),
            UiCommand::AddDataset => self.dialogs.add_dataset = Some(Default::default()),
            UiCommand::OpenDataset(name) => {
                let row = self.library.datasets().iter().find(|row| row.name == name);
                self.dialogs.dataset = row.map(|row| DatasetDialog::of(ctx, row, self.library.registry()));
            }
            UiCommand::LocateDataset(name) => {
                let row = self.library.datasets().iter().find(|row| row.name == name);
                self.dialogs.add_dataset = row.map(AddDataset::locate);
            }
            UiCommand::Palette => self.dialogs.palette = Some(Default::default()),
            UiCommand::CheatSheet => self.dialogs.cheat_sheet = !self.dialogs.cheat_sheet,
            UiCommand::FocusParam(key) => {
                self.saved.columns().right = true;
                self.saved.parameters.focus(&key);
            }
            UiCommand::Layout(layout) => {
                self.alone = None;
                self.change_look(ctx, |saved| saved.layout = layout);
            }
            UiCommand::ResetLayout => self.rearrange(Saved::reset_tree),
            UiCommand::ShowPane(pane) => self.show_pane(pane),
            UiCommand::HidePane(pane) => self.rearrange(|saved| hide_pane(saved.tree(), pane)),
            UiCommand::Enlarge(pane) => self.alone = if self.alone == Some(pane) { None } else { Some(pane) },
            UiCommand::EnlargeHere => self.alone = if self.alone.is_some() { None } else { self.under },
            UiCommand::FullScreen => {
                let full = ctx.input(|i| i.viewport().fullscreen.unwrap_or(false));
                ctx.send_viewport_cmd(egui::ViewportCommand::Fullscreen(!full));
            }
            UiCommand::ToggleTheme => self.change_look(ctx, |saved| saved.dark = !saved.dark),
            UiCommand::ZoomIn => self.zoom(ctx, zoom_step(self.saved.zoom, true)),
            UiCommand::ZoomOut => self.zoom(ctx, zoom_step(self.saved.zoom, false)),
            UiCommand::ZoomReset => self.zoom(ctx, 100),
            UiCommand::Zoom(percent) => self.zoom(ctx, percent),
            UiCommand::ToggleComfortable => self.change_look(ctx, |saved| saved.comfortable = !saved.comfortable),
            UiCommand::ToggleTruth => self.saved.truth = !self.saved.truth,
            UiCommand::ToggleLog => self.log_open = !self.log_open,
            UiCommand::ToggleLeft => self.saved.columns().left ^= true,
            UiCommand::ToggleRight => self.saved.columns().right ^= true,
        }
        ctx.request_repaint();
    }

    pub(super) fn change_look(&mut self, ctx: &egui::Context, change: impl FnOnce(&mut Saved)) {
        change(&mut self.saved);
        self.dress(ctx);
    }

    fn reset_param(&mut self, ctx: &egui::Context, key: &str) {
        match row(key) {
            Ok(row) => self.set_param(ctx, key, &row.paper()),
            Err(error) => tracing::warn!(%error, "no such parameter to reset"),
        }
    }

    /// The run that transport and parameters steer.
    fn steered(&self) -> &RunView {
        steered(&self.live, self.shown())
    }

    fn zoom(&mut self, ctx: &egui::Context, percent: u32) {
        self.saved.zoom = percent as f32 / 100.0;
        ctx.set_zoom_factor(self.saved.zoom);
    }

    /// Brings a panel to the front, or lets it take the place of the one that has the centre for itself.
    fn show_pane(&mut self, pane: Pane) {
        let layout = self.saved.layout;
        if layout == WorkLayout::Teach {
            self.saved.teach = pane;
            return;
        }
        show_pane(self.saved.tree(), pane, layout);
        self.small.show_pane(pane);
        self.alone = self.alone.map(|_| pane);
    }

    /// Resume after a pause; or go on with the stopped run on screen from its last checkpoint.
    fn resume(&mut self, ctx: &egui::Context) {
        if is_active(self.steered()) {
            return self.command(ctx, Command::Resume);
        }
        let Some(folder) = self.shown().folder.clone() else { return };
        if !self.resume_there(&folder) {
            self.start(ctx, Box::new(RunRequest::resume(folder)));
        }
    }

    /// What the failed run on screen proposes.
    fn take_way_out(&mut self, ctx: &egui::Context) {
        let shown = self.shown();
        let Some(cure) = shown.cure.clone() else { return };
        let (params, source, target) = (shown.params.clone(), shown.source.clone(), shown.target.clone());
        if let (true, Some(folder)) = (cure.resume, shown.folder.clone()) {
            let request = RunRequest { changes: cure.changes, ..RunRequest::resume(folder) };
            return self.start(ctx, Box::new(request));
        }
        // A new run as that one was asked for, with what would mend it.
        if let Some(params) = params {
            self.draft = params;
        }
        if self.library.datasets().iter().any(|row| row.name == source) {
            (self.saved.choice.source, self.saved.choice.target) = (source, target);
        }
        for (key, value) in &cure.changes {
            self.set_param(ctx, key, value);
        }
        self.dialogs.new_run = Some(NewRun::begin());
    }

    /// To the run going on at the parameter's moment, and to the next run.
    pub(super) fn set_param(&mut self, ctx: &egui::Context, key: &str, value: &Value) {
        let before = self.value_of(key);
        self.change_param(ctx, key, value);
        if let Some(from) = before.filter(|from| from != value) {
            let change = HandChange::Param { key: key.to_owned(), from, to: value.clone() };
            self.changes.note(change, drag_since(ctx));
        }
    }

    /// The value that a parameter has or is about to get: of the run that is steered, else of the next one.
    pub(super) fn value_of(&self, key: &str) -> Option<Value> {
        let run = self.steered();
        if !is_active(run) || row(key).is_ok_and(|r| r.effect == Effect::NextRun) {
            return self.draft.get(key).ok();
        }
        let waiting = run.pending.iter().find(|(pending, ..)| pending == key).map(|(_, value, _)| value.clone());
        let sent = self.sent.get(key).map(|(_, value)| value.clone());
        sent.or(waiting).or_else(|| run.params.as_ref()?.get(key).ok())
    }

    /// What all parameters have or are about to get.
    pub(super) fn values(&self) -> Params {
        let mut values = self.draft.clone();
        for row in ROWS {
            if let Some(value) = self.value_of(row.key) {
                (row.set)(&mut values, &value);
            }
        }
        values
    }

    /// Takes back the last change made by hand, or makes it again.
    fn redo(&mut self, ctx: &egui::Context, back: bool) {
        match if back { self.changes.undo() } else { self.changes.redo() } {
            Some(HandChange::Param { key, from, to }) => self.change_param(ctx, &key, if back { &from } else { &to }),
            Some(HandChange::Panels { layout, from, to }) => {
                self.alone = None;
                self.change_look(ctx, |saved| saved.layout = layout);
                *self.saved.tree() = if back { *from } else { *to };
            }
            Some(HandChange::Sizes { from, to }) => {
                self.saved.sizes = if back { from } else { to };
                self.resized = true;
            }
            None => {
                let words = if back { "Nothing was changed in this session." } else { "Nothing was taken back." };
                self.notify(ctx, LogEntry::now(Severity::Info, "Nothing to do", words), None);
            }
        }
    }

    /// Arranges the panels of the layout in force otherwise, as one step.
    fn rearrange(&mut self, change: impl FnOnce(&mut Saved)) {
        let from = Box::new(self.saved.tree().clone());
        change(&mut self.saved);
        self.note_panels(from, None);
    }

    /// Notes that the panels stood like `from` before.
    pub(super) fn note_panels(&mut self, from: Box<Tree<Pane>>, drag: Option<f64>) {
        let to = Box::new(self.saved.tree().clone());
        if from != to {
            self.changes.note(HandChange::Panels { layout: self.saved.layout, from, to }, drag);
        }
    }

    fn toggle_play(&mut self, ctx: &egui::Context) {
        if self.playing.take().is_some() {
            return;
        }
        if self.selection.epoch.is_none() {
            self.selection.epoch = self.shown().newest_clusters().filter(|(newest, _)| *newest > 0).map(|_| 0);
        }
        self.playing = self.selection.epoch.map(|_| ctx.input(|i| i.time));
    }

    /// Shows the next epoch when its time has come; stops at the newest.
    pub(super) fn play(&mut self, ctx: &egui::Context) {
        let Some(since) = self.playing else { return };
        let (now, pause) = (ctx.input(|i| i.time), 1.0 / f64::from(self.saved.play_rate.max(1)));
        if now >= since + pause {
            self.move_epoch(1);
            self.playing = self.selection.epoch.map(|_| now);
        }
        if let Some(since) = self.playing {
            ctx.request_repaint_after_secs((since + pause - now).max(0.0) as f32);
        }
    }

    fn change_param(&mut self, ctx: &egui::Context, key: &str, value: &Value) {
        if let Err(error) = self.draft.set(key, value) {
            self.notify(ctx, LogEntry::now(Severity::Warning, "The value was not taken", error.to_string()), None);
            return;
        }
        let running = is_active(self.steered());
        if running && row(key).is_ok_and(|r| r.effect != Effect::NextRun) {
            let request = Request::from(Command::SetParam { key: key.to_owned(), value: value.clone() });
            self.sent.insert(key.to_owned(), (request.id.clone(), value.clone()));
            self.request(ctx, request);
        }
    }

    fn undo_pending(&mut self, ctx: &egui::Context) {
        let Some(params) = self.steered().params.clone() else { return };
        let keys: Vec<String> = self.steered().pending.iter().map(|(key, ..)| key.clone()).collect();
        for key in keys {
            if let Ok(value) = params.get(&key) {
                self.set_param(ctx, &key, &value);
            }
        }
    }

    fn preset(&mut self, ctx: &egui::Context, name: &str) {
        let preset = match preset(name) {
            Ok(preset) => preset,
            Err(error) => {
                self.notify(ctx, LogEntry::now(Severity::Warning, "No such preset", error.to_string()), None);
                return;
            }
        };
        let params = setting::with(&self.draft, preset);
        let run = self.steered();
        let before = match (&run.params, is_active(run)) {
            (Some(run), true) => run.clone(),
            _ => self.draft.clone(),
        };
        for key in params.differing_keys(&before) {
            if let Ok(value) = params.get(key) {
                self.set_param(ctx, key, &value);
            }
        }
        self.draft = params;
    }

    fn move_epoch(&mut self, by: isize) {
        let Some((newest, _)) = self.shown().newest_clusters() else { return };
        let at = self.selection.epoch.unwrap_or(newest);
        let to = at.saturating_add_signed(by).min(newest);
        self.selection.epoch = (to < newest).then_some(to);
    }

    /// Writes figures and tables of the run on screen, off the UI thread.
    fn export(&mut self, ctx: &egui::Context, out: PathBuf, what: export::Bundle) {
        let Some(run) = self.shown().folder.clone() else { return };
        self.exporting.start("export", ctx, move || {
            let files = export::bundle(&run, &out, what).map_err(|e| e.to_string())?;
            let are = if files.len() == 1 { "is" } else { "are" };
            Ok((format!("{} {are} in {}.", counted(files.len(), "file", "files"), out.display()), out))
        });
    }
}

/// When the drag that is under way began.
pub(super) fn drag_since(ctx: &egui::Context) -> Option<f64> {
    ctx.input(|i| i.pointer.press_start_time().filter(|_| i.pointer.any_down()))
}

/// The next step of the zoom, in percent.
fn zoom_step(zoom: f32, larger: bool) -> u32 {
    let now = (zoom * 100.0).round() as u32;
    let next = if larger { ZOOMS.iter().find(|step| **step > now) } else { ZOOMS.iter().rfind(|step| **step < now) };
    next.copied().unwrap_or(if larger { ZOOMS[ZOOMS.len() - 1] } else { ZOOMS[0] })
}
