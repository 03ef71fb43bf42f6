//! Layouts: images as points, computed on a thread of their own and kept per run folder and epoch.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use eframe::egui::{Context, Pos2, Vec2, pos2, vec2};

use crate::base::guard::guarded;
use crate::gui::pace::Pace;
use crate::method::embed::{Lists, Start, TsneOptions, spiral, tsne};
use crate::method::error::MethodError;
use crate::run::snapshot::ClusterSnapshot;

/// Layouts of t-SNE that stay in memory.
const KEPT: usize = 24;
/// At least between two pictures of a layout on its way.
const PICTURE: Duration = Duration::from_millis(200);

/// N images in the plane.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlaneLayout {
    /// `[N, 2]` as computed, row-major.
    pub values: Vec<f32>,
    /// `[N]` centred, the larger half extent 1, y downwards as on screen.
    pub at: Vec<Pos2>,
    /// Half extents of `at`.
    pub half: Vec2,
}

impl PlaneLayout {
    /// Of `[N, 2]` coordinates.
    pub fn of(values: &[f32]) -> Self {
        let column = |axis: usize| values.iter().skip(axis).step_by(2).copied();
        let range = |axis: usize| column(axis).fold((f32::MAX, f32::MIN), |(a, b), x| (a.min(x), b.max(x)));
        let ((left, right), (low, high)) = (range(0), range(1));
        let extents = vec2((right - left).max(0.0), (high - low).max(0.0)) / 2.0;
        let scale = extents.max_elem().max(f32::MIN_POSITIVE);
        let centre = [(left + right) / 2.0, (low + high) / 2.0];
        let at = values.chunks_exact(2).map(|p| pos2((p[0] - centre[0]) / scale, (centre[1] - p[1]) / scale)).collect();
        Self { values: values.to_vec(), at, half: extents / scale }
    }
}

/// Which clustering a layout belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// The run.
    pub folder: PathBuf,
    /// The adaptation epoch, from 0.
    pub epoch: usize,
    /// The number of the event that announced it.
    pub seq: u64,
}

/// A layout of t-SNE that is there, perhaps on its way.
#[derive(Clone, Debug)]
struct Kept {
    key: Key,
    layout: Arc<PlaneLayout>,
    /// Iterations that led to it, from the first layout of this run folder on.
    iterations: usize,
    settled: bool,
}

/// All layouts of t-SNE that are kept, those used last at the end.
#[derive(Clone, Debug, Default)]
struct Shelf(Vec<Kept>);

impl Shelf {
    fn put(&mut self, kept: Kept) {
        self.0.retain(|k| k.key != kept.key);
        self.0.push(kept);
        if self.0.len() > KEPT {
            self.0.remove(0);
        }
    }

    /// The layout of the same run whose epoch is nearest, an earlier one before a later one.
    fn nearest(&self, key: &Key, n: usize) -> Option<Kept> {
        let same = self.0.iter().filter(|k| k.key.folder == key.folder && k.layout.at.len() == n);
        same.min_by_key(|k| (k.key.epoch.abs_diff(key.epoch), k.key.epoch > key.epoch)).cloned()
    }
}

/// What the thread has to say.
#[derive(Default)]
struct State {
    layout: Option<Arc<PlaneLayout>>,
    done: usize,
    end: Option<Result<(), String>>,
}

#[derive(Default)]
struct Shared {
    cancel: AtomicBool,
    state: Mutex<State>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Running {
    key: Key,
    shared: Arc<Shared>,
    /// Iterations before this thread began.
    before: usize,
    options: TsneOptions,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.cancel.store(true, Ordering::Relaxed);
    }
}

/// t-SNE in the background, of one clustering at a time.
#[derive(Default)]
pub struct Tsne {
    kept: Shelf,
    running: Option<Running>,
    failed: Option<(Key, String)>,
}

/// How a wanted layout stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// It will not change any more.
    Settled,
    /// That share of its iterations is done.
    Running(f32),
    /// It cannot be computed; why.
    Failed(String),
}

impl Tsne {
    /// Asks every frame for the layout of a clustering: begins it, goes on with it, or gives up the one of before.
    pub fn want(&mut self, ctx: &Context, key: &Key, snapshot: &Arc<ClusterSnapshot>) -> Standing {
        self.take_in();
        if self.kept.0.iter().any(|k| k.key == *key && k.settled) {
            return Standing::Settled;
        }
        if let Some((_, why)) = self.failed.as_ref().filter(|(failed, _)| failed == key) {
            return Standing::Failed(why.clone());
        }
        if self.running.as_ref().is_none_or(|r| r.key != *key) {
            self.start(ctx, key, snapshot);
        }
        let share = |r: &Running| r.shared.state().done as f32 / r.options.iterations.max(1) as f32;
        Standing::Running(self.running.as_ref().map_or(0.0, share))
    }

