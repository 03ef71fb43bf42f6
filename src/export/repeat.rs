//! How to repeat a run: what differs from the paper, and the command line that gives the same parameters.

use crate::method::params::presets::PRESETS;
use crate::method::params::{Params, Value, table};
use crate::run::Manifest;
use crate::run::view::ParamChange;

/// A parameter whose value is not the paper's.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Its key.
    pub key: &'static str,
    /// The run's value.
    pub value: Value,
    /// The paper's, or the reference code's where the paper is silent.
    pub paper: Value,
    /// Where the paper's value comes from.
    pub source: &'static str,
}

/// What differs from the paper, in the table's order. The seed is no difference.
pub fn differences(params: &Params) -> Vec<Difference> {
    let rows = table::ROWS.iter().filter(|row| row.key != "seed" && (row.get)(params) != row.paper());
    rows.map(|row| Difference { key: row.key, value: (row.get)(params), paper: row.paper(), source: row.source })
        .collect()
}

/// `k1 15 → 20 from epoch 4, iteration 1`: counted from 1.
pub fn change_words(change: &ParamChange) -> String {
    let (epoch, iter) = (change.epoch.saturating_add(1), change.iter.saturating_add(1));
    format!("{} {} → {} from epoch {epoch}, iteration {iter}", change.key, change.old, change.new)
}

/// The preset, or two of them joined by a comma, that is nearest to the parameters, and the keys that still differ.
pub fn nearest_preset(params: &Params) -> (String, Vec<&'static str>) {
    let singles = PRESETS.iter().map(|p| p.name.to_owned());
    let demos = PRESETS.iter().filter(|p| !matches!(p.name, "demo" | "paper")).map(|p| format!("demo,{}", p.name));
    let found = singles.chain(demos).filter_map(|name| {
        let mut preset = Params::default();
        preset.apply_presets(&name).ok()?;
        Some((preset.differing_keys(params), name))
    });
    let nearest = found.min_by_key(|(keys, name)| (keys.len(), name.len()));
    nearest.map_or_else(|| ("paper".to_owned(), Vec::new()), |(keys, name)| (name, keys))
}

/// The command that trains a run with these parameters from the start.
pub fn command(manifest: &Manifest, params: &Params) -> String {
    let (preset, keys) = nearest_preset(params);
    let mut words = vec!["reid-workbench".to_owned(), "train".to_owned(), "--preset".to_owned(), preset];
    for (option, given, name) in
        [("--source", &manifest.source_given, &manifest.source), ("--target", &manifest.target_given, &manifest.target)]
    {
        words.extend([option.to_owned(), quoted(given.as_ref().unwrap_or(name))]);
    }
    for key in keys {
        if let Ok(value) = params.get(key) {
            words.extend(["--set".to_owned(), quoted(&format!("{key}={value}"))]);
        }
    }
    words.extend(["--device".to_owned(), quoted(&manifest.device), "--out".to_owned(), "runs/again".to_owned()]);
    words.join(" ")
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:=+@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
