//! What goes wrong around a run, and what must come of it: nothing lost, nothing believed blindly.

use std::fs;
use std::path::Path;

use reid_workbench::engine::command::{Begin, Command, RunRequest};
use reid_workbench::engine::event::{Event, Phase, Stamped, State};
use reid_workbench::engine::worker::Fault;
use reid_workbench::method::params::{Params, Value};
use reid_workbench::run::reader::RunReader;

use crate::support::engine::{Driver, Tiny, files, losses, steps, tiny_params};

fn params(assignments: &[&str]) -> Params {
    let mut params = tiny_params();
    assignments.iter().for_each(|a| params.assign(a).unwrap());
    params
}

fn resume(mut request: RunRequest) -> RunRequest {
    request.begin = Begin::Resume;
    request
}

fn set(key: &str, value: impl Into<f64>) -> Command {
    Command::SetParam { key: key.to_owned(), value: Value::Float(value.into()) }
}

/// A driver whose run waits at its first boundary.
fn paused(request: RunRequest) -> Driver {
    let mut driver = Driver::new();
    driver.start(request);
    driver.send(Command::Pause);
    driver.until_state(&State::Paused);
    driver
}

fn step_batches(driver: &mut Driver, n: usize) {
    for _ in 0..n {
        driver.send(Command::StepBatch);
        driver.until_state(&State::Paused);
    }
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy_dir(&path, &target) } else { fs::copy(&path, &target).map(|_| ()).unwrap() }
    }
}

