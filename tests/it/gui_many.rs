//! Many runs in the window, by label: ticked and overlaid, compared, named, noted, deleted and put back.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use eframe::egui::{Key, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use reid_workbench::base::text::{number, signed};
use reid_workbench::gui::naming::names;
use reid_workbench::gui::panels::Pane;
use reid_workbench::gui::run_columns;
use reid_workbench::launch::SweepSpec;
use reid_workbench::launch::follow::Followed;
use reid_workbench::launch::study::Study;
use reid_workbench::launch::sweep::Sweep;
use reid_workbench::method::params::Params;
use reid_workbench::run::event::NO_SOURCE;
use reid_workbench::run::label::Label;
use reid_workbench::run::snapshot::RankSnapshot;
use reid_workbench::run::summary::Summary;
use reid_workbench::run::view::RunView;
use reid_workbench::study::filter::Terms;
use serde_json::Value;

use crate::sample_run;
use crate::support::window::Window;

const LIMIT: Duration = Duration::from_secs(30);

/// A recorded run with another eps and seed, and `more` points of mAP at its end.
pub fn variant(dir: &Path, eps: f64, seed: u64, more: f64) {
    sample_run::write(dir);
    let edit = |name: &str, change: &dyn Fn(String) -> String| {
        let path = dir.join(name);
        std::fs::write(&path, change(std::fs::read_to_string(&path).unwrap())).unwrap();
    };
    edit("params.toml", &|text| {
        text.replace("eps = 0.6\n", &format!("eps = {eps}\n")).replace("seed = 1\n", &format!("seed = {seed}\n"))
    });
    edit("manifest.json", &|text| text.replace("\"seed\": 1", &format!("\"seed\": {seed}")));
    edit("events.jsonl", &|text| {
        let line = |line: &str| {
            let mut event: Value = serde_json::from_str(line).unwrap();
            if event["type"] == "started" {
                event["params"]["eps"] = eps.into();
                event["params"]["seed"] = seed.into();
            }
            if event["type"] == "evaluated" && event["domain"] == "target" {
                event["retrieval"]["mAP"] = (event["retrieval"]["mAP"].as_f64().unwrap() + more / 100.0).into();
            }
            event.to_string() + "\n"
        };
        text.lines().map(line).collect()
    });
    let mut ranks = RankSnapshot::read(dir, sample_run::EPOCHS).unwrap();
    for query in 0..6 {
        ranks.ap[query] = (ranks.ap[query] + more / 100.0 * (query as f64 - 1.5)).clamp(0.0, 1.0);
    }
    ranks.write(dir, sample_run::EPOCHS).unwrap();
}

/// Three runs: the plain one, and two seeds of another eps.
pub fn three_runs() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let runs = home.path().join("runs");
    variant(&runs.join("a"), 0.6, 1, 0.0);
    variant(&runs.join("b"), 0.55, 2, 1.0);
    variant(&runs.join("c"), 0.55, 3, 3.0);
    (home, runs)
}

const PLAIN: &str = "whole method, seed 1";

