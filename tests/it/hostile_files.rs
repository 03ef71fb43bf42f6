//! Files that were made to do harm: each is answered with a sentence and exit 2 (or named among the unreadable), soon,
//! and with memory in proportion to the file.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::datasets::tiny_domain;
use crate::support::torch_save::{self, Py, dict};

/// What a command took.
struct Took {
    code: i32,
    said: String,
    time: Duration,
    /// Seconds of the processor, all threads together: other tests share the machine.
    cpu: f64,
    /// Peak of resident memory, bytes.
    memory: u64,
}

/// Runs the program and measures it.
fn run(dir: &Path, args: &[&str]) -> Took {
    let (out, err) = (dir.join("stdout"), dir.join("stderr"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_reid-workbench"));
    command.current_dir(dir).args(args).env("REID_CONFIG_DIR", dir.join("config"));
    command.stdin(Stdio::null()).stdout(fs::File::create(out).unwrap()).stderr(fs::File::create(&err).unwrap());
    let began = Instant::now();
    let mut child = command.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let stat = format!("/proc/{}/stat", child.id());
    let (mut memory, mut cpu) = (0, 0.0);
    // The system keeps the peak itself; it is read again and again because it goes with the process.
    let code = loop {
        let peak = fs::read_to_string(&status).unwrap_or_default();
        let kilobytes =
            peak.lines().find_map(|l| l.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        memory = memory.max(kilobytes.unwrap_or(0) * 1024);
        cpu = ticks(&fs::read_to_string(&stat).unwrap_or_default()).unwrap_or(cpu);
        if began.elapsed() > Duration::from_secs(20) {
            child.kill().unwrap();
        }
        if let Some(status) = child.try_wait().unwrap() {
            break status.code().unwrap_or(-1);
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let said = fs::read(&err).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap();
    Took { code, said, time: began.elapsed(), cpu, memory }
}

/// Seconds of user and system time in a line of `/proc/PID/stat`, in which the system counts hundredths.
fn ticks(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<f64>().ok();
    Some((next()? + next()?) / 100.0)
}

/// What any hostile input may take of the processor.
const MOST_SECONDS: f64 = 2.0;

struct Bench {
    dir: tempfile::TempDir,
    /// What the program takes to say no to an empty file.
    least: u64,
}

/// Into a small network: the memory of a large one is not the file's.
#[rustfmt::skip]
const EXTRACT: [&str; 12] = [
    "extract", "--dataset", "set", "--split", "query", "--device", "cpu", "--set", "backbone=resnet50-lite",
    "--out", "o.safetensors", "--checkpoint",
];

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        tiny_domain(&dir.path().join("set"), "station", 2);
        fs::write(dir.path().join("empty.pth"), b"").unwrap();
        let took = run(dir.path(), &[&EXTRACT[..], &["empty.pth"]].concat());
        assert_eq!(took.code, 2, "{}", took.said);
        Self { dir, least: took.memory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The file is refused within the bounds; returns the sentence.
    fn refuses(&self, name: &str, args: &[&str]) -> String {
        let took = run(self.dir.path(), args);
        let size = fs::metadata(self.path(name)).map_or(0, |m| if m.is_file() { m.len() } else { 0 });
        let most = self.least + 4 * size + (64 << 20);
        assert_eq!(took.code, 2, "{name}: {}", took.said);
        assert!(took.memory <= most, "{name}: {} MB for {} KB", (took.memory - self.least) >> 20, size >> 10);
        assert!(took.cpu <= MOST_SECONDS, "{name}: {} s of the processor", took.cpu);
        assert!(took.time < Duration::from_secs(8), "{name}: {:?}", took.time);
        assert!(!took.said.contains("panicked") && !took.said.contains("report it"), "{name}: {}", took.said);
        assert_eq!(took.said.trim_end().lines().count(), 1, "{name}: {}", took.said);
        took.said
    }

    fn weights(&self, name: &str, bytes: &[u8]) -> String {
        fs::write(self.path(name), bytes).unwrap();
        self.refuses(name, &[&EXTRACT[..], &[name]].concat())
    }
}

/// A zip of `torch.save` around a pickle.
fn zipped(pickle: &[u8]) -> Vec<u8> {
    torch_save::zip(&[("archive/data.pkl", pickle), ("archive/version", b"3\n")])
}

fn text(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'X');
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text);
}

/// `n` times the same bytes between a beginning and an end.
fn repeated(begin: &[u8], what: &[u8], n: usize, end: &[u8]) -> Vec<u8> {
    let mut out = vec![0x80, 4];
    out.extend(begin);
    (0..n).for_each(|_| out.extend(what));
    out.extend(end);
    out
}

#[test]
fn small_pickles_do_not_unfold_into_gigabytes() {
    let bench = Bench::new();
    // A dictionary that holds itself under thousands of keys.
    bench.weights("itself.pth", &zipped(&repeated(b"}q\0(", b"X\x01\0\0\0kh\0", 4_000, b"u.")));
    // Dictionaries of dictionaries of one dictionary: 60 to the power of depth ways through them.
    let mut ways = vec![0x80, 4];
    ways.extend(b"}q\0");
    for level in 0..5_u8 {
        ways.extend([b'}', b'q', level + 1, b'(']);
        for i in 0..60_u8 {
            ways.extend([b'X', 1, 0, 0, 0, b'0' + i, b'h', level]);
        }
        ways.push(b'u');
    }
    ways.push(b'.');
    bench.weights("ways.pth", &zipped(&ways));
    // One long list of pairs, copied by each three bytes.
    let mut pairs = b"](".to_vec();
    (0..10_000).for_each(|_| pairs.extend(b"K\x01K\x02\x86"));
    pairs.extend(b"eq\0\x85q\x01ccollections\nOrderedDict\nq\x02");
    bench.weights("copies.pth", &zipped(&repeated(&pairs, b"h\x02h\x01R", 30_000, b".")));
    // Long names put together again and again.
    let mut names = Vec::new();
    text(&mut names, &[b'm'; 60_000]);
    names.extend(b"q\0");
    text(&mut names, &[b'n'; 60_000]);
    names.extend(b"q\x01");
    bench.weights("names.pth", &zipped(&repeated(&names, b"h\0h\x01\x93", 200_000, b".")));
    // A storage whose class has a long name, referred to again and again.
    let mut storage = b"(X\x07\0\0\0storagec".to_vec();
    storage.extend([b'm'; 400]);
    storage.extend(b"\nFloatStorage\nX\x01\0\0\0aX\x03\0\0\0cpuK\x01tq\0");
    bench.weights("classes.pth", &zipped(&repeated(&storage, b"h\0Q", 400_000, b".")));
    // Millions of empty tuples, lists, marks, memo entries.
    for (name, what) in
        [("tuples", &b")"[..]), ("lists", b"]"), ("marks", b"("), ("memo", b"N\x94"), ("nested", b"]q\0h\0a")]
    {
        bench.weights(&format!("{name}.pth"), &zipped(&repeated(b"", what, 1_500_000, b".")));
    }
    // Tensors by the hundred thousand that share one element.
    let mut shared = b"}q\0(".to_vec();
    shared.extend(b"X\x01\0\0\0actorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n");
    shared.extend(b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x01tQK\x00)\x29\x89)tRq\x01");
    let pickle = repeated(&shared, b"X\x01\0\0\0bh\x01", 300_000, b"u.");
    let file = torch_save::zip(&[("archive/data.pkl", &pickle), ("archive/data/0", &[0; 4])]);
    bench.weights("shared.pth", &file);
    // The same in the old form.
    let magic = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, b'.'];
    let old =
        [&magic[..], &[0x80, 2, b'M', 0xe9, 3, b'.'], &[0x80, 2, b'}', b'.'], &ways, &[0x80, 2, b']', b'.']].concat();
    bench.weights("old.pth", &old);
}

#[test]
fn archives_and_headers_are_not_believed() {
    let bench = Bench::new();
    // Thousands of entries, and a tensor that asks for each.
    let names: Vec<String> = (0..20_000).map(|i| format!("archive/data/{i}")).collect();
    let pickle = repeated(b"", b"", 0, b"}.");
    let mut entries: Vec<(&str, &[u8])> = vec![("archive/data.pkl", &pickle)];
    entries.extend(names.iter().map(|n| (n.as_str(), &b"\0\0\0\0"[..])));
    bench.weights("entries.pth", &torch_save::zip(&entries));
    // A safetensors header of two million names, one that is longer than the file, one of nested brackets.
    let header = |json: &[u8], claimed: u64| [&claimed.to_le_bytes()[..], json].concat();
    let many = format!(
        "{{{}}}",
        (0..100_000)
            .map(|i| format!("\"{i}\":{{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}"))
            .collect::<Vec<_>>()
            .join(",")
    );
    bench.weights("many.safetensors", &header(many.as_bytes(), many.len() as u64));
    bench.weights("long.safetensors", &header(b"{}", u64::MAX));
    let nested = "[".repeat(1_000_000);
    bench.weights("nested.safetensors", &header(nested.as_bytes(), nested.len() as u64));
    let shape = br#"{"conv1.weight":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,0]}}"#;
    bench.weights("shape.safetensors", &header(shape, shape.len() as u64));
    let index = format!("{{\"weight_map\":{{\"a\":\"{}\"}}}}", "../".repeat(10) + "etc/passwd");
    assert!(bench.weights("a.safetensors.index.json", index.as_bytes()).contains("does not lie beside it"));
    // A refused class is named.
    torch_save::save(&bench.path("call.pth"), &Py::Call("os", "system", vec![Py::Str("touch done".to_owned())]));
    assert!(bench.refuses("call.pth", &[&EXTRACT[..], &["call.pth"]].concat()).contains("os.system"));
    assert!(!bench.path("done").exists());
    // Control characters in a name reach no terminal.
    let ghost = dict([("\u{1b}[31mred", torch_save::floats(&[1], &[1.0]))]);
    torch_save::save(&bench.path("red.pth"), &ghost);
    assert!(!bench.refuses("red.pth", &[&EXTRACT[..], &["red.pth"]].concat()).contains('\u{1b}'));
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let bench = Bench::new();
    assert!(Command::new("mkfifo").arg(bench.path("pipe")).status().unwrap().success());
    for name in ["pipe", "/dev/zero", "."] {
        bench.refuses(name, &[&EXTRACT[..], &[name]].concat());
        bench.refuses(name, &["cluster", name, "--out", "o.safetensors"]);
        bench.refuses(name, &["evaluate", name]);
        bench.refuses(name, &["train", "--source", "set", "--target", "set", "--out", "r", "--config", name]);
        bench.refuses(name, &["cluster", "set", "--out", "o.safetensors", "--images", name]);
    }
}

#[test]
fn arrays_of_numpy_are_checked_against_their_length() {
    let bench = Bench::new();
    let npy = |header: &str| {
        let mut out = b"\x93NUMPY\x01\0".to_vec();
        out.extend((header.len() as u16).to_le_bytes());
        out.extend(header.bytes());
        out
    };
    for (name, header) in [
        ("huge.npy", "{'descr': '<f4', 'fortran_order': False, 'shape': (4000000000, 4000000000), }\n"),
        ("big.npy", "{'descr': '<f4', 'fortran_order': False, 'shape': (100000, 100000), }\n"),
        ("odd.npy", "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2), }\n"),
        ("none.npy", "{}\n"),
        ("open.npy", "{'descr': "),
    ] {
        fs::write(bench.path(name), npy(header)).unwrap();
        bench.refuses(name, &["cluster", name, "--out", "o.safetensors"]);
    }
    let mut long = b"\x93NUMPY\x02\0".to_vec();
    long.extend(u32::MAX.to_le_bytes());
    fs::write(bench.path("long.npy"), long).unwrap();
    bench.refuses("long.npy", &["cluster", "long.npy", "--out", "o.safetensors"]);
    for size in [["features", "d", "--images", "1000000000"], ["features", "d", "--dim", "18446744073709551615"]] {
        bench.refuses("d", &[&["datasets"], &size[..]].concat());
    }
    bench.refuses("d", &["datasets", "synthesize", "d", "--train-ids", "18446744073709551615"]);
    bench.refuses("d", &["datasets", "synthesize", "d", "--distractors", "1000000000"]);
}

/// Headers that tell of gigabytes of pixels.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let chunk = |kind: &[u8], data: &[u8]| {
        let mut crc = 0xffff_ffff_u32;
        for byte in kind.iter().chain(data) {
            crc ^= u32::from(*byte);
            (0..8).for_each(|_| crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 });
        }
        [&(data.len() as u32).to_be_bytes()[..], kind, data, &(!crc).to_be_bytes()].concat()
    };
    let png = |w: u32, h: u32| {
        let head = [&w.to_be_bytes()[..], &h.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
        [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &head), &chunk(b"IDAT", &[0x78, 1, 3, 0, 0, 0, 0, 1])].concat()
    };
    let jpeg = |w: u16, h: u16| {
        let mut out = vec![0xff, 0xd8, 0xff, 0xc0, 0, 17, 8];
        out.extend(h.to_be_bytes());
        out.extend(w.to_be_bytes());
        out.extend([3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]);
        out.extend([0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0, 0, 0xff, 0xd9]);
        out
    };
    let mut bmp = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bmp.extend(40_000_u32.to_le_bytes());
    bmp.extend(40_000_u32.to_le_bytes());
    bmp.extend([1, 0, 24, 0]);
    bmp.extend([0; 24]);
    let mut gif = b"GIF89a".to_vec();
    gif.extend([0xff, 0xff, 0xff, 0xff, 0, 0, 0, b',', 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 2, 1, 0, 0, b';']);
    vec![
        ("0001_c1_a.png", png(400_000_000, 1)),
        ("0001_c1_b.png", png(20_000, 20_000)),
        ("0001_c1_c.jpg", jpeg(13_000, 13_000)),
        ("0001_c1_d.jpg", jpeg(65_500, 65_500)),
        ("0001_c1_e.bmp", bmp),
        ("0001_c1_f.gif", gif),
        ("0001_c1_g.ppm", b"P6 60000 60000 255\n\0\0\0".to_vec()),
        ("0001_c1_h.webp", b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\xff\xff\xff\xff\0\0\0\0\0\0\0\0".to_vec()),
    ]
}

