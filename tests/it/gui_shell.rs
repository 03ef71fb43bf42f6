//! The frame around the tiles, driven by label as a user or a screen reader does, without graphics.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use eframe::egui::{self, Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use reid_workbench::engine::command::{Begin, Command, DeviceChoice, RunRequest, cache_dir};
use reid_workbench::engine::event::{Cure, Event, Load, Severity, Stamped, State};
use reid_workbench::gui::app::App;
use reid_workbench::gui::pace::Pace;
use reid_workbench::gui::{Ends, WindowOptions};
use reid_workbench::method::params::{Effect, Params, Value};

use crate::support::play::{self, FakeEngine, FakeRegistry};

const LIMIT: Duration = Duration::from_secs(20);

struct Window {
    harness: Harness<'static, App>,
    engine: FakeEngine,
    registry: Arc<FakeRegistry>,
    runs: tempfile::TempDir,
}

impl Window {
    fn open() -> Self {
        Self::ending(Arc::default())
    }

    fn ending(ends: Arc<Ends>) -> Self {
        let (handle, engine) = FakeEngine::new();
        let registry = Arc::new(FakeRegistry::default());
        let runs = tempfile::tempdir().unwrap();
        let options = WindowOptions {
            connect: Box::new(|_| handle),
            registry: registry.clone(),
            runs_dir: runs.path().to_owned(),
            run: None,
        };
        let mut harness = Harness::builder()
            .with_size(egui::vec2(1600.0, 1000.0))
            .with_max_steps(48)
            .build_eframe(move |cc| App::new(cc, options).ending(ends));
        harness.state_mut().wait_for_lists(LIMIT);
        harness.run();
        Self { harness, engine, registry, runs }
    }

    /// A window on a run that is in the middle of its second epoch.
    fn on_a_run() -> Self {
        Self::on_a_run_ending(Arc::default())
    }

    fn on_a_run_ending(ends: Arc<Ends>) -> Self {
        let mut window = Self::ending(ends);
        play::demo(1).into_iter().for_each(|event| window.engine.say(event));
        window.harness.run();
        window
    }

    fn resize(&mut self, width: f32, height: f32) {
        self.harness.set_size(egui::vec2(width, height));
        self.harness.run();
    }

    fn say(&mut self, event: Event) {
        self.engine.say(event);
        self.harness.run();
    }

    fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.harness.run();
    }

    fn press(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.harness.run();
    }

    /// Types into the box of that name, in place of what it holds.
    fn fill(&mut self, label: &str, text: &str) {
        self.harness.get_by_label(label).focus();
        self.harness.run();
        self.press(Modifiers::COMMAND, Key::A);
        self.harness.get_by_label(label).type_text(text);
        self.harness.run();
    }

    fn is_enabled(&self, label: &str) -> bool {
        !self.harness.get_by_label(label).accesskit_node().is_disabled()
    }

    fn shows(&self, text: &str) -> bool {
        self.harness.query_all_by_label_contains(text).next().is_some()
    }

    fn asked(&self) -> Vec<Command> {
        self.engine.asked()
    }
}

fn set(key: &str, value: Value) -> Vec<Command> {
    vec![Command::SetParam { key: key.to_owned(), value }]
}

#[test]
fn transport_follows_the_state_of_the_run() {
    let mut window = Window::open();
    assert!(window.is_enabled("Start") && !window.is_enabled("Pause") && !window.is_enabled("Stop"));
    play::demo(1).into_iter().for_each(|event| window.engine.say(event));
    window.harness.run();
    assert!(!window.is_enabled("Start") && window.is_enabled("Pause") && !window.is_enabled("Step"));
    window.click("Pause");
    assert_eq!(window.asked(), [Command::Pause]);
    window.say(Event::State { state: State::Paused, epoch: 1 });
    assert!(window.is_enabled("Step") && window.is_enabled("Resume"));
    window.click("Step");
    window.click("Resume");
    window.click("Stop");
    assert_eq!(window.asked(), [Command::StepBatch, Command::Resume, Command::Stop]);
}