#[test]
fn three_ticked_runs_are_overlaid_with_the_baseline_and_two_seeds_as_one() {
    let (_home, runs) = three_runs();
    let mut window = Window::among(&runs, Some(runs.join("a")));
    window.until("Done");
    assert!(!window.shows("Retrieval of") && !window.shows("mAP of"), "one run is drawn as ever");
    window.click("Tick eps 0.55, seed 2");
    window.click("Tick eps 0.55, seed 3");
    window.click(&format!("Tick {PLAIN}"));
    window.bring(Pane::RunTable);
    window.click(&format!("Baseline {PLAIN}"));
    window.until("mAP of 3 runs");
    let base = sample_run::retrieval_at_end();
    // Two seeds one and three points above: two on the mean, with their deviation.
    let expected = format!(
        "mAP of 3 runs: {PLAIN} ★ {:.1}; eps 0.55, 2 seeds {:.1} ± 1.4 (+2.0)",
        100.0 * base,
        100.0 * base + 2.0
    );
    assert_eq!(window.label_with("mAP of 3 runs"), expected);
    assert!(window.label_with("Loss of 3 runs").contains("(0.00)"), "{}", window.label_with("Loss of 3 runs"));
    assert!(window.shows("beside eps 0.55, 2 seeds"), "Reliability");
    window.bring(Pane::Clusters);
    for what in ["clusters of 3 runs", "outliers of 3 runs"] {
        let said = window.label_with(what);
        assert!(said.contains("★") && said.contains("± 0 (0)"), "{said}");
    }
    // The differences of the run on screen to the baseline: those that differ, and no others.
    assert!(!window.shows("Differs from"));
    window.click("eps 0.55, seed 3");
    window.until("Differs from \u{e46a}");
    window.until("2 of ");
    assert!(
        window.shows("0.6 → 0.55") && window.shows("1 → 3") && window.shows("Against \u{e46a}") && window.shows("+3.0")
    );
    window.click("Untick all");
    window.until_it("mAP of", false);
}

#[test]
fn ticks_are_kept_from_start_to_start_and_those_of_runs_that_went_are_dropped_without_a_word() {
    // As it is by default: a folder of runs that is named from where the program was started.
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let runs = home.path().strip_prefix(std::env::current_dir().unwrap()).unwrap_or(home.path()).join("runs");
    variant(&runs.join("a"), 0.6, 1, 0.0);
    variant(&runs.join("b"), 0.55, 2, 1.0);
    variant(&runs.join("c"), 0.55, 3, 3.0);
    let mut window = Window::among(&runs, Some(runs.join("a")));
    window.until("Done");
    for run in ["eps 0.55, seed 2", "eps 0.55, seed 3", PLAIN] {
        window.click(&format!("Tick {run}"));
    }
    window.until("mAP of 3 runs");
    let kept = window.keep();
    std::fs::remove_dir_all(runs.join("b")).unwrap();
    let mut window = Window::again(&kept, &runs, Some(runs.join("a")));
    window.until("Done");
    window.until("mAP of 2 runs");
    assert!(!window.shows("cannot be shown"));
    // Folders are kept from the root: the next start may be elsewhere.
    let text = kept.0.values().find(|text| text.contains("ticked")).unwrap();
    let saved: Value = serde_json::from_str(text).unwrap();
    let ticked = saved["frame"]["marks"]["ticked"].as_array().unwrap();
    assert!(ticked.len() == 3 && ticked.iter().all(|f| Path::new(f.as_str().unwrap()).is_absolute()), "{ticked:?}");
}