#[test]
fn pictures_do_not_unfold_into_gigabytes() {
    let bench = Bench::new();
    let set = bench.path("bombs");
    for split in ["bounding_box_train", "query", "bounding_box_test"] {
        fs::create_dir_all(set.join(split)).unwrap();
        bombs().iter().for_each(|(name, bytes)| fs::write(set.join(split).join(name), bytes).unwrap());
    }
    for more in [&[][..], &["--decode"]] {
        let took = run(bench.dir.path(), &[&["datasets", "check", "bombs"], more].concat());
        assert_eq!(took.code, 1, "{}", took.said);
        assert!(took.said.contains("24 images cannot be read"), "{}", took.said);
        assert!(took.memory < bench.least + (96 << 20), "{} MB", took.memory >> 20);
        assert!(took.cpu <= MOST_SECONDS, "{} s of the processor", took.cpu);
        assert!(took.time < Duration::from_secs(8), "{:?}", took.time);
    }
}

#[test]
fn a_registry_of_very_many_sets_is_read_in_time() {
    let bench = Bench::new();
    fs::create_dir_all(bench.path("config")).unwrap();
    let entries = (0..60_000).map(|i| format!("[datasets.\"a{i}\"]\nlayout = \"market1501\"\nroot = \"x\"\n"));
    fs::write(bench.path("config/datasets.toml"), entries.collect::<String>()).unwrap();
    let took = run(bench.dir.path(), &["datasets", "check", "a17"]);
    assert_eq!(took.code, 2, "{}", took.said);
    assert!(took.cpu <= MOST_SECONDS, "{} s of the processor", took.cpu);
    let entries = (0..300_000).map(|i| format!("[datasets.\"a{i}\"]\nlayout = \"market1501\"\nroot = \"x\"\n"));
    fs::write(bench.path("config/datasets.toml"), entries.collect::<String>()).unwrap();
    let took = run(bench.dir.path(), &["datasets", "check", "a17"]);
    assert!(took.code == 2 && took.cpu <= MOST_SECONDS, "{} after {} s", took.said, took.cpu);
    assert!(took.said.contains("larger than"), "{}", took.said);
}

