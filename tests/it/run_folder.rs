//! The run folder: what is written is read back, whatever happened in between.

use std::fs;
use std::io::Write;
use std::path::Path;

use reid_workbench::method::params::{Effect, Params, Value};
use reid_workbench::run::event::*;
use reid_workbench::run::folder::events_path;
use reid_workbench::run::graph::read_graph;
use reid_workbench::run::images::{ImageRow, Images};
use reid_workbench::run::reader::Grown;
use reid_workbench::run::snapshot::{self, ClusterSnapshot, RankSnapshot};
use reid_workbench::run::{Manifest, RunError, RunReader, RunView, RunWriter};

fn manifest() -> Manifest {
    Manifest::new("plaza", "station", 7, "cpu")
}

fn create(dir: &Path) -> RunWriter {
    let mut params = Params::default();
    params.assign("eps=0.55").unwrap();
    RunWriter::create(dir, &manifest(), &params).unwrap()
}

fn step(step: u64, loss: f64) -> Event {
    Event::Step(Step {
        phase: Phase::Adapt,
        epoch: 0,
        iter: step as usize,
        iters: 40,
        step,
        loss,
        parts: vec![("target".to_owned(), loss), ("triplet".to_owned(), 0.1)],
        lr: 3.5e-4,
        seconds: 0.25,
        waited: 0.0,
        merged: 1,
    })
}

fn applied() -> Event {
    Event::ParamApplied { key: "eps".into(), old: Value::Float(0.6), new: Value::Float(0.5), epoch: 1, iter: 0 }
}

#[test]
fn events_are_read_back_as_the_writer_gave_them_out() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = create(dir.path());
    let third = 1.0 / 3.0;
    let given: Vec<Stamped> = [
        Event::State { state: State::Failed("out of memory".into()), epoch: 2 },
        step(0, third),
        step(1, f64::from(0.1_f32)),
        Event::ParamPending { key: "k1".into(), value: Value::Int(20), effect: Effect::NextEpoch },
        applied(),
        Event::Notice { severity: Severity::Warning, title: "a".into(), text: "line\nfeed".into() },
    ]
    .into_iter()
    .map(|e| writer.append(e).unwrap())
    .collect();
    let reader = RunReader::open(dir.path()).unwrap();
    assert_eq!(reader.events, given);
    assert_eq!(reader.events.iter().map(|e| e.seq).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    assert_eq!((reader.params.eps, reader.manifest.target.as_str()), (0.55, "station"));
    assert!(reader.warnings.is_empty(), "{:?}", reader.warnings);
}

#[test]
fn a_loss_that_is_not_a_number_stays_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = create(dir.path());
    writer.append(step(0, f64::NAN)).unwrap();
    writer.append(step(1, f64::INFINITY)).unwrap();
    let reader = RunReader::open(dir.path()).unwrap();
    assert!(reader.warnings.is_empty(), "{:?}", reader.warnings);
    for event in &reader.events {
        let Event::Step(step) = &event.event else { panic!("{event:?}") };
        assert!(step.loss.is_nan() && step.parts[0].1.is_nan());
        assert_eq!(step.parts[1], ("triplet".to_owned(), 0.1));
    }
}

#[test]
fn live_only_events_are_not_written_and_leave_no_gap() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = create(dir.path());
    writer.append(step(0, 1.0)).unwrap();
    writer.append(Event::Progress { stage: Stage::Extract, done: 1, total: 2 }).unwrap();
    writer.append(Event::Device { name: "cpu".into(), used: 1, total: 2, load: Default::default() }).unwrap();
    writer.append(Event::HeatMaps { epoch: 0, images: Vec::new() }).unwrap();
    assert_eq!(writer.append(step(1, 1.0)).unwrap().seq, 1);
    assert_eq!(RunReader::open(dir.path()).unwrap().events.len(), 2);
}

