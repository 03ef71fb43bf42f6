//! The condensed tree, the clustree, the camera gap and the compass in the window.

use std::path::{Path, PathBuf};

use eframe::egui::vec2;
use egui_kittest::kittest::{NodeT, Queryable};
use reid_workbench::base::tick::no_tick;
use reid_workbench::engine::feature_run::{self, FeatureSet};
use reid_workbench::gui::panels::Pane;
use reid_workbench::gui::plot::ticks;
use reid_workbench::method::dbscan::dbscan;
use reid_workbench::method::lineage::lineage;
use reid_workbench::method::params::Params;
use reid_workbench::run::graph::read_graph;
use reid_workbench::run::snapshot::ClusterSnapshot;

use super::gui_reachability::{label, number_after, press_at};
use super::gui_what_if::write_run;
use crate::cli_cluster::{json, program};
use crate::support::window::Window;

/// Clusters and images in none, as the `cluster` command finds them at a radius.
fn found(run: &Path, eps: &str) -> (String, String) {
    let out = run.parent().unwrap().join("o.safetensors");
    let mut command = program();
    command.arg("cluster").arg(run.join("features.safetensors")).arg("--out").arg(&out);
    let found = json(command.arg("--set").arg(format!("eps={eps}")));
    (found["clusters"]["normal"].to_string(), found["noise"]["normal"].to_string())
}

#[test]
fn eps_dragged_across_the_branches_gives_what_the_cluster_command_finds() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    write_run(&run);
    let mut window = Window::on(&run);
    window.bring(Pane::Condensed);
    let words = |eps: &str| {
        let (clusters, noise) = found(&run, eps);
        format!("{clusters} clusters at eps {eps}, {noise} images in none")
    };
    window.until("condensed tree of 700 images: ");
    window.until(&words("0.60"));
    let line = window.harness.get_by_label("eps across the branches").rect().center();
    press_at(&mut window, line, &[line + vec2(0.0, 14.0), line + vec2(0.0, 28.0)]);
    let eps = number_after(&label(&window, "condensed tree of 700 images"), "at eps ");
    assert!(eps.parse::<f64>().unwrap() < 0.59, "{eps}");
    window.until(&words(&eps));
}

#[test]
fn a_row_of_the_clustree_is_the_clustering_at_its_radius() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    write_run(&run);
    let mut window = Window::on(&run);
    window.bring(Pane::Clustree);
    window.until("Try eps 0.600: ");
    let rows: Vec<String> = window
        .harness
        .query_all_by_label_contains("Try eps 0.")
        .map(|n| n.accesskit_node().label().unwrap_or_default())
        .filter(|words| words.contains(": "))
        .collect();
    assert!(rows.len() > 3, "{rows:?}");
    for words in &rows {
        let eps = number_after(words, "Try eps ");
        let clusters = found(&run, &eps).0;
        let noun = if clusters == "1" { "cluster" } else { "clusters" };
        assert_eq!(*words, format!("Try eps {eps}: {clusters} {noun}"));
    }
    window.click(&rows[0]);
    window.bring(Pane::WhatIf);
    window.until("would become");
}

#[test]
fn cameras_and_compass_say_what_they_know() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    write_run(&run);
    let mut window = Window::on(&run);
    window.bring(Pane::Cameras);
    window.until("one person, two cameras: ");
    window.until("mixing in clusters, camera 1 and camera 2: ");
    window.bring(Pane::Compass);
    window.until("silhouette: chooses source only");
    window.until("Without labels one would choose source only");
}

/// Clusters of other radii over the points, and of a radius that is tried what merges and what splits.
#[test]
fn other_radii_lie_over_the_map_and_it_tells_what_merges_and_splits() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    write_run(&run);
    let mut window = Window::on(&run);
    window.bring(Pane::Map);
    window.until("Cluster map, ");
    window.click("PCA");
    window.until("Cluster map, PCA, 700 images");
    for words in ["nested radii", "clustree"] {
        window.click("Colour of the points");
        window.click(words);
        window.until(&format!("{words} of 6 radii, 0."));
    }
    let graph = read_graph(&run, 0).unwrap();
    let was = ClusterSnapshot::read(&run, 0).unwrap().labels;
    let mut told = [0, 0];
    for wanted in [0.45, 0.5, 0.7, 0.75] {
        window.bring(Pane::Clustree);
        window.until("Try eps 0.");
        let rows = window.harness.query_all_by_label_contains("Try eps 0.").collect::<Vec<_>>();
        let label = |n: &egui_kittest::Node<'_>| n.accesskit_node().label().unwrap_or_default();
        let row = rows.iter().map(label).filter(|words| words.contains(": ")).min_by(|a, b| {
            let away = |words: &str| (number_after(words, "Try eps ").parse::<f64>().unwrap() - wanted).abs();
            away(a).total_cmp(&away(b))
        });
        let row = row.unwrap();
        let eps: f64 = number_after(&row, "Try eps ").parse().unwrap();
        window.click(&row);
        let labels = dbscan(&graph, eps, 4);
        let family = lineage(&was, &labels);
        let several = |n: usize, one: &str, more: &str| match n {
            0 => String::new(),
            1 => format!(", 1 {one}"),
            n => format!(", {n} {more}"),
        };
        let (merged, split) = (family.merged.len(), family.split.len());
        told = [told[0] + merged, told[1] + split];
        let words = several(merged, "merges", "merge") + &several(split, "splits", "split");
        window.bring(Pane::Map);
        let outliers = ticks::counted(labels.iter().filter(|&&l| l < 0).count(), "outlier", "outliers");
        window.until(&format!(", {outliers}{words}, clustree of 6 radii"));
    }
    assert!(told[0] > 0 && told[1] > 0, "{told:?}");
}

/// A dark photo is found by looking through the run's photos, and its button leads to it.
#[test]
fn odd_photos_are_worth_a_look() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    let paths: Vec<PathBuf> = (0..24u32)
        .map(|i| {
            let path = home.path().join(format!("{i}.png"));
            let light = if i == 7 { 12 } else { 120 };
            let photo =
                image::RgbImage::from_fn(16, 32, |x, y| image::Rgb([(light + x * y % 7 * light / 12) as u8; 3]));
            photo.save(&path).unwrap();
            path
        })
        .collect();
    let features: Vec<f32> = (0..24).flat_map(|i| [1.0, 0.1 * (i % 6) as f32, 0.07 * (i / 6) as f32, 0.0]).collect();
    let set = FeatureSet { name: "few", features: &features, d: 4, pids: None, camids: None, paths: Some(&paths) };
    let params = Params { k1: 6, k2: 2, min_samples: 3, ..Params::default() };
    feature_run::write(&run, &set, &params, [&no_tick, &no_tick]).unwrap();
    let mut window = Window::on(&run);
    window.bring(Pane::Worth);
    window.until("Image 7: mean light ");
    assert!(!window.shows("Image 8: "));
    window.click("Show image");
    window.until("image 7 · 24 in all");
}
