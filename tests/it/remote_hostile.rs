//! Both ends of a line to another machine, with somebody at the other end who means harm.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reid_workbench::remote::fetch::Carrier;
use reid_workbench::remote::frame::{self, Fold};
use reid_workbench::remote::line::{Line, LineError};
use reid_workbench::remote::protocol::{Ask, AskedFrame, PROTOCOL, Tell, Told, greet, greeted};
use reid_workbench::remote::{Address, fetch, pool};
use reid_workbench::run::event::{ImageRef, RankQuery, Split};
use reid_workbench::run::questions::{self, NetQuestion};
use reid_workbench::run::requests::{Posted, Steer};

use crate::support::ssh::{at, bytes_of, can, nobody, pids, play};

/// A relay of our program, spoken with by hand.
struct Relay(Child);

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Relay {
    fn silent(dir: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reid-workbench"));
        command.arg("relay").arg(dir).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    fn on(dir: &Path) -> Self {
        let mut relay = Self::silent(dir);
        greet(relay.0.stdin.as_mut().unwrap()).unwrap();
        greeted(relay.0.stdout.as_mut().unwrap()).unwrap();
        relay
    }

    fn say(&mut self, bytes: &[u8]) {
        // One that has ended already is as well.
        let _ = self.0.stdin.as_mut().unwrap().write_all(bytes);
        let _ = self.0.stdin.as_mut().unwrap().flush();
    }

    fn ask(&mut self, ask: Ask) -> (Tell, Vec<u8>) {
        frame::write(self.0.stdin.as_mut().unwrap(), &AskedFrame { id: 7, ask }, &[], Fold::No).unwrap();
        let frame = frame::read(self.0.stdout.as_mut().unwrap()).unwrap().unwrap();
        let told: Told = serde_json::from_slice(&frame.head).unwrap();
        assert_eq!(told.id, 7);
        (told.tell, frame.data)
    }

    /// Its exit code and last words, once it has ended by itself.
    fn end(mut self) -> (Option<i32>, String) {
        let begun = Instant::now();
        let status = loop {
            match self.0.try_wait().unwrap() {
                Some(status) => break status,
                None => assert!(begun.elapsed() < Duration::from_secs(20), "it goes on"),
            }
            std::thread::yield_now();
        };
        let mut said = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (status.code(), said)
    }
}

fn refused(told: (Tell, Vec<u8>)) -> String {
    assert!(told.1.is_empty(), "{} bytes came", told.1.len());
    match told.0 {
        Tell::Refused { why } => why,
        other => panic!("{other:?}"),
    }
}

/// A folder with a run in it, and a secret beside it.
fn place() -> (tempfile::TempDir, std::path::PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let runs = home.path().join("runs");
    crate::sample_run::write(&runs.join("demo"));
    std::fs::write(home.path().join("secret"), "a secret").unwrap();
    (home, runs)
}

#[test]
fn no_path_leads_a_relay_out_of_its_folder() {
    let (home, runs) = place();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(home.path(), runs.join("link")).unwrap();
        std::os::unix::fs::symlink(home.path().join("secret"), runs.join("demo/sweep.csv")).unwrap();
        std::os::unix::fs::symlink(home.path(), runs.join("demo/epochs/9999")).unwrap();
    }
    let mut relay = Relay::on(&runs);
    let read = |run: &str, file: &str| Ask::Read { run: run.into(), file: file.into(), at: 0, most: 100 };
    let (told, data) = relay.ask(read("demo", "manifest.json"));
    assert!(matches!(told, Tell::Piece { .. }) && !data.is_empty());
    let absolute = home.path().join("secret").display().to_string();
    for file in [
        "../../secret",
        "..",
        ".",
        "",
        "/",
        "epochs/../../../secret",
        &absolute,
        ".lock",
        "a/b/c/d/e",
        "sweep.csv",
        "epochs/9999/secret",
        "epochs",
        "epochs/",
        "\u{0}",
        "a\nb",
        "..\\secret",
        "events.jsonl/x",
    ] {
        refused(relay.ask(read("demo", file)));
    }
    for run in ["..", ".", "", "/", "../runs/demo", "demo/../demo", "link", "demo/", "\u{0}", &absolute, "nothing"] {
        refused(relay.ask(read(run, "secret")));
        refused(relay.ask(Ask::Follow { run: run.into(), from: 0 }));
        refused(relay.ask(Ask::Files { run: run.into() }));
        refused(relay.ask(Ask::Put { run: run.into(), request: Posted::new(Steer::Pause) }));
        refused(relay.ask(Ask::Photos { run: run.into(), split: Split::Train, indices: vec![0] }));
    }
    // A request whose name would be a path.
    let mut request = serde_json::to_value(Posted::new(Steer::Stop)).unwrap();
    request["id"] = "../../../planted".into();
    let request: Posted = serde_json::from_value(request).unwrap();
    refused(relay.ask(Ask::Put { run: "demo".into(), request }));
    assert!(!home.path().join("planted.json").exists());
    // Questions to a network: as many images as are bounded, and no file of that machine.
    let image = |index| ImageRef { split: Split::Query, index };
    let absolute = home.path().join("secret");
    for question in [
        NetQuestion::HeatMaps(vec![]),
        NetQuestion::HeatMaps((0..100).map(image).collect()),
        NetQuestion::Rank(RankQuery::File(absolute)),
        NetQuestion::Rank(RankQuery::File("images.csv".into())),
    ] {
        refused(relay.ask(Ask::Question { run: "demo".into(), question }));
    }
    let rank = NetQuestion::Rank(RankQuery::Image(image(4_000_000_000)));
    let why = refused(relay.ask(Ask::Question { run: "demo".into(), question: rank.clone() }));
    assert!(why.contains("no checkpoint") && !why.contains('\n'), "{why}");
    for run in ["..", "link", "/", &home.path().display().to_string()] {
        refused(relay.ask(Ask::Question { run: run.into(), question: rank.clone() }));
        refused(relay.ask(Ask::Place { run: run.into() }));
    }
    let (told, data) = relay.ask(Ask::Files { run: "demo".into() });
    assert_eq!(told, Tell::Files);
    let listed = String::from_utf8(data).unwrap();
    assert!(listed.contains("manifest.json") && !listed.contains("sweep.csv") && !listed.contains("9999"), "{listed}");
    let (_, rows) = relay.ask(Ask::List);
    let rows = String::from_utf8(rows).unwrap();
    assert!(rows.contains("demo") && !rows.contains("link"), "{rows}");
}

