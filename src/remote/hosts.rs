//! The machines that ssh's configuration names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::base::dirs::expand;
use crate::base::fs::read_text;

/// Bytes of a configuration at most.
const LARGEST: u64 = 1 << 20;
/// Files that include one another at most.
const FILES: usize = 32;
/// Machines named at most.
const HOSTS: usize = 500;

/// Names after `Host` in `~/.ssh/config` and what it includes, in their order; patterns are left out.
pub fn configured() -> Vec<String> {
    named_in(&expand(Path::new("~/.ssh/config")))
}

/// The same of a file.
pub fn named_in(config: &Path) -> Vec<String> {
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    read(config, &mut found, &mut seen);
    let mut once = BTreeSet::new();
    found.retain(|host: &String| once.insert(host.clone()));
    found.truncate(HOSTS);
    found
}

fn read(config: &Path, found: &mut Vec<String>, seen: &mut BTreeSet<PathBuf>) {
    if seen.len() >= FILES || !seen.insert(config.to_owned()) {
        return;
    }
    let Ok(text) = read_text(config, LARGEST) else { return };
    for line in text.lines().map(str::trim) {
        let Some((word, rest)) = line.split_once(|c: char| c.is_whitespace() || c == '=') else { continue };
        let values = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '=').split_whitespace();
        let values = values.map(|value| value.trim_matches('"'));
        if word.eq_ignore_ascii_case("host") {
            found.extend(values.filter(|v| !v.contains(['*', '?', '!', '#'])).map(str::to_owned));
        } else if word.eq_ignore_ascii_case("include") {
            for value in values {
                let path = expand(Path::new(value));
                let folder = config.parent().unwrap_or(Path::new("."));
                included(&folder.join(path)).iter().for_each(|path| read(path, found, seen));
            }
        }
    }
}

/// A file, or with a star in its name those that it stands for.
fn included(path: &Path) -> Vec<PathBuf> {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    let Some((before, after)) = name.split_once('*') else { return vec![path.to_owned()] };
    let entries = std::fs::read_dir(path.parent().unwrap_or(Path::new("."))).into_iter().flatten().flatten();
    let fits = |path: &PathBuf| {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
    };
    let mut found: Vec<PathBuf> = entries.map(|e| e.path()).filter(fits).collect();
    found.sort();
    found
}
