//! One meaning for each gesture, and one selection: what a drag tries, what the rule moves, what is selected.

use egui_kittest::kittest::{NodeT, Queryable};
use reid_workbench::engine::command::Command;
use reid_workbench::gui::panels::Pane;
use reid_workbench::method::params::Params;
use reid_workbench::run::RunReader;

use crate::gui_what_if::write_run;
use crate::support::window::Window;

struct Case {
    _home: tempfile::TempDir,
    window: Window,
}

fn case() -> Case {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    write_run(&run);
    Case { window: Window::on(&run), _home: home }
}

#[test]
fn a_threshold_that_is_dragged_on_the_histogram_is_a_what_if_until_apply() {
    let Case { mut window, _home } = case();
    window.click("Tune");
    window.until("Reliability threshold");
    let handle = window.harness.get_by_label("Reliability threshold").rect();
    let start = eframe::egui::pos2(handle.center().x, handle.bottom() - 12.0);
    window.harness.drag_at(start);
    window.harness.step();
    window.harness.hover_at(start + eframe::egui::vec2(60.0, 0.0));
    window.harness.step();
    // The hand goes on where the answer takes the place of the run's own histogram.
    window.until("What-if threshold");
    window.harness.hover_at(start + eframe::egui::vec2(90.0, 0.0));
    window.harness.run_steps(2);
    window.harness.drop_at(start + eframe::egui::vec2(90.0, 0.0));
    window.harness.run_steps(3);
    let tried = window.harness.get_by_label("What-if threshold").accesskit_node().numeric_value().unwrap();
    let at = window.harness.get_by_label("Try threshold").accesskit_node().numeric_value().unwrap();
    assert!((tried - at).abs() < 1e-6, "the slider of What-if says the same: {tried} and {at}");
    assert!(window.engine.asked().is_empty(), "nothing is asked for by a drag");
    window.until("Try again threshold");
    window.click("Discard what is tried");
    window.until("Reliability threshold");
    assert!(!window.shows("What-if threshold"));
}

#[test]
fn what_the_rule_moves_is_shown_as_moved() {
    let Case { mut window, _home } = case();
    window.click("Tune");
    window.until("What would change");
    assert!(!window.shows("The rule moves the threshold"));
    window.set("Try eps", 0.5);
    window.until("The rule moves the threshold");
    assert!(window.shows("worst 10 % of the new clusters"));
}

#[test]
fn the_parameters_of_the_run_on_screen_are_shown_and_can_be_taken_for_the_next() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    write_run(&run);
    let own = RunReader::open(&run).unwrap().params;
    let mut window = Window::on(&run);
    let mut demo = Params::default();
    demo.apply_presets("demo").unwrap();
    assert_ne!(own.k1, demo.k1, "the run has other values than the next one");
    window.until("other values.");
    window.click("Show them");
    window.until(&format!("k1 {} in the run on screen, {} in the next", own.k1, demo.k1));
    window.click("Use for the next run");
    window.until("The run on screen has the same values.");
    window.click("Show the next run's");
    window.until("of the next run");
    assert!(!window.engine.asked().iter().any(|c| matches!(c, Command::SetParam { .. })), "no run goes on");
}

#[test]
fn one_chip_names_what_is_selected_and_ends_it() {
    let Case { mut window, _home } = case();
    window.bring(Pane::Browser);
    window.until("Cluster 0, ");
    let card = window.harness.query_all_by_label_contains("Cluster 0, ").next().unwrap();
    card.click();
    window.harness.run_steps(3);
    window.click("Selected: cluster 0");
    assert!(!window.shows("Selected: "));
}

#[test]
fn a_parameter_is_found_by_a_word_of_its_meaning() {
    let Case { mut window, _home } = case();
    window.click("Find a parameter");
    window.fill("Words of the parameter", "clustering radius");
    assert!(window.shows("eps, number") && !window.shows("k2, number"));
    window.click("Find a parameter");
    assert!(window.shows("k2, number"));
}
