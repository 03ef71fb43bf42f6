//! The cluster map and the inspector, driven by label on a run whose clusterings hold neighbours, components and graphs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::{self, Pos2, Rect, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use reid_workbench::gui::book::Book;
use reid_workbench::gui::command::{Commands, UiCommand};
use reid_workbench::gui::fonts;
use reid_workbench::gui::panels::map::{Key, Lens, LensPlace, PlaneLayout, grid, keys, points};
use reid_workbench::gui::panels::{Many, Pane, PanelCtx, Panels, Selection};
use reid_workbench::gui::plot::SharedCursor;
use reid_workbench::gui::plot::colours::{Colouring, dense, greedy, marks};
use reid_workbench::gui::queue::RunQueue;
use reid_workbench::gui::sweeps::Sweeps;
use reid_workbench::gui::theme::{self, Theme};
use reid_workbench::gui::view_model::{EpochPart, RunView, Snapshots};
use reid_workbench::gui::what_if::WhatIf;
use reid_workbench::gui::widgets::images::Thumbnails;
use reid_workbench::gui::widgets::tile::{self, TitlePlace};
use reid_workbench::method::embed::pca;
use reid_workbench::method::error::no_tick;
use reid_workbench::method::graph::Graph;
use reid_workbench::method::jaccard::jaccard;
use reid_workbench::method::knn::neighbours;
use reid_workbench::method::rows::Rows;
use reid_workbench::run::RunReader;
use reid_workbench::run::event::*;
use reid_workbench::run::graph::{read_graph, write_graph};
use reid_workbench::run::snapshot::ClusterSnapshot;
use reid_workbench::study::nearest::{by_features, by_jaccard};
use reid_workbench::study::sets::sets;

use crate::prng::uniforms;
use crate::sample_run::{self, EPOCHS};
use crate::support::bench;

const LAST: usize = EPOCHS - 1;

struct Bench {
    pane: Pane,
    view: RunView,
    panels: Panels,
    images: Thumbnails,
    snapshots: Option<Snapshots>,
    what_if: Option<WhatIf>,
    selection: Selection,
    actions: Vec<UiCommand>,
    truth: bool,
    cpu: Duration,
}

fn show(ui: &mut egui::Ui, bench: &mut Bench) {
    bench.images.begin_frame(ui.ctx());
    let theme = Theme::of(ui.ctx());
    let full = ui.max_rect();
    let ctx = ui.ctx().clone();
    let snapshots = bench.snapshots.get_or_insert_with(|| Snapshots::new(move || ctx.request_repaint()));
    let ctx = ui.ctx().clone();
    let what_if = bench.what_if.get_or_insert_with(|| WhatIf::new(move || ctx.request_repaint()));
    let commands = Commands::default();
    tile::frame(theme).show(ui, |ui| {
        let head = Rect::from_min_max(pos2(full.left() + 80.0, full.top()), pos2(full.right(), full.top() + 30.0));
        let body = Rect::from_min_max(full.min + vec2(12.0, 30.0), full.max - vec2(12.0, 8.0));
        let mut child = ui.new_child(egui::UiBuilder::new().max_rect(body));
        let cx = PanelCtx {
            many: Many {
                book: &Book::default(),
                live: &RunView::default(),
                sweeps: &Sweeps::default(),
                queue: &RunQueue::default(),
                truth: bench.truth,
            },
            overlays: &[],
            view: &bench.view,
            theme,
            commands: &commands,
            images: &bench.images,
            snapshots,
            what_if,
            answers: true,
            applies: reid_workbench::gui::panels::Applies::ToRun,
            selection: &bench.selection,
            truth: bench.truth,
            cursor: &SharedCursor::default(),
            head: &TitlePlace::new(head, None),
        };
        let began = Instant::now();
        bench.panels.show(bench.pane, &mut child, &cx);
        bench.cpu = began.elapsed();
    });
    bench::carry_out(ui.ctx(), &commands, &mut bench.selection, what_if, &mut bench.actions);
}

