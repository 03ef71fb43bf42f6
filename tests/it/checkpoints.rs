//! What a run keeps of its network on the way, and what can be made of it: branches, and a run that outlives its window.

use std::fs;

use assert_cmd::Command as Program;
use reid_workbench::engine::command::{At, Begin, Command, Fork, RunRequest};
use reid_workbench::engine::event::{Event, Phase, Stamped, State};
use reid_workbench::method::params::{Params, Value};
use reid_workbench::run::checkpoints::{self, Usage, Why};
use reid_workbench::run::{RunReader, RunView};

use crate::support::engine::{Driver, Tiny, files, losses, steps, tiny_params};

fn params(assignments: &[&str]) -> Params {
    let mut params = tiny_params();
    assignments.iter().for_each(|a| params.assign(a).unwrap());
    params
}

fn program(tiny: &Tiny, args: &[&str]) -> std::process::Output {
    let mut command = Program::new(env!("CARGO_BIN_EXE_reid-workbench"));
    command.env("REID_CACHE_DIR", tiny.path("cache")).current_dir(tiny.dir.path()).args(args).output().unwrap()
}

fn names(tiny: &Tiny, run: &str) -> Vec<String> {
    files(&tiny.path(run).join("checkpoints")).iter().map(|f| f.replace(".safetensors", "")).collect()
}

fn fork(tiny: &Tiny, out: &str, run: &str, at: At) -> RunRequest {
    let begin = Begin::Fork(Fork { run: tiny.path(run), at });
    RunRequest { begin, source: String::new(), target: String::new(), ..tiny.request(out, Params::default()) }
}

fn view(tiny: &Tiny, run: &str) -> RunView {
    RunView::of_folder(&RunReader::open(&tiny.path(run)).unwrap())
}