#[test]
fn runs_are_named_noted_filtered_duplicated_deleted_and_put_back() {
    let (home, runs) = three_runs();
    let trash = home.path().join("trash");
    let mut window = Window::among(&runs, Some(runs.join("b")));
    window.harness.state_mut().trash_into(trash.clone());
    window.until("Done");
    window.click("Menu of eps 0.55, seed 2");
    window.click("Rename or note…");
    window.fill("Name of the run", "the good one");
    window.fill("Note on the run", "from Tuesday");
    window.click("Keep");
    window.until("Menu of the good one");
    let label = Label { name: "the good one".to_owned(), note: "from Tuesday".to_owned() };
    assert_eq!(Label::read(&runs.join("b")), label);
    // A name that another program writes is seen, too.
    Label { name: "theirs".to_owned(), ..Label::default() }.write(&runs.join("c")).unwrap();
    window.until("Tick theirs");

    window.click("Filter the runs");
    window.fill("Filter of the runs", "eps<0.58 tuesday");
    window.until_it("Tick theirs", false);
    assert!(window.shows("Tick the good one") && window.shows("2 more are hidden"));
    window.fill("Filter of the runs", "epz<1");
    assert!(window.shows("“epz” is not known; perhaps eps.") && !window.shows("Tick theirs"), "the one before counts");
    // What can be written is offered, Tab takes it, and a filter can be kept.
    window.fill("Filter of the runs", "k");
    window.until("k2  k2");
    window.press(Key::Tab);
    let typed = |window: &Window| window.harness.get_by_label("Filter of the runs").accesskit_node().value();
    assert_eq!(typed(&window).as_deref(), Some("k1"));
    let node = window.harness.get_by_label("Filter of the runs");
    assert!(node.accesskit_node().is_focused(), "typing goes on behind the word");
    window.fill("Filter of the runs", "eps<0.58 tuesday");
    window.click("Filter of the runs: kept ones");
    window.click("Keep this filter");
    window.fill("Filter of the runs", " ");
    window.until("Tick theirs");
    window.click("Filter of the runs: kept ones");
    window.click("eps<0.58 tuesday");
    window.until_it("Tick theirs", false);
    window.fill("Filter of the runs", "good");

    window.bring(Pane::RunTable);
    window.until("the good one, done, 6, ");
    window.click("Menu of the good one");
    window.click("Duplicate as a new run…");
    window.until("Start run");
    assert!(window.shows("eps 0.55"), "the run's own values by hand are in the dialog");
    window.click("Close the dialog");

    window.click("Tick the good one");
    window.click("Menu of the good one");
    window.click("Move to the trash");
    window.until("the good one is in the trash");
    window.until_it("Tick the good one", false);
    assert!(!runs.join("b").exists() && trash.join("files/b/events.jsonl").is_file());
    let info = std::fs::read_to_string(trash.join("info/b.trashinfo")).unwrap();
    let from = runs.canonicalize().unwrap().join("b");
    assert!(info.starts_with(&format!("[Trash Info]\nPath={}\nDeletionDate=", from.display())), "{info}");
    window.click("Put back");
    window.until("Tick the good one");
    assert!(runs.join("b/events.jsonl").is_file() && !trash.join("info/b.trashinfo").exists());
}

#[test]
fn the_paired_interval_is_that_of_the_command_line() {
    let (home, runs) = three_runs();
    let mut window = Window::among(&runs, Some(runs.join("a")));
    window.until("Done");
    for name in [PLAIN, "eps 0.55, seed 2", "eps 0.55, seed 3"] {
        window.click(&format!("Tick {name}"));
    }
    window.bring(Pane::Compare);
    window.until("3 runs against");
    let output = Command::new(env!("CARGO_BIN_EXE_reid-workbench"))
        .current_dir(home.path())
        .args(["compare", "runs/a", "runs/b", "runs/c"])
        .output()
        .unwrap();
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    let points = |x: &Value| signed(100.0 * x.as_f64().unwrap(), 1);
    for (n, name) in ["eps 0.55, seed 2", "eps 0.55, seed 3"].into_iter().enumerate() {
        let by_person = &all["per_query"][n]["by_person"];
        let interval = format!("{} to {}", points(&by_person["interval"][0]), points(&by_person["interval"][1]));
        let p = number(by_person["p"].as_f64().unwrap(), 3);
        let row = window.label_with(&format!("{name}, "));
        assert!(row.contains(&format!(", {interval}, {p}, ")), "{interval}, {p}: {row}");
    }
    // Parameters that are the same in all runs are left out; the others stand in the order of the runs.
    window.until("eps, 0.6, 0.55, 0.55");
    window.until("seed, 1, 2, 3");
    assert!(!window.shows("delta_d, ") && window.shows("Over seeds"));

    window.click("people");
    let mean = format!("people drawn: {}, 95 % interval", points(&all["per_query"][1]["by_person"]["mean"]));
    window.until(&mean);
    assert!(window.shows("People who win") && window.shows("People who lose"));
    // Query by query: the largest gain first, with the lists of both runs.
    window.click("queries");
    window.until("Rank list of eps 0.55, seed 2, query 5");
    assert!(window.shows(&format!("Rank list of {PLAIN} \u{e46a}, query 5")));
    let fourth = window.label_with("4, 4, ");
    assert!(fourth.starts_with("4, 4, ") && fourth.contains(", +2.5"), "{fourth}");
    window.click(&fourth);
    window.until("Rank list of eps 0.55, seed 2, query 4");
    window.click("clusters");
    window.until("6, \u{e46a} 6, 1.000, 1.000");
    window.click("published");
    window.until("the paper, ");
    assert!(window.shows("its target is synthetic-station"), "what keeps the two from being compared is said");
    window.click("Untick all");
    window.until("Nothing to compare");
}

