//! The arrows between rooms: reads every path in `src` that leads through the crate, whether by `crate::`, by a climb of
//! `super::` or through a re-export, and fails on one that the table in docs/ARCHITECTURE.md does not allow.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Room, the rooms (or parts of them) it may use, and crates it must never name.
const TABLE: &[(&str, &[&str], &[&str])] = &[
    ("base", &[], &["tch", "egui", "eframe"]),
    (
        "method",
        &["base::rng", "base::text", "base::tick"],
        &["tch", "egui", "eframe", "std::fs", "std::time", "crossbeam_channel"],
    ),
    ("data", &["base", "method"], &["tch", "egui", "eframe"]),
    ("model", &["base", "method", "data"], &["egui", "eframe"]),
    ("run", &["base", "method"], &["tch", "egui", "eframe"]),
    ("study", &["base", "method", "run"], &["tch", "egui", "eframe"]),
    ("engine", &["base", "method", "data", "model", "run"], &["egui", "eframe"]),
    ("export", &["base", "method", "run", "study"], &["egui", "eframe", "tch"]),
    (
        "gui",
        &[
            "base",
            "method",
            "run",
            "study",
            "export",
            "launch",
            "remote",
            "engine::command",
            "engine::event",
            "data::decode",
            "data::preview",
            "data::registry",
        ],
        &["tch"],
    ),
    ("launch", &["base", "method::params", "method::evaluate", "run"], &["egui", "eframe", "tch"]),
    ("remote", &["base", "run"], &["egui", "eframe", "tch"]),
    (
        "cli",
        &["base", "method", "data", "model", "run", "study", "launch", "engine", "remote", "export"],
        &["egui", "eframe"],
    ),
];

/// A path through the crate, or of another crate, as its segments; `*` for all of a module.
type Segments = Vec<String>;

/// What one file says.
#[derive(Default)]
struct Read {
    /// Line and path of everything that leads through the crate.
    uses: Vec<(usize, Segments)>,
    /// Module, name given there, and what it stands for.
    exports: Vec<(Segments, String, Segments)>,
    /// Line and name of `word::` that begins a path.
    crates: Vec<(usize, String)>,
}

/// Words and signs of the code with their lines: no comments, no strings.
fn tokens(text: &str) -> Vec<(usize, String)> {
    let chars: Vec<char> = text.chars().collect();
    let (mut i, mut line, mut out) = (0, 1, Vec::new());
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    while i < chars.len() {
        let c = chars[i];
        let begin = i;
        if c == '/' && at(i + 1) == '/' {
            while i < chars.len() && chars[i] != '\n' {
                i += 1;
            }
        } else if c == '/' && at(i + 1) == '*' {
            i += 2;
            while i < chars.len() && !(chars[i] == '*' && at(i + 1) == '/') {
                i += 1;
            }
            i += 2;
        } else if c == 'r' && (at(i + 1) == '"' || (at(i + 1) == '#' && matches!(at(i + 2), '"' | '#'))) {
            let hashes = chars[i + 1..].iter().take_while(|c| **c == '#').count();
            i += hashes + 2;
            while i < chars.len() && !(chars[i] == '"' && chars[i + 1..].iter().take(hashes).all(|c| *c == '#')) {
                i += 1;
            }
            i += hashes + 1;
        } else if c == '"' {
            i += 1;
            while i < chars.len() && chars[i] != '"' {
                i += 1 + usize::from(chars[i] == '\\');
            }
            i += 1;
        } else if c == '\'' && (at(i + 2) == '\'' || at(i + 1) == '\\') {
            i += 2;
            while i < chars.len() && chars[i] != '\'' {
                i += 1;
            }
            i += 1;
        } else if c.is_alphabetic() || c == '_' {
            while at(i).is_alphanumeric() || at(i) == '_' {
                i += 1;
            }
            out.push((line, chars[begin..i].iter().collect()));
        } else if c == ':' && at(i + 1) == ':' {
            i += 2;
            out.push((line, "::".to_owned()));
        } else {
            i += 1;
            if !c.is_whitespace() {
                out.push((line, c.to_string()));
            }
        }
        line += chars[begin..i.min(chars.len())].iter().filter(|c| **c == '\n').count();
    }
    out
}

