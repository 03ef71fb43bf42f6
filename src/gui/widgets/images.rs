//! Pictures of files: decoded on their own threads, kept as textures up to a bound in bytes.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};
use eframe::egui::{self, ColorImage, TextureHandle, TextureOptions};

use crate::base::fs::open_regular;
use crate::base::guard::guarded;
use crate::base::supply;
use crate::gui::pace::Pace;

/// Bytes of textures kept by default.
const MAX_BYTES: usize = 192 << 20;
const THREADS: usize = 2;
/// Pictures that may wait to be decoded; more than a window shows.
const AHEAD: usize = 1024;
/// Pictures of another machine that are brought together.
const TOGETHER: usize = 48;
/// Decoded pictures that may wait for a frame.
const DECODED: usize = 64;
/// Pictures that become textures in one frame: a burst of them must not make it late.
const A_FRAME: usize = 24;
/// Frames that a picture may go without being asked for before it is no longer decoded.
const PATIENCE: u64 = 2;

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
    Failed,
}

struct Entry {
    slot: Slot,
    used: u64,
}

/// What is to be decoded next: of what was asked for in the newest frame, the first. Scrolling past thousands of
/// pictures leaves nothing behind.
#[derive(Default)]
struct Queue {
    waiting: Vec<Ask>,
    asked: u64,
    closed: bool,
}

struct Ask {
    key: Key,
    frame: u64,
    number: u64,
}

impl Queue {
    fn next(&mut self) -> Option<Key> {
        let newest_first = |a: &Ask| (a.frame, std::cmp::Reverse(a.number));
        let at = (0..self.waiting.len()).max_by_key(|&i| newest_first(&self.waiting[i]))?;
        Some(self.waiting.swap_remove(at).key)
    }
}

/// The queue and the bell that wakes a thread.
#[derive(Default)]
struct Desk {
    queue: Mutex<Queue>,
    bell: Condvar,
}

