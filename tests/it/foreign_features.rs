//! Features of other programs: any precision, NumPy's files, lists of images, distance matrices, runs to look at.

use std::fs;
use std::path::PathBuf;

use assert_cmd::Command;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::Value;

use crate::support::torch_save::{self, dict};

struct Bench(tempfile::TempDir);

/// Images, people, numbers a feature.
const N: usize = 96;
const PEOPLE: usize = 8;
const D: usize = 16;

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, args: &[&str]) -> (Value, i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reid-workbench"));
        let output = command.current_dir(self.0.path()).args(args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (serde_json::from_slice(&output.stdout).unwrap_or(Value::Null), output.status.code().unwrap(), said)
    }

    fn safetensors(&self, name: &str, tensors: &[(&str, Dtype, Vec<usize>, Vec<u8>)]) {
        let views = tensors.iter().map(|(n, t, shape, b)| (*n, TensorView::new(*t, shape.clone(), b).unwrap()));
        fs::write(self.path(name), safetensors::serialize(views, None).unwrap()).unwrap();
    }

    /// What `cluster` finds, without times.
    fn clusters(&self, file: &str) -> Value {
        let (mut found, code, said) = self.run(&["cluster", file, "--out", "o.safetensors", "--set", "k1=8"]);
        assert_eq!(code, 0, "{file}: {said}");
        let map = found.as_object_mut().unwrap();
        ["seconds", "quality"].iter().for_each(|k| drop(map.remove(*k)));
        found
    }
}

/// People far from each other, images near.
fn features() -> Vec<f32> {
    let mut state = 7_u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    let centres: Vec<f32> = (0..PEOPLE * D).map(|_| random()).collect();
    (0..N).flat_map(|i| (0..D).map(|j| centres[(i % PEOPLE) * D + j] + 0.1 * random()).collect::<Vec<_>>()).collect()
}

fn le<const W: usize, T: Copy>(values: &[T], bytes: impl Fn(T) -> [u8; W]) -> Vec<u8> {
    values.iter().flat_map(|&v| bytes(v)).collect()
}

fn npy(descr: &str, order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}");
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut out = b"\x93NUMPY\x01\0".to_vec();
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.bytes());
    out.extend(data);
    out
}

#[test]
fn every_precision_and_container_gives_the_same_clusters() {
    let bench = Bench::new();
    let f = features();
    let pid: Vec<u8> = le(&(0..N).map(|i| (i % PEOPLE) as i32).collect::<Vec<_>>(), i32::to_le_bytes);
    let wide: Vec<u8> = le(&(0..N).map(|i| (i % PEOPLE) as i64).collect::<Vec<_>>(), i64::to_le_bytes);
    let (f32s, f64s) = (le(&f, f32::to_le_bytes), le(&f, |x| f64::from(x).to_le_bytes()));
    let half = le(&f, |x| half::f16::from_f32(x).to_le_bytes());
    let brain = le(&f, |x| half::bf16::from_f32(x).to_le_bytes());
    for (name, dtype, bytes) in [
        ("f32", Dtype::F32, &f32s),
        ("f64", Dtype::F64, &f64s),
        ("f16", Dtype::F16, &half),
        ("bf16", Dtype::BF16, &brain),
    ] {
        let tensors = [("features", dtype, vec![N, D], bytes.clone()), ("pid", Dtype::I32, vec![N], pid.clone())];
        bench.safetensors(&format!("{name}.safetensors"), &tensors);
    }
    let truth = bench.clusters("f32.safetensors");
    assert_eq!(truth["clusters"]["normal"], PEOPLE, "{truth}");
    for name in ["f64", "f16", "bf16"] {
        assert_eq!(bench.clusters(&format!("{name}.safetensors")), truth, "{name}");
    }
    let shape = format!("({N}, {D})");
    fs::write(bench.path("a.npy"), npy("<f4", "False", &shape, &f32s)).unwrap();
    fs::write(bench.path("b.npy"), npy("<f8", "False", &shape, &f64s)).unwrap();
    fs::write(bench.path("c.npy"), npy("<f2", "False", &shape, &half)).unwrap();
    let by_column: Vec<f32> = (0..D).flat_map(|j| (0..N).map(|i| f[i * D + j]).collect::<Vec<_>>()).collect();
    fs::write(bench.path("d.npy"), npy("<f4", "True", &shape, &le(&by_column, f32::to_le_bytes))).unwrap();
    let one = npy("<f4", "False", &shape, &f32s);
    let ids = npy("<i8", "False", &format!("({N},)"), &wide);
    fs::write(bench.path("e.npz"), torch_save::zip(&[("features.npy", &one), ("pid.npy", &ids)])).unwrap();
    torch_save::save(&bench.path("f.pt"), &dict([("features", torch_save::floats(&[N, D], &f))]));
    for name in ["a.npy", "b.npy", "c.npy", "d.npy", "e.npz", "f.pt"] {
        assert_eq!(bench.clusters(name), truth, "{name}");
    }
    fs::write(bench.path("o.npy"), npy("|O", "False", "(3,)", &[0; 24])).unwrap();
    let (_, code, said) = bench.run(&["cluster", "o.npy", "--out", "x.safetensors"]);
    assert!(code == 2 && said.contains("Python objects"), "{said}");
}

