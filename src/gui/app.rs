//! The window's application: events in, frames out, commands carried out after each frame.

mod act;
mod follow;
mod frame;
mod keys;
mod saved;
pub mod still;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::TryRecvError;
use eframe::egui::{self, Ui};

use self::follow::Follow;
use self::saved::Saved;
use super::WindowOptions;
use super::command::UiCommand;
use super::dialogs::add_dataset::AddDataset;
use super::dialogs::export::Export;
use super::dialogs::new_run::NewRun;
use super::dialogs::open_run::OpenRun;
use super::dialogs::palette::Palette;
use super::job::Job;
use super::pace::Pace;
use super::panels::library::Library;
use super::panels::log::{Entry, Log, entry_of};
use super::panels::{Panels, Selection};
use super::theme::{self, Density};
use super::toasts::Toasts;
use super::view_model::{Snapshots, ViewModel};
use super::what_if::WhatIf;
use super::widgets::images::Images;
use super::words::is_active;
use super::{fonts, renderer};
use crate::engine::command::{Command, Handle};
use crate::engine::event::{Event, Severity, Stamped, State};
use crate::method::params::{Params, Value};
use crate::run::RunReader;

/// Events taken in at most before the next frame is drawn: two milliseconds of work, were each a step with twenty
/// parts of the loss.
const EVENTS_A_FRAME: usize = 500;

/// From an event of the engine to its frame, at least: so long the next ones may join it.
const BURST: Duration = Duration::from_millis(10);

/// Which dialogs are open.
#[derive(Default)]
struct Dialogs {
    new_run: Option<NewRun>,
    add_dataset: Option<AddDataset>,
    open_run: Option<OpenRun>,
    export: Option<Export>,
    palette: Option<Palette>,
    cheat_sheet: bool,
    quit: bool,
}

type Opened = Result<ViewModel, String>;

/// The application.
pub struct App {
    handle: Handle,
    pace: Pace,
    /// Whether the processor draws the window.
    software: bool,
    live: ViewModel,
    opened: Option<ViewModel>,
    opening: Job<Opened>,
    exporting: Job<Result<String, String>>,
    draft: Params,
    sent: BTreeMap<String, Value>,
    saved: Saved,
    panels: Panels,
    images: Images,
    snapshots: Snapshots,
    what_if: WhatIf,
    selection: Selection,
    follow: Follow,
    library: Library,
    log: Log,
    log_open: bool,
    toasts: Toasts,
    dialogs: Dialogs,
    actions: Vec<UiCommand>,
    leaving: bool,
    gone: bool,
    painted: bool,
}

impl App {
    /// Makes the application in a window that was just created, and connects it to the engine.
    pub fn new(cc: &eframe::CreationContext<'_>, options: WindowOptions) -> Self {
        let saved = cc.storage.and_then(|s| s.get_string(saved::KEY)).map(|text| Saved::read(&text));
        let mut app = Self::with(&cc.egui_ctx, saved.unwrap_or_default(), options);
        app.software = renderer::is_software(cc.gl.as_deref());
        app
    }

    /// As [`App::new`], with what was kept of an earlier session.
    fn with(ctx: &egui::Context, mut saved: Saved, options: WindowOptions) -> Self {
        fonts::install(ctx);
        let panels = std::mem::take(&mut saved.panels);
        let (waker, waking, answering) = (ctx.clone(), ctx.clone(), ctx.clone());
        let pace = Pace::of(ctx);
        let (reading, trying) = (pace.clone(), pace.clone());
        // Many events a second give one frame: what was already asked for is not asked for again.
        let frames = pace.clone();
        let handle = (options.connect)(Arc::new(move || waker.request_repaint_after(frames.wait().max(BURST))));
        let mut app = Self {
            handle,
            pace,
            software: false,
            live: ViewModel::default(),
            opened: None,
            opening: Job::default(),
            exporting: Job::default(),
            draft: saved.choice.params(),
            sent: BTreeMap::new(),
            panels,
            images: Images::default(),
            snapshots: Snapshots::new(move || reading.wake(&waking)),
            what_if: WhatIf::new(move || trying.wake(&answering)),
            selection: Selection::default(),
            follow: Follow::default(),
            library: Library::new(options.registry, options.runs_dir),
            log: Log::default(),
            log_open: false,
            toasts: Toasts::default(),
            dialogs: Dialogs::default(),
            actions: Vec::new(),
            leaving: false,
            gone: false,
            painted: false,
            saved,
        };
        ctx.options_mut(|o| o.zoom_with_keyboard = false); // zoom is a command of ours
        ctx.set_zoom_factor(app.saved.zoom);
        app.dress(ctx);
        app.library.refresh(ctx);
        if let Some(folder) = options.run {
            app.open(ctx, folder);
        }
        app
    }