#[test]
fn the_pill_says_where_the_run_is() {
    let mut window = Window::on_a_run();
    let mut demo = Params::default();
    demo.apply_presets("demo").unwrap();
    let (epochs, iters) = (demo.adapt.epochs, demo.adapt.iters);
    assert!(window.shows(&format!("Adapting · epoch 2/{epochs} · iteration {}/{iters}", iters * 2 / 5)));
    window.say(Event::State { state: State::Failed("Device out of memory. Halve the batch.".to_owned()), epoch: 1 });
    assert!(window.shows("Failed · Device out of memory"));
    assert!(window.shows("The run failed"), "a toast stays until it is dismissed");
    window.click("Dismiss The run failed");
    assert!(window.harness.query_by_label("The run failed").is_none());
    assert_eq!(window.harness.state().messages().last().unwrap().title, "The run failed");
}

#[test]
fn the_top_bar_tells_how_busy_and_how_warm_a_gpu_is_where_that_is_known() {
    let mut window = Window::on_a_run();
    let device = |load| Event::Device { name: "cuda:0".to_owned(), used: 31 << 30, total: 80 << 30, load };
    window.say(device(Load { utilisation: Some(97), temperature: Some(61) }));
    assert!(window.shows("Device cuda:0 · 97 % · 61 °C, 31.0 / 80.0 GB"));
    window.say(device(Load { utilisation: Some(97), temperature: None }));
    assert!(window.shows("Device cuda:0 · 97 %, 31.0 / 80.0 GB"));
    window.say(device(Load::default()));
    assert!(window.shows("Device cuda:0, 31.0 / 80.0 GB"));
}

#[test]
fn frames_are_few_while_the_processor_trains_and_nobody_looks() {
    let mut window = Window::on_a_run();
    let pace = Pace::of(&window.harness.ctx);
    assert_eq!(pace.wait(), Duration::from_millis(250));
    window.harness.hover_at(egui::pos2(400.0, 400.0));
    window.harness.step();
    assert_eq!(pace.wait(), Duration::ZERO, "the hand is served at once");
    let mut window = Window::on_a_run();
    window.say(Event::State { state: State::Paused, epoch: 1 });
    assert_eq!(Pace::of(&window.harness.ctx).wait(), Duration::ZERO, "nothing trains");
}

#[test]
fn the_source_only_model_is_judged_before_anything_is_extracted() {
    let mut window = Window::open();
    play::demo(1).into_iter().take(3).for_each(|event| window.engine.say(event));
    window.say(Event::State { state: State::Evaluating, epoch: 0 });
    assert!(window.shows("Pre-train, ") && window.shows("Evaluate, ") && !window.shows("Extract, "));
    window.say(Event::State { state: State::Extracting, epoch: 0 });
    assert!(window.shows("Extract, ") && window.shows("Evaluate, ") && !window.shows("Pre-train, "));
}

#[test]
fn names_of_panels_are_words_wherever_there_are_data() {
    let window = Window::on_a_run();
    for tab in window.harness.query_all_by_role(egui::Role::Tab) {
        let name = tab.accesskit_node().label().unwrap_or_default();
        assert!(tab.rect().width() > 6.0 * name.len() as f32 * 0.8, "{name} is cut: {}", tab.rect());
    }
    assert!(window.harness.query_by_role_and_label(egui::Role::Tab, "Cluster counts").is_some());
}

#[test]
fn what_has_no_room_for_its_name_is_named_in_a_menu() {
    let mut window = Window::open();
    window.resize(640.0, 400.0);
    let more = window.harness.query_all_by_label("More panels of this group").next().expect("a menu of panels");
    more.click();
    window.harness.run();
    assert!(window.harness.query_by_label("Lineage").is_some() || window.harness.query_by_label("eps × Δd").is_some());
}

#[test]
fn the_new_run_dialog_sends_the_request() {
    let mut window = Window::open();
    window.click("Start");
    let out = window.runs.path().join("mine");
    window.fill("Run folder", out.to_str().unwrap());
    window.fill("Target", "market1501");
    window.click("Start run");
    let mut params = Params::default();
    params.apply_presets("demo").unwrap();
    let request = RunRequest {
        source: "synthetic-plaza".to_owned(),
        target: "market1501".to_owned(),
        out,
        params,
        device: DeviceChoice::Auto,
        begin: Begin::Start,
        changes: Vec::new(),
        allow_unreadable: false,
        match_names: false,
        cache: cache_dir(),
    };
    assert_eq!(window.asked(), [Command::Start(Box::new(request))]);
    assert!(window.harness.query_by_label("Start run").is_none(), "the dialog is gone");
}

