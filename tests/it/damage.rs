//! Damaged run folders and work that panics: one sentence, no thread lost, nothing begun again and again.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use eframe::egui;
use egui_kittest::kittest::Queryable;
use reid_workbench::base::guard::guarded;
use reid_workbench::data::synthetic::features::{FeatureSpec, generate};
use reid_workbench::engine::feature_run::{self, FeatureSet};
use reid_workbench::gui::job::Job;
use reid_workbench::gui::panels::Pane;
use reid_workbench::gui::view_model::{ClusterView, EpochPart, RunView};
use reid_workbench::gui::what_if::Base;
use reid_workbench::gui::what_if::worker::{WhatIfQuestion, answer_now};
use reid_workbench::method::error::no_tick;
use reid_workbench::method::knn::Neighbours;
use reid_workbench::method::params::{Params, Rule, Value};
use reid_workbench::run::RunReader;
use reid_workbench::run::event::{Phase, SnapshotPart};
use reid_workbench::run::folder::events_path;
use reid_workbench::run::graph::{graph_path, read_graph, write_features};
use reid_workbench::run::images::Images;
use reid_workbench::run::snapshot::{ClusterSnapshot, RankSnapshot, part_path, read_labels};
use reid_workbench::run::view::ParamChange;

use crate::method_pipeline::plain;
use crate::support::bench::{wait_for, window};
use crate::support::window::Window;

fn write_run(dir: &Path, n: usize) -> RunView {
    let spec = FeatureSpec { seed: 5, n, d: 16, r: 8, lo: 3, hi: 9, n_out: 5, A: 10, B: 6, C: 2, D: 3, n_cams: 3 };
    let made = generate(&spec);
    let set = FeatureSet { name: "made", features: &made.features, d: 16, pids: None, camids: None, paths: None };
    feature_run::write(dir, &set, &Params::default(), [&no_tick, &no_tick]).unwrap();
    RunView::of_folder(&RunReader::open(dir).unwrap())
}

type Damage = fn(&mut ClusterSnapshot);

/// What was found to end the process, to freeze the window, or to take a thread along.
const DAMAGES: [(&str, Damage, &str); 9] = [
    ("a label of 500 million", |s| s.labels[3] = 500_000_000, "`labels` holds 500000000"),
    ("the largest label", |s| s.labels[3] = i32::MAX, "`labels` holds 2147483647"),
    ("a label below noise", |s| s.labels[3] = -2, "`labels` holds -2"),
    ("the largest pseudo-label", |s| s.pseudo_labels[0] = i32::MAX, "`pseudo_labels` holds 2147483647"),
    ("a tight label", |s| s.labels_tight[1] = i32::MAX, "`labels_tight` holds 2147483647"),
    ("a loose label", |s| s.labels_loose[1] = 1 << 30, "`labels_loose` holds 1073741824"),
    ("a neighbour that is not there", |s| s.knn_index[7] = 4_000_000_000, "`knn_index` holds 4000000000"),
    ("a score that is no number", |s| s.score[2] = f64::NAN, "`score` holds a value that is not finite"),
    ("a distance that is no number", |s| s.knn_dist[2] = f32::INFINITY, "`knn_dist` holds a value that is not finite"),
];

#[test]
fn damaged_clusters_are_refused_with_a_sentence() {
    let home = tempfile::tempdir().unwrap();
    write_run(home.path(), 60);
    let sound = ClusterSnapshot::read(home.path(), 0).unwrap();
    for (what, damage, words) in DAMAGES {
        let mut damaged = sound.clone();
        damage(&mut damaged);
        damaged.write(home.path(), 0).unwrap();
        let error = ClusterSnapshot::read(home.path(), 0).expect_err(what).to_string();
        assert!(error.contains("clusters.safetensors") && error.contains(words), "{what}: {error}");
    }
    let mut damaged = sound.clone();
    damaged.labels[0] = 60;
    damaged.write(home.path(), 0).unwrap();
    assert!(read_labels(home.path(), 0).unwrap_err().to_string().contains("`labels` holds 60"));
}

#[test]
fn rank_lists_whose_matches_run_backwards_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let mut ranks = RankSnapshot {
        ap: vec![0.5, 1.0],
        top: 1,
        ranks: vec![0, 1],
        distances: vec![0.1, 0.2],
        match_indptr: vec![0, 1, 2],
        match_index: vec![3, 4],
        match_rank: vec![1, 1],
        match_distance: vec![0.1, 0.2],
    };
    ranks.write(home.path(), 0).unwrap();
    RankSnapshot::read(home.path(), 0).unwrap();
    for odd in [vec![0, 2, 1], vec![0, 1, 7], vec![2, 1, 2]] {
        ranks.match_indptr = odd;
        ranks.write(home.path(), 0).unwrap();
        let error = RankSnapshot::read(home.path(), 0).unwrap_err().to_string();
        assert!(error.contains("`match_indptr`"), "{error}");
    }
}

