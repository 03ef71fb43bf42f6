//! Whole runs through the engine's front door: commands in, events out, a run folder behind.

use reid_workbench::engine::command::{Begin, Command};
use reid_workbench::engine::event::{Domain, Event, ImageRef, Phase, Split, Stamped, State};
use reid_workbench::method::params::Value;
use reid_workbench::run::reader::RunReader;
use reid_workbench::run::snapshot::ClusterSnapshot;
use reid_workbench::run::training::TrainingSnapshot;

use crate::support::datasets::manifest_with;
use crate::support::engine::{Driver, Tiny, files, losses, steps, tiny_params};

#[test]
fn a_run_goes_through_all_stages_and_leaves_them_behind() {
    let tiny = Tiny::new();
    let (end, events) = Driver::run(tiny.request("run", tiny_params()));
    assert_eq!(end, State::Done, "{events:#?}");

    let clustered = events.iter().filter(|s| matches!(s.event, Event::Clustered { .. })).count();
    assert_eq!(clustered, 3, "one clustering an epoch");
    let evaluated: Vec<(usize, Domain)> = events
        .iter()
        .filter_map(|s| if let Event::Evaluated { epoch, domain, .. } = s.event { Some((epoch, domain)) } else { None })
        .collect();
    assert_eq!(
        evaluated,
        [(0, Domain::Source), (0, Domain::Target), (1, Domain::Target), (2, Domain::Target), (3, Domain::Target)]
    );
    let steps = steps(&events);
    assert_eq!(steps.iter().filter(|s| s.phase == Phase::Pretrain).count(), 3);
    assert_eq!(steps.iter().filter(|s| s.phase == Phase::Adapt).count(), 12);
    assert!(steps.iter().all(|s| s.loss.is_finite()));

    let written = files(&tiny.path("run"));
    for expected in [
        "manifest.json",
        "params.toml",
        "events.jsonl",
        "images.csv",
        "checkpoints/last.safetensors",
        "epochs/0000/clusters.safetensors",
        "epochs/0002/training.safetensors",
        "epochs/0003/ranks.safetensors",
        "epochs/0003/heat_maps.safetensors",
    ] {
        assert!(written.iter().any(|f| f == expected), "{expected} is missing in {written:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_run_whatever_the_target_labels_say() {
    let tiny = Tiny::new();
    let run = |out: &str, target: &str, params| {
        let mut request = tiny.request(out, params);
        request.target = tiny.path(target).display().to_string();
        Driver::run(request).1
    };
    let folder = tiny.path("target");
    manifest_with(&folder, &tiny.path("true.csv"), |i| i / 6);
    manifest_with(&folder, &tiny.path("false.csv"), |i| (i * 5 + i / 7) % 8);
    let first = run("a", "true.csv", tiny_params());
    let second = run("b", "false.csv", tiny_params());
    assert!(!losses(&first).is_empty());
    assert_eq!(losses(&first), losses(&second), "target identities reached the training");
    let purity = |events: &[Stamped]| {
        events.iter().find_map(|s| match &s.event {
            Event::Clustered { summary, .. } => summary.quality.map(|q| q.purity.to_bits()),
            _ => None,
        })
    };
    assert_ne!(purity(&first), purity(&second), "the shuffled labels were not read at all, so this proves nothing");

    let mut other = tiny_params();
    other.assign("seed=4").unwrap();
    assert_ne!(losses(&first), losses(&run("c", "true.csv", other)), "the seed has no effect");
}

#[test]
fn an_epoch_leaves_how_its_memory_moved_and_one_of_its_batches() {
    let tiny = Tiny::new();
    let mut params = tiny_params();
    params.assign("beta=0.25").unwrap();
    let (end, _) = Driver::run(tiny.request("run", params.clone()));
    assert_eq!(end, State::Done);
    let run = tiny.path("run");
    let kept = TrainingSnapshot::read(&run, 1).unwrap();
    let (m, b) = (&kept.memory, &kept.batch);
    assert_eq!(kept.beta, 0.25);
    assert_eq!(m.iters, (0..params.adapt.iters as u32).collect::<Vec<_>>());
    let clusters = ClusterSnapshot::read(&run, 1).unwrap();
    assert!(m.clusters() > 0);
    for (k, &image) in m.image.iter().enumerate() {
        let label = clusters.pseudo_labels[image as usize];
        let members = clusters.pseudo_labels.iter().filter(|l| **l == label && label >= 0).count();
        assert_eq!(m.members[k] as usize, members, "cluster {k} is one of the epoch's");
        for t in 0..m.iters.len() {
            let at = m.at(t, k);
            assert_eq!(m.turned[at] > 1e-3, m.refreshed[at] > 0, "a centroid turns where a row of it is refreshed");
            assert!(m.length[at] > 0.0 && m.length[at] < 1.0 + 1e-4, "a mean of unit vectors");
            assert!(m.age[at] <= (t + 1) as f32);
        }
    }
    // Eq. 10 with a quarter of the old row: the row goes most of the way to the new feature, never past it.
    for (apart, turned) in m.apart.iter().zip(&m.row_turned) {
        assert!(*turned > 0.0 && turned < apart, "{turned} of {apart}");
    }
    assert!(!b.images.is_empty() && b.size[0] > 0);
    for i in 0..b.images.len() {
        let label = |place: i32| b.labels[place as usize];
        assert!(b.positive[i] < 0 || (label(b.positive[i]) == b.labels[i] && b.positive[i] != i as i32));
        assert!(b.negative[i] < 0 || label(b.negative[i]) != b.labels[i]);
    }
    assert!(b.positive.iter().any(|p| *p >= 0) && b.negative.iter().any(|p| *p >= 0));
    assert!(std::fs::metadata(run.join("epochs/0001/training.safetensors")).unwrap().len() < 64 << 10);
}

#[test]
fn images_on_the_device_change_nothing() {
    let tiny = Tiny::new();
    let with = |name: &str, store: &str| {
        let mut params = tiny_params();
        params.assign(&format!("device.images={store}")).unwrap();
        let (end, events) = Driver::run(tiny.request(name, params));
        assert_eq!(end, State::Done);
        losses(&events)
    };
    assert_eq!(with("host", "host"), with("device", "device"));
}

#[test]
fn bfloat16_is_switched_on_by_its_parameter_and_trains() {
    let tiny = Tiny::new();
    let with = |name: &str, bf16: bool| {
        let mut params = tiny_params();
        params.assign(&format!("device.bf16={bf16}")).unwrap();
        params.assign("adapt.epochs=1").unwrap();
        let (end, events) = Driver::run(tiny.request(name, params));
        assert_eq!(end, State::Done, "{:?}", events.last());
        steps(&events)[0].loss
    };
    let (full, half) = (with("full", false), with("half", true));
    assert!(half.is_finite() && half != full, "{half} and {full}: the switch has no effect");
    assert!((half - full).abs() < 0.05 * full.abs(), "{half} is far from {full}");
}

#[test]
fn a_stopped_run_goes_on_as_if_it_had_not_stopped() {
    let tiny = Tiny::new();
    let (_, whole) = Driver::run(tiny.request("whole", tiny_params()));

    // Once within pre-training, twice within adaptation; the last leg goes to the end.
    let mut heard = Vec::new();
    let mut request = tiny.request("cut", tiny_params());
    for stop_after in [Some(1), Some(5), Some(9), None] {
        let mut driver = Driver::new();
        driver.start(request.clone());
        if let Some(n) = stop_after {
            driver.until("a step", |e| matches!(e, Event::Step(s) if s.step == n));
            driver.send(Command::Stop);
            assert_eq!(driver.until_end(), State::Stopped);
        } else {
            assert_eq!(driver.until_end(), State::Done);
        }
        heard.append(&mut driver.events);
        request.begin = Begin::Resume;
    }
    assert_eq!(losses(&whole).len(), 15);
    assert_eq!(losses(&whole), losses(&heard));

    let read = RunReader::open(&tiny.path("cut")).unwrap();
    let seqs: Vec<u64> = read.events.iter().map(|e| e.seq).collect();
    assert_eq!(seqs, (0..seqs.len() as u64).collect::<Vec<_>>(), "numbers go on over resumes");
}

#[test]
fn a_paused_run_answers_and_a_changed_parameter_counts_from_its_boundary() {
    let tiny = Tiny::new();
    let mut driver = Driver::new();
    driver.start(tiny.request("run", tiny_params()));
    driver.until("a step", |e| matches!(e, Event::Step(s) if s.phase == Phase::Adapt));
    driver.send(Command::Pause);
    driver.until_state(&State::Paused);

    let image = ImageRef { split: Split::Query, index: 1 };
    driver.send(Command::HeatMaps(vec![image]));
    let Event::HeatMaps { images, .. } = driver.until("heat maps", |e| matches!(e, Event::HeatMaps { .. })) else {
        unreachable!()
    };
    assert_eq!(images[0].image, image);
    assert!(images[0].maps.iter().any(|m| m.name == "layer4.output" && m.values.len() == m.height * m.width));

    driver.send(Command::SetParam { key: "eps".to_owned(), value: Value::Float(0.66) });
    driver.until("pending", |e| matches!(e, Event::ParamPending { key, .. } if key == "eps"));
    driver.send(Command::SetParam { key: "eps".to_owned(), value: Value::Float(7.0) });
    driver.until("a refusal", |e| matches!(e, Event::Refused { why, .. } if why.contains("eps")));

    let before = steps(&driver.events).len();
    driver.send(Command::StepBatch);
    driver.until_state(&State::Paused);
    assert_eq!(steps(&driver.events).len(), before + 1, "one batch, then paused again");

    driver.send(Command::Resume);
    driver.until("the next clustering", |e| matches!(e, Event::Clustered { summary, .. } if summary.used.eps == 0.66));
    let applied = driver.events.iter().find_map(|s| match &s.event {
        Event::ParamApplied { key, epoch, iter, .. } if key == "eps" => Some((*epoch, *iter)),
        _ => None,
    });
    assert_eq!(applied, Some((1, 0)));
    assert_eq!(driver.until_end(), State::Done);
}

#[test]
fn stepping_an_epoch_in_pre_training_stops_at_its_end() {
    let tiny = Tiny::new();
    let mut params = tiny_params();
    params.assign("pretrain.epochs=3").unwrap();
    let mut driver = Driver::new();
    driver.send(Command::Start(Box::new(tiny.request("run", params))));
    driver.send(Command::Pause);
    driver.until_state(&State::Paused);
    let done = |driver: &Driver| steps(&driver.events).last().map(|s| (s.epoch, s.iter));
    driver.send(Command::StepEpoch);
    driver.until_state(&State::Paused);
    assert_eq!(done(&driver), Some((0, 2)));
    driver.send(Command::StepEpoch);
    driver.until_state(&State::Paused);
    assert_eq!(done(&driver), Some((1, 2)));
}

#[test]
fn the_same_pre_training_is_not_done_twice() {
    let tiny = Tiny::new();
    let cached = |out: &str| {
        let mut request = tiny.request(out, tiny_params());
        request.cache = Some(tiny.path("cache"));
        Driver::run(request).1
    };
    let (first, second) = (cached("a"), cached("b"));
    let phase = |events: &[Stamped], wanted| -> Vec<u64> {
        steps(events).iter().filter(|s| s.phase == wanted).map(|s| s.loss.to_bits()).collect()
    };
    assert_eq!((phase(&first, Phase::Pretrain).len(), phase(&second, Phase::Pretrain).len()), (3, 0));
    assert_eq!(phase(&first, Phase::Adapt), phase(&second, Phase::Adapt));
}

#[test]
fn presets_of_the_ablation_train() {
    let tiny = Tiny::new();
    for name in ["baseline", "baseline+at", "baseline+refined", "spcl"] {
        let mut params = tiny_params();
        params.apply_presets(name).unwrap();
        params.assign("adapt.epochs=2").unwrap();
        let (end, events) = Driver::run(tiny.request(name, params));
        assert_eq!(end, State::Done, "{name}: {events:#?}");
        assert!(steps(&events).iter().all(|s| s.loss.is_finite()), "{name}");
    }
}

#[test]
fn a_bad_request_fails_with_a_sentence_and_the_engine_lives_on() {
    let tiny = Tiny::new();
    let mut driver = Driver::new();
    let mut request = tiny.request("run", tiny_params());
    request.target = "no-such-dataset".to_owned();
    driver.start(request);
    let State::Failed(reason) = driver.until_end() else { panic!("it should have failed") };
    assert!(reason.contains("no-such-dataset"), "{reason}");

    let mut params = tiny_params();
    params.assign("adapt.epochs=0").unwrap();
    driver.start(tiny.request("run", params));
    assert_eq!(driver.until_end(), State::Done);
}