#[test]
fn enter_presses_the_button_that_a_dialog_is_there_for() {
    let mut window = Window::open();
    window.press(Modifiers::COMMAND, Key::N);
    window.harness.get_by_label("Cancel").focus();
    window.press(Modifiers::NONE, Key::Enter);
    assert!(!window.shows("Start run") && window.asked().is_empty(), "Cancel had the keyboard");
    window.press(Modifiers::COMMAND, Key::N);
    window.fill("Run folder", "runs/by-enter");
    window.press(Modifiers::NONE, Key::Enter);
    let asked = window.asked();
    assert!(matches!(&asked[..], [Command::Start(request)] if request.out == Path::new("runs/by-enter")), "{asked:?}");
}

#[test]
fn a_list_left_open_closes_when_the_keyboard_opens_a_dialog() {
    let mut window = Window::open();
    window.click("Menu");
    assert!(egui::Popup::is_any_open(&window.harness.ctx), "the menu is open");
    window.press(Modifiers::COMMAND, Key::N);
    window.harness.run();
    assert!(window.shows("Start run") && !egui::Popup::is_any_open(&window.harness.ctx));
}

#[test]
fn a_run_without_two_domains_is_not_started() {
    let mut window = Window::open();
    window.click("Start");
    window.fill("Target", "synthetic-plaza");
    assert!(!window.is_enabled("Start run"));
    assert!(window.shows("Source and target are the same"));
    window.press(Modifiers::NONE, Key::Escape);
    assert!(window.harness.query_by_label("Start run").is_none() && window.asked().is_empty());
}

#[test]
fn a_slider_changes_the_run_at_its_moment() {
    let mut window = Window::on_a_run();
    window.harness.get_by_label("eps").set_value_accesskit(0.55);
    window.harness.run();
    assert_eq!(window.asked(), set("eps", Value::Float(0.55)));
    let (key, value) = ("eps".to_owned(), Value::Float(0.55));
    window.say(Event::ParamPending { key: key.clone(), value: value.clone(), effect: Effect::NextEpoch });
    assert!(window.shows("waits for epoch 3"), "the change is marked until it counts");
    let (beta, three) = ("beta".to_owned(), Value::Float(0.3));
    window.say(Event::ParamPending { key: beta.clone(), value: three.clone(), effect: Effect::NextBatch });
    assert!(window.shows("1 for epoch 3, 1 for the next batch"), "each waits for its own moment");
    window.say(Event::ParamApplied { key: beta, old: Value::Float(0.2), new: three, epoch: 1, iter: 9 });
    assert!(window.shows("waits for epoch 3"));
    window.say(Event::ParamApplied { key, old: Value::Float(0.6), new: value, epoch: 2, iter: 0 });
    assert!(!window.shows("waits for epoch"));
    assert_eq!(window.harness.get_by_label("eps, number").value().as_deref(), Some("0.55"));
}

#[test]
fn a_waiting_change_can_be_taken_back() {
    let mut window = Window::on_a_run();
    window.say(Event::ParamPending { key: "k1".to_owned(), value: Value::Int(25), effect: Effect::NextEpoch });
    window.click("Undo");
    assert_eq!(window.asked(), set("k1", Value::Int(15)));
}

#[test]
fn a_number_is_typed_and_reset_to_the_papers() {
    let mut window = Window::on_a_run();
    window.fill("β, number", "0.35");
    window.press(Modifiers::NONE, Key::Enter);
    assert_eq!(window.asked(), set("beta", Value::Float(0.35)));
    let (key, new) = ("beta".to_owned(), Value::Float(0.35));
    window.say(Event::ParamApplied { key, old: Value::Float(0.2), new, epoch: 1, iter: 20 });
    window.click("Reset β");
    assert_eq!(window.asked(), set("beta", Value::Float(0.2)));
}

#[test]
fn typing_replaces_a_number_that_was_clicked() {
    let mut window = Window::on_a_run();
    window.click("β, number");
    window.harness.get_by_label("β, number").type_text("0.35");
    window.press(Modifiers::NONE, Key::Enter);
    assert_eq!(window.asked(), set("beta", Value::Float(0.35)));
}