fn window(pane: Pane, view: RunView) -> Harness<'static, Bench> {
    let bench = Bench {
        pane,
        view,
        panels: Panels::default(),
        images: Thumbnails::default(),
        snapshots: None,
        what_if: None,
        selection: Selection::default(),
        actions: Vec::new(),
        truth: true,
        cpu: Duration::ZERO,
    };
    Harness::builder()
        .with_size(vec2(620.0, 520.0))
        .with_max_steps(200)
        .with_context_setup(|ctx| {
            fonts::install(ctx);
            theme::apply(ctx, theme::Density::Compact);
        })
        .build_ui_state(show, bench)
}

#[test]
fn arrows_go_to_the_next_image_that_way() {
    let at = [pos2(0.0, 0.0), pos2(1.0, 0.1), pos2(0.5, 0.9), pos2(-2.0, 0.0), pos2(0.0, -0.4), pos2(0.0, 0.0)];
    let to = |x: f32, y: f32| keys::next(&at, at[0], vec2(x, y));
    assert_eq!(to(1.0, 0.0), Some(1), "the one straight ahead");
    assert_eq!((to(0.0, 1.0), to(-1.0, 0.0), to(0.0, -1.0)), (Some(2), Some(3), Some(4)));
    assert_eq!(keys::next(&at, at[3], vec2(-1.0, 0.0)), None, "nothing lies that way");

    let sample = sample();
    let (mut harness, ..) = components(&sample);
    harness.get_by_label_contains("Cluster map, PCA").focus();
    harness.run_steps(3);
    harness.key_press(egui::Key::ArrowRight);
    harness.run_steps(2);
    let first = harness.state().selection.image.expect("the one in the middle");
    for (key, way) in [(egui::Key::ArrowRight, 1.0), (egui::Key::ArrowLeft, -1.0)] {
        let before = harness.state().selection.image.unwrap();
        harness.key_press(key);
        harness.run_steps(2);
        let after = harness.state().selection.image.unwrap();
        let x = |image: ImageRef| PlaneLayout::of(&sample.snapshot.pca).at[image.index as usize].x;
        assert!(way * (x(after) - x(before)) > 0.0, "{before:?} to {after:?}");
    }
    assert_eq!(first.split, Split::Train);
    let label = sample.snapshot.labels[harness.state().selection.image.unwrap().index as usize];
    assert_eq!(harness.state().selection.cluster, u32::try_from(label).ok(), "its cluster with it");
    assert!(harness.get_by_label_contains("Cluster map, PCA").accesskit_node().is_focused(), "the keys stay here");
}

struct Sample {
    home: tempfile::TempDir,
    view: RunView,
    snapshot: ClusterSnapshot,
}

impl Sample {
    fn folder(&self) -> PathBuf {
        self.home.path().join("run")
    }

    fn graph(&self) -> Graph {
        read_graph(&self.folder(), LAST).unwrap()
    }
}

/// The sample run; its last two clusterings get neighbours, components and a graph of made-up features.
fn sample() -> Sample {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("run");
    sample_run::write(&dir);
    for epoch in [LAST - 1, LAST] {
        let mut snapshot = ClusterSnapshot::read(&dir, epoch).unwrap();
        let noise = uniforms(5, epoch as u64, 400 * 16);
        let centres = uniforms(7, 1, 400 * 16);
        let value = |i: usize| {
            let row = i / 16;
            let group = usize::try_from(snapshot.labels[row]).unwrap_or(300 + row % 90);
            (4.0 * (centres[16 * group + i % 16] - 0.5) + 0.5 * (noise[i] - 0.5)) as f32
        };
        let mut features: Vec<f32> = (0..400 * 16).map(value).collect();
        for row in features.chunks_mut(16) {
            let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt();
            row.iter_mut().for_each(|x| *x /= norm);
        }
        let rows = Rows::new(&features, 16).unwrap();
        let nb = neighbours(rows, 21, &no_tick).unwrap();
        write_graph(&dir, epoch, &jaccard(rows, &nb, 15, 4, 0.9, &no_tick).unwrap()).unwrap();
        snapshot.pca = pca(rows, &no_tick).unwrap();
        (snapshot.knn_index, snapshot.knn_dist, snapshot.k) = (nb.index, nb.dist, nb.k);
        snapshot.write(&dir, epoch).unwrap();
    }
    let view = RunView::of_folder(&RunReader::open(&dir).unwrap());
    let snapshot = ClusterSnapshot::read(&dir, LAST).unwrap();
    Sample { home, view, snapshot }
}

