//! Frames, one after another, until the picture is complete.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use eframe::egui::{self, FullOutput, Pos2, RawInput, Rect, ViewportId, vec2};
use image::RgbImage;

use super::texture::Textures;
use super::{ShotError, ShotOrder, raster};
use crate::engine::command::{Handle, Request};
use crate::engine::event::Stamped;
use crate::gui::WindowOptions;
use crate::gui::app::App;
use crate::gui::job::Works;
use crate::gui::panels::{Pane, Selection};
use crate::gui::view_model::RunView;

/// Between two frames of something that moves.
const FRAME: Duration = Duration::from_micros(16_667);
/// A frame that is asked for later than this belongs to another picture: a message that will go.
const SOON: Duration = Duration::from_secs(1);
/// What graphics cards allow today; the font atlas asks.
const MAX_TEXTURE: usize = 16_384;

/// One application with one egui, and nobody at the other end.
pub struct Studio {
    ctx: egui::Context,
    app: App,
    textures: Textures,
    works: Works,
    /// Something has asked for a frame.
    woken: Receiver<()>,
    size: [u32; 2],
    zoom: f32,
    limit: Duration,
    /// Time as egui knows it: it goes on by frames alone.
    time: Duration,
    /// In place of an engine: it takes every command and says nothing.
    engine: (Receiver<Request>, Sender<Stamped>),
}

/// What comes after a frame.
enum Next {
    /// Another, this much later.
    Frame(Duration),
    /// Something is under way: wait until it asks for a frame.
    Wait(&'static str),
    /// The picture is complete.
    Done,
}

impl Studio {
    /// A window as it opens on `shown`.
    pub fn new(order: &ShotOrder, shown: Option<(RunView, Selection)>) -> Self {
        let ctx = egui::Context::default();
        let (wake, woken) = bounded(1);
        ctx.set_request_repaint_callback(move |info| {
            if info.delay <= SOON {
                let _ = wake.try_send(()); // one token is enough: a frame takes in everything
            }
        });
        // Before the first frame, which would be laid out for another size else.
        ctx.options_mut(|options| options.zoom_factor = order.look.zoom);
        let (ask, commands) = bounded(64);
        let (say, events) = bounded(1);
        let options = WindowOptions {
            connect: Box::new(move |_| Handle { commands: ask, events }),
            registry: Arc::clone(&order.registry),
            runs_dir: PathBuf::clone(&order.runs_dir),
            run: None,
        };
        Self {
            app: App::still(&ctx, options, order.look, shown, &order.trial),
            textures: Textures::default(),
            works: Works::of(&ctx),
            woken,
            size: order.size,
            zoom: order.look.zoom,
            limit: order.limit,
            time: Duration::ZERO,
            engine: (commands, say),
            ctx,
        }
    }

    /// The picture of a panel, or of the window.
    pub fn take(mut self, tile: Option<Pane>, name: &str) -> Result<RgbImage, ShotError> {
        let began = Instant::now();
        let seconds = self.limit.as_secs();
        let incomplete = |waits_for| ShotError::Incomplete { subject: name.to_owned(), seconds, waits_for };
        loop {
            self.woken.try_iter().for_each(drop);
            let before = self.works.counts();
            let output = self.frame(tile);
            let waits_for = match self.next(&output, before) {
                Next::Done => return Ok(self.develop(output)),
                Next::Frame(later) => {
                    self.time += later;
                    "it does not come to rest"
                }
                Next::Wait(what) => {
                    if self.woken.recv_deadline(began + self.limit).is_err() {
                        return Err(incomplete(what));
                    }
                    self.time += FRAME;
                    what
                }
            };
            if began.elapsed() >= self.limit {
                return Err(incomplete(waits_for));
            }
            self.textures.free(&output.textures_delta);
            forget(output);
        }
    }

    fn frame(&mut self, tile: Option<Pane>) -> FullOutput {
        let [width, height] = self.size.map(|n| n as f32 / self.zoom);
        let mut input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(width, height))),
            max_texture_side: Some(MAX_TEXTURE),
            time: Some(self.time.as_secs_f64()),
            ..RawInput::default()
        };
        input.viewports.entry(ViewportId::ROOT).or_default().native_pixels_per_point = Some(1.0);
        let output = self.ctx.run_ui(input, |ui| self.app.still_frame(ui, tile));
        self.engine.0.try_iter().for_each(drop);
        self.textures.set(&output.textures_delta);
        output
    }

    fn next(&self, output: &FullOutput, before: [u64; 2]) -> Next {
        let delay = output.viewport_output.get(&ViewportId::ROOT).map_or(Duration::MAX, |v| v.repaint_delay);
        if delay <= SOON {
            return Next::Frame(delay.max(FRAME));
        }
        if self.app.reads() {
            return Next::Wait("snapshots or pictures are still being read");
        }
        let [begun, ended] = self.works.counts();
        match before {
            _ if begun != ended => Next::Wait("a panel still computes"),
            // What ended while the frame was drawn is seen by the next one.
            known if known != [begun, ended] => Next::Frame(FRAME),
            _ => Next::Done,
        }
    }

    fn develop(self, output: FullOutput) -> RgbImage {
        let FullOutput { shapes, pixels_per_point, mut textures_delta, .. } = output;
        textures_delta.clear();
        let meshes = self.ctx.tessellate(shapes, pixels_per_point);
        let [width, height] = self.size;
        let size = [width as usize, height as usize];
        let ground = self.app.ground();
        let bytes = raster::paint(&meshes, &self.textures, size, pixels_per_point, ground);
        RgbImage::from_raw(width, height, bytes).unwrap_or_default()
    }
}

/// A delta that is dropped full is taken for one that was overlooked.
fn forget(mut output: FullOutput) {
    output.textures_delta.clear();
}
