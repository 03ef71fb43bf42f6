//! `reid-workbench shot` as a user runs it: pictures without a display.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use image::RgbImage;

use super::cli_cluster::{json, program, usage_error};
use super::sample_run;

/// A run folder, and a home in which nothing else is.
struct Sample {
    home: tempfile::TempDir,
}

impl Sample {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        sample_run::write(&home.path().join("run"));
        Self { home }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn shot(&self, args: &[&str]) -> Command {
        let mut command = program();
        for name in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"] {
            command.env(name, self.home.path());
        }
        for name in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"] {
            command.env_remove(name);
        }
        command.current_dir(self.home.path()).arg("shot").args(args);
        command
    }
}

fn picture(path: &Path) -> RgbImage {
    image::open(path).unwrap().into_rgb8()
}

fn colors(picture: &RgbImage) -> usize {
    picture.pixels().map(|p| p.0).collect::<BTreeSet<_>>().len()
}

#[test]
fn a_tile_is_drawn_and_twice_the_same() {
    let sample = Sample::new();
    let args = ["run", "--panel", "rank-lists", "--size", "800x500"];
    let answer = json(sample.shot(&args).args(["--out", "a.png"]));
    assert_eq!(answer["files"], serde_json::json!(["a.png"]));
    sample.shot(&args).args(["--out", "b.png"]).assert().success();
    let first = picture(&sample.path("a.png"));
    assert_eq!(first.dimensions(), (800, 500));
    assert!(colors(&first) > 2000, "{} colours: are there thumbnails?", colors(&first));
    assert_eq!(std::fs::read(sample.path("a.png")).unwrap(), std::fs::read(sample.path("b.png")).unwrap());
}

#[test]
fn the_window_is_drawn_in_its_looks() {
    let sample = Sample::new();
    let mut seen = BTreeSet::new();
    let looks: [&[&str]; 5] = [
        &[],
        &["--theme", "light"],
        &["--layout", "tune", "--epoch", "2", "--against", "1"],
        &["--zoom", "1.5"],
        &["--select", "cluster=3", "--select", "query=5", "--select", "image=train:7", "--layout", "teach"],
    ];
    for look in looks {
        let args = ["run", "--panel", "window", "--size", "800x500", "--out", "window.png"];
        sample.shot(&args).args(look).assert().success();
        let drawn = picture(&sample.path("window.png"));
        assert_eq!(drawn.dimensions(), (800, 500), "{look:?}");
        assert!(colors(&drawn) > 300, "{look:?}: {} colours", colors(&drawn));
        let (dark, corner) = (!look.contains(&"light"), drawn.get_pixel(799, 0).0);
        assert_eq!(corner.iter().all(|&c| c < 64), dark, "{look:?}: {corner:?}");
        assert!(seen.insert(drawn.into_raw()), "{look:?} changes nothing");
    }
}

#[test]
fn all_tiles_and_the_window_are_drawn_into_a_folder() {
    let sample = Sample::new();
    let answer = json(&mut sample.shot(&["run", "--panel", "all", "--size", "320x240", "--out", "shots"]));
    let files: Vec<&str> = answer["files"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect();
    for name in ["loss", "rank-lists", "heat-maps", "k-distance", "lineage", "window"] {
        assert!(files.contains(&format!("shots/{name}.png").as_str()), "{name} in {files:?}");
    }
    for file in files {
        let drawn = picture(&sample.path(file));
        assert_eq!(drawn.dimensions(), (320, 240));
        assert!(colors(&drawn) > 20, "{file}: {} colours", colors(&drawn));
    }
}

#[test]
fn without_a_run_the_window_is_as_it_starts() {
    let sample = Sample::new();
    sample.shot(&["--panel", "window", "--size", "800x500", "--out", "w.png"]).assert().success();
    assert!(colors(&picture(&sample.path("w.png"))) > 100);
}

#[test]
fn what_cannot_be_drawn_is_said() {
    let sample = Sample::new();
    let said = |args: &[&str]| usage_error(sample.shot(args).args(["--size", "800x500"]));
    let tile = ["run", "--panel", "loss", "--out", "a.png"];
    let with = |more: &[&'static str]| [&tile[..], more].concat();
    for (args, words) in [
        (with(&["--epoch", "9"]), "the run has no epoch 9; it has epochs 1 to 6"),
        (with(&["--against", "7"]), "the run has no epoch 7"),
        (with(&["--select", "cluster=500"]), "the run has no cluster 500; the epoch has 65, counted from 0"),
        (with(&["--select", "image=train:4000"]), "the run has no train image 4000; that split has 400"),
        (with(&["--select", "query=12"]), "the run has no query image 12; that split has 12"),
        (with(&["--select", "cluster"]), "write cluster=3"),
        (with(&["--zoom", "9"]), "the zoom is a number from 0.5 to 3"),
        (vec!["run", "--panel", "losses", "--out", "a.png"], "there is no panel `losses`; there are loss, retrieval"),
        (vec!["run", "--panel", "loss", "--out", "a.jpg"], "let its name end in .png"),
        (vec!["none", "--panel", "loss", "--out", "a.png"], "is not a run folder"),
        (vec!["--panel", "loss", "--out", "a.png", "--epoch", "1"], "needs a run folder"),
    ] {
        let said = said(&args);
        assert!(said.contains(words), "{args:?}: {said}");
    }
    let args = ["run", "--panel", "loss", "--size", "80", "--out", "a.png"];
    let said = usage_error(&mut sample.shot(&args));
    assert!(said.contains("write width and height in pixels"), "{said}");
    assert!(!sample.path("a.png").exists());
}

#[test]
fn a_picture_that_takes_too_long_is_given_up() {
    let sample = Sample::new();
    let args = ["run", "--panel", "rank-lists", "--size", "800x500", "--out", "a.png", "--limit", "0"];
    let output = sample.shot(&args).assert().code(1).get_output().clone();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("the picture of rank-lists was not complete after 0 s"), "{said}");
    assert!(said.contains("--limit") && said.lines().count() == 1, "{said}");
    assert!(!sample.path("a.png").exists());
}
