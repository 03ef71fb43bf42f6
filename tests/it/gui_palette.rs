//! The palette, by label: commands, runs, clusters, images, parameters and their values, found by what one types.

use std::path::PathBuf;
use std::time::Duration;

use cpu_time::ThreadTime;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use reid_workbench::gui::dialogs::palette::images::find_images;
use reid_workbench::gui::panels::Pane;
use reid_workbench::run::event::{ImageRef, Split};
use reid_workbench::run::images::{ImageRow, Images};

use crate::sample_run;
use crate::support::window::Window;

/// A window on a run with 400 training images, whose files are called `Train-0.png` and so on.
fn window() -> (tempfile::TempDir, Window) {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    sample_run::write(&run);
    let window = Window::on(&run);
    (home, window)
}

fn ask(window: &mut Window, words: &str) {
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::P);
    window.harness.run_steps(3);
    window.harness.get_by_label("Command").type_text(words);
    window.harness.run_steps(3);
}

#[test]
fn an_image_is_found_by_its_file_and_selected() {
    let (_home, mut window) = window();
    ask(&mut window, "train-123");
    window.until("Train-123.png, training image 123, camera 4, ");
    assert!(window.label_with("Train-123.png").ends_with("identity 17"));
    window.press(Key::Enter);
    window.until("Selected: ");
    assert!(window.label_with("Selected: ").contains("image 123"));
    assert!(window.harness.query_by_label("Command").is_none(), "the palette is gone");
    // A query comes with its rank list.
    ask(&mut window, "query-7.png");
    window.until("Query-7.png, query 7, camera 4");
    window.press(Key::Enter);
    window.until("query image 7");
}

#[test]
fn images_are_found_by_identity_and_camera_where_truth_is_shown() {
    let (_home, mut window) = window();
    ask(&mut window, "pid=17 cam 4");
    window.until("Train-123.png, training image 123, camera 4");
    assert!(!window.shows("Train-122.png, "), "of another camera");
    window.press(Key::Escape);
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::G);
    window.harness.run_steps(3);
    ask(&mut window, "pid=17 cam 4");
    window.harness.run_steps(3);
    assert!(!window.shows("Train-123.png, "), "who is on an image is ground truth");
}

#[test]
fn a_parameter_tells_its_value_and_takes_another() {
    let (_home, mut window) = window();
    ask(&mut window, "k2");
    window.until("Set k2…, now ");
    assert!(window.label_with("Set k2…").contains("next epoch · Query expansion"));
    window.press(Key::Escape);
    ask(&mut window, "eps=0.55");
    window.until("Set eps to 0.55, for the next run · now ");
    assert!(window.label_with("Set eps to 0.55").contains("a number from "));
    window.press(Key::Enter);
    window.until("eps, number");
    assert_eq!(window.harness.get_by_label("eps, number").value().as_deref(), Some("0.55"));
    ask(&mut window, "eps 7");
    window.until("eps cannot be 7, it is a number from ");
    window.press(Key::Enter);
    assert!(window.shows("eps cannot be 7"), "there is nothing to do: it stays");
    window.press(Key::Escape);
    ask(&mut window, "beta 0.3");
    window.until("Set β to 0.3, for the next run");
}

#[test]
fn a_value_is_tried_without_training() {
    let data = tempfile::tempdir().unwrap();
    let run = reid_workbench::run::example::ensure(data.path()).unwrap();
    let mut window = Window::on(&run);
    window.bring(Pane::WhatIf);
    window.until("Try eps");
    ask(&mut window, "eps 0.5");
    window.until("Try eps = 0.5 in What-if, nothing is trained");
    window.press(Key::ArrowDown);
    window.press(Key::Enter);
    window.until("would become");
    assert_eq!(window.harness.get_by_label("Try eps").accesskit_node().numeric_value(), Some(0.5));
}

#[test]
fn words_need_not_be_whole_and_the_best_comes_first() {
    let (_home, mut window) = window();
    ask(&mut window, "rnklst");
    window.until("Rank lists");
    window.press(Key::Escape);
    ask(&mut window, "clst map");
    window.press(Key::Enter);
    window.until("Cluster map");
    ask(&mut window, "cluster 1");
    window.until("Cluster 1, ");
    assert!(window.label_with("Cluster 1, ").contains("epoch 6"));
    window.press(Key::Escape);
    ask(&mut window, "zzzqqq");
    window.until("Nothing by that name.");
}

#[test]
fn one_image_of_33_thousand_is_found_within_a_frame() {
    let row = |i: usize| {
        let (split, index) = match i {
            ..13_000 => (Split::Train, i),
            13_000..16_000 => (Split::Query, i - 13_000),
            _ => (Split::Gallery, i - 16_000),
        };
        let path = PathBuf::from(format!("/data/market/{split:?}/{:04}_c{}s1_{i:06}_00.jpg", i / 20, i % 6 + 1));
        ImageRow { split, index: index as u32, path, pid: (i / 20) as i32, camid: (i % 6) as i32 }
    };
    let images = Images::new((0..33_000).map(row)).unwrap();
    let mut least = Duration::MAX;
    for _ in 0..5 {
        let began = ThreadTime::now();
        let found = find_images(&images, "0321_c5s1", true);
        least = least.min(began.elapsed());
        let expected = images.all().position(|r| r.path.to_string_lossy().contains("0321_c5s1")).unwrap();
        assert_eq!(found[0].1, ImageRef { split: Split::Train, index: expected as u32 });
    }
    assert!(least < Duration::from_millis(8), "{least:?}");
    eprintln!("one image of 33,000 is found in {least:?}");
}