/// A run of two epochs, as small as they come.
fn small_run(bench: &Bench) {
    tiny_domain(&bench.path("source"), "plaza", 1);
    let mut args = vec!["train", "--preset", "demo", "--source", "source", "--target", "set", "--device", "cpu"];
    for set in crate::support::engine::SMALL.iter().chain(&["adapt.epochs=2"]) {
        args.extend(["--set", set]);
    }
    args.extend(["--out", "sound"]);
    let took = run(bench.dir.path(), &args);
    assert_eq!(took.code, 0, "{}", took.said);
}

fn copy_run(bench: &Bench, name: &str) {
    let (from, to) = (bench.path("sound"), bench.path(name));
    assert!(Command::new("cp").arg("-r").args([from, to]).status().unwrap().success());
}

/// What reads a run folder: to go on with it, to show it, to compare it.
fn readers(run: &str) -> [Vec<&str>; 3] {
    [
        vec!["train", "--resume", "--device", "cpu", "--out", run],
        vec!["shot", run, "--panel", "loss", "--out", "loss.png"],
        vec!["compare", run, "sound"],
    ]
}

#[test]
fn nothing_in_a_run_folder_is_waited_for_or_read_without_end() {
    let bench = Bench::new();
    small_run(&bench);
    for (name, kinds) in [
        ("events.jsonl", &["pipe", "zero"][..]),
        ("params.toml", &["pipe"]),
        ("images.csv", &["pipe"]),
        ("checkpoints/last.safetensors", &["zero"]),
    ] {
        for kind in kinds {
            let run_name = format!("{kind}-{}", name.replace('/', "-"));
            copy_run(&bench, &run_name);
            let path = bench.path(&run_name).join(name);
            fs::remove_file(&path).unwrap();
            match *kind {
                "pipe" => assert!(Command::new("mkfifo").arg(&path).status().unwrap().success()),
                _ => std::os::unix::fs::symlink("/dev/zero", &path).unwrap(),
            }
            for args in readers(&run_name) {
                let took = run(bench.dir.path(), &args);
                // What a command does without the file is its own affair; it must not hang, swell, or panic.
                assert!([0, 1, 2].contains(&took.code), "{args:?}: {} {}", took.code, took.said);
                assert!(took.cpu <= MOST_SECONDS, "{args:?}: {} s of the processor", took.cpu);
                assert!(took.memory <= bench.least + (128 << 20), "{args:?}: {} MB", took.memory >> 20);
                assert!(!took.said.contains("panicked") && !took.said.contains("report it"), "{args:?}: {}", took.said);
                if took.code != 0 {
                    assert_eq!(took.said.trim_end().lines().count(), 1, "{args:?}: {}", took.said);
                }
            }
        }
    }
}

