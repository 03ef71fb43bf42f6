//! The whole window on a recorded run, without graphics, driven by label; nobody is at the engine's end.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::{self, Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use reid_workbench::gui::WindowOptions;
use reid_workbench::gui::app::App;
use reid_workbench::gui::panels::Pane;

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
        Self::among(&run.join("no-runs-here"), Some(run.to_owned()))
    }

    /// A window that lists the runs of a folder, and shows one where that is asked for.
    pub fn among(runs: &Path, run: Option<PathBuf>) -> Self {
        let (handle, engine) = FakeEngine::new();
        let options = WindowOptions {
            connect: Box::new(|_| handle),
            registry: Arc::new(FakeRegistry::default()),
            runs_dir: runs.to_owned(),
            run,
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

    /// The whole label that holds these words.
    pub fn label_with(&self, words: &str) -> String {
        let node = self.harness.query_all_by_label_contains(words).next().unwrap_or_else(|| panic!("no `{words}`"));
        node.accesskit_node().label().unwrap_or_default()
    }

    /// Draws until the window shows these words, or no longer does: other threads are at work.
    pub fn until_it(&mut self, words: &str, shows: bool) {
        let began = Instant::now();
        while self.shows(words) != shows {
            assert!(began.elapsed() < LIMIT, "`{words}`: waited for {shows}");
            self.harness.run_steps(1);
            std::thread::yield_now();
        }
    }

    /// Draws until the window shows these words.
    pub fn until(&mut self, words: &str) {
        self.until_it(words, true);
    }

    pub fn bring(&mut self, pane: Pane) {
        self.harness.state_mut().bring(pane);
        self.harness.run_steps(3);
    }

    /// Writes into a field in place of what stands there.
    pub fn fill(&mut self, label: &str, text: &str) {
        self.until(label);
        self.harness.get_by_label(label).focus();
        self.harness.run_steps(2);
        self.harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
        self.harness.run_steps(2);
        self.harness.get_by_label(label).type_text(text);
        self.harness.run_steps(2);
    }

    pub fn click(&mut self, label: &str) {
        self.until(label);
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
