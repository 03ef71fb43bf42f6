//! The long tests, `make test-long`: kills at random moments, full disks, a fault of each kind of system call, and two
//! processes on one run. After whatever happened, the same command once more must end in the very run that nobody
//! disturbed, to the bit. Linux; the faults need `strace`, the disks root or they are left out and that is said.
//!
//! `REID_LONG_KILLS=200` says how many kills, `REID_LONG_SEED=1` which ones, `REID_LONG_ONLY=kills,disk,faults,memory,two`
//! which parts.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bench;
mod same;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use bench::{Bench, Ended, SETTINGS};
use reid_workbench::base::rng::Stream;
use same::{Whole, stage_of};

/// What was tried, and how it went.
#[derive(Default)]
struct Tally {
    tried: usize,
    equal: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn note(&mut self, what: &str, outcome: Result<(), String>) {
        self.tried += 1;
        match outcome {
            Ok(()) => self.equal += 1,
            Err(why) => {
                println!("WRONG {what}: {why}");
                self.wrong.push(what.to_owned());
            }
        }
    }
}

fn main() -> ExitCode {
    let number = |name: &str, or: u64| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(or);
    let only = std::env::var("REID_LONG_ONLY").unwrap_or_default();
    let wanted = |part: &str| only.is_empty() || only.split(',').any(|p| p == part);
    let mut random = Stream::new(number("REID_LONG_SEED", 1), "test-long");
    let bench = Bench::new();
    let wholes: Vec<Whole> = SETTINGS
        .iter()
        .map(|setting| {
            let (run, took) = bench.undisturbed(setting);
            println!("undisturbed, {}: {:.1} s", setting.name, took.as_secs_f64());
            Whole::read(&run, took)
        })
        .collect();
    let mut all = BTreeMap::new();
    if wanted("kills") {
        all.insert("kills", kills(&bench, &wholes, &mut random, number("REID_LONG_KILLS", 200) as usize));
    }
    if wanted("disk") {
        all.insert("full disks", disks(&bench, &wholes));
    }
    if wanted("faults") {
        all.insert("faults", faults(&bench, &wholes, &mut random));
    }
    if wanted("memory") {
        all.insert("out of memory", memory(&bench));
    }
    if wanted("two") {
        all.insert("two processes", two(&bench, &wholes));
    }
    println!("\n{:<16} {:>6} {:>6} {:>6}", "", "tried", "equal", "wrong");
    let mut wrong = 0;
    for (part, tally) in &all {
        println!("{part:<16} {:>6} {:>6} {:>6}", tally.tried, tally.equal, tally.wrong.len());
        wrong += tally.wrong.len();
    }
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn below(random: &mut Stream, n: u64) -> u64 {
    random.word() % n
}

/// Goes on until the run is done, and compares it.
fn finish(bench: &Bench, which: usize, whole: &Whole, name: &str) -> Result<(), String> {
    let ended = bench.train(&SETTINGS[which], name).wait(Duration::from_secs(300));
    if ended.code != Some(0) {
        return Err(format!("the last try ended with {:?}: {}", ended.code, ended.said));
    }
    whole.equals(&bench.path(name))
}

// ---------------------------------------------------------------------------------------------------------- kills

fn kills(bench: &Bench, wholes: &[Whole], random: &mut Stream, count: usize) -> Tally {
    let mut tally = Tally::default();
    let mut stages: BTreeMap<String, usize> = BTreeMap::new();
    let mut shots = 0;
    while shots < count {
        let which = below(random, SETTINGS.len() as u64) as usize;
        let (whole, name) = (&wholes[which], format!("kill-{shots}"));
        // One in three is killed again and again.
        let times = if below(random, 3) == 0 { 3 } else { 1 };
        let mut story = Vec::new();
        for _ in 0..times.min(count - shots) {
            let after = whole.took.mul_f64(below(random, 1_000_000) as f64 / 1e6);
            let mut child = bench.train(&SETTINGS[which], &name);
            if !child.kill_after(after) {
                continue;
            }
            shots += 1;
            let stage = stage_of(&bench.path(&name));
            *stages.entry(stage.clone()).or_default() += 1;
            story.push(format!("{stage} at {:.3} s", after.as_secs_f64()));
        }
        if story.is_empty() {
            bench.remove(&name);
            continue;
        }
        let what = format!("{} killed in {}", SETTINGS[which].name, story.join(", "));
        tally.note(&what, finish(bench, which, whole, &name));
        bench.remove(&name);
    }
    println!("\nkills by what the run said last:");
    stages.iter().for_each(|(stage, n)| println!("  {stage:<14} {n}"));
    println!("  together       {shots}, in {} runs", tally.tried);
    tally
}

// ---------------------------------------------------------------------------------------------------------- disks

fn disks(bench: &Bench, wholes: &[Whole]) -> Tally {
    let mut tally = Tally::default();
    let most = wholes[0].bytes / 1024 + 512;
    let (mut waited, mut lacking) = (0, 0);
    for share in 0..24_u64 {
        // From a disk that takes nothing to one that nearly suffices.
        let kilobytes = if share < 6 { 4 << share } else { most * (share - 5) / 20 };
        let name = format!("disk-{share}");
        let Some(disk) = bench.disk(&name, kilobytes) else {
            println!("full disks are left out: no file system can be mounted here");
            return tally;
        };
        let run = format!("{name}/run");
        let mut child = bench.train(&SETTINGS[0], &run);
        let mut ended = child.until_ended_or_says("The disk is full", Duration::from_secs(120));
        if ended.is_none() {
            // It waits; there is room now.
            waited += 1;
            disk.resize(most * 4);
            ended = Some(child.wait(Duration::from_secs(120)));
        }
        disk.resize(most * 4);
        let ended = ended.unwrap_or_default();
        let what = format!("{kilobytes} KB");
        let again = || bench.train(&SETTINGS[0], &run).wait(Duration::from_secs(300));
        let outcome = ended.is_civil().and_then(|()| match again() {
            Ended { code: Some(0), .. } => wholes[0].equals_in_essence(&bench.path(&run)),
            other => Err(format!("the last try ended with {:?}: {}", other.code, other.said)),
        });
        lacking += usize::from(outcome.is_ok() && wholes[0].equals(&bench.path(&run)).is_err());
        tally.note(&what, outcome);
        drop(disk);
    }
    println!(
        "of the runs on full disks {waited} waited for room and went on, {lacking} lack files that were refused and said"
    );
    tally
}

// --------------------------------------------------------------------------------------------------------- faults

/// A kind of system call and what it may answer.
const FAULTS: [(&str, &[&str]); 13] = [
    ("openat", &["EIO", "EACCES", "EMFILE"]),
    ("read", &["EIO"]),
    ("write", &["EIO", "ENOSPC"]),
    ("fsync", &["EIO", "ENOSPC"]),
    ("fdatasync", &["EIO"]),
    ("rename", &["EIO", "ENOSPC"]),
    ("renameat2", &["EIO"]),
    ("mkdir", &["EIO", "ENOSPC"]),
    ("unlink", &["EIO", "EACCES"]),
    ("ftruncate", &["EIO"]),
    ("linkat", &["EIO", "EPERM"]),
    ("flock", &["ENOLCK"]),
    ("statx", &["EIO", "EACCES"]),
];

fn faults(bench: &Bench, wholes: &[Whole], random: &mut Stream) -> Tally {
    let mut tally = Tally::default();
    for (call, errors) in FAULTS {
        let Some(calls) = bench.count(&SETTINGS[0], call) else {
            println!("faults are left out: there is no strace here");
            return tally;
        };
        if calls == 0 {
            println!("  {call}: never called");
            continue;
        }
        for error in errors {
            for _ in 0..3 {
                // The last of them rather than those with which a program is loaded.
                let at = (calls - below(random, calls.div_ceil(2) + 10).min(calls - 1)).min(65_000);
                let name = "fault";
                let inject = format!("inject={call}:error={error}:when={at}");
                let ended = bench.strained(&SETTINGS[0], name, call, &inject).wait(Duration::from_secs(240));
                let outcome = ended.is_civil().and_then(|()| {
                    match bench.train(&SETTINGS[0], name).wait(Duration::from_secs(300)) {
                        Ended { code: Some(0), .. } => wholes[0].equals_in_essence(&bench.path(name)),
                        other => Err(format!("the last try ended with {:?}: {}", other.code, other.said)),
                    }
                });
                tally.note(&format!("{call} {error} at call {at} of {calls}"), outcome);
                bench.remove(name);
            }
        }
    }
    tally
}

// --------------------------------------------------------------------------------------------------------- memory

/// A batch that does not fit: what the failure proposes is done until it fits.
fn memory(bench: &Bench) -> Tally {
    let mut tally = Tally::default();
    for megabytes in [1500, 1600, 1700] {
        let name = format!("memory-{megabytes}");
        let mut ended = bench.limited(megabytes, &name, None);
        let mut tries = 1;
        while ended.code == Some(1) && tries < 6 {
            let Some(way_out) = ended.said.rsplit_once("--set ").and_then(|(_, rest)| rest.split_whitespace().next())
            else {
                break;
            };
            ended = bench.limited(megabytes, &name, Some(way_out));
            tries += 1;
        }
        let outcome = match ended.code {
            Some(0) if tries > 1 => Ok(()),
            code => Err(format!("after {tries} tries it ended with {code:?}: {}", ended.said)),
        };
        println!("{megabytes} MB of address space: done at try {tries}");
        tally.note(&format!("{megabytes} MB"), outcome);
        bench.remove(&name);
    }
    tally
}

// ------------------------------------------------------------------------------------------------------------ two

fn two(bench: &Bench, wholes: &[Whole]) -> Tally {
    let mut tally = Tally::default();
    for locks in [true, false] {
        for round in 0..6 {
            let name = format!("two-{locks}-{round}");
            if round % 2 == 1 {
                // Both go on with a run that was killed.
                bench.train(&SETTINGS[0], &name).kill_after(wholes[0].took.mul_f64(0.6));
            }
            let start = || match locks {
                true => Some(bench.train(&SETTINGS[0], &name)),
                false => bench
                    .has_strace()
                    .then(|| bench.strained(&SETTINGS[0], &name, "flock", "inject=flock:error=ENOLCK")),
            };
            let (Some(mut a), Some(mut b)) = (start(), start()) else {
                println!("two processes without locks are left out: there is no strace here");
                return tally;
            };
            let ends: [Ended; 2] = [a.wait(Duration::from_secs(240)), b.wait(Duration::from_secs(240))];
            let mut codes: Vec<i32> = ends.iter().map(|e| e.code.unwrap_or(-1)).collect();
            codes.sort_unstable();
            let words = if locks { "with locks" } else { "without locks" };
            // The second may come when the first is done, and then has nothing to do.
            let outcome = match codes[..] {
                [0, 2] | [0, 0] => finish(bench, 0, &wholes[0], &name),
                _ => Err(format!("they ended with {codes:?}: {} | {}", ends[0].said, ends[1].said)),
            };
            tally.note(&format!("{words}, round {round}"), outcome);
            bench.remove(&name);
        }
    }
    tally
}
