//! Runs one after another in the window: what is prepared, what waits, what is wrong and what came of it.

use std::path::Path;

use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;
use reid_workbench::engine::command::Command;
use reid_workbench::engine::event::{Event, Severity, Stage, State};
use reid_workbench::method::params::{Params, Value};

use crate::support::play::{clustered, evaluated, step};
use crate::support::window::Window;

fn new_run(window: &mut Window, button: &str) {
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::N);
    window.harness.run_steps(3);
    window.click(button);
}

fn starts(window: &Window) -> Vec<std::path::PathBuf> {
    let asked = window.engine.asked().into_iter();
    asked.filter_map(|c| if let Command::Start(request) = c { Some(request.out) } else { None }).collect()
}

/// A window in which a run trains.
fn training(runs: &Path) -> Window {
    let mut window = Window::among(runs, None);
    window.engine.start(&runs.join("first"), &Params::default());
    window.engine.say(Event::State { state: State::Pretraining, epoch: 0 });
    window.until("Pre-training");
    window
}

#[test]
fn a_run_is_queued_while_one_goes_on_and_begins_by_itself() {
    let runs = tempfile::tempdir().unwrap();
    let mut window = training(runs.path());
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::N);
    window.until("this one begins by itself when that has ended");
    assert!(!window.shows("Start run"));
    window.click("Queue run");
    window.until("begins next");
    assert!(starts(&window).is_empty(), "nothing begins while a run goes on");
    window.engine.say(Event::State { state: State::Done, epoch: 0 });
    window.until_it("begins next", false);
    assert_eq!(starts(&window).len(), 1);
    window.until("Preparing");
}

#[test]
fn a_run_that_waits_can_be_taken_out_and_waits_for_a_hand_after_a_stop() {
    let runs = tempfile::tempdir().unwrap();
    let mut window = training(runs.path());
    new_run(&mut window, "Queue run");
    window.click("Take whole method out of the queue");
    assert!(!window.shows("begins next"));
    new_run(&mut window, "Queue run");
    window.until("begins next");
    window.engine.say(Event::State { state: State::Stopped, epoch: 0 });
    window.until("waits for you");
    assert!(starts(&window).is_empty(), "what was stopped by hand is not followed by something else");
    window.until("1 run waits");
    let button = window.harness.query_all_by_label("Start the next").next().unwrap();
    button.click();
    window.harness.run_steps(3);
    assert_eq!(starts(&window).len(), 1);
}

#[test]
fn what_is_prepared_is_told_over_the_run_on_screen() {
    let run = tempfile::tempdir().unwrap();
    crate::sample_run::write(run.path());
    let mut window = Window::on(run.path());
    assert!(window.shows("Done · mAP"));
    new_run(&mut window, "Start run");
    let out = starts(&window).remove(0);
    window.until("Preparing");
    window.engine.say(Event::State { state: State::Preparing, epoch: 0 });
    window.engine.say(Event::Progress { stage: Stage::Prepare, done: 340, total: 1856 });
    window.until("Preparing · 340/1,856");
    window.until("Drawing the people of synthetic-plaza 340 of 1,856");
    assert!(!window.shows("Done · mAP"), "what goes on is not the run that was looked at before");
    window.engine.start(&out, &Params::default());
    window.until_it("Drawing the people", false);
}

#[test]
fn a_start_that_fails_leaves_no_band() {
    let runs = tempfile::tempdir().unwrap();
    let mut window = Window::among(runs.path(), None);
    new_run(&mut window, "Start run");
    window.engine.say(Event::State { state: State::Preparing, epoch: 0 });
    window.until("Preparing");
    window.engine.say(Event::State { state: State::Failed("the disk is full".to_owned()), epoch: 0 });
    window.until("the disk is full");
    assert!(!window.shows("Looking at the datasets") && !window.shows("Drawing the people of"));
}

#[test]
fn what_is_wrong_is_told_once_with_the_button_that_mends_it() {
    let runs = tempfile::tempdir().unwrap();
    let params = Params::default();
    let mut window = training(runs.path());
    let many = |epoch: usize| {
        let Event::Clustered { epoch, mut summary, seconds } = clustered(epoch, &params) else { unreachable!() };
        summary.noise = vec![790; 3];
        Event::Clustered { epoch, summary, seconds }
    };
    window.engine.say(Event::State { state: State::Clustering, epoch: 0 });
    window.engine.say(many(0));
    window.until("77 % of the images are outliers");
    window.click("Set eps to 0.65");
    let asked = window.engine.asked();
    let eps = Command::SetParam { key: "eps".to_owned(), value: Value::Float(0.65) };
    assert!(asked.contains(&eps), "{asked:?}");
    window.engine.say(many(1));
    window.harness.run_steps(3);
    let said = |window: &Window| {
        let entries = window.harness.state().messages().iter();
        entries.filter(|e| e.severity == Severity::Warning && e.title.contains("are outliers")).count()
    };
    assert_eq!(said(&window), 1, "once a run");
}

