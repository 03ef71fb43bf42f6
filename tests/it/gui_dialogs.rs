//! Dialogs: what lies above what, what Escape closes, folders without the system's help, a look at datasets.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::{self, Key, LayerId, Modifiers, Order};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use reid_workbench::data::no_tick;
use reid_workbench::data::synthetic::{City, SyntheticSpec, synthesize};
use reid_workbench::engine::command::Command;
use reid_workbench::gui::WindowOptions;
use reid_workbench::gui::app::App;
use reid_workbench::gui::dialogs::browse::use_own_list;
use reid_workbench::gui::setting;

use crate::data_kit::pictures;
use crate::support::dropped::drop_on;
use crate::support::play::{FakeEngine, FakeRegistry};

const LIMIT: Duration = Duration::from_secs(20);

struct Window {
    harness: Harness<'static, App>,
    engine: FakeEngine,
    registry: Arc<FakeRegistry>,
    files: tempfile::TempDir,
}

impl Window {
    fn open() -> Self {
        let (handle, engine) = FakeEngine::new();
        let registry = Arc::new(FakeRegistry::default());
        let files = tempfile::tempdir().unwrap();
        let options = WindowOptions {
            connect: Box::new(|_| handle),
            registry: registry.clone(),
            runs_dir: files.path().join("runs"),
            run: None,
        };
        let mut harness = Harness::builder()
            .with_size(egui::vec2(1280.0, 800.0))
            .with_max_steps(48)
            .build_eframe(move |cc| App::new(cc, options));
        use_own_list(&harness.ctx);
        harness.state_mut().wait_for_lists(LIMIT);
        harness.run();
        Self { harness, engine, registry, files }
    }

    fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.harness.run();
    }

    /// A click of the mouse where the thing is drawn, whatever lies above it.
    fn click_at(&mut self, label: &str) {
        let list = self.harness.query_by_role_and_label(egui::Role::ComboBox, label);
        let at = list.unwrap_or_else(|| self.harness.get_by_label(label)).rect().center();
        self.harness.hover_at(at);
        self.harness.run();
        for pressed in [true, false] {
            let (pos, button, modifiers) = (at, egui::PointerButton::Primary, Modifiers::NONE);
            self.harness.event(egui::Event::PointerButton { pos, button, pressed, modifiers });
            self.harness.run();
        }
    }

    fn press(&mut self, key: Key) {
        self.harness.key_press_modifiers(Modifiers::NONE, key);
        self.harness.run();
    }

    fn fill(&mut self, label: &str, text: &str) {
        self.harness.get_by_label(label).focus();
        self.harness.run();
        self.harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
        self.harness.run();
        self.harness.get_by_label(label).type_text(text);
        self.harness.run();
    }

    fn shows(&self, text: &str) -> bool {
        self.harness.query_all_by_label_contains(text).next().is_some()
    }

    fn until(&mut self, text: &str) {
        let began = Instant::now();
        while !self.shows(text) {
            assert!(began.elapsed() < LIMIT, "{text} did not come");
            std::thread::yield_now();
            self.harness.step();
        }
    }

    fn is_enabled(&self, label: &str) -> bool {
        !self.harness.get_by_label(label).accesskit_node().is_disabled()
    }

    /// Height of the dialog.
    fn dialog_height(&self, id: &str) -> f32 {
        self.harness.ctx.memory(|m| m.area_rect(egui::Id::unique(id))).unwrap().height()
    }
}

