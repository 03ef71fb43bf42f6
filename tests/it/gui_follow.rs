//! The window on runs that it does not train: followed as they grow, steered through their folders.

use std::path::Path;
use std::time::Duration;

use crossbeam_channel::Receiver;
use egui_kittest::kittest::Queryable;
use reid_workbench::engine::event::{Event, Severity, Stage, State};
use reid_workbench::method::params::{Effect, Params, Value};
use reid_workbench::run::requests::{FoundRequests, Listener, Posted, Steer};
use reid_workbench::run::{Manifest, RunWriter};

use crate::support::play;
use crate::support::window::Window;

const LIMIT: Duration = Duration::from_secs(30);

/// A process that trains a run, as its folder shows it.
struct Trained {
    writer: RunWriter,
    heard: Receiver<FoundRequests>,
    listener: Option<Listener>,
}

impl Trained {
    fn start(dir: &Path) -> Self {
        let mut params = Params::default();
        params.apply_presets("demo").unwrap();
        let mut writer = RunWriter::create(dir, &Manifest::new("plaza", "station", 1, "cpu"), &params).unwrap();
        writer.append(play::started(dir, &params)).unwrap();
        let (say, heard) = crossbeam_channel::bounded(64);
        let listener = Some(Listener::start(dir, say).unwrap());
        Self { writer, heard, listener }
    }

    /// In its second epoch of adaptation, and a window that follows it.
    fn adapting(dir: &Path) -> (Self, Window) {
        let mut run = Self::start(dir);
        run.say(Event::State { state: State::Adapting, epoch: 1 });
        let mut window = Window::open(dir);
        window.until("Adapting · epoch 2/");
        (run, window)
    }

    fn say(&mut self, event: Event) {
        self.writer.append(event).unwrap();
    }

    fn asked(&self) -> Posted {
        match self.heard.recv_timeout(LIMIT).unwrap() {
            FoundRequests::Request { request, stale: false } => request,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_run_of_another_process_is_watched_paused_changed_and_seen_to_finish() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("run");
    let (mut run, mut window) = Trained::adapting(&dir);
    run.say(play::step(1, 4, 40));
    window.until("iteration 5/40");

    window.click("Pause");
    let pause = run.asked();
    assert_eq!(pause.steer, Steer::Pause);
    run.say(Event::Accepted { request: pause.id });
    run.say(Event::State { state: State::Paused, epoch: 1 });
    window.until("Paused");

    window.set("eps", 0.55);
    let set = run.asked();
    let (key, value) = ("eps".to_owned(), Value::Float(0.55));
    assert_eq!(set.steer, Steer::SetParam { key: key.clone(), value: value.clone() });
    run.say(Event::ParamPending { key, value, effect: Effect::NextEpoch });
    run.say(Event::Accepted { request: set.id });
    window.until("waits for epoch 3");

    window.click("Resume");
    assert_eq!(run.asked().steer, Steer::Resume);
    assert!(window.engine.asked().is_empty(), "the engine of this window is not meant");
    run.say(Event::State { state: State::Done, epoch: 12 });
    window.until("Done");
}

#[test]
fn a_run_whose_process_was_killed_can_be_resumed_here() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("run");
    let (mut run, mut window) = Trained::adapting(&dir);
    assert!(window.harness.query_by_label("Resume").is_none());
    run.listener = None; // and no word among the events
    window.until("Stopped");
    window.click("Resume");
    let asked = window.engine.asked();
    assert!(format!("{asked:?}").contains("Start"), "{asked:?}");
}

#[test]
fn two_windows_follow_one_run() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("run");
    let mut run = Trained::start(&dir);
    let mut windows = [Window::open(&dir), Window::open(&dir)];
    run.say(Event::State { state: State::Adapting, epoch: 3 });
    windows.iter_mut().for_each(|window| window.until("Adapting · epoch 4/"));
}

#[test]
fn only_the_change_that_was_refused_is_taken_back() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("run");
    let (mut run, mut window) = Trained::adapting(&dir);
    window.set("eps", 0.55);
    let eps = run.asked();
    window.set("Δd", 0.03);
    let delta = run.asked();
    window.until("2 changes");
    // A notice that has nothing to do with them.
    run.say(Event::Notice { severity: Severity::Info, title: "By the way".into(), text: "nothing".into() });
    window.until("By the way");
    assert!(window.shows("2 changes"));
    run.say(Event::Refused { request: delta.id, why: "Not that one.".into() });
    window.until("Not that one.");
    window.until("1 change");
    assert!(!window.shows("2 changes"));
    run.say(Event::Accepted { request: eps.id });
}

#[test]
fn an_attempt_that_fails_does_not_paint_the_run_on_screen() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("run");
    crate::sample_run::write(&dir);
    let mut window = Window::on(&dir);
    let say = |window: &mut Window, event| {
        window.engine.say_of("the-attempt", event);
        window.harness.run_steps(3);
    };
    say(&mut window, Event::State { state: State::Preparing, epoch: 0 });
    say(&mut window, Event::Progress { stage: Stage::Prepare, done: 1, total: 2 });
    say(&mut window, Event::State { state: State::Failed("there is no dataset `nowhere`".into()), epoch: 0 });
    window.until("there is no dataset `nowhere`");
    assert!(window.shows("Done · mAP"), "the run on screen is as it was");
    assert!(!window.shows("Failed ·"));
}

#[test]
fn a_finished_run_of_this_window_stays_finished_when_the_next_one_cannot_begin() {
    let home = tempfile::tempdir().unwrap();
    let mut window = Window::open(&home.path().join("nothing"));
    let run = home.path().join("first");
    for mut stamped in crate::sample_run::write(&run) {
        stamped.run = reid_workbench::run::event::RunId::of(&run);
        window.engine.replay(vec![stamped]);
    }
    window.until("Done · mAP");
    window.engine.say_of("second", Event::State { state: State::Preparing, epoch: 0 });
    window.harness.run_steps(3);
    let why = "there is no dataset `nowhere`".to_owned();
    window.engine.say_of("second", Event::State { state: State::Failed(why.clone()), epoch: 0 });
    window.until(&why);
    assert!(window.shows("Done · mAP") && !window.shows("Failed ·"));
}
