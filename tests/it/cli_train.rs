//! The command line's main job: train, extract, evaluate, cluster, with exit codes and JSON.

use std::path::Path;

use assert_cmd::Command;
use reid_workbench::run::RunReader;
use serde_json::Value;

use crate::support::engine::{SMALL, Tiny};

fn program(tiny: &Tiny) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reid-workbench"));
    command
        .env("REID_CACHE_DIR", tiny.path("cache"))
        .env("REID_CONFIG_DIR", tiny.path("config"))
        .env("REID_DATA_DIR", tiny.path("data"));
    command.current_dir(tiny.dir.path());
    command
}

fn json(output: &std::process::Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stdout)))
}

#[test]
fn train_then_extract_then_evaluate_gives_the_same_numbers() {
    let tiny = Tiny::new();
    let mut train = program(&tiny);
    train.args([
        "train", "--preset", "demo", "--source", "source", "--target", "target", "--out", "run", "--device", "cpu",
    ]);
    SMALL.iter().for_each(|s| {
        train.args(["--set", s]);
    });
    let output = train.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let trained = json(&output);
    assert_eq!(trained["state"], "done");

    let output = program(&tiny)
        .args(["extract", "--dataset", "target", "--split", "test", "--checkpoint", "run", "--out", "test.safetensors"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = program(&tiny).args(["evaluate", "test.safetensors"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (live, later) = (trained["last"]["mAP"].as_f64().unwrap(), json(&output)["mAP"].as_f64().unwrap());
    assert!((live - later).abs() < 1e-9, "the run said {live}, evaluate says {later}");

    // A second run into the same folder is refused, a resume of a finished run has nothing left to do.
    let again =
        program(&tiny).args(["train", "--source", "source", "--target", "target", "--out", "run"]).output().unwrap();
    assert_eq!(again.status.code(), Some(2), "{}", String::from_utf8_lossy(&again.stderr));
    assert!(String::from_utf8_lossy(&again.stderr).contains("already holds a run"));
    let resumed = program(&tiny).args(["train", "--resume", "--out", "run"]).output().unwrap();
    assert!(resumed.status.success(), "{}", String::from_utf8_lossy(&resumed.stderr));
}

#[test]
fn bad_requests_get_a_sentence_and_exit_code_2() {
    let tiny = Tiny::new();
    let base = ["train", "--source", "source", "--target", "target", "--out", "run"];
    for (extra, expected) in [
        (&["--set", "epss=1"][..], "epss"),
        (&["--set", "eps=9"], "0.05 to 0.95"),
        (&["--set", "eps=0.1", "--set", "delta_d=0.2"], "must exceed"),
        (&["--preset", "nonsense"], "baseline"),
        (&["--set", "weights=/no/such/file.pth"], "file.pth"),
    ] {
        let output = program(&tiny).args(base).args(extra).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{extra:?}: {said}");
        assert!(said.contains(expected), "{extra:?}: {said}");
    }
    std::fs::write(tiny.path("bad.toml"), "[a\nb=\n").unwrap();
    let output = program(&tiny).args(base).args(["--config", "bad.toml"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("line 1, column 3: unclosed table") && !said.contains('|'),
        "one sentence, no drawing: {said}"
    );
    let output =
        program(&tiny).args(["train", "--source", "nowhere", "--target", "target", "--out", "run"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nowhere"));
}

#[cfg(unix)]
#[test]
fn an_interrupt_saves_a_checkpoint_and_exits_with_130() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    let tiny = Tiny::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_reid-workbench"));
    command.env("REID_CACHE_DIR", tiny.path("cache")).current_dir(tiny.dir.path());
    command.args([
        "train", "--preset", "demo", "--source", "source", "--target", "target", "--out", "run", "--device", "cpu",
    ]);
    SMALL.iter().chain(&["adapt.epochs=900"]).for_each(|s| {
        command.args(["--set", s]);
    });
    let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let seen = lines.by_ref().map(Result::unwrap).find(|l| l.contains("clustered in"));
    assert!(seen.is_some(), "the run ended before its first clustering");
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
    lines.for_each(drop);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(tiny.path("run/checkpoints/last.safetensors").is_file());
}

/// A training that goes on until it is stopped.
#[cfg(unix)]
fn endless(tiny: &Tiny) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_reid-workbench"));
    command.env("REID_CACHE_DIR", tiny.path("cache")).current_dir(tiny.dir.path());
    command.args([
        "train", "--preset", "demo", "--source", "source", "--target", "target", "--out", "run", "--device", "cpu",
    ]);
    SMALL.iter().chain(&["adapt.epochs=900"]).for_each(|s| {
        command.args(["--set", s]);
    });
    command
}

#[cfg(unix)]
fn signal(child: &std::process::Child, name: &str) {
    let status = std::process::Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[cfg(unix)]
#[test]
fn a_stderr_that_goes_away_does_not_harm_the_run() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;
    let tiny = Tiny::new();
    let mut command = endless(&tiny);
    command.args(["--set", "adapt.epochs=4"]);
    let mut child = command.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    lines.read_line(&mut String::new()).unwrap();
    drop(lines); // the reader of a pipe ends
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{:?}", output.status);
    assert_eq!((json(&output)["state"].as_str(), json(&output)["epochs"].as_u64()), (Some("done"), Some(4)));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_under_the_log_or_the_result_does_not_harm_the_run() {
    let tiny = Tiny::new();
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = endless(&tiny);
    command.args(["--set", "adapt.epochs=1"]);
    let output = command.stderr(full()).stdout(full()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{:?}", output.status);
    let run = reid_workbench::run::RunReader::open(&tiny.path("run")).unwrap();
    let done = run.events.iter().any(|e| format!("{:?}", e.event).contains("Done"));
    assert!(done, "the run has come to its end");
}

#[cfg(unix)]
#[test]
fn two_signals_at_once_are_one_wish_and_a_hangup_is_one_too() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;
    for names in [&["-TERM", "-TERM"][..], &["-HUP"]] {
        let tiny = Tiny::new();
        let mut child = endless(&tiny).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        assert!(lines.by_ref().map(Result::unwrap).any(|l| l.contains("clustered in")));
        let last = tiny.path("run/checkpoints/last.safetensors");
        std::fs::remove_file(&last).ok();
        names.iter().for_each(|name| signal(&child, name));
        lines.for_each(drop);
        assert_eq!(child.wait().unwrap().code(), Some(130), "{names:?}");
        assert!(last.is_file(), "{names:?}: the checkpoint is written");
    }
}

#[cfg(unix)]
#[test]
fn a_hangup_that_was_ignored_at_the_start_stays_ignored() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;
    let tiny = Tiny::new();
    let train = endless(&tiny);
    // What `nohup` does, but for its redirections.
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]).arg(train.get_program()).args(train.get_args());
    command.args(["--set", "adapt.epochs=6"]).current_dir(tiny.dir.path()).env("REID_CACHE_DIR", tiny.path("cache"));
    let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.by_ref().map(Result::unwrap).any(|l| l.contains("clustered in")));
    signal(&child, "-HUP");
    lines.for_each(drop);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

fn train<'a>(tiny: &Tiny, extra: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = program(tiny);
    command.args(["train", "--preset", "demo", "--source", "source", "--target", "target", "--device", "cpu"]);
    for small in SMALL {
        command.args(["--set", small]);
    }
    command.args(extra);
    command
}

#[test]
fn one_command_starts_and_goes_on_from_wherever_it_is_called() {
    let tiny = Tiny::new();
    let again = ["--out", "run", "--start-or-resume"];
    for _ in 0..2 {
        let output = train(&tiny, again).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(json(&output)["state"], "done");
    }
    // Datasets that were named by a path from there are found from elsewhere, too.
    let mut elsewhere = program(&tiny);
    elsewhere.current_dir("/").args(["train", "--resume", "--device", "cpu", "--out"]).arg(tiny.path("run"));
    let output = elsewhere.args(["--set", "adapt.epochs=2"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(json(&output)["epochs"], 2, "a run that is done can be lengthened");
}

#[cfg(unix)]
#[test]
fn a_disk_without_room_for_a_checkpoint_costs_the_checkpoint_and_not_the_run() {
    let tiny = Tiny::new();
    let inner = train(&tiny, ["--out", "run"]);
    let mut words = vec![inner.get_program().to_owned()];
    words.extend(inner.get_args().map(std::ffi::OsStr::to_owned));
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 2000; exec \"$@\"", "sh"]).args(words);
    for (key, value) in inner.get_envs() {
        limited.env(key, value.unwrap());
    }
    let output = limited.current_dir(tiny.dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("The checkpoint could not be written") && said.contains("goes on"), "{said}");
    assert_eq!(json(&output)["state"], "done");
    assert!(!tiny.path("run/checkpoints/last.safetensors").exists());
    assert!(tiny.path("run/epochs/0001/ranks.safetensors").is_file());
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_waits_while_its_disk_is_full_and_loses_no_event() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    let tiny = Tiny::new();
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -S -f 64; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_reid-workbench")]);
    limited.args(["train", "--preset", "demo", "--source", "source", "--target", "target", "--device", "cpu"]);
    for small in SMALL.iter().chain(&["adapt.iters=150", "adapt.batch=4", "adapt.instances=2", "pretrain.epochs=0"]) {
        limited.args(["--set", small]);
    }
    limited.env("REID_CACHE_DIR", tiny.path("cache")).current_dir(tiny.dir.path());
    let mut child = limited.args(["--out", "run"]).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|l| l.contains("The disk is full")), "it ended without waiting");
    let freed = Command::new("prlimit").args(["--pid", &child.id().to_string(), "--fsize=unlimited:"]).status();
    assert!(freed.unwrap().success());
    lines.for_each(drop);
    assert!(child.wait().unwrap().success());
    let run = reid_workbench::run::RunReader::open(&tiny.path("run")).unwrap();
    let seqs: Vec<u64> = run.events.iter().map(|e| e.seq).collect();
    assert_eq!(seqs, (0..seqs.len() as u64).collect::<Vec<_>>());
    let steps = run.events.iter().filter(|e| matches!(e.event, reid_workbench::run::event::Event::Step(_))).count();
    assert_eq!(steps, 150);
}