/// The paths of a tree like `a::{b, c::*, d as e}` that begins at token `i`, each with the name that it gives, and the
/// token after it.
fn tree(tokens: &[(usize, String)], mut i: usize, prefix: &[String]) -> (Vec<(Segments, String)>, usize) {
    let word = |i: usize| tokens.get(i).map_or("", |t| t.1.as_str());
    let mut path = prefix.to_vec();
    loop {
        if word(i) == "{" {
            let mut found = Vec::new();
            i += 1;
            while !matches!(word(i), "}" | "") {
                let (items, next) = tree(tokens, i, &path);
                found.extend(items);
                i = next.max(i + 1);
                i += usize::from(word(i) == ",");
            }
            return (found, i + 1);
        }
        let segment = word(i).to_owned();
        if segment != "*" && !segment.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            return (vec![(path, String::new())], i);
        }
        if !(segment == "self" && path.len() > prefix.len().max(1) - 1 && !prefix.is_empty()) {
            path.push(segment.clone());
        }
        if word(i + 1) == "::" && word(i + 2) != "<" {
            i += 2;
            continue;
        }
        let named = path.last().cloned().unwrap_or_default();
        if word(i + 1) == "as" {
            return (vec![(path, word(i + 2).to_owned())], i + 3);
        }
        return (vec![(path, named)], i + 1);
    }
}

/// A path as written, from the crate's root: `None` where it leads to another crate or cannot be told.
fn absolute(path: &[String], module: &[String], modules: &BTreeSet<Segments>) -> Option<Segments> {
    let mut base = module.to_vec();
    let mut rest = path;
    match rest.first().map(String::as_str) {
        Some("crate") => return Some(rest[1..].to_vec()),
        Some("self") => rest = &rest[1..],
        Some("super") => {
            while rest.first().is_some_and(|s| s == "super") {
                base.pop();
                rest = &rest[1..];
            }
        }
        Some(first) => {
            let child: Segments = module.iter().cloned().chain([first.to_owned()]).collect();
            if !modules.contains(&child) {
                return None;
            }
        }
        None => return None,
    }
    base.extend(rest.iter().cloned());
    Some(base)
}

fn read(text: &str, file: &[String], modules: &BTreeSet<Segments>) -> Read {
    let tokens = tokens(text);
    let word = |i: usize| tokens.get(i).map_or("", |t| t.1.as_str());
    let before = |i: usize, n: usize| i.checked_sub(n).map_or("", |i| tokens[i].1.as_str());
    let mut out = Read::default();
    let (mut module, mut depth, mut inline) = (file.to_vec(), 0usize, Vec::new());
    let mut i = 0;
    while i < tokens.len() {
        match word(i) {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                if inline.last() == Some(&depth) {
                    inline.pop();
                    module.pop();
                }
            }
            "mod" if word(i + 2) == "{" => {
                inline.push(depth);
                module.push(word(i + 1).to_owned());
            }
            _ => {}
        }
        let is_export = word(i) == "use" && matches!(before(i, 1), "pub" | ")");
        let starts = matches!(word(i), "crate" | "super" | "self") && word(i + 1) == "::";
        if is_export {
            for (path, name) in tree(&tokens, i + 1, &[]).0 {
                let target = absolute(&path, &module, modules);
                out.exports.push((module.clone(), name, target.unwrap_or(path)));
            }
        }
        if starts && before(i, 1) != "::" && before(i, 1) != "$" {
            let (paths, _) = tree(&tokens, i, &[]);
            let found = paths.into_iter().filter_map(|(path, _)| absolute(&path, &module, modules));
            out.uses.extend(found.map(|path| (tokens[i].0, path)));
        } else if word(i + 1) == "::" && before(i, 1) != "::" {
            out.crates.push((tokens[i].0, format!("{}::{}", word(i), word(i + 2))));
        }
        i += 1;
    }
    out
}

