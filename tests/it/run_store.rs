//! Many runs: listed, followed as they grow, steered from outside.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use reid_workbench::method::params::{Params, Value};
use reid_workbench::run::event::*;
use reid_workbench::run::pulse::{Beat, Pulse, Trainer, beat_path};
use reid_workbench::run::requests::{self, FoundRequests, Listener, Posted, Steer};
use reid_workbench::run::store::{Store, Update};
use reid_workbench::run::summary::{self, Outcome, Summary, summary_path};
use reid_workbench::run::{Manifest, RunWriter};

use crate::sample_run;
use crate::support::play;

const LIMIT: Duration = Duration::from_secs(30);

fn create(dir: &Path) -> RunWriter {
    RunWriter::create(dir, &Manifest::new("plaza", "station", 7, "cpu"), &Params::default()).unwrap()
}

/// Takes what comes until `wanted` gives something.
fn until<T>(store: &Store, what: &str, mut wanted: impl FnMut(Update) -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        let update = store.wait(LIMIT).unwrap_or_else(|| panic!("{what} did not come"));
        if let Some(found) = wanted(update) {
            return found;
        }
        assert!(began.elapsed() < LIMIT, "{what} did not come");
    }
}

#[test]
fn a_run_that_another_writes_is_followed_within_a_quarter_of_a_second() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("run");
    let mut writer = create(&dir);
    writer.append(play::started(&dir, &Params::default())).unwrap();
    let (say, _keep) = crossbeam_channel::unbounded();
    let listener = Listener::start(&dir, say).unwrap();
    until_beats(&dir);
    let store = Store::start(home.path().join("nowhere"), || {});
    store.follow(dir.clone());
    let trainer = until(&store, "the run", |u| if let Update::Opened(o) = u { Some(o.view.trainer) } else { None });
    assert_eq!(trainer, Some(Trainer::this()));
    let mut slowest = Duration::ZERO;
    for iter in 0..10 {
        let written = writer.append(play::step(0, iter, 40)).unwrap();
        let at = Instant::now();
        let events =
            until(&store, "a step", |u| if let Update::Grown { events, .. } = u { Some(events) } else { None });
        slowest = slowest.max(at.elapsed());
        assert_eq!(events, [written]);
    }
    println!("from write to reader: at most {slowest:?}");
    assert!(slowest < Duration::from_millis(250), "{slowest:?}");
    drop(listener);
    let gone = until(&store, "the end", |u| if let Update::Trainer { trainer, .. } = u { Some(trainer) } else { None });
    assert_eq!(gone, None);
}

fn until_beats(dir: &Path) {
    let began = Instant::now();
    while !beat_path(dir).exists() {
        assert!(began.elapsed() < LIMIT);
        std::thread::yield_now();
    }
}

#[test]
fn two_followers_see_the_same_and_one_that_sleeps_misses_nothing() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("run");
    let mut writer = create(&dir);
    let stores = [0, 1].map(|_| Store::start(home.path().join("nowhere"), || {}));
    for store in &stores {
        store.follow(dir.clone());
        until(store, "the run", |u| if let Update::Opened(_) = u { Some(()) } else { None });
    }
    let written: Vec<Stamped> = (0..3000).map(|i| writer.append(play::step(0, i, 5000)).unwrap()).collect();
    for store in &stores {
        let mut seen = Vec::new();
        while seen.len() < written.len() {
            seen.extend(until(store, "steps", |u| match u {
                Update::Grown { events, .. } => Some(events),
                _ => None,
            }));
        }
        assert_eq!(seen, written);
    }
}

#[test]
fn signs_of_life_of_the_dead_do_not_count() {
    let dir = tempfile::tempdir().unwrap();
    let mut beat = Beat::of_this_process();
    beat.touch(dir.path());
    assert_eq!(Pulse::default().look(dir.path()), Some(Trainer::this()));
    // Killed an hour ago, on a machine whose clock is right.
    let elsewhere = Trainer { host: "another".into(), pid: 1 };
    let old = Beat { trainer: elsewhere.clone(), wall: beat.wall - 3600.0 };
    fs::write(beat_path(dir.path()), serde_json::to_vec(&old).unwrap()).unwrap();
    let mut pulse = Pulse::default();
    assert_eq!(pulse.look(dir.path()), None);
    // One whose clock is an hour slow lives: its sign changes.
    let next = Beat { trainer: elsewhere.clone(), wall: old.wall + 1.0 };
    fs::write(beat_path(dir.path()), serde_json::to_vec(&next).unwrap()).unwrap();
    assert_eq!(pulse.look(dir.path()), Some(elsewhere));
    fs::write(beat_path(dir.path()), "{").unwrap();
    assert_eq!(pulse.look(dir.path()), None, "rubbish is no sign");
}

#[test]
fn requests_are_taken_once_in_their_order_and_old_ones_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let old = Posted::new(Steer::Stop);
    requests::send(dir.path(), &old).unwrap();
    fs::write(requests::requests_dir(dir.path()).join("zz.json"), "not a request").unwrap();
    let (say, heard) = crossbeam_channel::bounded(1024);
    let listener = Listener::start(dir.path(), say).unwrap();
    assert_eq!(heard.recv_timeout(LIMIT).unwrap(), FoundRequests::Request { request: old, stale: true });
    assert!(matches!(heard.recv_timeout(LIMIT).unwrap(), FoundRequests::Rubbish(why) if why.contains("zz.json")));
    let set = |n: i64| Steer::SetParam { key: "k1".into(), value: Value::Int(n) };
    let sent: Vec<Posted> = (0..100).map(|n| Posted::new(set(n))).collect();
    sent.iter().for_each(|request| requests::send(dir.path(), request).unwrap());
    for request in sent {
        assert_eq!(heard.recv_timeout(LIMIT).unwrap(), FoundRequests::Request { request, stale: false });
    }
    drop(listener);
    assert!(heard.try_recv().is_err(), "each was taken once");
    assert_eq!(fs::read_dir(requests::requests_dir(dir.path())).unwrap().count(), 0);
    assert!(!beat_path(dir.path()).exists(), "nobody listens any more");
    let late = Posted::new(Steer::Pause);
    requests::send(dir.path(), &late).unwrap();
    assert!(requests::take_back(dir.path(), &late));
}

