//! `sweep --launcher slurm` against a real Slurm on loopback (`tests/cluster/slurm.sh`): nodes die, jobs make room, the
//! controller goes away, and the runs end as if nothing had happened.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use reid_workbench::run::event::Phase;
use reid_workbench::run::{RunReader, RunView};
use serde_json::{Value, json};

use crate::support::engine::Tiny;
use crate::support::skipped;

const LIMIT: Duration = Duration::from_secs(280);

const SPEC: &str = r#"
source = "source"
target = "target"
preset = "demo"
devices = ["cpu"]
threads = 1
pictures = false

[set]
"image.height" = 64
"image.width" = 32
"augment.pad" = 2
pretrain = { epochs = 1, iters = 2, batch = 16 }
adapt = { epochs = 6, iters = 2, batch = 16 }
eps = 0.7
k1 = 8
k2 = 2

[slurm]
partition = "night"
"#;

/// A Slurm that ends with its test.
struct Slurm {
    dir: PathBuf,
}

impl Drop for Slurm {
    fn drop(&mut self) {
        self.script(&["stop"]);
    }
}

impl Slurm {
    /// Starts one; `None` where that cannot be, which is said.
    fn start(dir: &Path, wanted_for: &str) -> Option<Self> {
        let slurm = Self { dir: dir.to_owned() };
        let missing = Command::new(Self::path()).arg("missing").output().unwrap();
        let missing = String::from_utf8_lossy(&missing.stdout).trim().to_owned();
        if !missing.is_empty() {
            skipped(wanted_for, &format!("{missing} of Slurm are not installed"));
            return None;
        }
        let output = slurm.script(&["start", &std::process::id().to_string()]);
        if !output.status.success() {
            skipped(wanted_for, &format!("Slurm did not start: {}", String::from_utf8_lossy(&output.stderr)));
            return None;
        }
        Some(slurm)
    }

    fn path() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/slurm.sh")
    }

    /// `verb` of the script, and what else it takes.
    fn script(&self, words: &[&str]) -> Output {
        let mut command = Command::new(Self::path());
        command.arg(words[0]).arg(&self.dir).args(&words[1..]);
        command.output().unwrap()
    }

    /// A program of Slurm's.
    fn ask(&self, program: &str, args: &[&str]) -> String {
        let output = self.program(program, args);
        String::from_utf8(output.stdout).unwrap()
    }

    fn program(&self, program: &str, args: &[&str]) -> Output {
        Command::new(program).args(args).env("SLURM_CONF", self.dir.join("slurm.conf")).output().unwrap()
    }

    /// Of each task in the queue its place in the array: job number, state, reason, node.
    fn queue(&self) -> BTreeMap<usize, [String; 4]> {
        let told = self.ask("squeue", &["--noheader", "--array", "--format=%K|%A|%T|%r|%N", "--partition=night"]);
        let line = |line: &str| {
            let words: Vec<String> = line.split('|').map(str::to_owned).collect();
            let [task, job, state, why, node]: [String; 5] = words.try_into().ok()?;
            Some((task.parse().ok()?, [job, state, why, node]))
        };
        told.lines().filter_map(line).collect()
    }

    /// Whether a task has run and waits for the second time.
    fn waits_again(&self, task: usize) -> bool {
        let jobs = self.ask("scontrol", &["--oneliner", "show", "job"]);
        let of = |line: &&str| line.contains(&format!(" ArrayTaskId={task} "));
        jobs.lines().find(of).is_some_and(|l| l.contains(" Restarts=1 ") && l.contains(" JobState=PENDING "))
    }

    /// Jobs that are queued again wait two minutes first; whoever manages the cluster can let them go at once.
    fn hurry(&self) {
        for [job, _, why, _] in self.queue().into_values().filter(|[_, state, ..]| state == "PENDING") {
            if why == "BeginTime" {
                self.program("scontrol", &["update", &format!("JobId={job}"), "StartTime=now"]);
            }
        }
    }
}