/// A list: the first two images of each person ask, the next two are the gallery, the rest is for training.
fn list(cameras: bool) -> String {
    let mut text = format!("path,pid,{}split\n", if cameras { "camid," } else { "" });
    for i in 0..N {
        let split = ["query", "query", "gallery", "gallery"].get(i / PEOPLE).unwrap_or(&"train");
        let camera = if cameras { format!("{},", i / PEOPLE) } else { String::new() };
        text += &format!("img/{i:03}.png,{},{camera}{split}\n", 1 + i % PEOPLE);
    }
    text
}

#[test]
fn a_list_of_images_says_who_is_who() {
    let bench = Bench::new();
    let f = features();
    let bytes = le(&f, f32::to_le_bytes);
    fs::write(bench.path("f.npy"), npy("<f4", "False", &format!("({N}, {D})"), &bytes)).unwrap();
    fs::write(bench.path("list.csv"), list(true)).unwrap();
    let (found, code, said) = bench.run(&["evaluate", "f.npy", "--images", "list.csv"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!((found["valid_queries"].as_u64(), found["queries"].as_u64()), (Some(16), Some(16)), "{found}");
    assert!(found["mAP"].as_f64().unwrap() > 0.99 && found["mINP"].as_f64().unwrap() > 0.99, "{found}");

    // The distances of the same features, as a matrix of queries and gallery.
    let far = |a: usize, b: usize| (0..D).map(|j| (f[a * D + j] - f[b * D + j]).powi(2)).sum::<f32>();
    let (q, g): (Vec<usize>, Vec<usize>) = ((0..2 * PEOPLE).collect(), (2 * PEOPLE..4 * PEOPLE).collect());
    let matrix: Vec<f32> = q.iter().flat_map(|&a| g.iter().map(move |&b| far(a, b))).collect();
    let data = le(&matrix, f32::to_le_bytes);
    fs::write(bench.path("d.npy"), npy("<f4", "False", "(16, 16)", &data)).unwrap();
    let (by_distance, code, said) = bench.run(&["evaluate", "d.npy", "--images", "list.csv"]);
    assert_eq!(code, 0, "{said}");
    for key in ["mAP", "mINP", "cmc", "valid_queries"] {
        assert_eq!(by_distance[key], found[key], "{key}");
    }
    let ids = |v: &[usize]| le(&v.iter().map(|i| (i % PEOPLE) as i32).collect::<Vec<_>>(), i32::to_le_bytes);
    bench.safetensors(
        "d.safetensors",
        &[
            ("distmat", Dtype::F32, vec![16, 16], data),
            ("query_pid", Dtype::I32, vec![16], ids(&q)),
            ("gallery_pid", Dtype::I32, vec![16], ids(&g)),
        ],
    );
    let (alone, _, said) = bench.run(&["evaluate", "d.safetensors"]);
    assert_eq!(alone["mAP"], found["mAP"], "{said}");
    let (_, code, said) = bench.run(&["evaluate", "d.safetensors", "--rerank"]);
    assert!(code == 2 && said.contains("needs the features"), "{said}");

    let run = ["cluster", "f.npy", "--out", "o.safetensors", "--images", "list.csv", "--run", "seen", "--set", "k1=8"];
    let (_, code, said) = bench.run(&run);
    assert_eq!(code, 0, "{said}");
    let images = fs::read_to_string(bench.path("seen/images.csv")).unwrap();
    assert!(
        images.contains(&format!(
            "{},2,0",
            bench.path("img/001.png").canonicalize().unwrap_or(bench.path("img/001.png")).display()
        )),
        "{images}"
    );
    let (_, code, said) = bench.run(&["cluster", "a.npy", "--out", "o.safetensors", "--images", "list.csv"]);
    assert!(code == 2 && said.contains("a.npy"), "{said}");
}

#[test]
fn features_over_several_epochs_become_a_run_with_rank_lists() {
    let bench = Bench::new();
    let f = features();
    fs::create_dir(bench.path("epochs")).unwrap();
    for (epoch, noise) in [(0, 0.6_f32), (1, 0.2), (10, 0.0)] {
        let worse: Vec<f32> =
            f.iter().enumerate().map(|(i, x)| x + noise * ((i * 37 % 101) as f32 / 101.0 - 0.5)).collect();
        let bytes = npy("<f4", "False", &format!("({N}, {D})"), &le(&worse, f32::to_le_bytes));
        fs::write(bench.path(&format!("epochs/epoch-{epoch}.npy")), bytes).unwrap();
    }
    fs::write(bench.path("list.csv"), list(false)).unwrap();
    let (found, code, said) = bench.run(&["import", "epochs", "--images", "list.csv", "--out", "run", "--set", "k1=8"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(found["images"], serde_json::json!({ "train": 64, "query": 16, "gallery": 16 }), "{found}");
    let order: Vec<String> = (0..3).map(|i| found["epochs"][i]["file"].as_str().unwrap().to_owned()).collect();
    assert!(order[1].ends_with("epoch-1.npy") && order[2].ends_with("epoch-10.npy"), "{order:?}");
    assert!(found["epochs"][2]["mAP"].as_f64().unwrap() > 0.99, "{found}");
    for part in ["clusters", "ranks", "graph"] {
        assert!(bench.path(&format!("run/epochs/0002/{part}.safetensors")).is_file(), "{part}");
    }
    let view = reid_workbench::run::RunReader::open(&bench.path("run")).unwrap();
    assert_eq!(view.manifest.target, "list");
    let (tables, code, said) = bench.run(&["export", "run", "--csv", "tables"]);
    assert_eq!(code, 0, "{said}");
    assert!(!tables["files"].as_array().unwrap().is_empty());
    // The same folder is not written twice, and another number of rows is refused.
    let (_, code, said) = bench.run(&["import", "epochs", "--images", "list.csv", "--out", "run"]);
    assert_eq!(code, 2, "{said}");
    fs::write(bench.path("short.csv"), list(false).lines().take(9).collect::<Vec<_>>().join("\n")).unwrap();
    let (_, code, said) = bench.run(&["import", "epochs", "--images", "short.csv", "--out", "other"]);
    assert!(code == 2 && said.contains("96 rows, and the list 8 images"), "{said}");
    assert!(!bench.path("other/manifest.json").exists(), "nothing is left of what was refused");
}

#[test]
fn dumps_of_other_programs_are_read_under_their_names() {
    let bench = Bench::new();
    let f = features();
    let bytes = le(&f, f32::to_le_bytes);
    fs::write(bench.path("f.npy"), npy("<f4", "False", &format!("({N}, {D})"), &bytes)).unwrap();
    let truth = bench.clusters("f.npy");
    // Maps of one pixel, as a network without its last layer gives them.
    fs::write(bench.path("maps.npy"), npy("<f4", "False", &format!("({N}, {D}, 1, 1)"), &bytes)).unwrap();
    assert_eq!(bench.clusters("maps.npy"), truth);
    // torchreid's and layumi's words for a test set.
    let (q, g) = (16 * D * 4, 32 * D * 4);
    let ids = |from: usize| le(&(from..from + 16).map(|i| (i % PEOPLE) as i64).collect::<Vec<_>>(), i64::to_le_bytes);
    let cams = |c: i64| le(&[c; 16], i64::to_le_bytes);
    let said_so: Vec<Value> = [
        ["query_features", "gallery_features", "query_pid", "gallery_pid", "query_camid", "gallery_camid"],
        ["qf", "gf", "q_pids", "g_pids", "q_camids", "g_camids"],
        ["query_f", "gallery_f", "query_label", "gallery_label", "query_cam", "gallery_cam"],
    ]
    .iter()
    .map(|names| {
        let part = |bytes: &[u8]| npy("<f4", "False", &format!("(16, {D})"), bytes);
        let whole = |bytes: &[u8]| npy("<i8", "False", "(16,)", bytes);
        let arrays =
            [part(&bytes[..q]), part(&bytes[q..g]), whole(&ids(0)), whole(&ids(16)), whole(&cams(0)), whole(&cams(1))];
        let entries: Vec<(String, &[u8])> =
            names.iter().zip(&arrays).map(|(n, a)| (format!("{n}.npy"), a.as_slice())).collect();
        let entries: Vec<(&str, &[u8])> = entries.iter().map(|(n, a)| (n.as_str(), *a)).collect();
        fs::write(bench.path("test.npz"), torch_save::zip(&entries)).unwrap();
        let (found, code, said) = bench.run(&["evaluate", "test.npz"]);
        assert_eq!(code, 0, "{said}");
        assert_eq!(found["same_camera_rule"], true, "{said}");
        found["mAP"].clone()
    })
    .collect();
    assert!(said_so.iter().all(|m| *m == said_so[0] && m.as_f64().unwrap() > 0.9), "{said_so:?}");

    // SpCL keeps a feature under each image's name: the list brings them into its order.
    let mut rows: Vec<usize> = (0..N).collect();
    rows.reverse();
    let named = rows.iter().map(|&i| (format!("{i:03}.png"), torch_save::floats(&[D], &f[i * D..(i + 1) * D])));
    torch_save::save(&bench.path("named.pt"), &torch_save::Py::Dict(named.collect()));
    fs::write(bench.path("list.csv"), list(true)).unwrap();
    let of = |file: &str| bench.run(&["evaluate", file, "--images", "list.csv"]).0["mAP"].clone();
    assert_eq!(of("named.pt"), of("f.npy"));
    assert!(of("named.pt").is_f64());
    fs::write(bench.path("more.csv"), list(true) + "img/none.png,1,0,gallery\n").unwrap();
    let (_, code, said) = bench.run(&["evaluate", "named.pt", "--images", "more.csv"]);
    assert!(code == 2 && said.contains("no feature of none.png"), "{said}");

    // A header of 0x0280 bytes begins as a pickle does.
    let header = format!(r#"{{"features":{{"dtype":"F32","shape":[{N},{D}],"data_offsets":[0,{}]}}}}"#, N * D * 4);
    let file = [&0x0280_u64.to_le_bytes()[..], format!("{header:<640}").as_bytes(), &bytes].concat();
    fs::write(bench.path("f.safetensors"), file).unwrap();
    assert_eq!(bench.clusters("f.safetensors"), truth);

    for (name, head, words) in [
        ("a.mat", &b"MATLAB 5.0 MAT-file, Platform: GLNXA64"[..], "np.savez"),
        ("b.mat", b"\x89HDF\r\n\x1a\n\0\0\0\0", "MATLAB or HDF5"),
        ("c.pkl", b"\x80\x04\x95\x10\0\0\0\0\0\0\0}.", "pickle of Python"),
    ] {
        fs::write(bench.path(name), head).unwrap();
        let (_, code, said) = bench.run(&["cluster", name, "--out", "o.safetensors"]);
        assert!(code == 2 && said.contains(words) && said.trim().lines().count() == 1, "{said}");
    }
}

#[test]
fn imported_rank_lists_stand_before_and_after_re_ranking() {
    use reid_workbench::run::event::SnapshotPart;
    use reid_workbench::run::snapshot::{RankSnapshot, part_path};
    let bench = Bench::new();
    let noisy: Vec<f32> =
        features().iter().enumerate().map(|(i, x)| x + 0.9 * ((i * 37 % 101) as f32 / 101.0 - 0.5)).collect();
    let bytes = npy("<f4", "False", &format!("({N}, {D})"), &le(&noisy, f32::to_le_bytes));
    fs::write(bench.path("f.npy"), bytes).unwrap();
    fs::write(bench.path("list.csv"), list(true)).unwrap();
    let import = ["import", "f.npy", "--images", "list.csv", "--out", "run", "--rerank", "--set", "k1=8"];
    let (found, code, said) = bench.run(&import);
    assert_eq!(code, 0, "{said}");
    let before = bench.run(&["evaluate", "f.npy", "--images", "list.csv"]).0;
    let after = bench.run(&["evaluate", "f.npy", "--images", "list.csv", "--rerank"]).0;
    assert_eq!(found["epochs"][0]["mAP"], before["mAP"]);
    assert_eq!(found["epochs"][0]["reranked"]["mAP"], after["mAP"]);
    assert_ne!(before["mAP"], after["mAP"]);
    let run = bench.path("run");
    assert!(part_path(&run, 0, SnapshotPart::Reranked).is_file());
    let ranked = RankSnapshot::read_as(SnapshotPart::Reranked, &run, 0).unwrap();
    assert_eq!(ranked.queries(), 16);

    let mut window = crate::support::window::Window::on(&run);
    window.until("Epoch of comparison, against epoch…");
    window.click("Epoch of comparison, against epoch…");
    window.until("re-ranked, mAP");
    let option = format!("re-ranked, mAP {:.1}", 100.0 * after["mAP"].as_f64().unwrap());
    window.click(&option);
    window.until("Epoch of comparison, re-ranked");
    window.until("by re-ranking");
}
