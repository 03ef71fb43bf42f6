//! The window's application: events in, frames out, commands carried out after each frame.

mod act;
mod ask;
mod dialogs;
mod drops;
mod first;
mod follow;
mod found;
mod frame;
mod hooks;
mod keys;
mod making;
mod past;
mod queue;
mod reach;
mod runs;
mod saved;
mod select;
mod shown;
pub mod still;
mod talk;
mod teach;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use eframe::egui::{self, Ui};

use self::dialogs::Dialogs;
use self::drops::Dropped;
use self::follow::Follow;
use self::making::Making;
use self::past::{Changes, Trail};
use self::reach::Reach;
pub use self::reach::wake as wake_by_line;
use self::saved::Saved;
use super::Ends;
use super::WindowOptions;
use super::book::Book;
use super::closing::ClosingCard;
use super::command::{Commands, UiCommand};
use super::job::Job;
use super::pace::Pace;
use super::panels::library::Library;
use super::panels::log::{Log, LogEntry};
use super::panels::preparing::Preparing;
use super::panels::tiles::{Small, TitleRooms};
use super::panels::{Pane, Panels, Selection};
use super::plot::SharedCursor;
use super::presenter::Presenter;
use super::queue::RunQueue;
use super::queue::keep::QueueKeeper;
use super::sweeps::Sweeps;
use super::theme::{self, Density};
use super::toasts::{ToastPlace, Toasts};
use super::tour::ui::TourBoard;
use super::view_model::{EpochPart, RunView, Snapshots};
use super::what_if::WhatIf;
use super::widgets::images::Thumbnails;
use super::words::is_active;
use super::{fonts, renderer};
use crate::base::trash;
use crate::engine::command::{Command, Handle, RequestId};
use crate::method::params::{Params, Value};
use crate::run::store::Store;

/// From an event of the engine to its frame, at least: so long the next ones may join it.
const BURST: Duration = Duration::from_millis(10);

/// The application.
pub struct App {
    ctx: egui::Context,
    handle: Handle,
    pace: Pace,
    /// Whether the processor draws the window.
    software: bool,
    live: RunView,
    opened: Option<RunView>,
    store: Store,
    /// A run that is being read, to be shown.
    opening: Option<PathBuf>,
    /// Runs on other machines.
    far: Reach,
    /// Questions whose network has to be taken up first.
    consulted: talk::Consulted,
    /// Questions to networks that are not this window's.
    asking: ask::Asking,
    /// Lists of runs that were asked for and have not come.
    listing: Option<u64>,
    exporting: Job<Result<(String, PathBuf), String>>,
    /// A file manager that was asked for.
    revealing: Job<Result<(), String>>,
    /// The runs that are looked at together.
    book: Book,
    /// Sweeps, and the processes that run them.
    sweeps: Sweeps,
    /// What is being done with the files of sweeps.
    sweeping: Vec<Job<Result<(), (&'static str, String)>>>,
    /// Where deleted runs go.
    trash: Option<PathBuf>,
    draft: Params,
    sent: BTreeMap<String, (RequestId, Value)>,
    saved: Saved,
    panels: Panels,
    /// The run whose view the panels hold, and what they held of those that were on screen before, the last one at the end.
    view_of: Option<PathBuf>,
    views: Vec<(PathBuf, Panels)>,
    images: Thumbnails,
    snapshots: Snapshots,
    what_if: WhatIf,
    selection: Selection,
    follow: Follow,
    /// The panel that has the centre for itself, if one has.
    alone: Option<Pane>,
    /// The tour's column.
    board: TourBoard,
    /// What follows the pointer.
    presenter: Presenter,
    /// The recorded run, while it is unpacked.
    unpacking: Job<Result<PathBuf, String>>,
    /// A run that is made of features.
    making: Making,
    /// What was dropped on the window, while it is looked at.
    looking: Job<Dropped>,
    /// Runs of folders that were dropped on it.
    beside: Vec<PathBuf>,
    /// The panel under the pointer.
    under: Option<Pane>,
    small: Small,
    /// Whether columns and log are to take the sizes that are kept, in the next frame.
    resized: bool,
    rooms: TitleRooms,
    cursor: SharedCursor,
    changes: Changes,
    trail: Trail,
    /// When the next epoch is to be shown, in the window's time, while they are played.
    playing: Option<f64>,
    /// A run that is reopened at the start, until it is there.
    reopening: Option<PathBuf>,
    /// Whether the example was introduced in this session.
    introduced: bool,
    /// The run that was asked for and has not begun.
    preparing: Option<Preparing>,
    /// The runs that wait for their turn.
    queue: RunQueue,
    keeper: QueueKeeper,
    /// Whether those of an earlier window are offered.
    waited: bool,
    /// What was said of the run that goes on.
    told: queue::ToldAilments,
    /// The card of the run that has just ended.
    closing: Option<ClosingCard>,
    /// Where the panels were drawn last.
    centre: egui::Rect,
    library: Library,
    log: Log,
    log_open: bool,
    toasts: Toasts,
    /// The banner on initial weights that was read and put away.
    read: String,
    dialogs: Dialogs,
    commands: Commands,
    ends: Arc<Ends>,
    leaving: bool,
    gone: bool,
    painted: bool,
}

impl App {
    /// Makes the application in a window that was just created, and connects it to the engine.
    pub fn new(cc: &eframe::CreationContext<'_>, options: WindowOptions) -> Self {
        cc.egui_ctx.memory_mut(|memory| *memory = egui::Memory::default()); // of an earlier version
        let saved = cc.storage.and_then(|s| s.get_string(saved::KEY)).map(|text| Saved::read(&text));
        let mut app = Self::with(&cc.egui_ctx, saved.unwrap_or_default(), options);
        app.software = renderer::is_software(cc.gl.as_deref());
        app
    }

