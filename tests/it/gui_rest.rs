//! The window at rest repaints nothing, and the memory of a long run does not grow.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::{self, ViewportId};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use reid_workbench::engine::event::{Event, ImageRef, RankQuery, Ranking, SnapshotPart, Split, Stamped};
use reid_workbench::gui::WindowOptions;
use reid_workbench::gui::app::App;
use reid_workbench::gui::job::Works;
use reid_workbench::run::snapshot::{ClusterSnapshot, epoch_dir, read_heat_maps};

use crate::sample_run::{self, EPOCHS};
use crate::support::play::{FakeEngine, FakeRegistry};

const LIMIT: Duration = Duration::from_secs(60);
const LAYOUTS: [&str; 3] = ["Research", "Tune", "Teach"];

struct Window {
    harness: Harness<'static, App>,
    engine: FakeEngine,
}

impl Window {
    fn open(run: Option<PathBuf>) -> Self {
        let (handle, engine) = FakeEngine::new();
        let options = WindowOptions {
            connect: Box::new(|_| handle),
            registry: Arc::new(FakeRegistry::default()),
            runs_dir: PathBuf::from("no-runs-here"),
            run,
        };
        let mut harness =
            Harness::builder().with_size(egui::vec2(1600.0, 1000.0)).build_eframe(move |cc| App::new(cc, options));
        harness.state_mut().wait_for_lists(LIMIT);
        Self { harness, engine }
    }

    /// When the newest frame wants the next one.
    fn delay(&self) -> Duration {
        self.harness.output().viewport_output[&ViewportId::ROOT].repaint_delay
    }

    /// Draws until nothing is read, computed or moving, and the frames that were asked for meanwhile are drawn: a
    /// thread may wake the window between its last frame and the question whether the thread is busy.
    fn settle(&mut self) {
        let works = Works::of(&self.harness.ctx);
        let began = Instant::now();
        let mut at_rest = 0;
        while at_rest < 3 {
            let before = works.counts();
            self.harness.step();
            let [begun, ended] = works.counts();
            let rests =
                self.delay() == Duration::MAX && !self.harness.state().reads() && begun == ended && before[1] == ended;
            at_rest = if rests { at_rest + 1 } else { 0 };
            assert!(began.elapsed() < LIMIT, "the window does not come to rest");
            std::thread::yield_now();
        }
    }

    /// Comes to rest and asks for no frame in three seconds as egui counts them, a quarter with each frame. A thread that
    /// was held up between its answer and its wake may cost one frame; what asks regularly asks in all three tries.
    fn stays_at_rest(&mut self, what: &str) {
        let mut asked = Vec::new();
        for _ in 0..3 {
            self.settle();
            let wanted = (0..12).find(|_| {
                self.harness.step();
                self.delay() != Duration::MAX
            });
            match wanted {
                None => return,
                Some(frame) => asked.push((frame, self.delay(), self.harness.ctx.repaint_causes())),
            }
        }
        panic!("{what} wants another frame: {asked:?}");
    }

    fn shows(&self, words: &str) -> bool {
        self.harness.query_all_by_label_contains(words).next().is_some()
    }
}

#[test]
fn a_window_at_rest_asks_for_no_frame() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    sample_run::write(&run);
    let mut window = Window::open(Some(run));
    let began = Instant::now();
    while !window.shows("Done") {
        assert!(began.elapsed() < LIMIT, "the run is not shown");
        window.harness.step();
    }
    for layout in LAYOUTS {
        window.harness.get_by_label(layout).click();
        window.harness.step();
        // The hand leaves the window: no tooltip is to come.
        window.harness.remove_cursor();
        window.stays_at_rest(layout);
    }
}

#[test]
fn a_window_without_a_run_asks_for_no_frame() {
    let mut window = Window::open(None);
    window.stays_at_rest("a window without a run");
}

