//! The heat maps, driven by label on a run that was written and read through the run folder.

use eframe::egui::{Key, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use reid_workbench::engine::command::Command;
use reid_workbench::gui::panels::Pane;
use reid_workbench::gui::view_model::RunView;
use reid_workbench::run::event::*;
use reid_workbench::run::snapshot::{RankSnapshot, read_heat_maps};
use reid_workbench::study::queries::worst_first;

use crate::gui_panels::sample;
use crate::sample_run::EPOCHS;
use crate::support::bench::{Bench, wait_for, window};
use crate::support::play::engine_commands;

const FIG6: &str = "Fig. 6 grid: photo, input, both outputs";

/// The tile once its maps are read.
fn opened(view: &RunView) -> Harness<'static, Bench> {
    let mut harness = window(Pane::HeatMaps, view.clone());
    wait_for(&mut harness, "Attention of query image 0");
    harness
}

fn choose(harness: &mut Harness<'_, Bench>, menu: &str, entry: &str) {
    harness.get_by_label(menu).click();
    harness.run();
    harness.get_by_label(entry).click();
    harness.run();
}

/// The name of the colour bar that begins so.
fn colors(harness: &Harness<'_, Bench>, of: &str) -> String {
    let words = format!("Colours of {of}");
    harness.get_by_label_contains(&words).accesskit_node().value().unwrap()
}

#[test]
fn heat_maps_lie_over_watched_images_and_can_be_asked_for() {
    let sample = sample();
    let mut harness = window(Pane::HeatMaps, sample.view.clone());
    wait_for(&mut harness, "Attention of query image 0");
    harness.get_by_label("layer1").click();
    harness.get_by_label("per image").click();
    harness.run();
    harness.get_by_label("Heat map opacity").set_value_accesskit(0.25);
    harness.run();
    harness.get_by_label("opacity 25 %");
    harness.get_by_label("Attention of query image 0").click();
    harness.run();
    let image = ImageRef { split: Split::Query, index: 0 };
    assert_eq!(harness.state().selection.image, Some(image));
    harness.get_by_label("Maps shown").click();
    harness.run();
    harness.get_by_label_contains("triplet branches").click();
    harness.run();
    harness.get_by_label_contains("Colours of H × C");
    harness.get_by_label("Options of the heat maps").click();
    harness.run();
    harness.get_by_label("Stop watching the selected image").click();
    harness.run();
    let rest: Vec<ImageRef> = (1..4).map(|index| ImageRef { split: Split::Query, index }).collect();
    assert_eq!(engine_commands(&harness.state().actions), [Command::Watch(rest)]);
}

#[test]
fn maps_that_came_live_show_before_the_snapshot_is_read() {
    let mut view = RunView::default();
    let map = AttentionMap { name: "layer1.output".into(), height: 2, width: 1, values: vec![0.0, 1.0] };
    let image = ImageRef { split: Split::Train, index: 7 };
    let event = Event::HeatMaps { epoch: 0, images: vec![ImageMaps { image, maps: vec![map] }] };
    view.fold(&Stamped { run: Default::default(), seq: 0, t: 0.0, wall: 0.0, event });
    let mut harness = window(Pane::HeatMaps, view);
    harness.run();
    harness.get_by_label("Attention of train image 7");
}

#[test]
fn a_map_is_found_in_the_bar_and_shown_of_all_images() {
    let sample = sample();
    let mut harness = opened(&sample.view);
    harness.get_by_label_contains("Colours of coordinate");
    for map in ["block input", "triplet mean", "H × W", "C × W", "coordinate", "block output"] {
        choose(&mut harness, "Maps shown", map);
        harness.get_by_label_contains(&format!("Colours of {map}"));
        assert_eq!(harness.query_all_by_label_contains("Colours of").count(), 1);
        assert_eq!(harness.query_all_by_label_contains("Attention of query image").count(), 4);
    }
    choose(&mut harness, "Maps shown", FIG6);
    for column in ["input", "layer1", "layer4"] {
        harness.get_by_label_contains(&format!("Colours of {column}"));
    }
    assert_eq!(harness.query_all_by_label_contains("Attention of query image").count(), 4);
}

