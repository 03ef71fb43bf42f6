//! The application without a window system: frames one after another, each with what a hand does, and their cost.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use eframe::egui::epaint::Primitive;
use eframe::egui::{self, Event, FullOutput, Pos2, RawInput, Rect, ViewportId, accesskit, vec2};
use reid_workbench::data::preview::Preview;
use reid_workbench::engine::command::{Handle, Request};
use reid_workbench::engine::event::Stamped;
use reid_workbench::gui::WindowOptions;
use reid_workbench::gui::app::App;
use reid_workbench::gui::app::still::{ShotLook, ShotTrial};
use reid_workbench::gui::command::WorkLayout;
use reid_workbench::gui::datasets::{DatasetRow, Datasets};
use reid_workbench::gui::job::Works;
use reid_workbench::gui::panels::Selection;
use reid_workbench::gui::view_model::RunView;
use tracing::span;

/// Pixels of the window.
const SIZE: [f32; 2] = [1920.0, 1200.0];
/// Between two frames.
const FRAME: f64 = 1.0 / 60.0;
/// What graphics cards allow.
const MAX_TEXTURE: usize = 16_384;

/// CPU milliseconds of this thread in one frame.
#[derive(Clone, Debug, Default)]
pub struct Cost {
    /// `logic` and `ui`, with egui's own work before and after.
    pub ui: f64,
    /// Shapes to triangles.
    pub tessellation: f64,
    /// Vertices that the tessellation gave.
    pub vertices: usize,
    /// Of `ui`, in each tile.
    pub tiles: BTreeMap<String, f64>,
}

/// CPU time of this thread.
fn cpu() -> Duration {
    ThreadTime::now().as_duration()
}

/// Time spent in each tile, told by the spans around them.
#[derive(Clone, Default)]
pub struct Clock(Arc<Mutex<Spans>>);

#[derive(Default)]
struct Spans {
    names: Vec<String>,
    open: Option<(u64, Duration)>,
    spent: BTreeMap<String, f64>,
}

impl Clock {
    fn with<R>(&self, run: impl FnOnce(&mut Spans) -> R) -> R {
        run(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Reads a span's only field.
struct Name(String);

impl tracing::field::Visit for Name {
    fn record_str(&mut self, _: &tracing::field::Field, value: &str) {
        value.clone_into(&mut self.0);
    }

    fn record_debug(&mut self, _: &tracing::field::Field, _: &dyn std::fmt::Debug) {}
}

impl tracing::Subscriber for Clock {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.is_span() && metadata.name() == "tile"
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut name = Name(String::new());
        attributes.record(&mut name);
        self.with(|spans| {
            let at = spans.names.iter().position(|n| *n == name.0).unwrap_or_else(|| {
                spans.names.push(name.0);
                spans.names.len() - 1
            });
            span::Id::from_u64(at as u64 + 1)
        })
    }

    fn enter(&self, span: &span::Id) {
        self.with(|spans| spans.open = Some((span.into_u64(), cpu())));
    }

    fn exit(&self, span: &span::Id) {
        self.with(|spans| {
            let Some((_, began)) = spans.open.take().filter(|(id, _)| *id == span.into_u64()) else { return };
            let name = spans.names[span.into_u64() as usize - 1].clone();
            *spans.spent.entry(name).or_default() += (cpu() - began).as_secs_f64() * 1e3;
        });
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, _: &tracing::Event<'_>) {}
}

/// No dataset is registered.
struct Nothing;

impl Datasets for Nothing {
    fn list(&self) -> (Vec<DatasetRow>, Vec<String>) {
        (Vec::new(), Vec::new())
    }

    fn add(&self, _: &str, _: &str, _: &std::path::Path) -> Result<(), String> {
        Ok(())
    }

    fn look(&self, _: &str, _: &std::path::Path, _: &AtomicBool) -> Result<Preview, String> {
        Err("nothing is registered".to_owned())
    }

    fn open(&self, _: &str, _: &AtomicBool) -> Result<Preview, String> {
        Err("nothing is registered".to_owned())
    }

    fn fits(&self, _: &str) -> Result<(), String> {
        Err("nothing is registered".to_owned())
    }

    fn remove(&self, _: &str) -> Result<(), String> {
        Ok(())
    }

    fn locate(&self, _: &str, _: &std::path::Path) -> Result<(), String> {
        Ok(())
    }

    fn layouts(&self) -> Vec<String> {
        Vec::new()
    }
}

/// One application with one egui.
pub struct Stage {
    ctx: egui::Context,
    /// The application.
    pub app: App,
    works: Works,
    clock: Clock,
    time: f64,
    /// In place of an engine: it takes every command and says what [`Stage::say`] is given.
    engine: (Receiver<Request>, Sender<Stamped>),
}

impl Stage {
    /// A window as it opens: on `view`, or on the run folder `run` that is still to be read.
    pub fn new(clock: &Clock, runs_dir: PathBuf, run: Option<PathBuf>, view: Option<RunView>) -> Self {
        let ctx = egui::Context::default();
        let (ask, commands) = bounded(64);
        let (say, events) = unbounded();
        let options = WindowOptions {
            connect: Box::new(move |_| Handle { commands: ask, events }),
            registry: Arc::new(Nothing),
            runs_dir,
            run,
        };
        let look = ShotLook { dark: true, layout: WorkLayout::Research, zoom: 1.0 };
        let shown = view.map(|view| (view, Selection::default()));
        let app = App::still(&ctx, options, look, shown, &ShotTrial::default());
        let works = Works::of(&ctx);
        Self { ctx, app, works, clock: clock.clone(), time: 0.0, engine: (commands, say) }
    }

    fn output(&mut self, events: Vec<Event>) -> (FullOutput, Cost) {
        self.time += FRAME;
        let mut input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, SIZE.into())),
            max_texture_side: Some(MAX_TEXTURE),
            time: Some(self.time),
            focused: true,
            events,
            ..RawInput::default()
        };
        input.viewports.entry(ViewportId::ROOT).or_default().native_pixels_per_point = Some(1.0);
        self.clock.with(|spans| spans.spent.clear());
        let began = cpu();
        let mut output = self.ctx.run_ui(input, |ui| self.app.still_frame(ui, None));
        let ui = (cpu() - began).as_secs_f64() * 1e3;
        self.engine.0.try_iter().for_each(drop);
        output.textures_delta.clear();
        let tiles = self.clock.with(|spans| std::mem::take(&mut spans.spent));
        (output, Cost { ui, tiles, ..Cost::default() })
    }