/// A sweep over eps and seed as its process leaves it: three trials done, one failed, two that wait.
fn a_sweep(dir: &Path) {
    let text = "name = \"radius\"\nabout = \"Two radii, three seeds\"\nsource = \"synthetic-plaza\"\n\
                target = \"synthetic-station\"\npreset = \"demo\"\n[grid]\neps = [0.6, 0.55]\nseed = [1, 2, 3]\n";
    let spec = SweepSpec::parse(text).unwrap();
    drop(Sweep::open(dir, spec.clone()).unwrap());
    let trials = dir.join("trials");
    variant(&trials.join("0000"), 0.6, 1, 0.0);
    variant(&trials.join("0001"), 0.6, 2, 1.0);
    variant(&trials.join("0003"), 0.55, 1, 4.0);
    let failed = Study::open(dir, &spec, &spec.trials().unwrap());
    failed.unwrap().ended(2, &Followed::default(), Some("it ran out of memory")).unwrap();
}

#[test]
fn a_sweep_is_looked_at_filtered_stopped_gone_on_with_and_added_to() {
    let home = tempfile::tempdir().unwrap();
    let (runs, dir) = (home.path().join("runs"), home.path().join("sweeps/radius"));
    std::fs::create_dir_all(&runs).unwrap();
    a_sweep(&dir);
    let mut window = Window::among(&runs, None);
    let stub = home.path().join("stub");
    std::fs::write(&stub, format!("#!/bin/sh\necho \"$@\" >> {}/asked\n", home.path().display())).unwrap();
    std::fs::set_permissions(&stub, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    window.harness.state_mut().sweep_with(stub);
    window.bring(Pane::Sweeps);
    window.until("6 trials, 3 done, 1 failed");
    let base = 100.0 * sample_run::retrieval_at_end();
    assert!(window.shows(&format!("best mAP so far {}", number(base + 4.0, 1))));
    assert!(
        window.shows("2, 0.6, 3, failed")
            && window.shows("it ran out of memory")
            && window.shows("4, 0.55, 2, waiting")
    );

    // Over seeds: the two that are done of three.
    window.click("over seeds");
    window.until(&format!("eps 0.6, 2 of 3, {} ± 0.7", number(base + 0.5, 1)));
    window.click("scatter");
    window.until("mAP against eps: 3 trials");
    window.click("axes");
    window.until("Parallel axes of eps, seed, silhouette, rank-1, mAP, 6 of 6 trials");
    // The upper half of the axis of eps.
    let axis = window.harness.get_by_label("Axis eps").rect();
    window.harness.drag_at(axis.center_top() + vec2(0.0, 2.0));
    window.harness.run_steps(2);
    window.harness.hover_at(axis.center());
    window.harness.run_steps(2);
    window.harness.drop_at(axis.center());
    window.harness.run_steps(2);
    window.until("3 of 6 trials");
    assert!(!window.shows("3, 0.55, 1, done"));
    window.click("Axis eps");
    window.until("6 of 6 trials");
    window.fill("Filter of the trials", "map>50 eps<0.6");
    window.until("1 of 6 trials");
    window.fill("Filter of the trials", "done");
    window.click("trials");

    // A row opens its run, and ticks it.
    window.click("Tick trial 3 eps 0.55, seed 1");
    window.harness.query_all_by_label_contains("0, 0.6, 1, done").next().unwrap().click();
    window.until("mAP of 2 runs");

    window.click("More of this sweep");
    window.fill("Values to enqueue", "eps=0.5 seed=7");
    window.click("Enqueue these values");
    window.fill("Filter of the trials", " ");
    let spec = SweepSpec::read(&dir.join("spec.toml")).unwrap();
    let began = Instant::now();
    let added = loop {
        let mut study = Study::open(&dir, &spec, &spec.trials().unwrap()).unwrap();
        if let Some((_, added)) = study.adopt(6).unwrap().pop() {
            break added;
        }
        assert!(began.elapsed() < LIMIT, "the study has no new trial");
        window.harness.run_steps(1);
    };
    assert_eq!(added.settings, [("eps".to_owned(), "0.5".to_owned()), ("seed".to_owned(), "7".to_owned())]);
    window.until("6, 0.5, 7, waiting");

    // A dashboard is served once and its page opened as often as asked for.
    let server = home.path().join("server");
    let text = format!(
        "#!/bin/sh\necho \"$@\" >> {}/served\nexec python3 -m http.server --bind $3 $5\n",
        home.path().display()
    );
    std::fs::write(&server, text).unwrap();
    std::fs::set_permissions(&server, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    window.harness.state_mut().serve_with(server);
    for _ in 0..2 {
        window.click("More of this sweep");
        window.click("Open in optuna-dashboard");
        window.until("optuna-dashboard serves the sweep");
    }
    let served = std::fs::read_to_string(home.path().join("served")).unwrap();
    assert_eq!(served.lines().count(), 1, "{served}");
    assert!(served.starts_with(&format!("{} --host 127.0.0.1 --port ", dir.join("study.log").display())), "{served}");

    window.click("Re-run 1 failed");
    window.until("A sweep has ended");
    window.click("More of this sweep");
    window.click("Begin another");
    window.click("ablation-demo");
    let began = Instant::now();
    let asked = || std::fs::read_to_string(home.path().join("asked")).unwrap_or_default();
    while asked().lines().count() < 2 {
        assert!(began.elapsed() < LIMIT, "{}", asked());
        window.harness.run_steps(1);
    }
    let sweeps = home.path().join("sweeps");
    let expected = format!(
        "sweep {} --retry\nsweep ablation-demo --out {}\n",
        dir.display(),
        sweeps.join("ablation-demo").display()
    );
    assert_eq!(asked(), expected);
}

#[test]
fn the_ablation_is_one_button_and_its_table_stands_beside_the_papers() {
    let home = tempfile::tempdir().unwrap();
    let runs = home.path().join("runs");
    std::fs::create_dir_all(&runs).unwrap();
    let mut window = Window::among(&runs, None);
    window.harness.state_mut().sweep_with("/bin/true".into());
    window.bring(Pane::Sweeps);
    window.until("No sweep yet");
    window.click("Ablation");
    window.until("The sweep in ");
    // What the process leaves: here three seeds of one row.
    let dir = home.path().join("sweeps/ablation-demo");
    drop(Sweep::open(&dir, SweepSpec::read(Path::new("ablation-demo")).unwrap()).unwrap());
    for seed in 1..=3 {
        variant(&dir.join(format!("trials/{:04}", seed - 1)), 0.6, seed, seed as f64);
    }
    window.until("12 trials, 3 done");
    window.click("over seeds");
    let mean = number(100.0 * sample_run::retrieval_at_end() + 2.0, 1);
    window.until(&format!("baseline, 3 of 3, {mean} ± 1.0, "));
    let row = window.label_with("baseline, 3 of 3");
    assert!(row.contains("48.0, ") && row.contains("46.4, "), "Tables 2 and 3: {row}");
}

fn summary(folder: &str, assignments: &[&str]) -> Summary {
    let mut params = Params::default();
    params.apply_presets("demo").unwrap();
    for assignment in assignments {
        params.assign(assignment).unwrap();
    }
    let mut view = RunView::default();
    (view.source, view.target, view.params) = ("plaza".to_owned(), "station".to_owned(), Some(params));
    Summary::of(Path::new(folder), &view, 1)
}

fn named(runs: &[Summary]) -> Vec<String> {
    names(&runs.iter().collect::<Vec<_>>()).into_iter().map(|n| n.name).collect()
}

#[test]
fn runs_are_named_by_what_differs_and_no_two_alike() {
    let one = named(&[summary("runs/a", &["eps=0.5"])]);
    assert_eq!(one, ["eps 0.5"]);
    // Features alone are called what they are, not after a method of training.
    let mut made = summary("runs/f", &[]);
    (made.source, made.title) = (NO_SOURCE.to_owned(), "features of 2000 × 128 made".to_owned());
    assert_eq!(named(&[made]), ["features of 2000 × 128 made"]);
    let runs = [
        summary("runs/a", &["adapt.epochs=3"]),
        summary("runs/b", &["adapt.epochs=3", "eps=0.52"]),
        summary("runs/c", &["adapt.epochs=3", "eps=0.52", "seed=2"]),
        summary("runs/2026-11-22T10-00-00_x", &["adapt.epochs=3"]),
    ];
    let found = names(&runs.iter().collect::<Vec<_>>());
    let words: Vec<&str> = found.iter().map(|n| n.name.as_str()).collect();
    assert_eq!(words[1..3], ["eps 0.52, seed 1", "eps 0.52, seed 2"], "all have three epochs, so none is named so");
    assert_eq!([words[0], words[3]], ["whole method, seed 1 · a", "whole method, seed 1 · 11-22 10:00"]);
    assert_eq!(found[1].setting, found[2].setting);
    let mut given = summary("runs/d", &["eps=0.4"]);
    given.label.name = "mine".to_owned();
    assert_eq!(named(&[summary("runs/a", &[]), given])[1], "mine");
}

#[test]
fn words_and_comparisons_must_all_hold() {
    let known = run_columns::vocabulary(true);
    let mut run = summary("runs/a", &["eps=0.55"]);
    run.title = "plaza → station".to_owned();
    let passes = |text: &str| run_columns::passes(&Terms::parse(text, &known).unwrap(), &run, "Baseline");
    assert!(
        passes("") && passes("base station eps<0.6 eps!=0.5 reliability.score=EQ8") && passes("eps<=0.55 eps=0.550")
    );
    assert!(!passes("base eps>0.6") && !passes("other") && !passes("map>1"), "what is not known passes nothing");
    assert!(Terms::parse("x<1", &known).unwrap_err().why.contains("“x” is not known"));
    assert!(Terms::parse("eps<", &known).is_err() && Terms::parse("eps!1", &known).is_err());
    assert!(Terms::parse("map>40", &run_columns::vocabulary(false)).is_err(), "labels are switched off");
}

#[test]
fn the_run_of_the_last_session_is_lit_in_the_list() {
    // The folder of runs is named from where the window was started; what is kept is named from the root.
    let here = std::env::current_dir().unwrap();
    std::fs::create_dir_all(here.join("target")).unwrap();
    let home = tempfile::tempdir_in(here.join("target")).unwrap();
    let runs = home.path().strip_prefix(&here).unwrap().join("runs");
    sample_run::write(&runs.join("first"));
    let mut window = Window::among(&runs, Some(runs.join("first")));
    window.until("Done");
    let kept = window.keep();
    drop(window);
    let mut again = Window::again(&kept, &runs, None);
    again.until("Done");
    let lit = |window: &Window| {
        let rows = window.harness.query_all_by_role(eframe::egui::Role::ListBoxOption);
        rows.filter(|row| row.accesskit_node().toggled() == Some(eframe::egui::accesskit::Toggled::True)).count()
    };
    again.harness.run_steps(3);
    assert_eq!(lit(&again), 1);
}