    /// The same, which also ends when it is asked to from outside.
    pub fn ending(mut self, ends: Arc<Ends>) -> Self {
        self.ends = ends;
        self
    }

    /// The same, which keeps the runs that wait in that folder, and offers those that an earlier window left there.
    pub fn keeping(mut self, folder: Option<PathBuf>) -> Self {
        if let Some(folder) = folder {
            self.keep_queue_in(folder);
        }
        self
    }

    /// As [`App::new`], with what was kept of an earlier session.
    fn with(ctx: &egui::Context, mut saved: Saved, options: WindowOptions) -> Self {
        fonts::install(ctx);
        let panels = std::mem::take(&mut saved.panels);
        let (waker, waking, answering) = (ctx.clone(), ctx.clone(), ctx.clone());
        let pace = Pace::of(ctx);
        let (reading, trying, following) = (pace.clone(), pace.clone(), pace.clone());
        let follower = ctx.clone();
        let store = Store::start(options.runs_dir.clone(), move || following.wake(&follower));
        // Many events a second give one frame: what was already asked for is not asked for again.
        let frames = pace.clone();
        let handle = (options.connect)(Arc::new(move || waker.request_repaint_after(frames.wait().max(BURST))));
        let mut app = Self {
            ctx: ctx.clone(),
            handle,
            pace,
            software: false,
            live: RunView::default(),
            opened: None,
            store,
            opening: None,
            far: Reach::default(),
            consulted: talk::Consulted::default(),
            asking: ask::Asking::default(),
            listing: None,
            exporting: Job::default(),
            revealing: Job::default(),
            book: Book::default(),
            sweeps: Sweeps::new(options.runs_dir.with_file_name("sweeps")),
            sweeping: Vec::new(),
            trash: trash::home(),
            draft: saved.choice.params(),
            sent: BTreeMap::new(),
            panels,
            view_of: None,
            views: Vec::new(),
            images: Thumbnails::default(),
            snapshots: Snapshots::new(move || reading.wake(&waking)),
            what_if: WhatIf::new(move || trying.wake(&answering)),
            selection: Selection::default(),
            follow: Follow::default(),
            alone: None,
            board: TourBoard::default(),
            presenter: Presenter::default(),
            unpacking: Job::default(),
            making: Making::default(),
            looking: Job::default(),
            beside: Vec::new(),
            under: None,
            small: Small::default(),
            resized: false,
            rooms: TitleRooms::default(),
            cursor: SharedCursor::default(),
            changes: Changes::default(),
            trail: Trail::default(),
            playing: None,
            reopening: None,
            introduced: false,
            preparing: None,
            queue: RunQueue::default(),
            keeper: QueueKeeper::default(),
            waited: false,
            told: queue::ToldAilments::default(),
            closing: None,
            centre: egui::Rect::NOTHING,
            library: Library::new(options.registry, options.runs_dir),
            log: Log::default(),
            log_open: false,
            toasts: Toasts::default(),
            read: String::new(),
            dialogs: Dialogs::default(),
            commands: Commands::default(),
            ends: Arc::default(),
            leaving: false,
            gone: false,
            painted: false,
            saved,
        };
        ctx.options_mut(|o| o.zoom_with_keyboard = false); // zoom is a command of ours
        ctx.set_zoom_factor(app.saved.zoom);
        app.dress(ctx);
        app.library.refresh(ctx);
        app.book.marks = app.saved.marks.named(|folder| app.named(folder));
        app.list_elsewhere();
        let last = app.saved.last_run.take().filter(|folder| options.run.is_none() && folder.is_dir());
        app.reopening = last.as_deref().map(|folder| app.named(folder));
        if let Some(folder) = options.run.or(last) {
            app.open(folder);
        }
        app
    }