#[test]
fn the_percentile_clip_narrows_the_range_and_the_bar_says_so() {
    let sample = sample();
    let mut harness = opened(&sample.view);
    choose(&mut harness, "Maps shown", "block output");
    let whole = colors(&harness, "block output");
    assert!(!whole.contains("clipped"), "{whole}");
    harness.get_by_label("Percentile clip").set_value_accesskit(90.0);
    harness.run();
    let clipped = colors(&harness, "block output");
    assert!(clipped.ends_with("clipped at 90 %"), "{clipped}");
    assert_ne!(clipped, format!("{whole}, clipped at 90 %"), "the numbers changed too");
    harness.get_by_label("clipped at 90 %");
}

#[test]
fn holding_p_or_the_eye_shows_the_bare_photos() {
    let sample = sample();
    let mut harness = opened(&sample.view);
    // What lies under the pointer may have a tooltip of the same words.
    let shows = |harness: &Harness<'static, Bench>, words: &str| {
        assert!(harness.query_all_by_label(words).next().is_some(), "no `{words}`");
    };
    let strip = harness.get_by_label("Attention of query image 0").rect().center();
    harness.hover_at(strip);
    harness.run();
    harness.key_down(Key::P);
    harness.run();
    shows(&harness, "Photo of query image 0");
    harness.key_up(Key::P);
    harness.run();
    shows(&harness, "Attention of query image 0");
    let eye = harness.query_all_by_label_contains("Show the bare photos").next().unwrap().rect().center();
    harness.hover_at(eye);
    harness.run();
    harness.drag_at(eye);
    harness.run();
    shows(&harness, "Photo of query image 0");
    harness.drop_at(eye);
    harness.run();
    shows(&harness, "Attention of query image 0");
}

#[test]
fn two_epochs_and_their_difference_stand_side_by_side() {
    let sample = sample();
    let mut harness = opened(&sample.view);
    choose(&mut harness, "Against epoch…", "after 2 epochs");
    assert_eq!(harness.state().selection.against, Some(2));
    let difference = format!("after {EPOCHS} epochs − after 2 epochs");
    wait_for(&mut harness, &format!("Colours of {difference}"));
    let run = sample.view.folder.as_ref().unwrap();
    let values = |epoch| -> Vec<f32> {
        let images = read_heat_maps(run, epoch).unwrap();
        let maps = images.into_iter().flat_map(|i| i.maps).filter(|m| m.name == "layer4.output");
        maps.flat_map(|m| m.values).collect()
    };
    let most = values(EPOCHS).iter().zip(&values(2)).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
    let said = colors(&harness, &difference);
    assert!(said.ends_with(&format!("−{most:.0} to {most:.0}")), "{said}");
    harness.get_by_label_contains("Colours of block output");
    // One map at a time, and another one.
    choose(&mut harness, "Maps shown", "triplet mean");
    harness.get_by_label_contains("Colours of triplet mean");
    harness.get_by_label_contains(&format!("Colours of {difference}"));
    choose(&mut harness, "Against epoch…", "nothing");
    assert!(harness.query_all_by_label_contains(&difference).next().is_none());
}