    /// Puts theme and density in force.
    fn dress(&self, ctx: &egui::Context) {
        let density = match (self.saved.layout, self.saved.comfortable) {
            (super::command::Layout::Teach, _) => Density::Teach,
            (_, true) => Density::Comfortable,
            _ => Density::Compact,
        };
        ctx.set_theme(if self.saved.dark { egui::Theme::Dark } else { egui::Theme::Light });
        theme::apply(ctx, density);
    }

    /// The run on screen.
    fn shown(&self) -> &ViewModel {
        self.opened.as_ref().unwrap_or(&self.live)
    }

    /// Waits until datasets and runs are listed, for tests.
    pub fn wait_for_lists(&mut self, limit: Duration) {
        self.library.wait(limit);
    }

    /// All messages of this session, oldest first.
    pub fn messages(&self) -> &[Entry] {
        self.log.entries()
    }

    fn say(&mut self, ctx: &egui::Context, entry: Entry, button: Option<(&'static str, UiCommand)>) {
        self.toasts.push(entry.clone(), button, ctx.input(|i| i.time));
        self.log.push(entry);
    }

    /// Takes in what the engine said.
    fn drain(&mut self, ctx: &egui::Context) {
        for _ in 0..EVENTS_A_FRAME {
            match self.handle.events.try_recv() {
                Ok(stamped) => self.hear(ctx, &stamped),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    if !self.gone && !self.leaving {
                        let text = "The run folder is whole. Close the window, open it again and resume the run.";
                        self.say(ctx, Entry::now(Severity::Error, "The engine has ended", text), None);
                    }
                    self.gone = true;
                    return;
                }
            }
        }
        ctx.request_repaint(); // there is more
    }

    fn hear(&mut self, ctx: &egui::Context, stamped: &Stamped) {
        // A run on screen that is resumed goes on from what is known of it.
        if let Event::Started { folder, resumed: true, .. } = &stamped.event
            && let Some(opened) = self.opened.take_if(|opened| opened.folder.as_ref() == Some(folder))
        {
            self.live = opened;
        }
        self.live.fold(stamped);
        self.pace.choose(self.live.is_running() && self.live.device_name == "cpu", self.software);
        match &stamped.event {
            Event::Started { .. } => {
                self.opened = None;
                self.selection = Selection::default();
                self.sent.clear();
                self.library.refresh_runs(ctx);
            }
            Event::State { state: State::Done | State::Stopped | State::Failed(_), .. } => {
                self.sent.clear();
                self.library.refresh_runs(ctx);
            }
            Event::ParamPending { key, .. } | Event::ParamApplied { key, .. } => {
                self.sent.remove(key);
            }
            Event::Notice { .. } => self.sent.clear(), // a change that was refused
            _ => {}
        }
        if let Some((entry, toast)) = entry_of(stamped) {
            let failed = matches!(stamped.event, Event::State { state: State::Failed(_), .. });
            if toast {
                self.say(ctx, entry, failed.then_some(("New run…", UiCommand::NewRun)));
            } else {
                self.log.push(entry);
            }
        }
    }

