//! The window with the real engine behind it: a whole run, driven by label.

use std::sync::Arc;

use crossbeam_channel::{Receiver, bounded};
use eframe::egui::{self, Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use reid_workbench::engine::event::{Event, Phase, State};
use reid_workbench::engine::worker::Engine;
use reid_workbench::gui::WindowOptions;
use reid_workbench::gui::app::App;
use reid_workbench::gui::panels::Pane;
use reid_workbench::method::params::Value;
use reid_workbench::run::RunView;
use reid_workbench::run::reader::RunReader;

use crate::support::engine::{Driver, PATIENCE, Tiny, tiny_params};
use crate::support::play::FakeRegistry;
use crate::support::window::fill;

struct Window {
    harness: Harness<'static, App>,
    engine: Option<Engine>,
    /// Something was said.
    heard: Receiver<()>,
}

impl Window {
    fn open(tiny: &Tiny) -> Self {
        Self::showing(tiny, None)
    }

    fn showing(tiny: &Tiny, run: Option<std::path::PathBuf>) -> Self {
        let (say, heard) = bounded(1);
        let (to_test, from_window) = bounded(1);
        let options = WindowOptions {
            connect: Box::new(move |wake| {
                let engine = Engine::spawn(Arc::new(move || {
                    wake();
                    let _ = say.try_send(()); // one token is enough: the window drains everything
                }))
                .unwrap();
                let handle = engine.handle();
                to_test.send(engine).unwrap();
                handle
            }),
            registry: Arc::new(FakeRegistry::default()),
            runs_dir: tiny.path("runs"),
            run,
        };
        // Tall enough that every parameter is on screen.
        let mut harness = Harness::builder()
            .with_size(egui::vec2(1600.0, 2400.0))
            .with_max_steps(12)
            .build_eframe(move |cc| App::new(cc, options));
        harness.state_mut().wait_for_lists(PATIENCE);
        harness.run();
        Self { harness, engine: from_window.recv().ok(), heard }
    }

    fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.harness.run_steps(3);
    }

    fn enter(&mut self, label: &str, text: &str) {
        fill(&mut self.harness, label, text);
        self.harness.key_press_modifiers(Modifiers::NONE, Key::Enter);
        self.harness.run_steps(2);
    }

    fn shows(&self, text: &str) -> bool {
        self.harness.query_all_by_label_contains(text).next().is_some()
    }

    /// Draws as the engine speaks, until the window shows `text`.
    fn until(&mut self, text: &str) {
        while !self.shows(text) {
            let words = || format!("waiting for `{text}`");
            self.heard.recv_timeout(PATIENCE).unwrap_or_else(|e| panic!("{}: {e}", words()));
            self.harness.run_steps(2);
            assert!(text.contains("Failed") || !self.shows("Failed ·"), "{}: the run failed", words());
        }
    }
}

impl Window {
    /// Draws until the window shows `text`, which another thread than the engine's brings.
    fn patiently(&mut self, text: &str) {
        let began = std::time::Instant::now();
        while !self.shows(text) {
            assert!(began.elapsed() < PATIENCE, "`{text}` did not come");
            self.harness.run_steps(1);
            std::thread::yield_now();
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.shut_down();
        }
    }
}

