//! The window on runs of another machine.

use std::path::Path;

use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;
use reid_workbench::engine::event::{Event, State};
use reid_workbench::gui::panels::Pane;
use reid_workbench::method::params::Params;
use reid_workbench::remote::pool;
use reid_workbench::run::requests::{FoundRequests, Listener, Steer};
use reid_workbench::run::{Manifest, RunReader, RunWriter};

use crate::sample_run::EPOCHS;
use crate::support::engine::{Driver, Tiny, tiny_params};
use crate::support::play;
use crate::support::ssh::{at, cut, nobody};
use crate::support::window::Window;

/// A run that somebody trains there, and a window that shows it here.
fn shown(host: &str, dir: &Path) -> (RunWriter, Listener, crossbeam_channel::Receiver<FoundRequests>, Window) {
    let mut params = Params::default();
    params.apply_presets("demo").unwrap();
    let mut writer = RunWriter::create(dir, &Manifest::new("plaza", "station", 1, "cpu"), &params).unwrap();
    writer.append(play::started(dir, &params)).unwrap();
    writer.append(Event::State { state: State::Adapting, epoch: 1 }).unwrap();
    let (say, heard) = crossbeam_channel::bounded(64);
    let listener = Listener::start(dir, say).unwrap();
    let mut window = Window::open(Path::new(&at(host, dir).to_string()));
    window.until("Adapting · epoch 2/");
    (writer, listener, heard, window)
}

#[test]
fn a_run_elsewhere_is_shown_steered_lost_and_shown_again() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("runs/far");
    let (mut run, _listener, heard, mut window) = shown("here-window", &dir);
    window.until("on here-window, ");
    window.until(" ms");

    window.click("Pause");
    let limit = std::time::Duration::from_secs(30);
    let Ok(FoundRequests::Request { request, stale: false }) = heard.recv_timeout(limit) else {
        panic!("nothing was asked")
    };
    assert_eq!(request.steer, Steer::Pause);
    run.append(Event::Accepted { request: request.id }).unwrap();
    run.append(Event::State { state: State::Paused, epoch: 1 }).unwrap();
    window.until("Paused");
    assert!(window.engine.asked().is_empty(), "the engine of this window is not meant");

    cut("here-window");
    window.until("The line is broken");
    window.until("line to here-window broken");
    assert!(window.shows("Paused"), "what is here stays, and no run was cut short");
    window.until("The line is there again");
    run.append(Event::State { state: State::Done, epoch: 12 }).unwrap();
    window.until("Done");
    let folder = pool::folder_of(&at("here-window", &dir)).unwrap();
    pool::of(&folder).unwrap().line().end("the test is over");
}

#[test]
fn a_machine_that_is_not_reached_is_said_and_the_mirror_is_shown() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("runs/demo");
    let mut window = Window::open(Path::new(&at("nowhere", &dir).to_string()));
    window.until("The run was not reached");
    window.until("Could not resolve hostname");

    crate::sample_run::write(&dir);
    let address = at("here-twice", &dir);
    let mirror = pool::open(&address, &nobody()).unwrap();
    let folder = mirror.folder().to_owned();
    mirror.line().end("closed");
    std::fs::rename(home.path().join("runs"), home.path().join("moved")).unwrap();
    let mut window = Window::open(Path::new(&address.to_string()));
    window.until("What was mirrored earlier is shown");
    window.until("Done");
    assert!(RunReader::open(&folder).is_ok());
}

#[test]
fn a_network_on_another_machine_is_asked_by_a_click() {
    let tiny = Tiny::new();
    let (state, _) = Driver::run(tiny.request("runs/far", tiny_params()));
    assert_eq!(state, State::Done);
    let there = at("here-click", &tiny.path("runs/far"));
    let mut window = Window::open(Path::new(&there.to_string()));
    window.until("on here-click");
    window.bring(Pane::RankLists);
    window.until("mismatch, distance");
    let hit = window.harness.get_all_by_label_contains("mismatch, distance").next().unwrap();
    hit.click();
    window.harness.run_steps(3);
    window.until("Its machine answers");
    window.until(", asked, after ");
    assert!(window.engine.asked().is_empty(), "the engine of this window is not meant");
    let folder = pool::folder_of(&there).unwrap();
    pool::of(&folder).unwrap().line().end("the test is over");
}

#[test]
fn runs_there_are_listed_opened_and_started() {
    let home = tempfile::tempdir().unwrap();
    let runs = home.path().join("runs");
    crate::sample_run::write(&runs.join("demo"));
    let there = at("here-dialog", &runs.join("demo"));
    let mut window = Window::open(&home.path().join("nothing"));
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::O);
    window.harness.run_steps(3);
    window.click("On another machine");
    window.fill("Machine", "here-dialog");
    window.fill("Folder of runs there", runs.to_str().unwrap());
    window.click("Connect");
    let all = format!("{EPOCHS} of {EPOCHS} epochs");
    window.until(&all);
    // The dialog has grown, and comes to rest in the middle.
    window.harness.run_steps(6);

    window.click("New run there…");
    window.until("Source there");
    window.until("Device there");
    window.harness.run_steps(6);
    window.fill("Source there", "/nowhere/at/all");
    window.click("Start there");
    window.until("nowhere");
    window.harness.run_steps(6);
    assert!(window.harness.query_by_label("Start there").is_some(), "what is wrong can be mended");
    window.click("Back");
    window.until(&all);
    window.harness.run_steps(6);

    let row = window.harness.get_all_by_label_contains(&all).next().unwrap();
    row.click();
    window.harness.run_steps(3);
    window.until("Done · mAP");
    window.until("on here-dialog");
    let folder = pool::folder_of(&there).unwrap();
    pool::of(&folder).unwrap().line().end("the test is over");
}