#[test]
fn checkpoints_are_kept_by_rule_and_by_hand_and_the_oldest_go() {
    let tiny = Tiny::new();
    let mut driver = Driver::new();
    driver.start(tiny.request("run", params(&["adapt.epochs=4", "checkpoint.every=1", "checkpoint.keep=2"])));
    driver.until("the second epoch", |e| matches!(e, Event::Step(s) if s.phase == Phase::Adapt && s.epoch == 1));
    driver.send(Command::Checkpoint);
    driver.send(Command::Resume);
    assert_eq!(driver.until_end(), State::Done);
    let found = checkpoints::list(&tiny.path("run"));
    let hand: Vec<&checkpoints::FoundCheckpoint> = found.iter().filter(|f| f.why == Why::Hand).collect();
    assert_eq!(hand.len(), 1, "{found:?}");
    assert!(hand[0].stand.is_some_and(|s| s.phase == Phase::Adapt && s.epoch >= 1), "{hand:?}");
    let mut ruled = names(&tiny, "run");
    ruled.retain(|name| !name.starts_with("kept-"));
    ruled.sort();
    assert_eq!(ruled, ["best", "best-oracle", "epoch-0003", "epoch-0004", "last"]);
    let best = found.iter().find(|f| f.why == Why::Best).unwrap();
    // It stands before the training of the epoch whose clusters were the best by silhouette.
    let clusters = view(&tiny, "run").clusters;
    let silhouette = |e: &usize| clusters[e].summary.label_free.silhouette.unwrap_or(-2.0);
    let expected = clusters.keys().copied().reduce(|a, b| if silhouette(&b) > silhouette(&a) { b } else { a });
    assert_eq!(best.stand.map(|s| s.epoch), expected);

    // A file with two names is counted once.
    let usage = Usage::of(&tiny.path("run"));
    let sum: u64 = found.iter().map(|f| f.bytes).sum();
    assert!(usage.checkpoints < sum && usage.checkpoints > sum / 2, "{usage:?} of {sum}");
    let answer = program(&tiny, &["checkpoints", "run", "--remove", "epoch-0003", "--remove", &hand[0].name]);
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    let answer: serde_json::Value = serde_json::from_slice(&answer.stdout).unwrap();
    let listed: Vec<(&str, bool)> = answer["checkpoints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["name"].as_str().unwrap(), c["oracle"].as_bool().unwrap()))
        .collect();
    assert_eq!(listed.len(), 4, "{listed:?}");
    assert!(listed.contains(&("best-oracle", true)) && listed.contains(&("best", false)), "{listed:?}");
    assert_eq!(answer["bytes"]["checkpoints"], Usage::of(&tiny.path("run")).checkpoints);
    let refused = program(&tiny, &["checkpoints", "run", "--remove", "last"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(tiny.path("run/checkpoints/last.safetensors").is_file());
}

#[test]
fn a_branch_is_its_parent_until_something_is_changed() {
    let tiny = Tiny::new();
    let (end, whole) = Driver::run(tiny.request("run", params(&["checkpoint.every=1"])));
    assert_eq!(end, State::Done);
    let parents = |from: usize| -> Vec<_> {
        let all = losses(&whole);
        let steps = steps(&whole);
        let beyond = |i: &usize| steps[*i].phase == Phase::Adapt && steps[*i].epoch >= from;
        (0..all.len()).filter(beyond).map(|i| all[i]).collect()
    };
    let (end, events) = Driver::run(fork(&tiny, "same", "run", At::Epoch(1)));
    assert_eq!(end, State::Done, "{events:?}");
    assert_eq!(losses(&events), parents(1));
    let reader = RunReader::open(&tiny.path("same")).unwrap();
    let parent = reader.manifest.parent.clone().unwrap();
    assert_eq!((parent.run, parent.epoch), (tiny.path("run"), 1));
    let folded = RunView::of_folder(&reader);
    assert_eq!((folded.parent.map(|p| p.epoch), folded.epochs_done), (Some(1), 3));
    assert_eq!(folded.clusters.keys().copied().collect::<Vec<_>>(), [1, 2], "its curves begin where it branched off");

    // With other values from there on.
    let mut changed = fork(&tiny, "changed", "run", At::parse("epoch-0002"));
    changed.changes = vec![("adapt.lr".to_owned(), Value::Float(1e-5)), ("adapt.epochs".to_owned(), Value::Int(4))];
    let (end, events) = Driver::run(changed);
    let rates: Vec<(usize, f64)> = steps(&events).iter().map(|s| (s.epoch, s.lr)).collect();
    assert_eq!((end, rates), (State::Done, [[(2, 1e-5); 4], [(3, 1e-5); 4]].concat()));
    let folded = view(&tiny, "changed");
    let changes: Vec<_> = folded.changes.iter().map(|c| (&c.key[..], c.phase, c.epoch)).collect();
    assert_eq!(changes, [("adapt.lr", Phase::Adapt, 2), ("adapt.epochs", Phase::Adapt, 2)]);
    // The parent is as it was.
    assert_eq!(view(&tiny, "run").epochs_done, 3);
}

#[test]
fn a_branch_that_was_killed_at_its_beginning_goes_on_from_its_parents_checkpoint() {
    let tiny = Tiny::new();
    Driver::run(tiny.request("run", params(&["checkpoint.every=1"])));
    let (_, whole) = Driver::run(fork(&tiny, "whole", "run", At::Epoch(2)));
    let mut driver = Driver::new();
    driver.start(fork(&tiny, "cut", "run", At::Epoch(2)));
    driver.until("the start", |e| matches!(e, Event::Started { .. }));
    driver.send(Command::Pause);
    driver.until_state(&State::Paused);
    fs::create_dir(tiny.path("killed")).unwrap();
    fs::create_dir(tiny.path("killed/checkpoints")).unwrap();
    for name in ["manifest.json", "params.toml", "images.csv", "events.jsonl", "checkpoints/last.safetensors"] {
        fs::copy(tiny.path("cut").join(name), tiny.path("killed").join(name)).unwrap();
    }
    let mut request = tiny.request("killed", Params::default());
    request.begin = Begin::Resume;
    let (end, events) = Driver::run(request);
    assert_eq!((end, losses(&events)), (State::Done, losses(&whole)));
}

#[test]
fn what_cannot_be_branched_from_is_said_with_what_can() {
    let tiny = Tiny::new();
    Driver::run(tiny.request("run", params(&["adapt.epochs=1", "checkpoint.every=1"])));
    let said = |args: &[&str]| {
        let output = program(&tiny, &[&["train", "--device", "cpu", "--fork"], args].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let text = said(&["run@7", "--out", "new"]);
    assert!(text.contains("no checkpoint after 7 epochs") && text.contains("epoch-0001 (after 1 epoch)"), "{text}");
    assert!(!tiny.path("new").exists());
    assert!(said(&["run", "--out", "new"]).contains("--fork runs/demo@10"));
    assert!(said(&["run@1", "--out", "run"]).contains("already holds a run"));
    assert!(said(&["run@1", "--out", "new", "--set", "backbone=resnet18"]).contains("cannot change during a run"));
    assert!(!tiny.path("new").exists());
    let output = program(&tiny, &["train", "--device", "cpu", "--fork", "run@1", "--set", "adapt.epochs=2"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // A damaged last checkpoint names the others.
    let last = tiny.path("run/checkpoints/last.safetensors");
    fs::remove_file(&last).unwrap(); // it may have a second name
    fs::write(&last, &fs::read(tiny.path("run/checkpoints/best.safetensors")).unwrap()[..1000]).unwrap();
    let output = program(&tiny, &["train", "--resume", "--out", "run", "--device", "cpu"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && text.contains("--fork run@epoch-0001"), "{text}");
}

#[test]
fn what_a_newer_program_wrote_into_a_checkpoint_is_kept_and_named() {
    use safetensors::tensor::TensorView;
    let tiny = Tiny::new();
    Driver::run(tiny.request("run", params(&["adapt.epochs=1"])));
    let file = tiny.path("run/checkpoints/last.safetensors");
    let state = |file: &std::path::Path| -> serde_json::Value {
        let bytes = fs::read(file).unwrap();
        let read = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        serde_json::from_slice(read.tensor("state").unwrap().data()).unwrap()
    };
    let bytes = fs::read(&file).unwrap();
    let read = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut newer = state(&file);
    newer["params"]["adapt"]["momentum"] = 0.25.into();
    newer["tides"] = serde_json::json!({ "high": 3 });
    let json = serde_json::to_vec(&newer).unwrap();
    let views: Vec<(String, TensorView)> = read
        .tensors()
        .into_iter()
        .map(|(name, view)| match &name[..] {
            "state" => (name, TensorView::new(view.dtype(), vec![json.len()], &json).unwrap()),
            _ => (name, view),
        })
        .collect();
    let newer = safetensors::serialize(views, None).unwrap();
    fs::write(&file, newer).unwrap();
    let mut request = tiny.request("run", Params::default());
    request.begin = Begin::Resume;
    request.changes = vec![("adapt.epochs".to_owned(), Value::Int(2))];
    let (end, events) = Driver::run(request);
    let named = |s: &Stamped| matches!(&s.event, Event::Notice { text, .. } if text.contains("params.adapt.momentum") && text.contains("tides"));
    assert!(end == State::Done && events.iter().any(named), "{events:?}");
    let state = state(&file);
    assert_eq!((&state["params"]["adapt"]["momentum"], &state["tides"]["high"]), (&0.25.into(), &3.into()));
}

#[cfg(unix)]
#[test]
fn a_run_goes_on_in_a_process_of_its_own() {
    let tiny = Tiny::new();
    let mut driver = Driver::new();
    driver.start(tiny.request("run", params(&["adapt.epochs=2"])));
    driver.until("adaptation", |e| matches!(e, Event::Step(s) if s.phase == Phase::Adapt));
    driver.send(Command::Stop);
    assert_eq!(driver.until_end(), State::Stopped);
    drop(driver);
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_reid-workbench"));
    let run = tiny.path("run");
    reid_workbench::launch::detach::go_on(program, &run, "cpu").unwrap();
    let began = std::time::Instant::now();
    let done = || RunReader::open_live(&run).is_ok_and(|r| RunView::of_folder(&r).state == State::Done);
    while !done() {
        assert!(began.elapsed().as_secs() < 60, "{}", fs::read_to_string(run.join("train.log")).unwrap_or_default());
        std::thread::yield_now();
    }
    assert!(fs::read_to_string(run.join("train.log")).unwrap().contains("epoch 2/2 done"));
}
