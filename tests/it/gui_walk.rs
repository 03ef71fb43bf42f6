//! A walk through a whole window on a recorded run of the real engine: clusters, Eq. 8, epochs, and a copy of the
//! run elsewhere without its photos.

use std::path::Path;

use eframe::egui::Key;
use egui_kittest::kittest::Queryable;
use reid_workbench::engine::event::State;
use reid_workbench::gui::view_model::RunView;
use reid_workbench::run::RunReader;
use reid_workbench::run::images::Images;
use reid_workbench::run::snapshot::ClusterSnapshot;

use crate::cli_cluster::{json, program};
use crate::support::engine::{Driver, Tiny, tiny_params};
use crate::support::golden::values;
use crate::support::window::Window;

/// A run of three epochs, small but real.
fn run_of(tiny: &Tiny) -> std::path::PathBuf {
    let (end, _) = Driver::run(tiny.request("run", tiny_params()));
    assert_eq!(end, State::Done);
    tiny.path("run")
}

#[test]
fn the_worst_cluster_shows_the_numbers_of_the_cluster_command() {
    let tiny = Tiny::new();
    let run = run_of(&tiny);
    let view = RunView::of_folder(&RunReader::open(&run).unwrap());
    let params = view.params.clone().unwrap();
    let alpha = view.clusters[&2].summary.threshold.unwrap();
    // The same features and parameters; the run carries the threshold of its first epoch.
    let out = tiny.path("o.safetensors");
    let mut command = program();
    command.arg("cluster").arg(run.join("features.safetensors")).arg("--out").arg(&out);
    for set in [
        format!("k1={}", params.k1),
        format!("k2={}", params.k2),
        format!("eps={}", params.eps),
        format!("delta_d={}", params.delta_d),
        "reliability.rule=fixed".to_owned(),
        format!("reliability.threshold={alpha}"),
    ] {
        command.args(["--set", &set]);
    }
    let found = json(&mut command);
    let bytes = std::fs::read(&out).unwrap();
    let scores = values(&bytes, "cluster_score", f64::from_le_bytes);
    let (worst, score) = scores.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).unwrap();

    let mut window = Window::on(&run);
    window.click("Tune");
    let name = format!("Cluster {worst}, ");
    window.until(&name);
    let card = window.harness.query_all_by_label_contains(&name).next().unwrap();
    card.click();
    window.harness.run_steps(3);
    window.until(&format!("cluster {worst}, 1 of {} worst first, epoch 3", scores.len()));
    window.until(&format!("= {score:.2}"));
    assert_eq!(found["clusters"]["normal"], scores.len());
    assert_eq!(view.clusters[&2].summary.cluster_score, scores);
    assert_eq!(view.clusters[&2].summary.reliable, found["reliable"].as_u64().unwrap() as usize);
}

#[test]
fn every_tile_goes_to_the_epoch_of_the_scrubber_and_back() {
    let tiny = Tiny::new();
    let run = run_of(&tiny);
    let view = RunView::of_folder(&RunReader::open(&run).unwrap());
    let mut window = Window::on(&run);
    let count = |epoch: usize| {
        let n = view.clusters[&epoch].summary.clusters[0];
        format!("{n} cluster{}, epoch {}", if n == 1 { "" } else { "s" }, epoch + 1)
    };
    window.until(&count(2));
    window.press(Key::ArrowLeft);
    window.press(Key::ArrowLeft);
    window.until("Epoch 1");
    window.until(&count(0));
    window.until("source only"); // the model that clustered the first epoch
    assert!(!window.shows(&count(2)));
    window.press(Key::End);
    window.until("Epoch 3");
    window.until(&count(2));
    window.until("after 3 epochs");
    // The cards follow too.
    window.click("Tune");
    window.until("Cluster 0, ");
    let card = |epoch: usize| {
        let s = ClusterSnapshot::read(&run, epoch).unwrap();
        let size = s.labels.iter().filter(|l| **l == 0).count();
        format!("Cluster 0, {size} images, score {:.2}", s.cluster_score[0])
    };
    window.until(&card(2));
    window.press(Key::ArrowLeft);
    window.press(Key::ArrowLeft);
    window.until(&card(0));
}

#[test]
fn a_run_copied_elsewhere_without_photos_shows_the_same_and_says_what_is_missing() {
    let tiny = Tiny::new();
    let run = run_of(&tiny);
    let elsewhere = tempfile::tempdir().unwrap();
    let copy = elsewhere.path().join("copied");
    copy_all(&run, &copy);
    // The photos of the copy are where no one has any.
    let text = std::fs::read_to_string(Images::path(&copy)).unwrap();
    let target = tiny.path("target").display().to_string();
    assert!(text.contains(&target));
    std::fs::write(Images::path(&copy), text.replace(&target, "/nowhere/at-all")).unwrap();
    let summary = RunReader::open(&run).map(|r| RunView::of_folder(&r).clusters[&2].summary.clone()).unwrap();
    let mut window = Window::on(&copy);
    let n = summary.clusters[0];
    window.until(&format!("{n} cluster{}, epoch 3", if n == 1 { "" } else { "s" }));
    window.until("Query ");
    window.click("Tune");
    window.until("Cluster 0, ");
    window.set("Try eps", 0.6);
    window.until("would become");
}

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_all(&path, &to);
        } else {
            std::fs::copy(&path, to).unwrap();
        }
    }
}