/// Draws frames until a node with these words is there: what other threads do needs its time.
fn wait_for(harness: &mut Harness<'_, Bench>, words: &str) {
    let began = Instant::now();
    loop {
        harness.step();
        if harness.query_all_by_label_contains(words).next().is_some() {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "`{words}` did not appear");
        std::thread::yield_now();
    }
}

/// The map with its components, and where the plane lies on the screen.
fn components(sample: &Sample) -> (Harness<'static, Bench>, LensPlace, PlaneLayout) {
    let mut harness = window(Pane::Map, sample.view.clone());
    wait_for(&mut harness, "PCA");
    harness.get_by_label("PCA").click();
    wait_for(&mut harness, "Cluster map, PCA, 400 images");
    // Points that were on their way have arrived.
    for _ in 0..60 {
        harness.step();
    }
    let layout = PlaneLayout::of(&sample.snapshot.pca);
    let rect = harness.get_by_label_contains("Cluster map, PCA").rect();
    (harness, Lens::default().over(rect, layout.half), layout)
}

fn press(harness: &mut Harness<'_, Bench>, way: &[Pos2]) {
    harness.drag_at(way[0]);
    harness.step();
    for at in &way[1..] {
        harness.hover_at(*at);
        harness.step();
    }
    harness.drop_at(way[way.len() - 1]);
    harness.step();
    harness.step();
}

#[test]
fn an_empty_window_says_what_will_come() {
    for (pane, title) in [(Pane::Map, "No clusters yet"), (Pane::Inspector, "No image is selected")] {
        let mut harness = window(pane, RunView::default());
        harness.run();
        harness.get_by_label(title);
    }
}

#[test]
fn a_click_on_a_point_selects_its_image_and_cluster() {
    let sample = sample();
    let (mut harness, place, layout) = components(&sample);
    for row in [0, 57, 399] {
        // The point that lies on top where several do.
        let at = layout.at[row];
        let expected = grid::PointGrid::of(&layout.at).nearest(&layout.at, at, 0.1).unwrap();
        harness.hover_at(place.screen(at));
        harness.step();
        harness.get_by_label(&format!("Under the pointer: image {expected}"));
        press(&mut harness, &[place.screen(at), place.screen(at)]);
        let image = ImageRef { split: Split::Train, index: expected as u32 };
        assert_eq!(harness.state().selection.image, Some(image));
        assert_eq!(harness.state().selection.cluster, u32::try_from(sample.snapshot.labels[expected]).ok());
    }
}

#[test]
fn a_box_and_a_lasso_pick_what_lies_within() {
    let sample = sample();
    let (mut harness, place, layout) = components(&sample);
    let screen: Vec<Pos2> = layout.at.iter().map(|p| place.screen(*p)).collect();
    let area = Rect::from_center_size(place.rect.center(), vec2(160.0, 120.0));
    let expected = grid::in_box(screen.iter().copied(), area);
    assert!(expected.len() > 5 && expected.len() < 395, "{}", expected.len());
    press(&mut harness, &[area.min, area.center(), area.max]);
    assert_eq!(*harness.state().selection.picked, expected);
    harness.get_by_label(&format!("{} images selected", expected.len()));
    harness.get_by_label("Clear the selection").click();
    harness.step();
    harness.step();
    assert!(harness.state().selection.picked.is_empty());
    harness.get_by_label_contains("Select with a lasso").click();
    harness.step();
    let rect = harness.get_by_label_contains("Cluster map, PCA").rect();
    let place = Lens::default().over(rect, layout.half);
    let way = [area.left_top(), area.right_top(), area.center_bottom(), area.left_top()];
    press(&mut harness, &way);
    let expected = grid::in_lasso(layout.at.iter().map(|p| place.screen(*p)), &way);
    assert!(!expected.is_empty());
    assert_eq!(*harness.state().selection.picked, expected);
    harness.get_by_label("Show in Clusters").click();
    harness.step();
    harness.step();
    assert_eq!(harness.state().actions, [UiCommand::ShowPane(Pane::Browser)]);
}

