//! Synthetic pedestrians: the same seed gives the same bytes, and colour alone does not solve them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use reid_workbench::data::layout::Options;
use reid_workbench::data::registry::{Places, Registry};
use reid_workbench::data::synthetic::plan::SetPlan;
use reid_workbench::data::synthetic::{City, SyntheticSpec, histogram, synthesize, synthesize_with};
use reid_workbench::data::{DataError, builtin, decode, no_tick};

use crate::data_check::small;
use crate::data_kit::read;

fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut out = BTreeMap::new();
    for folder in ["bounding_box_train", "query", "bounding_box_test"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            out.insert(format!("{folder}/{}", path.file_name().unwrap().to_string_lossy()), fs::read(&path).unwrap());
        }
    }
    out
}

fn draw(spec: &SyntheticSpec) -> BTreeMap<String, Vec<u8>> {
    let dir = tempfile::tempdir().unwrap();
    synthesize(dir.path(), spec, &no_tick).unwrap();
    files(dir.path())
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let spec = small(City::Station, 7);
    let first = draw(&spec);
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert!(first == alone.install(|| draw(&spec)));
    assert_eq!(first.len(), 3 * 4 + 2 * 4 + 5 + 2);
}

#[test]
fn seed_domain_and_knobs_change_the_pictures() {
    let spec = small(City::Plaza, 7);
    let base = draw(&spec);
    let picture = |set: &BTreeMap<String, Vec<u8>>| set.values().next().unwrap().clone();
    let mut darker = spec;
    darker.knobs.darkness = 0.5;
    for other in [small(City::Plaza, 8), small(City::Station, 7), darker] {
        assert_ne!(picture(&base), picture(&draw(&other)));
    }
}

#[test]
fn pictures_have_the_size_asked_for_and_are_no_flat_colour() {
    let dir = tempfile::tempdir().unwrap();
    synthesize(dir.path(), &small(City::Station, 2), &no_tick).unwrap();
    let set = read(dir.path(), None, &Options::default()).unwrap();
    assert_eq!((set.layout, set.has_cameras), ("synthetic", true));
    for sample in set.train.iter().chain(&set.query).chain(&set.gallery) {
        let image = decode::decode(&sample.path).unwrap();
        assert_eq!(image.dimensions(), (32, 64));
        let mean = image.as_raw().iter().map(|&v| f64::from(v)).sum::<f64>() / image.as_raw().len() as f64;
        let spread =
            image.as_raw().iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / image.as_raw().len() as f64;
        assert!((25.0..235.0).contains(&mean) && spread > 60.0, "{}: {mean} {spread}", sample.path.display());
    }
}

/// Masks beside the pictures, which are the same with and without: where a person is who was sought, and nobody else.
#[test]
fn masks_say_where_the_people_are() {
    let dir = tempfile::tempdir().unwrap();
    let spec = small(City::Station, 7);
    let (set, masks) = (dir.path().join("set"), dir.path().join("masks"));
    synthesize_with(&set, Some(&masks), &spec, &no_tick).unwrap();
    assert!(files(&set) == draw(&spec));
    let mut empty = 0;
    for (name, _) in files(&set) {
        let mask = image::open(masks.join(&name).with_extension("pgm")).unwrap().into_luma8();
        assert_eq!(mask.dimensions(), (32, 64));
        let share = |rows: std::ops::Range<u32>, columns: std::ops::Range<u32>| {
            let mut all =
                rows.flat_map(|y| columns.clone().map(move |x| (x, y))).map(|(x, y)| mask.get_pixel(x, y).0[0]);
            let (sum, n) = all.by_ref().fold((0.0, 0.0), |(sum, n), v| (sum + f64::from(v) / 255.0, n + 1.0));
            sum / n
        };
        let whole = share(0..64, 0..32);
        empty += usize::from(whole == 0.0);
        if name.starts_with("bounding_box_train") {
            assert!((0.1..0.75).contains(&whole), "{name}: {whole}");
            assert!(share(16..48, 10..22) > share(0..64, 0..4), "{name}: people stand in the middle");
        }
    }
    assert_eq!(empty, spec.distractors.div_ceil(5), "one distractor in five is empty ground");
}

#[test]
fn a_colour_histogram_alone_ranks_poorly() {
    for domain in [City::Plaza, City::Station] {
        let dir = tempfile::tempdir().unwrap();
        let spec = SyntheticSpec {
            train_ids: 1,
            test_ids: 16,
            per_camera: 2,
            distractors: 10,
            ..SyntheticSpec::new(domain, 1)
        };
        synthesize(dir.path(), &spec, &no_tick).unwrap();
        let map = histogram::map(&read(dir.path(), None, &Options::default()).unwrap());
        assert!((0.005..0.4).contains(&map), "{domain:?}: {map}");
    }
}

#[test]
fn a_stopped_drawing_leaves_no_set_behind() {
    let dir = tempfile::tempdir().unwrap();
    let asked = AtomicU64::new(0);
    let stop = |_: u64, _: u64| asked.fetch_add(1, Ordering::Relaxed) < 2;
    let stopped = synthesize(dir.path(), &small(City::Plaza, 1), &stop);
    assert!(matches!(stopped, Err(DataError::Cancelled)));
    assert!(!dir.path().join("synthetic.json").exists());
}

#[test]
fn a_built_in_set_is_drawn_once_and_then_kept() {
    let dir = tempfile::tempdir().unwrap();
    let spec = small(City::Plaza, 9);
    let root = builtin::folder(dir.path(), &spec);
    let drawn = AtomicU64::new(0);
    let count = |_: u64, _: u64| drawn.fetch_add(1, Ordering::Relaxed) < u64::MAX;
    builtin::ensure(&root, &spec, &count).unwrap();
    let first = files(&root);
    assert_eq!(drawn.load(Ordering::Relaxed), first.len() as u64);
    builtin::ensure(&root, &spec, &count).unwrap();
    assert_eq!(drawn.load(Ordering::Relaxed), first.len() as u64);
    // Half a set, as after a fall of the machine, is drawn anew.
    fs::remove_file(root.join("synthetic.json")).unwrap();
    builtin::ensure(&root, &spec, &no_tick).unwrap();
    assert!(first == files(&root));
    let kept: Vec<_> = fs::read_dir(root.parent().unwrap()).unwrap().collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
}

#[test]
fn the_built_in_sets_have_the_promised_size() {
    let dir = tempfile::tempdir().unwrap();
    let places = Places {
        project: dir.path().join("none.toml"),
        user: dir.path().join("none-either.toml"),
        base: dir.path().join("base"),
        data: dir.path().join("data"),
    };
    let (registry, _) = Registry::load_from(places).unwrap();
    for (name, domain) in [("synthetic-plaza", City::Plaza), ("synthetic-station", City::Station)] {
        let spec = builtin::spec(&registry.resolve(name).unwrap().options).unwrap();
        assert_eq!(spec, SyntheticSpec::new(domain, 1));
        let written = SetPlan::new(&spec).written();
        assert_eq!((written.train, written.query, written.gallery), (1024, 192, 576 + 60 + 16));
    }
}