    /// The engine says something.
    pub fn say(&self, events: &[Stamped]) {
        events.iter().for_each(|event| drop(self.engine.1.send(event.clone())));
    }

    /// One frame with what the hand does in it.
    pub fn frame(&mut self, events: Vec<Event>) -> Cost {
        let (output, mut cost) = self.output(events);
        let began = cpu();
        let meshes = self.ctx.tessellate(output.shapes, output.pixels_per_point);
        cost.tessellation = (cpu() - began).as_secs_f64() * 1e3;
        cost.vertices =
            meshes.iter().map(|m| if let Primitive::Mesh(mesh) = &m.primitive { mesh.vertices.len() } else { 0 }).sum();
        cost
    }

    /// Frames until nothing is read, computed or moving any more; whether that came to pass.
    pub fn settle(&mut self, limit: Duration) -> bool {
        let began = Instant::now();
        while began.elapsed() < limit {
            let before = self.works.counts();
            let (output, _) = self.output(Vec::new());
            let delay = output.viewport_output.get(&ViewportId::ROOT).map_or(Duration::MAX, |v| v.repaint_delay);
            let [begun, ended] = self.works.counts();
            if delay > Duration::from_secs(1) && !self.app.reads() && begun == ended && before == [begun, ended] {
                return true;
            }
            // The other threads get the processor.
            std::thread::park_timeout(Duration::from_millis(5));
        }
        false
    }

    /// Where the widget of that name is.
    pub fn find(&mut self, name: &str) -> Option<Rect> {
        self.ctx.enable_accesskit();
        let (output, _) = self.output(Vec::new());
        self.ctx.disable_accesskit();
        let update = output.platform_output.accesskit_update?;
        let named = |node: &accesskit::Node| node.label() == Some(name);
        let bounds = update.nodes.iter().find(|(_, node)| named(node)).and_then(|(_, node)| node.bounds())?;
        let min = egui::pos2(bounds.x0 as f32, bounds.y0 as f32);
        Some(Rect::from_min_size(min, vec2(bounds.width() as f32, bounds.height() as f32)))
    }
}
