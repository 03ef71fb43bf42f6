//! Where the long tests run: two tiny datasets, and the program with its settings.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A way to train.
pub struct Setting {
    /// In words.
    pub name: &'static str,
    /// Beside those of all.
    set: &'static [&'static str],
}

/// What is trained: every kind of objective, and each rule by which checkpoints are kept.
pub const SETTINGS: [Setting; 6] = [
    Setting { name: "plain", set: &[] },
    Setting { name: "joint", set: &["adapt.joint=true"] },
    Setting { name: "no memory", set: &["memory.enabled=false"] },
    Setting { name: "cluster on the memory's rows", set: &["memory.features=bank"] },
    Setting { name: "means, outliers sit out", set: &["memory.kind=cluster", "reliability.outliers=drop"] },
    Setting { name: "fixed threshold, rarely evaluated", set: &["reliability.rule=fixed", "eval.every=2"] },
];

/// Of all settings: a run of about a second.
const SMALL: [&str; 15] = [
    "image.height=64",
    "image.width=32",
    "augment.pad=2",
    "pretrain.epochs=2",
    "pretrain.iters=3",
    "pretrain.batch=16",
    "pretrain.warmup=0",
    "adapt.epochs=3",
    "adapt.iters=4",
    "adapt.batch=16",
    "k1=8",
    "k2=2",
    "eps=0.7",
    "checkpoint.every=1",
    "checkpoint.keep=2",
];

/// How a process ended.
#[derive(Debug, Default)]
pub struct Ended {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// The end of what it said on stderr, or why it was given up.
    pub said: String,
}

impl Ended {
    /// No crash, no panic, no hang: 0, 1, 2 or 130.
    pub fn is_civil(&self) -> Result<(), String> {
        // A library that cannot be loaded is no affair of the program.
        let loader = self.code == Some(127);
        let panicked = self.said.contains("panicked") || self.said.contains("unforeseen");
        match matches!(self.code, Some(0 | 1 | 2 | 130)) && !panicked || loader {
            true => Ok(()),
            false => Err(format!("it ended with {:?}: {}", self.code, self.said)),
        }
    }
}

