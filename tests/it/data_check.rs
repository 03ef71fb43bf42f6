//! `datasets check` and `synthesize`, through the library and through the sub-command's own arguments.

use std::fs;

use clap::Parser;
use reid_workbench::cli::datasets::{DatasetsArgs, run};
use reid_workbench::cli::error::UsageError;
use reid_workbench::data::check::{CheckVerdict, Depth, check, check_with};
use reid_workbench::data::layout::Options;
use reid_workbench::data::synthetic::{City, SyntheticSpec, synthesize};
use reid_workbench::data::{Dataset, no_tick};

use crate::data_kit::{pictures, read};

/// A synthetic set small enough to draw in a test.
pub fn small(domain: City, seed: u64) -> SyntheticSpec {
    SyntheticSpec {
        train_ids: 3,
        test_ids: 2,
        cameras: 2,
        per_camera: 2,
        distractors: 5,
        junk: 2,
        height: 64,
        width: 32,
        ..SyntheticSpec::new(domain, seed)
    }
}

fn drawn(dir: &std::path::Path) -> Dataset {
    synthesize(&dir.join("set"), &small(City::Plaza, 3), &no_tick).unwrap();
    read(&dir.join("set"), None, &Options::default()).unwrap()
}

#[test]
fn a_whole_set_is_equal_and_a_lost_image_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let set = drawn(dir.path());
    let report = check(&set);
    assert_eq!(report.verdict, CheckVerdict::Equal, "{:?}", report.differences);
    assert_eq!(report.splits.iter().map(|s| (s.ids, s.images)).collect::<Vec<_>>(), [(3, 12), (2, 4), (2, 9)]);
    assert_eq!((report.splits[2].distractors, report.cameras), (5, 2));
    assert_eq!(report.splits[0].images_by_camera, [6, 6]);

    fs::remove_file(&set.train[0].path).unwrap();
    let poorer = check(&read(&dir.path().join("set"), None, &Options::default()).unwrap());
    assert_eq!(poorer.verdict, CheckVerdict::Differs);
    assert_eq!(poorer.differences, ["train images: 11 here, 12 published (1 missing)"]);
}

#[test]
fn unreadable_images_are_listed_and_not_fatal() {
    let dir = tempfile::tempdir().unwrap();
    let set = drawn(dir.path());
    fs::write(&set.query[1].path, "no image").unwrap();
    let whole = fs::read(&set.gallery[2].path).unwrap();
    fs::write(&set.gallery[2].path, &whole[..whole.len() / 2]).unwrap();
    let listed = |depth| {
        let report = check_with(&set, depth, &no_tick);
        assert_eq!(report.verdict, CheckVerdict::Equal);
        report.unreadable.into_iter().map(|u| u.path).collect::<Vec<_>>()
    };
    assert_eq!(listed(Depth::Headers), [set.query[1].path.clone()]);
    assert!(listed(Depth::Pixels).contains(&set.query[1].path));
}

#[test]
fn counts_are_held_against_the_published_ones() {
    let dir = tempfile::tempdir().unwrap();
    pictures(
        dir.path(),
        &[
            "bounding_box_train/0002_c1s1_000451_03.jpg",
            "query/0003_c1s1_000451_03.jpg",
            "bounding_box_test/0003_c2s1_000451_03.jpg",
        ],
    );
    let report = check(&read(dir.path(), None, &Options::default()).unwrap());
    assert_eq!(report.published.as_deref(), Some("Market-1501"));
    assert_eq!(report.verdict, CheckVerdict::Differs);
    let first = "train ids: 1 here, 751 published (750 missing)";
    assert_eq!((report.differences.len(), report.differences[0].as_str()), (7, first));
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    datasets: DatasetsArgs,
}

/// Runs `datasets …`; the message of a usage error, or nothing.
fn datasets(words: &[&str]) -> Result<(), String> {
    let line =
        Line::try_parse_from(std::iter::once("datasets").chain(words.iter().copied())).map_err(|e| e.to_string())?;
    run(&line.datasets).map_err(|e| e.downcast::<UsageError>().unwrap().0)
}

#[test]
fn the_command_draws_what_it_then_checks() {
    let dir = tempfile::tempdir().unwrap();
    let set = dir.path().join("set").to_string_lossy().into_owned();
    let small = [
        "--train-ids",
        "2",
        "--test-ids",
        "2",
        "--cameras",
        "2",
        "--per-camera",
        "2",
        "--height",
        "64",
        "--width",
        "32",
    ];
    let draw = |extra: &[&str]| {
        datasets(&[&["synthesize", set.as_str(), "--domain", "station", "--seed", "5"], &small[..], extra].concat())
    };
    assert!(draw(&["--knob", "colour=2"]).unwrap_err().contains("there is no knob `colour`"));
    assert!(draw(&["--knob", "cast=much"]).unwrap_err().contains("it takes a number from 0 to 100"));
    draw(&["--knob", "cast=0.5"]).unwrap();
    datasets(&["check", &set, "--decode"]).unwrap();
    assert!(draw(&[]).unwrap_err().contains("is not empty"));
    assert!(datasets(&["check", "no-such-set"]).unwrap_err().contains("there is no dataset or folder `no-such-set`"));
}
