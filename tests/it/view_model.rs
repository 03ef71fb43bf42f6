//! The view model: live and reopened are the same, and what panels read is what the events said.

use reid_workbench::gui::view_model::{EpochPart, Loaded, MarkKind, RunView, Series, Snapshots, StageProgress};
use reid_workbench::method::params::{Effect, Params, Value};
use reid_workbench::method::smooth::SMOOTHING;
use reid_workbench::run::event::*;
use reid_workbench::run::{Manifest, RunReader, RunWriter};

use crate::sample_run::{self, EPOCHS, ITERS};

fn folded(events: &[Stamped]) -> RunView {
    let mut view = RunView::default();
    events.iter().for_each(|e| view.fold(e));
    view
}

#[test]
fn a_live_run_and_its_reopened_folder_look_the_same() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("run");
    let live = folded(&sample_run::write(&dir));
    assert!(live.device.is_some() && live.live_maps.is_some());
    let reopened = RunView::of_folder(&RunReader::open(&dir).unwrap());
    assert_eq!(reopened, live.without_live());
}

#[test]
fn a_half_read_run_goes_on_where_it_was() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("run");
    let events = sample_run::write(&dir);
    let whole = folded(&events);
    let mut view = folded(&events[..events.len() / 2]);
    // The rest, and with it much that was already taken in.
    events[events.len() / 3..].iter().for_each(|e| view.fold(e));
    assert_eq!(view.without_live(), whole.without_live());
}

#[test]
fn the_view_says_what_the_events_said() {
    let home = tempfile::tempdir().unwrap();
    let view = folded(&sample_run::write(&home.path().join("run")));
    assert_eq!(view.title, "synthetic-plaza → synthetic-station");
    assert_eq!((view.state.clone(), view.phase, view.epochs), (State::Done, Phase::Adapt, EPOCHS));
    assert_eq!((view.pretrain.loss.len(), view.adapt.loss.len()), (4 * 24, EPOCHS * ITERS));
    assert_eq!(view.adapt.loss.points().nth(ITERS).unwrap().0, 1.0, "epoch 1 begins at x = 1");
    assert_eq!(view.adapt.parts.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>(), ["target", "triplet"]);
    assert_eq!((view.clusters.len(), view.target_retrieval.len(), view.source_retrieval.len()), (6, 7, 1));
    assert_eq!(view.newest_clusters().unwrap().0, 5);
    assert_eq!(view.newest_snapshot(EpochPart::Ranks, Some(3)), Some(3));
    assert_eq!(view.newest_snapshot(EpochPart::Clusters, None), Some(5));
    assert!(view.pending.is_empty(), "k1 was pending, then applied");
    assert_eq!(view.params.as_ref().unwrap().k1, 20);
    let marks: Vec<_> = view.marks.iter().filter(|m| !matches!(m.kind, MarkKind::Checkpoint { .. })).collect();
    assert!(matches!(&marks[0].kind, MarkKind::LrDrop { factor } if (factor - 0.1).abs() < 1e-9), "{marks:?}");
    assert!(matches!(&marks[1].kind, MarkKind::Param { key, .. } if key == "k1"));
    assert_eq!((marks[1].x, marks[2].x), (3.0, 4.0));
    assert_eq!(view.notices.len(), 1);
    assert!(view.stages[1..].iter().all(|s| s.progress == StageProgress::Done));
    assert!((view.adapt.rate.unwrap() - 4.0).abs() < 1e-9);
}

fn stamped(seq: u64, t: f64, event: Event) -> Stamped {
    Stamped { run: Default::default(), seq, t, wall: 0.0, event }
}

fn step(epoch: usize, iter: usize, loss: f64) -> Event {
    let (iters, step) = (10, (epoch * 10 + iter) as u64);
    let parts = vec![("target".into(), loss)];
    Event::Step(Step {
        phase: Phase::Adapt,
        epoch,
        iter,
        iters,
        step,
        loss,
        parts,
        lr: 1e-3,
        seconds: 0.1,
        waited: 0.0,
        merged: 1,
    })
}

