//! The tour, the panels behind it, what goes wrong on stage, and the ⓘ, all by what a person sees and does.

use std::path::PathBuf;

use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use reid_workbench::gui::panels::Pane;
use reid_workbench::gui::tour::TourStep;
use reid_workbench::run::{RunReader, example};

use crate::support::window::Window;

/// A first start: nothing kept, nothing in the folders, the recorded run on screen.
struct FirstStart {
    _home: tempfile::TempDir,
    window: Window,
}

fn first_start() -> FirstStart {
    let home = tempfile::tempdir().unwrap();
    let run = example::ensure(home.path()).unwrap();
    let mut window = Window::among(&home.path().join("runs"), Some(run));
    window.until("Done");
    FirstStart { _home: home, window }
}

impl FirstStart {
    fn run(&self) -> reid_workbench::gui::view_model::RunView {
        let folder = example::ensure(self._home.path()).unwrap();
        reid_workbench::gui::view_model::RunView::of_folder(&RunReader::open(&folder).unwrap())
    }

    /// The whole label that begins with these words, as a number.
    fn number(&self, name: &str) -> f64 {
        let labels = self.window.harness.query_all_by_label_contains(name);
        let mut labels = labels.filter_map(|node| node.accesskit_node().label().or(node.accesskit_node().value()));
        let label = labels.find(|label| label.starts_with(&format!("{name} "))).unwrap();
        let rest = label.strip_prefix(name).unwrap().trim().trim_end_matches(", tried");
        rest.trim_end_matches('°').replace(',', "").parse().unwrap_or_else(|_| panic!("{label}"))
    }
}

fn is_done(window: &Window) -> bool {
    window.harness.query_by_label("Done").is_some()
}

/// As many points from the left as the slider of this name is asked to go, through a real drag.
fn drag(window: &mut Window, name: &str, share: f32) {
    let rect = window.harness.get_by_label(name).rect();
    let at = |share: f32| eframe::egui::pos2(rect.left() + 6.0 + share * (rect.width() - 12.0), rect.center().y);
    window.harness.drag_at(at(0.5));
    window.harness.run_steps(2);
    window.harness.hover_at(at(share));
    window.harness.run_steps(2);
    window.harness.drop_at(at(share));
    window.harness.run_steps(2);
}

#[test]
fn a_newcomer_moves_eps_and_reads_that_clusters_merged_after_four_actions() {
    let mut start = first_start();
    let window = &mut start.window;
    window.click("Teach"); // 1
    window.click("Take the tour"); // 2
    window.until("1 of 8");
    window.click("Skip"); // 3
    window.until("What clustering sees");
    window.until("Waiting for the slider");
    window.until("Try eps");
    drag(window, "Try eps", 0.98); // 4
    window.until("went up in larger ones");
    window.until("Done");
    assert!(window.shows("Purity went from"));
}

#[test]
fn the_tour_is_walked_with_the_keyboard_from_a_first_start_and_each_step_is_recognised() {
    let mut start = first_start();
    let window = &mut start.window;
    window.press(Key::F2);
    window.until("1 of 8");
    assert!(window.harness.query_by_label("Finish").is_none() && !is_done(window));
    // Going on is not doing it.
    window.press(Key::PageDown);
    window.until("2 of 8");
    window.press(Key::PageUp);
    window.until("1 of 8");
    assert!(!is_done(window) && window.shows("Waiting for epoch 1"));
    window.press(Key::Home);
    window.press(Key::ArrowRight);
    window.until("Done");
    assert!(window.shows("This run went round"));

    for (place, name, value, said) in [
        (2, "Try eps", 0.9, "clusters became"),
        (3, "Try k1", 4.0, "Fewer neighbours are asked"),
        (4, "Try Δd", 0.3, "now it is"),
        (5, "Try threshold", 0.97, "Photos that keep a label"),
    ] {
        window.press(Key::PageDown);
        window.until(&format!("{place} of 8"));
        window.until(name);
        assert!(!is_done(window), "{name}");
        window.set(name, value);
        window.until("Done");
        window.until(said);
    }
    assert!(window.shows("Stable is not pure"));

    window.press(Key::PageDown);
    window.until("6 of 8");
    window.until("Try β");
    window.until("visits to follow");
    let before = start.number("a row turns");
    let window = &mut start.window;
    window.set("Try β", 0.95);
    window.until("Done");
    assert!(start.number("a row turns") < 0.3 * before, "a memory that is nearly frozen");

    let window = &mut start.window;
    window.press(Key::PageDown);
    window.until("7 of 8");
    window.until("First epoch");
    window.click("First epoch");
    window.click("Newest");
    window.until("Done");

    window.press(Key::PageDown);
    window.until("8 of 8");
    window.until("Another query");
    window.click("Another query");
    window.until("Done");
    window.until("its matches stand at");

    // After the last step the steps are listed, all of them done.
    window.press(Key::PageDown);
    window.until("The method in eight steps");
    for step in TourStep::ALL {
        assert!(window.shows(&format!("Step {}: {}, done", step.place() + 1, step.title())));
    }
    // It can be taken again, and is kept.
    let kept = window.keep();
    let run = example::ensure(start._home.path()).unwrap();
    let mut again = Window::again(&kept, &start._home.path().join("runs"), Some(run));
    again.until("Step 8: Found again, done");
    again.click("Step 4: What Δd does, done");
    again.until("4 of 8");
    assert!(is_done(&again));
    again.click("Again");
    again.until("Waiting for the slider");
    assert!(!is_done(&again));
    again.press(Key::Escape);
    again.until("Step 4: What Δd does");
    assert!(!again.shows("Step 4: What Δd does, done"));
}

