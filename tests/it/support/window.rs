//! The whole window on a recorded run, without graphics, driven by label; nobody is at the engine's end.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::{self, Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use reid_workbench::base::tick::Tick;
use reid_workbench::cli::cluster;
use reid_workbench::engine::feature_run::{MadeFeatures, ensure_made};
use reid_workbench::gui::WindowOptions;
use reid_workbench::gui::app::App;
use reid_workbench::gui::features::{FeatureRuns, FileHolds};
use reid_workbench::gui::job::Works;
use reid_workbench::gui::panels::Pane;
use reid_workbench::method::params::Params;

use super::play::{FakeEngine, FakeRegistry};

const LIMIT: Duration = Duration::from_secs(60);

/// What a window keeps between two starts.
#[derive(Clone, Default)]
pub struct Kept(pub std::collections::BTreeMap<String, String>);

impl eframe::Storage for Kept {
    fn get_string(&self, key: &str) -> Option<String> {
        self.0.get(key).cloned()
    }

    fn set_string(&mut self, key: &str, value: String) {
        self.0.insert(key.to_owned(), value);
    }

    fn remove_string(&mut self, key: &str) {
        self.0.remove(key);
    }

    fn flush(&mut self) {}
}

/// Draws until no panel reads or computes any more, nor what that asked for.
pub fn settle(harness: &mut Harness<'static, App>) {
    let (began, works) = (Instant::now(), Works::of(&harness.ctx));
    let mut rests = 0;
    while rests < 3 {
        assert!(began.elapsed() < LIMIT, "the panels are still reading");
        harness.step();
        let [begun, ended] = works.counts();
        rests = if begun != ended || harness.state().reads() { 0 } else { rests + 1 };
        std::thread::yield_now();
    }
}

/// The window.
pub struct Window {
    pub harness: Harness<'static, App>,
    pub engine: FakeEngine,
    made: tempfile::TempDir,
}

/// Makes runs of features as the program does, the example small and in a folder of its own.
struct SmallFeatures(PathBuf);

/// Features that are made in no time.
pub const SMALL: MadeFeatures = MadeFeatures { images: 300, dim: 16, seed: 3 };

impl FeatureRuns for SmallFeatures {
    fn example(&self, _data: &Path, tick: Tick<'_>) -> Result<PathBuf, String> {
        ensure_made(&self.0, SMALL, tick).map_err(|e| e.to_string())
    }

    fn cluster(&self, file: &Path, out: &Path, params: &Params, tick: Tick<'_>) -> Result<(), String> {
        cluster::write_run(file, out, params, tick).map_err(|e| e.to_string())
    }

    fn holds(&self, file: &Path) -> Result<FileHolds, String> {
        let features = cluster::holds_features(file).map_err(|e| e.to_string())?;
        Ok(if features { FileHolds::Features } else { FileHolds::Weights })
    }
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
        Self::again(&Kept::default(), runs, run)
    }

    /// The same, with what an earlier window kept.
    pub fn again(kept: &Kept, runs: &Path, run: Option<PathBuf>) -> Self {
        let kept = kept.clone();
        let (handle, engine) = FakeEngine::new();
        let made = tempfile::tempdir().unwrap();
        let features = SmallFeatures(made.path().to_owned());
        let options = WindowOptions {
            connect: Box::new(|_| handle),
            registry: Arc::new(FakeRegistry::default()),
            runs_dir: runs.to_owned(),
            run,
        };
        let mut harness =
            Harness::builder().with_size(egui::vec2(1900.0, 1300.0)).with_max_steps(48).build_eframe(move |cc| {
                let mut cc = eframe::CreationContext::_new_kittest(cc.egui_ctx.clone());
                cc.storage = Some(&kept);
                App::new(&cc, options).making(Arc::new(features))
            });
        harness.state_mut().wait_for_lists(LIMIT);
        Self { harness, engine, made }
    }

    /// Where the made example lies.
    pub fn made(&self) -> PathBuf {
        SMALL.folder(self.made.path())
    }

    /// What it keeps for the next start.
    pub fn keep(&mut self) -> Kept {
        let mut kept = Kept::default();
        eframe::App::save(self.harness.state_mut(), &mut kept);
        kept
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
        fill(&mut self.harness, label, text);
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

/// Writes into a field in place of what stands there.
pub fn fill(harness: &mut Harness<'_, App>, label: &str, text: &str) {
    harness.get_by_label(label).focus();
    harness.run_steps(2);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.run_steps(2);
    harness.get_by_label(label).type_text(text);
    harness.run_steps(2);
}
