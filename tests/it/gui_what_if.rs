//! What-if in the window: sliders, numbers, apply; against the `cluster` command on the same features.

use std::path::Path;
use std::sync::Arc;

use egui_kittest::kittest::{NodeT, Queryable};
use reid_workbench::data::synthetic::features::{FeatureSpec, generate};
use reid_workbench::engine::command::Command;
use reid_workbench::engine::feature_run::{self, FeatureSet};
use reid_workbench::gui::view_model::RunView;
use reid_workbench::gui::what_if::worker::{ClusterVerdict, Reply, WhatIfAnswer, WhatIfQuestion, answer_now, verdicts};
use reid_workbench::gui::what_if::{Base, WhatIf};
use reid_workbench::method::cluster::ClusterSummary;
use reid_workbench::method::error::no_tick;
use reid_workbench::method::params::{Params, Value};
use reid_workbench::run::RunReader;

use crate::cli_cluster::{json, program};
use crate::support::window::Window;

/// A run made of 700 features with identities, on which every slider does something.
pub fn write_run(dir: &Path) {
    write_run_with(dir, &Params::default());
}

fn write_run_with(dir: &Path, params: &Params) {
    let spec =
        FeatureSpec { seed: 5, n: 700, d: 64, r: 24, lo: 3, hi: 24, n_out: 60, A: 10, B: 7, C: 3, D: 5, n_cams: 4 };
    let made = generate(&spec);
    let set = FeatureSet {
        name: "made",
        features: &made.features,
        d: spec.d,
        pids: Some(&made.pid),
        camids: Some(&made.camid),
        paths: None,
    };
    feature_run::write(dir, &set, params, [&no_tick, &no_tick]).unwrap();
}

/// The run in the layout that tunes.
fn window_on(run: &Path) -> Window {
    let mut window = Window::on(run);
    window.click("Tune");
    window.until("What would change");
    window
}

#[test]
fn what_a_slider_shows_is_what_the_cluster_command_finds() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    write_run(&run);
    let mut window = window_on(&run);
    let out = home.path().join("o.safetensors");
    let truth = |set: &[&str]| {
        let mut command = program();
        command.arg("cluster").arg(run.join("features.safetensors")).arg("--out").arg(&out);
        set.iter().for_each(|s| {
            command.arg("--set").arg(s);
        });
        json(&mut command)
    };
    let own = truth(&[]);
    for (label, key, value) in
        [("Try eps", "eps", 0.52), ("Try Δd", "delta_d", 0.05), ("Try min samples", "min_samples", 6.0)]
    {
        window.set(label, value);
        let found = truth(&[&format!("{key}={value}")]);
        for (name, key) in [("reliable clusters", "reliable"), ("images kept", "kept")] {
            window.until(&format!("{name} {} would become {}", own[key], found[key]));
        }
        let (old, new) = (&own["clusters"]["normal"], &found["clusters"]["normal"]);
        window.until(&format!("clusters {old} would become {new}"));
        let (old, new) = (&own["noise"]["normal"], &found["noise"]["normal"]);
        window.until(&format!("outliers {old} would become {new}"));
        let purity = |x: &serde_json::Value| format!("{:.3}", x["quality"]["purity"].as_f64().unwrap());
        window.until(&format!("purity {} would become {}", purity(&own), purity(&found)));
        window.click("Back to the run's values");
    }
    // k1 needs the features: those of the newest epoch are there.
    window.set("Try k1", 20.0);
    let found = truth(&["k1=20"]);
    let (old, new) = (&own["clusters"]["normal"], &found["clusters"]["normal"]);
    window.until(&format!("clusters {old} would become {new}"));
}

#[test]
fn neighbours_by_an_index_are_not_passed_off_as_exact() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    let mut params = Params::default();
    params.assign("neighbours.search=ivf").unwrap();
    params.assign("neighbours.probes=2").unwrap();
    write_run_with(&run, &params);
    let window = window_on(&run);
    let summary = RunView::of_folder(&RunReader::open(&run).unwrap()).clusters[&0].summary.clone();
    let recall = summary.index.unwrap().measured.recall;
    assert!((0.1..1.0).contains(&recall), "{recall}");
    let share = format!("Neighbours by an index, 2 of 106 lists: {:.1} %", (1e3 * recall).floor() / 10.0);
    assert!(window.shows(&share), "{share}");
    let home = tempfile::tempdir().unwrap();
    write_run(&home.path().join("run"));
    assert!(!window_on(&home.path().join("run")).shows("by an index"), "compared with all");
}

#[test]
fn the_map_shows_the_clusters_that_are_tried() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    write_run(&run);
    let mut window = window_on(&run);
    window.click("Cluster map");
    let outliers = |window: &Window| {
        let node = window.harness.query_all_by_label_contains(" images, colour").next();
        node.and_then(|n| n.accesskit_node().label()).unwrap_or_default()
    };
    window.until("700 images, colour cluster");
    let before = outliers(&window);
    assert!(before.starts_with("Cluster map, "), "{before}");
    window.set("Try eps", 0.5);
    window.until("Cluster map of the what-if, ");
    let mut command = program();
    command.arg("cluster").arg(run.join("features.safetensors")).arg("--out").arg(home.path().join("o.safetensors"));
    let found = json(command.args(["--set", "eps=0.5"]));
    let tried = outliers(&window);
    assert!(tried.contains(&format!("colour cluster, {} outliers", found["noise"]["normal"])), "{tried}");
    window.click("Discard");
    window.until("Cluster map, ");
    assert_eq!(outliers(&window), before);
}

