//! What `export --weights` writes is taken by PyTorch itself, in the networks of the programs whose names it has, and gives
//! the features that `extract` gives.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use reid_workbench::base::tensors::Archive;

use crate::support::engine::{SMALL, Tiny};
use crate::support::skipped;

/// Python with PyTorch and torchvision: what `REID_TEST_TORCH` names, Debian's, or the first in the path.
fn torch() -> Option<PathBuf> {
    let named = std::env::var_os("REID_TEST_TORCH").map(PathBuf::from);
    let mut all = named.into_iter().chain(["/usr/bin/python3", "python3"].map(PathBuf::from));
    let works = |p: &PathBuf| {
        let output = Command::new(p).args(["-c", "import torch, torchvision, PIL"]).output();
        output.is_ok_and(|o| o.status.success())
    };
    let found = all.find(works);
    if found.is_none() {
        skipped("weights loaded by PyTorch", "no Python has torch, torchvision and PIL");
    }
    found
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn program(tiny: &Tiny, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reid-workbench"));
    command.current_dir(tiny.dir.path()).env("REID_CACHE_DIR", tiny.path("cache"));
    command.env("REID_CONFIG_DIR", tiny.path("config")).env("REID_DATA_DIR", tiny.path("data"));
    let output = command.args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", said(&output));
    output
}

/// The queries of the target without loss: decoders of JPEG may differ in the last bit, and this is about the network.
fn queries_as_png(tiny: &Tiny) {
    let to = tiny.path("png/query");
    std::fs::create_dir_all(&to).unwrap();
    for entry in std::fs::read_dir(tiny.path("target/query")).unwrap() {
        let from = entry.unwrap().path();
        let name = from.file_stem().unwrap().to_str().unwrap();
        image::open(&from).unwrap().save(to.join(format!("{name}.png"))).unwrap();
    }
    for other in ["bounding_box_train", "bounding_box_test"] {
        std::os::unix::fs::symlink(tiny.path("target").join(other), tiny.path("png").join(other)).unwrap();
    }
}

#[test]
fn pytorch_loads_what_export_writes_and_computes_the_same_features() {
    let Some(python) = torch() else { return };
    let tiny = Tiny::new();
    let run = ["train", "--preset", "demo", "--source", "source", "--target", "target", "--out", "run"];
    let sizes = SMALL.iter().chain(&["backbone=resnet50", "attention.enabled=false"]);
    let args: Vec<&str> = run.into_iter().chain(["--device", "cpu"]).chain(sizes.flat_map(|&s| ["--set", s])).collect();
    program(&tiny, &args);
    queries_as_png(&tiny);
    program(
        &tiny,
        &["extract", "--dataset", "png", "--split", "query", "--out", "ours.safetensors", "--checkpoint", "run"],
    );
    let file = Archive::open(&tiny.path("ours.safetensors")).unwrap();
    let (shape, ours) = file.array::<f32>("features").unwrap();
    assert!(shape[0] > 4 && shape[1] == 2048, "{shape:?}");

    let all = ["torchvision", "torchreid", "spcl", "fastreid"];
    for names in all {
        program(&tiny, &["export", "run", "--weights", &format!("{names}.safetensors"), "--names", names]);
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pytorch/theirs.py");
    let mut theirs = Command::new(&python);
    let output = theirs.current_dir(tiny.dir.path()).arg(&script).arg("ours.safetensors").args(all).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    for names in all {
        let bytes = std::fs::read(tiny.path(&format!("{names}.f32"))).unwrap();
        let values = bytes.chunks_exact(4).map(|c| f32::from_le_bytes(c.try_into().unwrap()));
        assert_eq!(values.len(), ours.len(), "{names}");
        let worst = values.zip(&ours).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-5, "{names}: features differ by up to {worst}");
    }
}