#[test]
fn a_torn_last_line_is_skipped_and_reported_then_cut_off_on_resume() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = create(dir.path());
    writer.append(step(0, 2.0)).unwrap();
    drop(writer);
    let before = fs::read(events_path(dir.path())).unwrap();
    let mut file = fs::OpenOptions::new().append(true).open(events_path(dir.path())).unwrap();
    file.write_all(br#"{"seq":1,"t":0.5,"wall":0,"type":"st"#).unwrap();

    let reader = RunReader::open(dir.path()).unwrap();
    assert_eq!(reader.events.len(), 1);
    assert!(reader.warnings[0].contains("cut short"), "{:?}", reader.warnings);

    let mut writer = RunWriter::reopen(dir.path()).unwrap();
    assert!(writer.warnings()[0].contains("cut short"));
    assert_eq!(fs::read(events_path(dir.path())).unwrap(), before, "earlier lines are untouched");
    assert_eq!(writer.append(step(1, 1.0)).unwrap().seq, 1);
    let reader = RunReader::open(dir.path()).unwrap();
    assert_eq!((reader.events.len(), reader.warnings.len()), (2, 0));
}

#[test]
fn resume_continues_number_and_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = create(dir.path());
    writer.append(step(0, 2.0)).unwrap();
    drop(writer);
    // Pretend that the first part worked for an hour.
    let text = fs::read_to_string(events_path(dir.path())).unwrap();
    let mut line: serde_json::Value = serde_json::from_str(&text).unwrap();
    line["t"] = 3600.0.into();
    fs::write(events_path(dir.path()), format!("{line}\n")).unwrap();

    let mut writer = RunWriter::reopen(dir.path()).unwrap();
    let next = writer.append(step(1, 1.9)).unwrap();
    assert_eq!(next.seq, 1);
    assert!((3600.0..3660.0).contains(&next.t), "{}", next.t);
}

#[test]
fn an_unknown_event_type_is_skipped_and_reported() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = create(dir.path());
    writer.append(step(0, 2.0)).unwrap();
    drop(writer);
    let mut file = fs::OpenOptions::new().append(true).open(events_path(dir.path())).unwrap();
    file.write_all(b"{\"seq\":1,\"t\":1.0,\"wall\":0.0,\"type\":\"from-the-future\",\"x\":3}\nnot json\n").unwrap();
    let reader = RunReader::open(dir.path()).unwrap();
    assert_eq!(reader.events.len(), 1);
    assert_eq!(reader.warnings.len(), 2);
    assert!(reader.warnings[0].contains("`from-the-future`"), "{:?}", reader.warnings);
    let mut writer = RunWriter::reopen(dir.path()).unwrap();
    assert_eq!(writer.append(step(1, 1.0)).unwrap().seq, 3, "a skipped line keeps its number");
}

