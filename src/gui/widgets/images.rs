//! Pictures of files: decoded on their own threads, kept as textures up to a bound in bytes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crossbeam_channel::{Receiver, Sender, bounded};
use eframe::egui::{self, ColorImage, TextureHandle, TextureOptions};

/// Bytes of textures kept by default.
const MAX_BYTES: usize = 192 << 20;
const THREADS: usize = 2;
const AHEAD: usize = 256;

type Key = (PathBuf, u32, Tone);

/// How a picture is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tone {
    /// As it is.
    Color,
    /// Three quarters of its colour taken out: the ground of a heat map.
    Muted,
}

type Answer = (Key, Result<ColorImage, String>);

enum Slot {
    Loading,
    Ready(TextureHandle, usize),
    Failed(String),
}

struct Entry {
    slot: Slot,
    used: u64,
}

/// Thumbnail loader: ask every frame for what is on screen; what has not been asked for longest goes first.
pub struct Images {
    entries: HashMap<Key, Entry>,
    asks: Option<Sender<Key>>,
    answers: Receiver<Answer>,
    worker: Option<(Receiver<Key>, Sender<Answer>)>,
    bytes: usize,
    max_bytes: usize,
    frame: u64,
}

impl Default for Images {
    fn default() -> Self {
        Self::new(MAX_BYTES)
    }
}

impl Images {
    /// A loader that keeps at most `max_bytes` of textures beyond what one frame shows.
    pub fn new(max_bytes: usize) -> Self {
        let (asks, requests) = bounded(AHEAD);
        let (results, answers) = bounded(AHEAD);
        Self {
            entries: HashMap::new(),
            asks: Some(asks),
            answers,
            worker: Some((requests, results)),
            bytes: 0,
            max_bytes,
            frame: 0,
        }
    }

    /// Once a frame, before panels ask: takes in what was decoded, lets go of the oldest.
    pub fn begin_frame(&mut self, ctx: &egui::Context) {
        self.frame += 1;
        while let Ok((key, result)) = self.answers.try_recv() {
            let slot = match result {
                Ok(image) => {
                    let bytes = image.pixels.len() * 4;
                    self.bytes += bytes;
                    let name = key.0.to_string_lossy().into_owned();
                    Slot::Ready(ctx.load_texture(name, image, TextureOptions::LINEAR), bytes)
                }
                Err(reason) => Slot::Failed(reason),
            };
            self.entries.insert(key, Entry { slot, used: self.frame });
        }
        if self.bytes > self.max_bytes {
            self.evict();
        }
    }

    /// The picture in `path`, at least `size` pixels large where the file is; `None` until it is decoded
    /// (a repaint is asked for on arrival) and when it cannot be read (see [`Images::failure`]).
    pub fn get(&mut self, ctx: &egui::Context, path: &Path, size: [u32; 2]) -> Option<TextureHandle> {
        self.get_toned(ctx, path, size, Tone::Color)
    }

    /// As [`Images::get`], in that tone.
    pub fn get_toned(&mut self, ctx: &egui::Context, path: &Path, size: [u32; 2], tone: Tone) -> Option<TextureHandle> {
        self.start(ctx);
        let key = (path.to_path_buf(), size[0].max(size[1]).next_power_of_two().max(128), tone);
        let frame = self.frame;
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.used = frame;
            return if let Slot::Ready(texture, _) = &entry.slot { Some(texture.clone()) } else { None };
        }
        // A full queue is no loss: the next frame asks again, and arrivals bring the next frame.
        if self.asks.as_ref().is_some_and(|asks| asks.try_send(key.clone()).is_ok()) {
            self.entries.insert(key, Entry { slot: Slot::Loading, used: frame });
        }
        None
    }

    /// Why the file cannot be shown, if so.
    pub fn failure(&self, path: &Path) -> Option<&str> {
        let keys =
            [Tone::Color, Tone::Muted].into_iter().flat_map(|tone| [128, 256, 512, 1024].map(|side| (side, tone)));
        keys.into_iter().find_map(|(side, tone)| match &self.entries.get(&(path.to_path_buf(), side, tone))?.slot {
            Slot::Failed(reason) => Some(reason.as_str()),
            Slot::Loading | Slot::Ready(..) => None,
        })
    }

    /// Whether a picture is being decoded.
    pub fn busy(&self) -> bool {
        self.entries.values().any(|entry| matches!(entry.slot, Slot::Loading))
    }

    /// Bytes of textures held.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn start(&mut self, ctx: &egui::Context) {
        let Some((requests, results)) = self.worker.take() else { return };
        for n in 0..THREADS {
            let (requests, results, ctx) = (requests.clone(), results.clone(), ctx.clone());
            let spawned = std::thread::Builder::new().name(format!("thumbnails-{n}")).spawn(move || {
                for key in requests {
                    let result = decode(&key.0, key.1, key.2);
                    if results.send((key, result)).is_err() {
                        return;
                    }
                    ctx.request_repaint();
                }
            });
            if let Err(error) = spawned {
                tracing::warn!(%error, "no thread for thumbnails");
            }
        }
    }

    fn evict(&mut self) {
        let mut old: Vec<(u64, Key, usize)> = self
            .entries
            .iter()
            .filter(|(_, e)| e.used + 1 < self.frame)
            .filter_map(|(k, e)| match &e.slot {
                Slot::Ready(_, bytes) => Some((e.used, k.clone(), *bytes)),
                Slot::Loading | Slot::Failed(_) => None,
            })
            .collect();
        old.sort();
        for (_, key, bytes) in old {
            if self.bytes <= self.max_bytes * 3 / 4 {
                break;
            }
            self.entries.remove(&key);
            self.bytes -= bytes;
        }
    }
}

impl Drop for Images {
    fn drop(&mut self) {
        self.asks = None; // ends the threads
    }
}

fn decode(path: &Path, side: u32, tone: Tone) -> Result<ColorImage, String> {
    let image = image::ImageReader::open(path)
        .and_then(|reader| reader.with_guessed_format())
        .map_err(|e| format!("{}: {e}", path.display()))?
        .decode()
        .map_err(|e| format!("{}: {e}", path.display()))?;
    let image = if image.width().max(image.height()) > side { image.thumbnail(side, side) } else { image };
    let mut rgb = image.to_rgb8();
    if tone == Tone::Muted {
        for pixel in rgb.pixels_mut() {
            let [r, g, b] = pixel.0.map(f32::from);
            let grey = 0.299 * r + 0.587 * g + 0.114 * b;
            pixel.0 = [r, g, b].map(|c| (0.25 * c + 0.75 * grey) as u8);
        }
    }
    Ok(ColorImage::from_rgb([rgb.width() as usize, rgb.height() as usize], rgb.as_raw()))
}
