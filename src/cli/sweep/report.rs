//! What a sweep shows: bars on stderr while it goes on, a table as JSON at the end.

use std::collections::BTreeMap;
use std::path::Path;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::launch::queue::SweepWatch;
use crate::run::TrialRow;
use crate::study::trials;

/// One bar for the sweep, one for each trial that runs.
pub(super) struct SweepBars {
    all: MultiProgress,
    sweep: ProgressBar,
    running: BTreeMap<usize, ProgressBar>,
    over: BTreeMap<usize, &'static str>,
    told: BTreeMap<usize, (&'static str, usize)>,
}

impl SweepBars {
    pub(super) fn new(rows: &[TrialRow]) -> Self {
        let all = MultiProgress::new();
        let sweep = all.add(ProgressBar::new(rows.len() as u64));
        sweep.set_style(style("trials {bar:32} {pos}/{len} {elapsed_precise} {msg}"));
        let over = rows.iter().filter(|r| is_over(r)).map(|r| (r.trial, r.state)).collect();
        let bars = Self { all, sweep, running: BTreeMap::new(), over, told: BTreeMap::new() };
        bars.sweep.set_position(bars.over.len() as u64);
        bars
    }

    pub(super) fn clear(&self) {
        self.running.values().for_each(ProgressBar::finish_and_clear);
        self.sweep.finish_and_clear();
    }

    fn note(&self, line: &str) {
        use std::io::Write;
        // A line that cannot be shown must not end the sweep.
        self.all.suspend(|| drop(writeln!(std::io::stderr(), "{line}")));
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn is_over(row: &TrialRow) -> bool {
    matches!(row.state, "done" | "failed" | "pruned")
}

fn label(row: &TrialRow) -> String {
    let settings: Vec<String> = row.settings.iter().map(|(k, v)| format!("{k}={v}")).collect();
    format!("trial {} {}", row.trial, settings.join(" ")).trim_end().to_owned()
}

impl SweepWatch for SweepBars {
    fn on_row(&mut self, row: &TrialRow) {
        let percent = |x: Option<f64>| x.map_or_else(String::new, |x| format!(", mAP {:.1} %", 100.0 * x));
        if row.state == "running" {
            if !self.running.contains_key(&row.trial) {
                let bar = self.all.add(ProgressBar::new(0));
                bar.set_style(style("  {prefix} {bar:24} {pos}/{len} epochs {msg}"));
                bar.set_prefix(label(row));
                self.running.insert(row.trial, bar);
            }
            if let Some(bar) = self.running.get(&row.trial) {
                bar.set_length(row.epochs as u64);
                bar.set_position(row.epoch as u64);
                bar.set_message(percent(row.map).trim_start_matches(", ").to_owned());
            }
        } else if let Some(bar) = self.running.remove(&row.trial) {
            bar.finish_and_clear();
        }
        let now = (row.state, row.epoch);
        if self.told.insert(row.trial, now) != Some(now) {
            let why = row.why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
            let epochs = format!(", epoch {}/{}", row.epoch, row.epochs);
            self.note(&format!("{} {}{epochs}{}{why}", label(row), row.state, percent(row.map)));
        }
        if is_over(row) {
            self.over.insert(row.trial, row.state);
        } else {
            self.over.remove(&row.trial);
        }
        let failed = self.over.values().filter(|s| **s == "failed").count();
        self.sweep.set_length(self.sweep.length().unwrap_or(0).max(row.trial as u64 + 1));
        self.sweep.set_position(self.over.len() as u64);
        self.sweep.set_message(if failed > 0 { format!("{failed} failed") } else { String::new() });
    }

    fn on_note(&mut self, text: &str) {
        self.note(&format!("note: {text}"));
    }
}

/// All rows, and a table in which trials that differ in their seed alone are one line: mean, deviation and interval.
pub(super) fn summary(dir: &Path, rows: &[TrialRow], state: &str) -> Value {
    let count = |state: &str| rows.iter().filter(|r| r.state == state).count();
    json!({
        "sweep": dir,
        "study": dir.join("study.log"),
        "state": state,
        "done": count("done"),
        "failed": count("failed"),
        "pruned": count("pruned"),
        "running": count("running"),
        "waiting": count("waiting") + count("stopped"),
        "table": trials::table(rows),
        "trials": rows,
    })
}