#[test]
fn a_number_that_is_not_its_place_hides_nothing() {
    let dir = tempfile::tempdir().unwrap();
    drop(create(dir.path()));
    let line = |seq: u64, at: u64| {
        serde_json::to_string(&Stamped { run: Default::default(), seq, t: 1.0, wall: 1.0, event: step(at, 1.0) })
            .unwrap()
            + "\n"
    };
    let text = line(0, 0) + &line(u64::MAX, 1) + &line(2, 2) + &line(2, 3);
    fs::write(events_path(dir.path()), text).unwrap();
    let reader = RunReader::open(dir.path()).unwrap();
    assert_eq!(reader.events.iter().map(|e| e.seq).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert!(reader.warnings[0].contains("2 events carry a number"), "{:?}", reader.warnings);
    assert_eq!(RunWriter::reopen(dir.path()).unwrap().append(step(4, 1.0)).unwrap().seq, 4);
}

/// The size of a paper's run: 70 epochs of 400 iterations.
#[test]
fn a_long_run_opens_at_once() {
    let dir = tempfile::tempdir().unwrap();
    drop(create(dir.path()));
    let mut text = String::new();
    let mut seq = 0;
    for epoch in 0..70 {
        for iter in 0..400 {
            let mut event = step(iter, 1.234_567_890_123 + iter as f64);
            if let Event::Step(s) = &mut event {
                (s.epoch, s.iters, s.step) = (epoch, 400, epoch as u64 * 400 + iter);
            }
            text += &serde_json::to_string(&Stamped { run: Default::default(), seq, t: seq as f64, wall: 1e9, event })
                .unwrap();
            text.push('\n');
            seq += 1;
        }
    }
    fs::write(events_path(dir.path()), text).unwrap();
    let mut times: Vec<_> = (0..3)
        .map(|_| {
            let began = std::time::Instant::now();
            let reader = RunReader::open(dir.path()).unwrap();
            let read = began.elapsed();
            let view = RunView::of_folder(&reader);
            assert_eq!(view.adapt.loss.len(), 28_000);
            (began.elapsed(), read)
        })
        .collect();
    times.sort();
    println!("28,000 iterations: read in {:?}, with the fold {:?}", times[0].1, times[0].0);
    // 100 ms on an idle machine; tests share theirs.
    assert!(times[0].0.as_millis() < 800, "{times:?}");
}

#[test]
fn a_tail_gives_each_whole_line_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = create(dir.path());
    writer.append(step(0, 2.0)).unwrap();
    let mut tail = RunReader::open(dir.path()).unwrap().tail();
    assert_eq!(tail.poll(), Grown::Not);
    let next = writer.append(step(1, 1.5)).unwrap();
    assert_eq!(tail.poll(), Grown::By(vec![next]));
    assert_eq!(tail.poll(), Grown::Not);
    drop(writer);

    let line =
        serde_json::to_string(&Stamped { run: Default::default(), seq: 2, t: 1.0, wall: 1.0, event: step(2, 1.0) })
            .unwrap();
    let mut file = fs::OpenOptions::new().append(true).open(events_path(dir.path())).unwrap();
    file.write_all(&line.as_bytes()[..20]).unwrap();
    assert_eq!(tail.poll(), Grown::Not, "half a line is not an event");
    file.write_all(&line.as_bytes()[20..]).unwrap();
    file.write_all(b"\n").unwrap();
    assert!(matches!(tail.poll(), Grown::By(events) if events.len() == 1));
    assert!(tail.take_warnings().is_empty());
    fs::write(events_path(dir.path()), "").unwrap();
    assert_eq!(tail.poll(), Grown::Anew, "a shorter file is another one");
}

#[test]
fn what_a_newer_program_wrote_is_left_as_it_is_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut params = Params::default();
    params.assign("eps=0.47").unwrap();
    drop(RunWriter::create(dir.path(), &manifest(), &params).unwrap());
    let path = dir.path().join("params.toml");
    let newer = fs::read_to_string(&path).unwrap() + "adapt.momentum = 0.9\n[tides]\nhigh = 3\n";
    fs::write(&path, &newer).unwrap();
    let mut told: serde_json::Value = serde_json::from_slice(&fs::read(Manifest::path(dir.path())).unwrap()).unwrap();
    told["moon"] = "full".into();
    fs::write(Manifest::path(dir.path()), told.to_string()).unwrap();
    let reader = RunReader::open(dir.path()).unwrap();
    assert_eq!(reader.params.eps, 0.47, "what it knows counts");
    assert!(reader.warnings[0].contains("adapt.momentum, tides.high"), "{:?}", reader.warnings);
    drop(RunWriter::reopen(dir.path()).unwrap());
    assert_eq!(fs::read_to_string(&path).unwrap(), newer);
    assert!(fs::read_to_string(Manifest::path(dir.path())).unwrap().contains("moon"));
}

