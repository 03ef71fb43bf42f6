//! The data panels, driven by label on a run that was written and read through the run folder.

use std::path::Path;

use eframe::egui::{Key, pos2, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use reid_workbench::gui::command::UiCommand;
use reid_workbench::gui::panels::Pane;
use reid_workbench::gui::view_model::RunView;
use reid_workbench::method::params::{Effect, Value};
use reid_workbench::run::RunReader;
use reid_workbench::run::event::*;
use reid_workbench::run::snapshot::RankSnapshot;
use reid_workbench::study::queries::worst_first;
use reid_workbench::study::reliability::split;

use crate::sample_run::{self, EPOCHS, QUERIES};
use crate::support::bench::{wait_for, window};

pub struct Sample {
    _home: tempfile::TempDir,
    pub view: RunView,
}

pub fn sample() -> Sample {
    sample_with(|_| {})
}

/// The sample run, changed in its folder before it is opened.
pub fn sample_with(change: impl FnOnce(&Path)) -> Sample {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("run");
    sample_run::write(&dir);
    change(&dir);
    let view = RunView::of_folder(&RunReader::open(&dir).unwrap());
    Sample { _home: home, view }
}

#[test]
fn every_tile_says_what_will_fill_it() {
    for (pane, title) in [
        (Pane::Loss, "Nothing trained yet"),
        (Pane::Retrieval, "Not evaluated yet"),
        (Pane::Clusters, "No clusters yet"),
        (Pane::Reliability, "No scores yet"),
        (Pane::HeatMaps, "No attention maps yet"),
        (Pane::RankLists, "No rank lists yet"),
    ] {
        let mut harness = window(pane, RunView::default());
        harness.run();
        harness.get_by_label(title);
    }
}

#[test]
fn a_run_that_is_over_promises_nothing() {
    let mut view = RunView::default();
    view.state = State::Done;
    for (pane, title) in [
        (Pane::Loss, "Nothing was trained"),
        (Pane::Retrieval, "Not evaluated"),
        (Pane::HeatMaps, "No attention maps"),
        (Pane::RankLists, "No rank lists"),
    ] {
        let mut harness = window(pane, view.clone());
        harness.run();
        harness.get_by_label(title);
    }
}

#[test]
fn curves_tell_their_last_values() {
    let sample = sample();
    let smooth = sample.view.adapt.loss.last_smooth().unwrap();
    let mut harness = window(Pane::Loss, sample.view.clone());
    harness.run();
    harness.get_by_label(&format!("Loss curve, last smoothed value {smooth:.2}"));
    harness.get_by_label("learning rate").click();
    harness.run();
    harness.get_by_label("Learning rate curve, now 1e-4");

    let map = sample.view.target_retrieval[&EPOCHS].mAP;
    let mut harness = window(Pane::Retrieval, sample.view.clone());
    harness.run();
    harness.get_by_label(&format!("Retrieval plot, mAP {:.1} percent", 100.0 * map));
    harness.get_by_label("ground truth");

    let mut harness = window(Pane::Clusters, sample.view.clone());
    harness.run();
    let (epoch, last) = sample.view.newest_clusters().unwrap();
    harness
        .get_by_label_contains(&format!("clusters {}, reliable {}", last.summary.clusters[0], last.summary.reliable));
    harness.get_by_label(&format!("purity {:.3}, ground truth", last.summary.quality.unwrap().purity));
    harness.get_by_label(&format!("400 images, epoch {}", epoch + 1));
}

#[test]
fn pre_training_and_adaptation_can_be_chosen() {
    let sample = sample();
    let mut harness = window(Pane::Loss, sample.view.clone());
    harness.run();
    harness.get_by_label("adaptation, ema 0.90");
    harness.get_by_label("Options of the loss plot").click();
    harness.run();
    harness.get_by_label("Pre-training").click();
    harness.get_by_label("Logarithmic y").click();
    harness.get_by_label("Parts of the loss").click();
    harness.run();
    harness.get_by_label("pre-training, ema 0.90");
    let smooth = sample.view.pretrain.loss.last_smooth().unwrap();
    harness.get_by_label(&format!("Loss curve, last smoothed value {smooth:.2}"));
}

#[test]
fn an_epoch_looked_at_shows_that_epoch() {
    let sample = sample();
    // The third clustering was made with the network as two epochs had left it.
    for (pane, words) in [
        (Pane::Clusters, ", epoch 3"),
        (Pane::Reliability, ", epoch 3"),
        (Pane::RankLists, ", after 2 epochs"),
        (Pane::HeatMaps, "after 2 epochs, 4 images"),
    ] {
        let mut harness = window(pane, sample.view.clone());
        harness.state_mut().selection.epoch = Some(2);
        wait_for(&mut harness, words);
    }
    let mut harness = window(Pane::Clusters, sample.view.clone());
    harness.state_mut().selection.epoch = Some(99);
    harness.run();
    harness.get_by_label("Epoch 100 has no clustering in this run.");
}

#[test]
fn dragging_the_threshold_tries_it_and_apply_asks_for_it() {
    let sample = sample();
    let summary = &sample.view.newest_clusters().unwrap().1.summary;
    let mut harness = window(Pane::Reliability, sample.view.clone());
    harness.run();
    harness.get_by_label_contains(&format!("{} kept", summary.reliable));
    let handle = harness.get_by_label("Reliability threshold").rect();
    let start = pos2(handle.center().x, handle.bottom() - 20.0);
    harness.drag_at(start);
    harness.step();
    harness.hover_at(start + vec2(360.0, 0.0));
    harness.step();
    harness.step();
    let held = harness.get_by_label("Reliability threshold").accesskit_node().numeric_value().unwrap();
    assert!((0.8..0.99).contains(&held), "{held}");
    let expected = split(summary, held);
    assert_ne!(expected.kept, summary.reliable, "the drag went far enough to tell");
    harness.get_by_label_contains(&format!("{} kept and {} dropped", expected.kept, expected.dropped));
    assert!(harness.state().actions.is_empty(), "nothing is asked for while the hand holds it");
    harness.drop_at(start + vec2(360.0, 0.0));
    harness.run();
    assert!(harness.state().actions.is_empty(), "letting go asks for nothing");
    harness.get_by_label_contains(&format!("{} kept and {} dropped", expected.kept, expected.dropped));
    harness.get_by_label("Apply").click();
    harness.run();
    let (rule, threshold) = ("reliability.rule".to_owned(), "reliability.threshold".to_owned());
    let asked = [
        UiCommand::SetParam { key: rule, value: Value::Text("fixed".to_owned()) },
        UiCommand::SetParam { key: threshold.clone(), value: Value::Float(held) },
    ];
    assert_eq!(harness.state().actions, asked);
    // The engine confirms: the handle waits there until the next epoch.
    let (value, effect) = (Value::Float(held), Effect::NextEpoch);
    let event = Event::ParamPending { key: threshold, value, effect };
    harness.state_mut().view.fold(&Stamped { run: Default::default(), seq: 1_000_000, t: 0.0, wall: 0.0, event });
    harness.run();
    harness.get_by_label_contains(&format!("{} kept", expected.kept));
}

#[test]
fn the_threshold_can_be_moved_by_keyboard() {
    let sample = sample();
    let mut harness = window(Pane::Reliability, sample.view.clone());
    harness.run();
    harness.get_by_label("Reliability threshold").focus();
    harness.run();
    for _ in 0..3 {
        harness.key_press(Key::ArrowRight);
        harness.run();
    }
    harness.get_by_label_contains("at 0.53");
    harness.key_press(Key::Escape);
    harness.run();
    harness.get_by_label_contains("at 0.50");
    assert!(harness.state().actions.is_empty());
    harness.get_by_label("Reliability threshold").set_value_accesskit(0.7);
    harness.run();
    harness.get_by_label_contains("at 0.70");
    harness.get_by_label("Discard what is tried").click();
    harness.run();
    harness.get_by_label_contains("at 0.50");
    assert!(harness.state().actions.is_empty());
}

#[test]
fn a_click_in_the_strip_looks_at_that_epoch() {
    let sample = sample();
    let mut harness = window(Pane::Reliability, sample.view.clone());
    harness.run();
    let strip = harness.get_by_label_contains("Scores by epoch").rect();
    let at = pos2(strip.left() + strip.width() * 1.5 / EPOCHS as f32, strip.center().y);
    harness.drag_at(at);
    harness.step();
    harness.drop_at(at);
    harness.run();
    assert_eq!(harness.state().selection.epoch, Some(1));
    harness.get_by_label_contains(", epoch 2");
}

#[test]
fn rank_lists_stand_mixed_or_worst_first_and_can_be_walked() {
    let sample = sample();
    let ranks = RankSnapshot::read(sample.view.folder.as_ref().unwrap(), EPOCHS).unwrap();
    let order = worst_first(&ranks, false);
    assert_eq!(order.len(), QUERIES - 1, "a query without a match does not count");
    assert!(order.windows(2).all(|w| ranks.ap[w[0] as usize] <= ranks.ap[w[1] as usize]));
    let mut harness = window(Pane::RankLists, sample.view.clone());
    let row = |q: u32| {
        let count = ranks.matches(q as usize).count();
        format!("Query {q}, AP {:.1} percent, {count} matches", 100.0 * ranks.ap[q as usize])
    };
    // The best, the one in the middle and the worst first, until another order is asked for.
    wait_for(&mut harness, &row(order[order.len() - 1]));
    harness.get_by_label("Order of the queries, mixed").click();
    harness.run();
    harness.get_by_label("worst first").click();
    harness.run();
    wait_for(&mut harness, &row(order[0]));
    wait_for(&mut harness, "rank 1, ");
    harness.get_by_label("ground truth");
    harness.get_by_label("Next query").click();
    harness.run();
    assert_eq!(harness.state().selection.query, Some(order[1]));
    harness.get_by_label("Next query").click();
    harness.run();
    harness.get_by_label("Previous query").click();
    harness.run();
    assert_eq!(harness.state().selection.query, Some(order[1]));
    harness.get_by_label(&row(order[1])).click_accesskit();
    harness.run();
    let image = ImageRef { split: Split::Query, index: order[1] };
    assert_eq!(harness.state().selection.image, Some(image));
}

#[test]
fn hits_are_marked_right_wrong_or_junk() {
    let sample = sample();
    let ranks = RankSnapshot::read(sample.view.folder.as_ref().unwrap(), EPOCHS).unwrap();
    let mut harness = window(Pane::RankLists, sample.view.clone());
    wait_for(&mut harness, "not ranked, junk");
    assert!(harness.query_all_by_label_contains(", match, distance").count() > 0);
    assert!(harness.query_all_by_label_contains(", mismatch, distance").count() > 0);
    assert!(harness.query_all_by_label_contains(", missed, distance").count() > 0);
    harness.get_by_label("Hide junk of the same camera").click();
    harness.run();
    assert!(harness.query_all_by_label_contains("junk, distance").next().is_none());
    harness.get_by_label("Only queries wrong at rank 1").click();
    harness.run();
    let wrong = worst_first(&ranks, true).len();
    assert!(wrong > 0 && wrong < QUERIES - 1);
    harness.get_by_label_contains(&format!("{wrong} queries, after {EPOCHS} epochs"));
}

#[test]
fn a_run_without_its_images_still_shows_what_it_knows() {
    let sample = sample();
    let folder = sample.view.folder.clone().unwrap();
    std::fs::remove_file(folder.join("images.csv")).unwrap();
    std::fs::remove_dir_all(folder.parent().unwrap().join("station")).unwrap();
    let mut harness = window(Pane::RankLists, sample.view.clone());
    wait_for(&mut harness, ", match, distance");
    std::fs::write(folder.join(Path::new("epochs/0006/ranks.safetensors")), b"half").unwrap();
    let mut harness = window(Pane::RankLists, sample.view.clone());
    wait_for(&mut harness, "The rank lists cannot be read");
}