#[test]
fn picked_images_go_into_a_table() {
    let sample = sample();
    for truth in [true, false] {
        let (mut harness, ..) = components(&sample);
        harness.state_mut().truth = truth;
        harness.state_mut().selection.picked = Arc::new(vec![3, 8, 398]);
        wait_for(&mut harness, "3 images selected");
        let began = Instant::now();
        while harness.get_by_label("To CSV…").accesskit_node().is_disabled() {
            assert!(began.elapsed() < Duration::from_secs(60), "the images are not listed");
            harness.step();
            std::thread::yield_now();
        }
        harness.get_by_label("To CSV…").click();
        harness.step();
        harness.step();
        let out = sample.folder().join("export").join(format!("images-of-epoch-{}.csv", LAST + 1));
        assert_eq!(harness.get_by_label("CSV file").value().unwrap(), out.display().to_string());
        harness.get_by_label("Write").click();
        wait_for(&mut harness, "3 images written to");
        let text = std::fs::read_to_string(&out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "row,path,pid,camid,cluster,score,x,y");
        assert_eq!(lines.len(), 4);
        for (line, row) in lines[1..].iter().zip([3usize, 8, 398]) {
            let cells: Vec<&str> = line.split(',').collect();
            assert_eq!(cells[0], row.to_string());
            assert!(cells[1].ends_with(&format!("Train-{row}.png")), "{}", cells[1]);
            assert_eq!(cells[2], if truth { (row / 7).to_string() } else { String::new() });
            assert_eq!(cells[3], (row % 4).to_string());
            assert_eq!(cells[4], sample.snapshot.labels[row].to_string());
            assert_eq!(cells[5].parse::<f64>().unwrap(), sample.snapshot.score[row]);
            assert_eq!(cells[6].parse::<f32>().unwrap(), sample.snapshot.pca[2 * row]);
            assert_eq!(cells[7].parse::<f32>().unwrap(), sample.snapshot.pca[2 * row + 1]);
        }
    }
}

#[test]
fn colours_can_be_chosen_and_truth_is_marked() {
    let sample = sample();
    let (mut harness, ..) = components(&sample);
    assert!(harness.query_by_label("ground truth").is_none());
    for words in ["camera", "score", "outlier", "true identity"] {
        harness.get_by_label("Colour of the points").click();
        harness.step();
        harness.step();
        harness.get_by_label(words).click();
        wait_for(&mut harness, &format!("400 images, colour {words}"));
    }
    harness.get_by_label("ground truth");
    harness.state_mut().truth = false;
    wait_for(&mut harness, "400 images, colour cluster");
    assert!(harness.query_by_label("ground truth").is_none());
}

#[test]
fn t_sne_goes_on_in_the_background_and_from_epoch_to_epoch() {
    let sample = sample();
    let mut harness = window(Pane::Map, sample.view.clone());
    harness.state_mut().selection.epoch = Some(LAST - 1);
    let key = |epoch: usize| {
        let seq = sample.view.snapshots[&(epoch, EpochPart::Clusters)];
        Key { folder: sample.folder(), epoch, seq }
    };
    wait_for(&mut harness, "t-SNE, 400 images");
    // The head loses its percentage once the layout is settled.
    let settle = |harness: &mut Harness<'_, Bench>, epoch: usize| {
        let began = Instant::now();
        while harness.query_by_label(&format!("epoch {}", epoch + 1)).is_none() {
            assert!(began.elapsed() < Duration::from_secs(60));
            harness.step();
        }
        harness.state().panels.map().known(&key(epoch)).unwrap()
    };
    let first = settle(&mut harness, LAST - 1);
    harness.state_mut().selection.epoch = None;
    let second = settle(&mut harness, LAST);
    assert!(!Arc::ptr_eq(&first, &second));
    // Points travel, they are not dealt anew.
    let mean = |of: &dyn Fn(usize) -> f32| (0..400).map(of).sum::<f32>() / 400.0;
    let moved = mean(&|i| first.at[i].distance(second.at[i]));
    let apart = mean(&|i| first.at[i].distance(second.at[(i + 200) % 400]));
    assert!(moved < 0.5 * apart, "{moved} of {apart}");
}

#[test]
fn a_run_without_components_or_neighbours_says_so() {
    let sample = sample();
    let older = ClusterSnapshot { pca: Vec::new(), ..sample.snapshot.clone() };
    older.write(&sample.folder(), LAST).unwrap();
    let mut harness = window(Pane::Map, sample.view.clone());
    wait_for(&mut harness, "Cluster map, t-SNE, 400 images");
    harness.get_by_label("PCA").click();
    wait_for(&mut harness, "No principal components");
    // The sample's other epochs know of each image only itself.
    let mut harness = window(Pane::Map, sample.view.clone());
    harness.state_mut().selection.epoch = Some(0);
    wait_for(&mut harness, "t-SNE is not possible");
}

