//! A run folder seen through a second mount, as over NFS or a shared disk: followed, asked and commanded through it.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reid_workbench::method::params::Value;
use reid_workbench::run::RunView;
use reid_workbench::run::event::{Event, ImageRef, RankQuery, Split, State};
use reid_workbench::run::questions::{NetQuestion, ask_trainer};
use reid_workbench::run::requests::{Posted, Steer};
use reid_workbench::run::snapshot::ClusterSnapshot;
use reid_workbench::run::store::{Store, Update};

use crate::support::engine::{SMALL, Tiny};
use crate::support::skipped;

const HERE: &str = "REID_TEST_SECOND_MOUNT";
const LIMIT: Duration = Duration::from_secs(90);

/// A shell in a namespace of mounts of its own, in which `there` is a second mount of `here`.
fn mounted(here: &Path, there: &Path, command: &str) -> Command {
    let mut shell = Command::new("unshare");
    // Who is not root is it within a namespace of users, where the system allows that.
    let root = std::fs::read_to_string("/proc/self/status").is_ok_and(|s| s.contains("\nUid:\t0\t"));
    shell.args(if root { &["-m"][..] } else { &["-r", "-m"] });
    shell.args(["--propagation", "private", "sh", "-c", &format!("mount --bind \"$0\" \"$1\" && {command}")]);
    shell.arg(here).arg(there).stdin(Stdio::null());
    shell
}

#[test]
fn a_run_is_followed_asked_and_commanded_through_a_second_mount_of_its_folder() {
    let tiny = Tiny::new();
    let (here, there) = (tiny.path("runs"), tiny.path("elsewhere"));
    std::fs::create_dir_all(&here).unwrap();
    std::fs::create_dir_all(&there).unwrap();
    let can = mounted(&here, &there, "exit 0").output();
    if !can.as_ref().is_ok_and(|out| out.status.success()) {
        let why = can.map_or_else(|e| e.to_string(), |out| String::from_utf8_lossy(&out.stderr).trim().to_owned());
        return skipped("a run through a second mount of its folder", &format!("no bind mount can be made ({why})"));
    }
    let mut training = Command::new(env!("CARGO_BIN_EXE_reid-workbench"));
    training.args(["train", "--preset", "demo", "--source", "source", "--target", "target", "--out", "runs/far"]);
    SMALL.iter().chain(&["adapt.epochs=400"]).for_each(|set| {
        training.args(["--set", set]);
    });
    training.args(["--device", "cpu"]).current_dir(tiny.dir.path()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut training = training.spawn().unwrap();
    // This very test program, in that namespace: it sees the run through the second mount alone.
    let command = "exec \"$2\" --exact second_mount::within_the_second_mount --include-ignored";
    let mut within = mounted(&here, &there, command);
    let within = within.arg(std::env::current_exe().unwrap()).env(HERE, there.join("far")).output().unwrap();
    let began = Instant::now();
    while within.status.success() && training.try_wait().unwrap().is_none() && began.elapsed() < LIMIT {
        std::thread::yield_now();
    }
    let _ = training.kill();
    let code = training.wait().unwrap().code();
    let said = String::from_utf8_lossy(&within.stdout);
    assert!(within.status.success(), "{said}\n{}", String::from_utf8_lossy(&within.stderr));
    assert!(said.contains("1 passed"), "{said}");
    assert!(!there.join("far").exists(), "the mount was that of the namespace");
    assert_eq!(code, Some(130), "it was stopped through the second mount");
}

#[test]
#[ignore = "run by the test above, in a namespace of its own"]
fn within_the_second_mount() {
    // Whoever runs all ignored tests means others.
    let Some(run) = std::env::var_os(HERE).map(PathBuf::from) else { return };
    let began = Instant::now();
    let store = Store::start(PathBuf::from("no-runs-here"), || {});
    let mut view = RunView::default();
    let until = |what: &str, view: &mut RunView, come: &dyn Fn(&RunView) -> bool| {
        while !come(view) {
            assert!(began.elapsed() < LIMIT, "{what} did not come; {:?}", view.state);
            match store.wait(Duration::from_millis(100)) {
                Some(Update::Opened(opened)) => *view = opened.view,
                Some(Update::Grown { events, .. }) => events.iter().for_each(|e| view.fold(e)),
                Some(Update::Trainer { trainer, .. }) => view.set_trainer(trainer),
                // It is not there yet.
                Some(Update::NotOpened { .. }) | None if view.title.is_empty() => store.follow(run.clone()),
                Some(Update::NotPosted { why, .. }) => panic!("{why}"),
                _ => {}
            }
        }
    };
    until("an epoch", &mut view, &|v| v.epochs_done > 0 && v.trainer.is_some());
    let epoch = view.newest_clusters().unwrap().0;
    assert!(!ClusterSnapshot::read(&run, epoch).unwrap().labels.is_empty());
    let (_stop, stopped) = crossbeam_channel::bounded(0);
    let query = RankQuery::Image(ImageRef { split: Split::Gallery, index: 1 });
    let answer = ask_trainer(&run, NetQuestion::Rank(query.clone()), &stopped).expect("somebody trains it");
    let Ok(Event::Ranked(ranking)) = answer else { panic!("{answer:?}") };
    assert!(ranking.query == query && !ranking.gallery.is_empty());
    let [query, hit] = [(Split::Query, 0), (Split::Gallery, 1)].map(|(split, index)| ImageRef { split, index });
    let answer = ask_trainer(&run, NetQuestion::Likeness { query, hit }, &stopped).expect("somebody trains it");
    assert!(matches!(&answer, Ok(Event::Likeness(found)) if (found.query, found.hit) == (query, hit)), "{answer:?}");
    store.post(&run, Posted::new(Steer::Pause));
    until("the pause", &mut view, &|v| v.state == State::Paused);
    store.post(&run, Posted::new(Steer::SetParam { key: "eps".into(), value: Value::Float(0.66) }));
    store.post(&run, Posted::new(Steer::Resume));
    until("the new eps", &mut view, &|v| v.params.as_ref().is_some_and(|p| p.eps == 0.66));
    store.post(&run, Posted::new(Steer::Stop));
    until("the end", &mut view, &|v| v.state == State::Stopped && v.trainer.is_none());
}
