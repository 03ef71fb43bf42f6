//! `sweep` through the command line: tiny runs in grids, killed and gone on with, in the study file and in a queue.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use reid_workbench::launch::job::quoted;
use reid_workbench::launch::journal::{Journal, TrialState};
use reid_workbench::launch::queue::QueueOptions;
use reid_workbench::launch::slurm::{Array, SlurmOptions, TaskState, script, states};
use reid_workbench::launch::spec::{SHIPPED, SweepSpec};
use serde_json::{Value, json};

use crate::support::engine::{self, Tiny};
use crate::support::python;

const SMALL: &str = r#"
source = "source"
target = "target"
preset = "demo"
devices = ["cpu"]
at-once = 1
threads = 1
pictures = false

[set]
"image.height" = 64
"image.width" = 32
"augment.pad" = 2
pretrain = { epochs = 1, iters = 2, batch = 16 }
adapt = { epochs = 1, iters = 2, batch = 16 }
k1 = 8
k2 = 2
"#;

fn sweep(tiny: &Tiny, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reid-workbench"));
    for (variable, folder) in [("REID_CACHE_DIR", "cache"), ("REID_CONFIG_DIR", "config"), ("REID_DATA_DIR", "data")] {
        command.env(variable, tiny.path(folder));
    }
    command.current_dir(tiny.dir.path()).arg("sweep").args(args);
    command
}

fn write(tiny: &Tiny, name: &str, more: &str) {
    std::fs::write(tiny.path(name), format!("{SMALL}\n{more}")).unwrap();
}