#[test]
fn apply_sends_what_is_tried_and_discard_goes_back() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    write_run(&run);
    let mut window = window_on(&run);
    window.set("Try eps", 0.5);
    window.until("would become");
    window.until("not applied");
    window.click("Discard");
    assert!(!window.shows("would become") && !window.shows("not applied"));
    // The run has ended: its values become those of the next run, and the engine hears nothing.
    window.set("Try eps", 0.5);
    window.until("would become");
    window.click("Apply to the next run");
    let sent = window.engine.asked();
    assert!(!sent.iter().any(|c| matches!(c, Command::SetParam { .. })), "{sent:?}");
    window.click("Research");
    window.until("eps, number");
    let shown = window.harness.get_by_label("eps, number");
    assert_eq!(shown.accesskit_node().value().as_deref(), Some("0.50"));
}

#[test]
fn a_sweep_is_a_click_and_a_click_on_a_cell_tries_it() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    write_run(&run);
    let mut window = window_on(&run);
    window.click("Sweep eps × Δd");
    window.until("eps 0.52 Δd 0.03: ");
    let out = home.path().join("o.safetensors");
    let mut command = program();
    command.arg("cluster").arg(run.join("features.safetensors")).arg("--out").arg(&out);
    let found = json(command.args(["--set", "eps=0.52", "--set", "delta_d=0.03"]));
    let cell = format!("eps 0.52 Δd 0.03: {} reliable clusters", found["reliable"]);
    assert!(window.shows(&cell), "{cell}");
    window.click(&cell);
    window.until(&format!("would become {}", found["kept"]));
}

#[test]
fn an_answer_to_an_older_question_is_dropped() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    write_run(&run);
    let view = RunView::of_folder(&RunReader::open(&run).unwrap());
    assert!(!view.trains(), "features alone: no seed, no method and no epochs to come are told of them");
    let base = Base::of(&view, 0).unwrap();
    let with = |eps: f64| {
        let mut params = base.params.clone();
        params.eps = eps;
        answer_now(&base, &WhatIfQuestion::Clusters(Box::new(params)))
    };
    let mut what_if = WhatIf::new(|| {});
    what_if.look_at(&view, None);
    what_if.set("eps", &Value::Float(0.40));
    what_if.set("eps", &Value::Float(0.55));
    // The first question was number 1; its answer comes late.
    what_if.on_reply(Reply { kind: 0, generation: 1, result: with(0.40), seconds: 0.1 });
    assert!(what_if.outcome().is_none() && what_if.is_waiting(0));
    what_if.on_reply(Reply { kind: 0, generation: 2, result: with(0.55), seconds: 0.1 });
    let newest = what_if.outcome().unwrap().0.clone();
    assert_eq!(newest.params.eps, 0.55);
    what_if.on_reply(Reply { kind: 0, generation: 1, result: with(0.40), seconds: 0.1 });
    assert!(Arc::ptr_eq(&newest, what_if.outcome().unwrap().0), "a stale answer has replaced a newer one");
}

#[test]
fn a_run_without_features_or_graph_says_what_is_missing() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    write_run(&run);
    let view = RunView::of_folder(&RunReader::open(&run).unwrap());
    let base = Base::of(&view, 0).unwrap();
    let mut params = base.params.clone();
    params.k1 = 20;
    std::fs::remove_file(run.join("features.safetensors")).unwrap();
    let why = answer_now(&base, &WhatIfQuestion::Clusters(Box::new(params.clone()))).unwrap_err();
    assert!(why.contains("k1 and k2 need the features"), "{why}");
    // eps goes on: the graph is there, as far as it reaches.
    params.k1 = base.params.k1;
    params.eps = 0.5;
    assert!(answer_now(&base, &WhatIfQuestion::Clusters(Box::new(params.clone()))).is_ok());
    params.eps = 0.94;
    let why = answer_now(&base, &WhatIfQuestion::Clusters(Box::new(params.clone()))).unwrap_err();
    assert!(why.contains("kept up to 0.90"), "{why}");
    std::fs::remove_file(run.join("epochs/0000/graph.safetensors")).unwrap();
    params.eps = 0.5;
    let why = answer_now(&base, &WhatIfQuestion::Clusters(Box::new(params))).unwrap_err();
    assert!(why.contains("not in the run folder"), "{why}");
}

#[test]
fn verdicts_say_what_becomes_of_a_cluster() {
    let run = [0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, -1];
    let now = [0, 0, 0, 1, 1, 2, 2, -1, -1, 3, 3, 3, 3, -1];
    let found = verdicts(&run, &now);
    assert_eq!(found[..3], [ClusterVerdict::Same, ClusterVerdict::Splits(2), ClusterVerdict::Dissolves]);
    assert_eq!(found[3..], [ClusterVerdict::Merges, ClusterVerdict::Merges]);
    let WhatIfAnswer::Clusters(_) = (match answer_now_on_itself() {
        Ok(answer) => answer,
        Err(why) => panic!("{why}"),
    }) else {
        panic!("not clusters")
    };
}

/// With the run's own parameters every cluster stays what it is.
fn answer_now_on_itself() -> Result<WhatIfAnswer, String> {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    write_run(&run);
    let view = RunView::of_folder(&RunReader::open(&run).unwrap());
    let base = Base::of(&view, 0).unwrap();
    let answer = answer_now(&base, &WhatIfQuestion::Clusters(Box::new(base.params.clone())));
    if let Ok(WhatIfAnswer::Clusters(outcome)) = &answer {
        assert!(outcome.verdicts.iter().all(|v| *v == ClusterVerdict::Same));
        // The slider's threshold stands where the rule put it, and scores without truth are the engine's to compute.
        let run = view.clusters[&0].summary.clone();
        let summary = outcome.summary.clone();
        assert_eq!(ClusterSummary { judged: run.judged, label_free: run.label_free, ..summary }, run);
    }
    answer
}