/// Run folders of earlier versions, one a format, as those versions wrote them; parts that only cost room are left out.
#[test]
fn runs_of_earlier_formats_open_for_ever() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/runs");
    let mut found = 0;
    for entry in fs::read_dir(fixtures).unwrap() {
        let archive = entry.unwrap().path();
        let dir = tempfile::tempdir().unwrap();
        let file = flate2::read::GzDecoder::new(fs::File::open(&archive).unwrap());
        tar::Archive::new(file).unpack(dir.path()).unwrap();
        let reader = RunReader::open(dir.path()).unwrap();
        assert_eq!(reader.warnings, Vec::<String>::new(), "{}", archive.display());
        let view = RunView::of_folder(&reader);
        assert_eq!((&view.state, view.epochs_done), (&State::Done, 10), "{}", archive.display());
        assert_eq!(view.target_retrieval[&10].mAP, 0.535_844_051_222_576_2);
        assert_eq!(view.clusters[&0].summary.clusters, [68, 72, 55]);
        assert_eq!((view.pretrain.points.len(), view.adapt.points.len()), (288, 320));
        let clusters = ClusterSnapshot::read(dir.path(), 0).unwrap();
        assert_eq!((clusters.labels.len(), clusters.reliable.len()), (1024, 68));
        assert_eq!(RankSnapshot::read(dir.path(), 0).unwrap().queries(), 192);
        assert_eq!(read_graph(dir.path(), 0).unwrap().n, 1024);
        assert_eq!(Images::read(dir.path()).unwrap().split(Split::Query).len(), 192);
        found += 1;
    }
    assert_eq!(found, 1);
}

#[test]
fn a_run_folder_is_neither_overwritten_nor_written_twice() {
    let dir = tempfile::tempdir().unwrap();
    let writer = create(dir.path());
    let again = RunWriter::create(dir.path(), &manifest(), &Params::default());
    assert!(matches!(again, Err(RunError::Exists { .. })));
    let second = RunWriter::reopen(dir.path());
    let by = format!("process {} on ", std::process::id());
    assert!(matches!(&second, Err(RunError::Locked { by: who, .. }) if who.starts_with(&by)), "{second:?}");
    drop(writer);
    RunWriter::reopen(dir.path()).unwrap();
    let empty = tempfile::tempdir().unwrap();
    let error = RunReader::open(empty.path()).unwrap_err().to_string();
    assert!(error.contains("is not a run folder"), "{error}");
}

#[test]
fn a_manifest_of_a_newer_format_says_so() {
    let dir = tempfile::tempdir().unwrap();
    drop(create(dir.path()));
    fs::write(Manifest::path(dir.path()), r#"{"format": 99, "unknown": true}"#).unwrap();
    let error = RunReader::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("format 99") && error.contains("newer"), "{error}");
}

#[test]
fn a_clustering_of_a_version_without_components_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let older = ClusterSnapshot { pca: Vec::new(), ..clusters() };
    older.write(dir.path(), 3).unwrap();
    assert_eq!(ClusterSnapshot::read(dir.path(), 3).unwrap(), older);
}

fn clusters() -> ClusterSnapshot {
    ClusterSnapshot {
        labels: vec![0, 0, -1],
        labels_tight: vec![0, 0, -1],
        labels_loose: vec![0, 0, 0],
        score: vec![2.0 / 3.0, 2.0 / 3.0, 1.0 / 3.0],
        cluster_score: vec![2.0 / 3.0],
        reliable: vec![1],
        pseudo_labels: vec![0, 0, -1],
        knn_index: vec![0, 1, 1, 0, 2, 1],
        knn_dist: vec![0.0, 0.5, 0.0, 0.5, 0.0, 0.75],
        k: 2,
        pca: vec![0.5, -0.5, 0.25, 0.0, -0.75, 0.5],
    }
}

fn ranks() -> RankSnapshot {
    RankSnapshot {
        ap: vec![0.5, f64::NAN],
        top: 2,
        ranks: vec![1, 0, 2, 1],
        distances: vec![0.1, 0.2, 0.3, 0.4],
        match_indptr: vec![0, 1, 1],
        match_index: vec![0],
        match_rank: vec![2],
        match_distance: vec![0.2],
    }
}