fn write_with_pictures(tiny: &Tiny, name: &str, more: &str) {
    std::fs::write(tiny.path(name), format!("{}\n{more}", SMALL.replace("pictures = false", ""))).unwrap();
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn run(tiny: &Tiny, args: &[&str]) -> Value {
    let output = sweep(tiny, args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    json_of(&output)
}

fn refused(tiny: &Tiny, args: &[&str], reason: &str) {
    let output = sweep(tiny, args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
    assert!(said.contains(reason), "{args:?}: {said}");
}

/// Reads what a sweep says until a line satisfies `stop`.
fn until(child: &mut Child, stop: impl Fn(&str) -> bool) {
    let lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut all = Vec::new();
    for line in lines {
        all.push(line);
        if all.last().is_some_and(|l| stop(l)) {
            return;
        }
    }
    panic!("it ended with {all:#?}");
}

#[cfg(unix)]
#[test]
fn a_grid_killed_in_the_midst_goes_on_without_repeating_what_was_done() {
    let tiny = Tiny::new();
    write(&tiny, "grid.toml", "[grid]\neps = [0.6, 0.7]\nseed = [1, 2]\n");
    let mut child =
        sweep(&tiny, &["grid.toml", "--out", "all"]).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    until(&mut child, |l| l.starts_with("trial 1 ") && l.contains("mAP"));
    // With kill -9 the sweep cannot ask its trial to stop: that one runs on and is followed by the next sweep.
    child.kill().unwrap();
    child.wait().unwrap();
    let first = tiny.path("all/trials/0000/events.jsonl");
    let before = std::fs::read(&first).unwrap();
    refused_other_spec(&tiny);

    let status = run(&tiny, &["all", "--status"]);
    assert_eq!(status["trials"].as_array().unwrap().len(), 4);
    assert!(status["done"].as_u64().unwrap() >= 1 && status["waiting"].as_u64().unwrap() >= 2, "{status}");

    let output = sweep(&tiny, &["grid.toml", "--out", "all"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let all = json_of(&output);
    assert_eq!((&all["state"], &all["done"], &all["failed"]), (&json!("finished"), &json!(4), &json!(0)), "{all}");
    assert_eq!(std::fs::read(&first).unwrap(), before, "a finished trial was touched");

    // Seeds are taken together: mean and deviation over two.
    let table = all["table"].as_array().unwrap();
    assert_eq!(table.len(), 2);
    let map = |trial: usize| all["trials"][trial]["mAP"].as_f64().unwrap();
    assert_eq!(table[0]["settings"], json!({ "eps": "0.6" }));
    assert_eq!(table[0]["mAP"]["n"], 2);
    let mean = (map(0) + map(1)) / 2.0;
    assert!((table[0]["mAP"]["mean"].as_f64().unwrap() - mean).abs() < 1e-12);
    assert!(table[0]["mAP"]["deviation"].is_number());

    // Each seed was pre-trained once: the trials of the other eps took it from the cache.
    let kept = std::fs::read_dir(tiny.path("cache/pretrained")).unwrap().count();
    assert_eq!(kept, 2);
    let taken = |trial: usize| {
        let text = std::fs::read_to_string(tiny.path(&format!("all/trials/{trial:04}/events.jsonl"))).unwrap();
        text.contains("Pre-training taken from an earlier run")
    };
    assert_eq!([0, 1, 2, 3].map(taken), [false, false, true, true]);

    // Nothing is left to do, and the study says so too.
    let again = run(&tiny, &["all"]);
    assert_eq!(again["done"], 4);
    let journal = Journal::open(&tiny.path("all/study.log")).unwrap();
    assert!(journal.trials.iter().all(|t| t.state == TrialState::Complete), "{:?}", journal.trials);
    assert_eq!(journal.trials.len(), 4);
}

fn refused_other_spec(tiny: &Tiny) {
    write(tiny, "other.toml", "[grid]\neps = [0.5]\n");
    refused(tiny, &["other.toml", "--out", "all"], "holds another sweep");
}

#[cfg(unix)]
#[test]
fn an_interrupt_asks_the_trials_for_checkpoints() {
    let tiny = Tiny::new();
    write(&tiny, "long.toml", "[grid]\n\"adapt.epochs\" = [900]\n");
    let mut child =
        sweep(&tiny, &["long.toml", "--out", "all"]).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    until(&mut child, |l| l.contains("/900, mAP"));
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let all = json_of(&output);
    assert_eq!((&all["state"], &all["trials"][0]["state"]), (&json!("interrupted"), &json!("stopped")), "{all}");
    assert!(tiny.path("all/trials/0000/checkpoints/last.safetensors").is_file());
}

#[test]
fn a_trial_that_fails_is_a_row_and_can_be_run_again() {
    let tiny = Tiny::new();
    write(&tiny, "list.toml", "[[list]]\nweights = \"missing.pth\"\n[[list]]\neps = 0.7\n");
    let all = run(&tiny, &["list.toml", "--out", "all"]);
    assert_eq!((&all["done"], &all["failed"]), (&json!(1), &json!(1)), "{all}");
    assert_eq!(all["trials"][0]["state"], "failed");
    assert!(all["trials"][0]["why"].as_str().unwrap().contains("missing.pth"), "{all}");
    assert_eq!(run(&tiny, &["all"])["failed"], 1, "it is not run again unasked");
    let output = sweep(&tiny, &["all", "--retry"]).output().unwrap();
    assert_eq!(json_of(&output)["failed"], 1);
    let journal = Journal::open(&tiny.path("all/study.log")).unwrap();
    let failed = journal.trials.iter().filter(|t| t.state == TrialState::Fail).count();
    assert_eq!(failed, 2, "each try has its record");

    // All that there is fails: the exit code says so.
    write(&tiny, "bad.toml", "[[list]]\nweights = \"missing.pth\"\n");
    let output = sweep(&tiny, &["bad.toml", "--out", "bad"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_spec_says_what_is_wrong_with_it() {
    let tiny = Tiny::new();
    for (more, reason) in [
        ("[grid]\nepss = [0.5]\n", "epss"),
        ("[grid]\neps = [9.0]\n", "0.05 to 0.95"),
        ("[grid]\neps = 0.5\n", "a list of values was expected"),
        ("[grid]\neps = [0.1]\ndelta_d = [0.2]\n", "must exceed"),
        ("[[zip]]\neps = [0.5, 0.6]\nk1 = [10]\n", "as many values"),
        ("[grid]\npreset = [\"nonsense\"]\n", "baseline"),
        ("nonsense = 1\n", "nonsense"),
        ("[grid]\nseed = []\n", "a list of values was expected"),
    ] {
        write(&tiny, "bad.toml", more);
        // A key after a table belongs to that table: this one goes to the front.
        if more.starts_with("nonsense") {
            std::fs::write(tiny.path("bad.toml"), format!("{more}{SMALL}")).unwrap();
        }
        refused(&tiny, &["bad.toml", "--out", "bad"], reason);
    }
    refused(&tiny, &["nowhere.toml", "--out", "bad"], "ablation-demo");
    write(&tiny, "good.toml", "");
    refused(&tiny, &["good.toml"], "--out");
    refused(&tiny, &["nowhere", "--status"], "no spec.toml");
    refused(&tiny, &["good.toml", "--out", "x", "--sampler", "random"], "there is optuna");
    refused(&tiny, &["good.toml", "--out", "x", "--sampler", "optuna"], "[search]");
    assert!(!tiny.path("bad").exists(), "nothing is made before everything is known");
}

#[test]
fn trials_are_lists_with_zips_with_grids() {
    let spec = "source = \"a\"\ntarget = \"b\"\n[[list]]\npreset = \"baseline\"\n[[list]]\npreset = \"spcl\"\n\
                [[zip]]\nk1 = [10, 20]\nk2 = [2, 4]\n[grid]\nseed = [1, 2, 3]\n";
    let spec = SweepSpec::parse(spec).unwrap();
    let trials = spec.trials().unwrap();
    assert_eq!(trials.len(), 2 * 2 * 3);
    assert_eq!(trials[0].label(), "preset=baseline k1=10 k2=2 seed=1");
    assert_eq!(trials[11].label(), "preset=spcl k1=20 k2=4 seed=3");
    assert_eq!((trials[11].params.k1, trials[11].params.k2, trials[11].params.seed), (20, 4, 3));
    assert!(!trials[0].params.memory.enabled && trials[11].params.memory.enabled);
    assert_eq!(SweepSpec::parse(&spec.to_toml().unwrap()).unwrap(), spec);
    // Pre-training does not depend on k1; it depends on the seed.
    assert_eq!(trials[0].pretraining(), trials[3].pretraining());
    assert_ne!(trials[0].pretraining(), trials[1].pretraining());
    for (name, text) in SHIPPED {
        let spec = SweepSpec::parse(text).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(spec.name, *name);
        assert!(!spec.trials().unwrap().is_empty() && !spec.about.is_empty());
    }
    assert_eq!(SweepSpec::parse(SHIPPED[0].1).unwrap().trials().unwrap().len(), 6);
}

#[test]
fn never_more_threads_than_cores() {
    for (cores, at_once, threads, expected) in [
        (8, None, None, (1, 8)),
        (8, Some(4), None, (4, 2)),
        (8, Some(4), Some(4), (2, 4)),
        (8, None, Some(2), (4, 2)),
        (2, Some(16), None, (2, 1)),
        (2, Some(16), Some(16), (1, 2)),
        (0, None, None, (1, 1)),
    ] {
        assert_eq!(QueueOptions::within(cores, at_once, threads), expected, "{cores} {at_once:?} {threads:?}");
    }
}

#[test]
fn commands_are_printed_a_line_a_trial() {
    let tiny = Tiny::new();
    write(&tiny, "grid.toml", "[grid]\nseed = [1, 2, 3]\n");
    let output = sweep(&tiny, &["grid.toml", "--out", "with space", "--launcher", "print"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(
        lines[2].contains(" train --source ") && lines[2].contains("'with space/trials/0002.toml'"),
        "{}",
        lines[2]
    );
    // A shell runs it as it stands.
    let status = Command::new("sh")
        .args(["-c", lines[0]])
        .current_dir(tiny.dir.path())
        .env("REID_CACHE_DIR", tiny.path("cache"))
        .output()
        .unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
    assert_eq!(run(&tiny, &["with space", "--status"])["done"], 1);
    assert_eq!(quoted("it's".as_ref()), "'it'\\''s'");
}

#[cfg(unix)]
#[test]
fn optuna_reads_the_study_and_what_it_enqueues_or_proposes_is_run() {
    let Some(bin) = python::with(&["optuna"], "reading the study back with optuna") else { return };
    let tiny = Tiny::new();
    write_with_pictures(
        &tiny,
        "study.toml",
        "[grid]\neps = [0.6, 0.7]\n[search]\neps = { low = 0.5, high = 0.8 }\nk1 = { low = 6, high = 10 }\n",
    );
    // One trial is done and one waits; a third is enqueued from Python.
    let mut child =
        sweep(&tiny, &["study.toml", "--out", "all"]).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    until(&mut child, |l| l.starts_with("trial 0 ") && l.contains(" done"));
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    child.wait().unwrap();
    let study = tiny.path("all/study.log");
    let python = |script: &str| {
        let output = Command::new(bin.join("python")).args(["-c", script]).arg(&study).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let open = "import json,sys,optuna\nfrom optuna.storages import JournalStorage\n\
                from optuna.storages.journal import JournalFileBackend\n\
                s=optuna.load_study(study_name='study',storage=JournalStorage(JournalFileBackend(sys.argv[1])))\n";
    python(&format!("{open}s.enqueue_trial({{'eps': 0.65, 'k1': 9}})"));

    let all = sweep(&tiny, &["all", "--sampler", "optuna:RandomSampler", "--propose", "2"])
        .env("REID_OPTUNA", bin.join("optuna"))
        .output()
        .unwrap();
    assert!(all.status.success(), "{}", String::from_utf8_lossy(&all.stderr));
    let all = json_of(&all);
    assert_eq!((&all["done"], &all["failed"]), (&json!(4), &json!(0)), "{all}");
    let settings: BTreeMap<String, String> = serde_json::from_value(all["table"][2]["settings"].clone()).unwrap();
    assert_eq!((settings["eps"].as_str(), settings["k1"].as_str()), ("0.65", "9"));

    let told = python(&format!(
        "{open}print(json.dumps([s.metric_names,[d.name for d in s.directions],[[t.state.name,t.params,t.values,\
         t.user_attrs.get('run'),sorted(t.intermediate_values),t.duration.total_seconds()>=0] for t in s.trials]]))"
    ));
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told[0], json!(["mAP", "silhouette"]));
    assert_eq!(told[1], json!(["MAXIMIZE", "MAXIMIZE"]));
    let trials = told[2].as_array().unwrap();
    assert_eq!(trials.len(), 4);
    for (i, trial) in trials.iter().enumerate() {
        assert_eq!(trial[0], "COMPLETE", "{told}");
        let map = all["trials"][i]["mAP"].as_f64().unwrap();
        assert_eq!(trial[2][0].as_f64().unwrap(), map, "trial {i}");
        assert!(trial[3].as_str().unwrap().ends_with(&format!("trials/{i:04}")));
        assert_eq!(trial[4], json!([0, 1]));
        assert_eq!(trial[5], true);
    }
    // Pictures of each trial, as Optuna finds them.
    let kept = python(&format!(
        "{open}from optuna.artifacts import get_all_artifact_meta as a\n\
         print(json.dumps([[[m.artifact_id,m.filename,m.mimetype] for m in \
         a(study_or_trial=t,storage=s._storage)] for t in s.trials]))"
    ));
    let kept: Value = serde_json::from_str(&kept).unwrap();
    for trial in kept.as_array().unwrap() {
        let files: Vec<&str> = trial.as_array().unwrap().iter().map(|p| p[1].as_str().unwrap()).collect();
        assert_eq!(files, ["retrieval.png", "clusters.png", "reliability.png", "map.png", "loss_adaptation.png"]);
        for picture in trial.as_array().unwrap() {
            assert_eq!(picture[2], "image/png");
            let bytes = std::fs::read(tiny.path(&format!("all/artifacts/{}", picture[0].as_str().unwrap()))).unwrap();
            assert!(bytes.starts_with(b"\x89PNG"));
        }
    }
    assert_eq!(std::fs::read_dir(tiny.path("all/artifacts")).unwrap().count(), 4 * 5, "nothing else is left there");
    assert_eq!(trials[0][1]["eps"], 0.6);
    assert_eq!(trials[2][1], json!({ "eps": 0.65, "k1": 9 }));
    let proposed = trials[3][1]["eps"].as_f64().unwrap();
    assert!((0.5..=0.8).contains(&proposed), "{proposed}");
    assert_eq!(all["trials"][3]["settings"][0][1].as_str().unwrap().parse::<f64>().unwrap(), proposed);
}

#[cfg(unix)]
#[test]
fn a_pruner_of_optuna_ends_a_trial_that_is_not_worth_going_on_with() {
    let Some(bin) = python::with(&["optuna"], "pruning with optuna") else { return };
    let tiny = Tiny::new();
    // No mAP reaches 2: whatever is evaluated after the second epoch is pruned. A trial of one epoch ends before.
    let pruner = "[pruner]\nname = \"ThresholdPruner\"\nlower = 2.0\nn_warmup_steps = 2\n";
    write(&tiny, "pruned.toml", &format!("[grid]\n\"adapt.epochs\" = [600, 1]\n{pruner}"));
    let pruned = |args: &[&str]| {
        let output = sweep(&tiny, args).env("REID_OPTUNA", bin.join("optuna")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        json_of(&output)
    };
    let all = pruned(&["pruned.toml", "--out", "all"]);
    let state = |trial: usize| all["trials"][trial]["state"].as_str().unwrap().to_owned();
    assert_eq!((state(0).as_str(), state(1).as_str()), ("pruned", "done"), "{all}");
    assert_eq!((&all["pruned"], &all["done"], &all["failed"]), (&json!(1), &json!(1), &json!(0)));
    let epochs = all["trials"][0]["epoch"].as_u64().unwrap();
    assert!((2..600).contains(&epochs), "{epochs}");
    assert!(tiny.path("all/trials/0000/checkpoints/last.safetensors").is_file());
    let bytes = std::fs::read(tiny.path("all/trials/0000/events.jsonl")).unwrap();
    // It is over: the sweep does not go on with it, and Optuna calls it pruned.
    assert_eq!(pruned(&["all"])["pruned"], 1);
    assert_eq!(std::fs::read(tiny.path("all/trials/0000/events.jsonl")).unwrap(), bytes);
    let script = "import json,sys,optuna\nfrom optuna.storages import JournalStorage\n\
                  from optuna.storages.journal import JournalFileBackend\n\
                  s=optuna.load_study(study_name='pruned',storage=JournalStorage(JournalFileBackend(sys.argv[1])))\n\
                  print(json.dumps([s.metric_names,[[t.state.name,t.value,t.intermediate_values] for t in s.trials]]))";
    let output =
        Command::new(bin.join("python")).args(["-c", script]).arg(tiny.path("all/study.log")).output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(told[0], json!(["mAP"]), "Optuna's pruners know one objective");
    assert_eq!((&told[1][0][0], &told[1][1][0]), (&json!("PRUNED"), &json!("COMPLETE")), "{told}");
    let steps = told[1][0][2].as_object().unwrap();
    let newest = steps.iter().max_by_key(|(step, _)| step.parse::<usize>().unwrap()).unwrap().1;
    assert_eq!(&told[1][0][1], newest);

    write(&tiny, "nonsense.toml", "[grid]\neps = [0.6]\n[pruner]\nname = \"NoPruner\"\n");
    let output =
        sweep(&tiny, &["nonsense.toml", "--out", "x"]).env("REID_OPTUNA", bin.join("optuna")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("the pruner failed") && said.contains("NoPruner"), "{said}");
}

#[test]
fn templates_for_other_queues_are_read_by_those_they_are_for() {
    let tiny = Tiny::new();
    write(&tiny, "My sweep.toml", "[grid]\nseed = [1, 2, 3]\n");
    let filled = |template: &str, device: &str| {
        let args = ["My sweep.toml", "--out", "with space", "--launcher", "print", "--template", template];
        let output = sweep(&tiny, &args).args(["--device", device]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let ray = filled("ray", "cpu");
    assert_eq!(ray.lines().count(), 3);
    let files = [
        ("job.yaml", filled("kubernetes", "cpu")),
        ("gpu.yaml", filled("kubernetes", "cuda")),
        ("task.yaml", filled("skypilot", "cpu")),
        ("gpus.yaml", filled("skypilot", "cuda")),
        ("ray.jsonl", ray),
    ];
    for (name, text) in &files {
        assert!(!text.contains("@NAME") && !text.contains("@DIR") && !text.contains("@THREADS"), "{name}: {text}");
        std::fs::write(tiny.path(name), text).unwrap();
    }
    refused(&tiny, &["My sweep.toml", "--out", "x", "--template", "ray"], "--launcher print");

    // What a job runs is what the entry point of all three reads.
    let script = "mapfile -t argv < \"$SWEEP_DIR/jobs/1\"; printf '%s\\n' \"${argv[@]}\"";
    let output = Command::new("bash").args(["-c", script]).env("SWEEP_DIR", tiny.path("with space")).output().unwrap();
    let argv = String::from_utf8(output.stdout).unwrap();
    assert!(argv.contains("\ntrain\n") && argv.contains("with space/trials/0001\n"), "{argv}");

    let packages = ["kubernetes-validate", "pyyaml=yaml", "skypilot=sky", "ray"];
    let Some(bin) = python::with(&packages, "templates read by Kubernetes' schema, SkyPilot and Ray") else { return };
    let script = r#"
import json, sys, yaml, kubernetes_validate, sky
from ray.dashboard.modules.job.common import JobSubmitRequest
for name, gpus in [("job.yaml", "0"), ("gpu.yaml", "1")]:
    job = yaml.safe_load(open(name))
    kubernetes_validate.validate(job, "1.31", strict=True)
    pod = job["spec"]["template"]["spec"]["containers"][0]
    assert (job["spec"]["completions"], job["spec"]["completionMode"]) == (3, "Indexed"), job
    assert pod["resources"]["limits"]["nvidia.com/gpu"] == gpus, pod
    assert pod["env"][0]["value"].endswith("/with space") and "JOB_COMPLETION_INDEX" in pod["args"][0], pod
for name in ["task.yaml", "gpus.yaml"]:
    task = sky.Task.from_yaml(name)
    assert task.envs["SWEEP_DIR"].endswith("/with space") and "mapfile" in task.run, task
    [resources] = task.resources
    assert resources.use_spot and bool(resources.accelerators) == (name == "gpus.yaml"), resources
jobs = [JobSubmitRequest(**json.loads(line)) for line in open("ray.jsonl")]
assert [job.submission_id for job in jobs] == ["my-sweep-0", "my-sweep-1", "my-sweep-2"], jobs
assert jobs[2].runtime_env["env_vars"]["TRIAL"] == "2" and jobs[2].metadata["settings"] == "seed=3", jobs[2]
"#;
    let output = Command::new(bin.join("python"))
        .args(["-c", script])
        .current_dir(tiny.dir.path())
        .env("HOME", tiny.dir.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_journal_survives_a_torn_line_and_a_foreign_number() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("study.log");
    let mut journal = Journal::open(&path).unwrap();
    let study = journal.study("s", &[2]).unwrap();
    journal.append(vec![(4, json!({ "study_id": study, "datetime_start": null, "state": 4 }))]).unwrap();
    // Python writes NaN, and a killed writer half a line.
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("{\"op_code\":7,\"worker_id\":\"x\",\"trial_id\":0,\"step\":1,\"intermediate_value\":NaN}\n");
    text.push_str("{\"op_code\":8,\"worker_id\":\"x\",\"trial_id\":0,\"user_attr\":{\"note\":\"kept\"}}\n{\"op_co");
    std::fs::write(&path, text).unwrap();
    journal
        .append(vec![(
            6,
            json!({ "trial_id": 0, "state": 1, "values": [0.5], "datetime_complete": "2026-01-01T00:00:00" }),
        )])
        .unwrap();
    let again = Journal::open(&path).unwrap();
    assert_eq!(again.trials, journal.trials);
    assert_eq!(again.skipped, 0);
    let trial = &again.trials[0];
    assert_eq!((trial.state, trial.values.clone()), (TrialState::Complete, Some(vec![0.5])));
    assert_eq!(trial.user_attrs["note"], "kept");
    // What is finished stays as it is, and no lock is left behind.
    journal.append(vec![(8, json!({ "trial_id": 0, "user_attr": { "note": "late" } }))]).unwrap();
    assert_eq!(journal.trials[0].user_attrs["note"], "kept");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

/// Commands named like Slurm's that run an array's tasks one after the other on this machine, and queue again what
/// asks for it. Not Slurm: what is tested is our script, our arguments and our reading of the answers.
#[cfg(unix)]
fn fake_slurm(dir: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let state = dir.join("state");
    std::fs::create_dir_all(&state).unwrap();
    let state = state.display();
    for (name, text) in [
        (
            "sbatch",
            format!(
                r#"for a in "$@"; do case $a in --array=0-*) n=${{a#--array=0-}}; n=${{n%%%*}};; *.sh) script=$a;; esac; done
echo "$@" >> {state}/asked
for i in $(seq 0 "$n"); do echo PENDING > {state}/task.$i; done
(for i in $(seq 0 "$n"); do
  while :; do
    echo RUNNING > {state}/task.$i; rm -f {state}/again.$i
    SLURM_ARRAY_JOB_ID=77 SLURM_ARRAY_TASK_ID=$i bash "$script" >> {state}/log 2>&1 & pid=$!
    if [ -e {state}/signal.$i ]; then rm {state}/signal.$i
      for _ in $(seq 1200); do
        grep -q epoch-done "$(dirname "$script")/trials/000$i/events.jsonl" 2>/dev/null && break
        kill -0 $pid 2>/dev/null || break
        sleep 0.05
      done
      kill -USR1 $pid; fi
    wait $pid; code=$?
    [ -e {state}/again.$i ] || break
    echo again >> {state}/requeued
  done
  if [ $code = 0 ]; then echo COMPLETED > {state}/task.$i; else echo FAILED > {state}/task.$i; fi
done) > /dev/null 2>&1 &
echo 77"#
            ),
        ),
        (
            "squeue",
            format!(
                r#"for f in {state}/task.*; do s=$(cat "$f"); case $s in PENDING|RUNNING) echo "77_${{f##*.}}|$s";; esac; done"#
            ),
        ),
        ("sacct", format!(r#"echo "77_[0-9]|"; for f in {state}/task.*; do echo "77_${{f##*.}}|$(cat "$f")"; done"#)),
        ("scontrol", format!(r#"t=${{2#77_}}; touch {state}/again.$t"#)),
    ] {
        let path = dir.join(name);
        std::fs::write(&path, format!("#!/bin/bash\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn an_array_of_a_stand_in_for_slurm_is_followed_to_its_end() {
    let tiny = Tiny::new();
    let fake = tiny.path("fake");
    fake_slurm(&fake);
    // The first task is told that its time is up after its first epoch.
    std::fs::write(fake.join("state/signal.0"), "").unwrap();
    write(
        &tiny,
        "array.toml",
        "[grid]\nseed = [1, 2]\n\"adapt.epochs\" = [5]\n[slurm]\npartition = \"gpu\"\nextra = [\"--constraint=a100\"]\n",
    );
    // What the site wants stands in a profile; the spec is above it.
    std::fs::create_dir_all(tiny.path("config")).unwrap();
    let profile = "partition = \"cpu\"\naccount = \"lab\"\nextra = [\"--qos=low\"]\n";
    std::fs::write(tiny.path("config/slurm.toml"), profile).unwrap();
    let path = std::env::join_paths(
        std::iter::once(fake.clone()).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    )
    .unwrap();
    let output =
        sweep(&tiny, &["array.toml", "--out", "all", "--launcher", "slurm", "--at-once", "2", "--threads", "1"])
            .env("PATH", &path)
            .env("REID_SLURM_POLL", "0.1")
            .output()
            .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{}", std::fs::read_to_string(fake.join("state/log")).unwrap_or_default());
    let all = json_of(&output);
    assert_eq!((&all["done"], &all["failed"]), (&json!(2), &json!(0)), "{all}");
    let asked = std::fs::read_to_string(fake.join("state/asked")).unwrap();
    assert!(asked.contains("--parsable --array=0-1%2"), "{asked}");
    let text = std::fs::read_to_string(tiny.path("all/array.sh")).unwrap();
    for line in ["requeue", "signal=B:USR1@120", "partition=gpu", "constraint=a100", "account=lab", "qos=low"] {
        assert!(text.contains(&format!("\n#SBATCH --{line}\n")), "no {line} in {text}");
    }
    // It saved a checkpoint, was queued again, and went on there.
    assert_eq!(std::fs::read_to_string(fake.join("state/requeued")).unwrap(), "again\n");
    let events = std::fs::read_to_string(tiny.path("all/trials/0000/events.jsonl")).unwrap();
    assert!(events.contains("\"resumed\":true"), "the first task was begun anew");
    let array: Array = serde_json::from_slice(&std::fs::read(tiny.path("all/slurm.json")).unwrap()).unwrap();
    assert_eq!((array.job.as_str(), array.trials), ("77", vec![0, 1]));
}

#[test]
fn slurms_words_are_understood() {
    for (word, state) in [
        ("PENDING", TaskState::Pending),
        ("RUNNING", TaskState::Running),
        ("COMPLETING", TaskState::Running),
        ("COMPLETED", TaskState::Completed),
        ("CANCELLED by 1000", TaskState::Cancelled),
        ("NODE_FAIL", TaskState::Over),
        ("OUT_OF_MEMORY", TaskState::Over),
        ("TIMEOUT", TaskState::Over),
        ("REQUEUED", TaskState::Pending),
    ] {
        assert_eq!(TaskState::of(word), state, "{word}");
    }
    let text = script(Path::new("/runs/my sweep"), "a b", &SlurmOptions::default(), 4, Path::new("/home/me"));
    assert!(
        text.contains("#SBATCH --job-name=a-b\n") && text.contains("mapfile -t argv < '/runs/my sweep/tasks'/"),
        "{text}"
    );
    // Without Slurm the error names the program.
    let array = Array { job: "1".to_owned(), cluster: None, trials: vec![0] };
    if Command::new("squeue").output().is_err() {
        assert!(states(&array).unwrap_err().to_string().contains("squeue"));
    }
}

#[test]
fn thousands_of_clusterings_are_judged_without_truth() {
    let tiny = Tiny::new();
    let mut train = Command::new(env!("CARGO_BIN_EXE_reid-workbench"));
    train.current_dir(tiny.dir.path()).env("REID_CACHE_DIR", tiny.path("cache"));
    train.args([
        "train", "--preset", "demo", "--source", "source", "--target", "target", "--out", "run", "--device", "cpu",
    ]);
    for s in engine::SMALL.iter().chain(&["adapt.epochs=2", "eps=0.6", "delta_d=0.02"]) {
        train.args(["--set", s]);
    }
    let output = train.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let found = run(&tiny, &["--what-if", "run@2", "--survivors", "next.toml", "--keep", "3"]);
    assert_eq!(found["epoch"], 2);
    assert!(found["settings"].as_u64().unwrap() > 2000, "{}", found["settings"]);
    println!("{} settings in {} s", found["settings"], found["seconds"]);
    // The setting that the run had is judged as the run judged it.
    let grid = ["--grid", "eps=0.6", "--grid", "delta_d=0.02", "--grid", "min_samples=4", "--grid", "threshold=0"];
    let own = run(&tiny, &[&["--what-if", "run"][..], &grid].concat());
    assert_eq!(own["settings"], 1);
    let events = std::fs::read_to_string(tiny.path("run/events.jsonl")).unwrap();
    let mut events = events.lines().map(|l| serde_json::from_str::<Value>(l).unwrap());
    let summary = events.rfind(|e| e["type"] == "clustered").unwrap()["summary"].clone();
    let csv = sweep(&tiny, &[&["--what-if", "run@2", "--format", "csv"][..], &grid].concat()).output().unwrap();
    let mut reader = csv::Reader::from_reader(&csv.stdout[..]);
    let head = reader.headers().unwrap().clone();
    let row = reader.records().next().unwrap().unwrap();
    let field = |name: &str| row[head.iter().position(|h| h == name).unwrap()].to_owned();
    assert_eq!(field("clusters"), summary["clusters"][0].to_string());
    let near = |name: &str, expected: &Value| match expected.as_f64() {
        Some(expected) => assert!((field(name).parse::<f64>().unwrap() - expected).abs() < 1e-12, "{name}"),
        None => assert_eq!(field(name), "", "{name}"),
    };
    near("unclustered", &summary["label_free"]["unclustered"]);
    near("eq8", &summary["label_free"]["eq8"]);
    near("silhouette", &summary["label_free"]["silhouette"]);

    // What survives is a sweep that can be run as it stands.
    let kept = found["survivors"].as_array().unwrap().len();
    if kept > 0 {
        let output = sweep(&tiny, &["next.toml", "--out", "next", "--launcher", "print"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), kept);
    }
    refused(&tiny, &["--what-if", "run@9"], "no clustering of epoch 9");
    refused(&tiny, &["--what-if", "run@0"], "counted from 1");
    refused(&tiny, &["--what-if", "run", "--grid", "beta=1"], "cannot be tried");
}
