//! One reader under libFuzzer: the one of `bodies.rs` whose name stands in `REID_FUZZ_BODY`.

#![no_main]

use std::cell::OnceCell;
use std::path::PathBuf;

use libfuzzer_sys::fuzz_target;

#[path = "../bodies.rs"]
mod bodies;

use bodies::{BODIES, Body};

struct Bench {
    body: &'static Body,
    dir: tempfile::TempDir,
    file: PathBuf,
}

thread_local!(static BENCH: OnceCell<Bench> = const { OnceCell::new() });

fn bench() -> Bench {
    let name = std::env::var("REID_FUZZ_BODY").expect("REID_FUZZ_BODY names a reader");
    let body = BODIES.iter().find(|b| b.name == name).unwrap_or_else(|| panic!("there is no reader `{name}`"));
    // What else a reader needs lies there: the run of which one file is tried.
    let corpus = std::env::var_os("REID_FUZZ_AROUND").expect("REID_FUZZ_AROUND holds what lies around the file");
    let dir = tempfile::tempdir().unwrap();
    copy(&PathBuf::from(corpus), dir.path());
    let file = (body.place)(dir.path());
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    Bench { body, dir, file }
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let at = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&at).unwrap();
            copy(&entry.path(), &at);
        } else {
            std::fs::copy(entry.path(), at).unwrap();
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    BENCH.with(|cell| {
        let bench = cell.get_or_init(bench);
        std::fs::write(&bench.file, bytes).unwrap();
        (bench.body.read)(bench.dir.path());
    });
});
