//! Datasets by name: the built-in file, the project's, the user's.

use std::fs;
use std::path::Path;

use reid_workbench::data::no_tick;
use reid_workbench::data::registry::{Places, Registry};

use crate::data_kit::pictures;

fn places(dir: &Path) -> Places {
    Places {
        project: dir.join("project/datasets.toml"),
        user: dir.join("config/datasets.toml"),
        base: dir.join("base"),
        data: dir.join("data"),
    }
}

fn tiny(root: &Path) {
    pictures(
        root,
        &[
            "bounding_box_train/0002_c1s1_000451_03.jpg",
            "query/0003_c1s1_000451_03.jpg",
            "bounding_box_test/0003_c2s1_000451_03.jpg",
        ],
    );
}

#[test]
fn the_built_in_names_are_there_with_nothing_configured() {
    let dir = tempfile::tempdir().unwrap();
    let (registry, warnings) = Registry::load_from(places(dir.path())).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    let names: Vec<&str> = registry.entries().iter().map(|e| e.name.as_str()).collect();
    assert_eq!(&names[..2], ["synthetic-plaza", "synthetic-station"]);
    assert!(names.contains(&"market1501") && names.contains(&"msmt17"));
    assert!(registry.entries()[0].builtin && registry.entries()[0].root.starts_with(dir.path()));
}

#[test]
fn adding_keeps_what_the_user_wrote_and_survives_a_reload() {
    let dir = tempfile::tempdir().unwrap();
    let places = places(dir.path());
    let root = dir.path().join("my people \"2\"");
    tiny(&root);
    fs::create_dir_all(places.user.parent().unwrap()).unwrap();
    let before = "# mine\n[datasets.old] # keep\nroot = \"somewhere\"";
    fs::write(&places.user, before).unwrap();
    let (mut registry, _) = Registry::load_from(places.clone()).unwrap();
    registry.add("mine", "auto", &root).unwrap();
    assert!(fs::read_to_string(&places.user).unwrap().starts_with(before));

    let (again, warnings) = Registry::load_from(places).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    let entry = again.resolve("mine").unwrap();
    assert_eq!((entry.layout.as_str(), entry.root.as_path()), ("market1501", root.as_path()));
    assert_eq!(again.open("mine", &no_tick).unwrap().train.len(), 1);
    assert_eq!(again.resolve("old").unwrap().root, dir.path().join("base/somewhere"));
    assert_eq!(registry.entries(), again.entries());
}

#[test]
fn adding_what_cannot_be_added_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let places = places(dir.path());
    tiny(&dir.path().join("good"));
    fs::create_dir_all(dir.path().join("empty")).unwrap();
    let (mut registry, _) = Registry::load_from(places.clone()).unwrap();
    for (name, layout, root, part) in [
        ("market1501", "auto", "good", "there is a dataset `market1501` already"),
        ("a b", "auto", "good", "`a b` is no name for a dataset"),
        ("x", "auto", "missing", "there is no folder"),
        ("x", "auto", "empty", "found an empty folder"),
        ("x", "nonsense", "good", "there is no layout `nonsense`: it is one of synthetic, csv, msmt17"),
    ] {
        let message = registry.add(name, layout, &dir.path().join(root)).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
    assert!(!places.user.exists());
}

#[test]
fn a_broken_file_is_a_warning_and_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let places = places(dir.path());
    tiny(&dir.path().join("good"));
    fs::create_dir_all(places.user.parent().unwrap()).unwrap();
    fs::write(&places.user, "[datasets.a\nroot = 1").unwrap();
    let (mut registry, warnings) = Registry::load_from(places.clone()).unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].contains("datasets.toml cannot be used: TOML parse error at line 1"), "{warnings:?}");
    assert!(!warnings[0].contains('\n'));
    let missing = registry.resolve("mine").unwrap_err().to_string();
    assert!(missing.contains("datasets.toml cannot be used"), "it may have stood there: {missing}");
    assert!(registry.add("good", "auto", &dir.path().join("good")).is_err());
    assert_eq!(fs::read_to_string(&places.user).unwrap(), "[datasets.a\nroot = 1");
}

#[test]
fn a_bad_entry_is_left_out_and_the_others_stay() {
    let dir = tempfile::tempdir().unwrap();
    let places = places(dir.path());
    for file in [&places.user, &places.project] {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
    }
    fs::write(&places.project, "[datasets.market1501]\nroot = \"/from/project\"\n[datasets.p]\nroot = \"p\"\n")
        .unwrap();
    fs::write(
        &places.user,
        "[datasets.market1501]\nlayout = \"market1501\"\nroot = \"/from/user\"\n[datasets.a]\nlayout = \"nope\"\nroot = \"x\"\n\
         [datasets.b]\nlayout = \"msmt17\"\nroot = \"x\"\ntrainval = true\n[datasets.c]\nlayout = \"csv\"\n\
         [datasets.s]\nlayout = \"synthetic\"\ndomain = \"moon\"\n",
    )
    .unwrap();
    let (registry, warnings) = Registry::load_from(places).unwrap();
    assert_eq!(registry.resolve("market1501").unwrap().root, Path::new("/from/user"));
    assert!(registry.resolve("p").is_ok());
    let parts = [
        "`a` left out: there is no layout `nope`",
        "`b` left out",
        "`c` left out: it has no root",
        "`moon` is no domain",
    ];
    assert_eq!(warnings.len(), parts.len(), "{warnings:?}");
    for (warning, part) in warnings.iter().zip(parts) {
        assert!(warning.contains(part), "{warning} lacks {part}");
    }
}

#[test]
fn what_cannot_be_opened_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let (registry, _) = Registry::load_from(places(dir.path())).unwrap();
    let say = |name: &str| registry.open(name, &no_tick).unwrap_err().to_string();
    assert!(say("market-1501").contains("did you mean `market1501`?"));
    assert!(say("zebra").contains("`datasets list` shows the registered names"));
    let missing = say("market1501");
    assert!(
        missing.contains("the folder of `market1501` is not there") && missing.contains("config/datasets.toml"),
        "{missing}"
    );
}