#[test]
fn what_a_run_folder_claims_is_bounded() {
    let bench = Bench::new();
    small_run(&bench);
    let sound = fs::read_to_string(bench.path("sound/events.jsonl")).unwrap();
    let edit = |name: &str, file: &str, text: &str| {
        copy_run(&bench, name);
        fs::write(bench.path(name).join(file), text).unwrap();
    };
    let manifest = fs::read_to_string(bench.path("sound/manifest.json")).unwrap();
    edit(
        "long-name",
        "manifest.json",
        &manifest.replace("\"source\"", &format!("\"x\": \"{}\", \"source\"", "s".repeat(40_000_000))),
    );
    let params = fs::read_to_string(bench.path("sound/params.toml")).unwrap();
    edit("long-params", "params.toml", &format!("{params}# {}", "x".repeat(40_000_000)));
    let parts: Vec<String> = (0..100_000).map(|i| format!("[\"p{i}\",1.0]")).collect();
    let step = sound.lines().find(|l| l.contains("\"type\":\"step\"")).unwrap();
    let (before, rest) = step.split_once("\"parts\":[").unwrap();
    let (_, after) = rest.split_once("]],").unwrap();
    let many = format!("{before}\"parts\":[{}],{after}", parts.join(","));
    edit("parts", "events.jsonl", &sound.replace(step, &many));
    for epoch in ["1000000000000", "18446744073709551615"] {
        let moved: Vec<String> = sound
            .lines()
            .map(|line| match line.contains("\"clustered\"") || line.contains("\"evaluated\"") {
                true => line.replace("\"epoch\":1", &format!("\"epoch\":{epoch}")),
                false => line.to_owned(),
            })
            .collect();
        edit(&format!("epoch-{epoch}"), "events.jsonl", &moved.join("\n"));
    }
    for name in ["long-name", "long-params", "parts", "epoch-1000000000000", "epoch-18446744073709551615"] {
        let size =
            2 * fs::read_dir(bench.path(name)).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum::<u64>();
        for args in [&["export", name, "--csv", "tables"][..], &["shot", name, "--panel", "window", "--out", "w.png"]] {
            let took = run(bench.dir.path(), args);
            assert!([0, 1, 2].contains(&took.code), "{args:?}: {} {}", took.code, took.said);
            assert!(took.cpu <= MOST_SECONDS, "{args:?}: {} s of the processor", took.cpu);
            assert!(took.memory <= bench.least + 4 * size + (128 << 20), "{args:?}: {} MB", took.memory >> 20);
            assert!(!took.said.contains("panicked"), "{args:?}: {}", took.said);
        }
    }
}