#[test]
fn panels_say_what_is_wrong_with_a_damaged_snapshot() {
    let home = tempfile::tempdir().unwrap();
    let view = write_run(home.path(), 60);
    let mut damaged = ClusterSnapshot::read(home.path(), 0).unwrap();
    damaged.labels[3] = i32::MAX;
    damaged.write(home.path(), 0).unwrap();
    for pane in [Pane::Map, Pane::Eq8, Pane::Browser] {
        let mut harness = window(pane, view.clone());
        wait_for(&mut harness, "The clusters cannot be read");
        wait_for(&mut harness, "`labels` holds 2147483647");
    }
}

#[test]
fn a_question_about_parts_of_other_runs_is_answered_with_a_sentence() {
    let home = tempfile::tempdir().unwrap();
    let (run, other) = (home.path().join("run"), home.path().join("other"));
    let view = write_run(&run, 60);
    write_run(&other, 40);
    let base = Base::of(&view, 0).unwrap();
    let mut params = base.params.clone();
    params.k1 = 10;
    let ask = |params: &Params| answer_now(&base, &WhatIfQuestion::Clusters(Box::new(params.clone())));
    ask(&params).unwrap();
    write_features(&run, 0, 16, &vec![0.25; 40 * 16], &[0; 40], &[0; 40]).unwrap();
    assert_eq!(ask(&params).unwrap_err(), "The features kept are of 40 images, the clusters of 60.");
    std::fs::copy(graph_path(&other, 0), graph_path(&run, 0)).unwrap();
    assert_eq!(ask(&base.params).unwrap_err(), "The distances of this epoch are of 40 images, its clusters of 60.");
}

#[cfg(unix)]
#[test]
fn a_pipe_in_place_of_a_snapshot_is_refused_at_once() {
    let home = tempfile::tempdir().unwrap();
    let view = write_run(home.path(), 60);
    let path = part_path(home.path(), 0, SnapshotPart::Clusters);
    std::fs::remove_file(&path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let mut harness = window(Pane::Map, view);
    wait_for(&mut harness, "The clusters cannot be read");
    wait_for(&mut harness, "not a file");
}

#[test]
fn distances_beyond_one_are_refused() {
    let home = tempfile::tempdir().unwrap();
    write_run(home.path(), 60);
    let path = graph_path(home.path(), 0);
    let mut bytes = std::fs::read(&path).unwrap();
    // Every array of the file is four bytes wide and written in order, so the last is a distance.
    let at = bytes.len() - 4;
    bytes[at..].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(&path, bytes).unwrap();
    let error = read_graph(home.path(), 0).unwrap_err().to_string();
    assert!(error.contains("not between 0 and 1"), "{error}");
}

#[test]
fn a_panic_becomes_a_sentence() {
    let why = guarded("Counting", || panic!("{} is odd.\nsecond line", 3)).unwrap_err();
    assert_eq!(why, "Counting failed inside: 3 is odd. Please report it.");
    assert_eq!(guarded("Counting", || 3), Ok(3));
}

#[test]
fn work_that_panics_is_told_once_and_its_thread_ends() {
    let ctx = egui::Context::default();
    let mut job: Job<u32> = Job::default();
    let begun = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&begun);
    job.start("table", &ctx, move || {
        counted.fetch_add(1, Ordering::SeqCst);
        panic!("index out of bounds")
    });
    let since = Instant::now();
    while job.busy() {
        assert_eq!(job.poll(), None);
        assert!(since.elapsed() < Duration::from_secs(10));
        std::thread::yield_now();
    }
    assert_eq!(job.failure(), Some("The table failed inside: index out of bounds. Please report it."));
    assert_eq!(begun.load(Ordering::SeqCst), 1);
    job.start("table", &ctx, || 4);
    assert_eq!(job.failure(), None);
    assert_eq!(job.wait(Duration::from_secs(10)), Some(4));
}