#[test]
fn neighbours_are_those_of_the_snapshot_and_of_the_graph() {
    let sample = sample();
    let (i, snapshot, graph) = (12usize, &sample.snapshot, sample.graph());
    let euclid = by_features(snapshot, i, 4);
    let expected: Vec<(u32, f32)> =
        (1..5).map(|p| (snapshot.knn_index[21 * i + p], snapshot.knn_dist[21 * i + p].sqrt())).collect();
    assert_eq!(euclid, expected);
    let near = by_jaccard(&graph, i, 4);
    assert_eq!(near.len(), 4);
    assert!(near.is_sorted_by(|a, b| a.1 <= b.1));
    assert!(by_jaccard(&graph, graph.n, 4).is_empty());

    let mut harness = window(Pane::Inspector, sample.view.clone());
    harness.state_mut().selection.image = Some(ImageRef { split: Split::Train, index: i as u32 });
    wait_for(&mut harness, "Jaccard neighbour 1");
    for (name, list) in [("Euclid", &euclid), ("Jaccard", &near)] {
        for (place, (j, d)) in list.iter().enumerate() {
            let words = format!("{name} neighbour {}: image {j}, distance {d:.2}", place + 1);
            harness.get_by_label_contains(&words);
        }
    }
    let eq8 = sets(&snapshot.labels, &snapshot.labels_tight, &snapshot.labels_loose, i).eq8();
    harness.get_by_label(&format!("score {} / {} = {:.2}", eq8.inter, eq8.union, eq8.value()));
    harness.get_by_label("image 12 · 400 in all");
    harness.get_by_label("camera 1");
    harness.get_by_label("identity 1");
    harness.get_by_label("ground truth");
    harness.get_by_label_contains("Euclid neighbour 2").click();
    harness.step();
    harness.step();
    assert_eq!(harness.state().selection.image, Some(ImageRef { split: Split::Train, index: euclid[1].0 }));
    harness.state_mut().truth = false;
    harness.step();
    harness.step();
    assert!(harness.query_by_label("ground truth").is_none());
    std::fs::remove_file(sample.folder().join(format!("epochs/{LAST:04}/graph.safetensors"))).unwrap();
    let mut harness = window(Pane::Inspector, sample.view.clone());
    harness.state_mut().selection.image = Some(ImageRef { split: Split::Train, index: 0 });
    wait_for(&mut harness, "not stored in this run");
    harness.state_mut().selection.image = Some(ImageRef { split: Split::Gallery, index: 2 });
    wait_for(&mut harness, "which training never sees");
}

#[test]
fn neighbouring_clusters_differ_and_keep_their_colours() {
    // Twelve clusters in a row, each among the neighbours of the next.
    let labels: Vec<i32> = (0..120).map(|i| i / 10).collect();
    let knn: Vec<u32> = (0..120u32).flat_map(|i| [i, (i + 1) % 120, (i + 10) % 120]).collect();
    let at: Vec<Pos2> = (0..120).map(|i| pos2((i / 10) as f32 / 12.0, (i % 10) as f32 / 100.0)).collect();
    let first = greedy(&labels, &knn, 3, None, None);
    for c in 0..12 {
        assert_ne!(first.series[c], first.series[(c + 1) % 12]);
    }
    // Renumbered: the images keep their colours.
    let renumbered: Vec<i32> = labels.iter().map(|l| 11 - l).collect();
    let second = greedy(&renumbered, &knn, 3, None, Some(&first));
    for c in 0..12 {
        assert_eq!(second.series[11 - c], first.series[c]);
    }
    let placed = greedy(&labels, &knn, 3, Some(&at), None);
    assert!((0..11).all(|c| placed.series[c] != placed.series[c + 1]));
    assert_eq!(dense([40, -1, 7, 40].into_iter()), [1, -1, 0, 1]);
    assert_eq!(greedy(&[], &[], 1, None, None).series, Vec::<u8>::new());
}