#[test]
fn an_invalid_value_is_refused_with_the_reason_and_the_run_keeps_the_old() {
    let mut window = Window::on_a_run();
    for (label, text, reason) in [
        ("eps, number", "2", "eps takes a number from 0.05 to 0.95. The paper uses 0.60."),
        ("Δd, number", "soon", "Δd takes a number from 0 to 0.3"),
        ("k2, number", "40", "cannot exceed k1, now 15"),
    ] {
        window.fill(label, text);
        window.press(Modifiers::NONE, Key::Enter);
        assert!(window.shows(reason), "{reason}");
        assert_eq!(window.harness.get_by_label(label).value().as_deref(), Some(text), "what was typed stays");
    }
    assert!(window.asked().is_empty());
    window.click("Reset eps");
    assert!(!window.shows("eps takes a number"));
}

#[test]
fn every_parameter_has_a_named_control() {
    let window = Window::open();
    for row in reid_workbench::method::params::table::ROWS {
        let name = reid_workbench::gui::panels::parameters::name(row);
        let controls = window.harness.query_all_by_label(&name).count()
            + window.harness.query_all_by_label(&format!("{name}, number")).count();
        assert!(controls > 0, "no control for {}", row.key);
    }
}

#[test]
fn a_preset_replaces_the_next_runs_parameters() {
    let mut window = Window::open();
    window.press(Modifiers::COMMAND, Key::P);
    window.harness.get_by_label("Command").type_text("eps-too-large");
    window.harness.run();
    window.press(Modifiers::NONE, Key::Enter);
    assert_eq!(window.harness.get_by_label("eps, number").value().as_deref(), Some("0.85"));
    assert!(window.asked().is_empty(), "nothing runs, so nothing is sent");
}

#[test]
fn the_palette_runs_commands_and_finds_parameters() {
    let mut window = Window::on_a_run();
    window.press(Modifiers::COMMAND, Key::P);
    window.harness.get_by_label("Command").type_text("checkpoint");
    window.harness.run();
    window.press(Modifiers::NONE, Key::Enter);
    assert_eq!(window.asked(), [Command::Checkpoint]);
    window.click("Search or run a command");
    window.harness.get_by_label("Command").type_text("set k1");
    window.harness.run();
    window.press(Modifiers::NONE, Key::Enter);
    assert!(window.harness.get_by_label("k1").is_focused());
    window.press(Modifiers::NONE, Key::ArrowRight);
    assert_eq!(window.asked(), set("k1", Value::Int(16)));
}

#[test]
fn keys_pause_resume_and_stop() {
    let mut window = Window::on_a_run();
    window.press(Modifiers::NONE, Key::Space);
    window.say(Event::State { state: State::Paused, epoch: 1 });
    window.press(Modifiers::NONE, Key::Space);
    window.press(Modifiers::NONE, Key::Period);
    window.press(Modifiers::SHIFT, Key::Period);
    window.press(Modifiers::COMMAND, Key::S);
    window.press(Modifiers::COMMAND | Modifiers::SHIFT, Key::S);
    let expected =
        [Command::Pause, Command::Resume, Command::StepBatch, Command::StepEpoch, Command::Checkpoint, Command::Stop];
    assert_eq!(window.asked(), expected);
    window.press(Modifiers::NONE, Key::F1);
    assert!(window.shows("Shortcuts"));
}

#[test]
fn bare_keys_do_nothing_while_one_types() {
    let mut window = Window::on_a_run();
    window.harness.get_by_label("eps, number").focus();
    window.harness.run();
    window.press(Modifiers::NONE, Key::Space);
    assert!(window.asked().is_empty());
}

fn close(window: &mut Window) {
    let viewport = window.harness.input_mut().viewports.entry(egui::ViewportId::ROOT).or_default();
    viewport.events.push(egui::ViewportEvent::Close);
    window.harness.run();
}

fn sent_to_viewport(window: &Window, wanted: &egui::ViewportCommand) -> bool {
    let output = window.harness.output().viewport_output.get(&egui::ViewportId::ROOT);
    output.is_some_and(|o| o.commands.contains(wanted))
}

#[test]
fn closing_while_a_run_goes_on_asks_first() {
    let mut window = Window::on_a_run();
    close(&mut window);
    assert!(window.shows("A run goes on"));
    window.click("Keep training");
    assert!(!window.shows("A run goes on") && window.asked().is_empty());
    close(&mut window);
    window.click("Stop and close");
    assert_eq!(window.asked(), [Command::Stop]);
    window.engine.say(Event::State { state: State::Stopped, epoch: 1 });
    window.harness.step();
    assert!(sent_to_viewport(&window, &egui::ViewportCommand::Close), "it closes once the run has ended");
}