    /// Puts theme and density in force.
    fn dress(&self, ctx: &egui::Context) {
        let density = match (self.saved.layout, self.saved.comfortable) {
            (super::command::WorkLayout::Teach, _) => Density::Teach,
            (_, true) => Density::Comfortable,
            _ => Density::Compact,
        };
        ctx.set_theme(if self.saved.dark { egui::Theme::Dark } else { egui::Theme::Light });
        theme::apply(ctx, density);
    }

    fn notify(&mut self, ctx: &egui::Context, entry: LogEntry, button: Option<(&'static str, UiCommand)>) {
        self.notify_with(ctx, entry, button.map(|(words, command)| (words.to_owned(), command)));
    }

    /// As [`App::notify`], with a button that says what it found.
    fn notify_with(&mut self, ctx: &egui::Context, entry: LogEntry, button: Option<(String, UiCommand)>) {
        fonts::want(ctx, &entry.title);
        fonts::want(ctx, &entry.text);
        self.toasts.push(entry.clone(), button, ctx.input(|i| i.time));
        self.log.push(entry);
    }

    /// Closing while a run goes on asks; a run that is being stopped closes the window when it has ended.
    fn closing(&mut self, ctx: &egui::Context) {
        let idle = self.gone || !is_active(&self.live);
        // Whoever asked has told the engine to stop already.
        self.leaving |= self.ends.are_asked_for();
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
        self.play(ctx);
        self.turn_to_run();
        self.closing(ctx);
    }

    /// Draws the window and does what was asked for in it.
    fn draw(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        self.images.begin_frame(&ctx);
        self.shortcuts(&ctx);
        self.frame(ui);
        self.travel(&ctx);
        self.dialogs(&ctx);
        let place = self.toast_place(&ctx);
        let card = self.closing.as_ref().filter(|_| !self.dialogs.any());
        let height = card.map(|card| card.show(&ctx, self.saved.truth, place, &self.commands));
        if height == Some(None) {
            self.closing = None;
        }
        let lift = height.flatten().map_or(0.0, |height| height + 8.0);
        self.toasts.show(&ctx, ToastPlace { bottom: place.bottom + lift, ..place }, &self.commands);
        self.presenter.show(&ctx);
        self.act_on_all(&ctx);
        self.trail.see(&self.selection);
    }

    /// Carries out what was asked for while the frame was drawn. What is selected in one frame is one step.
    fn act_on_all(&mut self, ctx: &egui::Context) {
        let before = self.selection.clone();
        loop {
            let asked = self.commands.take();
            if asked.is_empty() {
                break;
            }
            asked.into_iter().for_each(|command| self.act(ctx, command));
        }
        self.what_if.put_questions();
        if before != self.selection {
            let view = self.opened.as_ref().unwrap_or(&self.live);
            let epoch = view.newest_snapshot(EpochPart::Clusters, self.selection.epoch);
            let labels = epoch.map(|epoch| self.snapshots.clusters(view, epoch));
            let labels = labels.as_ref().and_then(|l| l.ready()).map_or(&[][..], |snapshot| &snapshot.labels);
            select::settle(&before, &mut self.selection, labels);
            // What was clicked is of the epoch that this frame showed.
            self.follow.update(view, &mut self.selection, &self.snapshots);
        }
    }
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
        // From the root: the window may be started elsewhere the next time.
        self.saved.marks =
            self.book.marks.named(|folder| std::path::absolute(folder).unwrap_or_else(|_| folder.into()));
        self.saved.last_run = self.shown().folder.as_ref().and_then(|folder| std::path::absolute(folder).ok());
        storage.set_string(saved::KEY, self.saved.write(&self.panels));
        // Of egui's memory the zoom alone: the window comes back before the zoom is known here, with a size in points of it.
        let mut memory = egui::Memory::default();
        memory.options.zoom_factor = self.saved.zoom;
        eframe::set_value(storage, "egui", &memory);
    }

    /// What is kept between sessions is in [`Saved`]: egui's own memory holds the order of its areas, too, in which a
    /// dropdown of this session would lie behind a dialog of the last.
    fn persist_egui_memory(&self) -> bool {
        false
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.keeper.end(&self.queue);
        // The window is gone: a short wait harms nobody, and a full queue must not keep the engine alive.
        let limit = Duration::from_secs(2);
        if self.handle.commands.send_timeout(Command::Shutdown.into(), limit).is_err() && !self.gone {
            tracing::warn!("the engine did not take the command to end");
        }
    }

    fn clear_color(&self, _visuals: &egui::Visuals) -> [f32; 4] {
        self.ground().to_normalized_gamma_f32()
    }
}
