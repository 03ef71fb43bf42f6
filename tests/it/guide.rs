//! The guide says what is: its commands are understood, its pictures are there and look as the program draws today.

use std::path::{Path, PathBuf};

use clap::Parser;
use reid_workbench::cli::Cli;

use super::cli_cluster::program;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> Vec<(PathBuf, String)> {
    let mut pages: Vec<PathBuf> =
        std::fs::read_dir(root().join("docs/guide")).unwrap().map(|e| e.unwrap().path()).collect();
    pages.push(root().join("README.md"));
    pages.retain(|p| p.extension().is_some_and(|e| e == "md"));
    pages.into_iter().map(|p| (p.clone(), std::fs::read_to_string(p).unwrap())).collect()
}

/// The lines of code blocks that call the program, without their comments and what the shell does with the output.
fn commands(text: &str) -> Vec<String> {
    let blocks = text.split("```").skip(1).step_by(2);
    let before = |line: &'_ str, mark: &str| line.split(mark).next().unwrap_or_default().trim().to_owned();
    let lines = blocks.flat_map(str::lines).map(|line| before(&before(line, " #"), " > "));
    let called = lines.filter_map(|l| {
        let rest = l.strip_prefix("reid-workbench").or_else(|| l.strip_prefix("cargo run --"));
        rest.map(|rest| format!("reid-workbench{rest}"))
    });
    called.collect()
}

#[test]
fn every_command_of_guide_and_readme_is_understood() {
    let mut found = 0;
    for (path, text) in pages() {
        for command in commands(&text) {
            let parsed = Cli::try_parse_from(command.split_whitespace());
            let reason = parsed.err().map(|e| e.to_string());
            assert!(reason.is_none(), "{}: `{command}`: {}", path.display(), reason.unwrap());
            found += 1;
        }
    }
    assert!(found > 25, "{found} commands");
}

#[test]
fn every_picture_and_page_that_is_named_is_there() {
    let mut found = 0;
    for (path, text) in pages() {
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split(')').next().unwrap();
            if !target.starts_with("http") {
                let file = path.parent().unwrap().join(target);
                assert!(file.exists(), "{}: {target} is missing", path.display());
                found += 1;
            }
        }
    }
    assert!(found > 15, "{found} links");
}

fn picture(path: &Path) -> image::RgbImage {
    image::open(path).unwrap().into_rgb8()
}

#[test]
fn a_picture_of_the_guide_is_what_the_program_draws() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("now.png");
    let args = ["shot", "example", "--panel", "reliability", "--epoch", "10", "--size", "760x420", "--theme", "light"];
    program().env("REID_DATA_DIR", home.path()).args(args).arg("--out").arg(&out).assert().success();
    let (kept, now) = (picture(&root().join("docs/guide/pictures/histogram-epoch-10.png")), picture(&out));
    assert_eq!(kept.dimensions(), now.dimensions());
    let differ = |(a, b): &(&image::Rgb<u8>, &image::Rgb<u8>)| a.0.iter().zip(b.0).any(|(a, b)| a.abs_diff(b) > 24);
    let share = kept.pixels().zip(now.pixels()).filter(differ).count() as f64 / kept.pixels().len() as f64;
    assert!(share < 0.03, "{:.1} % of the picture changed: look at it, and `make guide`", 100.0 * share);
}