#[test]
fn a_lens_takes_the_plane_to_the_screen_and_back() {
    let rect = Rect::from_min_size(pos2(40.0, 10.0), vec2(300.0, 200.0));
    let mut lens = Lens::default();
    let place = lens.over(rect, vec2(1.0, 0.5));
    assert!(rect.contains(place.screen(pos2(1.0, 0.5))) && rect.contains(place.screen(pos2(-1.0, -0.5))));
    let pointer = pos2(100.0, 60.0);
    let under = place.plane(pointer);
    lens.zoom(place, pointer, 3.0);
    let closer = lens.over(rect, vec2(1.0, 0.5));
    assert!(closer.screen(under).distance(pointer) < 1e-3);
    lens.pan(closer, vec2(12.0, -7.0));
    assert!(lens.over(rect, vec2(1.0, 0.5)).screen(under).distance(pointer + vec2(12.0, -7.0)) < 1e-3);
}

#[test]
#[ignore = "prints times with 13,000 points"]
fn times_of_a_frame_with_thirteen_thousand_points() {
    let sample = sample();
    let n = 13_000;
    let u = uniforms(1, 1, 2 * n);
    let labels: Vec<i32> = (0..n as i32).map(|i| if i % 6 == 0 { -1 } else { i / 18 }).collect();
    let count = 1 + labels.iter().max().unwrap();
    let big = ClusterSnapshot {
        labels_tight: labels.clone(),
        labels_loose: labels.clone(),
        score: vec![0.7; n],
        cluster_score: vec![0.7; count as usize],
        reliable: vec![1; count as usize],
        pseudo_labels: labels.clone(),
        // No neighbours, no t-SNE beside the clock.
        knn_index: (0..n as u32).collect(),
        knn_dist: vec![0.0; n],
        k: 1,
        pca: u.iter().map(|x| *x as f32).collect(),
        labels,
    };
    big.write(&sample.folder(), LAST).unwrap();
    let mut harness = window(Pane::Map, sample.view.clone());
    wait_for(&mut harness, "PCA");
    harness.get_by_label("PCA").click();
    wait_for(&mut harness, "Cluster map, PCA, 13,000 images");
    (0..80).for_each(|_| harness.step());
    let rect = harness.get_by_label_contains("Cluster map, PCA").rect();
    let mut time = |name: &str, each: &mut dyn FnMut(&mut Harness<'static, Bench>, usize)| {
        let (mut panel, mut worst, mut whole) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        for i in 0..60 {
            each(&mut harness, i);
            let began = Instant::now();
            harness.step();
            whole += began.elapsed();
            panel += harness.state().cpu;
            worst = worst.max(harness.state().cpu);
        }
        let ms = |d: Duration| d.as_secs_f64() * 1e3;
        println!(
            "{name}: tile {:.2} ms, worst {:.2} ms, frame {:.2} ms",
            ms(panel) / 60.0,
            ms(worst),
            ms(whole) / 60.0
        );
    };
    time("idle", &mut |_, _| {});
    time("hover", &mut |h, i| h.hover_at(rect.left_top() + vec2(60.0 + 5.0 * i as f32, 80.0 + 3.0 * i as f32)));
    time("zoom", &mut |h, i| {
        h.event(egui::Event::Zoom(if i < 30 { 1.03 } else { 0.97 }));
    });
    let ctx = harness.ctx.clone();
    let layout = PlaneLayout::of(&big.pca);
    let place = Lens::default().over(rect, layout.half);
    let looks = marks(Theme::dark(), Colouring::Reliability, &big, None, &[]);
    let began = Instant::now();
    let mut vertices = 0;
    for _ in 0..50 {
        vertices = points::mesh((&ctx, &mut points::GlyphSheets::default()), &place, &layout.at, &looks, 1.0, None)
            .vertices
            .len();
    }
    println!("mesh of {vertices} vertices: {:.2} ms", began.elapsed().as_secs_f64() * 20.0);
    let knn: Vec<u32> = (0..n as u32).flat_map(|i| (0..20).map(move |j| (i + j * 7) % 13_000)).collect();
    let began = Instant::now();
    let scheme = greedy(&big.labels, &knn, 20, Some(&layout.at), None);
    println!("colours of {} clusters: {:.1} ms", scheme.series.len(), began.elapsed().as_secs_f64() * 1e3);
}
