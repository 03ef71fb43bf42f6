//! `command`: a run of one process steered by another.

use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use reid_workbench::run::RunReader;
use reid_workbench::run::event::{Event, State};
use serde_json::Value;

use crate::support::engine::{SMALL, Tiny};

const LIMIT: Duration = Duration::from_secs(60);

fn program(tiny: &Tiny) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reid-workbench"));
    command.env("REID_CACHE_DIR", tiny.path("cache")).current_dir(tiny.dir.path());
    command
}

/// A training; it does not outlive its test.
struct Training(Child);

impl Drop for Training {
    fn drop(&mut self) {
        // It has ended by itself where the test passed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn train(tiny: &Tiny) -> Training {
    let mut command = program(tiny);
    command.args(["train", "--preset", "demo", "--source", "source", "--target", "target", "--out", "run"]);
    for set in SMALL.iter().chain(&["adapt.epochs=900"]) {
        command.args(["--set", set]);
    }
    Training(command.args(["--device", "cpu"]).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap())
}

fn ask(tiny: &Tiny, words: &[&str]) -> Output {
    program(tiny).args(["command", "run"]).args(words).output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// Waits until the run has said something.
fn until(tiny: &Tiny, what: &str, wanted: impl Fn(&Event) -> bool) {
    let began = Instant::now();
    while !RunReader::open_live(&tiny.path("run")).is_ok_and(|run| run.events.iter().any(|e| wanted(&e.event))) {
        assert!(began.elapsed() < LIMIT, "{what} did not come");
        std::thread::yield_now();
    }
}

#[test]
fn a_run_of_another_process_is_paused_changed_resumed_and_stopped() {
    let tiny = Tiny::new();
    let nobody = ask(&tiny, &["pause"]);
    assert_eq!(nobody.status.code(), Some(2), "there is no run yet");
    let mut child = train(&tiny);
    until(&tiny, "an epoch", |e| matches!(e, Event::EpochDone { .. }));
    for (words, command) in [
        (&["pause"][..], "pause"),
        (&["set", "eps=0.66"], "set-param"),
        (&["checkpoint"], "checkpoint"),
        (&["exclude", "3", "11"], "exclude"),
        (&["must-link", "0", "1", "2"], "must-link"),
        (&["undo-hand"], "undo-hand"),
    ] {
        let output = ask(&tiny, words);
        let answer = json(&output);
        assert_eq!((output.status.code(), answer["answer"].as_str()), (Some(0), Some("accepted")), "{answer}");
        assert!(answer["command"].to_string().contains(command), "{answer}");
    }
    // Sensible for the table of parameters, not for this run.
    let output = ask(&tiny, &["set", "adapt.joint=true"]);
    assert_eq!((output.status.code(), json(&output)["answer"].as_str()), (Some(1), Some("refused")));
    for words in
        [&["set", "epss=1"][..], &["set", "eps"], &["set", "eps=9"], &["dance"], &["exclude"], &["cannot-link", "1"]]
    {
        assert_eq!(ask(&tiny, words).status.code(), Some(2), "{words:?}");
    }
    assert_eq!(json(&ask(&tiny, &["step-epoch"]))["answer"], "accepted");
    // It waits before the next epoch, whose beginning is the moment of the change.
    assert_eq!(json(&ask(&tiny, &["resume"]))["answer"], "accepted");
    until(&tiny, "the change", |e| matches!(e, Event::ParamApplied { key, .. } if key == "eps"));
    until(
        &tiny,
        "the clustering",
        |e| matches!(e, Event::Clustered { summary, .. } if summary.hand.is_some_and(|h| (h.excluded, h.must_link) == (2, 0))),
    );
    assert_eq!(json(&ask(&tiny, &["stop"]))["answer"], "accepted");
    assert_eq!(child.0.wait().unwrap().code(), Some(130));
    until(&tiny, "the end", |e| matches!(e, Event::State { state: State::Stopped, .. }));
    let late = ask(&tiny, &["pause"]);
    let said = String::from_utf8_lossy(&late.stderr);
    assert_eq!(late.status.code(), Some(1), "{said}");
    assert!(said.contains("nobody is training"), "{said}");
}