/// A run whose method labels each image once.
fn plain_run(dir: &Path) -> RunView {
    let nb = Neighbours { n: 5, k: 1, index: (0..5).collect(), dist: vec![0.0; 5] };
    ClusterSnapshot::new(&plain(), &nb, &[0.0; 10]).write(dir, 0).unwrap();
    Images::new([]).unwrap().write(dir).unwrap();
    let params = Params::default();
    let mut view = RunView::default();
    (view.folder, view.params) = (Some(dir.to_owned()), Some(params.clone()));
    view.clusters.insert(0, ClusterView { summary: plain().summary(&params, None), seconds: [0.0; 4] });
    view.snapshots.insert((0, EpochPart::Clusters), 1);
    view
}

#[test]
fn panels_that_compare_radii_say_that_a_method_has_none() {
    let home = tempfile::tempdir().unwrap();
    let view = plain_run(home.path());
    for pane in [Pane::Eq8, Pane::Reliability, Pane::WhatIf, Pane::Sweep] {
        let mut harness = window(pane, view.clone());
        wait_for(&mut harness, "No radii in this run");
    }
    // What does not need them is there.
    let mut harness = window(Pane::Browser, view.clone());
    wait_for(&mut harness, "Cluster 0, 2 images");
    let mut harness = window(Pane::Clusters, view);
    wait_for(&mut harness, "2 clusters");
    assert!(harness.query_all_by_label_contains("tight").next().is_none());
}

#[test]
fn an_old_epoch_is_judged_as_it_was_then() {
    let home = tempfile::tempdir().unwrap();
    let mut view = write_run(home.path(), 60);
    let summary = view.clusters[&0].summary.clone();
    let then = summary.threshold.unwrap();
    // Epoch 0 had a fixed threshold, 1 found one, 2 carries it; the rule of today is another.
    let judged = |rule: Rule| Some(reid_workbench::method::cluster::Judged { rule, ..summary.judged.unwrap() });
    for (epoch, rule) in [(0, Rule::Fixed), (1, Rule::Quantile), (2, Rule::Quantile)] {
        let summary = reid_workbench::method::cluster::ClusterSummary { judged: judged(rule), ..summary.clone() };
        view.clusters.insert(epoch, ClusterView { summary, seconds: [0.0; 4] });
        view.snapshots.insert((epoch, EpochPart::Clusters), epoch as u64 + 1);
    }
    let params = view.params.as_mut().unwrap();
    params.reliability.rule = Rule::PaperLiteral;
    params.refined = false;
    let of = |epoch: usize| Base::of(&view, epoch).unwrap();
    let rules = [0, 1, 2].map(|e| (of(e).params.refined, of(e).params.reliability.rule));
    assert_eq!(rules, [(true, Rule::Fixed), (true, Rule::Quantile), (true, Rule::Quantile)]);
    assert_eq!([0, 1, 2].map(|e| of(e).carried), [None, None, Some(then)], "a fixed threshold is not carried on");
}

#[test]
fn changes_made_since_are_taken_back_where_a_run_does_not_say_how_it_judged() {
    let home = tempfile::tempdir().unwrap();
    let mut view = write_run(home.path(), 60);
    for epoch in 0..3 {
        let mut clusters = view.clusters[&0].clone();
        clusters.summary.judged = None;
        view.clusters.insert(epoch, clusters);
        view.snapshots.insert((epoch, EpochPart::Clusters), epoch as u64 + 1);
    }
    let change = |key: &str, old: &str, new: &str, epoch| ParamChange {
        key: key.to_owned(),
        old: Value::Text(old.to_owned()),
        new: Value::Text(new.to_owned()),
        phase: Phase::Adapt,
        epoch,
        iter: 0,
    };
    view.changes =
        vec![change("reliability.cluster", "max", "mean", 1), change("reliability.cluster", "mean", "min", 2)];
    view.params.as_mut().unwrap().assign("reliability.cluster=min").unwrap();
    let names = [0, 1, 2].map(|e| Base::of(&view, e).unwrap().params.reliability.cluster.name());
    assert_eq!(names, ["max", "mean", "min"]);
}

#[test]
fn a_run_that_claims_to_plan_more_epochs_than_there_are_seconds_is_shown() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    write_run(&run, 60);
    let path = events_path(&run);
    let text = std::fs::read_to_string(&path).unwrap();
    let epochs = format!("\"adapt\":{{\"epochs\":{}", Params::default().adapt.epochs);
    assert!(text.contains(&epochs), "the events name the epochs planned");
    std::fs::write(&path, text.replace(&epochs, "\"adapt\":{\"epochs\":9223372036854775808")).unwrap();
    let began = Instant::now();
    Window::on(&run);
    assert!(began.elapsed() < Duration::from_secs(20), "the window came up after {:?}", began.elapsed());
}