fn sweep(tiny: &Tiny, slurm: &Slurm, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reid-workbench"));
    for (variable, folder) in [("REID_CACHE_DIR", "cache"), ("REID_CONFIG_DIR", "config"), ("REID_DATA_DIR", "data")] {
        command.env(variable, tiny.path(folder));
    }
    command.env("SLURM_CONF", slurm.dir.join("slurm.conf")).env("REID_SLURM_POLL", "0.3");
    command.current_dir(tiny.dir.path()).arg("sweep").args(args);
    command.stdin(Stdio::null());
    command
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// Adaptation epochs that a trial has behind it.
fn epochs(run: &Path) -> usize {
    let told = std::fs::read_to_string(run.join("events.jsonl")).unwrap_or_default();
    told.matches("\"type\":\"epoch-done\"").count()
}

/// Waits for what the cluster does.
fn until(what: &str, follower: &mut Child, mut come: impl FnMut() -> bool) {
    let began = Instant::now();
    while !come() {
        assert!(began.elapsed() < LIMIT, "{what} did not come");
        assert!(follower.try_wait().unwrap().is_none(), "the sweep ended before {what}");
        std::thread::park_timeout(Duration::from_millis(150));
    }
}

/// Everything that a run computed: its files of tensors, and its curves, clusters and evaluations as readers see them. What
/// was seen of the training of an epoch (`training.safetensors`) begins where a job went on within it, so it is left out.
fn computed(run: &Path) -> (BTreeMap<PathBuf, Vec<u8>>, Vec<String>) {
    let mut files = BTreeMap::new();
    let mut folders = vec![run.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|e| e == "safetensors") && !entry.ends_with("training.safetensors")
            {
                files.insert(entry.strip_prefix(run).unwrap().to_owned(), std::fs::read(&entry).unwrap());
            }
        }
    }
    let view = RunView::of_folder(&RunReader::open(run).unwrap());
    let mut told = Vec::new();
    for phase in [Phase::Pretrain, Phase::Adapt] {
        let steps = view.curves(phase).steps(phase);
        told.extend(steps.map(|s| format!("{phase:?} {}/{}: {:x} {:?}", s.epoch, s.iter, s.loss.to_bits(), s.lr)));
    }
    told.extend(view.clusters.iter().map(|(epoch, c)| format!("clusters {epoch}: {:?}", c.summary)));
    told.extend(view.target_retrieval.iter().map(|(epoch, r)| format!("target {epoch}: {r:?}")));
    (files, told)
}

fn same(calm: &Path, disturbed: &Path) {
    let ((files, told), (other_files, other_told)) = (computed(calm), computed(disturbed));
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert!(files.len() > 6 && told.len() > 10, "{:?}", names(&files));
    assert_eq!(names(&files), names(&other_files), "{}", disturbed.display());
    for (name, bytes) in &files {
        assert!(bytes == &other_files[name], "{} differs in {}", name.display(), disturbed.display());
    }
    assert_eq!(told, other_told, "{}", disturbed.display());
}