#[test]
fn a_run_does_not_make_a_relay_give_away_what_is_no_picture() {
    let (home, runs) = place();
    let images = runs.join("demo/images.csv");
    let mut rows: Vec<String> = std::fs::read_to_string(&images).unwrap().lines().map(str::to_owned).collect();
    rows[1] = format!("train,0,{},0,0", home.path().join("secret").display());
    std::fs::write(&images, rows.join("\n")).unwrap();
    let mut relay = Relay::on(&runs);
    let indices = vec![0, 4_000_000_000];
    let (told, data) = relay.ask(Ask::Photos { run: "demo".into(), split: Split::Train, indices });
    assert_eq!((told, data.len()), (Tell::Photos { lengths: vec![0, 0] }, 0));
}

#[test]
fn a_relay_cuts_off_whoever_sends_rubbish() {
    let (_home, runs) = place();
    let huge = [0xff; 12];
    let bomb = {
        let mut bomb = bytes_of(r#"{"id":1,"ask":"ping"}"#, b"not deflated");
        bomb[8..12].copy_from_slice(&1_000_000_u32.to_le_bytes());
        bomb
    };
    let cases: [(&str, Vec<u8>); 6] = [
        ("lengths", huge.to_vec()),
        ("no question", bytes_of(r#"{"id":1,"ask":{"dance":{}}}"#, b"")),
        ("no JSON", bytes_of("{{{{", b"")),
        ("deep", bytes_of(&"[".repeat(100_000), b"")),
        ("data", bytes_of(r#"{"id":1,"ask":"ping"}"#, b"data")),
        ("a bomb", bomb),
    ];
    for (what, bytes) in cases {
        let mut relay = Relay::on(&runs);
        relay.say(&bytes);
        let (code, said) = relay.end();
        assert_eq!(code, Some(2), "{what}: {said}");
        assert!(said.contains("cut off") && !said.contains("panicked"), "{what}: {said}");
    }
    for greeting in ["GET / HTTP/1.1\r\n".repeat(10_000), "\n".repeat(100_000), "x".repeat(100_000)] {
        let mut relay = Relay::silent(&runs);
        relay.say(greeting.as_bytes());
        drop(relay.0.stdin.take());
        assert_eq!(relay.end().0, Some(2));
    }
    let mut relay = Relay::silent(&runs);
    relay.say(format!("reid-workbench relay {} 9.9.9\n", PROTOCOL + 1).as_bytes());
    let (code, said) = relay.end();
    assert!(code == Some(2) && said.contains("9.9.9") && said.contains("same reid-workbench"), "{said}");
    // Half a frame, and then nothing: the line has broken, which is no fault.
    let mut relay = Relay::on(&runs);
    relay.say(&[1, 0, 0]);
    drop(relay.0.stdin.take());
    assert_eq!(relay.end().0, Some(0));
}

fn why(result: Result<std::sync::Arc<Line>, LineError>) -> String {
    result.err().expect("the machine was believed").to_string()
}

#[test]
fn whoever_does_not_answer_as_a_relay_is_one_sentence() {
    can("says-old", b"hello\nreid-workbench relay 0 0.0.1\n");
    let cases = [
        ("nowhere", "Could not resolve hostname"),
        ("absent", "no reid-workbench"),
        ("endless", "endless"),
        ("says-old", "speaks version 0"),
    ];
    for (host, words) in cases {
        let said = why(pool::line(&at(host, Path::new("/runs")), &nobody()));
        assert!(said.contains(words) && said.contains(host) && !said.contains('\n'), "{host}: {said}");
    }
}

/// An answer to a question of that number.
fn told(id: u64, tell: &str, data: &[u8]) -> Vec<u8> {
    bytes_of(&format!(r#"{{"id":{id},"tell":{tell}}}"#), data)
}

#[test]
fn a_relay_that_sends_rubbish_is_cut_off() {
    const CLIMB: &[u8] =
        br#"[{"run":"../../x","title":"","outcome":"done","epochs":1,"planned":1,"mean_ap":null,"trainer":null}]"#;
    type Says = fn(u64) -> Vec<u8>;
    let cases: [(&str, Says); 6] = [
        ("played-huge", |_| vec![0xff; 64]),
        ("played-json", |_| bytes_of("{{{{", b"")),
        ("played-unasked", |_| told(0, r#""files""#, b"")),
        ("played-rows", |id| told(id, r#""runs""#, b"[{}]")),
        ("played-climb", |id| told(id, r#""runs""#, CLIMB)),
        ("played-piece", |id| told(id, r#"{"piece":{"size":3,"stamp":1}}"#, b"abc")),
    ];
    for (host, says) in cases {
        // Signs of life are given as they should be: rubbish would cut the line before the list is asked for, and a later
        // try to reach the machine would tell another reason.
        let answer = move |asked: AskedFrame| match asked.ask {
            Ask::Ping => told(asked.id, r#""done""#, b""),
            _ => says(asked.id),
        };
        let line = pool::line(&play(host, answer), &nobody()).unwrap();
        let error = pool::list(&line).unwrap_err().to_string();
        assert!(error.contains("cut off"), "{host}: {error}");
        line.end("the test is over");
    }
}

#[test]
fn files_of_a_fetched_run_lie_in_its_folder() {
    let home = tempfile::tempdir().unwrap();
    for (n, file) in ["../planted", "/tmp/planted", "a/../../planted", ".hidden", ""].into_iter().enumerate() {
        let entries = serde_json::json!([{ "file": file, "size": 4, "stamp": 1 }]).to_string();
        let address = play(&format!("played-files-{n}"), move |asked| told(asked.id, r#""files""#, entries.as_bytes()));
        let line = pool::line(&address, &nobody()).unwrap();
        let out = home.path().join("out");
        let error = fetch::fetch(&line, "demo", &out, true, Carrier::Auto, &|_, _| {}).unwrap_err();
        assert!(error.contains("cut off"), "{file}: {error}");
        line.end("the test is over");
    }
    assert!(!home.path().join("planted").exists());
}

#[test]
fn a_relay_does_not_tell_rsync_where_to_go() {
    if !reid_workbench::remote::rsync::is_here() {
        return crate::support::skipped("where rsync is sent", "rsync is not installed");
    }
    let home = tempfile::tempdir().unwrap();
    for (n, folder) in [":module", "", "runs/demo", "/a\nb", "--server"].into_iter().enumerate() {
        let place = serde_json::json!({ "place": { "folder": folder, "rsync": true } }).to_string();
        let address = play(&format!("played-place-{n}"), move |asked| match asked.ask {
            Ask::Files { .. } => told(asked.id, r#""files""#, br#"[{"file":"params.toml","size":4,"stamp":1}]"#),
            Ask::Place { .. } => told(asked.id, &place, b""),
            _ => told(asked.id, r#""done""#, b""),
        });
        let line = pool::line(&address, &nobody()).unwrap();
        let error =
            fetch::fetch(&line, "demo", &home.path().join("out"), true, Carrier::Rsync, &|_, _| {}).unwrap_err();
        assert!(error.contains("cut off"), "{folder}: {error}");
        line.end("the test is over");
    }
}

#[test]
fn a_mirror_takes_no_events_that_do_not_follow() {
    let cases: [(&str, u64, u64, &[u8]); 2] = [("played-gap", 5, 9, b"late"), ("played-vast", 0, u64::MAX, b"x")];
    for (host, at, size, data) in cases {
        let address = play(host, move |asked| match asked.ask {
            Ask::Read { .. } => told(asked.id, r#"{"piece":{"size":12,"stamp":1}}"#, br#"{"format":1}"#),
            Ask::Follow { .. } => {
                let events = format!(r#"{{"events":{{"run":"demo","at":{at},"size":{size},"anew":false}}}}"#);
                [told(asked.id, r#""done""#, b""), told(0, &events, data)].concat()
            }
            _ => told(asked.id, r#""done""#, b""),
        });
        let error = pool::open(&address.join("demo"), &nobody()).err().unwrap();
        assert!(error.contains("do not follow"), "{host}: {error}");
    }
}

#[test]
fn what_a_relay_says_a_network_answered_is_not_believed() {
    let long = format!(r#"[{}1.0]"#, "1.0,".repeat(9));
    let map = |height: usize, values: &str| {
        let maps = format!(r#"[{{"name":"a","height":{height},"width":2,"values":{values}}}]"#);
        format!(
            r#"{{"type":"heat-maps","epoch":1,"images":[{{"image":{{"split":"query","index":3}},"maps":{maps}}}]}}"#
        )
    };
    let cases = [
        ("played-other", r#"{"type":"state","state":"done","epoch":3}"#.to_owned()),
        ("played-short", map(3, "[1.0]")),
        ("played-wide", map(usize::MAX, &long)),
        ("played-unasked-image", map(5, &long).replace("\"index\":3", "\"index\":4")),
        ("played-no-event", "[]".to_owned()),
    ];
    let (_stop, stopped) = crossbeam_channel::bounded(0);
    for (host, event) in cases {
        let address = play(host, move |asked| match asked.ask {
            Ask::Read { .. } => told(asked.id, r#"{"piece":{"size":12,"stamp":1}}"#, br#"{"format":1}"#),
            Ask::Follow { .. } => {
                let events = r#"{"events":{"run":"demo","at":0,"size":0,"anew":false}}"#;
                [told(asked.id, r#""done""#, b""), told(0, events, b"")].concat()
            }
            Ask::Question { .. } => told(asked.id, r#""answer""#, event.as_bytes()),
            _ => told(asked.id, r#""done""#, b""),
        });
        let mirror = pool::open(&address.join("demo"), &nobody()).unwrap();
        let question = NetQuestion::HeatMaps(vec![ImageRef { split: Split::Query, index: 3 }]);
        let error = questions::ask(mirror.folder(), &question, &stopped).unwrap_err();
        assert!(error.contains("does not hold together") || error.contains("makes no sense"), "{host}: {error}");
        mirror.line().end("the test is over");
    }
}

#[test]
fn an_address_is_no_option_and_no_script() {
    for text in [
        "ssh://-oProxyCommand=touch/x",
        "ssh://a@-b/x",
        "ssh://h/../x",
        "ssh:///x",
        "ssh://h",
        "ssh://h:port/x",
        "ssh://a b/x",
        "ssh://$(id)/x",
        "ssh://h/a\nb",
    ] {
        assert!(text.parse::<Address>().is_err(), "{text}");
    }
    for text in ["ssh://gpu1/data/runs/demo", "ssh://me@gpu1:2222/~/runs/demo", "ssh://[::1]:22/a"] {
        assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
    }
    // A folder whose name a shell would obey.
    let (home, runs) = place();
    let odd = home.path().join("it's $(touch planted); `touch planted`");
    std::fs::rename(&runs, &odd).unwrap();
    let address = Address { host: "here-odd".into(), port: None, path: odd.display().to_string() };
    let line = pool::line(&address, &nobody()).unwrap();
    let rows = pool::list(&line).unwrap();
    assert_eq!(rows.len(), 1);
    assert!(!Path::new("planted").exists() && pids("here-odd").len() == 1);
    line.end("the test is over");
}
