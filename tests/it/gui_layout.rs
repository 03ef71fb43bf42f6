//! Where panels stand is changed by hand, taken back and made again, in one history with parameters; what is looked at in
//! them belongs to the run.

use eframe::egui::{Key, Modifiers, Pos2, Rect, Vec2, vec2};
use egui_kittest::kittest::Queryable;
use reid_workbench::gui::panels::Pane;

use crate::gui_many::three_runs;
use crate::gui_what_if::write_run;
use crate::support::window::Window;

const REDO: Modifiers = Modifiers { shift: true, ..Modifiers::COMMAND };

fn window(home: &tempfile::TempDir) -> Window {
    let run = home.path().join("run");
    write_run(&run);
    let mut window = Window::on(&run);
    window.harness.run_steps(3);
    window
}

fn place(window: &mut Window, pane: Pane) -> Rect {
    window.harness.state_mut().tile_at(pane).unwrap()
}

/// Drags in several moves.
fn drag(window: &mut Window, from: Pos2, by: Vec2) {
    window.harness.hover_at(from);
    window.harness.step();
    window.harness.drag_at(from);
    window.harness.step();
    for part in 1..=4 {
        window.harness.hover_at(from + by * part as f32 / 4.0);
        window.harness.step();
    }
    window.harness.drop_at(from + by);
    window.harness.run_steps(3);
}

fn press(window: &mut Window, modifiers: Modifiers) {
    window.harness.key_press_modifiers(modifiers, Key::Z);
    window.harness.run_steps(3);
}

#[test]
fn a_splitter_that_was_dragged_goes_back_in_one_step() {
    let home = tempfile::tempdir().unwrap();
    let mut window = window(&home);
    let before = place(&mut window, Pane::Loss);
    drag(&mut window, before.center_bottom() + vec2(0.0, 2.0), vec2(0.0, 70.0));
    let moved = place(&mut window, Pane::Loss);
    assert!(moved.height() > before.height() + 40.0, "the splitter was dragged: {before} {moved}");
    press(&mut window, Modifiers::COMMAND);
    assert_eq!(place(&mut window, Pane::Loss), before, "one step for all of the drag");
    press(&mut window, REDO);
    assert_eq!(place(&mut window, Pane::Loss), moved);
}

#[test]
fn a_panel_that_was_moved_or_hidden_comes_back_and_a_parameter_keeps_its_turn() {
    let home = tempfile::tempdir().unwrap();
    let mut window = window(&home);
    let before = place(&mut window, Pane::Retrieval);
    let tab = window.harness.get_by_role_and_label(eframe::egui::Role::Tab, "Retrieval").rect().center();
    let onto = place(&mut window, Pane::Loss).center();
    drag(&mut window, tab, onto - tab);
    assert_ne!(place(&mut window, Pane::Retrieval), before, "it was moved");
    let moved = place(&mut window, Pane::Retrieval);
    window.fill("eps, number", "0.55");
    window.press(Key::Enter);
    window.harness.get_by_label("Menu").focus();
    window.harness.run_steps(2);
    press(&mut window, Modifiers::COMMAND);
    let eps = window.harness.get_by_label("eps, number").value();
    assert_eq!(
        (eps.as_deref(), place(&mut window, Pane::Retrieval)),
        (Some("0.60"), moved),
        "the parameter comes first"
    );
    press(&mut window, Modifiers::COMMAND);
    assert_eq!(place(&mut window, Pane::Retrieval), before);
}

#[test]
fn a_column_takes_its_width_back() {
    let home = tempfile::tempdir().unwrap();
    let mut window = window(&home);
    let before = place(&mut window, Pane::Loss);
    // Between the left column and the panels.
    drag(&mut window, before.left_center() - vec2(3.0, 0.0), vec2(60.0, 0.0));
    let moved = place(&mut window, Pane::Loss);
    assert!(moved.left() > before.left() + 30.0, "the column was widened: {before} {moved}");
    press(&mut window, Modifiers::COMMAND);
    assert!((place(&mut window, Pane::Loss).left() - before.left()).abs() < 1.5);
    press(&mut window, REDO);
    assert!((place(&mut window, Pane::Loss).left() - moved.left()).abs() < 1.5);
}

#[test]
fn filters_and_what_is_opened_belong_to_the_run() {
    let (_home, runs) = three_runs();
    let mut window = Window::among(&runs, Some(runs.join("a")));
    window.until("Done");
    window.bring(Pane::Browser);
    window.click("Filter clusters");
    window.fill("Filter", "size>2");
    let typed = |window: &Window| window.harness.query_by_label("Filter").and_then(|field| field.value());
    assert_eq!(typed(&window).as_deref(), Some("size>2"));
    window.click("eps 0.55, seed 2");
    window.until("Filter clusters");
    assert_eq!(typed(&window), None, "another run is looked at without it");
    window.click("whole method, seed 1");
    window.until("Hide the filter");
    assert_eq!(typed(&window).as_deref(), Some("size>2"), "it is there again");
}

#[test]
fn a_window_is_told_its_zoom_before_it_is_made() {
    let home = tempfile::tempdir().unwrap();
    let mut window = window(&home);
    for _ in 0..3 {
        window.harness.key_press_modifiers(Modifiers::COMMAND, Key::Equals);
        window.harness.run_steps(2);
    }
    window.until("150 %");
    // What egui reads at the next start, where the size is one in points of that zoom.
    let memory: eframe::egui::Memory = eframe::get_value(&window.keep(), "egui").unwrap();
    assert_eq!(memory.options.zoom_factor, 1.5);
}