fn maps() -> Vec<ImageMaps> {
    let map = |name: &str, h: usize, w: usize| AttentionMap {
        name: name.to_owned(),
        height: h,
        width: w,
        values: (0..h * w).map(|i| i as f32 / 7.0).collect(),
    };
    vec![
        ImageMaps {
            image: ImageRef { split: Split::Query, index: 12 },
            maps: vec![map("layer1.coordinate", 4, 2), map("layer1.a", 2, 1), map("layer4.output", 2, 1)],
        },
        ImageMaps { image: ImageRef { split: Split::Gallery, index: 3 }, maps: Vec::new() },
        ImageMaps { image: ImageRef { split: Split::Train, index: 0 }, maps: vec![map("layer4.triplet", 1, 1)] },
    ]
}

#[test]
fn snapshots_and_images_survive_a_move_to_another_place() {
    let home = tempfile::tempdir().unwrap();
    let here = home.path().join("here");
    let mut writer = create(&here);
    writer.append(step(0, 1.0)).unwrap();
    clusters().write(&here, 0).unwrap();
    ranks().write(&here, 1).unwrap();
    snapshot::write_heat_maps(&here, 1, &maps()).unwrap();
    let row = |split, index| ImageRow { split, index, path: format!("a,b \"{index}\".jpg").into(), pid: 5, camid: 1 };
    let images = Images::new([row(Split::Train, 0), row(Split::Query, 0), row(Split::Train, 1)]).unwrap();
    images.write(&here).unwrap();
    drop(writer);

    let there = home.path().join("there");
    fs::rename(&here, &there).unwrap();
    let reader = RunReader::open(&there).unwrap();
    assert_eq!(reader.events.len(), 1);
    assert_eq!(ClusterSnapshot::read(&there, 0).unwrap(), clusters());
    let read = RankSnapshot::read(&there, 1).unwrap();
    assert!(read.ap[1].is_nan());
    assert_eq!(read.hits(0).collect::<Vec<_>>(), [(1, 0.1), (0, 0.2)]);
    assert_eq!(read.matches(0).map(|m| m.rank).collect::<Vec<_>>(), [2]);
    assert_eq!(read.matches(1).count() + read.hits(9).count(), 0);
    assert_eq!(snapshot::read_heat_maps(&there, 1).unwrap(), maps());
    assert_eq!(Images::read(&there).unwrap(), images);
    let found = images.get(ImageRef { split: Split::Train, index: 1 }).unwrap();
    assert_eq!(found.path, Path::new("a,b \"1\".jpg"));
}

#[test]
fn a_half_written_epoch_is_skipped_and_a_damaged_part_named() {
    let dir = tempfile::tempdir().unwrap();
    clusters().write(dir.path(), 0).unwrap();
    ranks().write(dir.path(), 0).unwrap();
    let half = snapshot::epoch_dir(dir.path(), 1);
    fs::create_dir_all(&half).unwrap();
    fs::write(half.join(".abc.tmp"), b"half").unwrap();
    fs::create_dir_all(dir.path().join("epochs/notes")).unwrap();
    assert_eq!(snapshot::list(dir.path()), [(0, vec![SnapshotPart::Clusters, SnapshotPart::Ranks])]);
    assert_eq!(snapshot::list(&dir.path().join("nowhere")), []);

    let path = snapshot::part_path(dir.path(), 0, SnapshotPart::Clusters);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 5]).unwrap();
    let error = ClusterSnapshot::read(dir.path(), 0).unwrap_err().to_string();
    assert!(error.contains("clusters.safetensors") && error.contains("not a whole"), "{error}");
    fs::copy(snapshot::part_path(dir.path(), 0, SnapshotPart::Ranks), &path).unwrap();
    let error = ClusterSnapshot::read(dir.path(), 0).unwrap_err().to_string();
    assert!(error.contains("has no `labels`"), "{error}");
}

