//! Every reader of foreign files against whole files damaged at random, by a fixed seed: each try is a value or an error,
//! never a panic, and soon.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use reid_workbench::cli::tensors::TensorReader;
use reid_workbench::data::layout::{self, Options, manifest, names};
use reid_workbench::data::{decode, registry};
use reid_workbench::model::weights::WeightsFile;
use reid_workbench::run::images::Images;
use reid_workbench::run::manifest::Manifest;
use reid_workbench::run::snapshot::RankSnapshot;

use crate::data_kit::pictures;
use crate::prng::word;
use crate::support::torch_save::{self, dict, floats};

/// Damaged variants of each file.
const TRIES: u64 = 300;
const SEED: u64 = 0x5eed;

/// A whole file, damaged in one to four places: bytes changed, left out, doubled, numbers made large, or its end lost.
fn damaged(whole: &[u8], stream: u64) -> Vec<u8> {
    let mut out = whole.to_vec();
    let mut at = 0;
    let mut below = |n: usize| {
        at += 1;
        (word(SEED, stream, at) >> 16) as usize % n.max(1)
    };
    for _ in 0..=below(4) {
        let place = below(out.len());
        match below(7) {
            0 => out.truncate(place),
            1 if !out.is_empty() => out[place] ^= 1 << below(8),
            2 if !out.is_empty() => out[place] = below(256) as u8,
            3 => {
                let end = (place + below(40)).min(out.len());
                drop(out.drain(place..end));
            }
            4 => {
                let end = (place + below(40)).min(out.len());
                let twice = out[place..end].to_vec();
                out.splice(place..place, twice);
            }
            5 => {
                let end = (place + 8).min(out.len());
                out[place..end].fill([0xff, 0, 0x7f][below(3)]);
            }
            _ => {
                if let Some(digit) = out.iter().skip(place).position(u8::is_ascii_digit) {
                    out.splice(place + digit..=place + digit, *b"99999999999");
                }
            }
        }
    }
    out
}

/// Feeds damaged variants to a reader.
fn survives(name: &str, whole: &[u8], read: impl Fn(&Path)) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    fs::write(&path, whole).unwrap();
    read(&path);
    for stream in 0..TRIES {
        fs::write(&path, damaged(whole, stream)).unwrap();
        let began = Instant::now();
        read(&path);
        assert!(began.elapsed() < Duration::from_secs(5), "{name}, {stream}: {:?}", began.elapsed());
    }
}

fn saved(write: impl Fn(&Path)) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("whole"));
    fs::read(dir.path().join("whole")).unwrap()
}

#[test]
fn damaged_weights_and_arrays_are_values_or_errors() {
    let weights = |path: &Path| {
        if let Ok(file) = WeightsFile::open(path) {
            let _ = file.plan(1).and_then(|_| file.all());
        }
    };
    let net = [
        ("module.base.0.weight", floats(&[2, 3, 1, 1], &[1.0; 6])),
        ("module.base.4.0.conv1.weight", floats(&[2, 2, 1, 1], &[1.0; 4])),
        ("module.feat_bn.running_mean", floats(&[2], &[1.0; 2])),
    ];
    let state = || dict([("state_dict", dict(net.clone())), ("epoch", torch_save::Py::Int(3))]);
    survives("new.pth", &saved(|p| torch_save::save(p, &state())), weights);
    survives("old.pth", &saved(|p| torch_save::save_old(p, &state())), weights);
    let arrays = |path: &Path| {
        if let Ok(mut file) = TensorReader::open(path) {
            let name = file.features();
            let _ = file.matrix(name);
            let _ = file.ids("pid", 3);
        }
    };
    let header = r#"{"features":{"dtype":"F16","shape":[3,2],"data_offsets":[0,12]},"pid":{"dtype":"I64","shape":[3],"data_offsets":[12,36]}}"#;
    let tensors = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[7; 36]].concat();
    survives("f.safetensors", &tensors, |path| {
        arrays(path);
        weights(path);
    });
    let head = "{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }            \n";
    let npy = [&b"\x93NUMPY\x01\0"[..], &(head.len() as u16).to_le_bytes(), head.as_bytes(), &[9; 24]].concat();
    survives("f.npy", &npy, arrays);
    survives("f.npz", &torch_save::zip(&[("features.npy", &npy), ("pid.npy", &npy)]), arrays);
    survives("f.pt", &saved(|p| torch_save::save(p, &dict([("features", floats(&[3, 2], &[1.0; 6]))]))), arrays);
    survives(
        "model.safetensors.index.json",
        br#"{"weight_map":{"conv1.weight":"a.safetensors","fc.bias":"b"}}"#,
        weights,
    );
}