impl Desk {
    fn open(&self) -> MutexGuard<'_, Queue> {
        // A thread that panicked left the list as it was.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for work; `None` when there will be none.
    fn take(&self) -> Option<Key> {
        let mut queue = self.open();
        loop {
            if queue.closed {
                return None;
            }
            if let Some(key) = queue.next() {
                return Some(key);
            }
            queue = self.bell.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Desk {
    /// Has the pictures that are asked for brought together, where they lie on another machine: one by one each would
    /// take the time of the way there and back.
    fn bring_ahead(&self, first: &Path) {
        let Some((supplier, name)) = supply::supplier(first) else { return };
        if first.is_file() {
            return;
        }
        let waiting: Vec<PathBuf> = {
            let queue = self.open();
            let mut asks: Vec<&Ask> = queue.waiting.iter().collect();
            asks.sort_by_key(|ask| (std::cmp::Reverse(ask.frame), ask.number));
            asks.iter().take(TOGETHER).map(|ask| ask.key.0.clone()).collect()
        };
        let others = waiting.iter().filter_map(|path| supply::supplier(path)).map(|(_, name)| name);
        supplier.fetch_soon(&std::iter::once(name).chain(others).collect::<Vec<_>>());
    }
}

/// Thumbnail loader: ask every frame for what is on screen; what has not been asked for longest goes first. Whoever
/// draws only asks, so a shared reference is enough.
pub struct Thumbnails(RefCell<Shelf>);

struct Shelf {
    entries: HashMap<Key, Entry>,
    failures: HashMap<PathBuf, String>,
    desk: Arc<Desk>,
    answers: Receiver<Answer>,
    worker: Option<Sender<Answer>>,
    bytes: usize,
    max_bytes: usize,
    frame: u64,
}

impl Default for Thumbnails {
    fn default() -> Self {
        Self::new(MAX_BYTES)
    }
}

impl Thumbnails {
    /// A loader that keeps at most `max_bytes` of textures beyond what one frame shows.
    pub fn new(max_bytes: usize) -> Self {
        let (results, answers) = bounded(DECODED);
        Self(RefCell::new(Shelf {
            entries: HashMap::new(),
            failures: HashMap::new(),
            desk: Arc::default(),
            answers,
            worker: Some(results),
            bytes: 0,
            max_bytes,
            frame: 0,
        }))
    }

    /// Once a frame, before panels ask: takes in what was decoded, lets go of the oldest, and of what nobody
    /// waits for any more.
    pub fn begin_frame(&mut self, ctx: &egui::Context) {
        self.0.get_mut().begin_frame(ctx);
    }

    /// The picture in `path`, at least `size` pixels large where the file is; `None` until it is decoded
    /// (a repaint is asked for on arrival) and when it cannot be read (see [`Thumbnails::failure`]).
    pub fn get(&self, ctx: &egui::Context, path: &Path, size: [u32; 2]) -> Option<TextureHandle> {
        self.get_toned(ctx, path, size, Tone::Color)
    }

    /// As [`Thumbnails::get`], in that tone.
    pub fn get_toned(&self, ctx: &egui::Context, path: &Path, size: [u32; 2], tone: Tone) -> Option<TextureHandle> {
        self.0.borrow_mut().get(ctx, path, size, tone)
    }

    /// Why the file cannot be shown, if so.
    pub fn failure(&self, path: &Path) -> Option<String> {
        self.0.borrow().failures.get(path).cloned()
    }

    /// Those that could not be read may be asked for again: their machine was out of reach.
    pub fn forget_failures(&mut self) {
        let shelf = self.0.get_mut();
        shelf.failures.clear();
        shelf.entries.retain(|_, entry| !matches!(entry.slot, Slot::Failed));
    }

    /// Pictures that wait to be decoded.
    pub fn waiting(&self) -> usize {
        self.0.borrow().desk.open().waiting.len()
    }

    /// Whether a picture is being decoded.
    pub fn busy(&self) -> bool {
        self.0.borrow().entries.values().any(|entry| matches!(entry.slot, Slot::Loading))
    }

    /// Bytes of textures held.
    pub fn bytes(&self) -> usize {
        self.0.borrow().bytes
    }
}

impl Shelf {
    fn begin_frame(&mut self, ctx: &egui::Context) {
        self.frame += 1;
        let arrived: Vec<Answer> = self.answers.try_iter().take(A_FRAME).collect();
        for (key, result) in arrived {
            let slot = match result {
                Ok(image) => {
                    let bytes = image.pixels.len() * 4;
                    self.bytes += bytes;
                    let name = key.0.to_string_lossy().into_owned();
                    Slot::Ready(ctx.load_texture(name, image, TextureOptions::LINEAR), bytes)
                }
                Err(reason) => {
                    self.failures.insert(key.0.clone(), reason);
                    Slot::Failed
                }
            };
            self.entries.insert(key, Entry { slot, used: self.frame });
        }
        if !self.answers.is_empty() {
            ctx.request_repaint();
        }
        self.forget_stale();
        if self.bytes > self.max_bytes {
            self.evict();
        }
    }

    fn forget_stale(&mut self) {
        let (entries, oldest) = (&mut self.entries, self.frame.saturating_sub(PATIENCE));
        self.desk.open().waiting.retain_mut(|ask| {
            ask.frame = entries.get(&ask.key).map_or(0, |entry| entry.used);
            let wanted = ask.frame >= oldest;
            if !wanted {
                entries.remove(&ask.key);
            }
            wanted
        });
    }

    fn get(&mut self, ctx: &egui::Context, path: &Path, size: [u32; 2], tone: Tone) -> Option<TextureHandle> {
        self.start(ctx);
        let key = (path.to_path_buf(), size[0].max(size[1]).next_power_of_two().max(128), tone);
        let frame = self.frame;
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.used = frame;
            return if let Slot::Ready(texture, _) = &entry.slot { Some(texture.clone()) } else { None };
        }
        let mut queue = self.desk.open();
        // A full queue is no loss: the next frame asks again, and arrivals bring the next frame.
        if queue.waiting.len() < AHEAD {
            let number = queue.asked;
            queue.asked += 1;
            queue.waiting.push(Ask { key: key.clone(), frame, number });
            drop(queue);
            self.desk.bell.notify_one();
            self.entries.insert(key, Entry { slot: Slot::Loading, used: frame });
        }
        None
    }

    fn start(&mut self, ctx: &egui::Context) {
        let Some(results) = self.worker.take() else { return };
        for n in 0..THREADS {
            let (desk, results, ctx) = (Arc::clone(&self.desk), results.clone(), ctx.clone());
            let spawned = std::thread::Builder::new().name(format!("thumbnails-{n}")).spawn(move || {
                while let Some(key) = desk.take() {
                    desk.bring_ahead(&key.0);
                    let decoded = guarded("Decoding it", || decode(&key.0, key.1, key.2));
                    let result = decoded.and_then(|result| result);
                    if results.send((key, result)).is_err() {
                        return;
                    }
                    Pace::of(&ctx).wake(&ctx);
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
                Slot::Loading | Slot::Failed => None,
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

impl Drop for Shelf {
    fn drop(&mut self) {
        self.desk.open().closed = true;
        self.desk.bell.notify_all();
    }
}

fn decode(path: &Path, side: u32, tone: Tone) -> Result<ColorImage, String> {
    let image = open_regular(path)
        .and_then(|file| image::ImageReader::new(BufReader::new(file)).with_guessed_format())
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