#[test]
fn a_summary_says_what_the_log_says_and_is_made_anew_when_that_grows() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("run");
    sample_run::write(&dir);
    let summary = Summary::read(&dir).unwrap();
    assert_eq!(
        (summary.outcome, summary.epochs, summary.planned),
        (Outcome::Done, sample_run::EPOCHS, sample_run::EPOCHS)
    );
    assert_eq!((summary.title.as_str(), summary.curve.len()), ("synthetic-plaza → synthetic-station", 7));
    assert_eq!(Summary::read(&dir).unwrap(), summary, "out of the file beside the log");
    // What lies there counts only for the log that it was made of.
    let mut text = fs::read_to_string(summary_path(&dir)).unwrap();
    text = text.replace("synthetic-plaza → synthetic-station", "kept");
    fs::write(summary_path(&dir), text).unwrap();
    assert_eq!(Summary::read(&dir).unwrap().title, "kept");
    let mut writer = RunWriter::reopen(&dir).unwrap();
    writer.append(Event::State { state: State::Failed("x".into()), epoch: 6 }).unwrap();
    let grown = Summary::read(&dir).unwrap();
    assert_eq!((grown.outcome, grown.title.as_str()), (Outcome::Failed, "synthetic-plaza → synthetic-station"));
}

#[test]
fn two_hundred_runs_are_listed_at_once() {
    let home = tempfile::tempdir().unwrap();
    let first = home.path().join("run-000");
    sample_run::write(&first);
    let log = fs::read(first.join("events.jsonl")).unwrap();
    for n in 1..200 {
        let dir = home.path().join(format!("run-{n:03}"));
        drop(create(&dir));
        fs::write(dir.join("events.jsonl"), &log).unwrap();
    }
    let began = Instant::now();
    assert_eq!(summary::list(home.path()).len(), 200);
    let cold = began.elapsed();
    let began = Instant::now();
    let list = summary::list(home.path());
    let warm = began.elapsed();
    println!("200 runs: {cold:?} the first time, {warm:?} from then on");
    assert!(list.iter().all(|s| s.curve.len() == 7) && list[0].folder.ends_with("run-199"));
    assert!(warm < Duration::from_millis(900), "{warm:?}"); // 300 ms on an idle machine
}

#[test]
fn the_list_shows_a_run_as_it_is_trained_elsewhere_and_as_it_ends() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::start(home.path().to_owned(), || {});
    let mut store = store;
    store.list();
    let listed = |update| if let Update::Listed { rows, .. } = update { Some(rows) } else { None };
    assert!(until(&store, "an empty list", listed).is_empty());
    let dir = home.path().join("run");
    let mut writer = create(&dir);
    let (say, _keep) = crossbeam_channel::unbounded();
    let listener = Listener::start(&dir, say).unwrap();
    writer.append(play::started(&dir, &Params::default())).unwrap();
    let live = until(&store, "a live run", |u| listed(u).filter(|r| r.first().is_some_and(|(_, t)| t.is_some())));
    assert_eq!((live[0].0.outcome, live[0].1.as_ref()), (Outcome::Live, Some(&Trainer::this())));
    writer.append(Event::EpochDone { epoch: 0, epochs: 70 }).unwrap();
    until(&store, "an epoch", |u| listed(u).filter(|r| r[0].0.epochs == 1));
    writer.append(Event::State { state: State::Done, epoch: 1 }).unwrap();
    drop(listener);
    let done = until(&store, "the end", |u| listed(u).filter(|r| r[0].1.is_none()));
    assert_eq!((done[0].0.outcome, done[0].0.epochs), (Outcome::Done, 1));
}

#[test]
fn the_list_reads_on_in_a_run_that_is_written_without_signs_of_life() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("features");
    let mut writer = create(&dir);
    writer.append(play::started(&dir, &Params::default())).unwrap();
    let mut store = Store::start(home.path().to_owned(), || {});
    store.list();
    let outcome = |u: Update| match u {
        Update::Listed { rows, .. } => rows.first().map(|(run, _)| run.outcome),
        _ => None,
    };
    assert_eq!(until(&store, "the list", outcome), Outcome::Stopped);
    writer.append(Event::State { state: State::Done, epoch: 0 }).unwrap();
    assert_eq!(until(&store, "its end", outcome), Outcome::Done);
}

#[test]
fn the_run_that_a_first_start_shows_is_the_one_that_changed_last() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(summary::latest(&home.path().join("nowhere")), None);
    std::fs::create_dir(home.path().join("no-run")).unwrap();
    assert_eq!(summary::latest(home.path()), None);
    // Neither the first nor the last by name.
    for (name, at) in [("a", 20), ("b", 30), ("c", 10)] {
        let run = home.path().join(name);
        std::fs::create_dir(&run).unwrap();
        let events = std::fs::File::create(run.join("events.jsonl")).unwrap();
        events.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(at)).unwrap();
    }
    assert_eq!(summary::latest(home.path()), Some(home.path().join("b")));
}