#[cfg(unix)]
#[test]
fn an_interrupt_is_heeded_while_a_built_in_set_is_drawn() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_reid-workbench"));
    command.env("REID_CACHE_DIR", home.path().join("cache")).env("REID_DATA_DIR", &data).current_dir(home.path());
    command.args(["train", "--preset", "demo", "--out", "run", "--device", "cpu"]);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    let drawn = |of: &str| {
        let sets = std::fs::read_dir(data.join("synthetic")).into_iter().flatten().flatten();
        sets.filter(|e| e.file_name().to_string_lossy().starts_with(of)).count()
    };
    while drawn(".drawing-") == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it drew anything");
        std::thread::yield_now();
    }
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    // It was in the midst of the first set, which takes seconds: neither that nor half of it is left behind.
    assert_eq!((drawn(""), home.path().join("run").exists()), (0, false));
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_not_utf8_is_refused_before_anything_is_made() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let tiny = Tiny::new();
    let odd = |name: &[u8]| tiny.dir.path().join(OsStr::from_bytes(name));
    let train = |target: &Path, out: &Path| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_reid-workbench"));
        command.env("REID_CACHE_DIR", tiny.path("cache")).current_dir(tiny.dir.path());
        command.args(["train", "--preset", "demo", "--source", "source", "--device", "cpu", "--target"]);
        command.arg(target).arg("--out").arg(out);
        SMALL.iter().for_each(|set| {
            command.args(["--set", set]);
        });
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = train(Path::new("target"), &odd(b"run\xff"));
    assert!(code == Some(2) && said.contains("is not UTF-8") && !odd(b"run\xff").exists(), "{said}");
    std::fs::rename(tiny.path("target"), odd(b"target\xff")).unwrap();
    let (code, said) = train(&odd(b"target\xff"), Path::new("run"));
    assert!(code == Some(2) && said.contains("UTF-8") && !tiny.path("run").exists(), "{said}");
    // A picture with such a name is left out, and said; the run is one that can be gone on with.
    std::fs::rename(odd(b"target\xff"), tiny.path("target")).unwrap();
    let folder = tiny.path("target/bounding_box_train");
    let photo = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    std::fs::rename(&photo, folder.join(OsStr::from_bytes(b"0001_c1_\xff.jpg"))).unwrap();
    let (code, said) = train(Path::new("target"), Path::new("run"));
    assert!(code == Some(0) && said.contains("1 images left out"), "{said}");
    assert!(RunReader::open(&tiny.path("run")).is_ok());
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_may_not_be_read_is_said_to_be_so() {
    use std::os::unix::fs::PermissionsExt;
    let tiny = Tiny::new();
    let run = tiny.path("run");
    crate::sample_run::write(&run);
    let may = |path: &Path, mode: u32| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    may(tiny.dir.path(), 0o755);
    let export = || {
        // Whoever is root may read everything, and becomes nobody for this.
        let root = std::fs::read_to_string("/proc/self/status").is_ok_and(|s| s.contains("\nUid:\t0\t"));
        let program = env!("CARGO_BIN_EXE_reid-workbench");
        let mut command = std::process::Command::new(if root { "setpriv" } else { program });
        if root {
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups", program]);
        }
        let output = command.args(["compare"]).args([&run, &run]).current_dir("/").output();
        output.map(|o| (o.status.code(), String::from_utf8_lossy(&o.stderr).into_owned()))
    };
    match export() {
        Ok((Some(0), _)) => {}
        other => {
            let why = format!("nobody cannot run the program here: {other:?}");
            return crate::support::skipped("a file that may not be read", &why);
        }
    }
    for file in ["manifest.json", "events.jsonl"] {
        may(&run.join(file), 0o000);
        let (code, said) = export().unwrap();
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(file) && said.contains("Permission denied"), "{said}");
        assert!(!said.contains("not a run folder") && said.trim_end().lines().count() == 1, "{said}");
        may(&run.join(file), 0o644);
    }
}