#[test]
fn closing_can_leave_the_run_to_a_process_of_its_own() {
    let ends = Arc::<Ends>::default();
    let mut window = Window::on_a_run_ending(Arc::clone(&ends));
    close(&mut window);
    window.click("Train on without it");
    assert_eq!(window.asked(), [Command::Stop], "it goes on from a checkpoint");
    window.engine.say(Event::State { state: State::Stopped, epoch: 1 });
    window.harness.step();
    assert!(sent_to_viewport(&window, &egui::ViewportCommand::Close));
    let (folder, device) = ends.is_to_train_on().expect("the run is handed over");
    assert_eq!((folder.to_str(), &device[..]), (Some("runs/demo"), "cpu"));
}

#[test]
fn a_window_that_is_asked_to_end_closes_once_its_run_has_ended() {
    let ends = Arc::<Ends>::default();
    let mut window = Window::on_a_run_ending(Arc::clone(&ends));
    ends.ask();
    window.harness.run();
    assert!(!window.shows("A run goes on"), "nobody is there to answer");
    assert!(!sent_to_viewport(&window, &egui::ViewportCommand::Close));
    window.engine.say(Event::State { state: State::Stopped, epoch: 1 });
    window.harness.step();
    assert!(sent_to_viewport(&window, &egui::ViewportCommand::Close));
    assert_eq!(ends.is_to_train_on(), None);
}

#[test]
fn what_mends_a_failure_is_one_click() {
    let mut window = Window::on_a_run();
    let changes = vec![("adapt.lr".to_owned(), Value::Float(1e-4))];
    let words = "Go on from the last checkpoint with adapt.lr = 0.0001.".to_owned();
    window.engine.say(Event::Cure(Cure { words, resume: true, changes: changes.clone() }));
    let state = State::Failed("the training has diverged: the loss is NaN".to_owned());
    window.engine.say(Event::State { state, epoch: 1 });
    window.harness.run();
    window.click("Take the way out");
    let asked = window.asked();
    let [Command::Start(request)] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!((&request.begin, &request.changes), (&Begin::Resume, &changes));
}

#[test]
fn closing_an_idle_window_does_not_ask() {
    let mut window = Window::open();
    close(&mut window);
    assert!(!window.shows("A run goes on"));
}

#[test]
fn a_dataset_is_added_or_the_reason_said() {
    let mut window = Window::open();
    window.click("Add dataset…");
    window.fill("Dataset folder", "/data/empty");
    wait_for(&mut window, "found no images at all");
    assert!(!window.is_enabled("Add"));
    let campus = window.runs.path().join("Campus");
    crate::data_kit::pictures(
        &campus,
        &[
            "bounding_box_train/0002_c1s1_000451_03.jpg",
            "query/0003_c1s1_000451_03.jpg",
            "bounding_box_test/0003_c2s1_000451_03.jpg",
        ],
    );
    window.fill("Dataset folder", campus.to_str().unwrap());
    assert_eq!(window.harness.get_by_label("Dataset name").value().as_deref(), Some("campus"));
    wait_for(&mut window, "differs from the published counts");
    window.click("Add");
    wait_for(&mut window, "Dataset campus added");
    assert_eq!(*window.registry.added.lock().unwrap(), [("campus".to_owned(), campus)]);
}

/// Steps the window until it shows `text`: another thread is at work.
fn wait_for(window: &mut Window, text: &str) {
    let until = std::time::Instant::now() + LIMIT;
    while !window.shows(text) {
        assert!(std::time::Instant::now() < until, "{text} did not come");
        std::thread::yield_now();
        window.harness.step();
    }
}

#[test]
fn a_recorded_run_is_listed_opened_and_left_again() {
    let mut window = Window::open();
    let folder = window.runs.path().join("2026-11-22T10-00-00_recorded");
    crate::sample_run::write(&folder);
    window.engine.start(Path::new("runs/live"), &Params::default());
    window.harness.run();
    window.harness.state_mut().wait_for_lists(LIMIT);
    window.harness.run();
    let row = window.harness.get_all_by_role(egui::Role::ListBoxOption).last().unwrap();
    row.click();
    window.harness.run();
    wait_for(&mut window, "Done · mAP");
    window.press(Modifiers::COMMAND | Modifiers::SHIFT, Key::L);
    assert!(window.shows("Preparing"));
}