/// The sample run's events of its epoch `from`, as if they were of `epoch`, its snapshots with them.
fn again(dir: &Path, events: &[Stamped], from: usize, epoch: usize) -> Vec<Event> {
    // What is after an epoch has the next number.
    for (old, new) in [(from, epoch), (from + 1, epoch + 1)] {
        std::fs::create_dir_all(epoch_dir(dir, new)).unwrap();
        for file in std::fs::read_dir(epoch_dir(dir, old)).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), epoch_dir(dir, new).join(file.file_name())).unwrap();
        }
    }
    let mut told = Vec::new();
    for stamped in events {
        let mut event = stamped.event.clone();
        let mine = match &mut event {
            Event::Step(step) => {
                let mine = step.phase == reid_workbench::engine::event::Phase::Adapt && step.epoch == from;
                step.epoch = epoch;
                mine
            }
            Event::Clustered { epoch: at, .. }
            | Event::EpochDone { epoch: at, .. }
            | Event::StageDone { epoch: at, .. } => std::mem::replace(at, epoch) == from,
            Event::Snapshot { epoch: at, part: SnapshotPart::Clusters } => std::mem::replace(at, epoch) == from,
            Event::Snapshot { epoch: at, .. } | Event::Evaluated { epoch: at, .. } => {
                std::mem::replace(at, epoch + 1) == from + 1
            }
            _ => false,
        };
        if mine {
            told.push(event);
        }
    }
    told.push(Event::HeatMaps { epoch: epoch + 1, images: read_heat_maps(dir, from + 1).unwrap() });
    let query = RankQuery::Image(ImageRef { split: Split::Gallery, index: epoch as u32 });
    told.push(Event::Ranked(Box::new(Ranking {
        query,
        epoch: epoch + 1,
        iters: 0,
        gallery: (0..20).collect(),
        distances: (0..20).map(|i| 0.05 * i as f32).collect(),
        ap: None,
        matches: Vec::new(),
    })));
    told
}

/// Gives an epoch of the sample run neighbours that the map can lay out: a ring of images.
fn with_neighbours(dir: &Path, epoch: usize) {
    const K: usize = 10;
    let mut snapshot = ClusterSnapshot::read(dir, epoch).unwrap();
    let n = snapshot.labels.len();
    let around = |i: usize| (0..K).map(move |j| ((i + j.div_ceil(2) * if j % 2 == 0 { 1 } else { n - 1 }) % n) as u32);
    snapshot.knn_index = (0..n).flat_map(around).collect();
    snapshot.knn_dist = (0..n).flat_map(|_| (0..K).map(|j| 0.01 * (j * j) as f32)).collect();
    snapshot.k = K;
    snapshot.write(dir, epoch).unwrap();
}

#[test]
fn seventy_epochs_take_no_more_memory_than_the_first() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    let events = sample_run::write(&run);
    with_neighbours(&run, EPOCHS - 1);
    let mut window = Window::open(None);
    window.engine.replay(events.clone());
    window.settle();
    let mut early = None;
    for epoch in EPOCHS..70 {
        again(&run, &events, EPOCHS - 1, epoch).into_iter().for_each(|event| window.engine.say(event));
        // One layout after the other looks at the epoch that is new.
        window.harness.get_by_label(LAYOUTS[epoch % 3]).click();
        window.settle();
        if epoch == 40 {
            early = Some(window.harness.state().held(&window.harness.ctx));
        }
    }
    let (early, late) = (early.unwrap(), window.harness.state().held(&window.harness.ctx));
    println!("after 40 epochs {early:?}, after 70 {late:?}");
    // Teach shows one panel, which need not be the map: its layouts fill up more slowly.
    assert_eq!((late.snapshots, late.rankings), (early.snapshots, early.rankings));
    assert!(late.snapshots <= 30 && (1..=24).contains(&late.layouts) && late.rankings <= 32, "{late:?}");
    assert!(late.tried <= 30 && late.lines <= 2000, "{late:?}");
    // Photos are within their bound; the atlas of the type may have grown once.
    assert!(late.textures <= early.textures + (4 << 20), "{early:?}, {late:?}");
}
