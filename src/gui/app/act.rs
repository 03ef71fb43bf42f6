//! Carries out what the user asked for.

use std::path::PathBuf;

use eframe::egui;

use super::App;
use super::saved::Saved;
use crate::engine::command::{Begin, Command, DeviceChoice, Request, RunRequest, cache_dir};
use crate::engine::event::Severity;
use crate::export;
use crate::gui::command::{UiCommand, ZOOMS};
use crate::gui::dialogs::add_dataset::AddDataset;
use crate::gui::dialogs::dataset::Dataset;
use crate::gui::dialogs::export::Export;
use crate::gui::dialogs::new_run::NewRun;
use crate::gui::panels::Pane;
use crate::gui::panels::log::Entry;
use crate::gui::panels::tiles::{hide_pane, show_pane};
use crate::gui::setting;
use crate::gui::view_model::ViewModel;
use crate::gui::words::{is_active, steered};
use crate::method::params::presets::preset;
use crate::method::params::table::row;
use crate::method::params::{Effect, Value};

impl App {
    /// Carries out one command; what cannot be done now is said.
    pub(super) fn act(&mut self, ctx: &egui::Context, action: UiCommand) {
        if let Some(reason) = action.refusal(&self.live, self.shown()) {
            self.say(ctx, Entry::now(Severity::Warning, "That cannot be done now", reason), None);
            return;
        }
        match action {
            UiCommand::Start(request) => self.command(ctx, Command::Start(request)),
            UiCommand::Pause => self.command(ctx, Command::Pause),
            UiCommand::Resume => self.resume(ctx),
            UiCommand::StepBatch => self.command(ctx, Command::StepBatch),
            UiCommand::StepEpoch => self.command(ctx, Command::StepEpoch),
            UiCommand::Stop => self.command(ctx, Command::Stop),
            UiCommand::Checkpoint => self.command(ctx, Command::Checkpoint),
            UiCommand::Engine(request) => self.request(ctx, request),
            UiCommand::SetParam { key, value } => self.set_param(ctx, &key, &value),
            UiCommand::ResetParam(key) => self.reset_param(ctx, &key),
            UiCommand::UndoPending => self.undo_pending(ctx),
            UiCommand::Preset(name) => self.preset(ctx, &name),
            UiCommand::OpenRun(folder) => self.open(folder),
            UiCommand::ShowLive => self.show_live(),
            UiCommand::ExportTo(out) => self.export(ctx, out),
            UiCommand::EpochBack => self.move_epoch(-1),
            UiCommand::EpochOn => self.move_epoch(1),
            UiCommand::EpochLive => self.selection.epoch = None,
            UiCommand::EpochFirst => self.move_epoch(isize::MIN),
            UiCommand::Quit => ctx.send_viewport_cmd(egui::ViewportCommand::Close),
            UiCommand::NewRun => self.dialogs.new_run = Some(NewRun::begin()),
            UiCommand::AskOpenRun => self.dialogs.open_run = Some(Default::default()),
            UiCommand::ExportFigures => self.dialogs.export = self.shown().folder.as_deref().map(Export::of),
            UiCommand::AddDataset => self.dialogs.add_dataset = Some(Default::default()),
            UiCommand::OpenDataset(name) => {
                let row = self.library.datasets().iter().find(|row| row.name == name);
                self.dialogs.dataset = row.map(|row| Dataset::of(ctx, row, self.library.registry()));
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
            UiCommand::ResetLayout => self.saved.reset_tree(),
            UiCommand::ShowPane(pane) => self.show_pane(pane),
            UiCommand::HidePane(pane) => hide_pane(self.saved.tree(), pane),
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

    fn change_look(&mut self, ctx: &egui::Context, change: impl FnOnce(&mut Saved)) {
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
    fn steered(&self) -> &ViewModel {
        steered(&self.live, self.shown())
    }

    fn zoom(&mut self, ctx: &egui::Context, percent: u32) {
        self.saved.zoom = percent as f32 / 100.0;
        ctx.set_zoom_factor(self.saved.zoom);
    }

    /// Brings a panel to the front, or lets it take the place of the one that has the centre for itself.
    fn show_pane(&mut self, pane: Pane) {
        let layout = self.saved.layout;
        show_pane(self.saved.tree(), pane, layout);
        self.small.show_pane(pane);
        self.alone = self.alone.map(|_| pane);
    }

    /// Resume after a pause; or go on with the stopped run on screen from its last checkpoint.
    fn resume(&mut self, ctx: &egui::Context) {
        if is_active(self.steered()) {
            return self.command(ctx, Command::Resume);
        }
        let view = self.shown();
        let Some(folder) = view.folder.clone() else { return };
        let request = RunRequest {
            source: view.source.clone(),
            target: view.target.clone(),
            out: folder,
            params: view.params.clone().unwrap_or_default(),
            device: DeviceChoice::Auto,
            begin: Begin::Resume,
            changes: Vec::new(),
            allow_unreadable: false,
            cache: cache_dir(),
        };
        self.command(ctx, Command::Start(Box::new(request)));
    }

    /// To the run going on at the parameter's moment, and to the next run.
    pub(super) fn set_param(&mut self, ctx: &egui::Context, key: &str, value: &Value) {
        if let Err(error) = self.draft.set(key, value) {
            self.say(ctx, Entry::now(Severity::Warning, "The value was not taken", error.to_string()), None);
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
                self.say(ctx, Entry::now(Severity::Warning, "No such preset", error.to_string()), None);
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
    fn export(&mut self, ctx: &egui::Context, out: PathBuf) {
        let Some(run) = self.shown().folder.clone() else { return };
        self.exporting.start("export", ctx, move || {
            let figures = export::figures(&run, &out, export::Photos::Hidden).map_err(|e| e.to_string())?;
            let tables = export::tables(&run, &out).map_err(|e| e.to_string())?;
            Ok(format!("{} figures and {} tables are in {}.", figures.len(), tables.len(), out.display()))
        });
    }
}

/// The next step of the zoom, in percent.
fn zoom_step(zoom: f32, larger: bool) -> u32 {
    let now = (zoom * 100.0).round() as u32;
    let next = if larger { ZOOMS.iter().find(|step| **step > now) } else { ZOOMS.iter().rfind(|step| **step < now) };
    next.copied().unwrap_or(if larger { ZOOMS[ZOOMS.len() - 1] } else { ZOOMS[0] })
}