#[test]
fn a_recorded_run_that_is_resumed_keeps_its_past() {
    let mut window = Window::open();
    let folder = window.runs.path().join("2026-11-22T10-00-00_recorded");
    let recorded = crate::sample_run::write(&folder);
    window.engine.start(Path::new("runs/live"), &Params::default());
    window.harness.run();
    window.harness.state_mut().wait_for_lists(LIMIT);
    window.harness.run();
    window.harness.get_all_by_role(egui::Role::ListBoxOption).last().unwrap().click();
    window.harness.run();
    wait_for(&mut window, "Epoch 6");
    let mut event = play::started(&folder, &Params::default());
    if let Event::Started { resumed, .. } = &mut event {
        *resumed = true;
    }
    let last = recorded.last().unwrap();
    window.engine.replay(vec![Stamped {
        run: Default::default(),
        seq: last.seq + 1,
        t: last.t,
        wall: last.wall,
        event,
    }]);
    window.harness.run();
    window.press(Modifiers::COMMAND | Modifiers::SHIFT, Key::L); // the live run is the one on screen
    assert!(window.shows("Epoch 6"));
}

#[test]
fn figures_and_tables_are_exported_from_the_menu() {
    let mut window = Window::open();
    let folder = window.runs.path().join("live");
    window.engine.replay(crate::sample_run::write(&folder));
    window.harness.run();
    window.click("Put the summary away"); // which offers to export, too
    window.click("Menu");
    window.click("Files");
    window.click("Export…");
    for part in ["Report", "Replay", "TensorBoard"] {
        window.click(part);
    }
    window.click("Export");
    wait_for(&mut window, "Exported");
    let tables = ["metrics.csv", "metrics.json", "report.html", "replay.html", "tensorboard"];
    for file in ["retrieval.png", "retrieval.svg", "reliability.png"].into_iter().chain(tables) {
        assert!(folder.join("export").join(file).exists(), "{file} is missing");
    }
}

#[test]
fn epochs_are_stepped_with_the_arrows() {
    let mut window = Window::open();
    play::demo(4).into_iter().for_each(|event| window.engine.say(event));
    window.harness.run();
    assert!(window.shows("Epoch 5"));
    window.press(Modifiers::NONE, Key::ArrowLeft);
    assert!(window.shows("Epoch 4"));
    window.press(Modifiers::NONE, Key::End);
    assert!(window.shows("Epoch 5"));
    window.press(Modifiers::ALT, Key::ArrowLeft);
    assert!(window.shows("Epoch 5"), "with Alt the arrows lead through the rank lists");
}

#[test]
fn no_two_commands_share_a_shortcut() {
    use reid_workbench::gui::command::{COMMANDS, MORE_KEYS, UiCommand, pane_keys};
    let mut known: Vec<(egui::KeyboardShortcut, String)> = Vec::new();
    // Pause and Resume are never possible at once.
    let table = COMMANDS.iter().filter(|e| e.command != UiCommand::Resume).filter_map(|e| Some((e.keys?, e.title)));
    let more = MORE_KEYS.iter().map(|(keys, _)| (*keys, "another key"));
    let panes = reid_workbench::gui::panels::Pane::ALL.iter().filter_map(|p| Some((pane_keys(*p)?, p.title())));
    for (keys, title) in table.chain(more).chain(panes) {
        let other = known.iter().find(|(k, _)| *k == keys);
        assert!(other.is_none(), "{title} has the keys of {other:?}");
        known.push((keys, title.to_owned()));
    }
}