    /// Takes in what other threads found.
    fn poll(&mut self, ctx: &egui::Context) {
        for warning in self.library.poll() {
            self.say(ctx, Entry::now(Severity::Warning, "Datasets", warning), None);
        }
        match self.opening.poll() {
            Some(Ok(view)) => self.show_run(ctx, view),
            Some(Err(reason)) => self.say(ctx, Entry::now(Severity::Error, "The run cannot be shown", reason), None),
            None => {}
        }
        match self.exporting.poll() {
            Some(Ok(text)) => self.say(ctx, Entry::now(Severity::Info, "Exported", text), None),
            Some(Err(reason)) => self.say(ctx, Entry::now(Severity::Error, "Nothing was exported", reason), None),
            None => {}
        }
        let failures = [
            ("The run cannot be shown", self.opening.take_failure()),
            ("Nothing was exported", self.exporting.take_failure()),
        ];
        for (title, reason) in failures {
            if let Some(reason) = reason {
                self.say(ctx, Entry::now(Severity::Error, title, reason), None);
            }
        }
    }

    fn show_run(&mut self, ctx: &egui::Context, view: ViewModel) {
        self.selection = Selection::default();
        for notice in view.notices.iter().filter(|n| n.wall == 0.0) {
            self.toasts.push(Entry::of(notice), None, ctx.input(|i| i.time)); // said of the folder, not by the run
        }
        self.opened = Some(view);
    }

    fn open(&mut self, ctx: &egui::Context, folder: PathBuf) {
        self.opening.start("open run", ctx, move || read_run(&folder));
    }

    /// Closing while a run goes on asks; a run that is being stopped closes the window when it has ended.
    fn closing(&mut self, ctx: &egui::Context) {
        let idle = self.gone || !is_active(&self.live);
        if self.leaving && idle {
            ctx.send_viewport_cmd(egui::ViewportCommand::Close);
        } else if ctx.input(|i| i.viewport().close_requested()) && !idle {
            ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            self.dialogs.quit = !self.leaving;
        }
    }

    /// Takes in all that is new; before [`App::draw`].
    fn take_in(&mut self, ctx: &egui::Context) {
        if ctx.input(|i| !i.raw.events.is_empty()) {
            self.pace.attend();
        }
        self.drain(ctx);
        self.poll(ctx);
        self.closing(ctx);
    }

    /// Draws the window and does what was asked for in it.
    fn draw(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        self.images.begin_frame(&ctx);
        self.shortcuts(&ctx);
        self.frame(ui);
        self.dialogs(&ctx);
        self.toasts.show(&ctx, &mut self.actions);
        self.act_on_all(&ctx);
    }

    fn act_on_all(&mut self, ctx: &egui::Context) {
        for action in std::mem::take(&mut self.actions) {
            self.act(ctx, action);
        }
    }

    fn command(&mut self, ctx: &egui::Context, command: Command) {
        if self.handle.commands.try_send(command).is_err() {
            let text = if self.gone { "It has ended." } else { "It has much to do; ask again in a moment." };
            self.say(ctx, Entry::now(Severity::Warning, "The engine did not take the command", text), None);
        }
    }
}

fn read_run(folder: &std::path::Path) -> Opened {
    RunReader::open(folder).map(|reader| ViewModel::of_folder(&reader)).map_err(|e| e.to_string())
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.take_in(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.draw(ui);
        if !std::mem::replace(&mut self.painted, true) {
            tracing::info!("first frame");
        }
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        storage.set_string(saved::KEY, self.saved.write(&self.panels));
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        // The window is gone: a short wait harms nobody, and a full queue must not keep the engine alive.
        let limit = Duration::from_secs(2);
        if self.handle.commands.send_timeout(Command::Shutdown, limit).is_err() && !self.gone {
            tracing::warn!("the engine did not take the command to end");
        }
    }

    fn clear_color(&self, _visuals: &egui::Visuals) -> [f32; 4] {
        self.ground().to_normalized_gamma_f32()
    }
}