fn notices(events: &[Stamped]) -> Vec<String> {
    let text = |s: &Stamped| match &s.event {
        Event::Notice { title, text, .. } => Some(format!("{title}. {text}")),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

fn failed(end: State) -> String {
    match end {
        State::Failed(reason) => reason,
        other => panic!("it should have failed and is {other:?}"),
    }
}

// ------------------------------------------------------------------------------------------------------- starting

#[test]
fn what_fails_at_a_start_leaves_no_folder() {
    let tiny = Tiny::new();
    fs::write(tiny.path("bad.pth"), "no weights").unwrap();
    let weights = format!("weights={}", tiny.path("bad.pth").display());
    let mut nowhere = tiny.request("run", tiny_params());
    nowhere.target = "no-such-dataset".to_owned();
    for request in [
        tiny.request("run", params(&[&weights])),
        nowhere,
        tiny.request("run", params(&["k1=8", "k2=30"])),
        tiny.request("run", params(&["labels.method=kmeans", "labels.k=49"])),
    ] {
        let mut driver = Driver::new();
        driver.start(request);
        failed(driver.until_end());
        assert_eq!(driver.fault(), Fault::Input);
        assert!(!tiny.path("run").exists());
    }
}

#[test]
fn a_start_that_was_killed_before_its_manifest_can_be_started() {
    let tiny = Tiny::new();
    fs::create_dir(tiny.path("run")).unwrap();
    fs::write(tiny.path("run/params.toml"), "eps = 0.6\n").unwrap();
    fs::write(tiny.path("run/events.jsonl"), "").unwrap();
    let mut request = tiny.request("run", params(&["adapt.epochs=0"]));
    request.begin = Begin::StartOrResume;
    assert_eq!(Driver::run(request.clone()).0, State::Done);
    // And again: now it is a run, with nothing left to do.
    assert_eq!(Driver::run(request).0, State::Done);
}

#[test]
fn a_run_killed_in_pre_training_ends_as_the_undisturbed_one() {
    let tiny = Tiny::new();
    let params = params(&["pretrain.epochs=2", "adapt.epochs=1"]);
    let (_, whole) = Driver::run(tiny.request("whole", params.clone()));
    let mut driver = paused(tiny.request("live", params.clone()));
    // Before the first checkpoint; between the first and the second; each time what a kill would leave.
    for (name, more) in [("early", 1), ("late", 4)] {
        step_batches(&mut driver, more);
        copy_dir(&tiny.path("live"), &tiny.path(name));
        let (end, events) = Driver::run(resume(tiny.request(name, Params::default())));
        assert_eq!(end, State::Done, "{name}");
        let (all, heard) = (losses(&whole), losses(&events));
        assert_eq!(heard.len(), if name == "early" { all.len() } else { all.len() - 3 }, "{name}");
        assert_eq!(all[all.len() - heard.len()..], heard, "{name}");
    }
}

#[test]
fn litter_of_killed_writers_is_swept_and_strange_files_are_not() {
    let tiny = Tiny::new();
    let request = tiny.request("run", params(&["adapt.epochs=0"]));
    Driver::run(request.clone());
    let (litter, mine) = (tiny.path("run/checkpoints/.last.safetensors.Ab12Cd.tmp"), tiny.path("run/notes.txt"));
    fs::write(&litter, "half").unwrap();
    fs::write(&mine, "keep").unwrap();
    Driver::run(resume(request));
    assert!(!litter.exists() && mine.exists());
}

// --------------------------------------------------------------------------------------------------------- the cache

fn cached(tiny: &Tiny, out: &str, params: Params) -> RunRequest {
    RunRequest { cache: Some(tiny.path("cache")), ..tiny.request(out, params) }
}

fn kept(tiny: &Tiny) -> Vec<String> {
    let folder = tiny.path("cache/pretrained");
    if folder.is_dir() { files(&folder) } else { Vec::new() }
}

fn pretraining_steps(events: &[Stamped]) -> usize {
    steps(events).iter().filter(|s| s.phase == Phase::Pretrain).count()
}

#[test]
fn a_pre_training_whose_parameters_changed_on_the_way_is_not_kept() {
    let tiny = Tiny::new();
    let params = params(&["adapt.epochs=0"]);
    let mut driver = paused(cached(&tiny, "a", params.clone()));
    step_batches(&mut driver, 1);
    driver.send(set("triplet.weight", 0.0));
    driver.send(Command::Resume);
    assert_eq!(driver.until_end(), State::Done);
    assert_eq!(kept(&tiny), Vec::<String>::new());
    // Changed and changed back is not what the name says either.
    let mut driver = paused(cached(&tiny, "b", params.clone()));
    driver.send(set("triplet.weight", 0.0));
    step_batches(&mut driver, 1);
    driver.send(set("triplet.weight", 1.0));
    driver.send(Command::Resume);
    assert_eq!(driver.until_end(), State::Done);
    assert_eq!(kept(&tiny), Vec::<String>::new());
    // One that was stopped and resumed is.
    let mut driver = paused(cached(&tiny, "c", params.clone()));
    step_batches(&mut driver, 1);
    driver.send(Command::Stop);
    assert_eq!(driver.until_end(), State::Stopped);
    Driver::run(resume(cached(&tiny, "c", params)));
    assert_eq!(kept(&tiny).len(), 1);
}

#[test]
fn a_kept_network_that_is_not_finite_is_trained_again() {
    let tiny = Tiny::new();
    let params = params(&["adapt.epochs=0"]);
    Driver::run(cached(&tiny, "a", params.clone()));
    let file = tiny.path("cache/pretrained").join(&kept(&tiny)[0]);
    let mut bytes = fs::read(&file).unwrap();
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(&file, &bytes).unwrap();
    let (end, events) = Driver::run(cached(&tiny, "b", params.clone()));
    assert_eq!((end, pretraining_steps(&events)), (State::Done, 3));
    assert!(notices(&events).iter().any(|n| n.contains("not finite")), "{:?}", notices(&events));
    assert_eq!(pretraining_steps(&Driver::run(cached(&tiny, "c", params)).1), 0, "it was made anew");
}

#[test]
fn another_number_of_threads_is_another_pre_training() {
    let tiny = Tiny::new();
    for (name, threads) in [("a", 1), ("b", 2)] {
        // A process of its own: libtorch has one number of threads a process, and other tests train in this one.
        let config = tiny.path("params.toml");
        fs::write(&config, params(&["adapt.epochs=0", &format!("device.threads={threads}")]).to_toml()).unwrap();
        let mut train = std::process::Command::new(env!("CARGO_BIN_EXE_reid-workbench"));
        train.args(["train", "--source", "source", "--target", "target", "--device", "cpu", "--out", name, "--config"]);
        train.arg(&config).current_dir(tiny.dir.path()).env("REID_CACHE_DIR", tiny.path("cache"));
        let output = train.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let run = RunReader::open(&tiny.path(name)).unwrap();
        assert_eq!(pretraining_steps(&run.events), 3, "{threads} threads");
        assert_eq!(run.manifest.threads, Some(threads));
    }
    assert_eq!(kept(&tiny).len(), 2);
}

// ------------------------------------------------------------------------------------------------- commands, settings

#[test]
fn a_stop_that_comes_late_does_not_end_the_next_run() {
    let tiny = Tiny::new();
    let mut driver = paused(tiny.request("a", tiny_params()));
    driver.send(Command::Stop);
    driver.send(Command::Stop);
    assert_eq!(driver.until_end(), State::Stopped);
    driver.send(Command::Stop);
    driver.start(tiny.request("b", params(&["adapt.epochs=1"])));
    assert_eq!(driver.until_end(), State::Done);
    // One that comes after the start is meant for it.
    driver.start(tiny.request("c", tiny_params()));
    driver.send(Command::Stop);
    assert_eq!(driver.until_end(), State::Stopped);
}

#[test]
fn weight_decay_changed_in_pre_training_counts_there() {
    let tiny = Tiny::new();
    let params = params(&["adapt.epochs=0"]);
    let (_, plain) = Driver::run(tiny.request("plain", params.clone()));
    let mut driver = paused(tiny.request("decayed", params));
    driver.send(set("optim.weight_decay", 0.1));
    driver.send(Command::Resume);
    assert_eq!(driver.until_end(), State::Done);
    let (plain, decayed) = (losses(&plain), losses(&driver.events));
    assert_eq!(plain[0], decayed[0], "the first loss precedes the first step");
    assert_ne!(plain[2], decayed[2]);
}

#[test]
fn augmentation_changed_in_mid_epoch_counts_from_the_next_batch_and_after_a_resume() {
    let tiny = Tiny::new();
    let params = params(&["adapt.epochs=1", "adapt.iters=6"]);
    let changed = |name: &str, stop: bool| {
        let request = tiny.request(name, params.clone());
        let mut driver = paused(request.clone());
        step_batches(&mut driver, 5);
        assert_eq!(steps(&driver.events).last().unwrap().phase, Phase::Adapt);
        driver.send(set("augment.erase", 0.0));
        driver.send(set("augment.flip", 1.0));
        step_batches(&mut driver, 1);
        let mut events = Vec::new();
        if stop {
            driver.send(Command::Stop);
            assert_eq!(driver.until_end(), State::Stopped);
            events.append(&mut driver.events);
            driver = Driver::new();
            driver.start(resume(request));
        } else {
            driver.send(Command::Resume);
        }
        assert_eq!(driver.until_end(), State::Done);
        events.append(&mut driver.events);
        losses(&events)
    };
    let (_, plain) = Driver::run(tiny.request("plain", params.clone()));
    let (whole, resumed) = (changed("whole", false), changed("resumed", true));
    assert_eq!(whole, resumed);
    let plain = losses(&plain);
    assert_eq!(plain[..5], whole[..5]);
    assert_ne!(plain[5], whole[5], "the very next batch is drawn by the new settings");
}

#[test]
fn a_fixed_threshold_is_not_carried_into_the_rule_quantile() {
    let tiny = Tiny::new();
    let params = params(&["adapt.epochs=2", "adapt.iters=1", "reliability.rule=fixed", "reliability.threshold=0.99"]);
    let mut driver = paused(tiny.request("run", params));
    step_batches(&mut driver, 4);
    driver.send(Command::SetParam { key: "reliability.rule".to_owned(), value: Value::Text("quantile".to_owned()) });
    driver.send(Command::Resume);
    assert_eq!(driver.until_end(), State::Done);
    let thresholds: Vec<Option<f64>> = driver
        .events
        .iter()
        .filter_map(|s| if let Event::Clustered { summary, .. } = &s.event { Some(summary.threshold) } else { None })
        .collect();
    assert_eq!(thresholds[0], Some(0.99));
    assert_ne!(thresholds[1], Some(0.99));
}

// ----------------------------------------------------------------------------------------------- writes that fail

#[test]
fn a_write_that_fails_is_said_and_tried_again_and_ends_nothing() {
    let tiny = Tiny::new();
    let mut driver = paused(tiny.request("run", tiny_params()));
    // A folder where a file is to be: no rename replaces it.
    let blocked =
        ["checkpoints/best-oracle.safetensors", "checkpoints/last.safetensors", "epochs/0000/ranks.safetensors"];
    for name in blocked {
        fs::create_dir_all(tiny.path("run").join(name).join("x")).unwrap();
    }
    driver.send(Command::Resume);
    driver.until("adaptation", |e| matches!(e, Event::Step(s) if s.phase == Phase::Adapt));
    driver.send(Command::Pause);
    driver.until_state(&State::Paused);
    let said = notices(&driver.events).join("\n");
    for word in
        ["best checkpoint could not be written", "The checkpoint could not be written", "ranks could not be written"]
    {
        assert!(said.contains(word), "`{word}` was not said: {said}");
    }
    for name in blocked {
        fs::remove_dir_all(tiny.path("run").join(name)).unwrap();
    }
    driver.send(Command::Resume);
    assert_eq!(driver.until_end(), State::Done);
    for name in blocked {
        assert!(tiny.path("run").join(name).is_file(), "{name} was not tried again");
    }
    let announced = |e: &Event| matches!(e, Event::Snapshot { epoch: 0, part } if format!("{part:?}") == "Ranks");
    assert!(driver.events.iter().any(|s| announced(&s.event)), "readers hear of what is written late");
}

#[test]
fn a_run_whose_folder_is_gone_says_so_and_fails_without_making_it_anew() {
    for moved in [false, true] {
        let tiny = Tiny::new();
        let mut driver = paused(tiny.request("run", tiny_params()));
        step_batches(&mut driver, 1);
        if moved {
            fs::rename(tiny.path("run"), tiny.path("elsewhere")).unwrap();
        } else {
            fs::remove_dir_all(tiny.path("run")).unwrap();
        }
        driver.send(Command::Resume);
        let reason = failed(driver.until_end());
        assert!(reason.contains("removed or moved"), "{reason}");
        assert_eq!(driver.fault(), Fault::Run);
        assert!(!tiny.path("run").exists(), "{:?}", files(&tiny.path("run")));
        assert!(steps(&driver.events).len() <= 2, "it is noticed within a batch");
    }
}

// ------------------------------------------------------------------------------------------------ what is believed

/// Changes the JSON of a checkpoint's `state`, or one of its tensors.
fn alter(file: &Path, change: impl FnOnce(&mut serde_json::Value, &mut Vec<(String, Vec<usize>, Vec<u8>)>)) {
    use safetensors::tensor::{Dtype, TensorView};
    let bytes = fs::read(file).unwrap();
    let read = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut state = serde_json::from_slice(read.tensor("state").unwrap().data()).unwrap();
    let kinds: Vec<Dtype> = read.tensors().iter().map(|(_, t)| t.dtype()).collect();
    let mut all: Vec<(String, Vec<usize>, Vec<u8>)> =
        read.tensors().iter().map(|(n, t)| (n.clone(), t.shape().to_vec(), t.data().to_vec())).collect();
    change(&mut state, &mut all);
    let json = serde_json::to_vec(&state).unwrap();
    let state = all.iter_mut().find(|t| t.0 == "state").unwrap();
    (state.1, state.2) = (vec![json.len()], json);
    let views: Vec<(String, TensorView)> = all
        .iter()
        .zip(kinds)
        .map(|((n, shape, data), kind)| (n.clone(), TensorView::new(kind, shape.clone(), data).unwrap()))
        .collect();
    fs::write(file, safetensors::serialize(views, None).unwrap()).unwrap();
}

#[test]
fn a_training_that_diverges_fails_at_once_and_its_last_checkpoint_goes_on() {
    let tiny = Tiny::new();
    let request = tiny.request("run", params(&["adapt.epochs=1"]));
    let mut driver = paused(request.clone());
    step_batches(&mut driver, 4);
    driver.send(Command::Stop);
    assert_eq!(driver.until_end(), State::Stopped);
    let file = tiny.path("run/checkpoints/last.safetensors");
    let good = fs::read(&file).unwrap();
    // Finite, and the next feature is not.
    alter(&file, |_, all| {
        let weight = all.iter_mut().find(|t| t.0 == "net.feat_bn.weight").unwrap();
        weight.2.as_chunks_mut::<4>().0.iter_mut().for_each(|x| *x = 3e38f32.to_le_bytes());
    });
    let huge = fs::read(&file).unwrap();
    let mut driver = Driver::new();
    driver.start(resume(request.clone()));
    let reason = failed(driver.until_end());
    assert!(reason.contains("diverged") && reason.contains("adapt.lr"), "{reason}");
    assert_eq!((driver.fault(), steps(&driver.events).len()), (Fault::Run, 1), "the first such loss is the last");
    assert!(fs::read(&file).unwrap() == huge, "what diverged replaces no checkpoint");
    let cure =
        driver.events.iter().find_map(|s| if let Event::Cure(cure) = &s.event { Some(cure.clone()) } else { None });
    let cure = cure.expect("a way out is proposed");
    let now = params(&[]).adapt.lr;
    assert!(cure.resume && cure.words.contains("last checkpoint"), "{cure:?}");
    assert!(matches!(&cure.changes[..], [(key, Value::Float(lr))] if key == "adapt.lr" && *lr < 0.2 * now), "{cure:?}");

    fs::write(&file, good).unwrap();
    let mut again = resume(request);
    again.changes = cure.changes;
    let (end, events) = Driver::run(again.clone());
    assert_eq!((end, steps(&events).last().unwrap().lr), (State::Done, 1e-4));
    // A run that is done can be lengthened the same way; what belongs to the run as a whole cannot change.
    again.changes = vec![("adapt.epochs".to_owned(), Value::Int(2))];
    let (end, events) = Driver::run(again.clone());
    assert_eq!((end, steps(&events).len()), (State::Done, 4));
    again.changes = vec![("backbone".to_owned(), Value::Text("resnet18".to_owned()))];
    assert!(failed(Driver::run(again).0).contains("backbone"));
}

#[test]
fn what_a_checkpoint_says_is_checked_like_what_a_user_types() {
    let tiny = Tiny::new();
    let request = tiny.request("run", params(&["adapt.epochs=2", "adapt.iters=3"]));
    let mut driver = paused(request.clone());
    step_batches(&mut driver, 5);
    driver.send(Command::Stop);
    assert_eq!(driver.until_end(), State::Stopped);
    let file = tiny.path("run/checkpoints/last.safetensors");
    let good = fs::read(&file).unwrap();
    let refused = |what: &str, words: &str| {
        let (end, _) = Driver::run(resume(request.clone()));
        let reason = failed(end);
        assert!(reason.contains(words) && !reason.contains("report it"), "{what}: {reason}");
        assert_eq!(reason.lines().count(), 1, "{what}: {reason}");
        fs::write(&file, &good).unwrap();
    };
    for (pointer, value, words) in [
        ("/params/eval/every", 0u64, "eval.every"),
        ("/params/adapt/iters", 1_000_000_000, "adapt.iters"),
        ("/params/adapt/batch", 10_000_000, "adapt.batch"),
        ("/params/image/width", 0, "image.width"),
        ("/params/image/height", 1_000_000, "image.height"),
        ("/params/image/height", 256, "image.height"),
        ("/params/pretrain/epochs", 900, "pretrain.epochs"),
        ("/position/iter", 1_000_000_000_000, "can stand"),
        ("/position/epoch", u64::MAX, "can stand"),
        ("/position/step", u64::MAX, "can stand"),
        ("/threshold", 7, "share"),
    ] {
        alter(&file, |state, _| *state.pointer_mut(pointer).unwrap() = value.into());
        refused(pointer, words);
    }
    let tensor = |name: &str, change: fn(&mut Vec<usize>, &mut Vec<u8>)| {
        alter(&tiny.path("run/checkpoints/last.safetensors"), |_, all| {
            let found = all.iter_mut().find(|t| t.0 == name).unwrap();
            change(&mut found.1, &mut found.2);
        });
    };
    tensor("labels", |_, data| data[..4].copy_from_slice(&i32::MAX.to_le_bytes()));
    refused("a label", "label");
    tensor("labels", |shape, data| {
        shape[0] -= 1;
        data.truncate(data.len() - 4);
    });
    refused("labels", "labels of");
    tensor("memory.labels", |_, data| data[..8].copy_from_slice(&1_000_000_000i64.to_le_bytes()));
    refused("a class of the memory", "label");
    tensor("net.feat_bn.weight", |_, data| data[..4].copy_from_slice(&f32::NAN.to_le_bytes()));
    refused("a weight", "not finite");
    fs::write(&file, &good[..good.len() / 2]).unwrap();
    refused("half a file", "whole safetensors file");
    assert_eq!(Driver::run(resume(request.clone())).0, State::Done, "the good one goes on");
}

#[test]
fn a_run_goes_on_with_the_very_same_images_only() {
    let tiny = Tiny::new();
    let request = tiny.request("run", params(&["adapt.epochs=0"]));
    Driver::run(request.clone());
    for (set, words) in [("target", "training image 0 was"), ("source", "are others")] {
        let folder = tiny.path(set).join("bounding_box_train");
        let first = files(&folder).into_iter().find(|f| f.contains("_c")).unwrap();
        let (old, new) = (folder.join(&first), folder.join(format!("9999{}", &first[4..])));
        fs::rename(&old, &new).unwrap();
        let reason = failed(Driver::run(resume(request.clone())).0);
        assert!(reason.contains(words) && reason.contains(set), "{reason}");
        fs::rename(&new, &old).unwrap();
    }
    // Wherever it lies.
    fs::rename(tiny.path("target"), tiny.path("moved")).unwrap();
    std::os::unix::fs::symlink(tiny.path("moved"), tiny.path("target")).unwrap();
    assert_eq!(Driver::run(resume(request)).0, State::Done);
}

#[test]
fn images_that_cannot_be_read_are_counted_before_training() {
    let tiny = Tiny::new();
    let spoil = |set: &str, split: &str, n: usize| {
        let folder = tiny.path(set).join(split);
        files(&folder)
            .iter()
            .filter(|f| f.contains("_c"))
            .take(n)
            .for_each(|f| fs::write(folder.join(f), "hello").unwrap());
    };
    spoil("target", "query", 2);
    spoil("source", "bounding_box_train", 1);
    let request = tiny.request("run", params(&["adapt.epochs=0"]));
    let reason = failed(Driver::run(request.clone()).0);
    assert!(reason.contains("1 of 48 training images of source") && reason.contains("--allow-unreadable"), "{reason}");
    assert!(!tiny.path("run").exists());
    let (end, events) = Driver::run(RunRequest { allow_unreadable: true, ..request });
    assert_eq!(end, State::Done);
    assert!(notices(&events).iter().any(|n| n.contains("1 of 48 training images of source")), "{:?}", notices(&events));
    assert!(
        notices(&events).iter().all(|n| !n.contains("→ person")),
        "how names were read is said by `datasets check`, not at each start"
    );
    let unreadable: Vec<usize> = events
        .iter()
        .filter_map(
            |s| if let Event::Evaluated { retrieval, .. } = &s.event { Some(retrieval.unreadable) } else { None },
        )
        .collect();
    assert_eq!(unreadable, [0, 2], "the result says how many grey images it rests on");
}