#[test]
fn parameters_are_changed_back_and_again() {
    let mut window = Window::open();
    for text in ["0.55", "0.50"] {
        window.fill("eps, number", text);
        window.press(Modifiers::NONE, Key::Enter);
    }
    let eps = |window: &Window| window.harness.get_by_label("eps, number").value();
    window.harness.get_by_label("Menu").focus();
    window.harness.run();
    window.press(Modifiers::COMMAND, Key::Z);
    assert_eq!(eps(&window).as_deref(), Some("0.55"));
    window.press(Modifiers::COMMAND, Key::Z);
    assert_eq!(eps(&window).as_deref(), Some("0.60"));
    window.press(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(eps(&window).as_deref(), Some("0.55"));
}

#[test]
fn the_epochs_are_played_and_their_values_stand_at_the_curves() {
    let mut window = Window::open();
    play::demo(4).into_iter().for_each(|event| window.engine.say(event));
    window.harness.run();
    window.press(Modifiers::NONE, Key::Home);
    assert!(window.shows("Epoch 1"));
    window.click("Epochs a second");
    window.click("Play the epochs");
    for _ in 0..600 {
        window.harness.step();
    }
    assert!(window.shows("Epoch 5") && window.shows("Play the epochs"), "it stops at the newest");
}

#[test]
fn zoom_goes_in_steps_and_says_where_it_is() {
    let mut window = Window::open();
    for (key, percent) in [(Key::Equals, "110 %"), (Key::Plus, "125 %"), (Key::Equals, "150 %"), (Key::Minus, "125 %")]
    {
        window.press(Modifiers::COMMAND, key);
        assert!(window.shows(percent), "{percent}");
    }
    window.press(Modifiers::COMMAND, Key::Num0);
    assert!(window.shows("100 %"));
}

#[test]
fn a_panel_is_enlarged_and_put_back() {
    let mut window = Window::on_a_run();
    let tab = window.harness.get_by_role_and_label(egui::Role::Tab, "Loss").rect().center();
    window.harness.hover_at(tab);
    window.harness.run();
    // In one frame: events given one by one lie a quarter of a second apart, which is no double click.
    let (button, modifiers) = (egui::PointerButton::Primary, Modifiers::NONE);
    let clicks = [true, false, true, false];
    let events = clicks.map(|pressed| egui::Event::PointerButton { pos: tab, button, pressed, modifiers });
    window.harness.input_mut().events.extend(events);
    window.harness.run();
    assert!(window.shows("Back to the layout"));
    assert!(window.harness.query_by_role_and_label(egui::Role::Tab, "Cluster map").is_none());
    window.press(Modifiers::NONE, Key::Escape);
    assert!(!window.shows("Back to the layout"));
}

#[test]
fn the_palette_finds_clusters_and_datasets() {
    let mut window = Window::on_a_run();
    window.press(Modifiers::COMMAND, Key::P);
    window.harness.get_by_label("Command").type_text("cluster 12");
    window.harness.run();
    assert!(window.shows("Cluster 12"));
    window.press(Modifiers::NONE, Key::Escape);
    window.press(Modifiers::COMMAND, Key::P);
    window.harness.get_by_label("Command").type_text("msmt");
    window.harness.run();
    assert!(window.shows("msmt17"));
}

#[test]
fn notices_float_up_and_stay_in_the_log() {
    let mut window = Window::open();
    let (title, text) = ("No GPU was found".to_owned(), "The CPU is used.".to_owned());
    window.say(Event::Notice { severity: Severity::Warning, title, text });
    assert!(window.shows("No GPU was found"));
    window.click("Dismiss No GPU was found");
    window.click("Log");
    let lines = window.harness.query_all_by_label_contains("No GPU was found. The CPU is used.").count();
    assert_eq!(lines, 2, "in the drawer and at the foot");
}

#[test]
fn an_idle_window_draws_nothing() {
    let mut window = Window::on_a_run();
    window.click("Dismiss 35 % of the images are outliers");
    let delay = window.harness.output().viewport_output[&egui::ViewportId::ROOT].repaint_delay;
    assert_eq!(delay, Duration::MAX, "{:?}", window.harness.ctx.repaint_causes());
}

#[test]
fn every_layout_shows_in_both_appearances() {
    let mut window = Window::open();
    window.engine.replay(crate::sample_run::write(&window.runs.path().join("live")));
    window.harness.run();
    for key in [Key::Num1, Key::Num2, Key::Num3] {
        window.press(Modifiers::COMMAND, key);
        for &pane in reid_workbench::gui::panels::Pane::ALL {
            window.harness.state_mut().bring(pane);
            window.harness.run();
            let tab = window.harness.query_by_role_and_label(egui::Role::Tab, pane.title());
            assert!(tab.is_some(), "{} is missing", pane.title());
        }
        window.press(Modifiers::COMMAND | Modifiers::SHIFT, Key::T);
    }
}