/// A process of the program; it does not outlive its test.
pub struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Kills it after that time; false when it had ended by itself.
    pub fn kill_after(&mut self, after: Duration) -> bool {
        let began = Instant::now();
        while began.elapsed() < after {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return false;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        self.child.kill().is_ok() & self.child.wait().is_ok_and(|status| status.code().is_none())
    }

    /// Waits for its end.
    pub fn wait(&mut self, limit: Duration) -> Ended {
        let began = Instant::now();
        loop {
            if let Some(ended) = self.ended() {
                return ended;
            }
            if began.elapsed() > limit {
                let _ = self.child.kill();
                return Ended { code: None, said: format!("it hung for {limit:?}: {}", self.said()) };
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until it has ended, or (`None`) says some words.
    pub fn until_ended_or_says(&mut self, words: &str, limit: Duration) -> Option<Ended> {
        let began = Instant::now();
        loop {
            if let Some(ended) = self.ended() {
                return Some(ended);
            }
            if self.said().contains(words) {
                return None;
            }
            if began.elapsed() > limit {
                return Some(self.wait(Duration::ZERO));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn ended(&mut self) -> Option<Ended> {
        let status = self.child.try_wait().ok()??;
        Some(Ended { code: status.code(), said: self.said() })
    }

    fn said(&self) -> String {
        let text = fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(6)..].join(" | ")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A small file system of its own, for as long as this lives.
pub struct Disk(PathBuf);

impl Disk {
    /// Gives it that many kilobytes.
    pub fn resize(&self, kilobytes: u64) {
        let options = format!("remount,size={kilobytes}k");
        let _ = Command::new("mount").args(["-o", &options]).arg(&self.0).status();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

/// The place.
pub struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    /// With two datasets drawn.
    pub fn new() -> Self {
        let bench = Self { dir: tempfile::tempdir().expect("a temporary folder") };
        for (name, domain, seed) in [("source", "plaza", "1"), ("target", "station", "2")] {
            #[rustfmt::skip]
            let sizes = [
                "--train-ids", "8", "--test-ids", "4", "--cameras", "2", "--per-camera", "3", "--distractors", "2",
                "--junk", "1", "--height", "64", "--width", "32",
            ];
            let mut draw = bench.program("draw");
            draw.args(["datasets", "synthesize", name, "--domain", domain, "--seed", seed]).args(sizes);
            assert!(draw.status().is_ok_and(|s| s.success()), "the datasets cannot be drawn");
        }
        bench
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn program(&self, cache: &str) -> Command {
        self.clothed(Command::new(env!("CARGO_BIN_EXE_reid-workbench")), cache)
    }

    /// In the place's folder, with a cache of the run's own: pre-training is killed, too.
    fn clothed(&self, mut command: Command, cache: &str) -> Command {
        command.current_dir(self.dir.path()).env("OMP_NUM_THREADS", "1").env("RAYON_NUM_THREADS", "1");
        for (name, folder) in [("REID_CACHE_DIR", cache), ("REID_CONFIG_DIR", "config"), ("REID_DATA_DIR", "data")] {
            command.env(name, self.path(&format!(".{folder}")));
        }
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    fn arguments(&self, setting: &Setting, run: &str) -> Vec<String> {
        let mut args: Vec<String> =
            ["train", "--preset", "demo", "--source", "source", "--target", "target", "--device", "cpu"]
                .map(str::to_owned)
                .to_vec();
        for set in SMALL.iter().chain(setting.set) {
            args.extend(["--set".to_owned(), (*set).to_owned()]);
        }
        args.extend(["--start-or-resume", "--out", run].map(str::to_owned));
        args
    }

    fn spawn(&self, mut command: Command, name: &str) -> Running {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let log = self.path(&format!(".{}-{number}.log", name.replace('/', "-")));
        let file = fs::File::create(&log).expect("a log");
        Running { child: command.stderr(file).spawn().expect("the program starts"), log }
    }

    /// Starts a run, or goes on with it.
    pub fn train(&self, setting: &Setting, run: &str) -> Running {
        let mut command = self.program(&run.replace('/', "-"));
        command.args(self.arguments(setting, run));
        self.spawn(command, run)
    }

    /// The same with a fault in a kind of system call.
    pub fn strained(&self, setting: &Setting, run: &str, call: &str, inject: &str) -> Running {
        let mut command = self.clothed(Command::new("strace"), run);
        command.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e", inject]);
        command.arg(env!("CARGO_BIN_EXE_reid-workbench")).args(self.arguments(setting, run));
        self.spawn(command, run)
    }

    /// A run with more images at once than that many megabytes of address space hold; with a `change` it goes on.
    pub fn limited(&self, megabytes: u64, run: &str, change: Option<&str>) -> Ended {
        let mut command = self.clothed(Command::new("sh"), run);
        let script = format!("ulimit -v {}; exec \"$@\"", megabytes * 1000);
        command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_reid-workbench")]);
        match change {
            Some(change) => {
                command.args(["train", "--resume", "--device", "cpu", "--out", run, "--set", change]);
            }
            None => {
                command.args(self.arguments(&SETTINGS[0], run));
                let large =
                    ["pretrain.epochs=0", "adapt.epochs=1", "adapt.iters=1", "adapt.batch=1024", "eval.batch=16"];
                large.iter().for_each(|set| {
                    command.args(["--set", set]);
                });
            }
        }
        self.spawn(command, run).wait(Duration::from_secs(120))
    }

    /// Whether there is a strace that can inject faults.
    pub fn has_strace(&self) -> bool {
        let mut probe = Command::new("strace");
        probe.args(["-qq", "-o", "/dev/null", "-e", "trace=read", "-e", "inject=read:error=EIO:when=60000", "true"]);
        probe.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    /// How often a whole run makes a system call; `None` without strace.
    pub fn count(&self, setting: &Setting, call: &str) -> Option<u64> {
        if !self.has_strace() {
            return None;
        }
        let log = self.path(".calls");
        let mut command = self.clothed(Command::new("strace"), "count");
        command.args(["-f", "-qq", "-o"]).arg(&log).args(["-e", &format!("trace={call}"), "-e", "signal=none"]);
        command.arg(env!("CARGO_BIN_EXE_reid-workbench")).args(self.arguments(setting, "count"));
        self.spawn(command, "count").wait(Duration::from_secs(240));
        let mut text = String::new();
        fs::File::open(&log).ok()?.read_to_string(&mut text).ok()?;
        self.remove("count");
        // The program starts over once, so faults are counted in the second process image, too.
        Some(text.lines().filter(|line| line.contains(&format!("{call}("))).count() as u64)
    }

    /// A run that nobody disturbs, and how long it takes.
    pub fn undisturbed(&self, setting: &Setting) -> (PathBuf, Duration) {
        let name = format!("whole-{}", setting.name.replace([' ', ',', '\''], "-"));
        let mut took = Duration::MAX;
        // The machine may be busy with something else the first time.
        for _ in 0..3 {
            self.remove(&name);
            let began = Instant::now();
            let ended = self.train(setting, &name).wait(Duration::from_secs(300));
            assert_eq!(ended.code, Some(0), "{}", ended.said);
            took = took.min(began.elapsed());
        }
        (self.path(&name), took)
    }

    /// A disk of that many kilobytes under that name; `None` where nothing can be mounted.
    pub fn disk(&self, name: &str, kilobytes: u64) -> Option<Disk> {
        let place = self.path(name);
        fs::create_dir_all(&place).ok()?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={kilobytes}k"), "tmpfs"]).arg(&place);
        let mounted = mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        mounted.then_some(Disk(place))
    }

    /// Removes a run and its cache.
    pub fn remove(&self, name: &str) {
        let _ = fs::remove_dir_all(self.path(name));
        let _ = fs::remove_dir_all(self.path(&format!(".{name}")));
    }
}

/// Files under a folder by their path within it, sorted.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut stack = vec![dir.to_owned()];
    while let Some(at) = stack.pop() {
        for entry in fs::read_dir(&at).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                stack.push(entry.path());
            } else if let Ok(name) = entry.path().strip_prefix(dir) {
                found.push(name.to_owned());
            }
        }
    }
    found.sort();
    found
}
