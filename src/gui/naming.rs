//! Runs named by what sets them apart: the method, the values by hand that not all of them have, the seed where there
//! are several. A name that was given to a run stands before all of that.

use std::collections::{BTreeMap, BTreeSet};

use super::setting;
use crate::method::params::table::{ROWS, row};
use crate::method::params::{Affects, ParamRow, Params};
use crate::run::event::NO_SOURCE;
use crate::run::summary::Summary;

/// Differences that a name tells before it says how many more there are.
const TOLD: usize = 3;

/// The names of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// What it is called.
    pub name: String,
    /// What all runs of the same setting are called, whatever their seed.
    pub setting: String,
    /// The name without what tells it from others of its setting, for where there is no room.
    pub head: String,
    /// What tells it from them: seed, time.
    pub apart: Vec<String>,
}

/// Names of runs, in their order; no two are the same.
pub fn names(runs: &[&Summary]) -> Vec<Named> {
    let mut named: Vec<Named> = runs.iter().map(|run| by_difference(run, &like(run, runs))).collect();
    for (of, run) in named.iter_mut().zip(runs) {
        if !run.label.name.trim().is_empty() {
            run.label.name.trim().clone_into(&mut of.name);
            of.head.clone_from(&of.name);
            of.apart.clear();
        }
    }
    tell_apart(&mut named, |i| runs[i].target.clone());
    tell_apart(&mut named, |i| when(runs[i]));
    tell_apart(&mut named, |i| runs[i].folder.display().to_string());
    named
}

/// The runs between the same datasets.
fn like<'a>(run: &Summary, runs: &[&'a Summary]) -> Vec<&'a Summary> {
    let same = |other: &&&Summary| (&other.source, &other.target) == (&run.source, &run.target);
    runs.iter().filter(same).copied().collect()
}

fn by_difference(run: &Summary, like: &[&Summary]) -> Named {
    let Some(params) = &run.params else {
        let name = folder_name(run);
        return Named { name: name.clone(), setting: name.clone(), head: name, apart: Vec::new() };
    };
    let others: Vec<&Params> = like.iter().filter_map(|r| r.params.as_ref()).collect();
    let differs = |key: &str| match row(key) {
        Ok(row) => others.len() < 2 || others.iter().any(|p| (row.get)(p) != (row.get)(params)),
        Err(_) => false,
    };
    let in_force = |key: &str| like.len() < 2 || like.iter().any(|other| other.value(key) != run.value(key));
    let counts = |key: &&&'static str| {
        let computes = row(key).is_ok_and(|row| row.affects != Affects::NOTHING);
        computes && (differs(key) || in_force(key))
    };
    let by_hand = setting::by_hand(params);
    let mut keys: Vec<&str> = by_hand.iter().filter(counts).copied().collect();
    let changed = run.changed.iter().map(|(key, _)| key.as_str());
    keys.extend(changed.filter(|key| !by_hand.contains(key) && in_force(key)));
    let mut parts: Vec<String> = keys.iter().take(TOLD).map(|key| value(run, params, key)).collect();
    if keys.len() > TOLD {
        parts.push(format!("{} more", keys.len() - TOLD));
    }
    // Features alone were made by no method of training.
    let made = run.source == NO_SOURCE;
    let method = setting::method_of(params).filter(|_| !made).map(setting::title);
    let whole = method == Some(setting::WHOLE);
    if let Some(method) = method.filter(|_| !whole || parts.is_empty()) {
        parts.insert(0, method.to_owned());
    }
    let size = |p: &Params| setting::size_of(p).map(|size| size.name);
    if !made && others.iter().any(|p| size(p) != size(params)) {
        parts.extend(size(params).map(str::to_owned));
    }
    if parts.is_empty() {
        parts.push(if made { run.title.clone() } else { "own setting".to_owned() });
    }
    let setting = parts.join(", ");
    let seed = (differs("seed") && others.len() > 1).then(|| format!("seed {}", params.seed));
    let name = seed.as_ref().map_or_else(|| setting.clone(), |seed| format!("{setting}, {seed}"));
    Named { name, head: setting.clone(), setting, apart: seed.into_iter().collect() }
}

/// `eps 0.52`, or `eps 0.6 → 0.52` where it was changed on the way.
fn value(run: &Summary, params: &Params, key: &str) -> String {
    let Ok(row) = row(key) else { return key.to_owned() };
    let start = (row.get)(params);
    match run.changed.iter().find(|(changed, _)| changed == key) {
        Some((_, now)) => format!("{} {start} → {now}", label(row)),
        None => format!("{} {start}", label(row)),
    }
}

/// Its name in the window; with its group where another parameter is called the same.
fn label(row: &ParamRow) -> String {
    let alike = ROWS.iter().filter(|other| other.label == row.label).count();
    if alike > 1 { format!("{} {}", row.group.to_lowercase(), row.label) } else { row.label.to_owned() }
}

/// The name of its folder.
fn folder_name(run: &Summary) -> String {
    run.folder.file_name().unwrap_or(run.folder.as_os_str()).to_string_lossy().into_owned()
}

/// `11-22 10:00` where the folder's name begins with a time, else its name.
fn when(run: &Summary) -> String {
    let name = folder_name(run);
    let is_stamp = name.len() > 16 && name.is_ascii() && name.as_bytes()[10] == b'T' && name.as_bytes()[4] == b'-';
    if is_stamp { format!("{} {}:{}", &name[5..10], &name[11..13], &name[14..16]) } else { name }
}

/// Adds to names that several runs have what `more` says of each.
fn tell_apart(named: &mut [Named], more: impl Fn(usize) -> String) {
    let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (i, of) in named.iter().enumerate() {
        by_name.entry(of.name.clone()).or_default().push(i);
    }
    for same in by_name.into_values().filter(|same| same.len() > 1) {
        let words: Vec<String> = same.iter().map(|&i| more(i)).collect();
        if words.iter().collect::<BTreeSet<_>>().len() > 1 {
            for (&i, word) in same.iter().zip(words) {
                named[i].name = format!("{} · {word}", named[i].name);
                named[i].apart.push(word);
            }
        }
    }
}