#[test]
fn what_goes_wrong_is_shown_said_in_numbers_and_cured() {
    let mut start = first_start();
    let params = start.run().params.unwrap();
    let window = &mut start.window;
    window.click("Teach");
    let [eps, step] = [params.eps, params.delta_d].map(|x| format!("{x:.2}"));
    for (case, said, cure) in [
        ("On stage: All outliers", "have too few neighbours within eps", format!("Back to eps {eps}")),
        ("On stage: One blob", "It gives one label to many people", format!("Back to eps {eps}")),
        ("On stage: Δd = 0", "Eq. 8 has nothing left to compare", format!("Back to Δd {step}")),
        ("On stage: Frozen memory", "The rows stand still", format!("Back to β {:.2}", params.beta)),
        ("On stage: No filter", "Every cluster is kept", "Back to the threshold".to_owned()),
    ] {
        window.click(case);
        window.until(said);
        window.click(&cure);
        window.until("The method in eight steps");
        assert!(!window.shows("not applied"), "{case} is cured");
    }
}

#[test]
fn the_loop_holds_what_the_epoch_made_and_leads_to_its_panels() {
    let mut start = first_start();
    let view = start.run();
    let window = &mut start.window;
    window.click("Teach");
    let told = |epoch: usize| {
        let s = &view.clusters[&epoch].summary;
        format!("keep: {} of {} kept", s.reliable, s.clusters[0])
    };
    window.until(&told(view.newest_clusters().unwrap().0));
    window.press(Key::Home);
    window.until(&told(0));
    for (words, pane) in
        [("remember: a row turns", Pane::Memory), ("train: loss", Pane::Loss), ("photos: ", Pane::Batch)]
    {
        window.bring(Pane::Loop);
        window.until(words);
        window.harness.query_all_by_label_contains(words).next().unwrap().click();
        window.harness.run_steps(3);
        window.until(&format!("About {}", pane.title()));
    }
}

#[test]
fn the_memory_and_the_batch_tell_what_the_epoch_left() {
    let mut start = first_start();
    let window = &mut start.window;
    window.click("Teach");
    window.bring(Pane::Memory);
    window.until("centroids after iteration");
    window.until("centroid turned");
    window.set("Iteration of the memory", 0.0);
    window.until("centroids after iteration 1");
    window.set("β of the memory", 1.0);
    window.until("the row would turn 0.0°");
    window.click("Back to the run's β");
    window.until_it("the row would turn", false);
    window.bring(Pane::Batch);
    window.until("Photo 1 of the batch");
    window.harness.query_all_by_label_contains("Photo 3 of the batch").next().unwrap().click();
    window.harness.run_steps(3);
    let photo = window.harness.query_all_by_label_contains("Photo 3 of the batch").next().unwrap();
    assert_eq!(photo.accesskit_node().toggled(), Some(eframe::egui::accesskit::Toggled::True));
}

#[test]
fn every_panel_explains_itself() {
    let mut start = first_start();
    let window = &mut start.window;
    window.click("Teach");
    for &pane in Pane::ALL {
        window.bring(pane);
        window.click(&format!("About {}", pane.title()));
        window.until("Look for");
        window.press(Key::Escape);
        window.until_it("Look for", false);
    }
    // A parameter is tried from there.
    window.bring(Pane::Eq8);
    window.click("About Eq. 8");
    window.set("Try Δd here", 0.09);
    window.until("0.090");
}

#[test]
fn a_run_without_a_record_of_its_memory_says_so_and_leads_to_one_that_has_it() {
    let dir = tempfile::tempdir().unwrap();
    crate::sample_run::write(dir.path());
    let mut window = Window::on(dir.path());
    window.press(Key::F2);
    for place in 2..=6 {
        window.press(Key::PageDown);
        window.until(&format!("{place} of 8"));
    }
    window.until("has no record of its memory");
    window.until("Open the recorded run");
    let unused: PathBuf = dir.path().join("unused");
    assert!(!unused.exists());
}

#[test]
fn ring_and_spotlight_are_switched_by_their_keys() {
    let mut start = first_start();
    let window = &mut start.window;
    window.harness.hover_at(eframe::egui::pos2(500.0, 400.0));
    // Until whatever lies under the pointer has said what it says.
    window.harness.run_steps(60);
    let shapes = |window: &Window| window.harness.output().shapes.len();
    let mut seen = Vec::new();
    for key in [Key::R, Key::O, Key::R, Key::O] {
        window.harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, key);
        window.harness.run_steps(3);
        seen.push(shapes(window));
    }
    assert_eq!([seen[1] - seen[0], seen[1] - seen[2], seen[2] - seen[3]], [1, 1, 1], "a ring, a spotlight: {seen:?}");
}
