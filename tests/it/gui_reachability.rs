//! The Reachability and Why tiles: eps dragged over the valleys against the `cluster` command, and the chain between
//! two images against DBSCAN.

use std::path::Path;

use eframe::egui::{Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, Pos2, Rect, TouchPhase, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use reid_workbench::base::tick::no_tick;
use reid_workbench::engine::feature_run::{self, FeatureSet};
use reid_workbench::gui::panels::Pane;
use reid_workbench::method::dbscan::dbscan;
use reid_workbench::method::hand::{Hand, HandEdit};
use reid_workbench::method::params::Params;
use reid_workbench::run::graph::read_graph;

use super::gui_what_if::write_run;
use crate::cli_cluster::{json, program};
use crate::support::window::Window;

/// The whole label that begins with `start`.
pub fn label(window: &Window, start: &str) -> String {
    let node = window.harness.query_all_by_label_contains(start).next();
    node.and_then(|n| n.accesskit_node().label().or(n.accesskit_node().value()))
        .unwrap_or_else(|| panic!("no `{start}`"))
}

fn place_of(window: &Window, start: &str) -> Rect {
    window.harness.query_all_by_label_contains(start).next().unwrap().rect()
}

pub fn number_after(words: &str, mark: &str) -> String {
    let rest = &words[words.find(mark).unwrap() + mark.len()..];
    rest.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ',')).filter(|c| *c != ',').collect()
}

pub fn press_at(window: &mut Window, from: Pos2, way: &[Pos2]) {
    window.harness.hover_at(from);
    window.harness.run_steps(2);
    window.harness.drag_at(from);
    window.harness.run_steps(2);
    for &at in way {
        window.harness.hover_at(at);
        window.harness.run_steps(2);
    }
    window.harness.drop_at(way.last().copied().unwrap_or(from));
    window.harness.run_steps(3);
}

/// A window with the panel on a made run.
fn shown(run: &Path) -> Window {
    write_run(run);
    let mut window = Window::on(run);
    window.click("Tune");
    window.click("Reachability");
    window.until("reachability of 700 images: ");
    window
}

#[test]
fn eps_dragged_over_the_valleys_gives_what_the_cluster_command_finds() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    let mut window = shown(&run);
    let out = home.path().join("o.safetensors");
    let truth = |eps: &str| {
        let mut command = program();
        command.arg("cluster").arg(run.join("features.safetensors")).arg("--out").arg(&out);
        let found = json(command.arg("--set").arg(format!("eps={eps}")));
        format!("{} clusters, {} reliable, at eps {eps}", found["clusters"]["normal"], found["reliable"])
    };
    window.until(&format!("reachability of 700 images: {}", truth("0.60")));
    let line = place_of(&window, "eps across the valleys").center();
    press_at(&mut window, line, &[line + vec2(0.0, 12.0), line + vec2(0.0, 25.0)]);
    window.until("would become");
    let eps = number_after(&label(&window, "reachability of 700 images"), "at eps ");
    assert!(eps.parse::<f64>().unwrap() < 0.59, "{eps}");
    window.until(&format!("reachability of 700 images: {}", truth(&eps)));
    // A rule of thumb is a click.
    let words = label(&window, "most stable ");
    window.click(&words);
    let eps = number_after(&words, "most stable ");
    window.until(&format!("reachability of 700 images: {}", truth(&eps)));
}

#[test]
fn the_wheel_over_a_handful_of_images_shows_them_all() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    let features: Vec<f32> = (0..6).flat_map(|i| [1.0, 0.1 * i as f32, 0.05 * (i % 3) as f32, 0.0]).collect();
    let set = FeatureSet { name: "few", features: &features, d: 4, pids: None, camids: None, paths: None };
    let params = Params { k1: 3, k2: 1, min_samples: 2, ..Params::default() };
    feature_run::write(&run, &set, &params, [&no_tick, &no_tick]).unwrap();
    let mut window = Window::on(&run);
    for (pane, words) in
        [(Pane::Reachability, "reachability of 6 images"), (Pane::Condensed, "condensed tree of 6 images")]
    {
        window.bring(pane);
        window.until(words);
        window.harness.hover_at(place_of(&window, words).center());
        for delta in [60.0, 60.0, -40.0] {
            let (unit, phase) = (MouseWheelUnit::Point, TouchPhase::Move);
            let (source, modifiers) = (MouseWheelSource::Unknown, Modifiers::NONE);
            let delta = vec2(0.0, delta);
            window.harness.event(Event::MouseWheel { unit, delta, phase, source, modifiers });
            window.harness.run_steps(3);
        }
        window.until(words);
        assert!(!window.shows("Show all images"), "six images are shown, whatever the wheel says");
    }
}

#[test]
fn a_drag_picks_the_images_it_covers() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    let mut window = shown(&run);
    let plot = place_of(&window, "reachability of 700 images");
    let at = |share: f32| plot.lerp_inside(vec2(share, 0.2));
    press_at(&mut window, at(0.3), &[at(0.32), at(0.34)]);
    window.click("Cluster map");
    window.until("selected");
    let picked: usize = number_after(&format!("={}", label(&window, "selected")), "=").parse().unwrap();
    // 700 images over the plot less its margins.
    assert!((20..60).contains(&picked), "{picked}");
}

#[test]
fn the_chains_weakest_step_is_the_radius_at_which_dbscan_joins_its_ends() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    let mut window = shown(&run);
    window.click("Why together");
    window.until("Choose two images");
    let plot = place_of(&window, "reachability of 700 images");
    let at = |share: f32| plot.lerp_inside(vec2(share, 0.2));
    press_at(&mut window, at(0.15), &[]);
    window.until("Hold image ");
    let hold = label(&window, "Hold image ");
    window.click(&hold);
    press_at(&mut window, at(0.4), &[]);
    window.until("Joined from eps ");
    let words = label(&window, "Joined from eps ");
    let joined: f64 = number_after(&words, "eps ").parse().unwrap();
    let ends = [number_after(&hold, "image "), number_after(&label(&window, "Hold image "), "image ")];
    let [a, b] = ends.map(|i| i.parse::<usize>().unwrap());
    let graph = read_graph(&run, 0).unwrap();
    let together = |eps: f64| {
        let labels = dbscan(&graph, eps, 4);
        labels[a] >= 0 && labels[a] == labels[b]
    };
    assert!(together(joined + 1e-4) && !together(joined - 1e-3), "{words}, images {a} and {b}");
    assert!(window.shows(", the weakest"));
    // Each step counts what made its distance.
    window.until(" neighbours shared");
    // What each answer would change is counted before it is given.
    window.click("By hand");
    window.until("Two people");
    window.until(" move");
    window.press(Key::Escape);
    // Without one image the rest is clustered as if it were not there.
    let without = label(&window, "Without image ");
    let image = number_after(&without, "image ").parse::<u32>().unwrap();
    let mut hand = Hand::default();
    hand.say(HandEdit::Exclude(vec![image]), graph.n).unwrap();
    let hand = hand.resolved(graph.n).unwrap();
    let expected = hand.labels(&hand.graph(&graph), 0.6, 4);
    let clusters = expected.iter().max().unwrap() + 1;
    let apart = expected[a] < 0 || expected[a] != expected[b];
    window.click(&without);
    window.until(&format!(
        "Without 1 image there are {clusters} clusters, and the two are {}",
        if apart { "in none together" } else { "still in one" }
    ));
    window.click(&format!("image {image} left out"));
    window.until_it("Without 1 image there are", false);
}