/// A folder like Market-1501's with that many people.
fn market(root: &Path, people: usize) {
    let name = |split: &str, pid: usize, camera: usize| format!("{split}/{pid:04}_c{camera}s1_000451_03.jpg");
    let mut files = Vec::new();
    for pid in 1..=people {
        files.extend([1, 2].map(|camera| name("bounding_box_train", pid, camera)));
    }
    files.extend([name("query", 900, 1), name("bounding_box_test", 900, 2)]);
    pictures(root, &files.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn a_dropdown_lies_above_its_dialog_each_time_it_is_opened() {
    let mut window = Window::open();
    for _ in 0..2 {
        window.click("Start");
        for list in ["Source from the list", "Method", "Device"] {
            window.click_at(list);
            let (dialog, popups) = window.harness.ctx.memory(|m| {
                let layers: Vec<LayerId> = m.layer_ids().collect();
                let dialog = LayerId::new(Order::Middle, egui::Id::unique("new run"));
                (layers.iter().position(|l| *l == dialog), layers.iter().rposition(|l| l.order == Order::Foreground))
            });
            assert!(dialog.is_some() && dialog < popups, "{list}: {dialog:?}, {popups:?}");
            window.press(Key::Escape);
            assert!(window.shows("Start run"), "Escape closed the list alone");
        }
        window.press(Key::Escape);
        assert!(!window.shows("Start run"));
    }
}

#[test]
fn baseline_is_chosen_with_the_mouse_and_keeps_the_size() {
    let mut window = Window::open();
    window.click("Start");
    window.click_at("Method");
    window.click_at("baseline");
    window.click("Start run");
    let asked = window.engine.asked();
    let [Command::Start(request)] = &asked[..] else { panic!("{asked:?}") };
    assert!(!request.params.attention.enabled && !request.params.refined);
    assert_eq!(setting::size_of(&request.params).map(|p| p.name), Some("demo"));
}

#[test]
fn what_cannot_start_is_said_before_the_dialog_closes() {
    let mut window = Window::open();
    window.click("Start");
    let height = window.dialog_height("new run");
    assert!(height < 480.0, "the dialog is as high as what is in it, not as the window: {height}");
    window.fill("Source", "msmt17");
    assert!(window.shows("The folder of msmt17 is not there") && !window.is_enabled("Start run"));
    window.fill("Source", "no-such-set");
    window.until("there is no dataset or folder no-such-set");
    window.fill("Source", "synthetic-plaza");
    let taken = window.files.path().join("taken");
    std::fs::create_dir_all(&taken).unwrap();
    std::fs::write(taken.join("events.jsonl"), "").unwrap();
    window.fill("Run folder", taken.to_str().unwrap());
    window.until("holds a run already");
    assert!(!window.is_enabled("Start run"));
    assert!((window.dialog_height("new run") - height).abs() < 1.0, "the dialog keeps its size");
}

#[test]
fn a_dataset_is_detected_and_shown_before_it_is_added() {
    let mut window = Window::open();
    let root = window.files.path().join("Campus");
    market(&root, 9);
    window.click("Add dataset…");
    let height = window.dialog_height("add dataset");
    assert!(height < 600.0, "the dialog is as high as what is in it, not as the window: {height}");
    window.fill("Dataset folder", root.to_str().unwrap());
    window.until("Market-1501");
    window.until("differs from the published counts");
    for words in ["people", "images", "cameras", "train", "gallery", "18"] {
        assert!(window.shows(words), "{words}");
    }
    let photos = window.harness.get_by_label("Four photos of different people").rect();
    let dialog = window.harness.ctx.memory(|m| m.area_rect(egui::Id::unique("add dataset"))).unwrap();
    assert!(dialog.contains_rect(photos), "the photos lie in the dialog: {photos} in {dialog}");
    assert!((window.dialog_height("add dataset") - height).abs() < 1.0, "the dialog keeps its size");
    window.fill("Dataset folder", "/no/such/folder");
    window.until("there is no folder /no/such/folder");
    assert!((window.dialog_height("add dataset") - height).abs() < 1.0, "the dialog keeps its size");
    window.fill("Dataset folder", root.to_str().unwrap());
    window.until("differs from the published counts");
    window.click("Add");
    window.until("Dataset campus added");
    assert_eq!(window.registry.added.lock().unwrap().len(), 1);
}

#[test]
fn drawn_people_are_equal_to_their_own_counts() {
    let dir = tempfile::tempdir().unwrap();
    let mut spec = SyntheticSpec::new(City::Plaza, 1);
    (spec.train_ids, spec.test_ids, spec.cameras, spec.per_camera) = (4, 2, 2, 2);
    (spec.height, spec.width, spec.distractors, spec.junk) = (32, 16, 0, 0);
    synthesize(dir.path(), &spec, &no_tick).unwrap();
    let mut window = Window::open();
    window.click("Add dataset…");
    window.fill("Dataset folder", dir.path().to_str().unwrap());
    window.until("equal to the published counts");
}

#[test]
fn a_folder_is_chosen_where_the_system_has_no_dialog() {
    let mut window = Window::open();
    let root = window.files.path().join("data");
    market(&root.join("Campus"), 2);
    std::fs::create_dir_all(root.join(".hidden")).unwrap();
    window.click("Add dataset…");
    window.fill("Dataset folder", root.to_str().unwrap());
    window.click("Browse for a dataset folder…");
    window.until("Campus");
    assert!(!window.shows(".hidden"));
    window.click("Campus");
    window.until(root.join("Campus").to_str().unwrap());
    window.until("bounding_box_test");
    while !window.is_enabled("Choose this folder") {
        window.harness.step();
    }
    window.click("Choose this folder");
    assert_eq!(window.harness.get_by_label("Dataset folder").value(), Some(root.join("Campus").display().to_string()));
    window.click("Browse for a dataset folder…");
    window.press(Key::Escape);
    assert!(window.shows("Add dataset") && !window.shows("Choose this folder"), "Escape closed the list alone");
}

#[test]
fn a_folder_dropped_on_the_window_is_looked_at() {
    let mut window = Window::open();
    let root = window.files.path().join("Campus");
    market(&root, 2);
    drop_on(&mut window.harness, &root);
    window.until("Dataset folder");
    assert_eq!(window.harness.get_by_label("Dataset folder").value(), Some(root.display().to_string()));
    window.until("differs from the published counts");
}

#[test]
fn a_dataset_opens_and_those_that_are_absent_are_one_line() {
    let mut window = Window::open();
    assert!(window.shows("1 more known but absent") && !window.shows("msmt17"));
    window.click("1 more known but absent");
    window.click("msmt17");
    assert!(window.shows("Locate dataset"));
    window.press(Key::Escape);
    window.click("market1501");
    assert!(window.shows("Remove") && window.shows("Locate…"));
    window.press(Key::Escape);
    assert!(!window.shows("Remove"));
}

#[test]
fn a_run_that_is_none_is_not_opened() {
    let mut window = Window::open();
    window.click("Open run…");
    window.fill("Folder of the run", window.files.path().display().to_string().as_str());
    window.until("is no run");
    assert!(!window.is_enabled("Open"));
}