#[test]
fn what_a_killed_writer_left_is_swept_when_the_run_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    drop(create(dir.path()));
    fs::create_dir_all(dir.path().join("epochs/0001")).unwrap();
    for litter in [".features.safetensors.a1.tmp", "epochs/0001/.clusters.safetensors.b2.tmp"] {
        fs::write(dir.path().join(litter), "half").unwrap();
    }
    RunWriter::reopen(dir.path()).unwrap();
    let left = |at: &Path| fs::read_dir(at).unwrap().filter(|e| e.as_ref().unwrap().path().is_file()).count();
    assert_eq!(left(&dir.path().join("epochs/0001")), 0);
    assert!(!dir.path().join(".features.safetensors.a1.tmp").exists());
    assert!(events_path(dir.path()).exists() && Manifest::path(dir.path()).exists());
}

#[cfg(unix)]
#[test]
fn a_run_does_not_go_on_through_a_link_that_leads_out_of_its_folder() {
    use std::os::unix::fs::symlink;
    let dir = tempfile::tempdir().unwrap();
    let (run, outside) = (dir.path().join("run"), dir.path().join("diary.txt"));
    drop(create(&run));
    fs::write(&outside, "Dear diary,\nno end of line").unwrap();
    fs::remove_file(events_path(&run)).unwrap();
    symlink(&outside, events_path(&run)).unwrap();
    let error = RunWriter::reopen(&run).unwrap_err().to_string();
    assert!(error.contains("events.jsonl is a link"), "{error}");
    assert_eq!(fs::read_to_string(&outside).unwrap(), "Dear diary,\nno end of line");
    fs::remove_file(events_path(&run)).unwrap();
    fs::write(events_path(&run), "").unwrap();
    symlink(dir.path(), run.join("checkpoints")).unwrap();
    assert!(RunWriter::reopen(&run).unwrap_err().to_string().contains("checkpoints is a link"));
    // The folder itself may lie behind a link: that is the user's choice.
    fs::remove_file(run.join("checkpoints")).unwrap();
    symlink(&run, dir.path().join("alias")).unwrap();
    RunWriter::reopen(&dir.path().join("alias")).unwrap();
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link_in_a_run_folder() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("run");
    drop(create(&dir));
    clusters().write(&dir, 0).unwrap();
    let outside = home.path().join("notes.txt");
    fs::write(&outside, "a line\nand half of one").unwrap();
    for name in ["events.jsonl", "epochs/0000", "checkpoints"] {
        let path = dir.join(name);
        let kept = home.path().join("kept");
        let was = fs::rename(&path, &kept).is_ok();
        std::os::unix::fs::symlink(if name == "events.jsonl" { outside.clone() } else { home.path().into() }, &path)
            .unwrap();
        let refused = RunWriter::reopen(&dir).unwrap_err().to_string();
        assert!(refused.contains("is a link"), "{name}: {refused}");
        fs::remove_file(&path).unwrap();
        if was {
            fs::rename(&kept, &path).unwrap();
        }
    }
    assert_eq!(fs::read_to_string(&outside).unwrap(), "a line\nand half of one");
    RunWriter::reopen(&dir).unwrap();
}

#[test]
fn where_locks_do_not_reach_signs_of_life_do() {
    use reid_workbench::run::pulse::{Beat, Trainer, beat_path};
    let dir = tempfile::tempdir().unwrap();
    drop(create(dir.path()));
    let beat = Beat { trainer: Trainer { host: "another machine".into(), pid: 1 }, ..Beat::of_this_process() };
    fs::write(beat_path(dir.path()), serde_json::to_vec(&beat).unwrap()).unwrap();
    assert!(matches!(RunWriter::reopen(dir.path()), Err(RunError::Locked { .. })));
    // A process of this machine that was killed a moment ago has left its sign, but not the lock.
    let killed = Beat { trainer: Trainer { pid: u32::MAX, ..Trainer::this() }, ..beat };
    fs::write(beat_path(dir.path()), serde_json::to_vec(&killed).unwrap()).unwrap();
    RunWriter::reopen(dir.path()).unwrap();
}
