//! The whole window on a recorded run, without graphics, driven by label; nobody is at the engine's end.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::{self, Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use reid_workbench::gui::WindowOptions;
use reid_workbench::gui::app::App;

use super::play::{FakeEngine, FakeRegistry};

const LIMIT: Duration = Duration::from_secs(60);

/// The window.
pub struct Window {
    pub harness: Harness<'static, App>,
    pub engine: FakeEngine,
}

impl Window {
    /// A window that shows the run, which has ended.
    pub fn on(run: &Path) -> Self {
        let mut window = Self::open(run);
        window.until("Done");
        window
    }

    /// A window that is about to show the run.
    pub fn open(run: &Path) -> Self {
        let (handle, engine) = FakeEngine::new();
        let options = WindowOptions {
            connect: Box::new(|_| handle),
            registry: Arc::new(FakeRegistry::default()),
            runs_dir: run.join("no-runs-here"),
            run: Some(run.to_owned()),
        };
        let mut harness = Harness::builder()
            .with_size(egui::vec2(1900.0, 1300.0))
            .with_max_steps(48)
            .build_eframe(move |cc| App::new(cc, options));
        harness.state_mut().wait_for_lists(LIMIT);
        Self { harness, engine }
    }

    pub fn shows(&self, words: &str) -> bool {
        self.harness.query_all_by_label_contains(words).next().is_some()
    }

    /// Draws until the window shows these words: other threads are at work.
    pub fn until(&mut self, words: &str) {
        let began = Instant::now();
        while !self.shows(words) {
            assert!(began.elapsed() < LIMIT, "`{words}` did not come");
            self.harness.run_steps(1);
            std::thread::yield_now();
        }
    }

    pub fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.harness.run_steps(3);
    }

    pub fn set(&mut self, label: &str, value: f64) {
        self.harness.get_by_label(label).set_value_accesskit(value);
        self.harness.run_steps(2);
    }

    pub fn press(&mut self, key: Key) {
        self.harness.key_press_modifiers(Modifiers::NONE, key);
        self.harness.run_steps(3);
    }
}