#[test]
fn the_worst_queries_are_watched_in_one_click_where_truth_may_be_seen() {
    let sample = sample();
    let ranks = RankSnapshot::read(sample.view.folder.as_ref().unwrap(), EPOCHS).unwrap();
    let mut harness = opened(&sample.view);
    harness.get_by_label("Options of the heat maps").click();
    harness.run();
    wait_for(&mut harness, "ground truth");
    let enabled =
        |h: &Harness<'_, Bench>| !h.get_by_label("Watch the five worst queries").accesskit_node().is_disabled();
    while !enabled(&harness) {
        harness.step();
        std::thread::yield_now();
    }
    harness.get_by_label("Watch the five worst queries").click();
    harness.run();
    let query = |index| ImageRef { split: Split::Query, index };
    let mut list: Vec<ImageRef> = (0..4).map(query).collect();
    list.extend(worst_first(&ranks, false).into_iter().take(5).filter(|q| *q > 3).map(query));
    assert!(list.len() > 4);
    let asked = [Command::Watch(list.clone()), Command::HeatMaps(list)];
    assert_eq!(engine_commands(&harness.state().actions), asked);

    let mut harness = opened(&sample.view);
    harness.state_mut().truth = false;
    harness.get_by_label("Options of the heat maps").click();
    harness.run();
    harness.get_by_label("Watch the selected image");
    assert!(harness.query_by_label("Watch the five worst queries").is_none());
}

#[test]
fn the_grid_is_saved_as_a_picture() {
    let sample = sample();
    let run = sample.view.folder.clone().unwrap();
    let mut harness = opened(&sample.view);
    choose(&mut harness, "Maps shown", FIG6);
    harness.get_by_label("Save this grid…").click();
    harness.run();
    let offered = run.join("export/heat_maps_fig6_after_0006.png");
    assert_eq!(harness.get_by_label("Picture file").accesskit_node().value().unwrap(), offered.display().to_string());
    harness.get_by_label("Save picture").click();
    wait_for(&mut harness, "Saved heat_maps_fig6_after_0006.png");
    let picture = image::open(offered).unwrap().into_rgb8();
    assert!(picture.width() > 1000 && picture.height() > 1000, "{:?}", picture.dimensions());
}

#[test]
fn without_photos_the_maps_stand_on_a_plain_ground_and_the_tile_says_so() {
    let sample = sample();
    let folder = sample.view.folder.clone().unwrap();
    std::fs::remove_dir_all(folder.parent().unwrap().join("station")).unwrap();
    let mut harness = opened(&sample.view);
    wait_for(&mut harness, "photos are missing, maps stand on a plain ground");
    std::fs::remove_file(folder.join("images.csv")).unwrap();
    let mut harness = opened(&sample.view);
    wait_for(&mut harness, "photos are missing, maps stand on a plain ground");
}

#[test]
fn a_network_without_attention_shows_its_last_stage_and_a_run_without_maps_says_why() {
    let map = AttentionMap { name: "layer4.output".into(), height: 2, width: 1, values: vec![0.0, 3.0] };
    let image = ImageRef { split: Split::Train, index: 7 };
    let event = Event::HeatMaps { epoch: 1, images: vec![ImageMaps { image, maps: vec![map] }] };
    let mut view = RunView::default();
    view.fold(&Stamped { run: Default::default(), seq: 0, t: 0.0, wall: 0.0, event });
    let mut harness = window(Pane::HeatMaps, view);
    harness.run();
    harness.get_by_label_contains("no attention blocks in this network");
    harness.get_by_label_contains("Colours of block output, 0 to 3");

    let mut view = sample().view;
    view.snapshots.clear();
    view.live_maps = None;
    view.params.as_mut().unwrap().attention.enabled = false;
    let mut harness = window(Pane::HeatMaps, view);
    harness.run();
    harness.get_by_label_contains("trains without attention blocks");
}

#[test]
fn the_tile_can_be_as_small_as_a_tile_gets() {
    let sample = sample();
    let mut harness = opened(&sample.view);
    for size in [vec2(280.0, 180.0), vec2(330.0, 380.0), vec2(1500.0, 300.0)] {
        harness.set_size(size);
        for entry in ["overview: coordinate, triplet, output", FIG6, "coordinate"] {
            choose(&mut harness, "Maps shown", entry);
            harness.get_by_label("Attention of query image 0");
        }
    }
}