#[test]
fn at_the_end_a_card_says_what_came_of_it() {
    let runs = tempfile::tempdir().unwrap();
    let params = Params::default();
    let mut window = training(runs.path());
    for event in [evaluated(0), clustered(0, &params), step(0, 1, 32), evaluated(9)] {
        window.engine.say(event);
    }
    window.engine.say(Event::State { state: State::Done, epoch: 0 });
    window.until("Done: synthetic-plaza → synthetic-station");
    window.until("mAP 28.0 → 57.5, +29.5 points");
    window.until("60 clusters in epoch 1");
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::G);
    window.until_it("+29.5 points", false);
    window.click("Put the summary away");
    assert!(!window.shows("Done: synthetic"));
    assert_eq!(window.harness.state().messages().iter().filter(|e| e.title == "The run is done").count(), 1);
}

#[test]
fn the_card_compares_with_the_newest_other_run_where_none_is_ticked() {
    let runs = tempfile::tempdir().unwrap();
    crate::sample_run::write(&runs.path().join("earlier"));
    let mut window = training(runs.path());
    for event in [evaluated(0), evaluated(9)] {
        window.engine.say(event);
    }
    window.engine.say(Event::State { state: State::Done, epoch: 0 });
    window.until("Done: synthetic-plaza → synthetic-station");
    window.until("Tick ");
    window.click("Compare");
    window.until("1 ticked");
}

#[test]
fn the_dialog_says_how_long_it_takes_once_iterations_were_measured() {
    let runs = tempfile::tempdir().unwrap();
    let mut window = Window::among(runs.path(), None);
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::N);
    window.until("not known yet: nothing was measured on cpu");
    window.press(Key::Escape);
    let mut demo = Params::default();
    demo.apply_presets("demo").unwrap();
    window.engine.start(&runs.path().join("first"), &demo);
    window.engine.say(Event::State { state: State::Adapting, epoch: 0 });
    (0..8).for_each(|iter| window.engine.say(step(0, iter, 32)));
    window.engine.say(Event::EpochDone { epoch: 0, epochs: 10 });
    window.until("Adapting");
    window.harness.run_steps(3);
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::N);
    window.until(" min on cpu");
    window.click("paper");
    window.until(" days on cpu");
}

/// A window whose queue outlives it in `kept`.
fn keeping(runs: &Path, kept: &Path) -> Window {
    let mut window = training(runs);
    window.harness.state_mut().keep_queue_in(kept.to_owned());
    window
}

fn files(kept: &Path, kind: &str) -> usize {
    let entries = std::fs::read_dir(kept).unwrap().filter_map(Result::ok);
    entries.filter(|e| e.path().extension().is_some_and(|found| found == kind)).count()
}

/// Draws until so many files of a queue lie there.
fn until_kept(window: &mut Window, kept: &Path, count: usize) {
    let began = std::time::Instant::now();
    while files(kept, "json") != count {
        assert!(began.elapsed().as_secs() < 30, "waited for {count} files");
        window.harness.run_steps(1);
        std::thread::yield_now();
    }
}

#[test]
fn runs_that_wait_outlive_the_window_and_are_offered_by_the_next() {
    let [runs, kept] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let mut window = keeping(runs.path(), kept.path());
    new_run(&mut window, "Queue run");
    until_kept(&mut window, kept.path(), 1);
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::N);
    window.until("A run that waits is to lie in that folder");
    window.fill("Run folder", &runs.path().join("another").display().to_string());
    window.click("Queue run");
    window.until("waits, number 2");
    // The question at the end says what waits; the window that stands open beside offers nothing.
    window.harness.state_mut().ask_to_quit();
    window.until("2 runs wait for their turn");
    window.click("Keep training");
    let mut beside = Window::among(runs.path(), None);
    beside.harness.state_mut().keep_queue_in(kept.path().to_owned());
    beside.harness.run_steps(10);
    assert!(!beside.shows("waited when the window was closed"));
    drop(beside);
    eframe::App::on_exit(window.harness.state_mut(), None);
    drop(window);
    assert_eq!((files(kept.path(), "json"), files(kept.path(), "lock")), (1, 0));

    let mut next = Window::among(runs.path(), None);
    next.harness.state_mut().keep_queue_in(kept.path().to_owned());
    next.until("2 runs waited when the window was closed");
    next.until("waits for you");
    until_kept(&mut next, kept.path(), 1);
    assert!(starts(&next).is_empty(), "nothing begins by itself");
    next.click("Start them");
    next.until_it("waited when the window was closed", false);
    let first = starts(&next).remove(0);
    next.engine.start(&first, &Params::default());
    next.engine.say(Event::State { state: State::Done, epoch: 0 });
    next.harness.run_steps(5);
    assert_eq!(starts(&next), [runs.path().join("another")], "the other one follows");
    until_kept(&mut next, kept.path(), 0);
}

#[test]
fn runs_that_waited_can_be_let_go_and_a_damaged_file_is_told() {
    let [runs, kept] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let mut window = keeping(runs.path(), kept.path());
    new_run(&mut window, "Queue run");
    until_kept(&mut window, kept.path(), 1);
    drop(window);
    std::fs::write(kept.path().join("0.json"), "[{\"source\": 3}]").unwrap();
    let mut next = Window::among(runs.path(), None);
    next.harness.state_mut().keep_queue_in(kept.path().to_owned());
    next.until("Runs that waited could not be read");
    next.until("1 run waited when the window was closed");
    next.click("Discard");
    assert!(!next.shows("waits for you") && !next.shows("waited when the window"));
    until_kept(&mut next, kept.path(), 0);
    assert_eq!(files(kept.path(), "unreadable"), 1, "it is put aside, not removed");
}
