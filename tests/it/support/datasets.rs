//! Tiny synthetic datasets.

use std::path::Path;

use reid_workbench::data::no_tick;
use reid_workbench::data::synthetic::{City, SyntheticSpec, synthesize};

/// Twelve people, eight of them for training, two cameras, three pictures each, 64×32.
pub fn tiny_domain(dir: &Path, domain: &str, seed: u64) {
    let spec = SyntheticSpec {
        train_ids: 8,
        test_ids: 4,
        cameras: 2,
        per_camera: 3,
        distractors: 2,
        junk: 1,
        height: 64,
        width: 32,
        ..SyntheticSpec::new(City::from_name(domain).unwrap(), seed)
    };
    synthesize(dir, &spec, &no_tick).unwrap();
}

/// A CSV manifest over a Market-style folder, in which training images have the identities that `train_pid` gives
/// them by position: the order of the files, and so everything but the labels, stays as it is.
pub fn manifest_with(folder: &Path, csv: &Path, train_pid: impl Fn(usize) -> usize) {
    let mut lines = vec!["path,pid,camid,split".to_owned()];
    for (split, name) in [("train", "bounding_box_train"), ("query", "query"), ("gallery", "bounding_box_test")] {
        let files = std::fs::read_dir(folder.join(name)).unwrap().map(|e| e.unwrap().path());
        let mut files: Vec<_> = files.filter(|p| p.to_str().unwrap().contains("_c")).collect();
        files.sort();
        for (i, file) in files.iter().enumerate() {
            let text = file.file_name().unwrap().to_str().unwrap();
            let pid =
                if split == "train" { train_pid(i).to_string() } else { text[..text.find('_').unwrap()].to_owned() };
            let camid = &text[text.find("_c").unwrap() + 2..][..1];
            lines.push(format!("{},{pid},{camid},{split}", file.display()));
        }
    }
    std::fs::write(csv, lines.join("\n")).unwrap();
}