#[test]
fn a_pause_is_marked_and_keeps_the_stage() {
    let mut view = RunView::default();
    view.fold(&stamped(0, 0.0, Event::State { state: State::Adapting, epoch: 2 }));
    view.fold(&stamped(1, 1.0, step(2, 4, 1.0)));
    view.fold(&stamped(2, 1.1, Event::State { state: State::Paused, epoch: 2 }));
    assert_eq!((view.stage, view.iter, view.is_running()), (Some(Stage::Adapt), 5, false));
    assert_eq!((view.marks.len(), view.marks[0].x), (1, 2.5));
    view.fold(&stamped(3, 9.0, Event::State { state: State::Adapting, epoch: 2 }));
    assert_eq!((view.iter, view.iters), (5, 10), "going on does not start the epoch anew");
    assert!(view.is_running());
}

#[test]
fn a_changed_parameter_waits_until_it_applies_or_is_taken_back() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("run");
    let mut view = folded(&sample_run::write(&dir)[..3]);
    let waits =
        |value: f64| Event::ParamPending { key: "eps".into(), value: Value::Float(value), effect: Effect::NextEpoch };
    view.fold(&stamped(100, 0.0, waits(0.5)));
    view.fold(&stamped(101, 0.0, waits(0.4)));
    assert_eq!(view.pending, [("eps".to_owned(), Value::Float(0.4), Effect::NextEpoch)]);
    view.fold(&stamped(102, 0.0, waits(0.6)));
    assert!(view.pending.is_empty(), "0.6 is what the run has");
    view.fold(&stamped(103, 0.0, waits(0.5)));
    let (old, new) = (Value::Float(0.6), Value::Float(0.5));
    view.fold(&stamped(104, 0.0, Event::ParamApplied { key: "eps".into(), old, new, epoch: 1, iter: 0 }));
    assert_eq!((view.pending.len(), view.params.as_ref().unwrap().eps), (0, 0.5));
}