/// What a path stands for when re-exports on its way are followed, itself first.
fn meanings(path: &[String], exports: &[(Segments, String, Segments)], left: usize) -> Vec<Segments> {
    let mut found = vec![path.to_vec()];
    for (module, name, target) in exports.iter().filter(|_| left > 0) {
        let Some(rest) = path.strip_prefix(module.as_slice()) else { continue };
        let further: Segments = match (name.as_str(), rest.first()) {
            ("*", Some(_)) => target[..target.len() - 1].iter().chain(rest).cloned().collect(),
            (name, Some(first)) if name == first || first == "*" => target.iter().chain(&rest[1..]).cloned().collect(),
            _ => continue,
        };
        if further != path {
            found.extend(meanings(&further, exports, left - 1));
        }
    }
    found
}

/// The house as a list of files (place below `src`, text) and the arrows in it that the table forbids.
fn violations(files: &[(String, String)]) -> Vec<String> {
    let module = |name: &str| -> Segments {
        let name = name.trim_end_matches(".rs").trim_end_matches("/mod");
        name.split('/').map(str::to_owned).collect()
    };
    let modules: BTreeSet<Segments> = files.iter().map(|(name, _)| module(name)).collect();
    let read: BTreeMap<&str, Read> =
        files.iter().map(|(name, text)| (name.as_str(), read(text, &module(name), &modules))).collect();
    let exports: Vec<_> = read.values().flat_map(|r| r.exports.iter().cloned()).collect();
    let mut found = Vec::new();
    for (name, read) in &read {
        let room = module(name)[0].clone();
        let Some((_, allowed, banned)) = TABLE.iter().find(|(of, ..)| *of == room) else { continue };
        let permitted = |path: &Segments| {
            let joined = path.join("::");
            let within = |place: &str| joined == place || joined.starts_with(&format!("{place}::"));
            within(&room) || allowed.iter().any(|a| within(a))
        };
        let rooms: BTreeSet<&str> = TABLE.iter().map(|row| row.0).collect();
        for (line, path) in &read.uses {
            for meaning in meanings(path, &exports, 6) {
                let in_house = meaning.first().is_some_and(|first| rooms.contains(first.as_str()));
                let words = meaning.join("::");
                if in_house && !permitted(&meaning) {
                    found.push(format!("{name}:{line}: `{room}` may not use `{words}` (by `{}`)", path.join("::")));
                } else if !in_house && banned.iter().any(|b| words == *b || words.starts_with(&format!("{b}::"))) {
                    found.push(format!("{name}:{line}: `{room}` may not name `{words}` (by `{}`)", path.join("::")));
                }
            }
        }
        for (line, path) in &read.crates {
            if banned.iter().any(|b| path == b || path.starts_with(&format!("{b}::"))) {
                found.push(format!("{name}:{line}: `{room}` may not name `{path}`"));
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

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

fn source() -> Vec<(String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    rust_files(&src, &mut paths);
    paths.sort();
    let name = |path: &Path| path.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/");
    paths.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn rooms_use_only_what_the_table_allows() {
    let files = source();
    let rooms: BTreeSet<&str> = files.iter().map(|(name, _)| name.split(['/', '.']).next().unwrap()).collect();
    let known: BTreeSet<&str> = TABLE.iter().map(|row| row.0).chain(["lib", "main"]).collect();
    assert_eq!(rooms, known, "every room has a row in the table");
    let found = violations(&files);
    assert!(found.is_empty(), "forbidden arrows:\n{}", found.join("\n"));
}

/// What is found in one file of a small house.
fn found(name: &str, text: &str) -> Vec<String> {
    let house = [
        ("engine.rs", "pub mod command;\npub mod worker;\npub mod event;"),
        ("engine/command.rs", "pub use super::worker::Worker;\npub use tch::Tensor as Array;\npub struct Command;"),
        ("engine/event.rs", "pub use crate::run::event::*;"),
        ("engine/worker.rs", "pub struct Worker;"),
        ("gui.rs", "pub mod x;\npub mod panels;"),
        ("gui/panels/mod.rs", "pub mod y;"),
        ("run/event.rs", "pub use crate::method::params;"),
    ];
    let mut files: Vec<(String, String)> =
        house.iter().filter(|(n, _)| *n != name).map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect();
    files.push((name.to_owned(), text.to_owned()));
    violations(&files)
}

#[test]
fn a_forbidden_arrow_is_found() {
    for bad in [
        "use crate::model::net::Net;",
        "fn f() { crate::engine::worker::run() }",
        "let x = tch::Tensor::new();",
        "use crate::{gui::theme, model::{net, head}};",
        "use crate::method::params; use crate::engine;",
    ] {
        assert!(!found("gui/x.rs", bad).is_empty(), "{bad}");
    }
    assert_eq!(found("gui/x.rs", "use crate::{gui::theme, model::{net, head}};").len(), 2);
    for good in [
        "use crate::engine::command::Command;\n// crate::model is not used\nuse crate::gui::theme;",
        "/* use crate::model; */ const X: &str = \"crate::model::net\"; const Y: &str = r#\"tch::Tensor\"#;",
        "pub(crate) fn f<'a>(x: &'a str) -> char { 'x' }\nuse self::y::Z; use super::theme::size;",
        "use crate::engine::event::State; use crate::base::text;",
    ] {
        assert_eq!(found("gui/x.rs", good), Vec::<String>::new(), "{good}");
    }
    assert!(!found("method/x.rs", "use crate::base::fs::write_bytes;").is_empty(), "the method knows no files");
}

#[test]
fn a_climb_out_of_the_room_is_found() {
    assert_eq!(found("gui/x.rs", "use super::super::model::net::Net;").len(), 1);
    assert_eq!(found("gui/panels/y.rs", "fn f() { super::super::super::model::net::build() }").len(), 1);
    assert_eq!(found("gui/panels/mod.rs", "use super::super::{model, run};").len(), 1);
    // In a module written in place, one climb more stays in the room.
    let inside = "mod tests { use super::super::panels; mod deeper { use super::super::super::panels; } }";
    assert_eq!(found("gui/x.rs", inside), Vec::<String>::new());
    assert_eq!(found("gui/x.rs", "mod tests { use super::super::super::model::net; }").len(), 1);
    assert_eq!(found("gui/x.rs", "mod tests { fn f() {} } use super::super::model;").len(), 1);
}

#[test]
fn what_an_allowed_module_passes_on_is_found() {
    assert_eq!(found("gui/x.rs", "use crate::engine::command::{Command, Worker};").len(), 1);
    assert_eq!(found("gui/x.rs", "fn f(x: crate::engine::command::Array) {}").len(), 1);
    assert_eq!(found("gui/x.rs", "use crate::engine::command::*;").len(), 2);
    assert_eq!(found("cli/x.rs", "use crate::engine::command::{Command, Worker};"), Vec::<String>::new());
    // Through two doors.
    let second = "pub use crate::engine::command::Worker as Hand;";
    assert_eq!(found("gui/x.rs", second).len(), 1);
}

/// The files of a room, a folder below it as one, and the arrows between them.
fn arrows_within(room: &str, files: &[(String, String)]) -> BTreeMap<String, BTreeSet<String>> {
    let module = |name: &str| -> Segments { name.trim_end_matches(".rs").split('/').map(str::to_owned).collect() };
    let modules: BTreeSet<Segments> = files.iter().map(|(name, _)| module(name)).collect();
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, text) in files {
        let own = module(name);
        if own.len() < 2 || own[0] != room {
            continue;
        }
        let to = arrows.entry(own[1].clone()).or_default();
        for (_, path) in read(text, &own, &modules).uses {
            if path.len() > 1 && path[0] == room && path[1] != own[1] && modules.contains(&path[..2]) {
                to.insert(path[1].clone());
            }
        }
    }
    arrows
}

/// Files that lead back to themselves.
fn circle(arrows: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut left = arrows.clone();
    loop {
        let done: Vec<String> = left
            .iter()
            .filter(|(_, to)| to.iter().all(|t| !left.contains_key(t)))
            .map(|(name, _)| name.clone())
            .collect();
        if done.is_empty() {
            return left.into_keys().collect();
        }
        done.iter().for_each(|name| drop(left.remove(name)));
    }
}

/// Panels that take something from another panel; rooms of one panel may use each other.
fn sideways(files: &[(String, String)]) -> Vec<String> {
    let module = |name: &str| -> Segments {
        let name = name.trim_end_matches(".rs").trim_end_matches("/mod");
        name.split('/').map(str::to_owned).collect()
    };
    let modules: BTreeSet<Segments> = files.iter().map(|(name, _)| module(name)).collect();
    let mut found = Vec::new();
    for (name, text) in files {
        let own = module(name);
        if own.len() < 3 || own[..2] != ["gui", "panels"] {
            continue;
        }
        for (line, path) in read(text, &own, &modules).uses {
            let into = path.len() > 2 && path[..2] == ["gui", "panels"] && modules.contains(&path[..3]);
            if into && path[2] != own[2] {
                found.push(format!("{name}:{line}: `{}`", path.join("::")));
            }
        }
    }
    found
}

#[test]
fn no_panel_imports_a_sibling() {
    assert_eq!(
        sideways(&source()),
        Vec::<String>::new(),
        "what two panels share is no panel's: see gui/widgets, gui/plot"
    );
    let found = |text: &str| {
        let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let house = [
            ("gui/panels/mod.rs", ""),
            ("gui/panels/map.rs", ""),
            ("gui/panels/map/lens.rs", ""),
            ("gui/panels/x.rs", ""),
        ];
        let mut files: Vec<_> = house.iter().map(|(name, text)| file(name, text)).collect();
        files.push(file("gui/panels/x/y.rs", text));
        sideways(&files).len()
    };
    for bad in [
        "use crate::gui::panels::map::lens;",
        "use super::super::map;",
        "fn f() { crate::gui::panels::map::held() }",
        "use crate::gui::panels::{PanelCtx, map};",
    ] {
        assert_eq!(found(bad), 1, "{bad}");
    }
    assert_eq!(found("use crate::gui::panels::{PanelCtx, x};\nuse super::Y;"), 0);
}

#[test]
fn no_files_of_the_engine_go_round_in_a_circle() {
    let arrows = arrows_within("engine", &source());
    assert!(arrows.values().map(BTreeSet::len).sum::<usize>() > 50, "the arrows are not seen: {arrows:?}");
    assert_eq!(circle(&arrows), Vec::<String>::new(), "among these files is a circle: {arrows:#?}");
}

#[test]
fn a_circle_is_found() {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let files = [
        file("engine.rs", ""),
        file("engine/a.rs", "use super::b::B;"),
        file("engine/b.rs", "use super::c::C;\nuse crate::engine::d;"),
        file("engine/c/deep.rs", "use super::super::a::A;"),
        file("engine/c.rs", "use self::deep::Deep;"),
        file("engine/d.rs", ""),
    ];
    assert_eq!(circle(&arrows_within("engine", &files)), ["a", "b", "c"]);
}

/// Names of public types that stand in more than one place, with the places.
fn twice(files: &[(String, String)]) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, text) in files {
        for line in text.lines() {
            let Some(rest) = line.trim_start().strip_prefix("pub") else { continue };
            let rest = rest.strip_prefix('(').and_then(|r| r.split_once(')')).map_or(rest, |(_, r)| r).trim_start();
            let Some((kind, rest)) = rest.split_once(' ') else { continue };
            if ["struct", "enum", "trait", "type"].contains(&kind) {
                let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
                found.entry(name.to_owned()).or_default().push(file.clone());
            }
        }
    }
    found.retain(|_, places| places.len() > 1);
    found
}

#[test]
fn no_two_public_types_have_one_name() {
    assert_eq!(twice(&source()), BTreeMap::new(), "each is to say what it is where it is read");
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let files = [
        file("a.rs", "pub struct Row<'a> {"),
        file("b.rs", "    pub(super) enum Row {\nstruct Row;\npub type R = u8;"),
    ];
    assert_eq!(twice(&files), BTreeMap::from([("Row".to_owned(), vec!["a.rs".to_owned(), "b.rs".to_owned()])]));
}

/// What the window keeps for all panels; a panel reads it.
const SHARED: &[&str] =
    &["PanelCtx", "Selection", "WhatIf", "Snapshots", "Thumbnails", "RunView", "Book", "Sweeps", "RunQueue", "App"];

/// Lines of the panels that could change what is not their own: those that hold any of it to be written to, and those that
/// write to the selection. What they want changed they send as commands.
fn writes(files: &[(String, String)]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, text) in files.iter().filter(|(name, _)| name.starts_with("gui/panels/")) {
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        let words: Vec<(usize, String)> = tokens(text).into_iter().filter(|(_, word)| word != "::").collect();
        let word = |i: usize| words.get(i).map_or("", |t| t.1.as_str());
        for (i, (line, _)) in words.iter().enumerate() {
            // `&mut Selection`, with or without a lifetime and a path before the name.
            let mut end = i + 2;
            if word(i) == "&" && word(i + 1) == "'" {
                end += 2;
            }
            let holds = word(i) == "&" && word(end - 1) == "mut";
            let is_name = |w: &str| !w.is_empty() && w.chars().all(|c| c.is_alphanumeric() || c == '_');
            let last = (end..).find(|&j| !is_name(word(j)));
            let named = last.map_or("", |j| word(j - 1));
            let held = holds && (end..last.unwrap_or(end)).any(|j| SHARED.contains(&word(j)));
            let part = word(i) == "selection" && word(i + 1) == "." && word(i + 3) == "=" && word(i + 4) != "=";
            let lent = holds && word(end) == "cx" && word(end + 1) == ".";
            if held || part || lent {
                found.push(format!("{name}:{line}: {named}"));
            }
        }
    }
    found
}

#[test]
fn a_panel_changes_nothing_but_itself() {
    assert_eq!(writes(&source()), Vec::<String>::new(), "a panel sends a command instead");
    let of = |text: &str| writes(&[("gui/panels/x.rs".to_owned(), text.to_owned())]).len();
    for bad in [
        "fn f(selection: &mut Selection) {}",
        "struct X<'a> { what_if: &'a mut WhatIf }",
        "fn f(cx: &mut crate::gui::panels::PanelCtx<'_>) {}",
        "fn f() { cx.selection.image = None; }",
        "fn f() { ui.radio_value(&mut cx.selection.against, None, \"nothing\"); }",
    ] {
        assert_eq!(of(bad), 1, "{bad}");
    }
    for good in [
        "fn f(cx: &PanelCtx<'_>, mine: &mut Filter) { if cx.selection.image == None {} }",
        "fn f(ui: &mut Ui, view: &RunView) { cx.select(Pick::Image(None)); }",
        "#[cfg(test)]\nmod tests { fn f(s: &mut Selection) {} }",
    ] {
        assert_eq!(of(good), 0, "{good}");
    }
}

/// What may keep something in egui's memory, which is the same for the whole window: fonts that were asked for, the pace of
/// frames, work under way (each of them is asked for by threads, too), which file dialog a test wants, and where a slider
/// is while the hand holds it.
const REMEMBERED: &[&str] =
    &["gui/fonts.rs", "gui/job.rs", "gui/pace.rs", "gui/dialogs/browse.rs", "gui/widgets/slider.rs"];

#[test]
fn nothing_of_a_run_hides_in_the_memory_of_egui() {
    let words = ["get_temp", "insert_temp", "get_persisted", "insert_persisted", "data_mut"];
    let hides = |text: &str| tokens(text).iter().any(|(_, word)| words.iter().any(|w| word.starts_with(w)));
    let found: Vec<String> = source()
        .into_iter()
        .filter(|(name, text)| name.starts_with("gui") && !REMEMBERED.contains(&name.as_str()) && hides(text))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(found, Vec::<String>::new(), "it belongs to the state of the panel, of its run, or of the window");
    assert!(hides("ctx.data_mut(|d| d.insert_temp(id, 1))") && !hides("// get_temp"));
}