#[test]
fn damaged_lists_are_values_or_errors() {
    let list = "\u{feff}image_name;person_id;camera_id;subset;clothes\r\na\\b.png;person_1;c1;train;0\r\n\
                \"c;d.png\";12.0;c2;query;1\r\ne.png;9000000000;c3;gallery;\r\n";
    survives("list.csv", list.as_bytes(), |path| drop(manifest::read(path)));
    let wide: Vec<u8> =
        [0xfffe_u16.swap_bytes()].into_iter().chain(list.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    survives("wide.csv", &wide, |path| drop(manifest::read(path)));
    survives(
        "datasets.toml",
        b"[datasets.own]\nlayout = \"csv\"\nroot = \"/x\"\nseed = 3\nvariant = \"small\"\n",
        |path| {
            let dir = path.parent().unwrap().to_owned();
            let places = registry::Places {
                project: path.to_owned(),
                user: dir.join("none.toml"),
                base: dir.clone(),
                data: dir,
            };
            drop(registry::Registry::load_from(places));
        },
    );
    // Layouts that come with lists, with one list damaged at a time.
    let dir = tempfile::tempdir().unwrap();
    let w = |name: &str, text: &str| {
        fs::create_dir_all(dir.path().join(name).parent().unwrap()).unwrap();
        fs::write(dir.path().join(name), text).unwrap();
    };
    pictures(
        dir.path(),
        &["wild/images/00001/000001.jpg", "vid/image/0000001.jpg", "msmt/train/0000/0000_000_01_x.jpg"],
    );
    w("wild/train_test_split/vehicle_info.txt", "id/image;Camera ID;Time\n00001/000001;34;x\n");
    for name in ["train_list", "test_3000_query", "test_3000"] {
        w(&format!("wild/train_test_split/{name}.txt"), "00001/000001.jpg\r\n");
    }
    w("vid/train_test_split/train_list.txt", "0000001 7\n");
    w("vid/train_test_split/test_list_800.txt", "0000001 7\n0000001 7\n");
    fs::create_dir_all(dir.path().join("msmt/test")).unwrap();
    for name in ["train", "val", "query", "gallery"] {
        w(&format!("msmt/list_{name}.txt"), "0000/0000_000_01_0303morning_0008_0.jpg 0\n");
    }
    pictures(dir.path(), &["deep/train-set/a.jpg", "deep/test-set-query/a.jpg", "deep/test-set-gallery/a.jpg"]);
    for name in ["train-set", "test-set-query", "test-set-gallery"] {
        w(&format!("deep/{name}-bbox.txt"), "P16_C05_20200713_T00010_F00001_b1.jpg,10\n");
    }
    for (layout, set, lists) in [
        ("veriwild", "wild", &["train_test_split/vehicle_info.txt", "train_test_split/test_3000.txt"][..]),
        ("vehicleid", "vid", &["train_test_split/train_list.txt", "train_test_split/test_list_800.txt"]),
        ("msmt17", "msmt", &["list_train.txt", "list_gallery.txt"]),
        ("deepchange", "deep", &["train-set-bbox.txt"]),
    ] {
        let (layout, root) = (layout::by_name(layout).unwrap(), dir.path().join(set));
        for list in lists {
            let whole = fs::read(root.join(list)).unwrap();
            survives("part.txt", &whole, |damaged| {
                fs::copy(damaged, root.join(list)).unwrap();
                drop(layout::read(layout, "set", &root, &Options::default()));
            });
            fs::write(root.join(list), whole).unwrap();
        }
    }
}

#[test]
fn damaged_names_pictures_and_run_files_are_values_or_errors() {
    for pattern in &names::PATTERNS {
        for stream in 0..TRIES {
            let name = damaged(pattern.example.0.as_bytes(), stream);
            let _ = pattern.parse(&String::from_utf8_lossy(&name));
            let _ = names::camera_in(&String::from_utf8_lossy(&name));
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pictures");
    for name in [
        "rgb420.jpg",
        "ycck.jpg",
        "progressive.jpg",
        "palette.png",
        "la16.png",
        "lossy.webp",
        "alpha.webp",
        "lzw.tif",
        "p.bmp",
    ] {
        survives(name, &fs::read(folder.join(name)).unwrap(), |path| drop(decode::decode(path)));
    }
    for name in ["anim.gif", "p16.pgm", "ascii.ppm"] {
        survives(name, &fs::read(folder.join(name)).unwrap(), |path| {
            drop((decode::header(path), decode::decode(path)))
        });
    }
    let inside = |path: &Path| path.parent().unwrap().to_owned();
    survives("images.csv", b"split,index,path,pid,camid\ntrain,0,a.png,1,0\nquery,0,b.png,2,1\n", |path| {
        drop(Images::read(&inside(path)));
    });
    let manifest = serde_json::to_vec(&Manifest::new("a", "b", 1, "cpu")).unwrap();
    survives("manifest.json", &manifest, |path| drop(Manifest::read(&inside(path))));
    let ranks = RankSnapshot {
        ap: vec![0.5, f64::NAN],
        top: 2,
        ranks: vec![0, 1, 1, 0],
        distances: vec![0.1, 0.2, 0.3, 0.4],
        match_indptr: vec![0, 1, 1],
        match_index: vec![1],
        match_rank: vec![2],
        match_distance: vec![0.2],
    };
    let run = tempfile::tempdir().unwrap();
    ranks.write(run.path(), 0).unwrap();
    let path = reid_workbench::run::snapshot::part_path(run.path(), 0, reid_workbench::run::event::SnapshotPart::Ranks);
    let whole = fs::read(&path).unwrap();
    for stream in 0..TRIES {
        fs::write(&path, damaged(&whole, stream)).unwrap();
        if let Ok(read) = RankSnapshot::read(run.path(), 0) {
            (0..read.queries()).for_each(|q| {
                assert!(read.hits(q).count() <= read.top && read.matches(q).count() <= read.match_index.len())
            });
        }
    }
}
