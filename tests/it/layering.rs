//! The arrows between rooms: reads every `crate::…` path in `src` and fails on one that the table in
//! docs/ARCHITECTURE.md does not allow.

use std::fs;
use std::path::{Path, PathBuf};

/// Room, the rooms it may use, and crates it must never name.
const TABLE: &[(&str, &[&str], &[&str])] = &[
    ("method", &[], &["tch", "egui", "eframe", "std::fs", "std::time", "crossbeam_channel"]),
    ("data", &["method"], &["tch", "egui", "eframe"]),
    ("model", &["method", "data"], &["egui", "eframe"]),
    ("run", &["method"], &["tch", "egui", "eframe"]),
    ("engine", &["method", "data", "model", "run"], &["egui", "eframe"]),
    ("export", &["method", "run"], &["egui", "eframe", "tch"]),
    (
        "gui",
        &["method", "run", "export", "engine::command", "engine::event", "data::decode", "data::registry"],
        &["tch"],
    ),
    ("cli", &["method", "data", "model", "run", "engine", "export"], &["egui", "eframe"]),
];

fn rust_files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with("//")).map(|(i, l)| (i + 1, l))
}

fn violations(room: &str, allowed: &[&str], banned: &[&str], name: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in code_lines(text) {
        for (at, _) in line.match_indices("crate::") {
            let target = &line[at + "crate::".len()..];
            let inside = target.starts_with(&format!("{room}::")) || target.starts_with(&format!("{room};"));
            let permitted = allowed.iter().any(|a| target.starts_with(a));
            if !inside && !permitted && !line[..at].ends_with('$') {
                found.push(format!("{name}:{number}: `{room}` may not use `{}`", target.trim()));
            }
        }
        for word in banned {
            let uses = line
                .match_indices(&format!("{word}::"))
                .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'));
            if uses {
                found.push(format!("{name}:{number}: `{room}` may not name `{word}`"));
            }
        }
    }
    found
}

#[test]
fn rooms_use_only_what_the_table_allows() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for (room, allowed, banned) in TABLE {
        let mut files = vec![src.join(format!("{room}.rs"))];
        rust_files(&src.join(room), &mut files);
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let name = file.strip_prefix(&src).unwrap().display().to_string();
            found.extend(violations(room, allowed, banned, &name, &text));
        }
    }
    assert!(found.is_empty(), "forbidden arrows:\n{}", found.join("\n"));
}

#[test]
fn a_forbidden_arrow_is_found() {
    let (room, allowed, banned) = TABLE[6];
    let bad = "use crate::model::net::Net;\nuse crate::engine::worker::Worker;\nlet x = tch::Tensor::new();\n";
    assert_eq!(violations(room, allowed, banned, "gui/x.rs", bad).len(), 3);
    let good = "use crate::engine::command::Command;\n// crate::model is not used\nuse crate::gui::theme;\n";
    assert!(violations(room, allowed, banned, "gui/x.rs", good).is_empty());
}