#[test]
fn an_array_ends_as_undisturbed_though_a_node_dies_a_job_makes_room_and_the_controller_goes_away() {
    let tiny = Tiny::new();
    let Some(slurm) = Slurm::start(&tiny.path("slurm"), "an array under a real Slurm, with its kills") else { return };
    std::fs::write(
        tiny.path("eight.toml"),
        format!("{SPEC}\n[[zip]]\nseed = [1, 2, 3, 4, 5, 6, 7, 8]\n\"adapt.epochs\" = [90, 90, 6, 6, 6, 6, 6, 6]\n"),
    )
    .unwrap();
    let calm = sweep(&tiny, &slurm, &["eight.toml", "--out", "calm"]).output().unwrap();
    assert_eq!(json_of(&calm)["done"], 8);
    std::fs::remove_dir_all(tiny.path("cache/pretrained")).unwrap();

    let args = ["eight.toml", "--out", "the array", "--launcher", "slurm", "--at-once", "8"];
    let log = std::fs::File::create(tiny.path("said")).unwrap();
    let mut child = sweep(&tiny, &slurm, &args).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
    let run = |trial: usize| tiny.path(&format!("the array/trials/{trial:04}"));
    let said = || std::fs::read_to_string(tiny.path("said")).unwrap_or_default();
    until("the first epochs", &mut child, || (0..2).all(|trial| epochs(&run(trial)) >= 1));
    // The node of one trial dies; another trial makes room for a job of the day.
    let queue = slurm.queue();
    let node = |task: usize| queue[&task][3].clone();
    assert!(slurm.script(&["kill", &node(0)]).status.success());
    let wait = format!("--nodelist={}", node(1));
    slurm.ask("sbatch", &["--partition=day", &wait, "--output=/dev/null", "--wrap=sleep 1"]);
    until("both in the queue again", &mut child, || [0, 1].into_iter().all(|task| slurm.waits_again(task)));
    // The controller dies and comes back, perhaps with a queue of some seconds ago.
    assert!(slurm.script(&["control", "off"]).status.success());
    until("a note", &mut child, || said().contains("squeue failed"));
    assert!(slurm.script(&["control", "on"]).status.success());
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < LIMIT, "it does not end: {}", said());
        slurm.hurry();
        std::thread::park_timeout(Duration::from_millis(200));
    }
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", said());
    let all = json_of(&output);
    assert_eq!((&all["state"], &all["done"], &all["failed"]), (&json!("finished"), &json!(8), &json!(0)), "{all}");
    for trial in 0..8 {
        same(&tiny.path(&format!("calm/trials/{trial:04}")), &run(trial));
    }
    // Both went on from a checkpoint: one had been asked for it, the other took what its last epoch had left.
    for trial in [0, 1] {
        let events = std::fs::read_to_string(run(trial).join("events.jsonl")).unwrap();
        assert!(events.contains("\"resumed\":true"), "trial {trial} was begun anew");
    }
}

#[test]
fn a_cancelled_array_keeps_its_checkpoints_and_goes_on_with_what_is_left() {
    let tiny = Tiny::new();
    let Some(slurm) = Slurm::start(&tiny.path("slurm"), "cancelling an array of a real Slurm") else { return };
    let spec = SPEC.replace("epochs = 6", "epochs = 400");
    std::fs::write(tiny.path("six.toml"), format!("{spec}\n[grid]\nseed = [1, 2, 3, 4, 5, 6]\n")).unwrap();
    let args = ["six.toml", "--out", "all", "--launcher", "slurm", "--at-once", "8"];
    let mut child = sweep(&tiny, &slurm, &args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    until("the first epochs", &mut child, || {
        (0..4).all(|trial| epochs(&tiny.path(&format!("all/trials/{trial:04}"))) >= 1)
    });
    let cancelled = sweep(&tiny, &slurm, &["all", "--cancel"]).output().unwrap();
    assert!(cancelled.status.success(), "{}", String::from_utf8_lossy(&cancelled.stderr));
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "it was not finished");
    let all = json_of(&output);
    let states: Vec<&str> = all["trials"].as_array().unwrap().iter().map(|t| t["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["stopped", "stopped", "stopped", "stopped", "waiting", "waiting"], "{all}");
    for trial in 0..4 {
        assert!(tiny.path(&format!("all/trials/{trial:04}/checkpoints/last.safetensors")).is_file());
    }
    assert!(slurm.queue().is_empty());
    let print = sweep(&tiny, &slurm, &["all", "--launcher", "print"]).output().unwrap();
    let due: BTreeSet<String> = String::from_utf8(print.stdout).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(due.len(), 6, "all of them are still to be run");
}