    /// The newest layout of that clustering; `None` where none was computed.
    pub fn known(&self, key: &Key) -> Option<Arc<PlaneLayout>> {
        self.kept.0.iter().find(|k| k.key == *key).map(|k| Arc::clone(&k.layout))
    }

    /// How many layouts are in memory.
    pub fn held(&self) -> usize {
        self.kept.0.len()
    }

    /// Whether a thread is at work.
    pub fn busy(&self) -> bool {
        self.running.is_some()
    }

    /// Takes in what the thread has found since.
    fn take_in(&mut self) {
        let Some(running) = &self.running else { return };
        let (layout, done, end) = {
            let mut state = running.shared.state();
            (state.layout.take(), state.done, state.end.take())
        };
        if let Some(layout) = layout {
            let settled = matches!(end, Some(Ok(())));
            let kept = Kept { key: running.key.clone(), layout, iterations: running.before + done, settled };
            self.kept.put(kept);
        }
        match end {
            Some(Err(why)) => {
                self.failed = Some((running.key.clone(), why));
                self.running = None;
            }
            Some(Ok(())) => self.running = None,
            None => {}
        }
    }

    fn start(&mut self, ctx: &Context, key: &Key, snapshot: &Arc<ClusterSnapshot>) {
        self.running = None; // which cancels it
        let n = snapshot.labels.len();
        let prior = self.kept.nearest(key, n);
        let before = prior.as_ref().map_or(0, |p| p.iterations);
        let fresh = TsneOptions::fresh();
        // A layout that was given up half-way, because its epoch had passed, goes on where it was.
        let options = match &prior {
            Some(p) if p.settled || before >= fresh.iterations => TsneOptions::warm(),
            _ => TsneOptions {
                iterations: fresh.iterations - before,
                exaggerated: fresh.exaggerated.saturating_sub(before),
                ..fresh
            },
        };
        let shared = Arc::new(Shared::default());
        let work = Work {
            _under_way: crate::gui::job::Work::begin(ctx),
            ctx: ctx.clone(),
            shared: Arc::clone(&shared),
            snapshot: Arc::clone(snapshot),
            start: prior.map(|p| p.layout),
            options,
        };
        let run = {
            let shared = Arc::clone(&shared);
            move || {
                let ctx = work.ctx.clone();
                if let Err(why) = guarded("The layout", || work.run()) {
                    shared.state().end = Some(Err(why));
                    Pace::of(&ctx).wake(&ctx);
                }
            }
        };
        match std::thread::Builder::new().name("t-SNE".to_owned()).spawn(run) {
            Ok(_) => self.running = Some(Running { key: key.clone(), shared, before, options }),
            Err(error) => self.failed = Some((key.clone(), format!("No thread could be started: {error}."))),
        }
    }
}

/// What the thread needs.
struct Work {
    /// Who waits for a whole picture waits for the layout.
    _under_way: crate::gui::job::Work,
    ctx: Context,
    shared: Arc<Shared>,
    snapshot: Arc<ClusterSnapshot>,
    start: Option<Arc<PlaneLayout>>,
    options: TsneOptions,
}

impl Work {
    fn run(self) {
        let snapshot = &self.snapshot;
        let n = snapshot.labels.len();
        let lists = Lists { index: &snapshot.knn_index, dist: &snapshot.knn_dist, n, k: snapshot.k };
        let shape = if snapshot.pca.len() == 2 * n { snapshot.pca.clone() } else { spiral(n) };
        let start = match &self.start {
            Some(layout) => Start::Layout(&layout.values),
            None => Start::Shape(&shape),
        };
        let pace = Pace::of(&self.ctx);
        let mut shown = Instant::now();
        let found = tsne(lists, start, self.options, &mut |done, values| {
            let picture = shown.elapsed() >= PICTURE.max(pace.wait());
            let layout = picture.then(|| Arc::new(PlaneLayout::of(values)));
            {
                let mut state = self.shared.state();
                state.done = done;
                state.layout = layout.or(state.layout.take());
            }
            if picture {
                shown = Instant::now();
                pace.wake(&self.ctx);
            }
            !self.shared.cancel.load(Ordering::Relaxed)
        });
        let mut state = self.shared.state();
        match found {
            Ok(values) => {
                state.layout = Some(Arc::new(PlaneLayout::of(&values)));
                state.end = Some(Ok(()));
            }
            Err(MethodError::Cancelled) => return, // nobody waits
            Err(error) => state.end = Some(Err(error.to_string())),
        }
        drop(state);
        pace.wake(&self.ctx);
    }
}