#[test]
fn nothing_else_is_overwritten_and_grey_pictures_are_no_result() {
    let bench = Bench::new();
    let net = reid_workbench::model::net::NetSpec {
        backbone: reid_workbench::method::params::Backbone::Resnet50Lite,
        positions: None,
        domains: 1,
    };
    reid_workbench::model::net::Net::new(&net, tch::Device::Cpu, 1)
        .unwrap()
        .save(&bench.path("w.safetensors"))
        .unwrap();
    let lite = ["--set", "backbone=resnet50-lite", "--set", "image.height=64", "--set", "image.width=32"];
    let extract = |out: &str, more: &[&str]| {
        let args =
            ["extract", "--dataset", "set", "--split", "query", "--device", "cpu", "--checkpoint", "w.safetensors"];
        run(bench.dir.path(), &[&args[..], &["--out", out], &lite, more].concat())
    };
    let whole = fs::read(bench.path("w.safetensors")).unwrap();
    let took = extract("w.safetensors", &[]);
    assert!(took.code == 2 && took.said.contains("holds something else"), "{}", took.said);
    assert_eq!(fs::read(bench.path("w.safetensors")).unwrap(), whole);
    assert_eq!(extract("f.safetensors", &[]).code, 0);
    assert_eq!(extract("f.safetensors", &[]).code, 0, "features are replaced by features");
    let cluster = run(bench.dir.path(), &["cluster", "f.safetensors", "--out", "w.safetensors"]);
    assert!(cluster.code == 2 && cluster.said.contains("holds something else"), "{}", cluster.said);

    let folder = bench.path("set/query");
    fs::read_dir(folder).unwrap().flatten().for_each(|e| fs::write(e.path(), "hello").unwrap());
    let took = extract("g.safetensors", &[]);
    assert!(took.code == 2 && took.said.contains("of 8 images cannot be read"), "{}", took.said);
    assert!(!bench.path("g.safetensors").exists());
    assert_eq!(extract("g.safetensors", &["--allow-unreadable"]).code, 0);
}