#[test]
fn work_that_was_lost_in_a_crash_is_drawn_once() {
    let home = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::create(home.path(), &Manifest::new("a", "b", 1, "cpu"), &Params::default()).unwrap();
    for iter in 0..8 {
        writer.append(step(0, iter, 9.0)).unwrap();
    }
    drop(writer);
    let mut writer = RunWriter::reopen(home.path()).unwrap();
    for iter in 5..10 {
        writer.append(step(0, iter, 1.0)).unwrap();
    }
    let view = RunView::of_folder(&RunReader::open(home.path()).unwrap());
    let losses: Vec<f64> = view.adapt.loss.points().map(|(_, y)| y).collect();
    assert_eq!(losses, [9.0, 9.0, 9.0, 9.0, 9.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
    assert_eq!(view.title, "a → b", "the manifest speaks when no event does");
}

#[test]
fn a_new_run_starts_from_nothing_and_a_resumed_one_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let events = sample_run::write(&home.path().join("run"));
    let mut view = folded(&events);
    let (seq, Event::Started { title, .. }) = (events.last().unwrap().seq + 1, &events[0].event) else { panic!() };
    let title = title.clone();
    let mut again = events[0].event.clone();
    if let Event::Started { resumed, .. } = &mut again {
        *resumed = true;
    }
    view.fold(&stamped(seq, 100.0, again));
    assert_eq!((view.clusters.len(), view.title.as_str()), (6, title.as_str()));
    assert!(matches!(view.marks.last().unwrap().kind, MarkKind::Resumed));
    view.fold(&stamped(0, 0.0, events[0].event.clone()));
    assert_eq!((view.clusters.len(), view.adapt.loss.len()), (0, 0));
}

#[test]
fn stages_tell_their_time_left_whatever_the_pauses() {
    let mut view = RunView::default();
    let mut seq = 0;
    let mut at = |wall: f64, event: Event| {
        seq += 1;
        let outside = matches!(event, Event::Progress { .. });
        let (seq, t) = if outside { (0, 0.0) } else { (seq, wall) };
        view.fold(&Stamped { run: Default::default(), seq, t, wall: 1e9 + wall, event });
        view.stages[2]
    };
    let progress = |done| Event::Progress { stage: Stage::Extract, done, total: 300 };
    at(10.0, Event::State { state: State::Extracting, epoch: 0 });
    let extract = at(14.0, progress(100));
    assert_eq!((extract.progress, extract.left), (StageProgress::Running, Some(8.0)));
    at(14.0, Event::State { state: State::Paused, epoch: 0 });
    at(914.0, Event::State { state: State::Extracting, epoch: 0 });
    assert_eq!(at(918.0, progress(200)).left, Some(4.0), "15 minutes of pause are not its pace");
    assert_eq!(view.run_left(), None, "no epoch is done yet");
}

#[test]
fn an_attempt_to_go_on_that_fails_leaves_the_run_as_it_was() {
    let home = tempfile::tempdir().unwrap();
    let mut view = folded(&sample_run::write(&home.path().join("run")));
    let before = view.clone();
    let why = "no such dataset".to_owned();
    let notice = Event::Notice { severity: Severity::Error, title: "Refused".into(), text: why.clone() };
    for event in [Event::State { state: State::Preparing, epoch: 0 }, notice] {
        view.fold(&Stamped { run: Default::default(), seq: 0, t: 0.0, wall: 1.0, event });
    }
    assert_eq!((view.state.clone(), view.notices.len()), (State::Preparing, before.notices.len() + 1));
    view.fold(&Stamped {
        run: Default::default(),
        seq: 0,
        t: 0.0,
        wall: 1.0,
        event: Event::State { state: State::Failed(why), epoch: 0 },
    });
    assert_eq!((view.state.clone(), view.stages, view.epoch), (State::Done, before.stages, before.epoch));
}

/// What a folder shows of a run that was killed in the middle and taken up at its last checkpoint.
#[test]
fn what_a_crash_undid_is_gone_whatever_it_was() {
    let mut params = Params::default();
    params.apply_presets("demo").unwrap();
    let home = tempfile::tempdir().unwrap();
    let started = |resumed| Event::Started {
        folder: home.path().to_owned(),
        title: "a → b".into(),
        source: "a".into(),
        target: "b".into(),
        params: Box::new(params.clone()),
        device: "cpu".into(),
        weights: "scratch".into(),
        resumed,
        parent: None,
    };
    let applied = |key: &str, new: f64, epoch, iter| Event::ParamApplied {
        key: key.into(),
        old: Value::Float(0.2),
        new: Value::Float(new),
        epoch,
        iter,
    };
    let epoch = |e: usize, loss: f64| {
        let mut events = vec![Event::State { state: State::Extracting, epoch: e }];
        events.push(crate::support::play::clustered(e, &params));
        events.push(Event::Snapshot { epoch: e, part: SnapshotPart::Clusters });
        events.push(Event::State { state: State::Adapting, epoch: e });
        events.extend((0..10).map(|i| step(e, i, loss)));
        events.push(Event::State { state: State::Evaluating, epoch: e });
        events.push(crate::support::play::evaluated(e + 1));
        events.push(Event::Snapshot { epoch: e + 1, part: SnapshotPart::Ranks });
        events.push(Event::EpochDone { epoch: e, epochs: 12 });
        events.push(Event::Checkpoint { file: "checkpoints/last.safetensors".into(), epoch: e + 1, bytes: 1 });
        events
    };
    let head = || vec![started(false), crate::support::play::evaluated(0)];
    let undisturbed: Vec<Event> = head().into_iter().chain((0..3).flat_map(|e| epoch(e, 1.0))).collect();
    // Killed in the third epoch, after two changes that the checkpoint before it did not hold; done anew.
    let mut torn: Vec<Event> = head().into_iter().chain(epoch(0, 1.0)).chain(epoch(1, 1.0)).collect();
    torn.push(applied("eps", 0.5, 2, 0));
    torn.extend(epoch(2, 9.0).into_iter().take(9));
    torn.push(applied("memory.momentum", 0.9, 2, 5));
    torn.push(started(true));
    torn.extend(epoch(2, 1.0));
    let view = |events: &[Event]| {
        let mut writer =
            RunWriter::create(&tempfile::tempdir().unwrap().keep(), &Manifest::new("a", "b", 1, "cpu"), &params)
                .unwrap();
        let mut view = RunView::default();
        for event in events {
            view.fold(&writer.append(event.clone()).unwrap());
        }
        std::fs::remove_dir_all(writer.dir()).unwrap();
        view
    };
    let (torn, whole) = (view(&torn), view(&undisturbed));
    assert_eq!(torn.changes, [], "they were undone");
    assert!(torn.marks.iter().all(|m| !matches!(m.kind, MarkKind::Param { .. })), "{:?}", torn.marks);
    let resumed: Vec<f64> = torn.marks.iter().filter(|m| m.kind == MarkKind::Resumed).map(|m| m.x).collect();
    assert_eq!(resumed, [2.0], "it went on from the end of the second epoch");
    assert_eq!((&torn.adapt.loss, &torn.adapt.points), (&whole.adapt.loss, &whole.adapt.points));
    assert_eq!((&torn.clusters, &torn.target_retrieval), (&whole.clusters, &whole.target_retrieval));
    assert_eq!(torn.snapshots.keys().collect::<Vec<_>>(), whole.snapshots.keys().collect::<Vec<_>>());
    assert_eq!((torn.epochs_done, torn.epoch, torn.iter), (whole.epochs_done, whole.epoch, whole.iter));
}

#[test]
fn a_change_kept_in_the_checkpoint_stays_when_the_run_is_taken_up() {
    let started = |eps: f64, resumed| Event::Started {
        folder: "runs/x".into(),
        title: "a → b".into(),
        source: "a".into(),
        target: "b".into(),
        params: Box::new(Params { eps, ..Params::default() }),
        device: "cpu".into(),
        weights: "scratch".into(),
        resumed,
        parent: None,
    };
    let applied =
        Event::ParamApplied { key: "eps".into(), old: Value::Float(0.6), new: Value::Float(0.5), epoch: 1, iter: 0 };
    let extracting = Event::State { state: State::Extracting, epoch: 1 };
    for (eps, kept) in [(0.5, 1), (0.6, 0)] {
        let mut view = RunView::default();
        let events = [started(0.6, false), step(0, 9, 1.0), applied.clone(), started(eps, true), extracting.clone()];
        for (seq, event) in events.into_iter().enumerate() {
            view.fold(&stamped(seq as u64, 0.5, event));
        }
        assert_eq!(view.changes.len(), kept, "the parameters at the resume say eps {eps}");
    }
}

#[test]
fn a_pause_is_no_work_and_changes_name_their_epoch() {
    let mut view = RunView::default();
    let mut seq = 0;
    let mut at = |wall: f64, event: Event| {
        view.fold(&Stamped { run: Default::default(), seq, t: wall, wall: 1e9 + wall, event });
        seq += 1;
        view.clone()
    };
    let state = |state, epoch| Event::State { state, epoch };
    at(0.0, state(State::Adapting, 1));
    assert_eq!(at(1.0, step(1, 0, 1.0)).next_epoch(), (Phase::Adapt, 2), "epoch 1 has begun");
    at(2.0, state(State::Paused, 1));
    at(902.0, state(State::Adapting, 1));
    for iter in 1..10 {
        at(902.0 + iter as f64, step(1, iter, 1.0));
    }
    let done = at(912.0, Event::StageDone { stage: Stage::Adapt, epoch: 1, seconds: 912.0 });
    assert_eq!(done.stages[4].seconds, Some(12.0), "15 minutes of pause are no work");
    at(912.0, Event::EpochDone { epoch: 1, epochs: 12 });
    // "Step to the end of the epoch" waits before the next epoch's clustering: a change counts from there.
    let waits = at(912.0, state(State::Paused, 2));
    assert_eq!((waits.next_epoch(), waits.iter), ((Phase::Adapt, 2), 0));
    at(990.0, state(State::Adapting, 2));
    let (old, new) = (Value::Float(0.6), Value::Float(0.5));
    let applied = at(990.0, Event::ParamApplied { key: "eps".into(), old, new, epoch: 2, iter: 0 });
    let mark = applied.marks.iter().find(|m| matches!(m.kind, MarkKind::Param { .. })).unwrap();
    assert_eq!(mark.x, 2.0, "not one epoch late");
    assert_eq!(at(991.0, state(State::Extracting, 2)).next_epoch(), (Phase::Adapt, 3));
}

#[test]
fn monstrous_numbers_cost_neither_time_nor_memory() {
    let began = std::time::Instant::now();
    let mut view = RunView::default();
    let mut params = Params::default();
    params.adapt.epochs = 1 << 63;
    let huge = |epoch: usize| {
        let mut event = step(0, 0, 1.0);
        if let Event::Step(step) = &mut event {
            (step.epoch, step.iter, step.iters) = (epoch, usize::MAX, usize::MAX);
            step.parts = (0..100_000).map(|i| (format!("part {i}"), 1.0)).collect();
        }
        event
    };
    let started = Event::Started {
        folder: "x".into(),
        title: "a → b".into(),
        source: "a".into(),
        target: "b".into(),
        params: Box::new(params),
        device: "cpu".into(),
        weights: "scratch".into(),
        resumed: false,
        parent: None,
    };
    let mut clustered = crate::support::play::clustered(0, &Params::default());
    if let Event::Clustered { epoch, .. } = &mut clustered {
        *epoch = 1_000_000_000_000;
    }
    for event in [started, huge(1_000_000_000_000), clustered, huge(usize::MAX), huge(3), huge(usize::MAX)] {
        view.fold(&stamped(u64::MAX, 1.0, event));
        view.next_epoch();
        view.run_left();
    }
    // One iteration after another that falls back to the first.
    for i in 0..100_000 {
        view.fold(&Stamped {
            run: Default::default(),
            seq: u64::MAX,
            t: 1.0,
            wall: 1.0,
            event: step(5, if i % 2 == 0 { 9 } else { 0 }, 1.0),
        });
    }
    assert!(view.adapt.parts.len() <= 32);
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
}

#[test]
fn a_million_points_draw_as_few_as_the_picture_is_wide() {
    let mut series = Series::default();
    for i in 0..1_000_000u32 {
        let y = if i == 654_321 { 50.0 } else { f64::from(i % 7) };
        series.push(f64::from(i) / 1000.0, y, 1);
    }
    for (from, to, width) in [(0.0, 1000.0, 300), (0.0, 1000.0, 1600), (654.0, 655.0, 200), (654.3, 654.35, 200)] {
        let spans = series.spans(from, to, width);
        assert!(spans.len() <= width + 2, "{} stretches for {width} points", spans.len());
        let highest = spans.iter().map(|s| s.max).fold(0.0, f64::max);
        assert_eq!(highest, 50.0, "the one outlier between {from} and {to} is not lost");
    }
    assert_eq!(series.nearest(654.3212).unwrap().1, 50.0);
}

#[test]
fn smoothing_is_without_bias_and_passes_over_what_is_not_a_number() {
    let mut series = Series::default();
    series.push(0.0, 4.0, 1);
    assert!((series.last_smooth().unwrap() - 4.0).abs() < 1e-12, "the first value is not drawn towards 0");
    series.push(1.0, f64::NAN, 1);
    assert!((series.last_smooth().unwrap() - 4.0).abs() < 1e-12);
    assert_eq!(series.gaps(10), [1.0]);
    series.push(2.0, 2.0, 1);
    let expected = (SMOOTHING * (1.0 - SMOOTHING) * 4.0 + (1.0 - SMOOTHING) * 2.0) / (1.0 - SMOOTHING * SMOOTHING);
    assert!((series.last_smooth().unwrap() - expected).abs() < 1e-12);
}

/// Asks until it is read.
fn wait<T>(mut ask: impl FnMut() -> Loaded<T>, woken: &crossbeam_channel::Receiver<()>) -> Loaded<T> {
    loop {
        match ask() {
            Loaded::Loading => woken.recv_timeout(std::time::Duration::from_secs(10)).expect("read in time"),
            other => return other,
        }
    }
}

#[test]
fn snapshots_are_read_beside_the_window_and_failures_are_told() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("run");
    sample_run::write(&dir);
    let moved = home.path().join("moved");
    std::fs::rename(&dir, &moved).unwrap();
    let view = RunView::of_folder(&RunReader::open(&moved).unwrap());
    let (wake, woken) = crossbeam_channel::bounded(64);
    let snapshots = Snapshots::new(move || {
        wake.try_send(()).ok();
    });
    let ranks = wait(|| snapshots.ranks(&view, 2), &woken);
    assert_eq!(ranks.ready().unwrap().queries(), sample_run::QUERIES);
    let images = wait(|| snapshots.images(&view), &woken);
    assert_eq!(images.ready().unwrap().split(Split::Query).len(), sample_run::QUERIES);
    assert!(matches!(snapshots.clusters(&view, 77), Loaded::Absent));
    // The maps of pre-training come before any snapshot, and want their photos.
    let mut early = RunView::default();
    early.folder.clone_from(&view.folder);
    assert!(matches!(snapshots.images(&early), Loaded::Absent));
    early.live_maps = Some((0, Vec::new()));
    assert!(wait(|| snapshots.images(&early), &woken).ready().is_some());
    std::fs::write(moved.join("epochs/0001/clusters.safetensors"), b"half").unwrap();
    let Loaded::Failed(why) = wait(|| snapshots.clusters(&view, 1), &woken) else { panic!() };
    assert!(why.contains("clusters.safetensors"), "{why}");
}