#[test]
fn a_run_is_started_watched_paused_changed_and_stopped_by_label() {
    let tiny = Tiny::new();
    let mut window = Window::open(&tiny);
    for (name, value) in [
        ("height", "64"),
        ("width", "32"),
        ("pad", "2"),
        ("k1", "8"),
        ("k2", "2"),
        ("eps", "0.7"),
        ("Training epochs", "40"),
        ("Training iterations", "3"),
        ("Training batch", "16"),
        ("Pre-training epochs", "1"),
        ("Pre-training iterations", "4"),
        ("Pre-training batch", "16"),
    ] {
        window.enter(&format!("{name}, number"), value);
    }
    window.click("Start");
    fill(&mut window.harness, "Run folder", tiny.path("run").to_str().unwrap());
    fill(&mut window.harness, "Source", tiny.path("source").to_str().unwrap());
    fill(&mut window.harness, "Target", tiny.path("target").to_str().unwrap());
    window.click("Start run");

    window.until("Adapting · epoch 2/40");
    window.click("Pause");
    window.until("Paused");
    // What would another eps make of this epoch's clusters? The next epoch is asked to use it.
    window.click("What-if");
    window.harness.get_by_label("Try eps").set_value_accesskit(0.66);
    window.patiently("would become");
    window.click("Apply to the run");
    window.until("1 change");
    // An image is left out by hand.
    window.click("Clusters");
    window.patiently("Open cluster ");
    window.harness.query_all_by_label_contains("Open cluster ").next().unwrap().click();
    window.harness.run_steps(3);
    window.patiently("Image ");
    let member = window.harness.query_all_by_label_contains("Image ").next().unwrap();
    let words = member.accesskit_node().label().unwrap_or_default();
    member.click();
    window.harness.run_steps(3);
    window.click("Inspector");
    window.click("By hand");
    window.click("Leave out");
    window.until("touched by hand");
    window.click("Rank lists");
    window.click("Resume");
    window.until("Adapting · epoch 4/40");
    window.until("Query "); // the rank list of an evaluation
    window.click("Stop");
    window.until("Stopped");
    // Why a hit was found: the network is loaded again and answers with the similarity and what it is made of.
    window.patiently("rank 1, ");
    window.harness.query_all_by_label_contains("rank 1, ").next().unwrap().click_secondary();
    window.harness.run_steps(3);
    window.harness.get_by_role_and_label(egui::Role::Button, "Why this hit").click();
    window.harness.run_steps(3);
    window.patiently("the values of either photo sum to it");
    let said = window.harness.get_by_label_contains("the values of either photo").accesskit_node().value();
    let similarity = said.as_deref().and_then(|w| w.strip_prefix("Cosine ")?.split(':').next()).unwrap().to_owned();
    for of in ["query", "gallery"] {
        let name = format!("what {of} ");
        let sum = window.harness.query_all_by_label_contains(&name).next().unwrap();
        let sum = sum.accesskit_node().label().unwrap_or_default();
        assert!(sum.contains(&format!(": {similarity} ")), "{sum}, cosine {similarity}");
    }
    // What it changed at once, and what came later.
    window.harness.state_mut().bring(Pane::Worth);
    window.patiently("Said by hand");
    window.patiently(" left out; counts since epoch ");
    window.patiently("At once: ");
    window.patiently("Later: mAP ");

    let run = RunReader::open(&tiny.path("run")).unwrap();
    let losses = run.events.iter().filter(|e| matches!(&e.event, Event::Step(s) if s.phase == Phase::Adapt)).count();
    assert!(losses > 6, "{losses} loss points");
    let applied = run.events.iter().any(
        |e| matches!(&e.event, Event::ParamApplied { key, new, .. } if key == "eps" && *new == Value::Float(0.66)),
    );
    assert!(applied, "the change of eps is not among the events");
    let used =
        run.events.iter().any(|e| matches!(&e.event, Event::Clustered { summary, .. } if summary.used.eps == 0.66));
    assert!(used, "no clustering used the new eps");
    let left_out = run.events.iter().rev().find_map(|e| match &e.event {
        Event::Clustered { summary, .. } => summary.hand.map(|hand| hand.excluded),
        _ => None,
    });
    assert_eq!(left_out, Some(1), "{words}");
    assert!(run.events.iter().any(|e| matches!(&e.event, Event::State { state: State::Stopped, .. })));
    assert!(tiny.path("run/checkpoints/last.safetensors").is_file());
}

#[test]
fn a_run_is_branched_from_an_earlier_epoch_by_label() {
    let tiny = Tiny::new();
    let mut params = tiny_params();
    ["adapt.epochs=2", "checkpoint.every=1"].iter().for_each(|a| params.assign(a).unwrap());
    assert_eq!(Driver::run(tiny.request("run", params)).0, State::Done);
    let mut window = Window::showing(&tiny, Some(tiny.path("run")));
    window.patiently("Done");
    window.click("Branch from here");
    window.patiently("on the disk");
    window.harness.run_steps(6); // the dialog takes its place in the middle
    window.click("Remove best-oracle");
    let began = std::time::Instant::now();
    // The list is read anew, too: what is clicked next must not move.
    let listed = |window: &Window| window.harness.query_by_label("Remove best-oracle").is_some();
    while tiny.path("run/checkpoints/best-oracle.safetensors").exists() || listed(&window) {
        assert!(began.elapsed() < PATIENCE);
        window.harness.run_steps(1);
    }
    // The list closes up once it has been read anew; a click before that would miss.
    while window.shows("Remove best-oracle") {
        window.harness.run_steps(1);
        std::thread::yield_now();
    }
    window.harness.run_steps(6);
    window.harness.get_by_label_contains("after 1 epoch · every n epochs").click_accesskit();
    window.harness.run_steps(3);
    fill(&mut window.harness, "Folder of the branch", tiny.path("branch").to_str().unwrap());
    window.click("Start branch");
    let branch = || RunReader::open_live(&tiny.path("branch"));
    while !branch().is_ok_and(|run| RunView::of_folder(&run).state == State::Done) {
        window.heard.recv_timeout(PATIENCE).unwrap();
        window.harness.run_steps(1);
    }
    let parent = branch().unwrap().manifest.parent.unwrap();
    assert_eq!((parent.run, parent.epoch), (tiny.path("run"), 1));
}
